"""Work on a guest: one piece at a time, and what libvirt tells meanwhile belongs to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Work:
    """Which guests are being worked on."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._stops: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def on(self, instance_id: str) -> AsyncIterator[asyncio.Event]:
        """Work on a guest, after whoever does so now. The event is set whenever the guest stops."""
        lock = self._locks.setdefault(instance_id, asyncio.Lock())  # it goes when nobody holds or awaits it
        async with lock:
            stopped = self._stops[instance_id] = asyncio.Event()
            try:
                yield stopped
            finally:
                del self._stops[instance_id]

    def is_on(self, instance_id: str) -> bool:
        """Whether somebody works on the guest, so that its changes are their doing."""
        return instance_id in self._stops

    def note_stop(self, instance_id: str) -> None:
        """Tell whoever works on the guest that it has stopped."""
        if stopped := self._stops.get(instance_id):
            stopped.set()


async def happens(event: asyncio.Event, within: float) -> bool:
    """Whether an event happens in time."""
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        return False
    return True
