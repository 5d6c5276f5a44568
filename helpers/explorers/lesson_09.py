"""Lesson 09: a loop with a judge, `loop_picture`, and sliders over it.

Also the lesson's own figures of the recorded studies `noisy_verifier`, `verified_loop`,
`judged_stories` and `judged_cures`. The explorer draws the closed form of `helpers.theory` beside
500 questions of which each is asked a few times a generation, as in `verified_loop`, whose rounds
are generations.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pandas as pd

from helpers import studies, theory
from helpers._arguments import one_of, positive_int, real_number
from helpers.explorers.controls import Explorer, choice, one_at_first, whole
from helpers.plots import Picture, band, contrasts, panels
from helpers.policies import Accumulate, Replace
from helpers.studies import noisy_verifier, verified_loop
from helpers.studies.judged_stories import with_twins

QUESTIONS = 500
SHOW = ("share right", "log odds", "dead questions")
DRAWS = (10, 50, 1000)
RATES = tuple(round(0.05 * part, 2) for part in range(1, 21))
TEMPERATURES = tuple(part / 100 for part in range(10, 101))
STARTS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 0.9)
FAR = 15.0  # log odds are drawn up to here: one in three millions
CUT = 8.0  # and in the figure of the lesson up to here


def loop_picture(
    temperature: float = 1.0,
    start: float = 0.15,
    keep_right: float = 0.9,
    keep_wrong: float = 0.3,
    draws: int = 50,
    generations: int = 12,
    show: str = SHOW[0],
) -> Picture:
    """Yes/no questions in a loop with a judge: what is written, generation by generation.

    start: the share of right answers that the first model writes at `temperature`, which is above 0
    and at most 1. draws: answers to each question in each generation; the other line has no end of
    them. show: the share right of what is written, its log odds, or the share of questions whose
    right answer is never written again.
    """
    temperature = real_number("temperature", temperature, low=0, high=1, open_low=True)
    start = real_number("start", start, low=0, high=1)
    draws = positive_int("draws", draws)
    last = positive_int("generations", generations)
    one_of("show", show, SHOW)
    edge = theory.loop_threshold(keep_right, keep_wrong, temperature)
    own = verified_loop.start_of(start, temperature)
    turns = verified_loop.answer_turns(
        verified_loop.yes_or_no(own, QUESTIONS), np.array([keep_right, keep_wrong]), draws, last,
        np.random.default_rng(9), temperature,
    )  # fmt: skip
    found = [next(turns)]
    with suppress(ValueError):  # nothing kept, nothing to train on: the title says where it stops
        for now in turns:
            found.append(now)
    shares = np.stack(found)
    if show == SHOW[2]:
        asked, law = (shares[:, :, 0] == 0).mean(axis=1), np.zeros(last + 1)
    else:
        asked = np.array([verified_loop.cooled(now, temperature)[:, 0].mean() for now in shares])
        law = theory.verified_share(own, keep_right, keep_wrong, np.arange(last + 1), temperature)
        law = verified_loop.cooled(np.stack([law, 1 - law], axis=1), temperature)[:, 0]
    if show == SHOW[1]:
        asked, law = (_log_odds(x) for x in (asked, law))
    frame = pd.DataFrame(
        [(g, f"{draws} answers a question, T = {temperature:g}", x) for g, x in enumerate(asked)],
        columns=["generation", "arm", "value"],
    ).assign(metric="value")
    recovers = "any start recovers" if edge == 0 else f"recovers above {edge:.2g}"
    title = f"T = {temperature:g}, {start:.0%} right at first: {recovers}"
    if len(shares) <= last:
        title = f"The loop stops: of generation {len(shares) - 1} the judge kept no answer"
    return band(frame, "value", exact={"no end of answers": law}, ylabel=f"{show}, written",
                title=title)  # fmt: skip


def loop_explorer() -> Explorer:
    """Sliders over `loop_picture`: the temperature at first, the others behind a switch."""
    return one_at_first(
        loop_picture,
        temperature=choice("temperature T", TEMPERATURES, 1.0),
        start=choice("share right", STARTS, 0.15),
        keep_right=choice("keeps right, phi", RATES, 0.9),
        keep_wrong=choice("keeps wrong, psi", (0.0, *RATES), 0.3),
        draws=choice("answers a question", DRAWS, 50),
        generations=whole("generations", 1, 40, 12),
        show=choice("show", SHOW),
    )


def _log_odds(share: np.ndarray) -> np.ndarray:
    """ln(share / (1 - share)), cut at FAR."""
    with np.errstate(divide="ignore"):
        return np.clip(np.log(share) - np.log1p(-share), -FAR, FAR)


# ---------------------------------------------------------------------- the recorded studies


def cliff_picture(judge: str = "usual") -> Picture:
    """`noisy_verifier`: accuracy against wrong rows in a thousand, a line for each size."""
    one_of("judge", judge, tuple(noisy_verifier.SETTINGS["edge"]["judges"]))
    labels = {f"edge_{judge}_n{n}": f"{n:,} rows" for n in noisy_verifier.SETTINGS["edge"]["rows"]}
    table = studies.load("noisy_verifier").query("arm in @labels")
    table = table.assign(arm=table["arm"].map(labels), metric="value")
    order = list(labels.values())
    table = table.sort_values("arm", key=lambda arms: arms.map(order.index))
    return band(table, "value", centre="mean", ylabel="accuracy", xlabel="wrong rows in a thousand")


def tides_picture(start: float = 0.15, generations: int = 6) -> Picture:
    """Log odds of the written answers, by closed form: a straight line at T = 1, else a bend.

    Cut off at CUT: one in three thousand.
    """
    last = positive_int("generations", generations)
    rows = []
    for temperature in (1.0, 0.8, 0.5, 0.3):
        own = verified_loop.start_of(real_number("start", start, low=0, high=1), temperature)
        shares = theory.verified_share(own, 0.9, 0.3, np.arange(last + 1), temperature)
        written = verified_loop.cooled(np.stack([shares, 1 - shares], axis=1), temperature)[:, 0]
        rows += [
            (g, f"T = {temperature:g}", x)
            for g, x in enumerate(np.clip(_log_odds(written), -CUT, CUT))
        ]
    frame = pd.DataFrame(rows, columns=["generation", "arm", "value"]).assign(metric="value")
    return band(frame, "value", exact={"as many right as wrong": np.zeros(last + 1)},
                ylabel="log odds of right, written")  # fmt: skip


SAID = {
    "rejects": "right ones lost at random", "passes": "wrong ones passed at random",
    "plausible": "one wrong answer always passed", "refuses": "a third of the questions refused",
}  # fmt: skip


def fates_picture() -> Picture:
    """`verified_loop`: the share right under four judges, for the two kinds of model."""
    table = studies.load("verified_loop").query("metric == 'right'")
    frames = {}
    for way, name in (("keeps", "A table keeps what nobody touches"),
                      ("forgets", "A network may forget it")):  # fmt: skip
        labels = {f"fate_{kind}_{way}": label for kind, label in SAID.items()}
        part = table[table["arm"].isin(labels)]
        frames[name] = part.assign(arm=part["arm"].map(labels), metric="value")
    return panels(frames, "value", centre="mean", ylabel="share right")


def centre_picture() -> Picture:
    """`verified_loop`: mean distance to the truth, by real rows at the start."""
    labels = {f"centre_r20_m{m}": f"{m} real rows"
              for m in verified_loop.SETTINGS["centre"]["real"]}  # fmt: skip
    table = studies.load("verified_loop").query("metric == 'distance' and arm in @labels")
    table = table.assign(arm=table["arm"].map(labels), metric="value")
    centre = verified_loop.SETTINGS["centre"]["centre"]
    exact = {"the judge's centre": lambda g: centre + 0 * g}
    return band(table, "value", centre="mean", exact=exact, ylabel="mean distance to the truth")


def best_picture() -> Picture:
    """`noisy_verifier`: quality and score of the best of k, for three laws of the judge's errors.

    k is 1, 10, 30, 100, 1,000, equally far apart on the axis.
    """
    table = studies.load("noisy_verifier").query("metric in ('quality', 'score')")
    table = table[table["arm"].str.startswith("best_")]
    steps = {k: i for i, k in enumerate(noisy_verifier.SETTINGS["best"]["k"])}
    frames = {}
    for law, name in zip(noisy_verifier.LAWS, ("normal errors", "heavy-tailed errors",
                                               "a loophole"), strict=True):  # fmt: skip
        part = table[table["arm"] == f"best_{law}"]
        said = {"quality": "true quality", "score": "the judge's score"}
        frames[name] = part.assign(
            generation=part["generation"].map(steps), arm=part["metric"].map(said), metric="value"
        )
    picture = panels(frames, "value", centre="mean", ylabel="standard deviations",
                     xlabel="best of k")  # fmt: skip
    for axes in picture.figure.axes:
        axes.set_xticks(list(steps.values()), [f"{k:,}" for k in steps], fontsize=9)
    return picture


def people_picture() -> Picture:
    """`judged_stories`: people in the text and recall of the rare, with the judge and without.

    Without it, from generation 1 on, is `replace_best` of `gpt_steps`.
    """
    labels = {"none": "no judge", "judge": "a judge that is never wrong"}
    table = with_twins(studies.load("judged_stories")).query("arm in @labels")
    table = table.assign(arm=table["arm"].map(labels))
    frames = {}
    for metric, name, scale in (("names_alive", "share of the 100 people in the text", 100),
                                ("recall_tail", "recall of the 50 rarest", 1)):  # fmt: skip
        part = table[table["metric"] == metric]
        frames[name] = part.assign(value=part["value"] / scale, metric="value")
    return panels(frames, "value", centre="mean", ylabel="share")


CURES = {  # label -> (study, arm with the judge, minus this arm)
    Replace().label: ("judged_stories", "judge", "none"),
    "a quota by person": ("judged_cures", "quota", "none"),
    "a quarter real rows": ("judged_cures", "mix25_judge", "mix25"),
    Accumulate().label: ("judged_cures", "accumulate_judge", Accumulate().name),
}


def cures_picture() -> Picture:
    """What the judge adds to the excess at generation 5, without a cure and with each of three."""
    rows = [(label, *_with_judge(label, "excess")) for label in CURES]
    return contrasts(pd.DataFrame(rows, columns=["label", "value", "low", "high"]),
                     xlabel="excess, with the judge minus without it")  # fmt: skip


def cures_table() -> pd.DataFrame:
    """A row a cure, at generation 5: excess with the judge, and two differences with intervals.

    The differences are with the judge minus without it, of the recall of the 50 rarest and of the
    people in the rows that are passed on, each with its 95 % interval over ten seeds.
    """
    said = {}
    for label, (study, arm, _) in CURES.items():
        recall, people = (_with_judge(label, metric) for metric in ("recall_tail", "names_alive"))
        said[label] = {
            "excess": f"{studies.summary(study)[f'{arm}_excess_g5']:.2f}",
            "rare recall": "{:+.2f} [{:+.2f}, {:+.2f}]".format(*recall),
            "people": "{:+.0f} [{:+.0f}, {:+.0f}]".format(*people),
        }
    return pd.DataFrame.from_dict(said, orient="index")


def _with_judge(label: str, metric: str) -> tuple[float, float, float]:
    """A metric with the judge minus without it at generation 5: mean, low, high."""
    study, arm, other = CURES[label]
    key, found = f"{arm}_minus_{other}_{metric}_g5", studies.summary(study)
    return found[key], found[f"{key}_low"], found[f"{key}_high"]
