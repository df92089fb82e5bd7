"""Files and folders are whole or not there: full disks, other writers, Windows, kill -9; and what is left goes."""

from __future__ import annotations

import builtins
import errno
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

from musicgen_app.errors import FileError
from musicgen_app.machine import files


def failing(number: int):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


def fill(path: Path, text: str = "new", **options) -> Path:
    with files.writing_folder(path, **options) as new:
        (new / "inside").mkdir()
        (new / "inside" / "a").write_text(text)
    return path


def text_of(path: Path) -> str:
    assert [entry.name for entry in path.iterdir()] == ["inside"]
    return (path / "inside" / "a").read_text()


# --- room


def test_room_is_that_of_the_disk_for_all_folders_on_it(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=3_000_000))
    one, other = tmp_path / "not" / "there", tmp_path / "yet"
    files.check_room({one: 1_000_000, other: 2_000_000}, "it")
    for needs in ({one: 3_000_001}, {one: 2_000_000, other: 2_000_000}):
        with pytest.raises(FileError, match=r"^it needs [34] MB, but only 3 MB are free in .*: free some space$"):
            files.check_room(needs, "it")
    assert not one.exists() and not other.exists()


@pytest.mark.parametrize(("size", "words"), [(500, "0 kB"), (2.4e6, "2 MB"), (999e6, "999 MB"), (1.738e9, "1.74 GB")])
def test_sizes_in_words(size, words):
    assert files.in_words(size) == words


# --- files


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_file_made_in_the_meantime_is_kept(tmp_path, monkeypatch, hard_links):
    path = tmp_path / "clip.wav"
    path.write_bytes(b"mine")
    monkeypatch.setattr(files, "check_free", lambda path, overwrite: None)
    if not hard_links:
        monkeypatch.setattr(os, "link", failing(errno.EPERM))
    with pytest.raises(FileError, match="clip.wav exists already.*--force"):
        files.write(path, b"theirs")
    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["clip.wav"]


def test_a_file_system_without_hard_links(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    assert files.write(tmp_path / "a", b"data").read_bytes() == b"data"
    monkeypatch.setattr(os, "replace", failing(errno.EACCES))
    with pytest.raises(FileError, match="cannot write"):
        files.write(tmp_path / "b", b"data")
    assert os.listdir(tmp_path) == ["a"]


def test_new_files_have_ordinary_permissions(tmp_path):
    (tmp_path / "ordinary").write_bytes(b"")
    path = files.write(tmp_path / "ours", b"")
    assert path.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_really_full_disk(tmp_path, monkeypatch):
    def open_full(path, mode):
        builtins.open(path, mode).close()
        return builtins.open("/dev/full", "wb")

    monkeypatch.setattr(files, "open", open_full, raising=False)
    with pytest.raises(FileError, match="No space left on device; free some space"):
        files.write(tmp_path / "clip.flac", b"data")
    assert not os.listdir(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_write_the_system_cuts_off(tmp_path):
    script = (
        "import resource, sys; from musicgen_app.machine import files; from musicgen_app.errors import FileError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try: files.write(sys.argv[1], bytes(50_000))\n"
        "except FileError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "clip.wav"], capture_output=True, text=True, check=True
    )
    assert "cannot write" in done.stdout
    assert not os.listdir(tmp_path)


def test_a_file_that_is_left_early_is_not_there(tmp_path):
    with pytest.raises(ZeroDivisionError), files.writing(tmp_path / "a") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert not os.listdir(tmp_path)


# --- folders


def test_a_folder_is_there_once_it_is_whole(tmp_path):
    with files.writing_folder(tmp_path / "deep" / "model") as new:
        (new / "a").write_text("x")
        assert [entry.name[0] for entry in (tmp_path / "deep").iterdir()] == ["."]
    assert os.listdir(tmp_path / "deep") == ["model"]
    with pytest.raises(FileError, match="model exists already.*--force"):
        fill(tmp_path / "deep" / "model")
    assert os.listdir(tmp_path / "deep" / "model") == ["a"]


def test_a_folder_replaces_a_folder_or_a_link(tmp_path):
    fill(tmp_path / "a", "old")
    assert text_of(fill(tmp_path / "a", "new", overwrite=True)) == "new"
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert text_of(fill(tmp_path / "link", "newer", overwrite=True)) == "newer"
    assert text_of(tmp_path / "a") == "new" and sorted(os.listdir(tmp_path)) == ["a", "link"]


def test_a_folder_of_a_long_name_is_made_and_never_replaced_by_halves(tmp_path):
    path = tmp_path / ("x" * 240)
    for _ in range(2):
        with pytest.raises(FileError, match="too long") if path.exists() else nullcontext():
            with files.writing_folder(path, overwrite=True) as folder:
                (folder / "a").write_text("whole")
        assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert (path / "a").read_text() == "whole"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), ValueError()])
@pytest.mark.parametrize("moves", [0, 1])
def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch, error, moves):
    """The first or the second of the two renames fails."""
    fill(tmp_path / "a", "old")
    real, left = os.replace, [moves]

    def refused(source, target):
        if not left:
            return real(source, target)
        if left[0] == 0:
            left.clear()
            raise error
        left[0] -= 1
        return real(source, target)

    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(FileError if isinstance(error, OSError) else type(error)):
        fill(tmp_path / "a", overwrite=True)
    assert os.listdir(tmp_path) == ["a"] and text_of(tmp_path / "a") == "old"


def test_every_file_of_a_folder_reaches_the_disk_before_its_name_does(tmp_path, monkeypatch):
    synced, replace = [], os.replace
    monkeypatch.setattr(files, "_flush", lambda path, how: synced.append(Path(path).name))

    def named(source, target):
        assert {"inside", "a", source.name} == set(synced)
        replace(source, target)

    monkeypatch.setattr(os, "replace", named)
    fill(tmp_path / "b")
    assert synced[-1] == tmp_path.name


def test_many_replace_one_folder_at_once(tmp_path):
    fill(tmp_path / "a", "0")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: fill(tmp_path / "a", str(n), overwrite=True), range(1, 13)))
    assert os.listdir(tmp_path) == ["a"] and text_of(tmp_path / "a") in map(str, range(1, 13))


def test_removing_a_folder(tmp_path):
    files.remove_folder(fill(tmp_path / "a"))
    (tmp_path / "link").symlink_to(fill(tmp_path / "b"))
    files.remove_folder(tmp_path / "link")
    assert os.listdir(tmp_path) == ["b"]


# --- Windows


def test_windows_rules(tmp_path, windows_rules):
    files.write(tmp_path / "a", b"1")
    files.write(tmp_path / "a", b"2", overwrite=True)
    with pytest.raises(FileError, match="exists already"):
        files.write(tmp_path / "a", b"3")
    fill(tmp_path / "b", "old")
    assert text_of(fill(tmp_path / "b", overwrite=True)) == "new"
    files.rename(tmp_path / "a", tmp_path / "b" / "a")
    files.remove_folder(tmp_path / "b")
    assert os.listdir(tmp_path) == []


def test_what_another_program_has_open_stays_as_it_is(tmp_path, windows_rules, monkeypatch):
    monkeypatch.setattr(files, "PAUSES", (0.01,))
    files.write(tmp_path / "a", b"old")
    fill(tmp_path / "b", "old")
    with open(tmp_path / "a"), open(tmp_path / "b" / "inside" / "a"):
        with pytest.raises(FileError, match="cannot write .*/a: The file is being used"):
            files.write(tmp_path / "a", b"new", overwrite=True)
        with pytest.raises(FileError, match="cannot write .*/b: The file is being used"):
            fill(tmp_path / "b", overwrite=True)
    assert (tmp_path / "a").read_text() == text_of(tmp_path / "b") == "old"
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_file_that_is_open_for_a_moment_is_waited_for(tmp_path, windows_rules):
    files.write(tmp_path / "a", b"old")
    with ThreadPoolExecutor(1) as pool:
        with open(tmp_path / "a") as held:
            written = pool.submit(files.write, tmp_path / "a", b"new", True)
            time.sleep(0.1)
        assert held.closed and written.result() == tmp_path / "a"
    assert (tmp_path / "a").read_bytes() == b"new"


# --- what a kill leaves

WRITER = """
import os, sys
from pathlib import Path
from musicgen_app.machine import files

folder, what = Path(sys.argv[1]), sys.argv[2]

def wait():
    print("half", flush=True)
    sys.stdin.read()

if what == "file":
    with files.writing(folder / "a") as file:
        file.write(b"x")
        wait()
elif what == "folder":
    with files.writing_folder(folder / "a") as new:
        (new / "b").write_text("x")
        wait()
elif what == "replaced":
    move = files._move
    def moved(source, target):
        move(source, target)
        wait()
    files._move = moved  # the old folder has gone, the new one has not come
    with files.writing_folder(folder / "model", overwrite=True) as new:
        (new / "b").write_text("x")
"""


def half(folder: Path, what: str) -> subprocess.Popen:
    """A process in the middle of writing."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    child = subprocess.Popen([sys.executable, "-c", WRITER, folder, what], **pipes)
    assert child.stdout.readline() == b"half\n"
    return child


def end(child: subprocess.Popen) -> None:
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_a_kill_leaves_goes_and_what_a_living_process_writes_stays(tmp_path, what):
    killed, living = half(tmp_path, what), half(tmp_path, what)
    try:
        end(killed)
        assert len(os.listdir(tmp_path)) == 2 and all(name.startswith(".") for name in os.listdir(tmp_path))
        files.write(tmp_path / "other", b"x")  # the next one that writes there
        (left,) = set(os.listdir(tmp_path)) - {"other"}
        assert f"-{living.pid}-" in left
        living.stdin.close()
        assert living.wait(30) == 0
    finally:
        end(living)
    assert sorted(os.listdir(tmp_path)) == ["a", "other"]


def test_a_folder_whose_replacing_was_killed_is_there_again(tmp_path):
    fill(tmp_path / "model", "old")
    child = half(tmp_path, "replaced")
    files.sweep(tmp_path)
    assert not (tmp_path / "model").exists()  # the other process is still at work
    end(child)
    files.sweep(tmp_path)
    assert os.listdir(tmp_path) == ["model"] and text_of(tmp_path / "model") == "old"


def test_an_old_folder_goes_where_the_new_one_is_there(tmp_path):
    child = half(fill(tmp_path / "model", "old").parent, "replaced")
    end(child)
    fill(tmp_path / "model", "new", overwrite=True)
    assert os.listdir(tmp_path) == ["model"] and text_of(tmp_path / "model") == "new"


def test_what_other_machines_left_goes_after_a_day(tmp_path):
    """Their processes cannot be asked for; nor can those of version 0.1, whose names do not tell them."""
    other = f".0123abcd-1-{1:016x}"
    names = [f"{other}.part", f".{'ab' * 16}.part", f"{other}.model.old"]
    others = [".0123abcd.part", "notes.part", ".model.old"]
    for name in names + others:
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (time.time() - files.DAY - 60,) * 2 if name in others else None)
    files.sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(names + others)
    for name in names:
        os.utime(tmp_path / name, (time.time() - files.DAY - 60,) * 2)
    files.sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "model"])


def test_a_process_of_the_same_number_that_began_later_is_another_one(tmp_path, monkeypatch):
    mine = files.hidden(tmp_path)
    mine.mkdir()
    os.utime(mine, (1, 1))  # as it is of an old folder that is being replaced
    assert not files.is_abandoned(mine)
    monkeypatch.setattr(files.time, "time", lambda: 1.0)
    left = files.hidden(tmp_path)
    left.mkdir()
    os.utime(left, (1, 1))
    monkeypatch.undo()
    assert files.is_abandoned(left)


# --- locks


def test_one_at_a_time(tmp_path):
    with files.locked(tmp_path / "lock", "busy: wait"):
        with pytest.raises(FileError, match="busy: wait"), files.locked(tmp_path / "lock", "busy: wait"):
            pass
    with files.locked(tmp_path / "lock", "busy"):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="cannot write .*; choose"), files.locked(tmp_path / "file" / "lock", "busy"):
        pass
