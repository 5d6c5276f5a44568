"""The capstone's game: what a play is, and everything that makes one void."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from helpers import capstone, policies, studies
from helpers.capstone import Leaks, Ledger, Play, Row, by_name, known_right, play, referee
from helpers.capstone.code import Code, guesses, solves
from helpers.capstone.worlds import Checks, Mixture, Stories, health
from helpers.data import concat, size
from helpers.studies.capstone import WORLDS, cells, summary


class Newest:
    """Orders nothing and trains on the newest rows: the smallest policy."""

    def order(self, ledger: Ledger) -> Any:
        return 0, 0

    def training_set(self, real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
        return synthetic[-1]


def orders(answer: Any) -> Newest:
    policy = Newest()
    policy.order = lambda ledger: answer  # type: ignore[method-assign]
    return policy


def trains(on: Callable[[Any, Any, np.random.Generator], Any]) -> Newest:
    policy = Newest()
    policy.training_set = on  # type: ignore[method-assign]
    return policy


# --- a play ------------------------------------------------------------------------------------


def test_a_play_is_what_its_seed_says() -> None:
    first, again = (play(by_name("random"), "stories", 3) for _ in range(2))
    assert first == again
    assert play(by_name("random"), "stories", 4).rounds != first.rounds
    assert [turn.generation for turn in first.rounds] == list(range(11))
    healths = [turn.health for turn in first.rounds]
    assert first.score == pytest.approx(100 * np.mean(healths[1:]))
    assert first.frame["value"].between(0, 2000).all()


def test_two_policies_meet_the_same_world() -> None:
    one, other = play(Newest(), "mixture", 5), play(by_name("keeper"), "mixture", 5)
    assert one.rounds[0] == other.rounds[0]
    assert one.rounds[1] != other.rounds[1]
    # The newest rows alone, with and without a purse: it orders nothing, so nothing differs.
    assert play(Newest(), "mixture", 5, purse=0).score == one.score


def test_coins_that_are_not_spent_carry_over() -> None:
    ledgers: list[Ledger] = []

    class Saver(Newest):
        def __deepcopy__(self, memo: Any) -> Any:
            return self

        def order(self, ledger: Ledger) -> Any:
            ledgers.append(ledger)
            return (2, 3) if ledger.generation == 4 else (0, 0)

    played = play(Saver(), "stories", 0)
    assert not played.void
    assert [ledger.coins for ledger in ledgers] == [2000] * 4 + [1900] * 6
    assert [ledger.left for ledger in ledgers] == list(range(10, 0, -1))
    assert ledgers[5].bought == (0, 0, 0, 2, 0)
    assert ledgers[5].checked == (0, 0, 0, 3, 0)
    assert ledgers[5].passed[3] == played.rounds[4].passed


def test_rows_that_fail_a_check_are_gone_and_those_that_pass_come_first() -> None:
    seen: list[Any] = []

    class Checker(Newest):
        def __deepcopy__(self, memo: Any) -> Any:
            return self

        def order(self, ledger: Ledger) -> Any:
            self.ledger = ledger
            return 0, 10

        def training_set(self, real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
            seen.append((synthetic, known_right(synthetic, self.ledger, 10)))
            return synthetic[-1]

    played = play(Checker(), "stories", 0)
    world = Stories(0)
    streams = [capstone.arena._streams(world, 0, g) for g in range(11)]
    for generation in range(1, 11):
        world.turn(streams[generation]["turn"])
        synthetic, known = seen[generation - 1]
        passed = played.rounds[generation].passed
        assert size(synthetic[-1]) == 300 - 10 + passed
        assert world.right(synthetic[-1][:passed]).all()
        assert size(known) == sum(turn.passed for turn in played.rounds[1 : generation + 1])


def test_state_in_a_policy_does_not_reach_the_next_play() -> None:
    class Counting(Newest):
        calls = 0

        def order(self, ledger: Ledger) -> Any:
            self.calls += 1
            return (self.calls if self.calls < 5 else 0), 0

    policy = Counting()
    assert play(policy, "stories", 1) == play(policy, "stories", 1)
    assert policy.calls == 0


def test_a_policy_may_keep_rows_repeat_them_and_hoard() -> None:
    class Hoarder(Newest):
        def order(self, ledger: Ledger) -> Any:
            return (5, 0) if ledger.left <= 2 else (0, 0)

        def training_set(self, real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
            self.first = getattr(self, "first", synthetic[0])
            return concat([self.first, *[real] * 3])

    for world in capstone.WORLDS:
        played = play(Hoarder(), world, 0)
        assert not played.void
        assert played.rounds[10].rows == played.rounds[1].rows + 30


@pytest.mark.parametrize("name", capstone.names())
def test_every_named_strategy_can_be_played(name: str) -> None:
    played = play(by_name(name), "stories", 100, purse=10**6 if name == "oracle" else 2000)
    assert not played.void
    assert 0 < played.score < 100
    assert all(turn.coins >= 0 for turn in played.rounds)


def test_each_setting_of_level_1_can_be_played() -> None:
    settings = cells()
    assert len(settings) == len({setting.name for setting in settings}) == 45
    for setting in settings[::4]:
        assert not play(setting, "stories", 100).void
    with pytest.raises(ValueError, match="newest must be True where old is 0"):
        capstone.Setting("early", 1, 0, False)
    with pytest.raises(ValueError, match="weight must be one of 1, 2, 4, got 3"):
        capstone.Setting("early", 3, 1, True)


def test_a_play_is_told_a_generation_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    capstone.explain(Newest(), 0, "stories")
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0] == "Newest in stories, seed 0"
    head = "g coins real checks passed rows recall rare true health"
    assert " ".join(lines[1].split()) == head
    assert len(lines) == 2 + 11 + 1
    assert lines[-1] == f"Score {play(Newest(), 'stories', 0).score:.1f}"


# --- the worlds --------------------------------------------------------------------------------


@pytest.mark.parametrize("world", capstone.WORLDS)
def test_real_rows_are_right_when_they_are_drawn_and_each_seed_is_its_own(world: str) -> None:
    kind = capstone.WORLDS[world]
    one, other = kind(0), kind(1)
    rows = one.real(60, np.random.default_rng(0))
    assert one.right(rows).mean() > 0.95
    assert size(one.real(0, np.random.default_rng(0))) == 0
    if world == "code":
        words = {phrase for row in rows for phrase in row.phrases}  # type: ignore[union-attr]
        strange = {
            phrase for row in other.real(60, np.random.default_rng(0)) for phrase in row.phrases
        }  # type: ignore[union-attr]
        assert len(words & strange) < 0.1 * len(words)
    else:
        assert other.right(rows).mean() < 0.9


def test_the_circle_turns_and_people_move() -> None:
    mixture = Mixture(0)
    before = mixture.centres
    mixture.turn(np.random.default_rng(0))
    moved = np.linalg.norm(mixture.centres - before, axis=1)
    np.testing.assert_allclose(moved, 2 * 1.5 * np.sin(mixture.turn_by / 2))
    moves = []
    for seed in range(40):
        stories = Stories(seed)
        homes = stories._homes
        stories.turn(np.random.default_rng(seed))
        moves.append((stories._homes != homes).mean())
    assert 0.02 < np.mean(moves) < 0.04


def test_health_is_a_geometric_mean() -> None:
    assert health({"a": 0.5, "b": 1.0, "c": 0.25}) == pytest.approx(0.5)
    assert health({"a": 0.0, "b": 1.0, "c": 1.0}) == 0


def test_yardsticks_of_perfect_stories_are_one() -> None:
    world = Stories(0)
    every = np.column_stack([np.arange(100), world._homes])
    measured = world.measure(world.fit(every, None), every, np.random.default_rng(0))
    assert measured == {"recall": pytest.approx(1), "rare": 1, "true": 1}
    wrong = np.column_stack([np.arange(100), (world._homes + 1) % 20])
    assert set(world.measure(world.fit(wrong, None), wrong, np.random.default_rng(0)).values()) == {
        0
    }


def test_yardsticks_of_a_mixture_see_what_is_lost() -> None:
    world, rng = Mixture(0), np.random.default_rng(0)
    rows = world.real(3000, rng)
    whole = world.measure(None, rows, rng)
    assert min(whole.values()) > 0.9
    common = rows[world.kind(rows) < 5]
    lost = world.measure(None, common, rng)
    assert lost["rare"] == 0
    assert lost["recall"] < whole["recall"] - 0.1
    off = world.measure(None, rows * 2, rng)
    assert off["on_blob"] < 0.05


def test_a_play_is_the_same_without_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    class Once(Newest):
        def order(self, ledger: Ledger) -> Any:
            return 0, 40 * (ledger.generation == 1)

    slow = play(Once(), "code", 101)
    monkeypatch.delattr("helpers.capstone.code.shared_sandbox")
    assert play(Once(), "code", 101, sandbox=False) == slow
    assert 0 < slow.rounds[1].passed < 40
    with pytest.raises(NameError):
        play(Once(), "code", 101)


def test_the_exam_and_the_sandbox_agree() -> None:
    world, rng = Code(7), np.random.default_rng(0)
    model = world.fit(world.real(30, rng), None)
    rows = world.write(model, rng)
    ran = world.right(rows)
    assert 0.05 < ran.mean() < 0.6
    assert [solves(row.task, row.program) for row in rows] == ran.tolist()


def test_a_writer_guesses_what_it_does_not_know() -> None:
    world, rng = Code(7), np.random.default_rng(0)
    model = world.fit(world.real(30, rng), None)
    assert model.best("no such phrase") is None
    for phrase in ("bada", "bada 3"):
        number = phrase[5:] or None
        written = {model.statement(phrase, rng.random(2), 0.0) for _ in range(300)}
        assert len(written) > 7
        assert written <= set(guesses(number))
        assert number is None or all(number in statement for statement in written)


# --- checks that err ---------------------------------------------------------------------------


@pytest.mark.parametrize("systematic", [False, True])
def test_checks_err_at_their_rates(systematic: bool) -> None:
    world, rng = Stories(0), np.random.default_rng(0)
    who = rng.integers(100, size=4000)
    right = rng.random(4000) < 0.5
    rows = np.column_stack([who, np.where(right, world._homes[who], (world._homes[who] + 1) % 20)])
    kept, dropped, twice = [], [], []
    for seed in range(20):
        own = np.random.default_rng(seed)
        checks = Checks(world, Leaks(0.3, 0.1, systematic), own)
        passed, again = checks.passed(rows, own), checks.passed(rows, own)
        kept.append(passed[~right].mean())
        dropped.append(1 - passed[right].mean())
        twice.append((passed == again).mean())
    assert np.mean(kept) == pytest.approx(0.3, abs=0.04)
    assert np.mean(dropped) == pytest.approx(0.1, abs=0.03)
    assert bool(np.mean(twice) == 1) is systematic
    assert (Checks(world, None, rng).passed(rows, rng) == right).all()


def test_leaks_are_seen_in_a_play() -> None:
    policy, all_pass = by_name("checks_newest"), Leaks(keeps_wrong=1.0)
    strict, leaky = (play(policy, "stories", 0, leaks) for leaks in (None, all_pass))
    assert sum(turn.passed for turn in strict.rounds) < 90
    assert sum(turn.passed for turn in leaky.rounds) == 100
    with pytest.raises(ValueError, match="keeps_wrong must be"):
        Leaks(1.5)
    with pytest.raises(TypeError, match="leaks must be None or Leaks"):
        play(Newest(), "stories", 0, 0.3)  # type: ignore[arg-type]


# --- refused -----------------------------------------------------------------------------------


def void(policy: Any, world: str = "stories") -> str:
    played = play(policy, world, 0)
    assert isinstance(played, Play)
    assert np.isnan(played.score)
    assert f"Void: {played.void}." in str(played)
    assert "\n" not in played.void
    return played.void


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((101, 0), "costs 2020 coins, above the purse of 2000"),
        ((50, 51), "costs 2020 coins, above the purse of 2000"),
        ((-50, 0), "whole number of real rows, 0 or more, got -50"),
        ((0, -1), "whole number of checks, 0 or more, got -1"),
        ((1.5, 0), "whole number of real rows, 0 or more, got 1.5"),
        ((2.0, 0), "whole number of real rows, 0 or more, got 2.0"),
        ((True, 0), "whole number of real rows, 0 or more, got True"),
        ((0, np.True_), "whole number of checks, 0 or more, got np.True_"),
        ((float("nan"), 0), "whole number of real rows, 0 or more, got nan"),
        (("3", 0), "whole number of real rows, 0 or more, got '3'"),
        (3, r"must return two whole numbers, \(real rows, checks\), got 3"),
        (None, "must return two whole numbers"),
        ((1, 2, 3), "must return two whole numbers"),
    ],
)
def test_an_order_that_is_none(answer: Any, sentence: str) -> None:
    assert re.search(sentence, void(orders(answer)))


def test_more_checks_than_rows() -> None:
    assert "asked for 301 checks, but there are 300 newest rows" in void(orders((0, 301)), "code")


def test_an_order_of_numpy_integers_is_one() -> None:
    assert not play(orders((np.int64(1), np.int32(2))), "stories", 0).void


@pytest.mark.parametrize(
    ("on", "sentence"),
    [
        (lambda real, made, rng: made[-1][:0], "returned no rows"),
        (lambda real, made, rng: real, "returned no rows"),
        (lambda real, made, rng: np.concatenate([made[-1]] * 3), "900 rows, above rows_max = 600"),
        (lambda real, made, rng: made[-1].tolist(), "must return a NumPy array of rows, got list"),
        (lambda real, made, rng: made[-1][:, 0], "must return an array of shape"),
        (lambda real, made, rng: np.array([["a", "b"]]), "must return an array of shape"),
        (lambda real, made, rng: made[-1] * np.nan, "returned NaN or infinity"),
        (lambda real, made, rng: made[-1] + 0.5, "returned fractions"),
        (lambda real, made, rng: made[-1] + 1000, "a row that was never handed out"),
        (lambda real, made, rng: None, "must return a NumPy array of rows, got NoneType"),
    ],
)
def test_rows_that_are_none(on: Any, sentence: str) -> None:
    assert sentence in void(trains(on))


def test_home_made_rows_of_other_worlds() -> None:
    assert "never handed out" in void(trains(lambda real, made, rng: made[-1] + 1e-9), "mixture")
    assert "needs 8 or more" in void(trains(lambda real, made, rng: made[-1][:7]), "mixture")
    copied = trains(lambda real, made, rng: [Row(*row) for row in made[-1]])
    assert "never handed out" in void(copied, "code")
    assert "a list of rows" in void(trains(lambda real, made, rng: tuple(made[-1])), "code")
    longer = trains(lambda real, made, rng: [*made[-1], "xs = sorted(xs)"])
    assert "never handed out" in void(longer, "code")


def test_a_true_row_that_was_not_handed_out_is_home_made() -> None:
    """Whoever knows the world could write it down; rows are chosen, not made."""
    homes = Stories(0)._homes
    every = np.column_stack([np.arange(100), homes])
    assert "never handed out" in void(trains(lambda real, made, rng: every))


def edit(real: Any, made: Any, rng: np.random.Generator) -> Any:
    made[-1][0] = made[-1][1]
    return made[-1]


def edit_old(real: Any, made: Any, rng: np.random.Generator) -> Any:
    made[0].append(made[0][0])
    return made[-1]


def unlock(real: Any, made: Any, rng: np.random.Generator) -> Any:
    made[-1].flags.writeable = True
    return made[-1]


def unlock_base(real: Any, made: Any, rng: np.random.Generator) -> Any:
    made[-1].base.flags.writeable = True
    made[-1].flags.writeable = True
    made[-1][:] = made[-1][0]
    return made[-1]


@pytest.mark.parametrize("world", ["mixture", "stories"])
def test_arrays_cannot_be_edited_in_place(world: str) -> None:
    assert "read-only" in void(trains(edit), world)
    assert "choose some, or copy them" in void(trains(edit), world)
    assert "raised" in void(trains(unlock), world)
    assert "raised" in void(trains(unlock_base), world)


def test_lists_cannot_be_edited_in_place() -> None:
    assert "changed synthetic[0] in place" in void(trains(edit), "code")
    assert "changed synthetic[0] in place" in void(trains(edit_old), "code")


def test_the_past_is_a_tuple() -> None:
    def forget(real: Any, made: Any, rng: np.random.Generator) -> Any:
        made[0] = made[-1]
        return made[-1]

    assert "TypeError" in void(trains(forget))


def test_a_policy_that_raises() -> None:
    sentence = void(orders(property()))
    assert "order must return" in sentence

    class Broken(Newest):
        def order(self, ledger: Ledger) -> Any:
            return 1 // (ledger.generation - 3), 0

    sentence = play(Broken(), "stories", 0).void
    assert sentence.startswith("generation 1: order must ask")

    class Later(Newest):
        def training_set(self, real: Any, synthetic: Any, rng: np.random.Generator) -> Any:
            return synthetic[-1] if len(synthetic) < 4 else synthetic[17]

    played = play(Later(), "stories", 0)
    assert played.void.startswith("generation 4: training_set raised IndexError: ")
    assert "of training_set" in played.void
    assert len(played.rounds) == 4, "what was played is still there to be read"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, MemoryError])
def test_a_policy_that_raises_what_ends_programs(error: type[BaseException]) -> None:
    def leave(real: Any, made: Any, rng: np.random.Generator) -> Any:
        raise error

    assert f"raised {error.__name__}" in void(trains(leave))


def test_a_policy_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referee, "SECONDS", 0.2)
    before = threading.active_count()

    def spin(real: Any, made: Any, rng: np.random.Generator) -> Any:
        while True:
            pass

    started = time.monotonic()
    assert void(trains(spin)) == "generation 1: training_set took more than 0.2 s"
    assert time.monotonic() - started < 5
    assert threading.active_count() == before, "its thread is ended, too"


def test_a_policy_that_cannot_be_copied() -> None:
    policy = Newest()
    policy.lock = threading.Lock()  # type: ignore[attr-defined]
    assert "copying the policy raised TypeError: cannot pickle" in void(policy)


def test_a_policy_whose_copying_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referee, "SECONDS", 0.2)

    class Endless(Newest):
        def __deepcopy__(self, memo: Any) -> Any:
            for _ in range(10**8):
                pass

    assert void(Endless()) == "generation 0: copying the policy took more than 0.2 s"


class Strange:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Two(tuple[int, ...]):
    """Not the two numbers that it was made of."""

    def __iter__(self) -> Any:
        return iter((0, -5))


class Longer(list[Any]):
    """More rows than it says."""

    def __iter__(self) -> Any:
        return iter([self[0]] * 10_000)


class Number(int):
    """Costs nothing, and you are paid for it."""

    def __mul__(self, other: Any) -> int:
        return -1000


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Strange(), "got a Strange"),
        ((Strange(), 0), "got a Strange"),
        (Two((0, 0)), "got a Two"),
        ((Number(500), 0), "got a Number"),
    ],
)
def test_orders_that_behave_strangely(answer: Any, sentence: str) -> None:
    assert sentence in void(orders(answer))


def test_rows_that_behave_strangely() -> None:
    longer = trains(lambda real, made, rng: Longer(made[-1]))
    assert "must return a list of rows, got Longer" in void(longer, "code")
    matrix = trains(lambda real, made, rng: made[-1].view(np.matrix))
    assert "must return a NumPy array of rows, got matrix" in void(matrix)


def test_an_error_is_told_in_one_short_line() -> None:
    def shout(real: Any, made: Any, rng: np.random.Generator) -> Any:
        raise ValueError("many\nlines\n" * 40)

    assert "raised ValueError: many lines many" in void(trains(shout))
    assert len(void(trains(shout))) < 200


def test_the_generator_does_not_tell_the_seed() -> None:
    told: list[Any] = []

    def read(real: Any, made: Any, rng: np.random.Generator) -> Any:
        told.append(rng.bit_generator.seed_seq)  # type: ignore[attr-defined]
        return made[-1]

    policy = trains(read)
    seed = 987_654_321
    play(policy, "stories", seed)
    entropies = [sequence.entropy for sequence in told]
    assert len(set(entropies)) == 10
    assert all(isinstance(entropy, int) for entropy in entropies)
    assert seed not in entropies
    assert all(sequence.spawn_key == () for sequence in told)


def test_frames_of_the_arena_are_not_below_the_policy() -> None:
    found: list[str] = []

    def walk(real: Any, made: Any, rng: np.random.Generator) -> Any:
        frame: Any = sys._getframe()
        while frame is not None:
            found.extend(name for name in frame.f_locals if name == "seed")
            frame = frame.f_back
        return made[-1]

    played = play(trains(walk), "stories", 0)
    assert not played.void, "it has walked, in each generation"
    assert not found


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"policy": Newest}, "policy must be an object with the methods"),
        ({"policy": "keeper"}, "policy must be an object with the methods"),
        ({"world": "moon"}, "world must be one of 'mixture', 'stories', 'code', got 'moon'"),
        ({"seed": -1}, "seed must be an integer of at least 0, got -1"),
        ({"seed": 1.5}, "seed must be an integer of at least 0, got 1.5"),
        ({"purse": -1}, "purse must be an integer of at least 0, got -1"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=sentence):
        play(**{"policy": Newest(), **arguments})


def test_an_unknown_strategy_is_named() -> None:
    with pytest.raises(ValueError, match="name must be one of 'replace', 'accumulate'"):
        by_name("luck")


def test_strategies_are_no_menu_of_the_loop() -> None:
    """They need an arena: lesson 06 lists the policies of the loop alone."""
    assert not {policy.name for policy in policies.plain()} & {"keeper", "random"}


@pytest.mark.parametrize(("turned", "verdict"), [(0, 1.0), (1, 0.5), (2, 0.0), (3, 0.0)])
def test_a_rule_in_parts_holds_partly_or_not_at_all(turned: int, verdict: float) -> None:
    """The oracle is above keeper in all three worlds, until the scores of some are turned round."""
    frame = studies.load("capstone")
    worst = tuple(f"{world}_" for world in list(WORLDS)[:turned])
    of_them = np.array([arm.startswith(worst) for arm in frame["arm"]])
    value = frame["value"].where(~of_them, 1 - frame["value"])
    found = summary(frame.assign(value=value))
    assert found["rule_3_far_from_the_oracle"] == verdict
