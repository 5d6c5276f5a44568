"""The scorecard: what its rules can say, what its rows must have, and that nothing is typed."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import studies
from helpers.studies import scorecard
from helpers.studies.scorecard import CLAIMS, printed, readings
from helpers.studies.scorecard.rules import (
    CONTRADICTED,
    NOT_HERE,
    OPEN,
    PARTLY,
    REPRODUCED,
    REVERSED,
    UNTESTABLE,
    VERDICTS,
    AllOf,
    Bound,
    Claim,
    Found,
    NotTestable,
    Null,
    Rule,
    Sign,
    Value,
)
from helpers.teaching import _lessons, matrix, scorecards

ROOT = Path(__file__).resolve().parent.parent
RULES = tuple(dict.fromkeys(rule for one in CLAIMS for rule in one.parts))
# Far and near: times what is there already, and for what stands alone the same below 0.
TIMES = np.concatenate([np.geomspace(1e-6, 1e6, 241), np.linspace(0.9, 1.1, 81)])
Reference = tuple[str, str, str, str]


# --- made-up frames ----------------------------------------------------------------------------


def claimed(rule: Rule | AllOf | NotTestable, **more: str | bool) -> Claim:
    return Claim("X", "text", "source", "V", (), rule, "caveat", **more)  # type: ignore[arg-type]


def references(rule: Rule) -> list[Reference]:
    """(study, arm, metric, generations) of all that a rule reads, each once."""
    named = readings.references(rule.formula)
    return list(dict.fromkeys((study or rule.study, *rest) for study, *rest in named))


def generations(written: str) -> list[int]:
    """Those that a made-up frame must have for what stands in the brackets."""
    low, colon, high = written.partition(":")
    return list(range(int(low or 0), int(high or 0) + 1)) if colon else [int(low)]


def made_up(values: Mapping[Reference, np.ndarray]) -> readings.Tables:
    """Tables that hold these values, one a seed, and nothing else; without a study, none."""
    rows: dict[str, list[tuple[str, int, str, float, int]]] = {}
    for (study, arm, metric, written), numbers in values.items():
        rows.setdefault(study, []).extend(
            (arm, g, metric, float(number), seed)
            for g in generations(written)
            for seed, number in enumerate(numbers)
        )
    return readings.Tables(
        {study: pd.DataFrame(some, columns=studies.COLUMNS) for study, some in rows.items()}, {}
    )


def searched(rule: Rule) -> dict[str, tuple[Reference, float]]:
    """For each verdict what to set, and to which value, so that a rule returns it."""
    named, found = references(rule), {}
    for turned, times in ((one, sign * TIMES) for sign in (1, -1) for one in named):
        values = plain(named, len(times))
        values[turned] = values[turned] * times
        sample = readings.sample(rule, made_up(values))
        if not isinstance(sample, np.ndarray) or len(sample) < len(times):
            continue  # the root or the logarithm of less than nothing
        for value, number in zip(values[turned], sample, strict=True):
            word = rule.word(Found(number, number, number, 0.0, 6))
            found.setdefault(str(word), (turned, float(value)))
        if set(rule.can) <= set(found):
            break
    return found


def plain(named: list[Reference], seeds: int) -> dict[Reference, np.ndarray]:
    """Something for each, no two alike, so that no difference and no divisor is 0."""
    return {one: np.full(seeds, 1 + 0.011 * i) for i, one in enumerate(named)}


def judged(rule: Rule, values: Mapping[Reference, np.ndarray]) -> str:
    (row,) = scorecard.judge([claimed(rule)], made_up(values))
    return row.verdict


@pytest.mark.parametrize("rule", [rule for rule in RULES if references(rule)], ids=str)
def test_each_rule_can_return_each_of_its_verdicts(rule: Rule) -> None:
    named, found = references(rule), searched(rule)
    assert set(rule.can) <= set(found)
    for word in rule.can:
        turned, value = found[word]
        assert judged(rule, plain(named, 6) | {turned: np.full(6, value)}) == word
    # Seeds that disagree decide nothing, and neither does a study that is not there.
    turned, value = found[REPRODUCED]
    mixed = plain(named, 6) | {turned: np.full(6, value)}
    other, far = found[CONTRADICTED]
    mixed[other] = np.where(np.arange(6) % 2, far, mixed[other])
    assert judged(rule, mixed) == OPEN
    assert judged(rule, {}) == OPEN


@pytest.mark.parametrize("rule", [rule for rule in RULES if not references(rule)], ids=str)
def test_so_can_rules_on_what_is_not_in_a_table(rule: Rule) -> None:
    numbers = np.concatenate([-TIMES, TIMES])
    found = {rule.word(Found(x, x, x, 0.0)) for x in numbers}
    assert set(rule.can) <= found


@pytest.mark.parametrize(
    ("rule", "value", "half", "word"),
    [
        (Sign("", "", 0.1), 0.3, 0.1, REPRODUCED),
        (Sign("", "", 0.1), -0.3, 0.1, CONTRADICTED),
        (Sign("", "", 0.1), 0.02, 0.05, NOT_HERE),
        (Sign("", "", 0.1), 0.02, 0.2, None),
        (Sign("", "", 0.1), 0.05, 0.01, NOT_HERE),  # it differs from 0, and does not count
        (Sign("", "", 0.1), 0.08, 0.06, None),
        (Value("", "", "1", 0.1), 1.05, 0.04, REPRODUCED),
        (Value("", "", "1", 0.1), 1.0, 0.2, None),  # inside, and too wide: not rewarded
        (Value("", "", "1", 0.1), 1.5, 0.2, PARTLY),
        (Value("", "", "1", 0.1), 3.0, 0.2, CONTRADICTED),
        (Value("", "", "1", 0.1), -1.0, 0.2, CONTRADICTED),
        (Value("", "", "1", 0.1), 1.9, 0.2, None),
        (Bound("", "", 1.0), 0.9, 0.05, REPRODUCED),
        (Bound("", "", 1.0), 0.9, 0.2, None),
        (Bound("", "", 1.0), 1.3, 0.2, CONTRADICTED),
        (Bound("", "", 1.0, 2.0), 1.5, 0.2, PARTLY),
        (Bound("", "", 1.0, 2.0), 2.5, 0.2, CONTRADICTED),
        (Bound("", "", 1.0, 2.0), 1.9, 0.2, None),
        (Null("", "", 0.1), 0.03, 0.05, REPRODUCED),
        (Null("", "", 0.1), 0.03, 0.1, None),
        (Null("", "", 0.1), 0.3, 0.1, CONTRADICTED),
        (Null("", "", 0.1), -0.3, 0.1, CONTRADICTED),
    ],
)
def test_the_whole_interval_must_lie_in_one_zone(
    rule: Rule, value: float, half: float, word: str | None
) -> None:
    p = 0.001 if abs(value) > half else 0.5
    found = Found(value, value - half, value + half, p, 10)
    assert rule.word(found) == word
    # An interval that is narrower than `room` decides, a wider one does not.
    room = rule.room(value)
    for times, decides in ((0.99, True), (1.01, False)):
        p = 0.001 if abs(value) > times * room else 0.5
        tried = Found(value, value - times * room, value + times * room, p, 10)
        assert (rule.word(tried) is not None) == decides


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ([REPRODUCED, REPRODUCED], REPRODUCED),
        ([REPRODUCED, NOT_HERE], PARTLY),
        ([REPRODUCED, CONTRADICTED], PARTLY),
        ([PARTLY, PARTLY], PARTLY),
        ([CONTRADICTED, CONTRADICTED], CONTRADICTED),
        ([CONTRADICTED, NOT_HERE], CONTRADICTED),
        ([NOT_HERE, NOT_HERE], NOT_HERE),
        ([REPRODUCED, OPEN], OPEN),
        ([CONTRADICTED, OPEN], OPEN),
        ([REPRODUCED, NOT_HERE, OPEN], PARTLY),  # whatever the third will say
        ([OPEN, OPEN], OPEN),
    ],
)
def test_all_of(words: list[str], verdict: str) -> None:
    rule = AllOf((Sign("", "", 1.0),) * len(words))
    assert claimed(rule).verdict(words) == verdict


def test_contradicted_needs_the_claims_own_conditions() -> None:
    rule = Sign("", "", 1.0)
    assert claimed(rule).verdict([CONTRADICTED]) == CONTRADICTED
    assert claimed(rule, unmet="no such model").verdict([CONTRADICTED]) == REVERSED
    assert claimed(rule, unmet="no such model").verdict([REPRODUCED]) == REPRODUCED
    assert claimed(rule, exists=True).verdict([CONTRADICTED]) == NOT_HERE
    assert claimed(NotTestable("a definition")).verdict([]) == UNTESTABLE


# --- seeds -------------------------------------------------------------------------------------

GAP = Sign("made", "first.score[1] - second.score[1]", 0.01)
FIRST, SECOND = ("made", "first", "score", "1"), ("made", "second", "score", "1")


def gap(differences: list[float] | np.ndarray) -> scorecard.Row:
    numbers = np.asarray(differences, dtype=float)
    (row,) = scorecard.judge(
        [claimed(GAP)], made_up({FIRST: 2 + numbers, SECOND: np.full(len(numbers), 2.0)})
    )
    return row


def test_no_verdict_hangs_on_few_seeds() -> None:
    steady = [0.1, 0.11, 0.09, 0.1, 0.12, 0.1]
    assert gap(steady).verdict == REPRODUCED
    few = gap(steady[:4])
    assert few.verdict == OPEN
    assert few.why == "5 seeds needed"
    # Without the last seed the mean would be too small to count.
    hanging = gap([0.0095, 0.0094, 0.0096, 0.0095, 0.0095, 0.016])
    assert hanging.parts[0].found is not None
    assert hanging.parts[0].found.p < 0.05
    assert hanging.why == "hangs on one seed, 20 seeds needed"


def test_an_undecided_row_says_how_many_seeds_it_needs() -> None:
    rng = np.random.default_rng(5)
    noise = rng.standard_normal(10)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    row = gap(0.02 + 0.06 * noise)
    assert row.verdict == OPEN
    needed = int(row.why.split("about ")[1].split()[0])
    # Twice the seeds that are said to be needed, spread alike, decide; as many as there are do not.
    many = rng.standard_normal(2 * needed)
    many = (many - many.mean()) / many.std(ddof=1)
    assert gap(0.02 + 0.06 * many).verdict == REPRODUCED
    assert 10 < needed < 200


def test_the_quick_interval_without_a_seed_is_the_slow_one() -> None:
    values = np.random.default_rng(3).normal(0.2, 1, 12)
    quick = list(scorecard._without_one(values, median=False))
    slow = [readings.measure(np.delete(values, i)) for i in range(12)]
    for one, other in zip(quick, slow, strict=True):
        assert one.value == pytest.approx(other.value)
        assert (one.low, one.high, one.p) == pytest.approx((other.low, other.high, other.p))
        assert one.seeds == other.seeds


def test_effects_of_one_study_are_corrected_by_holm_once_a_formula() -> None:
    """By hand: .01, .02, .04 become 3 x .01, 2 x .02, and no less than that: .03, .04, .04."""
    seeds = 20
    pattern = np.resize([1.0, -1.0], seeds)
    wanted = {"a": 0.01, "b": 0.02, "c": 0.04}
    values: dict[Reference, np.ndarray] = {}
    for name, p in wanted.items():
        t = stats.t.ppf(1 - p / 2, seeds - 1)
        values["made", name, "m", "0"] = pattern + t * pattern.std(ddof=1) / np.sqrt(seeds)
    rules = [Sign("made", f"{name}.m[0]", 0.01) for name in wanted]
    # The same formula again, in another row and with another smallest effect, is no new test.
    again = [claimed(rules[0]), claimed(Sign("made", "a.m[0]", 0.02))]
    elsewhere = claimed(Sign("other", "a.m[0]", 0.01))
    values["other", "a", "m", "0"] = values["made", "a", "m", "0"]
    rows = scorecard.judge([*map(claimed, rules), *again, elsewhere], made_up(values))
    found = [row.parts[0].found.p for row in rows if row.parts[0].found]
    assert found == pytest.approx([0.03, 0.04, 0.04, 0.03, 0.03, 0.01])


def test_a_median_has_the_interval_of_order_statistics() -> None:
    found = readings.measure(np.arange(1.0, 101), median=True)
    assert (found.value, found.low, found.high, found.seeds) == (50.5, 40, 61, 100)


# --- formulas ----------------------------------------------------------------------------------


def test_formulas_are_read_as_the_module_says() -> None:
    tables = made_up(
        {
            ("made", "arm", "m", "0"): np.array([1.0, 2.0, 3.0]),
            ("made", "arm", "m", "2"): np.array([2.0, 4.0, 8.0]),
            ("made", "arm", "m", "4"): np.array([4.0, 8.0, 16.0]),
            ("other", "arm", "m", "0"): np.array([5.0, 6.0]),
        }
    )

    def read(formula: str) -> list[float]:
        sample = readings.sample(Bound("made", formula, 1.0), tables)
        return [float(x) for x in np.atleast_1d(np.asarray(sample))]

    assert read("arm.m[0]") == [1, 2, 3]
    assert read("other.arm.m[0] - arm.m[0]") == [4, 4]  # paired: the third seed is not in both
    assert read("mean(arm.m[2:4]) / 2") == [1.5, 3, 6]  # both ends; no third generation is there
    assert read("most(arm.m[:]) ** 2") == [16, 64, 256]
    assert read("mean(arm.m[0], arm.m[2])") == [1.5, 3, 5.5]
    assert read("-arm.m[0] < -1.5") == [0, 1, 1]
    assert read("log(sqrt(arm.m[0])) * 2") == pytest.approx(np.log([1, 2, 3]))
    assert read("paper.nature_beams") == [studies.published("nature_beams")]
    assert read("theory.regression_error_replace(d=10, n=100, t=1)") == [10 / 89]
    scaled = Value("made", "arm.m[0]", "2", 0.1)
    assert list(np.asarray(readings.sample(scaled, tables))) == [0.5, 1, 1.5]


@pytest.mark.parametrize("formula", ["arm.m[9]", "arm.x[0]", "none.m[0]", "far.arm.m[0]"])
def test_what_a_table_lacks_leaves_a_row_open(formula: str) -> None:
    tables = made_up({("made", "arm", "m", "0"): np.ones(6)})
    (row,) = scorecard.judge([claimed(Bound("made", formula, 1.0))], tables)
    assert row.verdict == OPEN
    assert row.why


def test_a_formula_that_no_seed_can_fill_leaves_a_row_open() -> None:
    tables = made_up({("made", "arm", "m", "0"): np.ones(6), ("made", "far", "m", "0"): np.ones(6)})
    tables.series("made", "far", "m").index += 10  # other seeds
    (row,) = scorecard.judge([claimed(Bound("made", "arm.m[0] - far.m[0]", 1.0))], tables)
    assert row.why == "no seed of made has all of arm.m[0] - far.m[0]"


@pytest.mark.parametrize("formula", ["open('x')", "arm", "arm.m", "__import__('os')", "[1]"])
def test_a_formula_is_not_run_as_python(formula: str) -> None:
    tables = made_up({("made", "arm", "m", "0"): np.ones(6)})
    with pytest.raises(ValueError, match="formula must be"):
        readings.sample(Bound("made", formula, 1.0), tables)


# --- the rows ----------------------------------------------------------------------------------


def test_no_caveat_says_whether_a_study_is_recorded() -> None:
    """An open row says so itself, and what lacks: a caveat would go stale when the study lands."""
    stale = [row.id for row in CLAIMS if "recorded" in row.caveat.lower()]
    assert stale == []


def test_every_row_has_a_rule_a_statistic_and_a_caveat() -> None:
    assert len(CLAIMS) >= 75
    assert len({one.id for one in CLAIMS}) == len(CLAIMS)
    for one in CLAIMS:
        assert one.text.endswith("."), one.id
        assert one.source, one.id
        assert one.sure in "VCSAD", one.id
        said = ["would change our mind", "would test it"]
        said = [words for words in said if words in " ".join(one.caveat.split()).lower()]
        testable = not isinstance(one.rule, NotTestable)
        assert said == ["would change our mind" if testable else "would test it"], one.id
        assert one.parts or not testable, one.id
        assert str(one.rule), one.id
        assert all(rule.formula in str(one.rule) for rule in one.parts), one.id


def test_the_article_has_a_row_for_each_of_its_29_sentences() -> None:
    sources = [one.source for one in CLAIMS if one.id.startswith("F")]
    assert {int(source.split()[-1]) for source in sources} == set(range(1, 30))


def test_rows_that_rest_on_the_numbers_of_others_say_so() -> None:
    by_id = {one.id: one for one in CLAIMS}
    for one in CLAIMS:
        if one.repeats:
            first = by_id[one.repeats]
            assert not first.repeats, f"{one.id} repeats {first.id}, which repeats another"
            assert set(one.parts) & set(first.parts), f"{one.id} shares nothing with {first.id}"
    own = [one.parts for one in CLAIMS if one.parts and not one.repeats]
    assert len(own) == len(set(own)), "two rows with one rule: mark the later with `repeats`"


def test_the_words_of_a_rule_are_its_numbers() -> None:
    """What is printed is what is executed: another number is another print."""
    for rule in RULES:
        for name in ("least", "most", "width", "share"):
            if hasattr(rule, name):
                changed = replace(rule, **{name: 2 * getattr(rule, name)})
                assert str(changed) != str(rule) or getattr(rule, name) == 0


def test_every_claim_card_points_to_its_rows() -> None:
    assert set(scorecard.CARDS) == set(matrix.CLAIMS)
    ids = {one.id for one in CLAIMS}
    assert all(set(rows) <= ids and rows for rows in scorecard.CARDS.values())


# --- what is recorded --------------------------------------------------------------------------


def test_cards_and_scorecard_have_one_vocabulary() -> None:
    """A reader cannot say of a claim that it is open, or that the conditions are not met."""
    assert set(VERDICTS) - set(matrix.STATUSES) == {REVERSED, OPEN, UNTESTABLE}
    assert set(matrix.STATUSES) <= set(VERDICTS)


def test_the_page_shows_each_card_with_the_verdicts_of_its_rows() -> None:
    said = repr(scorecards.cards()).splitlines()
    assert len(said) == len(matrix.CLAIMS)
    for line, name in zip(said, scorecard.CARDS, strict=True):
        assert line.startswith(matrix.CLAIMS[name])
        told = [f"{row} {rows()[row].verdict}" for row in scorecard.CARDS[name]]
        assert line.endswith("Rows: " + ", ".join(told))
        for judged in _lessons.card(name)["judged"]:
            assert f"{judged['lesson']} {judged['ours']}" in line
            assert all(f"{row}: {why}" in line for row, why in judged["unlike"].items())


@cache
def rows() -> dict[str, scorecard.Row]:
    return {row.claim.id: row for row in scorecard.judge()}


def test_recorded_studies_have_what_their_rows_read() -> None:
    """A study that lands with other names than its rows expect: wire the formulas, not the rules"""
    recorded = {name for name in studies.names() if (studies.RESULTS / f"{name}.csv").exists()}
    lacking = [part.why for row in rows().values() for part in row.parts if part.found is None]
    assert not [why for why in lacking if any(f" {name} has no" in why for name in recorded)]


def test_rows_that_repeat_are_not_counted() -> None:
    found = list(rows().values())
    repeating = [row for row in found if row.claim.repeats]
    assert repeating
    assert sum(scorecard.counts(found).values()) == len(found) - len(repeating)


def test_it_takes_at_most_ten_seconds_of_cpu() -> None:
    """As a program, imports and all; the clock of a busy machine says nothing."""
    timed = "import sys, time; from helpers.studies.scorecard import printed as p; p.main([]); "
    timed += "print(time.process_time(), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", timed], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stderr) < 10
    # The same program prints every row, and says how many there are.
    assert all(f"\n{one.id:<5} " in f"\n{done.stdout}" for one in CLAIMS)
    assert " ".join(printed.counted(list(rows().values())).split()) in " ".join(done.stdout.split())


def test_readme_and_the_page_say_what_the_program_says() -> None:
    found = list(rows().values())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert printed.markdown(found) in readme, "run `course build`"
    notebook = json.loads((ROOT / "notebooks" / "scorecard.ipynb").read_text(encoding="utf-8"))
    outputs = [one for cell in notebook["cells"] for one in cell.get("outputs", [])]
    texts = ["".join(one["data"]["text/plain"]) for one in outputs if "data" in one]
    assert printed.counted(found) in texts, "run `course build scorecard`"
    for row in found:
        assert any("\n".join(printed.short(row)) in text for text in texts), row.claim.id
    assert "\n".join(printed.lines(rows()["F07"])) in texts


def test_what_is_not_borne_out_comes_first() -> None:
    found = list(rows().values())
    words = [row.verdict for row in printed.ordered(found)]
    assert words == sorted(words, key=VERDICTS.index)
    table = printed.markdown(found)
    for row in found:
        shown = row.verdict in printed.FIRST and not row.claim.repeats
        assert (f", {row.claim.id}) |" in table) == shown


def test_settled_rows() -> None:
    """Of studies that will not be recorded again: what they say is pinned, with its reason."""
    pinned = {
        "F05": REPRODUCED,  # every family loses under replace
        "F07": PARTLY,  # adding is better in each family, and not without loss in most
        "F23": PARTLY,  # two numbers lose without learning anything by heart
        "P12": REPRODUCED,
        "P22": REVERSED,  # a kernel density of fixed width goes on growing
        "P34": REPRODUCED,
        "P48": REPRODUCED,
    }
    assert {name: rows()[name].verdict for name in pinned} == pinned


def test_the_command_shows_a_row_with_its_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed.main(["P48"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("P48  reproduced")
    assert said.count("- reproduced: live.overparametrised") == 3
    assert "3 of 3 parts" in said
    assert "(D), lesson 06\n" in said
    assert printed.main(["F05"]) == 0
    assert "(V), lessons 02, 03, 04, 05, 06\n" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        printed.main(["P999"])
    assert "ID must be one of F01 to P80, got 'P999'" in capsys.readouterr().err


def test_a_number_is_printed_in_its_own_unit() -> None:
    """A rule on a law reads a share of it; a reader wants the number."""
    rule = Value("made", "arm.m[0]", "-4", 0.1)
    (row,) = scorecard.judge(
        [claimed(rule)], made_up({("made", "arm", "m", "0"): -4 + 0.1 * np.linspace(-1, 1, 9)})
    )
    assert row.verdict == REPRODUCED
    assert printed.found(row) == "-4 (-4.05 to -3.95), 9 seeds"


def test_a_row_of_several_parts_shows_the_first_that_fails() -> None:
    rule = AllOf((Bound("made", "arm.m[0]", 5.0), Bound("made", "arm.m[0]", 1.0)))
    (row,) = scorecard.judge([claimed(rule)], made_up({("made", "arm", "m", "0"): np.full(6, 2.0)}))
    assert row.verdict == PARTLY
    assert printed.found(row) == ("1 of 2 parts hold; the first that does not: 2 (2 to 2), 6 seeds")


def test_a_table_on_the_page_refuses_a_word_that_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="verdict must be one of 'contradicted'"):
        scorecards.table("false")
    with pytest.raises(ValueError, match="row must be one of 'F01'"):
        scorecards.rule("X1")
