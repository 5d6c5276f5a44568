"""What lesson 05 says in words: see claims.py. Its recorded GPTs have 400 steps a fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from claims import Claim, Found, between, mean, recorded, values

from helpers.studies import smol_stories, stories

PLAIN = ("gpt", "replace")  # temperature 1
ROUNDS, SAMPLED = range(1, 9), range(1, 6)  # generations after 0: of `gpt`, and of the others
MIDDLE = ("q25", "q50", "q75")
STEPS = (100, 200, 300, 400, 600, 800, 1200)


def _under(sampler: str, policy: str = "replace") -> tuple[str, str]:
    """Where the runs with a sampler are recorded: the study and the arm."""
    return PLAIN if not sampler else ("gpt_sampler", f"{sampler}_{policy}")


def _since_0(run: tuple[str, str], metric: str, at: Iterable[int]) -> list[tuple[str, pd.Series]]:
    """What each generation has more than generation 0 of the same run."""
    table = values(*run, metric)
    return [(f"{metric}, generation {g}", table[g] - table[0]) for g in at]


def _steps_of(run: tuple[str, str], metric: str) -> list[tuple[str, pd.Series]]:
    """What each generation has more than the one before it."""
    table = values(*run, metric)
    return [(f"{metric}, generation {g}", table[g] - table[g - 1]) for g in table if g]


def _less(
    first: tuple[str, str], second: tuple[str, str], metric: str, at: Iterable[int]
) -> list[tuple[str, pd.Series]]:
    """The first run minus the second, of the same seed."""
    gap = values(*first, metric) - values(*second, metric)
    return [(f"{first[1]} - {second[1]}, {metric}, generation {g}", gap[g]) for g in at]


def rises(rows: Callable[[], list[tuple[str, pd.Series]]]) -> Callable[[], list[Found]]:
    """Every row has its whole interval above 0."""
    return lambda: [between(row, 0, np.inf, of) for of, row in rows()]


def falls(rows: Callable[[], list[tuple[str, pd.Series]]]) -> Callable[[], list[Found]]:
    """Every row has its whole interval below 0."""
    return lambda: [between(row, -np.inf, 0, of) for of, row in rows()]


def _lost_first(study: str, arm: str) -> list[tuple[str, pd.Series]]:
    """The share lost of rare recall minus the share lost of the recall of the best known."""
    rare, known = (values(study, arm, f"recall_{part}") for part in ("tail", "head"))
    gap = known.div(known[0], axis=0) - rare.div(rare[0], axis=0)
    return [(f"generation {g}", gap[g]) for g in gap if g]


def _rarer_loses_more() -> list[tuple[str, pd.Series]]:
    """Of the share of recall lost: the 50 rarest beyond the next 30, and these beyond the 20."""
    recall = {part: values(*PLAIN, f"recall_{part}") for part in ("tail", "mid", "head")}
    kept = {part: table.div(table[0], axis=0) for part, table in recall.items()}
    pairs = (("tail", "mid"), ("mid", "head"))
    return [(f"{rare} - {known}, generation {g}", kept[known][g] - kept[rare][g])
            for rare, known in pairs for g in ROUNDS]  # fmt: skip


def _ratio(study: str, arm: str, metric: str, at: int, low: float, high: float) -> Found:
    """How many times the value of generation 0, seed by seed."""
    table = values(study, arm, metric)
    return between(table[at] / table[0], low, high, f"generation {at}")


def _real_only(metric: str) -> pd.DataFrame:
    """Fits to real rows alone: seeds as rows, training steps as columns."""
    return pd.DataFrame({n: values("gpt_steps", f"real_{n}", metric)[0] for n in STEPS})


def _lowest_at_400() -> list[Found]:
    """Alike at 300 steps, higher at all others."""
    excess = _real_only("excess")
    far = [n for n in STEPS if n not in (300, 400)]
    return [
        between(excess[300] - excess[400], -0.01, 0.01, "300 steps"),
        *(between(excess[n] - excess[400], 0, np.inf, f"{n} steps") for n in far),
    ]


def _too_many_keep_rare_facts() -> list[Found]:
    rare = _real_only("recall_tail")
    return [between(rare[n] - rare[400], -0.02, np.inf, f"{n} steps") for n in STEPS if n > 400]


def _too_few_lack_rare_facts() -> list[Found]:
    rare = _real_only("recall_tail")
    return [between(rare[400] - rare[n], 0, np.inf, f"{n} steps") for n in STEPS if n < 400]


def _every_run(table: pd.DataFrame | pd.Series, low: float, high: float, of: str = "") -> Found:
    """All runs, not their mean: from the lowest to the highest."""
    numbers = np.asarray(table, dtype=float).ravel()
    ends = float(numbers.min()), float(numbers.max())
    return Found(float(numbers.mean()), *ends, low < ends[0] and ends[1] < high, of)


def _pages() -> list[Found]:
    """B less A at generation 3, of the runs of seed 0 that wrote the two pages."""
    rows = []
    for metric, sign in (("excess", 1), ("fact_accuracy", 1), ("names_alive", -1),
                         ("recall_mid", -1), ("recall_tail", -1)):  # fmt: skip
        a, b = (float(values(*_under(s), metric)[3][0]) for s in ("", "t08"))
        rows.append(Found(b - a, b - a, b - a, sign * (b - a) > 0, metric))
    return rows


def _pages_in_every_run() -> list[Found]:
    """The same order of A and B in each of the recorded runs."""
    rows = []
    for metric, sign in (("excess", 1), ("recall_tail", -1)):
        gap = values(*_under("t08"), metric)[3] - values(*PLAIN, metric)[3]
        rows.append(_every_run(sign * gap, 0, np.inf, metric))
    return rows


def _of_quantiles(run: tuple[str, str], quantiles: Iterable[str], at: Iterable[int]
                  ) -> list[tuple[str, pd.Series]]:  # fmt: skip
    """What quantiles of the surprise have more than at generation 0."""
    return [row for q in quantiles for row in _since_0(run, f"surprise_{q}", at)]


def _dark_bar() -> list[tuple[str, pd.Series]]:
    """Both ends of the middle half, and what the far end moves more than it; first five."""
    ends = [_steps_of(PLAIN, f"surprise_{q}")[:5] for q in ("q25", "q75")]
    upper, far = (values(*PLAIN, f"surprise_{q}") for q in ("q75", "q99"))
    more = [(f"q99 - q75, generation {g}", (far - upper)[g] - (far - upper)[0]) for g in SAMPLED]
    return [*ends[0], *ends[1], *more]


def _beam_stays() -> list[Found]:
    """Below plain sampling at generation 0; then no end of it moves by as much as .03 nats."""
    beam = _under("beam5")
    gap = [values(*beam, f"surprise_{q}")[0] - values(*PLAIN, f"surprise_{q}")[0] for q in MIDDLE]
    still = _of_quantiles(beam, ("q01", *MIDDLE, "q99"), SAMPLED)
    return [
        *(between(row, -np.inf, 0, "generation 0") for row in gap),
        *(between(row, -0.03, 0.03, of) for of, row in still),
    ]


def _over_guessing(sampler: str) -> Callable[[], Found]:
    """Excess at generation 5 over that of an even guess among all words."""
    even = np.log(len(stories.WORLD.words)) - stories.WORLD.entropy_rate
    return lambda: between(values(*_under(sampler), "excess")[5] - even, 0, np.inf)


def _beam_keeps_most() -> list[Found]:
    others = [_under(s) for s in ("", *stories.SAMPLERS) if s != "beam5"]
    rows = [_less(_under("beam5"), other, "recall_tail", (5,))[0] for other in others]
    return [between(row, 0, np.inf, of) for of, row in rows]


def _search_beyond_prompts() -> list[Found]:
    """The rule of gpt_sampler: the whole interval above .05, over both controls."""
    rows = [_less(_under("beam5"), _under(c), "recall_tail", (5,))[0] for c in stories.CONTROLS]
    return [between(row, 0.05, np.inf, of) for of, row in rows]


def _prompts_keep() -> list[Found]:
    """Of what cooling loses of rare recall, the prompts keep over a half."""
    start, bare, prompted = (values(*_under(s), "recall_tail") for s in ("t08", "t08", "t08prompt"))
    return [between((prompted[5] - bare[5]) / (start[0] - bare[5]), 0.5, 1)]


def _plain_prompts() -> Found:
    """What real names add to rare recall at temperature 1, generation 5: zero is possible."""
    row = _less(_under("t10prompt"), PLAIN, "recall_tail", (5,))[0][1]
    three = mean(row)
    return Found(*three, three[1] < 0 < three[2])


def _faster_from_2() -> list[tuple[str, pd.Series]]:
    """Excess of the hot and the cold, beyond that of temperature 1."""
    return [
        row for s in ("t12", "t08", "t05") for row in _less(_under(s), PLAIN, "excess", range(2, 6))
    ]


def _base_top_p() -> list[Found]:
    """Rare recall down to generation 2 and up to 5, while the excess rises at each step."""
    run = ("gpt_fine_tuned", "p09_replace")
    rare = values(*run, "recall_tail")
    return [
        between(rare[2] - rare[0], -np.inf, 0, "recall_tail, 0 to 2"),
        between(rare[5] - rare[2], 0, np.inf, "recall_tail, 2 to 5"),
        *(between(row, 0, np.inf, of) for of, row in _steps_of(run, "excess")),
    ]


def _ours_falls_too() -> list[Found]:
    """Accumulate with steps that grow: below its own start in each later generation."""
    runs = ("gpt_budget", "accumulate_epochs"), ("gpt_steps", "t08_accumulate_epochs")
    return [
        between(row, -np.inf, 0, f"{run[1]}, {of}")
        for run in runs
        for of, row in _since_0(run, "excess", values(*run, "excess").columns[1:])
    ]


def _base_protects() -> list[Found]:
    """The rise from a base, over that from scratch."""
    base, scratch = (values(study, "replace", "excess") for study in ("gpt_fine_tuned", "gpt"))
    return [
        *(between((base[g] - base[0]) - (scratch[g] - scratch[0]), -np.inf, 0, f"generation {g}")
          for g in SAMPLED),
        between((base[5] - base[0]) / (scratch[5] - scratch[0]), 0, 1 / 3, "share, generation 5"),
    ]  # fmt: skip


GPT, SAMPLER, TUNED = (recorded(name) for name in ("gpt", "gpt_sampler", "gpt_fine_tuned"))
REAL = f"real rows only, {recorded('gpt_steps')}"
SMOL = "smol_stories: three seeds, three generations, 32 blocks of 64 tokens, 16 LoRA steps a fit"


def _to_the_left() -> list[Found]:
    """The change of surprise from generation 0 to 3, below zero in each seed; with each sampler."""
    found = []
    for sampler in smol_stories.SAMPLERS:
        surprise = values("smol_stories", f"{sampler}_replace", "surprise")
        change = surprise[3] - surprise[0]
        found.append(Found(*mean(change), bool((change < 0).all()), sampler))
    return found


def _holds_zero() -> list[Found]:
    """The intervals of temperature 1 and of beam search do, that of top-k does not."""
    return [
        replace(row, holds=row.holds and (row.low < 0 < row.high) == (row.of != "k50"))
        for row in _to_the_left()
    ]


CLAIMS = [
    Claim("05", "it is the sicker one", SAMPLER, _pages),
    Claim("05", "Asked about the others, it knows less than A", SAMPLER, _pages_in_every_run),
    Claim("05", "The excess is lowest at 300 and 400 steps", REAL, _lowest_at_400),
    Claim("05", "But rare recall stays high", REAL, _too_many_keep_rare_facts),
    Claim("05", "Too few steps look like forgetting. Too many do not", REAL,
          _too_few_lack_rare_facts),
    Claim("05", "More variety, and more nonsense", GPT,
          rises(lambda: [*_since_0(PLAIN, "distinct_3", ROUNDS),
                         *_since_0(PLAIN, "mistakes", ROUNDS)])),
    Claim("05", "becomes better in every generation", GPT,
          rises(lambda: _steps_of(PLAIN, "distinct_3"))),
    Claim("05", "The rare ones: their recall falls", GPT, rises(lambda: _lost_first(*PLAIN))),
    Claim("05", "More of the rare facts go in every generation", GPT,
          falls(lambda: _steps_of(PLAIN, "recall_tail"))),
    Claim("05", "The best known people lose a little from the first generation on, too", GPT,
          falls(lambda: _since_0(PLAIN, "recall_head", ROUNDS))),
    Claim("05", "the rarer the people, the more is lost", GPT, rises(_rarer_loses_more)),
    Claim("05", "a quarter more different 3-grams after five generations", GPT,
          lambda: _ratio(*PLAIN, "distinct_3", 5, 1.15, 1.35)),
    Claim("05", "the facts that the cooled model states get better", SAMPLER,
          rises(lambda: _since_0(_under("t08"), "fact_accuracy", (5,)))),
    Claim("05", "After five generations more of the facts in the generated text are right than at "
          "the start", SAMPLER, rises(lambda: _since_0(_under("t08"), "fact_accuracy", (5,)))),
    Claim("05", "this one reads better than its first model", SAMPLER,
          falls(lambda: _since_0(_under("t08"), "mistakes", (5,)))),
    Claim("05", "more than three times that of $T = 1$", SAMPLER,
          lambda: between(values(*_under("t08"), "excess")[5] / values(*PLAIN, "excess")[5], 3, 4)),
    Claim("05", "From the second generation on, both do it faster", SAMPLER, rises(_faster_from_2)),
    Claim("05", "the excess ends far above that of blind guessing", SAMPLER, _over_guessing("t05")),
    Claim("05", "The dark bar moves to the improbable in every generation, and the right end moves "
          "most", GPT, rises(_dark_bar)),
    Claim("05", "$T = 0.8$ gives the left half, in the end", SAMPLER,
          falls(lambda: _of_quantiles(_under("t08"), ("q01", *MIDDLE, "q99"), (5,)))),
    Claim("05", "its right end first moves out", SAMPLER,
          rises(lambda: _of_quantiles(_under("t08"), ("q99",), (1, 2)))),
    Claim("05", "Then it does not move", SAMPLER, _beam_stays),
    Claim("05", "worse than blind guessing", SAMPLER, _over_guessing("beam5")),
    Claim("05", "is the best of all samplers", SAMPLER, _beam_keeps_most),
    Claim("05", "So real names keep much of what cooling would lose", SAMPLER, _prompts_keep),
    Claim("05", "the interval of their gain holds zero", SAMPLER, _plain_prompts),
    Claim("05", "And the search keeps more than the names do", SAMPLER, _search_beyond_prompts),
    Claim("05", "replace rises, and cooling makes it far worse", SAMPLER,
          rises(lambda: [*_since_0(PLAIN, "excess", ROUNDS),
                         *_less(_under("t08"), PLAIN, "excess", SAMPLED)])),
    Claim("05", "ours rises a little", GPT, lambda: [
        between(row, 0, 0.1, of) for of, row in [
            *_since_0(("gpt", "accumulate"), "excess", ROUNDS),
            *_since_0(_under("t08", "accumulate"), "excess", SAMPLED)]]),
    Claim("05", "the excess has risen by less than a third as much", TUNED, _base_protects),
    Claim("05", "Lesson 06 lets the steps grow, and then ours falls, too",
          recorded("gpt_budget"), _ours_falls_too),
    Claim("05", "even rare recall can mislead", TUNED, _base_top_p),
    Claim("05", "The base does not stop the loss", TUNED,
          falls(lambda: _since_0(("gpt_fine_tuned", "replace"), "recall_tail", SAMPLED))),
    Claim("05", "So variety may rise, or truth may rise", SAMPLER,
          rises(lambda: [*_since_0(PLAIN, "distinct_3", ROUNDS),
                         *_since_0(_under("t08"), "fact_accuracy", (5,))])),
    Claim("05", "Collapse need not be gibberish", SAMPLER,
          rises(lambda: _since_0(_under("t08"), "excess", SAMPLED))),
    Claim("05", "All three move to the left in each of the three seeds", SMOL, _to_the_left),
    Claim("05", "the intervals of $T = 1$ and of beam search hold zero", SMOL, _holds_zero),
]  # fmt: skip
