"""Yardsticks for text, on a model that is the grammar itself and on texts written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers.data.stories import State, StoryGrammar
from helpers.metrics import language as lm

WORLD = StoryGrammar()


class Oracle:
    """The grammar as a model; a share `lost` of its probability is spread over all words."""

    def __init__(self, lost: float = 0.0) -> None:
        self.lost = lost

    def token_scores(self, rows: np.ndarray) -> np.ndarray:
        true = np.exp(WORLD.token_log_probabilities(rows))
        return np.log((1 - self.lost) * true + self.lost / len(WORLD.words))

    def score_samples(self, rows: np.ndarray) -> np.ndarray:
        return self.token_scores(rows).mean(axis=1)

    def next_token_probabilities(self, prompts: list[list[int]]) -> np.ndarray:
        result = np.full((len(prompts), len(WORLD.words)), self.lost / len(WORLD.words))
        for row, prompt in zip(result, prompts, strict=True):
            state = State()
            for token in prompt[1:]:
                state = WORLD.advance(state, token)
            tokens, p = WORLD.step(state)
            row[tokens] += (1 - self.lost) * p
        return result


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return WORLD.sample(60, 33, np.random.default_rng(0))


def tell(*texts: str) -> np.ndarray:
    encoded = [WORLD.encode(text) for text in texts]
    longest = max(map(len, encoded))
    return np.array([e + [0] * (longest - len(e)) for e in encoded])


def test_excess_of_the_truth_is_zero_and_of_less_is_more(rows: np.ndarray) -> None:
    true = WORLD.token_log_probabilities(rows)
    assert lm.excess_cross_entropy(Oracle(), rows, true) == pytest.approx(0, abs=1e-12)
    some, more = (lm.excess_cross_entropy(Oracle(lost), rows, true) for lost in (0.1, 0.3))
    assert 0 < some < more
    np.testing.assert_allclose(lm.surprise(Oracle(), rows), -true.mean(axis=1))


@pytest.mark.parametrize("fact", ["city", "job", "food"])
def test_recall_of_the_truth_is_one(fact: str) -> None:
    np.testing.assert_allclose(lm.recall(Oracle(), WORLD, fact), 1.0)
    known = lm.recall(Oracle(0.4), WORLD, fact)
    np.testing.assert_allclose(known, 0.6 + 0.4 / 234)
    assert set(lm.recall_by_fame(Oracle(), WORLD, fact)) == {"head", "mid", "tail"}


def test_a_model_that_answers_nan_is_refused_by_every_yardstick() -> None:
    """What a broken model forgot is not known: it must not pass for one that collapsed."""

    class Broken:
        def token_scores(self, rows: np.ndarray) -> np.ndarray:
            return np.full((len(rows), rows.shape[1] - 1), np.nan)

        def next_token_probabilities(self, questions: list[list[int]]) -> np.ndarray:
            return np.full((len(questions), len(WORLD.words)), np.nan)

        def score_samples(self, rows: np.ndarray) -> np.ndarray:
            return np.array([-1.0, np.nan])

    rows = WORLD.sample(2, 12, np.random.default_rng(0))
    truth = WORLD.token_log_probabilities(rows)
    for ask in (
        lambda: lm.excess_cross_entropy(Broken(), rows, truth),
        lambda: lm.recall(Broken(), WORLD),
        lambda: lm.recall_by_fame(Broken(), WORLD),
        lambda: lm.surprise(Broken(), rows),
    ):
        with pytest.raises(ValueError, match="the model must answer with numbers, got NaN"):
            ask()


def test_recall_by_fame_takes_the_right_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lm, "recall", lambda *_: np.arange(100.0))
    got = lm.recall_by_fame(Oracle(), WORLD)
    assert got == {"head": 9.5, "mid": 34.5, "tail": 74.5}


def test_fame_is_a_share_of_the_people() -> None:
    """A fifth, three tenths, half: of five thousand as of a hundred; none of three is empty."""
    large = StoryGrammar(n_names=5_000, n_values=200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lm, "recall", lambda *_: np.arange(5_000.0))
        got = lm.recall_by_fame(Oracle(), large)
    assert got == {"head": 499.5, "mid": 1_749.5, "tail": 3_749.5}
    with pytest.raises(ValueError, match="at least 5 people to part, got 4"):
        lm.recall_by_fame(Oracle(), StoryGrammar(n_names=4))


def test_distinct_ngrams_by_hand() -> None:
    text = np.array([[1, 2, 1, 2], [2, 1, 2, 3]])
    assert [lm.distinct_ngrams(text, n) for n in (1, 2, 3)] == [3, 3, 3]
    with pytest.raises(ValueError, match="n = 5"):
        lm.distinct_ngrams(text, 5)


def test_distinct_ngrams_equal_a_set_of_tuples() -> None:
    text = np.random.default_rng(0).integers(5, size=(20, 9))
    for n in (1, 2, 3, 4):
        known = {tuple(row[i : i + n]) for row in text.tolist() for i in range(10 - n)}
        assert lm.distinct_ngrams(text, n) == len(known)


def test_names_alive_by_hand() -> None:
    assert lm.names_alive(tell("<eos> Ada lives in Oslo .", "<eos> Ben likes Ada"), WORLD) == 2


def test_fact_accuracy_by_hand() -> None:
    city, food = WORLD.facts["city"][0], WORLD.facts["food"][0]
    job, other = WORLD.facts["job"][0], WORLD.facts["job"][1]
    wrong = "tofu" if food != "tofu" else "stew"
    text = tell(
        f"<eos> Ada lives in {city} . Ada likes {wrong} .",  # right, wrong
        f"<eos> Ada lives in {food} . the {job} finds",  # wrong: no city at all; right
        f"<eos> Ben lives in {WORLD.facts['city'][1]} . Ada likes {food} . the {other}",  # 3 right
        "<eos> then Ada finds the key today .",  # states nothing
    )
    assert lm.fact_accuracy(text, WORLD) == pytest.approx(5 / 7)
    assert np.isnan(lm.fact_accuracy(text[3:], WORLD))


def statements_one_by_one(row: list[int], grammar: StoryGrammar) -> list[bool]:
    """What a reader of one row would count, word after word."""
    words, people = [grammar.words[token] for token in row], grammar.slots["NAME"]
    right, person = [], None
    for i in range(1, len(words)):
        previous, word = words[i - 1], words[i]
        if previous == "<eos>":
            person = people.index(word) if word in people else None
        speaker = words[i - 2] if i >= 2 else ""
        if previous == "likes" and speaker in people:
            right.append(grammar.facts["food"][people.index(speaker)] == word)
        elif i >= 3 and words[i - 2 : i] == ["lives", "in"] and words[i - 3] in people:
            right.append(grammar.facts["city"][people.index(words[i - 3])] == word)
        elif previous == "the" and word in grammar.slots["JOB"] and person is not None:
            right.append(grammar.facts["job"][person] == word)
    return right


def test_statements_of_all_rows_at_once_are_those_of_a_reader() -> None:
    grammar = StoryGrammar(n_names=6, n_values=4)
    said = ["<eos>", "lives", "in", "likes", "the"]
    said += [word for slot in ("NAME", "JOB", "CITY", "FOOD") for word in grammar.slots[slot]]
    tokens = np.array([grammar.tokens[word] for word in said])
    rows = np.random.default_rng(0).choice(tokens, size=(2_000, 20))
    right = [ok for row in rows.tolist() for ok in statements_one_by_one(row, grammar)]
    assert len(right) > 200
    assert lm.fact_accuracy(rows, grammar) == np.mean(right)


def test_real_text_has_no_mistakes(rows: np.ndarray) -> None:
    assert lm.fact_accuracy(rows, WORLD) == 1
    assert lm.mistakes_per_story(rows, WORLD) == 0


def test_mistakes_by_hand() -> None:
    city = WORLD.facts["city"][0]
    text = tell(
        f"<eos> Ada lives in {city} . <eos> Ada Ada Ada lives . <eos> Ada lives in {city} ."
    )
    assert lm.mistakes_per_story(text, WORLD) == pytest.approx(1 / 3)


def test_an_unknown_fact_is_refused() -> None:
    with pytest.raises(ValueError, match="fact"):
        lm.recall(Oracle(), WORLD, "age")


def test_scores_of_other_rows_are_refused(rows: np.ndarray) -> None:
    oracle = Oracle()
    truth = WORLD.token_log_probabilities(rows)
    for wrong in (truth[:1], truth[:, :1], truth.mean(axis=1), np.full_like(truth, -np.inf)):
        with pytest.raises(ValueError, match="true_scores must be the finite scores of these rows"):
            lm.excess_cross_entropy(oracle, rows, wrong)


def test_a_model_of_other_words_is_refused() -> None:
    class Foreign(Oracle):
        def next_token_probabilities(self, prompts: Any) -> np.ndarray:
            return super().next_token_probabilities(prompts)[:, :-1]

    with pytest.raises(ValueError, match="the model must know the grammar"):
        lm.recall(Foreign(), WORLD)


@pytest.mark.parametrize("bad", [[[0, 1]], np.zeros((2, 3)), np.array([["a"]])])
def test_text_is_rows_of_integers(bad: Any) -> None:
    with pytest.raises(TypeError, match="rows must be an array of integers"):
        lm.names_alive(bad, WORLD)
    with pytest.raises(ValueError, match="rows must have shape"):
        lm.names_alive(np.zeros(3, dtype=int), WORLD)
