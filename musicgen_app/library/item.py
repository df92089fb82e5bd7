"""One result that was kept: an audio file of the library and its sidecar -> Item.

Sidecars are untrusted: sizes, types and limits are checked here, links are refused, and no name in them is ever used as
a path. What the user may change is in one entry of the sidecar, NOTE.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from unicodedata import normalize

from ..control.plan import Plan
from ..errors import FileError, RequestError
from ..request import BEST_OF, SEED_MAX, Choice, GenerationRequest, check_number, check_text, check_whole
from ..songbook.wishes import Wishes
from .metadata import ADAPTERS, edit_in, edited_in, read_sidecar, request_in, sidecar_path

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}-[0-9]{1,19}-(?P<id>[0-9a-f]{12})\.(wav|flac|ogg|mp3)")
CREATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
TRASH = ".trash"
NOTE = "library"
SOURCES = ("gui", "cli", "api", "python")
TAGS, TAG_LENGTH = 32, 64  # of one item; characters
TOLD = 2_000  # demands of one request


@dataclass(frozen=True)
class Item:
    """One result that was kept."""

    id: str  # 12 hexadecimal digits
    path: Path  # the audio file
    sidecar: Path
    request: GenerationRequest  # resolved, of this clip alone
    model: dict  # {"name", "version", "weights_sha256", "licence"}
    created: str  # ISO 8601 in UTC, to the microsecond
    source: str  # "gui", "cli", "api" or "python"
    title: str
    tags: tuple[str, ...]
    favourite: bool
    sample_rate: int
    channels: int
    samples: int
    seconds_taken: dict
    trashed: bool
    choice: Choice | None = None  # of the best of several clips: how many, and its score
    plan: str = ""  # tempo, key and chords that it was made to, in words
    read_as: str = ""  # the genre that the prompt was taken to mean
    played: Plan | None = None  # the plan itself
    told: tuple[str, ...] = ()  # what of the request was approximated or not understood, a line each
    edited: str = ""  # what was done to which recording, such as "repaint of song.wav"
    edit: dict | None = None  # the same as data, as its file has it

    def to_dict(self) -> dict:
        """JSON-safe dictionary."""
        plain: dict = {"path": str(self.path), "sidecar": str(self.sidecar), "request": self.request.to_dict()}
        choice = asdict(self.choice) if self.choice else None
        played = self.played.to_dict() if self.played else None
        plain |= {"tags": list(self.tags), "told": list(self.told)}
        return vars(self) | plain | {"played": played, "choice": choice}


def folded(text: str) -> str:
    """Text as it is compared: without case, and alike however its letters are composed."""
    return normalize("NFKC", text).casefold()


def moment(when: datetime) -> str:
    """A time in the form of `Item.created`, in which times can be compared as texts."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def checked_note(note: object) -> dict:
    """The entry NOTE of a sidecar: {"created", "source", "title", "tags", "favourite"}, each optional. RequestError."""
    if not isinstance(note, dict):
        raise RequestError(f"{NOTE} must be a JSON object")
    checks = {
        "created": _created,
        "source": _source,
        "title": lambda value: check_text("title", value, least=1),
        "tags": checked_tags,
        "favourite": _favourite,
    }
    return {name: check(note[name]) for name, check in checks.items() if name in note}


def checked_tags(tags: object) -> list[str]:
    """Up to TAGS texts of up to TAG_LENGTH characters, in their order, each once whatever its case. RequestError."""
    if not isinstance(tags, list | tuple) or len(tags) > TAGS:
        raise RequestError(f"tags must be a list of at most {TAGS} texts")
    kept: dict[str, str] = {}
    for tag in tags:
        text = check_text("a tag", tag, least=1)
        if len(text) > TAG_LENGTH:
            raise RequestError(f"a tag has {len(text)} characters: shorten it to {TAG_LENGTH}")
        kept.setdefault(folded(text), text)
    return list(kept.values())


def _created(value: object) -> str:
    if isinstance(value, str) and CREATED.fullmatch(value):
        with suppress(ValueError):
            datetime.fromisoformat(value)
            return value
    raise RequestError("created must be a time such as 2026-01-31T12:00:00.000000Z")


def _source(value: object) -> str:
    if value not in SOURCES:
        raise RequestError(f"source must be one of {', '.join(SOURCES)}")
    return value


def _favourite(value: object) -> bool:
    if not isinstance(value, bool):
        raise RequestError("favourite must be true or false")
    return value


def read_item(path: Path) -> Item:
    """The item whose audio file is `path`, from its sidecar. Raises FileError, RequestError."""
    for file in (path, sidecar_path(path)):
        if file.is_symlink() or not file.is_file():
            raise FileError(f"{file} is not there, or is not a plain file")
    return item_from(path, read_sidecar(path))


def item_from(path: Path, record: dict) -> Item:
    """The item that the record in a sidecar describes. Raises as `read_item`."""
    sidecar = sidecar_path(path)
    request = request_in(record, sidecar)
    try:
        played = Wishes.checked({"plan": record["played"]}).sheet.plan if "played" in record else None
        check_whole("seed", request.seed, 0, SEED_MAX)
        note = checked_note(record.get(NOTE, {}))
        return Item(
            id=_id_of(path),
            path=path,
            sidecar=sidecar,
            request=request,
            model={
                "name": record["model"],
                "version": check_text("model_version", record.get("model_version", "unknown"), least=1),
                "weights_sha256": record["weights"],
                "licence": check_text("model_licence", record.get("model_licence", "unknown"), least=1),
                **({ADAPTERS: record[ADAPTERS]} if ADAPTERS in record else {}),
            },
            created=note["created"] if "created" in note else changed(path),
            source=note.get("source", "python"),
            title=note.get("title", request.prompt),
            tags=tuple(note.get("tags", ())),
            favourite=note.get("favourite", False),
            sample_rate=check_whole("sample_rate", record.get("sample_rate"), 1, 2**20),
            channels=check_whole("channels", record.get("channels"), 1, 2**10),
            samples=check_whole("samples", record.get("samples"), 1, 2**40),
            seconds_taken=_seconds_taken(record.get("seconds_taken", {})),
            trashed=path.parent.name == TRASH,
            choice=_choice(record) if "best_of" in record else None,
            plan=played.describe() if played else _older_plan(record),
            read_as=check_text("read_as", record.get("read_as", ""), least=0),
            played=played,
            told=_told(record),
            edited=edited_in(record),
            edit=edit_in(record),
        )
    except RequestError as error:
        raise RequestError(f"{sidecar}: {error}; delete it to have it made anew from the sound's own tags") from None


def _id_of(path: Path) -> str:
    found = NAME.fullmatch(path.name)
    if not found:
        raise FileError(f"{path} is not named as an item of a library")
    return found["id"]


def changed(path: Path) -> str:
    """When a file last changed, as `Item.created` has it. Raises FileError."""
    try:
        return moment(datetime.fromtimestamp(path.stat().st_mtime, UTC))
    except (OSError, ValueError, OverflowError) as error:
        raise FileError(f"cannot read {path}: {error}") from error


def _older_plan(record: dict) -> str:
    """The plan in words, which sidecars of 0.2.0 and before have."""
    return "" if "origin" in record else check_text("plan", record.get("plan", ""), least=0)


def _told(record: dict) -> tuple[str, ...]:
    """What was approximated or not understood, as lines: "C/E: C (why)". RequestError: it is something else."""
    lines = []
    for name in ("approximated", "not_understood"):
        demands = record.get(name, [])
        if not isinstance(demands, list) or len(demands) > TOLD:
            raise RequestError(f"{name} must be a list of at most {TOLD}")
        for demand in demands:
            facts = demand if isinstance(demand, dict) else {}
            text, meaning, why = (check_text(name, facts.get(part, ""), least=0) for part in ("text", "as", "why"))
            reason = f" ({why})" if why else ""
            lines.append(f"{text}: {meaning if name == 'approximated' else 'not understood'}{reason}")
    return tuple(lines)


def _choice(record: dict) -> Choice:
    return Choice(
        check_whole("best_of", record["best_of"], *BEST_OF),
        check_whole("first_seed", record.get("first_seed"), 0, SEED_MAX),
        check_number("score", record.get("score"), -1.0, 1.0),
        check_text("judge", record.get("judge"), least=1),
    )


def _seconds_taken(value: object) -> dict[str, float]:
    if not isinstance(value, dict) or len(value) > 16:
        raise RequestError("seconds_taken must be a JSON object of a few numbers")
    return {
        check_text("seconds_taken", name, least=1): check_number("seconds_taken", seconds, 0.0, 1e9)
        for name, seconds in value.items()
    }
