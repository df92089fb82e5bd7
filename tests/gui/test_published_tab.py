"""The part of the Models tab that installs what others publish."""

from __future__ import annotations

import threading

import pytest

from musicgen_app.convert import installer
from musicgen_app.errors import RequestError
from musicgen_app.gui.tabs import published
from musicgen_app.gui.tabs.published import Download, begin, cancel, look, offers_table


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "home" / "models"


@pytest.fixture
def slow_install(monkeypatch, tiny_bundle):
    """An installation that waits until it may go on."""
    go_on = threading.Event()

    def install(name, source, models_dir=None):
        source.report("weights", 1_000_000, 4_000_000)
        assert go_on.wait(120)
        source.report("weights", 4_000_000, 4_000_000)
        return tiny_bundle

    monkeypatch.setattr(installer, "install", install)
    yield go_on
    go_on.set()


def finish(download: Download) -> list:
    download.thread.join(120)
    return look(download)


def test_the_table_tells_what_is_offered(home):
    text = offers_table(None)
    for part in (
        "meanaudio-s-full",
        "16 kHz mono, made for 10 s",
        "to fetch",
        "MIT",
        "forbids commercial use",
        "cannot be installed",
        "about",
    ):
        assert part in text


def test_a_model_is_installed_with_progress(home, slow_install):
    download = Download(None)
    said, clock, offers = begin(download, "meanaudio-s-full", False)
    assert clock.active and "working" in said or "1 MB of 4 MB" in said
    while "1 MB of 4 MB" not in look(download)[0]:
        pass
    assert 'aria-valuenow="25"' in look(download)[0]
    assert "another model is being installed" in begin(download, "meanaudio-s-full", False)[0]
    slow_install.set()
    said, clock, offers = finish(download)
    assert "tiny is installed" in said and not clock.active and "meanaudio-s-full" in offers


def test_it_can_be_stopped(home, slow_install):
    download = Download(None)
    begin(download, "meanaudio-s-full", False)
    cancel(download)
    slow_install.set()
    assert "stopped; press Install again" in finish(download)[0]


def test_what_goes_wrong_is_told_in_the_words_of_the_page(home, monkeypatch):
    def refuse(*args, **kwargs):
        raise RequestError(
            "x is under CC-BY-NC-4.0, which forbids commercial use: say --accept-licence if you keep to it"
        )

    monkeypatch.setattr(installer, "install", refuse)
    download = Download(None)
    begin(download, "meanaudio-s-full", False)
    said = finish(download)[0]
    assert "tick the box" in said and "--accept" not in said and 'role="alert"' in said


def test_the_tab_says_where_the_network_is_used(home):
    import gradio as gr

    from musicgen_app.machine import user_settings
    from musicgen_app.server.context import Context

    with gr.Blocks() as page:
        published.build(Context(engine=None, library=None, settings=user_settings.Settings(), requests=None))
    texts = [str(getattr(block, "value", "")) for block in page.blocks.values()]
    assert any("over the network" in text for text in texts)
