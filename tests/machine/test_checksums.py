"""Sums of files, computed once for each version of a file, by any number of processes."""

import os

import pytest

from musicgen_app.machine import checksums, paths


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(checksums, "SETTLED", -1.0)
    path = tmp_path / "weights"
    path.write_bytes(b"abc")
    return path


@pytest.fixture
def read(monkeypatch):
    """The files that are read from now on."""
    found = []
    monkeypatch.setattr(checksums, "sha256", lambda path, real=checksums.sha256: found.append(path) or real(path))
    return found


def again(path) -> str:
    """As another process would have it."""
    checksums._of_version.cache_clear()
    return checksums.sha256_once(path)


def test_another_process_does_not_read_the_file_again(file, read):
    first = again(file)
    assert first == checksums.sha256(file) and again(file) == first
    assert read == [file, file]  # by `sha256_once` once, and above


def test_a_file_that_changed_is_read_again(file, read):
    first = again(file)
    times = file.stat()
    file.write_bytes(b"abd")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # as if nothing had been written
    assert again(file) != first and len(read) == 2
    os.utime(file, ns=(1, 1))
    again(file)
    assert len(read) == 3


def test_what_has_just_changed_is_not_kept(file, read, monkeypatch):
    monkeypatch.setattr(checksums, "SETTLED", 60.0)
    again(file)
    assert again(file) and len(read) == 2


@pytest.mark.parametrize("damaged", [b"", b"[]", b"{", b"\xff", b'{"x": 1}', b"[" * 100_000])
def test_a_damaged_record_is_made_again(file, read, damaged):
    first = again(file)
    record = paths.cache() / "checksums.json"
    record.write_bytes(damaged)
    assert again(file) == first and len(read) == 2
    record.write_bytes(record.read_bytes().replace(first.encode(), b"0"))
    assert again(file) == "0"  # it is the record that was asked


def test_no_more_than_so_many_are_kept(file, monkeypatch):
    monkeypatch.setattr(checksums, "MOST", 3)
    for number in range(5):
        other = file.with_name(str(number))
        other.touch()
        again(other)
    assert len(checksums._kept()) == 3 and str(other) in checksums._kept()
