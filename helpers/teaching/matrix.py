"""The learner's verdict matrix (run x yardstick) and seven claims in circulation.

Both are filled by the learner, lesson by lesson, and kept in the progress file. Nothing here knows
the right verdicts; on a claim the lesson says its own once the learner has chosen.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from helpers._arguments import one_of
from helpers.teaching._forms import (
    Form,
    Page,
    escape,
    html_table,
    nonempty_text,
    plain_table,
    status,
)
from helpers.teaching._lessons import card
from helpers.teaching._records import Entry, State, verdict_key
from helpers.teaching._store import store

if TYPE_CHECKING:
    import ipywidgets

    from helpers.metrics import Reading

VERDICTS = ("collapsed", "bounded", "fine", "not measured")
YARDSTICKS = (  # in the order of the lessons that introduce them
    "what survived",
    "variance",
    "distance to the truth",
    "support",
    "tail",
    "coverage",
    "modes",
    "cross-entropy on real text",
    "rare facts",
    "looks good",
    "growth of the error",
    "scaling",
    "distance to the verifier",
)
# Words of the scorecard (`helpers.studies.scorecard.rules`), those that a reader can choose from.
STATUSES = ("reproduced", "partly", "not here", "contradicted")
CLAIMS = {  # what papers and the press say, in neutral words
    "tails-first": "A model trained on what a model made loses the rare things first.",
    "variance-next": "Then the spread shrinks, until nearly everything looks alike.",
    "any-architecture": "It happens to every kind of model, simple or deep.",
    "overfitting": "Its cause is that models overfit to what they made themselves.",
    "bulwark": "Keeping the real data and adding to them is a bulwark against it.",
    "negligible-risk": "With the data accumulating, the risk in practice is negligible.",
    "execution": "Where code can be run and tested, a model can learn from its own output.",
}


# ---- verdicts


def verdict(run: str, yardstick: str, choice: str | None = None) -> Verdict:
    """Record the learner's verdict on a run by one yardstick, or, without `choice`, ask for it.

    run: what was run, 'Gaussian, replace'. yardstick: one of YARDSTICKS. choice: one of VERDICTS;
    'bounded' means damaged, but the damage stops. A later verdict takes the place of an earlier.
    """
    asked = Verdict(run, yardstick)
    if choice is not None:
        asked.choose(choice)
    return asked


class Verdict(Form):
    """One box of the matrix, to be filled in."""

    def __init__(self, run: str, yardstick: str) -> None:
        super().__init__()
        self.run = nonempty_text("run", run)
        self.yardstick: str = one_of("yardstick", yardstick, YARDSTICKS)

    @property
    def choice(self) -> str | None:
        """What was chosen, None until then."""
        stored = store().read()["verdicts"].get(self._key, {})
        return stored.get("choice")

    @property
    def _key(self) -> str:
        return verdict_key(self.run, self.yardstick)

    def choose(self, choice: str) -> None:
        """Record `choice`, one of VERDICTS."""
        one_of("choice", choice, VERDICTS)
        entry = {"run": self.run, "yardstick": self.yardstick, "choice": choice}

        def put(state: State) -> None:
            state["verdicts"][self._key] = {**entry, "at": int(time.time())}

        store().update(put)

    def _said(self) -> str:
        return f"Your verdict: {self.choice}." if self.choice else "No verdict yet."

    def _text(self) -> str:
        return f"Verdict on {self.run!r} by {self.yardstick!r}. {self._said()}"

    def _page(self) -> str:
        offered = ", ".join(VERDICTS)
        return f"<p>{self._asked()} Choose from: {offered}. {escape(self._said())}</p>"

    def _asked(self) -> str:
        run, yardstick = escape(self.run), escape(self.yardstick)
        return f"<strong>Your verdict</strong> on <em>{run}</em>, judged by <em>{yardstick}</em>:"

    def _build(self) -> list[ipywidgets.Widget]:
        import ipywidgets as w

        radio = w.RadioButtons(options=VERDICTS, value=self.choice)
        said = w.HTML(status(self._said()))

        def chosen(change: dict[str, Any]) -> None:
            with self._lock:
                self.choose(change["new"])
                said.value = status(self._said())

        radio.observe(chosen, names="value")
        return [w.HTML(f"<p>{self._asked()}</p>"), radio, said]


def verdict_matrix() -> Page:
    """Every verdict so far as a table: a row a run, a column a yardstick."""
    entries = sorted(store().read()["verdicts"].values(), key=lambda entry: entry["at"])
    if not entries:
        return Page("No verdict yet.", "<p>Your verdict matrix is empty so far.</p>")
    cells = {(e["run"], e["yardstick"]): e["choice"] for e in entries}
    runs = list(dict.fromkeys(e["run"] for e in entries))
    used = {e["yardstick"] for e in entries}
    columns = [name for name in YARDSTICKS if name in used]
    rows = [[run, *(cells.get((run, column), "") for column in columns)] for run in runs]
    head = ["run", *columns]
    caption = "Your verdicts: a row for each run, a column for each yardstick"
    return Page(plain_table(head, rows), html_table(head, rows, caption, empty="no verdict"))


DEFINITION_OF = {  # yardstick -> the definition of collapse that reads it; the others read nothing
    "what survived": "lost modes",
    "variance": "collapsing variance",
    "distance to the truth": "any risk increase",
    "support": "lost tail",
    "tail": "lost tail",
    "coverage": "lost modes",
    "modes": "lost modes",
    "cross-entropy on real text": "any risk increase",
    "rare facts": "lost tail",
    "growth of the error": "diverging risk",
    "scaling": "scaling law change",
}


def compare_verdicts(computed: Mapping[str, Mapping[str, Reading]]) -> Page:
    """The learner's boxes beside computed readings, in three lists: agreed, differed, neither.

    computed: run, by the name under which the learner judged it -> definition -> `Reading`.
    "collapsed" agrees with yes, "fine" with no, "bounded" with a risk that rose and of which nobody
    can say that it diverges, "not measured" with an empty cell. Nothing is scored or changed.
    """
    entries = sorted(store().read()["verdicts"].values(), key=lambda entry: entry["at"])
    lists: dict[str, list[str]] = {"agreed": [], "differed": [], "nothing to compare with": []}
    for entry in entries:
        run, yardstick, choice = entry["run"], entry["yardstick"], entry["choice"]
        row, definition = computed.get(run), DEFINITION_OF.get(yardstick)
        box = f"{run}, {yardstick}: you said {choice}"
        if row is None or definition is None or row[definition].verdict == "not measured":
            missing = row is not None and choice == "not measured"
            lists["agreed" if missing else "nothing to compare with"].append(box)
            continue
        found = row[definition]
        said = f"{box}; {definition} says {found.verdict} ({found.number:.2g})"
        lists["agreed" if _agrees(choice, row, definition) else "differed"].append(said)
    if not entries:
        return Page("No verdict yet.", "<p>Your verdict matrix is empty so far.</p>")
    text = "\n".join(
        line
        for name, boxes in lists.items()
        for line in (f"{name}: {len(boxes)}", *(f"  {box}" for box in boxes))
    )
    page = "".join(
        f"<p><strong>{name}: {len(boxes)}</strong></p>"
        f"<ul>{''.join(f'<li>{escape(box)}</li>' for box in boxes)}</ul>"
        for name, boxes in lists.items()
    )
    return Page(text, page)


def _agrees(choice: str, row: Mapping[str, Reading], definition: str) -> bool:
    """Whether the learner's choice says what the computed cell says."""
    if choice == "bounded":
        rose = row["any risk increase"].verdict == "yes"
        return rose and row["diverging risk"].verdict in ("no", "cannot tell")
    return {"collapsed": "yes", "fine": "no"}.get(choice) == row[definition].verdict


# ---- claims


def claim(
    name: str,
    ours: str,
    *,
    lesson: str,
    because: str = "",
    unlike: Mapping[str, str] | None = None,
) -> Claim:
    """Ask for the learner's verdict on one claim; when it is given, say the lesson's beside it.

    name: one of CLAIMS. ours: the lesson's verdict, one of STATUSES, and `because` why, in one
    sentence. lesson: its number, '02'. unlike: each row of the scorecard that belongs to the claim
    and has another verdict -> what it asks that the lesson does not; a test compares them.
    """
    return Claim(name, ours, lesson=lesson, because=because, unlike=unlike)


class Claim(Form):
    """One claim in circulation, to be judged by the learner."""

    def __init__(
        self,
        name: str,
        ours: str,
        *,
        lesson: str,
        because: str = "",
        unlike: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.name: str = one_of("name", name, tuple(CLAIMS))
        self.ours: str = one_of("ours", today(ours), STATUSES)
        self.lesson = nonempty_text("lesson", lesson)
        self.because = because
        self.unlike = dict(unlike or {})
        for row, why in self.unlike.items():
            nonempty_text(f"unlike[{row!r}]", why)

    @property
    def status(self) -> str | None:
        """What the learner chose, None until then."""
        status = today(self._entry.get("status"))
        return status if status in STATUSES else None

    @property
    def _entry(self) -> Entry:
        return store().read()["claims"].get(self.name, {})

    def choose(self, status: str, because: str = "") -> None:
        """Record the learner's verdict, one of STATUSES, and their reason, if they give one."""
        status = one_of("status", today(status), STATUSES)
        if not isinstance(because, str):
            raise TypeError(f"because must be a str, got {because!r}")
        chosen = {"status": status, "because": because.strip(), "lesson": self.lesson}

        def put(state: State) -> None:
            state["claims"][self.name] = {**chosen, "at": int(time.time())}

        store().update(put)

    def _said(self) -> str:
        if self.status is None:
            return "No verdict yet."
        why = self._entry.get("because", "").rstrip(".")
        mine = f"{self.status}, because: {why}" if why else self.status
        return f"Your verdict: {mine}. {self._ours()}"

    def _ours(self) -> str:
        rows = [f"Row {row} of the scorecard says otherwise: {w}" for row, w in self.unlike.items()]
        return " ".join([f"This lesson says: {self.ours}.", self.because, *rows]).strip()

    def _text(self) -> str:
        return f"Your verdict on the claim: {CLAIMS[self.name]} {self._said()}"

    def _page(self) -> str:
        offered = ", ".join(STATUSES)
        folded = f"<details><summary>What the lesson says</summary>{escape(self._ours())}</details>"
        said = escape(self._said()) if self.status else f"{escape(self._said())} {folded}"
        return f"<div><p>{self._asked()} Choose from: {offered}.</p>{said}</div>"

    def _asked(self) -> str:
        return f"<strong>Your verdict</strong> on the claim: <em>{escape(CLAIMS[self.name])}</em>"

    def _build(self) -> list[ipywidgets.Widget]:
        import ipywidgets as w

        radio = w.RadioButtons(options=STATUSES, value=self.status)
        why = w.Text(
            value=self._entry.get("because", ""), description="because",
            placeholder="your reason, if you like", continuous_update=False,
            layout=w.Layout(width="min(100%, 40em)"),
        )  # fmt: skip
        said = w.HTML(status(self._said()))

        def chosen(_: Any) -> None:
            with self._lock:
                if radio.value is not None:
                    self.choose(radio.value, why.value)
                said.value = status(self._said())

        for widget in (radio, why):
            widget.observe(chosen, names="value")
        return [w.HTML(f"<p>{self._asked()}</p>"), radio, why, said]


def today(word: Any) -> Any:
    """A status in today's word: learners' files and copies of lessons may say "holds"."""
    return "reproduced" if word == "holds" else word


def claim_cards() -> Page:
    """Seven claims in circulation, each with the learner's verdict in its box."""
    filled = store().read()["claims"]
    judged = {
        name: list(dict.fromkeys(j["lesson"] for j in card(name)["judged"])) for name in CLAIMS
    }
    boxes = {name: _box(filled.get(name), judged[name]) for name in CLAIMS}
    text = "\n".join(
        f"{n}. {CLAIMS[name]} [{boxes[name]}]" for n, name in enumerate(CLAIMS, start=1)
    )
    items = "".join(
        f"<li>{escape(CLAIMS[name])}<br>{_emphasised(boxes[name])}</li>" for name in CLAIMS
    )
    return Page(text, f"<p>Seven claims in circulation:</p><ol>{items}</ol>")


def _emphasised(box: str) -> str:
    head, colon, reason = box.partition(": ")
    return f"<strong>{escape(head)}</strong>{escape(colon + reason)}"


def _box(entry: Entry | None, lessons: list[str]) -> str:
    """What stands in the box of a claim; `lessons` are those that judge it."""
    if entry is None:
        if not lessons:
            return "to be tested"
        *others, last = lessons
        word, said = ("lessons", f"{', '.join(others)} and {last}") if others else ("lesson", last)
        return f"to be tested in {word} {said}"
    said = f"{today(entry['status'])} (lesson {entry.get('lesson', '?')})"
    because = entry.get("because", "")
    return f"{said}: {because}" if because else said
