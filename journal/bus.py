"""The connection to the bus: the client library's, with a lane of its own for what the log needs fast.

The library hands every message over by a queue and a task, and reads all its headers first. Following a log, loading from it
and counting acknowledgements need none of that: a receiver of this lane is a plain function, called with the bytes of the wire.
Everything else (connecting, keys, reconnecting, other subscriptions) is the library's. Figures: `bench/journal.py`.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from nats.aio.client import Client
from nats.errors import ConnectionClosedError, NoRespondersError, ProtocolError, StaleConnectionError
from nats.protocol.parser import Parser

Receiver = Callable[[bytes, bytes, bytes, bytes], None]
"""Is given subject, reply subject, header block and body; empty bytes for what there is not."""

NO_RESPONDERS = b"NATS/1.0 503"
H, M, P, PLUS, MINUS, INFO = b"HMP+-I"
LONGEST_LINE = 64 << 10  # bytes; a control line that is longer is none


class WireParser(Parser):
    """Reads the protocol of the server by position, without copying the rest of the buffer for each message."""

    def __init__(self, bus: "Bus", receivers: dict[int, Receiver]) -> None:
        super().__init__(bus)
        self._receivers = receivers

    def reset(self) -> None:
        """Forget what has come of a connection that is no more."""
        super().reset()
        self._rest = b""
        self._connection = getattr(self, "_connection", 0) + 1

    async def parse(self, data: bytes = b"") -> None:
        """Take in what has come. Raises ProtocolError for what no server says."""
        buffer = self._rest + data if self._rest else data
        connection, at = self._connection, 0
        try:
            while (end := buffer.find(b"\r\n", at)) >= 0:
                kind = buffer[at]
                if kind in (H, M):
                    after = await self._message(buffer, at, end, with_headers=kind == H)
                    if not after:
                        break
                    at = after
                else:
                    line, at = buffer[at:end], end + 2
                    await self._control(kind, line)
                if connection != self._connection:
                    return
            if end < 0 and len(buffer) - at > LONGEST_LINE:
                raise ProtocolError("nats: a control line has no end")
        finally:
            if connection == self._connection:
                self._rest = buffer[at:]

    async def _message(self, buffer: bytes, at: int, end: int, *, with_headers: bool) -> int:
        """Hand over one message; returns where the next thing begins, or 0 when it has not come whole."""
        try:
            words = buffer[at:end].split()
            total = int(words[-1])
            head = int(words[-2]) if with_headers else 0
            sid = int(words[2])
        except (ValueError, IndexError):
            raise ProtocolError("nats: malformed message") from None
        reply = words[3] if len(words) > 4 + with_headers else b""
        begin = end + 2
        after = begin + total + 2
        if after > len(buffer):
            return 0
        block, body = buffer[begin : begin + head], buffer[begin + head : after - 2]
        receiver = self._receivers.get(sid)
        if receiver is not None:
            receiver(words[1], reply, block, body)
        else:
            await self.nc._process_msg(sid, words[1], reply, body, block or None)  # noqa: SLF001 -- as the library's own parser
        return after

    async def _control(self, kind: int, line: bytes) -> None:
        bus = self.nc
        if kind == P and line.startswith(b"PING"):
            await bus._process_ping()  # noqa: SLF001
        elif kind == P and line.startswith(b"PONG"):
            await bus._process_pong()  # noqa: SLF001
        elif kind == MINUS:
            await bus._process_err(line[5:].decode().lower())  # noqa: SLF001
        elif kind == INFO:
            await bus._process_info(json.loads(line[5:]))  # noqa: SLF001
        elif kind != PLUS:
            raise ProtocolError(f"nats: unknown protocol: {line[:40]!r}")


class Reception:
    """A subscription of the fast lane."""

    def __init__(self, bus: "Bus", subject: str, sid: int, end: Callable[[], object]) -> None:
        self.subject = subject
        self._bus = bus
        self._sid = sid
        self._end = end

    async def stop(self) -> None:
        """Hear no more."""
        self._bus.receivers.pop(self._sid, None)
        if self._bus.is_connected or self._bus.is_reconnecting:
            await self._end()  # type: ignore[misc]


class Bus(Client):
    """A connection. All of `nats.aio.client.Client`, and `receive`, `send` and `ask` beside."""

    def __init__(self) -> None:
        super().__init__()
        self.receivers: dict[int, Receiver] = {}
        self._ps = WireParser(self, self.receivers)
        self.waiting: set[asyncio.Future[Any]] = set()  # for answers on this connection: none comes once it is lost
        self._asked: dict[bytes, asyncio.Future[bytes]] = {}
        self._answers = ""
        self._count = 0

    async def receive(self, subject: str, receiver: Receiver) -> Reception:
        """Have a function called with every message on a subject, on the event loop. It must not block, and not raise."""
        subscription = await self.subscribe(subject, pending_msgs_limit=1, pending_bytes_limit=1)
        sid = subscription._id  # noqa: SLF001 -- the library has no word for it
        self.receivers[sid] = receiver
        return Reception(self, subject, sid, subscription.unsubscribe)

    async def send(self, subject: str, body: bytes, *, reply: str = "", block: bytes = b"") -> None:
        """Publish a message, with a header block as `journal.stored.header_block` makes it. Waits only when much is unsent.

        While the connection is being made again, it is kept and sent then. Raises ConnectionClosedError.
        """
        if self.is_closed:
            raise ConnectionClosedError
        if block:
            start = f"HPUB {subject} {reply} {len(block)} {len(block) + len(body)}\r\n".encode()
        else:
            start = f"PUB {subject} {reply} {len(body)}\r\n".encode()
        await self._send_command(b"".join((start, block, body, b"\r\n")))
        if self._flush_queue is not None and self._flush_queue.empty():
            await self._flush_pending()

    async def ask(self, subject: str, body: bytes, *, block: bytes = b"", seconds: float) -> bytes:
        """Publish and wait for the body of the one answer. Many may be asked at once.

        Raises TimeoutError, NoRespondersError when nobody listens, and StaleConnectionError when the connection is lost meanwhile.
        """
        if not self._answers:
            self._answers = self.new_inbox()
            await self.receive(f"{self._answers}.*", self._answered)
        self._count += 1
        reply = f"{self._answers}.{self._count}"
        key = reply.encode()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        self._asked[key] = answer
        self.waiting.add(answer)
        alarm = loop.call_later(seconds, time_out, answer)
        try:
            await self.send(subject, body, reply=reply, block=block)
            return await answer
        finally:
            alarm.cancel()
            self.waiting.discard(answer)
            del self._asked[key]

    async def _flush_pending(self, force_flush: bool = False) -> Any:
        """As the library's, for a connection that ends in this moment: its reader notices, and `lost` tells who waits."""
        with contextlib.suppress(OSError):
            return await super()._flush_pending(force_flush)

    async def _connect_to_server(self, server: Any) -> None:
        """As the library's, which leaves the socket of an attempt open that came to nothing: of a server that hangs, say."""
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]
        await super()._connect_to_server(server)

    def lost(self) -> None:
        """The connection is lost: whoever waits for an answer on it learns that none will come."""
        for answer in self.waiting:
            if not answer.done():
                answer.set_exception(StaleConnectionError())

    def _answered(self, subject: bytes, _reply: bytes, block: bytes, body: bytes) -> None:
        answer = self._asked.get(subject)
        if answer is None or answer.done():
            return  # it came too late
        if not body and block.startswith(NO_RESPONDERS):
            answer.set_exception(NoRespondersError())
        else:
            answer.set_result(body)


def time_out(answer: asyncio.Future[Any]) -> None:
    """End a wait whose time has run out; a timer of the loop costs a third of `asyncio.timeout`, and this is the hot path."""
    if not answer.done():
        answer.set_exception(TimeoutError())
