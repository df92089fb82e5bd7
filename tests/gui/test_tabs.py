"""The Models and Train tabs in a browser: what is pressed there arrives, and nothing in a name becomes HTML."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import gradio
import pytest

from musicgen_app.gui.tabs import models
from musicgen_app.machine import user_settings
from musicgen_app.server.context import Context
from musicgen_app.server.request_queue import EngineHolder
from ttm_trainer.gui import train_tab
from ttm_trainer.runtime.background_jobs import BackgroundJob, Jobs

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NASTY = "<b onclick=alert(1)>run"


@pytest.fixture
def context(tiny_bundle, tmp_path, monkeypatch) -> Context:
    """A home with a copy of `tiny` and two jobs that have ended."""
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    shutil.copytree(tiny_bundle.path, tmp_path / "home" / "models" / "tiny")
    jobs = Jobs()
    jobs.folder.mkdir()
    for number, name in enumerate(("older", NASTY)):
        out = tmp_path / name
        out.mkdir()
        (out / "metrics.jsonl").write_text("".join(json.dumps({"step": n, "loss": 2 / n}) + "\n" for n in (1, 2, 3)))
        (out / "train.log").write_text(f"step {number + 3}/9 loss 1 2.0 steps/s 3 s left\n{NASTY}\n")
        jobs._write(BackgroundJob(f"{number:012x}", out, (), "/", f"2026-01-0{number + 1}"))
    return Context(EngineHolder(lambda: None), None, user_settings.Settings(), None)


@pytest.fixture
def page(context):
    """Both tabs, in a narrow window."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("no Chromium here")
    with gradio.Blocks(analytics_enabled=False) as blocks:
        with gradio.Tab("Models"):
            models.build(context)
        with gradio.Tab("Train"):
            train_tab.build(context)
    url = blocks.launch(prevent_thread_lock=True, quiet=True, share=False, ssr_mode=False)[1]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.set_default_timeout(30_000)
        page.wrong = []
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.goto(url)
        yield page
        assert page.wrong == [] and page.get_by_text("Error", exact=True).count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()
    blocks.close()


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_what_is_pressed_arrives(page, tmp_path):
    page.get_by_label("tiny: A tiny model for tests").check()
    page.get_by_text("tiny, version 1").wait_for()
    press(page, "Check the files")
    page.get_by_text("tiny is intact").wait_for()
    press(page, "Use by default")
    page.get_by_text("tiny: A tiny model for tests (default)").wait_for()
    press(page, "Remove")
    page.get_by_text("for ever?").wait_for()
    press(page, "Keep it")
    page.get_by_text("for ever?").wait_for(state="hidden")
    assert (tmp_path / "home/models/tiny").is_dir()

    page.get_by_role("tab", name="Train").click()
    page.get_by_text("4 of 9").wait_for()  # the newer one
    assert page.get_by_text(NASTY).count() >= 2 and page.locator("b[onclick]").count() == 0
    page.get_by_label("older: killed").check()
    page.get_by_text("3 of 9").wait_for()
    press(page, "Take from this list")
    page.get_by_text("older is off the list").wait_for()
    page.get_by_text("4 of 9").wait_for()
    press(page, "Start training")
    page.get_by_text("give the folder with the music").wait_for()
    page.get_by_label("Folder of music").fill(str(tmp_path))
    page.get_by_label("Name of the model").fill("My Model")
    press(page, "Check")
    page.get_by_text("is no name for a model").wait_for()
    assert (Path(tmp_path) / "older").is_dir()
