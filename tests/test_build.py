"""Lessons to notebooks, on tiny lessons in temporary folders: what is built and what refused."""

import contextlib
import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_output
from nbval.plugin import get_sanitize_patterns

from helpers._ground import ROOT
from helpers.authoring import execute
from helpers.authoring.build import build, main
from helpers.authoring.check import check, stale
from helpers.authoring.course import Course, draft
from helpers.authoring.fingerprint import fingerprint, used_files
from helpers.authoring.front import LessonError
from helpers.authoring.lesson import parse
from helpers.authoring.markdown import mask_all
from helpers.authoring.notebook import output_problems, read_notebook
from helpers.authoring.references import typeset
from helpers.authoring.rehearse import backwards, every_cell, rehearse
from helpers.authoring.rules import other_words
from helpers.studies.scorecard import CLAIMS

FRONT = """\
---
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
course:
  shape: page
---
"""
BODY = """
# A tiny lesson

The real median is {{ tiny.median | .2f }}.

+++

A second cell.

## Draw

```{code-cell} ipython3
:tags: [static]

from helpers.small import seven

print("\\x1b[31mred\\x1b[0m", seven())
```

```{code-cell} ipython3
:tags: [explorer]

import ipywidgets

ipywidgets.IntSlider()
```

```{code-cell} ipython3
:tags: [reveal]

print("the answer")
```

```{code-cell} ipython3
:tags: [exercise]

my_answer = 0
```

```{code-cell} ipython3
:tags: [check]

my_answer == 42
```

```{code-cell} ipython3
:tags: [solution]

# Solution
solution_answer = 42
```

## Twins

```{code-cell} ipython3
print(seven())
```

```{code-cell} ipython3
print(seven())
```

```{code-cell} ipython3
:tags: [raises-exception]

1 / 0
```
"""


def make_course(root: Path, body: str = BODY, front: str = FRONT, stem: str = "02-tiny") -> Course:
    course = Course(root, root / "helpers")
    course.lessons.mkdir(parents=True, exist_ok=True)
    course.results.mkdir(parents=True, exist_ok=True)
    (course.lessons / f"{stem}.md").write_text(front + body, encoding="utf-8")
    (course.results / "tiny.json").write_text('{"summary": {"median": 0.123, "n": 1200}}')
    published = {"score": {"value": 0.5}, "claim": {"value": "minor loss"}}
    (course.results / "published.json").write_text(json.dumps(published))
    return course


def code(source: str, *tags: str) -> str:
    options = f":tags: [{', '.join(tags)}]\n\n" if tags else ""
    return f"\n```{{code-cell}} ipython3\n{options}{source}\n```\n"


def problems(root: Path, body: str, front: str = FRONT, *, fatal: bool = True) -> list[str]:
    """What is wrong with a lesson, as "line: message"; line 9 is the first line of `body`."""
    course = make_course(root, body, front)
    try:
        found = draft(course, "02-tiny").problems
    except LessonError as error:
        found = error.problems
    return [f"{p.line}: {p.message}" for p in found if p.fatal is fatal]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course of one lesson, built once; tests that change something copy it."""
    with pytest.MonkeyPatch.context() as patch:
        course = with_small_helper(tmp_path_factory.mktemp("course"), patch)
        assert main(["02"], course) == 0
    return course


def with_small_helper(root: Path, patch: pytest.MonkeyPatch) -> Course:
    """The tiny course, with a package `helpers` of its own that its kernel imports."""
    course = make_course(root)
    (course.helpers / "__init__.py").touch()
    (course.helpers / "small.py").write_text("def seven() -> int:\n    return 7\n")
    patch.setattr(execute, "PACKAGE_ROOT", str(root))
    return course


@pytest.fixture
def course(built: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    root = tmp_path / "copy"
    shutil.copytree(built.root, root)
    monkeypatch.setattr(execute, "PACKAGE_ROOT", str(root))
    return Course(root, root / "helpers")


def notebook_path(course: Course) -> Path:
    return course.notebooks / "02-tiny.ipynb"


# What is built -----------------------------------------------------------------------------------


def test_a_built_notebook_says_where_it_comes_from_and_nothing_of_the_machine(
    built: Course,
) -> None:
    text = notebook_path(built).read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info", "course", "title"}
    assert notebook.metadata.language_info == execute.LANGUAGE
    assert "version" not in notebook.metadata.language_info, "each Python has its own"
    assert notebook.metadata.course.source == "lessons/02-tiny.md"
    assert str(built.root) not in text
    assert "\x1b" not in text
    assert "The real median is 0.12." in notebook.cells[0].source


def test_cell_ids_are_slug_hash_and_a_counter_for_twins(built: Course) -> None:
    notebook = read_notebook(notebook_path(built))
    assert notebook is not None
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    twins = [cell.id for cell in notebook.cells if cell.source == "print(seven())"]
    assert twins == [twins[0], twins[0] + "-2"]
    assert all(len(cell_id.removeprefix("tiny-").split("-")[0]) == 8 for cell_id in ids)


def test_tags_fold_and_exclude_what_they_promise(built: Course) -> None:
    notebook = read_notebook(notebook_path(built))
    assert notebook is not None
    by_tag = {cell.metadata.tags[0]: cell for cell in notebook.cells if "tags" in cell.metadata}
    assert by_tag["explorer"].metadata.tags == ["explorer", "nbval-ignore-output"]
    assert by_tag["solution"].metadata.jupyter == {"source_hidden": True}
    assert by_tag["reveal"].metadata.jupyter == {"outputs_hidden": True}
    assert "jupyter" not in by_tag["static"].metadata


def test_outputs_are_stored_without_widget_state_colours_or_paths(built: Course) -> None:
    notebook = read_notebook(notebook_path(built))
    assert notebook is not None
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, 10))
    assert cells[0].outputs[0].text == "red 7\n"
    assert cells[1].outputs[0].data == {"text/plain": execute.WIDGET_TEXT}
    assert cells[-1].outputs[0].ename == "ZeroDivisionError"


def test_a_forced_rebuild_gives_the_same_bytes(course: Course) -> None:
    before = notebook_path(course).read_bytes()
    assert build(course, "02-tiny", force=True) == "executed"
    assert notebook_path(course).read_bytes() == before


def test_an_unchanged_lesson_is_not_executed(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpers.authoring.build.execute", lambda *_, **__: pytest.fail("ran"))
    assert build(course, "02-tiny") == "current"
    lesson = course.lessons / "02-tiny.md"
    lesson.write_text(lesson.read_text().replace("A second cell.", "Another cell."))
    assert build(course, "02-tiny") == "written"  # prose alone: old outputs, new text
    assert "Another cell." in notebook_path(course).read_text()
    assert not [line for line in check(course, "02-tiny") if "pacing" not in line]


def test_changed_code_helpers_or_outputs_are_executed_again(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []
    monkeypatch.setattr(
        "helpers.authoring.build.execute", lambda *_, **__: ran.append(1) or pytest.fail("ran")
    )

    def runs() -> bool:
        ran.clear()
        with contextlib.suppress(pytest.fail.Exception):
            build(course, "02-tiny")
        return bool(ran)

    assert not runs()
    small = course.helpers / "small.py"
    small.write_text(small.read_text() + "changed = 1\n")
    assert runs()
    assert stale(course, "02-tiny")
    assert main(["--stale"], course) == 0
    small.write_text(small.read_text().replace("changed = 1\n", ""))
    assert not runs()
    lesson = course.lessons / "02-tiny.md"
    lesson.write_text(lesson.read_text().replace("my_answer = 0", "my_answer = 1"))
    assert runs()


def test_helpers_that_the_lesson_does_not_use_leave_it_fresh(course: Course) -> None:
    (course.helpers / "other.py").write_text("x = 1\n")
    (course.helpers / "authoring").mkdir()
    (course.helpers / "authoring" / "build.py").write_text("x = 1\n")
    assert not stale(course, "02-tiny")


def test_outputs_that_older_helpers_made_fail_the_check(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], course) == 0
    (course.helpers / "small.py").write_text("def seven() -> int:\n    return 3 + 4\n")
    assert main(["--check"], course) == 1
    assert capsys.readouterr().out.endswith(
        "notebooks/02-tiny.ipynb: older helpers made its outputs: run `course build 02-tiny`\n"
    )


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("def seven() -> int:\n    return 7\n", True),
        ("# why\n\n\ndef seven( ) -> int :\n\treturn 7  # because\r\n", True),
        ('"""What it is."""\n\ndef seven() -> int:\n    """Seven."""\n    return 7\n', True),
        ('def seven() -> int:\n    "Seven, said so."\n    return 7\n', True),
        ("def seven() -> int:\n    return 8\n", False),
        ("def seven() -> int:\n    return 7.0\n", False),
        ("def seven() -> float:\n    return 7\n", False),
        ("def eight() -> int:\n    return 7\n", False),
        ("def seven() -> int:\n    return None\n", False),
        ("def seven() -> int:\n    return\n", False),
        ('def seven() -> int:\n    x = "no docstring"\n    return 7\n', False),
        ("def seven() -> int:\n    return 7\n\n\nx = {}\n", False),
    ],
)
def test_the_fingerprint_is_of_what_code_does(course: Course, text: str, same: bool) -> None:
    (course.helpers / "small.py").write_text("def seven() -> int:\n    return 7\n")
    lesson = parse(course.lessons / "02-tiny.md")
    before = fingerprint(lesson, course.helpers)
    (course.helpers / "small.py").write_bytes(text.encode())
    assert (fingerprint(lesson, course.helpers) == before) is same


def test_every_python_comes_to_the_same_fingerprint(tmp_path: Path) -> None:
    """ast.dump and ast.unparse differ between 3.11, 3.12 and 3.13; this number must not."""
    course = make_course(tmp_path, "# T\n" + code("from helpers import all_sorts"))
    (course.helpers / "all_sorts.py").write_text(
        "from __future__ import annotations\n"
        "class A(dict[str, int], metaclass=type):\n    x: int = 1_000\n"
        "def f(a, /, *b: int, c: float = -1e-3, **d):\n"
        "    y = f'{a!r:>{c}} {a=} {{}}' 'b' f'{c:.3g}'\n"
        "    return [None, ..., 1j, b'\\0', 'caf\\u00e9', True, a if (z := 3) else lambda: z]\n"
        "match 3:\n    case [1, *_] | {'a': A(x=2)}:\n        pass\n"
        "try:\n    pass\nexcept* ValueError as error:\n    raise\n"
    )
    lesson = parse(course.lessons / "02-tiny.md")
    assert fingerprint(lesson, course.helpers) == (
        "69d92a1182868ac743de656bf5c713c45c3d878004c7020c0fbc03893e97b1b4"
    )


PAPERS = {"used_n10": {"value": 1}, "used_n100": {"value": 2}, "other": {"value": 3}}


@pytest.mark.parametrize(
    ("body", "used"),
    [
        ("papers('used_n10')", {"used_n10"}),
        ("for n in (10, 100):\n    papers(f'used_n{n}')", {"used_n10", "used_n100"}),
        ("for n in (10, 100):\n    papers(f'{n}')", set()),
        ("papers(key)", set()),
    ],
)
def test_only_the_published_values_that_are_used_count(
    tmp_path: Path, body: str, used: set[str]
) -> None:
    course = make_course(tmp_path, "# T\n" + code(f"from helpers.small import papers\n\n{body}"))
    (course.helpers / "small.py").write_text("FILE = 'published.json'\n")
    file = course.results / "published.json"
    file.write_text(json.dumps(PAPERS))
    lesson = parse(course.lessons / "02-tiny.md")
    before = fingerprint(lesson, course.helpers)
    for key in PAPERS:
        file.write_text(json.dumps({**PAPERS, key: {"value": 9}}))
        assert (fingerprint(lesson, course.helpers) != before) is (key in used), key
    file.write_text(json.dumps({**PAPERS, "new": {"value": 4}}, indent=3))
    assert fingerprint(lesson, course.helpers) == before


def test_what_the_build_makes_of_the_lessons_does_not_count(tmp_path: Path) -> None:
    course = make_course(tmp_path, "# T\n" + code("from helpers.small import papers"))
    lesson = parse(course.lessons / "02-tiny.md")
    for name, same in (("lessons.json", True), ("words.json", False)):
        (course.helpers / "small.py").write_text(f"FILE = '{name}'\n")
        file = course.helpers / name
        file.write_text("{}")
        before = fingerprint(lesson, course.helpers)
        file.write_text('{"a": 1}')
        assert (fingerprint(lesson, course.helpers) == before) is same, name


def test_a_failing_build_leaves_the_old_notebook(course: Course) -> None:
    before = notebook_path(course).read_bytes()
    lesson = course.lessons / "02-tiny.md"
    text = lesson.read_text().replace("my_answer = 0", "my_answer = 0\nprint('x')\n1 / 0")
    lesson.write_text(text)
    line = text.split("\n").index("1 / 0") + 1
    with pytest.raises(LessonError, match=rf"02-tiny.md:{line}: code cell 4 .*ZeroDivisionError"):
        build(course, "02-tiny")
    assert notebook_path(course).read_bytes() == before
    assert not list(course.notebooks.glob("*.part"))


def test_a_warning_on_stderr_and_a_machine_path_are_build_errors(
    tmp_path: Path,
) -> None:
    body = "# Title\n" + code('import sys\nprint("oh", file=sys.stderr)')
    body += code('import tempfile\nprint("/home/someone/x")') + code("object()")
    with pytest.raises(LessonError) as caught:
        build(make_course(tmp_path, body), "02-tiny")
    message = str(caught.value)
    assert "02-tiny.md:12: writes to stderr" in message
    assert "02-tiny.md:17: the output holds a path" in message
    assert "02-tiny.md:22: the output holds a path or address of this machine: 0x" in message


def test_a_page_without_code_is_built_without_a_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "NotebookClient", lambda *_, **__: pytest.fail("a kernel"))
    course = make_course(tmp_path, "# Notation\n\nn is a size.\n", stem="notation")
    assert build(course, "notation") == "executed"
    assert check(course, "notation") == []


# Edited by hand, saved from JupyterLab, left over -------------------------------------------------


def edit(course: Course, change: object) -> None:
    path = notebook_path(course)
    notebook = json.loads(path.read_text())
    change(notebook)  # type: ignore[operator]
    path.write_text(json.dumps(notebook))


def test_a_notebook_edited_by_hand_is_refused_until_forced(course: Course) -> None:
    edit(course, lambda nb: nb["cells"][0].update(source=["# My own title"]))
    for attempt in ("my own title", "still mine"):
        with pytest.raises(LessonError, match=r"edited by hand.*--force 02-tiny"):
            build(course, "02-tiny")
        assert "My own title" in notebook_path(course).read_text(), attempt
    assert any("edited by hand" in line for line in check(course, "02-tiny"))
    assert build(course, "02-tiny", force=True) == "executed"
    assert check(course, "02-tiny") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda nb: nb["cells"][2]["outputs"].clear(), "not as the build writes it"),
        (lambda nb: nb["cells"][2].update(execution_count=None), "execution counts are"),
        (lambda nb: nb["cells"][2].update(execution_count=5), "execution counts are"),
        (lambda nb: nb["cells"][2].update(id="other"), "the id of cell"),
        (lambda nb: nb["cells"][4]["metadata"].clear(), "edited by hand"),
        (lambda nb: nb["cells"][4]["metadata"].pop("jupyter"), "the metadata of cell"),
        (lambda nb: nb["metadata"].update(widgets={}), "not as the build writes it"),
        (lambda nb: nb["cells"].pop(), "edited by hand"),
    ],
)
def test_check_sees_every_kind_of_drift(course: Course, change: object, message: str) -> None:
    assert check(course, "02-tiny") == []
    edit(course, change)
    assert any(message in line for line in check(course, "02-tiny")), check(course, "02-tiny")


def test_check_sees_a_changed_lesson_a_missing_and_an_orphaned_notebook(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], course) == 0
    shutil.copy(notebook_path(course), course.notebooks / "09-old.ipynb")
    assert main(["--check"], course) == 1
    assert "09-old.ipynb: no lesson makes this" in capsys.readouterr().out
    lesson = course.lessons / "02-tiny.md"
    lesson.write_text(lesson.read_text().replace("A second cell.", "Another."))
    assert any("the source of cell" in line for line in check(course, "02-tiny"))
    notebook_path(course).unlink()
    assert any("not built yet" in line for line in check(course, "02-tiny"))


def test_a_changed_result_makes_the_notebook_differ(course: Course) -> None:
    (course.results / "tiny.json").write_text('{"summary": {"median": 0.456}}')
    assert any("the source of cell" in line for line in check(course, "02-tiny"))


def test_a_file_that_is_no_notebook_is_not_overwritten(course: Course) -> None:
    notebook_path(course).write_text("not json")
    with pytest.raises(ValueError, match="is not a notebook"):
        build(course, "02-tiny")
    assert notebook_path(course).read_text() == "not json"
    assert "is not a notebook" in check(course, "02-tiny")[0]


def test_a_wrong_name_is_refused_with_the_names_there_are(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["77"], course) == 2
    assert "'77'; there are 02-tiny" in capsys.readouterr().err


# Rules -------------------------------------------------------------------------------------------

STUB = code("my_x = 1", "exercise")
CHECK = code('from helpers.teaching import check\ncheck("02-x", my_x)', "check")
SOLUTION = code("# Solution\nsolution_x = 2", "solution")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("# T\n" + code("1", "exercize"), "14: unknown tag 'exercize': did you mean exercise?"),
        ("# T\n" + STUB + CHECK, "14: exercise without solution"),
        ("# T\n" + STUB + SOLUTION, "14: exercise without check"),
        ("# T\n" + code("x = 1", "exercise"), "14: an exercise cell defines a name"),
        ("# T\n" + STUB + CHECK + SOLUTION + code("my_x"), "32: later cells must not use my_x"),
        ("# T\n" + code("1", "explorer"), "14: an explorer needs its twin"),
        ("# T\n" + code("f = quiz('02-a', 'Q')"), "12: a cell that calls quiz() must carry"),
        ("# T\n" + code("quiz('03-a', 'Q')", "quiz"), "14: quiz() wants a key that begins with 02"),
        ("# T\n" + code("check('02-a', 1)", "check"), "14: a cell that calls check() must import"),
        ("# T\n" + code("quiz('02-a')", "quiz"), "14: a cell that calls quiz() must import"),
        ("# T\n" + 2 * code("quiz('02-a', 'Q')", "quiz"), "20: the key '02-a' is used twice"),
        ("# T\n" + code("\n".join(["x = 1"] * 26)), "12: code cell of 26 lines"),
        ("# T\n" + code("x = 1\ny = " + "1" * 76), "13: code line of 80 columns"),
        ("# T\n" + code("plot();"), "12: a closing `;`"),
        ("# T\n" + code(""), "empty code cell"),
        ("# T\n\n# Two\n", "11: more than one title"),
        ("## Two\n", "9: a lesson begins with its title"),
        ("# T\n\n### Deep\n", "11: heading 'Deep' jumps from level 1 to level 3"),
        ("# T\n\n## A\n\n## A\n", "11: two sections are called 'A'"),
        ("# T\n\n![](x.png)\n", "11: image without alt text"),
        ("# T\n\n<img src='x.png'>\n", "11: image without alt text"),
        ("# T\n\na\nwas 0.87 there\n", "12: bare number '0.87'"),
        ("# T\n\na\n\n| x | .5 |\n|--|--|\n", "13: bare number '.5'"),
        ("# T\n\nabout 37 % of\n", "11: bare number '37 %'"),
        ("# T\n\na stray ` here\n\nis 0.5 and `x`\n", "13: bare number '0.5'"),
        ("# T\n\nabout 1e-5\n", "11: bare number '1e-5'"),
        ("# T\n\n```{note}\nx\n```\n", "11: only ```{code-cell} ipython3 is known"),
        ("# T\n\n:::{note}\n:::\n", "11: JupyterLab shows `:::` as raw text"),
        ("# T\n\n```{code-cell} ipython3\n1\n", "11: this fence is never closed"),
        ("# T\n\n```{code-cell} ipython3\n:tags: [a\n\n1\n```\n", "11: the options of a cell"),
        ("# T\n" + "\n```{code-cell} ipython3\n:tags: quiz\n\n1\n```\n", "12: tags must be a list"),
    ],
)
def test_broken_lessons_are_refused_with_the_line(tmp_path: Path, body: str, expected: str) -> None:
    found = problems(tmp_path, body)
    assert any(expected in line for line in found), found


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    body = "# T\n\nis 0.5\n" + code("1", "nope") + "\n![](a)\n\n{{ tiny.lost | .3g }}\n"
    course = make_course(tmp_path, body)
    with pytest.raises(LessonError) as caught:
        build(course, "02-tiny")
    assert [problem.line for problem in caught.value.problems] == [11, 16, 19, 21]
    assert str(caught.value).startswith("lessons/02-tiny.md:11: bare number")


@pytest.mark.parametrize(
    "prose",
    [
        "an 80 % interval, 90%, 95 %",
        "Python 3.11, Python 3.11-3.13 and Theorem 3.1 (Table 2.1), Llama 3.1, arXiv:2410.16713",
        "`0.5` and $0.5$ and $$\nx = 0.25\n$$ and [0.x](a-0.5.html) <https://x.org/1.5>",
        "version 2.13.0, a 10-minute walk in 2024, 1,200 words",
        "```text\n0.5 %\n```\n",
        "<img src='a-0.5.png' alt='a curve'>",
        "![a curve](a-0.5.png)",
        "{{ tiny.median | .0% }} and `{{ tiny.lost }}`",
    ],
)
def test_allowed_numbers_and_images_pass(tmp_path: Path, prose: str) -> None:
    assert problems(tmp_path, f"# T\n\n{prose}\n") == []


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("a\nafter four rounds of it", 12),
        ("new rows a round", 11),
        ("In round 0 it is", 11),
        ("Each round begins", 11),
        (code('quiz("k", "after\\n"\n     "three rounds?")'), 13),
        (code('plots.band(x, xlabel="rounds")'), 13),
    ],
)
def test_a_turn_of_the_loop_has_one_name(tmp_path: Path, body: str, line: int) -> None:
    found = problems(tmp_path, f"# T\n\n{body}\n", fatal=False)
    said = [one for one in found if "is called a generation" in one]
    assert len(said) == 1
    assert said[0].startswith(f"{line}: ")


@pytest.mark.parametrize(
    "body",
    [
        "the wrong way round, a circle round the point, all round it; once round the loop",
        "Python rounds a digit, or rounds up; tables are round",
        'papers say *round*, *rounds* and "rounds"; `rounds=3`, {{ theory.x(rounds=20) }}',
        code("x = round(1.2)\nrounds = 3\nplay(rounds=rounds)"),
    ],
)
def test_round_may_be_another_word(tmp_path: Path, body: str) -> None:
    found = problems(tmp_path, f"# T\n\n{body}\n", fatal=False)
    assert not [one for one in found if "is called a generation" in one]


def test_what_is_read_beside_the_lessons_keeps_to_that_name() -> None:
    """Pages for instructors hold the hints and the quizzes, too."""
    pages = [*(ROOT / "lessons" / "instructors").glob("*.md"), ROOT / "README.md"]
    texts = {path.name: path.read_text(encoding="utf-8") for path in pages}
    texts |= {c.id: f"{c.text}\n{c.caveat}\n{c.unmet}" for c in CLAIMS}
    assert not [(name, *found) for name, text in texts.items() for found in other_words(text)]


def test_a_complete_exercise_and_an_explorer_with_its_twin_pass(tmp_path: Path) -> None:
    body = "# T\n" + STUB + CHECK + SOLUTION + code("1", "static") + code("1", "explorer")
    assert problems(tmp_path, body) == []


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("", "1: no front matter"),
        ("---\ncourse: [\n---\n", "front matter is not valid YAML"),
        ("---\nkernelspec: {name: python3}\n---\n", "front matter needs `course:`"),
        (FRONT.replace("name: python3", "name: mine"), "kernelspec name must be python3"),
        (FRONT.replace("shape: page", "shape: poem"), "course.shape must be one of"),
        (FRONT.replace("shape: page", "shape: lab"), "course.minutes must be a whole number"),
        (FRONT.replace("shape: page", "shape: page\n  colour: red"), "unknown key course.colour"),
        (FRONT.replace("shape: page", "shape: page\n  knob: [dial]"), "course.knob must be among"),
        (FRONT.replace("shape: page", "shape: page\n  budget: {cpu: 3}"), "course.budget may hold"),
    ],
)
def test_broken_front_matter_is_refused(tmp_path: Path, front: str, expected: str) -> None:
    found = problems(tmp_path, "# T\n", front)
    assert any(expected in line for line in found), found


def test_links_lead_to_lessons_or_files(tmp_path: Path) -> None:
    body = "# T\n\n[a](02-tiny.ipynb) [b](02-tiny.md) [c](#part) [d](https://x.org/a)\n"
    found = problems(tmp_path, body, fatal=False)
    assert found == ["11: link leads nowhere (from notebooks/): 02-tiny.md"]


QUIZ = """quiz(
    "02-widths", "What does a wide bump do?",
    {{"It adds more than the sample loses": "Yes.", "It loses": "No.", {option!r}: "So."}},
    answer={option!r},
)"""
ABOVE = """
A narrow bump loses more than it adds, and a wide one adds more than it loses. In the long run the
variance explodes, whatever the seed.
"""


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("The variance explodes", "2 of its 2 words"),
        ("An explosion of variances", None),  # one of two stems: half is not more than half
        ("One adds more than it loses, always", "shares “one adds more than”"),
        ("It explodes for each seed and size", "2 of its 3 words"),
        ("It ends in noise", None),
    ],
)
def test_a_quiz_that_the_text_above_answers_fails_the_check(
    tmp_path: Path, option: str, told: str | None
) -> None:
    body = f"\n# A lesson\n{ABOVE}{code(QUIZ.format(option=option), 'quiz')}"
    found = [p for p in problems(tmp_path, body, fatal=False) if "02-widths" in p]
    if told is None:
        assert found == []
    else:
        assert len(found) == 1
        assert told in found[0]
        assert found[0].startswith("18: the text above answers the quiz '02-widths'")


def test_words_far_above_a_quiz_do_not_answer_it(tmp_path: Path) -> None:
    filler = "\n".join("some other words that say nothing at all of it" for _ in range(13))
    quiz = code(QUIZ.format(option="The variance explodes"), "quiz")
    body = f"\n# A lesson\n{ABOVE}\n{filler}\n{quiz}"
    assert not [p for p in problems(tmp_path, body, fatal=False) if "02-widths" in p]


BOUNDED = 'a = predict("02-a", "How many?", low=0)'
SHOWN = "a.resolve(len(rows))\nprint(3)"


@pytest.mark.parametrize(
    ("asks", "reveals", "said"),
    [
        (BOUNDED, [SHOWN], None),
        (BOUNDED, ["for guess in (a,):\n    guess.resolve(rows)"], None),
        (BOUNDED, ["a.resolve('x' if rows else 'y')"], None),
        (BOUNDED, ["a.resolve(3)"], "a.resolve(3): the answer of this prediction is typed"),
        (BOUNDED, ["a.resolve(truth='x' * 3)"], "the answer of this prediction is typed"),
        ('a = predict("02-a", "Which?", choices=["x", "y"])', [SHOWN], None),
        ('a = predict("02-a", "How many?")', [SHOWN], "accepts any number: say what is possible"),
        (BOUNDED, ["print(3)", SHOWN], "is still open in the first cell tagged reveal"),
        (BOUNDED, ["a.commit(1, 2)"], "is still open in the first cell tagged reveal"),
        (BOUNDED, [], "no cell tagged reveal resolves the prediction '02-a'"),
        (BOUNDED[:-1] + ", forecast=True)", [], None),
        (BOUNDED[:-1] + ", forecast=False)", [], "no cell tagged reveal resolves"),
        ('a = predict("02-a", "How many?", forecast=True)', [], "accepts any number"),
    ],
)
def test_predictions_are_bounded_and_fixed_at_their_reveal(
    tmp_path: Path, asks: str, reveals: list[str], said: str | None
) -> None:
    cells = [code(asks, "predict"), *(code(source, "reveal") for source in reveals)]
    found = problems(tmp_path, "\n# A lesson\n" + "".join(cells), fatal=False)
    assert [p for p in found if "prediction" in p] == found
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_a_folded_solution_shows_nothing(tmp_path: Path) -> None:
    cells = [
        code("my_n = 0", "exercise"),
        code('from helpers.teaching import check\ncheck("02-n", my_n)', "check"),
        code("# One halving in 100 fits: 0.69 n = 100.\nsolution_n = 145", "solution"),
    ]
    (said,) = problems(tmp_path, "\n# A lesson\n" + "".join(cells))
    assert "the first line of a solution shows: let it be '# Solution'" in said
    cells[-1] = code("# Solution\nsolution_n = 145", "solution")
    assert problems(tmp_path, "\n# A lesson\n" + "".join(cells)) == []


def test_pacing_is_measured_for_experiments_and_not_fatal(tmp_path: Path) -> None:
    front = FRONT.replace("shape: page", "shape: experiment\n  minutes: 9\n  core_minutes: 5")
    found = "\n".join(problems(tmp_path, "# T\n" + code("1"), front, fatal=False))
    for part in (
        "0 cells tagged quiz; at least 3",
        "0 cells tagged exercise; at least 2",
        "1 words of prose",
        "1 plain code cells; 15 to 25",
        "no section called 'What we do not know'",
        "no section called 'Summary'",
        "no section called 'For Monday'",
        "{{ budget.header }}",
    ):
        assert part in found
    long = "\n".join(["x = 1"] * 6)
    found = "\n".join(problems(tmp_path, "# T\n" + code(long), front, fatal=False))
    assert "the median code cell has 6 lines" in found


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (["Do ([T](#A-section)).", "Count {{ tiny.n }}.", "See\n  [it](#A-section)."], []),
        (["{{ tiny.n }}"] * 2, ["pacing: 2 items for Monday; 3 to 6"]),
        (["{{ tiny.n }}"] * 7, ["pacing: 7 items for Monday; 3 to 6"]),
        ([*["{{ tiny.n }}"] * 3, "Be good, in all that you do."], [
            "for Monday, 'Be good, in all that you' rests on nothing: add a {{ number }} or a link "
            "to a section, [like this](#A)"
        ]),
        ([*["{{ tiny.n }}"] * 3, "See [it](#Nowhere)."], [
            "for Monday, 'See [it](#Nowhere).' leads to no section: #Nowhere"
        ]),
    ],
)  # fmt: skip
def test_what_is_for_monday_rests_on_something(
    tmp_path: Path, items: list[str], said: list[str]
) -> None:
    front = FRONT.replace("shape: page", "shape: experiment\n  minutes: 9\n  core_minutes: 5")
    listed = "\n".join(f"- {item}" for item in items)
    text = f"# T\n\n## A section\n\n## For Monday\n\n{listed}\n\n## Summary\n\n- No item.\n"
    found = problems(tmp_path, text, front, fatal=False)
    assert [p.split(": ", 1)[1] for p in found if "Monday" in p] == said


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    course = make_course(tmp_path)
    lesson = parse(course.lessons / "02-tiny.md")
    lines = lesson.text.split("\n")
    for cell in lesson.cells:
        for number, text in cell.lines:
            assert lines[number - 1].rstrip() == text.rstrip()
    assert [heading for _, _, heading in lesson.headings()] == ["A tiny lesson", "Draw", "Twins"]
    assert [len(section.cells) for section in lesson.sections()] == [0, 6, 3]


def test_masks_keep_positions() -> None:
    text = "a $x$ `y`\n```\nz 0.5\n```\n<b>c</b> {{ d.e | .3g }} \\$5"
    masked = mask_all(text)
    assert len(masked) == len(text)
    assert masked.split() == ["a", "c", "\\$5"]


# References --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prose", "filled"),
    [
        ("{{ tiny.median | .2g }}", "0.12"),
        ("{{ tiny.median | .0% }}", "12\xa0%"),
        ("$p = {{ tiny.median | .1% }}$", "$p = 12.3\\,\\%$"),
        ("{{ tiny.n | , }} and {{ tiny.n }}", "1,200 and 1200"),
        ("| a | {{ paper.score | .1f }} |", "| a | 0.5 |"),
        ("{{ paper.claim }}", "minor loss"),
        ("{{ tiny.median | .1e }}", "1.2 × 10⁻¹"),
        ("$$x = {{ tiny.median | .1e }}$$", "$$x = 1.2 \\times 10^{-1}$$"),
        ("{{ theory.gaussian_variance_replace(n=10, t=2) | .2f }}", "0.81"),
        ("{{ budget.cpu_seconds }}", "not measured yet"),
        ("`{{ tiny.median }}`", "`{{ tiny.median }}`"),
        # In a list "1200." would begin a numbered list of its own.
        ("- It was\n  {{ tiny.n }}. So", "- It was\n  1200\\. So"),
        ("- It was\n  {{ tiny.n }} or\n  {{ tiny.n }}", "- It was\n  1200 or\n  1200"),
        ("It was\n{{ tiny.median | .2g }}.", "It was\n0.12."),
    ],
)
def test_references_are_filled(tmp_path: Path, prose: str, filled: str) -> None:
    ready = draft(make_course(tmp_path, f"# T\n\n{prose}\n"), "02-tiny")
    assert ready.problems == []
    assert ready.sources == [f"# T\n\n{filled}"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("tiny.median", "needs a format"),
        ("tiny.median | .3x", "format must be like"),
        ("tiny.median | >30", "format must be like"),
        ("tiny.lost | .3g", "has no 'lost'; it has median, n"),
        ("unknown.x | .3g", "no recorded study is called 'unknown'"),
        ("paper.lost | .3g", "published.json has no 'lost'"),
        ("paper.claim | .3g", "is text"),
        ("tiny.median(n=1) | .3g", "only theory takes arguments"),
        ("theory.lost(n=1) | .3g", "helpers.theory has no function 'lost'"),
        ("theory.__init__(n=1) | .3g", "helpers.theory has no function"),
        ("theory.gaussian_variance_replace(10, 2) | .3g", "arguments by name"),
        ("theory.gaussian_variance_replace(n=open('x'), t=2) | .3g", "must be plain values"),
        ("theory.gaussian_variance_replace(n=0, t=2) | .3g", "n must be"),
        ("theory.gaussian_variance_replace | .3g", "must be theory.function(name=value"),
        ("median | .3g", "must be study.key"),
        ("__import__('os').name", "must be study.key"),
    ],
)
def test_references_that_do_not_resolve_are_errors_with_the_line(
    tmp_path: Path, reference: str, message: str
) -> None:
    found = problems(tmp_path, f"# T\n\nfirst line\nthen {{{{ {reference} }}}}\n")
    assert len(found) == 1
    assert found[0].startswith(f"12: reference {{{{ {reference} }}}}: ")
    assert message in found[0]


def test_a_number_that_would_begin_a_list_is_an_error_with_the_line(tmp_path: Path) -> None:
    one = "{{ theory.gaussian_variance_replace(n=10, t=1) | .0f }}. Then"
    assert (
        draft(make_course(tmp_path / "a", f"# T\n\nFrom two\nto {one}\n"), "02-tiny").problems == []
    )
    assert (
        draft(make_course(tmp_path / "b", f"# T\n\n1. meant\n2. so, {one}\n"), "02-tiny").problems
        == []
    )
    (tmp_path / "c").mkdir()
    (found,) = problems(tmp_path / "c", f"# T\n\nFrom two to\n{one}\n")
    assert found.startswith("12: a number begins this line")


def test_the_header_gives_times_and_the_place_in_the_loop(tmp_path: Path) -> None:
    settings = "shape: lab\n  minutes: 75\n  core_minutes: 35\n  knob: policy"
    course = make_course(
        tmp_path, "# T\n\n{{ budget.header }}\n", FRONT.replace("shape: page", settings)
    )
    cost = {"02-tiny": {"cpu_seconds": 4.2, "memory_mb": 203}}
    (course.lessons / "budget.json").write_text(json.dumps(cost))
    text = draft(course, "02-tiny").sources[0]
    assert "75 minutes, 35 for the core path" in text
    assert "about 5 s of one processor core and 210 MB" in text
    assert "choose (**policy**)" in text
    assert "**size**" not in text


def test_typeset_leaves_plain_numbers_alone() -> None:
    assert typeset("-0.018") == "-0.018"
    assert typeset("1e+05", maths=True) == r"1 \times 10^{5}"


# Parts -------------------------------------------------------------------------------------------


def test_used_files_follow_imports_and_names(tmp_path: Path) -> None:
    body = "# T\n" + code("from helpers import one\n\none.load('tiny')")
    course = make_course(tmp_path, body)
    files = {
        "__init__.py": "",
        "one.py": "def load(name):\n    from helpers.two import deep\n",
        "two/__init__.py": "LAZY = {'Deep': '.deep'}\nfrom helpers import three",
        "three/__init__.py": "import lazy_loader",
        "three/__init__.pyi": "from .lazy import Lazy as Lazy",
        "three/lazy.py": "",
        "three/other.py": "",
        "two/deep.py": "",
        "two/other.py": "",
        "unused.py": "",
        "teaching/exercises/lesson_02.py": "",
        "teaching/exercises/lesson_03.py": "",
    }
    for name, text in files.items():
        path = course.helpers / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    lesson = parse(course.lessons / "02-tiny.md")
    found = [p.relative_to(course.helpers).as_posix() for p in used_files(lesson, course.helpers)]
    assert found == [
        "__init__.py",
        "one.py",
        "results/tiny.json",
        "teaching/exercises/lesson_02.py",
        "three/__init__.py",
        "three/__init__.pyi",
        "three/lazy.py",
        "two/__init__.py",
        "two/deep.py",
    ]


DATA = "data:image/png;base64,+/tmp/x="


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"image/png": "abc", "text/plain": "<Figure>"}, "an image without alt text"),
        ({"text/html": f"<img src='{DATA}'>", "image/png": "abc"}, "an <img> without alt"),
        ({"text/plain": "see C:\\Users\\me"}, "this machine"),
        ({"text/html": f"<img alt='a curve' src='{DATA}'>"}, "LaTeX and PDF would lose it"),
        ({"text/html": f"<img alt='a curve' src='{DATA}'>", "image/png": "+/tmp/x="}, None),
        ({"text/html": f'<div class="ctl-kept"><img alt="a curve" src="{DATA}"></div>'}, None),
        ({"text/plain": "https://x.org/home/page and and/or"}, None),
    ],
)
def test_outputs_are_looked_through(data: dict[str, str], message: str | None) -> None:
    cell = new_code_cell(outputs=[new_output("display_data", data=data)])
    found = output_problems(cell)
    assert (len(found) == 1 and message in found[0]) if message else found == []


def test_pieces_of_a_stream_are_joined() -> None:
    pieces = [new_output("stream", name="stdout", text=text) for text in ("a", "b\n")]
    cell = new_code_cell(outputs=pieces)
    execute.normalise(cell)
    assert [output.text for output in cell.outputs] == ["ab\n"]


def test_a_folded_output_does_not_give_its_answer_away() -> None:
    """JupyterLab shows the first line of a folded output; nbval compares what comes after it."""
    figure = {"text/plain": "it falls", "text/html": '<img alt="It falls.">'}
    printed, drawn = (
        new_code_cell(outputs=[output], metadata={"tags": ["reveal"]})
        for output in (
            new_output("stream", name="stdout", text="The answer is 7.\nYes.\n"),
            new_output("display_data", data=dict(figure)),
        )
    )
    for cell in (printed, drawn):
        execute.normalise(cell)
    shown = [printed.outputs[0].text, *drawn.outputs[0].data.values()]
    assert {text.split("\n")[0] for text in shown} == {execute.COVER.strip()}
    rules = Path(__file__).with_name("nbval_sanitize.cfg").read_text("utf-8")
    for rule, replacement in get_sanitize_patterns(rules):
        shown = [re.sub(rule, replacement, text) for text in shown]
    assert shown == ["The answer is 7.\nYes.\n", *figure.values()]


def test_a_section_that_leans_on_another_does_not_run_alone(built: Course) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execute, "PACKAGE_ROOT", str(built.root))
        lesson = parse(built.lessons / "02-tiny.md")
        line = lesson.text.split("\n").index("print(seven())") + 1
        with pytest.raises(execute.CellError, match=rf":{line}: section 'Twins' does not.*NameErr"):
            rehearse(lesson, built.notebooks)
        rehearse(lesson, built.notebooks, heading="Draw")
    with pytest.raises(KeyError, match="no section 'Lost'; it has A tiny lesson, Draw, Twins"):
        rehearse(lesson, built.notebooks, heading="Lost")


COUNTS = "# T\n\n## A\n" + code("n = 0") + code("n += 1\nprint('round', n)")
TAKES = (
    "# T\n\n## A\n"
    + code("rows = iter([1, 2, 3])")
    + code("import time\n_ = next(rows), next(rows)\ntime.sleep(5)")
)


def test_a_cell_with_another_label_when_it_is_run_again_is_found(tmp_path: Path) -> None:
    lesson = parse(make_course(tmp_path, COUNTS).lessons / "02-tiny.md")
    with pytest.raises(execute.CellError, match=r"does not run twice: it said \['round 1'\], and"):
        rehearse(lesson, tmp_path)
    rehearse(lesson, tmp_path, again=False)


def test_a_cell_that_an_interrupt_breaks_is_found(tmp_path: Path) -> None:
    lesson = parse(make_course(tmp_path, TAKES).lessons / "02-tiny.md")
    long = lesson.code[1]
    seconds = rehearse(lesson, tmp_path, again=False)
    assert seconds[long.id] > 5

    def moment(_: object, cell: object) -> float | None:
        return 1.0 if cell == long else None

    broken = r"section 'A' does not run again after an interrupt at 1.00 s: StopIteration"
    with pytest.raises(execute.CellError, match=broken):
        rehearse(lesson, tmp_path, moment=moment)


PICTURE = """
import time
class Picture(str):
    def _repr_html_(self):
        try:
            time.sleep(2)
        except KeyboardInterrupt:
            raise RuntimeError("no picture") from None
Picture()"""


def test_an_interrupt_may_meet_the_picture_of_a_cell(tmp_path: Path) -> None:
    """The cell itself is over then, and the kernel has no error to name; it says NoneType."""
    lesson = parse(make_course(tmp_path, "# T\n\n## A\n" + code(PICTURE)).lessons / "02-tiny.md")
    rehearse(lesson, tmp_path, moment=lambda _, __: 1.0)


def test_the_full_rehearsal_is_patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes hours, on a machine that does other things meanwhile: a slow cell is no failure."""
    lesson = parse(
        make_course(tmp_path, "# T\n\n## A\n" + code("import time\ntime.sleep(4)")).lessons
        / "02-tiny.md"
    )
    monkeypatch.setattr(execute, "CELL_TIMEOUT", 3)
    with pytest.raises(execute.CellError, match="the cell ran longer than 3 s"):
        rehearse(lesson, tmp_path)
    monkeypatch.setattr("helpers.authoring.rehearse.SHARES", (0.5,))
    every_cell(lesson, tmp_path)


def test_a_name_that_a_later_cell_takes_is_found(tmp_path: Path) -> None:
    """Who goes back to an earlier cell would get an error, or another number without a word."""
    cases = {"y = 2": "", "x = 2": r"it said \['2'\], and then \['3'\]", "x = 'b'": "TypeError: "}
    for number, (later, said) in enumerate(cases.items()):
        body = f"# T\n\n## A\n{code('x = 1')}\n{code('print(x + 1)')}\n## B\n{code(later)}"
        (tmp_path / str(number)).mkdir()
        course = make_course(tmp_path / str(number), body)
        lesson = parse(course.lessons / "02-tiny.md")
        if said:
            with pytest.raises(execute.CellError, match=f"behind later cells: {said}"):
                backwards(lesson, course.notebooks)
        else:
            backwards(lesson, course.notebooks)


def test_names_are_forgotten_between_sections(tmp_path: Path) -> None:
    body = "# T\n\n## A\n" + code("x = 1") + "\n## B\n" + code("x") + "\n## C\n" + code("x = 2")
    course = make_course(tmp_path, body)
    lesson = parse(course.lessons / "02-tiny.md")
    with pytest.raises(execute.CellError, match="section 'B' does not run alone: NameError"):
        rehearse(lesson, course.notebooks)
