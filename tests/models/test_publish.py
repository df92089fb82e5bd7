"""Models and adapters to a public repository: what arrives there is the whole folder, and nothing but it."""

from __future__ import annotations

import pytest

import musicgen_app
from musicgen_app import cli
from musicgen_app.errors import FileError, ModelError, RequestError
from musicgen_app.models.adapters import adapted, open_adapter
from musicgen_app.models.bundle import open_bundle, verify
from support.adapter_files import write_random
from support.hub_uploads import taking_uploads


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with taking_uploads() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", "hf_test")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        yield server


def unpacked(hub, repo, folder):
    for name, content in hub.repositories[repo]["files"].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_a_model_arrives_whole_with_its_card(home, tiny_bundle, hub, tmp_path):
    address = musicgen_app.push_to_hub(tiny_bundle, "somebody/tiny", private=True)
    assert address == "https://huggingface.co/somebody/tiny" and hub.repositories["somebody/tiny"]["private"] is True
    made = open_bundle(unpacked(hub, "somebody/tiny", tmp_path / "model"))
    verify(made)
    assert made.config == tiny_bundle.config and (made.path / "README.md").read_text() == "# tiny\n"
    assert {p.name for p in made.path.iterdir()} == {"config.json", "model.safetensors", "README.md", "codec"}
    assert hub.tokens == {"Bearer hf_test"}


def test_an_adapter_and_a_model_with_one_arrive(home, tiny_bundle, hub, tmp_path, capsys):
    adapter = write_random(tmp_path / "bright", tiny_bundle)
    (adapter.path / "notes-of-mine.txt").write_text("private")
    assert cli.run(["models", "push", str(adapter.path), "somebody/bright"]) == 0
    assert capsys.readouterr().out.strip() == "https://huggingface.co/somebody/bright"
    found = open_adapter(unpacked(hub, "somebody/bright", tmp_path / "found"))
    assert found.weights_sha256 == adapter.weights_sha256 and not (found.path / "notes-of-mine.txt").exists()
    musicgen_app.push_to_hub(adapted(tiny_bundle, {str(adapter.path): 1.0}), "somebody/both")
    both = open_bundle(unpacked(hub, "somebody/both", tmp_path / "both"))
    verify(both)
    assert both.config["files"]["model.safetensors"] != tiny_bundle.config["files"]["model.safetensors"]


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_hub_that_refuses_is_told_in_one_line(home, tiny_bundle, hub, capsys, status):
    hub.status = status
    assert cli.run(["models", "push", "tiny", "somebody/tiny"]) == 4
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1 and "hf auth login" in said and "hf_test" not in said
    assert not hub.repositories


@pytest.mark.parametrize("repo", ["tiny", "../x", "a/b/c", "a/..", "a b/c", ""])
def test_no_name_of_a_repository_is_refused_before_anything_is_sent(home, tiny_bundle, hub, repo):
    with pytest.raises(RequestError, match="OWNER/NAME"):
        musicgen_app.push_to_hub(tiny_bundle, repo)
    assert not hub.tokens


def test_saved_models_are_read_again_and_nothing_is_replaced_unasked(home, tiny_bundle, tmp_path):
    made = musicgen_app.save_pretrained(tiny_bundle, tmp_path / "copy")
    assert musicgen_app.from_pretrained(str(made.path)).config == tiny_bundle.config
    with pytest.raises(FileError, match="exists"):
        musicgen_app.save_pretrained(tiny_bundle, tmp_path / "copy")
    musicgen_app.save_pretrained(tiny_bundle, tmp_path / "copy", overwrite=True)
    (made.path / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ModelError, match="SHA-256"):
        musicgen_app.save_pretrained(open_bundle(made.path), tmp_path / "other")
    assert not (tmp_path / "other").exists()
