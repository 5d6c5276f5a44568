"""Every claim in words of lesson 03 that a table, a law or a run can decide; see claims_03.py."""

import pytest
from claims_00_02 import Claim
from claims_03 import CLAIMS, within

from helpers.studies import load
from helpers.studies.paired import over_seeds

each = pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.words[:50])


@each
def test_the_claim_holds(claim: Claim) -> None:
    assert claim.decide().holds, str(claim)


@each
def test_the_lesson_says_so(claim: Claim) -> None:
    assert claim.stands, f"lesson {claim.lesson} no longer says: {claim.words}"


def test_an_interval_must_lie_within_as_a_whole() -> None:
    share = over_seeds(load("tails"), "words_replace", "share_1", 10)
    assert within(lambda: share, 0.9, 1.1)().holds
    for low, high in ((1.0, 1.1), (0.9, 1.0), (0.5, 0.9)):
        assert not within(lambda: share, low, high)().holds
