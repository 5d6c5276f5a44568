"""A reader's own text: any length works, or one line says why not."""

import numpy as np
import pytest

from helpers.data.own_text import MOST, own_words
from helpers.loop import run_loop
from helpers.models import Bigram
from helpers.policies import Replace


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Your text has no words, and a model needs at least 2."),
        ("?! ...", "Your text has no words"),
        ("Hello", "Your text has 1 word,"),
        ("two words", ""),
        ("\u00e9t\u00e9 o\u00f9 l'\u0153uf, \u4e2d\u6587", ""),
        ("word " * (MOST + 1), f"Your text has {MOST + 1:,} words. The first {MOST:,} are used."),
    ],
)
def test_any_text_goes_through_the_loop(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    vocabulary, numbers = own_words(text)
    printed = capsys.readouterr().out
    assert said in printed if said else not printed
    assert 2 <= len(numbers) <= MOST
    history = run_loop(Bigram(len(vocabulary)), numbers[None, :], policy=Replace(), generations=2)
    assert set(vocabulary[history.samples[2][0]]) <= set(vocabulary)


def test_words_come_back_in_their_order() -> None:
    vocabulary, numbers = own_words("The cat saw the Cat's dog")
    assert list(vocabulary[numbers]) == ["the", "cat", "saw", "the", "cat's", "dog"]
    assert np.all(vocabulary[:-1] < vocabulary[1:])


def test_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match="text must be a str, got list"):
        own_words(["a", "b"])  # type: ignore[arg-type]
