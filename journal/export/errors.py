"""What can be wrong with an export."""

from journal.errors import JournalError


class ExportError(JournalError):
    """The file cannot be used. The message says why."""


class NotAnExport(ExportError):
    """The file is something else, or was made by a version that writes another format."""


class ExportDamaged(ExportError):
    """Something in the file is not as it was written."""


class ExportTorn(ExportDamaged):
    """The file ends before the export does."""
