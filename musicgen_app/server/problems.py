"""What is refused -> one JSON shape, {"error": {"message", "type", "code"}}, with the HTTP status that fits.

The type is the word of the status, the code the exit code that the same mistake has on the command line.
"""

from __future__ import annotations

import json

from ..errors import Cancelled, FileError, GenerationError, ModelError, RequestError, TTMError
from .request_queue import QueueFull

TYPES = {
    400: "malformed",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    422: "invalid_request",
    429: "too_many_requests",
    500: "unexpected",
    503: "unavailable",
}
STATUSES: dict[type[TTMError], int] = {  # what stands for the kinds below it too
    QueueFull: 429,
    RequestError: 422,
    GenerationError: 422,
    Cancelled: 409,
    TTMError: 503,
}
CODES = {400: 2, 404: 2, 405: 2, 409: 2, 413: 2, 422: 2}  # exit codes of refusals that are no error of the app
RETRY_AFTER = 5  # seconds


class Problem(Exception):
    """A refusal. message: one line that says what to do; status: of HTTP; code: the exit code of the same mistake."""

    def __init__(self, status: int, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = CODES.get(status, 1) if code is None else code

    @property
    def headers(self) -> dict[str, str]:
        """What a client, or the server, should know beside it."""
        if self.status == 413:
            return {"Connection": "close"}  # so that the rest need not be read
        return {"Retry-After": str(RETRY_AFTER)} if self.status in (429, 503) else {}

    def body(self) -> bytes:
        """Its JSON, in ASCII, so that whatever a message quotes can be sent."""
        return error_body(self.status, str(self), self.code)


def problem_of(error: TTMError) -> Problem:
    """The refusal that an error of the app is."""
    kind = next(kind for kind in type(error).__mro__ if kind in STATUSES)
    return Problem(STATUSES[kind], str(error), error.exit_code)


def problem_of_code(message: str, code: int) -> Problem:
    """The refusal of work that failed with this exit code."""
    known = (RequestError, FileError, ModelError, GenerationError, Cancelled)
    kind = next((kind for kind in known if kind.exit_code == code), None)
    return Problem(500, message, code) if kind is None else problem_of(kind(message))


def error_body(status: int, message: str, code: int) -> bytes:
    """The one shape of all errors."""
    return json.dumps({"error": error_of(status, message, code)}).encode()


def error_of(status: int, message: str, code: int) -> dict:
    """What is in it."""
    return {"message": " ".join(message.split()), "type": TYPES.get(status, "malformed"), "code": code}
