"""The page in headless Chromium, as a musician uses it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WAIT = 60_000  # milliseconds
SLOW = {"Length in seconds": "60", "Variations": "8"}  # with 1,000 steps: long enough to be stopped


@contextmanager
def chromium() -> Iterator:
    """The browser; a test that asks for it is skipped where it is not installed."""
    if CHROMIUM is None:
        pytest.skip("these tests need chromium (Debian: apt install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="these tests need playwright: pip install .[dev]")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--mute-audio"])
        yield browser
        browser.close()


class Page:
    """A browser with nothing in it, on the page; what its console complains of is an error at the end."""

    def __init__(self, browser, server, **options) -> None:
        self.context = browser.new_context(accept_downloads=True, **options)
        self.context.set_default_timeout(WAIT)
        self.tab = self.context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.tab.on("console", lambda message: message.type == "error" and self.complain(message.text))
        self.tab.on("pageerror", lambda error: self.complain(str(error)))
        self.tab.on("dialog", lambda dialog: self.complaints.append(f"a dialog: {dialog.message}"))
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.open(server)

    def complain(self, text: str) -> None:
        if not re.search("AbortError|net::ERR|Connection errored out", text):  # a page was left, or its server killed
            self.complaints.append(text)

    def open(self, server) -> None:
        self.tab.goto(server.url)
        self.tab.locator("#prompt textarea").wait_for()
        self.tab.locator("#clips .empty, #clips .clip").first.wait_for()

    def fill(self, prompt: str, **more: str) -> None:
        self.tab.locator("#prompt textarea").fill(prompt)
        for label, value in more.items():
            self.tab.get_by_label(label, exact=True).fill(value)

    def slow(self, prompt: str) -> None:
        """Ask for something that takes long."""
        more = self.tab.locator("#more")
        if not more.get_by_label("Steps").is_visible():
            more.locator("button").first.click()
        self.fill(prompt, **SLOW, Steps="1000")
        self.generate()

    def quick(self, prompt: str, **more: str) -> None:
        self.fill(prompt, **{"Length in seconds": "0.5", "Variations": "1"} | more)
        if self.tab.locator("#more").get_by_label("Steps").is_visible():
            self.tab.get_by_label("Steps").fill("2")
        self.generate()

    def generate(self) -> None:
        self.tab.locator("#generate").click()

    def refused(self, message: str) -> None:
        """Generate, and the form says so."""
        self.generate()
        self.tab.locator("#trouble [role=alert]", has_text=message).wait_for()

    def clip(self, title: str, where: str = "#clips"):
        return self.tab.locator(f"{where} article.clip").filter(
            has=self.tab.get_by_role("heading", name=title, exact=True)
        )

    def library(self) -> None:
        self.tab.get_by_role("tab", name="Library").click()
        self.tab.locator("#search").wait_for()

    def close(self) -> None:
        self.context.close()
        assert self.complaints == []
        assert [url for url in self.asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))] == []
        assert [url for url in self.asked if "/queue/" in url] == []  # see parts.PRIVATE
