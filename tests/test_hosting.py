"""What other hosts read: workflows, the dev container, the badge, what Zenodo is told.

None of these hosts is here. What can be tested without them is that every command is one of ours,
that every path exists, and that the files agree with each other.
"""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers._ground import ROOT
from helpers.course import bootstrap, cli

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
UNSEEN = "# Nobody of us has seen this workflow run"
PYTHONS = [f"3.{minor}" for minor in range(bootstrap.PYTHONS[0][1], bootstrap.PYTHONS[1][1])]


def is_option(name: str, config: pytest.Config) -> bool:
    """Whether pytest, with its plugins, has an option of this name."""
    try:
        config.getoption(name)
    except ValueError:
        return False
    return True


def complaint(command: str, config: pytest.Config) -> str:
    """Why `command`, one line of a shell, is not a command of ours; empty if it is."""
    first, *others = shlex.split(command)
    if first.startswith(".ci/"):
        return "" if os.access(ROOT / first, os.X_OK) and not others else "no such script"
    if first == "make":
        targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text())
        return "" if others and others[0] in targets else "no such target"
    if not re.fullmatch(r"python3?|py", first) or others[:2] != ["-m", "helpers"]:
        return "neither .ci/, make nor python -m helpers"
    name, *arguments = others[2:] or [""]
    if name not in cli.COMMANDS:
        return f"no command {name!r}"
    if name == "test":
        options = [one.split("=")[0] for one in arguments if one.startswith("-")]
        if unknown := [one for one in options if not is_option(one, config)]:
            return f"pytest has no {unknown}"
        values = [one.partition("=")[2] or one for one in arguments]
        paths = [one for one in values if "/" in one or one in ("tests", "notebooks")]
        if lost := [one for one in paths if not (ROOT / one.split("::")[0]).exists()]:
            return f"no such path: {lost}"
    return ""


@pytest.mark.parametrize(
    "command",
    [
        *("npm test", "pip install .", ".ci/none", ".ci/run; true", "make coffee", "make"),
        *("python -m helpers tets", "python -m helpers", "python -m pytest", "bash .ci/run"),
        *("python -m helpers test --nbval-laxer", "python -m helpers test --ignore=tests/none"),
    ],
)
def test_what_is_no_command_of_ours_is_found(command: str, pytestconfig: pytest.Config) -> None:
    assert complaint(command, pytestconfig)


def jobs(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"])


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job["steps"]]


def test_the_workflows_that_are_wanted_are_there() -> None:
    assert {"tests", "systems", "newest", "links"} <= {path.stem for path in WORKFLOWS}
    runs = {path.stem: [step["run"] for step in steps(path) if "run" in step] for path in WORKFLOWS}
    assert runs["tests"] == [".ci/run"]
    assert runs["newest"] == [".ci/newest"]
    matrix = jobs(ROOT / ".github" / "workflows" / "systems.yml")["test"]["strategy"]["matrix"]
    assert matrix == {"system": ["macos-latest", "windows-latest"], "python": PYTHONS}
    assert "--nbval-lax" in runs["systems"][0]
    assert "--ignore=tests/browser" in runs["systems"][0]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_commands_of_ours_and_actions_of_a_major_version(
    path: Path, pytestconfig: pytest.Config
) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 120
        assert job["steps"][0]["uses"].startswith("actions/checkout@")
    for step in steps(path):
        for line in str(step.get("run", "")).splitlines():
            assert complaint(line, pytestconfig) == "", line
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"])
        wanted = step.get("with", {}).get("python-version", PYTHONS[0])
        assert wanted in (*PYTHONS, "${{ matrix.python }}")


def test_what_nobody_has_seen_run_is_not_claimed() -> None:
    unseen = [path.stem for path in WORKFLOWS if path.read_text().startswith(UNSEEN)]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    said = "Nobody of us has run it on Windows or macOS" in readme
    assert said == ("systems" in unseen)


@pytest.mark.parametrize("name", ["run", "newest"])
def test_scripts_stop_at_the_first_error(name: str) -> None:
    script = ROOT / ".ci" / name
    assert "set -euo pipefail" in script.read_text().splitlines()
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


def test_what_the_newest_versions_are_asked_exists(pytestconfig: pytest.Config) -> None:
    text = (ROOT / ".ci" / "newest").read_text().replace("\\\n", " ")
    (command,) = re.findall(r'"\$python" (-m helpers test .*)', text)
    assert complaint(f"python {command}", pytestconfig) == ""
    left_out = re.findall(r"--deselect=(\S+)::(\w+)", command)
    assert left_out
    for file, test in left_out:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8")
