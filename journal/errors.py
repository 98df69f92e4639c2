"""What can go wrong between a decision and the log."""


class JournalError(Exception):
    """The log could not do it."""


class LogUnavailable(JournalError):
    """The log cannot be reached, or does not answer. Nothing was decided; the command can be sent again (API: 503)."""


class OutcomeUnknown(LogUnavailable):
    """The log went away while it was recorded, and could not be asked again: look before the command is sent again (API: 503)."""


class AppendConflict(JournalError):
    """Somebody else appended to the aggregate first: load it again and decide again."""


class AggregateNotFound(JournalError):
    """The log has no event of this aggregate."""


class LogBroken(JournalError):
    """The log is not as it was written: an event is missing, changed, or cannot be read. `position` tells which."""

    def __init__(self, position: int, sentence: str) -> None:
        super().__init__(sentence)
        self.position = position


class NotAuthorised(JournalError):
    """A service is about to append an event that it may not: a fault of the service, and nothing was appended."""
