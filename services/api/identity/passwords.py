"""Passwords: checked against argon2 hashes, off the event loop, in the same time whether or not the user exists."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from journal.secrets import Secrets

THREADS = 2
"""How many are checked at once: each takes tens of milliseconds and tens of MiB, on purpose."""


class Passwords:
    """The password hashes in the SECRETS bucket (`user.<user id>`)."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._hasher = PasswordHasher()
        self._nobodys = self._hasher.hash("nobody's password")
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")

    async def match(self, user_id: str | None, password: str) -> bool:
        """Whether it is the user's password; never for no user, but that takes as long. Raises LogUnavailable."""
        # The key of no user holds nothing; it is asked for all the same, because an answer takes time.
        kept = await self._secrets.get(f"user.{user_id or 'nobody'}")
        hashed = self._nobodys if kept is None else kept.decode()
        right = await asyncio.get_running_loop().run_in_executor(self._pool, self._verify, hashed, password)
        return right and kept is not None and user_id is not None

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
