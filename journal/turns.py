"""Taking turns: one at a time for each key, in the order they came. A key that nobody uses takes no memory."""

import asyncio
from collections import deque


class Turns:
    """Who waits for which key."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def at(self, key: str) -> "Turn":
        """A turn at a key: `async with turns.at(key)`."""
        return Turn(self._waiting, key)


class Turn:
    """One turn: begins when all that came before at the same key have ended."""

    __slots__ = ("_key", "_waiting")

    def __init__(self, waiting: dict[str, deque[asyncio.Future[None]]], key: str) -> None:
        self._waiting = waiting
        self._key = key

    async def __aenter__(self) -> None:
        queue = self._waiting.get(self._key)
        if queue is None:
            self._waiting[self._key] = deque()
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():
                self._end()  # it was our turn just when we were told to stop
            elif mine in queue:  # else the turn was passed over us already
                queue.remove(mine)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        queue = self._waiting[self._key]
        while queue:
            following = queue.popleft()
            if not following.done():
                following.set_result(None)
                return
        del self._waiting[self._key]
