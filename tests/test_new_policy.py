"""A new policy is one class: menus, arms and legends find it, and no file of ours names it."""

from __future__ import annotations

import ast
import gc
import importlib.util
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers import metrics, plots, policies, studies
from helpers._ground import ROOT
from helpers.data import Data, concat, draw, size
from helpers.explorers import lesson_06
from helpers.explorers.quick_runs import (
    gaussian_runs,
    kde_runs,
    known,
    regression_runs,
    whole_generations,
)
from helpers.loop import Policy, run_loop
from helpers.models import Gaussian
from helpers.policies import (
    Accumulate,
    AccumulateSubsample,
    DetectAndDrop,
    FreshReal,
    FrozenReal,
    Mix,
    Named,
    Replace,
    by_name,
    plain,
)
from helpers.studies.regression import EverySynthetic

HELPERS = ROOT / "helpers"
SOURCE = '''
from dataclasses import dataclass
from helpers.data import concat, draw, size
from helpers.policies import Named

@dataclass(frozen=True)
class EveryOther(Named):
    """The real data and every second generation, the newest included."""

    def training_set(self, real, synthetic, rng):
        return concat([real, *synthetic[::-2]])

@dataclass(frozen=True)
class HalfOfEach(Named):
    """Half of the rows of every generation, drawn anew: no whole generation."""

    name = "halves"
    label = "half of each"

    def training_set(self, real, synthetic, rng):
        return concat([draw(part, size(part) // 2, rng) for part in [real, *synthetic]])
'''


@pytest.fixture
def new(tmp_path: Path) -> Iterator[ModuleType]:
    path = tmp_path / "a_module_of_a_reader.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    vars(module).clear()  # other tests list the policies that are known
    gc.collect()


def test_it_knows_its_name_and_label(new: ModuleType) -> None:
    assert (new.EveryOther().name, new.EveryOther().label) == ("every_other", "every other")
    assert (new.HalfOfEach().name, new.HalfOfEach().label) == ("halves", "half of each")
    assert (Mix(0.1).name, Mix(0.1).label) == ("mix10", "mix, 10 % real")
    assert [policy.label for policy in plain()][-2:] == ["every other", "half of each"]
    with pytest.raises(ValueError, match="different names"):
        by_name(Replace(), Replace())


@pytest.mark.parametrize("label", ["every other", "half of each"])
def test_an_explorer_offers_and_draws_it(new: ModuleType, label: str) -> None:
    box = lesson_06.policy_explorer()
    menus = [set(child.options) for child in box.children if hasattr(child, "options")]
    assert any({"replace", label} <= {str(option) for option in menu} for menu in menus)
    for model in lesson_06.MODELS:
        made = lesson_06.policy_picture(model, label, n=20, rounds=4)
        assert label in made.alt.lower()
        assert label in made.summary


def test_a_study_has_it_in_its_settings_and_a_figure_in_its_legend(
    new: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = by_name(Replace(), new.EveryOther())

    def trial(seed: int, scale: str) -> pd.DataFrame:
        real = np.random.default_rng(seed).standard_normal((10, 1))
        frames = [
            run_loop(
                Gaussian(), real, policy=policy, generations=3, seed=seed,
                metrics={"variance": metrics.variance},
            ).frame.assign(arm=policy.label)
            for policy in arms.values()
        ]  # fmt: skip
        return pd.concat(frames)

    study = SimpleNamespace(
        SETTINGS={"arms": [policy.label for policy in arms.values()]},
        SEEDS=range(100, 103),
        trial=trial,
        summary=lambda frame: {},
        __file__=str(tmp_path / "a_module_of_a_reader.py"),
    )
    monkeypatch.setattr(studies, "_study", lambda name: study)
    monkeypatch.setattr(studies, "names", lambda: ["toy"])
    frame = studies.run("toy", place=tmp_path, results=tmp_path)
    record = json.loads((tmp_path / "toy.json").read_text(encoding="utf-8"))
    assert record["settings"]["arms"] == ["replace", "every other"]
    picture = plots.band(frame, "variance")
    assert "every other" in picture.html()  # the table beside the figure
    texts = [text.get_text() for axes in picture.figure.axes for text in axes.texts]
    assert "every other" in " ".join(texts).replace("\n", " ")


def test_recorded_studies_ask_their_policies() -> None:
    from helpers.studies import bigram, gpt, vae

    for settings in (bigram.SETTINGS, gpt.SETTINGS, vae.SETTINGS["digits"]):
        assert set(settings["arms"]) <= {"replace", "accumulate", "subsample", "mix10"}
    assert bigram.SETTINGS["arms"] == list(bigram.POLICIES)


# --- a policy's name stands in its class, and beside its colour ---------------------------------

OURS = (
    *(Replace(), Accumulate(), AccumulateSubsample(), Mix(0.1)),
    *(FrozenReal(1), FreshReal(lambda n, rng: [], 1), DetectAndDrop(lambda n, rng: [], 1)),
)
NAMES = {word for policy in OURS for word in (policy.name, policy.label)}
TYPED = {  # file -> why a name of a policy is written out in it
    "policies.py": "the one place",
    "plots/style.py": "names -> looks; plots lies below policies",
    "studies/gpt.py": "its code is part of what studies under way are compared with",
    "studies/gpt_fine_tuned.py": "the same",
    "studies/judged.py": "a register of recorded runs, by the names of their arms",
    "studies/scorecard/language.py": "the same",
    "studies/judged_stories.py": "its code, too, is part of what its trials are compared with",
    "studies/judged_cures.py": "the same",
}


def test_all_policies_are_looked_at() -> None:
    assert {type(policy) for policy in OURS} == {
        kind for kind in vars(policies).values()
        if isinstance(kind, type) and issubclass(kind, Named) and kind is not Named
    }  # fmt: skip


@pytest.mark.parametrize("policy", OURS, ids=lambda policy: policy.name)
def test_every_policy_has_a_look_of_its_own(policy: Named) -> None:
    word = policy.name.rstrip("0123456789").replace("_", "-")
    assert plots.POLICY_COLOURS[word] == plots.policy_style(policy).colour
    assert plots.policy_style(policy.name).colour == plots.policy_style(policy.label).colour
    assert len({plots.policy_style(one).colour for one in OURS}) == len(OURS)
    assert plots.policy_style(policy).label == policy.label


def test_names_of_policies_are_asked_for_and_not_typed() -> None:
    """In helpers/. A default in a signature is for people to read, and `one_of` looks at it.

    In verification "replace" is no policy: it says what to do with bytes that are no text.
    """
    found = set()
    for path in set(HELPERS.rglob("*.py")) - set(HELPERS.glob("verification/*")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        signatures = [node for node in ast.walk(tree) if isinstance(node, ast.arguments)]
        defaults = {id(value) for one in signatures for value in (*one.defaults, *one.kw_defaults)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in NAMES and id(node) not in defaults:
                found.add(path.relative_to(HELPERS).as_posix())
    assert found == set(TYPED), found ^ set(TYPED)


# --- which policies the fast runs may serve ----------------------------------------------------


class Largest:
    """As many rows as there are real ones, the largest: values decide."""

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        pool: Any = concat([real, *synthetic])
        return np.sort(pool, axis=0)[-size(real) :]


class Bootstrap:
    """The newest generation, drawn with replacement."""

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        return draw(synthetic[-1], size(real), rng, with_replacement=True)


class AnyOne:
    """One generation, whichever chance takes."""

    def training_set(self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator) -> Data:
        everything = [real, *synthetic]
        return everything[int(rng.integers(len(everything)))]


def test_policies_of_whole_generations_are_recognised(new: ModuleType) -> None:
    for policy, used in (
        (Replace(), [[0], [1], [2], [3]]),
        (Accumulate(), [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]),
        (EverySynthetic(), [[0], [1], [1, 2], [1, 2, 3]]),
        (known(6)["half real"], [[0], [0, 1], [0, 2], [0, 3]]),
        (new.EveryOther(), [[0], [0, 1], [0, 2], [0, 1, 3]]),
    ):
        assert whole_generations(policy, 6, 3) == used


@pytest.mark.parametrize(
    "policy",
    [AccumulateSubsample(), Mix(0.3), Mix(0.5, size=4), Largest(), Bootstrap(), AnyOne(),
     FrozenReal(1), FreshReal(lambda n, rng: rng.standard_normal(n), 3),
     DetectAndDrop(lambda n, rng: rng.standard_normal(n), 3, missed=1.0)],
    ids=lambda policy: type(policy).__name__,
)  # fmt: skip
def test_other_policies_go_through_the_loop(policy: Policy) -> None:
    assert whole_generations(policy, 40, 3) is None


def test_the_loop_serves_a_policy_that_the_fast_runs_cannot() -> None:
    """Mix(0.5) holds the variance up: all three models, against Replace under the same law."""
    rng = np.random.default_rng
    n, rounds, runs = 20, 15, 400
    mixed = gaussian_runs(Mix(0.5), n, rounds, runs, rng(100))[1]
    assert mixed.shape == (rounds + 1, runs)
    assert (
        mixed[-1].mean() > 1.3 * gaussian_runs(Replace(), n, rounds, runs, rng(101))[1][-1].mean()
    )
    for same in (True, False):
        one = regression_runs(Mix(0.5), n, rounds, runs, rng(102), d=3, same_design=same)
        other = regression_runs(Replace(), n, rounds, runs, rng(103), d=3, same_design=same)
        assert one.shape == (rounds + 1, runs)
        assert one[-1].mean() < 0.6 * other[-1].mean()
    kept = kde_runs(Mix(0.5), n, rounds, runs, rng(104), 0.3)
    lost = kde_runs(Replace(), n, rounds, runs, rng(105), 0.3)
    assert kept.shape == (rounds + 1, runs)
    assert abs(kept[0].mean() - lost[0].mean()) < 0.1


def test_the_slow_kernel_density_has_the_law_of_the_fast_one() -> None:
    class Subsample:  # the same as AccumulateSubsample, but not recognised as it
        def training_set(
            self, real: Data, synthetic: Sequence[Data], rng: np.random.Generator
        ) -> Data:
            return AccumulateSubsample().training_set(real, synthetic, rng)

    n, rounds, runs = 10, 4, 4000
    slow = kde_runs(Subsample(), n, rounds, runs, np.random.default_rng(106), 0.4)
    fast = kde_runs("subsample", n, rounds, runs, np.random.default_rng(107), 0.4)
    error = np.sqrt((slow[-1].var() + fast[-1].var()) / runs)
    assert abs(slow[-1].mean() - fast[-1].mean()) < 4.5 * error
