"""Tokenizers and corpora: round trips, packing, and loaders on tiny local files."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.data import corpora
from helpers.models.tokenizers import END, BytePairTokenizer, WordTokenizer, pack

TEXT = "the loop is the loop, and a loop is a loop; déjà vu — 日本語! " * 20


@pytest.fixture(scope="module")
def pairs() -> BytePairTokenizer:
    return BytePairTokenizer(300).fit(TEXT)


def test_words_round_trip() -> None:
    tokenizer = WordTokenizer.of(["b", "a", "b", "c"])
    assert tokenizer.words == [END, "b", "a", "c"]
    assert tokenizer.decode(tokenizer.encode("a c b")) == "a c b"
    with pytest.raises(ValueError, match="'d'"):
        tokenizer.encode("a d")


def test_rare_words_become_unknown() -> None:
    tokenizer = WordTokenizer.of(["b", "a", "b", "c", "a", "b"], size=4)
    assert tokenizer.words == [END, "<unk>", "b", "a"]
    assert tokenizer.decode(tokenizer.encode("a c b")) == "a <unk> b"
    with pytest.raises(ValueError, match="size"):
        WordTokenizer.of(["a"], size=2)
    with pytest.raises(ValueError, match="distinct"):
        WordTokenizer([END, "a", "a"])


def test_byte_pairs_are_fewer_than_bytes_and_end_is_token_zero(pairs: BytePairTokenizer) -> None:
    tokens = pairs.encode(TEXT)
    assert len(tokens) < len(TEXT.encode()) / 2
    assert pairs.decode(tokens) == TEXT
    assert pairs.encode(END) == [0]
    assert max(tokens) < len(pairs) <= 300


@settings(max_examples=200)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_comes_back(pairs: BytePairTokenizer, text: str) -> None:
    if END not in text:
        assert pairs.decode(pairs.encode(text)) == text


def test_training_is_deterministic() -> None:
    one, two = (BytePairTokenizer(290).fit(TEXT) for _ in range(2))
    assert one.encode(TEXT) == two.encode(TEXT)


def test_bad_byte_pairs() -> None:
    with pytest.raises(ValueError, match="vocabulary_size"):
        BytePairTokenizer(256).fit(TEXT)
    with pytest.raises(ValueError, match="empty corpus"):
        BytePairTokenizer(300).fit(["", ""])


def test_pack_keeps_every_token_in_order() -> None:
    rows = pack([[5, 6, 7], [8, 9], [4]], length=4)
    np.testing.assert_array_equal(rows, [[0, 5, 6, 7], [0, 0, 8, 9]])
    with pytest.raises(ValueError, match="at least 9"):
        pack([[1, 2]], length=10)


def test_documentation_is_prose_without_rules() -> None:
    text = corpora.documentation()
    assert len(text) > 300_000
    assert "====" not in text
    assert "  " not in text
    words = corpora.words(text)
    assert 80_000 < len(words) < 200_000
    assert words[:0] == []
    assert len(set(words)) > 2000
    assert corpora.words("It's Py3!") == ["it", "'", "s", "py", "3", "!"]


def test_tiny_stories_from_a_local_file(tmp_path: Path) -> None:
    file = tmp_path / "TinyStories-valid.txt"
    file.write_text("Once there was\na cat.\n<|endoftext|>\nA dog ran.\n<|endoftext|>\n", "utf-8")
    assert corpora.tiny_stories(file) == ["Once there was\na cat.", "A dog ran."]
    file.write_text("no mark", "utf-8")
    with pytest.raises(ValueError, match="stories"):
        corpora.tiny_stories(file)


def test_wikitext_from_a_local_file(tmp_path: Path) -> None:
    file = tmp_path / "wikitext-2-raw-v1.zip"
    text = (
        " \n = Valkyria = \n \n Some text . \n = = Part = = \n More . \n = Second = \n \n End . \n"
    )
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("wikitext-2-raw/wiki.test.raw", text)
    first, second = corpora.wikitext2(file, "test")
    assert first.startswith("= Valkyria =")
    assert first.endswith("More .")
    assert second == "= Second = \n \n End ."
    with pytest.raises(ValueError, match="zip"):
        corpora.wikitext2(file, "train")
    with pytest.raises(ValueError, match="part"):
        corpora.wikitext2(file, "dev")


def test_nothing_is_fetched_unless_asked_and_a_failed_fetch_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = corpora.WIKITEXT2._replace(address="http://127.0.0.1:9/wikitext.zip")
    monkeypatch.setattr(corpora, "WIKITEXT2", nobody)
    with pytest.raises(FileNotFoundError, match=r"19 MB.*download=True"):
        corpora.tiny_stories(tmp_path / "a.txt")
    assert not capsys.readouterr().out
    with pytest.raises(OSError, match=r"could not be fetched \(ConnectionError\): is there a net"):
        corpora.wikitext2(tmp_path / "b.zip", download=True)
    assert "4.7 MB" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that a web server on this machine hands out; TinyStories is `stories.txt` there."""
    folder = tmp_path / "shelf"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/stories.txt"
    monkeypatch.setattr(corpora, "TINY_STORIES", corpora.Corpus(address, "stories", None))
    (folder / "stories.txt").write_text("A cat.\n<|endoftext|>\n", "utf-8")
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_fetched_file_is_used_and_kept(shelf: Path, tmp_path: Path) -> None:
    target = tmp_path / "here.txt"
    assert corpora.tiny_stories(target, download=True) == ["A cat."]
    (shelf / "stories.txt").unlink()
    assert corpora.tiny_stories(target, download=True) == ["A cat."]
    assert {path.name for path in tmp_path.iterdir()} == {"shelf", "here.txt", "here.txt.sha256"}


def test_a_file_that_changed_since_it_was_fetched_is_refused(shelf: Path, tmp_path: Path) -> None:
    target = tmp_path / "here.txt"
    corpora.tiny_stories(target, download=True)
    target.write_text("A dog.\n<|endoftext|>\n", "utf-8")
    with pytest.raises(ValueError, match=r"here.txt is not what was fetched: its SHA-256 must be"):
        corpora.tiny_stories(target, download=True)
    assert "A dog." in target.read_text("utf-8"), "refused, not replaced"
    target.with_name("here.txt.sha256").unlink()  # a file of one's own
    assert corpora.tiny_stories(target) == ["A dog."]


def test_a_second_fetch_that_brings_something_else_is_refused(shelf: Path, tmp_path: Path) -> None:
    target = tmp_path / "here.txt"
    corpora.tiny_stories(target, download=True)
    target.unlink()
    (shelf / "stories.txt").write_text("A dog.\n<|endoftext|>\n", "utf-8")
    with pytest.raises(ValueError, match=r"SHA256 hash of downloaded file .* does not match"):
        corpora.tiny_stories(target, download=True)
    assert not target.exists()


def test_a_download_that_is_not_what_was_published_is_refused(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = corpora.WIKITEXT2._replace(address=corpora.TINY_STORIES.address)
    monkeypatch.setattr(corpora, "WIKITEXT2", forged)
    with pytest.raises(ValueError, match="does not match"):
        corpora.wikitext2(tmp_path / "b.zip", download=True)
    assert {path.name for path in tmp_path.iterdir()} == {"shelf"}
