"""One thread by default, whoever launched the process; COURSE_THREADS asks for more."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from helpers import _threads

ROOT = Path(__file__).resolve().parent.parent
CORES = os.cpu_count() or 1
FIT = """
import numpy as np
from helpers.models import GPT
GPT(5, context=4, steps=2).fit(np.zeros((3, 5), int))
"""
LIBRARIES_FIRST = """
import torch, numpy as np
from sklearn.cluster import KMeans
np.eye(9) @ np.eye(9); torch.eye(9) @ torch.eye(9); KMeans(1).fit([[0.0], [1.0]])
"""
TORCH_LATER = "from helpers.loop import run_loop\nimport torch, scipy.linalg, sklearn.cluster\n"
LOOK = """
import json, torch, threadpoolctl
pools = {pool["user_api"] + " " + pool["prefix"]: pool["num_threads"]
         for pool in threadpoolctl.threadpool_info()}
print(json.dumps({"torch": torch.get_num_threads(), **pools}))
"""


def bare(**more: str) -> dict[str, str]:
    """An environment in which nobody has said how many threads there are to be."""
    named = ("_NUM_THREADS", "_MAXIMUM_THREADS", "COURSE_THREADS")
    kept = {name: value for name, value in os.environ.items() if not name.endswith(named)}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def threads(program: str, **more: str) -> dict[str, int]:
    """How many threads each library has in a process that has run `program`."""
    answer = subprocess.run(
        [sys.executable, "-c", program + LOOK],
        env=bare(**more), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, int] = json.loads(answer.stdout.splitlines()[-1])
    assert any(name.startswith("blas") for name in found)
    assert any(name.startswith("openmp") for name in found)
    return found


@pytest.mark.skipif(CORES == 1, reason="one core: nothing would use more threads")
def test_more_threads_would_be_noticed() -> None:
    assert max(threads(LIBRARIES_FIRST).values()) > 1


@pytest.mark.parametrize(
    "program",
    [FIT, LIBRARIES_FIRST + FIT, TORCH_LATER],
    ids=["fit", "libraries-first", "torch-later"],
)
def test_a_fit_runs_on_one_thread(program: str) -> None:
    assert set(threads(program).values()) == {1}


def test_what_a_hub_sets_does_not_count() -> None:
    assert set(threads(FIT, OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2").values()) == {1}


@pytest.mark.parametrize("program", [FIT, LIBRARIES_FIRST + FIT], ids=["fit", "libraries-first"])
def test_the_switch_undoes_it(program: str) -> None:
    found = threads(program, COURSE_THREADS="2", OMP_NUM_THREADS="1")
    assert found.pop("torch") == 2
    assert set(found.values()) <= {min(2, CORES), 2}


@pytest.mark.parametrize("bad", ["0", "-1", "two", "1.5", "²"])
def test_the_switch_is_checked(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_THREADS", bad)
    with pytest.raises(ValueError, match="COURSE_THREADS must be a whole number of at least 1"):
        _threads.wanted()


def test_an_empty_switch_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_THREADS", "")
    assert _threads.wanted() == 1


def test_a_kernel_that_anybody_starts_runs_on_one_thread() -> None:
    """As VS Code, nbconvert and a reader's own Jupyter start it: nothing is said about threads."""
    manager, client = start_new_kernel(kernel_name="python3", env=bare())
    printed: list[str] = []

    def hook(message: dict[str, Any]) -> None:
        if message["msg_type"] in ("stream", "error"):
            content = message["content"]
            printed.append(content.get("text") or "\n".join(content["traceback"]))

    try:
        client.execute_interactive(FIT + LOOK, output_hook=hook, timeout=120)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert set(json.loads("".join(printed)).values()) == {1}, "".join(printed)


NUMERIC = {"numpy", "torch", "scipy", "sklearn", "pandas"}


def imported(path: Path) -> list[str]:
    """What a module imports, in full: helpers.loop.History is one."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ".".join((*path.parent.relative_to(ROOT).parts, "")) if node.level else ""
            found += [f"{package}{node.module}.{alias.name}" for alias in node.names]
    return found


def reaches(path: Path, seen: set[Path]) -> bool:
    """Whether importing the module at `path` imports helpers._threads."""
    seen.add(path)
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "helpers":
            continue
        if parts[1:2] == ["_threads"]:
            return True
        for depth in range(2, len(parts) + 1):
            stem = ROOT.joinpath(*parts[:depth])
            for home in (stem.with_suffix(".py"), stem / "__init__.py", stem / "__init__.pyi"):
                if home.is_file() and home not in seen and reaches(home, seen):
                    return True
    return False


def test_whatever_computes_sets_its_threads_first() -> None:
    """No way into the package leads to NumPy or torch without passing the switch."""
    numeric = [
        path
        for path in (ROOT / "helpers").rglob("*.py")
        if {name.split(".")[0] for name in imported(path)} & NUMERIC
    ]
    assert len(numeric) > 30
    open_ways = {
        path.relative_to(ROOT).as_posix()
        for path in numeric
        if not reaches(path, set()) and not reaches(path.parent / "__init__.py", set())
    }
    # These move and count; none of them calls anything that has threads.
    movers = {
        f"helpers/data/{name}.py" for name in ("corpora", "own_text", "samples", "_story_rows")
    }
    assert open_ways == movers
