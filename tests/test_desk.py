"""The learner's copies: made once, never overwritten, and news of what has changed."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nobody import as_nobody

from helpers.course import cli, desk
from helpers.course.bootstrap import SetUpError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("00-start-here", "02-fit", "notation"):
        write(folder / f"{name}.ipynb", f"print('{name}')")
    (folder / "card.html").write_text("<p>dice</p>")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "02-fit.ipynb").write_text("{}")
    return folder


def write(path: Path, source: str, output: str = "") -> None:
    cell = {"cell_type": "code", "source": [source], "outputs": [output]}
    path.write_text(json.dumps({"cells": [cell]}))


def test_copies_everything_but_hidden_files(shipped: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my"
    assert len(desk.refresh(shipped, mine)) == 4
    names = {path.name for path in mine.iterdir()}
    assert names - {desk.RECORD} == {
        *("00-start-here.ipynb", "02-fit.ipynb", "notation.ipynb", "card.html")
    }
    assert json.loads((mine / "02-fit.ipynb").read_text("utf-8")) == json.loads(
        (shipped / "02-fit.ipynb").read_text("utf-8")
    )


def test_second_start_is_silent_and_changes_nothing(shipped: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my"
    desk.refresh(shipped, mine)
    write(mine / "02-fit.ipynb", "my_own = 'work'")
    assert desk.refresh(shipped, mine) == []
    assert "my_own" in (mine / "02-fit.ipynb").read_text()


def told(*tags: str, page: str = "<p>answer</p>") -> dict[str, Any]:
    output = {"output_type": "execute_result", "data": {"text/html": page, "text/plain": "answer"}}
    return {
        "cell_type": "code",
        "source": ["run()"],
        "execution_count": 3,
        "metadata": {"tags": list(tags), "jupyter": {"outputs_hidden": "reveal" in tags}},
        "outputs": [output],
    }


def test_a_copy_holds_no_output_that_answers_and_the_published_page_does(
    shipped: Path, tmp_path: Path
) -> None:
    form = "<p>How many?</p><details><summary>Answer</summary>\nseven</details>"
    cells = [
        told(),
        told("predict", page="<p>How many?</p>"),
        told("reveal"),
        {"cell_type": "markdown", "metadata": {}, "source": ["In words."]},
        told("quiz", page=form),
        told(),
    ]
    lesson = shipped / "02-fit.ipynb"
    lesson.write_text(json.dumps({"cells": cells, "metadata": {}}))
    before = lesson.read_bytes()
    desk.refresh(shipped, tmp_path / "my")
    fresh = desk.reset(shipped, tmp_path / "my", "02")
    for copy in (tmp_path / "my" / "02-fit.ipynb", fresh):
        mine = json.loads(copy.read_text("utf-8"))["cells"]
        assert mine[0] == cells[0]  # nothing had been asked yet
        assert mine[1] == cells[1]
        for number in (2, 5):
            assert mine[number]["outputs"] == []
            assert mine[number]["execution_count"] is None
            assert "outputs_hidden" not in mine[number]["metadata"]["jupyter"]
        assert mine[4]["outputs"][0]["data"]["text/html"] == "<p>How many?</p>"
        assert [cell["source"] for cell in mine] == [cell["source"] for cell in cells]
    assert lesson.read_bytes() == before


LESSONS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("[0-9][0-9]-*.ipynb"))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_no_copy_of_a_lesson_tells(lesson: Path, tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / lesson.name).write_bytes(lesson.read_bytes())
    desk.refresh(folder, tmp_path / "my")
    mine = nbformat.read(tmp_path / "my" / lesson.name, as_version=4)
    nbformat.validate(mine)
    published = nbformat.read(lesson, as_version=4)
    reveals = [cell for cell in published.cells if "reveal" in cell.metadata.get("tags", [])]
    assert reveals
    assert all(cell.outputs for cell in reveals)  # what is on the web keeps its figures
    after = False
    for cell in mine.cells:
        tags = cell.metadata.get("tags", [])
        after = after or bool({"predict", "quiz", "reveal"} & set(tags))
        if after and cell.cell_type == "code":
            form = {"predict", "quiz"} & set(tags)
            assert bool(cell.outputs) == bool(form)
            assert "<details>" not in json.dumps(cell.outputs)


def test_a_copy_that_fails_leaves_nothing_half_made(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.refresh(shipped, tmp_path / "my")
    (tmp_path / "my" / "02-fit.ipynb").unlink()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("helpers.course.desk.os.replace", full)
        with pytest.raises(SetUpError, match="No space"):
            desk.refresh(shipped, tmp_path / "my")
    assert not (tmp_path / "my" / "02-fit.ipynb").exists()
    assert desk.refresh(shipped, tmp_path / "my") == ["my/02-fit.ipynb is new"]


def test_a_deleted_copy_and_a_new_lesson_are_made(shipped: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my"
    desk.refresh(shipped, mine)
    (mine / "02-fit.ipynb").unlink()
    write(shipped / "06-new.ipynb", "1")
    news = desk.refresh(shipped, mine)
    assert news == ["my/02-fit.ipynb is new", "my/06-new.ipynb is new"]


def test_a_newer_version_is_announced_until_it_is_fetched(shipped: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my"
    desk.refresh(shipped, mine)
    write(mine / "02-fit.ipynb", "my_own = 'work'")
    write(shipped / "02-fit.ipynb", "print('better')")
    for _ in range(2):
        (line,) = desk.refresh(shipped, mine)
        assert "course reset 02" in line
    assert "my_own" in (mine / "02-fit.ipynb").read_text()
    fresh = desk.reset(shipped, mine, "02")
    assert fresh.name == "02-fit-fresh-1.ipynb"
    assert "better" in fresh.read_text()
    assert "my_own" in (mine / "02-fit.ipynb").read_text()
    assert desk.refresh(shipped, mine) == []


def test_new_outputs_alone_are_no_new_version(shipped: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my"
    desk.refresh(shipped, mine)
    write(shipped / "02-fit.ipynb", "print('02-fit')", output="another machine")
    assert desk.refresh(shipped, mine) == []


def test_reset_says_that_answers_are_kept(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(cli, "NOTEBOOKS", shipped)
    monkeypatch.setattr(cli, "home", lambda: tmp_path)
    assert cli.reset(["02"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"A fresh copy: {Path('my', '02-fit-fresh-1.ipynb')}"
    assert "What you predicted and answered in this lesson is kept" in " ".join(rest)


def test_reset_counts_up(shipped: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my"
    names = [desk.reset(shipped, mine, lesson).name for lesson in ("2", "02", "02-fit", "notation")]
    assert names == [f"02-fit-fresh-{n}.ipynb" for n in (1, 2, 3)] + ["notation-fresh-1.ipynb"]


@pytest.mark.parametrize("lesson", ["99", "", "2-fit", "card", "../02-fit", "02-f"])
def test_reset_of_no_lesson_names_those_there_are(
    shipped: Path, tmp_path: Path, lesson: str
) -> None:
    with pytest.raises(ValueError, match="00-start-here, 02-fit, notation; got"):
        desk.reset(shipped, tmp_path / "my", lesson)


def test_a_corrupt_record_costs_only_the_news(shipped: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my"
    desk.refresh(shipped, mine)
    (mine / desk.RECORD).write_text("{not json")
    write(shipped / "02-fit.ipynb", "print('better')")
    assert desk.refresh(shipped, mine) == []
    assert "better" not in (mine / "02-fit.ipynb").read_text()


def test_first_page(shipped: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my"
    mine.mkdir()
    assert desk.first_page(mine) is None
    write(mine / "02-fit.ipynb", "1")
    assert desk.first_page(mine) == "02-fit.ipynb"
    desk.refresh(shipped, mine)
    assert desk.first_page(mine) == "00-start-here.ipynb"


def test_links_to_helpers_work_where_the_copies_are_elsewhere(
    shipped: Path, tmp_path: Path
) -> None:
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "loop.py").touch()
    for _ in range(2):
        desk.refresh(shipped, tmp_path / "home" / "my")
    assert (tmp_path / "home" / "my" / ".." / "helpers" / "loop.py").exists()
    desk.refresh(shipped, tmp_path / "my")
    assert not (tmp_path / "helpers").is_symlink()


def test_every_link_of_a_lesson_leads_somewhere_where_the_copies_are_elsewhere(
    tmp_path: Path,
) -> None:
    desk.refresh(ROOT / "notebooks", tmp_path / "my")
    links = {
        (name.name, link)
        for name in (ROOT / "notebooks").glob("*.ipynb")
        for link in re.findall(r"\]\((\.\./[^)#\s]+)", name.read_text("utf-8"))
    }
    assert len(links) > 15
    assert [link for link in sorted(links) if not (tmp_path / "my" / link[1]).exists()] == []


def test_a_copy_is_whole_or_not_there(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(desk.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            desk.refresh(shipped, tmp_path / "my")
    assert len(desk.refresh(shipped, tmp_path / "my")) == 4


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("command", [["copies"], ["reset", "02"], ["lab", "--version"]])
def test_a_read_only_checkout_uses_the_home_folder_and_says_so(
    shipped: Path, tmp_path: Path, command: list[str]
) -> None:
    """And where that cannot be written either, one sentence says what to do."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    shipped.rename(checkout / "notebooks")
    program = (
        "import sys; from pathlib import Path\n"
        "from helpers import _ground\n"
        "from helpers.course import cli\n"
        "_ground.ROOT = cli.ROOT = Path.cwd(); cli.NOTEBOOKS = cli.ROOT / 'notebooks'\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    environment = {"COURSE_ENV": "current", "COURSE_HOME": "", "HOME": str(tmp_path / "home")}
    run = [sys.executable, "-c", program, *command]
    answer = as_nobody(run, read_only=checkout, **environment)
    assert answer.returncode == 0, answer.stderr
    there = {path.name for path in (tmp_path / "home" / "closing-the-loop" / "my").iterdir()}
    assert "02-fit-fresh-1.ipynb" in there if command[0] == "reset" else "02-fit.ipynb" in there
    if command[0] != "reset":
        assert "is not yours to write: your copies are in" in answer.stderr
    answer = as_nobody(run, read_only=checkout, **{**environment, "HOME": str(checkout / "home")})
    assert answer.returncode == 1
    last = answer.stderr.splitlines()[-1]
    assert last.endswith("set COURSE_HOME to a folder of your own, then try again.")
    assert "Traceback" not in answer.stderr
