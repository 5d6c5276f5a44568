"""The take-home page: one file, whole, that loads nothing, and in which code stays text."""

import base64
import os
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from helpers.course import cli
from helpers.teaching import claim, predict, progress, take_home, takehome
from helpers.teaching._store import store
from helpers.teaching.entries import Judgement
from helpers.teaching.matrix import CLAIMS

VOID_TAGS = {"meta", "br", "input"}


@dataclass
class Result:
    """As much of a judgement as the page asks for."""

    policy: str = "MyEntry"
    seeds: tuple[int, ...] = tuple(range(8))
    mean: float = 63.94
    interval: tuple[float, float] = (61.02, 66.8)
    void: str = ""

    def __str__(self) -> str:
        return "minus a baseline\nreplace <22.0>"


class Reader(HTMLParser):
    """What a browser makes of the page: its tags, all closed in order, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


OURS = {
    *("html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "p", "pre"),
    *("table", "caption", "thead", "tr", "th", "td", "strong", "ol", "li"),
}


@pytest.fixture(autouse=True)
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "mine" / "progress.json"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "mine"


def read(path: Path) -> Reader:
    page = path.read_text("utf-8")
    found = Reader(page)
    assert set(found.tags) <= OURS
    assert not {name for name, _ in found.attributes} & {"src", "href", "action", "background"}
    assert not any(name.startswith("on") for name, _ in found.attributes)
    assert "url(" not in page.split("</style>")[0]
    assert "@import" not in page.split("</style>")[0]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert ("content", policy) in found.attributes
    return found


def test_nothing_done_is_nothing_to_take(answers: Path) -> None:
    assert repr(take_home()) == takehome.NOTHING
    predict("02-a", "Q?", low=0).resolve(3)  # as a cell does that nobody predicted for
    assert repr(take_home()) == takehome.NOTHING
    assert not (answers / "take-home.html").exists()


def test_all_that_one_has(answers: Path) -> None:
    for n, truth in enumerate([0.5, 0.9, 7.0]):
        predict(f"02-i{n}", "Q?").commit(0, 1)
        predict(f"02-i{n}", "Q?").resolve(truth)
    claim("bulwark", "partly", lesson="06").choose("reproduced", "It held.")
    claim("overfitting", "partly", lesson="00").choose("partly")
    said = take_home(Result(), entry="class MyEntry: ...")
    assert repr(said) == "Written: take-home.html, beside progress.json."
    text = read(answers / "take-home.html").text
    assert "MyEntry: 63.9 of 100, 95 % interval 61.0 to 66.8 over 8 seeds." in text
    assert "minus a baseline\nreplace <22.0>" in text
    assert "2 of your 3 intervals held the truth." in text
    assert "chance allows 1 to 3" in text
    assert "judged 2 of 7 claims, and the course differs on 1 of them." in text
    assert CLAIMS["bulwark"] in text
    assert "F07 partly, F14 reproduced" in text
    assert CLAIMS["overfitting"] not in text
    assert "class MyEntry: ..." in text
    assert progress.code() in text
    assert "The lessons hold" in text
    assert text.count("(lesson ") + text.count("(lessons ") == 12
    assert "1.54 times that of one fit" in text
    embedded = re.search(r"base64,([^\"]+)", said._repr_html_())
    assert embedded
    assert base64.b64decode(embedded[1]) == (answers / "take-home.html").read_bytes()


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("x = 1 </script><script>alert(1)</script>", "</script><script>alert(1)</script>"),
        ("</pre></section><img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("</style></title><!-- <h1>", "</style></title><!-- <h1>"),
        ("{style} {0} %s ${body}", "{style} {0} %s ${body}"),
        ("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"),
        (b"a = '\xff\xfe'\r\nb", "a = '\\xff\\xfe'\nb"),
        (b"\xef\xbb\xbfx = 1", "x = 1"),
        ("é 漢 \U0001f642", "é 漢 \U0001f642"),
        ("a = '\udcff'", "a = '\\udcff'"),
        ("if x: \u202e # }", "if x: \\u202e # }"),
        ("a\x00b\x1b[31m", "a\\x00b\\x1b[31m"),
    ],
)
def test_code_stays_text(code: str | bytes, shown: str, answers: Path) -> None:
    take_home(entry=code)
    found = read(answers / "take-home.html")
    assert shown in found.text
    assert found.text.count("For Monday") == 1
    plain = Reader(takehome.page(entry="x"))
    assert found.tags == plain.tags, "no code may add a tag"


def test_what_a_learner_wrote_elsewhere_stays_text_too(answers: Path) -> None:
    claim("bulwark", "partly", lesson="06").choose(
        "not here", "</td><script>x</script>\u202e\udcff"
    )
    take_home(Result(policy="<b>", void="it </p><b> raised"))
    text = read(answers / "take-home.html").text
    assert "not here: </td><script>x</script>\\u202e\\udcff" in text
    assert "<b>: void, it </p><b> raised" in text


def test_the_kept_code_of_the_entry_is_taken(answers: Path) -> None:
    entry = {"passed": True, "tries": 2, "code": "class Kept: ...", "at": 1}
    store().update(lambda state: state["checks"].update({takehome.ENTRY: entry}))
    take_home()
    assert "class Kept: ..." in read(answers / "take-home.html").text
    take_home(entry="class Named: ...")
    text = read(answers / "take-home.html").text
    assert "class Named: ..." in text
    assert "class Kept" not in text


def test_long_code_is_cut_and_says_so(answers: Path) -> None:
    take_home(entry="x" * 100_001)
    text = read(answers / "take-home.html").text
    assert "The first 100,000 of 100,001 characters." in text
    assert "x" * 100_000 in text
    assert "x" * 100_001 not in text


def test_without_score_or_interval_it_says_so(answers: Path) -> None:
    nan = float("nan")
    take_home(Result(seeds=(3,), interval=(nan, nan)), entry=" ")
    text = read(answers / "take-home.html").text
    assert "MyEntry: 63.9 of 100, no interval, from 1 seed." in text
    assert "None is kept" in text
    assert "No prediction has met its answer yet." in text
    take_home(entry="x")
    assert "No entry was judged" in read(answers / "take-home.html").text


def test_what_is_there_is_kept(answers: Path) -> None:
    answers.mkdir()
    page, kept = answers / "take-home.html", answers / "take-home-1.html"
    page.write_bytes(b"mine, \xff")
    assert repr(take_home(entry="a")).endswith("The former one is kept as take-home-1.html.")
    assert kept.read_bytes() == b"mine, \xff"
    first = page.read_bytes()
    assert repr(take_home(entry="a")) == "It is as it was: take-home.html, beside progress.json."
    assert repr(take_home(entry="b")).endswith("The former one is kept as take-home-2.html.")
    assert (answers / "take-home-2.html").read_bytes() == first
    assert kept.read_bytes() == b"mine, \xff"
    page.unlink()
    take_home(entry="c")
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in answers.glob("*.html")}
    names = ("take-home.html", "take-home-1.html", "take-home-2.html")
    assert modes == dict.fromkeys(names, "0o600"), "nobody else on the machine reads them"


def test_a_write_that_fails_leaves_all_as_it_was(
    answers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_home(entry="a")
    before = (answers / "take-home.html").read_bytes()

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(KeyboardInterrupt):
            take_home(entry="b")
    assert (answers / "take-home.html").read_bytes() == before
    assert not list(answers.glob(".take-home*"))


def test_where_answers_cannot_be_kept_it_goes_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "file" / "progress.json"))
    home = tmp_path / "home" / ".closing-the-loop" / "take-home.html"
    take_home(entry="a")
    read(home)
    home.unlink()
    home.parent.rmdir()
    home.parent.write_text("no folder either")
    said = take_home(entry="a")
    assert "could not be written" in repr(said)
    assert "base64," in said._repr_html_()


def test_it_goes_where_one_says(tmp_path: Path) -> None:
    assert repr(take_home(file=tmp_path / "a.html")) == f"Written: {tmp_path / 'a.html'}."
    read(tmp_path / "a.html")
    with pytest.raises(OSError, match="No such file"):
        take_home(file=tmp_path / "none" / "a.html")
    with pytest.raises(OSError, match="directory"):
        take_home(file=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"judged": 63.9}, "judged must be what judge"),
        ({"entry": Result}, "entry must be the text of a program"),
        ({"file": 3}, "file must be a path, got 3"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], named: str, answers: Path) -> None:
    with pytest.raises(TypeError, match=named):
        take_home(**arguments)  # type: ignore[arg-type]
    assert not answers.exists()


def test_the_command(
    answers: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COURSE_ENV", "current")
    assert cli.main(["take-home"]) == 0
    assert capsys.readouterr().out == f"{takehome.NOTHING}\n"
    (tmp_path / "my.py").write_bytes(b"x = '\xff'")
    assert cli.main(["take-home", "--entry", str(tmp_path / "my.py")]) == 0
    assert capsys.readouterr().out.splitlines()[1] == str(answers / "take-home.html")
    assert "x = '\\xff'" in read(answers / "take-home.html").text
    assert cli.main(["take-home", "--entry", str(tmp_path / "none.py")]) == 1
    assert "none.py" in capsys.readouterr().err
    assert cli.main(["take-home", "--to", str(tmp_path)]) == 1
    with pytest.raises(SystemExit):
        takehome.main(["--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "--entry FILE print the code of this file" in told
    assert "--to FILE write here, and not beside the answers" in told
    assert "What you have at the end of the course" in told


def test_contrast_in_both_themes_and_on_paper() -> None:
    """4.5 to 1 or more between ink and paper, and ink and box: WCAG 2.2, 1.4.3."""
    themes = re.findall(
        r"--ink: #(\w{6}); --paper: #(\w{6}); --line: #(\w{6}); --box: #(\w{6})", takehome._STYLE
    )
    assert len(themes) == 3

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(a: str, b: str) -> float:
        low, high = sorted((light(a), light(b)))
        return (high + 0.05) / (low + 0.05)

    for ink, paper, line, box in themes:
        assert min(contrast(ink, paper), contrast(ink, box)) > 4.5
        assert contrast(line, paper) > 3


def test_what_the_capstone_says_of_an_entry_is_what_the_page_needs(answers: Path) -> None:
    void = Judgement("MyEntry", (0, 1), {}, void="it <raised>")
    assert isinstance(void, takehome.Judged)
    take_home(void, entry="x")
    assert "MyEntry: void, it <raised>" in read(answers / "take-home.html").text
