"""The page in a real browser: what a musician does from the first prompt to the trash, and what may go wrong."""

from __future__ import annotations

import json
import re
import signal
import zipfile
from pathlib import Path

import pytest

from musicgen_app import audio
from support.browser_page import Page, chromium
from support.gui_server import GuiServer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(browser, tmp_path_factory, tiny_bundle):
    server = GuiServer(tmp_path_factory.mktemp("gui"), tiny_bundle.path)
    server.start()
    yield server
    assert server.stop() == 0
    assert not server.log.exists(), server.log.read_text()
    assert "Traceback" not in server.errors.read_text(), server.errors.read_text()


@pytest.fixture
def page(browser, server):
    page = Page(browser, server, viewport={"width": 1280, "height": 900})
    yield page
    page.close()


def test_from_the_first_prompt_to_the_trash(page, server):
    tab = page.tab
    assert "Nothing here yet" in tab.locator("#clips").inner_text()

    # a slow one shows how far it is, and stops when it is told to
    page.slow("a long drone")
    row = tab.locator(".queue li", has_text="a long drone")
    tab.wait_for_function(
        "() => /step \\d+ of 1000, .* steps a second, \\d+ s left/.test(document.querySelector('.queue').innerText)"
    )
    row.get_by_role("button", name="Cancel").click()
    tab.locator('.queue li[data-state="cancelled"]').wait_for()
    assert server.clips() == []

    # another one, with the keyboard; it can be heard
    page.fill("warm bells", **{"Length in seconds": "2", "Variations": "1", "Steps": "2"})
    tab.get_by_label("Seed", exact=True).press_sequentially("7")
    tab.locator("#prompt textarea").focus()
    tab.keyboard.press("Control+Enter")
    clip = page.clip("warm bells")
    clip.wait_for()
    assert "seed 7" in clip.inner_text() and tab.get_by_label("Keep this seed").is_checked()
    clip.get_by_role("button", name="Play", exact=False).first.click()
    tab.wait_for_function("() => Number(document.querySelector('.scrubber').getAttribute('aria-valuenow')) > 0.3")
    picture = clip.get_by_role("img", name=re.compile("Spectrogram of .warm bells."))
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 480
    slider = clip.get_by_role("slider")
    slider.focus()
    slider.press("End")
    assert float(slider.get_attribute("aria-valuenow")) > 1.8

    # kept, named, tagged
    clip.get_by_role("button", name="Keep as a favourite").click()
    clip.locator('.star[aria-pressed="true"]').wait_for()
    clip.get_by_role("button", name="Rename").click()
    tab.get_by_label("New name").fill("Bells <i>at</i> dawn")
    tab.keyboard.press("Enter")
    clip = page.clip("Bells <i>at</i> dawn")
    clip.wait_for()
    clip.get_by_role("button", name="Add a tag").click()
    tab.get_by_label("New tag").fill("<b>morning</b>")
    tab.keyboard.press("Enter")
    clip.get_by_role("button", name="Remove the tag <b>morning</b>").wait_for()

    # another program makes one meanwhile; the server is killed in the middle of a third, and started again
    assert (
        server.run("generate", "from the terminal", "--model", "tiny", "--seconds", "0.5", "-o", "x.wav").returncode
        == 0
    )
    page.slow("never finished")
    tab.wait_for_function("() => /sampling/.test(document.querySelector('.queue').innerText)")
    port = server.url.rstrip("/").rpartition(":")[2]
    tab.goto("about:blank")  # the page is closed
    server.stop(signal.SIGKILL)
    server.start("--port", port)
    page.open(server)
    page.clip("Bells <i>at</i> dawn").wait_for()
    assert page.clip("never finished").count() == 0
    for sound in server.clips():
        assert audio.read(sound)[0].size and Path(f"{sound}.json").is_file()

    # found in the library
    page.library()
    tab.locator("#search input, #search textarea").fill("morning DAWN")
    page.clip("Bells <i>at</i> dawn", "#kept").wait_for()
    tab.wait_for_function("() => document.querySelectorAll('#kept article').length === 1")
    tab.get_by_label("Favourites only").check()
    kept = page.clip("Bells <i>at</i> dawn", "#kept")
    kept.wait_for()

    # exported
    kept.get_by_label("Select").check()
    link = tab.locator("#kept .chosen a", has_text="FLAC")
    with tab.expect_download() as download:
        link.evaluate("link => link.click()")  # wherever its menu is: a list that is drawn anew closes it
    with zipfile.ZipFile(download.value.path()) as archive:
        assert sorted(Path(name).suffix for name in archive.namelist()) == [".flac", ".json"]
    tab.locator("#kept").get_by_role("button", name="Select none").click()

    # deleted, undone, deleted, restored from the trash
    kept.get_by_role("button", name="Delete", exact=True).click()
    tab.locator("#kept").get_by_role("button", name="Undo").click()
    kept.get_by_role("button", name="Delete", exact=True).click()
    tab.locator("#kept").get_by_role("button", name="Undo").wait_for()
    assert not any("warm-bells" in path.name for path in server.clips())
    tab.locator("#trash input").check()
    page.clip("Bells <i>at</i> dawn", "#kept").get_by_role("button", name="Restore").click()
    tab.locator("#kept .empty", has_text="The trash is empty").wait_for()
    assert any("warm-bells" in path.name for path in server.clips())


def test_page_api_and_command_line_make_the_same_bytes(page, server, tmp_path):
    from gradio_client import Client

    page.quick("same bytes", Seed="424242")
    clip = page.clip("same bytes")
    clip.wait_for()
    clip.locator("summary", has_text="Download").click()
    with page.tab.expect_download() as download:
        clip.get_by_role("link", name=re.compile("^WAV")).click()
    from_page = Path(download.value.path()).read_bytes()
    client = Client(server.url, verbose=False, download_files=str(tmp_path))
    made = client.predict("same bytes", seed=424242, seconds=0.5, api_name="/generate")["clips"][0]
    options = ["--model", "tiny", "--seed", "424242", "--seconds", "0.5", "-o", str(tmp_path / "cli.wav")]
    assert server.run("generate", "same bytes", *options).returncode == 0
    assert from_page == Path(made["file"]).read_bytes() == (tmp_path / "cli.wav").read_bytes()


def test_more_like_this_again_and_side_by_side(page):
    tab = page.tab
    page.quick("two of a kind", Seed="5")
    page.clip("two of a kind").wait_for()
    page.clip("two of a kind").get_by_role("button", name="More like this").click()
    tab.wait_for_function(
        "() => [...document.querySelectorAll('#clips h3')].filter(h => h.innerText === 'two of a kind').length === 2"
    )
    new, old = page.clip("two of a kind").nth(0), page.clip("two of a kind").nth(1)
    assert "seed 5 " not in new.inner_text().replace("·", " ") and "seed 5" in old.inner_text()

    page.fill("something else")
    old.get_by_role("button", name="Again with this seed").click()
    tab.wait_for_function("() => document.querySelector('#prompt textarea').value === 'two of a kind'")
    assert tab.get_by_label("Seed", exact=True).input_value() == "5" and tab.get_by_label("Keep this seed").is_checked()

    page.library()  # the same from there
    kept = page.clip("two of a kind", "#kept").first
    kept.wait_for()
    kept.get_by_role("button", name="More like this").click()
    tab.wait_for_function(
        "() => [...document.querySelectorAll('#clips h3')].filter(h => h.innerText === 'two of a kind').length === 3"
    )
    assert tab.locator("#prompt textarea").is_visible()

    for clip in (old, new):
        clip.get_by_role("button", name="A/B").click()
    bar = tab.get_by_role("region", name="Compare two clips")
    a, b = (bar.locator("button.side").nth(i) for i in (0, 1))
    bar.get_by_label("Position in both clips").fill("0.25")
    assert (a.get_attribute("aria-pressed"), b.get_attribute("aria-pressed")) == ("true", "false")
    tab.locator("h1").click()
    tab.keyboard.press("x")
    assert (a.get_attribute("aria-pressed"), b.get_attribute("aria-pressed")) == ("false", "true")
    assert bar.get_by_label("Position in both clips").input_value() == "0.25"
    bar.get_by_role("button", name="Play both, hear one").click()
    bar.get_by_role("button", name="Stop comparing").click()
    assert bar.count() == 0


def test_a_bad_value_is_told_beside_the_form_and_the_form_stays(page, server, tmp_path):
    before = len(server.clips())
    for label, value, message in (
        ("Length in seconds", "601", "seconds must be a number from 0.5 to 600"),
        ("Variations", "65", "variations must be a whole number from 1 to 64"),
        ("Seed", "../../7", "seed must be a whole number"),
    ):
        page.fill("soft bells", **{"Length in seconds": "0.5", "Variations": "1"} | {label: value})
        page.refused(message)
        assert page.tab.get_by_label(label, exact=True).input_value() == value
    page.fill("", Seed="")
    page.refused("prompt is empty")
    page.tab.evaluate("""() => {
        const field = document.querySelector('#prompt textarea');
        field.value = 'x'.repeat(10_000_000);
        field.dispatchEvent(new Event('input', {bubbles: true}));
    }""")
    page.refused("10,000,000 characters")
    program = tmp_path / "song.wav"
    program.write_bytes(b"MZ\x90\x00" + bytes(4_000))
    page.tab.locator("#more button").first.click()
    page.tab.locator("#source").wait_for()
    page.tab.locator("input[type=file][accept*='.wav']").set_input_files(program)
    page.tab.locator("#trouble [role=alert]", has_text="song.wav is not a sound file").wait_for()
    sound = server.clips()[0]
    page.tab.locator("input[type=file][accept*='.wav']").set_input_files(sound)
    made = json.loads(Path(f"{sound}.json").read_text())
    page.tab.wait_for_function("seed => document.querySelector('#seed input').value === seed", arg=str(made["seed"]))
    page.quick("after all that", Seed="")
    page.clip("after all that").wait_for()
    assert page.tab.locator("#trouble [role=alert]").count() == 0 and len(server.clips()) == before + 1


def test_markup_and_paths_are_shown_as_they_were_typed(page, server):
    nasty = """<img src=x onerror=alert(1)> ${alert(2)} {{alert(3)}} ../../../etc/passwd "'`</script>"""
    page.quick(nasty, **{"Not like this": "<script>alert(4)</script>", "Seed": ""})
    clip = page.clip(nasty)
    clip.wait_for()
    assert "not: <script>alert(4)</script>" in clip.inner_text()
    page.library()
    page.clip(nasty, "#kept").wait_for()
    (made,) = [path for path in server.clips() if "img-src" in path.name]
    assert re.fullmatch(r"[a-z0-9-]+\.wav", made.name)
    assert json.loads(Path(f"{made}.json").read_text())["prompt"] == nasty


def test_two_browsers_at_once(page, browser, server):
    other = Page(browser, server)
    page.slow("the first one's")
    page.tab.wait_for_function("() => /sampling/.test(document.querySelector('.queue').innerText)")
    other.quick("the other one's")
    waiting = other.tab.locator(".queue li", has_text="the other one's")
    waiting.get_by_text("waiting, 1 before you").wait_for()
    assert other.tab.locator(".queue li", has_text="the first one's").count() == 0
    page.tab.reload()  # a page that was closed finds its request again
    row = page.tab.locator(".queue li", has_text="the first one's")
    row.wait_for()
    row.get_by_role("button", name="Cancel").click()
    other.clip("the other one's").wait_for()
    other.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_tab_fits_a_phone_in_both_schemes(browser, server, scheme):
    page = Page(browser, server, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    tab = page.tab
    for name in ("Create", "Library", "Models", "Train"):
        tab.get_by_role("tab", name=name).click()
        tab.wait_for_timeout(300)
        assert tab.evaluate("() => document.documentElement.scrollWidth") <= 390, name
        assert tab.evaluate("() => document.body.classList.contains('dark')") is (scheme == "dark")
        nameless = tab.evaluate("""() => [...document.querySelectorAll('button, a[href], input, textarea, select')]
            .filter(e => e.checkVisibility() && !(e.innerText?.trim() || e.ariaLabel || e.title || e.labels?.length
                || e.getAttribute('aria-labelledby') || e.closest('label')))
            .map(e => e.outerHTML.slice(0, 120))""")
        assert nameless == [], name
    assert tab.locator("footer a:visible").count() == 0
    page.close()


def test_the_keyboard_reaches_what_the_mouse_does(page):
    page.quick("by keyboard")
    page.clip("by keyboard").wait_for()
    tab = page.tab
    tab.locator("#prompt textarea").focus()
    reached = []
    for _ in range(40):
        tab.keyboard.press("Tab")
        reached.append(
            tab.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e);
            return [e.ariaLabel || e.innerText || e.id, e === document.body || s.outlineStyle !== 'none']; }""")
        )
    names = " | ".join(name for name, _ in reached)
    for wanted in ("Generate", "Play “by keyboard”", "Position in “by keyboard”", "Again with this seed", "Download"):
        assert wanted in names, names
    assert [name for name, visible in reached if not visible] == []
