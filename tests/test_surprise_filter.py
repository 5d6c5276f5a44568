"""Keep half by surprise, row 33 of the table of checks: its verifier, a rehearsal, its rules."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import studies
from helpers.studies import surprise_filter
from helpers.studies.paired import effect


class Lengths:
    """A model to which a row of n ones is a surprise of n nats a token."""

    def score_samples(self, rows: np.ndarray) -> np.ndarray:
        return -np.asarray(rows, dtype=float).sum(axis=1)


@pytest.mark.parametrize(("which", "kept"), [("surprising", [2, 3, 5]), ("predictable", [0, 1, 4])])
def test_row_33_half_by_surprise(which: str, kept: list[int]) -> None:
    rows = np.array([[0, 0], [0, 1], [3, 1], [9, 9], [1, 1], [5, 0]])
    chosen = surprise_filter.HalfBySurprise(which)(Lengths(), rows, np.random.default_rng(0))
    assert (chosen.kept == rows[kept]).all()
    assert chosen.report["surprise_kept"] == pytest.approx(rows[kept].sum(axis=1).mean())


def test_row_33_half_at_random_is_any_half() -> None:
    rows = np.arange(12).reshape(6, 2)
    verifier, rng = surprise_filter.HalfBySurprise("random"), np.random.default_rng(1)
    drawn = [verifier(Lengths(), rows, rng).kept[:, 0] // 2 for _ in range(600)]
    assert {len(set(rows)) for rows in drawn} == {3}
    counts = np.bincount(np.concatenate(drawn), minlength=6) / 600
    assert counts == pytest.approx(np.full(6, 0.5), abs=0.1)  # sd of a share .02
    with pytest.raises(ValueError, match="which must be one of"):
        surprise_filter.HalfBySurprise("rare")


def test_row_33_in_a_rehearsal() -> None:
    small = surprise_filter.trial(100, "small")
    kept = small[small["metric"] == "surprise_kept"].set_index(["generation", "arm"])["value"]
    for g in (0, 1, 2):
        assert kept[g, "predictable"] < kept[g, "random"] < kept[g, "surprising"]
    same = small[(small["generation"] == 0) & (small["metric"] == "excess")]["value"]
    assert same.nunique() == 1


def test_row_33_as_recorded() -> None:
    """All three rules hold: random is the best half in the end, the predictable one the worst."""
    table = studies.load("surprise_filter").pivot_table(
        index="replicate", columns=["metric", "generation", "arm"], values="value"
    )
    excess, tail = table["excess"][4], table["recall_tail"][1]
    for low_one, high_one in (
        (excess["random"], excess["surprising"]),
        (excess["random"], excess["predictable"]),
        (excess["surprising"], excess["predictable"]),
        (tail["random"], tail["surprising"]),
    ):
        _, low, *_ = effect(high_one - low_one)
        assert low > 0
