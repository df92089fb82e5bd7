"""The values of the form (or of an API call) -> a request that is checked and complete.

The limits are those of `request` and of the model. Nothing is clamped or guessed, and an empty field means the model's
own default.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...errors import RequestError
from ...machine.user_settings import FORMATS
from ...models import installed
from ...models.adapters import adapted, find_installed
from ...request import TEXT_LENGTH, GenerationRequest, parse_conditions, with_defaults

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = ("prompt", "negative", "model", "solver", "conditions")
PLAN_TEXTS = ("plan", "key", "metre", "chords", "form")  # their limits are `songbook.wishes`'
DRUMS = {"": None, "yes": True, "no": False}  # words of the form -> what they mean
ABSURD = 100_000  # characters that are not even looked at one by one


def request_from(values: dict, models_dir: Path | None = None, usual: dict | None = None) -> GenerationRequest:
    """The resolved request of these fields of GenerationRequest, as a browser sends them. Raises a TTMError.

    usual: fields for what they leave open, from the settings.

    An empty text or None is "not given"; numbers may come as text, because a browser's own hold only 53 bits of a seed
    and cannot be empty; "interval_from" and "interval_to" are the two ends of guidance_interval; "conditions" may be a
    text such as "reward=0.9, other=2".
    """
    given: dict[str, Any] = {
        name: _number(name, value) for name, value in values.items() if value is not None and value != ""
    }
    if isinstance(given.get("drums"), str):
        given["drums"] = DRUMS.get(given["drums"], given["drums"])
    for name in TEXTS:
        if isinstance(given.get(name), str) and len(given[name]) > ABSURD:
            raise RequestError(f"{name} has {len(given[name]):,} characters: shorten it to {TEXT_LENGTH:,}")
    ends = given.pop("interval_from", None), given.pop("interval_to", None)
    if ends != (None, None):
        given["guidance_interval"] = (0.0 if ends[0] is None else ends[0], 1.0 if ends[1] is None else ends[1])
    if isinstance(told := given.get("conditions"), str):
        given["conditions"] = parse_conditions(told.split(","))
    request = GenerationRequest(**{"prompt": ""} | with_defaults(given, usual or {})).validated()
    bundle = installed.find_installed(request.model, models_dir)
    adapted(bundle, request.adapters, find_installed)
    return installed.completed(request, bundle)


def check_suffix(suffix: str) -> str:
    """A suffix this app can write. Raises RequestError."""
    if suffix not in FORMATS:
        raise RequestError(f"format must be one of {', '.join(FORMATS)}")
    return suffix


def _number(name: str, value: object) -> object:
    """24.0 and "24" as 24, "2.5" as 2.5; anything else, and every text field, as it is, for the request to judge."""
    if name in (*TEXTS, *PLAN_TEXTS):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?[0-9]{1,30}\s*", value, re.ASCII):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?[0-9]*\.[0-9]{1,30}\s*", value, re.ASCII):
        return float(value)
    return value
