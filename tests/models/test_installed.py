"""Models are found by name or path; damaged ones are named, not hidden."""

from __future__ import annotations

import shutil

import pytest

from musicgen_app.errors import ModelError
from musicgen_app.machine import paths
from musicgen_app.models import installed


@pytest.fixture
def models(tiny_bundle, tmp_path, monkeypatch):
    """A home of the user's and app assets, with the tiny model in both."""
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(paths, "assets", lambda: tmp_path / "assets")
    shutil.copytree(tiny_bundle.path, tmp_path / "assets" / "tiny")
    shutil.copytree(tiny_bundle.path, paths.models() / "tiny")
    return paths.models()


def test_nothing_is_created(tmp_path, monkeypatch):
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    for folder in (paths.models(), paths.config(), paths.results(), paths.cache()):
        assert folder.is_relative_to(tmp_path / "home")
    installed.list_models()
    assert list(tmp_path.iterdir()) == []


def test_without_a_home_every_folder_is_the_users(monkeypatch):
    monkeypatch.delenv("TTM_APP_HOME", raising=False)
    folders = [paths.models(), paths.config(), paths.results(), paths.cache()]
    assert len(set(folders)) == 4
    assert all(folder.is_absolute() and "ttm-app" in str(folder) for folder in folders)


def test_the_users_model_comes_first(models):
    assert [bundle.path for bundle in installed.list_models()] == [models / "tiny"]
    assert installed.find("tiny").path == models / "tiny"


def test_a_model_in_the_app(models, tmp_path):
    shutil.rmtree(models)
    assert installed.find("tiny").path == tmp_path / "assets" / "tiny"


def test_another_folder_of_models(models, tiny_bundle, tmp_path):
    assert installed.find("tiny", tiny_bundle.path.parent).path == tiny_bundle.path


def test_by_path(models, tiny_bundle):
    assert installed.find(tiny_bundle.path) == tiny_bundle
    with pytest.raises(ModelError, match="not a model"):
        installed.find("./nowhere")


def test_near_miss(models):
    with pytest.raises(ModelError, match=r"unknown model 'tinny'; did you mean tiny\?"):
        installed.find("tinny")
    with pytest.raises(ModelError, match="installed: tiny"):
        installed.find("xylophone")


def test_damaged_models_are_named(models):
    broken = models / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{")
    (models / ".half.tmp").mkdir()
    (models / ".half.tmp" / "config.json").write_text("{")
    bundles, faults = installed.scan()
    assert [bundle.name for bundle in bundles] == ["tiny"]
    assert list(faults) == [broken]
    with pytest.raises(ModelError, match="not valid JSON"):
        installed.find("broken")
