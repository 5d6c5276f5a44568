"""The studies of the VAE and of diffusion: their arithmetic, and the recorded samples."""

from __future__ import annotations

from inspect import signature
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import studies
from helpers.studies import _samples, diffusion, vae, vae_winner
from helpers.studies.paired import effect, holm, means, paired

COLUMNS = ["arm", "generation", "metric", "value"]


def test_paired_differences_have_the_t_interval():
    replace, accumulate = np.array([5.0, 7.0, 6.0]), np.array([4.0, 4.0, 5.0])
    rows = [
        (arm, 3, "loss", value, seed)
        for arm, values in (("replace", replace), ("accumulate", accumulate))
        for seed, value in enumerate(values)
    ]
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "replicate"]).sample(frac=1, random_state=1)
    result = paired(frame, "replace", "accumulate", "loss", 3)
    expected = stats.ttest_rel(replace, accumulate).confidence_interval(0.95)
    assert result["replace_minus_accumulate_loss_g3"] == pytest.approx(5 / 3)
    assert result["replace_minus_accumulate_loss_g3_low"] == pytest.approx(expected.low)
    assert result["replace_minus_accumulate_loss_g3_high"] == pytest.approx(expected.high)
    assert means(frame, (3,)) == {"replace_loss_g3": 6.0, "accumulate_loss_g3": 13 / 3}
    assert means(frame, (2,)) == {}


def test_an_interval_needs_two_seeds_that_both_arms_have() -> None:
    """Only common seeds count; with one of them there is a difference and no interval."""
    rows = [("a", 3, "loss", 1.0, 0), ("a", 3, "loss", 5.0, 1), ("b", 3, "loss", 4.0, 1),
            ("b", 3, "loss", 9.0, 2), ("b", 4, "loss", 9.0, 1)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "replicate"])
    result = paired(frame, "a", "b", "loss", 3)
    assert result["a_minus_b_loss_g3"] == 1.0
    assert np.isnan([result["a_minus_b_loss_g3_low"], result["a_minus_b_loss_g3_high"]]).all()
    more = pd.DataFrame([("b", 3, "loss", 4.0, 0)], columns=frame.columns)
    two = paired(pd.concat([frame, more]), "a", "b", "loss", 3)
    half = stats.t.ppf(0.975, 1) * np.std([-3, 1], ddof=1) / np.sqrt(2)
    assert two["a_minus_b_loss_g3"] == -1.0
    assert two["a_minus_b_loss_g3_low"] == pytest.approx(-1 - half)
    assert two["a_minus_b_loss_g3_high"] == pytest.approx(-1 + half)


def test_effects_and_corrections_against_values_worked_out_by_hand() -> None:
    mean, low, high, p = effect([1.0, 2.0, 3.0])
    interval = stats.ttest_1samp([1, 2, 3], 0).confidence_interval(0.95)
    assert (mean, low, high) == pytest.approx((2, interval.low, interval.high))
    assert p == pytest.approx(stats.ttest_1samp([1, 2, 3], 0).pvalue)
    assert effect([4.0])[0] == 4.0
    assert np.isnan(effect([4.0])[1:]).all()
    assert np.isnan(effect([])).all()
    assert effect([0.0] * 3) == (0, 0, 0, 1)
    assert effect([0.3] * 10)[1:] == (pytest.approx(0.3), pytest.approx(0.3), 0)
    # Sorted .01, .02, .03, .04: times 4, 3, 2, 1, and never below the one before.
    assert holm(np.array([0.04, 0.01, 0.03, 0.02])) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm(np.array([0.9, 0.8])) == pytest.approx([1, 1])


@pytest.fixture(scope="module")
def small():
    return diffusion.trial(100, "small")


def test_a_trial_is_tidy_and_repeatable(small):
    assert list(small.columns) == COLUMNS
    assert set(small["arm"]) == {*diffusion.ARMS, "real"}
    assert small["value"].notna().all()
    assert not small.duplicated(["arm", "generation", "metric"]).any()
    pd.testing.assert_frame_equal(small, diffusion.trial(100, "small"))


def test_arms_share_generation_zero(small):
    table = small[(small["generation"] == 0) & (small["arm"] != "real")]
    table = table.pivot_table(index="metric", columns="arm", values="value")
    assert (table["replace"] == table["accumulate"]).all()
    assert (table["replace"] == table["fresh10"]).all()
    # the cooled sampler has the same weights, hence the same loss, but other samples
    assert table.loc["loss", "replace_cool"] == table.loc["loss", "replace"]
    assert table.loc["variance", "replace_cool"] < table.loc["variance", "replace"]


@pytest.mark.parametrize(
    ("study", "generations", "shape"),
    [
        (vae, {"replace": 8, "accumulate": 8, "mix10": 8}, (40, 8, 8)),
        (vae, {"mnist_replace": 4, "mnist_accumulate": 4}, (40, 28, 28)),
        (vae_winner, {"replace": 8, "accumulate": 8}, (40, 8, 8)),
        (diffusion, dict.fromkeys(diffusion.ARMS, 8), (300, 2)),
    ],
)
def test_recorded_samples_are_there_for_every_arm(study, generations, shape):
    samples = study.samples()
    for arm, last in generations.items():
        assert samples[arm].shape == (last + 1, *shape)
    if study is not diffusion:
        assert all(grid.min() >= 0 and grid.max() <= 1 for grid in samples.values())


def test_a_rehearsal_of_the_vae_is_small_and_measures_everything() -> None:
    split, judge = vae.data("digits", 100)
    runs = vae._histories("digits", split, judge, 100, "small")
    arms = vae.SETTINGS["digits"]["arms"]
    assert list(runs) == list(arms)
    recorded = studies.load("vae")
    wanted = set(recorded[recorded["arm"].isin(arms)]["metric"])
    for run in runs.values():
        assert [model.steps for model in run.models] == [20, 20]  # one round, barely trained
        assert run.models[0] is runs[arms[0]].models[0]  # arms share generation 0
        assert set(run.frame["metric"]) == wanted
        assert np.isfinite(run.frame["value"]).all()


@pytest.mark.parametrize("study", [vae, vae_winner, diffusion])
def test_what_is_recorded_of_the_samples_is_what_figures_read(
    study, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On runs made up here: the first of each generation, of every arm, and of the real ones."""
    rng, n = np.random.default_rng(0), study.N_SHOWN
    shape = (2,) if study is diffusion else (8, 8)
    real = {name: rng.random((n + 5, *shape)) for name in ("digits", "mnist")}
    rows = {arm: rng.random((3, n + 5, *shape)) for arm in ("digits", "mnist")}
    if study is vae:
        rows["digits"] = 1.4 * rows["digits"] - 0.2  # a decoder may leave [0, 1] a little

    def histories(*given: object) -> dict[str, SimpleNamespace]:
        assert given[-2:] == (7, "full")
        arms = [given[0]] if study is vae else list(rows)
        return {arm: SimpleNamespace(samples=list(rows[arm]), models=models(arm)) for arm in arms}

    def models(arm: str) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(
                sample_means=lambda k, rng, some=some: (
                    some[:k] if rng.random() == np.random.default_rng(0).random() else None
                )
            )
            for some in rows[arm]
        ]

    def data(*given: object) -> tuple:
        assert given[-1] == 7
        train = real[given[0] if study is vae else "digits"]
        return (train if study is diffusion else SimpleNamespace(train=train), None)

    (tmp_path / "helpers" / "results").mkdir(parents=True)
    monkeypatch.setattr(_samples, "ROOT", tmp_path)
    monkeypatch.setattr(_samples, "files", lambda _: tmp_path / "helpers" / "results")
    monkeypatch.setattr(study, "_histories", histories)
    monkeypatch.setattr(study, "_data" if study is diffusion else "data", data)
    assert signature(study.record_samples).parameters["seed"].default == 0
    study.record_samples(7)
    found = study.samples()
    wanted = {arm: some[:, :n].clip(0, 1) for arm, some in rows.items()}
    wanted |= {"real": real["digits"][None, :n]}
    if study is vae:
        wanted |= {"mnist_real": real["mnist"][None, :n]}
    assert set(found) == set(wanted)
    for arm, some in wanted.items():
        np.testing.assert_allclose(found[arm], some, atol=0.5 / 255 + 1e-9)
