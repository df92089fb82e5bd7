"""Checkpoints are whole or not there: a full disk, kills while writing, damage; and other settings are named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from musicgen_app.errors import FileError, ModelError
from support.killed import left_by_a_killed_process
from ttm_trainer.runtime import checkpoint
from ttm_trainer.runtime.flat_names import flatten
from ttm_trainer.runtime.progress import Log, duration, rows
from ttm_trainer.training.optim import adamw


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def parts(seed: int = 0, width: int = 8):
    torch.manual_seed(seed)
    module = torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.LayerNorm(width))
    optimizer = adamw([module], 1e-2, 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        module(torch.randn(4, width)).square().mean().backward()
        optimizer.step()
    return {"model": module}, {"model": optimizer}


def save(run: Path, step: int, seed: int = 0, **options) -> Path:
    return checkpoint.save(run, step, *parts(seed), {"lr": 1, "phases": [{"steps": 5}]}, **options)


def test_a_checkpoint_restores_everything(tmp_path):
    modules, optimizers = parts()
    folder = checkpoint.save(tmp_path, 12, modules, optimizers, {"lr": 1}, extra={"skipped": 3})
    assert folder.name == "step-0000012" and checkpoint.latest(tmp_path) == folder
    again, others = parts(seed=1)
    assert checkpoint.load(folder, again, others, {"lr": 1}) == 12
    assert checkpoint.read_state(folder)["extra"] == {"skipped": 3}
    for _ in range(2):  # the next steps are the same, so the optimizers are
        for module, optimizer in ((modules["model"], optimizers["model"]), (again["model"], others["model"])):
            optimizer.zero_grad()
            module(torch.ones(1, 8)).square().mean().backward()
            optimizer.step()
    for a, b in zip(modules["model"].parameters(), again["model"].parameters(), strict=True):
        assert torch.equal(a, b)


def test_no_file_of_a_checkpoint_can_run_code(tmp_path):
    assert {path.suffix for path in save(tmp_path, 1).iterdir()} == {".safetensors", ".json"}


def test_the_newest_are_kept_and_leftovers_of_kills_removed(tmp_path):
    left_by_a_killed_process(tmp_path).mkdir()
    (tmp_path / "step-0000099").mkdir()  # no checkpoint: it has no state
    for step in (1, 2, 3):
        save(tmp_path, step, keep=2)
    assert [path.name for path in checkpoint.found(tmp_path)] == ["step-0000002", "step-0000003"]
    assert not list(tmp_path.glob(".*"))
    save(tmp_path, 3, seed=5)  # the same step again replaces it
    weights = load_file(tmp_path / "step-0000003" / "model.safetensors")
    assert torch.equal(weights["0.weight"], parts(5)[0]["model"][0].weight)
    for step in (4, 5, 6):
        save(tmp_path, step, keep=0)
    assert len(checkpoint.found(tmp_path)) == 5


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_checkpoint(tmp_path):
    """In a process whose files may not grow beyond 2 kB, which fails in the same places as a full disk."""
    code = (
        "import resource, sys, torch; from pathlib import Path; from ttm_trainer.runtime import checkpoint\n"
        "from musicgen_app.errors import FileError\n"
        "run, module = Path(sys.argv[1]), torch.nn.Linear(64, 64)\n"
        "checkpoint.save(run, 1, {'model': module}, {}, {})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2048, resource.RLIM_INFINITY))\n"
        "try:\n    checkpoint.save(run, 2, {'model': module}, {}, {})\n"
        "except FileError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environment(), capture_output=True, text=True
    )
    assert f"cannot write {tmp_path}/step-0000002: File too large; free some space" in done.stdout
    assert "it goes on from step-0000001" in done.stdout and done.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000001"]
    assert checkpoint.load(tmp_path / "step-0000001", {"model": torch.nn.Linear(64, 64)}, {}) == 1


def test_a_log_that_cannot_be_written_says_so(tmp_path):
    log = Log(tmp_path / "log.jsonl", 0, 10, show=lambda line: None)
    log.path = Path("/dev/full")
    with pytest.raises(FileError, match="No space left.*free some space"):
        log.write({"step": 1})


def test_checkpoints_on_windows(tmp_path, windows_rules):
    for step in (1, 2, 3, 3):
        save(tmp_path, step)
    assert sorted(os.listdir(tmp_path)) == ["step-0000002", "step-0000003"]


@pytest.mark.slow
def test_killed_while_writing_leaves_only_whole_checkpoints(tmp_path):
    """A process does nothing but write checkpoints, of 4 MB, and is killed at moments that move through one write."""
    code = (
        "import sys, torch; from pathlib import Path; from ttm_trainer.runtime import checkpoint\n"
        "module = torch.nn.Linear(1024, 1024); optimizer = torch.optim.AdamW(module.parameters())\n"
        "module(torch.ones(1, 1024)).sum().backward(); optimizer.step(); run = Path(sys.argv[1])\n"
        "step = int(sys.argv[2])\n"
        "while True:\n"
        "    torch.nn.init.constant_(module.weight, step)\n"
        "    checkpoint.save(run, step, {'model': module}, {'model': optimizer}, {}); step += 1\n"
    )
    for kill in range(2):
        newest = checkpoint.latest(tmp_path)
        first = checkpoint.step_of(newest) + 1 if newest else 1
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(first)], env=environment())
        while (latest := checkpoint.latest(tmp_path)) is None or checkpoint.step_of(latest) < first:
            time.sleep(0.001)
        time.sleep(0.004 + 0.02 * kill)
        process.kill()
        process.wait()
        assert 1 <= len(checkpoint.found(tmp_path)) <= 3
        for folder in checkpoint.found(tmp_path):
            module = torch.nn.Linear(1024, 1024)
            step = checkpoint.load(folder, {"model": module}, {"model": torch.optim.AdamW(module.parameters())}, {})
            assert step == checkpoint.step_of(folder) and (module.weight == step).all()


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer-model.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
def test_damage_is_told_and_nothing_is_guessed(tmp_path, name, damage):
    folder = save(tmp_path, 1)
    path = folder / name
    content = path.read_bytes()
    path.unlink() if damage == "missing" else path.write_bytes(
        b"" if damage == "empty" else content[: len(content) // 2]
    )
    with pytest.raises(ModelError, match="step-0000001 cannot be used .*: remove it to go on from the one before"):
        checkpoint.load(folder, *parts(), {"lr": 1, "phases": [{"steps": 5}]})


def test_a_checkpoint_of_another_model_is_told(tmp_path):
    folder = save(tmp_path, 1)
    for modules, optimizers in (parts(width=16), ({}, parts(width=16)[1])):
        with pytest.raises(ModelError, match="cannot be used"):
            checkpoint.load(folder, modules, optimizers)


def test_other_settings_are_named_with_both_values(tmp_path):
    folder = save(tmp_path, 1)
    with pytest.raises(ModelError, match=r"lr: 1 -> 2, phases.0.steps: 5 -> 6, new: None -> 3") as caught:
        checkpoint.load(folder, {}, {}, {"lr": 2, "phases": [{"steps": 6}], "new": 3})
    assert "give the same ones or another --out" in str(caught.value)
    checkpoint.refuse_other(folder, {"a": 1, "b": 2}, {"a": 1, "b": 3}, ignore=lambda name, old, new: name == "b")
    assert flatten({"a": {"b": [1, 2]}, "c": [{"d": 1}]}) == {"a.b": [1, 2], "c.0.d": 1}


def test_a_log_that_is_gone_on_with_drops_the_rows_that_come_again(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps({"step": step}) + "\n" for step in range(1, 8)) + '{"step": 8, "lo')
    lines: list[str] = []
    log = Log(path, 5, 10, lines.append, every=2)
    for step in range(6, 11):
        log.step(step, samples=4, loss=step)
    log.close()
    assert [row["step"] for row in rows(path)] == [1, 2, 3, 4, 5, 6, 8, 10]
    assert [row["loss"] for row in rows(path)[-3:]] == [6, 7.5, 9.5]
    assert len(lines) == 3 and all("samples/s" in line and "left" in line for line in lines)
    assert [row["step"] for row in rows(tmp_path / "speed.jsonl")] == [6, 8, 10]
    assert [duration(s) for s in (5, 600, 7200, 864_000)] == ["5 s", "10 min", "2.0 h", "10.0 days"]


def strict(path: Path) -> list[dict]:
    """The rows of a log, which must be JSON to the letter."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_step_that_is_no_number_costs_its_window_nothing_but_itself(tmp_path, wrong):
    log = Log(tmp_path / "log.jsonl", 0, 8, lambda line: None, every=4)
    for step in range(1, 9):
        log.step(step, loss=wrong if step in (2, 5, 6, 7, 8) else step, lr=0.1)
    log.write({"step": 8, "val": wrong})
    first, second, third = strict(tmp_path / "log.jsonl")
    assert first == {"step": 4, "loss": round(8 / 3, 5), "lr": 0.1, "not_finite": 1}
    assert second == {"step": 8, "lr": 0.1, "not_finite": 4} and third == {"step": 8}


def test_a_log_that_goes_on_writes_what_one_that_never_stopped_does(tmp_path):
    def run(path: Path, *stops: int) -> str:
        start, window = 0, None
        for stop in (*stops, 11):
            log = Log(path, start, stop, lambda line: None, every=4, window=window)
            for step in range(start + 1, stop + 1):
                log.step(step, samples=1, loss=step / 3, lr=0.1)
            start, window = stop, json.loads(json.dumps(log.window))  # as a checkpoint keeps it
            log.close()
        Log(path, 11, 11, lambda line: None, every=4, window=window).close()  # nothing is left to do
        return path.read_text()

    straight = run(tmp_path / "a.jsonl")
    assert [json.loads(line)["step"] for line in straight.splitlines()] == [4, 8, 11]
    assert run(tmp_path / "b.jsonl", 3, 4, 6) == straight
