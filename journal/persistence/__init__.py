"""A persistence module for the `eventsourcing` library on JetStream: `PERSISTENCE_MODULE=journal.persistence` (ADR 0010).

The library looks for the one factory that is here.
"""

from journal.persistence.factory import JetStreamFactory

__all__ = ["JetStreamFactory"]
