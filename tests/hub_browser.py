"""One learner of a hub in a real browser: logs in, works in lesson 02, saves."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent / "browser"))
from hub_learner import Learner, key_of
from learner import PATIENCE, Lab, Watch

from helpers.course.doctor import BROWSERS

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update")  # fmt: skip


def in_browser(learner: Learner, address: str, password: str, homes: Path, copy: str) -> None:
    """Log in at `address`, see the first page, then take the lesson in `copy`; blocks."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        installed = next((path for name in BROWSERS if (path := shutil.which(name))), None)
        chromium = playwright.chromium.launch(executable_path=installed, args=list(QUIET))
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        watch, lab = Watch(page), Lab(page, homes / learner.name / copy)
        page.goto(f"{address}/hub/login")
        lab.shot("hub-login")
        page.get_by_label("Username").fill(learner.name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile(r".*/lab/tree/.*00-start-here.ipynb"), wait_until="commit")
        expect(lab.panel.locator(".jp-Cell").first).to_be_visible()
        lab.wait_until_idle()
        lab.shot("hub-first-page")
        page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")  # one kernel each
        page.goto(f"{learner.server}lab/workspaces/class/tree/{copy}")
        expect(lab.panel.locator(".jp-Cell").first).to_be_visible()
        lab.wait_until_idle()
        work_through(lab, learner)
        page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        expect(page.locator(".lm-mod-current.jp-mod-dirty")).to_have_count(0)
        learner.complaints += [*lab.errors(), *watch.complaints]
        learner.complaints += [f"left the machine: {url}" for url in watch.strangers]
        chromium.close()


def work_through(lab: Lab, learner: Learner) -> None:
    """Commit both predictions, run every cell, answer every quiz."""
    choice, interval = lab.cell('"02-typical-variance"'), lab.cell('"02-mean-variance"')
    for asked in (choice, interval):
        lab.run(asked)
        expect(asked.get_by_role("button", name="Commit")).to_be_visible()
    radios = choice.get_by_role("radio")
    radio = radios.nth(learner.number % radios.count())
    radio.check()
    said = radio.evaluate("one => one.closest('label').innerText.trim()")
    ends = [learner.number, learner.number + 1]
    for end, number in zip(("from", "to"), ends, strict=True):
        interval.get_by_role("textbox", name=end).fill(str(number))
    for asked in (choice, interval):
        asked.get_by_role("button", name="Commit").click()
        expect(asked.get_by_text("Committed:").filter(visible=True)).to_be_visible()
    learner.entered["predictions"] = {"02-typical-variance": [said, 70], "02-mean-variance": ends}
    lab.shot("hub-predicted", choice)
    lab.run_all()
    for cell in lab.notebook.cells:
        if "quiz" in cell.metadata.get("tags", []):
            answer(lab, learner, key_of(cell.source, "quiz"))
    lab.shot("hub-answered")
    exercise = lab.cell("my_smallest_n = 50").locator(".cm-content")
    exercise.click()
    page = lab.page
    page.keyboard.press("Control+End")
    page.keyboard.type(f"\n# {learner.name} was here")
    expect(exercise).to_contain_text(learner.name)


def answer(lab: Lab, learner: Learner, key: str) -> None:
    """Answer the quiz `key` with the option that the learner's number chooses."""
    cell, options, right = lab.quiz(key)
    option = list(options)[learner.number % len(options)]
    cell.get_by_role("radio", name=option, exact=True).check()
    cell.get_by_role("button", name="Answer").click()
    reply = cell.get_by_text("Right." if option == right else "Not this one.").filter(visible=True)
    expect(reply.first).to_be_visible()
    learner.entered["answers"][key] = option
