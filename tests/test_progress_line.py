"""The line under a live cell: how far it is and how long it still takes."""

import json
import time
from pathlib import Path

import pytest

from helpers import _progress
from helpers._progress import Progress, expected_seconds


@pytest.fixture(autouse=True)
def budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lessons").mkdir()
    recorded = {"05-x": {"cpu_seconds": 90, "05-live": 30}, "11-y": {"cpu_seconds": 5}}
    (tmp_path / "lessons" / "budget.json").write_text(json.dumps(recorded))
    monkeypatch.setattr(_progress, "ROOT", tmp_path)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_first_guess_is_what_was_recorded() -> None:
    assert expected_seconds("05-live") == 30
    assert expected_seconds("05-gone") is None


def test_without_a_record_there_is_no_guess(tmp_path: Path) -> None:
    (tmp_path / "lessons" / "budget.json").unlink()
    assert expected_seconds("05-live") is None


def test_time_left(clock: Clock) -> None:
    with Progress(6, "generation", "05-live") as bar:
        assert bar.line() == "0 of 6 generations done; about 30 s left"
        clock.now += 2
        assert bar.seconds_left() == 28
        clock.now += 100  # slower than recorded: so will the steps to come be
        assert bar.seconds_left() == 5 * 102
        bar.done()
        assert bar.seconds_left() == pytest.approx(5 * 102)  # now this machine's own pace
        clock.now += 51
        assert bar.line() == "1 of 6 generations done; about 7.7 minutes left"
        bar.done(4)
        clock.now += 60
        assert bar.line() == "5 of 6 generations done; 3.5 minutes so far"
        bar.done()
        assert bar.seconds_left() == 0


def test_steps_of_an_earlier_run_do_not_count_for_the_pace(clock: Clock) -> None:
    with Progress(10, "round", already=6) as bar:
        clock.now += 3
        assert bar.line() == "6 of 10 rounds done; 3 s so far"
        bar.done()
        assert bar.seconds_left() == 9


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, "2 of 2 steps done."),
        (KeyboardInterrupt, "Stopped: 1 of 2 steps done and kept. Run the cell again to go on."),
        (ValueError, "Ended by an error: 1 of 2 steps done."),
    ],
)
def test_its_last_words_do_not_depend_on_the_clock(
    error: type[BaseException] | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(
        _progress._Screen, "draw", lambda _, page, line, last=False: drawn.append(line)
    )

    def work() -> None:
        with Progress(2, "step") as bar:
            bar.done()
            if error:
                raise error
            bar.done()

    if error:
        with pytest.raises(error):
            work()
    else:
        work()
    assert drawn[-1] == said


def test_it_is_renewed_while_a_step_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(
        _progress._Screen, "draw", lambda _, page, line, last=False: drawn.append(page)
    )
    monkeypatch.setattr(_progress, "EVERY", 0.01)
    with Progress(2, "step"):
        time.sleep(0.3)
    assert len(drawn) > 5
    assert '<progress value="0" max="2" aria-label="steps done">' in drawn[1]


def test_nothing_is_drawn_when_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress._Screen, "draw", lambda *_: pytest.fail("drawn"))
    with Progress(1, "step", shown=False) as bar:
        bar.done()
