"""Waiting with an end, without losing a cancellation.

`asyncio.wait_for` of Python 3.11 forgets a cancellation that comes in the very moment in which what it waits for is done: the
task then runs on for ever, and whoever ends it waits as long. `asyncio.timeout` does not.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def within(seconds: float, awaitable: Awaitable[T]) -> T:
    """The result of an awaitable. Raises TimeoutError when it does not come in time."""
    async with asyncio.timeout(seconds):
        return await awaitable
