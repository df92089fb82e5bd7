"""Fronts and knees of known points; counted evaluations; a sweep of a tiny model that is stopped and goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musicgen_app import cli
from musicgen_app.engine import CancelToken, Engine
from musicgen_app.errors import Cancelled, FileError, RequestError
from musicgen_app.models.bundle import Bundle
from musicgen_app.request import GenerationRequest
from support.fake_embedder import FakeEmbedder
from ttm_trainer.evaluation.metrics.pareto import front, knee, together
from ttm_trainer.evaluation.sweep import Sweep, captions, evaluations, name_of, points_of, run_sweep, table


def test_the_front_holds_what_nothing_beats():
    assert front([1, 2, 2, 4, 8], [1, 3, 2, 3, 5]) == [0, 1, 4]
    assert front([4, 2, 1], [1, 1, 1]) == [2] and front([], []) == []


def test_the_knee_is_where_more_cost_gains_little():
    costs = [1, 2, 4, 8, 16, 32]
    assert knee(costs, [0, 50, 90, 95, 98, 100]) == 2
    assert knee(costs, [0, 1, 2, 3, 50, 100]) in (0, 5)  # no knee above the line: one of its ends
    assert knee([1, 2], [0, 1]) == 1 and knee([5], [1]) == 0
    with pytest.raises(ValueError, match="no points"):
        knee([], [])


def test_qualities_of_other_scales_count_alike():
    assert together([0, 1, 2], [100, 300, 200]).tolist() == [0, 0.75, 0.75]
    assert together([1, 1], [0, 2]).tolist() == [0.5, 1]


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({"solver": "euler", "steps": 10, "guidance": 1.0}, 10),
        ({"solver": "euler", "steps": 10, "guidance": 3.0}, 20),
        ({"solver": "midpoint", "steps": 10, "guidance": 3.0}, 40),
        ({"solver": "heun", "steps": 4, "guidance": 1.0}, 8),
        ({"solver": "ab2", "steps": 10, "guidance": 3.0}, 20),
        ({"solver": "euler", "steps": 10, "guidance": 3.0, "guidance_interval": (0.25, 0.65)}, 14),
    ],
)
def test_evaluations_are_counted(settings, count):
    request = GenerationRequest("x", **{"guidance_interval": (0.0, 1.0)} | settings)
    assert evaluations(request, a_model()) == count
    if settings["guidance"] != 1 and "guidance_interval" not in settings:
        assert evaluations(request, a_model(plan_guidance=2.0)) == count * 3 // 2
        assert evaluations(request, a_model(joint_guidance=True)) == count


def test_evaluations_are_counted_at_the_times_of_the_model():
    request = GenerationRequest("x", solver="euler", steps=10, guidance=3.0, guidance_interval=(0.25, 0.65))
    assert evaluations(request, a_model(power=2.0)) == 10 + 4  # u from 0.5 to 0.8


def a_model(**sampler) -> Bundle:
    """A model that follows plans, with this in its sampler."""
    return Bundle(Path("nowhere"), {"sampler": sampler, "backbone": {"grid": 1}})


def test_points_have_the_times_and_the_guidance_of_their_models(tiny_bundle):
    sampler = tiny_bundle.sampler | {"plan_guidance": 2.0}
    bundle = Bundle(tiny_bundle.path, tiny_bundle.config | {"sampler": sampler})
    usual = {"solvers": ("euler",), "steps": (4,), "guidance": (2.0,), "intervals": ((0.0, 1.0),)}
    settings = Sweep("tiny", Path("data"), Path("out"), powers=(1.0, 1.5), joint=True, **usual)
    points = {name_of(point): point.bundle for point in points_of(settings, bundle)}
    assert set(points) == {
        "euler-4-2-0-1", "euler-4-2-0-1-power-1.5", "euler-4-2-0-1-joint", "euler-4-2-0-1-power-1.5-joint",
    }  # fmt: skip
    joint = points["euler-4-2-0-1-power-1.5-joint"]
    assert (joint.power, joint.joint_guidance, joint.plan_guidance) == (1.5, True, 1.0)
    assert points["euler-4-2-0-1"].plan_guidance == 2.0 and joint.identity == bundle.identity
    (own,) = points_of(replace(settings, powers=(), joint=False), bundle)
    assert own.bundle.power == 1.0 and not own.bundle.joint_guidance
    with pytest.raises(RequestError, match="power"):
        points_of(replace(settings, powers=(0.0,)), bundle)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder, rng, rows = tmp_path_factory.mktemp("corpus"), np.random.default_rng(0), []
    for n in range(12):
        soundfile.write(folder / f"{n}.wav", 0.1 * rng.standard_normal(8_000), 8_000)
        rows.append({"id": str(n), "path": f"{n}.wav", "start": 0.0, "seconds": 1.0, "split": "val", "facts": {},
                     "captions": {"short": [f"low {n}"], "long": [f"high {n}"], "dense": []}})  # fmt: skip
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


def run(corpus, out, **more) -> tuple[dict, list[str]]:
    lines: list[str] = []
    settings = {"solvers": ("euler", "heun"), "steps": (1,), "guidance": (1.0, 2.0), "clips": 8, "seconds": 0.5,
                "resamples": 5, "intervals": ((0.0, 1.0), (0.5, 1.0))}  # fmt: skip
    options = {name: more.pop(name) for name in ("progress", "cancel") if name in more}
    report = run_sweep(
        Sweep("tiny", corpus, out, **settings | more), Engine(device="cpu"), embedder=FakeEmbedder(),
        show=lines.append, **options,
    )  # fmt: skip
    return report, lines


@pytest.mark.slow
def test_a_sweep_goes_on_where_it_was_stopped(home, corpus, tmp_path):
    token, seen = CancelToken(), []

    def progress(p):
        seen.append(p.stage)
        if len(set(seen)) == 4:  # the reference and three points
            token.cancel()

    with pytest.raises(Cancelled):
        run(corpus, tmp_path / "out", progress=progress, cancel=token)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "points").iterdir()}
    assert len(before) == 2
    report, lines = run(corpus, tmp_path / "out")
    assert len(report["points"]) == 6 and sum("point" in line for line in lines) == 4
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "points").iterdir()}
    assert before.items() <= after.items() and len(after) == 6
    again, lines = run(corpus, tmp_path / "out")
    assert again == report and lines == []
    straight, _ = run(corpus, tmp_path / "straight")
    timing = {"seconds_a_clip": 0, "wall_seconds": 0}
    assert [p | timing for p in straight["points"]] == [p | timing for p in report["points"]]


def test_points_are_told_with_fronts_and_the_knee(home, corpus, tmp_path):
    report, _ = run(
        corpus, tmp_path / "out", solvers=("euler",), steps=(1, 3), guidance=(2.0,), intervals=((0.0, 1.0),)
    )
    assert [point["evaluations"] for point in report["points"]] == [2, 6]
    for point in report["points"]:
        assert point["alignment"]["clips"] == point["fad"]["clips"] == 8 and point["failed"] == 0
        assert -1 <= point["alignment"]["value"] <= 1 and point["fad"]["value"] >= 0
    assert report["knee"] in report["fronts"]["together"] and report["default"]["steps"] == 3
    assert json.loads((tmp_path / "out" / "sweep.json").read_text()) == report
    assert (tmp_path / "out" / "sweep.png").read_bytes()[:4] == b"\x89PNG"
    assert "knee of both" in table(report) and "default: euler, 3 steps, guidance 2" in table(report)


def test_a_folder_of_another_sweep_is_refused(home, corpus, tmp_path):
    run(corpus, tmp_path / "out", solvers=("euler",), steps=(1,), guidance=(1.0,))
    with pytest.raises(FileError, match="another clips: choose another --out"):
        run(corpus, tmp_path / "out", clips=9)
    with pytest.raises(FileError, match="only 12 held-out clips"):
        run(corpus, tmp_path / "other", clips=13)
    with pytest.raises(RequestError, match="needs 8 clips"):
        run(corpus, tmp_path / "other", clips=3)


def test_captions_are_of_all_kinds_by_turns(corpus):
    rows = [json.loads(line) for line in (corpus / "manifest.jsonl").read_text().splitlines()]
    rows = [row | {"folder": str(corpus)} for row in rows]
    assert captions(rows, 4) == ["low 0", "high 1", "low 2", "low 3"]


def test_the_command_sweeps(home, corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("ttm_trainer.evaluation.sweep.load_embedder", lambda name: FakeEmbedder())
    command = ["evaluate", "sweep", "tiny", "--data", str(corpus), "--out", str(tmp_path / "out"), "--solver", "euler",
               "--steps", "1", "--guidance", "2", "--interval", "0.2", "0.8", "--clips", "8", "--seconds", "0.5",
               "--device", "cpu", "--json"]  # fmt: skip
    assert cli.run(command) == 0
    (point,) = json.loads(capsys.readouterr().out)["points"]
    assert point["guidance_interval"] == [0.2, 0.8] and point["evaluations"] == 1
