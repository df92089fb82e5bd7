"""The part of the Models tab that installs what others publish: a table, a button, how far it is, and a way to stop."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from ...errors import Cancelled, ModelError, TTMError
from ...machine.files import in_words
from ..components import PRIVATE
from ..html import PLAIN, bar, note, on_show, table, words

if TYPE_CHECKING:
    from pathlib import Path

    from ...server.context import Context

SECONDS = 1.0  # between two looks at a download


class Download:
    """One installation at a time, in a thread of its own; whoever looks sees how it stands."""

    def __init__(self, models_dir: Path | None):
        self.models_dir = models_dir
        self.thread: threading.Thread | None = None
        self.stopped = False
        self.at: tuple[str, int, int] = ("", 0, 0)  # what is fetched, bytes done and in all
        self.outcome = ""  # as HTML

    @property
    def running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def start(self, name: str, accept_licence: bool) -> None:
        """Begin. Raises ModelError: another one is not done yet."""
        if self.running:
            raise ModelError("another model is being installed: wait until it is done, or stop it")
        self.stopped, self.outcome, self.at = False, "", (name, 0, 0)
        self.thread = threading.Thread(target=self._run, args=(name, accept_licence), daemon=True)
        self.thread.start()

    def _run(self, name: str, accept_licence: bool) -> None:
        from ...convert.installer import Source, install

        def report(what: str, done: int, total: int) -> None:
            self.at = what, done, total
            if self.stopped:
                raise Cancelled("stopped; press Install again to go on where it was")

        try:
            found = install(name, Source(accept_licence=accept_licence, report=report), models_dir=self.models_dir)
            self.outcome = note(f"{found.name} is installed, under {found.licence}", "good")
        except TTMError as error:
            self.outcome = note(said_here(str(error)), "info" if isinstance(error, Cancelled) else "error")
        except Exception as error:  # nobody else sees what a thread raises
            self.outcome = note(f"unexpected {type(error).__name__}: {error}", "error")

    def shown(self) -> str:
        """How it stands, as HTML."""
        if not self.running:
            return self.outcome
        what, done, total = self.at
        if not total or done >= total:
            return note(f"{what}: working…")
        return bar(done / total, what) + note(f"{what}: {in_words(done)} of {in_words(total)}")


def build(context: Context) -> None:
    """The components and events of this part."""
    import gradio as gr

    from ...models.published import PUBLISHED

    download = Download(context.models_dir)
    gr.Markdown(
        "Models that others trained and publish. Installing one fetches it over the network, with all that it needs;"
        " nothing else on this page uses the network."
    )
    offers = gr.HTML(**PLAIN, elem_id="models-offers")
    names = [name for name, model in PUBLISHED.items() if not model.why_not]
    with gr.Row():
        chosen = gr.Dropdown(names, value=names[0], label="Model", filterable=False)
        accepted = gr.Checkbox(label="I keep to its licence, also where that forbids commercial use")
    with gr.Row():
        start = gr.Button("Install", variant="primary", size="sm", min_width=120)
        stop = gr.Button("Stop", size="sm", min_width=120)
    said = gr.HTML(**PLAIN)
    clock = gr.Timer(SECONDS, active=False)
    looked = [said, clock, offers]
    on_show(partial(look, download), looked)
    start.click(partial(begin, download), [chosen, accepted], looked, **PRIVATE)
    stop.click(partial(cancel, download), None, looked, **PRIVATE)
    clock.tick(partial(look, download), None, looked, show_progress="hidden", **PRIVATE)


def begin(download: Download, name: str, accepted: bool) -> list:
    """Begin an installation; values of `looked`."""
    try:
        download.start(name, bool(accepted))
    except TTMError as error:
        return [note(str(error), "error"), *look(download)[1:]]
    return look(download)


def cancel(download: Download) -> list:
    """Stop the installation; values of `looked`."""
    download.stopped = True
    return look(download)


def look(download: Download) -> list:
    """Values of `looked`: how the download stands, whether to look again, and what is offered."""
    import gradio as gr

    running = download.running
    return [download.shown(), gr.Timer(active=running), gr.skip() if running else offers_table(download.models_dir)]


def offers_table(models_dir: Path | None) -> str:
    """What is offered, as HTML."""
    from ...models.offers import offered

    rows, found = [], offered(models_dir)
    for model in found:
        seconds, why = model.get("seconds_for_ten"), model["cannot_be_installed"]
        state = "here" if model["installed"] else in_words(model.get("bytes_to_fetch", 0)) + " to fetch"
        licence = model["licence"] + (f" (forbids {model['forbids']})" if model["forbids"] else "")
        rows.append(
            [
                model["name"],
                model["about"],
                f"{model['sample_rate'] / 1000:g} kHz {'mono' if model['channels'] == 1 else 'stereo'},"
                f" made for {model['seconds']['native']:g} s",
                f"{model['parameters'] / 1e6:.0f} M",
                f"about {seconds:g} s" if seconds else "",
                licence,
                f"cannot be installed: {why}" if why else state,
            ]
        )
    busy = ", while this machine is busy" if any(model.get("estimated_while_busy") for model in found) else ""
    time = f"10 s of music here (estimated{busy})"
    return table(["Name", "What it is", "Sound", "Size", time, "Licence", "State"], rows)


def said_here(message: str) -> str:
    """A message of the installer in the words of the page."""
    return words(message.replace("say --accept-licence if you keep to it", "tick the box if you keep to its licence"))
