"""What the user asks for, and what one generated clip is: plain data <-> JSON, checked once, here.

GenerationRequest -> validated() (every limit on user input) -> resolved() (the model's defaults filled in, seed drawn).
GenerationResult: one clip, audio (channels, samples) float32, with the resolved request that makes it again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any
from unicodedata import category

from .errors import RequestError

if TYPE_CHECKING:
    import numpy as np

    from .control.bars import Extent
    from .control.plan import Plan
    from .songbook.decision import Decision
    from .songbook.wishes import Wishes

EVALUATIONS = {"euler": 1, "midpoint": 2, "heun": 2, "ab2": 1, "mean": 1}  # of the network, in a step of each solver
SOLVERS = tuple(EVALUATIONS)
ODE_SOLVERS = SOLVERS[:-1]  # which every model can be sampled with; the last is that of MeanFlow models
TEXT_LENGTH = 2_000  # characters, of the prompt and of the negative prompt
SECONDS = (0.5, 3_600.0)  # the upper end is only for a request that has met no model yet
BARS = (1, 1_000)
SEED_MAX = 2**63 - 1
DRAWN_SEEDS = 2**32  # a drawn seed is short enough to be read out and typed again
STEPS = (1, 1_000)
GUIDANCE = (0.0, 30.0)
VARIATIONS = (1, 64)
BEST_OF = (1, 16)
LOUDNESS = (-40.0, -8.0)  # LUFS
STRENGTH = (-4.0, 4.0)  # of an adapter
MOST_ADAPTERS = 16
ANY_NUMBER = (-1e6, 1e6)  # of a condition, until a model narrows it
USUAL_SECONDS = 10.0
ANY_PROMPT = "music"  # for a plan that comes without words
LENGTH = ("seconds", "bars")  # fields that say how long a clip is, one of them in each request
PLANNING = ("plan", "bpm", "key", "metre", "chords", "drums", "form")  # fields of `songbook.wishes.Wishes`

_BECOME_SPACES = str.maketrans(dict.fromkeys("\t\n\r\u2028\u2029", " "))


@dataclass(frozen=True)
class GenerationRequest:
    """One request for music. None means the model's own default (for the seed: drawn).

    seconds: None is as long as the sections of a plan with a tempo take, and their last chord, or else 10. bars: the
    length in bars of the clip's own plan instead. loop: the end is followed by the beginning; its length is given in
    bars, or is that of the sections. The seven fields from `plan` to `form` say what is played; they win over the
    prompt, and the other six over the plan. See `songbook.wishes.Wishes`.
    """

    prompt: str
    negative: str = ""
    seconds: float | None = None
    seed: int | None = None  # 0..2**63-1; variation i has the seeds from seed + i * best_of, best_of of them
    steps: int | None = None
    guidance: float | None = None
    guidance_interval: tuple[float, float] | None = None  # in [0, 1] on the internal axis: 0 noise, 1 data
    solver: str | None = None
    variations: int = 1
    model: str = "sketch"
    loudness: float | None = None  # integrated loudness target in LUFS; None: as the model made it
    best_of: int = 1  # candidates made for each variation; the one that fits the prompt best is kept
    conditions: dict[str, float] = field(default_factory=dict)  # numbers that some models are told, such as a reward
    plan: Plan | str | None = None  # a Plan, or the text of a chord sheet
    bpm: float | None = None
    key: str | None = None  # such as "F minor"
    metre: str | None = None  # such as "7/8"
    chords: str | None = None  # a row of a sheet, such as "Am F (C G) E7"
    drums: bool | None = None
    form: str | None = None  # sections of a sheet, such as "intro 4 | verse 8: Am F | chorus 8"
    bars: int | None = None
    loop: bool = False
    adapters: dict[str, float] = field(default_factory=dict)  # of the model: name or folder -> strength, 1 as trained

    @property
    def wishes(self) -> Wishes:
        """What the fields of the plan say. Raises RequestError."""
        from .songbook.wishes import Wishes

        return Wishes.checked(self._planning)

    @property
    def borrows_length(self) -> bool:
        """Whether it has sections but no tempo, neither in the prompt: it is as long as they take at a borrowed one."""
        if self.seconds is not None or self.in_bars or not self._planning:
            return False
        plan = self.wishes.over(_plan())
        return bool(plan.sections) and self.wishes.seconds(self._stated_tempo) is None

    @property
    def _stated_tempo(self) -> float | None:
        """Quarter notes a minute that the prompt names."""
        from .control.prompt_parser import parse_prompt

        return parse_prompt(self.prompt).quarters

    @property
    def _planning(self) -> dict:
        return {name: getattr(self, name) for name in PLANNING if getattr(self, name) is not None}

    def validated(self, max_seconds: float = SECONDS[1]) -> GenerationRequest:
        """The same request in canonical form: texts stripped and on one line, numbers of the declared type.

        Values may come from JSON, so types are checked too: True is not 1 and "10" is not 10.
        max_seconds: the longest clip allowed, in seconds. Raises RequestError.
        """
        variations = check_whole("variations", self.variations, *VARIATIONS)
        best_of = check_whole("best_of", self.best_of, *BEST_OF)
        seed_max = SEED_MAX - (variations * best_of - 1)
        return GenerationRequest(
            prompt=check_text("prompt", self.prompt, least=1),
            negative=check_text("negative", self.negative, least=0),
            seconds=None if self.seconds is None else check_number("seconds", self.seconds, SECONDS[0], max_seconds),
            seed=None if self.seed is None else check_whole("seed", self.seed, 0, seed_max),
            steps=None if self.steps is None else check_whole("steps", self.steps, *STEPS),
            guidance=None if self.guidance is None else check_number("guidance", self.guidance, *GUIDANCE),
            guidance_interval=None if self.guidance_interval is None else _interval(self.guidance_interval),
            solver=None if self.solver is None else _solver(self.solver),
            variations=variations,
            model=check_text("model", self.model, least=1),
            loudness=None if self.loudness is None else check_number("loudness", self.loudness, *LOUDNESS),
            best_of=best_of,
            conditions=_conditions(self.conditions),
            **self._extent(),
            adapters=_adapters(self.adapters),
            **(self.wishes.values() if self._planning else {}),
        )

    def _extent(self) -> dict:
        """The fields that say how long a clip in bars is, and whether it is a loop. Raises RequestError."""
        if not isinstance(self.loop, bool):
            raise RequestError("loop must be true or false")
        bars = None if self.bars is None else check_whole("bars", self.bars, *BARS)
        if self.seconds is not None and (bars is not None or self.loop):
            what = "a loop is as long as its bars, not seconds" if self.loop else "seconds and bars are two lengths"
            raise RequestError(f"{what}: " + ("give one of both" if bars else "leave loop or seconds out"))
        if self.loop and bars is None and not self.wishes.has_sections:
            raise RequestError("a loop needs a length in bars, such as 8, or a plan with sections")
        return {"bars": bars, "loop": self.loop}

    def resolved(self, sampler: dict, max_seconds: float, scalars: dict | None = None) -> GenerationRequest:
        """The validated request with nothing left open: defaults from the model, a seed drawn if none was given.

        sampler: {"solver", "steps", "guidance", "guidance_interval"} of the model, whose interval may be None for the
        whole way; max_seconds: its longest clip; scalars: the numbers it is told, {name: {"default", "min", "max"}}. A
        0 that was given is a value, not a gap. Raises RequestError.
        """
        defaults = {
            "solver": sampler["solver"],
            "steps": sampler["steps"],
            "guidance": sampler["guidance"],
            "guidance_interval": sampler.get("guidance_interval") or (0.0, 1.0),
            "seed": secrets.randbelow(DRAWN_SEEDS),
        }
        if not self.in_bars:
            defaults["seconds"] = min(
                (self._planning and self.wishes.seconds(self._stated_tempo)) or USUAL_SECONDS, max_seconds
            )
        gaps = {name: value for name, value in defaults.items() if getattr(self, name) is None}
        told = _told(self.conditions, scalars or {})
        request = replace(self, **gaps, conditions=told).validated(max_seconds)
        _check_solver(request, mean_flow=sampler["solver"] == "mean")
        return request

    @property
    def seeds(self) -> list[int]:
        """The seed of every candidate of every variation, in order, of a resolved request."""
        assert self.seed is not None, "the request is not resolved"
        return [self.seed + i for i in range(self.variations * self.best_of)]

    @property
    def in_bars(self) -> bool:
        """Whether its length is in bars, and so known in seconds only when the plan of a clip is; see `Engine`."""
        return self.bars is not None or self.loop

    @property
    def length(self) -> float:
        """Seconds of a clip, of a resolved request that is not in bars."""
        assert self.seconds is not None, "the request is not resolved, or in bars"
        return self.seconds

    def to_dict(self) -> dict:
        """JSON-safe dictionary; GenerationRequest.from_dict gives the request back."""
        d = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.plan is not None and not isinstance(self.plan, str):
            d["plan"] = self.plan.to_dict()
        if self.guidance_interval is not None:
            d["guidance_interval"] = list(self.guidance_interval)
        usual: dict = {"conditions": {}, "adapters": {}, "bars": None, "loop": False}  # of most requests
        return {name: value for name, value in d.items() if name not in usual or value != usual[name]}

    @staticmethod
    def from_dict(d: dict) -> GenerationRequest:
        """Validated request from a JSON object. Raises RequestError, also for an unknown key."""
        if not isinstance(d, dict):
            raise RequestError('a request must be a JSON object such as {"prompt": "slow piano", "seconds": 10}')
        known = [field.name for field in fields(GenerationRequest)]
        unknown = [ascii(key)[:40] for key in d if key not in known]
        if unknown:
            raise RequestError(f"unknown key {unknown[0]} in the request: the keys are {', '.join(known)}")
        if "prompt" not in d:
            raise RequestError("the request has no prompt: say what the music should sound like")
        return GenerationRequest(**d).validated()


@dataclass(frozen=True)
class Choice:
    """Why a clip was chosen among several of one prompt."""

    best_of: int  # candidates, of the seeds first_seed .. first_seed + best_of - 1
    first_seed: int
    score: float  # how well it fits the prompt: the judge's cosine, -1..1, to four decimals
    judge: str  # what scored it, such as "aligner 0123abcd"


@dataclass(frozen=True, eq=False)
class GenerationResult:
    """One clip, mastered, with all it takes to make it again."""

    audio: np.ndarray  # (channels, samples) float32, exactly round(extent.seconds * sample_rate) samples
    sample_rate: int
    request: GenerationRequest  # resolved; the seed is this clip's own, variations and best_of are 1
    model: dict  # {"name", "version", "weights_sha256", "licence"}
    seconds_taken: dict  # {"text", "sampling", "decoding"} in seconds, of the whole request; scoring is in the last
    computed: dict = field(default_factory=dict)  # {"device", "precision", "decoder"}: what it was computed with
    notes: tuple[str, ...] = ()  # what the user should know about it, a line each
    choice: Choice | None = None  # where best_of was more than 1
    plan: Plan | None = None  # tempo, key and chords that it was made to, where the model follows a plan
    read_as: str = ""  # the genre that the prompt was taken to mean, where it names none
    decision: Decision | None = None  # why it is that plan, and what of the request was understood
    extent: Extent | None = None  # its exact length in seconds, in bars where it was asked for so, whether it loops
    edit: dict | None = None  # of a recording that was edited: how, which one, and what was kept of it


def over(defaults: dict, given: dict) -> dict:
    """Fields of a request that were given, over others: a length that is given takes the place of any other."""
    replaced = LENGTH if any(given.get(name) is not None for name in LENGTH) else ()
    return {name: value for name, value in defaults.items() if name not in replaced} | given


def with_defaults(given: dict, defaults: dict) -> dict:
    """Fields of a request with defaults for the rest, but without a length where the sections of a plan have their own.

    A loop is not as long as clips are by default. A plan without a prompt gets the style that its sheet names, or its
    title, as one.
    """
    values = over(defaults, given)
    if values.get("loop") and "seconds" not in given:
        values.pop("seconds", None)
    planning = {name: values[name] for name in PLANNING if values.get(name) is not None}
    if not planning:
        return values
    wishes = GenerationRequest("", **planning).wishes
    if "plan" in planning and not values.get("prompt"):
        values["prompt"] = wishes.sheet.about or ANY_PROMPT
    if "seconds" not in given and (wishes.form or wishes.sheet.plan.sections):
        values.pop("seconds", None)
    return values


def _plan() -> Plan:
    from .control.plan import Plan

    return Plan()


def check_text(name: str, value: object, least: int) -> str:
    """Stripped text on one line of least..TEXT_LENGTH characters, free of control characters and lone surrogates."""
    if not isinstance(value, str):
        raise RequestError(f"{name} must be text")
    text = value.translate(_BECOME_SPACES)
    for position, character in enumerate(text):
        if category(character) in ("Cc", "Cs"):
            raise RequestError(
                f"{name} has an unusable character (U+{ord(character):04X}) at position {position + 1}: remove it"
            )
    text = text.strip()
    if len(text) < least:
        raise RequestError(
            f"{name} is empty: "
            + ("say what the music should sound like" if name == "prompt" else "leave it out or give a value")
        )
    if len(text) > TEXT_LENGTH:
        raise RequestError(f"{name} has {len(text):,} characters: shorten it to {TEXT_LENGTH:,}")
    return text


def check_whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= value <= high:  # type: ignore[operator]
        raise RequestError(f"{name} must be a whole number from {low} to {high}")
    return int(value)


def check_number(name: str, value: Any, low: float, high: float) -> float:
    # NaN fails every comparison, and the finite ends refuse infinities and integers too large for a float
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= value <= high:  # type: ignore[operator]
        raise RequestError(f"{name} must be a number from {low:g} to {high:g}")
    return float(value) + 0.0  # -0.0 is 0.0


def _interval(value: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise RequestError("guidance_interval must be two numbers, low and high, from 0 to 1")
    low, high = (check_number("guidance_interval", end, 0.0, 1.0) for end in value)
    if low > high:
        raise RequestError("guidance_interval must have its lower end first")
    return low, high


def parse_conditions(texts: Iterable[str]) -> dict[str, float]:
    """Numbers by name of texts such as "reward=0.9". Raises RequestError."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = (part.strip() for part in text.partition("="))
        try:
            value = float(number)
        except ValueError:
            raise RequestError(f"condition {text[:60]!a} is not a name and a number, such as reward=0.9") from None
        if name in found:
            raise RequestError(f"condition {name[:40]!a} is given twice")
        found[name] = value
    return _conditions(found)


def _conditions(value: dict[str, float]) -> dict[str, float]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise RequestError('conditions must be numbers by name, such as {"reward": 0.9}')
    return {name: check_number(f"condition {name[:40]!a}", value[name], *ANY_NUMBER) for name in sorted(value)}


def parse_adapters(texts: Iterable[str]) -> dict[str, float]:
    """Strengths by name or folder of texts such as "strings" or "strings:0.7". Raises RequestError."""
    found: dict[str, float] = {}
    for text in texts:
        name, colon, number = text.rpartition(":")
        try:
            strength = float(number) if colon else 1.0
        except ValueError:  # a colon of a path, such as that of a drive
            colon, strength = "", 1.0
        name = name if colon else text
        if name in found:
            raise RequestError(f"adapter {name[:60]!a} is given twice")
        found[name] = strength
    return _adapters(found)


def _adapters(value: dict[str, float]) -> dict[str, float]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise RequestError('adapters must be strengths by name, such as {"strings": 0.7}')
    if len(value) > MOST_ADAPTERS:
        raise RequestError(f"{len(value)} adapters are too many: give {MOST_ADAPTERS} at most")
    return {
        check_text("adapter", name, least=1): check_number(f"strength of adapter {name[:40]!a}", value[name], *STRENGTH)
        for name in sorted(value)
    }


def _told(given: dict[str, float], scalars: dict) -> dict[str, float]:
    """What a model is told: what was given, and its own values for the rest. Raises RequestError."""
    for name, value in given.items():
        if name not in scalars:
            known = f"it has {', '.join(scalars)}" if scalars else "it has none"
            raise RequestError(f"the model has no condition {name[:40]!a}: {known}")
        check_number(f"condition {name}", value, scalars[name]["min"], scalars[name]["max"])
    return {name: facts["default"] for name, facts in scalars.items()} | given


def _check_solver(request: GenerationRequest, mean_flow: bool) -> None:
    """Raise RequestError where a resolved request asks what its model cannot do."""
    if not mean_flow and request.solver == "mean":
        raise RequestError(f"the solver mean is for MeanFlow models, which this one is not: {', '.join(ODE_SOLVERS)}")
    if mean_flow and request.guidance != 1:
        raise RequestError("this is a MeanFlow model: guidance is trained into it, so ask for none, or for 1")
    if mean_flow and request.negative:
        raise RequestError("this is a MeanFlow model: it takes no negative prompt, since that needs guidance")


def _solver(value: str) -> str:
    if value not in SOLVERS:
        raise RequestError(f"solver must be one of {', '.join(SOLVERS)}")
    return value
