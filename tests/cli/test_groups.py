"""Groups of commands: suggestions, help, default commands, Tab; and what they say of models that are not here."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from musicgen_app.audio import FORMATS as WRITTEN
from musicgen_app.backbones.presets import PRESETS
from musicgen_app.cli import root, run
from musicgen_app.cli.models.facts import RECIPES as MADE_BY
from musicgen_app.machine.user_settings import FORMATS
from musicgen_app.models.paper_systems import SYSTEMS
from musicgen_app.request import SOLVERS
from musicgen_app.sampling import SOLVERS as STEPS
from ttm_trainer.cli.train import TIMESTEPS, job_from, train
from ttm_trainer.options import _timesteps
from ttm_trainer.recipes import NAMES
from ttm_trainer.recipes.papers import RECIPES

GROUPS = [
    "data",
    "models",
    "plan",
    "settings",
    "library",
    "export",
    "corpus",
    "codec",
    "aligner",
    "captions",
    "challenge",
    "train",
    "evaluate",
]


@pytest.fixture
def cli(home, tmp_path, monkeypatch, capfd):
    """Run a command line in this process: its code, its stdout and its stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*argv: object) -> tuple[int, str, str]:
        return run([str(value) for value in argv]), *capfd.readouterr()

    return call


def test_every_group_is_of_the_one_kind():
    for name in root.list_commands(click.Context(root)):
        command = root.get_command(click.Context(root), name)
        assert isinstance(command, click.Group) == (name in GROUPS)
        assert not isinstance(command, click.Group) or type(command).__module__ == "musicgen_app.cli.groups"


@pytest.mark.parametrize(
    "group", [[], *([name] for name in GROUPS if name not in ("plan", "settings", "train", "evaluate"))]
)
def test_a_bare_group_prints_its_help(cli, group):
    code, out, err = cli(*group)
    assert (code, err) == (0, "") and out.startswith(f"Usage: {' '.join(['ttm-app', *group])} [OPTIONS] COMMAND")
    assert "\nCommands:\n" in out


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("genrate x", "generate"), ("models shwo", "show"), ("library lst", "list"), ("settings gte", "get"),
        ("corpus biuld", "build"), ("codec trian", "train"), ("aligner evalute", "evaluate"),
        ("captions rewrit", "rewrite"), ("export codc", "codec"), ("train bnech", "bench"),
        ("evaluate folowing sketch", "following"), ("evaluate musik", "music"),
    ],
)  # fmt: skip
def test_a_near_miss_is_told_the_right_name(cli, line, near):
    code, out, err = cli(*line.split())
    assert (code, out) == (2, "") and re.fullmatch(rf"error: no command [^\n]*; did you mean {near}\?[^\n]*\n", err)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("train --steps 5 bench", "--steps cannot go with the command bench"),
        ("train --dry-run jobs", "--dry-run cannot go with the command jobs"),
        ("train --json nonsense", "unexpected extra argument 'nonsense'"),
        ("train", "give the folder with the music as --data"),
        ("train --json", "give the folder with the music as --data"),
        ("evaluate --count 3 following sketch", "--count cannot go with the command following"),
        ("evaluate tiny tiny", "nexpected extra argument"),
        ("evaluate", "give either a MODEL or --audio"),
    ],
)
def test_options_are_refused_and_never_ignored(cli, line, says):
    code, _, err = cli(*line.split())
    assert code == 2 and says in err and err.count("\n") == 1


def test_help_of_a_group_that_is_a_command_lists_both(cli):
    for name, option, command in (("train", "--data", "bench"), ("evaluate", "--reference", "following")):
        code, out, _ = cli(name, "--help")
        assert code == 0 and option in out and re.search(rf"^  {command} ", out, re.M)
        assert "| COMMAND [ARGS]..." in out.splitlines()[0]
        code, out, _ = cli(name, "--help", command)
        assert code == 0 and out.startswith("Usage: ") and option in out
    code, out, err = cli("train", "jobs")
    assert (code, out) == (0, "") and err.startswith("none yet") and err.count("\n") == 1


def test_recipes_are_still_found_by_the_name_that_0_1_gave_the_option(tmp_path):
    for option in ("--preset", "--recipe"):
        job = job_from([f"--data={tmp_path}", f"{option}=ut-aist"])
        assert (job.recipe.name, job.out) == ("ut-aist", Path("runs/ut-aist"))
    assert "--preset" not in train.get_help(click.Context(train))


def test_choices_stand_once():
    assert tuple(RECIPES) == NAMES and tuple(WRITTEN) == FORMATS and tuple(STEPS) == SOLVERS
    assert [type(_timesteps(RECIPES["sketch"], kind, None)).__name__ for kind in TIMESTEPS] == [
        "Uniform",
        "LogitNormal",
        "Beta",
    ]
    assert {recipe.training.preset: name for name, recipe in RECIPES.items()} == MADE_BY


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("tr", "train"),
        ("train ", "bench jobs plot"),
        ("train b", "bench"),
        ("train --recipe ", " ".join(NAMES)),
        ("train bench --device ", "auto cpu cuda mps"),
        ("train --re", "--recipe --repa-clap --repa-muq --resume"),
        ("evaluate f", "following"),
        ("evaluate t", "tiny"),
        ("evaluate following t", "tiny"),
        ("evaluate sweep tiny --solver ", "euler midpoint heun ab2 mean"),
        ("generate x --model ti", "tiny"),
        ("generate x --format ", "wav flac ogg mp3"),
        ("generate x --solver mi", "midpoint"),
        ("models show mamba", "mamba-189m"),
        ("models download clap-g", "clap-general"),
        ("settings set form", "format"),
    ],
)
def test_tab(home, line, offers):
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    code = (
        "import sys, musicgen_app.cli as c\ntry: c.root.main(prog_name='ttm-app')\n"
        "finally: assert not sys.modules.keys() & {'torch', 'numpy', 'gradio'}, 'slow'"
    )
    complete = {"_TTM_APP_COMPLETE": "bash_complete", "COMP_WORDS": f"ttm-app {line}", "COMP_CWORD": str(len(words))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | complete, capture_output=True, text=True, check=True
    )
    assert done.stdout.replace("plain,", "").split() == offers.split()


def test_a_format_means_the_same_with_its_dot_and_without(cli, monkeypatch):
    fast = ("--model", "tiny", "--seconds", "0.5", "--steps", "1", "--seed", "1", "-q", "--no-keep")
    for text in ("flac", ".flac", "FLAC"):
        assert cli("generate", "x", *fast, "--format", text, "--force") == (0, "x-1.flac\n", "")
        monkeypatch.setenv("TTM_APP_FORMAT", text)
        assert cli("settings", "get", "format")[:2] == (0, ".flac\n")
        monkeypatch.delenv("TTM_APP_FORMAT")
    for text in ("ogg", ".ogg"):
        assert cli("settings", "set", "format", text)[:2] == (0, "format = .ogg\n")
    cli("settings", "unset", "format")
    assert cli("generate", "x", *fast, "--format", "aac")[0] == 2 == cli("settings", "set", "format", "aac")[0]


def test_a_model_is_shown_on_a_screen(cli):
    code, out, _ = cli("models", "show", "sketch")
    assert code == 0 and len(out.splitlines()) <= 24 and max(map(len, out.splitlines())) <= 100
    assert out.endswith("--full shows all of it\n")
    full = cli("models", "show", "sketch", "--full")[1]
    assert "world fusion" in out and "public-domain" in full and "public-domain" not in out and "shows all" not in full


@pytest.mark.parametrize("name", [*PRESETS])
def test_a_system_that_is_not_here_says_how_to_get_it(cli, name):
    code, out, err = cli("models", "show", name)
    assert (code, err) == (0, "") and f"no: {name} cannot be used yet" in out
    facts = json.loads(cli("models", "show", name, "--json")[1])
    assert (facts["installed"], facts["parameters"]) == (False, PRESETS[name].parameters)
    assert f"{facts['parameters']:,}" in out
    if name in SYSTEMS:
        assert f"import CHECKPOINT --preset {name}" in out and f"ttm-app models download {name}" in out
    assert name not in MADE_BY or f"--recipe {MADE_BY[name]}" in out


def test_names_near_a_system(cli):
    assert "did you mean mamba-189m?" in cli("models", "show", "mamba-198m")[2]
    assert "did you mean tiny?" in cli("models", "show", "tinny")[2]
    code, _, err = cli("generate", "x", "--model", "dit-450m")
    assert code == 4 and "ttm-app models show dit-450m" in err
