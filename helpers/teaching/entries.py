"""Entries to the capstone: a policy judged on many seeds, and a leaderboard that a class can share.

    judged = judge(MyKeeper(), seeds=range(8))
    print(judged)
    board = Leaderboard("my/leaderboard.jsonl")
    board.add(judged, author="Ada")

Entries are compared seed by seed, since two policies on one seed meet the same world: a paired
difference varies less than the scores do. The baselines' scores on recorded seeds are those of the
study `capstone`, on other seeds they are played. Nothing is sent anywhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers import capstone
from helpers._arguments import one_of, positive_int
from helpers._ground import answers_file, write_whole
from helpers._progress import Progress
from helpers.capstone import BASELINES, WORLDS, Leaks, Play
from helpers.studies import capstone as study
from helpers.studies.paired import effect
from helpers.teaching._forms import nonempty_text

BOARD = "leaderboard.jsonl"
TWICE = "two plays of one seed differ: draw from the rng that training_set gets and from no other"


@dataclass(frozen=True)
class Judgement:
    """A policy on several seeds and worlds. `plays`: world -> one play a seed, in order of `seeds`.

    void: empty, or one sentence: then there are no scores.
    """

    policy: str
    seeds: tuple[int, ...]
    plays: Mapping[str, tuple[Play, ...]]
    leaks: Leaks | None = None
    void: str = ""

    @property
    def scores(self) -> pd.DataFrame:
        """A row a seed, a column a world."""
        found = {world: [play.score for play in plays] for world, plays in self.plays.items()}
        return pd.DataFrame(found, index=pd.Index(self.seeds, name="seed"))

    @property
    def mean(self) -> float:
        """Mean score over worlds and seeds; NaN for a void entry."""
        return float("nan") if self.void else float(self.scores.to_numpy().mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % t interval of the mean over seeds; NaN with one seed or a void entry."""
        if self.void:
            return float("nan"), float("nan")
        _, low, high, _ = effect(self.scores.mean(axis=1))
        return low, high

    @property
    def table(self) -> pd.DataFrame:
        """A row a world and one for their mean: mean, low, high over seeds."""
        scores = self.scores.assign(mean=self.scores.mean(axis=1))
        rows = {name: effect(scores[name])[:3] for name in scores}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "low", "high"])

    @property
    def against(self) -> pd.DataFrame:
        """A row a baseline: this entry minus it, seed by seed and over worlds; mean, low, high."""
        own = self.scores.mean(axis=1)
        rows = {}
        for name in BASELINES:
            theirs = [
                np.mean([_baseline(name, world, seed, self.leaks) for world in self.plays])
                for seed in self.seeds
            ]
            rows[name] = effect(own - np.array(theirs))[:3]
        return pd.DataFrame.from_dict(rows, orient="index", columns=["difference", "low", "high"])

    def __str__(self) -> str:
        """The two tables, or why there are none."""
        many = len(self.seeds)
        first = f"{self.policy} on {many} seed{'s' if many != 1 else ''}"
        if self.leaks is not None:
            first += f", with checks that err: {self.leaks}"
        if self.void:
            return f"{first}: void. {self.void}."
        return "\n\n".join(
            [first, self.table.to_string(float_format=_tenths),
             "minus a baseline, seed by seed:\n" + self.against.to_string(float_format=_tenths)]
        )  # fmt: skip


def judge(
    policy: Any,
    seeds: Iterable[int] = range(8),
    worlds: Sequence[str] | None = None,
    leaks: Leaks | None = None,
    progress: bool | str = False,
    sandbox: bool = False,
) -> Judgement:
    """Play a policy on every seed in every world; the first seed twice, to see that it repeats.

    worlds: names, default all. leaks: how checks err; None, never. progress: True draws a bar, the
    name of a live cell gives it a first guess. sandbox: True runs checked programs in the sandbox,
    as `play` does; the answers are the same, and the judging takes ten times as long. A void play
    makes the entry void and ends its judging: one sentence says why. TypeError or ValueError for a
    bad argument, before any play.
    """
    chosen = tuple(positive_int("seeds", seed, minimum=0) for seed in seeds)
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"seeds must hold different seeds, at least one, got {list(chosen)}")
    names = tuple(WORLDS) if worlds is None else tuple(worlds)
    for name in names:
        one_of("worlds", name, tuple(WORLDS))
    if not names or len(set(names)) < len(names):
        raise ValueError(f"worlds must hold different worlds, at least one, got {list(names)}")
    called = capstone.arena.name_of(policy)
    plays: dict[str, list[Play]] = {name: [] for name in names}
    cell = progress if isinstance(progress, str) else None
    with Progress(len(names) * (len(chosen) + 1), "play", cell, shown=bool(progress)) as bar:
        for name in names:
            for seed in (chosen[0], *chosen):
                played = capstone.play(policy, name, seed, leaks, sandbox=sandbox)
                void = played.void and f"In {name}, seed {seed}, {played.void}"
                if not void and len(plays[name]) == 1 and seed == chosen[0]:
                    before = plays[name].pop()
                    void = "" if played.rounds == before.rounds else f"In {name}, {TWICE}"
                plays[name].append(played)
                bar.done()
                if void:
                    return Judgement(called, chosen, {}, leaks, void)
    return Judgement(called, chosen, {name: tuple(found) for name, found in plays.items()}, leaks)


@lru_cache(maxsize=1)
def _recorded() -> dict[tuple[str, int], float]:
    """(arm, seed) -> score in the study `capstone`; empty while it is not recorded."""
    try:
        return study.scores(study.recorded())
    except FileNotFoundError:
        return {}


@lru_cache(maxsize=4096)
def _baseline(name: str, world: str, seed: int, leaks: Leaks | None) -> float:
    known = _recorded().get((f"{world}_{name}", seed)) if leaks is None else None
    if known is not None:
        return known
    return capstone.play(capstone.by_name(name), world, seed, leaks, sandbox=False).score


# --- the leaderboard ---------------------------------------------------------------------------


class Leaderboard:
    """Entries in a text file, one JSON object a line. The file need not be there yet.

    file: None for the learner's own, beside their answers.

    A line that is no entry is left where it is, and named in `slips`: nothing is lost with it.
    """

    def __init__(self, file: str | os.PathLike[str] | None = None) -> None:
        self.path = answers_file().with_name(BOARD) if file is None else Path(file)

    def add(self, judged: Judgement, author: str) -> None:
        """Write an entry behind the others; the same entry again changes nothing.

        ValueError for an empty author and for an entry that is void, with leaks, or not on all
        worlds: such scores do not compare.
        """
        nonempty_text("author", author)
        if judged.void:
            raise ValueError(
                f"judged must be an entry that counts, this one is void: {judged.void}"
            )
        if judged.leaks is not None or set(judged.plays) != set(WORLDS):
            raise ValueError("judged must be of all worlds, without leaks: others do not compare")
        against = judged.against
        self._append([{
            "author": author,
            "policy": judged.policy,
            "seeds": list(judged.seeds),
            "scores": {name: _rounded(judged.scores[name]) for name in WORLDS},
            "against": {name: _rounded(against.loc[name]) for name in against.index},
        }])  # fmt: skip

    def merge(self, *files: str | os.PathLike[str]) -> list[str]:
        """Add the entries of other boards; returns a sentence for each line that is none.

        The other files stay as they are. FileNotFoundError for one that is not there, before
        anything is written.
        """
        found, slips = [], []
        for file in files:
            if not Path(file).exists():
                raise FileNotFoundError(f"there is no leaderboard {os.fspath(file)}")
            entries, bad = _read(Path(file))
            found += entries
            slips += bad
        self._append(found)
        return slips

    @property
    def slips(self) -> list[str]:
        """A sentence for each line of the file that is no entry."""
        return _read(self.path)[1]

    @property
    def frame(self) -> pd.DataFrame:
        """Best first: author, policy, seeds (how many), mean, low, high, minus each baseline."""
        rows = []
        for entry in _read(self.path)[0]:
            mean, low, high, _ = effect(_by_seed(entry))
            own = [entry["author"], entry["policy"], len(entry["seeds"]), mean, low, high]
            rows.append([*own, *(entry["against"][name][0] for name in BASELINES)])
        columns = ["author", "policy", "seeds", "mean", "low", "high"]
        columns += [f"minus {name}" for name in BASELINES]
        table = pd.DataFrame(rows, columns=columns)
        return table.sort_values("mean", ascending=False, kind="stable", ignore_index=True)

    def lead(self) -> tuple[float, float, float] | None:
        """First minus second, seed by seed: mean, low, high; None without two of the same seeds."""
        entries = sorted(_read(self.path)[0], key=lambda e: -float(np.mean(_by_seed(e))))
        if len(entries) < 2 or entries[0]["seeds"] != entries[1]["seeds"]:
            return None
        return effect(_by_seed(entries[0]) - _by_seed(entries[1]))[:3]

    def _append(self, entries: Iterable[dict[str, Any]]) -> None:
        old = self.path.read_bytes() if self.path.exists() else b""
        there = _read(self.path)[0]
        new = []
        for entry in entries:
            if entry not in there:
                there.append(entry)
                new.append(json.dumps(entry) + "\n")
        if new:
            between = b"\n" if old and not old.endswith(b"\n") else b""
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, old + between + "".join(new).encode())


def _read(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The entries of a file and a sentence for each other line; nothing of a file not there."""
    entries, slips = [], []
    for number, line in enumerate(path.read_bytes().split(b"\n") if path.exists() else [], 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line.decode())
            _check_entry(entry)
            entries.append(entry)
        except (ValueError, TypeError, KeyError, AttributeError):
            slips.append(f"{path.name}, line {number} is not an entry and was left out")
    return entries, slips


def _check_entry(entry: Any) -> None:
    """Any of four exceptions when `entry` is not one that `add` writes."""
    nonempty_text("author", entry["author"])
    nonempty_text("policy", entry["policy"])
    seeds = [positive_int("seeds", seed, minimum=0) for seed in entry["seeds"]]
    rows = [entry["scores"][name] for name in WORLDS]
    shape = np.array(rows, dtype=float)
    against = np.array([entry["against"][name] for name in BASELINES], dtype=float)
    if shape.shape != (len(WORLDS), len(seeds)) or not seeds or not np.isfinite(shape).all():
        raise ValueError("scores do not fit the seeds")
    if ((shape < 0) | (shape > 100)).any():
        raise ValueError("scores must lie between 0 and 100")
    if against.shape != (len(BASELINES), 3):
        raise ValueError("against must hold a difference and its interval for each baseline")


def _by_seed(entry: Mapping[str, Any]) -> np.ndarray:
    """Mean score over worlds, (seeds,)."""
    return np.asarray(np.mean([entry["scores"][name] for name in WORLDS], axis=0))


def _rounded(values: pd.Series) -> list[float | None]:
    return [round(float(value), 4) if np.isfinite(value) else None for value in values]


def _tenths(value: float) -> str:
    return f"{round(value, 1) + 0.0:.1f}"  # without the sign of a negative zero
