"""Every plot function returns a picture whose words come from its data."""

import ast
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

import helpers
from helpers import plots, policies
from helpers.authoring.front import KNOBS
from helpers.authoring.references import LOOP
from helpers.explorers import lesson_04, lesson_11, lesson_12
from helpers.plots.style import rounded, short

GENERATIONS, RUNS = 11, 20


def tidy(slope=-0.1, arms=("replace", "accumulate"), seed=100):
    """Runs that start near 1 and move by `slope` a generation, the second arm half as fast."""
    rng = np.random.default_rng(seed)
    rows = []
    for place, arm in enumerate(arms):
        for run in range(RUNS):
            level = np.exp(slope * np.arange(GENERATIONS) / (place + 1) + 0.1 * rng.normal())
            rows.append(pd.DataFrame({
                "arm": arm, "generation": range(GENERATIONS), "metric": "variance",
                "value": level, "replicate": run,
            }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def intervals(shift=0.0):
    return pd.DataFrame({
        "label": ["unit tests", "unchecked"], "value": [0.2 + shift, -0.1],
        "low": [0.1 + shift, -0.2], "high": [0.3 + shift, -0.05],
    })  # fmt: skip


def quantile_rows(shift=0.0):
    wanted = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
    rows = [np.linspace(1 + shift * g, 2 + 2 * g, len(wanted)) for g in range(3)]
    return pd.DataFrame(rows, columns=wanted)


PICTURES = {
    "band": lambda x: plots.band(tidy(-0.1 - 0.1 * x), "variance"),
    "panels": lambda x: plots.panels({"one": tidy(-0.1 * x), "two": tidy()}, "variance"),
    "quilt": lambda x: plots.quilt(np.tile(np.arange(4 + x), (3, 2))),
    "ridge": lambda x: plots.ridge([0, 0.1], [1, 0.5 + x]),
    "histogram_pair": lambda x: plots.histogram_pair([1, 2, 3 + x], [2, 2], labels=("a", "b")),
    "contrasts": lambda x: plots.contrasts(intervals(x)),
    "lottery": lambda x: plots.lottery([1, 2, 3, 50 + 100 * x]),
    "loop_map": lambda x: plots.loop_map("size" if x else "policy"),
    "page": lambda x: plots.page([f"Ada likes {'figs' if x else 'soup'}.", "Ben lives in Oslo."]),
    "spreads": lambda x: plots.spreads({"T = 1": quantile_rows(x), "T = 2": quantile_rows(1)}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture_says_what_it_shows(name):
    picture = PICTURES[name](0)
    assert len(picture.alt) > 40
    assert "\n" not in picture.summary
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/png"}
    assert bundle["image/png"] in bundle["text/html"], "the same picture, for LaTeX and PDF"
    assert bundle["text/plain"] == picture.summary
    assert '<img alt="' in bundle["text/html"]
    assert "data:image/png;base64," in bundle["text/html"]


@pytest.mark.parametrize("name", PICTURES)
def test_words_change_with_the_data(name):
    one, other = PICTURES[name](0), PICTURES[name](1)
    assert one.alt != other.alt
    assert one.summary != other.summary


@pytest.mark.parametrize("name", PICTURES)
def test_same_data_same_bytes_and_small(name):
    png = PICTURES[name](0).png
    assert png == PICTURES[name](0).png
    assert png.startswith(b"\x89PNG")
    assert b"Software" not in png
    assert len(png) < 80_000


def test_html_escapes_the_alternative_text():
    picture = plots.loop_map(note='a < b & "c"')
    assert "a &lt; b &amp; &quot;c&quot;." in picture.html()


def course(middle, arm="all", log=False):
    """What is said of one run that goes through `middle`."""
    frame = pd.DataFrame({
        "arm": arm, "generation": range(0, 10 * len(middle), 10), "metric": "excess",
        "value": middle,
    })  # fmt: skip
    return plots.band(frame, "excess", log=log).alt


def test_a_curve_that_turns_is_not_said_to_rise_or_fall():
    """Its ends alone would say that fewer steps are as good: 0.44 to 0.51, by way of 0.11."""
    assert "One run falls from 0.44 to 0.11 at 20 and rises to 0.51." in course(
        [0.44, 0.2, 0.11, 0.3, 0.51]
    )
    assert "rises from 1 to 3 at 10 and falls to 1." in course([1, 3, 2, 1])
    assert "One run stays, going from 1 to 1." in course([1, 1, 1])
    assert "rises from 1 to 5." in course([1, 0.9, 3, 5]), "a small dip is noise"
    assert "stays, going from 0.989 to 0.995." in course([0.989, 0.98, 0.995]), "and so is this"
    assert "falls from 1 to 0.001 at 10 and rises to 0.9." in course([1, 0.001, 0.9], log=True)


def test_the_note_of_a_map_covers_nothing():
    """However long: "next generation" stands at the top, too."""
    figure = plots.loop_map("size", note="Yours now: what to buy, what to check, and keep").figure
    texts = figure.axes[0].texts
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in texts]
    assert [one.get_text() for one, box in zip(texts, boxes, strict=True)
            if box.y1 > figure.bbox.y1 or box.x1 > figure.bbox.x1] == []  # fmt: skip
    note = next(box for text, box in zip(texts, boxes, strict=True) if "Yours" in text.get_text())
    assert not [box for box in boxes if box is not note and box.overlaps(note)]


def test_a_figure_rounds_as_a_text_does():
    """Texts have six digits of a number. One more made -0.0045 here what was -0.005 there."""
    ends = {"low": -0.034, "value": -0.0045 - 1e-15, "high": 0.025}
    assert "a -0.004 [" in plots.contrasts(pd.DataFrame([{"label": "a", **ends}])).alt
    assert [rounded(number, 3) for number in (-1e-9, 1.23456, -0.0015)] == [0, 1.235, -0.002]
    assert str(rounded(-1e-9, 3)) == "0.0"


def test_an_infinite_number_is_no_word_of_a_program():
    assert [short(number) for number in (np.inf, -np.inf, 0, 1e7)] == ["∞", "-∞", "0", "1.00e7"]


def test_a_symbol_keeps_its_case():
    assert "n = 100 rises from 1 to 2." in course([1, 2], arm="n = 100")
    assert "A larger net rises from 1 to 2." in course([1, 2], arm="a larger net")


def test_single_runs_are_said_to_be_of_an_arm_where_there_are_several():
    alt = plots.band(tidy(), "variance", runs=3).alt
    assert "3 single runs of replace are drawn" in alt
    assert "3 single runs of accumulate are drawn" in alt
    assert "3 single runs are drawn" in plots.band(tidy(arms=("replace",)), "variance", runs=3).alt


def test_every_public_function_is_covered():
    functions = {
        name for name in plots.__all__
        if callable(getattr(plots, name)) and name.islower()
    }  # fmt: skip
    assert functions - set(PICTURES) == {"letters", "policy_style", "short"}


def test_nothing_in_helpers_imports_pyplot():
    sources = [*Path(helpers.__file__).parent.rglob("*.py")]
    assert sources
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            assert not any("pyplot" in name or "pylab" in name for name in names), path


# ---------------------------------------------------------------------- what band says


def test_band_gives_median_and_quantiles_of_the_runs():
    frame = tidy()
    picture = plots.band(frame, "variance")
    last = frame[(frame.generation == 10) & (frame.arm == "replace")].value
    row = picture.table.query("arm == 'replace' and generation == 10").iloc[0]
    assert row["middle"] == pytest.approx(last.median())
    assert row["low"] == pytest.approx(last.quantile(0.05))
    assert row["high"] == pytest.approx(last.quantile(0.95))
    assert row["runs"] == RUNS
    assert plots.short(last.median()) in picture.summary
    assert "At the end accumulate is the highest and replace the lowest." in picture.alt


@pytest.mark.parametrize(
    ("runs", "share"), [(9, "all runs"), (10, "about 90 % of the runs"), (20, "90 % of the runs")]
)
def test_band_of_few_runs_holds_them_all(runs, share):
    """The 5 % quantile of three runs lies among them: nobody can say that 90 % lie inside."""
    frame = tidy(arms=("replace",)).query("replicate < @runs")
    picture = plots.band(frame, "variance")
    last = frame[frame.generation == 10].value
    row = picture.table.iloc[-1]
    inside = last.between(row["low"], row["high"]).sum()
    assert (row["runs"], inside) == (runs, {9: 9, 10: 8, 20: 18}[runs])
    assert f"; at the end {share} lie between " in picture.alt


def test_band_can_show_means():
    frame = tidy(arms=("replace",))
    picture = plots.band(frame, "variance", centre="mean")
    mean = frame[frame.generation == 10].value.mean()
    assert picture.table["middle"].iloc[-1] == pytest.approx(mean)
    assert "mean of 20 runs" in picture.alt


@pytest.mark.parametrize(("factor", "verdict"), [(1, "inside"), (10, "above"), (0.1, "below")])
def test_band_judges_the_live_run(factor, verdict):
    live = tidy(arms=("replace",)).query("replicate == 3").drop(columns="arm")
    live = live.assign(value=live["value"] * factor)
    picture = plots.band(tidy(arms=("replace",)).drop(columns="arm"), "variance", live=live)
    assert f"{verdict} the band" in picture.summary


def test_a_run_that_was_stopped_says_where():
    band = tidy(arms=("replace",)).drop(columns="arm")
    stopped = band.query("replicate == 3 and generation <= 4")
    picture = plots.band(band, "variance", live=stopped)
    assert " at 4 (inside the band)" in picture.summary
    assert " at 4, inside the band." in picture.alt
    whole = plots.band(band, "variance", live=band.query("replicate == 3"))
    assert " at 10 (" not in whole.summary


def test_band_draws_overlays_and_says_them():
    picture = plots.band(
        tidy(), "variance", log=True, runs=3, exact={"exact": lambda g: 0.9**g},
        predicted=(0.0, 0.5), published=[(5, 0.7, "Kazdan et al.")], title="All of it",
    )  # fmt: skip
    for words in ("log scale", "exact, goes from 1 to 0.349", "Kazdan et al. published 0.7 at 5",
                  "Your prediction, 0 to 0.5, is drawn at 10", "3 single runs"):  # fmt: skip
        assert words in picture.alt
    assert "predicted 0 to 0.5" in picture.summary


def test_band_without_a_prediction_yet():
    assert "predict" not in plots.band(tidy(), "variance", predicted=None).alt.lower()


def test_labels_do_not_overlap():
    arms = ("replace", "accumulate", "subsample", "synthetic-only", "mix", "fresh")
    picture = plots.band(tidy(slope=0.0, arms=arms), "variance", exact={"exact": [1, 1]})
    texts = [t for t in picture.figure.axes[0].texts if t.get_text()]
    assert len(texts) == 7
    assert picture.png  # drawn, so that the extents are final
    boxes = sorted((Text.get_window_extent(t) for t in texts), key=lambda box: box.y0)
    for lower, upper in pairwise(boxes):
        assert upper.y0 >= lower.y1 - 2
    width, height = picture.figure.bbox.width, picture.figure.bbox.height
    assert all(box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)


def test_a_published_point_is_labelled_inside_the_figure():
    frame = tidy(arms=("replace",)).drop(columns="arm")
    picture = plots.band(frame, "variance", published=[(10, 0.7, "Kazdan, median")])
    assert picture.png
    boxes = [Text.get_window_extent(text) for text in picture.figure.axes[0].texts]
    assert max(box.x1 for box in boxes) <= picture.figure.bbox.width


@pytest.mark.parametrize("several", [False, True])
def test_the_name_of_the_value_axis_stands_inside_the_figure(several: bool):
    """However long the numbers are that stand between it and the axis."""
    frame = tidy(slope=0.0, arms=("replace",))
    frame["value"] = 0.001 + 0.00002 * frame["generation"]
    panels = plots.panels({"one": frame}, "variance")
    picture = panels if several else plots.band(frame, "variance")
    figure = picture.figure
    figure.draw_without_rendering()
    assert figure.axes[0].yaxis.label.get_window_extent().x0 > 0


@pytest.mark.parametrize("last", [8, 20, 39, 50, 300])
def test_ticks_stand_where_people_count(last: int):
    frame = pd.DataFrame({"generation": range(last + 1), "metric": "variance", "value": 1.0})
    curve = plots.band(frame.assign(replicate=0), "variance").figure.axes[0].get_xticks()
    quilt = plots.quilt([[0, 1]] * (last + 1), kinds=2).figure.axes[0].get_yticks()
    for ticks in (curve, quilt):
        step = round(float(ticks[1] - ticks[0]))
        assert str(step).rstrip("0") in {"1", "2", "5"}
        assert all(tick % step == 0 for tick in ticks)


@pytest.mark.parametrize(("last", "ends"), [(40, ["5", "10", "20"]), (5000, ["2,000", "5,000"])])
def test_counts_stand_apart_on_a_log_axis(last: int, ends: list[str]):
    frame = pd.DataFrame({"generation": [1, 2, 20, last], "metric": "pass@k", "value": 0.5})
    figure = plots.band(frame, "pass@k", log_x=True).figure
    figure.draw_without_rendering()
    axes = figure.axes[0]
    seen = [x for x in axes.get_xticks() if 1 <= x <= last]
    shown = axes.xaxis.get_major_formatter().format_ticks(seen)
    assert shown[:3] == ["1", "2", "5"]
    assert shown[-len(ends) :] == ends
    places = axes.transData.transform([(x, 0.5) for x in seen])[:, 0]
    assert np.ptp(np.diff(places)) < 0.4 * np.diff(places).min()


def test_ticks_of_shares_stand_where_people_count():
    some, bins = [0.1, 0.3, 0.9], [0.0, 0.5, 1.0]
    shares = plots.histogram_pair(some, some, labels=("a", "b"), bins=bins).figure
    shares.draw_without_rendering()
    left, right = ([t for t in axes.get_xticklabels() if t.get_text()] for axes in shares.axes)
    assert left[-1].get_window_extent().x1 + 3 < right[0].get_window_extent().x0
    for axes in shares.axes:
        for ticks in (axes.get_xticks(), axes.get_yticks()):
            assert f"{ticks[1] - ticks[0]:.0e}"[0] in "125"


def test_a_curve_without_a_name_is_labelled_inside_the_figure():
    picture = plots.band(tidy(arms=("replace",)).drop(columns="arm"), "variance", until=40)
    (text,) = [t for t in picture.figure.axes[0].texts if t.get_text()]
    assert text.get_text() == "median"
    assert picture.png
    assert Text.get_window_extent(text).x1 <= picture.figure.bbox.width
    assert picture.figure.axes[0].get_xlim()[1] > 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"until": 0}, "until must be"),
        ({"log_x": True}, "log_x=True needs counts above 0 as the generations of frame, got 0"),
        ({"frame": [1, 2]}, "tidy DataFrame"),
        ({"frame": tidy().drop(columns="value")}, "missing: value"),
        ({"metric": "mean"}, "metric must be one of those in frame"),
        ({"frame": tidy().assign(value=np.nan)}, "finite"),
        ({"frame": tidy().assign(value=-1.0), "log": True}, "log=True needs values above 0"),
        ({"centre": "mode"}, "centre must be one of"),
        ({"level": 0}, "level must be"),
        ({"runs": -1}, "runs must be"),
        ({"exact": {"e": [np.inf]}}, "exact"),
        ({"published": [("a", 1, "x")]}, "published generation"),
        ({"live": tidy().assign(metric="x")}, "metric must be one of those in live"),
    ],
)
def test_band_refuses_what_it_cannot_draw(change, message):
    arguments = {"frame": tidy(), "metric": "variance"} | change
    with pytest.raises((TypeError, ValueError), match=message):
        plots.band(arguments.pop("frame"), arguments.pop("metric"), **arguments)


def test_panels_share_the_value_axis():
    picture = plots.panels({"a": tidy(), "b": tidy(slope=-1.0)}, "variance")
    first, second = picture.figure.axes
    assert first.get_ylim() == second.get_ylim()
    with pytest.raises(ValueError, match="1 to 4 panels"):
        plots.panels({}, "variance")


# ---------------------------------------------------------------------- the other figures


def test_quilt_counts_the_kinds_of_each_row():
    picture = plots.quilt([[0, 1, 2, 3], [0, 0, 3, 3], [3, 3, 3, 3]], kinds=5)
    assert list(picture.table["colours"]) == [4, 2, 1]
    assert list(picture.table["which"]) == ["A B C D", "A D", "D"]
    assert picture.summary == "4 colours at generation 0, 1 at generation 2: D"
    assert "From generation 2 on" in picture.alt


def test_quilt_marks_kinds_by_texture_and_letter_as_well_as_colour():
    assert len(set(plots.letters(40))) == 40
    small = plots.tiles._compose(np.arange(40)[None, :], (60, 1600), True)
    blocks = {small[:, 40 * k : 40 * k + 40].tobytes() for k in range(40)}
    assert len(blocks) == 40


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([1, 2], {}, "shape"),
        ([[]], {}, "shape"),
        ([[0.5]], {}, "whole numbers"),
        ([[-1]], {}, "kinds from 0 on"),
        ([[3]], {"kinds": 2}, "kinds must be an integer of at least 4"),
        ([[50]], {}, "kinds must be at most 40"),
    ],
)
def test_quilt_refuses(rows, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        plots.quilt(rows, **options)


def test_ridge_refuses():
    with pytest.raises(ValueError, match="as long as each other"):
        plots.ridge([0, 1], [1])
    with pytest.raises(ValueError, match="variances above 0"):
        plots.ridge([0, 1], [1, 0])


def test_histogram_pair_counts_the_valley():
    picture = plots.histogram_pair([-1, 0, 1, 1], [0, 0, 1, 1], labels=("before", "after"),
                                   between=(-0.5, 0.5))  # fmt: skip
    assert "before: mean 0.25, variance 0.688, 25.0 % between" in picture.summary
    assert "after: mean 0.5, variance 0.25, 50.0 % between" in picture.summary
    dice = plots.histogram_pair([1, 6], [3], labels=("room", "village"), whole_numbers=True,
                                xlabel="face")  # fmt: skip
    assert list(dice.table["face"]) == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ValueError, match="left must hold"):
        plots.histogram_pair([], [1], labels=("a", "b"))


def test_contrasts_compare_with_the_reference():
    picture = plots.contrasts(intervals(), published={"unit tests": 0.19})
    assert "unit tests wholly above; unchecked wholly below" in picture.alt
    assert "Published: unit tests 0.19" in picture.alt
    for bad in (intervals().assign(low=1.0), intervals().drop(columns="high"), pd.DataFrame()):
        with pytest.raises(ValueError, match="rows must"):
            plots.contrasts(bad)


def test_lottery_counts_the_runs_that_hold_half():
    picture = plots.lottery([1] * 10, expected=1)
    assert picture.summary.startswith("5 of 10 runs hold half of the mean, the largest alone 10 %")
    assert "exact expectation 1" in picture.summary
    with pytest.raises(ValueError, match="values must"):
        plots.lottery([0, 0])


def test_loop_map_knows_six_knobs_and_so_do_the_lessons():
    for knob in plots.KNOBS:
        assert f"the knob {knob}" in plots.loop_map(knob).alt
        for note in ("", "How many?", "The loop stays.", "as often as it may"):
            assert plots.loop_map(knob, note=note).alt[-2:] not in ("?.", "..", " .")
    assert "Six knobs: size at real data, model at fit, budget at fit" in plots.loop_map().alt
    drawn = [(knob, station) for knob, (station, _) in plots.KNOBS.items()]
    assert drawn == [(knob, station) for station, owned in LOOP for knob in owned]
    assert {"loop", *plots.KNOBS} == set(KNOBS)
    with pytest.raises(ValueError, match="highlight must be one of"):
        plots.loop_map("luck")


# ---------------------------------------------------------------------- policies and numbers


def test_every_policy_has_its_own_look():
    made = {
        "Replace": policies.Replace(), "Accumulate": policies.Accumulate(),
        "AccumulateSubsample": policies.AccumulateSubsample(), "Mix": policies.Mix(0.5),
        "FreshReal": policies.FreshReal(lambda n, rng: rng.normal(size=(n, 1)), 5),
        "FrozenReal": policies.FrozenReal(5),
        "DetectAndDrop": policies.DetectAndDrop(lambda n, rng: rng.normal(size=(n, 1)), 5),
    }  # fmt: skip
    public = {
        name for name, thing in vars(policies).items()
        if isinstance(thing, type) and hasattr(thing, "training_set")
    } - {"Named"}  # fmt: skip
    assert public == set(made)
    looks = [plots.policy_style(policy) for policy in made.values()]
    assert plots.policy_style(policies.Mix(0.5)).label == "mix, 50 % real"
    for part in ("colour", "marker", "line"):
        assert len({getattr(look, part) for look in looks}) == len(looks) - (part == "line")


def test_policy_names_are_forgiving():
    assert plots.policy_style("Synthetic only") == plots.policy_style("synthetic-only")
    assert len(set(plots.POLICY_COLOURS.values())) == len(plots.POLICY_COLOURS)
    assert plots.policy_style("mix_10") == plots.policy_style("mix")
    assert plots.policy_style("fresh, one in ten").name == "fresh"


def test_one_run_has_one_colour_in_every_figure_of_lesson_06():
    for others in (["replace", "grown", "accumulate"], ["fresh real rows", "accumulate"], []):
        looks = plots.style.styles([*others, "nothing"])
        assert looks["nothing"].colour == plots.POLICY_COLOURS["human"]
        assert len({look.colour for look in looks.values()}) == len(looks)


@pytest.mark.parametrize(
    "arms",
    [
        [label for _, label in lesson_04.ARMS.values()],
        [*lesson_11.ARMS.values(), *list(lesson_11._AS_MANY.values())[1:], "the start"],
        list((lesson_12.WRITERS | lesson_12.HALF).values()),
    ],
)
def test_an_arm_looks_the_same_whatever_stands_beside_it(arms: list[str]):
    looks = plots.style.styles(arms)
    assert len({(look.colour, look.line) for look in looks.values()}) == len(arms)
    for some in ([first, second] for first in arms for second in arms):
        assert plots.style.styles(some) == {arm: looks[arm] for arm in some}
    less = plots.style.styles([f"{arms[1]} \N{MINUS SIGN} {arms[0]}"])
    assert [look.colour for look in less.values()] == [looks[arms[1]].colour]


def test_what_takes_turns_leaves_the_colours_beside_it_alone():
    for beside in (["accumulate"], ["unit tests", "unchecked"], ["T = 1", "replace", "fresh"]):
        looks = plots.style.styles([*beside, "luck", "chance"])
        assert len({look.colour for look in looks.values()}) == len(looks)
    many = plots.style.styles([*beside, *map("{} times".format, "abcdefghijklmnopqrst")])
    assert len({(look.colour, look.line) for look in many.values()}) == len(many)


def test_a_policy_without_a_look_gets_one_and_keeps_it():
    look = plots.policy_style("luck")
    assert look.label == "luck"
    plots.style.styles(["a", "b"])
    assert plots.policy_style("luck") == look
    assert plots.policy_style(" Luck ").colour == look.colour


def test_a_figure_takes_the_label_of_the_data():
    """Known policies keep their colour under any spelling; the legend says what the arm says."""
    looks = plots.style.styles(["replace", "mix_10", "luck"])
    assert [look.label for look in looks.values()] == ["replace", "mix_10", "luck"]
    assert looks["mix_10"].colour == plots.POLICY_COLOURS["mix"]


def test_colours_stand_out_from_the_page():
    for name, colour in plots.POLICY_COLOURS.items():
        assert _contrast(colour, plots.style.PAPER) >= 3, name


def _contrast(one, other):
    """Contrast ratio of WCAG 2."""
    lights = []
    for colour in (one, other):
        channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        lights.append(linear @ [0.2126, 0.7152, 0.0722])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (1, "1"), (1.6449, "1.64"), (0.12345, "0.123"), (540_321, "540,000"), (146, "146"),
     (1e-5, "1.00e-5"), (-0.018, "-0.018"), (10.376, "10.4"), (0.9999, "1")],
)  # fmt: skip
def test_short_numbers(number, text):
    assert plots.short(number) == text
