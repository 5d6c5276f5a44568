"""Text to learn from: what Python brings along, and two downloads for those who ask for them.

`documentation` needs no network: it is the language reference that `help()` shows, real prose by
many hands. `tiny_stories` and `wikitext2` read a file you have, and fetch it only when told to,
saying what and how large; the hash of what came is kept beside it. No tokens here: see
`helpers.models.tokenizers`.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Corpus(NamedTuple):
    """A file to fetch. sha256: of the file as it was published, or None where none is known."""

    address: str
    what: str
    sha256: str | None


TINY_STORIES = Corpus(
    "https://huggingface.co/datasets/roneneldan/TinyStories/resolve/main/TinyStories-valid.txt",
    "the validation part of TinyStories, 19 MB",
    None,
)
WIKITEXT2 = Corpus(
    "https://wikitext.smerity.com/wikitext-2-raw-v1.zip",
    "WikiText-2, 4.7 MB",
    "ef7edb566e3e2b2d31b29c1fdb0c89a4cc683597484c3dc2517919c615435a11",
)
STORY_END = "<|endoftext|>"
WAIT_SECONDS = 30


def documentation() -> str:
    """The topics of Python's own documentation, about 460,000 characters.

    The text differs between Python versions: compare orderings, pin no number of it. Lines of
    rules (===, ---, ***) and indentation are left out.
    """
    from pydoc_data.topics import topics

    text = _without_rules("\n\n".join(topics[name] for name in sorted(topics)))
    text = re.sub(r"[ \t]+", " ", text)
    return re.sub(r" ?\n ?(\n ?)*", lambda m: "\n\n" if m[0].count("\n") > 1 else " ", text)


def documentation_topics(least: int = 50) -> dict[str, list[str]]:
    """The words of each topic of Python's documentation that does not repeat others: name -> words.

    Some topics hold whole others. The longest comes first; a topic is left out when more than half
    of its sequences of eight words stand in those before it, or when it has fewer than `least`
    words. The text differs between Python versions, as that of `documentation` does.
    """
    from pydoc_data.topics import topics

    texts = {name: words(_without_rules(text)) for name, text in topics.items()}
    seen: set[tuple[str, ...]] = set()
    kept = {}
    for name in sorted(texts, key=lambda name: (-len(texts[name]), name)):
        text = texts[name]
        found = sequences(text)
        if len(text) >= least and 2 * len(found & seen) <= len(found):
            kept[name] = text
            seen |= found
    return kept


def sequences(text: Sequence[Any], run: int = 8) -> set[tuple[Any, ...]]:
    """All different sequences of `run` words, or numbers of words, that stand in a text."""
    return set(zip(*(text[i:] for i in range(run)), strict=False))


def repeated(test: np.ndarray, real: np.ndarray, run: int = 8) -> np.ndarray:
    """Of each row of `test`, the share of its `sequences` that rows of `real` hold, too: (n,).

    Both have a text a row, of numbers of words. No sequence crosses the end of a row.
    """
    held = set().union(*(sequences(row, run) for row in real.tolist()))
    found = [sequences(row, run) for row in test.tolist()]
    return np.array([len(own & held) / len(own) for own in found])


def _without_rules(text: str) -> str:
    """`text` without the lines of signs that divide it."""
    return re.sub(r"[-=*~^#+.|]{3,}", "", text)


def words(text: str) -> list[str]:
    """Lower-case words and single signs, in order: numbers fall apart into digits."""
    return re.findall(r"[a-z]+|[^a-z\s]", text.lower())


def tiny_stories(path: str | Path, download: bool = False) -> list[str]:
    """The stories in a TinyStories text file (Eldan and Li 2023), one string each.

    path: the file; with `download`, where to put the validation part (22,000 stories, 19 MB) if
    it is not there. ValueError when the file holds no story.
    """
    file = _file(path, TINY_STORIES, download)
    text = file.read_text(encoding="utf-8")
    stories = [story.strip() for story in text.split(STORY_END) if story.strip()]
    if STORY_END not in text or not stories:
        raise ValueError(f"{file.name} must hold stories that end with {STORY_END}, found none")
    return stories


def wikitext2(path: str | Path, part: str = "train", download: bool = False) -> list[str]:
    """The articles of WikiText-2 (Merity et al. 2016, raw version), one string each.

    path: the zip file; with `download`, where to put it (4.7 MB) if it is not there. part:
    "train", "valid" or "test". ValueError when the file is not WikiText-2.
    """
    if part not in ("train", "valid", "test"):
        raise ValueError(f"part must be 'train', 'valid' or 'test', got {part!r}")
    file = _file(path, WIKITEXT2, download)
    try:
        with zipfile.ZipFile(file) as archive:
            text = archive.read(f"wikitext-2-raw/wiki.{part}.raw").decode("utf-8")
    except (KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file.name} must be the zip file of WikiText-2 (raw)") from error
    # An article begins with its title between single signs: " = Robert Boulter = ".
    starts = [m.start() for m in re.finditer(r"^ = [^=].*[^=] = *$", text, flags=re.MULTILINE)]
    ends = [*starts[1:], len(text)]
    return [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def _file(path: str | Path, corpus: Corpus, download: bool) -> Path:
    """The file at `path`, fetched first if it is missing and `download` allows it.

    Beside what was fetched lies its hash: a file that changed since, and a second fetch that
    brings something else, are refused with a ValueError. A file of the reader's own has no hash
    beside it and is read as it is.
    """
    file = Path(path)
    beside = file.with_name(file.name + ".sha256")
    known = beside.read_text(encoding="ascii").strip() if beside.exists() else corpus.sha256
    if file.exists():
        if beside.exists() and _sha256(file) != known:
            raise ValueError(
                f"{file} is not what was fetched: its SHA-256 must be {known}, as {beside.name} "
                f"says; delete both to fetch it again"
            )
        return file
    if not download:
        raise FileNotFoundError(
            f"{file} is not there. To fetch {corpus.what}, from {corpus.address}, call again with "
            f"download=True."
        )
    print(f"Fetching {corpus.what}, from {corpus.address}")
    _fetch(corpus.address, file, known)
    beside.write_text(_sha256(file) + "\n", encoding="ascii")
    return file


def _fetch(address: str, file: Path, known: str | None) -> None:
    """Download to `file`, whole or not at all.

    Raises OSError without a network, ValueError when the SHA-256 is not `known`.
    """
    import pooch  # here: no lesson needs it

    pooch.get_logger().setLevel("WARNING")  # we have said what is fetched
    try:
        pooch.retrieve(
            address,
            known_hash=known and f"sha256:{known}",
            fname=file.name,
            path=file.parent,
            downloader=pooch.HTTPDownloader(timeout=WAIT_SECONDS),
        )
    except OSError as error:
        raise OSError(
            f"{address} could not be fetched ({type(error).__name__}): is there a network? Or put "
            f"the file at {file} yourself"
        ) from error


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
