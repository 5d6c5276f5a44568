"""What lessons tell the teaching room: cards that agree with the scorecard or say why not."""

import json
import re
from pathlib import Path

import pytest

from helpers.authoring.catalogue import catalogue
from helpers.authoring.lesson import parse
from helpers.authoring.questions import predictions
from helpers.authoring.told import claims, monday
from helpers.studies.scorecard import CARDS
from helpers.studies.scorecard.rules import VERDICTS
from helpers.teaching import _lessons, claim, matrix

ROOT = Path(__file__).resolve().parent.parent
ENTRIES = [entry for entry in catalogue(ROOT / "lessons").values() if entry.stem]
CELL = """---
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
course:
  shape: page
---
# A

```{{code-cell}} ipython3
{source}
```
"""


def lesson(folder: Path, source: str) -> Path:
    path = folder / "03-a.md"
    path.write_text(CELL.format(source=source), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", matrix.CLAIMS)
def test_a_card_has_the_verdict_of_its_rows_or_says_why_not(name: str) -> None:
    """Row by row, for each lesson; a reason for a row that agrees would be out of date."""
    card = _lessons.card(name)
    assert set(card["rows"]) == set(CARDS[name])
    assert set(card["rows"].values()) <= set(VERDICTS)
    assert card["judged"]
    for judged in card["judged"]:
        assert judged["ours"] in matrix.STATUSES
        apart = {row for row, word in card["rows"].items() if word != judged["ours"]}
        assert set(judged["unlike"]) == apart, f"{name}, lesson {judged['lesson']}"


def test_what_is_told_of_a_card_is_what_its_cells_say() -> None:
    told = {
        (name, one["lesson"]): one["ours"]
        for name in matrix.CLAIMS
        for one in _lessons.card(name)["judged"]
    }
    front = {(word, entry.number) for entry in ENTRIES for word in entry.words("claims")}
    assert set(told) == front
    assert told["bulwark", "06"] == "partly"


def test_claims_are_read_with_the_names_of_their_cell(tmp_path: Path) -> None:
    source = (
        'why = "So."\nclaim("bulwark", "partly", lesson="03", because=why, unlike={"F14": "a"})'
    )
    found = claims(parse(lesson(tmp_path, source)))
    assert found == [("bulwark", {"ours": "partly", "because": "So.", "unlike": {"F14": "a"}})]
    bare = claims(parse(lesson(tmp_path, 'claim("bulwark", "partly", lesson="03")')))
    assert bare == [("bulwark", {"ours": "partly", "because": "", "unlike": {}})]
    two = source.replace("\n", '\nwhy = "No."\n')
    assert claims(parse(lesson(tmp_path, two))) == [], "which of the two is for a kernel to say"


def test_predictions_are_counted_without_forecasts(tmp_path: Path) -> None:
    source = "\n".join(
        [
            'a = predict("03-a", "?", low=0)',
            'b = predict("03-b", "?", choices=["x", "y"])',
            'c = predict("03-c", "?", low=0, forecast=True)',
            'predict("03-d", "?", high=1)',
        ]
    )
    assert predictions(parse(lesson(tmp_path, source))) == {"intervals": 2, "choices": 1}


def test_the_course_counts_its_own_questions() -> None:
    """By the words in the lessons' text, another way than the one that is tested."""
    text = "".join((ROOT / "lessons" / f"{e.stem}.md").read_text("utf-8") for e in ENTRIES)
    total = _lessons.asked()
    calls = text.count(" = predict(")
    assert sum(total.values()) == calls - text.count("forecast=True")
    assert min(total.values()) >= 10


def test_a_card_says_which_row_differs_and_why() -> None:
    form = claim("bulwark", "partly", lesson="06", because="So.", unlike={"F14": "it asks less."})
    said = "This lesson says: partly. So. Row F14 of the scorecard says otherwise: it asks less."
    assert said in form._repr_mimebundle_()["text/html"]
    with pytest.raises(ValueError, match=r"unlike\['F14'\] must not be empty"):
        claim("bulwark", "partly", lesson="06", unlike={"F14": " "})


def test_the_file_is_json_that_a_person_can_read() -> None:
    text = (ROOT / "helpers" / "teaching" / "lessons.json").read_text("utf-8")
    assert set(json.loads(text)) == {"lessons", "predictions", "claims", "monday"}
    assert "\\u" not in text


# --- the Monday list -----------------------------------------------------------------------------


def _plain(text: str) -> str:
    return " ".join(text.replace("*", "").split())


def test_twelve_questions_for_monday() -> None:
    lines = _lessons.told()["monday"]
    assert len(lines) == 12
    assert len({line["ask"] for line in lines}) == 12
    assert all(line["ask"].endswith("?") and line["why"] and line["from"] for line in lines)
    assert not any("{{" in line["why"] or "](" in line["why"] for line in lines)


@pytest.mark.parametrize("number", range(12))
def test_the_lesson_of_a_line_says_so(number: int) -> None:
    """The section is there, one of its items begins with the words of the link's title."""
    stems = _lessons.told()["lessons"]
    for place in _lessons.told()["monday"][number]["from"]:
        text = (ROOT / "lessons" / f"{stems[place['lesson']]}.md").read_text("utf-8")
        heading = f"\n## {place['section'].replace('-', ' ')}\n"
        assert heading in text
        items = text.split(heading)[1].split("\n## ")[0].split("\n- ")[1:]
        assert place["said"]
        found = [item for item in items if _plain(item).startswith(place["said"])]
        assert len(found) == 1, place


def test_a_line_has_its_numbers_from_its_lessons() -> None:
    """Whatever is measured on the page is quoted by a lesson that the line names."""
    page = (ROOT / "lessons" / "monday.md").read_text("utf-8")
    items = re.split(r"(?m)^\d+\. ", page)[1:]
    quoted = 0
    for item in items:
        links = re.findall(r"\((\d\d-[\w-]+)\.ipynb#", item)
        texts = [(ROOT / "lessons" / f"{stem}.md").read_text("utf-8") for stem in links]
        for key in re.findall(r"\{\{ (.+?) \|", item):
            quoted += 1
            assert any(key in text for text in texts), key
    assert quoted >= 12


def test_a_line_is_taken_apart(tmp_path: Path) -> None:
    item = """1. **A *b*?** `C` holds
   {{ theory.gaussian_floor(real_rows=10) | .0% }}.
   [Lesson 03](03-a.ipynb#For-Monday 'Say "x".'), [04](04-b.ipynb#A)

After it.
"""
    path = tmp_path / "monday.md"
    path.write_text(CELL.format(source="1").replace("# A\n", f"# A\n\n{item}"), encoding="utf-8")
    assert monday(parse(path), tmp_path) == [
        {
            "ask": "A *b*?",
            "why": "C holds 95\N{NO-BREAK SPACE}%.",
            "from": [
                {"lesson": "03", "section": "For-Monday", "said": 'Say "x".'},
                {"lesson": "04", "section": "A", "said": ""},
            ],
        }
    ]
