"""What a codec loses: the measures on known changes, the baselines, the table, the picture and the command."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from musicgen_app import cli
from musicgen_app.audio import resample
from musicgen_app.errors import FileError, ModelError, RequestError
from support import sounds
from support.sounds import beat, cadence
from ttm_trainer.evaluation import codec_baselines
from ttm_trainer.evaluation.codec_quality import RATE, evaluate_codecs, excerpts_of, measure, notes_kept, si_sdr, table
from ttm_trainer.evaluation.metrics import perceptual


def at_rate(wave: np.ndarray) -> np.ndarray:
    return resample(wave[None].astype(np.float32), sounds.RATE, RATE)[0]


def both(left: np.ndarray, right: np.ndarray | None = None) -> np.ndarray:
    return np.stack([left, left if right is None else right])


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """Chords over a beat, five seconds."""
    return at_rate(0.5 * beat(120, 5.0) + cadence(2, "minor", 5.0))


@pytest.fixture(scope="module")
def data(tmp_path_factory, music):
    """Two held-out files and one that was trained on."""
    folder = tmp_path_factory.mktemp("data")
    rows = []
    for n, split in enumerate(("val", "val", "train")):
        soundfile.write(folder / f"{n}.flac", np.roll(music, n * RATE), RATE)
        rows.append({"path": f"{n}.flac", "start": 0.0, "seconds": 5.0, "split": split})
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


@pytest.fixture(scope="module")
def codec(tiny_bundle) -> str:
    return str(tiny_bundle.path / "codec")


@pytest.mark.slow
def test_what_is_not_changed_loses_nothing(music):
    same = measure(both(music, 0.5 * music), both(music, 0.5 * music))
    known = {"log_mel": 0.0, "si_sdr": 60.0, "tempo": 1.0, "notes": 1.0, "attacks": 1.0, "width": 0.0, "treble": 0.0}
    assert {name: same[name] for name in known} == known
    assert measure(both(music), both(music))["width"] is None
    quieter = measure(both(music), 0.5 * both(music))
    assert quieter["si_sdr"] == 60.0 and quieter["notes"] == 1.0 and quieter["log_mel"] > 0.3


@pytest.mark.slow
def test_each_measure_tells_its_own_change(music):
    rng = np.random.default_rng(0)
    noisy = music + music.std() * 10**-0.5 * rng.standard_normal(len(music)).astype(np.float32)
    assert si_sdr(music, noisy) == pytest.approx(10, abs=0.3)
    assert si_sdr(music, rng.standard_normal(len(music))) < -30
    up = np.interp(np.arange(len(music)) * 2 ** (1 / 12), np.arange(len(music)), music).astype(np.float32)
    assert notes_kept(music, up) < 0.4 and measure(both(music), both(up))["tempo"] == 0.0  # a semitone is 6 % faster
    steady = both(at_rate(cadence(0, "major", 5.0)))
    assert measure(steady, steady)["tempo"] in (None, 1.0)


def test_width_attacks_and_treble_are_told(music):
    wide = both(music, 0.5 * music)
    assert perceptual.width_error(wide, both(music, 0.8 * music)) > 6
    assert measure(wide, music[None])["width"] > 40  # a mono codec
    rng = np.random.default_rng(0)
    clicks = np.zeros(2 * RATE, dtype=np.float32)
    for at in range(RATE // 4, 2 * RATE, RATE // 4):
        clicks[at : at + 2000] = 0.3 * rng.standard_normal(2000) * np.exp(-np.arange(2000) / 500)
    clicks += 1e-3 * rng.standard_normal(len(clicks)).astype(np.float32)
    smeared = np.convolve(clicks, np.hanning(1500) / 750, mode="same").astype(np.float32)
    assert perceptual.attack_kept(clicks, clicks) == 1.0 and perceptual.attack_kept(clicks, smeared) < 0.75
    assert perceptual.attack_kept(np.ones(RATE, dtype=np.float32), clicks) is None
    dull = np.convolve(clicks, np.ones(12) / 12, mode="same").astype(np.float32)
    assert perceptual.treble_error(clicks, dull) > 6 > 0.1 > perceptual.treble_error(clicks, clicks.copy())


@pytest.mark.slow
@pytest.mark.parametrize("model", perceptual.PACKAGES)
def test_models_of_hearing_tell_a_little_noise_from_much(music, model):
    pytest.importorskip(model)
    judge, rng = getattr(perceptual, model), np.random.default_rng(0)
    scores = [judge(music, music + level * rng.standard_normal(len(music))) for level in (0.0, 0.003, 0.1)]
    assert 5.05 > scores[0] > 4.6 and scores == sorted(scores, reverse=True) and scores[2] < 3


@pytest.mark.slow
def test_griffin_lim_keeps_more_than_noise_and_less_than_all(music):
    after = codec_baselines.griffin_lim(music, RATE)
    assert after.shape == music.shape and after.dtype == np.float32
    figures = measure(both(music), after[None])
    assert 0 < figures["log_mel"] < 0.8 and figures["tempo"] == 1.0 and 0.3 < figures["notes"] < 0.95


@pytest.mark.slow
def test_opus_has_about_the_bits_it_is_asked_for(music):
    low, bits_low = codec_baselines.opus(music, RATE, 12)
    high, bits_high = codec_baselines.opus(music, RATE, 64)
    assert low.shape == high.shape == music.shape
    assert 8 < bits_low < 18 and 45 < bits_high < 85
    assert si_sdr(music, high) > si_sdr(music, low) > 0  # nothing is shifted
    assert measure(both(music), high[None])["log_mel"] < measure(both(music), low[None])["log_mel"]


def test_excerpts_are_of_unseen_files_and_always_the_same(data, tmp_path):
    found = excerpts_of(data, 5, 2.0)
    assert {clip.path.name for clip, _ in found} == {"0.flac", "1.flac"} and len(found) == 5
    assert all(wave.shape == (2, 2 * RATE) for _, wave in found)
    assert [clip for clip, _ in found[:1]] == [clip for clip, _ in excerpts_of(data, 1, 2.0)]
    (tmp_path / "manifest.jsonl").write_text(json.dumps({"path": "x.flac", "split": "train"}) + "\n")
    with pytest.raises(FileError, match="no held-out files"):
        excerpts_of(tmp_path, 1, 2.0)


@pytest.mark.slow
def test_codecs_and_baselines_stand_in_one_table(home, data, codec):
    report = evaluate_codecs([codec, "tiny"], [data], excerpts=2, seconds=4.0, resamples=10)
    json.dumps(report, allow_nan=False)
    rows = report["data"][str(data)]
    assert list(rows) == [codec, "tiny", "Griffin-Lim", "Opus 12", "Opus 24", "Opus 48"]
    assert rows[codec]["log_mel"]["value"] == rows["tiny"]["log_mel"]["value"] > rows["Opus 24"]["log_mel"]["value"]
    assert rows["Opus 12"]["kbit_s"] < rows["Opus 24"]["kbit_s"] and rows["tiny"]["kbit_s"] is None
    assert rows["tiny"]["notes"]["clips"] == 2 and "8,000 Hz, mono" in report["subjects"]["tiny"]
    text = table(report)
    assert "log-mel error" in text and "Opus 12" in text and f"{rows['Opus 12']['kbit_s']:.1f}" in text
    more = evaluate_codecs(["tiny"], [data], 2, 4.0, 10, with_baselines=False, trips=[3], noise=[0.5])
    rows = more["data"][str(data)]
    assert list(rows) == ["tiny", "tiny, 3 trips", "tiny, noise 0.5"]
    once, thrice, noisy = (row["log_mel"]["value"] for row in rows.values())
    assert thrice != once and noisy != once
    with pytest.raises(RequestError, match="twice"):
        evaluate_codecs(["tiny", "tiny"], [data])
    with pytest.raises(ModelError):
        evaluate_codecs(["nobody"], [data])


@pytest.mark.slow
def test_the_command_writes_report_and_picture(home, data, tmp_path, capsys):
    out, picture = tmp_path / "codec.json", tmp_path / "codec.png"
    command = ["codec", "evaluate", "--data", str(data), "--codec", "tiny", "--excerpts", "1", "--seconds", "2",
               "--bootstrap", "0", "-o", str(out), "--picture", str(picture)]  # fmt: skip
    assert cli.run(command) == 0
    assert "Griffin-Lim" in capsys.readouterr().out and picture.read_bytes()[:4] == b"\x89PNG"
    assert json.loads(out.read_text())["excerpts"] == 1
    assert cli.run(command) == 3 and "exists already" in capsys.readouterr().err
    assert cli.run([*command, "--no-baselines", "--force", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report["data"][str(data)]) == ["tiny"]
