"""Passwords and secrets of application credentials: argon2 hashes in the SECRETS bucket.

They are checked off the event loop, in the same time whether or not there is such a user.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from journal.secrets import Secrets

THREADS = 2
"""How many are checked at once: each takes tens of milliseconds and tens of MiB, on purpose."""

HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16)
"""Argon2id with the second recommended choice of RFC 9106 (64 MiB). Every hash names its own parameters."""


def of_user(user_id: str) -> str:
    """Under what a user's password hash is kept."""
    return f"user.{user_id}"


def of_credential(credential_id: str) -> str:
    """Under what the hash of an application credential's secret is kept."""
    return f"credential.{credential_id}"


class Passwords:
    """The hashes in the SECRETS bucket."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._nobodys = HASHER.hash("nobody's password")
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")

    async def match(self, key: str | None, password: str) -> bool:
        """Whether it is the right one; never for no key, but that takes as long. Raises LogUnavailable."""
        # The key of no user holds nothing; it is asked for all the same, because an answer takes time.
        kept = await self._secrets.get(key or of_user("nobody"))
        hashed = self._nobodys if kept is None else kept.decode()
        right = await asyncio.get_running_loop().run_in_executor(self._pool, _verify, hashed, password)
        return right and kept is not None and key is not None

    async def keep(self, key: str, password: str) -> None:
        """Keep its hash, in place of the one before. Raises LogUnavailable."""
        hashed = await asyncio.get_running_loop().run_in_executor(self._pool, HASHER.hash, password)
        await self._secrets.put(key, hashed.encode())

    async def forget(self, key: str) -> None:
        """Remove the hash; nothing when there is none. Raises LogUnavailable."""
        await self._secrets.forget(key)


def _verify(hashed: str, password: str) -> bool:
    try:
        return HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
