"""Endings: whether a token was ended before its time, known by every replica without asking for each request (ADR 0017).

The truth is the read model's table `endings`. Each replica keeps the part of it that can still matter in memory. The replica that
ends tokens tells the others as soon as the event is in the log, over core NATS; what is lost on that way is found in the table, at
which a replica looks before a request when it has not done so for a second.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select

from journal.bus import Bus
from projections.endings import ENDS, of_credential, of_grant, of_project, of_token, of_user
from projections.read_model import ReadModel, position_of
from projections.tables import endings
from services.api.caller import LONGEST, Caller, Tokens

SUBJECT = "end.tokens"
"""Core NATS: `{"key": …, "position": …}`, for each ending."""

LOOK_EVERY = timedelta(seconds=1)
TIDY_EVERY = timedelta(hours=1)


class Endings:
    """Which tokens have ended: a key that they have in common → those that were given before a position."""

    def __init__(self, client: Bus, reads: ReadModel, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._reads = reads
        self._clock = clock
        self._ended: dict[str, tuple[int, datetime]] = {}
        self._seen = 0  # position of the read model at the last look
        self._looked = self._tidied = clock() - TIDY_EVERY
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Begin to listen, and look at what there is."""
        await self._client.receive(SUBJECT, self._told)
        await self._look()

    async def follow_from(self, events: Iterable[Any], position: int) -> None:
        """End the tokens that these events end, here and everywhere; the newest of them is at this position of the log."""
        for event in events:
            if (key := ENDS.get(type(event))) is not None:
                self._note(key(event), position, self._clock())
                if self._client.is_connected:
                    await self._client.publish(SUBJECT, orjson.dumps({"key": key(event), "position": position}))

    async def have_ended(self, caller: Caller) -> bool:
        """Whether the token that stands for a caller has ended. Raises OperationalError when that cannot be known."""
        if self._clock() - self._looked >= LOOK_EVERY:
            async with self._turn:
                if self._clock() - self._looked >= LOOK_EVERY:
                    await self._look()
        return any(self._ended.get(key, NEVER)[0] > given for key, given in keys_of(caller))

    async def _look(self) -> None:
        began = self._clock()
        wanted = select(endings.c.key, endings.c.position, endings.c.at).where(
            endings.c.position > self._seen, endings.c.at > began - LONGEST
        )

        def ask(connection: Connection) -> tuple[int, Sequence[Row[str, int, datetime]]]:
            return position_of(connection), connection.execute(wanted).all()

        seen, rows = await self._reads.query(ask)
        for key, position, at in rows:
            self._note(key, position, at)
        self._seen, self._looked = seen, began
        if began - self._tidied >= TIDY_EVERY:
            self._ended = {key: ending for key, ending in self._ended.items() if ending[1] > began - LONGEST}
            self._tidied = began

    def _told(self, _subject: bytes, _reply: bytes, _block: bytes, body: bytes) -> None:
        told = orjson.loads(body)
        self._note(told["key"], told["position"], self._clock())

    def _note(self, key: str, position: int, at: datetime) -> None:
        if position > self._ended.get(key, NEVER)[0]:
            self._ended[key] = (position, at)


NEVER = (0, datetime.min.replace(tzinfo=UTC))


def keys_of(caller: Caller) -> list[tuple[str, int]]:
    """Each key by which a caller's token can be ended, with the position from which on an event ends it."""
    keys = [(of_user(caller.user_id), caller.proven_at), (of_token(caller.audit_id), caller.proven_at)]
    if caller.credential_id is not None:
        keys.append((of_credential(caller.credential_id), caller.proven_at))
    if caller.project_id is not None:
        keys.append((of_project(caller.project_id), caller.scoped_at))
        keys.append((of_grant(caller.user_id, caller.project_id), caller.scoped_at))
    return keys


class OwnTokens:
    """Knows whom a token stands for, where identity is ours."""

    def __init__(self, tokens: Tokens, ended: Endings) -> None:
        self._tokens = tokens
        self._endings = ended

    async def caller(self, token: str) -> Caller | None:
        """Whom it stands for now; None when it is not one of ours, has expired, or was ended."""
        caller = self._tokens.read(token)
        return None if caller is None or await self._endings.have_ended(caller) else caller
