"""What a learner has done, as plain data: how it is checked, merged and packed into a resume code.

A state is a dict of sections, each a dict of entries, so that it is JSON as it stands. Nothing here
touches a file (that is _store) or draws anything (that is progress).

How two states merge, entry by entry, so that nothing that a learner did is lost:
predictions: one whose answer was shown counts, of two such ones the first; of two that are still
open the later. answers: all choices, the first stays the first. checks: passed once is passed.
verdicts and claims: they are meant to be revised, so the later one shows. The verdict, claim or
code that another displaces is kept beside it as `earlier`.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import math
import zlib
from collections.abc import Callable
from typing import Any

SECTIONS = ("predictions", "answers", "checks", "verdicts", "claims")
VERSION = 1
PREFIX = "CTL1-"  # names the course and the version of the code
_LONGEST = 1_000_000  # bytes that a code may unpack to

Entry = dict[str, Any]
State = dict[str, dict[str, Entry]]


def empty() -> State:
    """A state in which nothing has been done."""
    return {section: {} for section in SECTIONS}


# ---- what a valid state looks like


def parsed(text: str | bytes) -> Any:
    """`text` as JSON; ValueError says what is wrong with it, however odd it is."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _is_prediction(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    first, second = value
    if isinstance(first, str):
        return _is_number(second) and 50 <= second <= 100
    return _is_number(first) and _is_number(second) and first <= second


def _is_flat(entry: Entry) -> bool:
    """No value of ours holds more than a list of plain values: nothing is nested deeper."""
    values = [p for v in entry.values() for p in (v if isinstance(v, list) else [v])]
    return not any(isinstance(value, (list, dict)) for value in values)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _good_prediction(entry: Entry) -> bool:
    if not {"value", "truth"} & entry.keys():
        return False
    value, truth = entry.get("value"), entry.get("truth")
    return (value is None or _is_prediction(value)) and (
        truth is None or _is_number(truth) or _is_text(truth)
    )


def _good_answer(entry: Entry) -> bool:
    chosen = entry.get("chosen")
    several = isinstance(chosen, list) and bool(chosen) and all(map(_is_text, chosen))
    marks = all(isinstance(entry.get(name, False), bool) for name in ("correct", "first"))
    return several and "correct" in entry and marks


def _good_check(entry: Entry) -> bool:
    marks = isinstance(entry.get("passed"), bool) and _is_number(entry.get("tries"))
    return marks and all(isinstance(entry.get(name, ""), str) for name in ("code", "earlier"))


def _good_verdict(entry: Entry) -> bool:
    return all(_is_text(entry.get(name)) for name in ("run", "yardstick", "choice"))


def _good_claim(entry: Entry) -> bool:
    rest = all(isinstance(entry.get(name, ""), str) for name in ("lesson", "because", "earlier"))
    return _is_text(entry.get("status")) and rest


_GOOD: dict[str, Callable[[Entry], bool]] = {
    "predictions": _good_prediction,
    "answers": _good_answer,
    "checks": _good_check,
    "verdicts": _good_verdict,
    "claims": _good_claim,
}


def validated(document: Any) -> State:
    """`document` (parsed JSON) as a state; ValueError says what is wrong with it."""
    if not isinstance(document, dict):
        raise ValueError("it does not hold a JSON object")
    if document.get("version") != VERSION:
        raise ValueError(f"its version is {document.get('version')!r}, not {VERSION}")
    state = empty()
    for section, good in _GOOD.items():
        entries = document.get(section, {})
        if not isinstance(entries, dict):
            raise ValueError(f"its {section} are not a JSON object")
        for key, entry in entries.items():
            stamped = isinstance(entry, dict) and _is_number(entry.get("at"))
            if not stamped or not _is_flat(entry) or not good(entry):
                raise ValueError(f"the entry {key!r} of its {section} cannot be read")
            state[section][key] = entry
    return state


# ---- merging


def _merge_prediction(mine: Entry, theirs: Entry) -> Entry:
    committed = [entry for entry in (mine, theirs) if "value" in entry]
    if not committed:
        return mine
    met = [entry for entry in committed if "truth" in entry]
    # When they tie: the answer that was met here, and the change that came last.
    kept = min(met, key=_time) if met else max(reversed(committed), key=_time)
    other = theirs if kept is mine else mine
    return {"truth": other["truth"], **kept} if "truth" in other else kept


def _time(entry: Entry) -> float:
    return float(entry["at"])


def _merge_answer(mine: Entry, theirs: Entry) -> Entry:
    first, second = sorted((mine, theirs), key=lambda entry: entry["at"])
    marks = {mark(text) for text in first["chosen"]}
    more = [text for text in second["chosen"] if mark(text) not in marks]
    correct = mine["correct"] or theirs["correct"]
    return {**first, "chosen": first["chosen"] + more, "correct": correct}


def _merge_check(mine: Entry, theirs: Entry) -> Entry:
    passed, tries = mine["passed"] or theirs["passed"], max(mine["tries"], theirs["tries"])
    best, other = (theirs, mine) if theirs["passed"] > mine["passed"] else (mine, theirs)
    codes = [entry["code"] for entry in (best, other) if "code" in entry]
    result = {**best, "at": mine["at"], "passed": passed, "tries": tries}
    if codes:
        result["code"] = codes[0]
    if codes[1:] and codes[1] != codes[0]:
        result["earlier"] = codes[1]
    return result


def _merge_revisable(mine: Entry, theirs: Entry) -> Entry:
    older, newer = sorted((theirs, mine), key=lambda entry: entry["at"])
    same = all(older.get(name) == newer.get(name) for name in ("choice", "status"))
    return newer if same else {**newer, "earlier": older.get("choice") or older["status"]}


_MERGE: dict[str, Callable[[Entry, Entry], Entry]] = {
    "predictions": _merge_prediction,
    "answers": _merge_answer,
    "checks": _merge_check,
    "verdicts": _merge_revisable,
    "claims": _merge_revisable,
}


def merged(mine: State, theirs: State) -> State:
    """Everything in either state; both stay as they are."""
    result = copy.deepcopy(mine)
    for section, merge in _MERGE.items():
        for key, entry in theirs[section].items():
            entry = copy.deepcopy(entry)
            here = result[section].get(key)
            result[section][key] = entry if here is None else merge(here, entry)
    return result


# ---- the resume code


def mark(text: str) -> str:
    """A short stand-in for an option's text, which keeps resume codes short; a mark stays one."""
    if text.startswith("#") and len(text) == 7:
        return text
    return "#" + hashlib.sha256(text.encode()).hexdigest()[:6]


def same_text(stored: str, text: str) -> bool:
    """Whether a stored choice (a text, or the mark that a resume code left) means this option."""
    return stored == text or stored == mark(text)


# What a code carries of an entry, in this order; reasons and displaced verdicts stay behind.
_CARRIED = {
    "predictions": ("at", "value", "truth", "late"),
    "answers": ("at", "chosen", "correct", "first"),
    "checks": ("at", "passed", "tries"),
    "verdicts": ("at", "run", "yardstick", "choice"),
    "claims": ("at", "status", "lesson"),
}


def _shortened(name: str, value: Any) -> Any:
    if name == "at":
        return int(value) // 60
    if name in ("value", "truth", "chosen"):
        if isinstance(value, list):
            return [_shortened(name, part) for part in value]
        return mark(value) if isinstance(value, str) else float(f"{value:.6g}")
    return int(value) if isinstance(value, bool) else value


def _row(section: str, key: str, entry: Entry) -> list[Any]:
    key = "" if section == "verdicts" else key
    row = [key, *(_shortened(n, entry[n]) if n in entry else None for n in _CARRIED[section])]
    while row[-1] is None:
        row.pop()
    return row


def _entry(section: str, row: list[Any]) -> tuple[str, Entry]:
    key, *values = row
    pairs = zip(_CARRIED[section], values, strict=False)
    entry = {name: value for name, value in pairs if value is not None}
    for name in {"late", "correct", "first", "passed"} & entry.keys():
        entry[name] = bool(entry[name])
    entry["at"] *= 60
    return (key or verdict_key(entry["run"], entry["yardstick"])), entry


def verdict_key(run: str, yardstick: str) -> str:
    """The key of the verdict on `run` by `yardstick`."""
    return f"{run} | {yardstick}"


def encode(state: State) -> str:
    """`state` as one line of text: the prefix, then base64 of a checksum and compressed JSON."""
    rows = {
        section: [_row(section, key, entry) for key, entry in sorted(entries.items())]
        for section, entries in state.items()
    }
    text = json.dumps([rows[section] for section in SECTIONS], separators=(",", ":"))
    packed = zlib.compress(text.encode(), 9)
    return PREFIX + base64.urlsafe_b64encode(_checksum(packed) + packed).decode().rstrip("=")


def decode(code: str) -> State:
    """The state in a resume code; what stands before it, blanks and line breaks do not matter.

    ValueError if it is damaged.
    """
    _, found, body = "".join(code.split() if isinstance(code, str) else []).partition(PREFIX)
    if not found:
        raise ValueError(f"a resume code starts with {PREFIX}, got {str(code)[:12]!r}")
    damaged = "the resume code is damaged: copy all of it, from its first to its last character"
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise ValueError(damaged) from None
    if data[:4] != _checksum(data[4:]):
        raise ValueError(damaged)
    try:
        unpacked = zlib.decompressobj().decompress(data[4:], _LONGEST)
        sections = zip(SECTIONS, parsed(unpacked), strict=True)
        state = {section: dict(_entry(section, row) for row in rows) for section, rows in sections}
    except (zlib.error, ValueError, TypeError, KeyError):
        raise ValueError(damaged) from None
    return validated({"version": VERSION, **state})


def _checksum(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:4]
