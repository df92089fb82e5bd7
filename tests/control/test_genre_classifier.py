"""Prompts that name no genre are read by the model's own classifier: what it is sure of is told to the model."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from musicgen_app import cli
from musicgen_app.control import genre_classifier
from musicgen_app.control.genre_classifier import Genres, load_genres, with_genre
from musicgen_app.engine import Engine
from musicgen_app.errors import ModelError
from musicgen_app.library.metadata import sidecar_for
from musicgen_app.models.bundle import write_bundle
from musicgen_app.request import GenerationRequest
from support.prepared_folder import write_tiny
from ttm_trainer.output.genre_fitting import fit
from ttm_trainer.output.track_facts import known_genres
from ttm_trainer.prepare.prepared_folder import Prepared

CALM, LOUD = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def reader(sure: float = 9.0) -> Genres:
    """Two genres, of vectors that lie one way and the other."""
    return Genres(("ambient", "drum and bass"), np.eye(2, dtype=np.float32) * sure, np.zeros(2, np.float32))


def test_a_prompt_means_the_genre_that_its_vector_is_nearest_to():
    assert reader().meant("fog on a lake", CALM) == "ambient"
    assert reader().meant("a thousand broken beats", LOUD) == "drum and bass"
    assert reader().meant("fog on a lake", np.array([1.0, 0.0, 7.0, 7.0])) == "ambient"  # what is behind V
    np.testing.assert_allclose(reader().probabilities(np.stack([CALM, LOUD])).sum(axis=1), 1, rtol=1e-6)


def test_a_prompt_that_names_a_genre_or_may_mean_several_stays_as_it_is():
    assert reader().meant("Ambient, please", LOUD) == "" and reader().meant("some DRUM AND BASS", CALM) == ""
    assert reader().meant("ambience", CALM) == "ambient"  # only whole words name one
    many = Genres(tuple("abcde"), np.zeros((2, 5), np.float32), np.zeros(5, np.float32))
    assert many.meant("music", CALM) == ""
    assert with_genre("", "fog on a lake") == "fog on a lake"
    assert with_genre("ambient", "fog on a lake") == "ambient. fog on a lake"


def test_it_is_fitted_on_captions_of_known_genre_each_genre_counting_alike():
    draw = np.random.default_rng(0)
    vectors = np.concatenate([CALM + 0.1 * draw.standard_normal((300, 2)), LOUD + 0.1 * draw.standard_normal((20, 2))])
    labels = ["ambient"] * 300 + ["metal"] * 20
    fitted = fit(vectors, labels)
    assert fitted.names == ("ambient", "metal")
    assert fitted.meant("x", CALM) == "ambient" and fitted.meant("x", LOUD) == "metal"
    middle = fitted.probabilities(np.array([[0.5, 0.5]]))[0]
    assert abs(middle[0] - 0.5) < 0.25  # though one has fifteen times as many captions
    again = fit(vectors, labels)
    assert np.array_equal(fitted.weights, again.weights) and np.array_equal(fitted.bias, again.bias)
    rare = fit(np.concatenate([vectors, vectors[:2]]), [*labels, "noise", "noise"])
    assert rare.names == ("ambient", "metal")  # two captions are less than a hundredth of three hundred
    assert fit(vectors[:300], labels[:300]) is None and fit(np.zeros((0, 0), np.float32), []) is None


def test_captions_of_known_genre_come_from_a_prepared_folder(tmp_path):
    prepared = write_tiny(tmp_path, items=40, vector_dim=16, named=True)
    vectors, labels = known_genres(prepared, 100)
    tracks = {int(track) for track in prepared.tracks[prepared.items("train")]}
    assert vectors.shape == (2 * len(tracks), 16) == (len(labels), 16) and len(set(labels)) == 3
    fitted = fit(vectors, labels)
    right = np.array(fitted.names)[fitted.probabilities(vectors).argmax(axis=1)] == labels
    assert right.mean() > 0.9
    assert len(known_genres(prepared, 4)[1]) == 8  # four tracks of two captions
    rows = (tmp_path / "manifest/00000/tracks.jsonl").read_text()
    odd = rows.replace('"genre 0"', '["a", "list"]').replace('"genre 1"', '"two\\nlines"')
    (tmp_path / "manifest/00000/tracks.jsonl").write_text(odd)
    assert set(known_genres(Prepared(tmp_path), 100)[1]) == {"genre 2"}
    assert known_genres(write_tiny(tmp_path / "unnamed", vector_dim=16), 100)[0].shape == (0, 0)
    assert known_genres(write_tiny(tmp_path / "plain", vector_dim=0, named=True), 100)[1] == []


def knowing(tiny_parts, folder, tensors=None):
    """The tiny model with a classifier of given tensors."""
    config, state, files = tiny_parts
    folder.mkdir(parents=True, exist_ok=True)
    if tensors is not None:
        save_file(tensors, folder / genre_classifier.FILE)
        files = files | {genre_classifier.FILE: folder / genre_classifier.FILE}
    return write_bundle(folder / "model", config | {"name": "knowing"}, state, "", files)


def test_it_survives_its_file(tiny_parts, tmp_path):
    read = load_genres(knowing(tiny_parts, tmp_path / "a", reader().tensors()))
    assert read.names == reader().names
    assert np.array_equal(read.weights, reader().weights) and np.array_equal(read.bias, reader().bias)
    assert load_genres(knowing(tiny_parts, tmp_path / "b")) is None


@pytest.mark.parametrize(
    "change",
    [
        {"names": b"no JSON"}, {"names": b"[]"}, {"names": b'["one"]'}, {"names": b'["a", 2]'},
        {"names": b'["a", "line\\nbreak"]'}, {"weights": torch.zeros(2)}, {"bias": torch.zeros(3)},
        {"weights": torch.full((2, 2), torch.nan)}, {"bias": None},
    ],
)  # fmt: skip
def test_a_damaged_one_is_refused(change, tiny_parts, tmp_path):
    change = {
        name: torch.frombuffer(bytearray(value), dtype=torch.uint8) if isinstance(value, bytes) else value
        for name, value in change.items()
    }
    tensors = {name: value for name, value in (reader().tensors() | change).items() if value is not None}
    with pytest.raises(ModelError, match="its genres.safetensors cannot be used"):
        load_genres(knowing(tiny_parts, tmp_path, tensors))


@pytest.fixture
def model(home, tiny_parts, tmp_path, text_encoder) -> str:
    """A model that takes what sounds like its first vector for ambient."""
    meaning = torch.from_numpy(text_encoder().encode("fog on a lake"))
    weights = torch.stack([20 * meaning, -20 * meaning], dim=1)
    return str(knowing(tiny_parts, tmp_path, reader().tensors() | {"weights": weights.half()}).path)


def make(model: str, prompt: str, **more):
    return Engine(device="cpu", precision="fp32").generate(
        GenerationRequest(prompt, seconds=0.5, seed=1, model=model, **more)
    )


def test_a_prompt_sounds_as_if_its_genre_had_been_typed(model):
    [meant], [typed] = make(model, "fog on a lake"), make(model, "ambient. fog on a lake")
    assert meant.read_as == "ambient" and typed.read_as == ""
    assert np.array_equal(meant.audio, typed.audio)
    assert meant.request.prompt == "fog on a lake"
    assert sidecar_for(meant, "x.wav")["read_as"] == "ambient" and "read_as" not in sidecar_for(typed, "x.wav")


def test_the_best_of_several_is_chosen_by_what_was_read(model, tiny_aligner, monkeypatch):
    engine, asked = Engine(device="cpu", aligner=tiny_aligner), []
    text = engine.judge.text
    monkeypatch.setattr(engine.judge, "text", lambda prompts: asked.extend(prompts) or text(prompts))
    engine.generate(GenerationRequest("fog on a lake", seconds=0.5, seed=1, model=model, best_of=2))
    assert asked == ["ambient. fog on a lake"]


def test_the_command_tells_what_was_read(model, tmp_path, capsys):
    made = ("--model", model, "--seconds", "0.5", "--seed", "1")
    assert cli.run(["generate", "fog on a lake", *made, "-o", str(tmp_path / "a.wav")]) == 0
    assert "read as ambient" in capsys.readouterr().out
    assert cli.run(["generate", "fog on a lake", *made, "-o", str(tmp_path / "b.wav"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["read_as"] == "ambient"
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_a_model_tells_the_genres_that_it_knows(model, tiny_bundle, capsys):
    assert cli.run(["models", "show", model]) == 0
    assert "ambient, drum and bass" in capsys.readouterr().out
    assert cli.run(["models", "show", "tiny", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["genres"] == []
