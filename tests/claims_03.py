"""What lesson 03 says in words: see claims.py."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pandas as pd
from claims import Claim, Found, between, exactly, mean, values, within
from scipy.stats import binom

from helpers import loop, metrics, models, policies, theory
from helpers.studies import tails


def _at(arm: str, metric: str, generation: int) -> pd.Series:
    return values("tails", arm, metric)[generation]


def _copies_times_alive() -> Found:
    found = [
        float(
            _at("words_replace", "alive_1", g).mean() * _at("words_replace", "copies_1", g).mean()
        )
        for g in (1, 10, 50)
    ]
    return Found(found[-1], min(found), max(found), max(abs(x - 1) for x in found) < 0.1)


def _rare_first() -> list[Found]:
    one, few, many = (values("tails", "words_replace", f"alive_{k}") for k in ("1", "2_5", "100"))
    ordered = (one < few) & (few < many)
    return [
        Found(float(ordered[g].mean()), 0, 0, bool(ordered[g].all()), f"generation {g}")
        for g in ordered
        if g > 0
    ]


def _copies_a_round() -> Found:
    ten, twenty, hundred = (theory.copies_needed(rounds) / rounds for rounds in (10, 20, 100))
    good = abs(ten - 4 / 3) < 0.04 and abs(twenty - 5 / 4) < 0.04 and abs(hundred - 7 / 6) < 0.04
    return Found(twenty, hundred, ten, good)


def _says_nearly_complete() -> Found:
    said, missing = (_at("zipf_none", metric, 10) for metric in ("said", "missing"))
    three = mean(missing)
    return Found(*three, three[1] > 0.3 and three[2] < 0.37 and mean(said)[2] < 0.01)


def _right_share_and_accuracy() -> Found:
    share = mean(_at("rare_8_replace", "share", 10))
    lost = _at("rare_8_replace", "accuracy", 0) - _at("rare_8_replace", "accuracy", 10)
    three = mean(lost)
    present = _at("rare_8_replace", "present", 10).mean() > 0.7
    return Found(*three, present and share[1] < 0.01 < share[2] and three[2] < 0.015)


def _found_where_present() -> Found:
    found, present = (_at("rare_8_replace", metric, 10) for metric in ("found", "present"))
    three = mean(found[present == 1])
    return Found(*three, three[1] < 1 / 8 < three[2] and three[2] < 0.2)


def _zero_keeps_most() -> list[Found]:
    zero = _at("rare_0_replace", "found", 10)
    return [
        between(zero - _at(f"rare_{digit}_replace", "found", 10), 0, np.inf, f"digit {digit}")
        for digit in (3, 5, 8)
    ]


def _zero_about_half() -> Found:
    three = mean(_at("rare_0_replace", "found", 10) - 0.5)
    return Found(*three, three[1] < 0 < three[2])


def _slope_stays() -> Found:
    slopes = [
        np.polyfit(
            (3, 4, 5), [np.log10(_at(f"memory_n{10**k}", "error", g).mean()) for k in (3, 4, 5)], 1
        )[0]
        for g in (0, 10)
    ]
    return Found(slopes[1], min(slopes), max(slopes), abs(slopes[1] - slopes[0]) < 0.02)


def _smoothers_help_at_first() -> list[Found]:
    none = _at("zipf_none", "lost", 0)
    smoothers = ("add_tenth", "add_one", "good_turing", "discount")
    return [between(none - _at(f"zipf_{name}", "lost", 0), 0, np.inf, name) for name in smoothers]


def _worse_than_the_even_guess() -> list[Found]:
    guess = tails.even_guess()
    return [
        between(_at(f"zipf_{name}", "lost", 50) - guess, 0, np.inf, name)
        for name in ("add_one", "good_turing")
    ]


def _counting_passes_it_later() -> Found:
    guess = tails.even_guess()
    early, late = (mean(_at("zipf_none", "lost", g) - guess) for g in (20, 50))
    other = mean(_at("zipf_add_one", "lost", 20) - guess)
    return Found(*late, early[2] < 0 < other[1] and late[1] > 0)


def _clever_rescues_lose() -> list[Found]:
    random = _at("rescue_random", "lost", 20)
    return [
        between(_at(f"rescue_{name}", "lost", 20) - random, 0, np.inf, name)
        for name in ("died", "rare", "common", "same")
    ]


def _lost_by(choose: tails.Choose, seed: int) -> float:
    """Nats a word lost by generation 20 with one way of rescuing; not a reported seed."""
    p = tails.zipf()
    real = np.random.default_rng([seed, 4]).choice(len(p), size=2000, p=p)
    run = loop.run_loop(
        models.Discrete(len(p)), real, policy=tails.Rescue(choose), generations=20,
        metrics={"lost": metrics.likelihood_lost(p)}, seed=seed,
    )  # fmt: skip
    return float(run.frame["value"].iloc[-1])


@cache
def _smaller_budget() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lost by a plain draw of 200, one of 100, and the rescue of the dead: ten texts each."""

    def hundred(real: np.ndarray, newest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return rng.choice(real, 100, replace=False)

    choices = (tails.at_random, hundred, tails.that_died)
    full, less, died = ([_lost_by(one, seed) for seed in range(200, 210)] for one in choices)
    return np.array(full), np.array(less), np.array(died)


def _nearly_as_much() -> Found:
    _, less, died = _smaller_budget()
    return between(died - less, -0.15, 0.15)


def _most_of_the_gap() -> Found:
    """What the number of words makes of the gap, less what is left of it."""
    full, less, died = _smaller_budget()
    return between((less - full) - (died - less), 0, 1)


def _places_used() -> list[Found]:
    """Words that two of the rescues bring back a generation, of the 200 that they may."""
    used: list[int] = []

    def counted(real: np.ndarray, newest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        used.append(len(chosen := tails.that_died(real, newest, rng)))
        return chosen

    for seed in (200, 201, 202):
        _lost_by(counted, seed)
    p = tails.zipf()
    rarer = [
        int((np.random.default_rng([s, 2000]).choice(len(p), 2000, p=p) >= len(p) // 2).sum())
        for s in tails.SEEDS
    ]
    fewer = float(np.mean(np.array(rarer) < 200))
    return [
        Found(float(np.mean(used)), min(used), max(used), 85 < np.mean(used) < 115, "dead"),
        Found(fewer, fewer, fewer, fewer > 0.8, "texts whose rarer half has fewer than 200"),
    ]


def _discount_stays_ahead() -> list[Found]:
    gap = values("tails", "zipf_none", "lost") - values("tails", "zipf_discount", "lost")
    return [between(gap[g], 0, np.inf, f"generation {g}") for g in gap]


def _tenth_falls_behind() -> list[Found]:
    """Nats that add-a-tenth loses more than plain counting: less up to 30, and more at 50."""
    gap = values("tails", "zipf_add_tenth", "lost") - values("tails", "zipf_none", "lost")
    ahead = [between(gap[g], -np.inf, 0, f"generation {g}") for g in gap if g <= 30]
    return [*ahead, between(gap[50], 0, np.inf, "generation 50")]


def _one_run_moves() -> list[Found]:
    """How far the share of single runs is from 1, middle of the recorded runs."""
    share = values("tails", "words_replace", "share_1")
    off = {g: float((share[g] - 1).abs().median()) for g in (10, 100)}
    return [
        Found(off[10], 0, 0, 0 < off[10] < 0.1, "generation 10"),
        Found(off[100], 0, 0, off[100] > 0.2, "generation 100"),
    ]


def _the_mean_walks() -> list[Found]:
    """Eights found at generation 10 when one part of the model is put back to generation 0.

    Runs that still hold the class, ten other seeds. The first mean picture brings the eights back,
    the first share does not.
    """
    found: dict[str, list[float]] = {"mean": [], "share": []}
    for seed in range(200, 210):
        real, test, _ = tails.cases(8, seed)
        eights = test[test[:, 0] == 8][:, 1:]
        history = loop.run_loop(
            models.ClassMeans(10), real, policy=policies.Replace(), generations=10, seed=seed
        )
        first, last = history.models[0], history.models[10]
        if last.shares_[8] == 0:
            continue
        for part in found:
            mixed = copy.deepcopy(last)
            if part == "mean":
                mixed.means_[8] = first.means_[8]
            else:
                mixed.shares_ = first.shares_
            found[part].append(float((mixed.predict(eights) == 8).mean()))
    return [
        between(np.array(found["mean"]), 0.5, 1, "first mean picture"),
        between(np.array(found["share"]), -0.2, 0.3, "first share"),
    ]


def _half_and_half() -> Found:
    """Nats a word by which a mixture of 100 and 100 words loses less than a plain draw of 200."""

    def half(real: np.ndarray, newest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        died = tails.that_died(real, newest, rng)[:100]
        return np.concatenate([died, rng.choice(real, 200 - len(died), replace=False)])

    less = [_lost_by(tails.at_random, seed) - _lost_by(half, seed) for seed in range(200, 210)]
    return between(np.array(less), 0, 0.2)


def _rare_names_die() -> Found:
    """In 20,000 rooms: the share in which at least four of the seven names are gone."""
    rng, seats = np.random.default_rng(0), np.tile([8, 4, 3, 2] + [1] * 7, (20_000, 1))
    for _ in range(8):
        seats = rng.multinomial(24, seats / 24)
    share = float(((seats[:, 4:] == 0).sum(axis=1) >= 4).mean())
    return Found(share, share, share, share > 0.95)


def _commonest_dies() -> float:
    """Chance that a name with 8 of 24 seats is gone after eight turns, from its exact chain."""
    seats = np.arange(25)
    turn = binom.pmf(seats, 24, seats[:, None] / 24)
    return float(np.linalg.matrix_power(turn, 8)[8, 0])


def _room_of_names() -> Found:
    """Names, of the seven that were there once, which the lesson's room has lost in the end."""
    people = np.repeat(np.arange(11), [8, 4, 3, 2] + [1] * 7)
    room = loop.run_loop(
        models.Discrete(11), people, policy=policies.Replace(), generations=8, seed=3
    )
    left = np.bincount(room.samples[7], minlength=11)
    once = left[4:]
    good = bool((once == 0).sum() >= 4 and once.max() > 1 and left[0] == 0)
    return Found(float((once == 0).sum()), 0, 0, good)


WORDS = "words used once, 40 seeds"
CLAIMS = [
    Claim("03", "Most are gone. Did one of them grow? And where is A, the commonest?",
          "the lesson's room, eight generations", _room_of_names),
    Claim("03", "in nearly every room at least four of them do", "20,000 rooms", _rare_names_die),
    Claim("03", "it happens in about one room in eight", "exact",
          exactly(_commonest_dies, 1 / 8.5, 1 / 7.5)),
    Claim("03", "Five in six are dead", f"alive, generation 10, {WORDS}",
          within(lambda: _at("words_replace", "alive_1", 10), 0.14, 0.19)),
    Claim("03", "and on average their share has not moved",
          f"over the first, generation 10, {WORDS}",
          within(lambda: _at("words_replace", "share_1", 10), 0.9, 1.1)),
    Claim("03", "alive times copies is 1", f"generations 1, 10, 50, {WORDS}", _copies_times_alive),
    Claim("03", "The rare go first, in every one of the recorded runs",
          "every recorded generation, three groups, 40 seeds", _rare_first),
    Claim("03", "a third more for ten, a sixth more for a hundred", "exact, 10, 20, 100 rounds",
          _copies_a_round),
    Claim("03", "So growth saves many", f"growth 1.1 against none, generation 20, {WORDS}",
          within(lambda: _at("words_grow", "alive_1", 20) - _at("words_replace", "alive_1", 20),
                 0.08, 1)),
    Claim("03", "lives on in some 37 of 100 cases", "exact, 5 copies, 20 generations",
          exactly(lambda: theory.copies_survival(5, 20), 0.36, 0.38)),
    Claim("03", "mostly 0, otherwise some 13", "exact, 5 copies, 20 generations",
          exactly(lambda: 5 / theory.copies_survival(5, 20), 13, 14)),
    Claim("03", "Five copies survive one generation in more than 99 of 100 cases", "exact",
          exactly(lambda: theory.copies_survival(5, 1), 0.99, 1)),
    Claim("03", "The text says that it is nearly complete while a third of the language is missing",
          "missing mass, generation 10, 40 seeds", _says_nearly_complete),
    Claim("03", "nearly half of the vocabulary is gone after ten generations",
          "words left, 40 seeds",
          within(lambda: _at("words_replace", "words", 10) / 3119, 0.5, 0.55)),
    Claim("03", "seven in ten of the words that the first text held go",
          "words left, generation 10 over 0, 40 seeds",
          within(lambda: _at("zipf_none", "support", 10) / _at("zipf_none", "support", 0),
                 0.27, 0.33)),
    Claim("03", "The rarer half keeps its share", "change by generation 10, 40 seeds",
          within(lambda: _at("zipf_none", "tail_mass", 10) - _at("zipf_none", "tail_mass", 0),
                 -0.015, 0.015)),
    Claim("03", "The entropy sees something",
          "lost by generation 10, over the first, 40 seeds",
          within(lambda: 1 - _at("zipf_none", "entropy", 10) / _at("zipf_none", "entropy", 0),
                 0.12, 0.18)),
    Claim("03", "and the entropy goes from",
          "Python's words: lost by generation 10, over the first, 40 seeds",
          within(lambda: 1 - _at("words_replace", "entropy", 10)
                 / _at("words_replace", "entropy", 0), 0, 0.04)),
    Claim("03", "In most runs present, on average at its right share, with the accuracy "
          "nearly where it was", "accuracy lost, digit 8, generation 10, 40 seeds",
          _right_share_and_accuracy),
    Claim("03", "and most of the cases are missed", "found, digit 8, generation 10, 40 seeds",
          within(lambda: _at("rare_8_replace", "found", 10), 0, 0.5)),
    Claim("03", "(accumulate), what is found falls little",
          "found, lost by generation 10, digit 8, 40 seeds",
          within(lambda: _at("rare_8_accumulate", "found", 0)
                 - _at("rare_8_accumulate", "found", 10), -0.01, 0.1)),
    Claim("03", "about one in eight of them is found", "runs that hold the class, generation 10",
          _found_where_present),
    Claim("03", "The zero keeps most", "found, the zero more than each other, generation 10",
          _zero_keeps_most),
    Claim("03", "forty runs do not tell whether that is more or less than half",
          "found less half, digit 0, generation 10, 40 seeds", _zero_about_half),
    Claim("03", "their ten real rows alone would miss more than four times as much",
          "ten real rows, exact, over the mix, 40 seeds",
          within(lambda: theory.memory_error(tails.memory_law(), 10) / _at("clean_1", "error", 3),
                 4, 5)),
    Claim("03", "The line moves, and its slope stays", "generations 0 and 10, 40 seeds",
          _slope_stays),
    Claim("03", "At that size the other rows added next to nothing", "ratio of errors, 40 seeds",
          within(lambda: _at("clean_1", "error", 6) / _at("clean_100", "error", 4), 0.95, 1.05)),
    Claim("03", "After one fit every blind smoother beats plain counting", "nats, paired, 40 seeds",
          _smoothers_help_at_first),
    Claim("03", "Backing off to the text that was just counted changes nothing yet",
          "largest change in nats, generation 0, 40 seeds",
          exactly(lambda: float((_at("zipf_back_off", "lost", 0) - _at("zipf_none", "lost", 0))
                                .abs().max()), 0, 1e-5)),
    Claim("03", "add one is the better of the two again", "none minus add one, generation 50",
          within(lambda: _at("zipf_none", "lost", 50) - _at("zipf_add_one", "lost", 50), 0.2, 1)),
    Claim("03", "worse than never having read a word", "nats above the even guess, generation 50",
          _worse_than_the_even_guess),
    Claim("03", "Plain counting passes the even guess as well, but later",
          "generations 20 and 50",
          _counting_passes_it_later),
    Claim("03", "it stays ahead of plain counting for all fifty generations",
          "nats less than none, every recorded generation", _discount_stays_ahead),
    Claim("03", "It is ahead up to generation 30, and behind at 50",
          "add a tenth against none, every recorded generation", _tenth_falls_behind),
    Claim("03", "a little after ten generations, and much after a hundred",
          f"distance of the share from 1, middle run, {WORDS}", _one_run_moves),
    Claim("03", "and it walks away, as the centre of the bell did in lesson 02",
          "found at generation 10, a part of the model put back, ten other seeds",
          _the_mean_walks),
    Claim("03", "Two choices use less than they may", "three other texts; 40 seeds", _places_used),
    Claim("03", "loses nearly as much as the rescue of the dead",
          "nats that the dead lose more, ten other texts, generation 20", _nearly_as_much),
    Claim("03", "most of that gap is the number of words", "the same", _most_of_the_gap),
    Claim("03", "of their share, and after ten",
          "below half of their share: generation 10 over 100, 40 seeds",
          within(lambda: _at("words_accumulate", "below_1", 10)
                 / _at("words_accumulate", "below_1", 100), 0.85, 1)),
    Claim("03", "The one flat line backs off to a count of the real text",
          "nats lost from generation 10 to 50, 40 seeds",
          within(lambda: _at("zipf_back_off", "lost", 50) - _at("zipf_back_off", "lost", 10),
                 -0.06, 0.06)),
    Claim("03", "helped more than any of four other choices from the same text",
          "nats lost more than by a random draw, generation 20, 40 seeds", _clever_rescues_lose),
    Claim("03", "this beats the plain draw, by a little",
          "nats lost less, half died, half at random; ten texts, generation 20", _half_and_half),
    Claim("03", "In this figure only new real words do better", "the same",
          within(lambda: _at("rescue_new", "lost", 20) - _at("rescue_random", "lost", 20), -1, 0)),
]  # fmt: skip
