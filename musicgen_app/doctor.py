"""Is everything here that the app needs, and does it work? Looks at this machine and says what to do; no network.

`examine` gives the facts and, in `findings`, one line for everything that is not as it should be. A "fault" breaks
something that was installed; a "note" says what is missing, slow or was not tried.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
import time
from pathlib import Path

from . import __version__, plugins
from .errors import DependencyError, ModelError, TTMError
from .machine import paths
from .models import hub, installed
from .models.bundle import Bundle, frozen_parts, verify
from .models.paper_systems import SYSTEMS

SCHEMA = 1
BUNDLED = "sketch"  # the model that comes with the app; the exit code is about it
SECONDS, STEPS = 1.0, 2  # of the clip that every model has to make

# Optional packages: module -> (name to install, what it is for).
PACKAGES = {
    "numba": ("numba", "a fast selective scan on the CPU (mamba-189m)"),
    "transformers": ("transformers", "the text encoders of the paper systems"),
    "diffusers": ("diffusers", "the codecs of the paper systems"),
    "huggingface_hub": ("huggingface_hub", "downloading frozen parts"),
    "onnxruntime": ("onnxruntime", "decoding with --decoder onnx"),
    "mamba_ssm": ("mamba-ssm", "the selective scan on an NVIDIA GPU"),
}
# Bytes of memory that making 10 s takes, as `ttm-app bench` measured it in float32.
MEMORY_NEEDED = {"mamba-189m": 3e9, "dit-450m": 7e9, "fluxaudio-s": 5e9, "fluxaudio-l": 7e9}
MEMORY_NEEDED |= {"meanaudio-s": 5e9, "meanaudio-l": 7e9}


def examine() -> dict:
    """All facts and findings, and `code`: 0 when the bundled model makes music, else the exit code of its fault."""
    report: dict = {"schema": SCHEMA, "version": __version__, "findings": []}
    report["torch"] = _torch(report)
    report["packages"] = _packages(report)
    report["plugins"] = _plugins(report)
    report["parts"] = _parts(report)
    report["folders"] = _folders(report)
    report["memory"] = _memory()
    report["systems"] = _systems(report["memory"])
    report["models"] = _models(report)
    codes = {model["name"]: model["code"] for model in report["models"]}
    return report | {"code": codes.get(BUNDLED, ModelError.exit_code)}


def _find(report: dict, level: str, text: str, remedy: str = "") -> None:
    report["findings"].append({"level": level, "text": text, "remedy": remedy})


def _torch(report: dict) -> dict:
    """What computes: build, devices, threads, and what "auto" stands for. DependencyError: torch does not start."""
    try:
        import torch
    except (ImportError, OSError) as error:
        raise DependencyError(f"torch cannot be imported ({error}): pip install --force-reinstall torch") from error
    from .backbones.mamba import scan
    from .machine.device import cpu_features, pick_device, pick_precision

    device = pick_device("auto")
    precision = pick_precision("auto", device)
    if device.type == "cpu" and precision == "fp32":
        _find(report, "note", "this processor has no fast bfloat16: everything runs in float32, about 2 x slower")
    return {
        "version": torch.__version__,
        "build": next((f"{kind} {v}" for kind in ("cuda", "hip") if (v := getattr(torch.version, kind))), "cpu"),
        "device": device.type,
        "cuda": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "mps": torch.backends.mps.is_available(),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "features": sorted(cpu_features()),
        "precision": precision,
        "scan": scan.describe(device),
    }


def _packages(report: dict) -> dict[str, str | None]:
    """The version of every optional package, None where it is missing."""
    found = {}
    for module, (name, purpose) in PACKAGES.items():
        found[name] = _version(module, name)
        if found[name] is None and not (module == "mamba_ssm" and report["torch"]["device"] != "cuda"):
            _find(report, "note", f"{name} is not installed; it is for {purpose}", f"pip install {name}")
    broken = _broken_torchaudio()
    if broken:
        _find(
            report,
            "fault",
            f"torchaudio is installed but does not fit this torch ({broken}), which breaks transformers and diffusers",
            "pip uninstall torchaudio (this app does not need it)",
        )
    return found


def _version(module: str, name: str) -> str | None:
    if importlib.util.find_spec(module) is None:
        return None
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _broken_torchaudio() -> str | None:
    """Why torchaudio cannot be imported although it is there: its build is for another torch."""
    if importlib.util.find_spec("torchaudio") is None:
        return None
    try:
        importlib.import_module("torchaudio")
    except Exception as error:  # a library that does not fit raises anything from ImportError to OSError
        return str(error).splitlines()[0][:120]
    return None


def _plugins(report: dict) -> dict[str, dict[str, list[str]]]:
    """What plug-ins bring: package -> kind -> names. Each is imported, to find out whether it can be."""
    found = plugins.listed()
    for kinds in found.values():
        for kind, names in kinds.items():
            for name in names:
                try:
                    plugins.load(kind, name)
                except TTMError as error:
                    _find(report, "fault", str(error))
    return found


def _parts(report: dict) -> dict[str, dict]:
    """The frozen parts of the paper systems: here or not, and the command that gets one."""
    parts = {}
    for name, part in hub.PARTS.items():
        command = f"ttm-app models download {name}"
        parts[name] = {"present": hub.present(name), "bytes": part.size, "licence": part.licence, "command": command}
    return parts


def _folders(report: dict) -> dict[str, dict]:
    """The app's folders: where, whether they can be written, and how much room their disk has."""
    folders = {}
    places = {"models": paths.models(), "settings": paths.config(), "results": paths.results(), "cache": paths.cache()}
    for name, path in (places | {"hugging face": hub.cache()}).items():
        there = next(folder for folder in (path, *path.parents) if folder.exists())
        writable = there.is_dir() and os.access(there, os.W_OK)
        folders[name] = {"path": str(path), "writable": writable, "free_bytes": shutil.disk_usage(there).free}
        if not writable:
            _find(report, "note", f"{path} cannot be written", "set TTM_APP_HOME (HF_HOME) to a folder of yours")
    return folders


def _memory() -> dict[str, int | None]:
    """Bytes of memory in all and free for use; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        kilobytes = {line.partition(":")[0]: int(line.split()[1]) for line in lines}
        return {"total_bytes": kilobytes["MemTotal"] * 1024, "available_bytes": kilobytes["MemAvailable"] * 1024}
    except OSError:
        known = hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if known else None
        return {"total_bytes": total, "available_bytes": None}


def _systems(memory: dict) -> dict[str, dict]:
    """Which systems of the papers fit into the memory that is free now, and which of their parts are missing."""
    free = memory["available_bytes"] or memory["total_bytes"]
    return {
        name: {
            "memory_bytes": int(MEMORY_NEEDED[name]),
            "fits": None if free is None else MEMORY_NEEDED[name] <= free,
            "missing_parts": [part for part in system.parts if not hub.present(part)],
        }
        for name, system in SYSTEMS.items()
    }


def _models(report: dict) -> list[dict]:
    """Every model: are its files intact, and does it make a clip?"""
    bundles, faults = installed.scan()
    models = [
        {"name": path.name, "path": str(path), "intact": False, "error": str(fault), "code": fault.exit_code}
        for path, fault in faults.items()
    ]
    models += [_examine_model(bundle, report) for bundle in bundles]
    for model in models:
        if model["error"]:
            _find(report, "fault", f"{model['name']} does not work: {model['error']}")
    if BUNDLED not in [model["name"] for model in models]:
        _find(report, "fault", f"the bundled model {BUNDLED} is missing", "install ttm-app again")
    return models


def _examine_model(bundle: Bundle, report: dict) -> dict:
    """Is the model intact, and does it play? `seconds` is None where it was not tried."""
    model = {"name": bundle.name, "path": str(bundle.path), "intact": False, "error": None, "code": 0, "seconds": None}
    try:
        verify(bundle)
        model["intact"] = True
        for source in frozen_parts(bundle.config):
            hub.locate(source, bundle.path)
        system = report["systems"].get(bundle.config["backbone"]["preset"])
        if system and system["fits"] is False:
            needed = system["memory_bytes"] / 1e9
            _find(report, "note", f"{bundle.name} was not tried: it needs {needed:.1f} GB of memory, more than is free")
        else:
            model |= _play(bundle)
    except TTMError as error:
        model |= {"error": str(error), "code": error.exit_code}
    except Exception as error:
        model |= {"error": f"{type(error).__name__}: {error}", "code": TTMError.exit_code}
    return model


def _play(bundle: Bundle) -> dict:
    """Make a short clip from text to file. Raises what the engine raises."""
    from .audio import write
    from .engine import Engine
    from .request import GenerationRequest

    start = time.perf_counter()
    request = GenerationRequest("slow piano", seconds=SECONDS, steps=STEPS, seed=0, model=str(bundle.path))
    result = Engine().generate(request)[0]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "clip.wav", result.audio, result.sample_rate, {})
    return result.computed | {"seconds": time.perf_counter() - start}
