"""The page for hubs, what a hub starts, and the parts of tests/hub.py that need no hub."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

import hub
import psutil
import pytest
import yaml
from hub_learner import Learner, decoded, key_of
from hub_memory import Watch, memory
from traitlets.config.loader import PyFileConfigLoader

from helpers._ground import ROOT
from helpers.authoring.course import Course
from helpers.authoring.memory import per_learner, tried_table

PAGE = hub.PAGE.read_text(encoding="utf-8")
COURSE = Course.at(ROOT)
SINGLEUSER = ROOT / "binder" / "singleuser"

# ---------------------------------------------------------------------- the page


def test_the_page_installs_what_is_pinned_and_the_course_without_its_dependencies() -> None:
    commands = [" ".join(command) for command in hub.commands(PAGE)]
    pinned, course, compiled = commands
    assert pinned.startswith("pip install -c constraints.txt -r binder/requirements.txt ")
    assert course == "pip install --no-deps -e ."
    assert compiled == "python -m compileall -q helpers"
    for name in re.findall(r"-[cr] (\S+)", pinned):
        assert (ROOT / name).is_file()


def test_the_page_names_files_that_are_there() -> None:
    named = set(re.findall(rf"{hub.SHARED}/([\w./-]+)", PAGE))
    assert named == {"binder/hub_config.py", "binder/singleuser"}
    assert all((ROOT / name).is_file() for name in named)
    (config,) = re.findall(r"(?s)```yaml\n(.*?)```", PAGE)
    said = yaml.safe_load(config)["singleuser"]
    assert said["cmd"] == f"{hub.SHARED}/binder/singleuser"
    assert f"--target-repo-dir {hub.SHARED} " in PAGE
    assert said["defaultUrl"] == hub_config().Spawner.default_url


def test_the_link_for_nbgitpuller_opens_the_first_lesson_of_what_it_fetches() -> None:
    (link,) = re.findall(r"https://HUB/\S+", PAGE)
    parts = urlsplit(link)
    assert parts.path == "/hub/user-redirect/git-pull"
    said = parse_qs(parts.query, strict_parsing=True)
    assert said.keys() == {"repo", "branch", "urlpath"}
    (repository,), (branch,), (opened,) = said["repo"], said["branch"], said["urlpath"]
    assert (repository, branch) == ("https://github.com/OWNER/REPO", "TAG")
    # nbgitpuller clones into a folder of the repository's name.
    folder, notebook = re.fullmatch(r"lab/tree/([^/]+)/(.+)", opened).groups()  # type: ignore[union-attr]
    assert folder == repository.rsplit("/", 1)[1]
    assert (ROOT / notebook).is_file()
    assert not set(unquote(parts.query)) & set(' "<>')


def test_what_was_tried_is_what_was_recorded_and_stays_below_what_is_planned() -> None:
    tried = COURSE.tried_on_a_hub()
    assert tried_table(tried, COURSE.measured()) in PAGE
    assert tried["learners"] == hub.COUNT == 8
    assert tried["lesson"] == hub.LESSON
    rows = re.findall(r"(?m)^\| (.+?) \| (\d*) \| (\d+) \|$", PAGE.split("## What was tried")[1])
    assert len(rows) == 5
    planned = {what: (int(plan), int(measured)) for what, plan, measured in rows if plan}
    for what, (plan, measured) in planned.items():
        promised = what.startswith(("one learner", "all 8"))  # the others are parts of it
        assert measured <= (plan if promised else 1.1 * plan), what
    assert len(planned) == 4
    assert tried["learner_mb"] <= per_learner(COURSE.measured())["guarantee"]


# ---------------------------------------------------------------------- what a hub starts


def hub_config() -> SimpleNamespace:
    path = ROOT / "binder"
    return PyFileConfigLoader("hub_config.py", str(path)).load_config()  # type: ignore[return-value]


def test_the_hub_is_told_to_start_the_course_and_open_its_first_page(tmp_path: Path) -> None:
    linked = tmp_path / "closing-the-loop.py"
    linked.symlink_to(ROOT / "binder" / "hub_config.py")
    config = PyFileConfigLoader(linked.name, str(tmp_path)).load_config()
    assert config == hub_config()
    assert config.Spawner.cmd == [str(SINGLEUSER)]
    assert os.access(SINGLEUSER, os.X_OK)
    page = config.Spawner.default_url.removeprefix("/lab/tree/closing-the-loop/my/")
    assert (ROOT / "notebooks" / page).is_file()


# In place of matplotlib, which takes seconds to do it.
LIST_FONTS = 'mkdir -p "$HOME/.cache/matplotlib" && echo "$2" >> "$HOME/fonts"'


@pytest.fixture
def server(tmp_path: Path) -> dict[str, str]:
    """An environment in which the server is a program that says how it was started."""
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "jupyterhub-singleuser"
    said = "$PWD|$*|$COURSE_HOME|$JUPYTER_CONFIG_PATH|$OMP_NUM_THREADS"
    fake.write_text(f'#!/bin/sh\necho "{said}"\n')
    fake.chmod(0o755)
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" != -c ] && exec {sys.executable} "$@"\n{LIST_FONTS}\n')
    python.chmod(0o755)
    ours = ("COURSE", "JUPYTER", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept.pop("XDG_CACHE_HOME", None)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    (tmp_path / "home").mkdir()
    return {**kept, "PATH": path, "HOME": str(tmp_path / "home")}


def started(server: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SINGLEUSER, "--one", "two words"],
        cwd=server["HOME"],
        env=server,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_learner_gets_copies_and_then_a_server_in_their_home(server: dict[str, str]) -> None:
    done = started(server)
    home = server["HOME"]
    course = f"{home}/closing-the-loop"
    settings = ROOT / "binder" / "jupyter"
    assert done.stdout == f"{home}|--one two words|{course}|{settings}|1\n", done.stderr
    shipped = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {path.name for path in Path(course, "my").glob("*.ipynb")} == shipped
    assert Path(home, "fonts").read_text() == "import matplotlib.font_manager\n"
    again = started(server)
    assert Path(home, "fonts").read_text().count("\n") == 1
    assert (again.returncode, again.stderr) == (0, "")


def test_where_copies_cannot_be_made_the_server_runs_all_the_same(server: dict[str, str]) -> None:
    Path(server["HOME"], "closing-the-loop").write_text("a file where the folder should be")
    done = started(server)
    assert done.returncode == 0
    assert "|--one two words|" in done.stdout
    assert done.stderr.count("cannot be written") == 1
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------------- how it is measured


def test_a_message_with_pictures_is_read_as_one_without() -> None:
    said = {"header": {"msg_type": "comm_open"}, "content": {"a": 1}}
    text = json.dumps(said).encode()
    assert decoded(text.decode()) == said
    first = 4 * 3
    frame = struct.pack("!3i", 2, first, first + len(text)) + text + b"\x89PNG"
    assert decoded(frame) == said
    assert decoded(struct.pack("!2i", 1, 8) + text) == said


def test_the_key_of_a_form_is_found() -> None:
    source = 'from helpers.teaching import quiz\n\nquiz(\n    "02-divisor",\n    "You draw"\n)'
    assert key_of(source, "quiz") == "02-divisor"


def test_the_watch_counts_what_is_held_and_computed() -> None:
    share, pages = memory("Rss: 2048 kB\nPss: 1024 kB\nPss_Dirty: 5 kB\n7f-7f ---p 0 00:00 0 [r]\n")
    assert (share, pages) == (1.0, 2.0)
    burn = (
        "import time; held = bytearray(100 * 2**20); end = time.process_time() + 1\n"
        "while time.process_time() < end: pass\nprint(flush=True); input()"
    )
    with Watch({}, os.getpid()) as watch, subprocess.Popen(
        [sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:  # fmt: skip
        assert child.stdout is not None
        child.stdout.readline()
        watch._look()
        child.communicate(b"\n")
    found = watch.found()
    assert found["hub_mb"] > 100
    assert found["cpu_seconds"] > 0.9
    assert found["all_learners_mb"] == 0


def test_what_listens_beyond_loopback_is_found() -> None:
    own = [psutil.Process()]
    with socket.socket() as inside, socket.socket() as outside:
        inside.bind(("127.0.0.1", 0))
        inside.listen()
        port = inside.getsockname()[1]
        assert not [one for one in hub.beyond_loopback(own) if str(port) in one]
        outside.bind(("0.0.0.0", 0))
        outside.listen()
        port = outside.getsockname()[1]
        assert [one for one in hub.beyond_loopback(own) if str(port) in one]


@pytest.fixture
def room(tmp_path: Path) -> hub.Class:
    """Two learners whose files are as they should be."""
    room = hub.Class("http://127.0.0.1:1", "token", ROOT, tmp_path)
    for number, name in enumerate(hub.NAMES[:2], 1):
        learner = Learner(name, number, "http://127.0.0.1:1/", "token")
        answers = {f"02-{key}": ["yes"] for key in "abcd"}
        learner.entered = {
            "predictions": {"02-p": [number, number + 1], "02-q": ["b", 60]},
            "answers": dict.fromkeys(answers, "yes"),
        }
        home = tmp_path / name / "closing-the-loop"
        (home / "my").mkdir(parents=True)
        (home / ".progress").mkdir()
        (home / "my" / f"{hub.LESSON}.ipynb").write_text(f"# {name} was here")
        kept = {
            "predictions": {k: {"value": v} for k, v in learner.entered["predictions"].items()},
            "answers": {key: {"chosen": chosen} for key, chosen in answers.items()},
        }
        (home / ".progress" / "progress.json").write_text(json.dumps(kept))
        room.learners.append(learner)
    return room


def test_files_that_are_kept_apart_are_no_complaint(room: hub.Class) -> None:
    room.check_files()
    assert room.all_complaints() == []


def test_files_that_were_mixed_up_are_found(room: hub.Class) -> None:
    first, second = (room.homes / one.name / "closing-the-loop" for one in room.learners)
    for name in (f"my/{hub.LESSON}.ipynb", ".progress/progress.json"):
        one, other = (first / name).read_text(), (second / name).read_text()
        (first / name).write_text(other)
        (second / name).write_text(one)
    room.check_files()
    found = room.all_complaints()
    for learner in room.learners:
        assert len([one for one in found if one.startswith(f"{learner.name}: ")]) == 2
    assert sum("their copy is signed by" in one for one in found) == 2
    assert sum("02-p: entered" in one for one in found) == 2


def test_forms_that_nobody_filled_in_are_found(room: hub.Class) -> None:
    room.learners[0].entered["answers"].clear()
    room.check_files()
    (complaint,) = room.all_complaints()
    assert "too few forms" in complaint


def test_a_changed_or_new_file_of_the_course_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = hub.tree(tmp_path)
    (tmp_path / "b.py").write_text("1")
    assert hub.tree(tmp_path).keys() - before.keys() == {str(tmp_path / "b.py")}
    (tmp_path / "a.py").write_text("2")
    assert hub.tree(tmp_path)[str(tmp_path / "a.py")] != before[str(tmp_path / "a.py")]
