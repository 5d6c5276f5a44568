"""Lesson 05's recorded runs by sampler, start, policy and generation, and the explorer over them.

They are those of the studies `gpt`, `gpt_sampler` and `gpt_fine_tuned`, and for `real_only` of
`gpt_steps`. Nothing is trained here, so nothing loads torch. `story_runs`, `story_means` and
`recorded_page` give numbers and text, `story_picture` draws one setting, `story_explorer` puts
sliders in front of it. Whatever arms the tables hold are there; of a setting that is not recorded
the picture says so.
`story_data` is for live runs: the real rows of a seed and the yardsticks of its models.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from helpers import studies
from helpers._arguments import one_of, positive_int
from helpers.explorers.controls import Explorer, choice, explore, whole
from helpers.loop import Metric
from helpers.metrics import language as lm
from helpers.plots import Picture, band, page, spreads
from helpers.studies import stories

SAMPLERS = {  # as a reader sees them -> how arms are named; temperature 1 has no prefix
    "T = 1.2": "t12_", "T = 1": "", "T = 0.8": "t08_", "T = 0.5": "t05_",
    "top-p = 0.9": "p09_", "beam 5": "beam5_",
}  # fmt: skip
STARTS = ("scratch", "base")
POLICIES = tuple(stories.POLICIES)
VIEWS = ("page of text", "excess", "recall by rarity", "names alive", "histogram")
MOST_GENERATIONS = 8
FAME = {"recall_head": "20 best known", "recall_mid": "next 30", "recall_tail": "50 rarest"}
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
ROWS = 8  # of a page


def story_picture(
    sampler: str = "T = 1",
    generation: int = 5,
    start: str = "scratch",
    policy: str = "replace",
    view: str = "page of text",
) -> Picture:
    """One recorded setting up to one generation, looked at in one of five ways.

    page of text      the first rows of seed 0, as written
    excess            nats a token lost to the truth on real text, ten seeds
    recall by rarity  probability of the right city, for well known, middling and rare people
    names alive       how many of the hundred people the text still mentions
    histogram         how surprising the texts are to generation 0
    """
    one_of("view", view, VIEWS)
    study, arm = home(sampler, start, policy)
    if positive_int("generation", generation, minimum=0) > MOST_GENERATIONS:
        raise ValueError(f"generation must be at most {MOST_GENERATIONS}, got {generation}")
    rows = _table(study)
    rows = rows[rows["arm"] == arm]
    setting = f"{sampler}, {'from a base' if start == 'base' else 'from scratch'}, {policy}"
    if rows.empty:
        return page([f"Not recorded: {setting}. Choose another sampler, start or policy."],
                    title="Nothing to show here", summary=f"not recorded: {setting}")  # fmt: skip
    last = int(rows["generation"].max())
    shown = min(generation, last)
    title = f"{setting}: generation {shown}" + (
        " (the last recorded)" if shown < generation else ""
    )
    if view == "page of text":
        return page(recorded_page(sampler, shown, start, policy), title=title)
    rows = rows[rows["generation"] <= shown]
    if view == "histogram":
        return spreads({title: surprise_quantiles(sampler, start, policy, shown)})
    if view == "recall by rarity":
        known = rows[rows["metric"].isin(FAME)]
        known = known.assign(arm=known["metric"].map(FAME), metric="recall")
        return band(known, "recall", title=title, until=last, ylabel="recall of the right city")
    metric, ylabel = {
        "excess": ("excess", "excess, nats a token"),
        "names alive": ("names_alive", "names alive, of 100"),
    }[view]
    return band(rows.assign(arm=policy), metric, title=title, until=last, ylabel=ylabel)


def story_explorer() -> Explorer:
    """Sliders and menus over `story_picture`."""
    return explore(
        story_picture,
        sampler=choice("sampler", tuple(SAMPLERS), "T = 1"),
        generation=whole("generation", 0, MOST_GENERATIONS, 5),
        start=choice("start", STARTS),
        policy=choice("policy", POLICIES),
        view=choice("view", VIEWS),
    )


def story_runs(
    sampler: str = "T = 1",
    start: str = "scratch",
    policy: str = "replace",
    until: int = MOST_GENERATIONS,
) -> pd.DataFrame:
    """The recorded runs of one setting, all seeds, arm named by its sampler, up to `until`.

    ValueError where nothing is recorded.
    """
    study, arm = home(sampler, start, policy)
    rows = _table(study)
    rows = rows[(rows["arm"] == arm) & (rows["generation"] <= until)]
    if rows.empty:
        raise ValueError(f"sampler, start and policy must be recorded: {study} has no arm {arm!r}")
    return rows.assign(arm=sampler)


def story_means(
    sampler: str, generation: int, start: str = "scratch", policy: str = "replace"
) -> pd.Series:
    """Metric -> mean over the seeds at one generation; ValueError where it is not recorded."""
    rows = story_runs(sampler, start, policy)
    rows = rows[rows["generation"] == generation]
    if rows.empty:
        raise ValueError(f"generation must be a recorded one of {sampler}, got {generation!r}")
    return rows.groupby("metric")["value"].mean()


def real_only() -> pd.DataFrame:
    """Fits to the 800 real rows alone, by training steps: they stand in the column generation.

    Metrics excess and the recalls, ten seeds of the study `gpt_steps`.
    """
    rows = studies.load("gpt_steps")
    rows = rows[rows["arm"].str.startswith("real_")]
    steps = rows["arm"].str.removeprefix("real_").astype(int)
    return rows.assign(generation=steps).drop(columns="arm").sort_values("generation")


def surprise_quantiles(
    sampler: str = "T = 1",
    start: str = "scratch",
    policy: str = "replace",
    until: int = MOST_GENERATIONS,
) -> pd.DataFrame:
    """Quantiles of the surprise, a row a generation, averaged over seeds: what `spreads` draws."""
    names = {f"surprise_q{round(100 * q):02d}": q for q in QUANTILES}
    rows = story_runs(sampler, start, policy, until)
    rows = rows[rows["metric"].isin(names)]
    rows = rows.assign(quantile=rows["metric"].map(names))
    return rows.pivot_table(index="generation", columns="quantile", values="value", aggfunc="mean")


def recorded_page(
    sampler: str = "T = 1",
    generation: int = 5,
    start: str = "scratch",
    policy: str = "replace",
    rows: int = ROWS,
) -> list[str]:
    """The first rows of seed 0 as text, "|" where a story ends; ValueError if not recorded."""
    study, arm = home(sampler, start, policy)
    recorded = _texts(study).get(arm, [])
    if not 0 <= generation < len(recorded):
        raise ValueError(
            f"generation must be one of the {len(recorded)} recorded of {study}, {arm}, "
            f"got {generation!r}"
        )
    return [readable(row) for row in recorded[generation][: positive_int("rows", rows)]]


def readable(row: str) -> str:
    """A row without the mark that opens it, a bar instead of the others, stops set close."""
    return row.removeprefix("<eos>").strip().replace("<eos>", "|").replace(" .", ".")


def home(sampler: str, start: str, policy: str) -> tuple[str, str]:
    """The study and the arm that hold a setting, whether they are recorded or not."""
    one_of("sampler", sampler, tuple(SAMPLERS))
    one_of("start", start, STARTS)
    one_of("policy", policy, POLICIES)
    prefix = SAMPLERS[sampler]
    study = "gpt_fine_tuned" if start == "base" else "gpt_sampler" if prefix else "gpt"
    return study, prefix + policy


def story_data(seed: int) -> tuple[np.ndarray, dict[str, Metric]]:
    """800 real rows, and yardsticks for `helpers.loop` that examine a model on 400 others.

    The rows are those of the recorded studies for the same seed.
    """
    world = stories.WORLD
    real, unseen = stories.data(positive_int("seed", seed, minimum=0), "full")
    truth = world.token_log_probabilities(unseen)
    return real, {
        "excess": lambda model, _: lm.excess_cross_entropy(model, unseen, truth),
        "recall_tail": lambda model, _: lm.recall_by_fame(model, world)["tail"],
        "names_alive": lambda _, text: lm.names_alive(text[:, 1:], world),
        "distinct_3": lambda _, text: lm.distinct_ngrams(text[:, 1:], 3),
    }


@lru_cache(maxsize=3)
def _table(study: str) -> pd.DataFrame:
    return studies.load(study)


@lru_cache(maxsize=3)
def _texts(study: str) -> dict[str, list[list[str]]]:
    return studies.texts(study)
