"""`git pull` in a checkout that is older than the house: what is a learner's stays, and is found.

The old course is the last commit before helpers/ became rooms, and its own code makes the copies
and the answers. A clone without that history has an old course made here: the notebooks of that
time, modules where rooms are today, and answers as they were kept. Either is then updated to the
files that are here now, committed or not.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from helpers._ground import ROOT

MOVED = "helpers/course/desk.py"  # with this file the house began
OLD_MODULES = ("cli", "data", "desk", "explorers", "metrics")  # two of them are old paths today
STEM, OTHER = "02-fit-sample-repeat", "00-start-here"
MINE = "from helpers.data import take\nprint('my own', take([1, 2, 3], [2]))"
CODE = "def my_keep(rows):\n    return rows[:7]  # seven of mine"
ANSWER = f"""
from helpers.teaching import predict, quiz, verdict
from helpers.teaching.checks import _record
asked = predict("02-mean-variance", "The average?")
asked.commit(0.1, 0.6)
asked.resolve(0.4)
predict("02-typical-variance", "One run?", choices=["about 1", "about 1/2"]).commit("about 1", 70)
quiz("02-divisor", "Which?", {{"x": "No.", "y": "Yes."}}, answer="y").choose("x")
_record("06-mix", True, {CODE!r})
"""
AT = 1764000000  # 2025
KEPT = {  # what the old code wrote for ANSWER, but the times
    "answers": {"02-divisor": {"chosen": ["x"], "correct": False, "first": False, "at": AT}},
    "checks": {"06-mix": {"code": CODE, "passed": True, "tries": 1, "at": AT}},
    "claims": {},
    "predictions": {
        "02-mean-variance": {"truth": 0.4, "value": [0.1, 0.6], "at": AT},
        "02-typical-variance": {"value": ["about 1", 70.0], "at": AT},
    },
    "verdicts": {},
    "version": 1,
}


def git(*arguments: str, **where: Path) -> str:
    """Run git, with `git_dir=` or `work_tree=` or in `cwd=`; what it said."""
    places = {name.replace("_", "-"): path for name, path in where.items() if name != "cwd"}
    options = [f"--{name}={path}" for name, path in places.items()]
    said = ("user.name=A learner", "user.email=learner@example.org", "gc.auto=0")
    settings = [part for one in said for part in ("-c", one)]
    command = ["git", *settings, *options, *arguments]
    answer = subprocess.run(
        command, cwd=where.get("cwd"), capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def course(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in a checkout, as its learner starts it: nothing says where the things lie."""
    environment = {**os.environ, "PYTHONPATH": "", "HOME": str(checkout.parent / "home")}
    for name in ("COURSE_PROGRESS", "COURSE_HOME"):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def commit(origin: Path, files: Path, *parents: str) -> str:
    """Commit a folder as it is, ignored files left out; nothing is written there."""
    git("add", "--all", git_dir=origin, work_tree=files)
    tree = git("write-tree", git_dir=origin)
    (origin / "index").unlink()
    before = [part for parent in parents for part in ("-p", parent)]
    return git("commit-tree", tree, *before, "-m", "A course", git_dir=origin)


def before_the_house(origin: Path) -> str:
    """The last commit without rooms, or nothing where the history does not reach back so far."""
    began = git("log", "--diff-filter=A", "--format=%P", "HEAD", "--", MOVED, git_dir=origin)
    return began.split("\n")[-1].split(" ")[0]


def an_old_course(folder: Path) -> None:
    """The files of an old course as far as git and a learner's things are concerned."""
    (folder / "helpers").mkdir(parents=True)
    (folder / "notebooks").mkdir()
    for name in OLD_MODULES:
        (folder / "helpers" / f"{name}.py").write_text(f'"""The old {name}."""\n')
    shutil.copy(ROOT / ".gitignore", folder)
    former = json.loads((ROOT / "tests" / "former_notebooks.json").read_text("utf-8"))
    for stem, sources in former.items():
        page = new_notebook(cells=[new_code_cell(source) for source in sources])
        (folder / "notebooks" / f"{stem}.ipynb").write_text(json.dumps(page))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A learner's checkout of the old course, with work in it; its origin has a newer one."""
    folder = tmp_path_factory.mktemp("update")
    origin, checkout = folder / "origin.git", folder / "checkout"
    git("clone", "--quiet", "--bare", str(ROOT), str(origin))
    old = history = before_the_house(origin)
    if not history:
        an_old_course(folder / "old")
        old = commit(origin, folder / "old")
    new = commit(origin, ROOT, git("rev-parse", "HEAD", git_dir=origin) if history else old)
    branch = "refs/heads/published"  # whatever is checked out here, be it no branch at all
    git("update-ref", branch, old, git_dir=origin)
    git("symbolic-ref", "HEAD", branch, git_dir=origin)
    git("clone", "--quiet", str(origin), str(checkout))
    git("update-ref", branch, new, git_dir=origin)
    assert (checkout / "helpers" / "metrics.py").is_file(), "a room today"
    work(checkout, by_hand=not history)
    return checkout


def work(checkout: Path, *, by_hand: bool) -> None:
    """Copies, answers, a copy that was worked in, and a page to take home."""
    if by_hand:
        shutil.copytree(checkout / "notebooks", checkout / "my")
        (checkout / ".progress").mkdir()
        (checkout / ".progress" / "progress.json").write_text(json.dumps(KEPT))
    else:
        for arguments in (["-m", "helpers", "copies"], ["-c", ANSWER]):
            answer = course(checkout, *arguments)
            assert answer.returncode == 0, answer.stderr
    copy = checkout / "my" / f"{STEM}.ipynb"
    notebook = json.loads(copy.read_text("utf-8"))
    notebook["cells"].append(new_code_cell(MINE))
    copy.write_text(json.dumps(notebook))
    (checkout / "my" / "notes.md").write_text("What I think of it.\n")
    (checkout / ".progress" / "take-home.html").write_text("<p>An earlier page.</p>\n")


def things(checkout: Path) -> dict[str, bytes]:
    """All that is the learner's; not the record of what has been announced."""
    found = [*(checkout / "my").rglob("*"), *(checkout / ".progress").rglob("*")]
    return {
        path.relative_to(checkout).as_posix(): path.read_bytes()
        for path in found
        if path.is_file() and path.suffix != ".lock" and path.name != ".copies.json"
    }


def test_the_recorded_answers_are_those_of_the_old_code(checkout: Path) -> None:
    kept = json.loads((checkout / ".progress" / "progress.json").read_text("utf-8"))
    for entry in (one for part in kept.values() if isinstance(part, dict) for one in part.values()):
        entry["at"] = AT
    assert kept == KEPT


def test_git_keeps_what_was_done_in_the_course_s_own_notebook(checkout: Path) -> None:
    """It refuses to pull over it; then what README says puts it among one's own, and only it."""
    readme = (ROOT / "README.md").read_text("utf-8")
    (back,) = re.findall(r"`git (checkout notebooks[^`]*)`", readme)
    page, other = (checkout / "notebooks" / f"{stem}.ipynb" for stem in (STEM, OTHER))
    published, others = page.read_bytes(), other.read_bytes()
    page.write_bytes(published + b"\n\n")
    other.write_bytes(others + b"\n")
    refused = subprocess.run(
        ["git", "pull"], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert page.name in refused.stderr
    assert page.read_bytes() == published + b"\n\n"
    shutil.copy(page, checkout / "my" / "mine.ipynb")
    git(*back.replace("NAME", STEM).split(), cwd=checkout)
    assert page.read_bytes() == published
    assert other.read_bytes() == others + b"\n"
    other.write_bytes(others)


def test_an_update_keeps_what_is_a_learner_s_and_finds_it(checkout: Path) -> None:
    before = things(checkout)
    assert {"my/notes.md", ".progress/progress.json"} < set(before)
    recorded = os.listdir(checkout / "my")  # which version a copy is of, where the old code ran
    git("pull", cwd=checkout)
    assert (checkout / MOVED).is_file()
    assert not (checkout / "helpers" / "metrics.py").exists()
    assert things(checkout) == before
    assert git("status", "--porcelain", cwd=checkout) == ""

    said = course(checkout, "-m", "helpers", "copies")
    assert said.returncode == 0, said.stderr
    assert "my/13-capstone.ipynb is new" in said.stderr
    if ".copies.json" in recorded:
        assert f"my/{STEM}.ipynb is yours, and there is a newer version" in said.stderr
    after = things(checkout)
    assert {name: after[name] for name in before} == before
    assert "my/13-capstone.ipynb" in after

    own = course(checkout, "-c", json.loads(before[f"my/{STEM}.ipynb"])["cells"][-1]["source"])
    assert own.stdout == "my own [3]\n", own.stderr

    summary = "from helpers.teaching import progress; print(repr(progress.summary()))"
    shown = course(checkout, "-c", summary)
    assert shown.returncode == 0, shown.stderr
    assert "seven of mine" in shown.stdout
    counted = {tuple(line.split()) for line in shown.stdout.splitlines()}
    assert {("02", "2", "1", "0"), ("06", "0", "0", "1")} <= counted
    assert things(checkout) == after, "to look is not to write"

    home = course(checkout, "-m", "helpers", "take-home")
    assert home.returncode == 0, home.stderr
    pages = {p.name: p.read_text("utf-8") for p in (checkout / ".progress").glob("take-home*")}
    assert len(pages) == 2
    assert "<p>An earlier page.</p>\n" in pages.values()
    assert "An earlier page" not in pages["take-home.html"]
