"""Every claim in words that a table decides holds in that table, and still stands in its lesson."""

from __future__ import annotations

import pytest
from claims import CLAIMS, Claim, Found, all_are, in_turn, main, text_of, within

NAMES = [f"{claim.lesson}-{claim.sentence[:40]}" for claim in CLAIMS]
named = pytest.mark.parametrize("claim", CLAIMS, ids=NAMES)


@named
def test_the_table_carries_the_sentence(claim: Claim) -> None:
    assert claim.holds(claim.compute()), claim.compute()


@named
def test_the_sentence_stands_in_the_lesson(claim: Claim) -> None:
    assert claim.sentence in text_of(claim.lesson)


def test_a_claim_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    up, down, both = (Found("x", v, v - 0.1, v + 0.1) for v in (0.2, -0.2, 0.05))
    assert [number.side for number in (up, down, both)] == ["above", "below", "around"]
    assert all_are("above")([up, up])
    assert not all_are("above")([up, both])
    assert not all_are("above")([])
    assert in_turn("above", "below")([up, down])
    assert not in_turn("above", "below")([down, up])
    assert within(0.1)([both])
    assert not within(0.1)([both, up])
    false = Claim("11", "The arm", "execution", lambda: [down], all_are("above"))
    monkeypatch.setattr("claims.CLAIMS", [false])
    monkeypatch.setattr("claims_00_02.CLAIMS", [])
    monkeypatch.setattr("claims_06.CLAIMS", [])
    assert main() == 1
