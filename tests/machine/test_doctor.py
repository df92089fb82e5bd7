"""The doctor finds what is planted: a healthy model, damaged ones, missing and broken packages, read-only folders."""

from __future__ import annotations

import importlib
import json
import shutil
import sys

import pytest

from musicgen_app import doctor
from musicgen_app.cli import run
from musicgen_app.machine import paths
from musicgen_app.models.hub import PARTS
from musicgen_app.models.paper_systems import SYSTEMS


@pytest.fixture
def machine(home, tmp_path, monkeypatch):
    """A home of its own with the tiny model as the bundled one, and an empty Hugging Face cache."""
    models = tmp_path / "home" / "models"
    shutil.copytree(home / "models" / "tiny", models / "tiny")
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(doctor, "BUNDLED", "tiny")
    monkeypatch.setattr(paths, "assets", lambda: tmp_path / "no-assets")
    return models


def _findings(report: dict, level: str) -> str:
    return "\n".join(f["text"] for f in report["findings"] if f["level"] == level)


def test_a_healthy_machine(machine):
    report = json.loads(json.dumps(doctor.examine()))
    assert set(report) == {
        "schema", "version", "findings", "torch", "packages", "plugins", "parts", "folders", "memory", "systems",
        "models", "code",
    }  # fmt: skip
    assert report["code"] == 0 and _findings(report, "fault") == ""
    model = report["models"][0]
    assert (model["name"], model["intact"], model["error"], model["decoder"]) == ("tiny", True, None, "torch")
    assert set(report["parts"]) == set(PARTS) and not any(part["present"] for part in report["parts"].values())
    assert report["parts"]["acestep-v1"]["command"] == "ttm-app models download acestep-v1"
    assert report["systems"]["mamba-189m"]["missing_parts"] == list(SYSTEMS["mamba-189m"].parts)
    assert report["torch"]["precision"] in ("fp32", "bf16") and report["torch"]["scan"]
    assert report["folders"]["models"]["writable"] and report["folders"]["models"]["free_bytes"] > 0


def test_changed_weights_are_a_fault(machine):
    weights = machine / "tiny" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    report = doctor.examine()
    assert report["code"] == 4 and not report["models"][0]["intact"]
    assert "tiny does not work" in _findings(report, "fault") and "SHA-256 differs" in _findings(report, "fault")


def test_another_model_that_is_broken_does_not_change_the_exit_code(machine):
    shutil.copytree(machine / "tiny", machine / "broken")
    (machine / "broken" / "config.json").write_text("{")
    report = doctor.examine()
    assert report["code"] == 0
    assert "broken does not work" in _findings(report, "fault")


def test_a_model_whose_frozen_part_is_missing_says_how_to_get_it(machine):
    shutil.copytree(machine / "tiny", machine / "other")
    config = json.loads((machine / "other" / "config.json").read_text())
    t5 = SYSTEMS["mamba-189m"].text
    (machine / "other" / "config.json").write_text(json.dumps(config | {"name": "other", "text": t5}))
    report = doctor.examine()
    assert report["code"] == 0
    assert "ttm-app models download" in _findings(report, "fault")


def test_a_model_too_large_for_the_memory_is_not_tried(machine, monkeypatch):
    config = json.loads((machine / "tiny" / "config.json").read_text())
    preset = {"preset": "dit-450m", "overrides": config["backbone"]["overrides"]}
    (machine / "tiny" / "config.json").write_text(json.dumps(config | {"backbone": preset}))
    monkeypatch.setitem(doctor.MEMORY_NEEDED, "dit-450m", 1e15)
    report = doctor.examine()
    assert not report["systems"]["dit-450m"]["fits"] and report["models"][0]["seconds"] is None
    assert "tiny was not tried: it needs 1000000.0 GB" in _findings(report, "note")


def test_no_bundled_model(machine):
    shutil.rmtree(machine / "tiny")
    report = doctor.examine()
    assert report["code"] == 4 and "the bundled model tiny is missing" in _findings(report, "fault")


def test_missing_packages_are_notes_with_the_command(machine, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    report = doctor.examine()
    note = next(f for f in report["findings"] if f["text"].startswith("onnxruntime is not installed"))
    assert note["level"] == "note" and note["remedy"] == "pip install onnxruntime"
    assert report["packages"]["onnxruntime"] is None and report["code"] == 0


def test_a_torchaudio_of_another_torch_is_a_fault(machine, tmp_path, monkeypatch):
    (tmp_path / "torchaudio.py").write_text("raise OSError('libcudart.so.13: cannot open shared object file')\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    report = doctor.examine()
    fault = next(f for f in report["findings"] if "torchaudio" in f["text"])
    assert fault["level"] == "fault" and "libcudart" in fault["text"] and "pip uninstall torchaudio" in fault["remedy"]


def test_a_folder_that_cannot_be_written(machine, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(paths, "results", lambda: tmp_path / "file" / "results")
    report = doctor.examine()
    assert not report["folders"]["results"]["writable"]
    assert "results cannot be written" in _findings(report, "note")


def test_command(machine, capfd):
    assert run(["doctor"]) == 0
    out = capfd.readouterr().out
    assert "intact, works (" in out and "ttm-app models download acestep-v1" in out
    (machine / "tiny" / "config.json").write_text("{")
    assert run(["doctor", "--json"]) == 4
    assert json.loads(capfd.readouterr().out)["models"][0]["error"]
