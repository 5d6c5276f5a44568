"""The house: who may import whom, what loads late, what the files around the code promise."""

import ast
import base64
import configparser
import functools
import importlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import tokenize
import tomllib
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from helpers import _ground
from helpers.authoring import pins
from helpers.course import bootstrap, cli

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# The floors, from the ground: a room imports from its own floor and those before it.
FLOORS = (
    {"_ground", "_threads", "_arguments", "_imports", "_kept", "_progress", "results"},
    {"data", "models", "plots", "theory"},
    {"loop", "metrics", "policies"},
    {"verification"},
    {"coding"},
    {"capstone"},
    {"studies"},
    {"explorers"},
    {"authoring", "teaching"},
    {"book"},
    {"course"},
    {"__main__"},
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
# What may never import what, wherever the floors lie.
SCIENCE = (
    *("data", "models", "plots", "theory", "loop", "metrics", "policies"),
    *("verification", "coding", "capstone", "studies"),
)
NEVER = {
    # The loop sees models, policies and verifiers only as protocols.
    *(("loop", name) for name in ("models", "policies", "verification", "coding")),
    *((room, name) for room in SCIENCE for name in ("teaching", "explorers", "authoring", "book")),
}
# Learners' own copies import these; they are never overwritten. Gone with 2.0.
OLD_PATHS = {
    "bootstrap": "course.bootstrap",
    "cli": "course.cli",
    "corpora": "data.corpora",
    "desk": "course.desk",
    "digits": "data.digits",
    "doctor": "course.doctor",
    "execution_explorer": "explorers.lesson_11",
    "execution_programs": "studies.execution_programs",
    "generative_metrics": "metrics.generative",
    "grammar": "data.stories",
    "language_explorers": "explorers.lesson_05",
    "language_metrics": "metrics.language",
    "quick_runs": "explorers.quick_runs",
    "widgets": "explorers.controls",
}
# Where the old module's name is a room now, its __init__ gives what the module gave.
OLD_NAMES = {
    "data": "Data Replicates check_data concat draw size take",
    "metrics": "Metric mean variance log_determinant sample_variance mean_error wasserstein2 "
    "support_size distinct entropy heterozygosity tail_mass survivors excess_error "
    "log_likelihood share_between coverage catastrophic_risk any_risk_increase diverging_risk "
    "scaling_law_change collapsing_variance lost_modes lost_tail hallucination collapse_verdicts",
    "explorers": "QUILT_POLICIES DIVISORS SHOW MODELS DESIGNS quilt_picture quilt_explorer "
    "gaussian_picture gaussian_explorer three_errors_picture policy_picture policy_explorer",
}
FORMER_NOTEBOOKS = json.loads((ROOT / "tests" / "former_notebooks.json").read_text("utf-8"))
# These run before anything is installed.
BEFORE_INSTALLATION = (
    *("__init__", "__main__", "_ground", "course/__init__", "course/bootstrap", "course/cli"),
    *("course/desk", "course/doctor", "course/moved", "course/badge", "_imports"),
)
NO_TORCH = (
    *("helpers.course.cli", "helpers.loop", "helpers.policies", "helpers.models"),
    *("helpers.metrics", "helpers.metrics.language", "helpers.metrics.generative"),
    *("helpers.theory", "helpers.data", "helpers.plots", "helpers.studies", "helpers.teaching"),
    *("helpers.explorers.lesson_00", "helpers.explorers.lesson_02", "helpers.explorers.lesson_05"),
    *("helpers.explorers.lesson_06", "helpers.explorers.lesson_11", "helpers.explorers.lesson_01"),
    *("helpers.explorers.lesson_04", "helpers.explorers.lesson_08", "helpers.capstone"),
)


def imports(tree: ast.AST) -> set[str]:
    """Every absolute import below `tree`, in full: helpers.loop.History is one."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import: write it out, the tests read it"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@functools.cache
def sources() -> dict[Path, ast.Module]:
    files = sorted((ROOT / "helpers").rglob("*.py"))
    assert len(files) > 20
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}


def piece(path: Path) -> str:
    """The part of the house a file belongs to: helpers/models/vae.py is in models."""
    return path.relative_to(ROOT / "helpers").parts[0].removesuffix(".py")


def module_name(path: Path) -> str:
    """The name by which a file is imported: helpers.models for helpers/models/__init__.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def named(tree: ast.AST) -> set[str]:
    """Modules of ours that `tree` imports or names in a string, as lazy starts do."""
    strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    written = {text for text in strings if isinstance(text, str)}
    written = {text for text in written if re.fullmatch(r"helpers(\.\w+)+", text)}
    return {name for name in imports(tree) | written if name.startswith("helpers.")}


@functools.cache
def links() -> set[tuple[str, str]]:
    """(module, module it names): helpers.loop.History is a name in the module helpers.loop."""
    modules = {module_name(path) for path in sources()} | {"helpers.results"}
    found = set()
    for path, tree in sources().items():
        # A text that names the package a module lies in is about data beside it.
        own = {f"helpers.{room(module_name(path))}"} - imports(tree)
        for name in named(tree) - own:
            while name not in modules:
                name = name.rpartition(".")[0]
            found.add((module_name(path), name))
    return found


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


@functools.cache
def arrows() -> set[tuple[str, str]]:
    """(room, another room that it imports from); old paths and the map left out."""
    outside = {"__init__", *OLD_PATHS}
    pairs = {(room(a), room(b)) for a, b in links() if room(a) not in outside}
    return {(a, b) for a, b in pairs if a != b}


def tracked() -> list[Path]:
    """The text files in git; all but the ignored ones where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        files = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        ignored = {".venv", ".git", "my", ".progress", "__pycache__", ".artefacts", ".studies"}
        files = [p for p in ROOT.rglob("*") if not ignored & set(p.relative_to(ROOT).parts)]
    binary = {".png", ".gz", ".npz", ".safetensors", ".pdf"}
    return [path for path in files if path.is_file() and path.suffix not in binary]


def test_every_room_has_a_floor() -> None:
    rooms = {piece(path) for path in sources()} - {"__init__"} - set(OLD_PATHS)
    assert rooms <= set(FLOOR), f"say in FLOORS where these belong: {rooms - set(FLOOR)}"


def test_arrows_point_one_way() -> None:
    assert not {(a, b) for a, b in arrows() if FLOOR[a] < FLOOR.get(b, 0)}
    assert not arrows() & NEVER


def test_a_lazy_start_counts_as_an_arrow() -> None:
    assert ("course", "studies") in arrows(), "cli names helpers.studies in a string"
    lazy = ast.parse('import_module("helpers.teaching.dice")')
    assert named(lazy) == {"helpers.teaching.dice"}


def test_no_circle() -> None:
    """No module reaches itself by imports, those for type hints and in functions included."""
    ahead: dict[str, set[str]] = {}
    for a, b in links():
        ahead.setdefault(a, set()).add(b)
    for start in ahead:
        reached, waiting = set(), [start]
        while waiting:
            new = ahead.get(waiting.pop(), set()) - reached
            reached |= new
            waiting += new
        assert start not in reached, start


def test_no_room_imports_what_is_private_to_another() -> None:
    for path, tree in sources().items():
        for name in named(tree):
            parts = name.split(".")[1:]
            if parts[0] == piece(path):
                continue
            assert not any(part.startswith("_") for part in parts[1:]), f"{path.name}: {name}"


def test_the_map_names_every_room() -> None:
    lines = (ast.get_docstring(sources()[ROOT / "helpers" / "__init__.py"]) or "").splitlines()
    mapped = [match[1] for line in lines if (match := re.match(r"(\w+)  +\S", line))]
    assert len(mapped) == len(set(mapped))
    assert set(mapped) == {name for name in FLOOR if not name.startswith("_")}


# --- old paths ---------------------------------------------------------------------------------


def run_apart(program: str, **environment: str) -> str:
    """What `program` prints, in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout.strip()


def test_an_old_path_is_the_same_module() -> None:
    """Private names and changed values included; each path in a process where it comes first."""
    program = (
        "import sys, importlib, warnings\n"
        "warnings.simplefilter('error')\n"
        f"for old, new in {OLD_PATHS}.items():\n"
        "    module = importlib.import_module(f'helpers.{old}')\n"
        "    assert module is importlib.import_module(f'helpers.{new}'), old\n"
        "    exec(f'from helpers import {old} as one; import helpers.{old} as two')\n"
        "    assert one is two is module, old\n"
        "    exec(f'from helpers.{old} import __doc__ as three')\n"
        "    assert three == module.__doc__ and 'old path' not in three\n"
    )
    run_apart(program)
    run_apart("from helpers.explorers.controls import explore as new\n"
              "from helpers.widgets import explore as old\n"
              "assert old is new")  # fmt: skip


def test_an_old_path_is_a_line_and_nothing_else() -> None:
    for old, new in OLD_PATHS.items():
        above, below = new.split(".")
        text = (ROOT / "helpers" / f"{old}.py").read_text(encoding="utf-8")
        body = ast.parse(text).body
        lines = ["import sys", f"from helpers.{above} import {below}"]
        assert [ast.unparse(node) for node in body[1:]] == [
            *lines,
            f"sys.modules[__name__] = {below}",
        ]


@pytest.mark.parametrize("name", OLD_NAMES)
def test_a_room_gives_what_the_module_of_its_name_gave(name: str) -> None:
    module = importlib.import_module(f"helpers.{name}")
    for public in OLD_NAMES[name].split():
        assert hasattr(module, public), public
    assert not hasattr(module, "no_such_name")


def test_nothing_of_ours_takes_an_old_path() -> None:
    old = "|".join(OLD_PATHS)
    path = re.compile(rf"helpers[./]({old})\b(?!\.\w+ import)|from helpers import .*\b({old})\b")
    exempt = {"tests/test_house.py", "tests/former_notebooks.json", "CHANGELOG.md"}
    exempt |= {f"helpers/{name}.py" for name in OLD_PATHS}
    for file in tracked():
        name = file.relative_to(ROOT).as_posix()
        if name not in exempt and not name.startswith("notebooks/"):  # those are built from lessons
            found = path.search(file.read_text(encoding="utf-8"))
            assert not found, f"{name}: {found and found[0]}"


def test_a_venv_made_before_the_moves_starts() -> None:
    """Its script `course` is what pip wrote for the old entry point."""
    script = "import sys\nfrom helpers.cli import main\nsys.exit(main(['--help']))"
    assert "usage: course" in run_apart(script)


def test_the_command_starts_with_the_standard_library_alone() -> None:
    for module in ("helpers", "helpers.course.cli"):
        answer = subprocess.run(
            [sys.executable, "-S", "-c", f"import {module}, helpers.cli; helpers.cli.main(['-h'])"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "usage: course" in answer.stdout, answer.stderr


@pytest.mark.parametrize("name", FORMER_NOTEBOOKS)
def test_what_a_notebook_of_before_the_moves_imports_is_there(name: str) -> None:
    """All five: each import, and each name that a cell takes from a module of ours."""
    program = (
        "import ast, json, sys\n"
        "cells = json.load(open('tests/former_notebooks.json', encoding='utf-8'))[sys.argv[1]]\n"
        "known, used = {}, 0\n"
        "for cell in cells:\n"
        "    for node in ast.walk(ast.parse(cell)):\n"
        "        if isinstance(node, (ast.Import, ast.ImportFrom)):\n"
        "            exec(ast.unparse(node), known)\n"
        "    for node in ast.walk(ast.parse(cell)):\n"
        "        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):\n"
        "            owner = known.get(node.value.id)\n"
        "            if getattr(owner, '__name__', '').startswith('helpers'):\n"
        "                getattr(owner, node.attr)\n"
        "                used += 1\n"
        "print(used)\n"
    )
    assert int(run_apart(program.replace("sys.argv[1]", repr(name)))) > 0


@pytest.mark.parametrize("name", [n for n in FORMER_NOTEBOOKS if n[:2] in ("00", "02", "06")])
def test_a_notebook_of_before_the_moves_still_runs(name: str, tmp_path: Path) -> None:
    """Every cell, as in a kernel. All five ran so once; lessons with torch take three minutes."""
    program = (
        "import json\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        f"cells = json.load(open('tests/former_notebooks.json', encoding='utf-8'))[{name!r}]\n"
        "for cell in cells:\n"
        "    shell.run_cell(cell, store_history=True).raise_error()\n"
        "print('ran', len(cells))\n"
    )
    said = run_apart(program, COURSE_PROGRESS=str(tmp_path / "progress.json"))
    assert said.endswith(f"ran {len(FORMER_NOTEBOOKS[name])}")


# --- sizes -------------------------------------------------------------------------------------
# What a reader holds in mind at once. Comments and docstrings are free: nobody deletes one to fit.

MODULE_LINES, FUNCTION_LINES = 350, 55
LONGER = {  # "loop.py" or "loop.py:iterate" -> why it is better so
    "verification/screen.py": "one rule a kind of syntax, looked up by itself and not read in turn",
    "verification/wire.py:encode": "a walk with a stack of its own, one branch a type",
}


def code_lines(path: Path, tree: ast.AST) -> int:
    """Lines of a file that are neither blank nor comment nor docstring."""
    used: set[int] = set()
    idle = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in idle | {tokenize.ENCODING, tokenize.ENDMARKER}:
                used |= set(range(token.start[0], token.end[0] + 1))
    return len(used - {line for node in ast.walk(tree) for line in docstring(node)})


def docstring(node: ast.AST) -> range:
    """The lines of the docstring of a module, class or function; none of anything else."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    if not isinstance(node, kinds) or ast.get_docstring(node) is None:
        return range(0)
    return range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)


def test_modules_and_functions_can_be_read_at_once() -> None:
    longer = {}
    for path, tree in sources().items():
        name = path.relative_to(ROOT / "helpers").as_posix()
        if (lines := code_lines(path, tree)) > MODULE_LINES:
            longer[name] = lines
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or 0) - node.lineno + 1 - len(docstring(node))
                if lines > FUNCTION_LINES:
                    longer[f"{name}:{node.name}"] = lines
    assert set(longer) == set(LONGER), f"shorten it, or say in LONGER why not: {longer}"
    assert all(LONGER.values())


def test_lines_of_code_are_counted_without_words(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    text = '"""One.\n\nTwo.\n"""\n\n# why\nx = (\n    1,  # one\n)\n\n\ndef f():\n    """F."""\n'
    path.write_text(text)
    assert code_lines(path, ast.parse(text)) == 4


# --- files are written whole -------------------------------------------------------------------

WRITERS = re.compile(
    r"\.write_text\(|\.write_bytes\(|os\.replace|copyfile|open\([^)\n]*\"[wa]b?\"|mkstemp|\.savez"
)
WRITE_THEMSELVES = {
    "_ground.py": "it is the one place",
    "data/corpora.py": "a download may be larger than memory: it is streamed into a .part file",
    "data/digits.py": "packs into memory",
    "studies/_fits.py": "packs into memory",
    "studies/_samples.py": "packs into memory",
    "teaching/_store.py": "moves a damaged file aside",
    "teaching/dice.py": "appends a row to a table of the class",
}


def test_files_are_written_whole_in_one_place() -> None:
    """By helpers._ground.write_whole, which a crash cannot leave half done."""
    found = {
        path.relative_to(ROOT / "helpers").as_posix()
        for path in sources()
        if piece(path) != "verification" and WRITERS.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(WRITE_THEMSELVES)


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    _ground.write_whole(path, "é\n")
    assert path.read_bytes() == "é\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o600)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(KeyboardInterrupt):
            _ground.write_whole(path, b"new")
    assert path.read_bytes() == "é\n".encode()
    _ground.write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600, "who made it private keeps it private"
    assert list(tmp_path.iterdir()) == [path]


# --- each fact is read in one place, and no path is reckoned but from where it is -----------------

READERS = {  # file of the course -> who opens it; the others ask these
    "published.json": {"studies/__init__.py", "authoring/fingerprint.py"},
    "planned.yaml": {"authoring/catalogue.py"},
    "plans.yaml": {"authoring/runsheet.py"},
    "budget.json": {"_progress.py", "authoring/budget.py", "authoring/course.py"},
    "hub.json": {"authoring/course.py"},
    "lessons.json": {"authoring/fingerprint.py", "authoring/pages.py", "teaching/_lessons.py"},
}
FROM_FILE = {  # who says where things lie from __file__ -> why not from helpers._ground.ROOT
    "_ground.py": "it is the one place",
    "authoring/new.py": "templates lie beside it",
    "models/__init__.py": "lazy_loader reads the stub beside it",
    "studies/__init__.py": "the folder of the studies, of which it lists the modules",
    "teaching/checks.py": "lines of our own files, in the traces of a learner's error",
    "verification/human_eval.py": "its cases lie beside it",
    "verification/processes.py": "the worker lies beside it",
    "verification/walls.py": "any file that is there, to see that it cannot be opened",
    "verification/worker.py": "a bare interpreter, which has yet to find the course",
}


@pytest.mark.parametrize("name", READERS)
def test_each_file_of_the_course_is_opened_in_one_place(name: str) -> None:
    """By its name as a string of its own, as one opens a file; sentences may speak of it."""
    found = {
        path.relative_to(ROOT / "helpers").as_posix()
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value == name
    }
    assert found == READERS[name]


def test_paths_are_reckoned_from_one_root() -> None:
    found = {
        path.relative_to(ROOT / "helpers").as_posix()
        for path, tree in sources().items()
        if any(isinstance(node, ast.Name) and node.id == "__file__" for node in ast.walk(tree))
    }
    assert found == set(FROM_FILE), "helpers._ground.ROOT says where the course lies"


# --- what loads when ---------------------------------------------------------------------------


@pytest.mark.parametrize("module", BEFORE_INSTALLATION)
def test_standard_library_at_the_top_of(module: str) -> None:
    path = ROOT / "helpers" / f"{module}.py"
    top = [node for node in sources()[path].body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = imports(ast.Module(body=list(top), type_ignores=[]))
    ours = {f"helpers.{name.replace('/', '.')}" for name in BEFORE_INSTALLATION}
    for name in names:
        is_ours = any(name == own or name.startswith(f"{own}.") for own in ours)
        assert is_ours or name.split(".")[0] in sys.stdlib_module_names, name


def loads_torch(modules: Sequence[str]) -> str:
    """The first of `modules` after whose import torch is there; empty when none is."""
    program = (
        "import importlib, sys\n"
        f"for name in {list(modules)}:\n"
        "    importlib.import_module(name)\n"
        "    if 'torch' in sys.modules:\n"
        "        sys.exit(print(name))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return answer.stdout.strip()


def test_torch_is_loaded_only_when_it_is_used() -> None:
    assert not loads_torch(NO_TORCH)


def test_torch_would_be_noticed() -> None:
    assert loads_torch(["json", "torch"]) == "torch"


def test_what_is_imported_is_declared() -> None:
    """Each package that helpers/ imports is in pyproject.toml, and none for authors is needed."""
    distributions = packages_distributions()
    learner = {
        canonicalize_name(requirement.name) for requirement in pins.asked_for("cluster", "hub")
    }
    author = learner | {canonicalize_name(r.name) for r in pins.asked_for("author")}
    undeclared = set()
    for path, tree in sources().items():
        allowed = author if piece(path) in ("authoring", "book") else learner
        for name in {full.split(".")[0] for full in imports(tree)}:
            if name == "helpers" or name in sys.stdlib_module_names:
                continue
            homes = {canonicalize_name(home) for home in distributions.get(name, [name])}
            if not homes & allowed:
                undeclared.add((path.name, name))
    assert not undeclared


def test_pins_are_what_is_installed() -> None:
    assert pins.CONSTRAINTS.read_text(encoding="utf-8") == pins.constraints_text()


def test_pins_lie_in_the_ranges() -> None:
    versions = dict(line.split("==") for line in pins.CONSTRAINTS.read_text().split())
    for requirement in pins.asked_for("author", "cluster", "hub", "test"):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)])


def test_the_files_agree_on_python() -> None:
    allowed = SpecifierSet(PYPROJECT["project"]["requires-python"])
    (first, below) = bootstrap.PYTHONS
    assert str(allowed) == str(SpecifierSet(f">={first[0]}.{first[1]},<{below[0]}.{below[1]}"))
    assert PYPROJECT["tool"]["mypy"]["python_version"] == f"{first[0]}.{first[1]}"
    binder = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    assert allowed.contains(binder)


def test_the_files_agree_on_the_version(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyproject.toml is its one source; the changelog is closed under it, new lines stand above."""
    version = PYPROJECT["project"]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == version
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    open_, last = re.findall(r"(?m)^## (.*)$", changes)[:2]
    assert (open_, last) == ("[Unreleased]", f"[{version}] - {citation['date-released']}")
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"course {version}\n"
    monkeypatch.setattr(cli.bootstrap, "in_checkout", lambda: False)
    monkeypatch.setattr(cli.importlib.metadata, "version", {"closing-the-loop": "9.9"}.get)
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "course 9.9\n"


def test_github_and_zenodo_can_cite_the_course() -> None:
    """Zenodo takes one licence, a string, though the format allows a list."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    citation = yaml.safe_load(text)
    assert {"cff-version", "message", "title", "authors", "version"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["license"] in PYPROJECT["project"]["license"].split(" AND ")
    assert all(author.get("name") for author in citation["authors"])
    (line,) = re.findall(r"(?m)^(?!# Where).*repository-code.*$", text)
    unpublished, published = "# repository-code: https://", "repository-code: https://github.com/"
    assert line == unpublished or line.startswith(published), "`course badge` writes it"


def test_no_machine_in_the_files() -> None:
    """No path of the machine a file was written on, and no registry but the one torch needs."""
    machine = re.compile(r"/work/|/root/|/opt/(pypi|wheels)|/home/(?!jovyan)\w|/Users/\w")
    registry = re.compile(r"(?i)(pythonhosted|/simple\b|index[-_]url)")
    examples = {"tests/test_house.py", "tests/test_build.py"}  # they test that such are refused
    cpu_index = {
        "helpers/course/bootstrap.py",
        "helpers/authoring/pins.py",
        "binder/requirements.txt",
        ".ci/newest",
    }
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        if name in examples:
            continue
        assert not machine.search(text), name
        assert name in cpu_index or not registry.search(text), name


def test_no_emoji() -> None:
    emoji = re.compile("[\U0001f000-\U0001faff\ufe0f]")
    for path in tracked():
        assert not emoji.search(path.read_text(encoding="utf-8")), path


def test_makefile_targets_are_commands() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = dict(re.findall(r"(?m)^([a-z]+):.*\n\t@\$\(COURSE\) (\w+)", makefile))
    assert set(targets) == {"lab", "test", "book", "notebooks", "studies", "clean"}
    assert set(targets.values()) <= set(cli.COMMANDS)


def commands_in(text: str) -> set[str]:
    """The subcommands that a page tells its reader to type, by make or without it."""
    code = "\n".join(a or b for a, b in re.findall(r"(?ms)^```\w*\n(.*?)^```|`([^`\n]+)`", text))
    typed = re.findall(r"(?m)(?:-m helpers|^course|^\s*course) ([a-z][a-z-]*)", code)
    return set(typed)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_commands_on_the_page_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert commands_in(text)
    assert commands_in(text) <= set(cli.COMMANDS)
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    made = set(re.findall(r"`make ([a-z]+)|(?m:^make ([a-z]+))", text))
    assert made
    assert {a or b for a, b in made} <= targets


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "THIRD_PARTY.md"])
def test_links_on_the_page_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    prose = re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", "", text)
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", prose):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_readme_lists_the_lessons_there_are() -> None:
    rows = re.findall(r"(?m)^\| (\d\d) \| (.*?) \|.*\|$", (ROOT / "README.md").read_text())
    assert [number for number, _ in rows] == [f"{n:02}" for n in range(15)]
    linked = {link for _, cell in rows for link in re.findall(r"\(notebooks/(.*?)\)", cell)}
    there = {path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]-*.ipynb")}
    assert linked == there


def test_ci_runs_the_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    lines = script.read_text().splitlines()
    assert lines[-1] == "make test"
    assert "set -euo pipefail" in lines
    assert "export COURSE_BROWSER=required" in script.read_text()


def test_tests_are_offline_and_so_are_their_children() -> None:
    refused = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    with pytest.raises(PermissionError, match="without a network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)  # an address of documentation
    child = subprocess.run(
        [sys.executable, "-c", refused], capture_output=True, text=True, check=False
    )
    assert "without a network" in child.stderr


def test_tests_write_no_progress_of_the_reader() -> None:
    assert not Path(os.environ["COURSE_PROGRESS"]).is_relative_to(ROOT)


def test_data_beside_the_code_is_packaged() -> None:
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]
    packaged = {
        path
        for package, globs in patterns.items()
        for glob in globs
        for path in ROOT.joinpath(*package.split(".")).glob(glob)
    }
    data = {path for path in tracked() if path.is_relative_to(ROOT / "helpers")}
    under_way = ROOT / "helpers" / "results" / "trials"  # of studies that nothing quotes yet
    needed = {path for path in data if not path.is_relative_to(under_way)}
    assert {path for path in needed if path.suffix != ".py"} <= packaged


def scrubbed(text: str) -> str:
    """`text` as nbval compares it, by the rules of its file in their order."""
    rules = configparser.RawConfigParser()
    rules.read(ROOT / "tests" / "nbval_sanitize.cfg")
    for name in rules.sections():
        text = re.sub(rules.get(name, "regex"), rules.get(name, "replace"), text)
    return text


def test_what_differs_by_machine_is_scrubbed_and_nothing_else() -> None:
    assert scrubbed("a\n 40%|####  | 4/10 [00:01]\n640x480 at 0x7f3a, p = 40%") == (
        "a\nPROGRESS\n640x480 at ADDRESS, p = 40%"
    )
    assert scrubbed("0.1250 of 12 survive") == "0.1250 of 12 survive"


def test_a_large_image_is_scrubbed_at_once() -> None:
    """Rules that begin with .* take minutes on a line of a hundred thousand characters."""
    started = time.process_time()
    image = base64.b64encode(bytes(range(256)) * 2000).decode()
    assert scrubbed(f'<img src="data:image/png;base64,{image}">') == '<img src="PNG">'
    scrubbed(image)
    assert time.process_time() - started < 5
