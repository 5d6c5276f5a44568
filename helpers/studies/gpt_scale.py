"""Does the picture of `gpt` survive a hundred times the size? Stories of 5,000 people, on one GPU.

The world of `gpt` grown to 5,000 people and 200 cities, jobs and foods; 100,000 rows a generation
instead of 800; three sizes of network, of .5, 5 and 28 million parameters. Every fit starts from
scratch. Arms, of three generations after the one on real rows:

    replace                 the newest model's 100,000 rows
    accumulate_flat         real rows and all texts, as many steps as the others
    accumulate_proportion   the same pile, steps in proportion to it
    real_only               real rows alone, at the steps that suit them best: what to keep instead
    grown                   as many rows and steps as accumulate_proportion, all of the newest model
    tenth                   a random tenth of the rows real, the rest of the newest model
    cool                    replace, written at temperature .8

Rate and steps of a size are those of the least held-out loss on seed 100, which reports nothing:
first the rate, at few steps, then the steps. The loops take the best of up to 3,000 steps, for the
bill, `real_only` the best of all. Everything else is as in `gpt`, its yardsticks too; of texts they
look at the first 100,000 rows.

Rules, committed before any seed ran; a probe of one seed, in other code, led to the margins.
Differences are paired over seeds, with a 95 % t interval, and a rule holds only where the whole
interval is on its side. Of the middle size and, where none is named, of generations 1, 2 and 3:

- Replace loses: `excess` of replace minus that of generation 0, above 0.
- Old texts help: `excess` of replace minus accumulate_flat, above 0.
- It bends: the rise of `excess` of accumulate_flat from 0 to 1, minus that from 2 to 3, above 0.
- Rare first: the share that is lost of `recall_tail` minus the share that is lost of
  `recall_head`, of replace, above 0.
- The mark misleads: `fact_accuracy` of replace minus that of generation 0 within .01 of 0 in
  generation 3, while its `recall_tail` minus that of generation 0 is below -.1.
- Not better than to stop: `excess` of accumulate_proportion minus real_only within .005 of 0.
- Old rows, not many rows: `excess` of grown minus accumulate_proportion, above 0.
- A tenth helps: `excess` of replace minus tenth, above 0.
- Cool texts lose people: `names_alive` of cool minus replace, below 0, in generation 0, too.
- Size: the rise of `excess` of replace from 0 to 3, big minus middle, within .01 of 0; small minus
  middle, above 0.
Secondary, and described only: everything else.

It is recorded fit by fit, on whatever GPU is at hand, for as many minutes as there are:

    python -m helpers.studies.gpt_scale FOLDER --minutes 9     # again, until it says: all done
    python -m helpers.studies.gpt_scale FOLDER --record        # what is done, into helpers/results

Each finished fit is a file in FOLDER, with card, version of torch and seconds. Beside it lies its
text (2 MB) as long as a later fit trains on it. Carry FOLDER to the next machine: it goes on there.
No weights are kept: who goes on with a seed fits its generation 0 again, to measure surprise by it.
Needs no more than torch, NumPy, SciPy, scikit-learn, pandas, joblib and tqdm, and nothing of
Jupyter. Nobody of us has run it on a GPU yet. Three things of a record are not those of other
studies: it may hold a part, in the order of `plan`; it names the card of each fit; and `--verify`
compares within TOLERANCE, since a GPU adds up in another order each time.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from helpers import studies
from helpers._arguments import one_of, positive_int
from helpers._ground import write_whole
from helpers.data.stories import StoryGrammar
from helpers.loop import Arguments, Generation, History, Policy, fit_stream, iterate
from helpers.metrics import language as lm
from helpers.models import devices
from helpers.models.gpt import GPT
from helpers.policies import Accumulate, Mix, Replace
from helpers.studies import _scale_summary, stories
from helpers.studies._fits import Clocked, Folder

COMMAND = "python -m helpers.studies.gpt_scale FOLDER"
SEEDS = range(3)
SETTINGS: dict[str, Any] = {
    "world": {"n_names": 5_000, "n_values": 200},
    "data": {"rows": 100_000, "length": 33, "test_rows": 4_000},
    "sizes": {
        "small": {"width": 64, "layers": 2, "heads": 2},
        "middle": {"width": 256, "layers": 4, "heads": 4},
        "big": {"width": 512, "layers": 8, "heads": 8},
    },
    "batch_size": 256,
    "rates": [7.5e-4, 1.5e-3, 3e-3, 6e-3],
    "rate_steps": 500,
    "steps": [750, 1_500, 3_000],  # of which the loops take the best
    "long_steps": [6_000],  # real_only may take these, too
    "tuned_on": 100,
    "text_steps": 1_000,  # a text and its yardsticks take about as long as so many steps: a guess
    "generations": 3,
    "temperature": 0.8,
    "real_share": 0.1,
}
SMALL: dict[str, Any] = {  # a rehearsal: every kind of fit, in seconds
    "world": {"n_names": 120, "n_values": 22},
    "data": {"rows": 60, "length": 17, "test_rows": 20},
    "sizes": {s: {"width": w, "layers": 1, "heads": 2} for s, w in (("middle", 16), ("big", 32))},
    "batch_size": 8,
    "rates": [3e-3, 6e-3],
    "rate_steps": 2,
    "steps": [3],
    "long_steps": [4],
    "text_steps": 10,
    "generations": 2,
}
# What two runs of one fit may differ by, of the value: set before any two were compared.
TOLERANCE = {"excess": 0.1, "recall_head": 0.02, "recall_mid": 0.05, "recall_tail": 0.1}
OTHER = 0.05
BROKEN = 1e9  # nats a token: the loss of a fit that broke


class Arm(NamedTuple):
    """One way to go on."""

    policy: Policy
    in_proportion: bool = False  # steps to rows
    grows: bool = False  # writes as many rows as the next fit of accumulate trains on
    cool: bool = False

    @property
    def writes_first(self) -> bool:
        """Whether generation 0 writes a text for this arm alone."""
        return self.grows or self.cool


REPLACE = Replace().name
ARMS: dict[str, Arm] = {
    REPLACE: Arm(Replace()),
    "accumulate_flat": Arm(Accumulate()),
    "accumulate_proportion": Arm(Accumulate(), in_proportion=True),
    "cool": Arm(Replace(), cool=True),
    "tenth": Arm(Mix(SETTINGS["real_share"])),
    "grown": Arm(Replace(), in_proportion=True, grows=True),
}
FIRST, REAL_ONLY = "first", "real_only"  # generation 0 of all arms; and of none


class Fit(NamedTuple):
    """One fit, and what is written and measured after it; its place in the plan."""

    size: str
    seed: int
    arm: str  # one of ARMS, FIRST, REAL_ONLY, or a value that is tried on another seed
    generation: int = 0

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.size}-seed{self.seed}-{self.arm}-g{self.generation}"


def settings(scale: str) -> dict[str, Any]:
    """SETTINGS, or those of a rehearsal; ValueError for another scale."""
    one_of("scale", scale, studies.SCALES)
    return SETTINGS if scale == "full" else SETTINGS | SMALL


def plan(scale: str, seeds: Sequence[int] = SEEDS) -> list[Fit]:
    """All fits in the order in which they are done, what matters most first."""
    main = (REPLACE, "accumulate_flat", "accumulate_proportion")
    rest = tuple(name for name in ARMS if name not in main)
    sizes = [size for size in settings(scale)["sizes"] if size != "middle"]
    found = _tuning("middle", scale)
    for names, real_only in ((main, True), (rest, False)):
        for seed in seeds:
            found += _of_a_seed("middle", seed, names, scale, real_only)
    for size in sizes:
        found += _tuning(size, scale)
        for seed in seeds:
            found += _of_a_seed(size, seed, (*main, *rest), scale, True)
    return found


class Runner:
    """Does the fits of a plan, one after another, and keeps each in a folder.

    folder: of finished fits, made if it is not there; those it holds are not done again.
    device: of `GPT`. ValueError, before any work, for a full run without a GPU unless device is
    "cpu", which would take weeks, and for a folder with fits of other settings or other code.
    """

    def __init__(self, folder: Path, scale: str = "full", device: str = "auto") -> None:
        self.settings, self.scale = settings(scale), scale
        place = devices.choose(device)
        if scale == "full" and place.type == "cpu" and device != "cpu":
            raise ValueError(
                "gpt_scale at full size needs a GPU, and torch finds none here; --scale small "
                "tries it on any machine, and --device cpu insists (weeks)"
            )
        self.device, self.card = device, devices.name(place)
        self.fits = Folder(folder, studies._fingerprint(sys.modules[__name__], scale))
        self.world = StoryGrammar(**self.settings["world"])
        self._first: tuple[tuple[str, int], GPT] | None = None

    def run(self, fits: Sequence[Fit], minutes: float = float("inf")) -> int:
        """Do those that are not done, in order; how many are left when the time is over.

        None is begun that would not end in `minutes`, by the pace of those before. An interrupt
        costs the fit at hand and no other.
        """
        start = time.monotonic()
        pace: dict[str, float] = {}
        for fit in fits:
            if self.fits.has(fit.name):
                continue
            began = time.monotonic()
            if 60 * minutes - (began - start) < 1.2 * pace.get(fit.size, 0.0) * self.work(fit):
                break
            self.do(fit)
            waiting = [other for other in fits if not self.fits.has(other.name)]
            self.fits.drop_texts({before.name for other in waiting for before in _past(other)})
            spent = time.monotonic() - began
            pace[fit.size] = max(pace.get(fit.size, 0.0), spent / self.work(fit))
            print(f"{fit.name}: {spent:.0f} s", flush=True)
        return sum(not self.fits.has(fit.name) for fit in fits)

    # ------------------------------------------------------------------ one fit

    def do(self, fit: Fit) -> None:
        """Fit, write, measure, and keep it."""
        model = self.model(fit)
        began = time.perf_counter()
        if fit.arm == FIRST or fit.arm in ARMS:
            generation = self._turn(fit, model)
            fitted, text = generation.model, np.asarray(generation.produced)
        else:
            fitted, text = self._alone(fit, model), None
        turned = time.perf_counter()
        values = {"excess": BROKEN} if fitted is None else self.measures(fit, fitted, text)
        tokens = model.steps * model.batch_size * model.context
        seconds = {"fit": getattr(fitted, "fit_seconds_", 0.0), "turn": turned - began}
        content = fit._asdict() | {
            "steps": model.steps,
            "rate": model.learning_rate,
            "measures": values,
            "card": self.card,
            "torch": torch.__version__,
            "seconds": seconds | {"measure": time.perf_counter() - turned},
            "tokens_a_second": tokens / seconds["fit"] if seconds["fit"] else None,
        }
        self.fits.keep(fit.name, content, text)

    def model(self, fit: Fit) -> Clocked:
        """The model of a fit, not fitted."""
        chosen = self.settings
        steps, rate = self.budget(fit)
        return Clocked(
            len(self.world.words),
            context=chosen["data"]["length"] - 1,
            **chosen["sizes"][fit.size],
            steps=steps,
            batch_size=chosen["batch_size"],
            learning_rate=rate,
            temperature=chosen["temperature"] if fit.arm == "cool" else 1.0,
            device=self.device,
        )

    def budget(self, fit: Fit) -> tuple[int, float]:
        """Steps and rate: what is tried, or what was best of what was tried."""
        what, _, value = fit.arm.partition("_")
        if what == "rate":
            return self.settings["rate_steps"], float(value)
        rate = self._best(fit.size, "rate", self.settings["rates"])
        if what == "steps":
            return int(value), rate
        tried = list(self.settings["steps"])
        if fit.arm == REAL_ONLY:
            tried += self.settings["long_steps"]
        steps = int(self._best(fit.size, "steps", tried))
        in_proportion = fit.arm in ARMS and ARMS[fit.arm].in_proportion
        return steps * (fit.generation + 1 if in_proportion else 1), rate

    def measures(self, fit: Fit, fitted: GPT, text: np.ndarray | None) -> dict[str, float]:
        """All yardsticks; without a text those that look into the model."""
        real, test, truth = self.rows(fit.seed)
        if text is None:
            known = lm.recall_by_fame(fitted, self.world)
            inside = {f"recall_{part}": value for part, value in known.items()}
            return {"excess": lm.excess_cross_entropy(fitted, test, truth)} | inside
        first = fitted if fit.arm == FIRST else self.first(fit.size, fit.seed)
        begin = stories.Start(real, test, truth, first)
        return stories.measures(begin, fitted, text[: len(real)], world=self.world)

    def first(self, size: str, seed: int) -> GPT:
        """Generation 0 of a seed; fitted again, from the same draws, where it is not at hand."""
        if self._first is None or self._first[0] != (size, seed):
            self._first = (size, seed), self._fitted(self.model(Fit(size, seed, FIRST)), seed)
        return self._first[1]

    def rows(self, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Real rows and test rows of a seed, and the true scores of the latter."""
        data = self.settings["data"]
        return _rows(self.world, seed, data["rows"], data["test_rows"], data["length"])

    def work(self, fit: Fit) -> int:
        """What a fit takes, in steps, to guess the next one's time by; a text counts as many."""
        return self.budget(fit)[0] + self.settings["text_steps"]

    # ------------------------------------------------------------------ details

    def _turn(self, fit: Fit, model: GPT) -> Generation:
        """One turn of the loop behind the texts that are there."""
        real, _, _ = self.rows(fit.seed)
        arm = ARMS.get(fit.arm, Arm(Replace()))
        past = [self.fits.text(before.name) for before in _past(fit)]
        history = History([Generation(i, None, text, text, {}, {}) for i, text in enumerate(past)])
        first = None
        if fit.generation == 0 and fit.arm != FIRST:
            first = self.first(fit.size, fit.seed).with_sampler(temperature=model.temperature)
        loop: Arguments = {"policy": arm.policy, "seed": fit.seed, "first": first}
        loop["resume"] = history
        loop["n_samples"] = len(real) * (fit.generation + 2 if arm.grows else 1)
        generation = next(iterate(model, real, **loop))
        if fit.arm == FIRST:
            self._first = (fit.size, fit.seed), generation.model
        return generation

    def _fitted(self, model: GPT, seed: int) -> GPT:
        return model.fit(self.rows(seed)[0], fit_stream(seed))

    def _alone(self, fit: Fit, model: GPT) -> GPT | None:
        """A fit to real rows; None where a rate that is only tried was too much for it."""
        try:
            return self._fitted(model, fit.seed)
        except ValueError as error:
            if not _is_tuning(fit.arm) or "the fit stopped" not in str(error):
                raise
            return None

    def _best(self, size: str, what: str, values: Sequence[float]) -> float:
        """The value with the least held-out loss; one that broke its fit has none."""
        loss = {}
        for value in values:
            fit = Fit(size, self.settings["tuned_on"], f"{what}_{value}")
            loss[value] = self.fits.read(fit.name)["measures"]["excess"]
        return min(loss, key=lambda value: loss[value])


# ---------------------------------------------------------------------- as every study


def trial(seed: int, scale: str = "full") -> pd.DataFrame:
    """All arms of all sizes for one seed: columns arm, generation, metric, value.

    Of the rehearsal, scale "small", alone: ValueError for a full one, which is recorded fit by fit.
    """
    if scale == "full":
        raise ValueError(f"gpt_scale is recorded fit by fit, on a GPU: {COMMAND} --minutes 9")
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder), scale)
        runner.run(plan(scale, [seed]))
        return frame(runner).drop(columns="replicate")


def frame(runner: Runner) -> pd.DataFrame:
    """What is done so far, tuning left out: arm (SIZE_ARM), generation, metric, value, replicate.

    The fit of generation 0 stands in every arm that goes on from it.
    """
    found = []
    for content in runner.fits.all().values():
        size, arm, at = content["size"], content["arm"], content["generation"]
        names = [arm] if arm in (*ARMS, REAL_ONLY) else []
        if arm == FIRST:
            names = [name for name, other in ARMS.items() if not other.writes_first]
        rows = [(metric, value, content["seed"]) for metric, value in content["measures"].items()]
        found += [(f"{size}_{name}", at, *row) for name in names for row in rows]
    table = pd.DataFrame(found, columns=studies.COLUMNS)
    begun = table.groupby("arm")["generation"].max()
    more = begun.index[(begun > 0) | begun.index.str.endswith((REAL_ONLY, REPLACE))]
    order = ["replicate", "arm", "generation", "metric"]
    return table[table["arm"].isin(more)].sort_values(order, ignore_index=True)


def summary(frame: pd.DataFrame) -> dict[str, float]:
    """Means over seeds, and what the rules ask of, as far as it is there."""
    return _scale_summary.summary(frame, REAL_ONLY)


def record(folder: Path, results: Path | None = None, scale: str = "full") -> pd.DataFrame:
    """Write helpers/results/gpt_scale.csv and .json of all that is done in `folder`.

    ValueError when no seed has a fit.
    """
    runner = Runner(folder, scale, "cpu")
    table = frame(runner)
    if table.empty:
        raise ValueError(f"{folder} must hold finished fits of a reported seed, got none")
    text = table.to_csv(index=False, float_format=studies.DIGITS)
    numbers = summary(pd.read_csv(io.StringIO(text)))
    content = {
        "command": f"{COMMAND} --record",
        "seeds": sorted(set(table["replicate"].tolist())),
        "scale": scale,
        "settings": settings(scale),
        **runner.fits.about(),
        "fits_left": sum(not runner.fits.has(fit.name) for fit in plan(scale)),
        "summary": {key: studies._rounded(value) for key, value in numbers.items()},
    }
    content["versions"] = studies._versions() | content["versions"]
    place = studies.RESULTS if results is None else results
    write_whole(place / "gpt_scale.csv", text)
    write_whole(place / "gpt_scale.json", json.dumps(content, indent=1) + "\n")
    return table


def verify(folder: Path, n_fits: int, scale: str = "full", device: str = "auto") -> pd.DataFrame:
    """Do the first `n_fits` reported fits of `folder` again; the rows that differ too much.

    Too much is more than TOLERANCE of the value, or OTHER: a GPU adds up in another order each
    time, another card even more so. Columns fit, metric, recorded, again, card, here.
    """
    positive_int("n_fits", n_fits)
    kept = Runner(folder, scale, device)
    every = [fit for fit in plan(scale) if kept.fits.has(fit.name)]
    chosen = [fit for fit in every if not _is_tuning(fit.arm)][:n_fits]
    if len(chosen) < n_fits:
        raise ValueError(f"n_fits must be at most the {len(chosen)} that are done, got {n_fits}")
    with tempfile.TemporaryDirectory() as again:
        runner = Runner(Path(again), scale, device)
        for fit in every:
            if _is_tuning(fit.arm):
                runner.fits.keep(fit.name, kept.fits.read(fit.name))
        runner.run(chosen)
        rows = kept.fits.differences(runner.fits, [fit.name for fit in chosen], TOLERANCE, OTHER)
    return pd.DataFrame(rows, columns=["fit", "metric", "recorded", "again", "card", "here"])


def main(argv: Sequence[str] | None = None) -> int:
    """The commands above; returns the exit code, 0 also when the time is over."""
    parser = argparse.ArgumentParser(prog="gpt_scale", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help="of finished fits")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop before that")
    parser.add_argument("--scale", choices=studies.SCALES, default="full")
    parser.add_argument("--device", choices=devices.DEVICES, default="auto")
    parser.add_argument("--record", action="store_true", help="write the table of what is done")
    parser.add_argument("--verify", type=int, metavar="N", help="do the first N fits again")
    given = parser.parse_args(argv)
    try:
        if given.record:
            place = None if given.scale == "full" else given.folder
            print(f"recorded: {len(record(given.folder, place, given.scale))} rows")
        elif given.verify is not None:
            found = verify(given.folder, given.verify, given.scale, given.device)
            print("all within tolerance" if found.empty else found.to_string(index=False))
            return int(not found.empty)
        else:
            plans, runner = plan(given.scale), Runner(given.folder, given.scale, given.device)
            left = runner.run(plans, given.minutes)
            print(f"{left} fits are left: run it again" if left else "all done")
    except KeyboardInterrupt:
        print("Interrupted: the finished fits are kept. Run it again.")
        return 130
    except ValueError as error:
        print(f"gpt_scale: {error}", file=sys.stderr)
        return 1
    return 0


# ---------------------------------------------------------------------- details


def _tuning(size: str, scale: str) -> list[Fit]:
    """What is tried before anything of a size is reported: rates first, then steps."""
    chosen = settings(scale)
    tried = [f"rate_{rate}" for rate in chosen["rates"]]
    tried += [f"steps_{steps}" for steps in (*chosen["steps"], *chosen["long_steps"])]
    return [Fit(size, chosen["tuned_on"], name) for name in tried]


def _is_tuning(arm: str) -> bool:
    return arm.startswith(("rate_", "steps_"))


def _of_a_seed(
    size: str, seed: int, names: Sequence[str], scale: str, whole: bool
) -> Iterator[Fit]:
    """The fits of some arms; whole: with generation 0 and real_only."""
    if whole:
        yield Fit(size, seed, FIRST)
    for name in names:
        begin = 0 if ARMS[name].writes_first else 1
        for generation in range(begin, settings(scale)["generations"] + 1):
            yield Fit(size, seed, name, generation)
    if whole:
        yield Fit(size, seed, REAL_ONLY)


def _past(fit: Fit) -> list[Fit]:
    """The fits whose texts it may train on, oldest first."""
    if fit.arm not in ARMS or fit.generation == 0:
        return []
    start = fit.arm if ARMS[fit.arm].writes_first else FIRST
    later = [Fit(fit.size, fit.seed, fit.arm, g) for g in range(1, fit.generation)]
    return [Fit(fit.size, fit.seed, start), *later]


@lru_cache(maxsize=2)
def _rows(
    world: StoryGrammar, seed: int, n: int, n_test: int, length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    real, test = (np.random.default_rng([seed, stream]) for stream in (1, 2))
    rows = world.sample(n_test, length, test)
    return world.sample(n, length, real), rows, world.token_log_probabilities(rows)


if __name__ == "__main__":
    sys.exit(main())
