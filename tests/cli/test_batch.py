"""Many prompts in one run: lines are read, named and made safely, and a second run goes on where the first stopped."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen_app.cli import run
from musicgen_app.cli.generation.batch import _Meter, plan, seed_of
from musicgen_app.cli.generation.claims import STALE, claim, sweep
from musicgen_app.cli.generation.prompt_file import FIELDS, LINE_BYTES, Failure, Names, Prompt, output_name, parse
from musicgen_app.engine import Engine, Progress
from musicgen_app.errors import FileError, GenerationError, RequestError
from musicgen_app.machine import files, paths

FAST = ("--model", "tiny", "--seconds", "0.5", "--steps", "2")


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def batch(home, tmp_path, monkeypatch, capfd):
    """Write a file of prompts (unless None) and make its clips in this process, in a folder of their own."""
    monkeypatch.chdir(tmp_path)

    def call(text: str | bytes | None, *argv: object) -> Ran:
        if text is not None:
            Path("prompts.txt").write_bytes(text.encode() if isinstance(text, str) else text)
        code = run(["generate", "--prompts", "prompts.txt", "--no-keep", *FAST, *map(str, argv)])
        return Ran(code, *capfd.readouterr())

    return call


@pytest.fixture
def no_engine(monkeypatch):
    """No model may run."""
    import musicgen_app.engine

    monkeypatch.delattr(musicgen_app.engine, "Engine")


def names() -> list[str]:
    return sorted(name for name in os.listdir() if name != "prompts.txt")


# --- reading


def test_lines():
    text = '\ufeff# jazz\n\n  slow piano \r\n{"prompt": "flute", "seed": 3, "output": "a.ogg"}\n \t\n\t# no\nlast é'
    assert list(parse(io.BytesIO(text.encode()))) == [
        Prompt(3, 1, {"prompt": "slow piano"}),
        Prompt(4, 2, {"prompt": "flute", "seed": 3}, "a.ogg"),
        Prompt(7, 3, {"prompt": "last é"}),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"prompt": "x"', "not a JSON object"),
        (b'{"prompt": "x"} and more', "not a JSON object"),
        (b'{"a":' * 10_000, "not a JSON object"),
        (b'{"seed": ' + b"9" * 5_000 + b"}", "not a JSON object"),
        (b"caf\xe9", "not UTF-8"),
        (b"x" * (LINE_BYTES + 1), "longer than"),
    ],
)
def test_a_bad_line_is_one_failure(line, message):
    bad, good = parse(io.BytesIO(line + b"\nslow piano"))
    assert bad.line == 1 and message in str(bad.error) and "\n" not in str(bad.error)
    assert good == Prompt(2, 2, {"prompt": "slow piano"})


@given(st.binary(max_size=200))
def test_any_bytes_give_a_prompt_or_a_failure_a_line(data):
    found = {item.line: item for item in parse(io.BytesIO(data))}
    for number, line in enumerate(data.split(b"\n"), start=1):
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        assert (number in found) == bool(line.strip() and not line.strip().startswith(b"#"))


def test_a_huge_line_is_not_kept():
    stream = io.BytesIO(b"x" * 8_000_000 + b"\n# " + b"y" * 8_000_000 + b"\nslow piano\n")
    tracemalloc.start()
    try:
        found = list(parse(stream))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert [type(item) for item in found] == [Failure, Prompt] and found[1].line == 3


def test_ten_thousand_lines(home):
    lines = "".join(f"slow piano {i % 5_000}\n" for i in range(10_000)).encode()
    jobs = plan(parse(io.BytesIO(lines)), {"model": "tiny"}, Names(), Path("songs"), ".wav")
    assert len({job.target for job in jobs}) == 10_000
    assert jobs[0].target.name == f"0001-slow-piano-0-{jobs[0].request.seed}.wav"
    assert jobs[0].request.prompt == jobs[5_000].request.prompt
    assert jobs[0].request.seed != jobs[5_000].request.seed  # the same prompt again is another clip


def test_too_many_lines(monkeypatch):
    monkeypatch.setattr("musicgen_app.cli.generation.prompt_file.PROMPTS", 3)
    with pytest.raises(RequestError, match="more than 3 prompts"):
        list(parse(io.BytesIO(b"x\n" * 4)))


# --- names


FIELD_VALUES = {"index": 2, "line": 7, "slug": "slow-piano", "seed": 5, "model": "tiny", "n": 1}


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{line:04d}-{slug}-{seed}", "0007-slow-piano-5"),
        ("{index}_{model} {n:2d}", "2_tiny  1"),
        ("{slug:.4}{{}} é", "slow{} é"),
        ("..{slug}.", "slow-piano"),
        ("con", "_con"),
        ("aux.{n}", "_aux.1"),
        ("x" * 500, "x" * 200),
    ],
)
def test_templates(template, name):
    assert Names(template)(1, **FIELD_VALUES) == name


def test_variations_are_told_apart():
    assert Names("{slug}")(2, **FIELD_VALUES) == "slow-piano-1"
    assert Names("{slug}{n}")(2, **FIELD_VALUES) == "slow-piano1"
    assert Names("{slug} {seed}")(2, **FIELD_VALUES) == "slow-piano 5"


@pytest.mark.parametrize(
    "template",
    ["{prompt}", "{}", "{0}", "{slug.__class__}", "{slug[0]}", "{seed!r}", "{line:{n}}", "{line:999999999d}",
     "{line:x}", "{slug:>999999}", "{slug:.100}", "{line", "line}"],
)  # fmt: skip
def test_other_fields_are_refused(template):
    with pytest.raises(RequestError) as caught:
        Names(template)
    assert all(f"{{{name}}}" in str(caught.value) for name in FIELDS) and "\n" not in str(caught.value)


@pytest.mark.parametrize("template", ["", " ", "a/{n}", "..\\{slug}", "{slug}\n", "c:{slug}", "{slug}.wav", "{n}.MP3"])
def test_templates_that_are_no_file_names(template):
    with pytest.raises(RequestError, match="--name"):
        Names(template)


def assert_safe(name: str) -> None:
    assert Path(name).name == name and not name.startswith(".") and len(name.encode()) < 250
    assert not re.search(r'[/\\:*?"<>|\x00-\x1f]|^(con|aux|nul|prn|com\d|lpt\d)(\.|$)', name, re.IGNORECASE)


@given(st.text(max_size=300))
def test_any_template_gives_a_safe_name_or_an_error(template):
    try:
        assert_safe(Names(template)(3, **FIELD_VALUES) + ".wav")
    except RequestError as error:
        assert "\n" not in str(error)


@given(st.text(max_size=300))
@pytest.mark.parametrize("output", ["../x", "/etc/passwd", ".wav", "..", "con.wav", "a\0b", "", "x/y.wav"])
def test_any_output_gives_a_safe_name_or_an_error(output, text):
    for value in (text, output + text, text + output):
        try:
            assert_safe(output_name(value, ".wav"))
        except RequestError as error:
            assert "\n" not in str(error)


def test_output_chooses_the_format_if_it_names_one():
    assert output_name("Piano v1.2", ".ogg") == "Piano v1.2.ogg"
    assert output_name("Piano.FLAC", ".ogg") == "Piano.FLAC"
    for bad in ("../x", "/etc/passwd", ".wav", "..", "con.wav", "a\0b", "", "x/y.wav", 3, ["a"]):
        with pytest.raises(RequestError, match="output"):
            output_name(bad, ".wav")


def test_seeds_depend_on_the_prompt_alone(home):
    def seeds(text: str) -> dict:
        jobs = plan(parse(io.BytesIO(text.encode())), {"model": "tiny"}, Names(), Path(), ".wav")
        return {job.request.prompt: job.request.seed for job in jobs}

    first = seeds("piano\nflute\n")
    assert seeds("# more\nharp\nflute\npiano\n").items() > first.items()
    assert first["piano"] == seed_of("piano", 1) == 1_081_963_029 and first["flute"] != first["piano"]


# --- making


def test_a_batch(batch):
    text = '# two of them\nSlow piano\n\n{"prompt": "flute", "seed": 4, "steps": 3, "output": "flute.flac"}\n'
    ran = batch(text, "--out-dir", "songs/new", "--format", "ogg", "--json")
    assert ran.code == 0 and ran.err == "2 made\n"
    piano, flute = ran.lines
    seed = seed_of("Slow piano", 1)
    assert (piano["line"], piano["path"]) == (2, f"songs/new/0002-slow-piano-{seed}.ogg")
    assert (piano["seed"], piano["steps"], piano["seconds"], piano["model"]["name"]) == (seed, 2, 0.5, "tiny")
    assert (flute["line"], flute["path"], flute["seed"], flute["steps"]) == (4, "songs/new/flute.flac", 4, 3)
    run(["generate", "flute", *FAST, "--seed", "4", "--steps", "3", "-o", "alone.flac"])
    assert Path("alone.flac").read_bytes() == Path("songs/new/flute.flac").read_bytes()


def test_for_people(batch):
    made = batch("piano\n", "--seed", 1)
    assert made == Ran(0, "0001-piano-1.wav  0.5 s  seed 1\n", "1 made\n")
    assert batch(None, "--seed", 1) == Ran(0, "0001-piano-1.wav  is there already\n", "1 there already\n")
    assert batch(None, "--seed", 1, "-q") == Ran(0, "0001-piano-1.wav\n", "")


def test_prompts_from_stdin(batch, monkeypatch, capfd):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("quiet café guitar\n".encode())))
    assert run(["generate", "--prompts", "-", *FAST, "--seed", "2", "-q"]) == 0
    assert capfd.readouterr().out == "0001-quiet-cafe-guitar-2.wav\n"


def test_variations_of_a_line(batch):
    ran = batch('{"prompt": "piano", "variations": 2, "output": "p.wav"}\nflute\n', "-n", 3, "--seed", 5, "--json")
    assert [(line["path"], line["seed"]) for line in ran.lines] == [
        ("p-1.wav", 5), ("p-2.wav", 6), ("0002-flute-5.wav", 5), ("0002-flute-6.wav", 6), ("0002-flute-7.wav", 7),
    ]  # fmt: skip


def test_run_again_goes_on(batch, monkeypatch):
    text = "piano\npiano\n" + '{"prompt": "flute", "negative": "drums", "guidance": 0}\n'
    assert batch(text, "--format", "mp3").code == 0
    before = {name: Path(name).read_bytes() for name in names()}
    os.remove(gone := names()[1])
    again = batch(None, "--format", "mp3", "--json")
    assert [line.get("skipped") for line in again.lines] == [True, True, None]
    assert again.lines[2]["path"] == gone
    assert {name: Path(name).read_bytes() for name in names()} == before
    monkeypatch.delattr("musicgen_app.engine.Engine")  # nothing to make: no model is loaded
    assert batch(None, "--format", "mp3").err == "3 there already\n"


def test_the_best_of_several_is_resumed(batch, tiny_aligner, monkeypatch):
    import musicgen_app.engine

    load = musicgen_app.engine.load_aligner
    monkeypatch.setattr(musicgen_app.engine, "load_aligner", lambda folder: load(tiny_aligner))
    text = '{"prompt": "piano", "seed": 5, "variations": 2}\n{"prompt": "flute", "seed": 1, "best_of": 1}\n'
    first = batch(text, "--best-of", 3, "--json").lines
    assert [line["path"] for line in first] == ["0001-piano-5.wav", "0001-piano-8.wav", "0002-flute-1.wav"]
    assert [line.get("first_seed") for line in first] == [5, 8, None]
    before = {name: Path(name).read_bytes() for name in names()}
    assert batch(None, "--best-of", 3).err == "3 there already\n"
    assert "line 1: 0001-piano-5.wav exists already and is of another" in batch(None, "--best-of", 2).err
    assert {name: Path(name).read_bytes() for name in before} == before


def test_clips_are_kept_in_the_library_too(batch, tmp_path, monkeypatch):
    from musicgen_app.library import Library

    monkeypatch.setenv("TTM_APP_LIBRARY", str(tmp_path / "kept"))
    assert batch("piano\nflute\n", "--keep", "--out-dir", "songs").code == 0
    assert {item.request.prompt for item in Library(tmp_path / "kept").search()} == {"piano", "flute"}
    batch(None, "--keep", "--out-dir", "songs")
    assert Library(tmp_path / "kept").count() == 2  # what was there already is not kept again
    monkeypatch.setenv("TTM_APP_LIBRARY", str(tmp_path / "prompts.txt"))
    ran = batch("harp\nbells\n", "--keep", "--out-dir", "songs")
    assert ran.code == 0 and ran.err.count("warning: songs/0001-harp") == ran.err.count("is not in the library") == 1


@pytest.mark.parametrize("change", [("--steps", 3), ("--negative", "drums"), ("--loudness", -30)])
def test_a_file_of_another_request_is_an_error(batch, change):
    batch("piano\nflute\n", "--seed", 1)
    before = Path("0001-piano-1.wav").read_bytes()
    os.remove("0002-flute-1.wav")
    ran = batch(None, "--seed", 1, *change)
    assert ran.code == 3 and Path("0001-piano-1.wav").read_bytes() == before
    assert re.match(r"error: line 1: 0001-piano-1.wav exists already and is of another request: .*--force\n", ran.err)
    assert ran.err.endswith("1 made, 1 failed\n") and ran.out.startswith("0002-flute-1.wav")
    kept = Path("0002-flute-1.wav").stat().st_mtime_ns
    forced = batch(None, "--seed", 1, *change, "--force")
    assert (forced.code, forced.err) == (0, "1 made, 1 there already\n")
    assert Path("0001-piano-1.wav").read_bytes() != before
    assert Path("0002-flute-1.wav").stat().st_mtime_ns == kept  # the same request: nothing to replace


def test_other_weights_and_other_peoples_files_are_errors(batch, tiny_parts, monkeypatch):
    from musicgen_app.models.bundle import write_bundle

    batch("piano\nflute\n", "--seed", 1)
    Path("0002-flute-1.wav").write_text("precious")
    config, state, files = tiny_parts
    state = state | {"latent_mean": state["latent_mean"] + 1}
    write_bundle(Path("other/models/tiny").absolute(), config, state, "", files)
    monkeypatch.setenv("TTM_APP_HOME", str(Path("other").absolute()))
    ran = batch(None, "--seed", 1)
    assert ran.code == 3 and "line 1: 0001-piano-1.wav exists already and was made with other weights" in ran.err
    assert "line 2: 0002-flute-1.wav exists already and is no clip of this request" in ran.err
    assert Path("0002-flute-1.wav").read_text() == "precious"


def test_bad_lines_are_told_first_and_the_rest_is_made(batch):
    text = b'piano\n{"prompt": "x", "stepz": 1}\n{nope\nflute\n{"prompt": "x", "model": "tinny"}\n'
    ran = batch(text + b'{"prompt": "y", "output": "../y"}\n\xff\n', "--seed", 1, "--json")
    assert ran.code == 2 and names() == ["0001-piano-1.wav", "0004-flute-1.wav"]
    errors = {line["line"]: line["error"] for line in ran.lines if "error" in line}
    assert {line: error["code"] for line, error in errors.items()} == {2: 2, 3: 2, 5: 4, 6: 2, 7: 2}
    assert "did you mean tiny" in errors[5]["message"]
    assert ran.lines[0] == {"line": 2, "error": errors[2]} and ran.lines[-1]["line"] == 4
    told = ran.err.splitlines()
    assert told[:-1] == [f"error: line {line}: {error['message']}" for line, error in errors.items()]
    assert told[-1] == "2 made, 5 failed"
    assert batch('{"prompt": "x", "model": "tinny"}\nslow\n{nope\n').code == 4  # that of the first


def test_a_clip_that_fails_does_not_stop_the_rest(batch, monkeypatch):
    make = Engine.generate

    def fails_once(self, request, *rest):
        if request.request.prompt == "silence":
            raise GenerationError("the model produced silence")
        return make(self, request, *rest)

    monkeypatch.setattr(Engine, "generate", fails_once)
    ran = batch("piano\nsilence\nflute\n", "--seed", 1)
    assert (ran.code, names()) == (5, ["0001-piano-1.wav", "0003-flute-1.wav"])
    assert ran.err == "error: line 2: the model produced silence\n2 made, 1 failed\n"


def test_each_model_is_loaded_once_and_a_damaged_one_fails_its_lines_only(batch, tiny_bundle, monkeypatch):
    import musicgen_app.pipeline

    for name in ("a", "b", "broken"):
        shutil.copytree(tiny_bundle.path, name)
    with open("broken/model.safetensors", "ab") as file:
        file.write(b"x")
    loaded = []
    load = musicgen_app.pipeline.load_backbone
    monkeypatch.setattr(musicgen_app.pipeline, "load_backbone", lambda b: loaded.append(b.path.name) or load(b))
    text = "".join(json.dumps({"prompt": "x", "model": f"./{name}"}) + "\n" for name in ("a", "broken", "b") * 2)
    ran = batch(text, "--out-dir", "songs", "--json")
    assert loaded == ["a", "broken", "b"] and ran.code == 4
    assert [line["line"] for line in ran.lines] == [1, 4, 2, 5, 3, 6]
    assert all("truncated" in line["error"]["message"] for line in ran.lines[2:4])


def test_names_that_meet_are_refused_before_anything_is_made(batch, no_engine):
    for text, options, which in [
        ("a\nb\n", ("--name", "song"), r"two clips would have the name song\.wav \(line 1 and line 2\)"),
        (
            '{"prompt": "a", "output": "É.wav"}\n\n{"prompt": "b", "output": "e\u0301"}\n',
            (),
            r"two clips .* \(line 1 and line 3\)",
        ),
        ("a\n", ("-n", 2, "--name", "x" * 200 + "{n}"), r"two clips .* \(line 1\)"),
    ]:
        ran = batch(text, *options, "--out-dir", "songs")
        assert (ran.code, ran.out, names()) == (2, "", []) and re.fullmatch(rf"error: {which}[^\n]*\n", ran.err)


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["--steps", 0], 2, "steps"),
        (["--name", "{title}"], 2, r"\{line\}"),
        (["-o", "x.wav"], 2, "takes the place"),
        (["--from", "x.wav"], 2, "takes the place"),
        (["piano"], 2, "takes the place"),
        (["--format", "aac"], 2, "format"),
        (["--out-dir", "prompts.txt"], 3, "cannot make the folder prompts.txt"),
        (["--out-dir", "prompts.txt/x"], 3, "cannot make the folder"),
    ],
)
def test_mistakes(batch, no_engine, argv, code, message):
    ran = batch("piano\n", *argv)
    assert (ran.code, ran.out, names()) == (code, "", [])
    assert re.fullmatch(rf"error: [^\n]*{message}[^\n]*\n", ran.err), ran.err


def test_a_file_without_prompts(batch, no_engine, capfd):
    assert batch("# nothing\n\n", "--out-dir", "songs").err == "error: there are no prompts: write one a line\n"
    assert run(["generate", "--prompts", "none.txt"]) == 3
    assert run(["generate", "--prompts", "."]) == 3
    assert "cannot read none.txt: No such file" in capfd.readouterr().err and names() == []


def test_options_of_a_batch_need_one(batch, capfd):
    for argv in (["--out-dir", "x"], ["--name", "{slug}"], ["-o", "x.wav", "--format", "wav"]):
        assert run(["generate", "piano", *FAST, *argv]) == 2
    assert run(["generate", "piano", *FAST, "--seed", "1", "--format", "flac", "-q"]) == 0
    assert capfd.readouterr().out == "piano-1.flac\n"


def test_a_long_prompt_in_a_wav_is_resumed_by_its_sidecar(batch):
    text = "piano " * 330 + "\n"
    assert batch(text, "--seed", 1).code == 0
    clip, sidecar = names()
    assert sidecar == f"{clip}.json"
    assert batch(None, "--seed", 1).err == "1 there already\n"
    os.remove(clip)  # as a run leaves it that is killed between the two
    assert batch(None, "--seed", 1).err == "1 made\n" and names() == [clip, sidecar]
    os.remove(sidecar)
    assert "sidecar" in batch(None, "--seed", 1).err
    os.remove(clip)
    Path(sidecar).write_text("precious")
    ran = batch(None, "--seed", 1)
    assert (ran.code, names(), Path(sidecar).read_text()) == (3, [sidecar], "precious")


# --- interruptions


def test_a_full_disk_ends_the_batch(batch, monkeypatch):
    def full(path, data, overwrite=False):
        raise FileError(f"cannot write {path}: No space left on device; free some space")

    monkeypatch.setattr(files, "write", full)
    ran = batch("piano\nflute\n", "--seed", 1)
    assert (ran.code, ran.out, names()) == (3, "", [])
    assert re.fullmatch(r"error: line 1: cannot write [^\n]*; 0 of 2 files are done; run the same [^\n]*\n", ran.err)


def test_interrupted(batch, monkeypatch):
    make, steps = Engine.generate, []

    def interrupted(self, request, progress, cancel):
        def stop(p):
            if p.stage == "sampling" and request.request.prompt == "flute":
                steps.append(p.step)
                signal.raise_signal(signal.SIGINT)

        return make(self, request, stop, cancel)

    monkeypatch.setattr(Engine, "generate", interrupted)
    before = signal.getsignal(signal.SIGINT)
    ran = batch("piano\nflute\nharp\n", "--seed", 1, "--steps", 9)
    assert (ran.code, ran.out) == (130, "0001-piano-1.wav  0.5 s  seed 1\n")
    assert ran.err == "error: cancelled; 1 of 3 files are done; run the same command again to go on\n"
    assert steps == [1] and names() == ["0001-piano-1.wav"]
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.setattr(Engine, "generate", make)
    assert batch(None, "--seed", 1, "--steps", 9).err == "2 made, 1 there already\n"


@pytest.mark.slow
def test_killed_and_run_again(batch, tmp_path):
    text = "".join(f"piano {i}\n" for i in range(16))
    assert batch(text, "--out-dir", "straight", "-q").code == 0
    environment = dict(os.environ)
    command = [sys.executable, "-m", "musicgen_app", "generate", "--prompts", "prompts.txt", "--out-dir", "b", "-q"]
    process = subprocess.Popen(command + [*FAST], cwd=tmp_path, env=environment, stdout=subprocess.PIPE)
    assert process.stdout.readline().startswith(b"b/0001-")
    process.kill()
    process.communicate()
    assert batch(None, "--out-dir", "b", "-q").code == 0
    straight, resumed = (
        {path.name: path.read_bytes() for path in Path(folder).glob("[!.]*")} for folder in ("straight", "b")
    )
    assert straight == resumed


def test_progress_of_the_whole_batch(batch, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    err = batch("piano\nflute\n", "--seed", 1, "--steps", 4).err
    assert re.search(r"\r2 of 2  sampling 3/4  [\d.]+/s  0 s left", err)
    assert err.endswith("\r2 made\n")


def test_the_time_left_is_that_of_the_whole_batch(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    meter = _Meter([1.0, 3.0])
    meter.start()
    now[0] += 2
    assert meter.left(Progress("text", 1, 1, 2.0)) is None
    assert meter.left(Progress("sampling", 5, 10, 2.0)) == pytest.approx(14)  # half of a quarter took two seconds
    meter.next()
    assert meter.left(Progress("text", 1, 1, 0.0)) == pytest.approx(6)


@pytest.mark.slow
def test_two_runs_of_one_batch_share_its_clips(home, tmp_path):
    """Each clip is made by one of them, none by both; what a killed one had claimed is made by the other."""
    (tmp_path / "prompts.txt").write_text("".join(f"piano {number}\n" for number in range(6)))
    command = [sys.executable, "-m", "musicgen_app", "generate", "--prompts", "prompts.txt", "--out-dir", "songs"]
    command += ["--no-keep", "--model", "tiny", "--seconds", "20", "--steps", "60", "--json", "--sidecar"]

    def start() -> subprocess.Popen:
        return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    killed = start()
    assert json.loads(killed.stdout.readline())["path"]
    runs = [start(), start()]
    killed.kill()
    first = 1 + len(killed.communicate()[0].splitlines())
    outs = [run.communicate(timeout=300) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outs
    lines = [[json.loads(line) for line in out.splitlines()] for out, _ in outs]
    made = [line["path"] for both in lines for line in both if "skipped" not in line]
    assert all(len(both) == 6 for both in lines) and len(made) == len(set(made)) >= 6 - first
    assert len(list((tmp_path / "songs").glob("*.wav"))) == len(list((tmp_path / "songs").glob("*.wav.json"))) == 6


@pytest.fixture
def cache(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    return paths.cache()


def test_a_claim_is_waited_for_as_long_as_asked(cache, tmp_path):
    looks = iter([True, True, False])
    with claim(tmp_path / "É.wav", lambda: False) as ours:
        assert ours
        with claim(tmp_path / "e\u0301.wav", lambda: next(looks)) as too:
            assert not too and next(looks, None) is None
        with claim(tmp_path / "other.wav", lambda: False) as other:
            assert other
    with claim(tmp_path / "É.wav", lambda: False) as ours:
        assert ours


def test_files_of_old_claims_that_nobody_holds_are_removed(cache, tmp_path):
    folder = cache / "claims"
    with claim(tmp_path / "held.wav", lambda: False):
        with claim(tmp_path / "free.wav", lambda: False):
            pass
        for path in folder.iterdir():
            os.utime(path, (0, time.time() - STALE - 9))
        with claim(tmp_path / "new.wav", lambda: False):
            pass
        assert len(list(folder.iterdir())) == 3
        sweep()
        assert len(list(folder.iterdir())) == 2


def test_without_a_cache_every_claim_is_granted(cache, tmp_path):
    cache.parent.mkdir()
    cache.write_text("a file in the way")
    with claim(tmp_path / "a.wav", lambda: False) as ours:
        assert ours
