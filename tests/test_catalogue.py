"""What lessons say of themselves is said once: tables, heads, map and cards are made of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers._ground import ROOT
from helpers.authoring.catalogue import about, catalogue
from helpers.authoring.check import check
from helpers.authoring.course import Course
from helpers.authoring.front import LessonError
from helpers.authoring.instructors import lacking
from helpers.authoring.lesson import parse
from helpers.authoring.new import main, new
from helpers.authoring.pages import make_pages, marked, page_problems
from helpers.authoring.rules import validate
from helpers.teaching import claim_cards

FRONT = """---
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
course:
  shape: experiment
  minutes: 20
  core_minutes: 10
"""
PARTS = ("helpers", "lessons", "notebooks", "tests", "README.md", "pyproject.toml", "conftest.py")


def lesson(folder: Path, stem: str, more: str = "", body: str = "# {{ lesson.title }}\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.md"
    path.write_text(f"{FRONT}{more}---\n\n{body}", encoding="utf-8")
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the course without what is built or kept."""
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
            )
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


# --- pages -------------------------------------------------------------------------------------


def test_the_committed_pages_are_what_the_lessons_say() -> None:
    assert page_problems(ROOT) == []


def test_every_page_that_is_made_has_its_marks() -> None:
    pages = [ROOT / "README.md"]
    pages += [ROOT / "lessons" / "instructors" / path.name
              for path in (ROOT / "lessons").glob("[0-9][0-9]-*.md")]  # fmt: skip
    for page in pages:
        assert "<!-- made by `course build` from lessons/" in page.read_text(encoding="utf-8"), page


def test_the_answer_of_each_challenge_is_on_the_page_for_instructors() -> None:
    asked = 0
    for path in sorted((ROOT / "lessons").glob("[0-9][0-9]-*.md")):
        lesson = path.read_text(encoding="utf-8")
        page = (path.parent / "instructors" / path.name).read_text(encoding="utf-8")
        if many := lesson.count("A challenge"):
            asked += many
            message = f"{many} challenges in the lesson, and 0 answers"
            assert [m.startswith(message) for m in lacking(page.replace("challenge", "question"),
                                                           lesson)] == [True]  # fmt: skip
        assert lacking(page, lesson) == []
    assert asked >= 10


def test_a_changed_title_reaches_every_page_and_nothing_written_by_hand(checkout: Path) -> None:
    source = checkout / "lessons" / "06-replace-or-accumulate.md"
    text = source.read_text(encoding="utf-8")
    changed = text.replace("title: Replace or accumulate", "title: Keep the old rows")
    source.write_text(
        changed.replace(
            "The bell curve again:\n      minutes: 5", "The bell curve again:\n      minutes: 6"
        ),
        encoding="utf-8",
    )
    sheet = checkout / "lessons" / "instructors" / source.name
    by_hand = sheet.read_text(encoding="utf-8").split("by hand from here -->")[1]
    assert len(by_hand) > 1000
    wrong = page_problems(checkout)
    assert [line.split(":")[0] for line in wrong] == [
        "README.md",
        "lessons/instructors/06-replace-or-accumulate.md",
        "lessons/instructors/hubs.md",
        "lessons/instructors/first-class.md",
    ]
    assert make_pages(checkout) == [line.split(":")[0] for line in wrong]
    assert page_problems(checkout) == []
    readme = (checkout / "README.md").read_text(encoding="utf-8")
    assert "| 06 | [Keep the old rows](notebooks/06-replace-or-accumulate.ipynb) |" in readme
    assert "| 86 min | 35 min |" in readme
    said = sheet.read_text(encoding="utf-8")
    assert "# Teaching lesson 06: Keep the old rows\n" in said
    assert said.split("by hand from here -->")[1] == by_hand


def test_the_map_of_lesson_00_follows_the_knobs(checkout: Path) -> None:
    lessons = checkout / "lessons"
    said = about("00", catalogue(lessons))
    two = "[02](02-fit-sample-repeat.ipynb), [03](03-losing-the-tails.ipynb)"
    assert said["map_size"] == f"lessons {two}, [12](12-size-and-self-training.ipynb)"
    assert said["map_sampler"] == "[lesson 05](05-language-that-forgets.ipynb)"
    last = "[14](14-to-real-models.ipynb)"
    assert said["map_model"] == f"lessons [04](04-images-that-fade.ipynb), {last}"
    source = lessons / "05-language-that-forgets.md"
    source.write_text(
        source.read_text(encoding="utf-8").replace("knob: sampler", "knob: [sampler, model]"),
        encoding="utf-8",
    )
    found = about("00", catalogue(lessons))["map_model"]
    two = "lessons [04](04-images-that-fade.ipynb), [05](05-language-that-forgets.ipynb)"
    assert found == f"{two}, {last}"


def test_what_a_lesson_needs_comes_with_links() -> None:
    said = about("06", catalogue(ROOT / "lessons"))
    two = "[lesson 00](00-start-here.ipynb) and [lesson 02](02-fit-sample-repeat.ipynb)"
    assert said["needs"] == two
    assert said["title"] == "Replace or accumulate"


def test_claim_cards_name_the_lesson_that_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", os.devnull + "-none")
    assert "[to be tested in lesson 06]" in repr(claim_cards())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"03-a": "", "03-b": ""}, "03-b.md:1: lesson 03 is 03-a, too"),
        ({"03-a": '  needs: ["09"]\n'}, "course.needs must name lessons, such as 02; got '09'"),
        ({"03-a": "  needs: [9]\n"}, "course.needs must be a list of texts in quotes"),
        ({"03-a": "  question: 7\n"}, "course.question must be a line of text, got 7"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for stem, more in files.items():
        lesson(tmp_path / "lessons", stem, more)
    with pytest.raises(LessonError) as error:
        catalogue(tmp_path / "lessons")
    assert message in str(error.value)


def test_a_lesson_is_planned_or_written(tmp_path: Path) -> None:
    lesson(tmp_path, "03-a")
    (tmp_path / "planned.yaml").write_text('"03":\n  title: A\n')
    with pytest.raises(LessonError, match="lesson 03 is written: take it out here"):
        catalogue(tmp_path)


def test_the_claims_of_the_front_matter_are_those_that_cells_judge(tmp_path: Path) -> None:
    cell = '```{code-cell} ipython3\nclaim("bulwark", "partly", lesson="03")\n```\n'
    texts = "  title: A\n  question: B?\n  runs: c\n  aim: d\n"
    path = lesson(tmp_path, "03-a", f"{texts}  claims: [execution]\n", f"# A\n\n{cell}")
    found = [p.message for p in validate(parse(path), tmp_path) if "claims" in p.message]
    assert found == [
        "front matter: course.claims names ['execution'], and the cells judge ['bulwark']"
    ]
    lacking = [p.message for p in validate(parse(lesson(tmp_path, "03-a")), tmp_path)]
    assert "front matter: course.question is missing" in lacking


def test_pages_without_marks_are_left_alone(tmp_path: Path) -> None:
    lesson(tmp_path / "lessons", "03-a")
    (tmp_path / "README.md").write_text("# Mine\n")
    assert make_pages(tmp_path) == []
    (tmp_path / "README.md").write_text(f"# Mine\n{marked('x', 'old')}End\n")
    assert make_pages(tmp_path) == ["README.md"]
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("# Mine\n<!-- made by")
    assert text.endswith("-->\nEnd\n")


# --- a new lesson ------------------------------------------------------------------------------


def test_an_untouched_new_lesson_builds_and_passes_its_tests(checkout: Path) -> None:
    """In a copy of the course, by the commands that an author types."""

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=checkout, env={**os.environ, "PYTHONPATH": os.pathsep.join(
                [str(checkout), os.environ["PYTHONPATH"]])},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def course(*arguments: str) -> subprocess.CompletedProcess[str]:
        return python("-m", *arguments)

    planned = checkout / "lessons" / "planned.yaml"
    entry = '"15":\n  title: One more\n  runs: what a lesson may run\n  minutes: 30\n'
    planned.write_text(planned.read_text(encoding="utf-8") + entry, encoding="utf-8")
    made = course("helpers", "new", "15", "one-more")
    assert made.returncode == 0, made.stderr
    for name in made.stdout.splitlines()[:-1]:
        assert (checkout / name).is_file()
    assert '"15":' not in planned.read_text(encoding="utf-8")
    row = "| 15 | [One more](notebooks/15-"
    assert row in (checkout / "README.md").read_text("utf-8")
    built = course("helpers", "build", "15")
    assert built.stdout == "15-one-more: executed\n", built.stderr
    lacking = check(Course.at(checkout), "15-one-more")
    assert [line.split("pacing: ")[1] for line in lacking] == [
        "1 cells tagged exercise; at least 2",
        "1 cells tagged quiz; at least 3",
        "112 words of prose; 1200 to 2600",
        "2 plain code cells; 15 to 25",
    ]
    # Its answers are those of its exercises, which only the helpers of the copy know.
    look = "from helpers.authoring.pages import page_problems as p; print(p(ROOT))"
    assert python("-c", f"from helpers._ground import ROOT; {look}").stdout == "[]\n"
    chosen = ["tests/test_lesson_15.py", "tests/test_exercises.py", "-k", "15"]
    tested = course("pytest", "-q", "-p", "no:cacheprovider", *chosen)
    assert tested.returncode == 0, tested.stdout
    files = [str(checkout / name) for name in made.stdout.split() if name.endswith("_15.py")]
    assert len(files) == 3
    for asked in (["check"], ["format", "--check"]):
        assert course("ruff", *asked, *files).returncode == 0


def test_the_command_refuses_what_is_there(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, message in (
        (["6", "a"], "NN must be a lesson's number in two digits, such as 03, got '6'"),
        (["06", "a"], "NN must be a number that is free: there is 06-replace-or-accumulate"),
        (["15", "A b"], "slug must be small words joined by hyphens, got 'A b'"),
    ):
        assert main(arguments, checkout) == 2
        assert message in capsys.readouterr().err
    kept = checkout / "helpers" / "explorers" / "lesson_15.py"
    kept.write_text("# mine\n")
    with pytest.raises(ValueError, match=r"lesson_15.py is there already"):
        new(checkout, "15", "a")
    assert kept.read_text() == "# mine\n"
    assert not list((checkout / "lessons").glob("15-*"))
