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
    both = pd.concat([frame.assign(replicate=0), frame.assign(replicate=1)])
    assert len(study.summary(both)) > 20  # type: ignore[attr-defined]


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


def test_recorded_gpt_replace_is_worse_than_accumulate_in_every_seed() -> None:
    replace, accumulate = (values("gpt", arm, "excess") for arm in ("replace", "accumulate"))
    assert (replace[:, 3:] > accumulate[:, 3:]).all()
    assert replace[:, -1].min() > accumulate[:, -1].max()
    tail, head = (values("gpt", "replace", f"recall_{part}") for part in ("tail", "head"))
    assert (tail[:, 3] < 0.5 * tail[:, 0]).all()
    assert (head[:, 3] > 0.5 * head[:, 0]).all()  # rare facts go first
    grams = values("gpt", "replace", "distinct_3")
    assert (grams[:, -1] > grams[:, 0]).all()  # forgetting, not repeating


def test_recorded_cooling_is_prettier_and_poorer() -> None:
    facts = values("gpt_sampler", "t08_replace", "fact_accuracy")
    names = values("gpt_sampler", "t08_replace", "names_alive")
    assert (np.diff(facts, axis=1) > 0).all()  # "in each generation", in every seed
    assert (np.diff(values("gpt", "replace", "distinct_3").mean(axis=0)) > 0).all()
    assert (names[:, -1] < 0.25 * names[:, 0]).all()
    cooled = values("gpt_sampler", "t08_replace", "surprise_mean")
    plain = values("gpt", "replace", "surprise_mean")
    assert (cooled[:, -1] < cooled[:, 0]).all()
    assert (plain[:, -1] > plain[:, 0]).all()


def test_a_recorded_base_protects() -> None:
    tuned = values("gpt_fine_tuned", "replace", "excess")
    scratch = values("gpt", "replace", "excess")
    assert (tuned[:, 5] - tuned[:, 0] < 0.6 * (scratch[:, 5] - scratch[:, 0])).all()


def test_lesson_05_says_of_its_two_pages_what_was_recorded() -> None:
    """A is temperature 1, B is 0.8, both after three rounds."""

    def pair(metric: str) -> tuple[np.ndarray, np.ndarray]:
        arms = ("gpt", "replace"), ("gpt_sampler", "t08_replace")
        a, b = (values(study, arm, metric)[:, 3] for study, arm in arms)
        return a, b

    for metric in ("recall_mid", "recall_tail"):
        a, b = pair(metric)
        assert a.min() > b.max(), metric
    for metric in ("excess", "fact_accuracy"):
        a, b = pair(metric)
        assert a.max() < b.min(), metric


def test_the_gpt_is_as_large_as_lesson_05_says() -> None:
    fitted = stories.start(100, "small").first
    assert fitted.n_parameters_ == pytest.approx(114_000, rel=0.005)
    assert len(stories.WORLD.words) == 234


def test_lesson_05_says_in_words_what_was_recorded() -> None:
    tail, head, excess, grams = (
        values("gpt", "replace", metric).mean(axis=0)
        for metric in ("recall_tail", "recall_head", "excess", "distinct_3")
    )
    assert 0.4 < 1 - tail[1] / tail[0] < 0.5  # nearly half in the first round
    assert head[1] / head[0] > 0.9
    assert grams[5] / grams[0] == pytest.approx(1.25, abs=0.03)  # a quarter more 3-grams
    tuned = values("gpt_fine_tuned", "replace", "excess").mean(axis=0)
    assert (tuned[5] - tuned[0]) / (excess[5] - excess[0]) == pytest.approx(1 / 3, abs=0.05)
    cooled = {
        name: values("gpt_sampler", f"{name}_replace", "excess")[:, 5].mean()
        for name in stories.SAMPLERS
    }
    assert cooled["t08"] / excess[5] == pytest.approx(3, abs=0.3)
    assert min(cooled["t12"], cooled["t08"]) > excess[5]  # too hot and too cold are worse
    assert sorted(cooled, key=cooled.__getitem__)[-2:] == ["beam5", "t05"]  # among the worst
    guessing = np.log(len(stories.WORLD.words)) - stories.WORLD.entropy_rate
    assert cooled["t05"] > guessing
    rare = {
        name: values("gpt_sampler", f"{name}_replace", "recall_tail")[:, 5].mean()
        for name in stories.SAMPLERS
    }
    assert max(rare, key=rare.__getitem__) == "beam5"
    assert rare["beam5"] > tail[5]
    right = values("gpt_sampler", "beam5_replace", "surprise_q99")
    assert (right[:, 5] > right[:, 0]).all()  # its right tail creeps out


def test_lesson_05_says_of_training_steps_what_was_recorded() -> None:
    steps = (100, 200, 300, 400, 600, 800, 1200)
    excess, rare = (
        {n: values("gpt_steps", f"real_{n}", metric)[:, 0] for n in steps}
        for metric in ("excess", "recall_tail")
    )
    assert min(steps, key=lambda n: excess[n].mean()) == 400
    best = max(steps, key=lambda n: rare[n].mean())
    assert best > 400
    low = (rare[best] - rare[400]).mean() - 2 * (rare[best] - rare[400]).std(ddof=1) / 10**0.5
    assert low > 0  # more steps than 400 are better for rare facts, beyond the noise
    assert rare[1200].mean() > rare[400].mean() > rare[200].mean()  # too many do not forget
    assert stories.MODEL["steps"] == 400


def test_rare_facts_go_first_at_the_best_number_of_steps_too() -> None:
    """In every generation: the share lost of rare recall above that of the best known people."""
    rare, known = (
        values("gpt_steps", "replace_best", f"recall_{part}") for part in ("tail", "head")
    )
    gap = (1 - rare / rare[:, :1]) - (1 - known / known[:, :1])
    half = 2.26 * gap.std(axis=0, ddof=1) / len(gap) ** 0.5  # t, 9 degrees of freedom
    assert (gap.mean(axis=0) - half)[1:].min() > 0
    lost = -np.diff(rare, axis=1)
    half = 2.26 * lost.std(axis=0, ddof=1) / len(lost) ** 0.5
    assert (lost.mean(axis=0) - half).min() > 0  # and more of them in every generation


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
