"""How far a service that writes to the log has followed it. Saved now and then: what it repeats after a crash is idempotent."""

import logging

from nats.errors import Error as NatsError

from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.newest import newest

log = logging.getLogger(__name__)

BUCKET = "$KV.POSITIONS"


class Positions:
    """The POSITIONS bucket."""

    def __init__(self, client: Bus) -> None:
        self._client = client
        self._reads = DirectGet(client, "KV_POSITIONS")

    async def get(self, follower: str) -> int:
        """The position that was saved last; 0 when there is none."""
        message = await newest(self._client, "KV_POSITIONS", f"{BUCKET}.{follower}")
        return 0 if message is None else int(message.body)

    async def everything(self) -> dict[str, int]:
        """All positions that are saved, by follower. Raises LogUnavailable."""
        return {
            message.subject.removeprefix(f"{BUCKET}."): int(message.body)
            async for page in self._reads.pages(f"{BUCKET}.>")
            for message in page
        }

    async def put(self, follower: str, position: int) -> bool:
        """Save a position; False when it could not be saved now: the follower then repeats a little more after a crash."""
        try:
            await self._client.jetstream().publish(f"{BUCKET}.{follower}", str(position).encode(), timeout=5)
        except (NatsError, TimeoutError) as error:
            log.warning("the position of %s could not be saved: %r", follower, error)
            return False
        return True
