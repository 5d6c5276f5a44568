"""The learner's own copies of the notebooks, in my/: made once and never overwritten.

Tests, builds and updates work on notebooks/, so they never meet what a learner has typed. A copy is
made without the outputs that could tell an answer beforehand; the published notebook keeps them. A
small record in my/ remembers which version a copy was made from. Where my/ is not beside the
notebooks, links to helpers/ and lessons/ stand beside it, since lessons point there. Standard
library only.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from helpers._ground import write_whole
from helpers.course.bootstrap import SetUpError

FORMS = {"predict", "quiz"}  # tags of cells that show a form
ASKS = {*FORMS, "reveal"}
KEPT = (
    "What you predicted and answered in this lesson is kept, and the copy shows it. A prediction\n"
    "can still be changed where its answer has not been shown."
)
RECORD = ".copies.json"
FIRST = "00-start-here.ipynb"
LINKED = ("helpers", "lessons")  # folders beside notebooks/ into which lessons have links


def refresh(notebooks: Path, desk: Path) -> list[str]:
    """Copy into `desk` whatever of `notebooks` is missing there; never overwrite.

    Returns what a learner should know, a line each: what is new, and which lessons have been
    published anew since their copy was made.
    """
    record = _read(desk)
    news = []
    with _open(notebooks, desk):
        for source in _shipped(notebooks):
            name = source.relative_to(notebooks).as_posix()
            copy = desk / name
            version = _version(source)
            if not copy.exists():
                _copy(source, copy)
                record[name] = version
                news.append(f"{desk.name}/{name} is new")
            elif record.get(name, version) != version:
                number = source.stem.split("-")[0]
                news.append(
                    f"{desk.name}/{name} is yours, and there is a newer version: "
                    f"`course reset {number}` puts it beside yours"
                )
        _write(desk, record)
    return news


def reset(notebooks: Path, desk: Path, lesson: str) -> Path:
    """Put a fresh copy of one lesson ("02", "2" or its whole name) beside the learner's own.

    Returns the path of the copy. A ValueError names the lessons there are.
    """
    lessons = [path for path in _shipped(notebooks) if path.suffix == ".ipynb"]
    wanted = lesson.removesuffix(".ipynb")
    number = wanted.zfill(2) if wanted.isdigit() else None
    found = [p for p in lessons if p.stem == wanted or p.stem.split("-")[0] == number]
    if len(found) != 1:
        there = ", ".join(path.stem for path in lessons) or "none"
        raise ValueError(f"lesson must be the number or name of one of: {there}; got {lesson!r}")
    source = found[0]
    attempt = 1
    while (copy := desk / f"{source.stem}-fresh-{attempt}.ipynb").exists():
        attempt += 1
    record = _read(desk)
    record[source.name] = _version(source)  # the learner has it now: stop announcing it
    with _open(notebooks, desk):
        _copy(source, copy)
        _write(desk, record)
    return copy


def first_page(desk: Path) -> str | None:
    """The notebook to open first, or None where there is none."""
    if (desk / FIRST).exists():
        return FIRST
    return min((path.name for path in desk.glob("*.ipynb")), default=None)


@contextmanager
def _open(notebooks: Path, desk: Path) -> Iterator[None]:
    """`desk`, made if need be. SetUpError where it cannot be written."""
    try:
        desk.mkdir(parents=True, exist_ok=True)
        for name in LINKED:
            there, link = notebooks.parent / name, desk.parent / name
            if there.is_dir() and not link.exists():  # it does beside the notebooks themselves
                with suppress(OSError, NotImplementedError):  # Windows wants a privilege for links
                    os.symlink(there, link, target_is_directory=True)
        yield
    except OSError as error:
        raise SetUpError(
            f"your copies cannot be written to {desk} ({error.strerror}): "
            "set COURSE_HOME to a folder of your own, then try again."
        ) from None


def _copy(source: Path, copy: Path) -> None:
    """Copy a file, a notebook without what tells."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    content = source.read_bytes()
    if source.suffix == ".ipynb":
        notebook = untold(json.loads(content))
        content = (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()
    write_whole(copy, content)


def untold(notebook: dict[str, Any]) -> dict[str, Any]:
    """`notebook` without the outputs that tell an answer; changed in place.

    From the first question on any output may tell its answer, so they all go: they are made anew
    when the learner gets there. Forms stay, without the part that folds open.
    """
    asked = False
    for cell in notebook["cells"]:
        tags = cell.get("metadata", {}).get("tags", [])
        asked = asked or bool(ASKS & set(tags))
        if FORMS & set(tags):
            for output in cell.get("outputs", []):
                _fold_away(output)
        elif asked and cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            cell["metadata"].get("jupyter", {}).pop("outputs_hidden", None)
    return notebook


def _fold_away(output: dict[str, Any]) -> None:
    page = output.get("data", {}).get("text/html")
    if page is not None:
        text = page if isinstance(page, str) else "".join(page)
        output["data"]["text/html"] = re.sub(r"(?s)<details>.*?</details>", "", text)


def _shipped(notebooks: Path) -> list[Path]:
    files = (path for path in notebooks.rglob("*") if path.is_file())
    return sorted(
        path
        for path in files
        if not any(part.startswith((".", "__")) for part in path.relative_to(notebooks).parts)
    )


def _version(path: Path) -> str:
    """Hash of what an author wrote: of a notebook the sources of its cells, not their outputs."""
    content = path.read_bytes()
    if path.suffix == ".ipynb":
        cells = json.loads(content)["cells"]
        sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
        content = json.dumps(sources).encode()
    return hashlib.sha256(content).hexdigest()


def _read(desk: Path) -> dict[str, str]:
    try:
        record = json.loads((desk / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write(desk: Path, record: dict[str, str]) -> None:
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    write_whole(desk / RECORD, text)
