"""Turns: one at a time for each key, in order, whoever gives up on the way."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.turns import Turns


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=25))
def test_no_two_are_at_a_key_at_once_and_all_get_their_turn(work: list[tuple[str, int, bool]]) -> None:
    asyncio.run(everybody_in_turn(work))


async def everybody_in_turn(work: list[tuple[str, int, bool]]) -> None:
    turns, inside, ended = Turns(), set[str](), list[int]()

    async def one(number: int, key: str, steps: int) -> None:
        async with turns.at(key):
            assert key not in inside
            inside.add(key)
            try:
                for _ in range(steps):
                    await asyncio.sleep(0)
            finally:
                inside.remove(key)
            ended.append(number)

    tasks = [asyncio.create_task(one(number, key, steps)) for number, (key, steps, _) in enumerate(work)]
    await asyncio.sleep(0)
    for task, (_, _, gives_up) in zip(tasks, work, strict=True):
        if gives_up:
            task.cancel()
            await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)

    assert all(task.cancelled() or task.exception() is None for task in tasks)
    patient = [number for number, (_, _, gives_up) in enumerate(work) if not gives_up]
    assert set(patient) <= set(ended)
    for key in "abc":
        order = [number for number in ended if work[number][0] == key]
        assert order == sorted(order)
    assert turns._waiting == {}


async def test_an_error_in_a_turn_ends_it() -> None:
    turns = Turns()
    with pytest.raises(RuntimeError):
        async with turns.at("a"):
            raise RuntimeError
    async with asyncio.timeout(1), turns.at("a"):
        pass
