"""Login limits: how often a secret may be guessed, whatever order guesses come in, and who is not locked out by it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.identity.login_limits import (
    ADDRESS,
    USER,
    USER_FROM_ADDRESS,
    WAITING,
    LoginLimits,
    TooManyLogins,
)

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def says(answer: bool) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return answer

    return check


async def fail(limits: LoginLimits, user: str, address: str, times: int = 1) -> None:
    for _ in range(times):
        assert not await limits.attempt(user, address, says(False))


async def test_after_some_failures_in_a_row_a_user_waits(clock: Clock, limits: LoginLimits) -> None:
    await fail(limits, "ann", HOME, USER_FROM_ADDRESS.failures)
    with pytest.raises(TooManyLogins) as refused:
        await limits.attempt("ann", HOME, says(True))
    assert refused.value.retry_after == USER_FROM_ADDRESS.seconds
    clock.passes(refused.value.retry_after)
    assert await limits.attempt("ann", HOME, says(True))


async def test_success_counts_for_nothing_and_wipes_out_what_failed_before(limits: LoginLimits) -> None:
    for _ in range(100):
        assert await limits.attempt("ann", HOME, says(True))
    for _ in range(3):
        await fail(limits, "ann", HOME, USER_FROM_ADDRESS.failures - 1)
        assert await limits.attempt("ann", HOME, says(True))


async def test_an_address_cannot_go_through_all_users(limits: LoginLimits) -> None:
    for number in range(ADDRESS.failures):
        await fail(limits, f"user-{number}", ELSEWHERE)
    with pytest.raises(TooManyLogins):
        await limits.attempt("one-more", ELSEWHERE, says(True))
    assert await limits.attempt("one-more", HOME, says(True))


async def test_a_user_cannot_be_guessed_from_everywhere_at_once(limits: LoginLimits) -> None:
    for number in range(USER.failures):
        await fail(limits, "ann", f"203.0.113.{number}")
    with pytest.raises(TooManyLogins) as refused:
        await limits.attempt("ann", "203.0.113.250", says(True))
    assert refused.value.retry_after <= USER.seconds


async def test_nobody_is_locked_out_where_it_has_logged_in_before(clock: Clock, limits: LoginLimits) -> None:
    assert await limits.attempt("ann", HOME, says(True))
    for second in range(300):
        clock.passes(1)
        try:
            await limits.attempt("ann", f"203.0.113.{second % 250}", says(False))
        except TooManyLogins:
            assert await limits.attempt("ann", HOME, says(True))
    assert await limits.attempt("ann", HOME, says(True))


async def test_many_guesses_at_once_are_no_way_around(limits: LoginLimits) -> None:
    checked = 0

    async def check() -> bool:
        nonlocal checked
        checked += 1
        await asyncio.sleep(0)
        return False

    guesses = [limits.attempt("ann", HOME, check) for _ in range(50)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert checked == USER_FROM_ADDRESS.failures
    assert sum(isinstance(outcome, TooManyLogins) for outcome in outcomes) == 50 - checked


async def test_many_right_logins_at_once_wait_for_each_other_and_all_succeed(limits: LoginLimits) -> None:
    async def check() -> bool:
        await asyncio.sleep(0)
        return True

    assert all(await asyncio.gather(*(limits.attempt("ann", HOME, check) for _ in range(200))))


async def test_those_who_wait_are_bounded(limits: LoginLimits) -> None:
    decided = asyncio.Event()

    async def check() -> bool:
        await decided.wait()
        return True

    many = USER_FROM_ADDRESS.failures + WAITING + 10
    logins = [asyncio.ensure_future(limits.attempt("ann", HOME, check)) for _ in range(many)]
    await asyncio.wait(logins, return_when=asyncio.FIRST_COMPLETED)
    decided.set()
    outcomes = await asyncio.gather(*logins, return_exceptions=True)
    assert sum(outcome is True for outcome in outcomes) == many - 10


async def test_a_check_that_cannot_be_made_is_no_failure(limits: LoginLimits) -> None:
    async def breaks() -> bool:
        raise ConnectionError

    for _ in range(USER_FROM_ADDRESS.failures + 1):
        with pytest.raises(ConnectionError):
            await limits.attempt("ann", HOME, breaks)
    assert await limits.attempt("ann", HOME, says(True))


@settings(max_examples=50, deadline=None)
@given(
    guesses=st.lists(
        st.tuples(st.floats(0, 3), st.sampled_from(["ann", "bob"]), st.integers(0, 5)), min_size=30, max_size=100
    )
)
def test_in_no_time_can_more_fail_than_the_limits_say(guesses: list[tuple[float, str, int]]) -> None:
    clock = Clock()
    limits = LoginLimits(clock)
    failed: list[tuple[datetime, str, str]] = []
    longest = max(USER_FROM_ADDRESS.seconds, USER.seconds, ADDRESS.seconds)
    waits: list[int] = []

    async def guess() -> None:
        for pause, user, number in guesses:
            clock.passes(pause)
            try:
                await limits.attempt(user, f"192.0.2.{number}", says(False))
                failed.append((clock.now, user, f"192.0.2.{number}"))
            except TooManyLogins as refused:
                waits.append(refused.retry_after)

    asyncio.run(guess())
    assert all(1 <= wait <= longest for wait in waits)
    for limit, of in ((USER_FROM_ADDRESS, (1, 2)), (ADDRESS, (2,)), (USER, (1,))):
        for key in {tuple(failure[part] for part in of) for failure in failed}:
            times = [failure[0] for failure in failed if tuple(failure[part] for part in of) == key]
            for first in range(len(times)):
                for last in range(first, len(times)):
                    seconds = (times[last] - times[first]).total_seconds()
                    assert last - first + 1 <= limit.failures + seconds / limit.seconds + 1e-3


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> LoginLimits:
    return LoginLimits(clock)
