"""What other hosts read: workflows, the dev container, the badge, what Zenodo is told.

None of these hosts is here. What can be tested without them is that every command is one of ours,
that every path exists, and that the files agree with each other.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml
from jupyter_server.serverapp import ServerApp, aliases, flags

from helpers._ground import ROOT
from helpers.course import badge, bootstrap, cli

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
    assert {"tests", "systems", "newest", "links", "book"} == {path.stem for path in WORKFLOWS}
    runs = {path.stem: [step["run"] for step in steps(path) if "run" in step] for path in WORKFLOWS}
    assert runs["tests"] == [".ci/run"]
    assert runs["newest"] == [".ci/newest"]
    assert runs["book"] == ["make book"]
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


STAND_IN = """#!/bin/sh
case "$0 $*" in
    *"python3 tests/pythons.py"*) echo "Python 3.12"; echo /a/python:required; exit $PYTHONS ;;
    *"python3 -m venv"*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    *"bin/python -m pip"*) exit $NOTEBOOK ;;
    *"make test") echo "tested with $COURSE_PYTHONS and $COURSE_NOTEBOOK" ;;
    *"make test ARGS=--version") exit $OWN ;;
esac
"""


@pytest.mark.skipif(sys.platform != "linux", reason=".ci/run is for Linux")
@pytest.mark.parametrize("failing", [None, "PYTHONS", "NOTEBOOK", "OWN"])
def test_environments_made_at_once_are_all_waited_for(failing: str | None, tmp_path: Path) -> None:
    """Each program that `.ci/run` starts is stood in for; tests run when all three are made."""
    for name in ("make", "python3", "chromium"):
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)
    codes = {name: str(int(name == failing)) for name in ("PYTHONS", "NOTEBOOK", "OWN")}
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", ROOT / ".ci" / "run"], env={**os.environ, **codes, "PATH": path},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode == 0) == (failing is None), done.stderr
    with_all = re.search(r"tested with /a/python:required and \S+/notebook/bin/python", done.stdout)
    assert bool(with_all) == (failing is None)


def test_what_the_newest_versions_are_asked_exists(pytestconfig: pytest.Config) -> None:
    text = (ROOT / ".ci" / "newest").read_text().replace("\\\n", " ")
    (command,) = re.findall(r'"\$python" (-m helpers test .*)', text)
    assert complaint(f"python {command}", pytestconfig) == ""
    left_out = re.findall(r"--deselect=(\S+)::(\w+)", command)
    assert left_out
    for file, test in left_out:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.fixture
def unpublished(tmp_path: Path) -> Path:
    """README and CITATION as they are before anybody has published the course."""
    for name in ("README.md", "CITATION.cff"):
        shutil.copy(ROOT / name, tmp_path)
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    head, rest = readme.split(f"{badge.BEGIN}\n")
    tail = rest.split(f"{badge.END}\n")[1]
    (tmp_path / "README.md").write_text(f"{head}{badge.BEGIN}\n{badge.END}\n{tail}")
    citation = (tmp_path / "CITATION.cff").read_text(encoding="utf-8")
    (tmp_path / "CITATION.cff").write_text(
        re.sub(r"(?m)^(# )?repository-code:.*", "# repository-code: https://", citation)
    )
    return tmp_path


def contents(folder: Path) -> dict[str, list[str]]:
    return {p.name: p.read_text(encoding="utf-8").splitlines() for p in folder.iterdir()}


def test_the_badge_fills_two_places_and_touches_nothing_else(
    unpublished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(unpublished)
    assert badge.main(["jane/Loop_2.0", "v1.0/rc+1"], unpublished) == 0
    after = contents(unpublished)
    assert capsys.readouterr().out == "README.md, CITATION.cff: filled\n"
    new = [line for line in after["README.md"] if line not in before["README.md"]]
    assert [line for line in after["README.md"] if line not in new] == before["README.md"]
    assert len(new) == 2
    changed = [
        pair for pair in zip(before["CITATION.cff"], after["CITATION.cff"], strict=True)
        if pair[0] != pair[1]
    ]  # fmt: skip
    published = "repository-code: https://github.com/jane/Loop_2.0"
    assert changed == [("# repository-code: https://", published)]
    citation = yaml.safe_load((unpublished / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == "https://github.com/jane/Loop_2.0"

    (binder,) = re.findall(r"\((https://mybinder\.org/v2/[^)]*)\)", new[0])
    *_, host, owner, repository, tag = urlsplit(binder).path.split("/")
    assert (host, owner, repository, unquote(tag)) == ("gh", "jane", "Loop_2.0", "v1.0/rc+1")
    (opened,) = parse_qs(urlsplit(binder).query)["urlpath"]
    assert opened == "lab/tree/my/00-start-here.ipynb"
    assert (ROOT / "notebooks" / Path(opened).name).exists()


def test_the_badge_of_the_next_release_takes_the_place_of_the_last(
    unpublished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    badge.fill(unpublished, "jane/loop", "v1.0.0")
    first = contents(unpublished)
    assert badge.fill(unpublished, "jane/loop", "v1.0.0") == []
    assert badge.main(["jane/loop", "v1.0.0"], unpublished) == 0
    assert "already" in capsys.readouterr().out
    assert contents(unpublished) == first
    assert badge.fill(unpublished, "jane/loop", "v1.1.0") == ["README.md"]
    badge.fill(unpublished, "joan/loop", "v1.0.0")
    badge.fill(unpublished, "jane/loop", "v1.0.0")
    assert contents(unpublished) == first


@pytest.mark.parametrize(
    ("repository", "tag", "said"),
    [
        ("loop", "v1", "OWNER/REPO must be like"),
        ("https://github.com/jane/loop", "v1", "OWNER/REPO must be like"),
        ("jane/loop/tree", "v1", "OWNER/REPO must be like"),
        ("-jane/loop", "v1", "OWNER/REPO must be like"),
        ("jane/lo)op", "v1", "OWNER/REPO must be like"),
        ("jane/loop", "", "TAG must be a tag or branch"),
        ("jane/loop", "v 1", "TAG must be a tag or branch"),
        ("jane/loop", "v1..2", "TAG must be a tag or branch"),
        ("jane/loop", "v1/.2", "TAG must be a tag or branch"),
        ("jane/loop", "v1/", "TAG must be a tag or branch"),
        ("jane/loop", "v1)", "TAG must be a tag or branch"),
    ],
)
def test_a_bad_badge_is_one_sentence_and_writes_nothing(
    repository: str, tag: str, said: str, unpublished: Path
) -> None:
    before = contents(unpublished)
    with pytest.raises(ValueError, match=said) as failure:
        badge.fill(unpublished, repository, tag)
    assert repr(tag if said.startswith("TAG") else repository) in str(failure.value)
    assert contents(unpublished) == before


@pytest.mark.parametrize(
    ("name", "lost"), [("README.md", badge.END), ("CITATION.cff", "repository-code")]
)
def test_a_file_without_the_place_to_fill_stops_before_the_other_is_written(
    name: str, lost: str, unpublished: Path
) -> None:
    text = (unpublished / name).read_text(encoding="utf-8")
    (unpublished / name).write_text(text.replace(lost, "gone"))
    before = contents(unpublished)
    with pytest.raises(ValueError, match=f"{name} must hold once"):
        badge.fill(unpublished, "jane/loop", "v1.0.0")
    assert contents(unpublished) == before


def test_the_dev_container_opens_the_course_in_jupyterlab(pytestconfig: pytest.Config) -> None:
    said = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    image = re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:(3\.\d+)-\w+", said["image"])
    assert image
    assert image[1] in PYTHONS
    commands = {key: value for key, value in said.items() if key.endswith("Command")}
    assert set(commands) == {"updateContentCommand", "postAttachCommand"}
    for command in commands.values():
        assert complaint(command, pytestconfig) == ""
    # The first makes .venv and the copies and ends; the second stays.
    assert commands["updateContentCommand"].split()[2:] == ["helpers", "lab", "--version"]
    assert commands["postAttachCommand"].split()[2:5] == ["helpers", "lab", "--no-browser"]
    (port,) = said["forwardPorts"]
    assert f"--port={port}" in commands["postAttachCommand"].split()
    assert list(said["portsAttributes"]) == [str(port)]
    python = said["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert python == f"${{containerWorkspaceFolder}}/{bootstrap.VENV.name}/bin/python"


def test_jupyterlab_knows_the_options_of_the_dev_container() -> None:
    said = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    for option in said["postAttachCommand"].split()[4:]:
        name = option.lstrip("-").split("=")[0]
        kind, _, trait = name.partition(".")
        known = ServerApp.class_trait_names() if kind == "ServerApp" else {*aliases, *flags}
        assert (trait or name) in known


def test_zenodo_is_told_what_the_citation_says() -> None:
    """Zenodo reads no CITATION.cff where .zenodo.json is; the version is that of the release."""
    zenodo = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert zenodo["title"] == citation["title"]
    assert zenodo["description"] == citation["abstract"].strip()
    assert zenodo["upload_type"] == citation["type"]
    assert zenodo["license"] == citation["license"]
    assert zenodo["keywords"] == citation["keywords"]
    assert [one["name"] for one in zenodo["creators"]] == [a["name"] for a in citation["authors"]]
    assert "version" not in zenodo
