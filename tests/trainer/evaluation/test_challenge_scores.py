"""`ttm-app challenge`: rules, selection, figures under their own names, the published entries, and the whole way."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import soundfile

from musicgen_app import cli
from musicgen_app.errors import FileError, RequestError
from musicgen_app.machine import paths
from musicgen_app.models.published import EMBEDDERS, ORIGIN
from support.fake_embedder import FakeEmbedder, tone
from ttm_trainer.evaluation.challenge import scores
from ttm_trainer.evaluation.challenge.making import Making, make_submission
from ttm_trainer.evaluation.challenge.published import CHECKPOINT, SOURCES, entries, table
from ttm_trainer.evaluation.challenge.rules import COUNT, check_submission
from ttm_trainer.evaluation.challenge.scores import OFFICIAL, Challenge, is_official, measure_challenge
from ttm_trainer.evaluation.challenge.selection import select
from ttm_trainer.evaluation.clips.clips import Clip
from ttm_trainer.evaluation.metrics import fad
from ttm_trainer.evaluation.metrics.embeddings import Vectors

WORDS = ("low", "middle", "high", "top")


def sound(path, seconds: float = 10.0, rate: int = 44_100, seed: int = 0, **how):
    wave = np.random.default_rng(seed).uniform(-0.1, 0.1, round(seconds * rate))
    soundfile.write(path, wave, rate, **how)


@pytest.fixture
def submission(tmp_path):
    """A hundred files as the rules want them, one of them an MP3."""
    folder = tmp_path / "submission"
    folder.mkdir()
    for number in range(COUNT):
        sound(folder / f"{number}.{'mp3' if number == 7 else 'wav'}", seed=number)
    return folder


@pytest.fixture
def folders(tmp_path):
    """Twelve clips that fit their prompts, a reference of thirty files, the prompt file."""
    lines = ["id,prompt,genre,instrument,mood"]
    for i in range(12):
        tone(tmp_path / "clips" / f"{i}.wav", i % 4, seed=i)
        lines.append(f"{i},a {WORDS[i % 4]} tone,jazz,piano,sad")
    for i in range(30):
        tone(tmp_path / "reference" / f"r{i}.wav", i % 3, seed=100 + i)
    (tmp_path / "prompts.csv").write_text("\n".join(lines))
    return tmp_path


def measure(folders, **more) -> dict:
    settings = {"audio": folders / "clips", "prompts": folders / "prompts.csv", "reference": folders / "reference"}
    report = measure_challenge(
        Challenge(**settings | {"resamples": 20} | more), embedder=FakeEmbedder(), show=lambda line: None
    )
    json.dumps(report, allow_nan=False)
    return report


# the rules


def test_a_folder_as_the_rules_want_it_has_no_fault(submission):
    (submission / ".DS_Store").write_text("")
    assert check_submission(submission).faults == []


def test_every_fault_is_one_line_of_its_own(submission):
    faulty = {
        "3.wav": ("3.wav: 48000 Hz, not 44100; resample it", lambda p: sound(p, rate=48_000)),
        "4.wav": ("4.wav: 9.900 s, shorter than 10 s", lambda p: sound(p, 9.9)),
        "5.wav": ("5.wav: is silent", lambda p: soundfile.write(p, np.zeros(441_000), 44_100)),
        "6.wav": ("6.wav: is not a sound file this app can read", lambda p: p.write_bytes(b"<html>no music</html>")),
        "7.mp3": ("7.mp3: the content is not that of a .mp3 file", lambda p: sound(p, format="WAV", seed=1007)),
        "8.wav": ("9.wav: the same file as 8.wav", lambda p: shutil.copyfile(p.with_name("9.wav"), p)),
        "10.wav": ("no file for prompt 10: add 10.wav", lambda p: p.unlink()),
        "011.wav": ("011.wav and 11.wav are of the same prompt 11", lambda p: sound(p, seed=2000)),
        "song.wav": ("song.wav: named after no prompt", lambda p: sound(p, seed=2001)),
        "12.flac": ("12.flac: not a WAV or MP3 file", lambda p: sound(p, seed=2002)),
    }
    for name, (_, break_it) in faulty.items():
        break_it(submission / name)
    faults = check_submission(submission).faults
    expected = [*(line for line, _ in faulty.values()), "101 sound files; the challenge wants 100"]
    for line in expected:
        (found,) = [fault for fault in faults if fault.startswith(line)]
        assert "\n" not in found and str(submission) not in found
    assert len(faults) == len(expected)


def test_the_command_says_each_fault_and_ends_with_3(submission, capsys):
    assert cli.run(["challenge", "check", str(submission)]) == 0
    (submission / "0.wav").unlink()
    assert cli.run(["challenge", "check", str(submission)]) == 3
    said = capsys.readouterr()
    assert "no file for prompt 0: add 0.wav" in said.out and "one forward generation a prompt" in said.out
    assert said.err.count("\n") == 1 and "in 2 places" in said.err
    assert cli.run(["challenge", "check", str(submission / "nowhere")]) == 3


# the best of several seeds


def candidates(tmp_path, bands) -> list[list[Clip]]:
    rows = []
    for number, choices in enumerate(bands):
        row = []
        for i, band in enumerate(choices):
            path = tmp_path / f"{number}-{i}.wav"
            tone(path, band, seed=10 * number + i)
            row.append(Clip(path.stem, path, 0.0, 3.0))
        rows.append(row)
    return rows


def test_without_a_reference_the_best_clap_score_of_each_prompt_is_chosen(tmp_path):
    found = select(["a low tone", "a top tone"], candidates(tmp_path, [(1, 0), (3, 2)]), Vectors(FakeEmbedder()), None)
    assert found.chosen == [1, 0]
    assert found.clap["chosen"] == found.clap["by_clap"] > found.clap["first"] and set(found.fad.values()) == {None}


def test_no_exchange_of_one_clip_improves_what_was_chosen(tmp_path):
    rng = np.random.default_rng(1)
    bands = rng.integers(0, 4, (6, 3)).tolist()
    prompts = [f"a {WORDS[i % 4]} tone" for i in range(6)]
    reference = [clip for row in candidates(tmp_path / "real", [(0, 1, 1, 2)] * 4) for clip in row]
    clips, vectors = candidates(tmp_path, bands), Vectors(FakeEmbedder())
    found = select(prompts, clips, vectors, reference, weight=0.5)

    real = fad.moments(np.concatenate([vectors.of(clip) for clip in reference]))
    text = vectors.embedder.text(prompts)

    def total(chosen) -> float:
        mine = [row[i] for row, i in zip(clips, chosen, strict=True)]
        distance = fad.frechet(fad.moments(np.concatenate([vectors.of(clip) for clip in mine])), real)
        return distance - 0.5 * float(
            np.mean([vectors.first(clip) @ row for clip, row in zip(mine, text, strict=True)])
        )

    best = total(found.chosen)
    assert best == pytest.approx(found.fad["chosen"] - 0.5 * found.clap["chosen"])
    by_clap = [int(np.argmax([vectors.first(c) @ row for c in own])) for own, row in zip(clips, text, strict=True)]
    assert best <= total(by_clap) and best <= total([0] * 6)
    for prompt in range(6):
        for other in range(3):
            assert total([*found.chosen[:prompt], other, *found.chosen[prompt + 1 :]]) >= best - 1e-6


# figures


def test_another_embedder_never_goes_by_the_official_name(folders):
    report = measure(folders)
    names = [row["embedder"] for row in report["figures"] if "embedder" in row]
    assert names and all(name == "fake 1, not the challenge's" for name in names)
    assert not report["challenge"]["official_embedder"]
    head = scores.text(report).split("| entry |")[1].splitlines()[0]
    assert "FAD windowed: fake 1, not the challenge's, reference" in head
    assert "CLAP score: fake 1, not the challenge's, prompts prompts.csv" in head


def test_own_figures_share_no_column_with_the_published_ones(folders):
    head, _, own, first, *_ = scores.text(measure(folders)).split("\n| entry")[1].splitlines()
    heads, mine, theirs = (line.split("|") for line in (head, own, first))
    assert mine[1].strip() == "this folder"
    for name, a, b in zip(heads[1:-2], mine[2:-2], theirs[2:-2], strict=True):
        assert (a.strip() == "") != (b.strip() == ""), name


def test_what_cannot_be_measured_is_refused_with_its_reason(folders):
    report = measure(folders, reference=None)
    assert {row["name"] for row in report["figures"]} == {"CLAP score", "CLAP score, shuffled"}
    fad_missing, ccs_missing = report["challenge"]["missing"]
    assert "--reference" in fad_missing and "Qwen3-Omni-30B-A3B" in ccs_missing and "not public" in ccs_missing
    assert "note: no CCS" in scores.text(report)


def test_a_judge_that_is_named_is_asked_and_its_name_stands_in_the_head(folders):
    class Yes:
        name, cheap = "says yes", False

        def ask(self, clip, concepts):
            from ttm_trainer.evaluation.metrics.judges import Answer

            return [Answer(1.0, 0.0) for _ in concepts]

    report = measure_challenge(
        Challenge(folders / "clips", folders / "prompts.csv", resamples=0, judge="none"),
        embedder=FakeEmbedder(), judge=Yes(), show=lambda line: None,
    )  # fmt: skip
    assert "CCS: says yes, questions of ttm-app, prompts prompts.csv" in table(report)
    assert len(report["challenge"]["missing"]) == 1


def test_only_weights_made_of_the_very_file_are_official(tmp_path, monkeypatch):
    from musicgen_app.machine.checksums import sha256

    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path))
    folder = paths.embedders() / OFFICIAL
    folder.mkdir(parents=True)
    assert not is_official()  # nothing is known of its origin
    (folder / "model.safetensors").write_bytes(b"weights")
    part = EMBEDDERS[OFFICIAL]
    origin = {"sha256": part.sha256[part.files[0]], "weights_sha256": sha256(folder / "model.safetensors")}
    (folder / ORIGIN).write_text(json.dumps(origin))
    assert is_official()
    (folder / "model.safetensors").write_bytes(b"others")
    assert not is_official()
    (folder / ORIGIN).write_text(json.dumps(origin | {"sha256": "0" * 64}))
    assert not is_official()
    assert CHECKPOINT not in scores.other_name(f"{CHECKPOINT} of LAION")


def test_faults_of_the_folder_are_told_with_its_figures(folders):
    told = scores.text(measure(folders))
    assert "rule broken: 12 sound files; the challenge wants 100" in told
    assert "rule broken: 0.wav: 8000 Hz, not 44100; resample it" in told


# the published entries


def test_every_published_figure_has_its_source():
    rows = entries()
    assert {row.source for row in rows} == set(SOURCES)
    by_id = {row.id: row for row in rows if row.id}
    assert len(by_id) == 16
    assert (by_id["e01"].fad, by_id["e01"].clap, by_id["e01"].ccs) == (0.577, 0.338, 0.863)
    assert (by_id["e08"].fad, by_id["e08"].clap, by_id["e08"].ccs) == (0.495, 0.295, 0.804)
    assert (by_id["p09"].fad, by_id["p09"].clap, by_id["p09"].ccs) == (0.646, 0.260, 0.767)


# the whole way


def test_a_submission_is_made_of_the_best_seeds_and_goes_on(home, tmp_path):
    (tmp_path / "prompts.csv").write_text("id,prompt\n0,a low tone\n1,a top tone\n")
    tone(tmp_path / "reference" / "a.wav", 0)
    tone(tmp_path / "reference" / "b.wav", 1, seed=1)
    settings = Making(
        "tiny", tmp_path / "out", tmp_path / "prompts.csv", seeds=3, reference=tmp_path / "reference", steps=1
    )
    record = make_submission(settings, embedder=FakeEmbedder(), show=lambda line: None)
    assert record == json.loads((tmp_path / "out" / "choice.json").read_text())
    assert (
        record["embedder"] == "fake 1, not the challenge's" and "one generation a prompt" in record["not_by_the_rules"]
    )
    assert set(record["seed_of_prompt"]) == {"0", "1"} and record["seed_of_prompt"]["1"] in (1, 3, 5)
    faults = check_submission(tmp_path / "out" / "submission", ["0", "1"]).faults
    assert faults == ["2 sound files; the challenge wants 100"]
    assert soundfile.info(tmp_path / "out" / "submission" / "0.wav").frames == 441_000
    made = (tmp_path / "out" / "seed-0" / "0.wav").stat().st_mtime_ns
    assert make_submission(settings, embedder=FakeEmbedder(), show=lambda line: None) == record
    assert (tmp_path / "out" / "seed-0" / "0.wav").stat().st_mtime_ns == made


def test_one_seed_chooses_nothing_and_breaks_no_rule(home, tmp_path):
    (tmp_path / "prompts.csv").write_text("id,prompt\n0,a low tone\n")
    settings = Making("tiny", tmp_path / "out", tmp_path / "prompts.csv", steps=1)
    record = make_submission(settings, show=lambda line: None)
    assert record["seed_of_prompt"] == {"0": 0} and "not_by_the_rules" not in record
    with pytest.raises(RequestError, match="--seeds 2"):
        make_submission(Making("tiny", tmp_path / "out", reference=tmp_path), show=lambda line: None)


def test_a_missing_embedder_is_found_out_before_anything_is_made(home, tmp_path):
    from musicgen_app.errors import ModelError

    with pytest.raises(ModelError, match="ttm-app models download laion-clap-90.14"):
        make_submission(Making("tiny", tmp_path / "out", seeds=2), show=lambda line: None)
    assert not (tmp_path / "out").exists()
    with pytest.raises(FileError):
        measure_challenge(Challenge(tmp_path / "nowhere"), embedder=FakeEmbedder(), show=lambda line: None)
