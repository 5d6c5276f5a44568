"""The telephone village: the parser names the slip; the simulated class follows the exact law."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.teaching import class_tallies, simulated_class
from helpers.teaching.dice import play, pooled

GOOD = """
# colour, margin, last row
blue  643322211 555555

GREEN 643333334 224113
blue  6433 112332
"""


def test_good_tallies() -> None:
    room = class_tallies(GOOD)
    assert room.slips == ()
    assert [str(pair) for pair in room.pairs] == [
        "blue  643322211 555555",
        "green 643333334 224113",
        "blue  6433 112332",
    ]
    assert room.stuck() == 1
    assert room.stuck("green") == 0
    assert room.alive() == [1, 2, 3, 5]
    assert room.last_rows("green").tolist() == [[2, 2, 4, 1, 1, 3]]
    np.testing.assert_allclose(room.variances(), [0, np.var([1, 1, 2, 3, 3, 2])])


@pytest.mark.parametrize(
    "line",
    [
        "blue 643322211 555555.",
        "blue: 643322211 555555",
        "Blue, 643322211, 555555",
        "blue 6,4,3,3,2,2,2,1,1 5,5,5,5,5,5",
        "blue 6 4 3 3 2 2 2 1 1 5 5 5 5 5 5",
        "blue 6 4 3 3 2 2 2 1 1  555555",
        "blue: 6, 4, 3, 3, 2, 2, 2, 1, 1; 5, 5, 5, 5, 5, 5.",
        "BLUE | 643 322 211 | 555 555",
        "blue - 6-4-3-3-2-2-2-1-1 -> 555555",
        "(blue) 643322211 / 5 5 5 5 5 5",
        "  blue\t643322211\t555555  # the loud pair",
    ],
)
def test_a_card_is_read_as_people_type_it(line: str) -> None:
    room = class_tallies(line)
    assert room.slips == ()
    assert [str(pair) for pair in room.pairs] == ["blue  643322211 555555"]


def test_a_card_that_stopped_early_may_stand_apart() -> None:
    assert str(class_tallies("blue: 6 4 3 3, 1 1 2 3 3 2.").pairs[0]) == "blue  6433 112332"


def test_what_is_simulated_says_so() -> None:
    assert repr(simulated_class(0)).startswith("7 blue and 3 green cards SIMULATED by the notebook")
    alone = class_tallies("blue 643322211 555555").in_a_room(0)
    assert repr(alone).startswith(
        "1 blue and 0 green cards, 7 blue and 3 green cards SIMULATED by the notebook; "
    )
    assert alone.last_rows("blue").tolist()[0] == [5] * 6  # the class's own card comes first
    whole = class_tallies("blue 643322211 555555\nblue 643322211 444444")
    assert whole.in_a_room(0) is whole
    assert "SIMULATED" not in repr(whole)
    assert "SIMULATED" not in repr(class_tallies(""))


def test_a_class_of_green_cards_has_blue_ones_beside_it() -> None:
    room = class_tallies("green 643333334 224113\n" * 3).in_a_room(0)
    assert len(room.last_rows("blue")) == 7
    assert np.isfinite(room.variances().mean())
    assert repr(room).startswith("0 blue and 3 green cards, 7 blue and 3 green cards SIMULATED")


def test_simulated_cards_stay_out_of_a_pool_of_classes(tmp_path: Path) -> None:
    file = tmp_path / "village.csv"
    class_tallies("green 643333334 224113").in_a_room(0).save_pool(file, site="A", date="today")
    assert len(pooled(file).pairs) == 1


def test_means_are_over_what_is_there() -> None:
    means = class_tallies(GOOD).means
    assert means.loc[0].tolist() == [6, 6]
    assert means.loc[3, "blue"] == 3
    assert means.loc[8, "blue"] == 1  # only the first village got so far
    assert means.shape == (9, 2)


@pytest.mark.parametrize(
    ("line", "slip"),
    [
        ("red 643322211 555555", "colour"),
        ("blue 643322211", "three parts"),
        ("blue 643322211 555555 7", "three parts"),
        ("blue 543322211 555555", "starts with"),
        ("blue 6433222111 555555", "at most 9"),
        ("blue 643722211 555555", "digits 1 to 6"),
        ("blue 64332221x 555555", "digits 1 to 6"),
        ("blue 643342211 555555", "row 4 goes from 3 to 4"),
        ("green 643533334 224113", "rises by one at most"),
        ("blue 643322211 55555", "6 numbers"),
        ("blue 643322211 555550", "digits 1 to 6"),
        ("blue 643322211 555556", "holds 2 different"),
    ],
)
def test_slips_are_named_with_their_pair(line: str, slip: str) -> None:
    room = class_tallies(f"blue 643322211 444444\n{line}\n")
    assert len(room.pairs) == 1
    assert len(room.slips) == 1
    assert room.slips[0].startswith("Pair 2 (")
    assert slip in room.slips[0]
    assert room.slips[0] in repr(room)


def test_green_may_rise_by_one() -> None:
    assert not class_tallies("green 643434343 224111").slips


@pytest.mark.parametrize("text", ["", "\n \n", "# nothing"])
def test_an_empty_class_does_not_crash(text: str) -> None:
    room = class_tallies(text)
    assert room.pairs == ()
    assert room.frame.empty
    assert room.means.empty
    assert room.alive() == []
    assert "nothing to read" in repr(room)


def test_text_must_be_text() -> None:
    with pytest.raises(TypeError, match="text"):
        class_tallies(["blue 643322211 555555"])  # type: ignore[arg-type]


def test_simulated_class_is_what_a_class_could_type() -> None:
    room = simulated_class(0)
    assert [pair.colour for pair in room.pairs] == ["blue"] * 7 + ["green"] * 3
    assert class_tallies("\n".join(map(str, room.pairs))) == room
    assert simulated_class(0) == room
    assert simulated_class(1) != room
    for seed in range(200):
        typed = "\n".join(map(str, simulated_class(seed).pairs))
        assert not class_tallies(typed).slips


@pytest.mark.parametrize("bad", [-1, 1.5, "0", True])
def test_bad_seed(bad: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="seed"):
        simulated_class(bad)


def _cards(colour: str, count: int) -> np.ndarray:
    rng = np.random.default_rng(2024)
    return np.array([play(colour, rng) for _ in range(count)])


def _exact_mean_different() -> list[float]:
    """Blue: k different boxes are hit by k throws; the number hit is an occupancy number."""
    occupied = np.zeros((7, 7))
    occupied[0, 0] = 1
    for k in range(6):  # one ball more
        for j in range(7):
            occupied[k + 1, j] += occupied[k, j] * j / 6
            if j < 6:
                occupied[k + 1, j + 1] += occupied[k, j] * (6 - j) / 6
    state, means = np.eye(7)[6], []
    for _ in range(9):
        means.append(float(state @ np.arange(7)))
        state = state @ occupied
    return means


def test_blue_follows_the_exact_law() -> None:
    cards = _cards("blue", 4000)
    different = np.array([[len(set(row)) for row in card] for card in cards.tolist()])
    error = different[:, 1:].std(axis=0) / np.sqrt(len(cards))
    exact = np.array(_exact_mean_different())
    assert exact[1] == pytest.approx(6 * (1 - (5 / 6) ** 6))
    assert (abs(different.mean(axis=0) - exact)[1:] < 5 * error).all()
    variances = cards.var(axis=2)
    error = variances[:, 1:].std(axis=0) / np.sqrt(len(cards))
    law = 35 / 12 * (5 / 6) ** np.arange(1, 9)
    assert (abs(variances.mean(axis=0)[1:] - law) < 5 * error).all()


def test_green_keeps_fresh_faces() -> None:
    cards = _cards("green", 4000)
    fresh = cards[:, 1:, 5]  # box 6: a fair die in every row
    counts = np.bincount(fresh.ravel(), minlength=7)[1:]
    expected = fresh.size / 6
    assert ((counts - expected) ** 2 / expected).sum() < 30  # chi-square, 5 degrees: p < 2e-5
    last = [len(set(row)) for row in cards[:, 8].tolist()]
    assert np.mean(last) == pytest.approx(2.87, abs=0.07)  # 20,000 cards gave 2.87
    assert all(
        after - before <= 1
        for card in cards[:200].tolist()
        for before, after in pairwise(len(set(row)) for row in card)
    )


def test_rows_only_copy_from_the_row_above() -> None:
    for card in _cards("blue", 100):
        assert all(set(after) <= set(before) for before, after in pairwise(card.tolist()))


def test_pool_is_written_only_when_asked(tmp_path: Path) -> None:
    first, second = simulated_class(1), simulated_class(2)
    file = tmp_path / "village.csv"
    assert not file.exists()
    first.save_pool(file, site="Oslo, Norway", date="2026-11-22")
    second.save_pool(file, site="Bergen", date="2026-11-23")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "date,site,pair,colour,margin,last_row"
    assert len(lines) == 21
    together = pooled(file)
    assert len(together.pairs) == 20
    assert together.stuck() == first.stuck() + second.stuck()
    assert not together.slips


def test_pool_leaves_other_files_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="columns"):
        simulated_class(1).save_pool(other, site="Oslo", date="2026-11-22")
    assert other.read_text(encoding="utf-8") == "a,b\n1,2\n"
    with pytest.raises(ValueError, match="columns"):
        pooled(other)
