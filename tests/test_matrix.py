"""The verdict matrix and the seven claims: tables that a screen reader can follow."""

from pathlib import Path
from typing import Any

import pytest

from helpers.studies.scorecard.rules import VERDICTS
from helpers.teaching import (
    claim,
    claim_cards,
    compare_claims,
    compared,
    verdict,
    verdict_matrix,
)
from helpers.teaching._store import store
from helpers.teaching.matrix import CLAIMS


@pytest.fixture(autouse=True)
def _progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))


def test_empty_matrix() -> None:
    assert repr(verdict_matrix()) == "No verdict yet."


def test_matrix_shows_what_was_filled() -> None:
    verdict("KDE <h>", "variance", "fine")
    verdict("Gaussian", "what survived", "collapsed")
    verdict("KDE <h>", "variance", "bounded")  # changed my mind
    assert {tuple(line.split("  ")[0:1]) for line in repr(verdict_matrix()).splitlines()[1:]} == {
        ("KDE <h>",),
        ("Gaussian",),
    }
    head, *rows = repr(verdict_matrix()).splitlines()
    assert head.split("  ")[-1] == "variance"  # columns in the order of the lessons
    assert sum("bounded" in row for row in rows) == 1
    assert not any("fine" in row for row in rows)
    page = verdict_matrix()._repr_html_()
    assert "<caption>" in page
    assert page.count('scope="col"') == 3
    assert page.count('scope="row"') == 2
    assert "KDE &lt;h&gt;" in page


def test_a_form_asks_for_a_verdict() -> None:
    form = verdict("Gaussian", "variance")
    assert form.choice is None
    assert repr(verdict_matrix()) == "No verdict yet."
    *_, radio, said = form.widget.children
    radio.value = "collapsed"
    assert form.choice == "collapsed"
    assert "Your verdict: collapsed." in said.value
    assert "Gaussian" in form._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("", "variance", "fine"), "run"),
        (("Gaussian", "varianz", "fine"), "yardstick"),
        (("Gaussian", "variance", "colapsed"), "choice"),
    ],
)
def test_bad_verdicts(arguments: tuple[Any, ...], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        verdict(*arguments)
    assert repr(verdict_matrix()) == "No verdict yet."


def test_claims_are_filled_by_the_learner() -> None:
    form = claim("bulwark", "reproduced", lesson="06", because="Bounded is not unharmed.")
    assert repr(claim_cards()).count("[to be tested in lesson") == len(CLAIMS) == 7
    assert "[to be tested in lessons 03, 05 and 09]" in repr(claim_cards())
    assert "[to be tested in lesson 02]" in repr(claim_cards())
    assert form.status is None
    page = form._repr_mimebundle_()["text/html"]
    assert "unharmed" not in page.split("<details>")[0]
    *_, radio, why, said = form.widget.children
    assert "unharmed" not in said.value
    why.value = "It held in <my> runs."
    assert form.status is None  # a reason is no verdict
    radio.value = "partly"
    assert form.status == "partly"
    assert (
        "Your verdict: partly, because: It held in &lt;my&gt; runs. This lesson says: reproduced. "
        "Bounded is not unharmed." in said.value
    )
    lines = repr(claim_cards()).splitlines()
    assert lines[4].endswith("[partly (lesson 06): It held in <my> runs.]")
    assert repr(claim_cards()).count("[to be tested in lesson") == 6
    page = claim_cards()._repr_html_()
    assert "<strong>partly (lesson 06)</strong>: It held in &lt;my&gt; runs." in page
    again = claim("bulwark", "reproduced", lesson="06", because="Bounded is not unharmed.")
    assert "Your verdict: partly, because: It held in <my> runs." in repr(again)
    assert "partly, because: It held in &lt;my&gt; runs." in again._repr_mimebundle_()["text/html"]
    assert again.widget.children[2].value == "partly"


@pytest.mark.parametrize(
    ("name", "ours", "lesson", "named"),
    [
        ("bullwark", "reproduced", "06", "name"),
        ("bulwark", "true", "06", "ours"),
        ("bulwark", "reproduced", "", "lesson"),
    ],
)
def test_bad_claims(name: str, ours: str, lesson: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        claim(name, ours, lesson=lesson)


def test_a_bad_verdict_on_a_claim() -> None:
    form = claim("bulwark", "reproduced", lesson="06")
    with pytest.raises(ValueError, match="status"):
        form.choose("true")
    with pytest.raises(TypeError, match="because"):
        form.choose("reproduced", 3)  # type: ignore[arg-type]
    assert form.status is None


def test_the_former_word_of_files_and_copies_is_read_as_todays() -> None:
    """Before the scorecard, cards said "holds" for what it calls reproduced."""
    claim("bulwark", "partly", lesson="06").choose("partly")
    state = store().read()["claims"]["bulwark"]
    state["status"] = "holds"
    store().update(lambda all_: all_["claims"].update({"bulwark": state}))
    form = claim("bulwark", "holds", lesson="06")
    assert form.status == form.ours == form.widget.children[-3].value == "reproduced"
    assert "[reproduced (lesson 06)]" in repr(claim_cards())
    form.choose("holds")
    assert store().read()["claims"]["bulwark"]["status"] == "reproduced"


# --- the learner's verdicts beside the course's ---------------------------------------------------


def test_nothing_judged_is_nothing_to_compare() -> None:
    assert repr(compare_claims()) == "You have judged no claim yet."
    assert compare_claims()._repr_html_() == "<p>You have judged no claim yet.</p>"


def test_where_we_differ_comes_first() -> None:
    claim("tails-first", "reproduced", lesson="03").choose("reproduced")
    claim("bulwark", "partly", lesson="06").choose("reproduced", "It <held>.")
    claim("any-architecture", "partly", lesson="04").choose("partly")  # 05 says more, and counts
    found = compared.compared()
    assert [(one.agrees, one.yours, one.ours, one.lesson) for one in found] == [
        (False, "partly", "reproduced", "05"),
        (False, "reproduced", "partly", "06"),
        (True, "reproduced", "reproduced", "09"),
    ]
    said, *lines = repr(compare_claims()).splitlines()
    assert said == "You have judged 3 of 7 claims, and the course differs on 2 of them."
    assert lines[3] == f"DIFFER: {CLAIMS['bulwark']}"
    assert lines[4] == "  you: reproduced: It <held>."
    assert "lesson 06: partly. It bounds noise" in lines[5]
    assert "F14: it asks only for less harm" in lines[5]
    assert lines[5].endswith("Rows: F07 partly, F14 reproduced.")
    page = compare_claims()._repr_html_()
    assert page.index(CLAIMS["bulwark"]) < page.index(CLAIMS["tails-first"])
    assert "reproduced: It &lt;held&gt;." in page
    assert '<a href="06-replace-or-accumulate.ipynb">06</a>' in page
    assert '<a href="scorecard.ipynb#Partly">F07 partly</a>' in page


def test_every_verdict_leads_to_its_section_of_the_scorecard() -> None:
    page = (Path(__file__).parent.parent / "lessons" / "scorecard.md").read_text("utf-8")
    headings = {line[3:].replace(" ", "-") for line in page.splitlines() if line[:3] == "## "}
    assert set(compared.SECTIONS) == set(VERDICTS)
    assert set(compared.SECTIONS.values()) <= headings
    for word, section in compared.SECTIONS.items():  # and the table there shows this verdict
        body = page.split(f"## {section.replace('-', ' ')}\n")[1].split("\n## ")[0]
        assert f'"{word}"' in body
