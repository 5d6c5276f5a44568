"""The telephone village: a class plays resampling with dice, and the notebook reads its tallies.

A card is a row of six boxes, at first 1 2 3 4 5 6. Blue: each new box copies the box of the row
above that a die shows. Green: boxes 1 to 5 likewise, box 6 takes the face itself (fresh real data).
Blue is resampling with n = 6: the mean variance of its rows is 35/12 (1 - 1/6)**t.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers._arguments import one_of, positive_int
from helpers.teaching._forms import escape, nonempty_text

if TYPE_CHECKING:
    import pandas as pd

COLOURS = ("blue", "green")
_BETWEEN = re.compile(r"[\s,.;:|/()\[\]<>→–—-]+")
ROWS = 8
_COLUMNS = ["date", "site", "pair", "colour", "margin", "last_row"]


@dataclass(frozen=True)
class Pair:
    """One card: its colour, how many different numbers each row holds, and its last row."""

    number: int
    colour: str
    margin: tuple[int, ...]
    last_row: tuple[int, ...]
    simulated: bool = field(default=False, compare=False)  # played by the notebook

    def __str__(self) -> str:
        return f"{self.colour:<5} {_digits(self.margin)} {_digits(self.last_row)}"


@dataclass(frozen=True)
class ClassTallies:
    """The cards of a class that can be read, and a sentence for each that cannot (`slips`)."""

    pairs: tuple[Pair, ...]
    slips: tuple[str, ...] = field(default=())

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: pair, colour, row (0 to 8), different. A card that stopped early has fewer rows."""
        import pandas as pd

        rows = [
            (pair.number, pair.colour, row, different)
            for pair in self.pairs
            for row, different in enumerate(pair.margin)
        ]
        return pd.DataFrame(rows, columns=["pair", "colour", "row", "different"])

    @property
    def means(self) -> pd.DataFrame:
        """The mean number of different faces: a row a row of the card, a column a colour."""
        return self.frame.pivot_table(index="row", columns="colour", values="different")

    def last_rows(self, colour: str = "blue") -> np.ndarray:
        """The last rows of one colour, shape (pairs, 6), whole numbers 1 to 6."""
        one_of("colour", colour, COLOURS)
        rows = [pair.last_row for pair in self.pairs if pair.colour == colour]
        return np.array(rows, dtype=int).reshape(-1, 6)

    def variances(self, colour: str = "blue") -> np.ndarray:
        """The variance (divisor 6) of each last row of one colour, shape (pairs,)."""
        return self.last_rows(colour).var(axis=1)

    def alive(self, colour: str = "blue") -> list[int]:
        """The faces that some last row of this colour still holds."""
        return [int(face) for face in np.unique(self.last_rows(colour))]

    def stuck(self, colour: str = "blue") -> int:
        """How many cards of this colour ended with a single number."""
        return sum(len(set(row)) == 1 for row in self.last_rows(colour).tolist())

    def in_a_room(self, seed: int) -> ClassTallies:
        """These cards; beside them, where fewer than two are blue, a simulated class."""
        blue = sum(pair.colour == "blue" for pair in self.pairs)
        return self if blue > 1 else self.beside(simulated_class(seed))

    def beside(self, others: ClassTallies) -> ClassTallies:
        """These cards and then `others`, numbered anew: one card at home and a simulated room."""
        both = (*self.pairs, *others.pairs)
        pairs = tuple(replace(pair, number=n) for n, pair in enumerate(both, start=1))
        return ClassTallies(pairs, (*self.slips, *others.slips))

    def save_pool(self, file: str | os.PathLike[str], *, site: str, date: str) -> None:
        """Append the cards to a CSV of several classes; only a call does this, nothing is sent.

        Simulated cards among those of a class are left out. ValueError if `file` exists and is not
        such a table; it is left as it is then.
        """
        nonempty_text("site", site)
        nonempty_text("date", date)
        path = Path(file)
        if path.exists():
            _check_header(path)
        new = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as table:
            writer = csv.writer(table, lineterminator="\n")
            if new:
                writer.writerow(_COLUMNS)
            played = [pair for pair in self.pairs if not pair.simulated]
            for pair in played or self.pairs:
                card = [pair.number, pair.colour, _digits(pair.margin), _digits(pair.last_row)]
                writer.writerow([date, site, *card])

    def __repr__(self) -> str:
        simulated = [pair for pair in self.pairs if pair.simulated]
        played = [pair for pair in self.pairs if not pair.simulated]
        counts = [_counted(played)] if played or not simulated else []
        counts += [f"{_counted(simulated)} SIMULATED by the notebook"] if simulated else []
        stuck = f"{self.stuck()} blue stuck on one number" if self.pairs else "nothing to read yet"
        return "\n".join([f"{', '.join(counts)}; {stuck}.", *self.slips])

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(line)}</p>" for line in repr(self).splitlines())


def _counted(pairs: Sequence[Pair]) -> str:
    counts = [f"{sum(pair.colour == colour for pair in pairs)} {colour}" for colour in COLOURS]
    return f"{' and '.join(counts)} cards"


def class_tallies(text: str) -> ClassTallies:
    """Read what a class typed, a line a pair: `blue 643322211 555555`.

    Colour; how many different numbers rows 0 to 8 hold (fewer digits if they stopped early); the
    last row. Digits may stand apart, and commas, colons, semicolons, bars, brackets, arrows and
    full stops do not matter: `Blue: 6, 4, 3; 5,5,5,3,3,1.` A line with a slip is left out and named
    in `slips`; it never raises on one. Blank lines and lines that start with # are skipped.
    TypeError if `text` is not a str.
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, a line a pair, got {text!r}")
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return _read([(line, _parts(line)) for line in lines if line])


def _parts(line: str) -> list[str]:
    """Colour, margin and last row of a line, whatever stands between its digits.

    Where it has more groups than two, the last row is the last group of six digits, or else the
    last six groups of one.
    """
    colour, *groups = _BETWEEN.sub(" ", line).split() or [""]
    halves = [
        half for half in re.split(r"[;|/]", line.partition(colour)[2]) if re.search(r"\w", half)
    ]
    if len(groups) > 2 and len(halves) == 2:
        groups = ["".join(_BETWEEN.sub(" ", half).split()) for half in halves]
    elif len(groups) > 2 and len(groups[-1]) == 6:
        groups = ["".join(groups[:-1]), groups[-1]]
    elif len(groups) > 6 and all(len(group) == 1 for group in groups[-6:]):
        groups = ["".join(groups[:-6]), "".join(groups[-6:])]
    return [colour, *groups]


def _read(lines: list[tuple[str, list[str]]]) -> ClassTallies:
    pairs, slips = [], []
    for number, (line, words) in enumerate(lines, start=1):
        slip = _slip(words)
        if slip:
            slips.append(f"Pair {number} ({line}): {slip}.")
        else:
            colour, margin, last = words
            pairs.append(Pair(number, colour.lower(), _faces(margin), _faces(last)))
    return ClassTallies(tuple(pairs), tuple(slips))


def _slip(words: list[str]) -> str:
    """What is wrong with a line of words; empty if nothing is."""
    if len(words) != 3:
        return f"three parts are needed (colour, margin, last row), these are {len(words)}"
    colour, margin, last = words[0].lower(), words[1], words[2]
    if colour not in COLOURS:
        return f"the colour must be blue or green, not {words[0]!r}"
    for name, digits in (("margin", margin), ("last row", last)):
        odd = [digit for digit in digits if digit not in "123456"]
        if odd:
            return f"the {name} may hold the digits 1 to 6 only, not {odd[0]!r}"
    if not 1 <= len(margin) <= ROWS + 1:
        return f"the margin has rows 0 to {ROWS}, so at most {ROWS + 1} digits, not {len(margin)}"
    if margin[0] != "6":
        return f"the margin starts with the 6 different numbers of row 0, not with {margin[0]}"
    return _rise(colour, _faces(margin)) or _wrong_last_row(margin, last)


def _rise(colour: str, margin: tuple[int, ...]) -> str:
    allowed = 0 if colour == "blue" else 1
    for row, (before, after) in enumerate(pairwise(margin), start=1):
        if after - before > allowed:
            limit = "never rises on a blue card" if colour == "blue" else "rises by one at most"
            return f"row {row} goes from {before} to {after} different numbers, but this {limit}"
    return ""


def _wrong_last_row(margin: str, last: str) -> str:
    if len(last) != 6:
        return f"the last row has 6 numbers, not {len(last)}"
    if len(set(last)) != int(margin[-1]):
        return (
            f"the last row {last} holds {len(set(last))} different numbers, "
            f"but the margin ends with {margin[-1]}"
        )
    return ""


def _faces(digits: str) -> tuple[int, ...]:
    return tuple(map(int, digits))


def _digits(faces: tuple[int, ...]) -> str:
    return "".join(map(str, faces))


def play(colour: str, rng: np.random.Generator, rows: int = ROWS) -> np.ndarray:
    """One simulated card: shape (rows + 1, 6), whole numbers 1 to 6, row 0 is 1 to 6."""
    one_of("colour", colour, COLOURS)
    card = [np.arange(1, 7)]
    for _ in range(positive_int("rows", rows)):
        dice = rng.integers(1, 7, size=6)
        row = card[-1][dice - 1]
        if colour == "green":
            row[5] = dice[5]
        card.append(row)
    return np.array(card)


def simulated_class(seed: int, *, blue: int = 7, green: int = 3) -> ClassTallies:
    """The tallies of a simulated class, for those who have none: 7 blue and 3 green cards."""
    rng = np.random.default_rng(positive_int("seed", seed, minimum=0))
    counts = (positive_int("blue", blue, minimum=0), positive_int("green", green, minimum=0))
    colours = [c for c, count in zip(COLOURS, counts, strict=True) for _ in range(count)]
    pairs = []
    for number, colour in enumerate(colours, start=1):
        card = play(colour, rng)
        margin = tuple(len(set(row)) for row in card.tolist())
        pairs.append(Pair(number, colour, margin, tuple(card[-1].tolist()), simulated=True))
    return ClassTallies(tuple(pairs))


def other_rooms(count: int, seed: int, *, blue: int = 7) -> pd.DataFrame:
    """Simulated rooms of `blue` blue cards: their mean variance (divisor 6), row by row.

    Tidy: run (the room), generation (row 0 to 8), metric "variance", value.
    """
    import pandas as pd

    rng = np.random.default_rng(positive_int("seed", seed, minimum=0))
    shape = (positive_int("count", count), positive_int("blue", blue))
    cards = np.array([play("blue", rng) for _ in range(shape[0] * shape[1])])
    means = cards.var(axis=2).reshape(*shape, ROWS + 1).mean(axis=1)
    table = pd.DataFrame(means).melt(ignore_index=False, var_name="generation")
    return table.rename_axis("run").reset_index().assign(metric="variance")


def pooled(*files: str | os.PathLike[str]) -> ClassTallies:
    """The cards of several rooms in one, from files that `save_pool` wrote."""
    lines = []
    for file in files:
        _check_header(Path(file))
        with Path(file).open(encoding="utf-8", newline="") as table:
            cards = [[r["colour"], r["margin"], r["last_row"]] for r in csv.DictReader(table)]
            lines += [(" ".join(card), card) for card in cards]
    return _read(lines)


def _check_header(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as table:
        header = next(csv.reader(table), [])
    if header != _COLUMNS:
        raise ValueError(f"file must be a table with the columns {', '.join(_COLUMNS)}: {path}")
