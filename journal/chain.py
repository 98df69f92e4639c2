"""The hash chain: every event names the hash of the event before it in its aggregate, so that no history can be changed quietly.

An event's hash covers where it stands (its subject), everything its envelope says (all `ce-` headers as they are stored, among
them the hash of the event before it) and its body as stored. What the server adds on its own way (`Nats-…`) is not part of it
(ADR 0011).
"""

from hashlib import sha256

PREVIOUS = b"ce-previoushash"
"""The header with the hash of the event before: 64 hex digits; absent in an aggregate's first event."""


def hash_of(subject: str, block: bytes, body: bytes) -> str:
    """The hash of an event as it is stored, from its subject, header block and body: SHA-256, as 64 hex digits."""
    lines = [line for line in block.split(b"\r\n") if line.startswith(b"ce-")]
    return hash_of_lines(subject, b"\r\n".join(lines), body)


def hash_of_lines(subject: str, lines: bytes, body: bytes) -> str:
    """The same, where the lines of the `ce-` headers are at hand: joined by CR LF, without one at the end."""
    return sha256(b"\n".join((subject.encode(), lines, body))).hexdigest()


class LogDigest:
    """One hash over a whole log: what an auditor notes down to know, later, that nothing up to there was changed or dropped.

    `so_far` is the digest of the events that were taken in before.
    """

    def __init__(self, so_far: str = "") -> None:
        self._state = bytes.fromhex(so_far)

    def add(self, event_hash: str) -> None:
        """Take in the hash of the next event of the log, in order of position."""
        self._state = sha256(self._state + bytes.fromhex(event_hash)).digest()

    def hexdigest(self) -> str:
        """The digest so far, as 64 hex digits; of nothing: "" ."""
        return self._state.hex()
