"""JSON Schemas of what the API takes and gives; the limits are those of the modules that check them."""

from __future__ import annotations

import json
from typing import Any

from ..control.plan import MAX_BARS
from ..editing.edit import KINDS, LEVEL, MOST_PARTS, MOST_REGIONS, WITHOUT
from ..machine.user_settings import FORMATS
from ..models.adapters import NAME
from ..request import (
    ANY_NUMBER,
    BARS,
    BEST_OF,
    GUIDANCE,
    LOUDNESS,
    MOST_ADAPTERS,
    SECONDS,
    SEED_MAX,
    SOLVERS,
    STEPS,
    STRENGTH,
    TEXT_LENGTH,
    VARIATIONS,
)
from ..songbook.changes import CHANGES
from ..songbook.plan_files import SCHEMA
from ..songbook.sheet import SHEET_LENGTH
from .problems import TYPES
from .request_queue import ENDED

Schema = dict[str, Any]
WORDS = [suffix[1:] for suffix in FORMATS]
ID = {"type": "string", "pattern": "^[0-9a-f]{12}$"}
FREE = {"type": "object"}  # described elsewhere in the documentation


def _number(about: str, low: float, high: float) -> Schema:
    return {"type": "number", "description": about, "minimum": low, "maximum": high}


def _whole(about: str, low: int, high: int) -> Schema:
    return {"type": "integer", "description": about, "minimum": low, "maximum": high}


def _text(about: str, most: int = TEXT_LENGTH, **more: Any) -> Schema:
    return {"type": "string", "description": about, "maxLength": most, **more}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def object_of(required: list[str], **properties: Schema) -> Schema:
    """The schema of an object with these properties and no others."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _plan() -> Schema:
    """The schema of a plan, whose parts are put where they are used, so that it stands alone."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    parts = schema.pop("$defs")

    def inlined(value: Any) -> Any:
        if isinstance(value, list):
            return [inlined(one) for one in value]
        if not isinstance(value, dict):
            return value
        named = parts[value["$ref"].rpartition("/")[2]] if "$ref" in value else {}
        return {name: inlined(one) for name, one in {**named, **value}.items() if name != "$ref"}

    return {name: value for name, value in inlined(schema).items() if not name.startswith("$")}


PLAN = _plan()
PLANNED: dict[str, Schema] = {
    "plan": {"description": "A plan, or the text of a chord sheet.", "anyOf": [PLAN, _text("A sheet.", SHEET_LENGTH)]},
    "bpm": _number("Quarter notes a minute.", 1, 1000),
    "key": _text('Such as "F minor".', 100),
    "metre": _text('Such as "7/8".', 100),
    "chords": _text('A row of a sheet, such as "Am F (C G) E7".', 10_000),
    "drums": {"type": "boolean"},
    "form": _text('Sections of a sheet, such as "intro 4 | verse 8: Am F | ends".', 10_000),
}
SOUND: dict[str, Schema] = {
    "negative": _text("What the music should not be like."),
    "seconds": _number("Length of a clip; the model may allow less.", *SECONDS),
    "bars": _whole("Length in bars of the plan, in place of seconds.", *BARS),
    "loop": {"type": "boolean", "description": "Whether the end is followed by the beginning; needs bars or sections."},
    "seed": _whole("The same seed gives the same music; one is drawn where none is given.", 0, SEED_MAX),
    "steps": _whole("Steps of the sampler.", *STEPS),
    "guidance": _number("How closely to follow the prompt; 1 is none.", *GUIDANCE),
    "guidance_interval": {
        "description": "Where to guide: 0 is noise, 1 is music.",
        "type": "array",
        "items": {"type": "number", "minimum": 0, "maximum": 1},
        "minItems": 2,
        "maxItems": 2,
    },
    "solver": {"type": "string", "enum": list(SOLVERS)},
    "model": _text("Name of an installed model."),
    "loudness": _number("LUFS.", *LOUDNESS),
    "best_of": _whole("Candidates of each clip, of which the best is kept.", *BEST_OF),
    "conditions": {"type": "object", "additionalProperties": _number("", *ANY_NUMBER)},
    "adapters": {
        "description": "Installed adapters of the model, by name, each with its strength; 1 is as trained.",
        "type": "object",
        "propertyNames": {"pattern": f"^{NAME.pattern}$"},
        "additionalProperties": _number("Its strength.", *STRENGTH),
        "maxProperties": MOST_ADAPTERS,
    },
}
PROMPT = _text("What the music should sound like.", minLength=1)
STYLE = _text("How what is made should sound; may be left out.")
FORMAT = {"type": "string", "enum": WORDS, "description": "Of the sound file; as in the settings where left out."}
VARIATION = _whole("How many clips, of seeds one apart.", *VARIATIONS)
REQUEST = object_of(["prompt"], prompt=PROMPT, variations=VARIATION, **SOUND, **PLANNED, format=FORMAT)
MUSIC = object_of([], prompt=PROMPT, input=PROMPT, response_format=FORMAT, **SOUND, **PLANNED) | {
    "description": "`input` is another name of `prompt`; give one of them."
}
QUESTION = object_of(
    [],
    prompt=PROMPT,
    **{name: SOUND[name] for name in ("negative", "seconds", "seed", "model")},
    **PLANNED,
)

SPAN = {"minItems": 2, "maxItems": 2, "type": "array"}
REGION = {
    "oneOf": [
        object_of(["bars"], bars=SPAN | {"items": _whole("Counted from 1, both inclusive.", 1, MAX_BARS)}),
        object_of(["seconds"], seconds=SPAN | {"items": _number("From and to.", 0, SECONDS[1])}),
    ]
}
EDIT = object_of(
    ["kind"],
    kind={"type": "string", "enum": list(KINDS)},
    seconds=_number("continue: how much longer.", *SECONDS),
    bars=_whole("continue, ending: how many bars it takes.", 1, MAX_BARS),
    left={"type": "boolean", "description": "continue: before it, not after."},
    regions={
        "type": "array",
        "items": REGION,
        "maxItems": MOST_REGIONS,
        "description": "repaint: what is played again; vary: these parts alone.",
    },
    strength=_number("repaint, vary: 0 leaves it as it is, 1 makes it anew.", 0, 1),
    level=_number("add: dB that the part is louder than usual, or with -3 softer.", *LEVEL),
    downbeat=_number("The second of a bar line, where what is known or heard is wrong.", 0, SECONDS[1]),
)
CLIP_ID = _text("Id of a clip of the library, or of a recording that was sent.", 64)
EDIT_REQUEST = object_of(
    ["clip", "edit"],
    clip=CLIP_ID,
    edit=EDIT,
    prompt=STYLE,
    variations=VARIATION,
    **{name: schema for name, schema in (SOUND | PLANNED).items() if name not in WITHOUT},
    format=FORMAT,
) | {"description": "bpm, key, metre and plan say what the clip is, chords and drums what is made."}
LAYERS_REQUEST = object_of(
    ["parts"],
    parts={"type": "array", "items": _text("Such as bass.", minLength=1), "minItems": 1, "maxItems": MOST_PARTS},
    levels={"type": "array", "items": _number("dB of a part; 0 as it is made.", *LEVEL), "maxItems": MOST_PARTS},
    prompt=STYLE,
    **SOUND,
    **PLANNED,
    format=FORMAT,
)

CLIP_LINKS = object_of(
    ["self", "audio", "plan", "sidecar"],
    **{name: {"type": "string"} for name in ("self", "audio", "plan", "sidecar")},
)
EDITED = {"type": "string", "description": 'What it is of a job, such as "repaint of song.wav" or "layer bass".'}
JOB_CLIP = object_of(
    ["id", "seed", "seconds", "edited", "links"],
    id=ID,
    seed={"type": "integer"},
    seconds={"type": "number"},
    edited=EDITED,
    links=CLIP_LINKS,
)
STANDING: dict[str, Schema] = {
    "id": {"type": "string"},
    "state": {"type": "string", "enum": ["waiting", "running", *ENDED]},
    "before": {"type": "integer", "description": "Requests before this one."},
    "part": _maybe({"type": "integer", "description": "Which clip, from 1, of how many it is at."}),
    "parts": _maybe({"type": "integer"}),
    "stage": _maybe({"type": "string", "description": "text, sampling or decoding; null while the model is read."}),
    "step": _maybe({"type": "integer"}),
    "total": _maybe({"type": "integer"}),
    "rate": _maybe({"type": "number", "description": "Steps a second of this stage."}),
    "stage_seconds_left": _maybe({"type": "number", "description": "Seconds left of this stage at that rate."}),
    "notes": {"type": "array", "items": {"type": "string"}},
    "error": _maybe(object_of(["message", "code"], message={"type": "string"}, code={"type": "integer"})),
    "clips": {"type": "array", "items": JOB_CLIP},
    "links": object_of([], **{name: {"type": "string"} for name in ("self", "events", "results")}),
}
JOB = object_of(
    [*STANDING, "format", "request"],
    **STANDING,
    format=FORMAT,
    request=FREE,
    clip=CLIP_ID,
    edit=EDIT,
    layers=object_of(["parts", "levels"], **{name: LAYERS_REQUEST["properties"][name] for name in ("parts", "levels")}),
)
JOBS = object_of(["jobs"], jobs={"type": "array", "items": JOB})
CLIP: Schema = {
    "type": "object",
    "required": ["id", "title", "created", "request", "seconds", "format", "played", "links"],
    "properties": {
        "id": ID,
        "title": {"type": "string"},
        "created": {"type": "string"},
        "source": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "favourite": {"type": "boolean"},
        "trashed": {"type": "boolean"},
        "seconds": {"type": "number"},
        "sample_rate": {"type": "integer"},
        "channels": {"type": "integer"},
        "samples": {"type": "integer"},
        "format": FORMAT,
        "request": FREE,
        "model": FREE,
        "played": _maybe(PLAN),
        "told": {"type": "array", "items": {"type": "string"}},
        "edited": EDITED,
        "edit": _maybe({"type": "object", "description": "What was done to which recording, and what is kept of it."}),
        "links": CLIP_LINKS,
    },
}
CLIPS = object_of(["total", "clips"], total={"type": "integer"}, clips={"type": "array", "items": CLIP})
CLIP_CHANGE = object_of(
    [],
    title=_text("An empty one is the prompt again."),
    tags={"type": "array", "items": {"type": "string", "maxLength": 64}, "maxItems": 32},
    favourite={"type": "boolean"},
)
RECORDING = object_of(
    ["id", "name", "seconds", "sample_rate", "channels", "plan", "known", "notes", "links"],
    id={"type": "string", "pattern": "^[0-9a-f]{16}$"},
    name={"type": "string"},
    seconds={"type": "number"},
    sample_rate={"type": "integer"},
    channels={"type": "integer"},
    plan=_maybe(PLAN),
    known={"type": "boolean", "description": "Whether the plan is of the file itself; else it was heard."},
    notes={"type": "array", "items": {"type": "string"}},
    links=object_of(["self"], self={"type": "string"}),
)
MODEL: Schema = {
    "type": "object",
    "required": ["id", "object", "title", "licence", "max_seconds", "follows_plans"],
    "properties": {
        "id": {"type": "string"},
        "object": {"const": "model"},
        "created": {"type": "integer"},
        "owned_by": {"type": "string"},
        "title": {"type": "string"},
        "version": {"type": "string"},
        "licence": {"type": "string"},
        "native_seconds": {"type": "number"},
        "max_seconds": {"type": "number"},
        "sampler": FREE,
        "follows_plans": {"type": "boolean"},
        "conditions": FREE,
    },
}
MODELS = object_of(["object", "data"], object={"const": "list"}, data={"type": "array", "items": MODEL})
DEMANDS = {
    "type": "array",
    "items": object_of(["text"], text={"type": "string"}, **{"as": {"type": "string"}, "why": {"type": "string"}}),
}
DECISION = object_of(
    ["plan", "sheet", "seconds", "seed", "model", "genre", "origin", "sections"],
    plan=PLAN,
    sheet={"type": "string"},
    seconds={"type": "number"},
    seed={"type": "integer"},
    model={"type": "string"},
    genre={"type": "string"},
    origin={"type": "object", "additionalProperties": {"type": "string"}},
    worked_out={"type": "array", "items": {"type": "string"}, "description": "Parts that nobody says."},
    sections={"type": "array", "items": FREE},
    **{name: DEMANDS for name in ("understood", "approximated", "not_understood")},
)
WRITTEN = object_of(
    ["plan", "sheet", "notes"],
    plan=PLAN,
    sheet={"type": "string"},
    notes={"type": "array", "items": {"type": "string"}},
)
OPERATION = {
    "oneOf": [object_of(["name", *of.required], name={"const": name}, **of.schema) for name, of in CHANGES.items()]
}
OPERATIONS = object_of(
    ["plan", "operations"],
    plan=PLANNED["plan"],
    operations={"type": "array", "items": OPERATION, "maxItems": 100},
)
ERROR = object_of(
    ["error"],
    error=object_of(
        ["message", "type", "code"],
        message={"type": "string", "description": "One line that says what to do."},
        type={"type": "string", "enum": list(TYPES.values())},
        code={"type": "integer", "description": "The exit code of the same mistake on the command line."},
    ),
)
SERVER = object_of(
    ["name", "version", "waiting", "places"],
    name={"const": "ttm-app"},
    version={"type": "string"},
    waiting={"type": "integer"},
    places={"type": "integer"},
)
NAMED: dict[str, Schema] = {
    "Request": REQUEST,
    "MusicRequest": MUSIC,
    "PlanQuestion": QUESTION,
    "PlanOperations": OPERATIONS,
    "EditRequest": EDIT_REQUEST,
    "LayersRequest": LAYERS_REQUEST,
    "Recording": RECORDING,
    "Plan": PLAN,
    "Decision": DECISION,
    "WrittenPlan": WRITTEN,
    "Job": JOB,
    "Jobs": JOBS,
    "Clip": CLIP,
    "Clips": CLIPS,
    "ClipChange": CLIP_CHANGE,
    "Model": MODEL,
    "Models": MODELS,
    "Error": ERROR,
    "Server": SERVER,
}
