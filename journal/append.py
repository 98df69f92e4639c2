"""Appending: one event, at an exact position of its aggregate, and certainty about whether it is in the log.

The rule for a lost acknowledgement (ADR 0002): a publish whose answer did not come may be stored or not, now or after a
reconnect. So the same message, with the same id and expectation, is sent again; a refusal then means that the subject has
grown, and if its newest event is ours, ours was stored.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import uuid_utils
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from journal.direct_get import DirectGet, position_of
from journal.errors import AppendConflict, JournalError, LogUnavailable

EXPECTED = "Nats-Expected-Last-Subject-Sequence"
CONFLICTS = frozenset({10071, 10164})
TRANSIENT_CODES = frozenset({503})

Message = tuple[Mapping[str, str], bytes]


class Appender:
    """Appends to the log over one connection."""

    def __init__(self, client: Client, reads: DirectGet, *, timeout: float = 3.0, attempts: int = 3) -> None:
        self._client = client
        self._reads = reads
        self._timeout = timeout
        self._attempts = attempts

    async def append(self, subject: str, messages: Sequence[Message], *, expected: int) -> int:  # noqa: C901
        """Append events to one aggregate, all or none; `expected` is the position of its newest event (0: none yet).

        Returns the position of the last one. Raises AppendConflict when the aggregate has grown meanwhile, LogUnavailable
        when the log cannot be reached or does not answer.
        """
        wire = [(dict(headers), body) for headers, body in messages]
        wire[0][0][EXPECTED] = str(expected)
        ours = wire[-1][0]["ce-id"]
        unsure = False
        for attempt in range(self._attempts):
            if not self._client.is_connected:
                raise LogUnavailable("The log cannot be reached.")
            try:
                answer = await self._publish(subject, wire)
            except NoRespondersError as error:
                if attempt + 1 == self._attempts and not unsure:
                    raise LogUnavailable("The log has no leader.") from error
                await asyncio.sleep(0.2 * (attempt + 1))
                continue
            except (NatsError, TimeoutError):
                unsure = True
                continue
            error_in_answer = answer.get("error")
            if error_in_answer is None:
                return int(answer["seq"])
            if error_in_answer.get("err_code") not in CONFLICTS:
                if error_in_answer.get("code") in TRANSIENT_CODES:
                    raise LogUnavailable(f"The log cannot take events: {error_in_answer.get('description')}")
                raise JournalError(f"The log refused an event of {subject}: {error_in_answer.get('description')}")
            if unsure and (position := await self._position_if_newest(subject, ours)):
                return position
            raise AppendConflict(f"{subject} has grown past {expected}")
        if position := await self._position_if_newest(subject, ours):
            return position
        raise LogUnavailable("The log does not answer.")

    async def _publish(self, subject: str, wire: Sequence[tuple[dict[str, str], bytes]]) -> dict[str, Any]:
        if len(wire) > 1:  # an atomic batch: dear on a single server, and rare (ADR 0002)
            batch = str(uuid_utils.uuid7())
            for number, (headers, _) in enumerate(wire, 1):
                headers |= {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
            wire[-1][0]["Nats-Batch-Commit"] = "1"
            for headers, body in wire[:-1]:
                await self._client.publish(subject, body, headers=headers)
        headers, body = wire[-1]
        answer = await self._client.request(subject, body, timeout=self._timeout, headers=headers)
        parsed: dict[str, Any] = orjson.loads(answer.data)
        return parsed

    async def _position_if_newest(self, subject: str, event_id: str) -> int | None:
        newest = await self._reads.last(subject)
        if newest is None or (newest.headers or {}).get("ce-id") != event_id:
            return None
        return position_of(newest)
