"""The studies of the VAE and of diffusion: their arithmetic, and the recorded samples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.studies import diffusion, vae
from helpers.studies.paired import means, paired

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
        (diffusion, dict.fromkeys(diffusion.ARMS, 8), (300, 2)),
    ],
)
def test_recorded_samples_are_there_for_every_arm(study, generations, shape):
    samples = study.samples()
    for arm, last in generations.items():
        assert samples[arm].shape == (last + 1, *shape)
    if study is vae:
        assert all(grid.min() >= 0 and grid.max() <= 1 for grid in samples.values())
