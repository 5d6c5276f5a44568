"""The code task: its language, the writer's prompts, the gates and the exam."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from inspect import signature
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from helpers.coding import gates, grading, language
from helpers.coding.exam import MEASURES, Exam
from helpers.coding.language import (
    Task,
    TaskSets,
    draw_task,
    draw_task_sets,
    source,
    steps,
    underspecified,
    vocabulary,
    write_program,
)
from helpers.coding.writer import (
    CONTEXT,
    LONGEST_PROGRAM,
    CodeWriter,
    Example,
    describe_value,
    token_ids,
    tokens,
)
from helpers.loop import run_loop
from helpers.policies import Mix
from helpers.verification import Case, Sandbox, Verdict


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def sets() -> TaskSets:
    return draw_task_sets(np.random.default_rng(0), n_human=60, n_pool=80, n_test=30)


@pytest.fixture(scope="module")
def writer(sets: TaskSets) -> CodeWriter:
    """Barely trained: it writes programs, some right, most wrong."""
    human = [Example(task, program) for task, program in sets.human]
    model = CodeWriter(prompts=sets.pool, attempts=2, steps=60, learning_rate=6e-3)
    return model.fit(human, np.random.default_rng(0))


def right(task: Task, seed: int = 0) -> Example:
    return Example(task, write_program(task, np.random.default_rng(seed)))


def spoilt(task: Task) -> Example:
    return Example(task, ("    return ", "6", "\n"))


# ---------------------------------------------------------------------- language


def test_every_way_to_write_a_step_means_the_same() -> None:
    rng = np.random.default_rng(0)
    inputs = [rng.integers(-9, 10, size=9).tolist() for _ in range(30)]
    for step in steps():
        outputs = []
        for program in step.programs:
            ending = () if step.reduces else ("    return ", "xs", "\n")
            namespace: dict = {}
            exec(source((*program, *ending)), namespace)
            outputs.append([namespace["f"](list(xs)) for xs in inputs])
        assert all(found == outputs[0] for found in outputs), step.phrases


def test_a_phrase_is_underspecified_when_two_steps_share_it() -> None:
    homes: dict[str, int] = {}
    for step in steps():
        for phrase in set(step.phrases):
            homes[phrase] = homes.get(phrase, 0) + 1
    assert underspecified() == {phrase for phrase, number in homes.items() if number > 1}
    assert "sort them" in underspecified()
    for phrases, either in (
        (("sort ascending",), False), (("sort ascending", "sort them"), True)
    ):  # fmt: skip
        assert Task(phrases, (), (), ()).is_underspecified is either


def test_sets_keep_step_sequences_apart(sets: TaskSets) -> None:
    human = {task.steps for task, _ in sets.human}
    pool = {task.steps for task in sets.pool}
    test = {task.steps for task in sets.test}
    assert test.isdisjoint(human | pool)
    assert not {s for s in human & pool if len(s) > 1}
    assert all(len(s) > 1 for s in test)


def test_reference_programs_are_right_on_all_cases(sets: TaskSets, box: Sandbox) -> None:
    examples = [Example(task, program) for task, program in sets.human]
    assert all(report.passed for report in grading.grade(box, examples))
    assert all(report.passed for report in grading.grade(box, examples, hidden=True))


def test_drawn_tasks_are_of_the_kind_that_the_docstring_promises() -> None:
    rng = np.random.default_rng(5)
    tasks = [draw_task((0, 1), rng) for _ in range(300)]
    reduces = [steps()[task.steps[-1]].reduces for task in tasks]
    # Tasks that tell programs apart badly are drawn again, most of them reductions: .56, not .6.
    assert 0.47 < np.mean(reduces) < 0.65
    assert not any(steps()[index].reduces for task in tasks for index in task.steps[:-1])
    assert {len(task.steps) for task in tasks} == {2}
    rows = [case.args[0] for task in tasks for case in (*task.cases, *task.hidden)]
    assert {len(row) for row in rows} == {6, 7, 8, 9}
    assert {number for row in rows for number in row} == set(range(-9, 10))
    for task in tasks:
        assert (len(task.cases), len(task.hidden)) == (6, 10)
        for cases in (task.cases, task.hidden):
            expected = [case.expected for case in cases]
            assert len({repr(value) for value in expected}) >= 3
            assert expected.count([]) <= 1
    lengths = [len(draw_task((1, 3, 4, 3), rng).steps) for _ in range(300)]
    assert np.bincount(lengths)[1:] / 300 == pytest.approx(np.array([1, 3, 4, 3]) / 11, abs=0.12)
    taken = {task.steps for task in tasks}
    assert not {draw_task((0, 1), rng, taken).steps for _ in range(50)} & taken


def test_same_seed_same_sets() -> None:
    first, second = (
        draw_task_sets(np.random.default_rng(4), n_human=5, n_pool=5, n_test=5) for _ in "ab"
    )
    assert [t.words for t in first.pool] == [t.words for t in second.pool]
    assert [t.cases for t in first.test] == [t.cases for t in second.test]


def test_what_is_kept_out_of_which_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sequences of several steps; a single step may come again in what is trained on."""
    drawn = iter([(1, 2), (3,), (4, 5), (6,), (7, 8)])
    asked: list[tuple[list[float], set[tuple[int, ...]]]] = []

    def fake(weights: Any, rng: object, taken: Any = ()) -> Any:
        asked.append((list(weights), set(taken)))
        return SimpleNamespace(steps=next(drawn))

    monkeypatch.setattr(language, "draw_task", fake)
    monkeypatch.setattr(language, "write_program", lambda task, rng: ("of", *map(str, task.steps)))
    found = draw_task_sets(np.random.default_rng(0), n_human=2, n_pool=2, n_test=1)
    everything, several = [1, 3, 4, 3], [0, 2, 4, 3]
    assert asked == [
        (several, set()),
        *[(everything, {(1, 2)})] * 2,
        *[(everything, {(1, 2), (4, 5)})] * 2,
    ]
    assert [program for _, program in found.human] == [("of", "3"), ("of", "4", "5")]
    assert [task.steps for task in found.pool] == [(6,), (7, 8)]
    assert [task.steps for task in found.test] == [(1, 2)]


@pytest.mark.parametrize(
    ("called", "defaults"),
    [
        (draw_task_sets, {"n_human": 200, "n_pool": 4000, "n_test": 200}),
        (
            CodeWriter,
            {
                "prompts": (), "attempts": 1, "temperature": 1.0, "width": 64, "layers": 2,
                "heads": 4, "steps": 120, "batch_size": 32, "learning_rate": 1e-3,
            },
        ),
        (Exam, {"attempts": 10, "at": None, "temperature": 0.8}),
        (grading.grade, {"hidden": False}),
        (grading.feedback, {"detail": "repair"}),
        (grading.Remembering, {"limits": None, "workers": 1}),
        (Example, {"wrong": (), "feedback": ()}),
        (gates.UnitTests, {"per_task": 2, "second_try": "none", "turns": 1, "corruptions": 2}),
        (gates.StaticChecks, {"per_task": 2}),
        (gates.OwnTests, {"per_task": 2}),
    ],
)  # fmt: skip
def test_what_is_not_given_is_as_recorded_runs_had_it(called: Any, defaults: dict) -> None:
    parameters = signature(called).parameters.values()
    assert {p.name: p.default for p in parameters if p.default is not p.empty} == defaults


@pytest.mark.parametrize("weights", [[], [0, 0], [-1, 2], [[1, 2]]])
def test_bad_length_weights(weights: list) -> None:
    with pytest.raises(ValueError, match="length_weights"):
        draw_task(weights, np.random.default_rng(0))


def test_bad_set_sizes() -> None:
    with pytest.raises(ValueError, match="n_pool"):
        draw_task_sets(np.random.default_rng(0), n_pool=0)


# ---------------------------------------------------------------------- writer


def test_tokens_are_distinct_and_cover_the_language() -> None:
    assert len(set(tokens())) == len(tokens())
    assert {"<-99>", "<99>"} <= set(tokens())
    assert not {"<-100>", "<100>"} & set(tokens())
    assert set(vocabulary()) <= set(token_ids())


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (3, ("<3>",)),
        ([1, -2], ("<[list>", "<1>", "<-2>", "<list]>")),
        (1000, ("<very large>",)),
        (-1000, ("<very negative>",)),
        (None, ("<unknown>",)),
        (True, ("<unknown>",)),
        ([[1]], ("<[list>", "<[list>", "<1>", "<list]>", "<list]>")),
        (99, ("<99>",)),
        (100, ("<very large>",)),
        (-99, ("<-99>",)),
        (-100, ("<very negative>",)),
        (list(range(10)), ("<[list>", *(f"<{n}>" for n in range(9)), "<list]>")),
    ],
)
def test_values_as_feedback(value: object, told: tuple) -> None:
    assert describe_value(value) == told
    assert set(told) <= set(token_ids())


def test_a_repair_prompt_ends_like_a_first_try(sets: TaskSets, writer: CodeWriter) -> None:
    task = sets.pool[0]
    plain = writer._prompt(Example(task, ()))
    repair = writer._prompt(Example(task, (), wrong=("6",), feedback=("<wrong>",)))
    assert repair[-len(plain) :] == plain
    assert len(repair) > len(plain)


def test_a_writer_learns_the_program_and_is_asked_the_question(sets: TaskSets) -> None:
    ids, task = token_ids(), sets.pool[0]
    words = [ids[word] for word in task.words]
    first = Example(task, ("    return ", "6", "\n"))
    second = replace(first, wrong=("5", "\n"), feedback=("<wrong>",))
    room = CONTEXT + 1 - len(words) - 1 - 1  # for a program, beside <sep> and <end>
    fits, too_long = (replace(first, program=("6",) * n) for n in (room, room + 1))
    plain, repair, filled = CodeWriter()._records([first, second, too_long, fits])
    program = [ids[piece] for piece in (*first.program, "<end>")]
    assert plain.prompt == (*words, ids["<sep>"])
    before = [ids[piece] for piece in ("5", "\n", "<err>", "<wrong>", "<fix>")]
    assert repair.prompt == (*before, *words, ids["<sep>"])
    assert list(plain.completion) == list(repair.completion) == program
    assert len(filled.prompt) + len(filled.completion) == CONTEXT + 1
    asking = second.asking()
    assert (asking.program, asking.wrong, asking.feedback) == ((), second.wrong, second.feedback)


def test_a_writer_trains_the_gpt_that_it_describes(sets: TaskSets) -> None:
    said = {
        "width": 16,
        "layers": 1,
        "heads": 2,
        "steps": 3,
        "batch_size": 5,
        "learning_rate": 2e-3,
    }
    fitted = CodeWriter(**said).fit([right(task) for task in sets.pool[:8]])
    assert said.items() <= fitted.gpt_.get_params().items()
    assert len(fitted.gpt_.losses_) == 3
    # It has not learnt to end: its programs are as long as a program may be.
    asked = [Example(task, ()) for task in sets.pool[:8]]
    written = fitted.answer(asked, np.random.default_rng(0), temperature=1.0)
    assert max(len(one.program) for one in written) == 40


def test_sample_gives_attempts_for_different_tasks(writer: CodeWriter) -> None:
    samples = writer.sample(20, np.random.default_rng(1))
    assert len(samples) == 20
    assert len({id(example.task) for example in samples}) == 10
    assert all(a.task is b.task for a, b in zip(samples[::2], samples[1::2], strict=True))
    again = writer.sample(20, np.random.default_rng(1))
    assert [e.program for e in samples] == [e.program for e in again]
    few = clone(writer).set_params(prompts=writer.prompts[:3])
    few.gpt_ = writer.gpt_
    assert len({id(example.task) for example in few.sample(6, np.random.default_rng(1))}) == 3
    with pytest.raises(ValueError, match="ask for at most 3 tasks, got 8"):
        few.sample(8, np.random.default_rng(1))


def test_a_question_that_is_too_long_gets_an_empty_program(
    sets: TaskSets, writer: CodeWriter
) -> None:
    long = Example(sets.pool[0], (), wrong=("6",) * CONTEXT, feedback=("<wrong>",))
    answers = writer.answer([long], np.random.default_rng(0), temperature=1.0)
    assert answers[0].program == ()
    assert answers[0].wrong == long.wrong


def test_right_programs_fit_and_are_likelier_after_training(
    sets: TaskSets, writer: CodeWriter
) -> None:
    human = [Example(task, program) for task, program in sets.human]
    assert max(len(example.program) for example in human) < LONGEST_PROGRAM
    untrained = CodeWriter(steps=1).fit(human[:4], np.random.default_rng(0))
    assert writer.score(human) > untrained.score(human) + 1


def test_a_writer_that_was_never_fitted_says_so(sets: TaskSets) -> None:
    writer, rng = CodeWriter(prompts=sets.pool), np.random.default_rng(0)
    for use in (
        lambda: writer.score([right(sets.pool[0])]),
        lambda: writer.sample(2, rng),
        lambda: writer.answer([Example(sets.pool[0], ())], rng, temperature=1.0),
    ):
        with pytest.raises(NotFittedError):
            use()


@pytest.mark.parametrize("n_samples", [3, 1000])
def test_bad_number_of_samples(writer: CodeWriter, n_samples: int) -> None:
    with pytest.raises(ValueError, match="n_samples"):
        writer.sample(n_samples, np.random.default_rng(0))


def test_bad_data_and_init(sets: TaskSets) -> None:
    with pytest.raises(TypeError, match="data"):
        CodeWriter().fit(["def f(xs): return xs"], np.random.default_rng(0))
    with pytest.raises(TypeError, match="init"):
        CodeWriter().fit([right(sets.pool[0])], np.random.default_rng(0), init=CodeWriter())


# ---------------------------------------------------------------------- gates


def test_choose_keeps_different_passing_programs(sets: TaskSets) -> None:
    one, two = sets.pool[0], sets.pool[1]
    a, b, c = (Example(one, (name,)) for name in "abc")
    d = Example(two, ("d",))
    kept = gates.choose([a, a, b, c, d], [True, True, False, True, False], per_task=2)
    assert [example.program for example in kept] == [("a",), ("c",)]
    assert gates.choose([a, b, c], [True] * 3, per_task=1) == [a]
    assert len(gates.choose([a, a, b], [True] * 3, per_task=None)) == 2
    with pytest.raises(ValueError, match="zip"):
        gates.choose([right(sets.pool[0]), right(sets.pool[1])], [True], None)


def test_unit_tests_keep_what_is_right(sets: TaskSets, box: Sandbox, writer: CodeWriter) -> None:
    tasks = [task for task in sets.pool if not task.is_underspecified][:6]
    samples = [make(task) for task in tasks for make in (right, spoilt)]
    verified = gates.UnitTests(box)(writer, samples, np.random.default_rng(0))
    assert [e.task for e in verified.kept] == tasks
    assert verified.report["accepted"] == 0.5
    assert verified.report["solved"] == verified.report["solved_first"] == 1.0
    assert verified.report["false_pass"] == 0.0


def test_unchecked_keeps_everything_and_says_what_it_is(
    sets: TaskSets, box: Sandbox, writer: CodeWriter
) -> None:
    samples = [right(sets.pool[0]), spoilt(sets.pool[1])]
    verified = gates.Unchecked(box)(writer, samples, np.random.default_rng(0))
    assert verified.kept == samples
    assert verified.report == {"accepted": 1.0, "solved": 1.0, "false_pass": 0.5}


@pytest.mark.parametrize(
    ("program", "fine"),
    [
        ("def f(xs):\n    return sum(xs)\n", True),
        ("def f(xs):\n    return 7\n", True),  # wrong, and no linter can know
        ("def f(xs):\n    return ys\n", False),  # undefined
        ("def f(xs):\n    xs = [x for x in\n    return xs\n", False),
        ("def f(xs):\n    xs = sorted(xs)\n", False),  # returns nothing
        ("", False),
    ],
)
def test_static_checks_read_and_do_not_run(program: str, fine: bool) -> None:
    assert gates.reads_well(program) is fine


def test_own_tests_pass_what_agrees_with_another_program(sets: TaskSets, box: Sandbox) -> None:
    """A model that always writes the same wrong program passes its own tests."""
    tasks = sets.pool[:4]

    class Parrot:
        temperature = 1.0

        def answer(self, asked: list[Example], rng: object, *, temperature: float) -> list[Example]:
            return [replace(example, program=spoilt(example.task).program) for example in asked]

    rng = np.random.default_rng(0)
    samples = [spoilt(task) for task in tasks] + [right(task) for task in tasks]
    verified = gates.OwnTests(box)(Parrot(), samples, rng)
    assert [e.program for e in verified.kept] == [spoilt(task).program for task in tasks]
    assert verified.report["false_pass"] == 1.0


def test_feedback_tells_kind_and_first_failing_case(sets: TaskSets, box: Sandbox) -> None:
    task = next(t for t in sets.pool if isinstance(t.cases[0].expected, list))
    wrong = spoilt(task)
    raising = Example(task, ("    return ", "xs", "[", "0", "]", "[", "0", "]", "\n"))
    broken = Example(task, ("    return ", "[", "\n"))
    said = [grading.feedback(r, task) for r in grading.grade(box, [wrong, raising, broken])]
    assert said[0][:2] == ("<wrong>", "<in>")
    assert said[0][-2:] == ("<got>", "<6>")
    assert said[1][0] == "<exception>"
    assert said[1][-1] == "<TypeError>"
    assert said[2] == ("<syntax_error>",)
    report = grading.grade(box, [wrong])[0]
    assert grading.feedback(report, task, "kind") == ("<wrong>",)
    assert grading.feedback(report, task, "blank") == ()
    assert all(set(tokens_said) <= set(token_ids()) for tokens_said in said)


def test_a_trace_shows_what_xs_was(sets: TaskSets, box: Sandbox) -> None:
    task = sets.pool[0]
    program = ("    xs = ", "xs", "[", "2", ":]", "\n", "    return ", "6", "\n")
    broken = Example(
        task, ("    xs = ", "xs", "[", "2", ":]", "\n", "    return ", "max(", "6", ")", "\n")
    )
    unreadable = Example(task, ("    return ", "[", "\n"))
    examples = [Example(task, program), broken, unreadable]
    reports = grading.grade(box, examples)
    shown = grading.traces(box, examples, reports)
    xs = task.cases[reports[0].failed_case].args[0]
    assert shown == [[xs[2:], 6], [xs[2:]], []]
    assert grading.statements(program) == [program[:6], program[6:]]


@pytest.mark.parametrize("second_try", ["repair", "trace", "blank", "kind"])
def test_second_tries_make_repair_examples(
    sets: TaskSets, box: Sandbox, writer: CodeWriter, second_try: str
) -> None:
    samples = [right(task) for task in sets.pool[:5]] + [spoilt(task) for task in sets.pool[5:9]]
    gate = gates.UnitTests(box, second_try=second_try)
    verified = gate(writer, samples, np.random.default_rng(0))
    repairs = [example for example in verified.kept if example.is_repair]
    assert repairs
    assert all(report.passed for report in grading.grade(box, verified.kept))
    wrong = [Example(example.task, example.wrong) for example in repairs]
    assert not any(report.passed for report in grading.grade(box, wrong))
    assert any(example.feedback for example in repairs) is (second_try != "blank")
    assert 0 <= verified.report["mended"] <= 1


def test_resampling_is_a_plain_second_try(sets: TaskSets, box: Sandbox, writer: CodeWriter) -> None:
    samples = [spoilt(task) for task in sets.pool[:5]]
    gate = gates.UnitTests(box, second_try="resample")
    verified = gate(writer, samples, np.random.default_rng(0))
    assert not any(example.is_repair for example in verified.kept)
    assert verified.report["solved_first"] == 0.0


@pytest.mark.parametrize("second_try", ["repair", "kind", "trace", "blank", "resample"])
def test_a_second_try_is_shown_what_its_name_says(
    sets: TaskSets, box: Sandbox, second_try: str
) -> None:
    wrong = [spoilt(task) for task in sets.pool[:4]]
    reports = grading.grade(box, wrong)
    gate = gates.UnitTests(box, second_try=second_try)
    asked = gate._questions(list(zip(wrong, reports, strict=True)))
    assert [one.task for one in asked] == [one.task for one in wrong]
    if second_try == "resample":
        assert not any(one.is_repair for one in asked)
        return
    assert [one.wrong for one in asked] == [one.program for one in wrong]
    detail = "repair" if second_try == "trace" else second_try
    for one, report in zip(asked, reports, strict=True):
        told = grading.feedback(report, one.task, detail)
        assert one.feedback[: len(told)] == told
        assert (len(one.feedback) > len(told)) is (second_try == "trace")


class Mender:
    """Right, in each turn, on the questions of these numbers; notes how it was asked."""

    temperature = 0.7

    def __init__(self, *turns: set[int]) -> None:
        self.turns = list(turns)
        self.asked: list[tuple[int, float]] = []

    def answer(self, asked: list[Example], rng: object, *, temperature: float) -> list[Example]:
        self.asked.append((len(asked), temperature))
        good = self.turns.pop(0)
        return [
            replace(e, program=(right(e.task) if i in good else spoilt(e.task)).program)
            for i, e in enumerate(asked)
        ]


@pytest.mark.parametrize(
    ("turns", "second_try", "mended", "asked"),
    [
        ([{1}], "blank", 0.25, [4]),
        ([{1}, {0}], "kind", 0.5, [4, 3]),
        ([set(), {0, 1}], "resample", 0.5, [4, 4]),
        ([{0, 1, 2, 3}, set()], "blank", 1.0, [4]),
    ],
)
def test_mended_is_the_share_of_the_failing_programs_in_all_turns(
    sets: TaskSets, box: Sandbox, turns: list[set[int]], second_try: str, mended: float,
    asked: list[int],
) -> None:  # fmt: skip
    tasks = sets.pool[:6]
    samples = [right(tasks[0]), spoilt(tasks[0]), right(tasks[1]), *map(spoilt, tasks[2:])]
    model = Mender(*turns)
    gate = gates.UnitTests(box, second_try=second_try, turns=len(turns), corruptions=0)
    verified = gate(model, samples, np.random.default_rng(0))  # type: ignore[arg-type]
    assert model.asked == [(number, 0.7) for number in asked]
    report = verified.report
    assert report["mended"] == mended
    assert report["solved_first"] == pytest.approx(2 / 6)
    assert report["solved"] == pytest.approx((2 + 4 * mended) / 6)
    assert report["accepted"] == pytest.approx((2 + 4 * mended) / 7)
    assert report["false_pass"] == 0.0
    repairs = [example for example in verified.kept if example.is_repair]
    assert len(repairs) == (0 if second_try == "resample" else 4 * mended)
    assert len(verified.kept) - len(repairs) == 2 + 4 * mended


def test_nothing_failed_and_nothing_is_mended(sets: TaskSets, box: Sandbox) -> None:
    model = Mender()
    gate = gates.UnitTests(box, second_try="repair", corruptions=0)
    samples = [right(task) for task in sets.pool[:3]]
    verified = gate(model, samples, np.random.default_rng(0))  # type: ignore[arg-type]
    assert model.asked == []
    assert verified.report == {
        "solved_first": 1.0, "mended": 0.0, "accepted": 1.0, "solved": 1.0, "false_pass": 0.0,
    }  # fmt: skip
    assert verified.kept == samples


def test_what_a_gate_reports_and_keeps_by_default(sets: TaskSets, box: Sandbox) -> None:
    task, fooled = next(
        (task, replace(task, hidden=tuple(Case(case.args, "other") for case in task.hidden)))
        for task in sets.pool
        if len({right(task, seed).program for seed in range(40)}) >= 3
    )
    different = list({right(task, seed).program for seed in range(40)})[:3]
    samples = [Example(task, program) for program in different]
    samples += [Example(fooled, different[0]), spoilt(sets.test[0])]
    rng = np.random.default_rng(0)
    for gate, kept, wrong in (
        (gates.UnitTests(box), 3, 1),  # two a task
        (gates.UnitTests(box, per_task=None), 4, 1),
        (gates.UnitTests(box, per_task=1), 2, 1),
        (gates.StaticChecks(box), 4, 2),  # the spoilt one reads well, too
        (gates.Unchecked(box), 5, 2),
    ):
        verified = gate(None, samples, rng)  # type: ignore[arg-type]
        report = verified.report
        assert len(verified.kept) == kept
        assert report["accepted"] == kept / 5
        assert report["false_pass"] == wrong / kept
        assert report["solved"] == (2 if isinstance(gate, gates.UnitTests) else 3) / 3
    assert (gates.UnitTests(box).turns, gates.UnitTests(box).corruptions) == (1, 2)
    spoilt_copies = gates.UnitTests(box, second_try="blank", corruptions=30)
    verified = spoilt_copies(Mender(set()), samples, rng)  # type: ignore[arg-type]
    repairs = [example for example in verified.kept if example.is_repair]
    assert 60 < len(repairs) <= 90  # of three kept programs; a few spoilt copies still pass


def test_a_spoilt_copy_has_the_statement_of_another_step(sets: TaskSets) -> None:
    task = next(task for task in sets.pool if len(task.steps) == 3)
    example, rng = right(task), np.random.default_rng(0)
    body = grading.statements(example.program)
    places, others = set(), set()
    for _ in range(400):
        same, program = gates.spoil(example, rng)
        assert same is example
        copied = grading.statements(program)
        changed = [i for i, pair in enumerate(zip(body, copied, strict=True)) if len(set(pair)) > 1]
        assert len(changed) <= 1  # a statement may be its own other
        places |= set(changed)
        others |= {copied[i] for i in changed}
    assert places == set(range(len(body)))
    usual = {step.programs[0] for step in steps()}
    assert others <= usual
    assert len(others) > 0.9 * len(usual)


def test_only_tasks_that_nothing_solved_are_asked_again(sets: TaskSets, box: Sandbox) -> None:
    solved, open_task = sets.pool[0], sets.pool[1]
    examples = [spoilt(solved), right(solved), spoilt(open_task)]
    left = gates.unsolved(examples, grading.grade(box, examples))
    assert [example.task for example, _ in left] == [open_task]


def test_a_grader_that_fails_is_no_wrong_program(
    sets: TaskSets, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = grading.Report(Verdict.HARNESS_ERROR, "no worker")
    monkeypatch.setattr(Sandbox, "grade_many", lambda self, jobs: [broken] * len(jobs))
    with pytest.raises(RuntimeError, match="no score"):
        grading.grade(box, [right(sets.pool[0])])


def test_what_was_run_is_remembered_and_other_cases_are_not_taken_for_it(
    sets: TaskSets, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    whole = Sandbox.grade_many

    def counted(self: Sandbox, jobs: Sequence[Any]) -> Any:
        ran.append(len(jobs))
        return whole(self, jobs)

    monkeypatch.setattr(grading.Sandbox, "grade_many", counted)
    (task, program), (other, _) = sets.human[:2]
    good, bad = Example(task, program), spoilt(task)
    with grading.Remembering() as box:
        assert [r.passed for r in grading.grade(box, [good, bad])] == [True, False]
        assert [r.passed for r in grading.grade(box, [bad, good])] == [False, True]
        assert ran == [2]
        assert grading.grade(box, [good], hidden=True)[0].passed
        assert not grading.grade(box, [Example(other, program)])[0].passed
        assert ran == [2, 1, 1]
        # Cases that are thrown away at once leave their place in memory to the next ones.
        found = [
            box.grade_many([("def f(xs):\n    return 7\n", [Case(([1],), answer)], "f")])[0].passed
            for answer in range(20)
        ]
        assert found == [answer == 7 for answer in range(20)]


def test_bad_gate_settings(box: Sandbox) -> None:
    with pytest.raises(ValueError, match="second_try"):
        gates.UnitTests(box, second_try="ask nicely")
    with pytest.raises(ValueError, match="turns"):
        gates.UnitTests(box, turns=0)
    with pytest.raises(ValueError, match="corruptions"):
        gates.UnitTests(box, corruptions=-1)


# ---------------------------------------------------------------------- exam and loop


def test_an_exam_counts_right_programs(sets: TaskSets, box: Sandbox) -> None:
    class Half:
        """Right on the first half of the tasks, always; wrong on the rest."""

        def answer(self, asked: list[Example], rng: object, *, temperature: float) -> list[Example]:
            good = {id(task) for task in sets.test[:15]}
            return [right(e.task) if id(e.task) in good else spoilt(e.task) for e in asked]

    found = Exam(box, sets.test, seed=0, attempts=4).sit(Half())
    assert found["pass_1"] == found["pass_4"] == found["greedy"] == 0.5
    assert found["distinct"] == 1.0
    assert found["distinct_right"] == 0.5
    assert found["passes_visible_only"] == 0.0


def test_an_exam_names_its_pass_by_the_tries_that_it_counts(sets: TaskSets, box: Sandbox) -> None:
    class Partly:
        """Of the twenty programs for each task the first two are right."""

        def answer(self, asked: list[Example], rng: object, *, temperature: float) -> list[Example]:
            return [
                right(e.task) if i % 20 < 2 and temperature else spoilt(e.task)
                for i, e in enumerate(asked)
            ]

    tasks = sets.test[:3]
    found = Exam(box, tasks, seed=0, attempts=20).sit(Partly())
    assert "pass_10" not in found
    assert found["pass_20"] == 1.0
    found = Exam(box, tasks, seed=0, attempts=20, at=(1, 10)).sit(Partly())
    assert set(found) == set(MEASURES)
    assert found["pass_1"] == pytest.approx(0.1)
    assert found["pass_10"] == pytest.approx(1 - (10 * 9) / (20 * 19))  # C(18, 10) / C(20, 10)
    assert Exam(box, tasks, seed=0).measures == MEASURES
    with pytest.raises(ValueError, match="at must be at most attempts = 4, got 10"):
        Exam(box, tasks, seed=0, attempts=4, at=(1, 10))
    for name, value in (("temperature", -0.1), ("seed", -1), ("attempts", 0), ("at", (0,))):
        with pytest.raises(ValueError, match=f"{name} must be"):
            Exam(box, tasks, **{"seed": 0, name: value})


class Noted:
    """Right in its first `n_right` of four programs a task; notes how it was asked."""

    def __init__(self, n_right: int) -> None:
        self.n_right = n_right
        self.asked: list[tuple[int, float]] = []
        self.draws: list[float] = []

    def answer(
        self, asked: list[Example], rng: np.random.Generator, *, temperature: float
    ) -> list[Example]:
        self.asked.append((len(asked), temperature))
        self.draws.append(rng.random())
        right_ones = self.n_right if temperature else 1
        return [
            right(e.task) if i % 4 < right_ones else spoilt(e.task) for i, e in enumerate(asked)
        ]


def test_each_model_sits_its_own_exam_and_only_once(sets: TaskSets, box: Sandbox) -> None:
    exam = Exam(box, sets.test[:4], seed=3, attempts=4)
    found = {}
    good, bad = Noted(3), Noted(1)
    for model in (good, bad):
        found[model] = {name: metric(model, None) for name, metric in exam.metrics.items()}
    assert found[good] == {
        "pass_1": 0.75, "pass_4": 1.0, "greedy": 0.25, "distinct": 2.0, "distinct_right": 1.0,
        "passes_visible_only": 0.0,
    }  # fmt: skip
    assert found[bad]["pass_1"] == 0.25
    for model in (good, bad):
        assert model.asked == [(16, 0.8), (4, 0.0)]
        assert model.draws == good.draws  # asked in the same way
    exam.metrics["pass_1"](good, None)
    assert len(good.asked) == 4  # another model sat it in between


def test_what_fools_the_visible_cases_is_a_share_of_what_passes_them(
    sets: TaskSets, box: Sandbox
) -> None:
    tasks = [
        replace(task, hidden=tuple(Case(case.args, "other") for case in task.hidden)) if i else task
        for i, task in enumerate(sets.test[:4])
    ]
    found = Exam(box, tasks, seed=0, attempts=4).sit(Noted(2))  # type: ignore[arg-type]
    assert found["passes_visible_only"] == 0.75
    assert found["pass_1"] == 0.125
    none = Exam(box, tasks, seed=0, attempts=4).sit(Noted(0))  # type: ignore[arg-type]
    assert none["passes_visible_only"] == 0.0


def test_an_exam_sees_programs_that_fool_the_visible_cases(sets: TaskSets, box: Sandbox) -> None:
    task = sets.test[0]
    fooled = replace(task, hidden=tuple(Case(case.args, "other") for case in task.hidden))

    class Right:
        def answer(self, asked: list[Example], rng: object, *, temperature: float) -> list[Example]:
            return [replace(right(task), task=e.task) for e in asked]

    for attempts in (1, 2):
        found = Exam(box, [fooled], seed=0, attempts=attempts).sit(Right())
        assert found["passes_visible_only"] == 1.0
        assert found["pass_1"] == 0.0


def test_the_arms_are_arguments_of_the_loop(
    sets: TaskSets, box: Sandbox, writer: CodeWriter
) -> None:
    human = [Example(task, program) for task, program in sets.human]
    exam = Exam(box, sets.test[:5], seed=0, attempts=2)
    history = run_loop(
        CodeWriter(prompts=sets.pool, attempts=2, steps=4),
        human,
        policy=Mix(0.25, size=128, pool="all", with_replacement=True),
        generations=1,
        n_samples=20,
        verifier=gates.Unchecked(box),
        metrics=exam.metrics,
        seed=0,
        init="previous",
        first=writer,
    )
    assert [generation.index for generation in history.generations] == [0, 1]
    assert set(exam.measures) <= set(history.frame["metric"])
    assert history.models[0] is writer
