"""No lesson uses a term before the lesson that explains it."""

import re
from pathlib import Path

import pytest

LESSONS = Path(__file__).parent.parent / "lessons"
ROW = re.compile(
    r"^\| (?P<term>[^|]+?) \| (?P<lesson>\d\d) \| (?P<meaning>[^|]+) \|$", re.MULTILINE
)
TERMS = [
    m.group("term", "lesson") for m in ROW.finditer((LESSONS / "glossary.md").read_text("utf-8"))
]
NUMBERED = sorted(LESSONS.glob("[0-9][0-9]-*.md"))


def prose(lesson: Path) -> str:
    """Text that a reader reads: no code, no link targets, no sources (titles are not ours)."""
    text = lesson.read_text("utf-8").split("\n## Sources")[0]
    text = re.sub(r"(?ms)^```.*?^```", " ", text)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|\{\{.*?\}\}", " ", text)
    return re.sub(r"\s+", " ", text).lower()


def uses(text: str, term: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(term.lower())}(?![\w-])", text) is not None


def test_the_glossary_is_read() -> None:
    assert len(TERMS) >= 30
    assert len({term for term, _ in TERMS}) == len(TERMS)
    assert uses("the seed band is", "seed band")
    assert not uses("unsupported", "support")


@pytest.mark.parametrize("lesson", NUMBERED, ids=lambda path: path.stem)
def test_terms_come_after_their_explanation(lesson: Path) -> None:
    text = prose(lesson)
    early = [
        f"{term} ({home})" for term, home in TERMS if home > lesson.name[:2] and uses(text, term)
    ]
    assert not early, f"{lesson.name} uses terms of later lessons: {early}"


HERE = {lesson.name[:2]: lesson for lesson in NUMBERED}


@pytest.mark.parametrize(("term", "home"), [pair for pair in TERMS if pair[1] in HERE])
def test_a_term_is_used_where_it_is_explained(term: str, home: str) -> None:
    assert uses(prose(HERE[home]), term), f"lesson {home} never says {term!r}"
