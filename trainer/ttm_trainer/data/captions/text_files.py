"""Text files of whatever encoding -> text, and what is doubtful about it. Nothing is replaced by question marks."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from musicgen_app.errors import FileError
from musicgen_app.machine.files import reason

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WESTERN = "cp1252"
OTHERS = ("cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r", "shift_jis", "euc_jp", "gb18030",
          "big5", "euc_kr")  # fmt: skip
MOSTLY_ASCII = 0.25  # share of other bytes below which a text is of a Latin script with some accents
SHOWN = 40  # characters of an example
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class Remark(str):
    """What is doubtful about something that is used as it was understood; a plain str is why something is not used."""


def read_text(path: Path) -> tuple[str, Remark | None]:
    """The text of a file, and a remark where its encoding had to be guessed. Raises FileError: no text, or unreadable.

    UTF-8, and whatever begins with a byte order mark, is certain. UTF-16 without a mark is told from its zero bytes.
    Lines that are not UTF-8 in a file with accents in UTF-8, and texts that are ASCII with a few accents, are read as
    Windows-1252; anything else as charset-normalizer thinks best.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {reason(error)}") from error
    text, doubt = decoded(data)
    if text is None or CONTROL.search(text):
        raise FileError(f"{path} is no text, or in an encoding that is not known: save it as UTF-8")
    return text, Remark(doubt) if doubt else None


def decoded(data: bytes) -> tuple[str | None, str]:
    """Bytes -> their text (None: in no known encoding), and what is doubtful about it ("": nothing)."""
    for mark, name in MARKS:
        if data.startswith(mark):
            return _strict(data, name), ""
    if wide := _wide(data):
        text = _strict(data, wide)
        return text, f"UTF-16 without a byte order mark{_example(text)}"
    text = _strict(data, "utf-8")
    if text is not None:
        return text, ""
    other = sum(byte > 127 for byte in data)
    if _accents(data):
        lines = data.splitlines(keepends=True)
        wrong = [line for line in lines if _strict(line, "utf-8") is None]
        parts = [_strict(line, "utf-8") or _strict(line, WESTERN) for line in lines]
        if None not in parts:
            example = _example(_strict(wrong[0], WESTERN))
            return "".join(map(str, parts)), f"{len(wrong)} lines that are not UTF-8, read as Windows-1252{example}"
    if other < MOSTLY_ASCII * len(data):
        text = _strict(data, WESTERN)
        if text is not None:
            return text, f"not UTF-8, read as Windows-1252{_example(text)}"
    return _guessed(data)


def _guessed(data: bytes) -> tuple[str | None, str]:
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_isolation=list((WESTERN, *OTHERS))).best()
    if best is None:
        return None, ""
    return str(best), f"not UTF-8, read as {best.encoding}{_example(str(best))}: save it as UTF-8 if that is wrong"


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of most Western text is zero."""
    if len(data) < 2 or 0 not in data:
        return None
    half = len(data) // 2
    for name, zeros, others in (("utf-16-le", data[1::2], data[::2]), ("utf-16-be", data[::2], data[1::2])):
        if zeros.count(0) > 0.4 * half and others.count(0) < 0.05 * half:
            return name
    return None


def _accents(data: bytes) -> bool:
    """Whether there is a character in UTF-8 of more than one byte, among lines that are not UTF-8."""
    return any(max(line) > 127 and _strict(line, "utf-8") is not None for line in data.splitlines() if line)


def _strict(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except UnicodeError:
        return None


def _example(text: str | None) -> str:
    """The first words with a character beyond ASCII, to judge a guess by."""
    found = re.search(r"[^\n,;\t]*[^\x00-\x7f][^\n,;\t]*", text or "")
    return f", such as {found[0].strip()[:SHOWN]!r}" if found else ""
