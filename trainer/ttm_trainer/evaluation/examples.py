"""`ttm-app evaluate examples`: 20 fixed prompts and seeds -> a folder to listen to, the same for everybody.

OUT/MODEL/ID.wav and ID.png, and OUT/index.html with players and spectrograms, which loads nothing from elsewhere.
Several models stand side by side.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from musicgen_app import __version__
from musicgen_app.engine import CancelToken, Engine, Progress
from musicgen_app.errors import FileError, RequestError
from musicgen_app.machine import files
from musicgen_app.models.installed import find

from .clips.clip_features import RATE
from .clips.generate_clips import Made, describe, make
from .clips.prompts import Prompt
from .clips.work import Work
from .tables.spectrograms import show_spectrogram

EXAMPLES = Path(__file__).parent / "prompt_sets" / "listening_page.csv"
MARK = "<!-- made by ttm-app evaluate examples -->"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .6rem .8rem .6rem 0; border-top: 1px solid #ddd; }
audio, img { display: block; width: 100%; min-width: 16rem; }
small { color: #666; }
"""


def read_examples() -> list[Prompt]:
    """The prompts; `number` of each is its seed."""
    with open(EXAMPLES, encoding="utf-8", newline="") as file:
        return [Prompt(int(row["seed"]), row["id"], row["prompt"], {}) for row in csv.DictReader(file)]


def make_examples(
    models: Sequence[str],
    out: Path,
    engine: Engine | None = None,
    *,
    count: int | None = None,
    seconds: float = 10.0,
    show: Callable[[str], None] = print,
    progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
) -> Path:
    """Make what is not there yet; returns the page. count: of the examples, the first ones.

    Raises RequestError, FileError (also: a page of somebody else), ModelError, Cancelled.
    """
    if not models or len(set(models)) < len(models):
        raise RequestError("give one or several different models")
    bundles = [find(model) for model in models]
    labels = [f"{bundle.name}-{bundle.config['version']}" for bundle in bundles]
    if len(set(labels)) < len(labels):
        labels = [f"{label}-{bundle.weights_sha256[:8]}" for label, bundle in zip(labels, bundles, strict=True)]
    page = out / "index.html"
    if page.exists() and MARK not in page.read_text(encoding="utf-8", errors="replace"):
        raise FileError(f"{page} was not made by this command: choose another --out")
    work, engine, prompts, made = Work(show, progress, cancel), engine or Engine(), read_examples()[:count], {}
    for model, label in zip(models, labels, strict=True):
        show(f"making {len(prompts)} clips with {label}")
        made[label] = make(engine, model, prompts, out / label, 0, work.ticker(label), cancel, seconds=seconds)
        for _, clip in made[label].pairs:
            _draw(clip.wave(RATE), clip.path.with_suffix(".png"))
    abouts = {label: describe(model, made[label], engine, 0) for model, label in zip(models, labels, strict=True)}
    files.write(page, html(prompts, made, abouts).encode(), overwrite=True)
    return page


def _draw(wave, path: Path) -> None:
    from ..runtime.charts import picture

    with picture(path, size=(4.8, 1.5)) as axes:
        show_spectrogram(axes, wave, RATE, "")


def html(prompts: Sequence[Prompt], made: dict[str, Made], abouts: dict[str, dict]) -> str:
    """The page: one row for each example, one column for each model."""
    clips = {label: {prompt.id for prompt, _ in each.pairs} for label, each in made.items()}
    heads = "".join(f"<th>{escape(label)}<br><small>{escape(_settings(abouts[label]))}</small></th>" for label in made)
    rows = []
    for prompt in prompts:
        cells = "".join(_cell(label, prompt.id) if prompt.id in clips[label] else "<td>none</td>" for label in made)
        said = f"{escape(prompt.text)}<br><small>{escape(prompt.id)}, seed {prompt.number}</small>"
        rows.append(f"<tr><td>{said}</td>{cells}</tr>")
    title = escape(f"{len(prompts)} examples: {', '.join(made)}")
    return f"""<!doctype html>
{MARK}
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head><body>
<h1>{title}</h1>
<p>Made by ttm-app {escape(__version__)}, first takes, nothing chosen. All of it is AI-generated.</p>
<table><tr><th>prompt</th>{heads}</tr>
{chr(10).join(rows)}
</table></body></html>
"""


def _settings(about: dict) -> str:
    settings = about["settings"]
    how = f"{settings['solver']}, {settings['steps']} steps, guidance {settings['guidance']:g}"
    return f"{how}, weights {about['model']['weights_sha256'][:8]}"


def _cell(label: str, name: str) -> str:
    path = f"{quote(label)}/{quote(name)}"
    return (
        f'<td><audio controls preload="none" src="{path}.wav"></audio><img loading="lazy" src="{path}.png"'
        f' alt="spectrogram of {escape(name)}"></td>'
    )
