"""Models of the hub in studies and in the code loop, offline, on checkpoints of random weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from helpers import studies
from helpers.coding.hub_writer import HubCodeWriter, PassesTests, solutions
from helpers.data.corpora import documentation
from helpers.loop import run_loop
from helpers.models import HubLanguageModel
from helpers.models.hub_files import save_tiny
from helpers.policies import Accumulate, Replace
from helpers.studies import nature_opt, smol_stories
from helpers.verification import Sandbox
from helpers.verification.human_eval import human_eval_problems

TEXT = documentation()[:30_000]


# --- studies -----------------------------------------------------------------------------------


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Studies keep their things in a folder of this test, and remember nothing of another."""
    monkeypatch.setattr(studies, "_default_place", lambda: tmp_path)
    smol_stories.start.cache_clear()
    nature_opt.start.cache_clear()
    return tmp_path


def test_smol_stories_goes_on_behind_the_last_finished_fit(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt in the middle costs the fit at hand; the table is that of an unbroken run."""
    fits: list[int] = []
    fit = HubLanguageModel.fit

    def counted(self: Any, *given: Any, **named: Any) -> Any:
        if len(fits) == stop:
            raise KeyboardInterrupt
        fits.append(1)
        return fit(self, *given, **named)

    monkeypatch.setattr(HubLanguageModel, "fit", counted)
    stop = 4
    with pytest.raises(KeyboardInterrupt):
        smol_stories.trial(100, "small")
    smol_stories.start.cache_clear()
    stop = -1
    broken = smol_stories.trial(100, "small")
    assert len(fits) == 7  # one of generation 0, and a round of six arms: none twice
    pd.testing.assert_frame_equal(smol_stories.trial(100, "small"), broken)
    assert len(fits) == 7
    for file in own.rglob("fits/100-*"):
        file.unlink()
    smol_stories.start.cache_clear()
    pd.testing.assert_frame_equal(smol_stories.trial(100, "small"), broken)
    assert len(fits) == 14


def test_smol_stories_measures_real_text_once(own: Path) -> None:
    frame = smol_stories.trial(100, "small").set_index(["arm", "metric"])["generation"]
    once = [("base", "loss"), ("real", "surprise"), ("real_unseen", "surprise")]
    assert [int(frame.loc[key].item()) for key in (*once, ("real", "distinct_3"))] == [0] * 4


def test_smol_stories_compares_what_its_rules_speak_of(own: Path) -> None:
    frame = smol_stories.trial(100, "small")
    arms = {f"{s}_{p}" for s in ("t1", "k50", "beam5") for p in ("replace", "accumulate")}
    assert set(frame["arm"]) == arms | {"base", "real", "real_unseen"}
    assert np.isfinite(frame["value"]).all()
    first = frame[(frame["generation"] == 0) & frame["arm"].isin(arms)]
    per_sampler = first.groupby([first["arm"].str.partition("_")[0], "metric"])["value"]
    assert (per_sampler.nunique() == 1).all()  # one model and one text, whatever the policy
    both = pd.concat([frame.assign(replicate=0), frame.assign(replicate=1)])
    numbers = smol_stories.summary(both)
    assert numbers["t1_surprise_rise"] == pytest.approx(
        numbers["t1_replace_surprise_g1"] - numbers["t1_replace_surprise_g0"]
    )
    assert numbers["t1_surprise_rise_seeds"] == 2 * (numbers["t1_surprise_rise"] > 0)
    assert numbers["beam5_surprise_rise_seeds"] == 2 * (numbers["beam5_surprise_rise"] < 0)


def test_test_blocks_share_no_eight_tokens_with_training_blocks(own: Path) -> None:
    real, test = smol_stories.data(100, "small")
    held = {tuple(row[i : i + 8]) for row in real.tolist() for i in range(17)}
    assert not held & {tuple(row[i : i + 8]) for row in test.tolist() for i in range(17)}
    assert real.shape == (6, 24)
    assert test.shape == (4, 24)


def test_a_study_says_what_it_needs_before_any_work(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, words in (
        ("smol_stories", ("SmolLM2-135M-Instruct", "93 MB")),
        ("nature_opt", ("OPT-125m", "250 MB", "WikiText-2, 4.7 MB", "--download")),
    ):
        assert studies.main(["run", name]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        assert all(word in said.err for word in words), said.err


@pytest.fixture(scope="module")
def nature(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A rehearsal of Nature's recipe with a tenth of real blocks, started from the command line."""
    place = tmp_path_factory.mktemp("nature")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studies, "_default_place", lambda: place)
        patch.setattr(nature_opt, "SEEDS", range(100, 101))
        command = ["run", "nature_opt", "--scale", "small", "--real", "0.1", "--penalty", "3"]
        assert studies.main(command) == 0
    return place


def test_natures_recipe_runs_offline_on_a_tiny_checkpoint(nature: Path) -> None:
    (record,) = map(json.loads, (p.read_text() for p in nature.rglob("nature_opt.json")))
    assert record["command"] == (
        "course study run nature_opt --real 0.1 --epochs 0 --penalty 3 --device cpu"
    )
    (table,) = nature.rglob("nature_opt.csv")
    frame = pd.read_csv(table)
    assert set(frame["arm"]) == {"base", "mix10"}
    assert set(frame["generation"]) == {0, 1, 2}
    assert np.isfinite(frame["value"]).all()
    assert record["summary"]["mix10_lost"] is not None
    kept = [json.loads(p.read_text()) for p in sorted(nature.rglob("fits/*.json"))]
    assert [np.shape(one["rows"]) for one in kept] == [(8, 64)] * 3


def test_natures_switches_change_what_they_name(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    init = HubLanguageModel.__init__

    def watched(self: Any, *given: Any, **named: Any) -> None:
        made.append(named)
        init(self, *given, **named)

    watched.__signature__ = __import__("inspect").signature(init)  # type: ignore[attr-defined]
    monkeypatch.setattr(HubLanguageModel, "__init__", watched)
    frame = nature_opt.trial(100, "small", real=0.0, epochs=10, penalty=2.0)
    assert set(frame["arm"]) == {"base", "replace"}
    tuned = [one for one in made if "repetition_penalty" in one and "steps" in one]
    assert {one["steps"] for one in tuned} == {20}  # 10 epochs of 8 blocks in batches of 4
    assert {one["repetition_penalty"] for one in tuned} >= {2.0}
    assert {one["beams"] for one in tuned} == {5}
    assert nature_opt.n_epochs(0.0, 0) == 5
    assert nature_opt.n_epochs(0.1, 0) == 10


# --- programs ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"), [TEXT], max_position_embeddings=512)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


PROBLEMS = sorted(human_eval_problems(), key=lambda problem: len(problem.prompt))[:3]


def writer(checkpoint: Path, **settings: Any) -> HubCodeWriter:
    model = HubLanguageModel(checkpoint, block=500, steps=1, batch_size=2, lora_rank=2)
    return HubCodeWriter(model, **({"problems": PROBLEMS, "attempts": 2, "longest": 8} | settings))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_nothing_passes_and_the_loop_refuses_to_train_on_nothing(
    checkpoint: Path, box: Sandbox
) -> None:
    with pytest.raises(ValueError, match=r"generation 1 has no training data.*0 of 6 samples"):
        run_loop(
            writer(checkpoint),
            solutions(PROBLEMS),
            policy=Replace(),
            generations=1,
            n_samples=6,
            verifier=PassesTests(box),
        )


def test_what_is_real_is_still_trained_on(checkpoint: Path, box: Sandbox) -> None:
    history = run_loop(
        writer(checkpoint),
        solutions(PROBLEMS),
        policy=Accumulate(),
        generations=1,
        n_samples=6,
        verifier=PassesTests(box),
    )
    assert [len(kept) for kept in history.samples] == [0, 0]
    assert (history.frame["value"] == 0).all()
    assert np.isfinite(history.models[1].score(solutions(PROBLEMS)))


@pytest.mark.parametrize("fenced", [False, True])
def test_a_chat_is_asked_in_prose_and_a_base_model_by_the_problem(
    checkpoint: Path, fenced: bool
) -> None:
    one = writer(checkpoint, fenced=fenced).pretrained()
    asked: list[list[int]] = []

    def write(prompts: list[list[int]], rng: np.random.Generator) -> list[np.ndarray]:
        asked.extend(prompts)
        return [np.array([*one.model.encode("x"), one.model.end_token]) for _ in prompts]

    one.model_.write = write
    answer = one.sample(2, rng())[0]
    text = one.model.decode(asked[0])
    assert text.startswith("Complete this Python function.") == fenced
    assert answer.problem.prompt in text
    assert answer.program == ("x" if fenced else answer.problem.prompt + "x")


def test_a_problem_may_fill_the_block_up_to_the_answer(checkpoint: Path) -> None:
    one = writer(checkpoint, problems=PROBLEMS[:1], attempts=1)
    one.model.block = len(one._prompt(PROBLEMS[0])) + one.longest
    assert len(one.pretrained().sample(1, rng())) == 1
    one.model.block -= 1
    with pytest.raises(ValueError, match="problems must have at most"):
        one.pretrained().sample(1, rng())


def test_bad_input_of_the_writer(checkpoint: Path) -> None:
    for ask in (lambda: writer(checkpoint).sample(2, rng()),
                lambda: writer(checkpoint).score(solutions(PROBLEMS))):  # fmt: skip
        with pytest.raises(NotFittedError, match="HubCodeWriter"):
            ask()
    with pytest.raises(TypeError, match="data must be a list of Answer, got list"):
        writer(checkpoint).fit(["text"], rng())
    with pytest.raises(ValueError, match="n_samples must be a multiple of attempts = 2"):
        writer(checkpoint).pretrained().sample(3, rng())
    with pytest.raises(ValueError, match="problems must have at most 20 tokens"):
        writer(checkpoint, longest=480).pretrained().sample(2, rng())
    with pytest.raises(TypeError, match="init must be a fitted HubCodeWriter"):
        writer(checkpoint).fit(solutions(PROBLEMS), rng(), init=writer(checkpoint))
    small = writer(checkpoint)
    small.model.block = 10
    with pytest.raises(ValueError, match="block must hold a problem and its answer, got 10"):
        small.fit(solutions(PROBLEMS), rng())
