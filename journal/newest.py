"""The newest message of a subject, from the leader of its stream: whatever was acknowledged before it was asked for is in it.

Direct reads (`journal.direct_get`) are faster and are answered by any copy of a stream, which may lag behind the others for a
moment. That does no harm where an append follows that names the position it was decided on. It does where none follows: so
decisions to do nothing or to refuse, secrets and saved positions are read here. On a single server both are the same.
"""

import asyncio
from base64 import b64decode
from typing import Any

import orjson
from nats.errors import Error as NatsError

from journal.bus import Bus
from journal.errors import JournalError, LogUnavailable
from journal.stored import VERSION_LINE, Stored

ONE_ANSWER = 2.0  # seconds: while there is no leader nobody answers at all
NO_MESSAGE = 10037  # the server's code for a subject without one

UNAVAILABLE = 503  # the server's code for "not now"


async def newest(bus: Bus, stream: str, subject: str, *, patience: float = 10.0) -> Stored | None:
    """The newest message of a subject; None when it has none.

    Waits out the choice of a new leader. Raises LogUnavailable when there is none within `patience` seconds, or no connection.
    """
    deadline = asyncio.get_running_loop().time() + patience
    question = orjson.dumps({"last_by_subj": subject})
    while True:
        if not bus.is_connected:
            raise LogUnavailable("The log cannot be reached.")
        try:
            answer = orjson.loads(await bus.ask(f"$JS.API.STREAM.MSG.GET.{stream}", question, seconds=ONE_ANSWER))
        except (NatsError, TimeoutError) as error:
            why = str(error) or "timed out"
        else:
            if "message" in answer:
                return _stored(answer["message"])
            refusal = answer["error"]
            if refusal.get("err_code") == NO_MESSAGE:
                return None
            why = refusal.get("description")
            if refusal.get("code") != UNAVAILABLE:
                raise JournalError(f"Reading {subject} failed: {why}")
        if asyncio.get_running_loop().time() > deadline:
            raise LogUnavailable(f"The log does not answer: {why}")
        await asyncio.sleep(0.1)


def _stored(message: dict[str, Any]) -> Stored:
    """As a direct read gives it: with the time when it was stored among its headers."""
    block, body = (b64decode(message.get(part, "")) for part in ("hdrs", "data"))
    time = f"Nats-Time-Stamp: {message['time']}\r\n\r\n".encode()
    return Stored(int(message["seq"]), str(message["subject"]), (block or VERSION_LINE + b"\r\n")[:-2] + time, body)
