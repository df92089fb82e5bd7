"""Frozen parts: finding them without the network, downloading from a (local) hub, resuming, refusing what differs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from musicgen_app.cli.commands import run
from musicgen_app.errors import Cancelled, FileError, ModelError
from musicgen_app.models import download, hub
from support.hub_server import Handler, etag, running

REVISION = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = bytes(range(256)) * 12_000  # 3 MB: three blocks of a download
FILES = {"config.json": b'{"a": 1}', "sub/model.safetensors": WEIGHTS}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "hf" / "hub"


@pytest.fixture
def part(monkeypatch) -> hub.Part:
    pinned = {"sub/model.safetensors": sha256(WEIGHTS)}
    part = hub.Part("org/tiny", REVISION, tuple(FILES), 3_072_008, "CC0-1.0", pinned)
    monkeypatch.setitem(hub.PARTS, "tiny", part)
    return part


@pytest.fixture
def server(cache, part, monkeypatch, tmp_path):
    """A hub with one repository."""
    files = {file: tmp_path / "published" / file for file in FILES}
    for file, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[file])
    with running({part.repo: files}, {part.repo: REVISION}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


def one_line(caught) -> str:
    message = str(caught.value)
    assert "\n" not in message and len(message) < 300
    return message


def test_every_part_is_pinned():
    for name, part in hub.PARTS.items():
        assert re.fullmatch("[0-9a-f]{40}", part.revision), name
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in part.sha256.values()), name
        assert part.sha256.keys() <= set(part.files), name
        assert not [file for file in part.files if "*" in file], name
        assert hub.source(name) == {"repo": part.repo, "revision": part.revision}
        unpinned = [file for file in part.files if file.endswith(".bin") and file not in part.sha256]
        assert not unpinned, name  # a pickle is only ever read where its bytes are known


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HF_HUB_CACHE": "/a/b", "HF_HOME": "/c"}, "/a/b"),
        ({"HF_HOME": "/c"}, "/c/hub"),
        ({"XDG_CACHE_HOME": "/d"}, "/d/huggingface/hub"),
        ({}, "~/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_the_one_of_the_library(environment, expected, monkeypatch):
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert hub.cache() == Path(expected).expanduser()
    library = "from huggingface_hub.constants import HF_HUB_CACHE; print(HF_HUB_CACHE)"
    run = subprocess.run([sys.executable, "-c", library], capture_output=True, text=True, check=True)
    assert Path(run.stdout.strip()) == hub.cache()


def test_finding_imports_no_library():
    code = "import sys; from musicgen_app.models import hub, paper_systems; hub.present('flan-t5-base')"
    code += "; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"huggingface_hub", "transformers", "torch"} & set(run.stdout.split())


def test_absent_names_the_command(cache, part):
    assert not hub.present("tiny")
    with pytest.raises(ModelError) as caught:
        hub.locate(hub.source("tiny"), "bundle")
    assert "org/tiny is not on this machine" in one_line(caught)
    assert "ttm-app models download tiny" in str(caught.value)


def test_an_unknown_repository_names_its_own_command(cache):
    with pytest.raises(ModelError) as caught:
        hub.locate({"repo": "someone/model", "revision": REVISION}, "bundle")
    assert f"hf download someone/model --revision {REVISION}" in one_line(caught)


@pytest.mark.parametrize("bad", [{"repo": "../x", "revision": REVISION}, {"repo": "a/b", "revision": "main"}, {}])
def test_a_source_cannot_lead_elsewhere(bad, cache):
    with pytest.raises(ModelError, match="names no repository and revision"):
        hub.locate(bad, "bundle")


def test_a_folder_inside_the_bundle(tmp_path):
    (tmp_path / "bundle" / "text").mkdir(parents=True)
    assert hub.locate({"path": "text"}, tmp_path / "bundle") == tmp_path / "bundle" / "text"
    with pytest.raises(ModelError, match="is missing"):
        hub.locate({"path": "codec"}, tmp_path / "bundle")
    for outside in ("..", "/", 5):
        with pytest.raises(ModelError, match="not a path inside"):
            hub.locate({"path": outside}, tmp_path / "bundle")


def test_fetch_then_locate(server, cache):
    seen = []
    folder = download.fetch("tiny", lambda done, total: seen.append((done, total)))
    assert folder == cache / "models--org--tiny" / "snapshots" / REVISION
    assert {file: (folder / file).read_bytes() for file in FILES} == FILES
    assert hub.present("tiny") and hub.locate(hub.source("tiny"), "") == folder
    hub.verify("tiny")
    total = sum(map(len, FILES.values()))
    assert seen[-1] == (total, total) and seen == sorted(seen) and len(seen) > 3
    assert not list(cache.rglob("*.incomplete"))


def test_a_part_out_of_a_folder(cache, part, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for file, data in FILES.items():
        path = tmp_path / "stick" / "tiny" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert run(["models", "download", "tiny", "--from", str(tmp_path / "stick")]) == 0
    assert "taken from" in capsys.readouterr().err
    hub.verify("tiny")


def test_the_library_finds_what_was_fetched(server, cache):
    from huggingface_hub import snapshot_download

    folder = download.fetch("tiny")
    found = snapshot_download("org/tiny", revision=REVISION, cache_dir=cache, local_files_only=True)
    assert Path(found) == folder


def test_nothing_is_told_about_this_machine():
    code = "from musicgen_app.models import hub; hub.library(); from huggingface_hub.utils import build_hf_headers"
    code += "; print(build_hf_headers()['user-agent'])"
    environment = {key: value for key, value in os.environ.items() if "TELEMETRY" not in key}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "torch" not in run.stdout and "agent/" not in run.stdout


def test_what_is_here_is_not_asked_for_again(server):
    download.fetch("tiny")
    server.bodies.clear()
    server.status = 500
    download.fetch("tiny")
    assert not server.bodies


def test_a_broken_connection_is_taken_up_again(server):
    server.stop_after, server.breaks = 1_100_000, 2
    folder = download.fetch("tiny")
    assert (folder / "sub/model.safetensors").read_bytes() == WEIGHTS
    starts = [first for file, first in server.bodies if file.endswith(".safetensors")]
    assert len(starts) == 3 and starts[0] == 0 < starts[1] < starts[2]


def test_a_stopped_download_goes_on_in_the_next_run(server, cache):
    def stop(done, total):
        if done > 1_500_000:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        download.fetch("tiny", stop)
    assert not hub.present("tiny")
    with pytest.raises(ModelError, match=r"only half on this machine \(sub/model.safetensors is missing\)"):
        hub.locate(hub.source("tiny"), "")
    server.bodies.clear()
    folder = download.fetch("tiny")
    assert (folder / "sub/model.safetensors").read_bytes() == WEIGHTS
    assert server.bodies[0][1] > 1_000_000 and len(server.bodies) == 1


def test_a_server_without_ranges_begins_again(server, cache):
    blob = cache / "models--org--tiny" / "blobs" / f"{sha256(WEIGHTS)}.incomplete"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"x" * 1000)
    server.ranges = False
    folder = download.fetch("tiny")
    assert (folder / "sub/model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("sent", [WEIGHTS[:-1] + b"x", WEIGHTS[:-5]])
def test_other_bytes_than_the_pinned_are_refused(sent, server, cache):
    published = server.files["org/tiny"]["sub/model.safetensors"]
    published.write_bytes(sent)
    with pytest.raises(ModelError, match="not the pinned file") as caught:
        download.fetch("tiny")
    one_line(caught)
    assert not hub.present("tiny") and not list(cache.rglob("*.incomplete"))
    published.write_bytes(WEIGHTS)
    download.fetch("tiny")
    hub.verify("tiny")


def test_damage_on_the_disk_is_found_and_mended(server):
    folder = download.fetch("tiny")
    (folder / "sub/model.safetensors").resolve().write_bytes(WEIGHTS[:-1] + b"x")
    with pytest.raises(ModelError, match="SHA-256 differs") as caught:
        hub.verify("tiny")
    assert "ttm-app models download tiny" in one_line(caught)
    download.fetch("tiny")
    hub.verify("tiny")


def test_a_hash_that_is_not_pinned_is_that_of_the_name(server, monkeypatch, part):
    monkeypatch.setitem(hub.PARTS, "tiny", hub.Part(part.repo, part.revision, part.files, part.size, part.licence))
    folder = download.fetch("tiny")
    hub.verify("tiny")
    (folder / "sub/model.safetensors").resolve().write_bytes(b"x")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        hub.verify("tiny")


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", lambda path: path.unlink()),
        ("sub/model.safetensors", lambda path: path.resolve().unlink()),  # the link leads nowhere
    ],
)
def test_half_of_it_is_not_present(file, change, server):
    folder = download.fetch("tiny")
    change(folder / file)
    assert not hub.present("tiny")
    with pytest.raises(ModelError) as caught:
        hub.locate(hub.source("tiny"), "")
    assert f"{file} is missing" in one_line(caught) and "ttm-app models download tiny" in str(caught.value)
    download.fetch("tiny")
    assert hub.present("tiny")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, "update ttm-app"),
        (403, "accepted its terms"),  # the server here names it gated
        (401, "unset HF_TOKEN"),
        (503, "answered 503"),
        (429, "too many requests"),
    ],
)
def test_refusals_are_one_line(status, expected, server):
    server.status = status
    began = time.monotonic()
    with pytest.raises(ModelError, match=expected) as caught:
        download.fetch("tiny")
    one_line(caught)
    assert time.monotonic() - began < 5


def test_a_page_instead_of_the_hub_is_one_line(server, monkeypatch):
    send = Handler.send_header
    monkeypatch.setattr(Handler, "send_header", lambda *args: send(*args) if args[1] != "ETag" else None)
    with pytest.raises(ModelError, match="proxy in between") as caught:
        download.fetch("tiny")
    one_line(caught)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://nowhere.invalid"])
def test_no_network_is_one_quick_line(endpoint, cache, part, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    began = time.monotonic()
    with pytest.raises(ModelError, match="no connection to download org/tiny.*--offline says") as caught:
        download.fetch("tiny")
    one_line(caught)
    assert time.monotonic() - began < 5


def test_a_server_that_is_gone_half_way_is_one_line(server):
    server.stop_after, server.breaks = 0, 99
    with pytest.raises(ModelError, match="goes on where it stopped") as caught:
        download.fetch("tiny")
    one_line(caught)


@pytest.mark.parametrize("by_environment", [True, False])
def test_offline_asks_nobody(by_environment, server, monkeypatch):
    if by_environment:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="offline is asked for") as caught:
        download.fetch("tiny", offline=not by_environment)
    one_line(caught)
    assert not server.tokens


def test_a_full_disk_is_one_line(server, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(FileError, match="org/tiny needs 3 MB, but only .* are free in .*, or set HF_HOME") as caught:
        download.fetch("tiny")
    one_line(caught)


def test_a_disk_that_fills_up_meanwhile_is_one_line(server, monkeypatch):
    def fill(*args):
        raise OSError(download.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_request", fill)
    with pytest.raises(FileError, match="is full") as caught:
        download.fetch("tiny")
    one_line(caught)


def test_a_cache_that_cannot_be_written_is_one_line(server, cache):
    cache.parent.mkdir()
    cache.write_text("a file where the folder should be")
    with pytest.raises(FileError, match="cannot write to the Hugging Face cache") as caught:
        download.fetch("tiny")
    one_line(caught)


def test_two_downloads_at_once_do_not_mix(server, cache):
    from filelock import FileLock

    lock = cache / ".locks" / "models--org--tiny" / f"{etag(server.files['org/tiny']['config.json'])}.lock"
    lock.parent.mkdir(parents=True)
    with FileLock(lock), pytest.raises(ModelError, match="another program is downloading") as caught:
        download.fetch("tiny")
    one_line(caught)


def test_unknown_part():
    for call in (hub.present, hub.verify, download.fetch, hub.source):
        with pytest.raises(ModelError, match="unknown part 'tinny'"):
            call("tinny")
