"""Progress: nothing a learner did is ever lost, whatever happens to the file."""

import base64
import errno
import hashlib
import json
import multiprocessing
import os
import re
import sys
import threading
import warnings
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.manager import start_new_kernel
from nobody import as_nobody

from helpers import _ground
from helpers.teaching import _store, calibration, check, claim, predict, progress, quiz, verdict
from helpers.teaching._records import State, decode, empty, encode, mark, merged, validated

OPTIONS = {"a": "because a", "b": "because b"}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(file))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return file


def answer(key: str, option: str = "a") -> None:
    quiz(key, "Q?", OPTIONS, answer="a").choose(option)


def stored(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


# ---- any state at all

KEYS = st.sampled_from(["00-a", "02-b", "06-c"])
TIMES = st.integers(0, 5).map(lambda minutes: 1_800_000_000 + 60 * minutes)
NUMBERS = st.integers(-50, 50).map(float)
INTERVALS = st.tuples(NUMBERS, NUMBERS).filter(lambda v: v[0] < v[1]).map(list)
PREDICTION = st.one_of(
    st.fixed_dictionaries({"at": TIMES, "value": INTERVALS}, optional={"truth": NUMBERS}),
    st.fixed_dictionaries({"at": TIMES, "truth": NUMBERS}),
)
ANSWER = st.fixed_dictionaries(
    {
        "at": TIMES,
        "chosen": st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True),
        "correct": st.booleans(),
    }
)
MARKS = {"at": TIMES, "passed": st.booleans(), "tries": st.integers(1, 9)}
CHECK = st.fixed_dictionaries(MARKS, optional={"code": st.sampled_from(["a = 1", "a = 2"])})
RUNS = st.sampled_from(["r | variance", "s | tail"])
CHOICES = st.sampled_from(["fine", "bounded", "collapsed"])


def _verdicts(picked: dict[str, tuple[int, str]]) -> dict[str, Any]:
    return {
        key: {"at": at, "run": key[0], "yardstick": key[4:], "choice": choice}
        for key, (at, choice) in picked.items()
    }


STATES = st.fixed_dictionaries(
    {
        "predictions": st.dictionaries(KEYS, PREDICTION),
        "answers": st.dictionaries(KEYS, ANSWER),
        "checks": st.dictionaries(KEYS, CHECK),
        "verdicts": st.dictionaries(RUNS, st.tuples(TIMES, CHOICES)).map(_verdicts),
        "claims": st.dictionaries(
            st.just("tails-first"),
            st.fixed_dictionaries({"at": TIMES, "status": st.just("holds"), "lesson": KEYS}),
        ),
    }
)


@given(mine=STATES, theirs=STATES)
def test_merging_loses_nothing(mine: State, theirs: State) -> None:
    before = json.dumps([mine, theirs])
    both = merged(mine, theirs)
    assert json.dumps([mine, theirs]) == before
    validated({"version": 1, **both})
    for state in (mine, theirs):
        for section, entries in state.items():
            assert entries.keys() <= both[section].keys()
        for key, entry in state["answers"].items():
            assert {mark(t) for t in entry["chosen"]} <= {
                mark(t) for t in both["answers"][key]["chosen"]
            }
            assert both["answers"][key]["correct"] >= entry["correct"]
        for key, entry in state["checks"].items():
            assert both["checks"][key]["passed"] >= entry["passed"]
            assert both["checks"][key]["tries"] >= entry["tries"]
            kept = both["checks"][key]
            assert "code" not in entry or entry["code"] in (kept["code"], kept.get("earlier"))
        for key, entry in state["verdicts"].items():
            kept = both["verdicts"][key]
            assert entry["choice"] in (kept["choice"], kept.get("earlier"))
        for key, entry in state["predictions"].items():
            kept = both["predictions"][key]
            assert entry.keys() <= kept.keys()
            if {"value", "truth"} <= entry.keys():  # shown: the first of those counts
                assert {"value", "truth"} <= kept.keys()
                assert entry["at"] >= kept["at"] or "truth" not in entry
    for key in mine["predictions"].keys() & theirs["predictions"].keys():
        values = [s["predictions"][key].get("value") for s in (mine, theirs)]
        assert both["predictions"][key].get("value") in values
    assert merged(mine, mine) == mine
    assert merged(both, theirs) == both


@given(state=STATES)
def test_resume_code_holds_all_marks(state: State) -> None:
    code = encode(state)
    assert re.fullmatch(r"CTL1-[\w-]+", code)
    back = decode(f"  {code[:9]}\n {code[9:]} ")
    for section in ("predictions", "verdicts", "claims"):
        assert back[section] == state[section]
    for key, entry in state["checks"].items():  # marks only: no code
        assert back["checks"][key] == {name: entry[name] for name in MARKS}
    for key, entry in state["answers"].items():
        assert back["answers"][key] == {**entry, "chosen": [mark(t) for t in entry["chosen"]]}
    assert encode(back) == code


def test_resume_code_notices_every_slip() -> None:
    answer("02-a")
    predict("02-b", "Q?").commit(0, 1)
    code = progress.code()
    for place in range(len(code)):
        for wrong in ("A", "z", "", "AA"):
            changed = code[:place] + wrong + code[place + 1 :]
            if changed != code:
                with pytest.raises(ValueError, match=r"resume code|version"):
                    decode(changed)
    for cut in range(5, len(code)):
        with pytest.raises(ValueError, match="resume code"):
            decode(code[:cut])


@pytest.mark.parametrize("bad", ["", "CTL1-", "CTL2-abc", "CTL1-\u00e4\u00f6", "hello"])
def test_wrong_codes_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="resume code"):
        decode(bad)


# ---- the file


def test_saved_at_once_and_restored_elsewhere(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer("02-a", "b")
    predict("02-b", "Q?").commit(0, 1)
    predict("02-b", "Q?").resolve(0.5)
    verdict("Gaussian", "variance", "collapsed")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "new" / "progress.json"))
    assert "Nothing recorded" in repr(progress.summary())
    assert "1 predictions, 1 quiz answers" in repr(progress.restore(place))
    assert stored(tmp_path / "new" / "progress.json") == stored(place)
    assert calibration().held == 1


def test_restoring_keeps_what_is_here(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict("02-b", "Q?").commit(0, 1)
    other = tmp_path / "other.json"
    monkeypatch.setattr("helpers.teaching.predictions.time.time", lambda: 4e9)  # later
    monkeypatch.setenv("COURSE_PROGRESS", str(other))
    predict("02-b", "Q?").commit(5, 6)
    answer("02-a")
    monkeypatch.setenv("COURSE_PROGRESS", str(place))
    progress.restore(other)
    assert predict("02-b", "Q?").value == (5.0, 6.0)  # both open: changed later
    predict("02-b", "Q?").resolve(5.5)
    monkeypatch.setattr("helpers.teaching.predictions.time.time", lambda: 5e9)
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "third.json"))
    predict("02-b", "Q?").commit(7, 8)
    monkeypatch.setenv("COURSE_PROGRESS", str(place))
    progress.restore(tmp_path / "third.json")
    assert predict("02-b", "Q?").value == (5.0, 6.0)  # its answer was shown: fixed
    assert stored(place)["answers"].keys() == {"02-a"}


DAMAGED = {
    "not text": b"\xff\xfe\x00",
    "half a file": b'{"version": 1, "answers": {',
    "empty": b"",
    "a list": b"[]",
    "from the future": b'{"version": 2}',
    "no version": b"{}",
    "a broken section": b'{"version": 1, "answers": []}',
    "a broken entry": b'{"version": 1, "answers": {"02-a": {"chosen": "a", "at": 1}}}',
    "a broken prediction": b'{"version": 1, "predictions": {"02-a": {"value": [2, 1], "at": 1}}}',
    "nested deeply": b"[" * 100_000 + b"]" * 100_000,
    "an entry nested deeply": b'{"version": 1, "checks": {"02-a": {"at": 1, "passed": true, '
    b'"tries": 1, "more": ' + b"[" * 400 + b"]" * 400 + b"}}}",
    "code that is no text": b'{"version": 1, "checks": {"02-a": {"at": 1, "passed": true, '
    b'"tries": 1, "code": 7}}}',
    "not a number": b'{"version": 1, "predictions": {"02-a": {"truth": NaN, "at": 1}}}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_moved_aside_never_overwritten(place: Path, content: bytes) -> None:
    for number in (1, 2):
        place.write_bytes(content)
        with pytest.warns(UserWarning, match=rf"progress.json could not be used.*damaged-{number}"):
            answer("02-a")
        assert (place.parent / f"progress.damaged-{number}.json").read_bytes() == content
        assert stored(place)["answers"].keys() == {"02-a"}
    assert (place.parent / "progress.damaged-1.json").read_bytes() == content


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_restoring_from_a_damaged_file_changes_nothing(
    place: Path, tmp_path: Path, content: bytes
) -> None:
    answer("02-a")
    before = place.read_bytes()
    damaged = tmp_path / "downloaded.json"
    damaged.write_bytes(content)
    with pytest.raises(ValueError, match=r"downloaded.json is not a progress file"):
        progress.restore(damaged)
    assert place.read_bytes() == before
    assert damaged.read_bytes() == content


def test_a_resume_code_is_taken_as_it_was_printed(place: Path) -> None:
    answer("02-a")
    printed = repr(progress.save()).splitlines()[-1]
    assert printed == f"Resume code: {progress.code()}"
    place.unlink()
    assert "1 quiz answers" in repr(progress.restore(printed))
    place.unlink()
    form = progress.restore()
    *_, text, button, said = _walk(form.widget)  # type: ignore[union-attr]
    text.value = printed
    button.click()
    assert "1 quiz answers" in said.value


def test_a_tilde_is_the_home_directory(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer("02-a")
    (tmp_path / "home").mkdir()
    place.rename(tmp_path / "home" / "progress.json")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert "1 quiz answers" in repr(progress.restore("~/progress.json"))


def test_a_code_nested_deeply_is_damaged() -> None:
    packed = zlib.compress(b"[" * 100_000, 9)
    data = hashlib.sha256(packed).digest()[:4] + packed
    code = "CTL1-" + base64.urlsafe_b64encode(data).decode().rstrip("=")
    with pytest.raises(ValueError, match="the resume code is damaged"):
        progress.restore(code)


def test_code_of_exercises_is_shown_and_never_run(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "def my_survivors(row):\n    open('ran', 'w')\n    return len(row) < 9"
    entry = {"at": 1, "passed": True, "tries": 2, "code": code}
    theirs = tmp_path / "theirs.json"
    theirs.write_text(json.dumps({"version": 1, "checks": {"00-survivors": entry}}))
    monkeypatch.chdir(tmp_path)
    shown = progress.restore(theirs)
    assert code in repr(shown)
    assert "return len(row) &lt; 9" in shown._repr_html_()  # type: ignore[union-attr]
    assert stored(place)["checks"]["00-survivors"]["code"] == code
    assert "return len(row) &lt; 9" in progress.summary()._repr_html_()
    assert "return" not in repr(progress.restore(progress.code()))  # the code carries marks only
    assert "marks only" in repr(progress.save())
    assert "marks only" in progress.save()._repr_html_()
    assert stored(place)["checks"]["00-survivors"]["code"] == code
    assert not (tmp_path / "ran").exists()


CODE = "def my_survivors(row):\n    return len(row)"


@pytest.fixture
def kept_code(place: Path) -> str:
    entry = {"at": 1, "passed": False, "tries": 2, "code": CODE}
    place.write_text(json.dumps({"version": 1, "checks": {"00-survivors": entry}}))
    return CODE


def test_kept_code_takes_the_place_of_the_cell_that_loads_it(kept_code: str, place: Path) -> None:
    """Asked of a kernel: what it tells the notebook to do with the cell. The code is not run."""
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        load = "from helpers.teaching import progress\nprogress.load('00-survivors')"
        reply = client.execute_interactive(load, output_hook=lambda message: None)["content"]
        assert reply["status"] == "ok"
        (payload,) = reply["payload"]
        assert payload == {"source": "set_next_input", "text": kept_code, "replace": True}
        ran = client.execute_interactive("my_survivors", output_hook=lambda message: None)
        assert ran["content"]["ename"] == "NameError"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_kept_code_is_shown_where_there_is_no_notebook(kept_code: str) -> None:
    assert kept_code in repr(progress.load("00-survivors"))
    with pytest.raises(ValueError, match=r"kept \(00-survivors\), got '00-other'"):
        progress.load("00-other")


def test_restoring_from_nowhere(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="source"):
        progress.restore(tmp_path / "none.json")
    with pytest.raises(FileNotFoundError, match="source"):
        progress.restore(tmp_path)
    with pytest.raises(TypeError, match="source"):
        progress.restore(3)  # type: ignore[arg-type]


def test_an_unwritable_place_warns_once_and_keeps_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    monkeypatch.setenv("COURSE_PROGRESS", str(blocked / "progress.json"))
    monkeypatch.setenv("HOME", str(blocked))
    with pytest.warns(UserWarning, match=r"cannot be saved.*COURSE_PROGRESS"):
        answer("02-a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = predict("02-b", "Q?").commit(0, 1)
        answer("02-c", "b")
        assert "In memory only" in said
        assert "in memory only" in repr(progress.save())
        assert ["02", "1", "2", "0"] in [x.split() for x in repr(progress.summary()).splitlines()]
        assert decode(progress.code())["answers"].keys() == {"02-a", "02-c"}
        blocked.unlink()  # and as soon as it can be saved, all of it is
        answer("02-d")
    file = stored(blocked / "progress.json")
    assert file["answers"].keys() == {"02-a", "02-c", "02-d"}
    assert file["predictions"].keys() == {"02-b"}


def test_a_folder_in_the_file_s_place_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path))
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="cannot be saved"):
        answer("02-a")
    assert decode(progress.code())["answers"].keys() == {"02-a"}
    assert tmp_path.is_dir()


def test_a_write_that_fails_leaves_the_old_file(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer("02-a")
    before = place.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("helpers._ground.os.replace", full)  # at home, too
        with pytest.warns(UserWarning, match="No space left"):
            answer("02-b")
        answer("02-c")
    assert place.read_bytes() == before
    assert not list(place.parent.glob("*.tmp"))
    answer("02-d")
    assert stored(place)["answers"].keys() == {"02-a", "02-b", "02-c", "02-d"}


def _answer_many(name: str, worker: int) -> None:
    import os

    os.environ["COURSE_PROGRESS"] = name
    for n in range(10):
        answer(f"02-w{worker}-{n}")


def test_several_kernels_share_the_file(place: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_answer_many, args=(str(place), n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len(stored(place)["answers"]) == 30


def test_several_threads_share_the_file(place: Path) -> None:
    threads = [
        threading.Thread(target=lambda n=n: [answer(f"02-t{n}-{k}") for k in range(5)])
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stored(place)["answers"]) == 30


def test_the_home_folder_comes_before_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    monkeypatch.setenv("COURSE_PROGRESS", str(blocked / "progress.json"))
    with pytest.warns(UserWarning, match=r"cannot be saved in .*blocked.*It is kept in .*home"):
        answer("02-a")
    at_home = tmp_path / "home" / ".closing-the-loop" / "progress.json"
    assert stored(at_home)["answers"].keys() == {"02-a"}
    _store._stores.clear()  # the next day: another kernel
    assert decode(progress.code())["answers"].keys() == {"02-a"}
    blocked.unlink()
    answer("02-b")
    assert stored(blocked / "progress.json")["answers"].keys() == {"02-a", "02-b"}


def test_a_file_system_without_locks_saves_all_the_same(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl", reason="locks of POSIX")

    def none(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer("02-a")
        answer("02-b")
    assert stored(place)["answers"].keys() == {"02-a", "02-b"}


READER = """
import warnings; from pathlib import Path
from helpers import _ground; from helpers.teaching import quiz, progress, _store
_ground.ROOT = Path.cwd()
with warnings.catch_warnings():
    warnings.simplefilter("error")
    quiz("02-a", "Q?", {"a": "because a", "b": "because b"}, answer="a").choose("a")
print(_ground.home()); print(_store.place())
"""


@pytest.mark.parametrize("whose", ["nobody's yet", "the teacher's"])
@pytest.mark.parametrize("chosen", [False, True])
def test_in_a_checkout_that_cannot_be_written(tmp_path: Path, whose: str, chosen: bool) -> None:
    checkout, own = tmp_path / "checkout", tmp_path / "elsewhere"
    (checkout / "lessons").mkdir(parents=True)
    if whose == "the teacher's":
        (checkout / "my").mkdir()
        (checkout / ".progress").mkdir()
        (checkout / ".progress" / "progress.json").write_text("of somebody else")
    environment = {"COURSE_PROGRESS": "", "COURSE_HOME": str(own) if chosen else ""}
    answer = as_nobody([sys.executable, "-c", READER], read_only=checkout, **environment)
    assert answer.stderr == ""
    home = tmp_path / "home"
    folder, file = own, own / ".progress" / "progress.json"
    if not chosen:
        folder, file = home / "closing-the-loop", home / ".closing-the-loop" / "progress.json"
    assert answer.stdout.splitlines() == [str(folder), str(file)]
    assert stored(file)["answers"].keys() == {"02-a"}


def test_somebody_else_s_answers_are_not_yours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout that several may write to: the second user keeps to the home folder."""
    for folder in ("lessons", "my", ".progress"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(_ground, "ROOT", tmp_path)
    monkeypatch.setenv("COURSE_PROGRESS", "")
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    assert (_ground.home(), _ground.answers_file().parent) == (tmp_path, tmp_path / ".progress")
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1000)
    monkeypatch.setattr(os, "access", lambda *_: True)
    assert _ground.home() == tmp_path / "home" / "closing-the-loop"
    assert _ground.answers_file() == _ground.spare_answers_file()


def test_where_progress_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", "")
    assert _store.place() == _ground.ROOT / ".progress" / "progress.json"
    monkeypatch.setattr(_ground, "ROOT", tmp_path / "site-packages")
    assert _store.place() == tmp_path / "home" / ".closing-the-loop" / "progress.json"


# ---- what is shown


def test_download_link_holds_the_file(place: Path) -> None:
    answer("02-a")
    page = progress.save()._repr_html_()
    link = re.search(r'download="progress.json" href="data:application/json;base64,([^"]+)"', page)
    assert link
    assert base64.b64decode(link[1]) == place.read_bytes()
    assert progress.code() in page


def test_no_resume_code_before_there_is_something_to_resume(place: Path) -> None:
    check("00-survivors", lambda row: 0)  # tried, not passed: as on the page that is built
    claim("overfitting", "contradicted", lesson="00", because="Counting is exact.")
    assert not stored(place)["claims"]
    assert repr(progress.save()) == (
        "Nothing to take along yet, so no resume code: 0 predictions, 0 quiz answers, "
        "0 exercises passed; kept in progress.json."
    )
    assert "download" not in progress.save()._repr_html_()
    verdict("quilt, replace", "what survived").choose("collapsed")
    assert progress.code() in repr(progress.save())


def test_a_copy_never_overwrites(place: Path, tmp_path: Path) -> None:
    answer("02-a")
    copy = tmp_path / "copy.json"
    progress.save(copy)
    assert stored(copy) == stored(place)
    with pytest.raises(FileExistsError, match="file"):
        progress.save(copy)


def test_summary_counts_lesson_by_lesson() -> None:
    answer("02-a")
    answer("06-a", "b")
    predict("06-b", "Q?").commit(0, 1)
    predict("09-b", "Q?").resolve(3)  # shown, never predicted
    lines = [line.split() for line in repr(progress.summary()).splitlines()]
    assert ["02", "0", "1", "0"] in lines
    assert ["06", "1", "1", "0"] in lines
    assert not any("09" in line for line in lines)
    assert re.search(r'<th scope="row"[^>]*>02</th>', progress.summary()._repr_html_())


def test_summary_is_a_page_of_all_that_one_has_done() -> None:
    predict("06-b", "Q?").commit(0, 1)
    predict("06-b", "Q?").resolve(3)
    chosen = predict("06-c", "Q?", choices=["up", "down"])
    chosen.commit("up", 90)
    chosen.resolve("up")
    verdict("Gaussian", "variance", "collapsed")
    claim("bulwark", "holds", lesson="06", because="Ours.").choose("partly", "Mine <here>.")
    text, page = repr(progress.summary()), progress.summary()._repr_html_()
    lines = [line.split() for line in text.splitlines()]
    assert "0 of your 1 interval held the truth" in text
    assert ["06", "b", "0", "to", "1", "3", "wrong"] in lines
    assert ["06", "c", "up,", "90", "%", "up", "right"] in lines
    assert ["Gaussian", "collapsed"] in lines
    assert "[partly (lesson 06): Mine <here>.]" in text
    for said in ("interval held the truth", "Gaussian", "collapsed", "Mine &lt;here&gt;."):
        assert said in page
    assert page.count("<table>") == 3


def _walk(widget: Any) -> list[Any]:
    return [widget, *(w for child in getattr(widget, "children", ()) for w in _walk(child))]


def test_restore_form(place: Path) -> None:
    answer("02-a")
    code, file = progress.code(), place.read_bytes()
    place.unlink()
    form = progress.restore()
    *_, upload, text, button, said = _walk(form.widget)  # type: ignore[union-attr]
    named = {one.description: one for one in (upload, text, button)}
    assert list(named) == ["Choose progress.json", "or code", "Restore"]
    assert (upload.accept, upload.multiple, text.placeholder) == (".json", False, "CTL1-...")
    assert "Nothing that is here gets lost." in said.value
    text.value = code[:-3]
    button.click()
    assert "Not restored: the resume code is damaged" in said.value
    assert not place.exists()
    text.value = code
    button.click()
    assert "1 quiz answers" in said.value
    place.unlink()
    upload.value = [_uploaded("wrong.json", b"{")]
    assert "wrong.json is not a progress file" in said.value
    upload.value = [_uploaded("progress.json", file)]
    assert place.read_bytes() == file


def _uploaded(name: str, content: bytes) -> dict[str, Any]:
    now = datetime.now(UTC)
    file = {"name": name, "type": "", "size": len(content), "last_modified": now}
    return {**file, "content": memoryview(content)}


def test_an_empty_state_is_valid() -> None:
    assert decode(encode(empty())) == empty()
