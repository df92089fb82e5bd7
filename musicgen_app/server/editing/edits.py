"""JSON of a program -> an edit of a recording, or layers, as work for the queue. What can be is checked at once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...errors import FileError, RequestError, TTMError
from ...models import installed
from ...models.installed import ResolvedRequest
from ...request import ANY_PROMPT, DRAWN_SEEDS, GenerationRequest
from .. import downloads, requests
from ..problems import Problem
from ..request_queue import EngineBusy
from ..work import Editing, Layering

if TYPE_CHECKING:
    from ...control.plan import Plan
    from ...editing.source import Source
    from ..context import Context

SENT = 16  # characters of the id of a recording that was sent; that of a clip of the library has 12
Read = Callable[[], "Source"]


def named_source(context: Context, named: str) -> Read:
    """What reads the clip of the library, or the recording that was sent, of that id. Raises Problem."""
    from ...editing.source import read_source

    if len(named) == SENT:
        return context.recordings.get(named).read
    id = downloads.item_of(context.library, named).id
    return lambda: read_source(context.library.get(id).path)  # which may have been moved meanwhile


def editing(
    context: Context, values: dict[str, Any], source_of: Callable[[Context, str], Read] = named_source
) -> Editing:
    """The edit of {"clip": ID, "edit": {"kind": ...}} and fields of a request.

    Raises Problem, RequestError: also where the clip is not what the edit needs.
    """
    from ...editing.edit import Edit
    from ...editing.preparation import asked_for, prepare

    given = dict(values)
    clip, edit = given.pop("clip", None), Edit.from_dict(given.pop("edit", None))
    if not isinstance(clip, str):
        raise RequestError("clip must be the id of a clip, or of a recording that was sent")
    read = source_of(context, clip)
    try:
        source = read()
    except FileError as error:
        raise Problem(422, str(error), error.exit_code) from None
    request, notes = asked_for(source, given, context.settings.request()["model"], context.models_dir)
    _check_model(context, request)
    with suppress(EngineBusy):  # then it is checked when its turn has come
        prepare(source, edit, request, lambda source: known_plan(context, source))
    return Editing(request, tuple(notes), edit=edit, clip=clip, read=read)


def layering(context: Context, values: dict[str, Any]) -> Layering:
    """The layers of {"parts": ["bass", ...], "levels": [0, ...]} and fields of a request. Raises Problem, RequestError.

    The prompt is what all parts are like, and may be left out.
    """
    from ...editing.layers import checked_parts
    from ...editing.preparation import with_or_without_prompt

    given = dict(values)
    parts, levels = given.pop("parts", None), given.pop("levels", None)
    if not isinstance(parts, list) or not isinstance(levels, list | None):
        raise RequestError('parts must be a list such as ["bass", "drums"], and levels one of numbers')
    names, wanted = checked_parts(parts, levels)
    usual = {"seed": secrets.randbelow(DRAWN_SEEDS), "model": context.settings.request()["model"]}
    request = with_or_without_prompt(usual | given)
    if request.variations != 1:
        raise RequestError("layers are made once: ask again with another seed")
    _check_model(context, request)
    return Layering(request, names=tuple(names), levels=tuple(wanted))


def known_plan(context: Context, source: Source) -> Plan | None:
    """The plan that a clip of the app was made to, where only its model can tell. Raises EngineBusy."""
    if source.request is None:
        return None
    try:
        bundle = requests.model_of(context, source.request.model, source.request.adapters)
        if bundle.weights_sha256 != source.weights:
            return None
        return context.engine.decide(ResolvedRequest(installed.completed(source.request, bundle), bundle)).plan
    except EngineBusy:
        raise
    except (TTMError, Problem):
        return None


def _check_model(context: Context, request: GenerationRequest) -> None:
    """Raise Problem where there is no such model, and RequestError where it cannot do what is asked for."""
    prompted = replace(request, prompt=request.prompt or ANY_PROMPT)
    installed.completed(prompted, requests.model_of(context, request.model, request.adapters))
