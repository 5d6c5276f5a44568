"""The house: who may import whom, what loads late, what the files around the code promise."""

import ast
import base64
import configparser
import functools
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from helpers import bootstrap, cli
from helpers.authoring import pins

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# A module may import from its own layer and those before it.
LAYERS = (
    {"_arguments"},
    {
        "data",
        "digits",
        "generative_metrics",
        "grammar",
        "metrics",
        "theory",
        "corpora",
        "language_metrics",
    },
    {"loop", "models", "policies", "verification", "quick_runs"},
    {"coding", "plots"},
    {"studies"},
    {
        *("teaching", "widgets", "explorers", "execution_explorer", "execution_programs"),
        "language_explorers",
    },
    {"authoring", "bootstrap", "cli", "desk", "doctor", "__main__"},
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
# The loop sees models, policies and verifiers only as protocols.
NEVER = {("loop", name) for name in ("models", "policies", "verification")}
# These run before anything is installed.
BEFORE_INSTALLATION = ("__init__", "__main__", "bootstrap", "cli", "desk", "doctor")
NO_TORCH = (
    *("helpers.cli", "helpers.loop", "helpers.policies", "helpers.models", "helpers.metrics"),
    *("helpers.theory", "helpers.data", "helpers.plots", "helpers.studies", "helpers.teaching"),
    *("helpers.widgets", "helpers.language_explorers", "helpers.execution_explorer"),
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


@functools.cache
def arrows() -> set[tuple[str, str]]:
    found = set()
    for path, tree in sources().items():
        for name in imports(tree):
            parts = name.split(".")
            if parts[0] == "helpers" and len(parts) > 1 and parts[1] != piece(path):
                found.add((piece(path), parts[1]))
    return found


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


def test_every_module_has_a_layer() -> None:
    pieces = {piece(path) for path in sources()} - {"__init__"}
    assert pieces <= set(LAYER), f"say in LAYERS where these belong: {pieces - set(LAYER)}"


def test_arrows_point_one_way() -> None:
    uphill = {(a, b) for a, b in arrows() if LAYER[a] < LAYER[b]}
    assert not uphill
    assert not arrows() & NEVER


def test_no_two_pieces_import_each_other() -> None:
    assert not {(a, b) for a, b in arrows() if (b, a) in arrows()}


@pytest.mark.parametrize("module", BEFORE_INSTALLATION)
def test_standard_library_at_the_top_of(module: str) -> None:
    path = ROOT / "helpers" / f"{module}.py"
    top = [node for node in sources()[path].body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = imports(ast.Module(body=list(top), type_ignores=[]))
    ours = {f"helpers.{name}" for name in BEFORE_INSTALLATION}
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
    learner = {canonicalize_name(requirement.name) for requirement in pins.asked_for()}
    author = learner | {canonicalize_name(r.name) for r in pins.asked_for("author")}
    undeclared = set()
    for path, tree in sources().items():
        allowed = author if piece(path) == "authoring" else learner
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
    for requirement in pins.asked_for("author", "test"):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)])


def test_the_files_agree_on_python() -> None:
    allowed = SpecifierSet(PYPROJECT["project"]["requires-python"])
    (first, below) = bootstrap.PYTHONS
    assert str(allowed) == str(SpecifierSet(f">={first[0]}.{first[1]},<{below[0]}.{below[1]}"))
    assert PYPROJECT["tool"]["mypy"]["python_version"] == f"{first[0]}.{first[1]}"
    binder = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    assert allowed.contains(binder)


def test_the_files_agree_on_the_version() -> None:
    version = PYPROJECT["project"]["version"]
    assert re.search(rf"(?m)^version: {re.escape(version)}$", (ROOT / "CITATION.cff").read_text())


def test_no_machine_in_the_files() -> None:
    """No path of the machine a file was written on, and no registry but the one torch needs."""
    machine = re.compile(r"/work/|/root/|/opt/(pypi|wheels)|/home/(?!jovyan)\w|/Users/\w")
    registry = re.compile(r"(?i)(pythonhosted|/simple\b|index[-_]url)")
    examples = {"tests/test_house.py", "tests/test_build.py"}  # they test that such are refused
    cpu_index = {"helpers/bootstrap.py", "helpers/authoring/pins.py", "binder/requirements.txt"}
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
    assert set(targets) == {"lab", "test", "notebooks", "studies", "clean"}
    assert set(targets.values()) <= set(cli.COMMANDS)


def commands_in(text: str) -> set[str]:
    """The subcommands that a page tells its reader to type, by make or without it."""
    code = "\n".join(a or b for a, b in re.findall(r"(?ms)^```\w*\n(.*?)^```|`([^`\n]+)`", text))
    typed = re.findall(r"(?m)(?:-m helpers|^course|^\s*course) ([a-z]+)", code)
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
    assert {path for path in data if path.suffix != ".py"} <= packaged


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
