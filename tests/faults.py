"""Tests of the tests: small faults are put into the course, one at a time; which does no test see?

    python tests/faults.py loop --draw 20 --seed 1     # twenty faults in one area
    python tests/faults.py loop --only "Turns.to"      # all faults whose name holds these words
    python tests/faults.py --list                      # the areas, and how many faults each has

A fault is a comparison turned round or off by one, a constant or a default changed, `+` for `-`,
`and` for `or`, a `not` or a statement dropped, two arguments swapped, a keyword left out. It is
made in a copy of the tree in the temporary folder, never in the checkout; then the tests of the
area run until the first one fails, or until they have taken far longer than without a fault.

Some faults change nothing that anyone could see. These stand in equivalent_faults.yaml, each with
its reason, and are not counted; whatever else survives is a hole in the tests.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
EQUIVALENT = ROOT / "tests" / "equivalent_faults.yaml"

PROCESSES = get_context("fork" if sys.platform == "linux" else "spawn")
LIBRARIES = (
    *("numpy", "pandas", "scipy.stats", "scipy.optimize", "sklearn.mixture", "sklearn.neighbors"),
    *("torch", "torch.nn.functional", "matplotlib.figure", "matplotlib.backends.backend_agg"),
    *("joblib", "threadpoolctl", "tqdm", "safetensors", "tokenizers", "lazy_loader", "mlxtend"),
    *("IPython", "ipywidgets", "nbformat", "nbclient", "nbval", "jupytext", "hypothesis", "pooch"),
)


@dataclass(frozen=True)
class Area:
    """Modules under helpers/ (patterns), and the tests that concern them, fastest first."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    together: bool = False  # the modules work as one: tests that do not name one concern it, too


AREAS = {
    "loop": Area(("loop.py",), ("dataclasses", "loop", "progress_line", "broken_models")),
    "policies": Area(("policies.py",), ("dataclasses", "policies", "new_policy")),
    "metrics": Area(
        ("metrics/*.py",),
        ("metrics", "language_metrics", "generative_metrics", "readings", "studies"),
    ),
    "coding": Area(
        ("coding/*.py",),
        ("dataclasses", "grammar", "coding", "execution_study", "hub_writer", "hub_studies"),
    ),
    "verification": Area(
        ("verification/*.py",),
        (
            *("dataclasses", "verifiers", "extract", "screen", "human_eval"),
            *("arena", "lesson_10", "sandbox", "isolation", "hostile"),
        ),
        together=True,
    ),
    "studies": Area(
        ("studies/*.py",),
        (
            *("dataclasses", "squeeze", "studies", "surprise_filter", "execution_controls"),
            *("execution_study", "gpt_budget", "size", "language_studies", "image_studies"),
            *("capstone", "lesson_03", "lesson_04", "lesson_07", "lesson_08", "lesson_09"),
            *("lesson_10", "lesson_12", "lesson_13", "gpt_scale", "cluster", "hub_studies"),
        ),
    ),
    "teaching": Area(
        ("teaching/*.py", "teaching/exercises/*.py"),
        (
            *("dataclasses", "dice", "matrix", "checks", "quizzes", "predictions", "entries"),
            *("fit_sample_repeat", "progress", "takehome", "scorecard", "told", "exercises"),
            *("lesson_09", "lesson_10"),  # test_check_table takes minutes
        ),
    ),
}
# They compare the hash of a study's source with a recorded one: any change whatever is "found".
HASHES = ("tests/test_studies.py::test_a_kept_trial_belongs_to_its_study_as_it_is_now",)

Table = dict[type[ast.AST], type[ast.AST]]


def _both(*pairs: tuple[type[ast.AST], type[ast.AST]]) -> Table:
    """Each of a pair for the other."""
    return dict([*pairs, *((second, first) for first, second in pairs)])


_EQUAL = ((ast.Eq, ast.NotEq), (ast.Is, ast.IsNot), (ast.In, ast.NotIn))
_TURNED = _both((ast.Lt, ast.GtE), (ast.Gt, ast.LtE), *_EQUAL)
_EDGE = _both((ast.Lt, ast.LtE), (ast.Gt, ast.GtE))
_ARITHMETIC = _both((ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.BitAnd, ast.BitOr)) | {
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
_STATEMENTS = (ast.AugAssign, ast.Raise, ast.Continue, ast.Break, ast.Delete)


@dataclass(frozen=True)
class Fault:
    """One small change to the text of a module; bytes `start` to `end` become `after`."""

    module: str  # helpers/loop.py
    where: str  # Turns.to
    line: int
    start: int
    end: int
    before: str
    after: str
    number: int = 1  # among those of this function that read the same

    @property
    def name(self) -> str:
        """The same after lines have moved: what equivalent_faults.yaml calls it."""
        again = f" ({self.number})" if self.number > 1 else ""
        before, after = (" ".join(text.split()) for text in (self.before, self.after))
        return f"{self.module} {self.where}: {before} -> {after}{again}"

    def applied(self, source: str) -> str:
        """The source of the module with the fault in it."""
        text = source.encode()
        return (text[: self.start] + self.after.encode() + text[self.end :]).decode()


def faults(source: str, module: str) -> list[Fault]:
    """Every fault that can be put into `source`, in the order of the text."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found, seen = [], dict[str, int]()
    for node, after, where in _changes(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = source.encode()[start:end].decode()
        fault = Fault(module, where, node.lineno, start, end, before, after)
        seen[fault.name] = seen.get(fault.name, 0) + 1
        found.append(Fault(module, where, node.lineno, start, end, before, after, seen[fault.name]))
    return sorted(found, key=lambda fault: (fault.start, fault.end, fault.after))


Located = ast.expr | ast.stmt


def _changes(tree: ast.Module) -> Iterator[tuple[Located, str, str]]:
    """(node, the text that takes its place, function or class that it stands in)."""
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, where = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            where = f"{where}.{node.name}".lstrip(".")
        waiting += [(child, where) for child in _behaviour(node)]
        place = where or "module"
        if isinstance(node, ast.arguments):
            for default in [*node.defaults, *node.kw_defaults]:
                if isinstance(default, ast.Constant) and isinstance(default.value, str):
                    yield default, repr(default.value + "_"), place
        elif isinstance(node, ast.stmt):
            if _can_go(node):
                yield node, "pass", place
        elif isinstance(node, ast.expr):
            for changed in _expressions(node):
                yield node, f"({ast.unparse(changed)})", place


def _behaviour(node: ast.AST) -> Iterator[ast.AST]:
    """The children that decide what the code does: no annotation, no docstring, no message."""
    if isinstance(node, ast.JoinedStr):  # before 3.12 its parts do not know where they stand
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(b) for b in node.bases):
        return
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "type_params"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _asserts(child):
                    yield child


def _asserts(node: ast.AST) -> bool:
    """Of `zip(..., strict=True)`, which asserts: where the rest is right it does nothing."""
    return isinstance(node, ast.keyword) and node.arg == "strict"


def _can_go(node: ast.stmt) -> bool:
    """Whether a statement can be dropped: it does something, and what follows has its names."""
    if isinstance(node, ast.Assign):
        return all(isinstance(t, (ast.Attribute, ast.Subscript)) for t in node.targets)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, (ast.Call, ast.Await))
    return isinstance(node, _STATEMENTS)


def _expressions(node: ast.expr) -> Iterator[ast.expr]:
    """What may stand by mistake in place of an expression."""
    if isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            for table in (_TURNED, _EDGE):
                if type(operator) in table:
                    changed = deepcopy(node)
                    changed.ops[i] = table[type(operator)]()
                    yield changed
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int):
            yield ast.Constant(node.value + 1)
        elif isinstance(node.value, float):
            yield ast.Constant(1.5 * node.value if node.value else 1.0)
    elif isinstance(node, ast.Call):
        for i in range(len(node.keywords)):
            if node.keywords[i].arg and not _asserts(node.keywords[i]):
                yield ast.Call(node.func, node.args, node.keywords[:i] + node.keywords[i + 1 :])
        if len(node.args) > 1 and not any(isinstance(a, ast.Starred) for a in node.args[:2]):
            first, second, *rest = node.args
            if ast.unparse(first) != ast.unparse(second):
                yield ast.Call(node.func, [second, first, *rest], node.keywords)


def of_area(area: Area, root: Path = ROOT) -> list[Fault]:
    """Every fault of an area's modules."""
    modules = sorted(path for p in area.modules for path in (root / "helpers").glob(p))
    return [
        fault
        for path in modules
        for fault in faults(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())
    ]


def equivalents() -> dict[str, str]:
    """Name of each fault that changes nothing -> why."""
    return yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8")) or {}


class Copy:
    """The tree in a folder of its own, where faults are put in and the tests run."""

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        self.folder = folder
        self._clock = time.time() - 1e6  # each version of a file has a time of its own: no old .pyc
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=root, capture_output=True, check=True).stdout
        for name in filter(None, names.decode().split("\0")):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, folder / name)

    def try_out(self, fault: Fault, tests: list[str], seconds: float) -> str:
        """What the tests say of the fault: `run`'s answer, "" where they notice nothing."""
        path = self.folder / fault.module
        source = path.read_text(encoding="utf-8")
        try:
            self._write(path, fault.applied(source))
            return self.run(tests, seconds)
        finally:
            self._write(path, source)

    def _write(self, path: Path, source: str) -> None:
        path.write_text(source, encoding="utf-8")
        self._clock += 10
        os.utime(path, (self._clock, self._clock))

    def run(self, tests: list[str], seconds: float) -> str:
        """The first test that fails, "time" for none in `seconds`, "" where all pass."""
        ours, theirs = PROCESSES.Pipe(duplex=False)
        child = PROCESSES.Process(target=_run_tests, args=(str(self.folder), tests, theirs))
        child.start()
        theirs.close()
        try:
            return str(ours.recv()) if ours.poll(seconds) else "time"
        except EOFError:
            return "a crash"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid or 0, signal.SIGKILL)  # and what the tests left running
            child.join()


class _First:
    """A plugin of pytest: the first test, or file, that fails."""

    failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def _run_tests(folder: str, tests: list[str], answer: Connection) -> None:
    """In a process of its own: send the name of the first test in `folder` that fails, or ""."""
    os.setsid()
    os.chdir(folder)
    sys.path[:] = [folder, *(p for p in sys.path if Path(p) not in (ROOT, ROOT / "tests"))]
    os.environ |= {"PYTHONPATH": folder, "COURSE_ENV": "current"}
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    options = ["-x", "-q", "-p", "no:cacheprovider", "--tb=no"]
    options += [f"--deselect={test}" for test in HASHES]
    first = _First()
    code = pytest.main([*options, *tests], plugins=[first])
    answer.send(first.failed or ("" if code == 0 else f"exit {int(code)}"))


def _warm_up() -> None:
    """Load what the tests load, once: a forked process has it. Nothing of the course itself."""
    os.environ |= {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    for name in LIBRARIES:
        with suppress(ImportError):
            import_module(name)


def names(test: Path, module: str) -> bool:
    """Whether a test speaks of a module, or of the folder where that stands for its modules."""
    path, text = Path(module), f"{test.stem[5:]} {test.read_text(encoding='utf-8')}"
    of_folder = path.stem == "__init__" or len(path.parts) > 3  # teaching/exercises/lesson_02.py
    return re.search(rf"\b{path.parent.name if of_folder else path.stem}\b", text) is not None


def concerned(area: Area, module: str = "", root: Path = ROOT) -> list[str]:
    """The tests of an area that name the module first, and alone where that is enough."""
    files = [root / "tests" / f"test_{name}.py" for name in area.tests]
    naming = [file for file in files if names(file, module)]
    rest = [file for file in files if file not in naming] if area.together or not naming else []
    return [f"tests/{file.name}" for file in [*naming, *rest]]


def judge(name: str, drawn: list[Fault], limit: float | None) -> dict[str, int]:
    """Try the faults of one area, a line each; how many were found, survived, are equivalent.

    limit: seconds after which a fault hangs. None: the tests run without a fault first, must pass,
    and four times as long as they took is the limit.
    """
    known, area = equivalents(), AREAS[name]
    counts = {"found": 0, "survived": 0, "equivalent": 0}
    with tempfile.TemporaryDirectory(prefix="course-faults-") as folder:
        copy = Copy(Path(folder))
        if limit is None:
            began = time.monotonic()
            if failed := copy.run(concerned(area), 1800):
                raise SystemExit(f"{name}: the tests fail without a fault, too: {failed}")
            limit = 60 + 4 * (time.monotonic() - began)
        print(f"{name}: {len(drawn)} faults, at most {limit:.0f} s each", flush=True)
        for fault in drawn:
            if fault.name in known:
                verdict, said = "equivalent", known[fault.name]
            else:
                said = copy.try_out(fault, concerned(area, fault.module), limit)
                verdict = "found" if said else "survived"
            counts[verdict] += 1
            print(f"  {verdict:10} line {fault.line}, {fault.name}  [{said}]", flush=True)
    return counts


def main() -> None:
    """Draw, try, and say which share of what can be seen is seen."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("areas", nargs="*", choices=[*AREAS, []], help="all of them by default")
    parser.add_argument("--draw", type=int, help="faults an area: 10, or all that --only names")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="of the faults whose name holds these words")
    parser.add_argument("--limit", type=float, help="seconds; the tests are known to pass")
    parser.add_argument("--list", action="store_true", help="how many faults there are")
    wanted = parser.parse_args()
    if not wanted.list:
        _warm_up()
    table = {}
    for name in wanted.areas or AREAS:
        every = of_area(AREAS[name])
        if wanted.list:
            print(f"{name:14}{len(every):6}")
            continue
        some = [fault for fault in every if wanted.only in fault.name]
        number = wanted.draw or (len(some) if wanted.only else 10)
        drawn = random.Random(wanted.seed).sample(some, min(number, len(some)))
        table[name] = judge(name, drawn, wanted.limit)
    for name, counts in table.items():
        seen = counts["found"] / max(1, counts["found"] + counts["survived"])
        words = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
        print(f"{name:14}{words}: {seen:.0%} of those that count")


if __name__ == "__main__":
    main()
