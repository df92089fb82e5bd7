"""`ttm-app jam` with a tiny model that follows plans: what it makes is what `generate` makes, and nothing gets lost."""

from __future__ import annotations

import io
import os
import pty
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from musicgen_app import audio, cli
from musicgen_app.cli.jam import player
from musicgen_app.models import installed
from support.planned_model import planned, wide

ROOT = Path(__file__).parents[2]


class Ran(NamedTuple):
    code: int
    out: list[str]
    err: list[str]


@pytest.fixture
def model(tiny_parts, tmp_path, home):
    """A tiny model that follows plans, installed as `planned`."""
    installed.install(planned(tiny_parts, tmp_path, wide().tensors()).path, replace=True)
    return "planned"


@pytest.fixture
def jam(model, tmp_path, monkeypatch, capfd):
    """Pipe lines into a session, in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def call(lines: str | bytes, *options: object) -> Ran:
        data = lines.encode() if isinstance(lines, str) else lines
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        usual = ["--model", model, "--seconds", 0.5, "--steps", 2, "--no-keep"]
        code = cli.run(["jam", *map(str, usual), *map(str, options)])
        out, err = capfd.readouterr()
        return Ran(code, out.splitlines(), err.splitlines())

    return call


CHANGES = """\
soft bells, no drums
slower
Am F C G
in G minor
up 2
drums, 3/4
longer
again
as techno
with rain, and it's wide
300 bpm, loop 2 bars
longer
no loop
1 second
"""


def test_every_clip_is_that_of_the_command(jam):
    """After each change the file is, byte for byte, that of the `generate` that is shown."""
    lines = "".join(f"{line}\nkeep {n}.wav\ncommand\n" for n, line in enumerate(CHANGES.splitlines()))
    ran = jam(lines, "--seed", 7)
    assert ran.code == 0, ran.err
    commands = [line for line in ran.out if line.startswith("ttm-app")]
    assert len(commands) == len(CHANGES.splitlines())
    kept = []
    for number, command in enumerate(commands):
        words = shlex.split(command)
        assert words[:2] == ["ttm-app", "generate"] and f"{number}.wav" in words
        again = [f"again-{word}" if word == f"{number}.wav" else word for word in words[1:]]
        assert cli.run([*again[:1], "--no-keep", *again[1:]]) == 0
        kept.append(Path(f"{number}.wav").read_bytes())
        assert kept[-1] == Path(f"again-{number}.wav").read_bytes(), command
    assert len(set(kept)) == len(kept)


EDITS = """\
soft bells, 240 bpm, Am F C G
8 bars
repaint bars 2-3 and 5 with Dm G
again
continue 2 bars
vary 0.4: low bells
ending 1 bar
add a bass line -3 db
300 bpm
continue 1.5 seconds left
"""


def test_every_edited_clip_is_that_of_the_commands(jam):
    """After each edit the files are, byte for byte, those of the commands that are shown."""
    lines = "".join(f"{line}\nkeep {n}.wav\ncommand\n" for n, line in enumerate(EDITS.splitlines()))
    ran = jam(lines, "--seed", 7)
    assert ran.code == 0, ran.err
    files = sorted(name for name in os.listdir() if name.endswith(".wav"))
    assert files == sorted([*(f"{n}.wav" for n in range(10)), "7-part.wav", "8-part.wav"])
    shown, commands = [], []
    for line in ran.out:
        if line.startswith("ttm-app"):
            commands.append(shlex.split(line)[1:])
        elif commands:
            shown.append(commands)
            commands = []
    shown.append(commands)
    assert [len(commands) for commands in shown] == [1, 1, 2, 2, 3, 4, 5, 6, 6, 7]
    assert [words[0] for words in shown[-1]] == ["generate", "repaint", "continue", "vary", "ending", "add", "continue"]
    os.mkdir("again")
    os.chdir("again")
    for number in (1, 7, 9):
        for words in shown[number]:
            target = words[words.index("-o") + 1]
            if not os.path.exists(target):
                assert cli.run([words[0], "--no-keep", *words[1:]]) == 0
        assert Path(f"{number}.wav").read_bytes() == Path(f"../{number}.wav").read_bytes()
        os.unlink(f"{number}.wav")
        for name in os.listdir():  # those between are of another clip in the next turn
            os.unlink(name) if number == 7 else None
    assert len({Path("..", name).read_bytes() for name in files}) == len(files)


def test_edits_are_told_undone_and_made_again(jam, monkeypatch):
    monkeypatch.setattr("musicgen_app.cli.jam.session.REMEMBERED", 1)
    lines = "soft bells, 240 bpm\n4 bars\nrepaint bars 2-3\nkeep a.wav\nagain\nundo\nkeep b.wav\nplan\nhistory\n"
    ran = jam(lines + "undo\nundo\nredo\nredo\nkeep c.wav\n", "--seed", 7)
    assert ran.code == 0, ran.err
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes() == Path("c.wav").read_bytes()
    assert "repaint bars 2-3, seed 8" in ran.err and "    4  seed 8  again" in ran.out
    assert any(line.startswith("clip 3: 4 s, seed 7: 240 BPM") for line in ran.err)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("repaint bars 5-80", "bars 5-80: the recording has 2 bars"),
        ("repaint 4 to 8 seconds", "outside the recording"),
        ("repaint bars 0-1", "the first bar of a region"),
        ("repaint", "repaint bars 5-8"),
        ("repaint the chorus", "repaint bars 5-8"),
        ("continue 10000 bars", "the longest is"),
        ("continue 0 bars", "bars must be"),
        ("vary 2", "strength must be"),
        ("vary 0.4, slower", "line of its own"),
        ("slower, ending", "line of its own"),
        ("ending, 90 bpm", "line of its own"),
    ],
)
def test_an_edit_that_cannot_be_leaves_all_as_it_was(jam, line, message):
    ran = jam(f"soft bells, 240 bpm\n2 bars\n{line}\nkeep a.wav\nhistory\n", "--seed", 7)
    assert ran.code == 2 and [told for told in ran.err if told.startswith("error")] == [
        told for told in ran.err if re.match(rf"error: line 3: .*{message}", told)
    ], ran.err
    assert len(ran.out) == 3 and ran.out[-1].startswith(">   2  seed 7  2 bars") and os.listdir() == ["a.wav"]


def test_nothing_is_edited_before_something_plays(jam):
    ran = jam("vary 0.4\n")
    assert ran.code == 2 and ran.err[-1].startswith("error: line 1: nothing plays yet") and os.listdir() == []


def test_what_was_understood_is_told(jam):
    ran = jam(CHANGES, "--seed", 7)
    told = "\n".join(ran.err)
    for line in ("a new prompt: soft bells, no drums", "54 BPM", "chords Am F C G", "G minor",
                 "2 semitones up, in A minor", "3/4, drums", "0.8 s", "seed 8",
                 "300 BPM, a loop of 2 bars", "4 bars", "no loop", "1 s"):  # fmt: skip
        assert re.search(rf"^{re.escape(line)}$", told, re.M), (line, told)
    assert "the prompt is: techno, soft bells, no drums, with rain, and it's wide" in told
    assert ran.out == [] and ran.err[-1] == "14 clips were not kept" and os.listdir() == []


def test_slower_is_the_same_music(jam):
    ran = jam("soft bells\nslower\nplan\nfaster\nplan\n", "--seed", 3)
    slow, fast = ran.out[:2], ran.out[2:4]
    assert slow[1] == fast[1] and slow[1].startswith("chords:") and slow[0] != fast[0]


def test_another_style_keeps_the_chords_and_what_was_said(jam):
    ran = jam("techno\nAm F C G\nplan\nas ambient\nplan\n77 bpm\nas techno\nplan\n", "--seed", 3)
    assert ran.code == 0 and ran.out.count("chords: Am F C G") == 3
    assert "77" in ran.out[-2]
    assert "the prompt is: ambient" in ran.err and "the prompt is: techno" in ran.err


def test_back_and_forth(jam):
    lines = "soft bells\nagain\nundo\nkeep a.wav\nredo\nredo\nkeep b.wav\nundo\nagain\nkeep c.wav\nredo\nhistory\n"
    ran = jam(lines, "--seed", 1)
    assert ran.code == 2 and [line for line in ran.err if line.startswith("error")] == [
        "error: line 6: nothing to redo",
        "error: line 11: nothing to redo",
    ]
    a, b, c = (Path(f"{name}.wav").read_bytes() for name in "abc")
    assert a != b == c
    assert ran.out[-2:] == ["    1  seed 1  soft bells  kept as a.wav", ">   2  seed 2  again  kept as c.wav"]


def test_what_is_thrown_away_is_gone_and_kept_files_stay(jam):
    ran = jam("soft bells\nagain\nkeep a.wav\nthrow away\nhistory\nthrow away\nplay\nslower\n", "--seed", 1)
    assert ran.code == 2 and os.listdir() == ["a.wav"]
    assert ran.out[1:] == [">   1  seed 1  soft bells"]
    assert ran.err[-1].startswith("error: line 8: nothing plays yet")


def test_a_sound_that_was_forgotten_is_made_again(jam, monkeypatch):
    monkeypatch.setattr("musicgen_app.cli.jam.session.REMEMBERED", 1)
    ran = jam("soft bells\nkeep a.wav\nagain\nslower\nundo\nundo\nkeep b.wav\n", "--seed", 1)
    assert ran.code == 0 and Path("a.wav").read_bytes() == Path("b.wav").read_bytes()


def test_keep_names_files_as_generate_does(jam, tmp_path):
    (tmp_path / "there").mkdir()
    ran = jam("Soft bells!\nkeep\nslower\nkeep\nkeep a.wav\nkeep a.wav\nkeep a.txt\nkeep no/where.wav\n",
              "--seed", 1, "--out-dir", tmp_path / "there", "--format", "flac")  # fmt: skip
    there = tmp_path / "there"
    assert ran.out == [f"{there}/soft-bells-1.flac", f"{there}/soft-bells-1-2.flac", "a.wav"]
    assert ran.code == 3 and [line[:14] for line in ran.err if "error" in line] == [
        f"error: line {number}" + ":" for number in (6, 7, 8)
    ]
    assert audio.read(there / "soft-bells-1.flac")[1] == 8_000 and os.listdir() == ["a.wav"]


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        ("slower\n", 1, "nothing plays yet"),
        ("soft bells\nslwoer\n", 2, "did you mean slower"),
        ("soft bells\nslower, jazz trio\n", 2, "no change"),
        ("soft bells\nkey of H#\n20000 seconds\n", 3, "seconds must be"),
        ("soft bells\n9999 bpm\n", 2, "9999 bpm' is not understood"),
        ("soft bells\nin A minor\nup 99\n", 3, "choose 1 to 48"),
        ("-\n", 1, "no prompt"),
        ("song.mid\n", 1, "no file"),
        ("soft bells\nplay\n", 2, "--play"),
        (b"soft \xff bells\n", 1, "UTF-8"),
        (b"x" * 100_000 + b"\nsoft bells\n", 1, "more than"),
        (b"soft \x1b[31m bells\n", 1, "unusable character"),
    ],
)
def test_a_line_that_cannot_be_done_is_reported_and_the_rest_goes_on(jam, lines, line, message):
    end = b"\nnew: low hum\nkeep end.wav\n" if isinstance(lines, bytes) else "\nnew: low hum\nkeep end.wav\n"
    ran = jam(lines + end, "--seed", 2)
    (first, *_) = (told for told in ran.err if told.startswith("error"))
    assert ran.code == 2 and re.match(rf"error: line {line}: .*({message})", first), ran.err
    assert ran.out == ["end.wav"] and os.listdir() == ["end.wav"]


def test_bad_options_end_it_before_the_first_line(jam):
    for options, code in ((["--seconds", 0], 2), (["--model", "nosuch"], 4), (["--steps", "many"], 2)):
        ran = jam("soft bells\n", *options)
        assert ran.code == code and len(ran.err) == 1 and ran.err[0].startswith("error: ")


def test_it_plays_through_a_program_that_is_installed(jam, tmp_path, monkeypatch):
    bin, heard = tmp_path / "bin", tmp_path / "heard"
    bin.mkdir()
    program = bin / "aplay"
    program.write_text(f'#!/bin/sh\nfor last; do :; done\ncat "$last" >> {heard}\nexit 3\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin}{os.pathsep}/bin")
    monkeypatch.setattr(player, "PROGRAMS", {"nosuch": (), "aplay": ("-q",)})
    ran = jam("soft bells\nkeep a.wav\n", "--play", "--seed", 2)
    assert ran.code == 0 and heard.read_bytes() == Path("a.wav").read_bytes()
    assert "note: aplay could not play it (code 3)" in ran.err


def test_without_a_player_it_is_silent_and_says_so_once(jam, monkeypatch):
    monkeypatch.setattr(player, "PROGRAMS", {"nosuch": ()})
    ran = jam("soft bells\nagain\nundo\n", "--play", "--seed", 2)
    assert ran.code == 0 and sum("nothing that plays sound" in line for line in ran.err) == 1


# --- in a terminal


class Typist:
    """`ttm-app jam` in a terminal."""

    def __init__(self, folder: Path, *options: str):
        self.master, slave = pty.openpty()
        command = [sys.executable, "-m", "musicgen_app", "jam", *options]
        environment = os.environ | {"TERM": "xterm"}
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        os.set_blocking(self.master, False)
        self.shown = ""

    def types(self, text: str) -> None:
        os.write(self.master, text.encode())

    def sees(self, text: str, seconds: float = 60) -> None:
        """Wait until a text is shown after all that was waited for before."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < end, (text, self.shown)
            try:
                self.shown += os.read(self.master, 100_000).decode()
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:  # the other side was closed
                assert text in self.shown, (text, self.shown)
        self.shown = self.shown.partition(text)[2]


@pytest.fixture
def typist(model, tmp_path):
    started: list[Typist] = []

    def start(*options: str) -> Typist:
        (tmp_path / "work").mkdir(exist_ok=True)
        started.append(Typist(tmp_path / "work", "--model", model, "--no-keep", *options))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        os.close(one.master)


@pytest.mark.slow
def test_ctrl_c_gives_up_the_clip_and_ctrl_d_ends_the_session(typist, home, tmp_path):
    history = home / "config" / "jam-history"
    history.unlink(missing_ok=True)
    one = typist("--steps", "900")
    one.sees("jam> ")
    one.types("soft bells\n")
    one.sees("sampling")
    os.kill(one.process.pid, signal.SIGINT)
    one.sees("cancelled; all is as it was")
    one.sees("jam> ")
    one.types("history\n0.5 seconds\n")
    one.sees("nothing plays yet")
    one.sees("jam> ")
    one.types("half a line")
    one.sees("half a line")
    time.sleep(0.3)  # readline waits again
    os.kill(one.process.pid, signal.SIGINT)
    one.sees("jam> ")
    one.types("\x04")
    assert one.process.wait(20) == 0
    assert history.read_text().splitlines() == ["soft bells", "history", "0.5 seconds"]
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


@pytest.mark.slow
def test_lines_of_earlier_sessions_come_back(typist, home):
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "jam-history").write_text("low hum\n")
    one = typist("--seconds", "0.5", "--steps", "1", "--seed", "4")
    one.sees("jam> ")
    one.types("\x1b[A\n")
    one.sees("a new prompt: low hum")
    one.sees("seed 4")
    one.types("quit\n")
    one.sees("1 clip was not kept")
    assert one.process.wait(20) == 0


@pytest.mark.slow
@pytest.mark.parametrize("when", ["waiting", "making"])
def test_sigterm_ends_it(typist, when):
    one = typist("--steps", "900")
    one.sees("jam> ")
    if when == "making":
        one.types("soft bells\n")
        one.sees("sampling")
    one.process.send_signal(signal.SIGTERM)
    one.sees("what was not kept is gone")
    assert one.process.wait(20) == 130


# --- the documentation


@pytest.mark.slow
def test_the_transcript_of_the_documentation_is_what_happens(tmp_path):
    """With a clip of half a second, so lengths differ."""
    page = (ROOT / "docs" / "jam.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```text\n\$ (.*?)^```", page, re.S | re.M)
    command, *lines = block.splitlines()
    typed = "".join(f"{line.removeprefix('jam> ')}\n" for line in lines if line.startswith("jam> "))
    shown = [line for line in lines if not line.startswith("jam> ")]
    words = [sys.executable, "-m", "musicgen_app", *shlex.split(command)[1:], "--seconds", "0.5", "--steps", "1"]
    environment = os.environ | {"TTM_APP_HOME": str(tmp_path / "home")}
    ran = subprocess.run(
        words, input=typed.encode(), cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )

    def without_lengths(lines: list[str]) -> list[str]:
        lines = [line.replace(" --seconds 0.5 --steps 1", "") for line in lines]
        return [re.sub(r"^(clip \d+: )?[\d.]+ s\b", r"\1… s", line) for line in lines]

    assert without_lengths(ran.stdout.decode().splitlines()) == without_lengths(shown)
    assert ran.returncode == 0
