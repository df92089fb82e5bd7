"""An owner's tickets -> what the page shows of them: a row each, and the clips that were made meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..components import now

if TYPE_CHECKING:
    from ...server.context import Context
    from ...server.request_queue import Ticket

ENDED = {"failed": 60.0, "cancelled": 6.0}  # seconds for which a row stays after its end
NOTED = 60.0  # the same, of one whose clips came with a note
STAGES = {  # of Progress -> what is said of it, where its part of the bar begins, and how long that is
    "text": ("reading the prompt", 0.0, 0.05),
    "sampling": ("sampling, step", 0.05, 0.8),
    "decoding": ("turning it into sound", 0.85, 0.15),
}


def standing(context: Context, owner: str, shown: list[str]) -> tuple[dict, list[str]]:
    """How this owner's tickets are: the value of a `queue` part, and `shown` with the ids of new clips on top.

    shown: the ids of the cards on the page. The value is {rows, open, stamp}: while it is open there is something to
    wait for, and the page asks again; stamp is when it was looked at, as in `cards`.
    """
    stamp = now()
    tickets = context.requests.tickets(owner)
    over = all(ticket.over for ticket in tickets)  # before their clips are looked at, or the last could be missed
    new = [item.id for ticket in tickets for item in ticket.items if item.id not in shown]
    rows = [row(ticket, context.requests.position(ticket)) for ticket in tickets if visible(ticket)]
    return {"rows": rows, "open": not over, "stamp": stamp}, new[::-1] + shown


def visible(ticket: Ticket) -> bool:
    stays = ENDED.get(ticket.state, NOTED if ticket.notes else 0.0)
    return not ticket.over or ticket.ended is None or time.monotonic() - ticket.ended < stays


def row(ticket: Ticket, before: int) -> dict:
    """What the queue shows: {id, prompt, state, stage, text, share}; share is 0 to 1, before: requests ahead of it."""
    state, at, pace, share = ticket.state, ticket.progress, ticket.pace, 0.0  # the worker goes on writing
    stage = text = {
        "waiting": f"waiting, {before} before you" if before else "next",
        "running": "reading the model",
        "failed": ticket.error,
        "cancelled": "cancelled",
        "done": "; ".join(ticket.notes),
    }[state]
    if state == "running" and at is not None:
        stage, start, length = STAGES[at.stage]
        if ticket.parts > 1:
            stage = f"clip {ticket.part + 1} of {ticket.parts}: {stage}"
        text = f"{stage} {at.step} of {at.total}"
        if pace is not None:
            text += f", {pace.rate:.1f} steps a second, {pace.left:.0f} s left"
        share = (ticket.part + start + length * at.step / max(at.total, 1)) / ticket.parts
    about = {"id": ticket.id, "prompt": ticket.request.prompt, "state": state}
    return about | {"stage": stage, "text": text, "share": round(share, 3)}
