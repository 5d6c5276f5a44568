"""The story world: its probabilities against an enumeration that shares no code with it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy import stats

from helpers.data.stories import ADJECTIVES, ADVERBS, NOUNS, SENTENCES, VERBS, State, StoryGrammar

TINY = StoryGrammar(n_names=2, n_values=2, continuation=0.5, seed=3)


def sentences_of(grammar: StoryGrammar, name: int) -> dict[str, float]:
    """Every sentence that may follow the opening, with its probability, written out."""
    person = grammar.slots["NAME"][name]
    result = {f"{person} likes {grammar.facts['food'][name]} .": 0.4}
    for v, verb in enumerate(VERBS):
        for n, noun in enumerate(NOUNS):
            pair = grammar.noun_probabilities[v, n] / len(VERBS)
            for word in ADJECTIVES:
                text = f"the {grammar.facts['job'][name]} {verb} a {word} {noun} ."
                result[text] = 0.3 * pair / len(ADJECTIVES)
            for word in ADVERBS:
                text = f"then {person} {verb} the {noun} {word} ."
                result[text] = 0.3 * pair / len(ADVERBS)
    return result


def stories(grammar: StoryGrammar, most: int) -> dict[str, float]:
    """All stories of one person with up to `most` further sentences, and their probabilities."""
    result = {}
    rng = np.random.default_rng(0)
    for name, p_name in enumerate(grammar.name_probabilities):
        opening = f"{grammar.slots['NAME'][name]} lives in {grammar.facts['city'][name]} ."
        told = {opening: float(p_name)}
        following = sentences_of(grammar, name)
        assert sum(following.values()) == pytest.approx(1)
        for _ in range(most + 1):
            for text, p in told.items():
                result[f"{text} <eos>"] = p * (1 - grammar.continuation)
            some = rng.choice(list(following), size=8, replace=False)  # a few branches suffice
            told = {
                f"{text} {more}": p * grammar.continuation * following[more]
                for text, p in list(told.items())[:20]
                for more in some
            }
    return result


def test_story_probability_equals_enumeration() -> None:
    known = stories(TINY, 3)
    assert len(known) > 300
    for text, probability in known.items():
        row = np.array([TINY.encode(f"<eos> {text}")])
        scores = TINY.token_log_probabilities(row)
        assert scores.sum() == pytest.approx(np.log(probability), abs=1e-9), text


@pytest.mark.parametrize("grammar", [TINY, StoryGrammar()])
def test_every_state_is_a_distribution_over_known_words(grammar: StoryGrammar) -> None:
    rows = grammar.sample(30, 40, np.random.default_rng(1))
    for row in rows.tolist():
        state = State()
        for token in row[1:]:
            tokens, p = grammar.step(state)
            assert p.sum() == pytest.approx(1)
            assert len(set(tokens.tolist())) == len(tokens)  # unambiguous
            assert token in tokens
            state = grammar.advance(state, token)


def test_samples_follow_the_probabilities() -> None:
    rows = StoryGrammar().sample(4000, 2, np.random.default_rng(2))
    expected = StoryGrammar().name_probabilities
    names = [StoryGrammar().tokens[name] for name in StoryGrammar().slots["NAME"]]
    counts = np.array([(rows[:, 1] == token).sum() for token in names])
    assert expected.min() * 4000 > 5
    assert stats.chisquare(counts, expected * 4000).pvalue > 1e-4


def test_samples_are_never_impossible_and_cost_the_entropy() -> None:
    grammar = StoryGrammar()
    rows = grammar.sample(150, 200, np.random.default_rng(3))
    scores = grammar.token_log_probabilities(rows)
    assert np.isfinite(scores).all()
    means = -scores[:, 20:].mean(axis=1)  # past the opening that every row has
    error = means.std(ddof=1) / np.sqrt(len(means))
    assert abs(means.mean() - grammar.entropy_rate) < 4.5 * error


def test_a_mistake_costs_everything_up_to_the_next_story() -> None:
    text = "<eos> Ada lives in likes Ada . <eos> Ben lives in"
    scores = TINY.token_log_probabilities(np.array([TINY.encode(text)]))[0]
    assert np.isfinite(scores[:3]).all()
    assert np.isneginf(scores[3])
    assert np.isnan(scores[4:7]).all()
    assert np.isfinite(scores[7:]).all()


def test_the_world_is_the_same_every_time_and_words_are_distinct() -> None:
    a, b = StoryGrammar(), StoryGrammar()
    assert a.facts == b.facts
    assert a.facts != StoryGrammar(seed=1).facts
    assert len(set(a.words)) == len(a.words) == 234
    assert a.encode(a.decode(range(234))) == list(range(234))
    assert sum(share for _, share in SENTENCES) == pytest.approx(1)
    one, two = (g.sample(5, 20, np.random.default_rng(0)) for g in (a, b))
    np.testing.assert_array_equal(one, two)


def noisy(grammar: StoryGrammar, n: int = 400) -> np.ndarray:
    """Stories, and the same with a wrong word in every twentieth place."""
    rows = grammar.sample(n, 33, np.random.default_rng(7))
    rng, spoilt = np.random.default_rng(8), rows.copy()
    hit = rng.random(rows.shape) < 0.05
    hit[:, 0] = False
    spoilt[hit] = rng.integers(len(grammar.words), size=hit.sum())
    return np.concatenate([rows, spoilt])


@pytest.mark.parametrize(
    ("grammar", "rows", "scores"),
    [
        (StoryGrammar(), "884a5d167813832f", "bb1ac2f1fd3c69ab"),
        (
            StoryGrammar(n_names=7, n_values=3, continuation=0.5, seed=3),
            "109f598957b4edeb",
            "06e204248d7f52c0",
        ),
    ],
)
def test_many_rows_at_once_are_those_of_one_row_at_a_time(
    grammar: StoryGrammar, rows: str, scores: str
) -> None:
    """To the last byte: recorded when `step` and `advance` still walked every row by itself."""

    def digest(array: np.ndarray) -> str:
        return hashlib.sha256(array.tobytes()).hexdigest()[:16]

    told = noisy(grammar)
    assert digest(np.ascontiguousarray(told[:400])) == rows
    assert digest(grammar.token_log_probabilities(told)) == scores


@pytest.mark.parametrize(
    "grammar",
    [TINY, StoryGrammar(n_names=1, n_values=1), StoryGrammar(n_names=300, n_values=40, seed=2)],
)
def test_rows_go_the_way_of_step_and_advance(grammar: StoryGrammar) -> None:
    rows = noisy(grammar, 60)
    scores = grammar.token_log_probabilities(rows)
    for row, told in zip(rows.tolist(), scores, strict=True):
        state: State | None = State()
        for token, score in zip(row[1:], told, strict=True):
            if state is None:
                assert np.isnan(score)
            else:
                tokens, p = grammar.step(state)
                at = np.flatnonzero(tokens == token)
                assert score == (np.log(p[at[0]]) if len(at) else -np.inf)
                state = grammar.advance(state, token) if len(at) else None
            if token == 0:
                state = State()


def test_a_large_world_has_words_enough_and_begins_with_the_small_one() -> None:
    large, larger = (StoryGrammar(n_names=n, n_values=k) for n, k in ((5_000, 200), (9_000, 900)))
    for grammar in (large, larger):
        assert len(set(grammar.words)) == len(grammar.words)
        assert len(grammar.words) == 74 + grammar.n_names + 3 * grammar.n_values
        for word in grammar.words[8:]:
            assert word.isalpha()
            assert len(word) <= 12
            assert word.lower() not in ("nazi", "homo", "nazismith", "homosmith")
    assert len(large.words) == 5_674  # the vocabulary that studies at this size count on
    for slot, words in StoryGrammar().slots.items():
        assert large.slots[slot][: len(words)] == words
        assert larger.slots[slot][: len(large.slots[slot])] == large.slots[slot]
    assert large.slots["NAME"][100:103] == ["Baba", "Piku", "Zede"]
    rows = large.sample(3_000, 33, np.random.default_rng(4))
    scores = large.token_log_probabilities(rows)
    assert np.isfinite(scores).all()
    # The people's own law: the first two of 5,000 have a chance of .11 and .055.
    asked = rows[:, 1] == large.tokens["Ada"]
    assert asked.mean() == pytest.approx(large.name_probabilities[0], abs=0.03)
    assert large.decode(rows[0]) == " ".join(large.words[token] for token in rows[0])


def test_questions_end_where_the_fact_is_told() -> None:
    grammar = StoryGrammar()
    for fact in ("city", "job", "food"):
        for name in (0, 57):
            asked = grammar.question(fact, name)
            answer = grammar.tokens[grammar.facts[fact][name]]
            scores = grammar.token_log_probabilities(np.array([[*asked, answer]]))[0]
            assert np.isfinite(scores).all()
            assert scores[-1] == 0.0  # certain


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="n_names must be at most 100000, got 100001"):
        StoryGrammar(n_names=100_001)
    with pytest.raises(ValueError, match="n_values must be at most 1000, got 1001"):
        StoryGrammar(n_values=1_001)
    with pytest.raises(ValueError, match="continuation"):
        StoryGrammar(continuation=1.0)
    with pytest.raises(ValueError, match="'Zebra'"):
        TINY.encode("Ada likes Zebra")
    with pytest.raises(ValueError, match="rows"):
        TINY.token_log_probabilities(np.array([[1, 2]]))
    with pytest.raises(ValueError, match="length"):
        TINY.sample(3, 0, np.random.default_rng(0))
    with pytest.raises(TypeError, match="rng"):
        TINY.sample(3, 5, 0)  # type: ignore[arg-type]
