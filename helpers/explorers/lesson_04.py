"""Lesson 04: pages of digits, the two circles, who calls what an 8, mixtures, and two sliders.

Drawn from the recorded studies `vae`, `vae_winner`, `vae_errors` and `diffusion`; what runs here is
a mixture of eight bells, in `bells_picture`. The lesson's live run is measured by `yardsticks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import Circle

from helpers import studies
from helpers._arguments import one_of, positive_int
from helpers.data.digits import CENTRES, SPREAD, Split, eight_gaussians
from helpers.explorers.controls import Explorer, choice, one_at_first, whole
from helpers.loop import run_loop
from helpers.metrics import generative as gm
from helpers.models import GaussianMixture
from helpers.models.vae import VAE
from helpers.plots import Picture, style
from helpers.policies import Accumulate, Mix, Replace
from helpers.studies import diffusion, mixture, vae, vae_errors, vae_winner

YARDSTICKS = ("elbo", "precision", "coverage", "recall")
LABELLERS = {
    "svm": "support vector machine",
    "neighbours": "nearest neighbours",
    "linear": "linear classifier",
}
REPLACE, ACCUMULATE, MIX10 = Replace().name, Accumulate().name, Mix(0.1).name
# Arm -> the study that recorded it, and what it is called in the lesson.
ARMS = {
    REPLACE: ("vae_winner", REPLACE),
    ACCUMULATE: ("vae", ACCUMULATE),
    MIX10: ("vae", "a tenth real, redrawn"),
    "samples4": ("vae_errors", "4 times the samples"),
    "wider": ("vae_errors", "a larger net"),
    "longer": ("vae_errors", "3 times the training"),
}
SHOW = ("precision and coverage", "what it means to draw", "who calls it what")
STRIPS = (4, 8, 0)  # the generations of strips A, B and C: not in order, that is the question
LAMBDAS, BELL_POINTS, BELL_ROUNDS = (1.0, 0.9, 0.8, 0.5), (100, 200), 8
NEIGHBOURS, ROUND_REAL = 3, 60  # of the drawn circles: which neighbour, how many real points
RING = 4 * SPREAD  # as far as the studies call a point one of a blob
REAL, MADE = style.PALETTE["blue"], style.PALETTE["vermillion"]  # of points, in every figure here
# Where the label of a path stands, seen from the path's end: points, alignment.
BESIDE = {REPLACE: (13, 1, "left"), ACCUMULATE: (0, 11, "left"), MIX10: (2, 9, "left"),
          "samples4": (-4, -14, "right"), "wider": (-8, -4, "right"),
          "longer": (-8, -4, "right")}  # fmt: skip


def yardsticks(split: Split, judge: gm.Judge) -> dict[str, Callable[[Any, np.ndarray], float]]:
    """ELBO, precision, coverage and recall as the study `vae` measures them, for `run_loop`."""
    every = vae.measures(split, judge, VAE())  # the model counts for a metric that is left out
    return {name: every[name] for name in YARDSTICKS}


# ---------------------------------------------------------------------- pages of digits


def strips_picture(named: bool = False) -> Picture:
    """Real digits, and what one recorded model means to draw at generations 4, 8 and 0.

    named: write the generations, and what precision says of them, beside the strips.
    """
    means, marks = vae_winner.samples(), _marks(REPLACE)
    labels = ["real", "A", "B", "C"]
    rows = [means["real"][0], *(means[REPLACE][g] for g in STRIPS)]
    if named:
        mark = marks["precision"]
        labels[1:] = [f"{labels[i + 1]}: gen. {g}\n{mark[g]:.3f}" for i, g in enumerate(STRIPS)]
    figure = style.sheet(3.3)
    _strips(figure, rows, labels)
    if not named:
        alt = "Four strips of twelve small grey digits: a real one, and A, B and C, by a model."
        return Picture(figure, alt, "a real strip; strips A, B and C without their generations")
    said = "; ".join(f"generation {g}: {marks['precision'][g]:.3f}" for g in STRIPS)
    alt = (
        "Four strips of digits: real ones, and what a model means to draw at generations "
        f"{', '.join(map(str, STRIPS))}. By generation 8 they are paler, and more alike. "
        f"Precision in the mean of the recorded runs: {said}."
    )
    return Picture(figure, alt, f"precision, {said}")


def _strips(figure: Any, rows: list[np.ndarray], labels: list[str], shown: int = 12) -> None:
    tall = (figure.get_figheight() - 0.2) / len(rows)
    for place, (images, label) in enumerate(zip(rows, labels, strict=True)):
        top = 0.1 + place * tall
        axes = style.add_axes(figure, 1.0, figure.get_figheight() - top - tall + 0.12, 0.1, top)
        padded = [np.pad(image, 1) for image in images[:shown]]
        axes.imshow(np.hstack(padded), cmap="gray_r", vmin=0, vmax=1, aspect="equal")
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=11, color=style.INK)


# ---------------------------------------------------------------------- two circles


def circle_points(seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """The real and the made points of `circles_picture`, (60, 2) each."""
    rng = np.random.default_rng(positive_int("seed", seed, minimum=0))
    real = eight_gaussians(ROUND_REAL, rng)
    made = CENTRES[rng.integers(3, size=ROUND_REAL)] + 0.14 * rng.standard_normal((ROUND_REAL, 2))
    return real, made


def circles_picture(seed: int = 4) -> Picture:
    """Real points with circles out to their third neighbour, and points by a safe generator.

    Left: which made points lie in a circle (precision). Right: whose circle holds a made point
    (coverage). The generator draws the three commonest blobs alone, a little too narrow.
    """
    real, made = circle_points(seed)
    gaps = np.linalg.norm(real[:, None] - real[None], axis=2)
    radii = np.sort(gaps, axis=1)[:, NEIGHBOURS]
    inside = np.linalg.norm(made[:, None] - real[None], axis=2) <= radii
    marks = gm.precision(real, made, NEIGHBOURS), gm.coverage(real, made, NEIGHBOURS)
    figure = style.sheet(4.1)
    titles = (f"precision {marks[0]:.2f}: made points inside a circle",
              f"coverage {marks[1]:.2f}: circles that hold a made point")  # fmt: skip
    for place, title in enumerate(titles):
        axes = style.add_axes(figure, 0.1 + 3.6 * place, 0.3, 3.6 - 3.55 * place, 0.45)
        axes.set(xticks=[], yticks=[], xlim=(-2.5, 2.1), ylim=(-2.3, 2.3), aspect="equal")
        axes.grid(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.set_title(title, fontsize=10.5, color=style.INK)
        good = inside.any(axis=1 - place)
        for point, radius, held in zip(real, radii, inside.any(axis=0), strict=True):
            line = "-" if held or place == 0 else ":"
            axes.add_patch(Circle(point, radius, fill=False, ec=REAL, lw=1, ls=line, alpha=0.7))
        axes.scatter(real[:, 0], real[:, 1], s=16, c=REAL, marker="o", label="real", zorder=3)
        filled = good if place == 0 else np.ones(len(made), bool)
        for chosen, colour, marker, label in (
            (made[filled], MADE, "x", "made"),
            (made[~filled], style.INK, "+", "made, outside"),
        ):
            axes.scatter(chosen[:, 0], chosen[:, 1], s=26, c=colour, marker=marker, label=label,
                         zorder=4)  # fmt: skip
        if place == 0:
            axes.legend(fontsize=9.5, loc="upper center", bbox_to_anchor=(0.5, 0.05), frameon=False,
                        ncols=3, handletextpad=0.2, columnspacing=1.4)  # fmt: skip
    alt = (
        "Real points in eight blobs, each with a circle out to its third neighbour, and made "
        f"points in three of the blobs. Left: {marks[0]:.0%} of the made points are in a circle. "
        f"Right: {marks[1]:.0%} of the circles hold a made point; the others are dotted."
    )
    return Picture(figure, alt, f"precision {marks[0]:.2f}, coverage {marks[1]:.2f}")


# ---------------------------------------------------------------------- the recorded studies


def alive(name: str = "replace", generation: int = 8) -> pd.DataFrame:
    """Share of the ten digits still there: a row a recorded run, a column a labeller.

    A digit is there while it has a tenth of its share in the real test pictures, as the same
    labeller names both: `class_coverage` of the study `vae`, which asks the first labeller alone.
    """
    one_of("name", name, (REPLACE, ACCUMULATE))
    one_of("generation", generation, tuple(range(9)))
    made, real = _shares_by_run(name, generation), _shares_by_run("test", 0)
    digits = {label: [f"{key}_{d}" for d in range(10)] for key, label in LABELLERS.items()}
    return pd.DataFrame({label: map(gm.class_coverage, made[each].values, real[each].values)
                         for label, each in digits.items()}, index=made.index)  # fmt: skip


def arm(name: str, label: str | None = None) -> pd.DataFrame:
    """One arm of the lesson's recorded runs, tidy, as the figures label it."""
    study, own = ARMS[one_of("name", name, tuple(ARMS))]
    table = studies.load(study).query("arm == @name")
    return table.assign(arm=own if label is None else label)


def errors() -> pd.DataFrame:
    """Plain replace and the three arms of `vae_errors`, up to their last generation."""
    names = (REPLACE, *vae_errors.SETTINGS["arms"])
    every = pd.concat([arm(name) for name in names])
    same = every["replicate"].isin(vae_errors.SEEDS)  # plain replace has more seeds
    return every[same & (every["generation"] <= vae_errors.SETTINGS["generations"])]


def path_picture(marked: str = "replace", generation: int = 8) -> Picture:
    """Precision against coverage, a dot a generation and a line an arm; mean of recorded runs.

    Each line begins at generation 0; its label stands at its end, with the generation of that.
    """
    one_of("marked", marked, tuple(ARMS))
    positive_int("generation", generation, minimum=0)
    figure = style.sheet(4.2)
    axes = style.add_axes(figure, 0.85, 0.6, 0.3, 0.2)
    axes.set(xlim=(0.6, 1.02), ylim=(0.898, 0.988))
    looks, said = style.styles([label for _, label in ARMS.values()]), []
    for name, (_, label) in ARMS.items():
        marks, look = _marks(name), looks[label]
        axes.plot(marks["coverage"], marks["precision"], ls=look.line, color=look.colour,
                  marker=look.marker, ms=4, lw=1.4)  # fmt: skip
        last = marks.iloc[-1]
        end = int(marks.index[-1])
        axes.annotate(f"{label} (gen. {end})", (last["coverage"], last["precision"]),
                      BESIDE[name][:2], ha=BESIDE[name][2], textcoords="offset points",
                      fontsize=10.5, color=look.colour)  # fmt: skip
        said.append(f"{label}: coverage {last['coverage']:.2f}, precision {last['precision']:.3f} "
                    f"at generation {end}")  # fmt: skip
    real = studies.load("vae").query("arm == 'real'").groupby("metric")["value"].mean()
    for name in (REPLACE, "wider", "longer"):  # the others begin where replace does, or beside it
        axes.annotate("gen. 0", tuple(_marks(name).loc[0, ["coverage", "precision"]]), (10, -4),
                      textcoords="offset points", fontsize=10.5, color=style.INK)  # fmt: skip
    axes.plot(real["coverage"], real["precision"], marker="*", ms=13, color=style.INK, ls="")
    axes.annotate("real pictures", (real["coverage"], real["precision"]), (-6, 9), ha="right",
                  textcoords="offset points", fontsize=10.5, color=style.INK)  # fmt: skip
    now = _marks(marked).loc[min(generation, _marks(marked).index[-1])]
    axes.plot(now["coverage"], now["precision"], "o", ms=15, mfc="none", mec=style.INK, mew=1.5)
    style.name_axes(axes, "coverage (what is still there)", "precision (looks good)")
    line = (f"{ARMS[marked][1]}, generation {int(now.name)}: precision {now['precision']:.3f}, "
            f"coverage {now['coverage']:.2f}; real pictures {real['precision']:.3f}, "
            f"{real['coverage']:.2f}")  # fmt: skip
    alt = (
        "Precision against coverage, a line for each arm and a dot for each generation, from 0 at "
        "the right. "
        f"{'; '.join(said)}. Marked: {line}."
    )
    return Picture(figure, alt, line, _table())


def shares_picture(name: str = "replace", generation: int = 8) -> Picture:
    """What three labellers call the digits that were made: stacked shares of 0 to 9, a bar each.

    Mean of the recorded runs of `vae_winner`; beside each bar what the labeller calls real digits.
    """
    one_of("name", name, (REPLACE, ACCUMULATE))
    positive_int("generation", generation, minimum=0)
    table = _shares()
    columns = [("real", 0), (name, min(generation, 8))]
    figure = style.sheet(4.3)
    axes = style.add_axes(figure, 0.8, 0.95, 1.5, 0.25)
    axes.set(xlim=(-0.6, 5.6), ylim=(0, 1), xticks=range(6))
    axes.set_xticklabels(["real", f"gen. {generation}"] * 3, fontsize=10)
    colours = style.PALETTE
    numbers: list[tuple[str, float, float]] = []
    for place, (key_of, label) in enumerate(LABELLERS.items()):
        eights = []
        axes.text(2 * place + 0.5, -0.13, "\n".join(style.wrap(label, 16)), ha="center", va="top",
                  fontsize=11, color=style.INK, transform=axes.get_xaxis_transform())  # fmt: skip
        for side, key in enumerate(columns):
            shares = table.loc[key, [f"{key_of}_{d}" for d in range(10)]].to_numpy(dtype=float)
            base = np.concatenate([[0], np.cumsum(shares)[:-1]])
            eights.append(float(shares[8]))
            for d in range(10):
                is_8 = d == 8
                axes.bar(2 * place + side, shares[d], 0.8, base[d], edgecolor=style.PAPER,
                         color=colours["vermillion"] if is_8 else "#D2D7DC" if d % 2 else "#BCC4CC",
                         hatch="//" if is_8 else "", linewidth=0.8)  # fmt: skip
                if shares[d] > 0.045:
                    axes.text(2 * place + side, base[d] + shares[d] / 2, str(d), ha="center",
                              va="center", fontsize=10, color=style.INK,
                              bbox={"fc": style.PAPER, "ec": "none", "pad": 0.6})  # fmt: skip
        numbers.append((label, eights[0], eights[1]))
    style.name_axes(axes, "", "share of the pictures")
    said = "; ".join(f"{label}: {before:.2f} to {after:.2f}" for label, before, after in numbers)
    alt = (f"For each of three labellers two stacked bars: the digits it sees in real pictures, "
           f"and in what {name} made at generation {generation}. Share called an 8, {said}."
           )  # fmt: skip
    rows = pd.DataFrame(numbers, columns=["labeller", "8 in real pictures", "8 in what was made"])
    return Picture(figure, alt, f"share called an 8, {said}", rows)


def blobs_picture(generations: tuple[int, ...] = (0, 4, 8)) -> Picture:
    """Points of the recorded diffusion model, seed 0: its whole variance above, .8 of it below."""
    points = diffusion.samples()
    last = len(points[REPLACE]) - 1
    for g in generations:
        one_of("generations", g, tuple(range(last + 1)))
    figure = style.sheet(5.0)
    wide = (style.WIDTH - 1.0) / len(generations)
    rows = ((REPLACE, "λ = 1"), ("replace_cool", "λ = 0.8"))
    for row, (name, label) in enumerate(rows):
        for place, g in enumerate(generations):
            left = 0.9 + place * wide
            axes = style.add_axes(figure, left, 2.45 - 2.35 * row, style.WIDTH - left - wide + 0.08,
                                  0.35 + 2.35 * row)  # fmt: skip
            axes.set(xticks=[], yticks=[], xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), aspect="equal")
            axes.grid(False)
            drawn = points[name][g]
            axes.scatter(drawn[:, 0], drawn[:, 1], s=5, color=MADE, alpha=0.6)
            _rings(axes)
            if row == 0:
                axes.set_title(f"generation {g}", fontsize=11, color=style.INK)
            if place == 0:
                axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=11)
    numbers = studies.summary("diffusion")
    said = "; ".join(
        f"{label}: precision {numbers[f'{name}_knn_precision_g8']:.2f}, "
        f"coverage {numbers[f'{name}_coverage_g8']:.2f}, "
        f"rare blobs {numbers[f'{name}_rare_g8']:.3f}"
        for name, label in rows
    )
    alt = (
        "Points of a diffusion model at generations "
        f"{', '.join(map(str, generations))}, seed 0; rings of four standard deviations mark eight "
        "blobs. With λ = 1 the blobs thin to threads, and points lie between; with λ = 0.8 some "
        f"blobs are empty. Generation 8 in the mean of five runs, {said}."
    )
    return Picture(figure, alt, f"drawn: seed 0; mean of five runs at generation 8: {said}")


def _rings(axes: Any) -> None:
    """Round each real blob: a point outside all rings is off every blob."""
    for centre in CENTRES:
        axes.add_patch(Circle(tuple(centre), RING, fill=False, ec=REAL, lw=1))


# ---------------------------------------------------------------------- mixtures, live


def humps_picture(samples: Sequence[np.ndarray], shown: int = 6) -> Picture:
    """Points of one run on a line, a strip a generation: `samples` (n, 1), from generation 0."""
    shown = positive_int("shown", shown, minimum=2)
    picks = np.unique(np.linspace(0, len(samples) - 1, shown).round().astype(int))
    gap = mixture.SETTINGS["humps"]["gap"]
    figure = style.sheet(0.5 * len(picks) + 1.1)
    axes = style.add_axes(figure, 0.9, 0.6, 0.3, 0.2)
    rows = []
    for place, generation in enumerate(picks):
        points = np.asarray(samples[generation])[:, 0]
        height = -place + 0.5 * (np.arange(len(points)) % 7 / 6 - 0.5)  # so that few lie on another
        axes.scatter(points, height, s=9, color=MADE, alpha=0.6)
        middle = float((np.abs(points) < gap / 6).mean())
        rows.append((int(generation), float((points < 0).mean()), middle, float(points.std())))
    for hump in (-gap / 2, gap / 2):
        axes.axvline(hump, color=REAL, ls=":", lw=1.2)
    axes.grid(False)
    axes.set(yticks=-np.arange(len(picks)), yticklabels=picks, xlim=(-1.1 * gap, 1.1 * gap))
    style.name_axes(axes, "position", "generation")
    said = "; ".join(f"generation {g}: {left:.0%} left, {mid:.0%} in the middle third"
                     for g, left, mid, _ in rows)  # fmt: skip
    alt = f"Points on a line, a strip a generation; dotted lines mark two humps. {said}."
    table = pd.DataFrame(rows, columns=["generation", "left of 0", "middle third", "sd of all"])
    return Picture(figure, alt, said, table)


def bells_picture(lam: float = 1.0, n: int = 200, generation: int = 8) -> Picture:
    """Eight bells fitted to n points in eight blobs, then to their own: what one run makes.

    lam: the part of each bell's variance that the sampler uses. Rings are those of real blobs.
    """
    one_of("lam", lam, LAMBDAS)
    one_of("n", n, BELL_POINTS)
    one_of("generation", generation, tuple(range(BELL_ROUNDS + 1)))
    points, marks = _bells(float(lam), n)
    made, (precision, coverage) = points[generation], marks[generation]
    kinds = mixture.kinds(made)
    marks_now = f"precision {precision:.2f}, coverage {coverage:.2f}, {kinds:.0f} of 8 blobs alive"
    line = f"λ = {lam:g}, {n} points, generation {generation}: {marks_now}"
    figure = style.sheet(4.6, f"Generation {generation}: {marks_now}")
    side = 4.1
    axes = style.add_axes(figure, 1.5, 0.1, style.WIDTH - 1.5 - side, 0.4)
    axes.set(xticks=[], yticks=[], xlim=(-2.1, 2.1), ylim=(-2.1, 2.1), aspect="equal")
    axes.grid(False)
    for edge in ("left", "bottom"):
        axes.spines[edge].set_visible(False)
    _rings(axes)
    axes.scatter(made[:, 0], made[:, 1], s=7, color=MADE, alpha=0.6)
    table = pd.DataFrame(
        [(g, *pair, mixture.kinds(points[g])) for g, pair in enumerate(marks)],
        columns=["generation", "precision", "coverage", "blobs"],
    )
    alt = f"Points of a mixture; rings of four standard deviations mark eight blobs. {line}."
    return Picture(figure, alt, line, table)


def bells_explorer() -> Explorer:
    """Sliders over `bells_picture`: the part of the variance at first, the rest behind a switch."""
    return one_at_first(
        bells_picture,
        lam=choice("λ", LAMBDAS, 1.0),
        generation=whole("generation", 0, BELL_ROUNDS, BELL_ROUNDS),
        n=choice("points", BELL_POINTS, 200),
    )


@lru_cache(maxsize=len(LAMBDAS) * len(BELL_POINTS))
def _bells(lam: float, n: int) -> tuple[list[np.ndarray], list[tuple[float, float]]]:
    """What each generation makes, and its precision and coverage by 400 other real points."""
    model = GaussianMixture(len(CENTRES), reg_covar=1e-9, spread=lam)
    rng = np.random.default_rng([4, n])
    real, test = eight_gaussians(n, rng), eight_gaussians(400, rng)
    run = run_loop(model, real, policy=Replace(), generations=BELL_ROUNDS, seed=4)
    points = [np.asarray(made) for made in run.samples]
    return points, [(gm.precision(test, made), gm.coverage(test, made)) for made in points]


# ---------------------------------------------------------------------- the explorer


def fading_picture(generation: int = 8, name: str = "replace", show: str = SHOW[0]) -> Picture:
    """A recorded run at one generation: the path of the yardsticks, the page, or the labellers."""
    one_of("name", name, (REPLACE, ACCUMULATE))
    one_of("show", show, SHOW)
    one_of("generation", generation, tuple(range(9)))
    if show == SHOW[0]:
        return path_picture(name, generation)
    if show == SHOW[2]:
        return shares_picture(name, generation)
    means = vae_winner.samples()
    figure = style.sheet(2.9)
    _strips(figure, [means["real"][0], *means[name][generation][:24].reshape(2, 12, 8, 8)],
            ["real", f"gen. {generation}", ""])  # fmt: skip
    mark = _marks(name).loc[generation]
    line = (f"{name}, generation {generation}: precision {mark['precision']:.3f}, "
            f"coverage {mark['coverage']:.2f}")  # fmt: skip
    return Picture(figure, f"A strip of real digits, two of what the model means to draw. {line}.",
                   line)  # fmt: skip


def fading_explorer() -> Explorer:
    """Sliders over `fading_picture`: the generation at first, the rest behind a switch."""
    return one_at_first(
        fading_picture,
        generation=whole("generation", 0, 8, 0),
        name=choice("policy", (REPLACE, ACCUMULATE)),
        show=choice("show", SHOW),
    )


# ---------------------------------------------------------------------- details


@cache
def _marks(name: str) -> pd.DataFrame:
    """Mean precision and coverage of an arm: a row a generation."""
    table = arm(name).query("metric in ('precision', 'coverage')")
    return table.pivot_table(index="generation", columns="metric", values="value")


@cache
def _shares() -> pd.DataFrame:
    """Mean shares of `vae_winner`: a row an arm and generation, a column a labeller and digit."""
    table = studies.load("vae_winner")
    return table.pivot_table(index=["arm", "generation"], columns="metric", values="value")


def _shares_by_run(name: str, generation: int) -> pd.DataFrame:
    rows = studies.load("vae_winner").query("arm == @name and generation == @generation")
    return rows.pivot(index="replicate", columns="metric", values="value")


@cache
def _table() -> pd.DataFrame:
    """The ends of the paths, for those who cannot see the picture."""
    rows = []
    for name, (_, label) in ARMS.items():
        marks = _marks(name)
        rows += [(label, g, *marks.loc[g, ["precision", "coverage"]]) for g in marks.index[[0, -1]]]
    return pd.DataFrame(rows, columns=["arm", "generation", "precision", "coverage"])
