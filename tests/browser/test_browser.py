"""Lessons in a real browser. Each is opened once; its tests go on where the one before ended.

They run in the order of this file: the page as it is stored, a prediction, Run All, and then what
a learner does with it. Nearly everything is done by keyboard. What every lesson must do is tried
on every lesson; what takes a form or a button of its own, on the lesson that has it.
"""

import asyncio
import json
import re
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from learner import PATIENCE, ROOT, Lab
from playwright.sync_api import Locator, expect
from servers import TOKEN
from tornado.websocket import websocket_connect


def on(*lessons: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("lab", lessons, indirect=True)


PAGES = sorted((ROOT / "notebooks").glob("[0-9][0-9]-*.ipynb"))
LESSONS = [page.stem for page in PAGES]
EXPLORED = [page.stem for page in PAGES if '"explorer"' in page.read_text("utf-8")]


@on(*LESSONS)
def test_the_stored_page_does_not_give_answers_away(lab: Lab) -> None:
    folded = [cell.locator(".jp-OutputPlaceholder") for cell in lab.tagged("reveal")]
    assert folded
    for placeholder in folded:
        expect(placeholder).to_be_visible(timeout=PATIENCE)
    assert lab.given_away() == []
    expect(lab.outputs.filter(has_text="You had committed no prediction")).to_have_count(0)
    folded[0].scroll_into_view_if_needed()
    lab.shot("stored")


@on("02-fit-sample-repeat")
def test_predictions_are_committed_by_keyboard_and_kept(lab: Lab) -> None:
    choice, interval = lab.cell('"02-typical-variance"'), lab.cell('"02-mean-variance"')
    for asked in (choice, interval):
        lab.run(asked)
        expect(commit(asked)).to_be_visible(timeout=PATIENCE)
    start_in(choice)
    lab.press("Space", choice.get_by_role("radio", name="about 1/2"))
    lab.press("Space", commit(choice))
    chosen = seen(choice.get_by_text("“about 1/2” with 70 % confidence"))
    expect(chosen).to_be_visible(timeout=PATIENCE)
    start_in(interval)
    for end, number in (("from", "-125"), ("to", "25")):
        lab.tab_to(interval.get_by_role("textbox", name=end))
        lab.page.keyboard.type(number)
    lab.press("Space", commit(interval))
    refused = seen(interval.get_by_text("“from” must lie in what is possible"))
    expect(refused).to_be_visible(timeout=PATIENCE)
    for end, number in (("from", "0.125"), ("to", "2.5")):  # a slip, mended in a hurry
        interval.get_by_role("textbox", name=end).fill(number)
        commit(interval).click()
    expect(seen(interval.get_by_text("Committed: 0.125 to 2.5"))).to_be_visible(timeout=PATIENCE)
    for number in ("3", "4", "5", "6", "2.5"):  # a click overtakes the field; the field counts
        interval.get_by_role("textbox", name="to").fill(number)
        commit(interval).click()
    expect(seen(interval.get_by_text("Committed: 0.125 to 2.5"))).to_be_visible(timeout=PATIENCE)

    lab.run_all()
    for asked, said in ((choice, "“about 1/2” with 70 %"), (interval, "0.125 to 2.5")):
        expect(seen(asked.get_by_text(f"Committed: {said}"))).to_be_visible(timeout=PATIENCE)
        expect(commit(asked)).to_be_disabled()
    drawn = lab.cell("predicted=average.interval").locator("img")
    expect(drawn).to_have_attribute("alt", re.compile("Your prediction, 0.125 to 2.5"))
    answered = lab.cell("average.resolve(")
    expect(answered).to_contain_text("You chose “about 1/2” with 70 % confidence")
    expect(answered).to_contain_text("Your 80 % interval, 0.125 to 2.5")


def commit(asked: Locator) -> Locator:
    return asked.get_by_role("button", name="Commit")


def seen(found: Locator) -> Locator:
    """Those that show. What is kept of a widget for the next day hides while the widget lives."""
    return found.filter(visible=True)


def start_in(form: Locator) -> None:
    """Click the question, so that Tab goes on from there."""
    form.locator(".widget-html p").first.click()


@on("00-start-here")
def test_a_claim_is_judged_by_the_learner(lab: Lab) -> None:
    card = lab.cell('claim("overfitting"')
    lab.run(card)
    expect(seen(card.get_by_text("No verdict yet."))).to_be_visible(timeout=PATIENCE)
    expect(seen(card.get_by_text("This lesson says"))).to_have_count(0)
    start_in(card)
    lab.press("Space", card.get_by_role("radio", name="not here"))
    said = seen(card.get_by_text(re.compile("Your verdict: not here. This lesson says: partly.")))
    expect(said).to_be_visible(timeout=PATIENCE)
    shown = lab.cell("claim_cards()")
    lab.run(shown)
    expect(shown.get_by_text("not here (lesson 00)")).to_be_visible(timeout=PATIENCE)


@on(*LESSONS)
def test_run_all_ends_without_an_error(lab: Lab) -> None:
    lab.run_all()
    assert lab.errors() == []
    assert lab.outputs.locator("img").count() >= lab.stored_images() > 0
    assert lab.images_without_alt() == []
    for cell in lab.tagged("reveal"):
        expect(cell.locator(".jp-OutputArea-output").first).to_be_visible()
        expect(cell.locator(".jp-OutputPlaceholder")).to_have_count(0)


@on(*LESSONS)
def test_controls_have_names(lab: Lab) -> None:
    """ipywidgets 8 gives its sliders a label that the eye sees and a screen reader does not."""
    lab.run_all()
    assert lab.outputs.get_by_role("radio").count() >= 4
    assert lab.nameless_controls().keys() <= {"slider"}
    sliders = lab.outputs.locator(".widget-slider")
    labels = sliders.locator(".widget-label").all_inner_texts()
    assert len(labels) == sliders.count()
    assert all(label.strip() for label in labels)
    assert lab.cut_labels() == []


@on("02-fit-sample-repeat")
def test_a_quiz_is_answered_by_keyboard(lab: Lab) -> None:
    lab.run_all()
    quiz, options, answer = lab.quiz("02-divisor")
    answer_button = quiz.get_by_role("button", name="Answer")
    wrong = next(text for text in options if text != answer)
    start_in(quiz)
    lab.press("Space", answer_button)
    expect(quiz.get_by_text("Choose one of the options first.")).to_be_visible(timeout=PATIENCE)
    for option, verdict in ((wrong, "Not this one."), (answer, "Right.")):
        start_in(quiz)
        lab.press("Space", quiz.get_by_role("radio", name=option, exact=True))
        lab.press("Space", answer_button)
        said = quiz.get_by_role("status")
        expect(said).to_have_text(f"{verdict} {options[option]}", timeout=PATIENCE)
    expect(quiz.get_by_text("And why not the others?")).to_be_visible()


@on(*EXPLORED)
def test_a_slider_changes_its_figure(lab: Lab) -> None:
    lab.run_all()
    assert_slider_redraws(lab, lab.tagged("explorer")[0])


def assert_slider_redraws(lab: Lab, explorer: Locator) -> None:
    """Move the first slider with an arrow key: the image and what is said of it both change."""
    figure = seen(explorer.locator("img"))
    before = {name: figure.get_attribute(name) for name in ("alt", "src")}
    slider = explorer.get_by_role("slider").first
    value, highest = (slider.get_attribute(f"aria-value{what}") for what in ("now", "max"))
    slider.press("ArrowLeft" if value == highest else "ArrowRight")
    for name, value in before.items():
        expect(figure).not_to_have_attribute(name, str(value), timeout=PATIENCE)
    assert lab.errors() == []


@on("06-replace-or-accumulate")
def test_stop_ends_a_run_and_keeps_what_is_done(lab: Lab) -> None:
    lab.run_all()
    live = lab.cell("live_run(\n")
    run, stop = (live.get_by_role("button", name=name, exact=True) for name in ("Run", "Stop"))
    expect(stop).to_be_disabled()
    run.press("Space")
    expect(seen(live.locator("img[alt]"))).to_be_visible(timeout=PATIENCE)
    expect(run).to_be_disabled()
    stop.press("Space")
    kept = seen(live.get_by_text(re.compile(r"^Stopped: \d+ of 50 generations done and kept")))
    expect(kept).to_be_visible(timeout=PATIENCE)
    assert 0 < int(kept.inner_text().split()[1]) < 50  # in mid-run
    expect(seen(live.locator("img[alt]"))).to_be_visible()
    expect(stop).to_be_disabled()
    lab.shot("stopped", live)

    run.press("Space")  # and again
    line = seen(live.get_by_text(re.compile(r"^\s*\d+ of 50 generations done; about .* left$")))
    expect(line).to_be_visible(timeout=PATIENCE)
    stop.press("Space")
    expect(kept).to_be_visible(timeout=PATIENCE)
    expect(run).to_be_enabled()
    assert lab.errors() == []


@on("06-replace-or-accumulate")
def test_a_slider_works_while_a_cell_runs(lab: Lab, lab_root: Path) -> None:
    """One that was moved before: ipykernel 7.4 lets a widget's first message wait for the cell."""
    lab.run_all()
    explorer = lab.cell("policy_explorer()")
    assert_slider_redraws(lab, explorer)
    flag = lab_root / "busy"
    flag.touch()
    try:
        busy = lab.cell(str(flag))
        lab.run(busy)
        running = busy.locator(".jp-InputPrompt", has_text="[*]")
        expect(running).to_be_visible(timeout=PATIENCE)
        assert_slider_redraws(lab, explorer)
        expect(running).to_be_visible()
    finally:
        flag.unlink()
    expect(running).to_have_count(0, timeout=PATIENCE)
    assert lab.errors() == []


@on(*LESSONS)
def test_text_and_figures_fit_a_small_and_a_large_window(lab: Lab) -> None:
    """Lines are no longer than a form, figures no smaller than can be read, nothing sticks out."""
    lab.run_all()
    lab.page.evaluate("window.jupyterapp.shell.collapseLeft()")  # as the course's JupyterLab starts
    for width, smallest in ((1920, 700), (1280, 700), (800, 560)):
        lab.page.set_viewport_size({"width": width, "height": 900})
        lab.page.wait_for_timeout(500)  # JupyterLab lays its panels out anew
        texts, figures = lab.widths(".jp-RenderedMarkdown p"), lab.widths(".jp-OutputArea img")
        assert 500 < max(texts) < 700, width
        assert figures, "none can be seen"
        assert min(figures) >= smallest, width
        assert lab.sticking_out() <= 0, width
        lab.shot(f"window-{width}")
    lab.page.set_viewport_size({"width": 1280, "height": 900})


@on(*LESSONS)
def test_both_themes_can_be_read_and_figures_do_not_glare(lab: Lab) -> None:
    """And pictures of both are kept, for people to look at."""
    lab.run_all()
    figures = lab.outputs.locator("img[src^='data:image/png']")
    bright = "all => [...new Set(all.map(i => getComputedStyle(i).filter))]"
    tags = ("predict", "reveal", "quiz", "check", "explorer")
    seen = [cell for tag in tags for cell in lab.tagged(tag)[:1]]
    for theme, brightness in (("JupyterLab Dark", "brightness(0.8)"), ("JupyterLab Light", "none")):
        lab.theme(theme)
        assert lab.faint_texts() == [], theme
        assert figures.evaluate_all(bright) == [brightness], theme
        for number, cell in enumerate(seen):
            lab.shot(f"{theme.split()[-1].lower()}-{number}", cell)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
def test_a_terminal_finds_the_course_and_its_python(server: str) -> None:
    """Where pages say: type this. A login shell would begin with the system's PATH."""
    ask = urllib.request.Request(f"{server}/api/terminals?token={TOKEN}", method="POST")
    with urllib.request.urlopen(ask, timeout=60) as answer:
        name = json.load(answer)["name"]

    async def typed(line: str) -> str:
        return await asyncio.wait_for(shown_of(line), 60)

    async def shown_of(line: str) -> str:
        address = f"ws{server.removeprefix('http')}/terminals/websocket/{name}?token={TOKEN}"
        terminal, shown = await websocket_connect(address), ""
        await terminal.write_message(json.dumps(["stdin", f"{line}; echo en'd'\r"]))
        while "end" not in shown:
            said = json.loads(await terminal.read_message() or "null")
            shown += said[1] if said[0] == "stdout" else ""
        return shown

    with ThreadPoolExecutor() as pool:  # in this thread Playwright's loop runs
        said = pool.submit(asyncio.run, typed("command -v python; course --version")).result()
    assert str(Path(sys.executable).parent / "python") in said
    assert re.search(r"course \d+\.\d+\.\d+", said), said
