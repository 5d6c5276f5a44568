"""Explorers and Run buttons: newest wins, errors are shown, Stop keeps what is done."""

import ast
import importlib
import inspect
import itertools
import re
import threading
import time
from itertools import pairwise
from typing import Any

import ipywidgets as widgets
import numpy as np
import pytest

from helpers import _progress, plots, studies, theory
from helpers._ground import ROOT
from helpers.authoring.lesson import parse
from helpers.explorers import (
    lesson_00,
    lesson_02,
    lesson_04,
    lesson_06,
    lesson_07,
)
from helpers.explorers.controls import (
    Explorer,
    RunButton,
    choice,
    explore,
    live_run,
    logarithmic,
    switch,
    whole,
)
from helpers.explorers.quick_runs import (
    POLICIES,
    gaussian_runs,
    kde_runs,
    known,
    regression_runs,
)
from helpers.loop import Generation, iterate, run_batched
from helpers.models import Gaussian, LinearRegression
from helpers.policies import Replace

# ---------------------------------------------------------------------- controls


def inputs(explorer):
    """Every widget of an explorer that a reader can move."""
    return [
        part for child in explorer.children for part in getattr(child, "children", [child])
        if not isinstance(part, widgets.HTML)
    ]  # fmt: skip


EXPLORERS = {
    name.removesuffix("_explorer"): made
    for path in sorted((ROOT / "helpers" / "explorers").glob("lesson_*.py"))
    for name, made in vars(importlib.import_module(f"helpers.explorers.{path.stem}")).items()
    if name.endswith("_explorer") and callable(made)
}


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_control_is_labelled_and_waits_for_the_hand(name):
    explorer = EXPLORERS[name]()
    assert '<img alt="' in explorer.html
    for widget in inputs(explorer):
        assert widget.description.strip()
        if isinstance(widget, (widgets.IntSlider, widgets.SelectionSlider, widgets.FloatLogSlider)):
            assert widget.continuous_update is False


def ends(widget: Any) -> list[Any]:
    """Where a control can be moved to: both ends of a slider or menu, on and off."""
    if isinstance(widget, (widgets.SelectionSlider, widgets.Dropdown)):
        return [widget.options[0], widget.options[-1]]
    if isinstance(widget, widgets.Checkbox):
        return [False, True]
    low, high = widget.min, widget.max
    power = isinstance(widget, widgets.FloatLogSlider)
    return [widget.base**low, widget.base**high] if power else [low, high]


def all_pairs(places: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Settings in which any two controls stand in all four pairs of their ends; few, not fewest."""
    left = {
        frozenset({(one, i), (two, k)})
        for one, two in itertools.combinations(places, 2)
        for i, k in itertools.product((0, 1), repeat=2)
    }
    found = []
    while left:
        row = dict(sorted(next(iter(sorted(left, key=sorted)))))
        for name in places.keys() - row.keys():
            gain = [sum({(name, at), other} in left for other in row.items()) for at in (0, 1)]
            row[name] = int(gain[1] > gain[0])
        left -= {frozenset(pair) for pair in itertools.combinations(row.items(), 2)}
        found.append({name: places[name][at] for name, at in row.items()})
    return found


@pytest.mark.parametrize("name", EXPLORERS)
def test_wherever_the_controls_stand_there_is_a_picture(name):
    """Any two at any of their ends: a learner pushes sliders to the end, and ticks boxes."""
    explorer = EXPLORERS[name]()
    for settings in all_pairs({one: ends(made) for one, made in explorer._inputs.items()}):
        assert explorer.picture(**settings).alt, settings


@pytest.mark.parametrize("name", EXPLORERS)
def test_explorers_read_as_text_without_a_kernel(name):
    bundle = EXPLORERS[name]()._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    for kind in ("text/plain", "text/html"):
        assert "The cell above draws one of its pictures." in data[kind]


@pytest.mark.parametrize(
    ("name", "first", "change"),
    [
        ("word", "copies", {"n": 100_000}),
        ("fading", "generation", {"generation": 8, "show": lesson_04.SHOW[2]}),
        ("bells", "lam", {"generation": 0}),
        ("mix", "real", {"shift": 0.1}),
    ],
)
def test_it_opens_with_one_slider(name, first, change):
    explorer = EXPLORERS[name]()
    assert explorer.error is None
    greyed = {one for one, widget in explorer._inputs.items() if widget.disabled}
    assert greyed == set(explorer._inputs) - {first, "more"}
    before = explorer.html
    if first not in change:
        explorer.set(**change)
        assert explorer.wait()
        assert explorer.html == before  # the switch is not ticked
    explorer.set(more=True, **change)
    assert explorer.wait()
    assert explorer.error is None
    assert explorer.html != before


def test_a_slider_counts_rows_in_whole_numbers():
    rows, width = logarithmic("rows", 1, 100_000, 250), logarithmic("h", 0.02, 0.8, 0.5)
    assert rows.make().readout_format == ",.0f"
    assert width.make().readout_format == ".3f"
    assert logarithmic("weights", 1e5, 1e10, 1e8).make().readout_format == ".1e"  # has room


def twins() -> list[tuple[str, str, str]]:
    """Of each explorer of each lesson: the lesson, its own cell, and the static cell above."""
    found = []
    for path in sorted((ROOT / "lessons").glob("[0-9][0-9]-*.md")):
        code = parse(path).code
        for static, cell in pairwise(code):
            if "explorer" in cell.tags and "live_run(" not in cell.source:
                found.append((path.stem, cell.source, static.source))
    return found


@pytest.mark.parametrize(("stem", "source", "static"), twins(), ids=lambda text: str(text)[:2])
def test_the_cell_above_an_explorer_draws_one_of_its_pictures(stem, source, static):
    """With the settings of that cell the explorer shows the very same picture."""
    *before, call = ast.parse(static).body
    names: dict[str, Any] = {}
    exec(compile(ast.Module(before, []), stem, "exec"), names)  # the lesson's own imports
    function = eval(ast.unparse(call.value.func), names)
    arguments = {word.arg: ast.literal_eval(word.value) for word in call.value.keywords}
    given = [ast.literal_eval(one) for one in call.value.args]
    settings = inspect.signature(function).bind(*given, **arguments).arguments
    explorer = eval(source, names)
    explorer.set(**settings)
    assert explorer.wait(60)
    assert explorer.error is None
    assert explorer.values == explorer.values | settings, "a control cannot be set so"
    image = re.search('src="[^"]+"', function(**settings).html()).group()
    assert image in explorer.html


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: choice("a", ()), "one of the options"),
        (lambda: choice("a", (1, 2), 3), "one of the options"),
        (lambda: whole("a", 5, 5, 5), "high must be"),
        (lambda: whole("a", 1, 5, 9), "value must be"),
        (lambda: logarithmic("a", 0, 1, 0.5), "low must be"),
        (lambda: Explorer("not a function", {"a": switch("a")}), "function must be callable"),
        (lambda: explore(lambda: None), "controls must be"),
        (lambda: explore(lambda a: None, a=3), "controls must be"),
        (lambda: live_run(None, len, 1), "make_iterator must be callable"),
        (lambda: live_run(iter, len, 0), "total must be"),
    ],
)
def test_bad_declarations_are_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_control_without_effect_is_grey():
    explorer = lesson_06.policy_explorer()
    by_name = dict(zip(explorer.values, inputs(explorer), strict=True))
    assert by_name["bandwidth"].disabled
    assert not by_name["design"].disabled
    explorer.set(model="KDE")
    assert not by_name["bandwidth"].disabled
    assert by_name["design"].disabled
    assert explorer.wait()


def test_sliders_of_lesson_07_are_grey_where_the_picture_does_not_ask_for_them():
    """The first slider, too; but not when the menu that makes it idle is grey itself."""
    explorer = lesson_07.mix_explorer()
    by_name = dict(zip(explorer.values, inputs(explorer), strict=True))
    assert not by_name["real"].disabled
    explorer.set(more=True, show="best buy")
    assert by_name["real"].disabled
    assert by_name["synthetic"].disabled
    assert not by_name["price"].disabled
    explorer.set(show="worth of a row")
    assert not by_name["real"].disabled
    assert not by_name["synthetic"].disabled
    explorer.set(show="best buy")
    explorer.set(more=False)
    assert not by_name["real"].disabled
    assert by_name["synthetic"].disabled
    assert explorer.wait()


# ---------------------------------------------------------------------- explorer


def picture(text):
    """A small picture that says `text`."""
    return plots.loop_map(note=str(text))


def test_moving_a_control_draws_the_new_settings_on_another_thread():
    threads = []

    def function(x):
        threads.append(threading.current_thread())
        return picture(f"x is {x}")

    explorer = explore(function, x=whole("x", 0, 9, 1))
    assert "x is 1" in explorer.html
    explorer.set(x=7)
    assert explorer.wait()
    assert "x is 7" in explorer.html
    assert threads[0] is threading.main_thread()
    assert threads[1] is not threading.main_thread()


def test_a_callback_on_any_thread_works():
    explorer = explore(lambda x: picture(f"x is {x}"), x=whole("x", 0, 9, 1))
    mover = threading.Thread(target=explorer.set, kwargs={"x": 5})
    mover.start()
    mover.join()
    assert explorer.wait()
    assert "x is 5" in explorer.html


def test_the_newest_settings_win():
    started, go_on, drawn = threading.Event(), threading.Event(), []

    def function(x):
        if x == 2:
            started.set()
            go_on.wait(10)
        drawn.append(x)
        return picture(f"x is {x}")

    explorer = explore(function, x=whole("x", 0, 9, 1))
    explorer.set(x=2)
    assert started.wait(10)
    for x in (3, 4, 5):
        explorer.set(x=x)
    go_on.set()
    assert explorer.wait()
    assert "x is 5" in explorer.html
    assert drawn == [1, 2, 5]  # 3 and 4 were out of date before their turn came


def test_an_obsolete_drawing_does_not_overwrite_a_newer_one():
    explorer = explore(lambda x: picture(f"x is {x}"), x=whole("x", 0, 9, 1))
    explorer.set(x=8)
    assert explorer.wait()
    explorer._draw(0, {"x": 1})
    assert "x is 8" in explorer.html


def test_errors_are_shown_in_one_line_and_go_away_when_mended():
    def function(x):
        if x == 0:
            raise ValueError("x must be\nat least 1 & <whole>")
        return picture(f"x is {x}")

    explorer = explore(function, x=whole("x", 0, 9, 1))
    explorer.set(x=0)
    assert explorer.wait()
    assert "ValueError: x must be at least 1 &amp; &lt;whole&gt;" in explorer.html
    assert "Traceback" not in explorer.html
    assert isinstance(explorer.error, ValueError)
    explorer.set(x=3)
    assert explorer.wait()
    assert explorer.error is None
    assert "x is 3" in explorer.html


def test_a_function_that_returns_no_picture_is_told():
    explorer = explore(lambda x: "text", x=switch("x"))
    assert "must return a Picture, got str" in explorer.html


# ---------------------------------------------------------------------- run button


def last(results):
    return picture(f"{len(results)} done, last {results[-1]}")


def test_run_returns_at_once_and_finishes():
    gate = threading.Event()

    def make(should_stop):
        gate.wait(10)
        yield from range(5)

    button = live_run(make, last, total=5)
    start = time.monotonic()
    button.start()
    assert time.monotonic() - start < 5
    assert button.running
    gate.set()
    assert button.wait()
    assert button.results == [0, 1, 2, 3, 4]
    assert "5 done, last 4" in button.html
    assert not button._run.disabled
    assert button._halt.disabled


def test_stop_in_mid_run_keeps_what_is_done():
    steps = [threading.Event() for _ in range(3)]

    def make(should_stop):
        for i in itertools.count():
            yield i
            steps[i].set()
            while i == 2 and not should_stop():  # a training step that can be stopped
                time.sleep(0.001)

    button = live_run(make, last, total=100)
    button.start()
    assert steps[2].wait(10)
    told: list[str] = []
    button._line.observe(lambda change: told.append(change["new"]), "value")
    button.stop()
    assert button._halt.disabled
    assert any("Stops as soon as it can." in line for line in told)  # before the step is done
    assert button.wait()
    assert 3 <= len(button.results) < 100
    said = f"Stopped: {len(button.results)} of 100 generations done and kept. Run begins anew."
    assert said in button._line.value
    assert f"{len(button.results)} done" in button.html
    assert button.history.interrupted


def test_a_run_says_how_long_it_still_takes(monkeypatch):
    """From what was recorded under its name, and then at its own pace."""
    monkeypatch.setattr(_progress, "expected_seconds", {"05-run": 300.0}.get)
    gates = [threading.Event() for _ in range(3)]
    told = {}

    def make(should_stop):
        for i, gate in enumerate(gates):
            told[i] = button._line.value
            yield gate.wait(10)

    button = live_run(make, last, total=3, progress="05-run")
    assert button._line.value == ""
    button.start()
    for gate in gates:
        gate.set()
    assert button.wait()
    assert "0 of 3 generations done; about 5.0 minutes left" in told[0]
    assert '<progress value="0" max="3"' in told[0]
    assert "3 of 3 generations done." in button._line.value

    nameless = live_run(lambda should_stop: iter([]), last, total=3)
    lines = []
    nameless._line.observe(lambda change: lines.append(change["new"]), names="value")
    nameless.start()
    assert nameless.wait()
    assert "0 of 3 generations done; 0 s so far" in lines[0]


def test_the_line_of_a_run_is_renewed_while_a_step_takes_long(monkeypatch):
    monkeypatch.setattr(_progress, "EVERY", 0.01)
    over, lines = threading.Event(), []

    def make(should_stop):
        yield over.wait(10)

    button = live_run(make, last, total=1)
    button._line.observe(lambda change: lines.append(change["new"]), names="value")
    button.start()
    until = time.monotonic() + 10
    while not any("; 1 s so far" in line for line in lines) and time.monotonic() < until:
        time.sleep(0.01)
    over.set()
    assert button.wait()
    assert any("; 1 s so far" in line for line in lines)


def test_run_twice_is_one_run_and_run_again_starts_afresh():
    gate, made = threading.Event(), []

    def make(should_stop):
        made.append(1)
        gate.wait(10)
        yield from range(3)

    button = live_run(make, last, total=3)
    button.start()
    button.start()
    gate.set()
    assert button.wait()
    assert len(made) == 1
    button.start()
    assert button.wait()
    assert len(made) == 2
    assert button.results == [0, 1, 2]


def test_run_shows_errors_and_keeps_what_was_done():
    def make(should_stop):
        yield 1
        raise RuntimeError("the model broke")

    button = live_run(make, last, total=3)
    button.start()
    assert button.wait()
    assert "RuntimeError: the model broke" in button.html
    assert isinstance(button.error, RuntimeError)
    assert "Ended by an error: 1 of 3 generations done." in button._line.value
    assert button.results == [1]
    assert not button._run.disabled


def test_run_gives_a_history_of_the_loop():
    real = np.random.default_rng(100).normal(size=(20, 1))

    def make(should_stop):
        return iterate(Gaussian(), real, policy=Replace(),
                       metrics={"mean": lambda model, produced: produced.mean()})  # fmt: skip

    button = live_run(make, lambda results: plots.band(
        RunButton.history.fget(button).frame, "mean"), total=4)  # fmt: skip
    button.start()
    assert button.wait()
    assert button.error is None
    assert all(isinstance(item, Generation) for item in button.results)
    assert list(button.history.frame.generation) == [0, 1, 2, 3]
    assert not button.history.interrupted


def test_pictures_can_be_drawn_on_several_threads_at_once():
    pages = {}

    def work(n):
        pages[n] = lesson_02.gaussian_picture(n=n, rounds=10).html()

    threads = [threading.Thread(target=work, args=(n,)) for n in (5, 10, 20, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, page in pages.items():
        assert page == lesson_02.gaussian_picture(n=n, rounds=10).html()


# ---------------------------------------------------------------------- the explorers' functions


def test_same_settings_same_picture_other_seed_other_picture():
    for function in (
        lesson_00.quilt_picture, lesson_02.gaussian_picture, lesson_06.policy_picture
    ):  # fmt: skip
        one, again, other = function(), function(), function(seed=1)
        assert one.html() == again.html()
        assert one.summary != other.summary


@pytest.mark.parametrize("policy", lesson_00.QUILT_POLICIES)
def test_quilt_picture_begins_with_real_tiles(policy):
    table = lesson_00.quilt_picture(12, 40, 20, policy).table
    assert table["row"].tolist()[0] == 0
    assert table["row"].tolist()[-1] == 20
    if policy == "replace":  # what is gone is gone
        assert table["colours"].is_monotonic_decreasing


@pytest.mark.parametrize("show", lesson_02.SHOW)
def test_gaussian_picture_shows_what_it_is_asked_for(show):
    alt = lesson_02.gaussian_picture(n=20, rounds=20, show=show).alt
    assert ("exact expectation" in alt) == (show in ("mean of the runs", "exact expectation"))
    assert ("typical run, theory" in alt) == (show == "median")
    assert ("One run" in alt) == (show == "one run")
    assert ("single runs" in alt) == (show == "100 runs")


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ("replace_t100", "climbs like replace"),
        ("newest_growing_t100", "climbs more slowly, without end"),
        ("synthetic_only_t100", "stays bounded"),
    ],
)
def test_how_an_arm_grows_is_read_from_the_table(arm, said):
    assert lesson_06.growth(arm) == said


def test_growth_wants_a_recorded_arm():
    with pytest.raises(ValueError, match=r"arm must be one of .*got 'replace_t1'"):
        lesson_06.growth("replace_t1")


@pytest.mark.parametrize("model", lesson_06.MODELS)
@pytest.mark.parametrize("policy", POLICIES)
def test_policy_picture_draws_every_pair(model, policy):
    made = lesson_06.policy_picture(model, policy, n=100, rounds=10)
    assert policy in made.summary
    assert made.table["runs"].iloc[-1] >= 3


def test_policy_picture_overlays_published_points_and_exact_curves():
    assert "Kazdan et al., plateau 3.1" in lesson_06.policy_picture(policy="subsample").summary
    far = lesson_06.policy_picture(policy="replace", n=1000, rounds=100)
    assert "Gerstgrasser et al. 94" in far.summary
    assert "exact mean 101" in far.summary
    gaussian = lesson_06.policy_picture("Gaussian", "accumulate", n=100, rounds=100)
    assert "Kazdan et al. 0.99" in gaussian.summary


def test_the_neutral_bandwidth_is_named_only_when_it_is_found():
    said = {
        h: lesson_06.policy_picture("KDE", bandwidth=h, rounds=5).alt for h in (0.05, 0.1005, 0.5)
    }
    assert "neutral h = 0.101" in said[0.1005]
    assert "neutral" not in said[0.05] + said[0.5]


@pytest.mark.parametrize(
    ("function", "settings", "message"),
    [
        (lesson_00.quilt_picture, {"policy": "luck"}, "policy must be one of"),
        (lesson_00.quilt_picture, {"kinds": 1}, "kinds must be"),
        (lesson_02.gaussian_picture, {"divisor": "2n"}, "divisor must be one of"),
        (lesson_02.gaussian_picture, {"n": 1}, "n must be"),
        (lesson_06.policy_picture, {"n": 5}, "n must be"),
        (lesson_06.policy_picture, {"bandwidth": 0}, "bandwidth must be"),
    ],
)
def test_pictures_refuse_bad_settings(function, settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        function(**settings)


# ---------------------------------------------------------------------- fast runs, same law
# Bounds are 4.5 standard errors of the difference: a correct program fails about once in 100,000.


def assert_same_mean(one, other):
    """Two samples of independent runs with equal expectation."""
    error = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    assert abs(one.mean() - other.mean()) < 4.5 * error


@pytest.mark.parametrize("policy", POLICIES)
def test_gaussian_runs_have_the_law_of_the_loop(policy):
    n, generations, runs = 10, 4, 3000
    frame = run_batched(
        Gaussian(), lambda shape, rng: rng.standard_normal((*shape, 1)),
        policy=known(n)[policy], generations=generations, n_samples=n, replicates=runs,
        metrics={"variance": lambda model, produced: model.covariance_[..., 0, 0],
                 "square": lambda model, produced: model.mean_[..., 0] ** 2},
        seed=100,
    )  # fmt: skip
    end = frame[frame.generation == generations]
    means, variances = gaussian_runs(policy, n, generations, runs, np.random.default_rng(101))
    slow = end[end.metric == "variance"].value.to_numpy()
    assert_same_mean(variances[-1], slow)
    assert_same_mean(variances[-1] ** 2, slow**2)
    assert_same_mean(means[-1] ** 2, end[end.metric == "square"].value.to_numpy())


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("same", [True, False])
def test_regression_runs_have_the_law_of_the_loop(policy, same):
    n, d, generations, runs = 20, 3, 4, 2000
    design = np.random.default_rng(102).standard_normal((n, runs, d)) if same else None
    model = LinearRegression(design=design)

    def draw_real(shape, rng):
        inputs = np.moveaxis(design, 1, 0) if same else rng.standard_normal((*shape, d))
        return np.concatenate([inputs, rng.standard_normal((*shape, 1))], axis=-1)

    frame = run_batched(
        model, draw_real, policy=known(n)[policy], generations=generations, n_samples=n,
        replicates=runs, seed=103,
        metrics={"error": lambda model, produced: (model.coef_**2).sum(axis=-1)},
    )  # fmt: skip
    slow = frame[frame.generation == generations].value.to_numpy()
    errors = regression_runs(
        policy, n, generations, runs, np.random.default_rng(104), d=d, same_design=same
    )
    assert_same_mean(errors[-1], slow)
    assert_same_mean(errors[0], frame[frame.generation == 0].value.to_numpy())


def test_kde_runs_follow_the_closed_form():
    n, rounds, runs = 30, 8, 4000
    values = kde_runs("replace", n, rounds, runs, np.random.default_rng(105), 0.3)
    for t in (0, 1, rounds):
        exact = theory.kde_variance_replace(n, t, 0.3, 1 - 1 / n)
        error = values[t].std(ddof=1) / np.sqrt(runs)
        assert abs(values[t].mean() - exact) < 4.5 * error


@pytest.mark.parametrize("policy", POLICIES)
def test_kde_runs_agree_with_drawing_from_the_training_set(policy):
    n, rounds, runs, width = 12, 3, 2000, 0.4
    rng, chosen = np.random.default_rng(106), known(n)[policy]
    slow = np.empty(runs)
    for run in range(runs):
        real, synthetic = rng.standard_normal(n), []
        for _ in range(rounds):
            data = chosen.training_set(real, synthetic, rng) if synthetic else real
            synthetic.append(rng.choice(data, n) + width * rng.standard_normal(n))
        slow[run] = synthetic[-1].var()
    fast = kde_runs(policy, n, rounds, runs, np.random.default_rng(107), width)
    assert_same_mean(fast[-1], slow)


def test_runs_by_their_steps() -> None:
    from helpers.explorers.lesson_06 import by_steps

    table = studies.load("gpt_budget")
    spent = by_steps(table[table["arm"].isin(["replace_200", "accumulate_epochs"])])
    ends = spent.groupby("arm")["generation"].agg(["min", "max"])
    # Nine fits of 200 steps; 200 steps for every 800 rows of a pile that grows by 800.
    assert ends.loc["replace_200"].tolist() == [200, 9 * 200]
    assert ends.loc["accumulate_epochs"].tolist() == [200, 200 * sum(range(1, 10))]
    bare = table[table["metric"] != "steps"]
    with pytest.raises(ValueError, match="frame must state the steps of every arm"):
        by_steps(bare)
