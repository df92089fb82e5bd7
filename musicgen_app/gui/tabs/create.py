"""The Create tab: prompt and settings -> clips to listen to, compare and keep."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import gradio as gr
from gradio.context import Context as Building

from ...control.genre_classifier import reads_genres
from ...errors import TTMError
from ...library.metadata import request_from as request_from_tags
from ...machine import paths
from ...machine.user_settings import FORMATS
from ...models import installed
from ...request import SOLVERS, GenerationRequest
from ...server.work import Generation
from ...songbook.sheet_writer import write_sheet
from ..components import PRIVATE, cards, change, component, ids_of, problem
from .create_form import DRUMS, check_suffix, request_from
from .create_queue import standing

if TYPE_CHECKING:
    from ...server.context import Context

RECENT = 8  # clips shown when the page opens
EMPTY = "Nothing here yet. Write what you want to hear, and press Generate: your clips appear here and are kept."
MODELS_OWN = "model's own"
IDS = "(browser, shown) => [browser, {clips: (shown?.clips ?? []).map(({id}) => ({id}))}]"  # all `look` needs of cards


def build(context: Context) -> None:
    """The tab's components and events."""
    page = Building.root_block
    with gr.Row(elem_id="create", equal_height=False):
        with gr.Column(scale=5, min_width=320, elem_id="compose"):
            form, fields = compose(context)
        with gr.Column(scale=7, min_width=320, elem_id="results"):
            queue = component("queue", {})
            clips = component("cards", cards(context.library, [], ""), options="{form: true}", elem_id="clips")
    browser = gr.BrowserState("", storage_key="ttm-app browser", secret="ttm-app")  # whose requests are whose
    drawn = gr.State("")  # the seed in the field, where it was not typed

    do = Handlers(context, tuple(fields))
    quiet = {"show_progress": "hidden", **PRIVATE}
    looking = {
        "fn": do.look,
        "inputs": [browser, clips],
        "outputs": [queue, clips],
        "js": IDS,
        "trigger_mode": "multiple",
        **quiet,
    }
    page.load(do.arrive, browser, [browser, queue, clips], **quiet)
    queue.tick(**looking)
    form.generate.click(
        do.submit,
        [browser, form.keep, drawn, form.suffix, *fields.values()],
        [form.trouble, form.seed, drawn],
        trigger_mode="multiple",
        **quiet,
    ).then(**looking)
    filled = [form.trouble, form.keep, *fields.values()]
    clips.click(do.act, [browser, clips], [queue, clips, *filled], trigger_mode="multiple", **quiet)
    queue.click(do.stop, browser, None, trigger_mode="multiple", **quiet).then(**looking)
    form.source.upload(do.take, form.source, filled, **quiet)
    form.ideas.click(do.idea, None, form.prompt, **quiet)
    form.seed.input(None, form.seed, form.keep, js="(text) => text.trim() !== ''", **PRIVATE)
    for shown in (page.load, Building.block.select):  # a model may have been added or removed meanwhile
        shown(do.models, form.model, form.model, **quiet)
    form.model.change(do.describe, form.model, form.about, **quiet)


@dataclass(frozen=True)
class Handlers:
    """What the events of the tab do: values of components -> new values of others.

    fields: the names of the form's fields, in their order.
    """

    context: Context
    fields: tuple[str, ...]

    def arrive(self, browser: str, request: gr.Request):
        """The page was opened: whose it is, the queue, and the newest clips."""
        owner = owner_of(browser, request)
        newest = [item.id for item in self.context.library.search(limit=RECENT)]
        line, ids = standing(self.context, owner, newest)
        return owner, line, cards(self.context.library, ids, EMPTY, stamp=line["stamp"])

    def submit(self, browser: str, keep: bool, drawn: str, suffix: str, request: gr.Request, *values):
        """Put the request of the form into the queue; what is wrong with it, and its seed."""
        try:
            given = dict(zip(self.fields, values, strict=True))
            if (given["bars"] or given["loop"]) and given["seconds"] == text_of(self.context.settings.seconds):
                given["seconds"] = ""  # as it was when the page opened: the length in bars takes its place
            if not keep and given["seed"] == drawn:
                given["seed"] = None
            resolved = request_from(given, self.context.models_dir)
            self.context.requests.submit(owner_of(browser, request), Generation(resolved), check_suffix(suffix), "gui")
        except TTMError as error:
            return problem(str(error)), gr.skip(), gr.skip()
        return problem(), str(resolved.seed), str(resolved.seed)

    def look(self, browser: str, shown: dict | None, request: gr.Request):
        """Where the queue stands, and the cards where there are new ones."""
        before = ids_of(shown)
        line, ids = standing(self.context, owner_of(browser, request), before)
        return line, gr.skip() if ids == before else cards(self.context.library, ids, EMPTY, stamp=line["stamp"])

    def act(self, browser: str, shown: dict | None, event: gr.EventData, request: gr.Request):
        """What was pressed on a card; answers with queue, cards, trouble, and the form where it was filled."""
        data, filled, trouble = event._data, self._untouched(), problem()
        owner = owner_of(browser, request)
        library = self.context.library
        try:
            if data.get("action") == "again":
                filled = self._fill(library.get(str(data.get("id"))).request)
            elif data.get("action") == "more":
                item = library.get(str(data.get("id")))
                resolved = request_from(vars(replace(item.request, seed=None)), self.context.models_dir)
                self.context.requests.submit(owner, Generation(resolved), item.path.suffix.lower(), "gui")
            else:
                change(library, data)
        except TTMError as error:
            trouble = problem(str(error))
        line, ids = standing(self.context, owner, ids_of(shown))
        return line, cards(library, ids, EMPTY, stamp=line["stamp"]), trouble, *filled

    def take(self, path: str):
        """Fill the form with the request in an uploaded file."""
        try:
            return problem(), *self._fill(request_of_upload(path))
        except TTMError as error:
            return problem(str(error)), *self._untouched()

    def stop(self, browser: str, event: gr.EventData, request: gr.Request):
        """Cancel a request of this browser's."""
        self.context.requests.cancel(owner_of(browser, request), str(event._data.get("id")))

    def idea(self, event: gr.EventData):
        """The example prompt that was pressed."""
        return str(event._data.get("prompt", ""))

    def models(self, chosen: str | None):
        """The models to choose from, as they are now."""
        return gr.update(**models_of(self.context, chosen))

    def describe(self, name: str | None):
        """The line under the chosen model."""
        return model_line(self.context, name)

    def _fill(self, resolved: GenerationRequest) -> list:
        """The form with this request in it, its seed kept. Raises ModelError: its model is not here."""
        installed.find_installed(resolved.model, self.context.models_dir)
        return [True, *form_of(resolved, list(self.fields))]

    def _untouched(self) -> list:
        """The form as it is."""
        return [gr.skip()] * (len(self.fields) + 1)


def compose(context: Context) -> tuple[SimpleNamespace, dict[str, gr.components.Component]]:
    """The form: all its components, and by name (as in `create_form`) those that are fields of the request."""
    settings = context.settings
    prompt = gr.Textbox(
        label="Prompt", lines=3, max_lines=8, autofocus=True, elem_id="prompt",
        placeholder="Slow piano over soft strings, warm and hopeful",
    )  # fmt: skip
    negative = gr.Textbox(label="Not like this", lines=1, placeholder="drums, voices", elem_id="negative")
    with gr.Row(elem_classes="fields"):
        seconds = gr.Textbox(
            text_of(settings.seconds), label="Length in seconds", max_lines=1, min_width=110, placeholder="the plan's"
        )
        variations = gr.Number(1, label="Variations", step=1, min_width=110)
    with gr.Row(elem_classes="fields"):
        bars = gr.Textbox(label="or in bars", max_lines=1, min_width=110, placeholder="8", elem_id="bars")
        loop = gr.Checkbox(False, label="Loop", min_width=110, elem_id="loop")
    with gr.Row(elem_classes="fields"):
        seed = gr.Textbox(label="Seed", placeholder="a new one each time", max_lines=1, min_width=160, elem_id="seed")
        keep = gr.Checkbox(False, label="Keep this seed", min_width=110, elem_id="keep-seed")
    model = gr.Dropdown(**models_of(context, settings.model), label="Model", elem_id="model")
    about = gr.HTML(model_line(context, model.value), elem_id="about-model", padding=False)
    with gr.Accordion("More", open=False, elem_id="more"):
        own = {"placeholder": MODELS_OWN, "max_lines": 1, "min_width": 120}
        with gr.Row(elem_classes="fields"):
            steps = gr.Textbox(label="Steps", **own)
            guidance = gr.Textbox(label="Guidance", **own)
        with gr.Row(elem_classes="fields"):
            low = gr.Textbox(label="Guide from (0: noise)", **own)
            high = gr.Textbox(label="Guide to (1: music)", **own)
        with gr.Row(elem_classes="fields"):
            solver = gr.Dropdown([(MODELS_OWN, ""), *SOLVERS], value="", label="Solver", min_width=120)
            loudness = gr.Textbox(
                text_of(settings.loudness), label="Loudness in LUFS", max_lines=1, min_width=120,
                placeholder="as it comes",
            )  # fmt: skip
        with gr.Row(elem_classes="fields"):
            suffix = gr.Dropdown(FORMATS, value=settings.format, label="File format", min_width=120)
            best_of = gr.Number(1, label="Best of", step=1, min_width=120, elem_id="best-of")
        conditions = gr.Textbox(label="Conditions, for models that take some", placeholder="reward=0.9", max_lines=1)
        source = gr.UploadButton("Take the settings of a file…", file_types=list(FORMATS), size="sm", elem_id="source")
    planning = compose_plan()
    trouble = gr.HTML(problem(), elem_id="trouble", padding=False)
    generate = gr.Button("Generate", variant="primary", elem_id="generate")
    ideas = component("ideas", examples(), elem_id="ideas")
    fields = {
        "prompt": prompt, "negative": negative, "seconds": seconds, "bars": bars, "loop": loop, "seed": seed,
        "variations": variations, "model": model,
        "steps": steps, "guidance": guidance, "interval_from": low, "interval_to": high, "solver": solver,
        "loudness": loudness, "best_of": best_of, "conditions": conditions, **planning,
    }  # fmt: skip
    others = {"keep": keep, "about": about, "suffix": suffix, "source": source, "trouble": trouble}
    return SimpleNamespace(**fields, **others, generate=generate, ideas=ideas), fields


def compose_plan() -> dict[str, gr.components.Component]:
    """The fields that say what is played, by name; empty ones leave it to the prompt."""
    own = {"max_lines": 1, "min_width": 120}
    with gr.Accordion("Plan", open=False, elem_id="plan"):
        with gr.Row(elem_classes="fields"):
            bpm = gr.Textbox(label="Tempo in BPM", placeholder="96", elem_id="plan-bpm", **own)
            key = gr.Textbox(label="Key", placeholder="A minor", elem_id="plan-key", **own)
        with gr.Row(elem_classes="fields"):
            metre = gr.Textbox(label="Metre", placeholder="4/4", elem_id="plan-metre", **own)
            choices = [(word or "as the prompt says", word) for word in DRUMS]
            drums = gr.Dropdown(choices, value="", label="Drums", min_width=120, elem_id="plan-drums")
        chords = gr.Textbox(label="Chords, one a bar", placeholder="Am F (C G) E7", max_lines=1, elem_id="plan-chords")
        form = gr.Textbox(
            label="Form", placeholder="intro 4 | verse 8: Am F | chorus 8 | ends", max_lines=1, elem_id="plan-form"
        )
        plan = gr.Textbox(
            label="Chord sheet", lines=3, max_lines=12, elem_id="plan-sheet",
            placeholder="tempo 96 · 4/4 · key Am\nverse 8: Am F C/E E7\nchorus 8: F G Am Am",
        )  # fmt: skip
    return {"plan": plan, "bpm": bpm, "key": key, "metre": metre, "chords": chords, "drums": drums, "form": form}


def owner_of(browser: str, request: gr.Request) -> str:
    """Whose requests these are: this browser's, whatever becomes of the page; at first the session gives the name."""
    return browser or request.session_hash


def request_of_upload(path: str) -> GenerationRequest:
    """The request in the tags of an uploaded sound file, which is deleted. Raises FileError, RequestError."""
    upload = Path(path)
    try:
        return request_from_tags(upload)
    except TTMError as error:
        raise type(error)(str(error).replace(str(upload), upload.name)) from None
    finally:
        upload.unlink(missing_ok=True)


def examples() -> list[dict]:
    """The example prompts by genre: [{"name", "prompts"}]."""
    return json.loads((paths.assets() / "examples.json").read_text(encoding="utf-8"))["genres"]


def models_of(context: Context, chosen: str | None) -> dict:
    """The installed models to choose from: `chosen` where it is still there, else the usual one, else any."""
    names = [bundle.name for bundle in installed.list_models(context.models_dir)]
    value = next((name for name in (chosen, context.settings.model) if name in names), names[0] if names else None)
    return {"choices": names, "value": value}


def model_line(context: Context, name: str | None) -> str:
    """What the chosen model is made for, in one line of HTML."""
    from html import escape

    bundle = next((b for b in installed.list_models(context.models_dir) if b.name == name), None)
    if bundle is None:
        return problem("No model is chosen: pick one, or add one on the Models tab.")
    sampler = bundle.sampler
    line = (
        f"{bundle.config['title']}. Made for clips of {bundle.native_seconds:g} s, at most {bundle.max_seconds:g} s. "
        f"Its own settings: {sampler['steps']} steps, guidance {sampler['guidance']:g}, {sampler['solver']}."
        + (sampler["solver"] == "mean") * " It takes no guidance and no negative prompt."
        + "".join(f" Condition {name}: {facts['min']:g} to {facts['max']:g}." for name, facts in bundle.scalars.items())
        + bundle.follows_plans * " It plays to the tempo, metre, key and chords that you name."
        + reads_genres(bundle) * " A prompt that names no genre is read for the one it means."
    )
    return f'<p class="hint">{escape(line)}</p>'


def form_of(request: GenerationRequest, names: list[str]) -> list:
    """The values of the form's fields that make this request."""
    low, high = request.guidance_interval or (None, None)
    told = ", ".join(f"{name}={value:g}" for name, value in request.conditions.items())
    values = vars(request) | {"interval_from": low, "interval_to": high, "conditions": told}
    values |= {name: values[name] or "" for name in ("key", "metre", "chords", "form")}
    values["drums"] = next(word for word, meant in DRUMS.items() if meant is request.drums)
    values["plan"] = (
        request.plan if isinstance(request.plan, str) else write_sheet(request.plan) if request.plan else ""
    )
    texts = ("seed", "seconds", "bars", "steps", "guidance", "interval_from", "interval_to", "loudness", "bpm")
    return [text_of(values[name]) if name in texts else values[name] for name in names]


def text_of(number: float | None) -> str:
    """A number as it is typed; nothing for None."""
    return "" if number is None else repr(number).removesuffix(".0")
