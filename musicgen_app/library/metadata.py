"""Where a clip came from: GenerationResult -> text tags in the file and a JSON sidecar beside it -> request.

The comment tag is one flat JSON record: the AI mark, the model and its weights, the app, and the resolved request, with
its plan where it has one. For the best of several clips it adds how many there were, their first seed, the score and
what gave it; the seed is that of the clip itself. It holds no date, so the same result gives the same bytes. The
sidecar `<audio file>.json` is the same record with the model's version and licence, the shape of the audio, the time
taken, what it was computed with, the plan that was played, and what of the request was understood. What is read back is
untrusted.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, fields
from pathlib import Path

from .. import __version__
from ..audio import WAV_COMMENT_BYTES, read_tags
from ..control.plan import Plan
from ..daw.timeline import Timeline, timeline_of
from ..errors import FileError, RequestError
from ..request import PLANNING, Choice, GenerationRequest, GenerationResult
from ..songbook.wishes import Wishes

SCHEMA = 1
AI_MARK = {"schema": SCHEMA, "ai_generated": True, "digital_source_type": "trainedAlgorithmicMedia"}  # IPTC term
ORIGIN = ("model", "weights", "app")
SETTINGS = ("seed", "seconds", "steps", "guidance", "guidance_interval", "solver", "loudness")
TEXTS = ("prompt", "negative")
MORE = ("conditions", "bars", "loop")  # only in records of clips whose requests have them
ADAPTERS = "adapters"  # only in the record of a clip that was made with some: name, SHA-256 and strength of each
EDIT, PLAYED = "edit", "played"  # the edit only in the record of a recording that was edited, with the plan it then has
CHOICE = tuple(field.name for field in fields(Choice))  # only in the record of a clip that was chosen
TITLE_LENGTH = 80  # characters
RECORD_BYTES = 524_288  # more than the longest prompts and plans take

# A model's name, never a path: a file from elsewhere must not choose which folder or host weights are loaded from.
_TRUSTED = {"model": r"[a-z0-9][a-z0-9._-]{0,63}", "weights": r"[0-9a-f]{64}", "app": r"ttm-app [\w.+-]{1,40}"}


def tags_for(result: GenerationResult) -> dict[str, str]:
    """Text tags for audio.write: title, artist, software and the record as a compact JSON comment."""
    prompt = result.request.prompt
    title = prompt if len(prompt) <= TITLE_LENGTH else prompt[: TITLE_LENGTH - 1].rstrip() + "…"
    return {
        "title": title,
        "artist": "ttm-app (AI-generated)",
        "software": f"ttm-app {__version__}",
        "comment": _compact(_record(result)),
    }


def timeline_for(result: GenerationResult) -> Timeline | None:
    """Tempo, key, bars and sections of a clip, for audio.write; None where it was made to no plan."""
    if result.plan is None:
        return None
    return timeline_of(result.plan, result.audio.shape[1] / result.sample_rate, result.request.loop)


def sidecar_for(result: GenerationResult, path: str | Path) -> dict:
    """The JSON object to keep beside the audio file at `path`."""
    channels, samples = result.audio.shape
    return _record(result) | {
        "model_version": result.model["version"],
        "model_licence": result.model["licence"],
        "file": Path(path).name,
        "sample_rate": result.sample_rate,
        "channels": channels,
        "samples": samples,
        "seconds_taken": result.seconds_taken,
        "computed": result.computed,
        **({"read_as": result.read_as} if result.read_as else {}),
        **({PLAYED: result.plan.to_dict()} if result.plan else {}),
        **({"extent": asdict(result.extent)} if result.extent and result.request.in_bars else {}),
        **(result.decision.reading() if result.decision else {}),
    }


def sidecar_bytes(record: dict) -> bytes:
    """The JSON of a sidecar; a lone surrogate in an entry that nobody checked becomes its JSON escape."""
    return (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode(errors="backslashreplace")


def needs_sidecar(result: GenerationResult, path: str | Path) -> bool:
    """Whether the file's own tags are too small for the whole request: a long prompt in a WAV."""
    comment = tags_for(result)["comment"]
    return Path(path).suffix.lower() == ".wav" and len(comment.encode()) > WAV_COMMENT_BYTES


def sidecar_path(path: str | Path) -> Path:
    path = Path(path)
    return path.with_name(path.name + ".json")


def request_from(path: str | Path, choosing: bool = False) -> GenerationRequest:
    """The validated request that made the clip at `path`, or the clip of the sidecar there, for making it again.

    For the best of several clips it is the request of that one alone or, with `choosing`, the one that chose it.
    From the file's own tags; a prompt too long for a WAV tag is taken from the sidecar, if that is of the same clip.
    Raises FileError for a file that is not ours or that was edited, RequestError for values no request may have.
    """
    path = Path(path)
    record = record_of(path)
    if EDIT in record:
        source = _edited(record)[1] or "what it was made of"
        raise FileError(f"{path} was edited, which its request alone cannot do again: edit {source} again")
    return request_in(record, path, choosing)


def made_by(path: str | Path) -> GenerationRequest:
    """The validated request in the record of a clip, of an edited one too. Raises as `request_in`."""
    return request_in(record_of(Path(path)), Path(path))


def _edited(record: dict) -> tuple[str, str]:
    """What was done to an edited clip, and the name of what it was done to; both come from a file of anybody."""
    edit = edit_in(record) or {}
    source = edit.get("source")
    said = (edit.get("kind"), source.get("name") if isinstance(source, dict) else None)
    kind, name = ("".join(c if c.isprintable() else "?" for c in str(text or "")[:TITLE_LENGTH]) for text in said)
    return kind or "edit", name


def edit_in(record: dict) -> dict | None:
    """What a record says of an edit, as it stands; None where it says nothing."""
    edit = record.get(EDIT)
    return edit if isinstance(edit, dict) else None


def edited_in(record: dict) -> str:
    """In words what was done to an edited clip: "repaint of song.wav", "layer bass"; "" for one that was not edited."""
    if EDIT not in record:
        return ""
    kind, name = _edited(record)
    parts = (edit_in(record) or {}).get("part")
    if isinstance(parts, str) and not name:
        return f"{kind} {''.join(c for c in parts[:TITLE_LENGTH] if c.isprintable())}"
    return f"{kind} of {name}" if name else kind


def request_in(record: dict, path: Path, choosing: bool = False) -> GenerationRequest:
    """The validated request in a record, which was read from `path`. As `request_from`."""
    full = _complete(record, path)
    values = {name: full[name] for name in (*TEXTS, *SETTINGS, "model", *MORE, *PLANNING) if name in full}
    if ADAPTERS in full:
        values[ADAPTERS] = _adapters_in(full[ADAPTERS], path)
    if choosing and "best_of" in full:
        values |= {"best_of": full["best_of"], "seed": full["first_seed"]}
    try:
        return GenerationRequest.from_dict(values)
    except RequestError as error:
        raise RequestError(f"{path} asks for something impossible: {error}") from error


def _adapters_in(entries: object, path: Path) -> dict:
    """Strengths by name of the adapters in a record: names, never paths. Raises FileError."""
    entries = entries if isinstance(entries, list) else [None]
    named = [entry if isinstance(entry, dict) else {} for entry in entries]
    if not all(re.fullmatch(_TRUSTED["model"], str(entry.get("name"))) and "strength" in entry for entry in named):
        raise FileError(f"{path}: its record does not name its adapters as an adapter is named")
    return {entry["name"]: entry["strength"] for entry in named}


def played_in(path: Path) -> Plan | None:
    """The plan that the clip at `path` was made to: that of its sidecar, or what its request says of one, if it does.

    Raises FileError: the clip is not ours, or what it or the sidecar says is damaged.
    """
    record = _full_record(path)
    return _played(record, path) or _wished(record, path)


def plan_in(path: Path) -> Plan | None:
    """As `played_in`, but None also where the request leaves a part of the plan to the model."""
    record = _full_record(path)
    whole = not any(name in record for name in PLANNING if name != "plan")
    return _played(record, path) or (_wished(record, path) if whole else None)


def _full_record(path: Path) -> dict:
    """The record of a clip, of its sidecar where there is one. Raises FileError: it is of another clip."""
    record = record_of(path)
    if not sidecar_path(path).is_file():
        return record
    beside = read_sidecar(path)
    if not is_of(beside, path):
        raise _of_another(path)
    return beside


def _played(record: dict, path: Path) -> Plan | None:
    if PLAYED not in record:
        return None
    try:
        return Wishes.checked({"plan": record[PLAYED]}).sheet.plan
    except RequestError as error:
        raise FileError(f"{path}: {error}") from None


def _wished(record: dict, path: Path) -> Plan | None:
    try:
        wishes = request_in(record, path).wishes
        return wishes.over(Plan()) if wishes.given else None
    except RequestError as error:
        raise FileError(f"{path}: {error}") from None


def origin(path: str | Path) -> dict[str, str]:
    """{"model", "weights", "app"}: the model's name, the sha256 of its weights and the app version that made the clip.

    `path` is the clip's or its sidecar's. Raises FileError for a file that is not ours.
    """
    record = _tag_record(Path(path))
    return {name: record[name] for name in ORIGIN}


def _record(result: GenerationResult) -> dict:
    request = result.request.to_dict()
    return {
        **AI_MARK,
        "model": result.model["name"],
        "weights": result.model["weights_sha256"],
        "app": f"ttm-app {__version__}",
        **{name: request[name] for name in (*TEXTS, *SETTINGS, *MORE) if name in request},
        **({ADAPTERS: result.model[ADAPTERS]} if ADAPTERS in result.model else {}),
        **{name: request[name] for name in PLANNING if request[name] is not None},
        **(asdict(result.choice) if result.choice else {}),
        **({EDIT: result.edit} if result.edit else {}),
        **({PLAYED: result.plan.to_dict()} if result.edit and result.plan else {}),
    }


def record_of(path: Path) -> dict:
    """The full record of the clip at `path`: the tag's, completed from the sidecar where the tag was too small.

    Its entries are there, but only the mark and the origin are checked. Raises FileError.
    """
    record = _tag_record(path)
    if record.get("truncated") is not True:
        return _complete(record, path)
    sidecar = sidecar_path(path)
    if not os.path.isfile(sidecar):
        raise FileError(f"{path}: its prompt is too long for a tag and the sidecar {sidecar.name} is not beside it")
    full = _complete(read_sidecar(path), sidecar)
    if any(full[name] != record[name] for name in full.keys() & record.keys()):
        raise _of_another(path)
    return full


def _of_another(path: Path) -> FileError:
    return FileError(f"{sidecar_path(path)} describes another clip than {path.name}: put the right sidecar beside it")


def read_sidecar(path: Path) -> dict:
    """The record in the sidecar of `path`: the mark and the origin are checked, nothing else. Raises FileError."""
    return read_record(sidecar_path(path))


def read_record(sidecar: Path) -> dict:
    """The record in a sidecar, wherever it is. As `read_sidecar`."""
    return parse(_read_text(sidecar), sidecar)


def is_of(record: dict, path: Path) -> bool:
    """Whether a sidecar's record is of the clip at `path`: it says all that the tag there says. Raises FileError."""
    tag = _tag_record(path)
    return all(record.get(name) == tag[name] for name in tag.keys() - {"truncated"})


def full_tags(path: Path) -> dict[str, str]:
    """The tags of the audio file at `path`, with a comment that was too long for it completed. Raises FileError."""
    return read_tags(path) | ({"comment": _compact(AI_MARK | record_of(path))} if is_cut(path) else {})


def is_cut(path: Path) -> bool:
    """Whether the tag of the file at `path` was too small for its record. Raises FileError."""
    return _tag_record(path).get("truncated") is True


def _tag_record(path: Path) -> dict:
    return parse(_read_text(path) if path.suffix == ".json" else read_tags(path).get("comment", ""), path)


def _read_text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(RECORD_BYTES + 1).decode()
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}") from error


def _compact(record: dict) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def parse(text: str, path: Path) -> dict:
    """The JSON record in a text from `path`, its size, mark and origin checked, nothing else. Raises FileError."""
    foreign = FileError(f"{path} was not made by ttm-app, or its tags were changed: there is no request in it")
    if len(text) > RECORD_BYTES:
        raise foreign
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        raise foreign from None
    if not isinstance(record, dict) or record.get("ai_generated") is not True:
        raise foreign
    schema = record.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise FileError(f"{path} was made by a newer ttm-app: update this one to read it")
    for name, pattern in _TRUSTED.items():
        if not isinstance(record.get(name), str) or not re.fullmatch(pattern, record[name]):
            raise foreign
    return record


def _complete(record: dict, path: Path) -> dict:
    """The record's known entries. Raises FileError if one is missing.

    Sidecars of 0.2.0 and before have the plan that was played, in words, under "plan".
    """
    older = "computed" in record and "origin" not in record
    planning = [name for name in PLANNING if name in record and not (older and name == "plan")]
    more = [*(CHOICE if "best_of" in record else ()), *(name for name in (*MORE, ADAPTERS) if name in record)]
    more += [name for name in (EDIT, PLAYED) if EDIT in record and name in record]
    try:
        return {name: record[name] for name in (*ORIGIN, *TEXTS, *SETTINGS, *more, *planning)}
    except KeyError as error:
        raise FileError(f"{path}: its record has no {error.args[0]}, so the request cannot be made again") from None
