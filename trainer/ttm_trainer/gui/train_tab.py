"""The Train tab: a folder of music -> what a training would take -> the training, watched while it runs -> a model.

Trainings are programs of their own (`jobs`): closing the page or stopping the server does not end them.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from musicgen_app.errors import RequestError, TTMError
from musicgen_app.gui.components import PRIVATE
from musicgen_app.gui.html import PLAIN, bar, facts, fold, heading, note, on_show, panel, scroll, table, words
from musicgen_app.machine import paths
from musicgen_app.machine.files import in_words
from musicgen_app.models import installed

from ..runtime.background_jobs import (
    FAILED,
    FINISHED,
    RUNNING,
    STOPPING,
    BackgroundJob,
    Jobs,
    Status,
    check_folders,
    previews,
    to_arguments,
)

if TYPE_CHECKING:
    from musicgen_app.server.context import Context

LABEL = "Train"
EVERY = 2.0  # seconds between two looks at a training that runs
POINTS = 400  # of a curve
HEARD = 3  # previews of a step that are shown
LINES = 60  # of the log
CURVES = {"loss": "Loss", "val": "Loss, held-out music", "val_shuffled": "The same, others' captions"}
COLOURS = dict(zip(CURVES.values(), ("#2f8f9d", "#c8703a", "#8f8f8f"), strict=True))
EMPTY = "No training yet. Fill in the form above: “Check” tells what it would take, and changes nothing."
FIELDS = (
    "data", "name", "recipe", "steps", "batch", "lr", "max_hours", "encoders", "clusters", "preview_every",
    "save_every", "seed", "workers", "separate", "licence", "preview_prompt", "set", "out",
)  # fmt: skip


def build(context: Context) -> None:
    """The tab's components and events."""
    import gradio as gr

    gr.Markdown("Train a model on a folder of music with captions. Nothing is sent anywhere.")
    form = _form()
    with gr.Row():
        check = gr.Button("Check", min_width=140)
        start = gr.Button("Start training", variant="primary", min_width=140)
    said = gr.HTML(**PLAIN)
    gr.Markdown("### Trainings")
    run = _run()

    view = [run.picked, run.chosen, run.state, run.stop, run.resume, run.forget, run.usable, run.as_name, run.plot,
            run.listen, run.step, run.log, run.timer, run.seen]  # fmt: skip
    quiet = {"show_progress": "hidden", **PRIVATE}
    anew = partial(look, context)
    on_show(anew, view, [run.picked, run.seen])
    run.chosen.input(lambda id: (id, ""), run.chosen, [run.picked, run.told], **quiet).then(
        anew, run.picked, view, **quiet
    )
    run.timer.tick(anew, [run.picked, run.seen], view, concurrency_limit=None, **quiet)
    run.step.change(partial(hear, context), [run.picked, run.step], run.clips, **quiet)
    check.click(partial(check_run, context), form, said, **PRIVATE)
    start.click(partial(start_run, context), form, [said, run.picked], **PRIVATE).then(anew, run.picked, view, **quiet)
    for button, work in ((run.stop, stop_run), (run.resume, resume_run), (run.forget, forget_run)):
        button.click(partial(work, context), run.picked, run.told, **PRIVATE).then(anew, run.picked, view, **quiet)
    run.use.click(partial(use_run, context), [run.picked, run.as_name, run.replace], run.told, **PRIVATE)


def _form() -> list:
    """The fields of a new training, in the order of FIELDS."""
    import gradio as gr

    from ..recipes import NAMES

    with gr.Row():
        data = gr.Textbox(label="Folder of music", placeholder="/home/me/jamendo", max_lines=1, scale=3, min_width=260)
        name = gr.Textbox("mine", label="Name of the model", max_lines=1, min_width=140)
        recipe = gr.Dropdown(NAMES, value="sketch", label="Recipe", filterable=False, min_width=140)
    own = {"placeholder": "the recipe's", "max_lines": 1, "min_width": 140}  # a gr.Number cannot be empty: it shows 0
    with gr.Row():
        steps = gr.Textbox(label="Steps", **own)
        batch = gr.Textbox(label="Clips a step", **own)
        rate = gr.Textbox(label="Learning rate", **own)
        hours = gr.Textbox(label="Stop after hours", **own | {"placeholder": "never"})
    with gr.Accordion("More settings", open=False):
        with gr.Row():
            encoders = gr.Textbox(label="Encoders", info="sketch, a system of the papers, or a model", **own)
            clusters = gr.Textbox(label="Clusters", info="text-50, audio-500 …, or none", **own)
            seed = gr.Textbox(label="Seed", info="of weights, batches, noise", **own)
        with gr.Row():
            heard = gr.Textbox(label="Steps between previews", **own)
            save = gr.Textbox(label="Steps between checkpoints", **own)
            workers = gr.Textbox(label="Processes that prepare the data", **own | {"placeholder": "1"})
        with gr.Row():
            licence = gr.Textbox("CC-BY-SA-4.0", label="Licence of the weights", info="mind your data's", max_lines=1)
            separate = gr.Checkbox(label="Take vocals away first", info="with an installed separator")
        prompts = gr.Textbox(
            label=f"Prompts of the previews, one a line, {HEARD} at most", placeholder="the usual", lines=2
        )
        changes = gr.Textbox(label="Other parameters, KEY=VALUE, one a line", placeholder="weight_decay=0.1", lines=2)
        usual = f"{paths.runs()}/NAME"
        out = gr.Textbox(label="Run folder", info="for checkpoints and the model", placeholder=usual, max_lines=1)
    return [data, name, recipe, steps, batch, rate, hours, encoders, clusters, heard, save, seed, workers, separate,
            licence, prompts, changes, out]  # fmt: skip


def _run() -> SimpleNamespace:
    """What shows a training that was started, and what is done with it."""
    import gradio as gr

    chosen = gr.Radio([], label="Running and past", elem_id="train-jobs")
    state = gr.HTML(**PLAIN)
    with gr.Row():
        stop = gr.Button("Stop", size="sm", scale=0, min_width=140, visible=False)
        resume = gr.Button("Resume", size="sm", scale=0, min_width=140, visible=False)
        forget = gr.Button("Take from this list", size="sm", scale=0, min_width=140, visible=False)
    with gr.Row(visible=False, equal_height=True) as usable:
        as_name = gr.Textbox(label="Name among your models", max_lines=1, min_width=140)
        replace = gr.Checkbox(label="Replace a model of that name", min_width=140)
        use = gr.Button("Use it as a model", variant="primary", scale=0, min_width=200)
    told = gr.HTML(**PLAIN)
    plot = gr.LinePlot(
        x="step", y="loss", color="curve", color_map=COLOURS, x_title="step", y_title="loss",
        label="Loss", colors_in_legend=[], visible=False,
    )  # fmt: skip
    with gr.Column(visible=False) as listen:
        heard_at = "Previews: what the model makes of the same prompts after this many steps"
        step = gr.Dropdown([], label=heard_at, filterable=False)
        player = {"type": "filepath", "interactive": False, "visible": False, "buttons": ["download"], "min_width": 260}
        with gr.Row():
            clips = [gr.Audio(**player) for _ in range(HEARD)]
    log = gr.HTML(visible=False, **PLAIN)
    timer = gr.Timer(EVERY, active=False)
    picked, seen = gr.State(None), gr.State({})  # the id of the job that is shown, and what is shown of it
    return SimpleNamespace(
        picked=picked, chosen=chosen, state=state, stop=stop, resume=resume, forget=forget, usable=usable,
        as_name=as_name, replace=replace, use=use, told=told, plot=plot, listen=listen, step=step, clips=clips,
        log=log, timer=timer, seen=seen,
    )  # fmt: skip


def options_of(*values: object) -> dict[str, Any]:
    """The values of the form, in the order of FIELDS -> options of `ttm-app train`. Raises RequestError."""
    options: dict[str, Any] = {
        name: value if isinstance(value, bool) else str(value or "").strip()
        for name, value in zip(FIELDS, values, strict=True)
    }
    if not options["data"]:
        raise RequestError("give the folder with the music")
    options["data"] = [paths.expanded(options["data"])]
    options["preview_prompt"] = _lines(options["preview_prompt"])
    if len(options["preview_prompt"]) > HEARD:
        raise RequestError(f"give {HEARD} prompts of previews at most")
    options["set"] = _lines(options["set"])
    options["out"] = paths.expanded(options["out"] or paths.runs() / installed.check_name(options["name"]))
    return options


def check_run(context: Context, *values: object) -> str:
    """What a training would do and take, as HTML; nothing is changed."""
    from ..costs.dry_run import dry_run_facts

    try:
        return planned(dry_run_facts(_job_from(options_of(*values))))
    except TTMError as error:
        return note(words(str(error)), "error")


def planned(found: dict) -> str:
    """The facts of a dry run (`ttm_trainer.costs.dry_run.dry_run_facts`) as HTML."""
    from ..output.model_card import plain
    from ..runtime.progress import duration

    estimate, items = found["estimate"], found["items"]
    kinds = ("weights", "gradients", "optimizer", "average", "activations")
    rows = {
        "Recipe": found["title"],
        "Music": ", ".join(f"{count:,} {split}" for split, count in items.items())
        if items
        else "not prepared yet: the training does it first",
        "Model": f"{estimate['parameters']:,} parameters",
        "Memory": f"{in_words(estimate['memory'])}: "
        + ", ".join(f"{kind} {in_words(estimate[kind])}" for kind in kinds),
        "Time": f"{duration(estimate['seconds'])}: {estimate['steps']:,} steps of {estimate['seconds_a_step']:.3g} s,"
        " plus preparing, checkpoints and validation",
        "Measured": estimate["how"],
        "Disk": f"{in_words(found['checkpoint_bytes'])} a checkpoint",
        "Run folder": found["out"],
        **{f"Note {number}": text for number, text in enumerate(found["notes"], 1)},
    }
    parameters = [(row["name"], plain(row["value"]), row["from"]) for row in found["parameters"]]
    return panel(
        heading("What the training would do. Nothing was changed."),
        facts(rows),
        fold("Every parameter, and where it comes from", table(("Parameter", "Value", "From"), parameters)),
    )


def start_run(context: Context, *values: object) -> tuple[str, str | None]:
    """Start a training; what came of it as HTML, and the job's id."""
    try:
        options = options_of(*values)
        _job_from(options)  # what cannot be is said now, not by a program that ends at once
        job = Jobs().start(options)
    except TTMError as error:
        return note(words(str(error)), "error"), None
    return note(f"{job.name} is training in {job.out}. It goes on when this page is closed.", "good"), job.id


def stop_run(context: Context, id: str | None) -> str:
    """Ask a training to stop, and when that was done already, end it at once; what comes of it as HTML."""
    try:
        jobs = Jobs()
        job = jobs.get(_given(id))
        at_once = job.asked_to_stop
        job = jobs.stop(job.id, at_once)
    except TTMError as error:
        return note(str(error), "error")
    when = "at once: resumed, it goes on from its last checkpoint" if at_once else "after the step in flight"
    return note(f"{job.name} stops {when}")


def resume_run(context: Context, id: str | None) -> str:
    """Go on with a training that was stopped; what comes of it as HTML."""
    try:
        return note(f"{Jobs().resume(_given(id)).name} goes on", "good")
    except TTMError as error:
        return note(str(error), "error")


def forget_run(context: Context, id: str | None) -> str:
    """Take a training from the list; what comes of it as HTML."""
    try:
        jobs = Jobs()
        job = jobs.get(_given(id))
        jobs.forget(job.id)
        return note(f"{job.name} is off the list; its folder {job.out} is as it was")
    except TTMError as error:
        return note(str(error), "error")


def use_run(context: Context, id: str | None, name: str, replace: bool) -> str:
    """Put the model of a training among the user's models; what comes of it as HTML."""
    try:
        jobs = Jobs()
        status = jobs.status(jobs.get(_given(id)))
        if status.bundle is None:
            raise RequestError("it has no model yet: that is written at its end")
        found = installed.install(status.bundle, (name or "").strip() or None, bool(replace), context.models_dir)
    except TTMError as error:
        return note(words(str(error)), "error")
    if replace:
        context.engine.forget()
    return note(f"{found.name} is among your models now: choose it under Create", "good")


def look(context: Context, id: str | None = None, seen: dict | None = None) -> list:
    """Values of `view`: the list of jobs, and the one that is chosen (else the newest); what `seen` has stays."""
    import gradio as gr

    jobs = Jobs()
    found, faults = jobs.scan()
    broken = "".join(note(str(fault), "error") for fault in faults.values())
    hidden = gr.update(visible=False)
    job = next((job for job in found if job.id == id), found[0] if found else None)
    if job is None:
        timer = gr.Timer(active=False)
        empty = [None, gr.update(choices=[], value=None, visible=False), broken + note(EMPTY)]
        return [*empty, hidden, hidden, hidden, hidden, "", hidden, hidden, gr.skip(), hidden, timer, {}]

    status = jobs.status(job, LINES)
    choices = [(f"{other.name}: {jobs.state(other)[0]}", other.id) for other in found]
    steps = sorted({preview.step for preview in status.previews}, reverse=True)
    now = {"id": job.id, "choices": choices, "points": len(status.rows), "steps": steps, "log": status.log[-1:]}
    seen = seen if seen and seen.get("id") == job.id else {}

    def changed(key: str, value: object) -> object:
        return value if seen.get(key) != now[key] else gr.skip()

    newest = {} if seen.get("steps") else {"value": steps[0] if steps else None}  # who listens is left alone
    again = status.state not in (RUNNING, STOPPING, FINISHED)
    return [
        job.id,
        changed("choices", gr.update(choices=choices, value=job.id, visible=True)),
        broken + describe(job, status),
        gr.update(visible=status.running, value="Stop at once" if status.state == STOPPING else "Stop"),
        gr.update(visible=again),
        gr.update(visible=not status.running),
        gr.update(visible=status.bundle is not None and not status.running),
        job.name if not seen else gr.skip(),
        changed("points", gr.update(value=curves(status.rows), visible=bool(status.rows))),
        changed("steps", gr.update(visible=bool(steps))),
        changed("steps", gr.update(choices=steps, **newest)),
        changed("log", gr.update(value=panel(heading("Log"), scroll(status.log, "Log")), visible=bool(status.log))),
        gr.Timer(active=status.running),
        now,
    ]


def describe(job: BackgroundJob, status: Status) -> str:
    """How a training is doing, as HTML."""
    at, last = status.position, {key: row[key] for row in status.rows for key in CURVES if key in row}
    rows: dict[str, object] = {"Run folder": job.out}
    done = ""
    if at:
        done = bar(at.step / at.total, "Steps done")
        rows["Steps"] = f"{at.step:,} of {at.total:,} ({at.step / at.total:.0%})"
    if at and status.running:
        rows |= {"Speed": at.speed, "Time left": at.left}
    rows |= {CURVES[key]: f"{value:.4g}" for key, value in last.items() if _finite(value)}
    kind = "error" if status.state == FAILED else "good" if status.state == FINISHED else "info"
    said = "" if status.state == RUNNING and at else f": {status.message}"
    return note(status.state.capitalize() + said, kind) + panel(done, facts(rows, COLOURS))


def curves(rows: list[dict]):
    """Rows of metrics.jsonl -> a table (pandas) of step, loss and curve, at most POINTS of each curve."""
    import pandas

    parts = []
    for key, curve in CURVES.items():
        values = {row["step"]: row[key] for row in rows if _finite(row.get(key))}
        stride = max(1, math.ceil(len(values) / POINTS))
        points = sorted(values.items())
        parts += [(step, loss, curve) for step, loss in (*points[:-1:stride], *points[-1:])]
    return pandas.DataFrame(parts, columns=["step", "loss", "curve"])


def hear(context: Context, id: str | None, step: int | None) -> list:
    """Values of the audio players: the previews of a step."""
    import gradio as gr

    try:
        run = Jobs().get(_given(id)).out
        found = [preview for preview in previews(run) if preview.step == step][:HEARD]
    except TTMError:
        found = []
    clips = [gr.update(value=served(p.path), label=f"{p.title} (step {p.step:,})", visible=True) for p in found]
    return clips + [gr.update(value=None, visible=False)] * (HEARD - len(clips))


def served(path: Path) -> str:
    """A copy of a file of a run among the files that the page may fetch: run folders themselves stay private."""
    from gradio.processing_utils import save_file_to_cache
    from gradio.utils import get_upload_folder

    return save_file_to_cache(path, cache_dir=get_upload_folder())


def _job_from(options: dict):
    """The trainer's own job of these options: every value checked, as the command line does."""
    from ..cli.train import job_from

    out = check_folders(options["data"], options["out"])
    return job_from(to_arguments({**options, "out": out}))


def _given(id: str | None) -> str:
    if not id:
        raise RequestError("choose a training first")
    return id


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
