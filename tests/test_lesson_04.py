"""Lesson 04: its explorer, its figures, and the two studies made for it.

Its exercises are tested in test_exercises.py, what it says in words in claims_04.py.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Circle

from helpers import studies
from helpers._ground import ROOT
from helpers.data import digits
from helpers.explorers import lesson_04
from helpers.metrics import generative as gm
from helpers.models import VAE, GaussianMixture
from helpers.studies import mixture, vae, vae_errors, vae_means, vae_winner
from helpers.teaching import check

LESSON = (ROOT / "lessons" / "04-images-that-fade.md").read_text(encoding="utf-8")


def test_every_number_that_the_lesson_names_is_recorded() -> None:
    named = re.findall(r"\{\{ (vae|vae_\w+|diffusion|mixture)\.(\w+)", LESSON)
    assert len(set(named)) > 40
    for study, key in named:
        assert key in studies.summary(study), f"{study}.{key}"


# --- the studies -------------------------------------------------------------------------------


def recorded(study: str, arm: str, metric: str) -> pd.DataFrame:
    table = studies.load(study).query("arm == @arm and metric == @metric")
    return table.pivot(index="replicate", columns="generation", values="value")


@pytest.mark.parametrize("metric", vae_winner.OF_THE_STUDY_VAE)
@pytest.mark.parametrize("arm", ["replace", "accumulate"])
def test_the_runs_are_those_of_the_study_vae(arm: str, metric: str) -> None:
    ours, theirs = (recorded(name, arm, metric) for name in ("vae_winner", "vae"))
    assert ours.shape == theirs.shape == (10, 9)
    assert ours.to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-5)


@pytest.mark.parametrize("metric", vae_errors.METRICS)
def test_four_times_the_samples_start_from_the_same_model(metric: str) -> None:
    ours, theirs = recorded("vae_errors", "samples4", metric), recorded("vae", "replace", metric)
    if metric == "elbo":  # of the model; the others are of other samples of it
        assert ours[0].to_numpy() == pytest.approx(theirs[0].to_numpy(), rel=1e-5)
    assert list(ours.index) == list(theirs.index)
    assert list(ours.columns) == list(range(vae_errors.SETTINGS["generations"] + 1))


def test_shares_sum_to_one_and_variances_to_that_of_the_decoder() -> None:
    table = studies.load("vae_winner")
    wide = table.pivot_table(index=["arm", "generation", "replicate"], columns="metric",
                             values="value")  # fmt: skip
    for judge in vae_winner.SETTINGS["judges"]:
        assert wide[[f"{judge}_{d}" for d in range(10)]].sum(axis=1).to_numpy() == pytest.approx(
            1, abs=1e-5
        )
    made = wide[wide["decoder_variance"].notna()]
    assert (made["between"] + made["within"]).to_numpy() == pytest.approx(
        made["decoder_variance"].to_numpy(), rel=1e-4
    )


def test_who_leads_is_the_largest_share() -> None:
    rows = [
        ("replace", 8, f"svm_{d}", 0.3 if d == seed + 2 else 0.7 / 9, seed)
        for d in range(10) for seed in (0, 1)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=studies.COLUMNS)
    assert vae_winner.winners(frame, "replace", "svm", 8).tolist() == [2, 3]


def test_a_judge_is_asked_once_for_ten_metrics() -> None:
    class Counting:
        asked = 0

        def class_shares(self, made: np.ndarray) -> np.ndarray:
            self.asked += 1
            return np.full(10, made.mean())

    judge = Counting()
    shares = vae_winner._shares({"svm": judge})  # type: ignore[dict-item]
    one, two = np.ones((3, 8, 8)), np.zeros((3, 8, 8))
    assert [shares[f"svm_{d}"](None, one) for d in range(10)] == [1.0] * 10
    assert judge.asked == 1
    assert shares["svm_3"](None, two) == 0.0
    assert judge.asked == 2


def test_a_rehearsal_of_the_errors_turns_one_thing_at_a_time() -> None:
    small = vae_errors.trial(100, "small")
    assert list(small["arm"].unique()) == ["samples4", "wider", "longer"]
    assert set(small["metric"]) == set(vae_errors.METRICS)
    assert not small.duplicated(["arm", "generation", "metric"]).any()
    assert np.isfinite(small["value"]).all()


def test_the_rules_of_the_errors_are_paired_differences() -> None:
    rows = [(arm, g, metric, 1.0 * g, seed)
            for arm in vae_errors.SETTINGS["arms"] for g in range(5)
            for metric in vae_errors.METRICS for seed in range(10)]  # fmt: skip
    found = vae_errors.summary(pd.DataFrame(rows, columns=studies.COLUMNS))
    plain = recorded("vae", "replace", "elbo")
    key = "wider_minus_replace_elbo"
    assert found[f"{key}_g4"] == pytest.approx((4 - plain[4]).mean())
    assert found[f"{key}_fall"] == pytest.approx((-4 - (plain[0] - plain[4])).mean())
    assert found[f"{key}_g4_low"] < found[f"{key}_g4"] < found[f"{key}_g4_high"]


def test_variance_between_and_within_classes_by_hand() -> None:
    class Two(VAE):
        def sample_means(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
            return np.array([0.0, 0.2, 1.0, 1.2]).reshape(4, 1, 1)

    class Named:
        classifier_ = type("C", (), {"predict": staticmethod(lambda x: (x[:, 0] > 0.5) * 1)})

        def features(self, images: np.ndarray) -> np.ndarray:
            return images.reshape(len(images), -1)

    between, within = vae_winner.split_variance(Named(), Two(), 4)  # type: ignore[arg-type]
    assert (between, within) == pytest.approx((0.25, 0.01))


def test_a_blot_is_the_average_of_eight_real_pictures() -> None:
    images = np.zeros((8, 8, 8))
    images[0] = 1
    blots = vae_winner.averages(images, np.random.default_rng(0))
    assert blots.shape == (1000, 8, 8)
    assert np.isin(blots * 8, range(9)).all()
    assert blots.mean() == pytest.approx(1 / 8, abs=0.02)


# --- the lesson's own parts --------------------------------------------------------------------


def test_the_yardsticks_are_those_of_the_recorded_study() -> None:
    split, judge = vae.data("digits", 0)
    ours = lesson_04.yardsticks(split, judge)
    assert tuple(ours) == lesson_04.YARDSTICKS
    real = judge.features(split.test)
    made = split.train[:200]
    assert ours["coverage"](None, made) == gm.coverage(real, judge.features(made), 5)
    assert ours["precision"](None, made) == gm.precision(real, judge.features(made), 5)


def test_the_strips_do_not_say_what_is_asked() -> None:
    asked, told = lesson_04.strips_picture(), lesson_04.strips_picture(named=True)
    assert not re.search(r"\d", asked.alt + asked.summary)
    assert "generation 8" in told.alt
    assert sorted(lesson_04.STRIPS) == [0, 4, 8]


def test_the_circles_are_those_of_precision_and_coverage() -> None:
    summary = lesson_04.circles_picture().summary
    precision, coverage = (float(x) for x in re.findall(r"0\.\d+|1\.00", summary))
    assert precision > 0.9 > 0.7 > coverage  # what the text says of them
    with pytest.raises(ValueError, match="seed must be"):
        lesson_04.circles_picture(-1)


@pytest.mark.parametrize("show", lesson_04.SHOW)
@pytest.mark.parametrize("name", ["replace", "accumulate"])
def test_the_same_settings_give_the_same_picture(name: str, show: str) -> None:
    one, again = (lesson_04.fading_picture(3, name, show) for _ in range(2))
    assert one.html() == again.html()
    assert one.summary != lesson_04.fading_picture(6, name, show).summary


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"generation": -1}, "generation must be"),
        ({"generation": 9}, "generation must be one of"),
        ({"name": "wider"}, "name must be one of"),
        ({"show": "luck"}, "show must be one of"),
    ],
)
def test_bad_settings_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lesson_04.fading_picture(**settings)


def test_the_challenge_has_an_answer() -> None:
    """The first generation whose mark is better than that of real pictures."""
    real = recorded("vae", "real", "precision")[0].mean()
    marks = recorded("vae_winner", "replace", "precision").mean()
    better = [g for g in marks.index if marks[g] > real]
    assert better[0] in range(1, 8)
    assert better == list(range(better[0], 9))  # and from then on all of them


def test_figures_of_the_studies() -> None:
    assert list(lesson_04.errors()["arm"].unique()) == [
        "replace", "4 times the samples", "a larger net", "3 times the training",
    ]  # fmt: skip
    assert lesson_04.errors()["generation"].max() == vae_errors.SETTINGS["generations"]
    assert "nearest neighbours" in lesson_04.shares_picture().summary
    assert "λ = 0.8" in lesson_04.blobs_picture().summary
    with pytest.raises(ValueError, match="generations must be one of"):
        lesson_04.blobs_picture((0, 9))
    with pytest.raises(ValueError, match="name must be one of"):
        lesson_04.arm("nobody")
    assert "3 times the training" in lesson_04.path_picture("longer", 8).summary


def test_a_path_is_labelled_at_its_end_with_its_generation() -> None:
    picture = lesson_04.path_picture("accumulate", 3)
    (axes,) = picture.figure.axes
    texts = {text.get_text(): text for text in axes.texts}
    ends = dict.fromkeys(("replace", "accumulate", "mix10"), 8) | dict.fromkeys(
        vae_errors.SETTINGS["arms"], 4
    )
    for name, generation in ends.items():
        label = texts[f"{lesson_04.ARMS[name][1]} (gen. {generation})"]
        end = lesson_04._marks(name).loc[generation]
        assert label.xy == (end["coverage"], end["precision"])
        assert abs(np.array(label.xyann)).max() <= 15  # points: beside it
    low, high = axes.get_xlim(), axes.get_ylim()  # set by hand: nothing may fall outside
    for name in ends:
        marks = lesson_04._marks(name)
        assert marks["coverage"].between(*low).all()
        assert marks["precision"].between(*high).all()
    assert sum(text == "gen. 0" for text in (t.get_text() for t in axes.texts)) == 3


def test_rings_are_as_wide_as_the_studies_count() -> None:
    for picture in (lesson_04.blobs_picture(), lesson_04.bells_picture()):
        for axes in picture.figure.axes:
            rings = [patch for patch in axes.patches if isinstance(patch, Circle)]
            assert [ring.center for ring in rings] == [tuple(centre) for centre in digits.CENTRES]
            assert {ring.radius for ring in rings} == {4 * digits.SPREAD}
    edge = digits.CENTRES[0] + [[0.99 * lesson_04.RING, 0], [1.01 * lesson_04.RING, 0]]
    assert [mixture.kinds(point[None]) for point in edge] == [1, 0]


def test_what_is_made_has_one_colour_and_what_is_real_another() -> None:
    humps = lesson_04.humps_picture([np.zeros((9, 1)), np.ones((9, 1))], shown=2)
    for picture in (lesson_04.circles_picture(), lesson_04.blobs_picture(),
                    lesson_04.bells_picture(), humps):  # fmt: skip
        for axes in picture.figure.axes:
            inks = {to_hex(c.get_facecolor()[0]).upper() for c in axes.collections}
            assert lesson_04.MADE in inks
            edges = {to_hex(patch.get_edgecolor()).upper() for patch in axes.patches}
            lines = {to_hex(line.get_color()).upper() for line in axes.lines}
            assert edges | lines == {lesson_04.REAL}


def test_the_first_labeller_counts_the_classes_as_the_study_did() -> None:
    alive = lesson_04.alive("replace", 8)
    theirs = recorded("vae", "replace", "class_coverage")[8]
    assert alive["support vector machine"].to_numpy() == pytest.approx(theirs.to_numpy())
    assert (lesson_04.alive("replace", 0) == 1).all(axis=None)
    for bad in ({"name": "mix10"}, {"generation": 9}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} must be one of"):
            lesson_04.alive(**bad)


def test_a_vae_of_means_shows_what_it_means_to_draw() -> None:
    small = vae_means.trial(100, "small")
    assert set(small["arm"]) == {vae_means.ARM}
    assert set(small["metric"]) == set(vae_means.METRICS)
    assert np.isfinite(small["value"]).all()
    split, _ = vae.data("digits", 100)
    model = vae_means.Means(steps=5).fit(split.train[:50], np.random.default_rng(0))
    shown, meant = (
        draw(4, np.random.default_rng(1)) for draw in (model.sample, model.sample_means)
    )
    assert (shown == meant).all()
    assert not np.allclose(shown, VAE.sample(model, 4, np.random.default_rng(1)))


def test_the_rules_of_the_means_can_fail() -> None:
    plain = studies.load("vae_winner").query("arm == 'replace' and replicate < 5")
    same = plain[plain["metric"].isin(vae_means.METRICS)].assign(arm=vae_means.ARM)
    found = vae_means.summary(same)
    assert {value for key, value in found.items() if key.startswith("rule_")} == {0.0}
    signs = {"precision": 0.1, "elbo": -9.0, "coverage": -0.1}
    moved = same.assign(value=same["value"] + same["metric"].map(signs).fillna(0))
    found = vae_means.summary(moved)
    assert {value for key, value in found.items() if key.startswith("rule_")} == {1.0}


# --- mixtures ----------------------------------------------------------------------------------


def test_the_live_humps_are_those_of_the_study() -> None:
    points = mixture.two_humps(20_000, np.random.default_rng(1))
    gap = mixture.SETTINGS["humps"]["gap"]
    right = points[points > 0]  # a bell of spread 1: .003 of it lies beyond the middle
    assert right.mean() == pytest.approx(gap / 2, abs=0.05)
    assert right.std() == pytest.approx(1, abs=0.03)
    assert (points > 0).mean() == pytest.approx(0.5, abs=0.02)
    moving = [points[:100], points[:100] * 0 + 2.0]
    picture = lesson_04.humps_picture(moving, shown=2)
    assert "generation 1: 0% left, 0% in the middle third" in picture.summary
    with pytest.raises(ValueError, match="shown must be"):
        lesson_04.humps_picture(moving, shown=1)


def test_a_blob_is_alive_with_a_tenth_of_its_share() -> None:
    real = digits.eight_gaussians(5000, np.random.default_rng(2))
    assert mixture.kinds(real) == 8
    assert mixture.kinds(real[np.linalg.norm(real - digits.CENTRES[0], axis=1) > 0.6]) == 7
    rarest = np.linalg.norm(real - digits.CENTRES[7], axis=1) < 0.6
    few = np.concatenate([real[~rarest], real[rarest][: int(0.0015 * len(real))]])
    assert mixture.kinds(few) == 7
    assert mixture.kinds(real[:, ::-1] * 5) == 0  # off every blob


def test_the_spread_inside_the_bells_by_hand() -> None:
    model = mixture.true_blobs()
    assert mixture.within(model) == pytest.approx(digits.SPREAD**2)
    assert sorted(map(tuple, model.mixture_.means_.round(6))) == sorted(
        map(tuple, digits.CENTRES.round(6))
    )
    one = GaussianMixture(1, reg_covar=1e-9).fit(np.array([[0.0], [2.0]]), np.random.default_rng(0))
    assert mixture.within(one) == pytest.approx(1)


def test_the_rules_of_the_mixture_that_failed_are_those_that_the_sources_name() -> None:
    rules = {k: v for k, v in studies.summary("mixture").items() if k.startswith("rule_")}
    assert len(rules) == 7
    assert {rule for rule, value in rules.items() if value < 1} == {
        "rule_4_the_mark_rises", "rule_7_no_pull",
    }  # fmt: skip
    assert "two of\n  the seven of `mixture` failed" in LESSON
    means = studies.summary("vae_means")
    assert [means[k] for k in sorted(means) if k.startswith("rule_")] == [1, 1, 0]
    assert "One of the three of `vae_means` failed" in LESSON


def test_the_rules_of_the_mixture_can_fail() -> None:
    frame = studies.load("mixture")
    names = {f"n1000_l{a}": f"n1000_l{b}" for a, b in ((80, 100), (100, 80))}
    turned = mixture.verdicts(frame.assign(arm=frame["arm"].replace(names)))
    assert turned["rule_2_shapes"] == 0
    worse = frame.assign(value=frame["value"].where(frame["arm"] != "n1000_l80", 0.0))
    assert {mixture.verdicts(worse)[f"rule_{rule}"] for rule in (
        "3_kinds", "4_the_mark_rises", "5_the_rare")} <= {0, 0.5}  # fmt: skip
    flat = frame.assign(value=frame["value"].where(frame["metric"] != "within", 1.0))
    assert mixture.verdicts(flat)["rule_1_law"] < 1
    blended = frame.assign(value=frame["value"].where(frame["metric"] != "middle", 0.5))
    assert mixture.verdicts(blended)["rule_7_no_pull"] == 0
    few = {"n200_l100": "n1000_l100", "n1000_l100": "n200_l100"}
    assert mixture.verdicts(frame.assign(arm=frame["arm"].replace(few)))["rule_6_pace"] == 0


def test_the_bells_answer_their_challenge() -> None:
    found = {
        (lam, n, g): [float(x) for x in re.findall(r"(?:precision|coverage) (\d\.\d+)", line)]
        for lam in (1.0, 0.5) for n in lesson_04.BELL_POINTS for g in (0, 8)
        for line in [lesson_04.bells_picture(lam, n, g).summary]
    }  # fmt: skip
    right = [key for key, (precision, coverage) in found.items()
             if precision >= 0.99 and coverage < 0.2]  # fmt: skip
    assert set(right) == {(0.5, n, 8) for n in lesson_04.BELL_POINTS}
    for bad in ({"lam": 0.3}, {"n": 7}, {"generation": 9}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} must be one of"):
            lesson_04.bells_picture(**bad)


def test_precision_is_of_circles_for_points_as_for_digits() -> None:
    """The study of points has a second precision, by one radius for all: not what the text says."""
    assert not re.search(r"diffusion\.\w*(?<!knn_)(precision|recall)_", LESSON)
    end = studies.summary("diffusion")["replace_knn_precision_g8"]
    assert f"precision {end:.2f}" in lesson_04.blobs_picture().summary


def test_the_forger_may_round() -> None:
    def stamps(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        averages = np.stack([images[labels == d].mean(axis=0) for d in range(10)])
        return averages - 1e-9  # what arithmetic leaves of a pixel that is zero

    assert check("04-stamps", stamps).passed
    few = check("04-stamps", lambda images, labels: stamps(images, labels)[:9])
    assert "twice" not in few.message
    assert "Only 9" in few.message


def test_a_third_neighbour_is_called_one() -> None:
    def two_decimals(real: np.ndarray, samples: np.ndarray, k: int) -> float:
        return round(gm.coverage(real, samples, k), 2)

    assert "neighbour number 3: a share of" in check("04-coverage", two_decimals).message
