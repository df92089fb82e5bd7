"""Works of all pages and API clients -> one after another through the engine -> the library.

A request that was accepted is done whether or not its page stays open. The order is fair: users take turns, so
everybody's first request comes before anybody's second. Nobody holds more than a quarter of the places.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import Cancelled, TTMError

if TYPE_CHECKING:
    from ..engine import CancelToken, Engine, Progress
    from ..library.library import Item, Library
    from ..models.installed import ResolvedRequest
    from ..request import GenerationRequest, GenerationResult
    from ..songbook.decision import Decision
    from .work import Work

ENDED = ("done", "failed", "cancelled")
KEPT = 300.0  # seconds for which an ended ticket can still be asked about
BUSY = 20.0  # seconds that a short question waits for the engine


class EngineBusy(TTMError):
    """The engine is at other work for longer than one waits for a short answer."""


class QueueFull(TTMError):
    """No place is free, or this user has as many requests waiting as one may have."""


@dataclass(frozen=True)
class Pace:
    """Steps a second, and the seconds left of this stage at that rate."""

    rate: float
    left: float


@dataclass(eq=False)
class Ticket:
    """A request in the queue, and what has become of it. Written by the queue only."""

    owner: str
    work: Work
    suffix: str
    source: str
    token: CancelToken
    turn: int  # requests are served by turn, within a turn as they came; an owner has one request a turn
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: str = "waiting"  # then "running", and one of ENDED
    items: tuple[Item, ...] = ()  # the clips so far, in the library
    error: str = ""
    keep: bool = True  # in the library; else the results themselves are kept for who asked
    results: tuple[GenerationResult, ...] = ()
    code: int = 0  # the exit code of the command line for that error
    notes: tuple[str, ...] = ()
    part: int = 0  # which clip of how many it is at
    parts: int = 1
    progress: Progress | None = None  # None: the model is being read
    pace: Pace | None = None
    ended: float | None = None  # time.monotonic()

    @property
    def request(self) -> GenerationRequest:
        """What its work makes music from."""
        return self.work.request

    @property
    def over(self) -> bool:
        return self.state in ENDED


class EngineHolder:
    """The server's one Engine, built when it is first needed and lent to one caller at a time."""

    def __init__(self, build: Callable[[], Engine]) -> None:
        self._build = build
        self._engine: Engine | None = None
        self._lock = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[Engine]:
        """The engine, for this caller alone; waits for the one before."""
        with self._lock:
            yield self._built()

    def decide(self, request: ResolvedRequest) -> Decision:
        """What a request would be made to. Its model, where it is the one in memory, need not be waited for.

        Raises RequestError, ModelError, and EngineBusy where another model is at work for longer than BUSY.
        """
        engine = self._engine
        if engine is not None and engine.holds(request.bundle):
            return engine.decide(request)[0]
        if not self._lock.acquire(timeout=BUSY):
            raise EngineBusy("the engine is busy with another model: try again in a moment")
        try:
            return self._built().decide(request)[0]
        finally:
            self._lock.release()

    def _built(self) -> Engine:
        if self._engine is None:
            self._engine = self._build()
        return self._engine

    def forget(self) -> None:
        """Free the memory of the loaded model, once the caller before is done: it was removed, or replaced."""
        with self._lock:
            self._engine = None


class RequestQueue:
    """The queue and the one thread that works it off. `places`: how many requests may wait at a time."""

    def __init__(self, engine: EngineHolder, library: Library, places: int) -> None:
        self.places = places
        self.places_each = max(1, places // 4)
        self._engine = engine
        self._library = library
        self._tickets: list[Ticket] = []  # in the order of arrival
        self._turn = 0  # of the request that was served last
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None
        self._closed = False

    def submit(self, owner: str, work: Work, suffix: str, source: str, keep: bool = True) -> Ticket:
        """A place in the queue. keep: what is made, in the library. Raises QueueFull."""
        from ..engine import CancelToken

        with self._changed:
            if self._closed:
                raise Cancelled("ttm-app is stopping")
            self._forget()
            waiting = [ticket for ticket in self._tickets if ticket.state == "waiting"]
            if len(waiting) >= self.places:
                raise QueueFull(f"{len(waiting)} requests are waiting already: try again in a moment")
            if sum(ticket.owner == owner for ticket in waiting) >= self.places_each:
                raise QueueFull(f"you have {self.places_each} requests waiting: let one finish, or cancel one")
            turns = [ticket.turn for ticket in self._tickets if ticket.owner == owner and ticket.state != "cancelled"]
            turn = max([self._turn, *(turn + 1 for turn in turns)])
            ticket = Ticket(owner, work, suffix, source, CancelToken(), turn, keep=keep, notes=work.notes)
            self._tickets.append(ticket)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="ttm-app requests", daemon=True)
                self._worker.start()
            self._changed.notify_all()
        return ticket

    def tickets(self, owner: str) -> list[Ticket]:
        """This owner's tickets in the order of arrival, ended ones too for a while."""
        with self._changed:
            self._forget()
            return [ticket for ticket in self._tickets if ticket.owner == owner]

    def find(self, id: str) -> Ticket | None:
        """The ticket of that id, whoever's it is; None: there is none, or it ended a while ago."""
        with self._changed:
            self._forget()
            return next((ticket for ticket in self._tickets if ticket.id == id), None)

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        with self._changed:
            return len(self._line())

    def position(self, ticket: Ticket) -> int:
        """How many requests are before this one, the running one included."""
        with self._changed:
            line = self._line()
            running = any(other.state == "running" for other in self._tickets)
            return line.index(ticket) + running if ticket in line else 0

    def cancel(self, owner: str, id: str) -> None:
        """Stop this owner's ticket: at once where it waits, at its next solver step where it runs."""
        with self._changed:
            for ticket in self._tickets:
                if (ticket.owner, ticket.id) == (owner, id) and not ticket.over:
                    ticket.token.cancel()
                    if ticket.state == "waiting":
                        self._end(ticket, "cancelled")

    def close(self) -> None:
        """Cancel everything and wait until the engine has stopped."""
        with self._changed:
            self._closed = True
            for ticket in self._tickets:
                ticket.token.cancel()
            self._changed.notify_all()
        if self._worker is not None:
            self._worker.join()

    def _line(self) -> list[Ticket]:
        """The waiting tickets in the order they will be served."""
        return sorted((ticket for ticket in self._tickets if ticket.state == "waiting"), key=lambda ticket: ticket.turn)

    def _forget(self) -> None:
        now = time.monotonic()
        self._tickets = [t for t in self._tickets if t.ended is None or now - t.ended < KEPT]

    def _end(self, ticket: Ticket, state: str, error: str = "", code: int = 0) -> None:
        ticket.error, ticket.code, ticket.ended, ticket.state = error, code, time.monotonic(), state

    def _work(self) -> None:
        while self._worked_off():
            pass

    def _worked_off(self) -> bool:
        """Wait for the next ticket and do what it asks for; False: the queue was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._line())
            if self._closed:
                return False
            ticket = self._line()[0]
            ticket.state, self._turn = "running", ticket.turn
        try:
            self._run(ticket)
        except Cancelled:
            self._end(ticket, "cancelled")
        except TTMError as error:
            self._end(ticket, "failed", str(error), error.exit_code)
        except Exception as error:  # one request must not end the queue of all others
            self._end(ticket, "failed", f"unexpected {type(error).__name__}: {error}", TTMError.exit_code)
        else:
            self._end(ticket, "done")
        return True

    def _run(self, ticket: Ticket) -> None:
        """Clip by clip where the engine samples them one by one, so that each is kept as soon as it is made."""
        work = ticket.work
        with self._engine.lend() as engine:
            parts = work.parts() if ticket.keep and engine.batch == 1 else [work]
            for part, one in enumerate(parts):
                ticket.part, ticket.parts = part, len(parts)
                results = one.make(engine, _observer(ticket), ticket.token)
                ticket.notes = (*work.notes, *dict.fromkeys(note for result in results for note in result.notes))
                if not ticket.keep:
                    ticket.results = tuple(results)
                    continue
                ticket.items += tuple(self._library.add(result, ticket.suffix, ticket.source) for result in results)


def _observer(ticket: Ticket) -> Callable[[Progress], None]:
    """Keeps the ticket's progress, and the rate of the stage since its first step was seen."""
    began: dict[str, tuple[int, float]] = {}

    def update(progress: Progress) -> None:
        now = time.monotonic()
        first, start = began.setdefault(progress.stage, (progress.step, now))
        pace = None
        if progress.step > first and now > start:
            rate = (progress.step - first) / (now - start)
            pace = Pace(rate, (progress.total - progress.step) / rate)
        ticket.progress, ticket.pace = progress, pace

    return update
