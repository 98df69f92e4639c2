"""Ending in order when told to."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable

IN_ORDER = 6.0  # seconds that everything has to end by itself after it was told
AGAIN = 0.5  # seconds between being told again


async def until_told(run: Awaitable[None]) -> bool:
    """Run until SIGTERM or SIGINT, then end in order; whether it ended by itself."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(run)
    ending: list[asyncio.Task[None]] = []

    def told() -> None:
        ending.append(loop.create_task(end(task), name="end"))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return not task.cancelled()


async def end(task: "asyncio.Future[None]", *, in_order: float = IN_ORDER) -> None:
    """Cancel a task and wait until it has ended.

    A cancellation can be lost in a library that waits by `asyncio.wait_for` (see `journal.waiting`). So whatever is still
    there after a while is cancelled itself, again and again.
    """
    task.cancel()
    await asyncio.wait([task], timeout=in_order)
    while not task.done():
        for other in asyncio.all_tasks() - {asyncio.current_task()}:
            other.cancel()
        await asyncio.wait([task], timeout=AGAIN)
