"""Captions rewritten by rules, by a tiny local model and by a server; what is refused; kills and resumes."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen_app.errors import Cancelled, FileError, GenerationError, ModelError, RequestError
from ttm_trainer.cli.captions import captions as command
from ttm_trainer.rewriting import journal, rules
from ttm_trainer.rewriting.caption_sets import Caption, read_captions
from ttm_trainer.rewriting.forbidden_facts import leftovers
from ttm_trainer.rewriting.language_models import Endpoint, LocalChat
from ttm_trainer.rewriting.llm_prompt import EXAMPLES, Refused, build_request, check, load_examples, parse
from ttm_trainer.rewriting.run import ModelRewriter, RulesRewriter, rewrite_file

PAPER = (
    "Built on C♯ major in 4/4 time at 120 BPM, it follows a loop-based structure with alternating chordal pads and"
    " melodic variations, including diatonic and chromatic shifts, a brief minor passage, and a resolved finale."
)
SAME = {  # caption: what of it must be told, what must not
    PAPER: (("pads",), ("C", "finale", "loop")),
    "An ambient and classical soundtrack for solo piano with an emotional character, in E minor.": (
        ("ambient", "classical", "soundtrack", "solo piano", "emotional"), ("minor",)),
    "Electronic minimalism and ambient music in A major, about 89 BPM, 4/4, with soft synth pads.": (
        ("electronic", "ambient", "soft synth pads"), ("89", "major")),
    "A relaxing chillout and easylistening acousticguitar track in 4/4 at 60 bpm.": (
        ("relaxing", "chillout", "easy listening", "acoustic guitar"), ("60", "acousticguitar")),
    "The music is hip-hop at roughly 95 BPM in 4/4. The key is C minor and the chords include G# major and A# major. It"
    " has a prominent bassline and rhythmic drums. The mood is assertive. The production is bright and polished.": (
        ("hip hop", "bass", "rhythmic drums", "assertive"), ("bright", "polished", "G#")),
    "Lush Rhodes chords move through Fm9 – Bbm7 – Eb7 – Abmaj7 in this deep house tune; no drums or vocals.": (
        ("deep house", "lush electric piano chords"), ("drums", "vocals", "Fm9")),
    "Tempo 169 BPM, metre 4/4, key F# minor. A driving DnB track played on square lead, piano, reese bass. Chords:"
    " C#7-F#m9-Bm9-Dmaj7.": (("driving", "drum and bass", "square lead", "piano", "reese bass"), ("169", "F#")),
    "A cinematic orchestral piece in D minor with sweeping strings and French horns. It begins quietly with a ii–V–i"
    " progression at a slow tempo, then builds to a climax. It evokes a heroic battle in an ancient land.": (
        ("cinematic orchestral", "sweeping strings", "French horns", "a heroic battle in an ancient land"),
        ("climax", "slow", "ii")),
    "A bossa nova with nylon guitar, perfect for a walk along the beach, at a moderate tempo.": (
        ("bossa nova", "nylon guitar", "a walk along the beach"), ("moderate",)),
    "There are no drums, just a warm acoustic guitar and a cello.": (("warm acoustic guitar", "cello"), ("drums",)),
    "A calm ambient piano piece.": (("calm", "ambient", "piano"), ()),
    "techno, drummachine, dark, warehouse": (("techno", "drum machine", "dark", "warehouse"), ()),
    "Blues rock with an electric guitar; the guitar and the drums are tight.": (
        ("blues rock", "electric guitar", "drums"), ("rock and", "guitar and a guitar")),
}  # fmt: skip


# --- the test of what is left --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        "at 120 BPM", "120bpm", "a slow tempo", "90 beats per minute", "at a brisk pace", "an Allegro",
        "a half-time feel",
        "in C♯ major", "in Eb minor", "in A minor", "F-sharp minor", "the key of D", "a minor key", "in D phrygian",
        "in 4/4", "6/8 time", "in triple time", "three-four time", "three beats to the bar", "common time",
        "a chord progression", "Cmaj7", "F#m7b5", "C-G-Am-F", "Dm, Bb, F, C", "ii-V-I", "chords: Am", "C#7",
        "Chords Aadd9",
        "a verse-chorus structure", "after the intro", "it fades out", "an AABA form",
        "the mix is wide", "clean production", "at 60 Hz", "a stereo image", PAPER,
    ],
)  # fmt: skip
def test_what_must_not_be_said_is_found(said: str) -> None:
    assert leftovers(f"A calm jazz piece {said}, with piano.")


@pytest.mark.parametrize(
    "said",
    [
        *EXAMPLES,
        "An upbeat EDM track with pulsing synths and driving bass.",
        "Downtempo with piano chords, electric keys and an E-bow guitar, a key moment of a film.",
        "I am in a dream: R&B, Hammond B3, C64 chiptune, DJ scratching, 808 drums and a G-funk lead.",
        "A string section, a horn section and a progressive rock organ in a mixed choir's world.",
    ],
)
def test_ordinary_prompts_pass(said: str) -> None:
    assert leftovers(said) == []


# --- rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("caption", SAME)
@pytest.mark.parametrize("key", range(4))
def test_rules_keep_the_facts_and_nothing_else(caption: str, key: int) -> None:
    kept, gone = SAME[caption]
    text = rules.rewrite(caption, str(key))
    assert not [word for word in kept if word.lower() not in text.lower()], text
    assert not [word for word in gone if f" {word} " in text.replace(",", " ").replace(".", " ")], text
    assert check(text) == text and text[0].isupper() and text.endswith(".")


def test_rules_vary_their_openings_and_repeat_themselves() -> None:
    caption = "A calm jazz track with piano and double bass, 90 BPM."
    texts = [rules.rewrite(caption, str(key)) for key in range(60)]
    assert texts == [rules.rewrite(caption, str(key)) for key in range(60)]
    assert len({" ".join(text.split()[:2]) for text in texts}) >= 5


@pytest.mark.parametrize("caption", ["4/4, 128 BPM, A minor.", "A woman is singing in Japanese.", "...", "no drums"])
def test_rules_refuse_a_caption_of_nothing(caption: str) -> None:
    with pytest.raises(ValueError, match="no genre"):
        rules.rewrite(caption)


PIECES = [*SAME, "in C# minor,", "at 128 BPM", "Am-F-C-G", "(7/8)", "with an intro;", "no", "perfect for", "evoking",
          "and", "a 12-bar", "the", "drums", "warm", "jazz", "Adagio", "**", "♭", "in the key of E", "score", "Über",
          "1."]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_rules_leave_nothing_whatever_the_caption(parts: list[str]) -> None:
    try:
        text = rules.rewrite(" ".join(parts))
    except ValueError:
        return
    assert leftovers(text) == [] and "  " not in text and "¦" not in text and len(text.split()) <= 60


def test_rules_on_the_composers_captions() -> None:
    from ttm_trainer.corpus.caption import captions
    from ttm_trainer.corpus.compose import composer

    rng = random.Random(0)
    for index, genre in enumerate(composer.GENRES[::3]):
        score = composer.compose(index, seconds=20.0, genre=genre)
        for said in captions.captions(captions.window_facts(score, 0.0, 10.0), rng)["dense"]:
            text = rules.rewrite(said, str(index))
            assert leftovers(said) and check(text) == text


# --- requests and replies ------------------------------------------------------------------------------------------


def test_the_request_holds_rules_examples_and_captions() -> None:
    request = build_request(['A "dark" tune\nat 90 BPM', "Jazz."], EXAMPLES, random.Random(0))
    assert "time signatures" in request and "exactly 2 strings" in request
    assert '"A \\"dark\\" tune at 90 BPM"' in request
    assert sum(example in request for example in EXAMPLES) == 8
    assert request != build_request(['A "dark" tune\nat 90 BPM', "Jazz."], EXAMPLES, random.Random(1))


@pytest.mark.parametrize(
    "reply",
    [
        '["One jazz tune.", "Two jazz tunes."]',
        '```json\n["One jazz tune.", "Two jazz tunes."]\n```',
        'Here they are:\n["One jazz tune.",\n "Two  jazz tunes."]\nEnjoy!',
        '<think>Maybe ["x"]?</think>\n["One jazz tune.", "Two jazz tunes."]',
    ],
)
def test_a_good_reply_is_read(reply: str) -> None:
    assert parse(reply, 2) == ["One jazz tune.", "Two jazz tunes."]


@pytest.mark.parametrize(
    "reply",
    ["", "I cannot do that.", '["a"]', '["a", "b", "c"]', '["a", ""]', '["a", 1]', '["a", ["b"]]', '["a", "b"',
     '{"a": "b"}', '["a", "b"]["c", "d"]', "[" * 5000, '["a", null]'],
)  # fmt: skip
def test_a_bad_reply_is_refused(reply: str) -> None:
    with pytest.raises(Refused):
        parse(reply, 2)


@pytest.mark.parametrize(
    "text",
    ["Jazz.", "word " * 61, "- a list with jazz", "1. A jazz tune", "A **jazz** tune here",
     "Jazz. Two. Three. And four.", "A jazz tune at 90 BPM.", "A jazz tune\x07 here", "See https://x.y for jazz"],
)  # fmt: skip
def test_a_bad_caption_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        check(text)


def test_examples_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Calm jazz with piano.\n\n  Dark techno. \n")
    (tmp_path / "a.json").write_text('["Calm jazz with piano.", "Dark techno."]')
    (tmp_path / "none.txt").write_text("\n")
    assert (
        load_examples(tmp_path / "a.txt")
        == load_examples(tmp_path / "a.json")
        == ("Calm jazz with piano.", "Dark techno.")
    )
    for name in ("none.txt", "missing.txt"):
        with pytest.raises(FileError, match="one prompt a line"):
            load_examples(tmp_path / name)


# --- sets ----------------------------------------------------------------------------------------------------------


def write_set(path: Path, count: int = 6) -> Path:
    moods = ("calm", "dark", "happy", "tense", "dreamy")
    said = [f"A {moods[i % 5]} jazz piece with piano, {90 + i} BPM, A minor." for i in range(count)]
    rows = [{"path": f"{i % 100:02d}/{1000 + i}.mp3", "caption": caption} for i, caption in enumerate(said)]
    path.write_text(json.dumps(rows))
    return path


def test_sets_are_read_from_files_and_folders(tmp_path: Path) -> None:
    row = {
        "id": "s1-0",
        "path": "audio/s1.flac",
        "start": 0.0,
        "seconds": 10.0,
        "captions": {"dense": ["a", "b"], "short": ["c"]},
    }
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "manifest.jsonl").write_text(json.dumps(row) + '\nnonsense\n{"id": 1}\n')
    found, bad = read_captions(tmp_path / "own", ["dense"])
    assert found == [Caption("s1-0", "a", "dense"), Caption("s1-0", "b", "dense")] and len(bad) == 2
    prepared = tmp_path / "prepared" / "manifest" / "00000"
    prepared.mkdir(parents=True)
    (prepared / "tracks.jsonl").write_text(json.dumps(row | {"seconds": None, "path": "00/7.mp3"}) + "\n")
    assert read_captions(tmp_path / "prepared")[0][0] == Caption("00/7.mp3", "a", "dense")
    with pytest.raises(RequestError, match="it has dense, short"):
        read_captions(tmp_path / "own", ["long"])
    for wrong in ("missing.json", "own/audio"):
        with pytest.raises(FileError, match="there is no"):
            read_captions(tmp_path / wrong)
    (tmp_path / "empty.json").write_text("[]")
    with pytest.raises(FileError, match="no captions"):
        read_captions(tmp_path / "empty.json")


def test_the_result_is_a_style_for_prepare(tmp_path: Path) -> None:
    from ttm_trainer.data.manifest import scan

    (tmp_path / "music" / "00").mkdir(parents=True)
    (tmp_path / "music" / "00" / "1000.mp3").touch()
    rewrite_file(write_set(tmp_path / "in.json", 1), tmp_path / "rewritten.json", RulesRewriter(), show=str)
    tracks, _ = scan([tmp_path / "music"], {"rewritten": tmp_path / "rewritten.json", "dense": tmp_path / "in.json"})
    assert len(tracks) == 1 and set(tracks[0].captions) == {"rewritten", "dense"}
    assert not leftovers(tracks[0].captions["rewritten"][0])


def test_every_row_is_written_in_order(tmp_path: Path) -> None:
    source, out, lines = write_set(tmp_path / "in.json", 1203), tmp_path / "new" / "out.json", []
    report = rewrite_file(source, out, RulesRewriter(), limit=700, show=lines.append)
    assert (report.captions, report.rewritten, report.refused, report.refused_file) == (700, 700, 0, None)
    report = rewrite_file(source, out, RulesRewriter(), show=lines.append)
    rows = json.loads(out.read_text())
    assert [row["path"] for row in rows] == [row["path"] for row in json.loads(source.read_text())]
    assert all(set(row) == {"path", "caption"} and not leftovers(row["caption"]) for row in rows)
    assert "1203/1203 captions" in lines[-1] and "min left" in lines[-1]


def test_what_the_rules_cannot_do_is_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text(
        '[{"path": "1", "caption": "128 BPM"}, {"path": "2", "caption": "Jazz, piano"}, {"x": 1}]'
    )
    report = rewrite_file(tmp_path / "in.json", tmp_path / "out.json", RulesRewriter(), show=str)
    assert (report.captions, report.rewritten, report.refused, report.unreadable_rows) == (2, 1, 1, 1)
    assert "no genre" in json.loads(Path(report.refused_file).read_text())["reason"]


def test_a_journal_of_other_settings_is_refused(tmp_path: Path) -> None:
    source, out = write_set(tmp_path / "in.json"), tmp_path / "out.json"
    rewrite_file(source, out, RulesRewriter(0), show=str)
    with pytest.raises(FileError, match="seed was 0, now 1"):
        rewrite_file(source, out, RulesRewriter(1), show=str)
    with pytest.raises(FileError, match="input was '6 captions.*now '7 captions"):
        rewrite_file(write_set(source, 7), out, RulesRewriter(0), show=str)
    (tmp_path / "mine.json").write_text("[]")
    with pytest.raises(FileError, match="exists already"):
        rewrite_file(source, tmp_path / "mine.json", RulesRewriter(0), show=str)
    journal.journal_of(tmp_path / "notes.json").write_text("my notes\n")
    with pytest.raises(FileError, match="no journal"):
        rewrite_file(source, tmp_path / "notes.json", RulesRewriter(0), show=str)
    with pytest.raises(RequestError, match="must end in .json"):
        rewrite_file(source, tmp_path / "out.txt", RulesRewriter(0), show=str)


@pytest.mark.parametrize("torn", [b'{"item": 5, "pa', b"\0\0\0\0\n", b'{"item": 5}'])
def test_a_torn_journal_goes_on(tmp_path: Path, torn: bytes) -> None:
    source, out = write_set(tmp_path / "in.json"), tmp_path / "out.json"
    rewrite_file(source, out, RulesRewriter(), show=str)
    whole, path = out.read_bytes(), journal.journal_of(out)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]) + torn)
    out.unlink()
    rewrite_file(source, out, RulesRewriter(), show=str)
    assert out.read_bytes() == whole and path.read_bytes() == b"".join(lines)


def test_a_full_disk_is_said_and_the_run_goes_on(tmp_path: Path, monkeypatch) -> None:
    source, out = write_set(tmp_path / "in.json", 3), tmp_path / "out.json"

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, journal.opened(out, {}) as book:
        patched.setattr(os, "fsync", full)
        with pytest.raises(FileError, match="No space left.*make room"):
            book.add([{"item": 0}], [])
    journal.journal_of(out).unlink()
    assert rewrite_file(source, out, RulesRewriter(), show=str).rewritten == 3


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    source, out = write_set(tmp_path / "in.json"), tmp_path / "out.json"
    with journal.opened(out, {}):
        with pytest.raises(FileError, match="another program"):
            rewrite_file(source, out, RulesRewriter(), show=str)


# --- a server ------------------------------------------------------------------------------------------------------


def good(count: int) -> str:
    return json.dumps([f"A calm jazz tune with piano, number {i}." for i in range(count)])


class Server:
    """An OpenAI-compatible server in a thread; `answer(number, captions)` -> reply, or (status, text, headers)."""

    def __init__(self, answer):
        self.answer, self.requests, self.headers = answer, [], []
        lock, outer = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    number = len(outer.requests)
                    outer.requests.append(body)
                    outer.headers.append((self.path, dict(self.headers)))
                said = body["messages"][0]["content"]
                captions = json.loads(said[said.index("[\n ") : said.index("]\n\nAnswer") + 1])
                found = outer.answer(number, captions)
                status, text, headers = found if isinstance(found, tuple) else (200, found, {})
                if status == 200:
                    text = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})
                try:
                    self.send_response(status)
                    for name, value in ({"Content-Length": str(len(text.encode()))} | headers).items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(text.encode())
                except OSError:  # the client was killed, or waited no longer
                    pass

            def log_message(self, *args) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers: list[Server] = []

    def start(answer) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def ask(server: Server, batch: int = 4, **options) -> ModelRewriter:
    kinds = {"parallel", "timeout", "tries", "key_env"}
    chat = {"parallel": 1, "wait": 0.01} | {key: value for key, value in options.items() if key in kinds}
    rest = {key: value for key, value in options.items() if key not in kinds}
    return ModelRewriter("endpoint", Endpoint(server.url, "tiny", **chat), batch=batch, **rest)


def test_a_server_is_asked_in_batches(tmp_path: Path, serve) -> None:
    server = serve(lambda number, captions: good(len(captions)))
    report = rewrite_file(write_set(tmp_path / "in.json", 10), tmp_path / "out.json", ask(server, parallel=3), show=str)
    assert (report.rewritten, report.refused) == (10, 0)
    asked = [body["messages"][0]["content"].count(" jazz piece with piano") for body in server.requests]
    assert sorted(asked) == [2, 4, 4]
    assert {path for path, _ in server.headers} == {"/v1/chat/completions"}
    assert server.requests[0]["model"] == "tiny" and server.requests[0]["temperature"] == 0
    assert all("Authorization" not in headers for _, headers in server.headers)


def test_refused_batches_are_halved_then_single_then_kept_aside(tmp_path: Path, serve) -> None:
    sizes = []

    def answer(number: int, captions: list[str]) -> str:
        sizes.append(len(captions))
        if len(captions) == 8:
            return good(7)
        return "Sorry, no." if any("dark" in caption for caption in captions) else good(len(captions))

    source = write_set(tmp_path / "in.json", 8)  # number 1 and number 6 are dark
    report = rewrite_file(source, tmp_path / "out.json", ask(serve(answer), batch=8), show=str)
    assert sizes == [8, 4, 4] + [1] * 8
    assert (report.rewritten, report.refused, report.by_rules) == (6, 2, 0)
    aside = [json.loads(line) for line in Path(report.refused_file).read_text().splitlines()]
    assert [row["path"] for row in aside] == ["01/1001.mp3", "06/1006.mp3"]
    assert all(row["reply"] == "Sorry, no." and row["reason"] and row["text"] is None for row in aside)
    assert len(json.loads((tmp_path / "out.json").read_text())) == 6


def test_one_bad_caption_does_not_spoil_its_batch(tmp_path: Path, serve) -> None:
    def answer(number: int, captions: list[str]) -> str:
        texts = json.loads(good(len(captions)))
        return json.dumps([f"{t[:-1]} at 90 BPM." if "dark" in c else t for c, t in zip(captions, texts, strict=True)])

    server = serve(answer)
    rewriter = ask(server, batch=5, fallback=True)
    report = rewrite_file(write_set(tmp_path / "in.json", 5), tmp_path / "out.json", rewriter, show=str)
    assert (report.rewritten, report.refused, report.by_rules) == (5, 0, 1)
    assert len(server.requests) == 3  # 5, then the one twice more
    rows = json.loads((tmp_path / "out.json").read_text())
    assert "dark" in rows[1]["caption"].lower() and "tempo: 90 BPM" in Path(report.refused_file).read_text()


def test_refused_captions_can_be_asked_for_again(tmp_path: Path, serve) -> None:
    source, out, well = write_set(tmp_path / "in.json", 2), tmp_path / "out.json", []
    server = serve(lambda number, captions: good(len(captions)) if well or "dark" not in captions[0] else "no")
    rewriter = ask(server, batch=1)
    assert rewrite_file(source, out, rewriter, show=str).refused == 1
    count = len(server.requests)
    assert rewrite_file(source, out, rewriter, show=str).refused == 1 and len(server.requests) == count
    well.append(True)
    report = rewrite_file(source, out, rewriter, retry_refused=True, show=str)
    assert report.refused == 0 and len(server.requests) == count + 1 and len(json.loads(out.read_text())) == 2


def test_a_model_that_cannot_do_it_is_noticed(tmp_path: Path, serve) -> None:
    rewriter = ask(serve(lambda number, captions: "no"), batch=2)
    rewriter.patience = 4
    with pytest.raises(GenerationError, match="last 4 captions were all refused"):
        rewrite_file(write_set(tmp_path / "in.json", 50), tmp_path / "out.json", rewriter, show=str)


def test_a_busy_server_is_tried_again(tmp_path: Path, serve) -> None:
    busy = [(429, "slow down", {"Retry-After": "0.05"}), (500, "oops", {}), (503, "", {})]
    server = serve(lambda number, captions: busy[number] if number < 3 else good(len(captions)))
    report = rewrite_file(write_set(tmp_path / "in.json", 4), tmp_path / "out.json", ask(server), show=str)
    assert report.rewritten == 4 and len(server.requests) == 4


def test_a_server_that_hangs_stops_the_run_which_then_goes_on(tmp_path: Path, serve) -> None:
    source, out, awake = write_set(tmp_path / "in.json", 8), tmp_path / "out.json", threading.Event()

    def answer(number: int, captions: list[str]) -> str:
        if number:
            awake.wait(5)
        return good(len(captions))

    server = serve(answer)
    began = time.monotonic()
    with pytest.raises(ModelError, match="did not answer in 2 tries .*timed out.*again to go on"):
        rewrite_file(source, out, ask(server, timeout=0.3, tries=2), show=str)
    assert time.monotonic() - began < 4 and not out.exists()
    awake.set()
    assert rewrite_file(source, out, ask(server), show=str).rewritten == 8
    assert len(server.requests) == 1 + 2 + 1  # the first batch was not asked for again


@pytest.mark.parametrize("status", [400, 401, 404, 302])
def test_a_server_that_refuses_stops_the_run_at_once(tmp_path: Path, serve, status: int) -> None:
    body = json.dumps({"error": {"message": "bad\nrequest of model tiny"}})
    server = serve(lambda number, captions: (status, body, {"Location": "http://127.0.0.1:9/"}))
    with pytest.raises(ModelError, match=f"answers {status}: bad request"):
        rewrite_file(write_set(tmp_path / "in.json"), tmp_path / "out.json", ask(server), show=str)
    assert len(server.requests) == 1


def test_a_request_that_is_too_long_is_halved(tmp_path: Path, serve) -> None:
    def answer(number: int, captions: list[str]):
        too_long = number > 0 and len(captions) == 4
        return (400, "context length exceeded", {}) if too_long else good(len(captions))

    report = rewrite_file(write_set(tmp_path / "in.json", 8), tmp_path / "out.json", ask(serve(answer)), show=str)
    assert report.rewritten == 8


def test_options_a_server_does_not_take_are_left_out(serve) -> None:
    def answer(number: int, captions: list[str]):
        body = server.requests[number]
        if "max_tokens" in body:
            return 400, "{'max_tokens'} is not supported: use 'max_completion_tokens'", {}
        return (400, "'temperature' must be 1", {}) if "temperature" in body else good(len(captions))

    server = serve(answer)
    chat = Endpoint(server.url, "tiny", wait=0.01)
    assert parse(chat.reply(build_request(["Jazz."], EXAMPLES, random.Random(0)), 1), 1)
    assert "max_completion_tokens" in server.requests[-1] and len(server.requests) == 3


def test_the_key_is_sent_and_told_nobody(tmp_path: Path, serve, monkeypatch) -> None:
    key = "sk-very-secret-0123"
    monkeypatch.setenv("MY_KEY", key)
    replies = [good(2), (401, f"wrong key {key}", {})]
    server = serve(lambda number, captions: replies[min(number, 1)])
    lines: list[str] = []
    with pytest.raises(ModelError) as error:
        rewrite_file(
            write_set(tmp_path / "in.json", 4),
            tmp_path / "out.json",
            ask(server, 2, key_env="MY_KEY"),
            show=lines.append,
        )
    assert server.headers[0][1]["Authorization"] == f"Bearer {key}"
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert "wrong key [key]" in str(error.value) and key not in str(error.value) + str(lines)
    assert key.encode() not in written
    monkeypatch.setenv("MY_KEY", "two\nlines")
    with pytest.raises(RequestError, match="MY_KEY") as wrong:
        ask(server, key_env="MY_KEY")
    assert "lines" not in str(wrong.value)
    with pytest.raises(RequestError, match="NO_SUCH_KEY is empty"):
        ask(server, key_env="NO_SUCH_KEY")


@pytest.mark.parametrize(
    "url", ["ftp://x/v1", "file:///etc/passwd", "localhost:8000", "http://", "http://u:p@h/v1", "http://h:x/"]
)
def test_only_plain_http_addresses(url: str) -> None:
    with pytest.raises(RequestError, match="URL") as error:
        Endpoint(url, "tiny")
    assert "u:p" not in str(error.value)


def test_an_address_is_completed() -> None:
    assert Endpoint("http://h:8000/v1/", "m").url == "http://h:8000/v1/chat/completions"
    assert Endpoint("https://h/api/chat/completions", "m").url == "https://h/api/chat/completions"


# --- kills ---------------------------------------------------------------------------------------------------------


def start(*arguments: object) -> subprocess.Popen:
    code = "from ttm_trainer.cli.captions import captions as c; c()"
    call = [sys.executable, "-c", code, "rewrite", *map(str, arguments)]
    return subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ | {"no_proxy": "*"})


def test_kill_9_loses_no_more_than_what_was_under_way(tmp_path: Path, serve) -> None:
    source, out, killed = write_set(tmp_path / "in.json", 30), tmp_path / "out.json", threading.Event()

    def answer(number: int, captions: list[str]) -> str:
        if number == 7 and not killed.is_set():
            process.send_signal(signal.SIGKILL)
            killed.set()
        return json.dumps([f"Jazz with piano, {caption.split()[1]}." for caption in captions])

    server = serve(answer)
    arguments = (
        source,
        "-o",
        out,
        "--by",
        "endpoint",
        "--url",
        server.url,
        "--model",
        "tiny",
        "--batch",
        3,
        "--parallel",
        2,
    )
    process = start(*arguments)
    assert process.wait(60) == -signal.SIGKILL and not out.exists()
    process.stderr.close()
    asked = len(server.requests)
    kept = len(journal.read_rows(journal.journal_of(out))[1])
    assert kept % 3 == 0 and kept > 0  # whole replies; what was under way may be lost, what was written never is
    again = start(*arguments)
    assert again.wait(60) == 0, again.stderr.read()
    again.stderr.close()
    assert len(server.requests) == asked + 10 - kept // 3  # only what was not kept is asked for again
    rows = json.loads(out.read_text())
    assert [row["caption"] for row in rows] == [
        f"Jazz with piano, {row['caption'].split()[1]}." for row in json.loads(source.read_text())
    ]


def test_a_cancelled_run_says_how_to_go_on(tmp_path: Path, serve) -> None:
    def answer(number: int, captions: list[str]) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        awake.wait(5)
        return good(len(captions))

    awake, before = threading.Event(), signal.getsignal(signal.SIGTERM)
    options = ("--by", "endpoint", "--url", serve(answer).url, "--model", "tiny", "--parallel", 1)
    result = invoke("rewrite", write_set(tmp_path / "in.json"), "-o", tmp_path / "out.json", *options)
    awake.set()
    assert isinstance(result.exception, Cancelled) and "again to go on" in str(result.exception)
    assert signal.getsignal(signal.SIGTERM) == before


# --- a model on this machine ---------------------------------------------------------------------------------------


def write_model(folder: Path, chain: list[str], template: bool = True, scale: float = 0.0) -> Path:
    """A tiny Llama with a byte-level tokenizer. scale 0: after the request it says the pieces of `chain`, one by one
    (each token's embedding is a unit vector, its blocks add nothing, the head maps each token to the next)."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = {piece: i for i, piece in enumerate(["<eos>", *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    raw = Tokenizer(models.BPE(letters, []))
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<eos>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<user>", "<assistant>"]})
    tokenizer.add_tokens([AddedToken(piece, special=False, normalized=False) for piece in chain])
    if template:
        user, assistant = "{% for m in messages %}<user>{{ m.content }}{% endfor %}", "<assistant>"
        tokenizer.chat_template = f"{user}{{% if add_generation_prompt %}}{assistant}{{% endif %}}"
    width = len(tokenizer)
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1, "intermediate_size": 8}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LlamaForCausalLM(
            LlamaConfig(vocab_size=width, hidden_size=width + width % 2, max_position_embeddings=8192, eos_token_id=0,
                        bos_token_id=None, pad_token_id=None, tie_word_embeddings=False, **sizes)
        )  # fmt: skip
    if not scale:
        block = model.model.layers[0]
        with torch.no_grad():
            block.self_attn.o_proj.weight.zero_()
            block.mlp.down_proj.weight.zero_()
            model.model.embed_tokens.weight.copy_(torch.eye(width, width + width % 2))
            model.lm_head.weight.zero_()
            first = "<assistant>" if template else tokenizer.convert_ids_to_tokens(tokenizer("\n").input_ids)[0]
            said = [tokenizer.convert_tokens_to_ids(piece) for piece in (first, *chain, "<eos>")]
            for token, following in zip(said, said[1:], strict=False):
                model.lm_head.weight[following, token] = 1.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("template", [True, False])
def test_a_local_model_is_asked(tmp_path: Path, template: bool) -> None:
    write_model(tmp_path / "model", ['["A calm jazz tune with piano.", ', '"Dark jazz with a piano."', "]"], template)
    chat = LocalChat(tmp_path / "model")
    rewriter = ModelRewriter("transformers", chat, batch=2)
    rewrite_file(write_set(tmp_path / "in.json", 2), tmp_path / "out.json", rewriter, show=str)
    rows = json.loads((tmp_path / "out.json").read_text())
    assert [row["caption"] for row in rows] == ["A calm jazz tune with piano.", "Dark jazz with a piano."]
    assert chat.identity["model"] == "model" and chat.identity["weights"]


@pytest.mark.slow
def test_a_model_of_nonsense_leaves_it_to_the_rules(tmp_path: Path) -> None:
    rewriter = ModelRewriter(
        "transformers", LocalChat(write_model(tmp_path / "m", [], scale=1.0)), batch=2, fallback=True
    )
    rewriter.chat.model.config.max_position_embeddings = 3200  # short replies
    report = rewrite_file(write_set(tmp_path / "in.json", 2), tmp_path / "out.json", rewriter, show=str)
    assert (report.rewritten, report.by_rules) == (2, 2)
    assert "JSON" in Path(report.refused_file).read_text()


def test_a_request_too_long_for_a_local_model_is_refused(tmp_path: Path) -> None:
    chat = LocalChat(write_model(tmp_path / "m", []))
    with pytest.raises(Refused, match="too many for a model of 8192"):
        chat.reply("x" * 8200, 1)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no config.json"):
        LocalChat(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError, match="cannot load"):
        LocalChat(tmp_path)


# --- the command ---------------------------------------------------------------------------------------------------


def invoke(*arguments: object):
    return CliRunner().invoke(command, list(map(str, arguments)))


def test_the_command_rewrites_and_shows(tmp_path: Path) -> None:
    source, out = write_set(tmp_path / "in.json"), tmp_path / "out.json"
    result = invoke("rewrite", source, "-o", out, "--json")
    assert result.exit_code == 0 and json.loads(result.stdout)["rewritten"] == 6
    assert "6/6 captions" in result.stderr
    result = invoke("show", out, "--count", 2, "--json")
    shown = json.loads(result.stdout)
    assert [row["path"] for row in shown] == ["00/1000.mp3", "03/1003.mp3"] and "BPM" in shown[0]["before"]
    assert not leftovers(shown[0]["after"]) and shown[0]["by"] == "rules"
    assert "before" in invoke("show", out).stdout and "before" not in invoke("show", source).stdout


@pytest.mark.parametrize(
    "options",
    [("--by", "endpoint"), ("--by", "endpoint", "--model", "m"), ("--by", "transformers"), ("--model", "m"),
     ("--by", "transformers", "--model", "m", "--url", "http://h"), ("--by", "endpoint", "--model", "m", "--url", "h")],
)  # fmt: skip
def test_options_that_do_not_fit_are_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    result = invoke("rewrite", write_set(tmp_path / "in.json"), "-o", tmp_path / "out.json", *options)
    assert isinstance(result.exception, RequestError) and not (tmp_path / "out.json").exists()
