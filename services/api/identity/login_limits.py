"""Login limits: how often a secret may be guessed, by user and by source address. Only failures count.

Each of three counts leaks: it grows by one with every failure, and shrinks with time. A login that is under way counts as if it
had failed, so that many guesses at once are no way around; but it makes others wait, not fail, until it is decided.

Whoever fails on purpose to lock somebody else out reaches only the third count, that of a user from anywhere, and that one does
not hold for an address from which the user has logged in before. Each replica of the API counts for itself.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures in a row, and then one more whenever so many seconds have passed."""

    failures: int
    seconds: float


USER_FROM_ADDRESS = Limit(5, 10.0)
ADDRESS = Limit(50, 1.0)
USER = Limit(20, 5.0)

WAITING = 256
"""How many logins may wait for others to be decided."""
KNOWN_ADDRESSES = 16
"""How many addresses of a user are remembered: the last ones from which it logged in."""
REMEMBERED = 50_000
"""How many counts, and how many users' addresses, are kept at most; the oldest are forgotten first."""


class TooManyLogins(Exception):
    """Too many have failed. `retry_after` is in whole seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Too many logins have failed. Try again in {math.ceil(retry_after)} s.")
        self.retry_after = max(1, math.ceil(retry_after))


@dataclass(slots=True)
class _Count:
    limit: Limit
    failed: float = 0.0  # as of `at`
    at: float = 0.0  # seconds
    under_way: int = 0

    def leak(self, now: float) -> None:
        leaked = max(0.0, now - self.at) / self.limit.seconds
        self.failed, self.at = max(0.0, self.failed - leaked), now

    @property
    def wait(self) -> float:
        """Seconds until one more is allowed, if none of those under way fails; 0 when it is allowed now."""
        return max(0.0, self.failed + 1 - self.limit.failures) * self.limit.seconds


class LoginLimits:
    """Counts failed logins."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._counts: OrderedDict[tuple[str, ...], _Count] = OrderedDict()
        self._known: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()
        self._waiting = 0
        self._decided = asyncio.Event()

    async def attempt(self, user: str, address: str, check: Callable[[], Awaitable[bool]]) -> bool:
        """One login: what its check says. Raises TooManyLogins, and then nothing was checked."""
        counts = await self._admit(self._keys(user, address))
        try:
            right = await check()
            if right:
                counts[0].failed = 0.0
                self._remember(user, address)
            else:
                for count in counts:
                    count.leak(self._now())
                    count.failed += 1
        finally:
            for count in counts:
                count.under_way -= 1
            self._decided.set()
            self._decided = asyncio.Event()
        return right

    async def _admit(self, keys: dict[tuple[str, ...], Limit]) -> list[_Count]:
        while True:
            counts = [self._count(key, limit) for key, limit in keys.items()]
            if wait := max(count.wait for count in counts):
                raise TooManyLogins(wait)
            if all(count.failed + count.under_way + 1 <= count.limit.failures for count in counts):
                for count in counts:
                    count.under_way += 1
                return counts
            if self._waiting >= WAITING:
                raise TooManyLogins(1)
            self._waiting += 1
            try:
                await self._decided.wait()
            finally:
                self._waiting -= 1

    def _keys(self, user: str, address: str) -> dict[tuple[str, ...], Limit]:
        keys = {("user", user, "from", address): USER_FROM_ADDRESS, ("from", address): ADDRESS}
        if address not in self._known.get(user, ()):
            keys["user", user] = USER
        return keys

    def _count(self, key: tuple[str, ...], limit: Limit) -> _Count:
        now = self._now()
        count = self._counts.setdefault(key, _Count(limit, at=now))
        count.leak(now)
        self._counts.move_to_end(key)
        while len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        return count

    def _remember(self, user: str, address: str) -> None:
        known = self._known.setdefault(user, OrderedDict())
        known[address] = None
        known.move_to_end(address)
        self._known.move_to_end(user)
        if len(known) > KNOWN_ADDRESSES:
            known.popitem(last=False)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _now(self) -> float:
        return self._clock().timestamp()
