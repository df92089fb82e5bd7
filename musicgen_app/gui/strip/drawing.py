"""Bars that are not locked, drawn anew: chords of another piece like the prompt, or others in place of those there."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from ...control import operations
from ...errors import RequestError
from ...request import DRAWN_SEEDS
from ...songbook.decision import BORROWED
from .bars import Bar, Parts, flat, locked_in, parts_of, plan_of
from .reading import Asked, decision
from .state import State

if TYPE_CHECKING:
    from ...server.context import Context

TRIES = 20  # seeds until something is different


def drawn(context: Context, state: State, asked: Asked) -> tuple[State, str]:
    """The strip with other chords in the bars that are not locked; tempo, key, metre and form stay. RequestError."""
    least = asked.bars(state.plan)
    parts = state.parts(least)
    there = flat(parts)
    kept = sum(bar.locked for bar in there)
    if kept == len(there):
        raise RequestError("all bars are locked: unlock those that are to be drawn anew")
    roll = secrets.randbelow(DRAWN_SEEDS)
    new, key = _borrowed(context, state, asked, parts, roll)
    if new is None:
        new = _varied(state, parts, roll)
    bars = iter(zip(there, new, strict=True))
    parts = tuple(replace(part, bars=tuple(_new(*next(bars)) for _ in part.bars)) for part in parts)
    plan = plan_of(replace(state.plan, key=key or state.plan.key), parts)
    state = replace(state.set(plan, "chords"), locked=locked_in(parts))
    stay = f"; {kept} locked {'one stays' if kept == 1 else 'ones stay'}" if kept else ""
    return state, f"{len(there) - kept} bars are drawn anew{stay}."


def _new(old: Bar, new: Bar) -> Bar:
    return old if old.locked else new.fitted(old.quarters)._replace(locked=False)


def _borrowed(
    context: Context, state: State, asked: Asked, parts: Parts, roll: int
) -> tuple[tuple[Bar, ...] | None, str | None]:
    """Bars of pieces that are like the prompt, sections of one name from one; and their key. None: there are none."""
    plan = state.plan
    wishes = {"bpm": plan.tempo, "key": plan.key, "metre": plan.metre}
    wishes = {name: value for name, value in wishes.items() if value is not None}
    rows: dict[str, tuple[Bar, ...]] = {}
    found: list[Bar] = []
    key = None
    for part in parts:
        name = part.section.name if part.section else ""
        if name not in rows:
            one = decision(context, asked, roll + len(rows), wishes)
            if one.origin["chords"] != BORROWED:
                return None, None
            rows[name] = parts_of(replace(one.plan, sections=(), ends=False), len(part.bars))[0].bars
            key = key or one.plan.key
        found += [rows[name][n % len(rows[name])] for n in range(len(part.bars))]
    return tuple(found), key


def _varied(state: State, parts: Parts, roll: int) -> tuple[Bar, ...]:
    """Bars with some other chords."""
    there = flat(parts)
    if not any(symbol for bar in there for symbol, _ in bar.chords):
        raise RequestError("there are no chords to draw others from: type one into a bar")
    for seed in range(roll, roll + TRIES):
        plan = operations.vary(plan_of(state.plan, parts), seed)
        new = flat(parts_of(plan, len(there)))
        if any(_new(old, bar).chords != old.chords for old, bar in zip(there, new, strict=True)):
            return new
    raise RequestError("nothing else fits these chords: type other ones")
