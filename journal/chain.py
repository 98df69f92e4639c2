"""The hash chain: every event names the hash of the event before it in its aggregate, so that no history can be changed quietly.

An event's hash covers where it stands (its subject), everything its envelope says (all `ce-` headers, among them the hash of
the event before it) and its body as stored. What the server adds on its own way (`Nats-…`) is not part of it (ADR 0011).
"""

from collections.abc import Mapping
from hashlib import sha256

PREVIOUS = "ce-previoushash"
"""The header with the hash of the event before: 64 hex digits; absent in an aggregate's first event."""


def hash_of(subject: str, headers: Mapping[str, str], body: bytes) -> str:
    """The hash of an event as it is stored: SHA-256, as 64 hex digits."""
    lines = [f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("ce-")]
    return sha256(f"{subject}\n{''.join(lines)}\n".encode() + body).hexdigest()


class LogDigest:
    """One hash over a whole log: what an auditor notes down to know, later, that nothing up to there was changed or dropped."""

    def __init__(self) -> None:
        self._state = b""

    def add(self, event_hash: str) -> None:
        """Take in the hash of the next event of the log, in order of position."""
        self._state = sha256(self._state + bytes.fromhex(event_hash)).digest()

    def hexdigest(self) -> str:
        """The digest so far, as 64 hex digits; of nothing: "" ."""
        return self._state.hex()
