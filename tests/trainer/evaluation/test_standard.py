"""`ttm-app evaluate`: prompt files, matching, windows, generation that goes on, figures, reports, bad input."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import soundfile

from musicgen_app import cli
from musicgen_app.engine import CancelToken, Engine
from musicgen_app.errors import Cancelled, FileError, GenerationError, ModelError, RequestError
from musicgen_app.models.bundle import write_bundle
from support.fake_embedder import RATE, FakeEmbedder, tone
from support.prepared_folder import write_tiny
from ttm_trainer.evaluation.clips.clips import Clip, list_audio, match, open_reference
from ttm_trainer.evaluation.clips.generate_clips import make
from ttm_trainer.evaluation.clips.prompts import Prompt, read_prompts
from ttm_trainer.evaluation.metrics.embeddings import Vectors, windows
from ttm_trainer.evaluation.metrics.statistics import SoundStatistics
from ttm_trainer.evaluation.standard import Evaluation, evaluate_model
from ttm_trainer.evaluation.tables.standard import table
from ttm_trainer.prepare.embedders import load_embedder


@pytest.fixture
def folders(tmp_path):
    """Twenty clips that fit their prompts, a reference of thirty files, the prompt file."""
    words = ("low", "middle", "high", "top")
    lines = ["id,prompt,genre,instrument,mood"]
    for i in range(20):
        tone(tmp_path / "clips" / f"{i:03d}.wav", i % 4, seed=i)
        lines.append(f"{i},a {words[i % 4]} tone,jazz,piano,sad")
    for i in range(30):
        tone(tmp_path / "reference" / f"r{i}.flac", i % 3, 5.0, seed=100 + i)
    (tmp_path / "prompts.csv").write_text("\n".join(lines))
    return tmp_path


def settings(folders, **more) -> Evaluation:
    given = {
        "audio": folders / "clips", "prompts": folders / "prompts.csv", "reference": folders / "reference",
        "seconds": 3.0, "resamples": 50,
    }  # fmt: skip
    return Evaluation(**given | more)


def run(what: Evaluation, **more) -> tuple[dict, list[str]]:
    lines: list[str] = []
    report = evaluate_model(what, embedder=FakeEmbedder(), show=lines.append, **more)
    json.dumps(report, allow_nan=False)
    return report, lines


def named(report: dict) -> dict[str, dict]:
    return {row["name"]: row for row in report["figures"]}


# prompt files


def test_the_built_in_prompts_are_a_hundred_half_of_one_sentence():
    prompts = read_prompts()
    assert prompts.name == "built-in" and not prompts.extracted and len(prompts.prompts) == 100
    sentences = [p.text.count(". ") + 1 for p in prompts.prompts]
    assert set(sentences[:50]) == {2, 3} and set(sentences[50:]) == {1}
    assert all(len(p.text.split()) < 100 and len(p.concepts) == 3 for p in prompts.prompts)
    assert all(word in p.text.lower() for p in prompts.prompts for word in p.concepts.values())
    assert [p.id for p in prompts.some(4).prompts] == ["0", "25", "50", "75"]


def test_prompts_are_read_from_csv_json_lines_and_text(tmp_path):
    (tmp_path / "a.csv").write_bytes('\ufeffid, Prompt \n7,"calm jazz, slowly"\n8,rock\n'.encode())
    first, second = read_prompts(tmp_path / "a.csv").prompts
    assert first == Prompt(0, "7", "calm jazz, slowly", {"genre": "jazz", "mood": "calm"}) and second.number == 1
    (tmp_path / "a.jsonl").write_text('{"prompt": "x", "mood": "sad"}\n\n{"id": "b", "prompt": "y"}\n')
    assert read_prompts(tmp_path / "a.jsonl").prompts == (Prompt(0, "0", "x", {"mood": "sad"}), Prompt(1, "b", "y", {}))
    (tmp_path / "a.txt").write_text("one\n\n two \n")
    assert [(p.id, p.text) for p in read_prompts(tmp_path / "a.txt").prompts] == [("0", "one"), ("1", "two")]


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("a.csv", "name,prompt\n1,x\n", "no column id: found name, prompt"),
        ("a.csv", "1,x\n", "no column id and prompt"),
        ("a.csv", "", "no column"),
        ("a.csv", "id,prompt\n", "holds no prompts"),
        ("a.csv", "id,prompt\n1,calm, slow\n", "line 2: not 2 cells"),
        ("a.csv", "id,prompt\n1,x\n1,y\n", "id 1 comes twice"),
        ("a.csv", "id,prompt\na,x\nA,y\n", "comes twice"),
        ("a.csv", "id,prompt\n../up,x\n", "cannot name a file"),
        ("a.csv", "id,prompt\n1,\n", "id 1: prompt is empty"),
        ("a.csv", 'id,prompt\n1,"x\n', "not valid CSV"),
        ("a.jsonl", "[1]\n", "line 1"),
        ("a.jsonl", '{"prompt": ["x"]}\n', "must be text"),
        ("a.jsonl", "{\n", "not JSON"),
        ("a.txt", "\n", "holds no prompts"),
        ("a.xlsx", "x", "read from .csv"),
        ("none.csv", None, "cannot read"),
    ],
)
def test_prompt_files_that_cannot_be_used_are_refused(tmp_path, name, text, wrong):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(FileError, match=wrong):
        read_prompts(tmp_path / name)


# clips


def test_ten_seconds_give_ten_windows_the_last_ones_padded():
    wave = np.arange(1, 10 * 48_000 + 1, dtype=np.float32)
    cut = windows(wave, 48_000, 10.0)
    assert cut.shape == (10, 480_000) and cut[0, -1] == wave[-1]
    assert cut[9, 0] == 9 * 48_000 + 1 and cut[9, 48_000] == 0 and (cut[9, :48_000] > 0).all()
    assert windows(wave[:100], 48_000, 10.0).shape == (1, 480_000)
    assert windows(wave, 48_000, 5.0).shape == (10, 240_000) and windows(wave[:48_001], 48_000, 10.0).shape[0] == 2


def test_files_are_matched_by_id_and_what_matches_nothing_is_told(tmp_path):
    prompts = [Prompt(i, name, "x", {}) for i, name in enumerate(("7", "B-side", "9"))]
    for name in ("007.wav", "b-side.flac", "notes.txt", ".8.wav", "12.mp3"):
        (tmp_path / name).write_bytes(b"x")
    found = match(tmp_path, prompts, 10.0)
    assert [(p.id, c.path.name) for p, c in found.pairs] == [("7", "007.wav"), ("B-side", "b-side.flac")]
    assert found.missing == ["9"] and found.unknown == [str(tmp_path / "12.mp3")]
    with pytest.raises(FileError, match="named after an id"):
        match(tmp_path, [Prompt(0, "x", "x", {})], 10.0)
    (tmp_path / "7.ogg").write_bytes(b"x")
    with pytest.raises(FileError, match="same id"):
        match(tmp_path, prompts, 10.0)
    (tmp_path / "empty").mkdir()
    for nothing in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(FileError):
            list_audio(nothing)


def test_held_out_items_of_a_prepared_folder_are_a_reference(tmp_path):
    prepared = write_tiny(tmp_path / "prepared", rate=10.0)
    reference = open_reference(tmp_path / "prepared", 1.5)
    assert len(reference.clips) == len(prepared.items("val")) == 4
    assert [clip.start for clip in reference.clips] == [0.0, 2.0, 0.0, 2.0]
    assert {clip.seconds for clip in reference.clips} == {1.3, 1.5} and reference.clips[0].path.name == "0010.wav"


# figures


def test_every_figure_is_told_with_its_conditions_and_interval(folders):
    report, lines = run(settings(folders))
    figures = named(report)
    assert set(figures) == {
        "FAD windowed", "FAD per-file", "CLAP score", "CLAP score, shuffled", "CCS", "CCS, genre alone",
        "CCS, instrument alone", "CCS, mood alone",
    }  # fmt: skip
    windowed, single, clap = figures["FAD windowed"], figures["FAD per-file"], figures["CLAP score"]
    assert (windowed["samples"], windowed["reference_samples"], windowed["reference_clips"]) == (60, 90, 30)
    assert (single["samples"], single["reference_samples"]) == (20, 30)
    assert "8000 Hz, 2-s windows" in windowed["variant"] and "one L2-normalised" in single["variant"]
    for row in (windowed, single):
        assert row["embedder"] == "fake 1" and "reference (first 3 s" in row["reference"] and row["warnings"] == []
        assert row["low"] < row["value"] < row["high"] and row["confidence"] == 0.95 and row["value"] > 0.05
    assert (
        clap["value"] > 0.9 > figures["CLAP score, shuffled"]["value"] and clap["low"] <= clap["value"] <= clap["high"]
    )
    assert figures["CCS"]["samples"] == 60 and "given in the prompt file" in figures["CCS"]["variant"]
    assert report["embedder"]["width"] == 4 and report["prompts"]["used"] == 20 and len(report["clips"]) == 20
    assert report["clips"][3]["clap"] == pytest.approx(clap["value"], abs=0.1) and report["bad"] == []
    text = table(report)
    for row in report["figures"]:
        assert row["name"] in text and f"{row['value']:.4f}" in text
    assert "60 embeddings against 90 of 30 files" in text and str(folders / "reference") in text
    assert run(settings(folders)) == (report, lines)  # the same once more


def test_a_set_is_at_no_distance_of_itself_and_far_from_another(folders):
    same = named(run(settings(folders, reference=folders / "clips"))[0])
    other = named(run(settings(folders))[0])
    for name in ("FAD windowed", "FAD per-file"):
        assert same[name]["value"] < 1e-10 < other[name]["value"]


def test_few_embeddings_are_warned_of(folders):
    report, _ = run(settings(folders, count=4, fad="per-file"))
    assert "only 4 embeddings of the clips for 4 dimensions" in named(report)["FAD per-file"]["warnings"][0]
    assert "warning: only 4" in table(report)


def test_only_what_is_wanted_is_embedded_and_only_once(folders):
    embedder = FakeEmbedder()
    evaluate_model(settings(folders, fad="per-file"), embedder=embedder, show=lambda line: None)
    assert embedder.heard == 20 + 30
    embedder = FakeEmbedder()
    evaluate_model(settings(folders, whole_reference=True), embedder=embedder, show=lambda line: None)
    assert embedder.heard == 20 * 3 + 30 * 5


def test_a_folder_without_prompts_gives_the_distance_alone(folders):
    report, _ = run(settings(folders, prompts=None, extrapolate=True))
    assert set(named(report)) == {"FAD windowed", "FAD per-file"} and len(report["clips"]) == 20
    limit = named(report)["FAD windowed"]["extrapolated"]
    assert limit["points"][-1][0] == 60 and "extrapolated" in table(report)
    report, _ = run(settings(folders, reference=None))
    assert "CLAP score" in named(report) and "FAD windowed" not in named(report) and "no FAD" in report["notes"][0]


def test_files_that_cannot_be_measured_are_counted_and_told(folders):
    (folders / "clips" / "003.wav").write_bytes(b"not audio")
    (folders / "clips" / "004.wav").unlink()
    soundfile.write(folders / "clips" / "005.wav", np.zeros(RATE), RATE)
    (folders / "reference" / "r0.flac").write_bytes(b"")
    (folders / "clips" / "stray.wav").write_bytes(b"x")
    report, lines = run(settings(folders))
    assert {row["id"] for row in report["bad"]} == {"3", "4", "5"} and len(report["clips"]) == 17
    assert named(report)["CLAP score"]["clips"] == 17 and named(report)["FAD windowed"]["reference_clips"] == 29
    assert report["reference"]["bad"][0]["id"] == "r0.flac" and "3 clips were left out" in table(report)
    for told in ("left out 3", "left out 4: no file", "left out 5", "reference: left out r0.flac", "stray.wav"):
        assert any(told in line for line in lines)
    for path in (folders / "clips").iterdir():
        path.write_bytes(b"not audio")
    with pytest.raises(FileError, match="none of 20 clips"):
        run(settings(folders))


@pytest.mark.parametrize(
    "more",
    [
        {"model": "tiny"},
        {"audio": None},
        {"prompts": None, "reference": None},
        {"prompts": None, "count": 3},
        {"fad": "x"},
    ],
)
def test_settings_that_do_not_go_together_are_refused(folders, more):
    with pytest.raises(RequestError):
        run(settings(folders, **more))
    with pytest.raises(FileError, match="there is no judge"):
        run(settings(folders, judge="nobody"))


def test_cancelling_stops_at_the_next_step(folders):
    token, seen = CancelToken(), []

    def progress(p):
        seen.append(p.stage)
        if p.stage == "judging":
            token.cancel()

    with pytest.raises(Cancelled):
        run(settings(folders), progress=progress, cancel=token)
    assert seen[-1] == "judging" and "interval of FAD windowed" in seen


# generation


def test_clips_are_made_once_with_declared_seeds(home, tmp_path):
    prompts = read_prompts().some(4).prompts
    engine, out = Engine(device="cpu"), tmp_path / "out"
    first = make(engine, "tiny", prompts, out, seed=5, seconds=0.5)
    assert [r.seed for r in first.requests] == [5, 30, 55, 80] and (first.kept, first.failed) == (0, [])
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert set(before) == {"0.wav", "25.wav", "50.wav", "75.wav"}
    (out / "25.wav").unlink()
    again = make(engine, "tiny", prompts[:3], out, seed=5, seconds=0.5)
    assert (again.kept, again.remade) == (2, 0)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    for changed in ({"seed": 6}, {"steps": 2}, {"guidance": 1.0}, {"seconds": 0.6}):
        made = make(engine, "tiny", prompts[:1], out, **{"seed": 5, "seconds": 0.5} | changed)
        assert (made.kept, made.remade) == (0, 1)
    assert make(engine, "tiny", [Prompt(0, "25", "other words", {})], out, seed=30, seconds=0.5).remade == 1


def test_clips_of_other_weights_are_made_again_and_foreign_files_are_left_alone(home, tmp_path, tiny_parts):
    config, state, files = tiny_parts
    state = {name: tensor * 1.01 for name, tensor in state.items()}
    other = write_bundle(tmp_path / "tiny", config, state, "# tiny\n", files)
    prompts, out, engine = read_prompts().some(2).prompts, tmp_path / "out", Engine(device="cpu")
    make(engine, "tiny", prompts, out, seconds=0.5)
    assert make(engine, str(other.path), prompts, out, seconds=0.5).remade == 2
    shutil.copy(out / "0.wav", tmp_path / "kept.wav")
    soundfile.write(out / "0.wav", np.zeros(10), RATE)
    with pytest.raises(FileError, match="not made by ttm-app.*choose another --audio-out"):
        make(engine, "tiny", prompts, out, seconds=0.5)


def test_a_prompt_the_model_fails_on_is_reported(home, tmp_path, monkeypatch):
    engine = Engine(device="cpu")
    plain = engine.generate

    def generate(request, **options):
        if request.seed == 50:
            raise GenerationError("the model produced silence")
        return plain(request, **options)

    monkeypatch.setattr(engine, "generate", generate)
    report, lines = run(Evaluation("tiny", count=4, seconds=0.5, resamples=10), engine=engine)
    assert [row["id"] for row in report["bad"]] == ["50"] and len(report["clips"]) == 3
    assert any("left out 50: the model produced silence" in line for line in lines)


def test_the_command_makes_measures_and_writes(home, folders, capsys, monkeypatch):
    monkeypatch.setattr("ttm_trainer.evaluation.standard.load_embedder", lambda name: FakeEmbedder())
    out, report = folders / "made", folders / "report.json"
    command = ["evaluate", "tiny", "--count", "3", "--seconds", "2", "--reference", str(folders / "reference"),
               "--bootstrap", "20", "--audio-out", str(out), "-o", str(report), "--device", "cpu"]  # fmt: skip
    assert cli.run(command) == 0
    text, notes = capsys.readouterr()
    assert "FAD windowed" in text and "model      tiny 1" in text and "making 3 clips" in notes
    written = json.loads(report.read_text())
    assert written["source"]["model"]["name"] == "tiny" and written["source"]["settings"]["steps"] == 3
    assert [row["seed"] for row in written["clips"]] == [0, 33, 66]
    assert cli.run(command) == 3 and "exists already" in capsys.readouterr().err
    assert cli.run([*command, "--force", "--json"]) == 0
    text, notes = capsys.readouterr()
    assert json.loads(text) == written and "3 clips were there already" in notes


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["tiny", "--audio", "x"], 2, "either a MODEL or --audio"),
        ([], 2, "either a MODEL or --audio"),
        (["nobody"], 4, "nobody"),
        (["tiny", "--prompts", "nowhere.csv"], 3, "cannot read nowhere.csv"),
        (["tiny", "--reference", "nowhere"], 3, "no folder nowhere"),
        (["tiny", "-o", "report.txt"], 3, "end its name in .json"),
        (["--audio", "nowhere", "--prompts", "built-in"], 3, "no folder nowhere"),
        (["tiny", "--embedder", "nowhere"], 4, "nowhere"),
    ],
)
def test_wrong_commands_are_one_line(home, capsys, monkeypatch, arguments, code, message):
    if "--embedder" not in arguments:
        monkeypatch.setattr("ttm_trainer.evaluation.standard.load_embedder", lambda name: FakeEmbedder())
    assert cli.run(["evaluate", *arguments]) == code
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and message in error


def test_vectors_that_are_not_finite_are_an_error_of_the_clip(folders):
    class Broken(FakeEmbedder):
        def audio(self, waves):
            return np.full((len(waves), 4), np.nan, np.float32)

    good, bad = Vectors(Broken()).usable([Clip("a", folders / "clips" / "000.wav")])
    assert good == [] and "not finite" in bad[0]["reason"]


# the embedder that nothing was trained for


def test_statistics_tell_other_sounds_apart_and_know_no_words(folders):
    report = evaluate_model(settings(folders, embedder="statistics"), show=lambda line: None)
    assert report["embedder"]["name"] == "statistics-1" and report["embedder"]["width"] == 116
    assert {row["name"].split(" ")[0] for row in report["figures"]} == {"FAD"} and "judge" not in report
    assert report["notes"] == ["no CLAP score: the embedder statistics knows no words"]
    assert table(report)
    same = settings(folders, audio=folders / "reference", prompts=None, embedder="statistics")
    near = evaluate_model(same, show=lambda line: None)
    assert named(near)["FAD per-file"]["value"] < 1e-6 < named(report)["FAD per-file"]["value"]


def test_statistics_are_the_same_in_any_company_and_hear_each_group():
    embedder, rng = SoundStatistics(), np.random.default_rng(0)
    noise = rng.standard_normal((3, 2 * 48_000)).astype(np.float32) * 0.1
    vectors = embedder.audio(noise)
    assert vectors.shape == (3, embedder.width) and np.isfinite(vectors).all()
    np.testing.assert_array_equal(embedder.audio(noise[1:2])[0], vectors[1])
    beaten = noise[0] * (np.arange(96_000) % 24_000 < 4_800)
    told = {name: np.abs(v - embedder.groups(noise[0])[name]).max() for name, v in embedder.groups(beaten).items()}
    assert told["rhythm"] > 0.3 and told["dynamics"] > 0.3
    assert np.isfinite(embedder.audio(np.zeros((1, 4_800), np.float32))).all()


def test_statistics_where_words_are_needed_are_refused(folders):
    for more in ({"reference": None}, {"judge": "statistics"}):
        with pytest.raises(RequestError, match="knows no words"):
            evaluate_model(settings(folders, embedder="statistics", **more))
    with pytest.raises(ModelError, match="knows no words"):
        load_embedder("statistics")
    with pytest.raises(ModelError, match="knows no words"):
        SoundStatistics().text(["calm"])
