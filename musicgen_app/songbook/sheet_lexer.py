"""The text of a chord sheet -> tokens with their places. Comments begin with "#" at the start of a word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import RequestError

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<times>\(\s*(?:[x×]\s*\d{1,4}|\d{1,4}\s*[x×])\s*\))"
    r'|(?P<comment>\#.*)|(?P<open>\|:)|(?P<close>:\|)|(?P<bar>\|+)|(?P<quoted>"(?:[^"\\]|\\.)*")'
    r"|(?P<bracket>\[[^\[\]]*\])|(?P<group>\()|(?P<end>\))|(?P<colon>:)|(?P<separator>[,·;•]|[-–—→>](?=\s|$))"
    r'|(?P<word>(?:\([^()\s|]*\)|[^\s|()\[\]":,·;•])+)|(?P<other>.)'
)
_COMMENT_AT = re.compile(r"(?:^|(?<=\s))#")


@dataclass(frozen=True)
class Token:
    """A word or a sign; kind: one of the names in the expression above. line, column: from 1."""

    kind: str
    text: str
    line: int
    column: int

    def fail(self, reason: str) -> RequestError:
        """The error of something wrong here."""
        return RequestError(f"line {self.line}, column {self.column}: {reason}")

    @property
    def shown(self) -> str:
        """The text as an error shows it: short, on one line."""
        return ascii(self.text[:40])


def tokens(line: str, number: int) -> Iterator[Token]:
    """The tokens of one line, without spaces and comments. Raises RequestError with the place."""
    for found in _TOKEN.finditer(line):
        kind, text = str(found.lastgroup), found[0]
        here = Token(kind, text, number, found.start() + 1)
        if kind == "comment":
            if found.start() and not line[found.start() - 1].isspace():
                raise here.fail("# in the middle: a comment stands after a space")
            return
        if kind == "other":
            raise here.fail(f"{here.shown} has no partner, or does not belong in a chord sheet")
        if kind == "quoted":
            try:
                here = Token(kind, json.loads(text), number, here.column)
            except ValueError:
                raise here.fail(f"{here.shown} is no quoted name") from None
        if kind == "times":  # "(x2)"
            here = Token("word", re.sub(r"[()\s]", "", text), number, here.column)
        if kind == "bracket":
            here = Token(kind, text[1:-1].strip(), number, here.column)
        if kind != "space":
            yield here
