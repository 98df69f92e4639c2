import asyncio

import pytest

from journal.waiting import within
from services.cli.signals import end


async def test_a_cancellation_that_comes_as_the_wait_is_over_is_not_lost() -> None:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(within(5, done))
    await asyncio.sleep(0)
    done.set_result(None)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_task_that_loses_its_first_cancellation_is_ended_all_the_same() -> None:
    async def deaf_once() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    task = asyncio.create_task(deaf_once())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end(task, in_order=0.01)
    assert task.cancelled()
