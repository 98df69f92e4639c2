"""Why a request is not met: one exception for what HTTP itself can express, and one table from the other errors to statuses."""

from collections.abc import Mapping

from sqlalchemy.exc import OperationalError

from domain.errors import Conflict, DomainError, Invalid, NotFound, QuotaExceeded
from journal.errors import AggregateNotFound, AppendConflict, LogUnavailable, OutcomeUnknown


class Refusal(Exception):
    """The request is answered with this status and sentence. `kind` names the error where an API tells clients its type."""

    def __init__(self, status: int, message: str, *, headers: Mapping[str, str] | None = None, kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.kind = kind


class NoSuchRoute(Exception):
    """There is nothing at this path, or nothing that knows this method."""


class NotAllowed(Exception):
    """The caller's roles do not allow what it asked for. Each API says so in its own words."""

    def __init__(self, policy: str) -> None:
        super().__init__(policy)
        self.policy = policy


class Unauthenticated(Exception):
    """There is no token, or not a good one."""

    def __init__(self, message: str = "The request you have made requires authentication.") -> None:
        super().__init__(message)


RETRY = {"Retry-After": "1"}

STATUS: Mapping[type[Exception], tuple[int, Mapping[str, str]]] = {
    Invalid: (400, {}),
    NotFound: (404, {}),
    AggregateNotFound: (404, {}),
    Conflict: (409, {}),
    QuotaExceeded: (403, {}),
    AppendConflict: (409, {}),
    DomainError: (400, {}),
    LogUnavailable: (503, RETRY),
    OutcomeUnknown: (503, {}),  # sent again unseen, it could happen twice
    OperationalError: (503, RETRY),
}
"""Errors of the layers below, as status and headers. A subclass counts as its nearest base."""

SENTENCES: Mapping[type[Exception], str] = {
    AppendConflict: "Somebody else changed it at the same moment. Look at it, and ask again.",
    LogUnavailable: "The event log does not answer. Try again in a moment.",
    OutcomeUnknown: "The event log went away while this was recorded: it may be done, or not. Look before you ask again.",
    OperationalError: "The read model cannot be reached. Try again.",
}
"""What is said instead of the error's own words, which name inner parts that a user cannot act on."""


def refusal_of(error: Exception) -> Refusal | None:
    """The answer that an error of a layer below stands for; None when it is a fault of the service itself."""
    if isinstance(error, Refusal):
        return error
    for kind in type(error).__mro__:
        if kind in STATUS:
            status, headers = STATUS[kind]
            return Refusal(status, SENTENCES.get(kind) or str(error), headers=headers, kind=type(error).__name__)
    return None
