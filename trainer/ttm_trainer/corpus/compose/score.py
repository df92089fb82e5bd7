"""A piece as data: what the composer or the arranger writes, the renderer plays and the captions describe.

Times are in beats (quarter notes) from the start of the piece; `Score.seconds_at` converts.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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
    """A stretch of the form ("intro", "verse", "chorus", "build", "drop", "bridge", "outro")."""

    name: str
    start: float  # beats
    end: float  # beats
    chords: tuple[str, ...] = ()  # chord symbols in order, e.g. ("Am", "F", "C", "G"); "" is not clear


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
    beats: float  # length of the piece
    parts: tuple[Part, ...]
    sections: tuple[Section, ...]
    room: str = "hall"  # reverb character: "dry" | "room" | "hall" | "plate" | "cathedral"
    master: dict = field(default_factory=dict)  # renderer options: {"brightness": dB tilt, "drive": 0..1, "lofi": 0..1}
    excerpt: bool = False  # it stops where a longer piece goes on
    estimated: tuple[str, ...] = ()  # what was not written but found in the notes: "key", "chords", "metre"

    def seconds_at(self, beat: float) -> float:
        return beat * 60.0 / self.tempo

    @property
    def seconds(self) -> float:
        return self.seconds_at(self.beats)
