"""The learner's verdict matrix (run x yardstick) and the article's seven claims.

Both are filled lesson by lesson and kept in the progress file. The matrix holds the learner's own
verdicts; nothing here knows the right ones. A claim's status is set by the lesson that tested it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from helpers._arguments import one_of
from helpers.teaching._forms import Form, Page, escape, nonempty_text, status
from helpers.teaching._records import State, verdict_key
from helpers.teaching._store import store

if TYPE_CHECKING:
    import ipywidgets

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
STATUSES = ("holds", "partly", "not here", "contradicted")
CLAIMS = {  # the founding article, in neutral words
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
    return Page(_plain_table(["run", *columns], rows), _html_table(["run", *columns], rows))


def _plain_table(head: list[str], rows: list[list[str]]) -> str:
    table = [head, *([text or "-" for text in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = (
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def _html_table(head: list[str], rows: list[list[str]]) -> str:
    top = "".join(f'<th scope="col" style="text-align: left">{escape(text)}</th>' for text in head)
    body = "".join(
        f'<tr><th scope="row" style="text-align: left">{escape(row[0])}</th>'
        + "".join(f'<td style="text-align: left">{escape(t) or "no verdict"}</td>' for t in row[1:])
        + "</tr>"
        for row in rows
    )
    caption = "Your verdicts: a row for each run, a column for each yardstick"
    return f"<table><caption>{caption}</caption><thead><tr>{top}</tr></thead>{body}</table>"


# ---- claims


def claim(name: str, status: str, *, lesson: str, because: str = "") -> None:
    """Fill the box of one claim: `status` is one of STATUSES, `because` one sentence.

    name: one of CLAIMS; lesson: the number of the lesson that says so, '02'.
    """
    one_of("name", name, tuple(CLAIMS))
    one_of("status", status, STATUSES)
    nonempty_text("lesson", lesson)
    entry = {"status": status, "because": because, "lesson": lesson, "at": int(time.time())}

    def put(state: State) -> None:
        state["claims"][name] = entry

    store().update(put)


def claim_cards() -> Page:
    """The article in seven claims, each with its box."""
    filled = store().read()["claims"]
    boxes = {name: _box(filled.get(name)) for name in CLAIMS}
    text = "\n".join(
        f"{n}. {CLAIMS[name]} [{boxes[name]}]" for n, name in enumerate(CLAIMS, start=1)
    )
    items = "".join(
        f"<li>{escape(CLAIMS[name])}<br>{_emphasised(boxes[name])}</li>" for name in CLAIMS
    )
    return Page(text, f"<p>The article in seven claims:</p><ol>{items}</ol>")


def _emphasised(box: str) -> str:
    head, colon, reason = box.partition(": ")
    return f"<strong>{escape(head)}</strong>{escape(colon + reason)}"


def _box(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "to be tested"
    said = f"{entry['status']} (lesson {entry.get('lesson', '?')})"
    because = entry.get("because", "")
    return f"{said}: {because}" if because else said
