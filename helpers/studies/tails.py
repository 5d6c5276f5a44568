"""Rare things under the loop: words, smoothers, rescues, a rare class, a learner by heart.

Generation g is fitted to the text that g rounds have left; generation 0 is fitted to real text.

Arms, each metric over the generations:
- `words_replace`, `words_grow`, `words_accumulate`: the words of Python's documentation (`words`).
  grow: every round the text is a tenth longer. By copies in the real text (1; 2 to 5; 100 and
  more): `alive_1`, `alive_2_5`, `alive_100`, share of these words that are left; for the words used
  once also `share_1`, their share of the text over what it was, `copies_1`, copies of a living one,
  and how far the single shares have spread: `spread_1` (sd of share over first share), `below_1`
  (under half of it), `above_1` (over twice). `entropy` in nats, `words` that are left.
- `zipf_NAME`: 1,000 words, p proportional to 1/rank, 2,000 words a round, six ways of fitting:
  none, add_tenth, add_one, good_turing, discount, back_off. `lost`: nats a word lost on real text
  (a floor of 2 per cent in scoring); `tail_mass` of the rarer half. Of `zipf_none` alone: `said`,
  the share of the text in words that stand in it once (Good and Turing's missing mass), `missing`,
  the true one, `entropy`, `support`.
- `rescue_NAME`: zipf_none, but 200 of the 2,000 words of each round are real: taken at `random`
  from the real text, `new` (newly collected), one copy of words that `died`, of the `rare` half,
  one copy each of the 200 `common`est, the `same` 200 each time. `lost`, `tail_mass`.
- `rare_D_replace`, `rare_D_accumulate`: digits of 8 x 8 pixels as cases, ten of 1,000 are the digit
  D, each other digit has 110. The generator is `ClassMeans`; a classifier fitted to the same rows
  is tried on the pictures left, weighted so that D is 1 per cent there, too. `found`: share of D
  that it finds, `accuracy` on all, `present`: D is in the text (0 or 1), `share` of D.
- `memory_nN`: a learner by heart, outcomes p proportional to rank^-1.5, N rows a round: `error`,
  the share of real text that it has not seen. `clean_S`: N = 10**generation rows of which S per
  cent are from p, the others from p cut behind rank 100; one fit.

Rules, written before the reported seeds were run. Intervals are 95 per cent t intervals over seeds,
differences are paired. The generations that a rule speaks of stand in it; it speaks of no other.
1. tails first: alive_1 < alive_2_5 < alive_100 at generation 5 of words_replace. Reproduced in 95
   per cent of seeds or more, partly in half or more, else contradicted.
2. share unchanged: the interval of share_1 at generation 10 holds 1 and is within .9 to 1.1:
   reproduced; wholly below 1: contradicted; else undecided.
3. law of copies: mean alive_1 of words_replace within .01 of theory at generations 1, 5, 10, 20 and
   50, of words_grow at 1, 5, 10, 20: reproduced.
4. the blind dial: mean of said minus missing within .02 at generation 0, and said below missing in
   every seed at 10 and at 50: reproduced.
5. hidden by accuracy: for digit D, replace, generation 10, the interval of (found lost) - 5
   (accuracy lost), in points, is above 0. Reproduced when all four are, partly when some are.
6. smoothing poisons: a smoother whose interval of lost minus none's is below 0 at generation 0, and
   whose interval of lost at 50 is above that of the even guess, `even_guess`.
7. random best: the interval of lost of died, rare, common and same, minus random's, is above 0 at
   generation 20, each: reproduced; some: partly. `new` is no rescue from the same text: reported.
8. cost of rounds: error of memory_nN at generation 10 within 10 per cent of `theory.memory_error`,
   each N: reproduced. The bend: clean_1 loses under a tenth of its error from 10^4 to 10^5 rows,
   and over a quarter from 10^5 to 10^6.
Eighteen intervals decide: one may miss its true value by chance.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import zeta

from helpers import metrics, theory
from helpers._arguments import generator, one_of, positive_int, real_number
from helpers._ground import write_whole
from helpers.data import Data, concat, corpora, digits, draw
from helpers.loop import run_loop
from helpers.models import AddCount, BackOff, ClassMeans, Discount, Discrete, GoodTuring
from helpers.policies import Accumulate, Named, Replace
from helpers.studies import RESULTS, _spread
from helpers.studies.paired import interval, over_seeds

SEEDS = range(40)
SETTINGS: dict[str, Any] = {
    "words": {"kept": [0, 1, 2, 5, 10, 20, 50, 100], "growth": 1.1, "grow_kept": [0, 1, 5, 10, 20]},
    "zipf": {"outcomes": 1000, "n": 2000, "kept": [0, 1, 2, 5, 10, 20, 30, 50], "rescued": 200},
    "rare": {"digits": [0, 3, 5, 8], "n": 1000, "rare": 10, "kept": [0, 1, 2, 5, 10, 20]},
    "memory": {"slope": 1.5, "sizes": [1000, 10_000, 100_000], "kept": [0, 1, 2, 5, 10],
               "cut": 100, "powers": [3, 4, 5, 6], "clean": [0, 1, 100]},
}  # fmt: skip
WORDS = "tails-words.json"
REPLACE, ACCUMULATE = Replace().name, Accumulate().name
GROUPS = {"1": (1, 1), "2_5": (2, 5), "100": (100, 10**9)}


@lru_cache(maxsize=1)
def words() -> tuple[np.ndarray, np.ndarray]:
    """The different words of Python 3.11's documentation, and copies of each, two arrays (k,).

    Commonest first; words are letters only. Recorded, since other Pythons have another text.
    """
    counts = json.loads((RESULTS / WORDS).read_text("utf-8"))
    return np.array(list(counts)), np.array(list(counts.values()))


def record_words() -> None:
    """Count the words of this Python's documentation again."""
    counts = Counter(word for word in corpora.words(corpora.documentation()) if word.isalpha())
    table = dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    write_whole(RESULTS / WORDS, json.dumps(table, indent=0) + "\n")


def copies(
    counts: np.ndarray,
    rounds: int,
    rng: np.random.Generator,
    growth: float = 1.0,
    policy: str = "replace",
) -> np.ndarray:
    """Copies of each word round by round: what the next generation trains on, (rounds + 1, k).

    Not through the loop: of a text that is counted, only the counts matter, and they are
    multinomial. A test compares it with `run_loop`. counts: copies in the real text, (k,); growth:
    factor by which the text that is written grows each round; policy: "replace" or "accumulate".
    """
    kept = np.asarray(counts)
    if kept.ndim != 1 or not np.issubdtype(kept.dtype, np.integer) or kept.sum() < 1:
        raise ValueError("counts must be whole numbers, a word each, and not all 0")
    if kept.min() < 0:
        raise ValueError(f"counts must be at least 0, got {kept.min()}")
    positive_int("rounds", rounds, minimum=0)
    generator("rng", rng)
    real_number("growth", growth, low=0, open_low=True)
    one_of("policy", policy, (REPLACE, ACCUMULATE))
    found = [kept]
    for g in range(1, rounds + 1):
        size = max(1, round(int(kept.sum()) * growth**g))
        written = rng.multinomial(size, found[-1] / found[-1].sum())
        found.append(found[-1] + written if policy == ACCUMULATE else written)
    return np.array(found)


def zipf() -> np.ndarray:
    """1,000 probabilities proportional to 1/rank."""
    p = 1 / np.arange(1, SETTINGS["zipf"]["outcomes"] + 1)
    return p / p.sum()


def even_guess() -> float:
    """Nats a word that the even guess loses on the text of `zipf`."""
    p = zipf()
    return float(np.log(len(p)) + (p * np.log(p)).sum())


# --- rescues: which real words come back -------------------------------------------------------

Choose = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Rescue(Named):
    """Each round some words of the newest text give way to real ones, so that its length stays.

    choose(real, newest, rng) returns the real words, at most `most` of them.
    """

    choose: Choose
    most: int = 200

    def training_set(self, real: Data, synthetic: Any, rng: np.random.Generator) -> Data:
        """The chosen words, then as much of the newest text; ValueError when more are chosen."""
        chosen = np.asarray(self.choose(np.asarray(real), np.asarray(synthetic[-1]), rng))
        if len(chosen) > self.most:
            raise ValueError(f"choose must return at most {self.most} words, got {len(chosen)}")
        rest = len(synthetic[-1]) - len(chosen)
        return concat([chosen.astype(np.int64), draw(synthetic[-1], rest, rng)])


def at_random(real: np.ndarray, newest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """200 words of the real text, drawn like tickets."""
    return rng.choice(real, SETTINGS["zipf"]["rescued"], replace=False)


def newly_collected(real: np.ndarray, newest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """200 new words of the same source."""
    return rng.choice(len(zipf()), SETTINGS["zipf"]["rescued"], p=zipf())


def that_died(real: np.ndarray, newest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One copy of each real word that the newest text has lost, at most 200."""
    dead = np.setdiff1d(real, newest)
    return rng.permutation(dead)[: SETTINGS["zipf"]["rescued"]]


def of_the_rare_half(real: np.ndarray, newest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At most 200 words of the real text, drawn from the rarer half of the vocabulary."""
    rare = real[real >= len(zipf()) // 2]
    return rng.permutation(rare)[: SETTINGS["zipf"]["rescued"]]


def commonest(real: np.ndarray, newest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One copy of each of the 200 commonest words."""
    order = np.argsort(-np.bincount(real, minlength=len(zipf())), kind="stable")
    return order[: SETTINGS["zipf"]["rescued"]]


def the_same(real: np.ndarray, newest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The first 200 words of the real text, every time."""
    return real[: SETTINGS["zipf"]["rescued"]]


RESCUES: dict[str, Choose] = {
    "random": at_random, "new": newly_collected, "died": that_died,
    "rare": of_the_rare_half, "common": commonest, "same": the_same,
}  # fmt: skip


# --- the arms ----------------------------------------------------------------------------------


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms for one seed: columns arm, generation, metric, value."""
    frames = [_words(seed, scale), _zipf(seed, scale), _rare(seed, scale), _memory(seed, scale)]
    return pd.concat(frames, ignore_index=True)[["arm", "generation", "metric", "value"]]


def _words(seed: int, scale: str) -> pd.DataFrame:
    _, real = words()
    growth = SETTINGS["words"]["growth"]
    rows = []
    for arm, rate in ((REPLACE, 1.0), ("grow", growth), (ACCUMULATE, 1.0)):
        kept = _until(SETTINGS["words"]["grow_kept" if arm == "grow" else "kept"], scale)
        rng = np.random.default_rng([seed, 3, len(arm)])
        policy = ACCUMULATE if arm == ACCUMULATE else REPLACE
        every = copies(real, kept[-1], rng, rate, policy)
        for g in kept:
            found = _judged(every[g], real)
            if arm == "grow":
                found = {"alive_1": found["alive_1"]}
            rows += [(f"words_{arm}", g, metric, value) for metric, value in found.items()]
    return pd.DataFrame(rows, columns=["arm", "generation", "metric", "value"])


def _judged(counts: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """The metrics of the words arms for one text."""
    found = {}
    for name, (low, high) in GROUPS.items():
        found[f"alive_{name}"] = (counts[(real >= low) & (real <= high)] > 0).mean()
    once = counts[real == 1]
    shares = once / counts.sum() * real.sum()  # of each word, over its first
    p = counts[counts > 0] / counts.sum()
    return found | {
        "share_1": shares.mean(),
        "copies_1": once[once > 0].mean(),
        "spread_1": shares.std(),
        "below_1": (shares < 0.5).mean(),
        "above_1": (shares > 2).mean(),
        "entropy": float(-(p * np.log(p)).sum()),
        "words": float(len(p)),
    }


def _zipf(seed: int, scale: str) -> pd.DataFrame:
    settings, p = SETTINGS["zipf"], zipf()
    k, n = settings["outcomes"], settings["n"]
    real = np.random.default_rng([seed, n]).choice(k, size=n, p=p)
    models = {
        "none": Discrete(k),
        "add_tenth": AddCount(k, 0.1),
        "add_one": AddCount(k, 1.0),
        "good_turing": GoodTuring(k),
        "discount": Discount(k, 0.5),
        "back_off": BackOff(k, np.bincount(real, minlength=k) / n, 0.1),
    }
    yardsticks: dict[str, metrics.Metric] = {
        "lost": metrics.likelihood_lost(p),
        "tail_mass": metrics.tail_mass(np.arange(k // 2, k)),
    }
    more = {
        "said": lambda model, produced: (np.rint(model.probabilities_ * n) == 1).sum() / n,
        "missing": metrics.missing_mass(p),
        "entropy": metrics.entropy,
        "support": metrics.support_size,
    }
    kept = _until(settings["kept"], scale)
    frames = []
    for name, model in models.items():
        chosen = yardsticks | more if name == "none" else yardsticks
        history = run_loop(
            model, real, policy=Replace(), generations=kept[-1], metrics=chosen, seed=seed
        )
        frames.append(_spread.thin(history.frame, kept).assign(arm=f"zipf_{name}"))
    last = 20 if scale == "full" else 2
    for name, choose in RESCUES.items():
        history = run_loop(
            Discrete(k), real, policy=Rescue(choose, settings["rescued"]), generations=last,
            metrics=yardsticks, seed=seed,
        )  # fmt: skip
        frames.append(_spread.thin(history.frame, [last]).assign(arm=f"rescue_{name}"))
    return pd.concat(frames)


def cases(rare: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Real rows for `ClassMeans` (1000, 65), pictures to try it on (m, 65), their weights (m,).

    Ten of the rows are the digit `rare`; in the weights it has one part in a hundred.
    """
    settings = SETTINGS["rare"]
    whole = digits.small_digits(1796, 1, seed=seed)
    rows = np.column_stack([whole.train_labels, whole.train.reshape(-1, 64)])
    others = (settings["n"] - settings["rare"]) // 9
    place = pd.Series(whole.train_labels).groupby(whole.train_labels).cumcount().to_numpy()
    first = place < np.where(whole.train_labels == rare, settings["rare"], others)
    test = rows[~first]
    is_rare = test[:, 0] == rare
    part = settings["rare"] / settings["n"]
    weights = np.where(is_rare, part / is_rare.sum(), (1 - part) / (~is_rare).sum())
    return rows[first], test, weights


def rare_metrics(rare: int, test: np.ndarray, weights: np.ndarray) -> dict[str, metrics.Metric]:
    """The yardsticks of the rare-class arms: found, accuracy, present, share."""

    def right(model: Any) -> np.ndarray:
        return np.asarray(model.predict(test[:, 1:]) == test[:, 0])

    is_rare = test[:, 0] == rare
    return {
        "found": lambda model, produced: float(right(model)[is_rare].mean()),
        "accuracy": lambda model, produced: float(weights @ right(model)),
        "present": lambda model, produced: float(model.shares_[rare] > 0),
        "share": lambda model, produced: float(model.shares_[rare]),
    }


def _rare(seed: int, scale: str) -> pd.DataFrame:
    kept = _until(SETTINGS["rare"]["kept"], scale)
    frames = []
    for rare in SETTINGS["rare"]["digits"]:
        real, test, weights = cases(rare, seed)
        for policy in (Replace(), Accumulate()):
            history = run_loop(
                ClassMeans(10), real, policy=policy, generations=kept[-1],
                metrics=rare_metrics(rare, test, weights), seed=seed,
            )  # fmt: skip
            arm = f"rare_{rare}_{policy.name}"
            frames.append(_spread.thin(history.frame, kept).assign(arm=arm))
    return pd.concat(frames)


def _memory(seed: int, scale: str) -> pd.DataFrame:
    settings = SETTINGS["memory"]
    slope, kept = settings["slope"], _until(settings["kept"], scale)

    def error(seen: np.ndarray) -> float:
        return float(1 - (np.unique(seen).astype(float) ** -slope).sum() / zeta(slope))

    rows = []
    for n in settings["sizes"]:
        rng = np.random.default_rng([seed, n])
        text = rng.zipf(slope, n)
        for g in range(kept[-1] + 1):
            if g in kept:
                rows.append((f"memory_n{n}", g, "error", error(text)))
            text = rng.choice(text, n)
    cut = np.arange(1, settings["cut"] + 1)
    p = cut**-slope / (cut**-slope).sum()
    for clean in settings["clean"]:
        for power in settings["powers"]:
            rng = np.random.default_rng([seed, clean, power])
            n_clean = round(10**power * clean / 100)
            others = rng.choice(cut, 10**power - n_clean, p=p)
            seen = np.concatenate([rng.zipf(slope, n_clean), others])
            rows.append((f"clean_{clean}", power, "error", error(seen)))
    return pd.DataFrame(rows, columns=["arm", "generation", "metric", "value"])


def _until(kept: list[int], scale: str) -> list[int]:
    return kept if scale == "full" else [g for g in kept if g <= 5]


# --- what it says ------------------------------------------------------------------------------


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means with 95 % intervals (ARM_METRIC_gG, _low, _high), and the verdict of each rule.

    Verdicts: 1 reproduced, .5 partly or undecided, 0 not. A rehearsal has too few generations for
    verdicts, and gets none.
    """
    result: dict[str, float] = {}
    for (arm, metric, g), group in frame.groupby(["arm", "metric", "generation"]):
        result |= interval(f"{arm}_{metric}_g{g}", group["value"].to_numpy())
    result["even_guess"] = even_guess()
    return result | verdicts(frame) if (frame["generation"] == 100).any() else result


Values = Callable[[str, str, int], np.ndarray]  # arm, metric, generation: one value a seed


def verdicts(frame: pd.DataFrame) -> dict[str, float]:
    """The eight rules of this study, in its docstring, on a table of all trials."""

    def values(arm: str, metric: str, g: int) -> np.ndarray:
        return over_seeds(frame, arm, metric, g).to_numpy()

    rules = (_of_words, _of_dials, _of_rare, _of_smoothers, _of_rescues, _of_memory)
    return {key: value for rule in rules for key, value in rule(values).items()}


def _of_words(values: Values) -> dict[str, float]:
    """Rules 1 to 3."""
    found: dict[str, float] = {}
    alive = [values("words_replace", f"alive_{name}", 5) for name in GROUPS]
    ordered = ((alive[0] < alive[1]) & (alive[1] < alive[2])).mean()
    found["tails_first_seeds"] = float(ordered)
    found["rule_1_tails_first"] = 1.0 if ordered >= 0.95 else 0.5 if ordered >= 0.5 else 0.0
    share = interval("x", values("words_replace", "share_1", 10))
    inside = share["x_low"] <= 1 <= share["x_high"]
    narrow = share["x_low"] > 0.9 and share["x_high"] < 1.1
    found["rule_2_share_unchanged"] = (
        1.0 if inside and narrow else 0.0 if share["x_high"] < 1 else 0.5
    )
    far = [
        abs(values(f"words_{arm}", "alive_1", g).mean() - theory.copies_survival(1, g, growth))
        for arm, growth, rounds in (
            (REPLACE, 1.0, (1, 5, 10, 20, 50)),
            ("grow", SETTINGS["words"]["growth"], (1, 5, 10, 20)),
        )
        for g in rounds
    ]
    found["law_of_copies_furthest"] = float(max(far))
    found["rule_3_law_of_copies"] = float(max(far) < 0.01)
    return found


def _of_dials(values: Values) -> dict[str, float]:
    """Rule 4."""
    said, missing = (
        {g: values("zipf_none", metric, g) for g in (0, 10, 50)} for metric in ("said", "missing")
    )
    blind = abs((said[0] - missing[0]).mean()) < 0.02
    late = all((said[g] < missing[g]).all() for g in (10, 50))
    return {"rule_4_blind_dial": float(blind and late)}


def _of_rare(values: Values) -> dict[str, float]:
    """Rule 5."""
    found: dict[str, float] = {}
    hidden = []
    for digit in SETTINGS["rare"]["digits"]:
        arm = f"rare_{digit}_replace"
        lost = {m: values(arm, m, 0) - values(arm, m, 10) for m in ("found", "accuracy")}
        found |= (gap := interval(f"{arm}_hidden_g10", lost["found"] - 5 * lost["accuracy"]))
        hidden.append(gap[f"{arm}_hidden_g10_low"] > 0)
    found["rule_5_hidden_by_accuracy"] = 1.0 if all(hidden) else 0.5 if any(hidden) else 0.0
    return found


def _of_smoothers(values: Values) -> dict[str, float]:
    """Rule 6."""
    found: dict[str, float] = {}
    poisoned = 0
    for arm in ("zipf_add_tenth", "zipf_add_one", "zipf_good_turing", "zipf_discount"):
        early = values(arm, "lost", 0) - values("zipf_none", "lost", 0)
        found |= (first := interval(f"{arm}_minus_none_lost_g0", early))
        late = interval("x", values(arm, "lost", 50))
        poison = first[f"{arm}_minus_none_lost_g0_high"] < 0 and late["x_low"] > even_guess()
        found[f"{arm}_poisons"] = float(poison)
        poisoned += poison
    return found | {"rule_6_smoothers_that_poison": float(poisoned)}


def _of_rescues(values: Values) -> dict[str, float]:
    """Rule 7."""
    found: dict[str, float] = {}
    worse = []
    for name in ("new", "died", "rare", "common", "same"):
        key = f"rescue_{name}_minus_random_lost_g20"
        gap = values(f"rescue_{name}", "lost", 20) - values("rescue_random", "lost", 20)
        found |= (one := interval(key, gap))
        if name != "new":
            worse.append(one[f"{key}_low"] > 0)
    return found | {"rule_7_random_best": 1.0 if all(worse) else 0.5 if any(worse) else 0.0}


def memory_law() -> np.ndarray:
    """The outcomes of the memory arms, a million of them; the rest holds under a thousandth."""
    p = np.arange(1, 10**6 + 1, dtype=float) ** -SETTINGS["memory"]["slope"]
    return np.asarray(p / p.sum())


def _of_memory(values: Values) -> dict[str, float]:
    """Rule 8."""
    p = memory_law()
    found: dict[str, float] = {}
    off = []
    for n in SETTINGS["memory"]["sizes"]:
        found[f"memory_n{n}_law_g10"] = law = theory.memory_error(p, n, 11)
        off.append(abs(values(f"memory_n{n}", "error", 10).mean() / law - 1))
    found["memory_furthest"] = float(max(off))
    found["rule_8_cost_of_rounds"] = float(max(off) < 0.1)
    four, five, six = (values("clean_1", "error", power).mean() for power in (4, 5, 6))
    found["rule_8_bend"] = float(five > 0.9 * four and six < 0.75 * five)
    return found
