"""The SECRETS bucket: what must never be in the log. Kept by owner, and deleted with it."""

from nats.errors import Error as NatsError

from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.errors import LogUnavailable


class Secrets:
    """User data and passwords of instances (`instance.<id>.<what>`), password hashes of users (`user.<id>`)."""

    def __init__(self, client: Bus) -> None:
        self._client = client
        self._reads = DirectGet(client, "KV_SECRETS")

    async def put(self, key: str, value: bytes) -> None:
        """Keep a secret. Raises LogUnavailable."""
        await self._publish(key, value, {})

    async def get(self, key: str) -> bytes | None:
        """The secret; None when there is none."""
        message = await self._reads.last(f"$KV.SECRETS.{key}")
        if message is None or "KV-Operation" in message.headers:
            return None
        return message.body

    async def forget(self, key: str) -> None:
        """Remove the secret from disk, for good."""
        await self._publish(key, b"", {"KV-Operation": "PURGE", "Nats-Rollup": "sub"})

    async def _publish(self, key: str, value: bytes, headers: dict[str, str]) -> None:
        if not self._client.is_connected:
            raise LogUnavailable("The log cannot be reached.")  # the library would keep it, and send it whenever it can
        try:
            await self._client.jetstream().publish(f"$KV.SECRETS.{key}", value, timeout=5, headers=headers or None)
        except (NatsError, TimeoutError) as error:
            raise LogUnavailable(f"The secret could not be kept: {str(error) or 'timed out'}") from error
