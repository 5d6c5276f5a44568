"""Lesson 11: an explorer over the recorded study `execution`, and one of its arms run live.

`execution_picture` reads the recorded table and draws two arms of it; nothing is trained, and only
what was recorded can be chosen. `live_start`, `live_arms` and `one_arm` train: torch is loaded when
they are called. What they have done they keep as long as the kernel lives, so that a cell that was
interrupted, or is run again, goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import pandas as pd

from helpers import studies
from helpers._arguments import one_of, positive_int
from helpers._progress import Progress
from helpers.explorers.controls import Explorer, choice, explore, switch, whole
from helpers.loop import Generation, History, Interrupted, iterate
from helpers.plots import Picture, band, page, short
from helpers.plots.style import rounded
from helpers.studies.paired import effect, holm, over_seeds

if TYPE_CHECKING:
    from helpers.studies.execution import Start

ARMS = {
    "human": "reference only",
    "unchecked": "unchecked",
    "unchecked_newest": "newest only",
    "unchecked_newest_t0": "newest only, T=0",
    "unchecked_newest_t12": "newest only, T=1.2",
    "static": "parser and linter",
    "own_tests": "own tests",
    "unit_tests": "unit tests",
    "repair": "repair",
    "repair_blank": "blank",
    "repair_resample": "resample",
    "repair_kind": "kind",
    "repair_trace": "trace",
    "repair_turns": "two turns",
    "repair_more": "more practice",
}
RISEN = {  # which of the first five arms end above their start: the words of the prediction
    ("unit_tests",): "unit tests alone",
    ("unit_tests", "human"): "unit tests and reference only",
    ("unit_tests", "human", "static"): "all with a check, and reference only",
    ("unit_tests", "unchecked", "human", "static"): "all but newest only",
}
VIEWS = {
    "pass@1": "pass_1",
    "pass@10": "pass_10",
    "greedy": "greedy",
    "different of ten": "distinct",
    "different and right of ten": "distinct_right",
    "accepted share": "accepted",
    "tasks with one accepted": "solved",
    "false passes": "false_pass",
}
TITLE = 70  # letters of a title that fit on one line
LAST = 4  # the generation that a recorded arm ends with
STEPS = 6  # of one task: the task, four programs, what is kept
_NAMES = tuple(ARMS.values())
_SPREAD = ("value", "low", "high")
_starts: dict[int, Any] = {}  # seed -> Start
_runs: dict[tuple[str, int], History] = {}  # (arm, seed) -> what is done of an arm under way
_frames: dict[tuple[str, int], pd.DataFrame] = {}  # (arm, seed) -> what a whole one measured
_AS_MANY = {
    "unit_tests": "unit tests",
    "random_in_task": "random, in each task",
    "random_overall": "random, overall",
    "reference": "reference programs",
}
_ARM_OF = {words: arm for arm, words in ARMS.items()}
_FORMER = {  # what copies of the lesson from before still ask for
    "human only": "reference only",
    "repair: blank": "blank",
    "repair: kind": "kind",
    "repair: trace": "trace",
    "repair: two turns": "two turns",
    "repair: practice": "more practice",
}


def named(*arms: str) -> pd.DataFrame:
    """The recorded rows of `arms`, in that order, under the names that figures use."""
    recorded = _recorded()
    rows = [recorded[recorded["arm"] == one_of("arm", arm, tuple(ARMS))] for arm in arms]
    table = pd.concat(rows, ignore_index=True)
    return table.assign(arm=table["arm"].map(ARMS))


def differences(
    *pairs: tuple[str, str], metric: str = "pass_1", at: int | Sequence[int] = LAST
) -> pd.DataFrame:
    """Paired differences of recorded arms, for `plots.contrasts`: label, value, low, high.

    at: the generation, or several, whose mean is taken seed by seed. Where all pairs share their
    second arm, the label names the first alone.
    """
    shared = len(pairs) > 1 and len({second for _, second in pairs}) == 1
    generations = (at,) if isinstance(at, int) else tuple(at)
    rows = []
    for first, second in pairs:
        label = ARMS[first] if shared else _minus(first, second)
        rows.append({"label": label} | _spread(_by_seed(first, second, metric, generations)))
    return pd.DataFrame(rows)


def by_generation(*pairs: tuple[str, str], metric: str) -> pd.DataFrame:
    """`differences` in every generation from 0 on, pair by pair; the labels name it."""
    rows = []
    for pair in pairs:
        for at in range(LAST + 1):
            found = differences(pair, metric=metric, at=at)
            rows.append(found.assign(label=found["label"] + f", generation {at}"))
    return pd.concat(rows, ignore_index=True)


by_round = by_generation  # the name that learners' copies from before call


def corrected(metric: str = "pass_1") -> pd.DataFrame:
    """The planned contrasts of the study in the last generation, the surest first.

    Columns contrast, difference, low, high (95 %, not corrected) and p, corrected by Holm and
    rounded up to four places: none reads as 0.
    """
    from helpers.studies.execution import CONTRASTS

    rows = [
        (_minus(first, second), *effect(_by_seed(first, second, metric, (LAST,))))
        for first, second in CONTRASTS
    ]
    table = pd.DataFrame(rows, columns=["contrast", "difference", "low", "high", "p"])
    table = table.assign(p=holm(table["p"].to_numpy())).sort_values("p", ignore_index=True)
    table["p"] = np.ceil(table["p"] * 10_000) / 10_000
    return table.round({"difference": 3, "low": 3, "high": 3})


def gains(*arms: str, metric: str = "pass_1") -> pd.DataFrame:
    """What each arm gained from the start to the last generation, for `plots.contrasts`."""
    rows = []
    for arm in arms:
        start, end = (over_seeds(_recorded(), arm, metric, at) for at in (0, LAST))
        rows.append({"label": ARMS[arm]} | _spread(end - start))
    return pd.DataFrame(rows)


def risen() -> str:
    """Which of the first five arms gained beyond doubt, their whole interval above zero.

    LookupError where the recorded runs give an answer that the prediction does not offer.
    """
    first = ("unit_tests", "unchecked", "human", "static", "unchecked_newest")
    sure = tuple(arm for arm in first if gains(arm)["low"].item() > 0)
    if sure not in RISEN:
        raise LookupError(f"the prediction offers no choice for {sure}; it has {list(RISEN)}")
    return RISEN[sure]


def ends(rows: pd.DataFrame, *metrics: str) -> pd.DataFrame:
    """Means over seeds of `rows`, as `named` gives them, in generation 0 and in the last."""
    chosen = rows[rows["metric"].isin(metrics) & rows["generation"].isin([0, LAST])]
    wide = chosen.pivot_table(
        index=["arm", "generation"], columns="metric", values="value", sort=False
    )
    return wide[list(metrics)].round(2)


def controls() -> pd.DataFrame:
    """`gains` of unit tests and of the arms that keep as many programs by other means."""
    both = pd.concat([_recorded(), studies.load("execution_controls")])
    rows = []
    for arm, label in _AS_MANY.items():
        gain = over_seeds(both, arm, "pass_1", LAST) - over_seeds(both, "start", "pass_1", 0)
        rows.append({"label": label} | _spread(gain))
    return pd.DataFrame(rows)


def tries_picture() -> Picture:
    """pass@k against k, up to a hundred tries a task: the start, and four arms in generation 4.

    Means of the seeds, from the study `execution_coverage`: five bands would be one grey area.
    """
    rows = studies.load("execution_coverage")
    rows = rows[rows["metric"].str.fullmatch(r"coverage_\d+")]
    tries = rows["metric"].str.removeprefix("coverage_").astype(int)
    arms = rows["arm"].map({"start": "the start"} | ARMS)
    table = rows.assign(arm=arms, generation=tries)
    means = table.groupby(["arm", "generation"], sort=False, as_index=False)["value"].mean()
    return band(
        means.assign(metric="pass@k"),
        "pass@k",
        ylabel="pass@k, mean of ten seeds",
        xlabel="tries k (log scale)",
        log_x=True,
    )


def execution_picture(
    arm: str = "unit tests",
    against: str = "unchecked",
    view: str = "pass@1",
    rounds: int = LAST,
    subtract: bool = False,
) -> Picture:
    """Two recorded arms, generation by generation; the title says their difference in the last.

    The band is that of the seeds; the difference is paired and has a 95 % interval of its mean.

    arm, against: values of ARMS. view: a key of VIEWS. subtract: take from each seed what the arm
    that trained on the reference programs alone, for as many steps, has in the same generation.
    """
    names = (_FORMER.get(name, name) for name in (arm, against))
    first, second = (_ARM_OF[one_of("arm", name, _NAMES)] for name in names)
    metric = VIEWS[one_of("view", view, tuple(VIEWS))]
    positive_int("rounds", rounds)
    ylabel = f"{view},\nminus reference only" if subtract else view
    table = named(*dict.fromkeys((first, second)))
    table = table[(table["metric"] == metric) & (table["generation"] <= rounds)]
    return band(
        _minus_reference(table, metric) if subtract else table,
        metric,
        centre="mean",
        until=LAST,
        ylabel=ylabel,
        title=_difference(first, second, metric, rounds, subtract),
    )


def execution_explorer() -> Explorer:
    """Controls over `execution_picture`."""
    return explore(
        execution_picture,
        arm=choice("arm", _NAMES, "unit tests"),
        against=choice("against", _NAMES, "unchecked"),
        view=choice("view", tuple(VIEWS)),
        rounds=whole("generation", 1, LAST, LAST),
        subtract=switch("subtract reference only"),
    )


def task_picture(step: int = 1) -> Picture:
    """One task through the arm *unit tests*: the task, its four programs, what is kept and why.

    step: 1 is the task, 2 to 5 are the programs, 6 is what goes on. The programs are those that the
    lesson has marked by eye; the sandbox runs them once a kernel.
    """
    one_of("step", step, tuple(range(1, STEPS + 1)))
    words, marked = _marked()
    kept = [str(number) for number, (_, _, keeps) in enumerate(marked, start=1) if keeps]
    if step == 1:
        return page([f"task: {words}", f"{len(marked)} programs, six tests"], title="1. The task")
    if step == STEPS:
        dropped = [str(i) for i in range(1, len(marked) + 1) if str(i) not in kept]
        return page(
            [
                f"into the training set: {' and '.join(kept)}, the first two that pass",
                f"without a trace: {' and '.join(dropped)}",
                "the hidden tests have not been asked: they measure, and choose nothing",
            ],
            title=f"{step}. What goes on",
        )
    lines, said, keeps = marked[step - 2]
    why = "kept: all six tests passed" if keeps else "dropped: not all of its tests passed"
    return page(
        [*lines, f"six tests: {said}", why],
        title=f"{step}. Program {step - 1}",
        summary=f"Program {step - 1}: {said}; {why}",
    )


def task_explorer() -> Explorer:
    """`task_picture` with Back and Next."""
    explorer = explore(task_picture, step=whole("step", 1, STEPS, 1))
    row = []
    for name, by in (("Back", -1), ("Next", 1)):
        button = widgets.Button(description=name)
        button.on_click(partial(_move, explorer, by))
        row.append(button)
    explorer.children = (widgets.HBox(row), *explorer.children)
    return explorer


def _move(explorer: Explorer, by: int, _button: Any) -> None:
    explorer.set(step=min(max(explorer.values["step"] + by, 1), STEPS))


@lru_cache(maxsize=1)
def _marked() -> tuple[str, list[tuple[list[str], str, bool]]]:
    """The task of the four programs; of each its lines, its verdict, whether it is kept."""
    from helpers.coding.gates import choose
    from helpers.coding.grading import grade
    from helpers.coding.language import source
    from helpers.studies.execution_programs import programs, told
    from helpers.verification import Sandbox

    four = programs()["to_mark"]
    with Sandbox() as box:
        reports = grade(box, four)
    kept = choose(four, [report.passed for report in reports], per_task=2)
    return " ".join(four[0].task.words), [
        (source(example.program).strip().splitlines(), told(report), example in kept)
        for example, report in zip(four, reports, strict=True)
    ]


def gained(run: pd.DataFrame, metric: str = "pass_1") -> pd.DataFrame:
    """A run's metric less its value at the start, as the study records it: gain_METRIC."""
    rows = run[run["metric"] == metric]
    start = rows.loc[rows["generation"] == 0, "value"].iloc[0]
    return rows.assign(metric=f"gain_{metric}", value=rows["value"] - start)


def live_start(seed: int, progress: str | None = None) -> Start:
    """The first writer of a seed and its tasks, made once a kernel.

    progress: the name of the live cell, for a line that says how long it still takes.
    """
    if seed not in _starts:
        from helpers.studies import execution
        from helpers.verification import Sandbox

        with Progress(1, "student", progress, shown=progress is not None) as bar, Sandbox() as box:
            begin = execution.start(seed, "full", box)
            bar.done()
        _starts.clear()  # a writer is some megabytes: the last one is enough
        _starts[seed] = begin
    return _starts[seed]


def live_arms(arms: Sequence[str], seed: int, progress: str) -> dict[str, pd.DataFrame]:
    """Arm -> its frame, each run to the last generation, as `execution.run_arm` does.

    An interrupt stops all of them; called again, each goes on behind its last whole generation.
    """
    from helpers.coding.grading import Remembering
    from helpers.studies import execution

    for arm in arms:
        one_of("arms", arm, tuple(ARMS))
    begin = live_start(seed, progress="11-start")
    open_still = [arm for arm in arms if (arm, seed) not in _frames]
    already = (len(arms) - len(open_still)) * (LAST + 1)
    already += sum(len(_runs[arm, seed].generations) for arm in open_still if (arm, seed) in _runs)
    total = len(arms) * (LAST + 1)
    # All arms write for the same tasks, and often what was written before.
    with Progress(total, "generation", progress, already) as bar, Remembering() as box:
        for arm in open_still:
            history = _runs.setdefault((arm, seed), History())
            turns = iterate(**execution.loop_of(arm, begin, box, seed), resume=history)
            _runs[arm, seed] = turns.history
            try:
                turns.to(LAST, bar)
            except Interrupted as stop:  # it counts one arm, and the line above all of them
                stop.args = (f"{ARMS[arm]}: {stop}",)
                raise
            # Its writers and programs are some hundred megabytes, and nobody needs them any more.
            _frames[arm, seed] = _runs.pop((arm, seed)).frame
    return {arm: _frames[arm, seed] for arm in arms}


def one_arm(arm: str, seed: int) -> Iterator[Generation]:
    """An arm of the study, a generation at a time: what `execution.run_arm` runs to the end."""
    from helpers.coding.grading import Remembering
    from helpers.studies import execution

    one_of("arm", arm, tuple(ARMS))
    begin = live_start(seed)
    with Remembering() as box:
        yield from iterate(**execution.loop_of(arm, begin, box, seed))


@lru_cache(maxsize=1)
def _recorded() -> pd.DataFrame:
    return studies.load("execution")


def _by_seed(first: str, second: str, metric: str, generations: Sequence[int]) -> pd.Series:
    """`first` minus `second`, its mean over `generations`, one number a seed."""
    gaps = {
        at: over_seeds(_recorded(), first, metric, at) - over_seeds(_recorded(), second, metric, at)
        for at in generations
    }
    return pd.DataFrame(gaps).mean(axis="columns", skipna=False)


def _minus(first: str, second: str) -> str:
    return f"{ARMS[first]} \N{MINUS SIGN} {ARMS[second]}"


def _spread(by_seed: pd.Series) -> dict[str, float]:
    """Mean and 95 % interval, not rounded: whether an interval leaves zero out is asked of it."""
    return dict(zip(_SPREAD, map(float, effect(by_seed)), strict=False))


def _minus_reference(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    reference = _recorded().query("arm == 'human' and metric == @metric")
    keys = ["generation", "replicate"]
    baseline = reference.set_index(keys)["value"].loc[pd.MultiIndex.from_frame(table[keys])]
    return table.assign(value=table["value"].to_numpy() - baseline.to_numpy())


def _difference(first: str, second: str, metric: str, at: int, subtract: bool) -> str:
    """The paired difference in words: the baseline cancels in it. Of one arm alone, its mean."""
    if first == second:
        mean = over_seeds(_recorded(), first, metric, at).mean()
        if subtract:
            mean -= over_seeds(_recorded(), "human", metric, at).mean()
        less = ", minus reference only" if subtract else ""
        return f"{ARMS[first]}{less}, generation {at}: {short(mean)}"
    row = differences((first, second), metric=metric, at=at).iloc[0]
    value, low, high = (rounded(row[name], 3) for name in _SPREAD)
    interval = f"{value:+.3f} (95 %: {low:+.3f} to {high:+.3f})"
    named = f"{_minus(first, second)}, generation {at}:"
    wide = len(named) + len(interval) > TITLE  # then the numbers stand below the names
    return f"{named}\n{interval}" if wide else f"{named} {interval}"
