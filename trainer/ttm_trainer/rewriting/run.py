"""A set of captions -> the same captions in the style of prompts, as a file for `ttm-app prepare --captions`.

captions -> batches -> rules or a language model -> journal -> OUT.json
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from musicgen_app.errors import FileError, GenerationError, RequestError

from . import journal, rules
from .caption_sets import Caption, read_captions, write_captions
from .language_models import Chat
from .llm_prompt import EXAMPLES, Refused, build_request, check, parse

EVERY = 5.0  # seconds between two lines of progress
PATIENCE = 200  # captions refused one after the other: the model cannot do it


@dataclass(frozen=True)
class Outcome:
    """What became of a caption: a text and who wrote it; and, where a model's reply was refused, why and the reply."""

    text: str | None
    by: str
    reason: str = ""
    reply: str = ""


@dataclass(frozen=True)
class Report:
    """How a rewriting ended; by_rules counts what the rules wrote in place of refused replies."""

    out: str
    captions: int
    rewritten: int
    refused: int
    by_rules: int
    unreadable_rows: int
    refused_file: str | None


class Rewriter(Protocol):
    """Writes captions anew, up to `batch` at a time; `identity` is what the result depends on, for the journal."""

    identity: dict
    batch: int
    parallel: int
    patience: int | None

    def rewrite(self, captions: Sequence[Caption]) -> list[Outcome]: ...


class RulesRewriter:
    """Rewrites by rules and needs no model; see `rewriting.rules`."""

    batch, parallel = 500, 1
    patience: int | None = None

    def __init__(self, seed: int = 0):
        self.seed = seed
        self.identity = {"by": "rules", "rules": rules.REVISION, "seed": seed}

    def rewrite(self, captions: Sequence[Caption]) -> list[Outcome]:
        return [self._one(caption) for caption in captions]

    def _one(self, caption: Caption) -> Outcome:
        try:
            return Outcome(rules.rewrite(caption.text, f"{self.seed}:{caption.path}"), "rules")
        except ValueError as error:
            return Outcome(None, "rules", str(error))


class ModelRewriter:
    """Asks a language model for a batch; what is refused is asked for again in halves, then one by one."""

    patience: int | None = PATIENCE

    def __init__(
        self,
        by: str,
        chat: Chat,
        *,
        batch: int = 20,
        examples: Sequence[str] = EXAMPLES,
        seed: int = 0,
        fallback: bool = False,
    ):
        """fallback: captions no reply is good for are written by the rules."""
        self.by, self.chat, self.batch, self.examples, self.seed = by, chat, batch, tuple(examples), seed
        self.parallel = chat.parallel
        self.rules = RulesRewriter(seed) if fallback else None
        shown = hashlib.sha256("\n".join(self.examples).encode()).hexdigest()[:16]
        self.identity = {"by": by, **chat.identity, "examples": shown, "seed": seed, "fallback": fallback}

    def rewrite(self, captions: Sequence[Caption]) -> list[Outcome]:
        """Raises what the chat raises when it cannot answer at all."""
        outcomes: dict[int, Outcome] = {}
        todo = list(range(len(captions)))
        for size in sorted({len(captions), (len(captions) + 1) // 2, 1}, reverse=True):
            for group in _groups(todo, size):
                outcomes |= zip(group, self._ask([captions[i] for i in group], size), strict=True)
            todo = [i for i in todo if outcomes[i].text is None]
        if self.rules:
            outcomes |= {i: self._by_rules(self.rules, captions[i], outcomes[i]) for i in todo}
        return [outcomes[i] for i in range(len(captions))]

    def _ask(self, captions: list[Caption], size: int) -> list[Outcome]:
        told = "\0".join([str(self.seed), str(size), *(caption.path + caption.text for caption in captions)])
        rng = random.Random(hashlib.sha256(told.encode()).digest())
        reply = ""
        try:
            request = build_request([caption.text for caption in captions], self.examples, rng)
            reply = self.chat.reply(request, len(captions))
            texts = parse(reply, len(captions))
        except Refused as error:
            return [Outcome(None, self.by, str(error), reply)] * len(captions)
        return [self._checked(text, reply) for text in texts]

    def _checked(self, text: str, reply: str) -> Outcome:
        try:
            return Outcome(check(text), self.by)
        except Refused as error:
            return Outcome(None, self.by, str(error), reply)

    def _by_rules(self, rules: RulesRewriter, caption: Caption, refused: Outcome) -> Outcome:
        written = rules.rewrite([caption])[0]
        return Outcome(written.text, "rules" if written.text else self.by, refused.reason, refused.reply)


def rewrite_file(
    source: Path,
    out: Path,
    rewriter: Rewriter,
    *,
    styles: Sequence[str] = (),
    limit: int | None = None,
    retry_refused: bool = False,
    show: Callable[[str], None] = print,
) -> Report:
    """Rewrite the captions of a set and write `out` (.json) when all are done; run again, it goes on where it was.

    styles: only captions of these styles. limit: the first so many; a later run may do more. retry_refused: ask again
    for those that were refused by an earlier run.
    Raises FileError and RequestError (see `journal.opened`, `read_captions`), GenerationError
    (`rewriter.patience` captions in a row were refused) and what the rewriter raises, such as ModelError for a server
    that fails; the journal stays usable.
    """
    if out.suffix != ".json":
        raise RequestError(f"{out.name} must end in .json: it will be an array of objects with path and caption")
    captions, bad = read_captions(source, styles)
    for line in bad[:5]:
        show(f"left out {line}")
    if len(bad) > 5:
        show(f"left out {len(bad) - 5} more rows")
    digest = hashlib.sha256(json.dumps([(c.path, c.text) for c in captions]).encode()).hexdigest()[:16]
    wanted = range(min(limit or len(captions), len(captions)))
    with journal.opened(out, {"input": f"{len(captions)} captions, {digest}", **rewriter.identity}) as book:
        again = retry_refused and rewriter.patience is not None
        todo = [i for i in wanted if i not in book.done or (again and _row_refused(book.done[i]))]
        _work(captions, todo, len(wanted), rewriter, book, show)
        rows = [book.done[i] for i in wanted]
        kept = [Caption(row["path"], row["rewritten"]) for row in rows if row.get("rewritten")]
        if not kept:
            raise GenerationError(f"not one caption of {source} could be rewritten: see {journal.refused_of(out)}")
        write_captions(out, kept)
    by_rules = sum(row["by"] == "rules" and bool(row.get("refused")) for row in rows)
    refused_file = journal.refused_of(out)
    return Report(
        out=str(out),
        captions=len(rows),
        rewritten=len(kept),
        refused=len(rows) - len(kept),
        by_rules=by_rules,
        unreadable_rows=len(bad),
        refused_file=str(refused_file) if refused_file.is_file() else None,
    )


def pairs(file: Path, count: int) -> list[dict]:
    """`count` captions spread over a file: {"path", "before", "after", "by"}.

    Before and who wrote it come from the journal beside the file; without one they are None. Raises FileError.
    """
    settings, rows, _ = journal.read_rows(journal.journal_of(file))
    if settings is None:
        found = [{"path": c.path, "before": None, "after": c.text, "by": None} for c in read_captions(file)[0]]
    else:
        last = {row["item"]: row for row in rows if row.get("rewritten")}
        found = [
            {"path": row["path"], "before": row["caption"], "after": row["rewritten"], "by": row["by"]}
            for _, row in sorted(last.items())
        ]
    if not found:
        raise FileError(f"{file} has no rewritten captions yet")
    return [found[i * len(found) // count] for i in range(count)] if count < len(found) else found


def _work(
    captions: list[Caption], todo: list[int], total: int, rewriter: Rewriter, book, show: Callable[[str], None]
) -> None:
    began = shown = time.monotonic()
    done = refused = streak = 0
    groups = _groups(todo, rewriter.batch)
    for group, outcomes in _finished(lambda g: rewriter.rewrite([captions[i] for i in g]), groups, rewriter.parallel):
        rows = [_row(i, captions[i], outcome) for i, outcome in zip(group, outcomes, strict=True)]
        aside = [
            {"path": captions[i].path, "caption": captions[i].text} | {k: v for k, v in asdict(o).items() if k != "by"}
            for i, o in zip(group, outcomes, strict=True)
            if o.reason
        ]
        book.add(rows, aside)
        done, refused = done + len(group), refused + len(aside)
        streak = streak + len(group) if len(aside) == len(group) else 0
        now = time.monotonic()
        if now - shown >= EVERY or done == len(todo):
            shown = now
            rate = done / max(now - began, 1e-6)
            left = (len(todo) - done) / rate / 60
            line = f"{total - len(todo) + done}/{total} captions  {rate:.1f}/s  {left:.1f} min left"
            show(line + (f"  {refused} refused" if refused else ""))
        if rewriter.patience and streak >= rewriter.patience:
            raise GenerationError(
                f"the last {streak} captions were all refused ({outcomes[-1].reason}): see"
                f" {journal.refused_of(book.out)}, and take a model that follows instructions"
            )


def _row(item: int, caption: Caption, outcome: Outcome) -> dict:
    row = {"item": item, "path": caption.path, "caption": caption.text, "rewritten": outcome.text, "by": outcome.by}
    return row | ({"refused": outcome.reason} if outcome.reason else {})


def _row_refused(row: dict) -> bool:
    return bool(row.get("refused"))


def _groups(items: list[int], size: int) -> list[list[int]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


def _finished(work: Callable[[list[int]], list[Outcome]], groups: list[list[int]], threads: int) -> Iterator[tuple]:
    """(group, work(group)) as they are done, several under way at once; the first error ends it.

    The threads are daemons: a request that hangs does not keep a cancelled program alive.
    """
    if threads == 1:
        yield from ((group, work(group)) for group in groups)
        return
    todo: SimpleQueue[list[int]] = SimpleQueue()
    done: SimpleQueue[tuple] = SimpleQueue()
    stop = threading.Event()
    for group in groups:
        todo.put(group)

    def serve() -> None:
        while not stop.is_set():
            try:
                group = todo.get_nowait()
            except Empty:
                return
            try:
                done.put((group, work(group), None))
            except BaseException as error:
                done.put((group, [], error))
                return

    for _ in range(min(threads, len(groups))):
        threading.Thread(target=serve, daemon=True).start()
    try:
        for _ in groups:
            group, outcomes, error = done.get()
            if error is not None:
                raise error
            yield group, outcomes
    finally:
        stop.set()
