"""Every claim in words that a table, a law or a run can decide; see claims.py."""

from __future__ import annotations

import claims
import numpy as np
import pytest
from claims import Claim, Found, above, between, exactly

EVERY = list(claims.every())
each = pytest.mark.parametrize("claim", EVERY, ids=lambda c: f"{c.lesson} {c.words[:50]}")


@each
def test_the_claim_holds(claim: Claim) -> None:
    assert claim.holds(), str(claim)


@each
def test_the_lesson_says_so(claim: Claim) -> None:
    assert claim.stands, f"lesson {claim.lesson} no longer says: {claim.words}"


def test_the_lessons_with_rows_are_all_found() -> None:
    assert {claim.lesson for claim in EVERY} >= {"00", "01", "02", "03", "04", "06", "11"}
    assert len({(claim.lesson, claim.words) for claim in EVERY}) == len(EVERY) > 100


def test_a_wrong_claim_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    turned = above("discrete", "distinct", "quilt_replace", "quilt_accumulate", 1)
    assert not any(one.holds for one in turned())
    assert not exactly(lambda: 2.0, 0, 1)().holds
    good, bad = Found(2, 1, 3, True), Found(0, -1, 1, False)
    assert not Claim("00", "", "", lambda: [good, bad, good]).holds()
    assert not Claim("00", "", "", list).holds()  # nothing found bears out nothing
    assert Claim("00", "", "", lambda: [good, good]).holds()
    false = Claim("00", "nothing is ever lost", "", turned)
    assert not false.stands
    assert "DOES NOT HOLD" in str(false)
    monkeypatch.setattr(claims, "every", lambda: iter([false]))
    assert claims.main() == 1
    monkeypatch.setattr(claims, "every", lambda: iter([Claim("00", "", "", lambda: good)]))
    assert claims.main() == 0


def test_an_interval_is_that_of_student_and_must_lie_inside_as_a_whole() -> None:
    ten = np.arange(10.0)  # standard error .957, t of 9 degrees of freedom 2.262
    found = between(ten, 2, 7)
    assert (found.value, found.low, found.high) == pytest.approx((4.5, 2.334, 6.666), abs=1e-3)
    assert found.holds
    for low, high in ((2.5, 7), (2, 6.5), (-7, 2)):
        assert not between(ten, low, high).holds
    assert [between(ten + x, 0, 1).side for x in (0, -9, -4.5)] == ["above", "below", "around"]
