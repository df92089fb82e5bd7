"""The plan strip in a real browser: the songwriter's way, the same by keyboard, what screen readers are told."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import mido
import pytest

from musicgen_app.songbook.midi_reader import read_midi
from musicgen_app.songbook.sheet import read_sheet
from support.browser_page import Page, chromium
from support.gui_server import GuiServer
from support.planned_model import planned, wide

pytestmark = pytest.mark.browser
SONG = b"tempo 120 \xc2\xb7 key Am\nverse 4 energy 0.5: Am F\nchorus 2 x2: F G\n"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(browser, tiny_parts, tmp_path_factory):
    """One whose model follows plans, and borrows them."""
    model = planned(tiny_parts, tmp_path_factory.mktemp("planned"), wide().tensors()).path
    server = GuiServer(tmp_path_factory.mktemp("gui"), model, "planned")
    server.start()
    yield server
    assert server.stop() == 0
    assert not server.log.exists(), server.log.read_text()
    assert "Traceback" not in server.errors.read_text(), server.errors.read_text()


class Songwriter(Page):
    """Who looks at the strip of the form, or at that of a card."""

    strip = "#plan"

    def part(self, selector: str):
        return self.tab.locator(f"{self.strip} {selector}")

    def bar(self, number: int):
        return self.part(".bar").nth(number - 1)

    def shows(self, *chords: str, where: str | None = None) -> None:
        """The bars, from the first on."""
        self.tab.wait_for_function(
            """([where, wanted]) => {
                const bars = [...document.querySelectorAll(where + ' .bar')].slice(0, wanted.length);
                const shown = bars.map(bar => [...bar.querySelectorAll('.slot')].map(slot => slot.innerText).join(' '));
                return JSON.stringify(shown) === JSON.stringify(wanted);
            }""",
            arg=[where or self.strip, list(chords)],
        )

    def type(self, number: int, chords: str) -> None:
        self.bar(number).dblclick()
        self.part(".bar-field").fill(chords)
        self.part(".bar-field").press("Enter")

    def does(self, name: str) -> None:
        self.part("").get_by_role("button", name=name, exact=True).click()

    def field(self, name: str):
        return self.part(f".strip-{name} input")

    def origin(self, name: str) -> str:
        return self.part(f".strip-{name} .origin").inner_text()

    def is_at(self, number: int) -> bool:
        return self.bar(number).evaluate("bar => bar === document.activeElement")

    def hears(self, text: str) -> None:
        """A screen reader is told so."""
        self.part('[role="status"]').filter(has_text=text).wait_for(state="attached")

    def plan_of(self, title: str, server) -> list[dict]:
        """What the clips of that title were made to, the newest first."""
        records = [json.loads(Path(f"{path}.json").read_text()) for path in server.clips()]
        return [record for record in records if record["prompt"] == title]


@pytest.fixture
def page(browser, server):
    page = Songwriter(browser, server, viewport={"width": 1280, "height": 900})
    yield page
    page.close()


def test_the_songwriters_way(page, server, tmp_path):
    prompt = "slow piano, 96 BPM, in D minor, with glorps"
    # type: the plan is seen, with where each part comes from, and what was understood
    page.fill(prompt, **{"Length in seconds": "10"})
    page.shows("Dm", "A", "Dm", "A")
    assert (page.field("tempo").input_value(), page.field("key").input_value()) == ("96", "D minor")
    assert (page.origin("tempo"), page.origin("key"), page.origin("metre")) == ("stated", "stated", "borrowed")
    reading = page.tab.locator("#reading")
    assert re.search(r"Understood\n96 BPM\nD minor", reading.inner_text())
    assert re.search(r"Not understood\nglorps", reading.inner_text())

    # two chords are changed, one of them is locked, the rest is drawn anew
    page.type(2, "Gm7")
    page.type(3, "Bb C7/E")
    page.shows("Dm", "Gm7", "B♭ C7/E", "A")
    page.bar(3).press("l")
    page.hears("Bar 3 is locked.")
    page.does("Other chords")
    page.hears("3 bars are drawn anew; 1 locked one stays.")
    assert page.bar(3).get_attribute("aria-label") == "Bar 3: B flat major, C seventh over E, locked"
    page.does("Undo")
    page.shows("Dm", "Gm7", "B♭ C7/E", "A")

    # what is seen is played
    page.fill(prompt, **{"Length in seconds": "1"})
    page.tab.get_by_label("Seed", exact=True).press_sequentially("11")
    page.generate()
    clip = page.clip(prompt)
    clip.wait_for()
    (first,) = page.plan_of(prompt, server)
    assert [chord for chord, _ in first["played"]["chords"]] == ["Dm", "Gm7", "Bb", "C7/E", "A"]
    assert (first["played"]["tempo"], first["played"]["key"], first["seed"]) == (96.0, "D minor", 11)

    # other chords on the card, the same seed
    clip.get_by_role("button", name="Plan", exact=True).click()
    page.strip = "#clips .strip"
    page.shows("Dm", "Gm7", "B♭ C7/E", "A")
    page.type(1, "F")
    page.shows("F", "Gm7", "B♭ C7/E", "A")
    page.does("Play it to this plan")
    page.tab.wait_for_function("() => document.querySelectorAll('#clips article').length === 2")
    other = next(record for record in page.plan_of(prompt, server) if record["played"]["chords"][0][0] == "F")
    assert other["seed"] == 11 and other["played"]["tempo"] == 96.0

    # the plan as MIDI, read back
    page.part("summary").filter(has_text="File").click()
    with page.tab.expect_download() as download:
        page.does("Save as MIDI")
    data = Path(download.value.path()).read_bytes()
    file = mido.MidiFile(file=io.BytesIO(data))
    texts = [message.text for message in file.tracks[1] if message.type == "text"]
    assert download.value.suggested_filename == "plan.mid" and texts == ["F", "Gm7", "Bb", "C7/E", "A"]
    assert read_midi(data).plan.to_dict() == other["played"]


def test_a_plan_is_written_with_the_keyboard_alone(page):
    tab = page.tab
    page.fill("", **{"Length in seconds": "8"})
    page.field("tempo").fill("120")
    page.field("tempo").press("Enter")
    page.hears("Tempo: 120.")
    page.bar(1).focus()
    for text in ("Am", "F", "C", "G"):  # Tab goes on with the next bar
        tab.keyboard.type(text)
        tab.keyboard.press("Tab" if text != "G" else "Enter")
    page.shows("Am", "F", "C", "G")
    assert page.is_at(4)
    tab.keyboard.press("Home")
    assert page.is_at(1)
    tab.keyboard.press("Alt+ArrowRight")
    page.shows("F", "Am", "C", "G")
    tab.wait_for_timeout(100)
    assert page.is_at(2)
    tab.keyboard.press("s")
    page.shows("F", "Am Am", "C", "G")
    tab.keyboard.press("Control+c")
    page.hears("Bar 2 is copied.")
    tab.keyboard.press("End")
    tab.keyboard.press("Control+v")
    page.shows("F", "Am Am", "C", "Am Am")
    tab.keyboard.press("Delete")
    page.hears("Bar 4 is removed.")
    page.shows("F", "Am Am", "C")
    tab.keyboard.press("Control+z")
    page.shows("F", "Am Am", "C", "Am Am")
    tab.keyboard.press("Enter")
    tab.keyboard.type("Xyz")
    tab.keyboard.press("Enter")
    page.part("[role=alert]").filter(has_text="Xyz").wait_for()
    assert page.part(".bar-field").input_value() == "Xyz"  # what was typed is still there
    tab.keyboard.press("Escape")
    page.shows("F", "Am Am", "C", "Am Am")
    stops = page.part(".bar").evaluate_all("bars => bars.map(bar => bar.tabIndex)")
    assert sorted(stops) == [-1] * (len(stops) - 1) + [0]


def test_bars_are_dragged_and_files_are_dropped(page):
    tab = page.tab
    page.type(1, "Am | F | C | G")
    page.shows("Am", "F", "C", "G")
    page.bar(1).drag_to(page.bar(3))
    page.shows("C", "F", "Am", "G")
    tab.locator("#plan .strip, #plan.strip, #plan .ttm-strip").first.evaluate(
        """(strip, text) => {
            const data = new DataTransfer();
            data.items.add(new File([text], "song.txt"));
            strip.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        SONG.decode(),
    )
    page.shows("Am", "F", "Am", "F", "F", "G")
    assert page.part(".part-name").evaluate_all("names => names.map(name => name.value)") == ["verse", "chorus"]
    assert (page.field("tempo").input_value(), page.origin("tempo")) == ("120", "plan")

    # its sections are changed; the sheet says the same
    page.part(".part-menu summary").nth(1).click()
    page.part('[data-key="1 times"]').fill("3")
    page.part('[data-key="1 times"]').press("Enter")
    page.part(".part-menu summary").filter(has_text="× 3").wait_for()
    page.part('[data-key="1 drums"]').select_option("no drums")
    page.part(".part-menu summary").filter(has_text="no drums").wait_for()
    page.part('[data-key="1 energy"]').focus()
    page.part('[data-key="1 energy"]').press("ArrowRight")
    page.part(".part-menu summary").filter(has_text="energy 55 %").wait_for()
    tab.keyboard.press("Escape")
    page.part(".strip-sheet summary").click()
    sheet = page.part("textarea").input_value()
    assert sheet == "tempo 120 · 4/4 · key Am\nverse 4 energy 0.5: Am F\n" + (
        "chorus 2 no drums energy 0.55: F G\n" + "chorus\n" * 2)  # fmt: skip
    assert read_sheet(sheet).plan.quarters == 40
    page.part("textarea").fill("tempo 90\nbridge 2: Dm G")
    page.does("Use this sheet")
    page.shows("Dm", "G")


def test_a_tempo_that_is_tapped(page):
    tap = page.part("").get_by_role("button", name="Tap", exact=True)
    tap.wait_for()
    tap.evaluate("""async (button) => {
        let now = 5000;
        performance.now = () => now;
        for (let n = 0; n < 5; n++) { button.click(); now += 500; }
    }""")
    page.hears("Tempo: 120.")
    assert page.field("tempo").input_value() == "120"


def test_a_card_fills_the_strip_of_the_form(page):
    page.fill("waltz, 3/4, 90 BPM, chords: Am F C", **{"Length in seconds": "6"})
    page.shows("Am", "F", "C")
    page.fill("waltz, 3/4, 90 BPM, chords: Am F C", **{"Length in seconds": "0.5"})
    page.generate()
    clip = page.clip("waltz, 3/4, 90 BPM, chords: Am F C")
    clip.wait_for()
    assert "wins over" not in clip.inner_text()
    page.fill("something else")
    clip.get_by_role("button", name="Plan", exact=True).click()
    clip.get_by_role("button", name="Take it into the form").click()
    page.shows("Am", "F", "C")
    page.hears("The plan of the clip.")
    assert (page.field("metre").input_value(), page.origin("metre")) == ("3/4", "plan")


@pytest.mark.parametrize("width", [390, 820, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_create_tab_is_for_everybody(browser, server, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe: pip install .[dev]")
    page = Songwriter(browser, server, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.fill("slow piano, 96 BPM, with glorps")
    page.part(".origin-stated").first.wait_for()
    page.part("input[type=file]").set_input_files({"name": "song.txt", "mimeType": "text/plain", "buffer": SONG})
    page.part(".part-name").first.wait_for()
    page.part(".part-menu summary").first.click()
    page.bar(2).press("l")
    page.hears("Bar 2 is locked.")
    page.tab.wait_for_timeout(700)
    found = axe.Axe().run(page.tab).response["violations"]
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found] == []
    assert page.tab.evaluate("() => document.documentElement.scrollWidth") <= width
    page.close()
