"""In whose name the conductor appends what it decides by itself."""

from journal.authority import Source
from journal.envelope import Author

AUTHOR = Author(actor="service:conductor", source=Source.CONDUCTOR)
