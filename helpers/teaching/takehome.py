"""The take-home page: what a learner has at the end of the course, in one HTML file.

Nothing is sent, and the file needs nothing else: no script, no picture, no font. Whatever a learner
typed is text in it, and a policy in its head forbids a browser to load or to run anything, should a
way round that be found. It is written beside the answers; one that is there, and says something
else, is kept under another name.

course take-home                     write it, and say where
course take-home --entry my.py       with the code of this file
course take-home --to mine.html      to another place
"""

from __future__ import annotations

import argparse
import base64
import math
import os
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from helpers._ground import spare_answers_file, write_whole
from helpers.teaching._forms import Page, escape, html_table
from helpers.teaching._lessons import told
from helpers.teaching._records import State, encode
from helpers.teaching._store import place, store
from helpers.teaching.compared import Compared, compared, summed
from helpers.teaching.scores import calibration

NAME = "take-home.html"
ENTRY = "13-entry"  # the exercise whose kept code is the learner's entry
LONGEST = 100_000  # characters of code that are printed
NOTHING = "Nothing of yours to take along yet, so no page: predict, judge, pass, and come again."


@runtime_checkable
class Judged(Protocol):
    """What the page needs of a judged entry of the capstone; str(judged) is printed below it.

    mean: its score. interval: low and high, 95 % over seeds, NaN with one seed. void: empty, or
    why there is no score.
    """

    @property
    def policy(self) -> str: ...
    @property
    def seeds(self) -> Sequence[int]: ...
    @property
    def mean(self) -> float: ...
    @property
    def interval(self) -> tuple[float, float]: ...
    @property
    def void(self) -> str: ...


def take_home(
    judged: Judged | None = None,
    *,
    entry: str | bytes | None = None,
    file: str | os.PathLike[str] | None = None,
) -> Page:
    """Write the page, and show where it is with a link to download it.

    judged: what `judge` said of your entry. entry: its code, as text; without it, the code that is
    kept of exercise 13-entry. file: where to write; without it, beside the answers, and in the home
    folder where that cannot be. While nothing is recorded and nothing named, nothing is written.
    TypeError for arguments of another kind, OSError where `file` cannot be written.
    """
    _check(judged, entry, file)
    if entry is None and file is None and not _anything(store().read()):
        return Page(NOTHING, f"<p>{escape(NOTHING)}</p>")
    text = page(judged, entry)
    said = _written(text, file)[1]
    link = base64.b64encode(text.encode()).decode()
    return Page(
        said,
        f'<p>{escape(said)}</p><p><a download="{NAME}" href="data:text/html;base64,{link}">'
        f"Download {NAME}</a>: one file, for any browser, to read and to print.</p>",
    )


def page(judged: Judged | None = None, entry: str | bytes | None = None) -> str:
    """The whole file as text, from what is recorded and what `take_home` was given."""
    state = store().read()
    parts = {
        "Your score in the capstone": _score(judged),
        "Your predictions": _predictions(),
        "Where we differ": _differences(compared()),
        "The code of your entry": _code(entry if entry is not None else _kept(state)),
        "For Monday": _monday(),
        "To go on elsewhere": _resume(state),
    }
    body = "".join(f"<section><h2>{head}</h2>{part}</section>" for head, part in parts.items())
    return _FRAME.format(style=_STYLE, body=body)


def printable(text: str | bytes) -> str:
    r"""`text` as it can be read: what would be invisible, reorder it or be no character is escaped.

    >>> printable(b"a = '\xff'\r\n"), printable("if x:\n\ty\u202e")
    ("a = '\\xff'\n", 'if x:\n\ty\\u202e')
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig", errors="backslashreplace")
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        char
        if char.isprintable() or char in "\n\t" or unicodedata.category(char) == "Zs"
        else char.encode("unicode_escape").decode()
        for char in lines
    )


# ---- the parts, each as HTML


def _said(text: str) -> str:
    return f"<p>{escape(printable(text))}</p>"


def _block(text: str) -> str:
    return f'<pre tabindex="0">{escape(printable(text))}</pre>'


def _score(judged: Judged | None) -> str:
    if judged is None:
        return _said("No entry was judged for this page: take_home(judge(my_entry)) shows it.")
    if judged.void:
        return _said(f"{judged.policy}: void, {judged.void}")
    seeds = len(judged.seeds)
    low, high = judged.interval
    interval = (
        f"95 % interval {low:.1f} to {high:.1f} over {seeds} seeds"
        if math.isfinite(low) and math.isfinite(high)
        else f"no interval, from {seeds} seed{'s' if seeds != 1 else ''}"
    )
    return _said(f"{judged.policy}: {judged.mean:.1f} of 100, {interval}.") + _block(str(judged))


def _predictions() -> str:
    return "".join(map(_said, calibration().lines))


def _differences(found: list[Compared]) -> str:
    if not found:
        return _said("You have judged no claim yet.")
    cells = [
        [
            one.text,
            printable(f"{one.yours}: {one.because}" if one.because else one.yours),
            f"{one.ours}, lesson {one.lesson}",
            ", ".join(f"{row} {word}" for row, word in one.rows.items()),
            one.reasons,
        ]
        for one in found
        if not one.agrees
    ]
    if not cells:
        return _said(summed(found))
    head = ["claim", "you", "the course", "rows of the scorecard", "why"]
    look = "In a terminal, course scorecard P05 prints a row with its rule."
    return html_table(head, cells, summed(found)) + _said(look)


def _kept(state: State) -> str:
    return str(state["checks"].get(ENTRY, {}).get("code", ""))


def _code(code: str | bytes) -> str:
    shown = printable(code)
    if not shown.strip():
        return _said(f"None is kept: the check of exercise {ENTRY} keeps it.")
    cut = f"The first {LONGEST:,} of {len(shown):,} characters." if len(shown) > LONGEST else ""
    return (_said(cut) if cut else "") + _block(shown[:LONGEST])


def _monday() -> str:
    items = []
    for line in told()["monday"]:
        lessons = ", ".join(dict.fromkeys(place["lesson"] for place in line["from"]))
        word = "lessons" if "," in lessons else "lesson"
        ask, why = escape(line["ask"]), escape(f"{line['why']} ({word} {lessons})")
        items.append(f"<li><strong>{ask}</strong> {why}</li>")
    return f"<ol>{''.join(items)}</ol>"


def _resume(state: State) -> str:
    said = (
        "Your resume code, for progress.restore(). It carries marks only: your code is in the file "
        "progress.json."
    )
    return _said(said) + _block(encode(state))


_STYLE = """
:root { color-scheme: light dark;
  --ink: #1b1b1b; --paper: #ffffff; --line: #8a8a8a; --box: #f3f3f3; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --paper: #161616; --line: #8a8a8a; --box: #242424; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 46em; margin: 2em auto; padding: 0 1em; overflow-wrap: anywhere; }
h1, h2 { line-height: 1.2; }
pre { background: var(--box); border: 1px solid var(--line); padding: .6em .8em; font-size: 13px;
  white-space: pre-wrap; }
table { border-collapse: collapse; font-size: 14px; }
caption { text-align: left; font-weight: bold; padding: .3em 0; }
th, td { border: 1px solid var(--line); padding: .3em .5em; vertical-align: top;
  font-weight: normal; overflow-wrap: break-word; }
@media (max-width: 36em) { th, td { overflow-wrap: anywhere; } }
li { margin: .5em 0; }
@media print {
  :root { --ink: #000000; --paper: #ffffff; --line: #777777; --box: #ffffff; }
  body { margin: 0; max-width: none; font-size: 11pt; }
  pre { font-size: 9pt; } li, tr { break-inside: avoid; } h2 { break-after: avoid; } }
"""
_FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Closing the Loop: what I take home</title>
<style>{style}</style></head>
<body><main><h1>Closing the Loop: what I take home</h1>{body}</main></body></html>
"""


# ---- where it goes


def _check(judged: object, entry: object, file: object) -> None:
    if judged is not None and not isinstance(judged, Judged):
        raise TypeError(f"judged must be what judge() says of an entry, got {judged!r}")
    if entry is not None and not isinstance(entry, (str, bytes)):
        raise TypeError(f"entry must be the text of a program, str or bytes, got {entry!r}")
    if file is not None and not isinstance(file, (str, os.PathLike)):
        raise TypeError(f"file must be a path, got {file!r}")


def _anything(state: State) -> bool:
    """Whether a learner did something: what cells show of themselves does not count."""
    done = [entry for entry in state["predictions"].values() if "value" in entry]
    done += [entry for entry in state["checks"].values() if entry["passed"]]
    return bool(done or state["answers"] or state["verdicts"] or state["claims"])


def _written(text: str, file: str | os.PathLike[str] | None) -> tuple[Path | None, str]:
    """Where the page is now, None if nowhere, and what to say of it."""
    if file is not None:
        target = Path(file).expanduser()
        return target, _put(target, text, str(file))
    for answers in dict.fromkeys((place(), spare_answers_file())):
        target = answers.with_name(NAME)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            return target, _put(target, text, f"{NAME}, beside {answers.name}")
        except OSError:
            continue
    return None, f"{NAME} could not be written: no folder for your answers can be. Download it."


def _put(target: Path, text: str, where: str) -> str:
    """Write `text` to `target`; what is there and says something else is copied first."""
    new = text.encode()
    if target.exists():
        old = target.read_bytes()
        if old == new:
            return f"It is as it was: {where}."
        kept = _free(target)
        write_whole(kept, old, mode=0o600)
        write_whole(target, new, mode=0o600)
        return f"Written: {where}. The former one is kept as {kept.name}."
    write_whole(target, new, mode=0o600)
    return f"Written: {where}."


def _free(target: Path) -> Path:
    number = 1
    while (name := target.with_name(f"{target.stem}-{number}{target.suffix}")).exists():
        number += 1
    return name


def main(argv: Sequence[str] | None = None) -> int:
    """`course take-home`; returns 0, or 1 when it could not be written."""
    parser = argparse.ArgumentParser(
        "course take-home", description="What you have at the end of the course, in one HTML file."
    )
    parser.add_argument("--entry", metavar="FILE", help="print the code of this file")
    parser.add_argument("--to", metavar="FILE", help="write here, and not beside the answers")
    options = parser.parse_args(argv)
    if not options.entry and not options.to and not _anything(store().read()):
        print(NOTHING)
        return 0
    try:
        entry = Path(options.entry).read_bytes() if options.entry else None
        target, said = _written(page(None, entry), options.to)
    except OSError as error:
        print(f"course take-home: {error}", file=sys.stderr)
        return 1
    print(said if target is None else f"{said}\n{target}")
    return 0 if target else 1
