"""The whole measurement: settings -> report. Every part runs in a child process; this one only starts and collects.

A part that cannot be measured (an optional package is missing, not enough memory) leaves {"error", "code"} in its
place, and the others go on.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ModelError, RequestError
from ..models import installed
from ..models.paper_systems import SYSTEMS
from . import child

SCHEMA = 1
EVALUATIONS = 20  # network evaluations of the short sampling that is measured beside the model's own
QUICK_STEPS = 2
GROWTH_SECONDS = {"step": (10.0, 60.0, 300.0), "decode": (10.0, 60.0, 300.0, 600.0)}
QUICK_GROWTH_SECONDS = {"step": (5.0, 20.0), "decode": (5.0, 20.0)}
RIVALS = ("musicgen-small",)


@dataclass(frozen=True)
class BenchSettings:
    """What to measure. models: presets (random weights) or installed models; None: every system of the papers."""

    models: tuple[str, ...] = ()
    seconds: float = 10.0
    steps: int | None = None  # of the whole sampling; None: the model's own
    repeats: int = 3
    threads: int | None = None  # None: all cores
    precisions: tuple[str, ...] = ("fp32", "bf16")
    decoders: tuple[str, ...] = ("torch", "onnx")
    against: str | None = None  # one of RIVALS
    growth: bool = False
    quick: bool = False  # fewer steps and repeats: a look, not a measurement


@dataclass
class _Session:
    settings: BenchSettings
    folder: Path  # for stand-ins and for what is compared between processes
    note: Callable[[str], None]
    shared: dict[tuple, dict] = field(default_factory=dict)
    faults: list[dict] = field(default_factory=list)

    def measure(self, what: str, part: str, **arguments) -> dict:
        """One part in a child; {"error", "code"} where it fails. `what` is shown while it runs."""
        self.note(what)
        try:
            return child.measure(part, self.settings.threads, **arguments)
        except child.PartError as error:
            fault = {"error": str(error), "code": error.code}
            self.faults.append({"part": what} | fault)
            self.note(f"{what}: not measured: {error}")
            return fault

    def once(self, key: tuple, run: Callable[[], dict]) -> dict:
        """The result of `run` the first time for this key."""
        if key not in self.shared:
            self.shared[key] = run()
        return self.shared[key]


def run(settings: BenchSettings, note: Callable[[str], None] = lambda line: None) -> dict:
    """Measure and report; Ctrl-C ends it early, with what was measured so far.

    RequestError or ModelError for an unknown model, before anything is measured.
    """
    if settings.against not in (None, *RIVALS):
        raise RequestError(f"nothing to compare with is called {settings.against!r}: use {', '.join(RIVALS)}")
    models = settings.models or tuple(SYSTEMS)
    folders = {name: _installed(name) for name in models}
    with tempfile.TemporaryDirectory(prefix="ttm-app-bench-") as folder:
        session = _Session(settings, Path(folder), note)
        report: dict[str, Any] = {
            "schema": SCHEMA,
            "machine": session.measure("this machine", "machine"),
            "settings": asdict(settings),
            "against": None,
            "systems": [],
            "cancelled": False,
        }
        if settings.against:
            seconds = {"seconds": settings.seconds, "quick": settings.quick}
            report["against"] = session.measure(settings.against, settings.against, **seconds)
        try:
            for name, path in folders.items():
                report["systems"].append({"name": name})
                _system(session, report["systems"][-1], path)
        except KeyboardInterrupt:
            report["cancelled"] = True
    _compare_with_rival(report)
    return report | {"faults": session.faults}


def _installed(name: str) -> str | None:
    """The folder of the installed model of that name; None where a preset is to be measured with random weights."""
    try:
        return str(installed.find(name).path)
    except ModelError as error:
        if name in SYSTEMS:
            return None
        raise ModelError(f"{error}; or measure a preset with random weights: {', '.join(SYSTEMS)}") from error


def _system(session: _Session, system: dict, path: str | None) -> None:
    """Add to `system` all that is measured of it; one with random weights is written first, and deleted afterwards."""
    name = system["name"]
    if path:
        system["weights"] = "own"
        return _measure(session, system, path, random=False)
    system["weights"] = "random"
    folder = session.folder / name
    made = session.measure(f"{name}: random weights", "stand_in", folder=str(folder), preset=name)
    if "error" in made:
        system |= made
    else:
        _measure(session, system, str(folder), random=True)
    shutil.rmtree(folder, ignore_errors=True)


def _measure(session: _Session, system: dict, model: str, random: bool) -> None:
    """Add what is measured of the model in a folder. Text encoders and codecs with random weights are measured once."""
    name, settings = system["name"], session.settings
    facts = session.measure(f"{name}: sizes", "facts", model=model, seconds=settings.seconds)
    system |= facts
    if "error" in facts:
        return
    repeats = 1 if settings.quick else settings.repeats
    measured = _Model(session, name, model, facts, repeats, random)
    text, codec = (("random", facts[part]) if random else ("own", model) for part in ("text", "codec"))
    system["text_encoding"] = session.once(("text", *text), measured.text)
    system["step"] = {}
    for precision in settings.precisions:
        system["step"][precision] = measured.step(precision)
    system["decode"] = session.once(("decode", *codec), measured.decode)
    system["whole"] = measured.whole()
    if settings.growth:
        system["growth"] = {"step": measured.step_growth()}
        system["growth"]["decode"] = session.once(("decode growth", *codec), measured.decode_growth)


@dataclass(frozen=True)
class _Model:
    """The measurements of one model."""

    session: _Session
    name: str
    model: str
    facts: dict
    repeats: int
    random: bool

    def measure(self, what: str, part: str, **arguments) -> dict:
        return self.session.measure(f"{self.name}: {what}", part, model=self.model, **arguments)

    def text(self) -> dict:
        return self.measure("text", "text", repeats=self.repeats)

    def step(self, precision: str) -> dict:
        """One guided step, its matrix products alone, and the plain model."""
        arguments = {"latents": self.facts["latents"], "precision": precision, "repeats": self.repeats}
        measured = self.measure(f"step, {precision}", "step", plain=True, **arguments)
        alone = self.measure(f"matrix products of a step, {precision}", "products", **arguments)
        if "error" not in measured and "error" not in alone:
            measured["products"] = alone
            measured["over_products"] = measured["seconds"] / alone["seconds"]
        return measured

    def decode(self) -> dict:
        """Every asked way to decode, with its signal-to-noise ratio against torch in float32.

        A model with random weights is given an ONNX decoder first. An installed one may have none: where it was not
        asked for by name, it is left out then.
        """
        settings, measured = self.session.settings, {}
        ways = [("torch", precision) for precision in settings.precisions if "torch" in settings.decoders]
        if "onnx" in settings.decoders and self.random:
            ways += [("onnx", "fp32")] if "error" not in self.measure("ONNX export", "export") else []
        elif settings.decoders == ("onnx",) or "onnx" in settings.decoders and self.facts["onnx"]:
            ways.append(("onnx", "fp32"))
        for decoder, precision in ways:
            save = str(self.session.folder / f"decode-{decoder}-{precision}.npy")
            measured[f"{decoder} {precision}"] = self.measure(
                f"decode, {decoder} {precision}", "decode", latents=self.facts["latents"], precision=precision,
                decoder=decoder, repeats=self.repeats, save=save,
            )  # fmt: skip
        _add_errors(measured, "torch fp32", lambda way: self._decode_snr(way.replace(" ", "-")))
        return measured

    def _decode_snr(self, way: str) -> dict:
        import numpy as np

        from .measure import snr_db

        value, reference = (np.load(self.session.folder / f"decode-{name}.npy") for name in (way, "torch-fp32"))
        return {"snr_db": snr_db(value, reference)}

    def whole(self) -> list[dict]:
        """Text to file with the model's own number of steps and with 20 network evaluations."""
        settings, sampler, orders = self.session.settings, self.facts["sampler"], self.facts["orders"]
        counts = [settings.steps or sampler["steps"], EVALUATIONS // orders]
        if settings.quick:
            counts = [QUICK_STEPS]
        return [row for steps in dict.fromkeys(counts) for row in self._whole(steps)]

    def _whole(self, steps: int) -> list[dict]:
        settings = self.session.settings
        rows = {}
        for precision in settings.precisions:
            rows[precision] = {"precision": precision, "steps": steps} | self.measure(
                f"text to file, {precision}, {steps} steps", "whole", seconds=settings.seconds, precision=precision,
                decoder="auto", steps=steps, repeats=self.repeats, save=self._saved(precision),
            )  # fmt: skip
        _add_errors(rows, "fp32", self._whole_errors)
        return list(rows.values())

    def _saved(self, precision: str) -> str:
        return str(self.session.folder / f"whole-{precision}.npz")

    def _whole_errors(self, precision: str) -> dict:
        import numpy as np

        from .measure import relative_error, snr_db

        with np.load(self._saved(precision)) as value, np.load(self._saved("fp32")) as reference:
            return {
                "latents_error": relative_error(value["latents"], reference["latents"]),
                "snr_db": snr_db(value["audio"], reference["audio"]),
            }

    def step_growth(self) -> dict:
        """One guided step at growing lengths, in the precision that the app picks on this machine."""
        return self._growth("step", plain=False)

    def decode_growth(self) -> dict:
        """Decoding at growing lengths, by the decoder that the app picks."""
        return self._growth("decode", decoder="auto")

    def _growth(self, part: str, **arguments) -> dict:
        lengths = (QUICK_GROWTH_SECONDS if self.session.settings.quick else GROWTH_SECONDS)[part]
        points = []
        for seconds in lengths:
            point = self.measure(
                f"{part} of {seconds:g} s", part, latents=round(seconds * self.facts["latent_rate"]),
                precision="auto", repeats=1, **arguments,
            )  # fmt: skip
            points.append(point | {"audio_seconds": seconds})
        return {"points": points} | _growth_rates(points)


def _growth_rates(points: list[dict]) -> dict:
    """How time and memory a minute of audio change from the shortest clip to the longest."""
    if any("error" in point for point in points):
        return {}
    first, last = points[0], points[-1]
    rates = [60 * point["seconds"] / point["audio_seconds"] for point in (first, last)]
    minutes = (last["audio_seconds"] - first["audio_seconds"]) / 60
    return {
        "seconds_a_minute": rates,
        "time_ratio": rates[1] / rates[0],
        "bytes_a_minute": (last["peak_bytes"] - first["peak_bytes"]) / minutes,
    }


def _add_errors(rows: dict[str, dict], reference: str, errors: Callable[[str], dict]) -> None:
    """Add `errors(name)` to every measured row but the reference's own, where the reference was measured."""
    if "error" in rows.get(reference, {"error": ""}):
        return
    for name, row in rows.items():
        if name != reference and "error" not in row:
            row |= errors(name)


def _compare_with_rival(report: dict) -> None:
    """How many times faster than the rival each whole chain is, by their real-time factors."""
    rival = report["against"]
    if rival is None or "error" in rival:
        return
    for system in report["systems"]:
        for row in system.get("whole", []):
            if "error" not in row:
                row["faster_than_rival"] = rival["rtf"] / row["rtf"]
