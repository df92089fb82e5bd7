"""The training loop: exact resume, what it refuses, how it stops, and that it learns."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from musicgen_app.backbones import with_grid
from musicgen_app.backbones.presets import build_backbone
from musicgen_app.control import grid
from musicgen_app.errors import FileError, GenerationError, ModelError, RequestError
from musicgen_app.models.bundle import write_bundle
from support.prepared_folder import write_tiny
from support.tiny_training import DIT, MAMBA, SCRIPT, TINY, changed, contents, quiet, tiny_folder
from ttm_trainer.prepare.prepared_folder import Prepared
from ttm_trainer.runtime import checkpoint
from ttm_trainer.runtime.progress import rows
from ttm_trainer.training import loop
from ttm_trainer.training.batch import Samples, prefetch
from ttm_trainer.training.cluster_sampler import ClusterBatches
from ttm_trainer.training.loop import EmaSettings, Phase, Training, train
from ttm_trainer.training.objective import begin_from, new_objective
from ttm_trainer.training.timesteps import Uniform
from ttm_trainer.training.validation import Validation


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Prepared:
    return tiny_folder(tmp_path_factory.mktemp("prepared"))


def run(training: Training, prepared: Prepared, out: Path, **options) -> loop.Result:
    return train(training, prepared, out, device="cpu", **{"show": quiet} | options)


def start(prepared: Prepared, out: Path, settings: dict) -> subprocess.Popen:
    """A process that trains in `out`."""
    command = [sys.executable, str(SCRIPT), str(prepared.folder), json.dumps(settings), str(out), "{}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def same(a: Path, b: Path) -> bool:
    first, second = contents(a), contents(b)
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_a_run_writes_checkpoints_metrics_and_a_validated_average(prepared, tmp_path):
    lines, heard = [], []
    training = replace(TINY, preview_every=8)
    result = run(training, prepared, tmp_path, show=lines.append, on_preview=lambda step, model: heard.append(step))
    assert (result.step, result.finished, result.stopped) == (16, True, None)
    assert [p.name for p in checkpoint.found(tmp_path)] == ["step-0000014", "step-0000016"]
    files = {path.name for path in result.checkpoint.iterdir()}
    assert files == {"model.safetensors", "average.safetensors", "heads.safetensors", "optimizer-model.safetensors",
                     "state.json"}  # fmt: skip
    average = load_file(result.checkpoint / "average.safetensors")
    assert all(torch.equal(value, average[key]) for key, value in result.model.state_dict().items())
    assert not any("head" in key for key in average)
    logged = rows(tmp_path / "metrics.jsonl")
    assert [row["step"] for row in logged if "loss" in row] == [4, 8, 12, 16]
    assert [row["step"] for row in logged if "val" in row] == [4, 8, 12, 16]
    assert logged[0].keys() == {"step", "loss", "flow", "clap", "muq", "gradient", "lr"}
    assert [row["step"] for row in rows(tmp_path / "speed.jsonl") if row["samples_per_second"]] == [4, 8, 12, 16]
    assert heard == [8, 16] and any("samples/s" in line and "left" in line for line in lines)


@pytest.mark.slow
def test_stopped_and_resumed_equals_straight(prepared, tmp_path):
    """Bit for bit, with phases, clusters, Beta times, both REPA heads, power average, accumulation and dropout."""
    straight = run(TINY, prepared, tmp_path / "straight").checkpoint
    for stop_at in (3, 8, 11):
        assert run(TINY, prepared, tmp_path / "resumed", stop_at=stop_at).stopped == "stop_at"
    assert same(straight, run(TINY, prepared, tmp_path / "resumed").checkpoint)
    texts = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("straight", "resumed")]
    assert texts[0] == texts[1] and texts[0].count("val_shuffled") == 4
    other = run(replace(TINY, seed=1), prepared, tmp_path / "other").checkpoint
    assert not same(straight, other)


@pytest.mark.slow
def test_killed_at_random_moments_equals_straight(prepared, tmp_path):
    """SIGKILL a real process again and again, also while it writes checkpoints (one every step), until it is done."""
    settings = {"steps": 40, "save_every": 1, "validate_every": 0, "log_every": 5}
    rng, out = np.random.default_rng(), tmp_path / "killed"
    for _ in range(2):
        before = checkpoint.latest(out)
        process = start(prepared, out, settings)
        while checkpoint.latest(out) == before and process.poll() is None:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.15))
        process.kill()
        process.wait()
        for folder in checkpoint.found(out):
            assert contents(folder) and checkpoint.read_state(folder)["step"] == checkpoint.step_of(folder)
    assert checkpoint.step_of(checkpoint.latest(out)) < 40
    result, straight = (run(changed(settings), prepared, folder) for folder in (out, tmp_path / "straight"))
    assert result.finished and same(result.checkpoint, straight.checkpoint)
    assert [row["step"] for row in rows(out / "metrics.jsonl") if "loss" in row] == list(range(5, 45, 5))
    assert not list(out.glob(".step-*"))


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")])
def test_a_signal_ends_the_run_after_the_step_in_flight(prepared, tmp_path, number, reason):
    heard = signal.getsignal(number)
    lines: list[str] = []
    result = run(
        replace(TINY, preview_every=1), prepared, tmp_path, show=lines.append,
        on_preview=lambda step, model: step == 3 and signal.raise_signal(number),
    )  # fmt: skip
    assert (result.step, result.finished, result.stopped) == (4, False, reason)
    assert checkpoint.step_of(checkpoint.latest(tmp_path)) == 4 and f"{reason}: stopped after step 4" in lines[-1]
    assert signal.getsignal(number) is heard
    straight = run(TINY, prepared, tmp_path / "straight")
    seen: list[int] = []
    assert run(TINY, prepared, tmp_path, on_preview=lambda step, model: seen.append(step)).finished
    assert straight.finished and seen == []  # of other settings; validation that the signal came before is made up for
    texts = [(folder / "metrics.jsonl").read_text() for folder in (tmp_path, tmp_path / "straight")]
    assert texts[0] == texts[1]


@pytest.mark.slow
def test_a_second_trainer_is_refused_and_sigterm_stops_the_first(prepared, tmp_path):
    settings = {"steps": 4000, "save_every": 4000, "validate_every": 0, "log_every": 1}
    process = start(prepared, tmp_path, settings)
    while not rows(tmp_path / "metrics.jsonl"):
        assert process.poll() is None
        time.sleep(0.01)
    with pytest.raises(FileError, match="another training is at work"):
        run(TINY, prepared, tmp_path)
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and "stopped: SIGTERM" in output, errors
    done = checkpoint.step_of(checkpoint.latest(tmp_path))
    assert 0 < done < 4000 and f"stopped after step {done}" in output
    with pytest.raises(ModelError, match="other settings"):  # the folder is free again, but the run is another
        run(TINY, prepared, tmp_path)


def test_a_time_limit_ends_the_run_with_a_checkpoint(prepared, tmp_path):
    result = run(TINY, prepared, tmp_path, max_hours=0.0)
    assert (result.step, result.finished, result.stopped) == (1, False, "time limit")
    assert checkpoint.step_of(result.checkpoint) == 1
    assert run(TINY, prepared, tmp_path).finished


def test_settings_that_differ_are_refused_by_name(prepared, tmp_path):
    run(TINY, prepared, tmp_path, stop_at=2)
    first = TINY.phases[0]
    for training, message in (
        (replace(TINY, weight_decay=0.5), "weight_decay: 0.01 -> 0.5"),
        (replace(TINY, timesteps=Uniform()), "timesteps.kind: beta -> uniform"),
        (replace(TINY, ema=EmaSettings(0.9)), "ema.decay: 0.999 -> 0.9, .*ema.sigma_rel: 0.1 -> None"),
        (replace(TINY, phases=(replace(first, lr=1.0), TINY.phases[1])), "phases.0.lr: 0.003 -> 1.0"),
        (replace(TINY, phases=(first, replace(TINY.phases[1], steps=20))), "phases.1.steps: 8 -> 20"),
    ):
        with pytest.raises(ModelError, match=message):
            run(training, prepared, tmp_path)
    more = write_tiny(tmp_path / "more", items=50, vector_dim=16, muq=True)
    with pytest.raises(ModelError, match="data.train: 36 -> 46"):
        run(replace(TINY, clusters=("text", 1)), more, tmp_path)
    assert run(replace(TINY, save_every=3, keep=1, validation_items=2), prepared, tmp_path).finished


def test_a_run_may_grow_where_that_is_exact(prepared, tmp_path):
    """More steps at a constant rate, and phases added at the end, give what the longer run would have given."""
    short = replace(TINY, phases=(Phase(3, 1e-3, schedule="constant"),))
    long = replace(TINY, phases=(Phase(5, 1e-3, schedule="constant"), TINY.phases[1]))
    run(short, prepared, tmp_path / "grown")
    with pytest.raises(ModelError, match="phases.0.steps: 3 -> 2"):
        run(replace(short, phases=(Phase(2, 1e-3, schedule="constant"),)), prepared, tmp_path / "grown")
    grown = run(long, prepared, tmp_path / "grown").checkpoint
    assert same(grown, run(long, prepared, tmp_path / "straight").checkpoint)


def test_where_to_go_on_from(prepared, tmp_path):
    run(replace(TINY, keep=0), prepared, tmp_path / "a", stop_at=4)
    with pytest.raises(FileError, match="holds a run already"):
        run(TINY, prepared, tmp_path / "a", resume="never")
    with pytest.raises(FileError, match="later checkpoint, step-0000004"):
        run(TINY, prepared, tmp_path / "a", resume=tmp_path / "a" / "step-0000002")
    with pytest.raises(FileError, match="neither a checkpoint"):
        run(TINY, prepared, tmp_path / "a", resume=tmp_path / "nowhere")
    other = run(TINY, prepared, tmp_path / "b", resume=tmp_path / "a" / "step-0000002", stop_at=4)
    assert same(other.checkpoint, tmp_path / "a" / "step-0000004")
    (tmp_path / "b" / "step-0000004" / "model.safetensors").write_bytes(b"short")
    with pytest.raises(ModelError, match="step-0000004 cannot be used"):
        run(TINY, prepared, tmp_path / "b")


def test_a_loss_that_is_not_finite_is_skipped_and_after_several_stops(prepared, tmp_path, monkeypatch):
    """The data turn to NaN from step 5 on, at one item a batch: the updates stop there, and so does the run."""
    batch = Samples.batch

    def poisoned(self, step):
        made = batch(self, step)
        if step in (2, *range(5, 99)):
            made.data[1, 0] = math.nan
        return made

    monkeypatch.setattr(Samples, "batch", poisoned)
    lines: list[str] = []
    training = replace(TINY, max_bad_steps=3, save_every=5)
    item = int(Samples(training, prepared).global_items(7)[1])
    with pytest.raises(
        GenerationError, match=rf"3 steps in a row, last at step 8, items \d+ \(item {item}\)"
    ) as caught:
        run(training, prepared, tmp_path, show=lines.append)
    assert "step-0000005 is intact" in str(caught.value)
    assert sum("update skipped" in line for line in lines) == 4
    saved = checkpoint.latest(tmp_path)
    assert all(value.isfinite().all() for value in contents(saved).values())
    assert checkpoint.read_state(saved)["extra"]["skipped"] == 1


def test_micro_batches_add_up_to_the_gradient_of_the_mean(prepared):
    """Of a batch whose items have unequal lengths, in passes of unequal size."""
    training = replace(TINY, preset="sketch-dit", overrides=DIT, precision="fp32", batch=10)
    gradients = []
    for micro in (None, 4):
        state = loop.State(replace(training, micro=micro), prepared, loop.assemble("cpu"))
        samples = Samples(training, prepared)
        losses = loop.backward(state, 0, samples.batch(0))
        gradients.append(torch.cat([p.grad.flatten() for p in state.objective.parameters() if p.requires_grad]))
        assert losses["loss"].shape == (10,)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-6)
    assert gradients[0].abs().max() > 1e-3


def test_ranks_share_the_batch_of_one_process(prepared):
    training = replace(TINY, batch=8)
    whole = Samples(training, prepared).batch(3)
    shares = [Samples(training, prepared, rank, 2).batch(3) for rank in (0, 1)]
    for name in ("items", "data", "mask", "noise", "t", "drop", "tokens", "vector", "clap", "muq"):
        halves = torch.cat([getattr(share, name) for share in shares])
        assert torch.equal(getattr(whole, name), halves), name
    with pytest.raises(RequestError, match="multiple of 3"):
        Samples(training, prepared, 0, 3)


def test_a_style_is_drawn_and_then_one_of_its_captions(prepared):
    """Of a track with three captions of one style and one of another, every style has half of the samples."""
    of = SimpleNamespace(prepared=SimpleNamespace(caption_styles=lambda captions: np.array([0, 0, 0, 1])[captions]))
    drawn = [Samples._of_a_style(of, np.arange(4), u) for u in np.arange(0.0005, 1, 0.001)]
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(shares, [1 / 6, 1 / 6, 1 / 6, 1 / 2], atol=0.002)
    plain, styled = (Samples(replace(TINY, captions=how), prepared).batch(0) for how in ("captions", "styles"))
    assert torch.equal(plain.tokens, styled.tokens)  # one caption a style: both are the same draw


def test_batches_follow_the_phases(prepared):
    samples = Samples(TINY, prepared)
    first, second = samples.batch(0), samples.batch(8)
    assert first.data.shape == (6, 20, 8) and second.data.shape == (4, 10, 8)
    assert len({prepared.tracks[i] % 3 for i in first.items.tolist()}) == 1  # one cluster
    tracks = {int(prepared.tracks[i]) for step in range(8, 16) for i in samples.global_items(step)}
    assert len(tracks) <= round(0.7 * 18)
    assert isinstance(samples.phase(0)[1], ClusterBatches)
    assert first.t.min() >= 0 and first.muq.shape == (6, 20, 1024) and first.clap.shape == (6, 12)
    with pytest.raises(FileError, match="no scores"):
        Samples(replace(TINY, clusters=("text", 1)), write_tiny(prepared.folder / "none", scores=False, muq=True))


@pytest.mark.parametrize("threads", [1, 3])
def test_prefetch_keeps_order_and_passes_errors_on(threads):
    def make(step):
        time.sleep(0.002 * (step % 3))  # later steps are ready before earlier ones
        if step == 5:
            raise FileError("no such part")
        return step * step

    assert list(prefetch(make, range(2, 5), threads)) == [(2, 4), (3, 9), (4, 16)]
    assert list(prefetch(make, range(0), threads)) == []
    seen = []
    with pytest.raises(FileError, match="no such part"):
        seen.extend(step for step, _ in prefetch(make, range(9), threads))
    assert len(seen) == 0 or seen == [0, 1, 2, 3, 4]


def test_the_validation_set_is_the_same_for_every_run(prepared):
    """It hangs on nothing but the data: no seed, no schedule, no size of the passes."""
    team, values = loop.assemble("cpu"), []
    objective = new_objective(replace(TINY, repa_clap=0.0, repa_muq=0.0, precision="fp32"), prepared)
    with torch.no_grad():
        for parameter in objective.parameters():
            parameter.copy_(torch.linspace(-0.1, 0.1, parameter.numel()).view_as(parameter))
    for batch in (2, 3):
        values.append(Validation(prepared, 4, batch, team).loss(objective))
        assert objective.training
    assert values[0] == pytest.approx(values[1], abs=1e-6) and values[0]["val"] != values[0]["val_shuffled"]
    assert Validation(write_tiny(prepared.folder / "all", val=0), 4, 2, team).loss(objective) == {}


def test_other_precisions(prepared, tmp_path):
    """All three find about the same loss; fp16 with its scale resumes exactly."""
    losses = {}
    for precision in ("fp32", "bf16", "fp16"):
        training = replace(TINY, preset="sketch-dit", overrides=DIT, precision=precision, log_every=1)
        run(training, prepared, tmp_path / precision, stop_at=6)
        losses[precision] = [row["loss"] for row in rows(tmp_path / precision / "metrics.jsonl") if "loss" in row]
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.02)
    run(training, prepared, tmp_path / "resumed", stop_at=2)
    resumed = run(training, prepared, tmp_path / "resumed", stop_at=6)
    assert same(resumed.checkpoint, checkpoint.latest(tmp_path / "fp16"))


def test_without_an_average_the_model_itself_is_given(prepared, tmp_path):
    result = run(replace(TINY, ema=None, preview_every=1), prepared, tmp_path, stop_at=3, on_preview=lambda s, m: None)
    weights = load_file(result.checkpoint / "model.safetensors")
    assert all(torch.equal(value, weights[key]) for key, value in result.model.state_dict().items())
    assert not (result.checkpoint / "average.safetensors").exists()


@pytest.mark.slow
def test_a_backbone_of_other_sizes_is_refused(prepared, tmp_path):
    with pytest.raises(ModelError, match="latent_dim 128, the data 8; text_dim 768, the data 16"):
        new_objective(Training(preset="mamba-189m"), prepared)


def test_the_empty_prompt_and_the_statistics_travel_with_the_weights(prepared):
    model = new_objective(replace(TINY, preset="sketch-dit", overrides=DIT), prepared).model
    tokens, vector = prepared.null_text()
    assert torch.equal(model.empty_string_feat, tokens) and torch.equal(model.empty_string_feat_c, vector)
    torch.testing.assert_close(model.latent_mean.flatten(), torch.tensor(prepared.meta["latent"]["mean"]))


def test_a_run_begins_with_the_weights_of_a_model(prepared, tiny_parts, tmp_path):
    """Its first loss is the model's own, and a resumed run needs the model no more."""
    config, _, files = tiny_parts
    donor = new_objective(replace(TINY, preset="sketch-dit", overrides=DIT, seed=5), prepared).model
    for parameter in donor.parameters():
        if parameter.requires_grad and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    backbone = {"preset": "sketch-dit", "overrides": DIT}
    bundle = write_bundle(tmp_path / "donor", config | {"backbone": backbone}, donor.state_dict(), "", files)
    training = replace(TINY, preset="sketch-dit", overrides=DIT, init=str(bundle.path), precision="fp32")
    result = run(replace(training, ema=None), prepared, tmp_path / "run", stop_at=1)
    moved = result.model.state_dict()
    assert all((moved[key] - value).abs().max() < 0.02 for key, value in donor.state_dict().items())
    bundle.path.rename(tmp_path / "gone")
    assert run(replace(training, ema=None), prepared, tmp_path / "run", stop_at=2).step == 2


def test_a_model_begins_with_narrower_weights_and_answers_as_they_do(tiny_parts, tmp_path):
    config, _, files = tiny_parts
    donor, wider = build_backbone("sketch-dit", DIT), build_backbone("sketch-dit", DIT | {"vector_dim": 20})
    torch.nn.init.normal_(donor.final_layer.conv.weight)
    backbone = {"preset": "sketch-dit", "overrides": DIT}
    bundle = write_bundle(tmp_path / "donor", config | {"backbone": backbone}, donor.state_dict(), "", files)
    begin_from(wider, str(bundle.path))
    x, t, tokens, vector = torch.randn(2, 5, 8), torch.rand(2), torch.randn(2, 10, 16), torch.randn(2, 16)
    more = torch.cat([vector, torch.randn(2, 4)], dim=1)
    expected = donor(x, t, donor.condition(tokens, None, vector))
    torch.testing.assert_close(wider(x, t, wider.condition(tokens, None, more)), expected)
    with pytest.raises(ModelError, match="training cannot begin from tiny"):
        begin_from(build_backbone("sketch-dit", DIT | {"hidden": 64}), str(bundle.path))


def test_a_model_that_learns_to_follow_plans_begins_as_one_that_did_not(tiny_parts, tmp_path):
    config, _, files = tiny_parts
    donor, planned = build_backbone("sketch-dit", DIT), build_backbone("sketch-dit", DIT | {"grid_dim": grid.WIDTH})
    torch.nn.init.normal_(donor.final_layer.conv.weight)
    backbone = {"preset": "sketch-dit", "overrides": DIT}
    bundle = write_bundle(tmp_path / "donor", config | {"backbone": backbone}, donor.state_dict(), "", files)
    begin_from(planned, str(bundle.path))
    x, t, tokens, vector = torch.randn(2, 5, 8), torch.rand(2), torch.randn(2, 10, 16), torch.randn(2, 16)
    told = with_grid(planned, planned.condition(tokens, None, vector), torch.randn(2, 5, grid.WIDTH))
    torch.testing.assert_close(planned(x, t, told), donor(x, t, donor.condition(tokens, None, vector)))


def test_batches_tell_the_plan_and_drop_it_at_times(tmp_path):
    prepared = write_tiny(tmp_path, items=40, vector_dim=16, plans=True)
    training = replace(
        TINY, preset="sketch-dit", overrides=DIT | {"grid_dim": grid.WIDTH}, batch=20, drop=0.5, plan_drop=0.2,
        clusters=("text", 1), repa_muq=0.0, phases=(Phase(40, 1e-3, crop=10),),
    )  # fmt: skip
    samples = Samples(training, prepared)
    batches = [samples.batch(step) for step in range(40)]
    silent = torch.cat([batch.grid.flatten(1).abs().sum(1) == 0 for batch in batches])
    drop = torch.cat([batch.drop for batch in batches])
    assert 0.4 < silent[drop].float().mean() < 0.6 and 0.1 < silent[~drop].float().mean() < 0.3
    told = next(batch for batch in batches if batch.grid[0].any())
    item = told.items[:1].numpy()
    crops = [prepared.grids(item, 10, np.array([first]))[0] for first in range(11)]
    assert any(torch.equal(told.grid[0], crop) for crop in crops)
    assert Samples(replace(training, overrides=DIT), prepared).batch(0).grid is None
    halves = [Samples(training, prepared, rank, 2).batch(3).grid for rank in (0, 1)]
    assert torch.equal(torch.cat(halves), batches[3].grid)


def test_some_samples_are_given_a_part_of_their_frames(tmp_path):
    """They lie before, after or around one gap; the model is told of them, and they cost nothing."""
    prepared = write_tiny(tmp_path, items=40, vector_dim=16, plans=True)
    training = replace(
        TINY, preset="sketch-dit", overrides=DIT | {"grid_dim": grid.WIDTH}, batch=20, clusters=("text", 1), given=0.5,
        repa_muq=0.0, phases=(Phase(40, 1e-3),),
    )  # fmt: skip
    batches = [Samples(training, prepared).batch(step) for step in range(20)]
    some = torch.cat([batch.given.any(dim=1) for batch in batches])
    assert 0.4 < some.float().mean() < 0.6
    kinds = set()
    for batch in batches:
        assert torch.equal(batch.grid[..., grid.GIVEN], batch.given.float()) and not (batch.given & ~batch.mask).any()
        for given, mask in zip(batch.given, batch.mask, strict=True):
            row = given[mask].int().tolist()
            edges = [i for i in range(1, len(row)) if row[i] != row[i - 1]]
            assert 0 in row and (not any(row) or len(edges) == 1 or (len(edges) == 2 and row[0] == row[-1] == 1))
            kinds.add((row[0], row[-1]))
    assert kinds >= {(0, 0), (1, 0), (0, 1), (1, 1)}
    objective = new_objective(training, prepared)
    batch = next(batch for batch in batches if batch.given.any())
    other = torch.where(batch.given[..., None], torch.randn_like(batch.noise), batch.noise)
    with torch.no_grad():
        losses = [objective(batch._replace(noise=noise))["flow"] for noise in (batch.noise, other)]
        plain = objective(batch._replace(given=None))["flow"]
    assert torch.equal(*losses) and not torch.equal(losses[0], plain)
    with pytest.raises(RequestError, match="given frames"):
        replace(training, overrides=DIT)


@pytest.mark.slow
@pytest.mark.parametrize("preset, overrides", [("sketch-dit", DIT), ("sketch-mamba", MAMBA)])
def test_a_run_with_plans_learns_from_them(preset, overrides, tmp_path):
    """Latents that are nothing but the beat: with the plan they can be told, without it hardly."""
    prepared = write_tiny(tmp_path / "data", items=40, vector_dim=16, plans=True, ragged=False)
    for part in sorted((tmp_path / "data" / "latents").glob("0*")):
        values = np.load(part / "values.npy")
        numbers = np.flatnonzero(prepared._part == int(part.name))
        beat = prepared.grids(numbers, 20).reshape(-1, grid.WIDTH)[:, :8].numpy()
        np.save(part / "values.npy", (beat + 0.01 * values).astype(np.float16))
    losses = {}
    for width in (0, grid.WIDTH):
        training = Training(
            preset=preset, overrides=overrides | {"grid_dim": width}, phases=(Phase(60, 1e-2, warmup=10),), batch=16,
            precision="fp32", save_every=60, validate_every=60, validation_items=4, ema=None,
        )  # fmt: skip
        run(training, prepared, tmp_path / str(width))
        losses[width] = [row["val"] for row in rows(tmp_path / str(width) / "metrics.jsonl") if "val" in row][-1]
    assert losses[grid.WIDTH] < 0.9 * losses[0]


@pytest.mark.slow
def test_training_lowers_both_losses(prepared, tmp_path):
    training = Training(
        overrides=DIT, phases=(Phase(150, 1e-2, warmup=10),), batch=16, precision="fp32", save_every=150,
        validate_every=75, validation_items=4, log_every=50, ema=EmaSettings(0.98),
    )  # fmt: skip
    run(training, prepared, tmp_path)
    logged = rows(tmp_path / "metrics.jsonl")
    losses, values = ([row[name] for row in logged if name in row] for name in ("loss", "val"))
    assert losses[-1] < 0.9 * losses[0] and values[-1] < values[0]


def test_wrong_settings_are_refused():
    for wrong in ({"precision": "int8"}, {"batch": 0}, {"phases": ()}, {"drop": 1.5}, {"micro": 0}):
        with pytest.raises(RequestError):
            Training(**wrong)
    for wrong in ({"schedule": "linear"}, {"fraction": 0.0}, {"lr": math.nan}, {"steps": 0}):
        with pytest.raises(RequestError):
            Phase(**{"steps": 1, "lr": 1e-3} | wrong)
    with pytest.raises(RequestError):
        EmaSettings(None)


def test_learning_rates_of_the_phases():
    phases = (
        Phase(100, 1.0, warmup=10, schedule="step"),
        Phase(50, 0.5, floor=0.1),
        Phase(5, 2.0, schedule="constant"),
    )
    training = Training(phases=phases)
    assert training.steps == 155 and training.phase_at(100) == (1, 0)
    rates = [training.rate(step) for step in range(155)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3]) and rates[10] == rates[79] == 1.0
    assert rates[80] == pytest.approx(0.1) and rates[90] == pytest.approx(0.01)
    assert rates[100] == 0.5 and rates[149] == pytest.approx(0.05, abs=2e-3) and rates[154] == 2.0
