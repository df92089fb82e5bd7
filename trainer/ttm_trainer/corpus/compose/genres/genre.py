"""What makes each genre sound like itself: tempo, modes, progressions, form, moods and layers of instruments.

A layer line reads "role | styles | instruments | options": styles and instruments are comma-separated choices, one of
each is drawn for a piece. Options: at=lowest section energy it plays in, p=chance to be in a piece, db=gain offset,
c=register centre (MIDI), slot=layers sharing a slot are one player, harm=the layer follows the melody of the piece.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Genre:
    """One genre; `progressions` and `moods` are keyed "bright" (major-like modes) and "dark" (minor-like modes)."""

    tempo: tuple[int, int]
    modes: tuple[str, ...]
    progressions: dict[str, tuple[str, ...]]
    moods: dict[str, tuple[str, ...]]
    themes: tuple[str, ...]
    layers: str
    form: str = "song"  # "song" | "club" | "loop" | "arc" | "still"
    metres: tuple[tuple[int, int], ...] = ((4, 4),)
    odd: tuple[tuple[int, int], ...] = ()  # rarer metres of the genre
    swing: tuple[float, float] = (0.5, 0.5)
    swing_unit: float = 0.5
    loose: float = 0.5  # humanisation, 0 machine .. 1 rubato
    rooms: tuple[str, ...] = ("room", "plate")
    fills: tuple[str, ...] = ("toms", "snare")
    bars_per_chord: tuple[int, ...] = (1,)
    pentatonic: float = 0.2  # chance that melodies use five notes
    sidechain: float = 0.0
    colour: float = 0.12  # chance that plain chords are made richer
    percussive: bool = False  # there may be nothing but drums
    tonics: tuple[int, ...] = tuple(range(12))
    level: float = 0.8  # playing force 0..1
    master: dict = field(default_factory=dict)


POP = ("I V vi IV", "vi IV I V", "I vi IV V", "I IV vi V", "IV I V vi", "I iii IV V", "I V IV V", "I ii IV V")
MINOR = (
    "i VI III VII",
    "i VII VI VII",
    "i iv VI V",
    "i VI iv V",
    "i III VII VI",
    "VI VII i i",
    "i v VI iv",
    "i VII iv VI",
)
CLUB = ("i i VI VII", "i VI III VII", "i iv i VII", "VI VII i i", "i VII VI VI", "i i iv VI", "i III VII iv")
SOUL = (
    "Imaj7 vi7 ii9 V9",
    "ii9 V13 Imaj9 vi7",
    "Imaj9 IVmaj9 iii7 vi9",
    "IVmaj9 iii7 ii9 Imaj9",
    "Imaj7 iii7 IVmaj7 iv6",
)
SOUL_MINOR = ("i9 iv9 VImaj7 V7", "iv9 VII9 IIImaj9 VImaj7", "i9 VImaj9 iv9 v7", "VImaj7 v7 i9 i9", "i7 VImaj7 III iv9")
CLASSICAL = ("I IV V7 I", "I vi ii V7", "I V7 vi iii IV I ii V7", "I ii6,V7 I vi ii V7 I I", "I V I,IV V7")
CLASSICAL_MINOR = ("i iv V7 i", "i VI iio V7", "i V7 i iv i,V7 i VI V7", "i iv VII III VI iio V7 i", "i v VI V7")
CINEMA = ("i VI III VII", "i VI iv V", "i i VI VI III III VII VII", "i VII VI iv", "i v VI III")
