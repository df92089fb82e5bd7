"""What was made is kept and found again, whatever happens to the index, to the files or to the process."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicgen_app import audio
from musicgen_app.errors import FileError, RequestError
from musicgen_app.library import Library, index, item, library, metadata
from musicgen_app.machine import files, paths
from musicgen_app.request import Choice
from support.killed import killed_at
from support.results import MODEL, RATE, REQUEST, made, write_sidecar


@pytest.fixture
def kept(tmp_path) -> Library:
    return Library(tmp_path / "results")


def titles(items) -> list[str]:
    return [item.title for item in items]


def visible(folder: Path) -> set[str]:
    """The names of the files in the folders of months, and of all in the trash."""
    return {path.name for path in folder.glob("*/*") if not path.name.startswith(".") and not path.parent.is_symlink()}


def settle(folder: Path) -> None:
    """As if the last change to every folder of the library had been a while ago."""
    for path in folder.iterdir():
        if path.is_dir():
            os.utime(path, (time.time() - 60, time.time() - 60))


# --- keeping


def test_nothing_is_created_before_something_is_kept(kept):
    assert (kept.search(), kept.count(), kept.unreadable(), kept.purge()) == ([], 0, {}, 0)
    assert kept.reindex() == library.Report(0, 0, {})
    with pytest.raises(FileError, match="no item"):
        kept.get("0" * 12)
    with pytest.raises(FileError, match="no library"):
        kept.delete("0" * 12)
    assert not kept.folder.exists()


def test_add(kept):
    before = datetime.now(UTC)
    added = kept.add(made(), source="gui")
    assert re.fullmatch(r"slow-piano-ete-7-[0-9a-f]{12}\.wav", added.path.name)
    assert added.path.parent == kept.folder / f"{before:%Y-%m}"
    assert metadata.request_from(added.path) == added.request == REQUEST
    assert (added.model, added.source, added.title) == (MODEL, "gui", REQUEST.prompt)
    assert (added.tags, added.favourite, added.trashed) == ((), False, False)
    assert (added.sample_rate, added.channels, added.samples) == (RATE, 1, RATE // 2)
    assert added.seconds_taken == {"text": 0.1, "sampling": 2.0, "decoding": 0.3}
    assert before <= datetime.fromisoformat(added.created) <= datetime.now(UTC)
    assert kept.get(added.id) == added
    assert kept.search() == [added]
    assert visible(kept.folder) == {added.path.name, added.sidecar.name}
    assert json.loads(json.dumps(added.to_dict()))["request"]["seed"] == 7


def test_the_sidecar_is_that_of_generate_with_one_entry_more(kept, tmp_path):
    added = kept.add(made(), ".flac")
    record = json.loads(added.sidecar.read_text(encoding="utf-8"))
    assert record.pop("library") == {"created": added.created, "source": "python"}
    assert record == metadata.sidecar_for(made(), added.path)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".WAV"])
def test_the_audio_is_that_of_generate(kept, tmp_path, suffix):
    result = made()
    path = audio.write(tmp_path / f"x{suffix}", result.audio, RATE, metadata.tags_for(result))
    added = kept.add(result, suffix)
    assert added.path.read_bytes() == path.read_bytes()
    assert added.path.suffix == suffix.lower()


def test_a_written_file_is_copied(kept, tmp_path):
    result = made()
    path = audio.write(tmp_path / "x.ogg", result.audio, RATE, metadata.tags_for(result))
    assert kept.add(result, ".ogg", written=path).path.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("result", "arguments", "error"),
    [
        (made(), {"suffix": ".aac"}, FileError),
        (made(), {"suffix": "/../x.wav"}, FileError),
        (made(), {"source": "elsewhere"}, RequestError),
        (made(), {"written": Path("nowhere.wav")}, FileError),
        (replace(made(), request=replace(REQUEST, seed=None)), {}, RequestError),
        (replace(made(), model=MODEL | {"name": "../x"}), {}, FileError),
    ],
)
def test_what_cannot_be_kept_leaves_nothing(kept, result, arguments, error):
    with pytest.raises(error):
        kept.add(result, **arguments)
    assert [path for path in kept.folder.rglob("*") if path.is_file()] == []


def test_half_an_item_is_never_visible(kept, monkeypatch):
    write, seen = audio.write, []

    def writing(path, *arguments, **options):
        seen.append((visible(kept.folder), kept.search()))
        write(path, *arguments, **options)
        seen.append((visible(kept.folder), titles(kept.search())))

    monkeypatch.setattr(audio, "write", writing)
    added = kept.add(made())
    assert seen == [(set(), []), ({added.path.name}, [REQUEST.prompt])]  # the sound alone has all in its tags
    assert kept.search() == [added]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.integers(0, 2**63 - 1))
def test_every_prompt_gives_a_name_of_the_allowed_kind(prompt, seed):
    name = f"{paths.slug(prompt)}-{seed}-{secrets.token_hex(6)}.wav"
    assert item.NAME.fullmatch(name)
    assert len(sidecar := metadata.sidecar_path(Path(name)).name) < 110 and Path(sidecar).name == sidecar


@pytest.mark.parametrize("prompt", ["../../etc/passwd", "con", "日本", "-" * 300, 'a"b\\c:d*e', ". ."])
def test_odd_prompts_are_kept(kept, prompt):
    added = kept.add(made(prompt))
    assert added.path.parent.parent == kept.folder
    assert kept.search(prompt.split()[0])[0].title == prompt.strip()


def test_adopt(kept, tmp_path):
    result = made()
    path = audio.write(tmp_path / "x.mp3", result.audio, RATE, metadata.tags_for(result))
    first = kept.adopt(path)
    assert (first.request, first.source, first.path.read_bytes()) == (REQUEST, "cli", path.read_bytes())
    assert first.model == {"name": "sketch", "version": "unknown", "weights_sha256": "ab" * 32, "licence": "unknown"}
    assert (first.sample_rate, first.channels, first.samples) == (RATE, 1, RATE // 2)
    write_sidecar(result, path)
    second = kept.adopt(path)
    assert (second.model, second.seconds_taken) == (MODEL, result.seconds_taken)
    write_sidecar(replace(result, request=replace(REQUEST, seed=8)), path)
    assert kept.adopt(path).model["version"] == "unknown"  # the sidecar is of another clip
    assert len({item.id for item in kept.search()}) == 3


def test_adopt_gives_back_what_was_exported(kept, tmp_path):
    added = kept.update(kept.add(made()).id, title="Opening", tags=["calm"], favourite=True)
    kept.export([added.id], tmp_path / "x.zip")
    zipfile.ZipFile(tmp_path / "x.zip").extractall(tmp_path)
    again = Library(tmp_path / "other").adopt(tmp_path / added.path.name)
    assert (again.title, again.tags, again.favourite) == ("Opening", ("calm",), True)
    assert (again.created, again.model, again.request) == (added.created, added.model, added.request)


def test_adopt_refuses_what_is_not_ours(kept, tmp_path):
    audio.write(tmp_path / "theirs.wav", made().audio, RATE, {"comment": "hello"})
    record = json.loads(metadata.tags_for(made())["comment"])
    for name, seed in (("none.wav", None), ("evil.wav", "../../x"), ("open.wav", None)):
        comment = json.dumps(record | {"seed": seed})
        if name != "none.wav":
            audio.write(tmp_path / name, made().audio, RATE, {"comment": comment})
    for name in ("none.wav", "theirs.wav", "evil.wav", "open.wav"):
        with pytest.raises((FileError, RequestError)):
            kept.adopt(tmp_path / name)
    assert not kept.folder.exists()


# --- finding


def test_search(kept):
    kept.add(made("Slow piano"))
    kept.add(made("fast drums", model="other"))
    kept.add(made("Cafe\u0301 jazz, PIANO trio"))
    assert titles(kept.search()) == ["Cafe\u0301 jazz, PIANO trio", "fast drums", "Slow piano"]
    assert titles(kept.search("piano")) == ["Cafe\u0301 jazz, PIANO trio", "Slow piano"]
    assert titles(kept.search("trio café")) == ["Cafe\u0301 jazz, PIANO trio"]
    assert titles(kept.search("piano drums")) == []
    assert titles(kept.search("%")) == titles(kept.search("_")) == []
    assert titles(kept.search(model="other")) == ["fast drums"]
    assert titles(kept.search(limit=1, offset=1)) == ["fast drums"]
    assert titles(kept.search(limit=0)) == []
    assert (kept.count("piano"), kept.count(), kept.count(model="none")) == (2, 3, 0)


def test_search_by_what_the_user_has_set(kept):
    a, b = kept.add(made("one")), kept.add(made("two"))
    kept.update(a.id, title="Opening theme", tags=["Calm", "film music"])
    kept.update(b.id, favourite=True)
    assert titles(kept.search("opening")) == titles(kept.search("film")) == titles(kept.search("one"))
    assert titles(kept.search(tag="calm")) == titles(kept.search(tag="FILM MUSIC")) == ["Opening theme"]
    assert titles(kept.search(tag="film")) == titles(kept.search(tag="cal")) == []
    assert titles(kept.search(favourite=True)) == ["two"]
    assert titles(kept.search(favourite=False)) == ["Opening theme"]


def test_search_by_time(kept):
    added = kept.add(made())
    when = datetime.fromisoformat(added.created)
    today = when.astimezone().date()
    day, hour = timedelta(days=1), timedelta(hours=1)
    assert kept.count(since=today, until=today) == kept.count(since=str(today), until=str(today)) == 1
    assert kept.count(since=today + day) == kept.count(until=str(today - day)) == 0
    assert kept.count(since=when, until=when) == kept.count(since=added.created, until=added.created) == 1
    assert kept.count(since=when + hour) == kept.count(until=(when - hour).isoformat()) == 0
    assert kept.count(since="0001-01-02", until="9999-12-30") == 1


@pytest.mark.parametrize(
    "condition",
    [
        {"since": "yesterday"},
        {"until": 3},
        {"since": ""},
        {"limit": -1},
        {"limit": True},
        {"offset": 1.5},
        {"text": "a\0b"},
        {"text": " ".join(map(str, range(101)))},
        {"tag": ""},
        {"model": 3},
    ],
)
def test_bad_conditions(kept, condition):
    with pytest.raises(RequestError):
        kept.search(**condition)


@pytest.mark.parametrize("id", ["", "abc", "../../x", "0" * 13, "A" * 12, None, 3])
def test_no_such_item(kept, id):
    kept.add(made())
    for action in (kept.get, kept.delete, kept.restore) if isinstance(id, str) else (kept.get,):
        with pytest.raises(FileError, match="no item"):
            action(id)


# --- changing


def test_what_the_user_sets_is_in_the_sidecar(kept):
    added = kept.add(made())
    changed = kept.update(added.id, title="  Opening  ", tags=["calm", "Film", "CALM "], favourite=True)
    assert (changed.title, changed.tags, changed.favourite) == ("Opening", ("calm", "Film"), True)
    assert changed == replace(added, title="Opening", tags=("calm", "Film"), favourite=True)
    assert metadata.request_from(added.path) == REQUEST
    remove_index(kept)
    assert kept.search() == [changed]
    assert kept.update(added.id, favourite=False).tags == ("calm", "Film")
    assert kept.update(added.id, title="", tags=[]) == added


@pytest.mark.parametrize(
    "change",
    [
        {"title": "a\0b"},
        {"title": "x" * 2_001},
        {"title": 3},
        {"tags": ["x" * 65]},
        {"tags": [""]},
        {"tags": [3]},
        {"tags": [str(i) for i in range(33)]},
        {"favourite": 1},
    ],
)
def test_what_may_not_be_set(kept, change):
    added = kept.add(made())
    before = added.sidecar.read_bytes()
    with pytest.raises(RequestError):
        kept.update(added.id, **change)
    assert added.sidecar.read_bytes() == before


def test_entries_of_a_newer_app_survive_a_change(kept):
    added = kept.add(made())
    record = json.loads(added.sidecar.read_text()) | {"future": {"x": "\ud800"}}
    added.sidecar.write_text(json.dumps(record))
    kept.update(added.id, favourite=True)
    assert json.loads(added.sidecar.read_text())["future"] == {"x": "\ud800"}


def test_trash_and_restore(kept):
    a, b = kept.add(made("one")), kept.add(made("two"))
    before = a.path.read_bytes(), a.sidecar.read_bytes()
    [gone] = kept.delete(a.id)
    assert gone == replace(a, path=gone.path, sidecar=gone.sidecar, trashed=True)
    assert (gone.path.parent.name, a.path.exists(), a.sidecar.exists()) == (".trash", False, False)
    assert (kept.search(), kept.search(trashed=True), kept.count(trashed=None)) == ([b], [gone], 2)
    assert kept.get(a.id) == gone
    kept.update(a.id, favourite=True)
    kept.update(a.id, favourite=False, tags=[])
    assert kept.delete([a.id, b.id, a.id])[0] == gone
    assert kept.restore([a.id]) == [a]
    assert a.path.read_bytes() == before[0] and kept.get(a.id) == a
    with pytest.raises(FileError, match="no item"):
        kept.delete([a.id, "0" * 12])
    assert kept.search() == [a]


def test_restore_replaces_nothing(kept):
    added = kept.add(made())
    kept.delete(added.id)
    added.path.write_bytes(b"precious")
    with pytest.raises(FileError, match="exists already"):
        kept.restore(added.id)
    assert added.path.read_bytes() == b"precious"
    assert (kept.folder / ".trash" / added.path.name).exists()


def test_purge(kept):
    a, b, c = (kept.add(made(name)) for name in "abc")
    kept.delete([a.id, b.id])
    with pytest.raises(FileError, match="not in the trash"):
        kept.purge([a.id, c.id])
    assert kept.count(trashed=True) == 2
    assert kept.purge(a.id) == 1
    kept.get(b.id).sidecar.write_text("damaged")
    assert kept.purge() == 1
    assert visible(kept.folder) == {c.path.name, c.sidecar.name}
    assert kept.search(trashed=None) == [c]


# --- files that change behind our back


def test_changes_behind_our_back_are_noticed(kept, tmp_path):
    a, b = kept.add(made("one")), kept.add(made("two"))
    assert kept.count() == 2
    a.path.unlink()
    assert (kept.search(), kept.count(), kept.search(trashed=None)) == ([b], 1, [b])
    with pytest.raises(FileError, match="no item"):
        kept.get(a.id)
    other = Library(tmp_path / "other")
    c = other.add(made("three"))
    old = kept.folder / "2020-01"
    old.mkdir()
    for file in (c.path, c.sidecar):
        file.rename(old / file.name)
    assert titles(kept.search()) == ["three", "two"]
    settle(kept.folder)
    assert kept.count() == 2
    old.rename(tmp_path / "away")
    assert kept.search() == [b]


def test_a_sidecar_edited_in_place_is_noticed(kept):
    added = kept.add(made())
    settle(kept.folder)
    kept.search()
    record = json.loads(added.sidecar.read_text(encoding="utf-8"))
    folder_time = added.path.parent.stat().st_mtime_ns
    with open(added.sidecar, "r+") as file:
        file.truncate()
        json.dump(record | {"library": record["library"] | {"title": "by hand"}}, file)
    assert added.path.parent.stat().st_mtime_ns == folder_time
    assert titles(kept.search()) == ["by hand"]
    assert titles(kept.search("hand")) == ["by hand"]


def test_a_folder_that_has_not_changed_is_not_read_again(kept, monkeypatch):
    added = kept.add(made())
    settle(kept.folder)
    assert kept.search() == [added]

    def read(*_):
        raise AssertionError("the folder was read again")

    monkeypatch.setattr(index.Index, "_list", read)
    assert (kept.search(), kept.count("piano")) == ([added], 1)
    monkeypatch.undo()
    second = kept.add(made("new"))
    assert kept.search() == [second, added]


def test_a_lost_sidecar_is_made_anew_from_the_tags(kept):
    added = kept.add(made())
    added.sidecar.unlink()
    [again] = kept.search()
    assert (again.id, again.request, again.samples) == (added.id, added.request, added.samples)
    assert again.model["weights_sha256"] == "ab" * 32
    long = kept.add(made("slow piano " * 180))
    long.sidecar.unlink()
    assert kept.search() == [again]
    assert "too long for a tag" in kept.unreadable()[long.path]


@pytest.mark.parametrize("state", ["added", "deleted", "restored"])
def test_a_sidecar_follows_its_sound_after_a_kill(kept, state):
    added = kept.update(kept.add(made()).id, title="mine")
    trash = kept.folder / ".trash"
    trash.mkdir()
    if state == "added":
        added.sidecar.rename(added.sidecar.with_name(f".{added.sidecar.name}"))
    elif state == "deleted":
        added.path.rename(trash / added.path.name)
    else:
        added.sidecar.rename(trash / added.sidecar.name)
    [found] = kept.search(trashed=None)
    assert (found.title, found.id, found.trashed) == ("mine", added.id, state == "deleted")
    assert {path.name for path in found.path.parent.iterdir()} == {added.path.name, added.sidecar.name}


def test_two_files_of_one_id(kept):
    added = kept.add(made())
    folder = kept.folder / "2020-01"
    folder.mkdir()
    for file in (added.path, added.sidecar):
        (folder / file.name).write_bytes(file.read_bytes())
    assert kept.count() == 1
    assert list(kept.unreadable().values()) == [
        f"another file has the id {added.id} too: move one of them out of the library"
    ]
    kept.search()[0].path.unlink()
    assert (kept.count(), kept.unreadable()) == (1, {})


def test_names_that_are_not_ours_are_left_alone(kept):
    added = kept.add(made())
    for name in ("song.wav", "a-7-0123456789AB.wav", "a-7-0123456789ab.aac", "-7-0123456789ab.wav", ".a.wav"):
        (added.path.parent / name).write_bytes(added.path.read_bytes())
    for folder in ("2026-13", "music", "2026-01-01"):
        (kept.folder / folder).mkdir()
        (kept.folder / folder / added.path.name).write_bytes(added.path.read_bytes())
    assert (kept.search(), kept.reindex().unreadable) == ([added], {})
    assert (added.path.parent / "song.wav").exists()


# --- the index


def remove_index(kept) -> None:
    for path in kept.folder.glob(".index.sqlite*"):
        path.unlink()


def tampered(statement: str, *values):
    def change(path):
        with sqlite3.connect(path) as db:
            db.execute(statement, values)

    return change


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"garbage" * 1000),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096)),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to(path.parent.parent / "elsewhere")),
        tampered("PRAGMA user_version = 99"),
        tampered("DROP TABLE items"),
        tampered("ALTER TABLE items RENAME COLUMN text TO words"),
        tampered("UPDATE items SET folder = '../..'"),
        tampered("UPDATE items SET name = 'x-7-000000000000.wav' WHERE text LIKE 'one%'"),
        tampered("UPDATE items SET stamp = x'00', created = 5"),
    ],
    ids=["gone", "empty", "garbage", "cut", "overwritten", "folder", "link", "schema", "table", "column"]
    + ["path", "name", "types"],
)
def test_a_damaged_index_is_made_anew_without_being_asked(kept, damage):
    first, second = kept.add(made("one")), kept.add(made("two"))
    settle(kept.folder)
    assert kept.search() == [second, first]
    damage(kept.folder / ".index.sqlite")
    assert kept.search() == [second, first]
    assert (kept.search("one"), kept.count(), kept.unreadable()) == ([first], 2, {})
    assert kept.reindex() == library.Report(2, 0, {})
    assert [path.name for path in kept.folder.parent.iterdir()] == ["results"]


def test_a_locked_index_does_not_stop_a_search(kept, monkeypatch):
    added = kept.add(made())
    kept.search()
    monkeypatch.setattr(index, "BUSY", 0.05)
    with sqlite3.connect(kept.folder / ".index.sqlite") as db:
        db.execute("BEGIN IMMEDIATE")
        assert kept.search("piano") == [added]


def test_reindex_notices_a_damage_that_no_search_has_met(kept):
    added = kept.add(made())
    kept.search()
    with sqlite3.connect(kept.folder / ".index.sqlite") as db:
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'newest'").fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with open(kept.folder / ".index.sqlite", "r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\x0a" + bytes(size - 1))  # an empty page: a valid index of nothing
    assert kept.reindex() == library.Report(1, 0, {})
    assert kept.search() == [added]
    with sqlite3.connect(kept.folder / ".index.sqlite") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_reindex_clears_up_what_was_left_hidden_long_ago(kept):
    added = kept.add(made())
    trash = kept.folder / ".trash"
    trash.mkdir()
    old = [  # as version 0.1 named them
        added.path.with_name(f".{'ab' * 16}.part"),
        trash / "gone-7-0123456789ab.wav.json",
    ]
    for path in old:
        path.write_text("x")
        os.utime(path, (time.time() - files.DAY - 60,) * 2)
    young = added.path.with_name(f".{'cd' * 16}.part")
    young.write_text("x")
    mine = added.path.with_name("notes.json")
    mine.write_text("x")
    os.utime(mine, (0, 0))
    kept.reindex()
    assert [path.exists() for path in (*old, young, mine, added.path)] == [False] * 2 + [True] * 3


# --- files from elsewhere


def changed_record(**entries):
    return lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | entries))


MALICIOUS = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("hello"),
    "list": lambda path: path.write_text("[]"),
    "utf-16": lambda path: path.write_text("{}", encoding="utf-16"),
    "large": lambda path: path.write_text(
        json.dumps(json.loads(path.read_text()) | {"x": "x" * metadata.RECORD_BYTES})
    ),
    "deep": lambda path: path.write_text("[" * 60_000),
    "link": lambda path: (path.rename(path.parent / "real.json"), path.symlink_to(path.parent / "real.json")),
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "fifo": lambda path: (path.unlink(), os.mkfifo(path)),
    "mark": changed_record(ai_generated=False),
    "schema": changed_record(schema=99),
    "model": changed_record(model="/etc/passwd"),
    "weights": changed_record(weights="../x"),
    "prompt": changed_record(prompt=""),
    "prompt type": changed_record(prompt=["x"]),
    "seed": changed_record(seed=-1),
    "no seed": changed_record(seed=None),
    "seconds": changed_record(seconds=float("nan")),
    "version": changed_record(model_version="\x1b[31m"),
    "licence": changed_record(model_licence={}),
    "rate": changed_record(sample_rate="8000"),
    "channels": changed_record(channels=10**9),
    "samples": changed_record(samples=True),
    "taken": changed_record(seconds_taken=[1]),
    "taken value": changed_record(seconds_taken={"text": float("inf")}),
    "note": changed_record(library=[]),
    "created": changed_record(library={"created": "../../../../tmp/x"}),
    "created month": changed_record(library={"created": "2026-99-01T00:00:00.000000Z"}),
    "source": changed_record(library={"source": "x"}),
    "title": changed_record(library={"title": "\ud800"}),
    "title type": changed_record(library={"title": {}}),
    "tags": changed_record(library={"tags": "calm"}),
    "tag": changed_record(library={"tags": [["calm"]]}),
    "favourite": changed_record(library={"favourite": "yes"}),
}


@pytest.mark.parametrize("change", MALICIOUS.values(), ids=MALICIOUS)
def test_a_bad_sidecar_hides_its_sound_and_nothing_else(kept, change):
    good, bad = kept.add(made("good")), kept.add(made("bad"))
    change(bad.sidecar)
    for _ in range(2):
        assert kept.search(trashed=None) == [good]
        [(path, reason)] = kept.unreadable().items()
        assert path == bad.path and reason and "\n" not in reason
    assert kept.reindex().unreadable.keys() == {bad.path}
    assert bad.path.exists() and os.path.lexists(bad.sidecar)


def test_names_in_a_sidecar_are_not_used(kept):
    added = kept.add(made())
    changed_record(file="../../../x.wav", path="/etc/passwd", id="0" * 12)(added.sidecar)
    assert kept.search() == [added]
    assert kept.delete(added.id)[0].path == kept.folder / ".trash" / added.path.name


def test_links_are_refused(kept, tmp_path):
    added = kept.add(made())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for file in (added.path, added.sidecar):
        (elsewhere / file.name).write_bytes(file.read_bytes())
    (kept.folder / "2020-01").symlink_to(elsewhere)
    (kept.folder / ".trash").symlink_to(elsewhere)
    assert kept.search(trashed=None) == [added]
    with pytest.raises(FileError, match="is a link"):
        kept.delete(added.id)
    added.path.unlink()
    added.path.symlink_to(elsewhere / added.path.name)
    assert kept.search() == []
    assert "plain file" in kept.unreadable()[added.path]
    assert len(list(elsewhere.iterdir())) == 2


# --- taking out


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".ogg", ".wav"])
def test_convert(kept, tmp_path, suffix):
    result = made()
    direct = audio.write(tmp_path / f"direct{suffix}", result.audio, RATE, metadata.tags_for(result))
    added = kept.add(result)
    converted = kept.convert(added.id, suffix.upper(), tmp_path)
    assert converted == tmp_path / (added.path.stem + suffix)
    assert audio.read_tags(converted) == audio.read_tags(direct)
    assert metadata.request_from(converted) == REQUEST
    sound, before = audio.read(converted)[0], audio.read(added.path)[0]
    assert sound.shape == before.shape
    assert np.array_equal(sound, before) == (suffix in (".flac", ".wav"))
    assert (converted.read_bytes() == direct.read_bytes()) or suffix != ".wav"


@pytest.mark.parametrize(("old", "new"), [(".wav", ".mp3"), (".flac", ".wav"), (".wav", ".wav")])
def test_convert_keeps_a_prompt_too_long_for_a_wav(kept, tmp_path, old, new):
    added = kept.add(made("slow piano " * 180), old)
    converted = kept.convert(added.id, new, tmp_path)
    assert metadata.request_from(converted) == added.request
    assert metadata.sidecar_path(converted).exists() == (new == ".wav")


def test_convert_replaces_nothing(kept, tmp_path):
    added = kept.add(made())
    target = kept.convert(added.id, ".ogg", tmp_path)
    target.write_text("precious")
    with pytest.raises(FileError, match="exists already"):
        kept.convert(added.id, ".OGG", tmp_path)
    assert target.read_text() == "precious"
    assert kept.convert(added.id, ".ogg", tmp_path, force=True).stat().st_size > 100
    with pytest.raises(FileError, match="no format"):
        kept.convert(added.id, ".aac", tmp_path)


@pytest.mark.parametrize("suffix", [None, ".flac"])
def test_export(kept, tmp_path, suffix):
    items = [kept.add(made(name, seed)) for name, seed in (("one", 1), ("one", 1), ("two", 2))]
    path = kept.export([item.id for item in items] * 2, tmp_path / "x.zip", suffix)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(set(names)) == len(names) == 6 and all(Path(name).name == name for name in names)
        archive.extractall(tmp_path / "out")
    for added in items:
        found = tmp_path / "out" / (added.path.stem + (suffix or ".wav"))
        assert metadata.request_from(found) == added.request
        assert json.loads(metadata.sidecar_path(found).read_text(encoding="utf-8"))["file"] == found.name
        assert audio.read(found)[0].tobytes() == audio.read(added.path)[0].tobytes()


def test_export_is_all_or_nothing(kept, tmp_path, monkeypatch):
    items = [kept.add(made(name)) for name in "abc"]
    target = tmp_path / "x.zip"
    target.write_text("precious")
    with pytest.raises(FileError, match="exists already"):
        kept.export([items[0].id], target)
    with pytest.raises(RequestError, match="nothing to export"):
        kept.export([], tmp_path / "y.zip")
    encode, count = audio.encode, iter(range(3))

    def failing(*arguments):
        if next(count) == 2:
            raise FileError("cannot encode")
        return encode(*arguments)

    monkeypatch.setattr(audio, "encode", failing)
    with pytest.raises(FileError, match="cannot encode"):
        kept.export([item.id for item in items], target, ".mp3", force=True)
    assert target.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "x.zip"]


# --- several processes, and kills

CHILD = """
import sys
from pathlib import Path
from support.results import made
from musicgen_app.library import Library

kept = Library(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
"""

ADDING = """
for seed in range(int(sys.argv[2])):
    print(kept.add(made("together", seed)).id, flush=True)
    assert kept.count() > 0
"""

WORKING = """
for seed in range(10_000):
    id = kept.add(made("work", seed)).id
    print(id, flush=True)
    if seed % 2:
        kept.update(id, title=f"title {seed}", favourite=True)
        kept.delete(id)
    if seed % 4 == 3:
        kept.restore(id)
    kept.search("work", limit=3)
"""


def start(code: str, *arguments: object) -> subprocess.Popen:
    environment = dict(os.environ)
    command = [sys.executable, "-c", CHILD + code, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    child = subprocess.Popen(command, env=environment, text=True, **pipes)
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.mark.slow
def test_two_processes_add_at_once(kept):
    children = [start(ADDING, kept.folder, 10) for _ in range(2)]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    while any(child.poll() is None for child in children):
        assert all(item.path.exists() for item in kept.search())
    ids = [id for child in children for id in child.communicate()[0].split()]
    assert [child.returncode for child in children] == [0, 0]
    assert len(set(ids)) == 20
    assert {item.id for item in kept.search()} == set(ids)
    assert kept.reindex() == library.Report(20, 0, {})


def test_a_library_on_windows(kept, tmp_path, windows_rules):
    first, second = kept.add(made()), kept.add(made(seed=8))
    kept.update(first.id, title="mine")
    kept.delete([first.id, second.id])
    kept.restore(first.id)
    assert (titles(kept.search()), kept.purge()) == (["mine"], 1)
    kept.convert(first.id, ".flac", tmp_path)
    kept.export(first.id, tmp_path / "all.zip")
    kept.export(first.id, tmp_path / "all.zip", force=True)
    assert visible(kept.folder) == {first.path.name, first.sidecar.name}
    assert kept.reindex() == library.Report(1, 0, {})


@pytest.mark.parametrize("place", ["musicgen_app.audio.write", "musicgen_app.library.clip_files.follow"])
def test_the_next_one_that_adds_sweeps_what_a_kill_left(kept, place):
    code = "import sys; from pathlib import Path; from support.results import made\n"
    code += "from musicgen_app.library import Library; Library(Path(sys.argv[1])).add(made('killed'))"
    killed_at(place, code, kept.folder)
    assert any(path.suffix == ".sidecar" for path in kept.folder.rglob("*"))
    added = kept.add(made())
    assert {path.name for path in added.path.parent.iterdir()} == visible(kept.folder)
    assert set(titles(kept.search())) == {REQUEST.prompt} | ({"killed"} if place.endswith("follow") else set())


def test_emptying_the_trash_takes_sidecars_whose_sound_is_gone(kept):
    deleted = kept.delete(kept.add(made()).id)[0]
    deleted.path.unlink()  # as a purge leaves it that is killed
    assert kept.purge() == 0 and list(deleted.path.parent.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.004, 0.02])
def test_killed_at_any_moment(kept, delay):
    child = start(WORKING, kept.folder)
    child.stdin.write("go\n")
    child.stdin.flush()
    done = [child.stdout.readline().strip() for _ in range(12)]
    time.sleep(delay)
    child.send_signal(signal.SIGKILL)
    done += child.communicate()[0].split()

    found = {item.id: item for item in kept.search(trashed=None)}
    assert found.keys() >= set(done) and len(found) <= len(done) + 1
    for seed, id in enumerate(done[:-1]):
        assert found[id].trashed == (seed % 4 == 1)
        assert found[id].title == (f"title {seed}" if seed % 2 else "work")
    assert kept.unreadable() == {}
    for item_ in found.values():
        assert audio.read(item_.path)[0].shape == (1, RATE // 2)
        assert metadata.request_from(item_.path) == item_.request
    assert visible(kept.folder) == {file.name for item_ in found.values() for file in (item_.path, item_.sidecar)}
    counts = len([item_ for item_ in found.values() if not item_.trashed]), kept.count(trashed=True)
    assert kept.reindex() == library.Report(*counts, {})


def test_the_score_of_the_best_of_several_is_kept(tmp_path):
    library = Library(tmp_path)
    choice = Choice(best_of=4, first_seed=4, score=0.4125, judge="aligner 0123abcd")
    best = library.add(replace(made(), choice=choice))
    assert library.get(best.id).choice == best.choice == choice and library.add(made()).choice is None
    assert best.to_dict()["choice"] == {"best_of": 4, "first_seed": 4, "score": 0.4125, "judge": "aligner 0123abcd"}
    record = json.loads(best.sidecar.read_text())
    for wrong in ({"score": 7}, {"best_of": "4"}, {"first_seed": -1}, {"judge": None}):
        with pytest.raises(RequestError):
            item.item_from(best.path, record | wrong)
