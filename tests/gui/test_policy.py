"""The page in a real browser under its Content-Security-Policy: it works, and nothing from elsewhere is loaded."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from support.gui_server import GuiServer

pytestmark = pytest.mark.browser
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WAIT = 60_000  # milliseconds
FAR = "http://far.example"
CARD = f"""---
license: x
---

# Hostile

Hello ![a picture]({FAR}/x.png) <img src="{FAR}/y.png"> <script>fetch("{FAR}/z")</script>

## Limits

```mermaid
graph TD
A["<img src='{FAR}/mermaid.png'>"] --> B
click B href "javascript:alert(1)"
```

[a link](javascript:alert(2)) [another]({FAR}/page) <{FAR}/plain> $$\\href{{{FAR}}}{{x}}$$
"""
RECORD = """
globalThis.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("these tests need chromium (Debian: apt install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="these tests need playwright: pip install .[dev]")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--mute-audio"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(browser, tmp_path_factory, tiny_bundle):
    server = GuiServer(tmp_path_factory.mktemp("gui"), tiny_bundle.path)
    hostile = server.home / "models" / "hostile"
    shutil.copytree(server.home / "models" / "tiny", hostile)
    config = json.loads((hostile / "config.json").read_text())
    (hostile / "README.md").write_text(CARD)
    config["files"].pop("README.md", None)
    (hostile / "config.json").write_text(json.dumps(config | {"name": "hostile"}))
    server.start()
    yield server
    assert server.stop() == 0
    assert not server.log.exists(), server.log.read_text()


@pytest.fixture
def tab(browser, server):
    """A page that is open, with what it asked for and what its console said."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(WAIT)
    context.add_init_script(RECORD)
    tab = context.new_page()
    tab.asked, tab.said = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("console", lambda message: message.type in ("error", "warning") and tab.said.append(message.text))
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    tab.on("dialog", lambda dialog: tab.said.append(f"a dialog: {dialog.message}"))
    tab.goto(server.url)
    tab.locator("#prompt textarea").wait_for()
    yield tab
    assert [url for url in tab.asked if not url.startswith((server.url, "data:", "blob:"))] == []
    context.close()


def complaints(tab) -> list[str]:
    return [text for text in tab.said if re.search("Content.Security|Refused|violat|a dialog", text, re.I)]


def test_a_clip_is_made_and_played_and_every_tab_opened_under_the_policy(tab):
    tab.locator("#prompt textarea").fill("warm bells")
    tab.get_by_label("Length in seconds", exact=True).fill("2")
    tab.locator("#generate").click()
    clip = tab.locator("#clips article.clip").first
    clip.wait_for()
    clip.get_by_role("button", name="Play", exact=False).first.click()
    tab.wait_for_function("() => Number(document.querySelector('.scrubber').getAttribute('aria-valuenow')) > 0.3")
    picture = clip.get_by_role("img", name=re.compile("Spectrogram"))
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 480
    for name in ("Library", "Models", "Train", "Create"):
        tab.get_by_role("tab", name=name).click()
        tab.wait_for_timeout(500)
    assert tab.evaluate("violations") == [] and complaints(tab) == [], tab.said


def test_the_card_of_a_hostile_model_fetches_and_runs_nothing(tab):
    tab.get_by_role("tab", name="Models").click()
    tab.get_by_label("hostile", exact=False).first.check()
    card = tab.locator("#models-card")
    card.get_by_text("a picture").wait_for()
    card.locator("code", has_text="graph TD").wait_for()
    assert card.locator("img, script, svg, iframe, style").count() == 0
    targets = card.locator("a[href]").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert targets == [f"{FAR}/page", f"{FAR}/plain"]
    tab.wait_for_timeout(1_000)
    assert not [url for url in tab.asked if "mermaid" in url.lower() or "far.example" in url]
    assert tab.evaluate("violations") == [] and complaints(tab) == []


def test_what_would_get_in_all_the_same_is_refused_by_the_browser(tab):
    """So that the tests above would see a page without a policy."""
    tab.evaluate(
        """far => new Promise((done) => {
        const box = document.createElement("div");
        box.innerHTML = `<img src="${far}/x.png"><img src="data:," onerror="globalThis.broken = 1">
            <iframe src="${far}"></iframe><style>@import "${far}/x.css";</style><form action="${far}"><button></form>`;
        document.body.append(box);
        const script = document.createElement("script");
        script.textContent = "globalThis.broken = 2";
        document.body.append(script);
        box.querySelector("button").click();
        fetch(far).catch(() => setTimeout(done, 500));
    })""",
        FAR,
    )
    tab.wait_for_function("() => violations.some((text) => text.startsWith('form-action'))")
    kinds = {text.split(":")[0] for text in tab.evaluate("violations")}
    assert {"img-src", "frame-src", "connect-src", "form-action", "script-src-attr", "script-src-elem"} <= kinds, kinds
    assert tab.evaluate("globalThis.broken ?? 0") == 0
    tab.asked.clear()  # the browser tells of what it then refuses
