"""--bars and --loop: the same request however it is written, and one line for what cannot be."""

from __future__ import annotations

import json

import pytest

from musicgen_app import audio
from musicgen_app.cli import run
from musicgen_app.cli.generation.length_options import AS_LONG, length_of
from musicgen_app.errors import RequestError

FAST = ("--model", "tiny", "--steps", "2", "--seed", "3")


@pytest.fixture
def cli(home, tmp_path, monkeypatch, capsys):
    """Run a command line in this process, in an empty folder: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    return lambda *argv: (run(list(argv)), *capsys.readouterr())


@pytest.mark.parametrize(
    ("bars", "loop", "given"),
    [
        (None, None, {}),
        (4, None, {"bars": 4}),
        (4, AS_LONG, {"bars": 4, "loop": True}),
        (None, AS_LONG, {"loop": True}),
        (None, "4bars", {"bars": 4, "loop": True}),
        (4, " 4 Bars ", {"bars": 4, "loop": True}),
        (None, "1bar", {"bars": 1, "loop": True}),
        (None, "4", {"bars": 4, "loop": True}),
    ],
)
def test_what_the_options_mean(bars, loop, given):
    assert length_of(bars, loop, no_loop=False) == given


@pytest.mark.parametrize("loop", ["4 beats", "-4", "4.5bars", "٤", "lo-fi beat", "4bars"])
def test_what_they_cannot_mean(loop):
    with pytest.raises(RequestError):
        length_of(8, loop, no_loop=False)
    with pytest.raises(RequestError, match="opposites"):
        length_of(None, loop, no_loop=True)


def test_a_loop_from_the_command_line_and_from_its_file(cli):
    code, out, err = cli("generate", "bells, 120 bpm", *FAST, "--loop", "1bar", "-o", "a.wav", "--no-keep")
    assert (
        code == 0 and err.startswith("warning: tiny follows no plan: ") and out == "a.wav  2 s (1 bar, loop)  seed 3\n"
    )
    code, out, _ = cli("generate", "bells, 120 bpm", *FAST, "--bars", "1", "--loop", "-o", "b.wav", "--json")
    told = json.loads(out)
    assert (told["bars"], told["loop"], told["seconds"], told["samples"]) == (1, True, None, 16_000)
    assert told["extent"] == {"seconds": 2.0, "bars": 1, "loop": True}
    sounds = [audio.read(name)[0] for name in ("a.wav", "b.wav")]
    assert (sounds[0] == sounds[1]).all()
    assert cli("generate", "--from", "a.wav", "-o", "again.wav", "-q")[0] == 0
    assert (audio.read("again.wav")[0] == sounds[0]).all()
    assert cli("generate", "--from", "a.wav", "--bpm", "60", "-o", "slow.wav", "-q")[0] == 0
    assert audio.read("slow.wav")[0].shape[1] == 32_000
    code, _, err = cli("generate", "--from", "a.wav", "--seconds", "1", "-o", "c.wav")
    assert code == 2 and err.startswith("error: a loop is as long as its bars")
    assert cli("generate", "--from", "a.wav", "--seconds", "1", "--no-loop", "-o", "c.wav", "-q")[0] == 0
    assert audio.read("c.wav")[0].shape[1] == 8_000
    assert "2 s" in cli("library", "list")[1]


def test_lines_of_a_file_of_prompts_have_their_own_lengths(cli, tmp_path):
    """What a line says of its length takes the place of what the options say."""
    lines = [{"prompt": "bells, 120 bpm", "bars": 1}, {"prompt": "a gong", "seconds": 1}, {"prompt": "a harp, 240 bpm"}]
    (tmp_path / "prompts.txt").write_text("\n".join(map(json.dumps, lines)))
    many = ("generate", "--prompts", "prompts.txt", *FAST, "--name", "{line}", "-q", "--no-keep")
    code, _, err = cli(*many, "--bars", "2")
    assert code == 0, err
    assert [audio.shape_of(f"{number}.wav")[1] for number in (1, 2, 3)] == [16_000, 8_000, 16_000]
    code, out, _ = cli(*many, "--bars", "2", "--json")
    assert code == 0 and out.count('"skipped": true') == 3  # known again


def test_a_length_in_bars_needs_a_tempo(cli):
    code, out, err = cli("generate", "bells", *FAST, "--bars", "4")
    assert (code, out) == (2, "") and "a clip in bars needs a tempo" in err
