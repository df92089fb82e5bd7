"""What a stranger's package adds: a codec, a backbone, a text encoder, a command and a tab, all in one file."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import torch
from safetensors.torch import save_file

from musicgen_app import doctor, plugins
from musicgen_app.cli import run
from musicgen_app.errors import ModelError
from musicgen_app.gui import app
from musicgen_app.library import Library
from musicgen_app.machine import user_settings
from musicgen_app.models.bundle import open_bundle, write_bundle
from musicgen_app.server.context import Context

ROOT = Path(__file__).parents[1]

# As its author would write it. Its music: the more letters the prompt has, the higher the tone.
HUMMING = '''
from dataclasses import dataclass
from typing import NamedTuple

import click
import torch
from torch import nn

from musicgen_app.backbones.presets import Family, Preset
from musicgen_app.text import TextCondition


class Codec:
    sample_rate, channels, latent_dim, latent_rate, samples_per_latent = 8_000, 1, 2, 50.0, 160
    chunk, context = 100, 2

    def __init__(self, scale):
        self.scale = scale

    def encode(self, waveform):
        raise NotImplementedError

    def decode(self, latents):
        frequency = 200 + 100 * latents[..., 0].mean(1)
        time = torch.arange(latents.shape[1] * self.samples_per_latent) / self.sample_rate
        return self.scale * torch.sin(2 * torch.pi * frequency[:, None, None] * time)

    def to(self, device):
        return self

    def prepare(self, dtype):
        pass


def load_codec(bundle):
    return Codec(bundle.load("codec/model.safetensors")["scale"].item())


class Letters:
    def encode(self, prompts):
        count = torch.tensor([[float(len(prompt))] for prompt in prompts])
        return TextCondition(count[:, None], torch.ones(len(prompts), 1, dtype=torch.bool), None)


def load_text_encoder(bundle, device, dtype):
    return Letters()


class Condition(NamedTuple):
    letters: torch.Tensor

    def join(self, other):
        return Condition(torch.cat([self.letters, other.letters]))


@dataclass(frozen=True)
class Config:
    latent_dim: int = 2
    grid_dim: int = 0


class Line(nn.Module):
    """The straight way from any noise to as many as the prompt has letters."""

    time_axis = "data_at_one"

    def __init__(self, config):
        super().__init__()
        self.config, self.latent_dim = config, config.latent_dim
        self.gain = nn.Parameter(torch.ones(()))

    def condition(self, tokens, mask, vector, drop=None):
        return Condition(tokens[:, 0])

    def null_condition(self, batch):
        return Condition(torch.zeros(batch, 1))

    def forward(self, x, t, cond, return_hidden=False):
        velocity = (self.gain * cond.letters[:, None] - x) / (1 - t[:, None, None])
        return (velocity, x) if return_hidden else velocity


PRESET = Preset(Family("line", Line, Config), {"latent_dim": 2})


@click.command(short_help="Hum a word.")
@click.argument("word")
def hum(word):
    """Hum WORD."""
    click.echo(f"hm {word}")


LABEL = "Humming"


def build(context):
    import gradio

    gradio.Markdown("hm")
'''
ENTRY_POINTS = """
[ttm_app.commands]
hum = humming:hum
[ttm_app.codecs]
hum-codec = humming:load_codec
[ttm_app.text_encoders]
letters = humming:load_text_encoder
[ttm_app.backbones]
hum-line = humming:PRESET
[ttm_app.tabs]
humming = humming
"""
BROKEN = "import a_package_that_nobody_has\n"
BROKEN_ENTRY_POINTS = """
[ttm_app.commands]
broken = broken_plugin:command
[ttm_app.codecs]
broken-codec = broken_plugin:load
[ttm_app.tabs]
broken = broken_plugin
"""


def install(folder: Path, module: str, code: str, entry_points: str) -> None:
    """What pip leaves of a package of one file."""
    (folder / f"{module}.py").write_text(code)
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def packages(tmp_path, monkeypatch) -> Path:
    """A folder of packages on the path, `humming` among them."""
    folder = tmp_path / "packages"
    folder.mkdir()
    install(folder, "humming", HUMMING, ENTRY_POINTS)
    monkeypatch.syspath_prepend(folder)
    plugins._found.cache_clear()
    yield folder
    plugins._found.cache_clear()
    for module in ("humming", "broken_plugin"):
        sys.modules.pop(module, None)


@pytest.fixture
def broken(packages) -> None:
    """A second plug-in, which cannot be imported."""
    install(packages, "broken_plugin", BROKEN, BROKEN_ENTRY_POINTS)
    importlib.invalidate_caches()
    plugins._found.cache_clear()


@pytest.fixture
def model(home, tmp_path) -> str:
    """A model of the parts that `humming` brings."""
    save_file({"scale": torch.tensor(0.25)}, tmp_path / "codec.safetensors")
    config = {
        "name": "hummer",
        "title": "Hums",
        "version": "1",
        "backbone": {"preset": "hum-line"},
        "text": {"kind": "letters"},
        "codec": {"kind": "hum-codec", "path": "codec"},
        "latent": {"mean": [0.0] * 2, "std": [1.0] * 2},
        "sampler": {"solver": "euler", "steps": 2, "guidance": 1.0, "guidance_interval": None},
        "seconds": {"native": 1.0, "max": 60.0},
        "licence": "CC0-1.0",
        "training": {},
        "data": [],
    }
    files = {"codec/model.safetensors": tmp_path / "codec.safetensors"}
    write_bundle(tmp_path / "hummer", config, {"gain": torch.ones(())}, "# hummer\n", files)
    return str(tmp_path / "hummer")


def test_a_codec_of_a_plug_in_needs_no_files(packages, model, tmp_path):
    path = Path(model) / "config.json"
    config = json.loads(path.read_text())
    del config["codec"]["path"], config["files"]["codec/model.safetensors"]
    path.write_text(json.dumps(config))
    assert open_bundle(model).config["codec"] == {"kind": "hum-codec"}
    path.write_text(json.dumps(config | {"codec": {"kind": "sketch"}}))
    with pytest.raises(ModelError, match="neither a path nor a source"):
        open_bundle(model)


def tone(path: Path) -> float:
    """The loudest frequency of a clip, in Hz."""
    wave, rate = soundfile.read(path)
    return float(torch.fft.rfft(torch.from_numpy(wave)).abs().argmax()) * rate / len(wave)


def generate(model: str, out: Path, prompt: str = "abcde") -> int:
    return run(["generate", prompt, "--model", model, "--seconds", "1", "-o", str(out), "--no-keep", "--quiet"])


def test_a_clip_of_a_strangers_codec_backbone_and_text_encoder(packages, model, tmp_path):
    assert generate(model, tmp_path / "out.wav") == 0
    assert soundfile.info(tmp_path / "out.wav").samplerate == 8_000
    assert tone(tmp_path / "out.wav") == 200 + 100 * len("abcde")


def test_its_command_and_its_tab(packages, home, tmp_path, capsys):
    assert run(["hum", "aloud"]) == 0
    assert capsys.readouterr().out == "hm aloud\n"
    run(["--help"])
    assert "Hum a word." in capsys.readouterr().out
    assert "Humming" in labels(tmp_path)
    assert plugins.listed()["humming"] == {
        "commands": ["hum"], "tabs": ["humming"], "codecs": ["hum-codec"], "text_encoders": ["letters"],
        "backbones": ["hum-line"],
    }  # fmt: skip


@pytest.mark.slow
def test_in_a_process_of_its_own(packages):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(packages), os.environ["PYTHONPATH"]])}
    command = [sys.executable, "-m", "musicgen_app", "hum", "aloud"]
    assert subprocess.run(command, env=environment, capture_output=True, text=True).stdout == "hm aloud\n"


def test_one_that_cannot_be_imported_hides_nothing_else(packages, broken, model, tmp_path, capsys):
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in ("generate", "train", "hum", "broken"))
    assert "the plug-in broken_plugin cannot bring 'broken'" in shown
    assert run(["broken"]) == 6
    said = capsys.readouterr().err
    assert "No module named 'a_package_that_nobody_has'" in said and len(said.splitlines()) == 1
    assert generate(model, tmp_path / "out.wav") == 0
    assert {"Create", "Library", "Models", "Train", "Humming"} <= labels(tmp_path)
    assert "the page does without a tab: the plug-in broken_plugin" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys\nsys.exit('bye')", "SystemExit: bye"),
        ("class Own(BaseException): pass\nraise Own('out')", "Own: out"),
        ("broken = 42", "is not what commands are made of"),
        ("broken = None", "is not what commands are made of"),
    ],
)
def test_one_that_is_no_command_or_ends_the_program_hides_nothing_else(packages, home, capsys, code, says):
    install(packages, "broken_plugin", code + "\n", "[ttm_app.commands]\nbroken = broken_plugin:broken\n")
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "the plug-in broken_plugin cannot bring 'broken'" in shown and "generate" in shown and "train" in shown
    assert run(["broken"]) == 6 and says in capsys.readouterr().err


def test_the_doctor_lists_them_and_names_the_broken_one(packages, broken):
    report: dict = {"findings": []}
    found = doctor._plugins(report)
    assert found["humming"]["commands"] == ["hum"] and "train" in found["ttm-app"]["commands"]
    assert [line["level"] for line in report["findings"]] == ["fault"] * 3
    assert all("the plug-in broken_plugin cannot bring" in line["text"] for line in report["findings"])


def test_a_model_of_a_plug_in_that_is_missing_says_so(model, tmp_path, capsys):
    assert generate(model, tmp_path / "out.wav") == 4
    assert "install the plug-in that brings it" in capsys.readouterr().err


NOT_INSTALLED = """
import importlib.metadata, sys
sys.path[:] = [path for path in sys.path if not path.rstrip("/").endswith("/trainer")]
importlib.metadata.entry_points = lambda **options: ()
from musicgen_app.cli import main
main()
"""


@pytest.mark.parametrize("start", [["-m", "musicgen_app"], ["-c", NOT_INSTALLED]], ids=["installed", "checkout"])
def test_a_foreign_package_trainer_is_in_nobodys_way(start, tmp_path):
    """Neither one in the current folder nor one that another package installed, also in a checkout not installed."""
    for place in ("here", "site"):
        (tmp_path / place / "trainer").mkdir(parents=True)
        (tmp_path / place / "trainer" / "__init__.py").write_text("raise RuntimeError('a foreign trainer')")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT)])}
    command = [sys.executable, *start, "train", "--help"]
    done = subprocess.run(command, cwd=tmp_path / "here", env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and "Train a generator" in done.stdout


def labels(folder: Path) -> set[str]:
    """The labels of the page's tabs."""
    page = app.build_page(Context(None, Library(folder / "results"), user_settings.Settings(model="tiny"), None))
    return {part["props"].get("label") for part in page.get_config_file()["components"] if part["type"] == "tabitem"}
