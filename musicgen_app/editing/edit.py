"""An edit as data: what is done to a recording, and where. Checked once, here; to JSON and back."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from ..control.plan import MAX_BARS
from ..errors import RequestError
from ..request import SECONDS, USUAL_SECONDS, check_number, check_whole

KINDS = ("continue", "repaint", "vary", "ending", "add")
MOST_REGIONS = 64
USUAL_STRENGTH = 0.5  # of `vary`
ENDING_BARS = 2
LEVEL = (-40.0, 20.0)  # dB
MOST_PARTS = 8  # of layers
# Fields of a request that have no meaning for an edit, and why.
WITHOUT = {
    "seconds": "the edit says how long it is",
    "bars": "the edit says how long it is",
    "loop": "the edit says how long it is",
    "form": "say the chords of what is made, or the plan of all of it",
    "loudness": "what is made is as loud as what is there",
}


@dataclass(frozen=True)
class Region:
    """A stretch of a recording: in seconds from `start` to `end`, or in whole bars, from 1, both inclusive."""

    start: float
    end: float
    bars: bool = False

    def to_dict(self) -> dict:
        """{"seconds": [4.0, 8.0]} or {"bars": [5, 8]}."""
        return {"bars" if self.bars else "seconds": [self.start, self.end]}

    @classmethod
    def from_dict(cls, facts: object) -> Region:
        """The region in a JSON object. Raises RequestError."""
        unit = next(iter(facts), "") if isinstance(facts, dict) and len(facts) == 1 else ""
        ends = facts[unit] if isinstance(facts, dict) and unit in ("seconds", "bars") else None
        if not isinstance(ends, list | tuple) or len(ends) != 2:
            raise RequestError('a region must be {"seconds": [4, 8]} or {"bars": [5, 8]}')
        return cls(ends[0], ends[1], unit == "bars").checked()

    def checked(self) -> Region:
        """The same with numbers of the declared type. Raises RequestError."""
        if self.bars:
            first = check_whole("the first bar of a region", self.start, 1, MAX_BARS)
            return Region(first, check_whole("the last bar of a region", self.end, first, MAX_BARS), True)
        start = check_number("where a region begins", self.start, 0.0, SECONDS[1])
        end = check_number("where a region ends", self.end, 0.0, SECONDS[1])
        if end <= start:
            raise RequestError(f"the region {start:g}-{end:g} s is empty: its end must come after its beginning")
        return Region(start, end)


@dataclass(frozen=True)
class Edit:
    """What is done to a recording. None and () mean: not said.

    kind "continue": it goes on for so many `seconds`, or `bars`, or with `left` it begins so much earlier;
    "repaint": `regions` are played again; "vary": all of it, or `regions`, with `strength` 0 (as it is) to 1 (anew);
    "ending": it ends after so many `bars`; "add": another part, so many dB of `level` above or below what is there.
    downbeat: the second of a bar line of the recording, where what is heard of it, or known, is wrong.
    """

    kind: str
    seconds: float | None = None
    bars: int | None = None
    left: bool = False
    regions: tuple[Region, ...] = ()
    strength: float | None = None
    level: float = 0.0
    downbeat: float | None = None

    def checked(self) -> Edit:
        """The same edit in canonical form, with nothing left open. Raises RequestError."""
        if self.kind not in KINDS:
            raise RequestError(f"{str(self.kind)[:40]!a} is no edit: choose {', '.join(KINDS)}")
        for name, kinds in _FOR.items():
            if getattr(self, name) != _DEFAULTS[name] and self.kind not in kinds:
                raise RequestError(f"{name} has no meaning for {self.kind}: leave it out")
        if self.seconds is not None and self.bars is not None:
            raise RequestError("say how long it is in seconds or in bars, not both")
        if self.kind == "repaint" and not self.regions:
            raise RequestError("say what to play again: some bars (5-8), or from and to in seconds")
        if not isinstance(self.regions, list | tuple) or len(self.regions) > MOST_REGIONS:
            raise RequestError(f"regions must be a list of at most {MOST_REGIONS}")
        if not isinstance(self.left, bool):
            raise RequestError("left must be true or false")
        seconds = None if self.seconds is None else check_number("seconds", self.seconds, *SECONDS)
        bars = None if self.bars is None else check_whole("bars", self.bars, 1, MAX_BARS)
        if self.kind == "continue" and seconds is None and bars is None:
            seconds = USUAL_SECONDS
        if self.kind == "ending" and bars is None:
            bars = ENDING_BARS
        strength = self.strength
        if strength is None and self.kind in ("repaint", "vary"):
            strength = 1.0 if self.kind == "repaint" else USUAL_STRENGTH
        return replace(
            self,
            seconds=seconds,
            bars=bars,
            regions=tuple(region.checked() for region in self.regions),
            strength=None if strength is None else check_number("strength", strength, 0.0, 1.0),
            level=check_number("level", self.level, *LEVEL),
            downbeat=None if self.downbeat is None else check_number("downbeat", self.downbeat, 0.0, SECONDS[1]),
        )

    def to_dict(self) -> dict:
        """JSON-safe dictionary of what is said; from_dict gives the edit back."""
        said = {name: getattr(self, name) for name in _DEFAULTS if getattr(self, name) != _DEFAULTS[name]}
        if self.regions:
            said["regions"] = [region.to_dict() for region in self.regions]
        return {"kind": self.kind} | said

    @classmethod
    def from_dict(cls, facts: object) -> Edit:
        """The checked edit in a JSON object. Raises RequestError, also for an unknown key."""
        if not isinstance(facts, dict) or not isinstance(facts.get("kind"), str):
            raise RequestError('an edit must be a JSON object such as {"kind": "repaint", "regions": [...]}')
        known = ["kind", *_DEFAULTS]
        if unknown := [ascii(key)[:40] for key in facts if key not in known]:
            raise RequestError(f"unknown key {unknown[0]} in the edit: the keys are {', '.join(known)}")
        regions = facts.get("regions", [])
        if not isinstance(regions, list | tuple):
            raise RequestError(f"regions must be a list of at most {MOST_REGIONS}")
        return cls(**facts | {"regions": tuple(map(Region.from_dict, regions[: MOST_REGIONS + 1]))}).checked()


_DEFAULTS: dict[str, Any] = {one.name: one.default for one in fields(Edit) if one.name != "kind"}
_FOR = {  # what is said -> the kinds of edits that it has a meaning for
    "seconds": ("continue",),
    "bars": ("continue", "ending"),
    "left": ("continue",),
    "regions": ("repaint", "vary"),
    "strength": ("repaint", "vary"),
    "level": ("add",),
}
