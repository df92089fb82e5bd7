"""Models and adapters as folders of their own, and to a public repository; adapters become part of a model's weights.

Only `push_to_hub` uses the network, and only when it is called.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from ..errors import FileError, ModelError, RequestError
from ..machine import files, paths
from . import adapters, hub, installed
from .adapters import FACTS, PEFT_CONFIG, PEFT_WEIGHTS, Adapter
from .bundle import CARD, WEIGHTS, Bundle, load_backbone, open_bundle, verify, write_bundle


def save_pretrained(model: Bundle | Adapter, folder: str | os.PathLike, overwrite: bool = False) -> Bundle | Adapter:
    """Write a model or an adapter to a folder of its own, as `from_pretrained` and `--adapter` read it.

    Of a model with adapters these become part of the weights; see `merged`. Raises FileError (exists already, cannot be
    written) and ModelError (damaged); then nothing is written.
    """
    folder = paths.expanded(folder)
    if isinstance(model, Adapter):
        model = adapters.open_adapter(model.path)
        copied = [name for name in (PEFT_CONFIG, PEFT_WEIGHTS, FACTS, CARD) if (model.path / name).is_file()]
        model.factors()
        _copy(model.path, copied, folder, overwrite)
        return adapters.open_adapter(folder)
    verify(model)
    if model.adapters:
        return merged(model, model.name, folder, overwrite)
    _copy(model.path, installed.listed(model), folder, overwrite)
    return open_bundle(folder)


def merged(bundle: Bundle, name: str, folder: str | os.PathLike, overwrite: bool = False) -> Bundle:
    """Write a model whose weights are those of `bundle` with its adapters: it makes the same music to the byte.

    Raises FileError, ModelError (an adapter does not fit), RequestError (no name for a model).
    """
    installed.check_name(name)
    backbone = load_backbone(bundle)
    adapters.apply(backbone, bundle.adapters)
    config, changes = bundle.config, [one.identity for one in bundle.adapters]
    training = config["training"] | {"merged": {"model": config["name"], "weights": bundle.config["files"][WEIGHTS],
                                                "adapters": changes}}  # fmt: skip
    card = bundle.path / CARD
    text = card.read_text("utf-8") if card.is_file() else f"# {name}\n"
    for one in bundle.adapters:
        licence = adapters.open_adapter(one.path).licence
        text += (
            f"\nThe adapter {one.name} (licence {licence}, SHA-256 {one.weights_sha256}) was added to these weights"
            f" with strength {one.strength:g}.\n"
        )
    rest = {file: bundle.path / file for file in config["files"] if file != WEIGHTS}
    return write_bundle(
        folder, config | {"name": name, "training": training}, backbone.state_dict(), text, rest, overwrite
    )


def install_adapter(source: str | os.PathLike, name: str | None = None, replace: bool = False) -> Adapter:
    """Copy an adapter folder to the user's adapters; all of it is checked first.

    Raises ModelError (damaged, or no adapter), RequestError (no name for one) and FileError (exists already).
    """
    adapter = adapters.open_adapter(paths.expanded(source))
    name = installed.check_name(name or adapter.name)
    folder = paths.adapters() / name
    if os.path.lexists(folder) and not replace:
        raise FileError(f"an adapter {name} exists already ({folder}): choose another name, or --force to replace it")
    save_pretrained(adapter, folder, replace)
    return adapters.find(name)


def push_to_hub(model: Bundle | Adapter, repo: str, private: bool = False) -> str:
    """Upload a model or an adapter, with its card, to the repository OWNER/NAME, and return its address.

    The repository is made where it is not there. The account is that of `hf auth login` (or HF_TOKEN). Raises
    RequestError (no name of a repository), ModelError (damaged, no network, refused) and DependencyError.
    """
    if not hub.matches(r"[\w-][\w.-]*/[\w.-]+", repo):
        raise RequestError(f"{repo[:80]!a} is no repository: write OWNER/NAME")
    library = hub.library()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        save_pretrained(model, folder)
        api = library.HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
        try:
            api.create_repo(repo, private=private, exist_ok=True)
            api.upload_folder(
                repo_id=repo, folder_path=folder, commit_message=f"{model.name}, made with ttm-app", ignore_patterns=[]
            )
        except Exception as error:  # the library's own, those of its HTTP client, and of the machine
            why = re.sub(r"\s+", " ", str(error)).strip()[:200] or type(error).__name__
            raise ModelError(
                f"{repo} was not uploaded ({why}): check the network, and log in with `hf auth login`"
            ) from error
    return hub.page(repo)


def _copy(source: Path, names: list[str], folder: Path, overwrite: bool) -> None:
    with files.writing_folder(folder, overwrite) as new:
        for name in names:
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, new / name)
