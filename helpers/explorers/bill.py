"""What a run with a larger model would cost, reckoned from what this machine does in seconds.

`measure` times the course's own GPT, which runs on every machine. The work of a token grows with
the weights of the model, so that `hours` and `memory_gb` follow for any size; `an_hour` is a table
of them, `bill_picture` a figure, and `bill_explorer` puts sliders in front of it. What is said of a
GPU is an estimate, and nobody of us has run it.

Not counted: activations, reading and writing files, and the checks of a verifier.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers._arguments import positive_int, real_number
from helpers._progress import Progress
from helpers.explorers.controls import Explorer, explore, logarithmic, whole
from helpers.plots import PALETTE, Picture, short, style

EPOCHS, GENERATIONS, BEAMS = 5, 9, 5  # of Nature's first setting
WIKITEXT = 2_000_000  # tokens of its text: its words, from memory; not counted here
HUB_WEIGHTS = 125e6  # of OPT-125m
# Tokens a second that a data-centre GPU may train of it: an estimate. Smaller models do not keep a
# GPU busy, so that nothing is said of them.
GPU = (50_000, 200_000)
BYTES, BYTES_FROZEN, LORA_SHARE = 16, 4, 0.01  # a weight: trained, frozen; share that LoRA trains
NIGHT, YEAR = 10, 365 * 24  # hours
LINES = {"a night": NIGHT, "a year": YEAR}
MODELS = {  # weights, by their names; of Gemma, from memory, with its embeddings
    "the GPT timed here": 3_404_032,
    "GPT-2 9M": 8_890_880,
    "OPT-125m": HUB_WEIGHTS,
    "SmolLM2-135M": 134.5e6,
    "Gemma 2 2B": 2.6e9,
}
MARKS = ("GPT-2 9M", "OPT-125m", "Gemma 2 2B")  # of papers, in the figure
TIMED: dict[str, Any] = {"width": 256, "layers": 4, "heads": 4, "batch_size": 32}  # of the GPT
TIMED_WEIGHTS = MODELS["the GPT timed here"]
VOCABULARY, CONTEXT, STEPS, WRITTEN = 1_000, 32, 3, 32
LEARNT = 2_000.0  # tokens a second that the figure begins with; a slider changes it


@dataclass(frozen=True)
class Speed:
    """Tokens a CPU second of a GPT with `weights` weights: learnt in a fit, and written."""

    learnt: float
    written: float
    weights: float
    device: str

    def of(self, weights: float) -> float:
        """Tokens a second that a model of another size would learn: the work grows with it."""
        return self.learnt * self.weights / real_number("weights", weights, low=0, open_low=True)

    def __str__(self) -> str:
        return (
            f"{self.device}: {self.learnt:,.0f} tokens a second learnt, {self.written:,.0f} "
            f"written, by a GPT of {self.weights:,.0f} weights"
        )


def measure(progress: str | None = None) -> Speed:
    """How fast one core of this machine trains and writes; some seconds, once in a process.

    CPU seconds: what else the core does meanwhile is not counted. progress: the name of the cell,
    for the line that counts the steps.
    """
    if not _MEASURED:
        with Progress(3, "step", progress) as bar:
            _MEASURED.append(_timed(bar))
    return _MEASURED[0]


_MEASURED: list[Speed] = []


def _timed(bar: Progress) -> Speed:
    from helpers.models.gpt import GPT

    rng = np.random.default_rng(14)
    rows = rng.integers(VOCABULARY, size=(256, CONTEXT + 1))
    model = GPT(VOCABULARY, CONTEXT, steps=1, learning_rate=1e-3, **TIMED).fit(rows, rng)
    bar.done()  # the first step loads things, and is not counted
    began = time.process_time()
    model = model.set_params(steps=STEPS).fit(rows, rng)
    learnt = STEPS * TIMED["batch_size"] * CONTEXT / (time.process_time() - began)
    bar.done()
    began = time.process_time()
    model.sample(WRITTEN, rng)
    written = WRITTEN * CONTEXT / (time.process_time() - began)
    bar.done()
    weights = sum(w.numel() for w in model.network_.parameters())
    return Speed(learnt, written, weights, "one core of this machine")


def gpu_line() -> str:
    """Whether torch finds a GPU here, and what then."""
    from helpers.models import devices

    card = devices.choose("auto")
    if card.type == "cpu":
        return "No GPU here: its column below is an estimate, and nobody of us has run it."
    return f"{devices.name(card)}: measure it with `python tests/benchmarks/gpu.py`"


def hours(
    tokens: float,
    tokens_per_second: float,
    *,
    epochs: float = EPOCHS,
    generations: int = GENERATIONS,
    beams: int = 1,
    seeds: int = 1,
) -> float:
    """Hours of a loop: generation 0 and `generations` more, each fitted and each writing a text.

    tokens: of the text of a generation. A written token is taken to cost as much as a learnt one,
    times the beams.
    """
    for name, value in (("tokens", tokens), ("tokens_per_second", tokens_per_second)):
        real_number(name, value, low=0, open_low=True)
    passes = epochs + beams
    return seeds * (generations + 1) * tokens * passes / tokens_per_second / 3600


def memory_gb(weights: float, lora: bool = False) -> float:
    """GB that a fit holds for its weights: numbers of 4 bytes each, activations not counted.

    All weights: the number, its gradient and the optimiser's two. LoRA: the frozen number, and all
    four for as many as one weight in a hundred.
    """
    return weights * (BYTES_FROZEN + BYTES * LORA_SHARE if lora else BYTES) / 1e9


def an_hour(speed: Speed) -> pd.DataFrame:
    """Tokens learnt in an hour, by model: on this core, and on a GPU by estimate; memory in GB."""
    gpu = [per_second * HUB_WEIGHTS * 3600 for per_second in GPU]
    rows = {
        name: {
            "tokens, this core": counted(3600 * speed.of(weights), 2),
            "tokens, a GPU (estimate)": " to ".join(counted(one / weights, 2) for one in gpu)
            if weights >= HUB_WEIGHTS
            else "-",
            "GB, all weights": short(memory_gb(weights), 2),
            "GB, LoRA": short(memory_gb(weights, lora=True), 2),
        }
        for name, weights in MODELS.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def nature_hours(speed: Speed, epochs: int = EPOCHS) -> float:
    """Hours of one seed of a setting of Nature's on that core: ten models, five beams.

    epochs: 5 in its first setting, 10 in its second.
    """
    return hours(WIKITEXT, speed.of(HUB_WEIGHTS), epochs=epochs, beams=BEAMS)


SPANS = {  # hours -> what a reader calls them
    24: "less than a day", 24 * 7: "a day to a week", 24 * 90: "a week to three months",
    np.inf: "more than three months",
}  # fmt: skip


def span(time_needed: float) -> str:
    """The words of SPANS for a number of hours."""
    return next(words for most, words in SPANS.items() if time_needed < most)


# ---------------------------------------------------------------------- the figure

SIZES = np.sort(np.append(np.logspace(5, 10, 60), HUB_WEIGHTS))  # where the GPU's band begins, too
CORE, CARD = "one core", "a GPU, by estimate"


def bill_picture(
    parameters: float = HUB_WEIGHTS,
    tokens: float = WIKITEXT,
    generations: int = GENERATIONS,
    seeds: int = 1,
    tokens_per_second: float = LEARNT,
) -> Picture:
    """Hours of a whole run against the size of the model: on one core, and on a GPU by estimate.

    tokens: of the text of a generation; five epochs in each fit, and every text is written once.
    tokens_per_second: what the core learns of a GPT with 3.4 million weights, as `measure` says.
    """
    chosen = real_number("parameters", parameters, low=SIZES[0], high=SIZES[-1])
    positive_int("generations", generations)
    positive_int("seeds", seeds)
    core = Speed(real_number("tokens_per_second", tokens_per_second, low=0, open_low=True), 0,
                 TIMED_WEIGHTS, "core")  # fmt: skip

    def run(rate: Any) -> Any:
        return hours(tokens, 1.0, generations=generations, seeds=seeds) / rate

    mine = run(core.of(1) / SIZES)
    busy = SIZES[SIZES >= HUB_WEIGHTS]
    slow, fast = (run(one * HUB_WEIGHTS / busy) for one in GPU)
    needed = float(run(core.of(chosen)))
    room, lora = (_gigabytes(memory_gb(chosen, few)) for few in (False, True))
    room = room if room == lora else f"{room}, with LoRA {lora}"
    title = f"{counted(chosen)} weights: {in_words(needed)} on one core"
    figure = style.sheet(4.0, title)
    axes = style.add_axes(figure, 0.85, 0.6, style.label_room([CORE, CARD]), 0.5)
    axes.plot(SIZES, mine, color=PALETTE["vermillion"], linewidth=2.4)
    axes.fill_between(busy, fast, slow, color=PALETTE["blue"], alpha=0.3, linewidth=0)
    axes.plot(chosen, needed, color=style.INK, marker="o", markersize=9, clip_on=False)
    axes.set(xscale="log", yscale="log", xlim=(SIZES[0], SIZES[-1]))
    _landmarks(axes, low=min(fast[0], mine[0]), high=mine[-1])
    style.log_ticks(axes.xaxis)
    style.log_ticks(axes.yaxis)
    style.name_axes(axes, "weights of the model (log scale)", "hours of the run (log scale)")
    style.keep_clear(axes)
    style.label_right(axes, [(mine[-1], CORE, PALETTE["vermillion"]),
                             (float(np.sqrt(slow[-1] * fast[-1])), CARD,
                              PALETTE["blue"])])  # fmt: skip
    low, high = (in_words(float(run(one * HUB_WEIGHTS / chosen))) for one in reversed(GPU))
    gpu = f"{low} to {high}" if chosen >= HUB_WEIGHTS else "not reckoned for so small a model"
    said = f"{title}; {room}; a GPU, by estimate: {gpu}"
    alt = (
        f"Hours of a run against the weights of its model, both on log scales: a line for one core "
        f"and below it, from {counted(HUB_WEIGHTS)} weights on, a band for a GPU, both rising in "
        f"proportion. A dot stands at {said}."
    )
    return Picture(figure, alt, said)


def _landmarks(axes: Any, low: float, high: float) -> None:
    """A night, a year, and the sizes of three models of papers; low, high: least and most hours."""
    for name, height in LINES.items():
        if low / 3 < height < high * 3:
            axes.axhline(height, color=style.GREY, linestyle=":", linewidth=1.2)
            axes.text(SIZES[0] * 1.15, height * 1.2, name, fontsize=10, color=style.INK,
                      bbox={"facecolor": style.PAPER, "linewidth": 0, "pad": 0.5})  # fmt: skip
    foot = axes.get_ylim()[0] / 300  # room for the names, below all that is drawn
    for name in MARKS:
        axes.plot(MODELS[name], foot, marker=2, markersize=9, color=style.INK, clip_on=False)
        axes.text(MODELS[name], foot * 2.6, f" {name}", rotation=90, ha="center", va="bottom",
                  fontsize=9.5, color=style.INK)  # fmt: skip
    axes.set_ylim(foot)


def _gigabytes(memory: float) -> str:
    return "under 0.1 GB" if memory < 0.1 else f"{short(memory, 2)} GB"


def in_words(time_needed: float) -> str:
    """Hours in the unit that is easiest to picture: seconds, minutes, hours, days or years."""
    units = {"years": YEAR, "days": 24.0, "hours": 1.0, "minutes": 1 / 60, "seconds": 1 / 3600}
    unit = next((name for name, each in units.items() if time_needed >= 2 * each), "seconds")
    return f"{counted(time_needed / units[unit], 2)} {unit}"


def counted(number: float, digits: int = 3) -> str:
    """A large number in words, in so many digits: 125 million."""
    for size, word in ((1e9, " billion"), (1e6, " million")):
        if number >= size:
            return f"{short(number / size, digits)}{word}"
    return short(number, digits)


def bill_explorer(tokens_per_second: float = LEARNT) -> Explorer:
    """Sliders over `bill_picture`, beginning with what was measured here."""
    return explore(
        bill_picture,
        parameters=logarithmic("weights", 1e5, 1e10, HUB_WEIGHTS),
        tokens=logarithmic("tokens a generation", 1e4, 1e10, WIKITEXT),
        generations=whole("generations", 1, 20, GENERATIONS),
        seeds=whole("seeds", 1, 10, 1),
        tokens_per_second=logarithmic(
            "GPT tokens a second", 10, 1e6, float(np.clip(tokens_per_second, 10, 1e6))
        ),
    )
