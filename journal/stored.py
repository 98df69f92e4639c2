"""A message as a stream holds it: where it stands, its headers as they came, and its body. Headers are read when asked for."""

from collections.abc import Mapping
from typing import Self

VERSION_LINE = b"NATS/1.0\r\n"


class Stored:
    """One stored message. `block` is the header block of the wire, with the names and values that its writer gave."""

    __slots__ = ("_headers", "block", "body", "position", "subject")

    def __init__(self, position: int, subject: str, block: bytes, body: bytes) -> None:
        self.position = position  # sequence in the stream: 1, 2, 3 …
        self.subject = subject
        self.block = block
        self.body = body
        self._headers: Mapping[str, str] | None = None

    @classmethod
    def made_of(cls, position: int, subject: str, headers: Mapping[str, str], body: bytes) -> Self:
        """A message that was not read from the wire."""
        return cls(position, subject, header_block(headers), body)

    @property
    def headers(self) -> Mapping[str, str]:
        """All headers by name."""
        if self._headers is None:
            self._headers = parse_headers(self.block)
        return self._headers

    def header(self, name: bytes) -> str:
        """One header, without reading the others. Raises KeyError when there is none.

        A header stands at the beginning of a line, and no value has a line end in it: so what is found is never part of a value.
        """
        at = self.block.find(b"\r\n" + name + b": ")
        if at < 0:
            return self.headers[name.decode()]
        start = at + len(name) + 4
        return self.block[start : self.block.index(b"\r\n", start)].decode()


def header_block(headers: Mapping[str, str]) -> bytes:
    """Headers as they go over the wire. Raises ValueError for a value with a line end in it: it could pose as another header."""
    text = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if text.count("\n") != len(headers) or text.count("\r") != len(headers):
        raise ValueError("A header cannot have a line end in it.")
    return VERSION_LINE + text.encode() + b"\r\n"


def parse_headers(block: bytes) -> dict[str, str]:
    """The headers of a block. A status that the server put into its first line is given as `Status`, its text as `Description`."""
    first, *lines = block.decode("utf-8", "replace").split("\r\n")
    found: dict[str, str] = {}
    if len(first) > len(VERSION_LINE) - 2:
        found["Status"], _, description = first[9:].strip().partition(" ")
        if description:
            found["Description"] = description
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            found[name] = value.strip()
    return found
