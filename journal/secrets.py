"""The SECRETS bucket: what must never be in the log. Kept by owner, and deleted with it."""

from collections.abc import AsyncIterator
from datetime import datetime

from nats.errors import Error as NatsError

from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.errors import JournalError, LogUnavailable
from journal.newest import newest
from journal.streams import call, subjects

STREAM = "KV_SECRETS"
SUBJECT = "$KV.SECRETS."


OF_AN_INSTANCE = ("user_data", "admin_password", "rescue_password")
"""What is kept of an instance, under `instance.<id>.<what>`."""


class Secrets:
    """User data and passwords of instances (`instance.<id>.<what>`), password hashes of users (`user.<id>`)."""

    def __init__(self, client: Bus) -> None:
        self._client = client
        self._reads = DirectGet(client, STREAM)

    async def put(self, key: str, value: bytes) -> None:
        """Keep a secret. Raises LogUnavailable."""
        await self._publish(key, value)

    async def get(self, key: str) -> bytes | None:
        """The secret; None when there is none."""
        message = await newest(self._client, STREAM, SUBJECT + key)
        return None if message is None else message.body

    async def everything(self) -> AsyncIterator[tuple[str, bytes]]:
        """All secrets, by key. Raises LogUnavailable."""
        async for page in self._reads.pages(f"{SUBJECT}>"):
            for message in page:
                yield message.subject.removeprefix(SUBJECT), message.body

    async def forget(self, key: str) -> None:
        """Remove the secret, and overwrite its bytes on disk; nothing when there is none. Raises LogUnavailable."""
        message = await newest(self._client, STREAM, SUBJECT + key)
        if message is not None:
            try:
                await call(self._client, f"STREAM.MSG.DELETE.{STREAM}", {"seq": message.position})
            except LogUnavailable:
                raise
            except JournalError:
                if await self._reads.at(message.position) is not None:  # else somebody else was first
                    raise

    async def forget_instance(self, instance_id: str) -> None:
        """Remove all that is kept of an instance. Raises LogUnavailable."""
        for what in OF_AN_INSTANCE:
            await self.forget(f"instance.{instance_id}.{what}")

    async def kept_since(self, pattern: str) -> dict[str, datetime]:
        """The keys that match a pattern (NATS wildcards), each with the time since when it is kept. Raises LogUnavailable."""
        found: dict[str, datetime] = {}
        for subject in await subjects(self._client, STREAM, SUBJECT + pattern):
            message = await newest(self._client, STREAM, subject)
            if message is not None:
                found[subject.removeprefix(SUBJECT)] = datetime.fromisoformat(message.header(b"Nats-Time-Stamp"))
        return found

    async def _publish(self, key: str, value: bytes) -> None:
        if not self._client.is_connected:
            raise LogUnavailable("The log cannot be reached.")  # the library would keep it, and send it whenever it can
        try:
            await self._client.jetstream().publish(SUBJECT + key, value, timeout=5)
        except (NatsError, TimeoutError) as error:
            raise LogUnavailable(f"The secret could not be kept: {str(error) or 'timed out'}") from error
