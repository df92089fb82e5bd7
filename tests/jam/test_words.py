"""What a line of a jam is read as: a command, changes of what plays, or a new prompt; never something in silence."""

from __future__ import annotations

import pytest

from musicgen_app.cli.jam.changes import APPLIED
from musicgen_app.cli.jam.words import CHANGES, COMMANDS, HELP, STEP, read_line
from musicgen_app.errors import RequestError


def said(line: str) -> list[tuple]:
    return [(order.name, order.value) for order in read_line(line)]


@pytest.mark.parametrize(
    ("line", "orders"),
    [
        ("", []),
        ("slower", [("pace", STEP)]),
        ("  Make it   a bit slower, please!", [("pace", STEP**0.5)]),
        ("faster", [("pace", 1 / STEP)]),
        ("90 bpm", [("tempo", 90.0)]),
        ("no drums", [("drums", False)]),
        ("without any drums", [("drums", False)]),
        ("drums", [("drums", True)]),
        ("Am F C G", [("chords", "Am F C G")]),
        ("Am, F, C, G", [("chords", "Am F C G")]),
        ("ii V I", [("chords", "ii V I")]),
        ("in G minor", [("key", "G minor")]),
        ("in minor", [("key", "minor")]),
        ("up 2", [("transpose", 2)]),
        ("down 3 semitones", [("transpose", -3)]),
        ("lower", [("transpose", -2)]),
        ("in 3/4", [("metre", "3/4")]),
        ("20 seconds", [("seconds", 20.0)]),
        ("1.5 minutes", [("seconds", 90.0)]),
        ("loop 8 bars", [("loop", 8)]),
        ("8 bars", [("bars", 8)]),
        ("again", [("again", None)]),
        ("seed 12", [("seed", 12)]),
        ("as bossa nova", [("style", "bossa nova")]),
        ("as soft as rain", [("add", "soft as rain")]),
        ("add strings", [("add", "strings")]),
        ("+ rain", [("add", "rain")]),
        ("no piano", [("add", "no piano")]),
        ("with a breakdown", [("add", "with a breakdown")]),
        ("slower, no drums; in A minor", [("pace", STEP), ("drums", False), ("key", "A minor")]),
        ("with strings, warm, slower", [("add", "with strings"), ("add", "warm"), ("pace", STEP)]),
        ("keep", [("keep", None)]),
        ("keep as two words.wav", [("keep", "two words.wav")]),
        ("Throw it away", [("drop", None)]),
        ("UNDO", [("undo", None)]),
        ("quit", [("quit", None)]),
        # a new prompt: whatever could be one
        ("slow piano", [("prompt", "slow piano")]),
        ("techno, 128 bpm, no drums", [("prompt", "techno, 128 bpm, no drums")]),
        ("128 bpm, techno", [("prompt", "128 bpm, techno")]),
        ("drums, bass", [("prompt", "drums, bass")]),
        ("waltz", [("prompt", "waltz")]),
        ("history of the sea", [("prompt", "history of the sea")]),
        ("new: slower", [("prompt", "slower")]),
        ("add: faster, louder", [("add", "faster, louder")]),
    ],
)
def test_what_a_line_is_read_as(line, orders):
    assert said(line) == orders


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("slower, slow piano", "'slow piano' is no change"),
        ("again, jazz trio", "'jazz trio' is no change"),
        ("slwoer", "did you mean slower"),
        ("histroy", "did you mean history"),
    ],
)
def test_what_could_be_two_things_is_refused(line, message):
    with pytest.raises(RequestError, match=message):
        read_line(line)


def test_all_that_can_be_said_is_done_and_explained():
    assert CHANGES.keys() <= APPLIED.keys()
    for words in COMMANDS.values():
        assert words[0] in HELP
    for line in HELP.splitlines()[2:10]:
        for words in filter(None, map(str.strip, line[:57].split("  "))):
            assert all(order.name in APPLIED for order in read_line(words)), words
