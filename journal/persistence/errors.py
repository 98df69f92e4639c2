"""What went wrong, in the words of the library: its callers catch PersistenceError and what is below it (PEP 249)."""

from collections.abc import Iterator
from contextlib import contextmanager

from eventsourcing.persistence import InterfaceError, OperationalError
from nats.errors import Error as NatsError

from journal.errors import JournalError


class LinkClosed(Exception):
    """The connection was closed while it was in use, or before."""


@contextmanager
def as_persistence_errors() -> Iterator[None]:
    """Errors of the journal as the library's; those that are the library's already stay as they are."""
    try:
        yield
    except LinkClosed as error:
        raise InterfaceError(str(error)) from error
    except (JournalError, NatsError, TimeoutError) as error:
        raise OperationalError(str(error) or "The log does not answer.") from error
