"""A piece as data: what the composer or the arranger writes, the renderer plays and the captions describe.

Times are in beats (quarter notes) from the start of the piece; `Score.seconds_at` converts.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Note:
    """One note. Humanised timing and dynamics are already in `start`, `beats` and `velocity`."""

    start: float  # beats from the start of the piece
    beats: float  # length in beats
    pitch: int  # MIDI number; for a drum part the General MIDI percussion key
    velocity: int  # 1..127


@dataclass(frozen=True)
class Part:
    """One instrument's line with its place in the mix."""

    name: str  # what a caption calls it: "electric guitar", "sub bass", "drum machine"
    role: str  # "melody" | "chords" | "arpeggio" | "pad" | "bass" | "drums" | "percussion" | "effect"
    sound: str  # "gm:24" (program 0..127), "gm:drums" / "gm:drums:8" (kit program), or "synth:<name>"
    notes: tuple[Note, ...]
    gain: float = 0.0  # dB
    pan: float = 0.0  # -1 left .. 1 right
    reverb: float = 0.2  # send level 0..1
    options: dict = field(default_factory=dict)  # sound design of a synth part, e.g. {"cutoff": (400, 6000)}


@dataclass(frozen=True)
class Section:
    """A stretch of the form: "intro", "verse", "chorus", "build", "drop", "bridge", "outro", "break", "solo", ...

    Tempo, metre and key are those of the piece where they are None.
    """

    name: str
    start: float  # beats
    end: float  # beats
    chords: tuple[str, ...] = ()  # one symbol per equal slot, e.g. ("Am", "F", "C", "G"); "" is not clear
    energy: float | None = None  # 0 (quiet, sparse) .. 1 (loud, full); None: not known
    tempo: float | None = None
    metre: tuple[int, int] | None = None
    key: str | None = None
    feel: str = ""  # of the drums: "half-time", "double-time" or neither


@dataclass(frozen=True)
class Score:
    """A whole piece and every fact about it that a caption may state."""

    seed: int
    genre: str | None  # "house", "jazz", "lo-fi hip hop", ...; None: not known
    moods: tuple[str, ...]  # "energetic", "melancholic", ...
    themes: tuple[str, ...]  # "party", "film", "travel", ...
    tempo: float  # quarter notes a minute
    metre: tuple[int, int]  # (4, 4)
    key: str | None  # "A minor"; None: not clear
    beats: float  # length of the piece, with the silence after its ending
    parts: tuple[Part, ...]
    sections: tuple[Section, ...]
    room: str = "hall"  # reverb character: "dry" | "room" | "hall" | "plate" | "cathedral"
    master: dict = field(default_factory=dict)  # renderer options: {"brightness": dB tilt, "drive": 0..1, "lofi": 0..1}
    excerpt: bool = False  # it stops where a longer piece goes on
    estimated: tuple[str, ...] = ()  # what was not written but found in the notes: "key", "chords", "metre"

    swing: float | None = None  # where the second of two notes begins, 0.5 (straight) .. 0.75; None: not known
    swing_unit: float = 0.5  # beats of the notes that swing: eighths, or 0.25 for sixteenths

    @cached_property
    def _tempi(self) -> list[tuple[float, float, float]]:
        """(beat, second, quarter notes a minute) from where on each tempo holds."""
        found = [(0.0, 0.0, self.sections[0].tempo or self.tempo if self.sections else self.tempo)]
        for section in self.sections[1:]:
            beat, second, tempo = found[-1]
            if (section.tempo or self.tempo) != tempo:
                second += (section.start - beat) * 60.0 / tempo
                found.append((section.start, second, section.tempo or self.tempo))
        return found

    def seconds_at(self, beat: float) -> float:
        """Seconds from the beginning of the piece to a beat; after the last section its tempo goes on."""
        start, second, tempo = self._tempi[max(0, bisect_right(self._tempi, (beat,)) - 1)]
        return second + (beat - start) * 60.0 / tempo

    def beat_at(self, second: float) -> float:
        """The beat at so many seconds from the beginning of the piece."""
        place = max(0, bisect_right([at for _, at, _ in self._tempi], second) - 1)
        start, at, tempo = self._tempi[place]
        return start + (second - at) * tempo / 60

    @property
    def seconds(self) -> float:
        return self.seconds_at(self.beats)
