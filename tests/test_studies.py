"""Recorded experiments: the registry's promises, and that what is recorded can be made again."""

from __future__ import annotations

import json
import re
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import studies, theory
from helpers.studies import (
    bigram_rate,
    definitions,
    discrete,
    gaussian,
    kde,
    mixed_rows,
    mixture,
    noisy_verifier,
    real_rows,
    regression,
    squeeze,
    tails,
    verified_loop,
)

OURS = [
    *("discrete", "gaussian", "kde", "mixed_rows", "mixture", "real_rows", "regression", "tails"),
    *("bigram_rate", "definitions", "noisy_verifier", "squeeze", "verified_loop"),
]
MODULES = {
    "discrete": discrete, "gaussian": gaussian, "kde": kde, "regression": regression,
    "tails": tails, "real_rows": real_rows, "mixed_rows": mixed_rows, "mixture": mixture,
    "noisy_verifier": noisy_verifier, "verified_loop": verified_loop,
    "bigram_rate": bigram_rate, "definitions": definitions, "squeeze": squeeze,
}  # fmt: skip
TORCH = [
    *("diffusion", "execution", "execution_controls", "execution_coverage", "vae"),
    *("gpt_size", "size", "surprise_filter", "vae_errors", "vae_means", "vae_winner"),
    *("judged_cures", "judged_stories"),
    *("gpt", "gpt_budget", "gpt_fine_tuned", "gpt_rate", "gpt_sampler", "gpt_scale"),
    *("gpt_steps", "gpt_tenth", "smol_stories"),
]
# Their rules are fixed, their trials not all there yet.
DECLARED = {"gpt_scale"}
# Their tables are the reader's own.
OPTIONAL = {"nature_opt"}
RECORDED = [name for name in studies.names() if (studies.RESULTS / f"{name}.csv").exists()]
KEPT = sorted((studies.RESULTS / studies.TRIALS).glob("*/*/trial-*.json"))
each = pytest.mark.parametrize("name", OURS)
every = pytest.mark.parametrize("name", RECORDED)


# --- what is recorded --------------------------------------------------------------------------


def test_every_study_has_what_the_registry_needs() -> None:
    assert set(OURS) <= set(studies.names())
    for module in MODULES.values():
        assert len(list(module.SEEDS)) >= 20
        json.dumps(module.SETTINGS)


def test_every_study_of_a_few_seconds_is_made_again() -> None:
    timed = {"tests_of_tests"}  # its verdicts hang on seconds: tests/test_lesson_10.py
    for name in RECORDED:
        record = studies.provenance(name)
        quick = record["cpu_seconds"] < 5 * len(record["seeds"])
        assert (quick and name not in timed) is (name in OURS), name


def test_what_studies_share_is_no_study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By what a module defines, not by its name or by lying in the folder."""
    assert not {"paired", "stories", "execution_programs"} & set(studies.names())
    shared = "SETTINGS = {}\nSEEDS = range(30)\n"
    (tmp_path / "shared.py").write_text(shared)
    (tmp_path / "new.py").write_text(f"{shared}def trial(seed, scale):\n    return None\n")
    monkeypatch.setattr(studies, "PACKAGE", tmp_path)
    assert studies.names() == ["new"]


def test_trials_are_named_after_the_code_that_runs(tmp_path: Path) -> None:
    """A worker, or a notebook, that loaded a study before its file changed runs the old one."""
    path = tmp_path / "late.py"
    code = "SETTINGS = {}\ndef trial(seed, scale):\n    return %d\n"
    path.write_text(code % 1)
    spec = spec_from_file_location("late", path)
    assert spec is not None
    assert spec.loader is not None
    study = module_from_spec(spec)
    spec.loader.exec_module(study)
    first = studies._fingerprint(study, "full")
    path.write_text(code % 22)
    assert studies._fingerprint(study, "full") == first
    spec.loader.exec_module(study)
    assert study.trial(0, "full") == 22
    assert studies._fingerprint(study, "full") != first


def test_every_study_is_recorded_or_declared() -> None:
    assert set(RECORDED) == set(studies.names()) - DECLARED - OPTIONAL
    assert all(import_module(f"helpers.studies.{name}").SWITCHES for name in OPTIONAL)
    under_way = {path.parent.parent.name for path in KEPT}
    assert under_way <= DECLARED, "recorded whole: its kept trials go"


def test_a_kept_trial_belongs_to_its_study_as_it_is_now() -> None:
    # Otherwise `run` would not find it, and hours of work would be lost without a word.
    for path in KEPT:
        study = import_module(f"helpers.studies.{path.parent.parent.name}")
        assert path.parent.name == studies._fingerprint(study, "full"), path
        trial = json.loads(path.read_text(encoding="utf-8"))
        frame = studies._parse(trial["csv"])
        assert list(frame.columns) == studies.COLUMNS
        seed = int(frame["replicate"].iloc[0])
        assert (frame["replicate"] == seed).all()
        assert path.name == studies._file_name(seed)
        assert seed in study.SEEDS
        assert np.isfinite(frame["value"]).all()
        assert not frame.duplicated(["arm", "generation", "metric"]).any()
        assert trial["cpu_seconds"] > 0
        assert path.stat().st_size < 150_000


@every
def test_the_recorded_table_is_tidy_and_small(name: str) -> None:
    frame = studies.load(name)
    assert list(frame.columns) == studies.COLUMNS
    assert not frame.duplicated(["arm", "generation", "metric", "replicate"]).any()
    assert np.isfinite(frame["value"]).all()
    assert (studies.RESULTS / f"{name}.csv").stat().st_size < 1_100_000


@every
def test_the_record_says_how_it_was_made(name: str) -> None:
    record, study = studies.provenance(name), import_module(f"helpers.studies.{name}")
    by_fits = "fits" in record  # on lent machines: a part may stand
    command = study.COMMAND + " --record" if by_fits else f"course study run {name}"
    assert record["command"] == command
    assert record["scale"] == "full"
    assert record["seeds"] == list(study.SEEDS) or (by_fits and record["fits_left"] > 0)
    assert set(record["seeds"]) <= set(study.SEEDS)
    assert record["settings"] == json.loads(json.dumps(study.SETTINGS))
    assert set(studies.load(name)["replicate"]) == set(record["seeds"])
    assert record["cpu_seconds"] > 0
    assert {"numpy", "scipy", "scikit-learn", "pandas"} <= set(record["versions"])
    assert "torch" in record["versions"] or name not in TORCH
    text = json.dumps(record)
    assert "/home" not in text
    assert "/root" not in text


@every
def test_the_summary_follows_from_the_table(name: str) -> None:
    again = import_module(f"helpers.studies.{name}").summary(studies.load(name))
    recorded = studies.summary(name)
    assert set(again) == set(recorded)
    for key, value in recorded.items():
        assert value is not None, key
        assert key.isidentifier()
        assert again[key] == pytest.approx(value, rel=1e-5, abs=1e-12), key


@each
def test_a_recorded_trial_can_be_made_again(name: str) -> None:
    # To the last digit on the machine that recorded it; elsewhere sums may round differently.
    differences = studies.verify(name, 1)
    # What is nothing but rounding, such as a distance of 1e-16, has no digits to agree on.
    np.testing.assert_allclose(differences["again"], differences["recorded"], rtol=1e-4, atol=1e-12)


def test_published_figures_have_a_source() -> None:
    published = json.loads((studies.RESULTS / "published.json").read_text(encoding="utf-8"))
    assert len(published) > 80
    for key, entry in published.items():
        assert key.isidentifier()
        assert set(entry) == {"value", "unit", "source", "where", "sure"}, key
        assert np.isfinite(entry["value"])
        assert entry["sure"] in set("VCSAMDN"), key
        assert all(entry[part] for part in ("unit", "source", "where")), key


# --- what was measured against what is known ---------------------------------------------------
# Recorded once with seeds fixed beforehand. Means are compared at five of their standard errors.


def close(summary: dict[str, float], key: str, expected: float) -> None:
    error = summary[f"{key}_error"]
    assert abs(summary[f"{key}_mean"] - expected) < 5 * error, (key, summary[f"{key}_mean"])


def test_gaussian_study_agrees_with_theory() -> None:
    summary = studies.summary("gaussian")
    for n in (10, 100):
        close(summary, f"accumulate_n{n}_variance_g99", theory.gaussian_variance_accumulate(n, 100))
        # Typical variance: sd of the mean log over 100 runs is below a tenth of sqrt(100 / 4.2).
        for ddof, arm in ((0, "mle"), (1, "unbiased")):
            typical = np.log(summary[f"{arm}_n{n}_variance_g99_geometric"])
            exact = np.log(theory.gaussian_geometric_variance_replace(n, 100, ddof))
            assert abs(typical - exact) < 5 * 0.1 * np.sqrt(100 * 2 / (n - 2))


def test_a_mean_that_a_hundred_runs_cannot_show_is_not_offered() -> None:
    """All that are offered lie within five of their exact standard errors; the rest is left out."""
    summary = studies.summary("gaussian")
    offered = [key for key in summary if re.fullmatch(r"(mle|unbiased)_n\d+_.*_mean", key)]
    assert len(offered) > 100
    for key in offered:
        arm, n, metric, g = re.fullmatch(r"(mle|unbiased)_n(\d+)_(\w+)_g(\d+)_mean", key).groups()
        ddof, exact = int(arm == "unbiased"), getattr(theory, f"gaussian_{metric}_replace")
        mean = exact(int(n), int(g) + 1, ddof)
        error = mean * gaussian.uncertainty(int(n), int(g) + 1, ddof, 100)[metric]
        assert error <= mean / 2
        assert abs(summary[key] - mean) < 5 * error, key
        assert f"{key.removesuffix('mean')}error" in summary
    for gone in (
        *("mle_n5_variance_g99", "mle_n10_variance_g99", "mle_n20_variance_g99"),
        *("unbiased_n10_mean_error_g99", "unbiased_n10_variance_g99"),
    ):
        assert f"{gone}_mean" not in summary
        assert f"{gone}_error" not in summary


def test_uncertainty_is_that_of_simulated_runs() -> None:
    # 200,000 runs of three fits: second moments to about one per cent.
    n, rng = 20, np.random.default_rng(7)
    v, m = np.ones(200_000), np.zeros(200_000)
    for _ in range(3):
        m += rng.normal(size=len(m)) * np.sqrt(v / n)
        v *= rng.chisquare(n - 1, len(v)) / n
    told = gaussian.uncertainty(n, 3, 0, 25)
    for metric, values in (("variance", v), ("mean_error", m**2)):
        assert told[metric] == pytest.approx(values.std() / values.mean() / 5, rel=0.05)


def test_discrete_study_agrees_with_theory() -> None:
    summary = studies.summary("discrete")
    assert summary["quilt_replace_support_g0_mean"] == pytest.approx(11.63, abs=0.3)
    zipf = discrete.truth("zipf")
    bound = theory.expected_unique(zipf, 2000, 11)
    assert summary["zipf_replace_support_g10_mean"] == pytest.approx(bound, rel=0.05)
    for n, expected in ((10, 17.5), (100, 186.0)):  # measured at large size in row 16
        assert (
            abs(summary[f"absorb_n{n}_fits_mean"] - expected)
            < 5 * summary[f"absorb_n{n}_fits_error"]
        )


def test_regression_study_agrees_with_theory() -> None:
    summary = studies.summary("regression")
    for t in (1, 5, 20, 40):
        g = t - 1
        for arm, exact in (
            ("replace_t100", theory.regression_error_replace(10, 100, t)),
            ("accumulate_t100", theory.regression_error_accumulate(10, 100, t)),
            ("synthetic_only_t100", theory.regression_error_synthetic_only(10, 100, t)),
        ):
            close(summary, f"{arm}_error_g{g}", exact)


def test_kde_study_agrees_with_theory() -> None:
    summary = studies.summary("kde")
    for label, width in (
        ("h20", 0.02),
        ("h500", 0.5),
        ("neutral", theory.kde_neutral_bandwidth(100)),
    ):
        for rounds in (1, 10, 50):
            exact = theory.kde_variance_replace(100, rounds, width, variance=0.99)
            close(summary, f"one_replace_{label}_variance_g{rounds - 1}", exact)


# --- the registry, on a study made up here -----------------------------------------------------


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    source = tmp_path / "toy.py"
    source.write_text("steps = 1", encoding="utf-8")
    study = SimpleNamespace(
        SETTINGS={"size": 3, "sizes": (1, 2)},
        SEEDS=range(4),
        __file__=str(source),
        ran=[],
        stop=None,
    )

    def trial(seed: int, scale: str) -> pd.DataFrame:
        if seed == study.stop:
            raise KeyboardInterrupt
        study.ran.append(seed)
        value = np.random.default_rng(seed).random() * study.SETTINGS["size"]
        return pd.DataFrame({"arm": "a", "generation": 0, "metric": "m", "value": [value]})

    study.trial = trial
    study.summary = lambda frame: {"mean": frame["value"].mean(), "nothing": np.nan}
    monkeypatch.setattr(studies, "_study", lambda name: study)
    monkeypatch.setattr(studies, "names", lambda: ["toy"])
    return study


def run(tmp_path: Path, **changes: Any) -> pd.DataFrame:
    arguments = {"place": tmp_path / "ignored", "results": tmp_path, **changes}
    return studies.run("toy", **arguments)


def test_a_run_records_table_and_provenance(toy: SimpleNamespace, tmp_path: Path) -> None:
    frame = run(tmp_path)
    assert toy.ran == [0, 1, 2, 3]
    assert list(frame["replicate"]) == [0, 1, 2, 3]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "toy.csv"), frame)
    record = json.loads((tmp_path / "toy.json").read_text(encoding="utf-8"))
    assert record["summary"]["mean"] == pytest.approx(frame["value"].mean(), rel=1e-5)
    assert record["summary"]["nothing"] is None
    assert not list(tmp_path.rglob(".*"))  # no half-written file is left


def test_an_interrupted_run_goes_on_where_it_stopped(
    toy: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy.stop = 2
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert "2 of 4 trials are done and kept" in capsys.readouterr().out
    assert not (tmp_path / "toy.csv").exists()
    toy.stop = None
    frame = run(tmp_path)
    assert toy.ran == [0, 1, 2, 3]  # none of them twice
    assert list(frame["replicate"]) == [0, 1, 2, 3]


def loaded_anew(toy: SimpleNamespace, source: str) -> None:
    """As another process finds it, which loads the file as it is now."""
    Path(toy.__file__).write_text(source, encoding="utf-8")
    studies._loaded_code.cache_clear()


def test_changed_settings_or_a_changed_study_start_afresh(
    toy: SimpleNamespace, tmp_path: Path
) -> None:
    first = run(tmp_path)
    toy.SETTINGS = {"size": 6, "sizes": (1, 2)}
    np.testing.assert_allclose(run(tmp_path)["value"], 2 * first["value"], rtol=1e-4)
    loaded_anew(toy, "steps = 2")
    run(tmp_path)
    assert toy.ran == [0, 1, 2, 3] * 3


def test_a_rehearsal_is_never_recorded_with_the_results(
    toy: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies, "RESULTS", tmp_path / "results")
    studies.run("toy", scale="small", place=tmp_path / "trials")
    assert toy.ran == [0, 1]
    assert not (tmp_path / "results").exists()


def recorded_here(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(studies, "files", lambda package: folder)


def test_verify_finds_what_differs(
    toy: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path)
    recorded_here(monkeypatch, tmp_path)
    assert studies.verify("toy", 4).empty
    assert studies.main(["verify", "toy"]) == 0
    table = studies.load("toy")
    table.loc[1, "value"] *= 1.01
    table.to_csv(tmp_path / "toy.csv", index=False)
    assert list(studies.verify("toy", 4)["replicate"]) == [1]
    assert studies.main(["verify", "toy", "--trials", "2"]) == 1
    with pytest.raises(ValueError, match="at most the 4 recorded, got 5"):
        studies.verify("toy", 5)
    table.iloc[:1].to_csv(tmp_path / "toy.csv", index=False)
    with pytest.raises(ValueError, match="other rows now than the recorded ones"):
        studies.verify("toy", 2)
    toy.SETTINGS = {"size": 4}
    with pytest.raises(ValueError, match="settings of 'toy' are not the recorded ones"):
        studies.verify("toy", 1)


def test_the_command_runs_and_records_a_study(
    toy: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(studies, "RESULTS", tmp_path)
    monkeypatch.setattr(studies, "_default_place", lambda: tmp_path / "ignored")
    recorded_here(monkeypatch, tmp_path)
    assert studies.main(["run", "toy"]) == 0
    assert toy.ran == [0, 1, 2, 3]
    assert len(studies.load("toy")) == 4
    record = studies.provenance("toy")
    assert record["command"] == "course study run toy"
    assert (record["scale"], record["seeds"]) == ("full", [0, 1, 2, 3])
    assert studies.main(["verify", "toy", "--trials", "4"]) == 0
    assert studies.main(["list"]) == 0
    assert "not recorded" not in capsys.readouterr().out
    assert studies.main(["run", "toy", "--scale", "small"]) == 0
    assert toy.ran[8:] == [0, 1]  # four of the run, four of the check, and a rehearsal of two
    assert len(studies.load("toy")) == 4
    with pytest.raises(SystemExit):
        studies.main(["run", "nobody"])
    assert "nobody" in capsys.readouterr().err


def test_an_unrecorded_study_says_how_to_record_it(
    toy: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorded_here(monkeypatch, tmp_path)
    with pytest.raises(FileNotFoundError, match="not recorded yet: course study run toy"):
        studies.load("toy")
    assert studies.main(["list"]) == 0
    assert "not recorded" in capsys.readouterr().out
    assert studies.main(["verify", "toy"]) == 1


def test_mended_words_and_moved_modules_do_not_start_afresh(
    toy: SimpleNamespace, tmp_path: Path
) -> None:
    loaded_anew(
        toy,
        '"""A study."""\n\nfrom helpers.loop import one as g\n\n\n'
        'def draw(n):\n    """Draw."""\n    import math\n    return g.draw("n", math.pi)\n',
    )
    run(tmp_path)
    loaded_anew(
        toy,
        '"""A better study."""\n\nfrom helpers.models.gpt import one as g\n\n\n'
        'def draw(n):\n    """Draw n."""\n    from math import e  # more\n    import math\n'
        "    return g.draw(\n        'n', math.pi)\n",
    )
    run(tmp_path)
    assert toy.ran == [0, 1, 2, 3]
    loaded_anew(toy, Path(toy.__file__).read_text(encoding="utf-8").replace("'n'", "'m'"))
    run(tmp_path)  # a string that is not a docstring is code
    assert toy.ran == [0, 1, 2, 3] * 2


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "trials").rglob("trial-*.json"))


def test_a_long_study_keeps_its_trials_with_the_results_until_it_is_recorded(
    toy: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = {"place": tmp_path / "ignored", "results": tmp_path / "results"}
    toy.stop = 1
    with pytest.raises(KeyboardInterrupt):
        studies.run("toy", **elsewhere)
    toy.stop = 3
    with pytest.raises(KeyboardInterrupt):
        studies.run("toy", keep=True, **elsewhere)
    assert "3 of 4 trials are done and kept" in capsys.readouterr().out
    # The one that was finished before, too: all that is needed goes with the checkout.
    assert kept(tmp_path / "results") == [f"trial-{seed:05d}.json" for seed in range(3)]
    toy.stop = None
    frame = studies.run("toy", place=tmp_path / "other checkout", results=tmp_path / "results")
    assert toy.ran == [0, 1, 2, 3]  # none of them twice
    assert kept(tmp_path / "results") == []
    studies.run("toy", place=tmp_path / "other checkout", results=tmp_path / "results")
    assert toy.ran == [0, 1, 2, 3]  # nor ever again here
    assert list(frame["replicate"]) == [0, 1, 2, 3]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "results" / "toy.csv"), frame)


def test_trials_kept_for_other_settings_are_neither_read_nor_removed(
    toy: SimpleNamespace, tmp_path: Path
) -> None:
    toy.stop = 1
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, keep=True)
    toy.stop, toy.SETTINGS = None, {"size": 4}
    run(tmp_path)
    assert toy.ran == [0, 0, 1, 2, 3]
    assert kept(tmp_path) == ["trial-00000.json"]


def test_the_command_keeps_trials_and_lists_them(
    toy: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(studies, "RESULTS", tmp_path)
    monkeypatch.setattr(studies, "_default_place", lambda: tmp_path / "ignored")
    recorded_here(monkeypatch, tmp_path)
    toy.stop = 2
    assert studies.main(["run", "toy", "--keep"]) == 130
    assert kept(tmp_path) == ["trial-00000.json", "trial-00001.json"]
    assert studies.main(["list"]) == 0
    assert "not recorded, 2 trials kept" in capsys.readouterr().out
    assert studies.main(["run", "toy", "--keep", "--scale", "small"]) == 1
    assert "keep must be False for a rehearsal" in capsys.readouterr().err


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"name must be one of .*'gaussian'.* got 'gauss'"):
        studies.load("gauss")
    with pytest.raises(ValueError, match="name must be one of"):
        studies.run("gauss", place=tmp_path)
    with pytest.raises(ValueError, match="scale must be one of 'full', 'small', got 'tiny'"):
        studies.run("gaussian", scale="tiny", place=tmp_path)
    with pytest.raises(ValueError, match="n_trials must be"):
        studies.verify("gaussian", 0)


@each
def test_a_rehearsal_of_every_study_runs(name: str, tmp_path: Path) -> None:
    frame = studies.run(name, scale="small", place=tmp_path)
    assert set(frame["replicate"]) == {0, 1}
    assert list(frame.columns) == studies.COLUMNS
