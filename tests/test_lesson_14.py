"""Lesson 14: what it says where the extra "hub" is missing, what a sampler keeps, what a run costs.

Its exercises are tested in test_exercises.py, what it says in words in claims_14.py.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import studies
from helpers._ground import ROOT
from helpers.explorers import bill, lesson_14, pretrained
from helpers.explorers.bill import Speed
from helpers.models.hub_files import INSTALL
from helpers.studies import nature_opt, smol_stories
from helpers.teaching._forms import LINE

STEM = "14-to-real-models"
# Runs sections of the lesson, each with nothing that came before it, as if packages were not there.
PROGRAM = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in {refused}:
            return None
        return super().find_spec(name, path, target)

sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
from helpers._ground import ROOT
from helpers.authoring.lesson import parse
for section in parse(ROOT / "lessons" / "{stem}.md", "{stem}").sections():
    if {headings} and section.heading not in {headings}:
        continue
    print("##", section.heading, flush=True)
    names = {{}}
    for cell in section.cells:
        exec(compile(cell.source, section.heading, "exec"), names)
print("to the end; torch", "torch" in sys.modules, "of the extra", sorted(
    {{"transformers", "peft", "gguf"}} & set(sys.modules)))
"""


def without(refused: set[str], tmp_path: Path, *headings: str) -> dict[str, str]:
    """What these sections print, or all, where the packages cannot be imported."""
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(refused=refused, stem=STEM, headings=headings)],
        cwd=ROOT,
        env={**os.environ, "COURSE_PROGRESS": str(tmp_path / "progress.json")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert "Traceback" not in answer.stdout + answer.stderr
    heads = re.split(r"^## (.*)\n", answer.stdout, flags=re.MULTILINE)
    return dict(zip(heads[1::2], heads[2::2], strict=True))


def test_without_the_extra_every_section_runs_and_says_so_in_a_line(tmp_path: Path) -> None:
    said = without({"transformers", "peft", "gguf"}, tmp_path)
    needing = {"The same line", "A default is a sampler", "Nature's recipe, one command",
               "Programs, and nothing passes"}  # fmt: skip
    for heading, text in said.items():
        lines = [line for line in text.splitlines() if line.startswith("Left out here")]
        assert bool(lines) == (heading in needing), heading
        assert all("transformers" in line and line.endswith(INSTALL) for line in lines)
        assert all(len(line) <= LINE for line in lines)  # no window breaks the command
    assert "50 different tokens" in said["A default is a sampler"]  # reckoned, and said to be
    assert "Reckoned instead" in said["A default is a sampler"]
    assert "{'accepted': 1.0, 'solved': 1.0}" in said["Programs, and nothing passes"]
    assert "tokens a second learnt" in said["What an hour buys"]
    assert "to the end; torch True of the extra []" in list(said.values())[-1]


def test_without_lora_s_package_the_rest_runs_whole(tmp_path: Path) -> None:
    said = without({"peft"}, tmp_path, "The same line")["The same line"]
    assert said.count("Left out here") == 2  # the first cell, and LoRA
    assert "it needs peft" in said
    assert "generation 2: (64, 24) tokens written" in said
    assert "LoRA rank None: 41,952 weights trained" in said


def test_another_import_that_fails_is_no_missing_extra() -> None:
    with pytest.raises(ImportError, match="no_such_package"), lesson_14.where_installed():
        __import__("no_such_package")


# --- what a sampler keeps ----------------------------------------------------------------------

CALLS: list[dict[str, Any]] = [
    {},
    {"do_sample": True},
    {"do_sample": True, "top_k": 0},
    {"do_sample": True, "top_k": None},
    {"do_sample": 1, "top_k": 0, "top_p": None, "temperature": None},
    {"do_sample": True, "top_k": 7, "temperature": 0.5},
    {"do_sample": True, "top_k": 0, "top_p": 0.3},
    {"do_sample": True, "top_k": 0, "top_p": 0.0},
    {"do_sample": True, "top_k": 400, "top_p": 0.9, "temperature": 2.0},
    {"num_beams": 5},
]


@pytest.mark.parametrize("arguments", CALLS, ids=str)
def test_chances_are_those_of_transformers(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the network itself, made uneven: what comes, and how often."""
    import torch

    network = lesson_14._even_network()
    with torch.no_grad():
        logits = 30 * network(input_ids=torch.zeros((1, 1), dtype=torch.long)).logits[0, -1]
    monkeypatch.setattr(network.lm_head, "forward", lambda x: logits.expand(*x.shape[:-1], -1))
    monkeypatch.setattr(lesson_14, "DRAWN", 20_000)
    p = lesson_14.chances(logits.numpy().astype(float), **arguments)
    came = np.bincount(lesson_14._generated(arguments), minlength=len(p)) / 20_000
    assert set(np.flatnonzero(came)) <= set(np.flatnonzero(p))
    expected = 20_000 * p  # six standard errors, and three more of a token that hardly ever comes
    assert (np.abs(20_000 * came - expected) <= 6 * np.sqrt(expected) + 3).all()


def test_a_default_keeps_fifty() -> None:
    counts = [lesson_14.distinct_tokens(**one) for one in CALLS[:3]]
    assert counts[:2] == [1, 50]
    assert counts[2] == pytest.approx(1000 * (1 - np.exp(-2)), abs=60)  # equal chances: 865
    assert lesson_14.usual_top_k() is None
    p = lesson_14.chances(np.zeros(1000) + np.linspace(0, 0.1, 1000), do_sample=True)
    assert (p > 0).sum() == 50


def test_bad_arguments_of_a_sampler_are_named() -> None:
    for wrong, words in (
        ({"num_beams": 5}, "num_beams must be 1 to draw, got 5"),
        ({"temperature": 0}, "temperature must be"),
        ({"top_k": -1}, "top_k must be"),
        ({"top_p": 1.5}, "top_p must be"),
    ):
        with pytest.raises(ValueError, match=words):
            lesson_14.chances(np.zeros(5), do_sample=True, **wrong)


# --- what a run costs --------------------------------------------------------------------------

SPEED = Speed(2_000.0, 3_000.0, bill.TIMED_WEIGHTS, "a core")


def test_the_network_that_is_timed_has_the_weights_that_the_page_says() -> None:
    found = bill.measure()
    assert found.weights == bill.TIMED_WEIGHTS
    assert found is bill.measure("again")
    assert found.learnt > 0 < found.written
    assert str(found).startswith("one core of this machine: ")


def test_hours_count_every_model_every_pass_and_every_text() -> None:
    assert bill.hours(3_600, 1.0, epochs=1, generations=1) == 4  # two fits and two texts
    assert bill.hours(3_600, 2.0, epochs=3, generations=0, beams=5, seeds=2) == 8
    assert bill.nature_hours(SPEED) == pytest.approx(
        10 * 2e6 * (5 + 5) / (2_000 * bill.TIMED_WEIGHTS / 125e6) / 3600
    )
    names = (nature_opt.SETTINGS["epochs_without_real"], nature_opt.SETTINGS["generations"],
             nature_opt.SETTINGS["beams"])  # fmt: skip
    assert names == (bill.EPOCHS, bill.GENERATIONS, bill.BEAMS)
    with pytest.raises(ValueError, match="tokens must be"):
        bill.hours(0, 1.0)
    with pytest.raises(ValueError, match="weights must be"):
        SPEED.of(0)


def test_memory_is_that_of_the_lesson() -> None:
    assert bill.memory_gb(125e6) == pytest.approx(2.0)
    assert bill.memory_gb(125e6, lora=True) == pytest.approx(0.52)
    table = bill.an_hour(SPEED)
    assert table.loc["OPT-125m", "GB, all weights"] == "2"
    assert table.loc["the GPT timed here", "tokens, this core"] == "7.2 million"
    assert list(table["tokens, a GPU (estimate)"][:3]) == ["-", "-", "180 million to 720 million"]


def test_a_number_of_hours_in_words() -> None:
    words = [bill.in_words(h) for h in (1 / 3600, 0.5, 10, 50, 48 * 30, 17_520)]
    assert words == ["1 seconds", "30 minutes", "10 hours", "2.1 days", "60 days", "2 years"]
    assert [bill.span(h) for h in (1, 24, 500, 1e4)] == list(bill.SPANS.values())
    assert [bill.counted(n) for n in (500, 34_000, 1.25e8, 2e9)] == [
        "500", "34,000", "125 million", "2 billion",
    ]  # fmt: skip


def test_the_figure_says_what_its_settings_cost() -> None:
    one = bill.bill_picture()
    assert one.summary.startswith("125 million weights: ")
    assert one.html() == bill.bill_picture().html()
    more = bill.bill_picture(seeds=10)
    assert more.summary != one.summary
    assert "a GPU, by estimate: 40 minutes to 2.7 hours" in bill.bill_picture(5e8).summary
    assert bill.bill_picture(1e8).summary.endswith("not reckoned for so small a model")
    assert "; 16 GB, with LoRA 4.2 GB; " in bill.bill_picture(1e9).summary
    assert "; under 0.1 GB; " in bill.bill_picture(1e5).summary
    # What the title says is `hours` at that size.
    hours = bill.hours(2e6, Speed(2_000.0, 0, bill.TIMED_WEIGHTS, "").of(1e9), generations=3)
    assert bill.in_words(hours) in bill.bill_picture(1e9, generations=3).summary
    for wrong in ({"parameters": 1e4}, {"generations": 0}, {"seeds": 0}, {"tokens": 0},
                  {"tokens_per_second": 0}):  # fmt: skip
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
            bill.bill_picture(**wrong)


def test_the_sliders_begin_with_this_machine() -> None:
    explorer = bill.bill_explorer(1_234.0)
    assert explorer.error is None
    assert explorer.values["tokens_per_second"] == pytest.approx(1_234, rel=0.06)


def test_the_hidden_challenge_has_its_answers() -> None:
    """The page for instructors: the size that fits a night, and that the sliders are factors."""
    page = (ROOT / "lessons" / "instructors" / f"{STEM}.md").read_text(encoding="utf-8")
    assert "a night buys a little over 20,000 weights for each token a second" in " ".join(
        page.split()
    )
    usual = {"tokens": 100_000, "epochs": bill.EPOCHS, "generations": bill.GENERATIONS}
    for speed in (500.0, 2_000.0):
        core = Speed(speed, 0, bill.TIMED_WEIGHTS, "")
        assert bill.hours(tokens_per_second=core.of(20_000 * speed), **usual) < bill.NIGHT
        assert bill.hours(tokens_per_second=core.of(21_000 * speed), **usual) > bill.NIGHT
    whole = bill.hours(tokens_per_second=1.0, **usual)
    fewer = [usual | {"tokens": usual["tokens"] / 10}, usual | {"generations": 0}]
    factors = [whole / bill.hours(tokens_per_second=1.0, **one) for one in fewer]
    assert factors == pytest.approx([10, 10])


# --- the recorded study of a real model --------------------------------------------------------


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The frame of a rehearsal on random weights, in the shape of the record: two seeds."""
    import pandas as pd

    place = tmp_path_factory.mktemp("smol")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studies, "_default_place", lambda: place)
        smol_stories.start.cache_clear()
        trials = [smol_stories.trial(seed, "small").assign(replicate=seed) for seed in (100, 101)]
        smol_stories.start.cache_clear()
    return pd.concat(trials, ignore_index=True)


def test_the_study_s_figures_and_rules_are_read_from_its_table(
    rehearsed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies, "load", lambda name: rehearsed)
    pretrained._recorded.cache_clear()
    try:
        for picture in (pretrained.surprise_picture(), pretrained.loss_picture()):
            assert all(label in picture.alt for label in pretrained.SAMPLERS.values())
        assert pretrained.REAL in pretrained.surprise_picture().alt
        rules, numbers = pretrained.rules(), smol_stories.summary(rehearsed)
        assert list(rules["of"]) == [2] * 4
        assert rules.loc["loss of replace rises at T = 1", "seeds"] == numbers["t1_loss_rise_seeds"]
        assert (
            rules.loc["surprise is lower with top-k 50 than at T = 1", "seeds"]
            == numbers["k50_minus_t1_surprise_seeds"]
        )
        both = min(numbers["t1_surprise_rise_seeds"], numbers["beam5_surprise_rise_seeds"])
        assert rules.loc["surprise rises at T = 1, falls with beam 5", "seeds"] <= both
        assert (rules["holds"] == (rules["seeds"] == 2)).all()
        ends = pretrained.ends()
        assert ends.loc["T = 1, replace", "loss, 1"] == pytest.approx(
            numbers["t1_replace_loss_g1"], abs=0.006
        )
    finally:
        pretrained._recorded.cache_clear()
