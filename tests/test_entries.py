"""Entries to the capstone: judged seed by seed, and a leaderboard that loses nothing."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import capstone, studies
from helpers.capstone import BASELINES, LEAKY, WORLDS, Play, by_name, play
from helpers.studies import capstone as study
from helpers.studies.paired import effect
from helpers.teaching import entries
from helpers.teaching.entries import Judgement, Leaderboard, judge


@pytest.fixture(scope="module")
def keeper() -> Judgement:
    """On three seeds that are not recorded, in the cheaper two worlds."""
    return judge(by_name("keeper"), seeds=[100, 101, 102], worlds=["mixture", "stories"])


@functools.cache
def frozen() -> Play:
    return play(by_name("freeze"), "stories", 0)


def made_up(policy: str, shift: float, seeds: tuple[int, ...] = (0, 1, 2)) -> Judgement:
    """A judgement with made-up scores, about 30 and `shift` times 100 more."""

    def one(value: float) -> Play:
        rounds = (replace(turn, yardsticks={"a": value}) for turn in frozen().rounds)
        return replace(frozen(), rounds=tuple(rounds))

    plays = {
        world: tuple(one(0.3 + shift + 0.01 * (seed * (place + 1) % 3)) for seed in seeds)
        for place, world in enumerate(WORLDS)
    }
    return Judgement(policy, seeds, plays)


def test_a_policy_is_judged_on_each_seed_in_each_world(keeper: Judgement) -> None:
    assert keeper.void == ""
    assert list(keeper.scores) == ["mixture", "stories"]
    assert list(keeper.scores.index) == [100, 101, 102]
    again = play(by_name("keeper"), "stories", 101).score
    assert keeper.scores.loc[101, "stories"] == again
    assert keeper.mean == pytest.approx(keeper.scores.to_numpy().mean())
    mean, low, high, _ = effect(keeper.scores.mean(axis=1))
    assert keeper.interval == (low, high)
    assert keeper.table.loc["mean"].tolist() == [mean, low, high]


def test_differences_are_paired_by_seed(keeper: Judgement) -> None:
    theirs = [
        np.mean([play(by_name("replace"), world, seed).score for world in ("mixture", "stories")])
        for seed in (100, 101, 102)
    ]
    expected = effect(keeper.scores.mean(axis=1) - np.array(theirs))[:3]
    assert keeper.against.loc["replace"].tolist() == pytest.approx(expected)
    assert list(keeper.against.index) == list(BASELINES)
    assert "minus a baseline, seed by seed" in str(keeper)


def test_a_score_with_leaks_says_so() -> None:
    """It may be printed on the page to take home, where it must not pass for one without."""
    for leaks, told in (
        (None, "freeze on 1 seed\n"),
        (LEAKY, f"freeze on 1 seed, with checks that err: {LEAKY}"),
    ):
        judged = judge(by_name("freeze"), seeds=[100], worlds=["stories"], leaks=leaks)
        assert str(judged).startswith(told)


def test_a_baseline_is_equal_to_itself() -> None:
    judged = judge(by_name("replace"), seeds=[100, 101], worlds=["stories"])
    assert judged.against.loc["replace"].tolist() == [0, 0, 0]


def test_no_number_is_a_negative_zero() -> None:
    judged = replace(made_up("own", -0.0001), policy="own")
    shown = str(judged) + entries._tenths(-0.04)
    assert "-0.0" not in shown
    assert shown.endswith("0.0")


def test_recorded_baselines_are_those_of_the_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a recorded seed nothing is played again; with leaks everything is."""
    monkeypatch.setattr(entries, "_recorded", lambda: {("stories_replace", 0): 12.5})
    entries._baseline.cache_clear()
    assert entries._baseline("replace", "stories", 0, None) == 12.5
    assert entries._baseline("replace", "stories", 1, None) != 12.5
    assert entries._baseline("replace", "stories", 0, LEAKY) != 12.5
    entries._baseline.cache_clear()


def test_an_entry_is_judged_without_the_sandbox_or_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []

    def once(policy: Any, world: str, seed: int, leaks: Any, sandbox: bool) -> Play:
        asked.append(sandbox)
        return frozen()

    monkeypatch.setattr(capstone, "play", once)
    judge(by_name("freeze"), seeds=[0], worlds=["code"])
    judge(by_name("freeze"), seeds=[0], worlds=["code"], sandbox=True)
    assert asked == [False, False, True, True]


class Own:
    """Draws from NumPy's own generator."""

    def order(self, ledger: Any) -> tuple[int, int]:
        return 0, 0

    def training_set(self, real: Any, synthetic: Any, rng: Any) -> Any:
        places = np.random.permutation(len(synthetic[-1]))[:100]  # noqa: NPY002
        return synthetic[-1][places]


def test_two_plays_of_one_seed_that_differ() -> None:
    judged = judge(Own(), seeds=[0, 1], worlds=["stories"])
    assert judged.void.startswith("In stories, two plays of one seed differ")
    assert np.isnan(judged.mean)
    assert str(judged).startswith("Own on 2 seeds: void.")


class Greedy(Own):
    """Asks for more than the purse, where real rows are dear."""

    def order(self, ledger: Any) -> tuple[int, int]:
        return (21, 0) if ledger.price_real == 100 else (0, 0)

    def training_set(self, real: Any, synthetic: Any, rng: Any) -> Any:
        return synthetic[-1]


def test_a_void_play_makes_the_entry_void() -> None:
    judged = judge(Greedy(), seeds=[0], worlds=["stories", "code"])
    assert judged.void == (
        "In code, seed 0, generation 1: order of 21 real rows and 0 checks costs 2100 coins, above "
        "the purse of 2000"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"seeds": []}, "seeds must hold different seeds, at least one, got"),
        ({"seeds": [1, 1]}, "seeds must hold different seeds, at least one, got"),
        ({"seeds": [-1]}, "seeds must be an integer of at least 0, got -1"),
        ({"worlds": []}, "worlds must hold different worlds, at least one, got"),
        ({"worlds": ["moon"]}, "worlds must be one of 'mixture'"),
        ({"policy": Greedy}, "policy must be an object with the methods"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=sentence):
        judge(**{"policy": Greedy(), "seeds": [0], **arguments})


# --- the leaderboard ---------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def cheap_baselines(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Made-up entries are compared with made-up baselines: no play is needed."""
    if "tmp_path" in request.fixturenames:
        monkeypatch.setattr(entries, "_baseline", lambda name, world, seed, leaks: 30.0 + seed)


def test_a_board_without_a_file_lies_beside_the_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "mine" / "progress.json"))
    assert Leaderboard().path == tmp_path / "mine" / "leaderboard.jsonl"
    assert len(Leaderboard().frame) == 0
    assert not (tmp_path / "mine").exists()


def test_an_entry_is_one_line_and_comes_back(tmp_path: Path) -> None:
    board = Leaderboard(tmp_path / "my" / "board.jsonl")
    assert board.frame.empty
    assert board.lead() is None
    judged = made_up("Steady", 0.2)
    board.add(judged, author="Ada")
    board.add(judged, author="Ada")
    assert len(board.path.read_text().splitlines()) == 1, "the same entry again changes nothing"
    row = board.frame.iloc[0]
    assert row[["author", "policy", "seeds"]].tolist() == ["Ada", "Steady", 3]
    assert row["mean"] == pytest.approx(judged.mean, abs=1e-3)
    assert (row["low"], row["high"]) == pytest.approx(judged.interval, abs=1e-3)
    assert row["minus replace"] == pytest.approx(judged.mean - 31, abs=1e-3)
    assert board.slips == []


def test_the_best_is_first_and_its_lead_is_paired(tmp_path: Path) -> None:
    board = Leaderboard(tmp_path / "board.jsonl")
    for author, shift in (("Ben", 0.1), ("Ada", 0.2), ("Cleo", 0.0)):
        board.add(made_up("Steady", shift), author)
    assert board.frame["author"].tolist() == ["Ada", "Ben", "Cleo"]
    assert board.lead() == pytest.approx((10, 10, 10), abs=1e-2)
    board.add(made_up("Other", 0.3, (4, 5, 6)), "Dan")
    assert board.lead() is None, "other seeds, another world: they do not compare"


DAMAGE = [
    b'{"author": "Ben", "pol',
    b"\xff\xfe\x00",
    b"[1, 2]",
    b"null",
    b'{"author": "Ben", "policy": "P", "seeds": [0], "scores": {"mixture": [1]}, "against": {}}',
]


def broken(**changes: Any) -> bytes:
    against = {name: [1.0, 0.0, 2.0] for name in BASELINES}
    scores = {name: [1.0, 2.0] for name in WORLDS}
    entry = {"author": "Ben", "policy": "P", "seeds": [0, 1], "scores": scores, "against": against}
    return json.dumps({**entry, **changes}).encode()


DAMAGE += [
    broken(author=""),
    broken(seeds=[0]),
    broken(seeds=[0, -1]),
    broken(scores={name: [float("nan"), 1] for name in WORLDS}),
    broken(scores={name: [1, 101] for name in WORLDS}),
    broken(scores={name: ["much", 1] for name in WORLDS}),
    broken(against={name: [1.0] for name in BASELINES}),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_line_is_one_sentence_and_nothing_is_lost(tmp_path: Path, damage: bytes) -> None:
    board = Leaderboard(tmp_path / "board.jsonl")
    board.add(made_up("Steady", 0.2), "Ada")
    good = board.path.read_bytes()
    board.path.write_bytes(good + damage)  # without a newline, as a crash leaves it
    assert board.slips == ["board.jsonl, line 2 is not an entry and was left out"]
    assert board.frame["author"].tolist() == ["Ada"]
    board.add(made_up("Steady", 0.1), "Ben")
    assert board.path.read_bytes().startswith(good + damage + b"\n")
    assert board.frame["author"].tolist() == ["Ada", "Ben"]


def test_a_whole_line_is_read() -> None:
    entries._check_entry(json.loads(broken()))


def test_boards_of_a_class_are_merged(tmp_path: Path) -> None:
    boards = [Leaderboard(tmp_path / f"{name}.jsonl") for name in "abc"]
    boards[0].add(made_up("Steady", 0.2), "Ada")
    boards[1].add(made_up("Steady", 0.2), "Ada")
    boards[1].add(made_up("Steady", 0.1), "Ben")
    boards[2].path.write_bytes(b"not an entry\n")
    before = [board.path.read_bytes() for board in boards[1:]]
    slips = boards[0].merge(boards[1].path, boards[2].path)
    assert slips == ["c.jsonl, line 1 is not an entry and was left out"]
    assert boards[0].frame["author"].tolist() == ["Ada", "Ben"]
    assert [board.path.read_bytes() for board in boards[1:]] == before
    with pytest.raises(FileNotFoundError, match="there is no leaderboard"):
        boards[0].merge(boards[1].path, tmp_path / "none.jsonl")


def test_what_does_not_compare_is_refused(tmp_path: Path, keeper: Judgement) -> None:
    board = Leaderboard(tmp_path / "board.jsonl")
    with pytest.raises(ValueError, match="judged must be of all worlds, without leaks"):
        board.add(keeper, "Ada")
    with pytest.raises(ValueError, match="judged must be of all worlds, without leaks"):
        board.add(replace(made_up("Steady", 0.1), leaks=LEAKY), "Ada")
    with pytest.raises(ValueError, match="this one is void: Because"):
        board.add(Judgement("P", (0,), {}, None, "Because"), "Ada")
    with pytest.raises(ValueError, match="author must not be empty"):
        board.add(made_up("Steady", 0.1), " ")
    assert not board.path.exists()


# --- the study ---------------------------------------------------------------------------------


def frame(**moved: float) -> pd.DataFrame:
    """Scores as the storyboard expects them, with noise, and arms moved by `moved` points."""
    rng = np.random.default_rng(0)
    base = dict.fromkeys(capstone.names(), 40.0)
    base |= {
        "keeper": 60.0,
        "oracle": 80.0,
        "accumulate": 46.0,
        "freeze": 52.0,
        "passed_only": 38.0,
    }
    arms = {f"{world}_{name}": base[name] for world in WORLDS for name in base}
    arms |= {"code_passed_only": 54.0, "mixture_real_evenly_newest": 58.0, "code_random": 56.0}
    arms |= {
        f"leak_{name}_{kind}": 55.0 for name in ("keeper", "passed_only") for kind in study.leaks()
    }
    arms |= {"leak_keeper_keeps": 50.0, "leak_keeper_keeps_kind": 45.0}
    for place, setting in enumerate(study.cells()):
        arms[f"cell_mixture_{setting.name}"] = 50.0 + place
        arms[f"cell_stories_{setting.name}"] = 50.0 + place
    arms |= {"cell_mixture_at_once_1_1_old": 20.0, "cell_stories_at_once_1_1_old": 99.0}
    arms |= {arm: arms[arm] + points for arm, points in moved.items()}
    rows = [
        (arm, 1, "health", (score + rng.normal(0, 0.5)) / 100, seed)
        for arm, score in arms.items()
        for seed in range(8)
    ]
    return pd.DataFrame(rows, columns=["arm", "generation", "metric", "value", "replicate"])


def test_every_rule_of_the_study_can_be_reproduced() -> None:
    found = study.summary(frame())
    rules = {key: value for key, value in found.items() if key.startswith("rule_")}
    assert len(rules) == 11
    assert set(rules.values()) == {1.0}, rules


@pytest.mark.parametrize(
    ("moved", "rule", "verdict"),
    [
        ({f"{w}_random": 19.0 for w in WORLDS}, "rule_1_no_recipe_for_all", 0.0),
        ({"code_random": -20.0, "code_freeze": 12.0}, "rule_1_no_recipe_for_all", 0.5),
        ({f"{w}_keeper": -12.0 for w in WORLDS}, "rule_2_a_thoughtful_policy", 0.0),
        ({"code_oracle": -25.0}, "rule_3_far_from_the_oracle", 0.5),
        ({"code_oracle": -25.0, "stories_oracle": -25.0}, "rule_3_far_from_the_oracle", 0.0),
        ({"stories_freeze": -10.0}, "rule_4_do_nothing", 0.5),
        ({"stories_accumulate": -10.0, "stories_freeze": -20.0}, "rule_4_do_nothing", 0.0),
        ({"cell_mixture_at_once_1_1_old": 50.0}, "rule_5_a_recipe_does_not_travel", 0.5),
        (
            {"cell_mixture_at_once_1_1_old": 50.0, "cell_stories_at_once_1_1_old": -40.0},
            "rule_5_a_recipe_does_not_travel",
            0.0,
        ),
        ({"code_passed_only": -20.0}, "rule_6_a_filter_narrows", 0.5),
        (
            {"code_passed_only": -20.0, "stories_passed_only": 20.0},
            "rule_6_a_filter_narrows",
            0.0,
        ),
        ({"mixture_checks_newest": 8.0}, "rule_7_checks_and_newest", 0.5),
        (
            {"mixture_checks_newest": 8.0, "stories_checks_newest": -8.0},
            "rule_7_checks_and_newest",
            0.0,
        ),
        ({"leak_keeper_level_3": 6.0}, "rule_8_a_leak_costs", 0.0),
        ({"leak_keeper_keeps": 6.0}, "rule_9_kept_wrongly", 0.0),
        ({"leak_keeper_keeps_kind": 6.0}, "rule_10_always_the_same", 0.0),
        ({f"{w}_random": 12.0 for w in WORLDS}, "rule_11_luck_is_no_skill", 0.0),
    ],
)
def test_every_rule_of_the_study_can_fail(
    moved: dict[str, float], rule: str, verdict: float
) -> None:
    assert study.summary(frame(**moved))[rule] == verdict


def test_contrasts_are_paired_and_name_what_is_subtracted() -> None:
    found = study.summary(frame())
    assert found["stories_freeze_minus_accumulate"] == pytest.approx(6, abs=1)
    assert found["cost_keeper_keeps"] == pytest.approx(10, abs=1)
    assert found["cost_keeper_keeps_low"] < found["cost_keeper_keeps"]
    assert found["closed_mixture"] == pytest.approx(0.5, abs=0.05)


def test_a_recorded_play_can_be_made_again() -> None:
    """Strategies that draw, and one that reads its prices, and two settings of level 1.

    To a hundredth, since blobs are fitted with exponentials.
    """
    scores = study.scores(study.recorded())
    for world in WORLDS:
        for name in ("random", "keeper", "half_and_half"):
            again = play(by_name(name), world, 1, sandbox=False).score
            assert again == pytest.approx(scores[f"{world}_{name}", 1], abs=0.02)
    for setting in (capstone.Setting(when, 4, 1, False) for when in ("early", "evenly")):
        again = play(setting, "stories", 2).score
        assert again == pytest.approx(scores[f"cell_stories_{setting.name}", 2], abs=0.02)


def test_the_game_is_the_one_that_was_recorded() -> None:
    """Prices, sizes and names: who changes them records the study again."""
    settings = studies.provenance("capstone")["settings"]
    assert settings == json.loads(json.dumps(study.SETTINGS))
    arms = set(study.recorded()["arm"])
    assert {f"{world}_{name}" for world in WORLDS for name in capstone.names()} <= arms
    assert {f"cell_stories_{setting.name}" for setting in study.cells()} <= arms
    assert {f"leak_keeper_{kind}" for kind in study.leaks()} <= arms


def test_a_rehearsal_has_every_kind_of_arm_but_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "WORLDS", {"stories": WORLDS["stories"]})
    table = study.trial(100, "small")
    assert list(table.columns) == ["arm", "generation", "metric", "value"]
    assert not table.duplicated(["arm", "generation", "metric"]).any()
    assert table["value"].between(0, 1).all()
    assert set(table["metric"]) == {"health", "recall", "rare", "true"}
    assert sum(name.startswith("cell_") for name in set(table["arm"])) == 6


def test_a_void_play_of_ours_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="oracle in code: generation 1: order of 300 real rows"):
        study._counted(play(by_name("oracle"), "code", 0))
