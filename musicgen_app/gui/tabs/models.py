"""The Models tab: what is on this machine, what each can do, under which licence; add, check, remove, set default."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import FileError, ModelError, TTMError
from ...machine import user_settings
from ...machine.files import in_words
from ...models import bundle, installed
from ..components import PRIVATE
from ..html import PLAIN, facts, fold, heading, note, on_show, panel, table, words
from . import published

if TYPE_CHECKING:
    from ...models.bundle import Bundle
    from ...server.context import Context

FOLDER = "A model folder, or a .zip file of one"
UPLOADS = [".zip", ".safetensors", ".pth", ".pt", ".ckpt", ".bin"]
CARD_CHARACTERS = 100_000
EMPTY = "No model can be used here. Install ttm-app again to get sketch back, or add a model below."


def build(context: Context) -> None:
    """The tab's components and events."""
    import gradio as gr

    from ...models.paper_systems import SYSTEMS
    from ..app import UPLOAD

    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            chosen = gr.Radio([], label="Models on this machine", elem_id="models-list")
            broken = gr.HTML(**PLAIN)
        with gr.Column(scale=3, min_width=280):
            said = gr.HTML(**PLAIN)
            about = gr.HTML(**PLAIN)
            with gr.Row():
                default = gr.Button("Use by default", size="sm", min_width=120)
                check = gr.Button("Check the files", size="sm", min_width=120)
                remove = gr.Button("Remove", size="sm", min_width=120, variant="stop")
            with gr.Column(visible=False) as sure:
                question = gr.HTML(**PLAIN)
                with gr.Row():
                    yes = gr.Button("Delete it", size="sm", variant="stop")
                    no = gr.Button("Keep it", size="sm")
            with gr.Accordion("What it can do: its card", open=True):
                card = gr.Markdown(latex_delimiters=[], elem_id="models-card")
    with gr.Accordion("Models that others publish", open=False):
        published.build(context)
    with gr.Accordion("Add a model", open=False):
        gr.Markdown(
            "A model folder is what a training writes (`bundle`). A checkpoint is a file of weights of a system of the"
            " papers. Everything is checked before it is taken, and no code in a file is ever run."
        )
        path = gr.Textbox(label="Where it is on this computer", placeholder="/home/me/runs/mine/bundle", max_lines=1)
        upload = gr.File(label=f"Or upload it, {UPLOAD.removesuffix('mb')} MB at most", file_types=UPLOADS, height=120)
        with gr.Row():
            kinds = {"info": "a system: a checkpoint of it", "filterable": False}
            kind = gr.Dropdown([FOLDER, *SYSTEMS], value=FOLDER, label="What it is", **kinds)
            name = gr.Textbox(label="Name", info="a-z, 0-9, '.', '_' and '-'", placeholder="its own", max_lines=1)
            licence = gr.Textbox(label="Licence", info="of a checkpoint", placeholder="unknown", max_lines=1)
        replace = gr.Checkbox(label="Replace a model of that name")
        add = gr.Button("Add the model", variant="primary")
        added = gr.HTML(**PLAIN)

    shown = [about, card, remove, sure, said]
    listed = [chosen, broken, *shown]
    refresh = partial(look, context)
    on_show(refresh, listed)
    chosen.input(partial(show, context), chosen, shown, show_progress="hidden", **PRIVATE)
    default.click(partial(make_default, context), chosen, said, **PRIVATE).then(
        partial(look, context), [chosen, said], listed, show_progress="hidden", **PRIVATE
    )
    check.click(partial(check_files, context), chosen, said, **PRIVATE)
    remove.click(partial(ask, context), chosen, [question, sure], show_progress="hidden", **PRIVATE)
    no.click(lambda: gr.update(visible=False), None, sure, show_progress="hidden", **PRIVATE)
    yes.click(partial(remove_model, context), chosen, said, **PRIVATE).then(
        partial(look, context), [chosen, said], listed, show_progress="hidden", **PRIVATE
    )
    add.click(
        partial(add_model, context), [path, upload, kind, name, licence, replace], [added, path, upload], **PRIVATE
    ).then(refresh, chosen, listed, show_progress="hidden", **PRIVATE)


def look(context: Context, name: str | None = None, said: str = "") -> list:
    """Values of `listed`: every model, and the one that is chosen (else the default one) shown."""
    import gradio as gr

    bundles, faults = installed.scan(context.models_dir)
    usual = default_model()
    names = [item.name for item in bundles]
    name = next((wanted for wanted in (name, usual, *names) if wanted in names), None)
    marks = {usual: " (default)"}
    choices = [(f"{b.name}: {b.config['title']}{marks.get(b.name, '')}", b.name) for b in bundles]
    broken = "".join(note(f"Not usable: {fault}", "error") for fault in faults.values())
    return [gr.update(choices=choices, value=name), broken, *show(context, name, said)]


def show(context: Context, name: str | None, said: str = "") -> list:
    """Values of `shown` for one model."""
    import gradio as gr

    hidden = gr.update(visible=False)
    try:
        if name is None:
            return [note(EMPTY), "", gr.update(interactive=False), hidden, said]
        found = installed.find(name, context.models_dir)
        removable = gr.update(interactive=installed.is_own(found, context.models_dir))
        return [about(found), summary(read_card(found)), removable, hidden, said]
    except TTMError as error:
        return [note(str(error), "error"), "", gr.update(interactive=False), hidden, said]


def about(found: Bundle) -> str:
    """What a model is, as HTML: names, sizes, licences, and what it learned from."""
    config, missing = found.config, installed.missing(found)
    sampler = found.sampler
    rows = {
        "Name": f"{found.name}, version {config['version']}",
        "Licence": found.licence,
        "Parameters": _parameters(found),
        "Size on disk": in_words(installed.bytes_on_disk(found)),
        "Length": f"{found.native_seconds:g} s as it learned it, {found.pass_seconds:g} s in one pass, "
        f"{found.max_seconds:g} s in overlapping windows",
        "Usual settings": f"{sampler['solver']}, {sampler['steps']} steps, guidance {sampler['guidance']:g}",
        "Trained": _trained(config["training"]),
        "Needs": f"{', '.join(missing)}: run ttm-app models download {found.name}" if missing else None,
        "Folder": found.path,
    }
    data = [
        [_text(row, "part"), _text(row, "name", "set", "source"), _text(row, "licence"), _hours(row)]
        for row in config["data"]
        if isinstance(row, dict)
    ]
    learned = table(["Part", "Music", "Licence", "Hours"], data) if data else note("It does not say.")
    return panel(heading(config["title"]), facts(rows), fold("What it learned from, and the licences of that", learned))


def make_default(context: Context, name: str | None) -> str:
    """Make a model the one that is used where none is named; what came of it as HTML."""
    try:
        if not name:
            raise ModelError("choose a model first")
        user_settings.set("model", installed.find(name, context.models_dir).name)
        if user_settings.load().origin("model") == "environment":
            return note(
                f"{name} is set, but {user_settings.variable('model')} wins as long as it is set in the environment"
            )
        return note(f"{name} is used from now on where no model is named", "good")
    except TTMError as error:
        return note(str(error), "error")


def check_files(context: Context, name: str | None) -> str:
    """Compare every file of a model with its SHA-256; the outcome as HTML."""
    try:
        if not name:
            raise ModelError("choose a model first")
        found = installed.find(name, context.models_dir)
        installed.check(found)
        return note(f"{name} is intact: {len(found.config['files'])} files have the SHA-256 they should have", "good")
    except TTMError as error:
        return note(str(error), "error")


def ask(context: Context, name: str | None) -> list:
    """The question before a model is deleted, and whether it is asked."""
    import gradio as gr

    try:
        folder = installed.find_own(name or "", context.models_dir)
    except TTMError as error:
        return [note(str(error), "error"), gr.update(visible=True)]
    return [note(f"Delete {folder} for ever? Music that was made with it stays."), gr.update(visible=True)]


def remove_model(context: Context, name: str | None) -> str:
    """Delete a model of the user's; what came of it as HTML."""
    try:
        folder = installed.remove(name or "", context.models_dir)
        context.engine.forget()
        return note(f"{folder} is deleted")
    except TTMError as error:
        return note(str(error), "error")


def add_model(
    context: Context,
    path: str | None,
    upload: str | None,
    kind: str,
    name: str | None,
    licence: str | None,
    replace: bool,
) -> tuple[str, str, str | None]:
    """Take a file or folder as a model; what came of it as HTML, and the fields for path and upload, then empty."""
    from ...convert.importer import import_model

    path, name, licence = ((text or "").strip() for text in (path, name, licence))  # a field nobody touched is None
    try:
        if not (path or upload):
            raise FileError("say where the model is, or upload it")
        preset = None if kind == FOLDER else kind
        options = {"licence": licence or None} if preset else {}
        found, _ = import_model(
            path or str(upload),
            preset,
            name or None,
            force=bool(replace),
            models_dir=context.models_dir,
            **options,
        )
    except TTMError as error:
        return note(words(str(error)), "error"), path, upload
    if replace:
        context.engine.forget()
    if upload:
        Path(upload).unlink(missing_ok=True)
    missing = installed.missing(found)
    needs = f"; it still needs {', '.join(missing)}: run ttm-app models download {found.name}" if missing else ""
    return note(f"{found.name} is added{needs}", "good"), "", None


def default_model() -> str:
    """The model that is used where none is named."""
    try:
        return user_settings.load().model
    except TTMError:  # the settings are not readable; whoever needs them says so
        return user_settings.Settings().model


def read_card(found: Bundle) -> str:
    """The card of a model as Markdown that fetches nothing and holds no HTML; without its front matter."""
    try:
        with open(found.path / installed.CARD, encoding="utf-8", errors="replace") as file:
            text = file.read(CARD_CHARACTERS)
    except OSError:
        return ""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    return text.replace("![", "[").replace("<", "&lt;")


def summary(card: str) -> str:
    """What a card says first, and its sections on what the model can and cannot do."""
    first, *sections = re.split(r"^## ", card, flags=re.MULTILINE)
    kept = [f"### {section}" for section in sections if re.match(r"(?i).*(can do|cannot|limit|licence)", section)]
    return "\n".join([re.sub(r"\A\s*# .*\n", "", first), *kept]).strip() or "It has no card."


def _parameters(found: Bundle) -> str:
    try:
        return f"{bundle.parameter_count(found):,}"
    except ModelError as error:
        return f"not known ({error})"


def _trained(training: dict) -> str | None:
    """How a model came about, as far as its config tells."""
    if "imported_from" in training:
        return f"elsewhere; imported from {training['imported_from']}"
    steps = training.get("step", training.get("steps_done"))
    recipe = training.get("recipe", training.get("preset"))
    return f"{steps} steps of the recipe {recipe}" if steps and recipe else None


def _text(row: dict, *keys: str) -> str:
    return next((str(row[key]) for key in keys if row.get(key)), "not told")


def _hours(row: dict) -> str:
    hours = row.get("hours")
    return f"{hours:.2f}" if isinstance(hours, (int, float)) else ""
