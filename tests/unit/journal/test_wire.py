"""The parser of the server's protocol: the same messages, in however many pieces the bytes arrive."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.errors import ProtocolError

from journal.bus import WireParser

words = st.from_regex(r"[A-Za-z0-9_$.]{1,20}", fullmatch=True)
messages = st.builds(
    lambda subject, sid, reply, block, body: ("message", subject, sid, reply, block, body),
    words,
    st.integers(1, 3),
    st.one_of(st.just(""), words),
    st.one_of(st.just(b""), st.binary(max_size=30).map(lambda text: b"NATS/1.0\r\n" + text + b"\r\n\r\n")),
    st.binary(max_size=60),
)
controls = st.sampled_from(
    [
        ("ping",),
        ("pong",),
        ("ok",),
        ("error", "'permissions violation for publish to \"a\"'"),
        ("info", '{"server_id": "a"}'),
    ]
)


CONTROLS = {"ping": "PING", "pong": "PONG", "ok": "+OK", "error": "-ERR ", "info": "INFO "}


def written(item: tuple[Any, ...]) -> bytes:
    if item[0] != "message":
        return f"{CONTROLS[item[0]]}{''.join(item[1:])}\r\n".encode()
    _, subject, sid, reply, block, body = item
    words = " ".join([subject, str(sid), *([reply] if reply else [])])
    if block:
        return f"HMSG {words} {len(block)} {len(block + body)}\r\n".encode() + block + body + b"\r\n"
    return f"MSG {words} {len(body)}\r\n".encode() + body + b"\r\n"


class Heard:
    """Stands where the client stands, and notes what it is told."""

    def __init__(self) -> None:
        self.items: list[tuple[Any, ...]] = []

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, body: bytes, block: bytes | None) -> None:
        self.items.append(("message", subject.decode(), sid, reply.decode(), block or b"", body))

    async def _process_ping(self) -> None:
        self.items.append(("ping",))

    async def _process_pong(self) -> None:
        self.items.append(("pong",))

    async def _process_err(self, text: str) -> None:
        self.items.append(("error", text))

    async def _process_info(self, info: dict[str, Any]) -> None:
        self.items.append(("info", json.dumps(info)))


def receiver(heard: Heard, sid: int) -> Any:
    def receive(subject: bytes, reply: bytes, block: bytes, body: bytes) -> None:
        heard.items.append(("message", subject.decode(), sid, reply.decode(), block, body))

    return receive


@given(st.lists(st.one_of(messages, controls), max_size=12), st.lists(st.integers(1, 40), max_size=40))
def test_what_is_sent_is_heard_however_it_is_cut(sent: list[tuple[Any, ...]], cuts: list[int]) -> None:
    async def run() -> None:
        heard = Heard()
        parser = WireParser(heard, {1: receiver(heard, 1)})  # type: ignore[arg-type]  # 1 is of the fast lane, 2 and 3 are not
        stream, sizes = b"".join(map(written, sent)), iter(cuts)
        while stream:
            size = next(sizes, len(stream))
            piece, stream = stream[:size], stream[size:]
            await parser.parse(piece)
        assert heard.items == [item for item in sent if item != ("ok",)]

    asyncio.run(run())


@pytest.mark.parametrize(
    "nonsense", [b"HELLO\r\n", b"MSG a\r\n", b"MSG a b c\r\n", b"HMSG a 1 x 3\r\nabc\r\n", b"x" * 100_000, b"\r\n"]
)
async def test_what_no_server_says_ends_the_connection(nonsense: bytes) -> None:
    with pytest.raises(ProtocolError):
        await WireParser(Heard(), {}).parse(nonsense)  # type: ignore[arg-type]


async def test_nothing_of_a_lost_connection_is_taken_for_the_next_one() -> None:
    heard = Heard()
    parser = WireParser(heard, {})  # type: ignore[arg-type]
    await parser.parse(b"MSG a 1 10\r\nabc")
    parser.reset()
    await parser.parse(b"PING\r\n")
    assert heard.items == [("ping",)]


async def test_a_reset_while_it_parses_drops_the_rest() -> None:
    heard = Heard()
    parser = WireParser(heard, {1: lambda *_: parser.reset()})  # type: ignore[arg-type]
    await parser.parse(b"MSG a 1 1\r\nx\r\nPI")
    await parser.parse(b"PONG\r\n")
    assert heard.items == [("pong",)]
