"""Every claim in words that a table, a law or a run can decide: claims_00_02.py, claims_06.py."""

import claims_06
import pytest
from claims_00_02 import CLAIMS, Claim, Found, above, everywhere, exactly

each = pytest.mark.parametrize(
    "claim", [*CLAIMS, *claims_06.CLAIMS], ids=lambda c: f"{c.lesson} {c.words[:50]}"
)


@each
def test_the_claim_holds(claim: Claim) -> None:
    assert claim.decide().holds, str(claim)


@each
def test_the_lesson_says_so(claim: Claim) -> None:
    assert claim.stands, f"lesson {claim.lesson} no longer says: {claim.words}"


def test_a_wrong_claim_is_found_out() -> None:
    turned = above("discrete", "distinct", "quilt_replace", "quilt_accumulate", 1)
    assert not turned().holds
    assert not exactly(lambda: 2.0, 0, 1)().holds
    good, bad = Found(2, 1, 3, True), Found(0, -1, 1, False)
    assert not everywhere([good, bad, good]).holds
    assert not Claim("00", "nothing is ever lost", "", turned).stands
    assert "DOES NOT HOLD" in str(Claim("00", "", "", turned))
