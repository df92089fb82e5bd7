"""What the browser keeps of the strip, checked when it comes back; what of it goes into a request.

The plan is whole: what the user said, and what was borrowed for the prompt. `origin` tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ...control.plan import Plan
from ...control.prompt_parser import PromptFacts
from ...errors import RequestError
from ...request import PLANNING, SEED_MAX, GenerationRequest, check_whole
from ...songbook.decision import BORROWED, DEFAULT, OPTION, PARTS, PLAN, STATED, origins
from ...songbook.wishes import Wishes
from .bars import MOST, Parts, parts_of

ORIGINS = (STATED, OPTION, PLAN, BORROWED, DEFAULT)
OWN = (OPTION, PLAN)  # origins of what the user said of the plan itself
HEADER = {"tempo": "bpm", "key": "key", "metre": "metre", "drums": "drums"}  # part -> its field of a request


@dataclass(frozen=True)
class State:
    """The strip. origin: of each of PARTS; locked: numbers of bars; roll: the seed that the rest is borrowed by."""

    plan: Plan = Plan()
    origin: dict[str, str] = field(default_factory=lambda: dict.fromkeys(PARTS, DEFAULT))
    locked: frozenset[int] = frozenset()
    roll: int = 0

    @classmethod
    def checked(cls, value: Any) -> State:
        """The state that a browser sent. Raises RequestError."""
        if value in (None, {}):
            return cls()
        if not isinstance(value, dict) or not isinstance(value.get("origin"), dict):
            raise RequestError("this is not a plan strip: load the page again")
        locked = value.get("locked")
        if not isinstance(locked, list) or len(locked) > MOST:
            raise RequestError("locked must be a list of numbers of bars")
        return cls(
            Wishes.checked({"plan": value.get("plan", {})}).sheet.plan,
            {part: one if (one := value["origin"].get(part)) in ORIGINS else DEFAULT for part in PARTS},
            frozenset(check_whole("locked", number, 0, MOST) for number in locked),
            _roll(value.get("roll")),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe; the roll is text, for a browser's numbers have 53 bits."""
        return {
            "plan": self.plan.to_dict(),
            "origin": self.origin,
            "locked": sorted(self.locked),
            "roll": str(self.roll),
        }

    def own(self, part: str) -> bool:
        """Whether the user said that part of the plan; with the chords come their metre and key."""
        return self.origin[part] in OWN or part in ("metre", "key") and self.origin["chords"] in OWN

    @property
    def touched(self) -> bool:
        """Whether there is anything that the user said here, not in the prompt."""
        return any(self.own(part) for part in (*HEADER, "chords"))

    @property
    def has_length(self) -> bool:
        """Whether there are sections that the user said here, so that the clip is as long as they are."""
        return self.own("chords") and bool(self.plan.sections)

    def parts(self, least: int) -> Parts:
        """The bars. least: bars of the clip; no more are shown of borrowed chords. Raises RequestError."""
        parts = parts_of(self.plan, least, self.locked)
        borrowed = least and not self.own("chords") and parts[0].section is None
        return (replace(parts[0], bars=parts[0].bars[:least]),) if borrowed else parts

    def set(self, plan: Plan, *parts: str, origin: str = OPTION) -> State:
        """With another plan, of which these parts are the user's from now on."""
        return replace(self, plan=plan, origin=self.origin | dict.fromkeys(parts, origin))

    def wishes(self) -> dict[str, Any]:
        """The fields of a request that say what the user said here, and nothing of what was borrowed."""
        if self.own("chords"):
            plan = self.plan
            if not self.own("tempo") and not any(section.tempo for section in plan.sections):
                plan = replace(plan, tempo=None)
            return {"plan": plan if self.own("drums") else replace(plan, drums=None)}
        values = {"bpm": self.plan.tempo, "key": self.plan.key, "metre": self.plan.metre, "drums": self.plan.drums}
        own = {name: values[name] for part, name in HEADER.items() if self.own(part)}
        return {name: value for name, value in own.items() if value is not None}


def planning(state: State, read: Any, given: dict[str, Any], follows: bool) -> dict[str, Any]:
    """The fields of a request that the strip makes up.

    read: {"prompt", "model"} that it was read for; given: prompt, model, seed, variations and best_of of the form. A
    model that follows plans gets all that is seen, so that it is what is played. What a prompt was read as is left out
    where the engine would read and borrow the same.
    """
    fresh = isinstance(read, dict) and all(read.get(name) == given.get(name) for name in ("prompt", "model"))
    seen = fresh and follows and state.plan != Plan()
    alone = str(given.get("variations") or 1) == "1" and str(given.get("best_of") or 1) == "1"
    same = alone and str(given.get("seed")) == str(state.roll)
    return {"plan": state.plan} if seen and not same else state.wishes()


def state_of(request: GenerationRequest) -> State:
    """The strip that says what the fields of a request say. Raises RequestError."""
    roll = request.seed or 0
    if not any(getattr(request, name) is not None for name in PLANNING):
        return State(roll=roll)
    wishes = request.wishes
    plan = wishes.over(Plan())
    found, worked_out = origins(plan, PromptFacts(), wishes, borrows=False)
    origin = dict.fromkeys(PARTS, DEFAULT) | found | dict.fromkeys(worked_out, DEFAULT)
    if origin["chords"] == DEFAULT and plan.sections:
        origin["chords"] = PLAN  # sections without chords of their own are a form all the same
    return State(plan, origin, frozenset(), roll)


def state_of_plan(plan: Plan, roll: int = 0) -> State:
    """The strip of a plan that comes from a clip or a file."""
    says = {
        "tempo": any(stretch.tempo is not None for stretch in plan.stretches),
        "metre": True,
        "key": plan.key is not None,
        "chords": bool(plan.sections) or bool(plan.chords),
        "drums": any(stretch.drums is not None for stretch in plan.stretches),
        "genre": False,
    }
    return State(plan, {part: PLAN if said else DEFAULT for part, said in says.items()}, frozenset(), roll)


def _roll(value: object) -> int:
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 20:
        raise RequestError("roll must be a seed as text")
    return check_whole("roll", int(value), 0, SEED_MAX)
