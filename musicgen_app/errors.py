"""The mistakes a user can make, and the exit code each one gives.

Every message is one line that says what is wrong and what to do about it.
"""

from __future__ import annotations


class TTMError(Exception):
    """Base of all errors that are shown to the user as one line."""

    exit_code = 1


class RequestError(TTMError):
    """A value in the request is not allowed (empty prompt, zero seconds, NaN guidance, unknown solver)."""

    exit_code = 2


class FileError(TTMError):
    """A file cannot be read or written (exists already, no permission, unknown suffix, full disk)."""

    exit_code = 3


class ModelError(TTMError):
    """A model is unknown, truncated, changed, or does not fit its configuration."""

    exit_code = 4


class GenerationError(TTMError):
    """The model ran but what came out is not usable (non-finite or silent audio)."""

    exit_code = 5


class DependencyError(TTMError):
    """An optional package or program that this command needs is not installed."""

    exit_code = 6


class Unfinished(TTMError):
    """The work reached a limit that the user set (a time, a step) before its end; the same command goes on with it."""

    exit_code = 75


class Cancelled(TTMError):
    """The user stopped the work (Ctrl-C or a cancel token); nothing was left half-written."""

    exit_code = 130
