"""A published model, or a model folder of a public repository -> a model on this machine, whole or not at all.

What is fetched lies in the Hugging Face cache, so that an installation that was stopped goes on. A model of others is
imported strictly, made to sound once, and put in its place in one step.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import DependencyError, GenerationError, ModelError, RequestError
from ..machine import files, paths
from ..machine.checksums import sha256
from ..models import download, hub, installed, published
from ..models.bundle import WEIGHTS, Bundle, frozen_parts
from ..models.published import Published
from ..request import GenerationRequest
from .importer import Known, import_checkpoint
from .laion_clap import write_clap

Report = Callable[[str, int, int], None]  # what is fetched, bytes done and in all; may raise to stop


@dataclass(frozen=True)
class Source:
    """Where files come from, and how far it may go: `carried` is a folder with them, `offline` forbids the network."""

    carried: Path | None = None
    offline: bool = False
    accept_licence: bool = False
    report: Report = lambda what, done, total: None

    def fetch(self, label: str, part: hub.Part | str) -> Path:
        """The folder of a part, which is fetched where it is not here. Raises as `download.fetch`."""
        return download.fetch(part, lambda done, total: self.report(label, done, total), self.offline, self.carried)

    def check_at_hand(self, parts: Iterable[hub.Part]) -> None:
        """Raise where files of these parts are not here and cannot be had from here; see `download.check_at_hand`."""
        download.check_at_hand(parts, self.carried, self.offline)

    def check_licence(self, name: str, licence: str) -> None:
        """RequestError where a licence that forbids something was not accepted."""
        forbids = published.forbidden_by(licence)
        if forbids and not self.accept_licence:
            raise RequestError(
                f"{name} is under {licence}, which forbids {forbids}: say --accept-licence if you keep to it"
            )


def install(
    reference: str,
    source: Source | None = None,
    name: str | None = None,
    force: bool = False,
    models_dir: str | os.PathLike | None = None,
) -> Bundle:
    """Install a published model, or `hf:OWNER/NAME[@REVISION]`, and return it.

    name: default is its own. force: replace a model of that name. Raises RequestError (licence not accepted, no such
    reference), FileError (exists, no room, a carried file is missing) and ModelError (not found, refused, not what it
    should be, makes no sound); then nothing is installed, and what was fetched is kept for the next try.
    """
    source = source or Source()
    if name is not None:
        installed.check_name(name)
    if reference.startswith("hf:"):
        return _install_folder(reference, source, name, force, models_dir)
    name, known = name or reference, published.find(reference)
    source.check_licence(reference, known.licence)
    if not force:
        installed.check_free(installed.check_name(name), models_dir)
    root = installed.folder_of(name, models_dir).absolute().parent
    source.check_at_hand(known.parts().values())
    files.check_room({hub.cache(): known.to_fetch(), root: known.size + known.scratch}, reference, download.ROOM)
    folders = {label: source.fetch(label, part) for label, part in known.parts().items()}
    with files.reported(f"write to {root}"), files.scratch(root) as scratch:
        clap = scratch / "clap"
        write_clap(folders["CLAP"] / published.CLAP, folders["CLAP's tokenizer"], clap)
        bundle, _ = import_checkpoint(
            folders["weights"] / known.weights.files[0],
            known.system,
            name,
            title=known.title,
            licence=known.licence,
            codec_files=folders["VAE and vocoder"],
            force=force,
            models_dir=models_dir,
            known=Known(_config(known, folders), {f"clap/{made.name}": made for made in clap.iterdir()}, sounds),
        )
    return bundle


def install_embedder(name: str, source: Source | None = None) -> Path:
    """Install a CLAP of LAION, text and audio tower, and return its folder. Raises as `install`."""
    source, part = source or Source(), published.EMBEDDERS[name]
    folder = paths.embedders() / name
    if folder.is_dir():
        return folder
    source.check_at_hand([part, published.TOKENIZER])
    to_fetch = 0 if hub.present(part) else part.size
    files.check_room({hub.cache(): to_fetch, folder.parent: published.EMBEDDER_SIZE}, name, download.ROOM)
    file, tokenizer = source.fetch(name, part) / part.files[0], source.fetch("tokenizer", published.TOKENIZER)
    with files.writing_folder(folder) as new:
        write_clap(file, tokenizer, new, audio=True)
        origin = {"file": file.name, "sha256": sha256(file), "weights_sha256": sha256(new / WEIGHTS)}
        (new / published.ORIGIN).write_text(json.dumps(origin))
    return folder


def _config(known: Published, folders: dict[str, Path]) -> dict:
    """The entries of a model's config that are known of a published one, with the SHA-256 of all that went in."""
    inside = {label: part for label, part in known.parts().items() if label != "flan-t5-large"}
    digests = {
        f"{part.repo}@{part.revision}/{file}": part.sha256.get(file) or sha256(folders[label] / file)
        for label, part in inside.items()
        for file in part.files
    }
    return {
        "text": known.shape.text | {"clap": {"path": "clap"}},
        "sampler": known.sampler,
        "training": {"source": known.weights.page, "files": digests},
        "data": [{"name": known.data, "licence": "of many kinds; see the sources"}],
    }


def _install_folder(
    reference: str, source: Source, name: str | None, force: bool, models_dir: str | os.PathLike | None
) -> Bundle:
    """Install a model folder of a public repository, and fetch the frozen parts that it names."""
    if source.carried:
        raise RequestError("--from is for published models: a carried model folder is added by models import FOLDER")

    def accept(bundle: Bundle) -> None:
        source.check_licence(reference, bundle.licence)
        if not force:
            installed.check_free(installed.check_name(name or bundle.name), models_dir)

    found, where = download.fetch_model(
        reference, lambda done, total: source.report("model", done, total), accept, source.offline
    )
    for part in frozen_parts(found.config):
        known = hub.name_of(part)
        if known in hub.PARTS:
            source.fetch(known, known)
    with _blamed(reference):
        return installed.install(found.path, name, force, models_dir, _sounds_if_whole, where)


def from_pretrained(reference: str, offline: bool = False, accept_licence: bool = False) -> Bundle:
    """A model that is here, by name or folder, or one of the network, which is installed where it is not here yet.

    reference: a name, a folder, the name of a published model or `hf:OWNER/NAME[@REVISION]`. Raises as `install`.
    """
    if not reference.startswith("hf:"):
        try:
            return installed.find(reference)
        except ModelError:
            if reference not in published.PUBLISHED:
                raise
    here = _installed_from(reference)
    return here or install(reference, Source(offline=offline, accept_licence=accept_licence))


def _installed_from(reference: str) -> Bundle | None:
    """The model here that was installed from a reference, if any."""
    found = download.REFERENCE.fullmatch(reference)
    for bundle in installed.list_models() if found else ():
        origin = bundle.config["training"].get("installed_from")
        origin = origin if isinstance(origin, dict) else {}
        if found and origin.get("repo") == found[1] and found[2] in (None, origin.get("revision")):
            return bundle
    return None


def sounds(bundle: Bundle) -> None:
    """ModelError where a model makes no sound: half a second in one step, on the processor."""
    from ..engine import Engine, ResolvedRequest

    request = GenerationRequest("slow piano", seconds=0.5, seed=0, steps=1)
    try:
        Engine(device="cpu", precision="fp32", decoder="torch").generate(
            ResolvedRequest(installed.completed(request, bundle), bundle)
        )
    except GenerationError as error:
        raise ModelError(f"what was made of {bundle.name} makes no usable sound ({error})") from error
    except RequestError as error:
        raise ModelError(f"the settings of {bundle.name} are not usable ({error})") from error
    except (DependencyError, ModelError):
        raise
    except Exception as error:  # the settings of a stranger's model can fail in any way
        raise ModelError(f"{bundle.name} cannot be played ({type(error).__name__}); do not use this model") from error
    gc.collect()  # its files are mapped into memory until then, and Windows moves no folder with open files


def _sounds_if_whole(bundle: Bundle) -> None:
    """As `sounds`; a model whose frozen parts are not all here is not tried."""
    if not installed.missing(bundle):
        sounds(bundle)


@contextmanager
def _blamed(reference: str):
    """An error of a model folder names where it came from."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{reference}: {error}") from error
