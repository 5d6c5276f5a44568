"""The studies of language models: small trials run, and the recorded tables say what is claimed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import studies
from helpers.studies import bigram, gpt, gpt_fine_tuned, gpt_sampler, stories


def values(name: str, arm: str, metric: str) -> np.ndarray:
    """Recorded values, shape (seeds, generations)."""
    table = studies.load(name)
    rows = table[(table["arm"] == arm) & (table["metric"] == metric)]
    return rows.pivot(index="replicate", columns="generation", values="value").to_numpy()


@pytest.mark.parametrize("study", [gpt, gpt_sampler, gpt_fine_tuned, bigram])
def test_a_small_trial_is_tidy_and_can_be_summed_up(study: object) -> None:
    frame = study.trial(100, "small")  # type: ignore[attr-defined]
    assert list(frame.columns) == ["arm", "generation", "metric", "value"]
    assert not frame.duplicated(["arm", "generation", "metric"]).any()
    recorded = studies.load(study.__name__.rsplit(".")[-1])  # type: ignore[attr-defined]
    for column in ("arm", "metric"):
        assert set(frame[column]) == set(recorded[column])
    assert len(frame.groupby(["arm", "metric"])) == len(recorded.groupby(["arm", "metric"]))
    both = pd.concat([frame.assign(replicate=0), frame.assign(replicate=1)])
    assert len(study.summary(both)) > 20  # type: ignore[attr-defined]


def test_the_tuned_arms_are_judged_by_their_generation_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[stories.Start] = []
    monkeypatch.setattr(stories, "frame", lambda begin, histories: begun.append(begin))
    gpt_fine_tuned.trial(100, "small")
    assert begun[0].first is gpt_fine_tuned.runs(100, "small")["replace"].models[0]


def test_arms_of_a_seed_share_generation_zero() -> None:
    frame = gpt.trial(100, "small")
    first = frame[frame["generation"] == 0].pivot(index="metric", columns="arm", values="value")
    assert (first.nunique(axis=1) == 1).all()


def test_the_first_generation_is_what_the_loop_would_fit() -> None:
    begin = stories.start(100, "small")
    from helpers.loop import run_loop
    from helpers.policies import Replace

    run = run_loop(stories.model("small"), begin.real, policy=Replace(), generations=0, seed=100)
    np.testing.assert_array_equal(
        run.models[0].token_scores(begin.test), begin.first.token_scores(begin.test)
    )


def test_the_gpt_is_as_large_as_lesson_05_says() -> None:
    fitted = stories.start(100, "small").first
    assert fitted.n_parameters_ == pytest.approx(114_000, rel=0.005)
    assert len(stories.WORLD.words) == 234


def test_recorded_words_die_out() -> None:
    words = values("bigram", "replace", "distinct_words")
    assert (words[:, -1] < 0.5 * words[:, 0]).all()
    assert (np.diff(words, axis=1) < 0).all()


@pytest.mark.parametrize("name", ["gpt", "gpt_sampler", "gpt_fine_tuned"])
def test_texts_are_recorded_for_every_arm_and_generation(name: str) -> None:
    texts = studies.texts(name)
    table = studies.load(name)
    assert set(texts) == set(table["arm"])
    for arm, generations in texts.items():
        assert len(generations) == table[table["arm"] == arm]["generation"].nunique()
        for rows in generations:
            assert len(rows) == stories.N_TEXTS
            for row in rows:
                assert len(stories.WORLD.encode(row)) == stories.DATA["length"]
