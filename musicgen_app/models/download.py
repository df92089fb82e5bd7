"""Public files -> the Hugging Face cache: from the network, or out of a folder that was carried here on a stick.

Only this module uses the network. What was stopped goes on, what is damaged is fetched again, and no file is there
before its bytes are known to be the right ones. Endpoint, tokens and proxies are those of `huggingface_hub`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from errno import EDQUOT, ENOSPC
from pathlib import Path

from ..errors import DependencyError, FileError, ModelError, RequestError
from ..machine import files
from ..machine.checksums import sha256
from .bundle import CARD, CONFIG, Bundle, open_bundle
from .hub import Part, cache, intact, library, matches, missing, page, part_of, repository, snapshot

TEXTS = (CONFIG, CARD)
LARGEST_TEXT = 10 * 2**20  # bytes of one of these
BLOCK = 1 << 16  # bytes written at once: what a cut loses at most
ROOM = "free some space, or set HF_HOME and TTM_APP_HOME to another disk"
CARRY = "--offline says how to do without a network"
TIMEOUT = 10.0  # seconds without an answer after which the network counts as down
REFERENCE = re.compile(r"hf:([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
Report = Callable[[int, int], None]  # is called with bytes done and in all, and may raise to stop


class NotThere(ModelError):
    """The repository, or a file in it, does not exist."""


def fetch(
    part: str | Part, report: Report | None = None, offline: bool = False, carried: str | os.PathLike | None = None
) -> Path:
    """Bring what is missing or damaged of a part into the Hugging Face cache, and return its folder.

    A download that was stopped goes on where it was. carried: a folder that has the files; then no network is used.
    ModelError: no network, not found, refused, changed; FileError: the disk is full or cannot be written, or the
    folder lacks a file.
    """
    part = part_of(part)
    folder = snapshot(part.repo, part.revision)
    wanted = [file for file in part.files if not intact(folder / file, part.sha256.get(file))]
    if not wanted:
        return folder
    tell = report or (lambda done, total: None)
    stick = None if carried is None else Path(carried)
    _check_at_hand([(part, wanted)], stick, offline)
    if stick is not None:
        _adopt(part, wanted, stick, tell)
        return folder
    with _explained(part):
        _download(part, wanted, tell)
    return folder


def is_offline(asked: bool) -> bool:
    """Whether the network is not to be used: asked for, or by the environment."""
    return asked or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def fetch_model(
    reference: str,
    report: Report | None = None,
    accept: Callable[[Bundle], None] = lambda bundle: None,
    offline: bool = False,
) -> tuple[Bundle, dict]:
    """The model folder of `hf:OWNER/NAME[@REVISION]`, fetched whole, and its {"repo", "revision"}.

    `accept` sees the model's config before the rest is fetched, and may raise. No code in a repository is ever run:
    only the files that the config lists are fetched. Raises RequestError (no such reference) and as `fetch`.
    """
    found = REFERENCE.fullmatch(reference)
    if not found or ".." in reference:
        raise RequestError(f"{reference!a} is no reference to a model: write hf:OWNER/NAME or hf:OWNER/NAME@REVISION")
    repo, revision = found[1], found[2] or "main"
    if is_offline(offline):
        raise ModelError(
            f"offline is asked for, and {reference} is not installed: fetch the folder elsewhere, from"
            f" {page(repo, revision)}, and add it with ttm-app models import FOLDER"
        )
    try:
        config = Part(repo, _commit(repo, revision), (CONFIG,), 0, "unknown")
        folder = fetch(config)
    except NotThere as error:
        why = f"it has no {CONFIG}, or there is no such repository or revision (private ones want `hf auth login`)"
        raise ModelError(f"{reference} is no model of this app: {why}") from error
    try:
        bundle = open_bundle(folder)
    except ModelError as error:
        raise ModelError(f"{repo} is no model of this app ({error})") from error
    accept(bundle)
    digests = bundle.config["files"]
    try:
        fetch(replace(config, files=tuple(digests), sha256=digests), report)
    except NotThere as error:
        raise ModelError(f"{reference} lacks files that its {CONFIG} lists: tell who published it") from error
    try:
        fetch(replace(config, files=(CARD,)))
    except NotThere:
        pass
    return bundle, {"repo": repo, "revision": config.revision}


def _commit(repo: str, revision: str) -> str:
    """The commit that a branch, tag or commit stands for; asks the network unless it is one."""
    if matches("[0-9a-f]{40}", revision):
        return revision
    hub, endpoint = library(), os.environ.get("HF_ENDPOINT")
    with _explained(Part(repo, revision, (CONFIG,), 0, "")):
        url = hub.hf_hub_url(repo, CONFIG, revision=revision, endpoint=endpoint)
        commit = hub.get_hf_file_metadata(url, timeout=TIMEOUT).commit_hash
    if not matches("[0-9a-f]{40}", commit):
        raise ModelError(f"the server of {repo} names no revision: is a proxy in between?")
    return str(commit)


def check_at_hand(parts: Iterable[Part], carried: Path | None = None, offline: bool = False) -> None:
    """Raise where files of these parts are not here and cannot be had, with where they are published.

    FileError: the carried folder lacks them, or is none; ModelError: offline is asked for.
    """
    _check_at_hand([(part, missing(part)) for part in parts], carried, offline)


def _check_at_hand(wanted: list[tuple[Part, list[str]]], carried: Path | None, offline: bool) -> None:
    if carried is not None and not os.path.isdir(carried):
        raise FileError(f"--from {carried} is not a folder: name the one that the files were carried in")
    if carried is None and not is_offline(offline):
        return
    absent: dict[str, list[str]] = {}
    for part, names in wanted:
        names = [name for name in names if carried is None or not _carried(part, name, carried)]
        if names:
            absent.setdefault(part.page, []).extend(_carried_name(part, name) for name in names)
    listed = "; ".join(f"{', '.join(names)} of {page}" for page, names in absent.items())
    if listed and carried is not None:
        raise FileError(f"{carried} lacks {listed}")
    if listed:
        raise ModelError(f"offline is asked for, and these are not here: {listed}; --from names a folder with them")


def _carried_name(part: Part, name: str) -> str:
    """A file of a part as a carried folder should have it."""
    return f"{part.repo.partition('/')[2]}/{name}" if CONFIG in part.files else name


def _adopt(part: Part, names: list[str], carried: Path, report: Report) -> None:
    """Files of a part out of a folder -> the cache, checked."""
    found = {name: path for name in names if (path := _carried(part, name, carried))}
    total, before = sum(path.stat().st_size for path in found.values()), 0
    _check_room(part, total)
    for name, source in found.items():
        target = snapshot(part.repo, part.revision) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        new = files.hidden(target.parent)
        try:
            with files.reported(f"copy {source} to {target}"):
                _copy(source, new, lambda done, first=before: report(first + done, total))  # type: ignore[misc]
            if name in part.sha256 and sha256(new) != part.sha256[name]:
                raise ModelError(f"{source} is not the pinned file of {part.repo} (SHA-256 differs): copy it again")
            files.sync(new)
            target.unlink(missing_ok=True)
            files.rename(new, target)
        finally:
            new.unlink(missing_ok=True)
        before += target.stat().st_size


def _carried(part: Part, name: str, folder: Path) -> Path | None:
    """Where a folder has a file of a part: as in a cache, in a folder named as the repository, or beside the others."""
    places = [
        folder / repository(part.repo).name / "snapshots" / part.revision,
        folder / "hub" / repository(part.repo).name / "snapshots" / part.revision,
        folder / part.repo.partition("/")[2],
    ]
    if CONFIG not in part.files:  # else it is not known whose config.json that is
        places.append(folder)
    return next((place / name for place in places if os.path.isfile(place / name)), None)


def _copy(source: Path, target: Path, report: Callable[[int], None]) -> None:
    with source.open("rb") as reader, target.open("xb") as writer:
        while block := reader.read(BLOCK):
            writer.write(block)
            report(writer.tell())


def _download(part: Part, names: list[str], report: Report) -> None:
    """Files of a part -> blobs in the cache, checked, and then their links in the snapshot."""
    hub = library()
    endpoint = os.environ.get("HF_ENDPOINT")
    urls = {file: hub.hf_hub_url(part.repo, file, revision=part.revision, endpoint=endpoint) for file in names}
    facts = {file: hub.get_hf_file_metadata(url, timeout=TIMEOUT) for file, url in urls.items()}
    if not all(matches("[0-9a-f]{40,64}", fact.etag) and fact.size is not None for fact in facts.values()):
        raise ModelError(f"the server of {part.repo} gives no size and hash of its files: is a proxy in between?")
    blobs = {file: repository(part.repo) / "blobs" / fact.etag for file, fact in facts.items()}
    total = sum(fact.size for fact in facts.values())
    if any(facts[file].size > LARGEST_TEXT for file in TEXTS if file in facts):
        raise ModelError(f"a text of {part.repo} has more than {LARGEST_TEXT:,} bytes: do not use this model")
    _check_room(part, total - sum(_size(_unfinished(blob)) for blob in blobs.values()))
    before = 0
    for file, fact in facts.items():
        with _locked(blobs[file], part):
            expected = part.sha256.get(file) or (fact.etag if matches("[0-9a-f]{64}", fact.etag) else None)
            if not intact(blobs[file], expected):
                unfinished = _unfinished(blobs[file])

                def tell(done: int, first: int = before) -> None:
                    report(first + done, total)

                _transfer(urls[file], unfinished, fact.size, tell)
                _check(unfinished, fact.size, expected, part)
                files.sync(unfinished)
                files.rename(unfinished, blobs[file])
        before += fact.size
        report(before, total)
        (snapshot(part.repo, part.revision) / file).unlink(missing_ok=True)
        hub.hf_hub_download(
            part.repo, file, revision=part.revision, cache_dir=cache(), endpoint=endpoint, etag_timeout=TIMEOUT
        )
        _check_linked(snapshot(part.repo, part.revision) / file, blobs[file], expected, part)


def _check_linked(link: Path, blob: Path, expected: str | None, part: Part) -> None:
    """ModelError where the library, which asks the server again, has put other bytes in place than the checked ones."""
    if link.exists() and (link.resolve() == blob.resolve() or (expected is not None and intact(link, expected))):
        return
    if link.exists() and expected is None and not link.is_symlink():  # a file system without links
        return
    link.unlink(missing_ok=True)
    raise ModelError(f"the server of {part.repo} tells something else each time it is asked: is a proxy in between?")


def _check_room(part: Part, size: int) -> None:
    cache().mkdir(parents=True, exist_ok=True)
    files.check_room({cache(): size}, part.repo, ROOM)


@contextmanager
def _locked(blob: Path, part: Part) -> Iterator[None]:
    """Hold the lock of a blob, the one that `huggingface_hub` takes too."""
    from filelock import FileLock, Timeout

    lock = cache() / ".locks" / repository(part.repo).name / f"{blob.name}.lock"
    for folder in (lock.parent, blob.parent):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            yield
    except Timeout:
        raise ModelError(f"another program is downloading {part.repo} now: wait until it is done") from None


def _transfer(url: str, unfinished: Path, size: int, report: Callable[[int], None]) -> None:
    """The bytes of `url` -> a file, from where an earlier try stopped.

    `huggingface_hub` begins a file anew each time (since its version 1), so the request is made here. A connection that
    breaks is taken up again for as long as each try brings something.
    """
    if size == 0:  # nothing is asked
        unfinished.touch()
    done = _size(unfinished)
    while done < size:
        try:
            _request(url, unfinished, done, size, report)
        except Exception as error:
            if not _is_network(error) or _size(unfinished) <= done:
                raise
        else:
            if _size(unfinished) <= done:
                raise ConnectionError("the answer was empty")
        done = _size(unfinished)


def _request(url: str, unfinished: Path, done: int, size: int, report: Callable[[int], None]) -> None:
    """Append the bytes of `url` from `done` on; all of them anew where the server does not give parts of a file.

    ModelError, and nothing is written, where what comes is not a file of `size` bytes, but perhaps a page that asks for
    a login.
    """
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    headers = build_hf_headers() | {"Range": f"bytes={done}-", "Accept-Encoding": "identity"}
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT, follow_redirects=True) as response:
        hf_raise_for_status(response)
        resumed = response.status_code == 206
        told = response.headers.get("Content-Range", "").rpartition("/")[2] if resumed else None
        told = told or response.headers.get("Content-Length")
        if told not in (None, "*", str(size)):
            kind = response.headers.get("Content-Type", "of no kind").partition(";")[0]
            raise ModelError(f"in place of a file of {size:,} bytes came {told} bytes ({kind}): is a proxy in between?")
        done = done if resumed else 0
        with unfinished.open("ab" if resumed else "wb") as file:
            for block in response.iter_bytes(BLOCK):
                done += len(block)
                if done > size:
                    raise ModelError(f"more than the {size:,} bytes of the file came: is a proxy in between?")
                file.write(block)
                report(done)


def _check(unfinished: Path, size: int, expected: str | None, part: Part) -> None:
    """ModelError where the finished bytes are not those of the pinned file; they are deleted then."""
    if _size(unfinished) != size or (expected is not None and sha256(unfinished) != expected):
        unfinished.unlink()
        raise ModelError(
            f"what came of {part.repo} is not the pinned file (SHA-256 differs) and was deleted:"
            " try again, and if it stays so, update ttm-app"
        )


def _unfinished(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.incomplete")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is_network(error: BaseException) -> bool:
    """An error of the HTTP library that huggingface_hub uses (httpx or httpx2, by its version) or of a socket."""
    return isinstance(error, ConnectionError) or type(error).__module__.partition(".")[0] in {"httpx", "httpx2"}


def _check_settings(part: Part) -> None:
    """Raise where a setting of the environment keeps the HTTP library from starting: a proxy, certificates, a token."""
    from huggingface_hub.utils import build_hf_headers, get_session

    try:
        get_session()
        for value in build_hf_headers().values():
            str(value).encode("ascii")
    except ImportError as error:
        needed = "a SOCKS proxy is set, which needs the package socksio: pip install 'httpx[socks]', or unset ALL_PROXY"
        raise DependencyError(needed) from error
    except UnicodeEncodeError as error:
        raise RequestError("HF_TOKEN holds what no token has: set it again, or unset it") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise RequestError(
            f"nothing can be asked of {part.repo} ({reason}): mend the variables of the proxy (HTTPS_PROXY, ALL_PROXY)"
            " and of certificates (SSL_CERT_FILE)"
        ) from error


@contextmanager
def _explained(part: Part) -> Iterator[None]:
    """Turn what a download can raise into one line that says what to do."""
    library()
    from huggingface_hub import errors

    _check_settings(part)
    again = "run the command again: it goes on where it stopped"
    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{part.repo} is only for those who accepted its terms: do so at {page(part.repo)}, then"
            f" run `hf auth login` or set HF_TOKEN, and {again}"
        ) from error
    except errors.HFValidationError as error:
        raise RequestError(f"{part.repo!a} is no name of a repository: {' '.join(str(error).split())[:200]}") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if isinstance(error, errors.RepositoryNotFoundError) and error.response.headers.get("X-Error-Code"):
            raise NotThere(f"there is no {part.repo}, or only for those who run `hf auth login`") from error
        if status in (401, 403):
            raise ModelError(f"access to {part.repo} was refused: unset HF_TOKEN, or run `hf auth logout`") from error
        if status == 404:
            raise NotThere(f"{part.repo} at {part.revision[:7]} was not found any more: update ttm-app") from error
        if status == 429:
            wait = error.response.headers.get("Retry-After", "")
            when = f"in {wait} seconds" if wait.isdigit() else "in some minutes"
            raise ModelError(f"the server of {part.repo} has too many requests (429): {when}, {again}") from error
        raise ModelError(f"the server of {part.repo} answered {status}; {again}") from error
    except errors.OfflineModeIsEnabled as error:
        raise ModelError(f"{part.repo} is not on this machine, and HF_HUB_OFFLINE is set") from error
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise FileError(f"the disk of {cache()} is full; free some space or set HF_HOME, and {again}") from error
        if isinstance(error, (ConnectionError, TimeoutError, errors.LocalEntryNotFoundError)):
            raise ModelError(
                f"no connection to download {part.repo}; check the network and {again}; {CARRY}"
            ) from error
        raise FileError(f"cannot write to the Hugging Face cache {cache()}: {error.strerror or error}") from error
    except Exception as error:
        if not _is_network(error):
            raise
        raise ModelError(
            f"no connection to download {part.repo} ({error}); check the network and {again}; {CARRY}"
        ) from error
