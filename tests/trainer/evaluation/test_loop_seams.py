"""Loops are measured at their seam and inside, and the report says what was left out."""

from __future__ import annotations

import json

import pytest

from musicgen_app.engine import Engine
from musicgen_app.errors import FileError, RequestError
from support.planned_model import planned
from ttm_trainer.evaluation.loop_seams import LoopSeams, chosen_prompts, measure_loops, table


@pytest.fixture
def model(tiny_parts, tmp_path) -> str:
    """The tiny model, which follows plans."""
    return str(planned(tiny_parts, tmp_path, grid=2).path)


def test_the_report_has_the_seam_of_every_loop_and_of_plain_clips(home, model, tmp_path):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("bells, 120 bpm, 4/4\npiano without a tempo\nharp, 90 bpm, 3/4\n")
    kept = tmp_path / "loops"
    settings = LoopSeams(model, prompts, 3, bars=2, plain=True, resamples=50, audio_out=kept)
    report = measure_loops(settings, Engine(device="cpu"), show=lambda line: None)
    json.dumps(report, allow_nan=False)
    assert [clip["id"] for clip in report["clips"]] == ["0", "2"] and sorted(path.stem for path in kept.iterdir()) == [
        "0",
        "2",
    ]
    assert [row["id"] for row in report["bad"]] == ["1"] and "needs a tempo" in report["bad"][0]["reason"]
    assert (report["clips"][1]["loop"]["metre"], report["clips"][1]["loop"]["seconds"]) == ("3/4", 4.0)
    for kind in ("loop", "plain"):
        change, step, dip, tempo, heard = (row["value"] for row in report["figures"][kind])
        assert (dip < -8) == (kind == "plain")
        assert change > 0 and step >= 0 and tempo < 0.01 and 0 <= heard <= 1
    assert report["figures"]["plain"][1]["value"] == 0  # faded: its ends are silent
    text = table(report)
    assert "LOOP" in text and "PLAIN" in text and "left out: 1:" in text


def test_prompts_are_spread_over_all_genres():
    prompts = chosen_prompts(None, 100)
    assert len({prompt.text for prompt in prompts}) == 100
    with pytest.raises(FileError, match="195 prompts, not 500"):
        chosen_prompts(None, 500)


def test_a_loop_of_one_bar_has_nothing_to_compare_with():
    with pytest.raises(RequestError, match="2 bars or more"):
        measure_loops(LoopSeams("sketch", bars=1))
