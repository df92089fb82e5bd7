"""Parts on one plan, and their sum: as loud together as the ceiling allows, each by the same gain.

Every part is a clip of its own, made to the same plan from the same seed, so they are in time. A prompt asks for it
alone, and leads away from the others; whether nothing else is heard in it is the judge's to say (`purity`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import audio
from ..aligner import Aligner
from ..control.plan import Plan
from ..control.prompt_parser import parse_prompt
from ..control.theory import bar_length
from ..errors import RequestError
from ..request import GenerationRequest, GenerationResult, check_number, check_text
from .edit import LEVEL, MOST_PARTS
from .source import Source

UNDER = -3.0  # dB: how much softer than the recording a part is that is added to it, at level 0


def checked_parts(parts: Sequence[str], levels: Sequence[float] | None) -> tuple[list[str], list[float]]:
    """The names of parts and their levels in dB, 0 for those without. Raises RequestError."""
    names = [check_text("a part", part, least=1) for part in parts]
    if not 1 <= len(names) <= MOST_PARTS or len({name.casefold() for name in names}) < len(names):
        raise RequestError(f"name 1 to {MOST_PARTS} parts, each once, such as bass keys drums")
    if levels and len(levels) != len(names):
        raise RequestError(f"{len(names)} parts need as many levels, not {len(levels)}")
    return names, [check_number("a level", level, *LEVEL) for level in levels or [0.0] * len(names)]


def request_for(part: str, others: Sequence[str], request: GenerationRequest, plan: Plan) -> GenerationRequest:
    """The request for one part alone, to a plan, led away from the others. The prompt of `request` says the style."""
    drums = parse_prompt(part).drums is True
    sections = tuple(replace(section, drums=None) for section in plan.sections)
    plan = replace(plan, drums=drums, sections=sections)
    if drums:
        plan = _unpitched(plan)
    unwanted = ", ".join([*([request.negative] if request.negative else []), *others])
    return replace(
        request,
        prompt=f"{part} alone, {request.prompt}" if request.prompt else f"{part} alone",
        negative=unwanted if request.guidance != 1 else request.negative,
        plan=plan,
        bpm=None,
        key=None,
        metre=None,
        chords=None,
        drums=None,
        form=None,
    )


def _unpitched(plan: Plan) -> Plan:
    """A plan without notes: its chords are unknown."""
    rest = (("", bar_length(plan.metre)),)
    return replace(plan, key=None, chords=rest, sections=tuple(replace(s, chords=(), key=None) for s in plan.sections))


def purity(clip: np.ndarray, sample_rate: int, judge: Aligner, parts: Sequence[str]) -> dict[str, float]:
    """How well a clip fits each part alone, by the judge: {part: cosine}, to three decimals."""
    sound = judge.audio(audio.resample(clip, sample_rate, judge.sample_rate)[None])[0]
    scores = judge.text([f"{part} alone" for part in parts]) @ sound
    return {part: round(float(score), 3) for part, score in zip(parts, scores, strict=True)}


def together(sounds: Sequence[np.ndarray], levels: Sequence[float], sample_rate: int) -> tuple[list[np.ndarray], float]:
    """Sounds (channels, n) at their levels in dB, and all lowered by one gain, in dB, so that their sum keeps to the
    ceiling."""
    raised = [sound.astype(np.float64) * 10 ** (level / 20) for sound, level in zip(sounds, levels, strict=True)]
    peak = audio.true_peak(np.sum(raised, axis=0), sample_rate)
    lowered = min(0.0, audio.CEILING - audio.ROUNDING - peak)
    return [(sound * 10 ** (lowered / 20)).astype(np.float32) for sound in raised], lowered


def layered(
    parts: Sequence[str],
    made: Sequence[GenerationResult],
    levels: Sequence[float],
    request: GenerationRequest,
    judge: Aligner,
) -> list[GenerationResult]:
    """The sum of parts that were made, and then the parts, at their levels; what the judge says is in their edits.

    request: the one for all, which has the style and the plan.
    """
    rate = made[0].sample_rate
    sounds, _ = together([result.audio for result in made], levels, rate)
    heard = [purity(result.audio, rate, judge, parts) for result in made]
    layers = [
        replace(result, audio=sound, edit={"kind": "layer", "part": part, "level": level, "heard": scores, "kept": []})
        for result, sound, part, level, scores in zip(made, sounds, parts, levels, heard, strict=True)
    ]
    plan = request.plan if isinstance(request.plan, Plan) else made[0].plan
    layers = [replace(layer, plan=plan) for layer in layers]
    facts = {"kind": "layers", "parts": list(parts), "levels": list(levels), "kept": []}
    style = [request.prompt] if request.prompt else []
    request = replace(made[0].request, prompt=", ".join([*parts, *style]), negative=request.negative, plan=plan)
    notes = dict.fromkeys(note for result in made for note in result.notes)
    whole = np.asarray(np.sum(sounds, axis=0, dtype=np.float64), np.float32)
    first = replace(made[0], audio=whole, request=request, plan=plan, edit=facts, notes=tuple(notes), choice=None)
    return [first, *layers]


def added(source: Source, part: GenerationResult, level: float, record: dict) -> list[GenerationResult]:
    """A recording with a part that was made for it, and the part alone, at the recording's rate and channels."""
    channels, samples = source.audio.shape
    sound = audio.resample(part.audio, part.sample_rate, source.sample_rate)[:, :samples]
    sound = sound.mean(axis=0, keepdims=True) if channels == 1 else sound
    sound = np.broadcast_to(np.pad(sound, ((0, 0), (0, samples - sound.shape[1]))), (channels, samples))
    power = [np.square(one, dtype=np.float64).mean() for one in (source.audio, sound)]
    raised = UNDER + level + 10 * np.log10(power[0] / max(power[1], 1e-12))
    (old, new), lowered = together([source.audio, sound], [0.0, float(raised)], source.sample_rate)
    notes = part.notes + ((f"all was lowered by {-lowered:.1f} dB to make room",) if lowered < -0.05 else ())
    facts = record | {"kept": [], "lowered": round(-lowered, 2)}
    whole = replace(part, audio=old + new, sample_rate=source.sample_rate, notes=notes, edit=facts)
    alone = replace(whole, audio=new, edit=facts | {"kind": "part"}, notes=part.notes)
    return [whole, alone]
