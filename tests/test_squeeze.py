"""The study of a closed door: its split, its arms and its rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.data import corpora
from helpers.studies import squeeze


def test_topics_that_repeat_others_are_left_out() -> None:
    topics = corpora.documentation_topics()
    assert {"debugger", "formatstrings", "string-methods", "import"} <= set(topics)
    lengths = [len(words) for words in topics.values()]
    assert lengths == sorted(lengths, reverse=True)
    assert min(lengths) >= 50
    # "specialnames" holds the whole of "customization".
    assert "specialnames" in topics
    assert "customization" not in topics


def test_no_row_of_the_test_is_learnt_from_and_every_topic_gives_its_share() -> None:
    train, test = squeeze.split(100)
    _, homes, _ = squeeze.sites()
    assert not set(train) & set(test)
    assert len(train) + len(test) == len(homes)
    for theme, topics in squeeze.THEMES.items():
        inside = np.isin(homes, topics)
        assert inside[test].sum() == pytest.approx(0.25 * inside.sum(), abs=1.1), theme
    assert (squeeze.split(101)[1] != test).any()


def test_few_rows_of_the_test_stand_in_the_training_text() -> None:
    # 27 % of rows did while topics that repeat others were in.
    rows, _, _ = squeeze.sites()
    train, test = squeeze.split(100)
    text = " ".join(map(str, rows[train].ravel()))
    repeated = [" ".join(map(str, rows[i][:12])) in text for i in test]
    assert np.mean(repeated) < 0.05


def test_both_arms_of_a_theme_lose_as_many_rows() -> None:
    train, _ = squeeze.split(100)
    _, homes, _ = squeeze.sites()
    for theme, topics in squeeze.THEMES.items():
        left = squeeze.without(theme, train, 100)
        assert len(left["closed"]) == len(left["random"]) < len(train)
        assert not np.isin(homes[left["closed"]], topics).any()
        assert np.isin(homes[left["random"]], topics).any()


def test_words_that_are_gone_were_there() -> None:
    train, _ = squeeze.split(100)
    rows, _, tokenizer = squeeze.sites()
    closed = squeeze.without("debugger", train, 100)["closed"]
    gone = squeeze.words_gone(closed, train)
    word = gone.index[0]
    assert (rows[train] == tokenizer.ids[word]).sum() == gone.iloc[0] > 5
    assert not (rows[closed] == tokenizer.ids[word]).any()
    assert squeeze.words_gone(train, train).empty


def test_a_small_trial_is_tidy() -> None:
    frame = squeeze.trial(100, "small")
    assert list(frame.columns) == ["arm", "generation", "metric", "value"]
    assert not frame.duplicated(["arm", "generation", "metric"]).any()
    assert np.isfinite(frame["value"]).all()


def numbers(**changed: float) -> dict[str, float]:
    """Differences of which each rule holds, some changed."""
    found = {}
    for theme in squeeze.THEMES:
        for key, (low, middle, high) in {
            f"{theme}_closed_minus_{theme}_random_part_{theme}": (0.4, 0.5, 0.6),
            f"{theme}_closed_minus_all_part_{theme}": (0.4, 0.5, 0.6),
            f"{theme}_closed_minus_all_others_{theme}": (-0.01, 0.0, 0.01),
            f"{theme}_closed_minus_all_everything": (0.02, 0.03, 0.04),
        }.items():
            found |= {f"{key}_g0_low": low, f"{key}_g0": middle, f"{key}_g0_high": high}
    return found | changed


@pytest.mark.parametrize(
    ("rule", "key", "value", "verdict"),
    [
        ("part", "debugger_closed_minus_debugger_random_part_debugger_g0_low", 0.29, "open"),
        ("part", "debugger_closed_minus_debugger_random_part_debugger_g0_high", 0.29, "fails"),
        ("others", "importing_closed_minus_all_others_importing_g0_high", 0.03, "open"),
        ("others", "importing_closed_minus_all_others_importing_g0_low", 0.03, "fails"),
        ("others", "importing_closed_minus_all_others_importing_g0_high", -0.03, "fails"),
        ("average", "formatting_closed_minus_all_everything_g0_high", 0.16, "open"),
        ("average", "formatting_closed_minus_all_everything_g0_low", 0.16, "fails"),
        ("average", "formatting_closed_minus_all_part_formatting_g0", 0.1, "open"),
    ],
)
def test_the_rules_can_fail(rule: str, key: str, value: float, verdict: str) -> None:
    assert set(squeeze.verdicts(numbers()).values()) == {"holds"}
    others = dict.fromkeys(("part", "others", "average"), "holds")
    changed = numbers(**{key: value})
    if verdict == "fails":  # both ends beyond
        for end in ("_low", "_high"):
            changed[key.removesuffix("_low").removesuffix("_high") + end] = value
    assert squeeze.verdicts(changed) == others | {rule: verdict}


def test_the_summary_says_the_rules_in_numbers() -> None:
    frame = pd.concat(squeeze.trial(seed, "small").assign(replicate=seed) for seed in (100, 101))
    found = squeeze.summary(frame)
    assert {found[f"rule_{rule}"] for rule in ("part", "others", "average")} <= {0.0, 1.0}
    assert all(key.isidentifier() and "_g0" not in key for key in found)
