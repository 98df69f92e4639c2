"""Logins: one guess at a secret, counted by who is guessed at and where from."""

from services.api.call import Call
from services.api.errors import Refusal
from services.api.identity.login_limits import LoginLimits, TooManyLogins
from services.api.identity.passwords import Passwords


class Logins:
    """Checks secrets, within the limits."""

    def __init__(self, hashes: Passwords, limits: LoginLimits) -> None:
        self._hashes = hashes
        self._limits = limits

    async def right(self, call: Call, user: str, key: str | None, secret: str) -> bool:
        """Whether a secret is the one that is kept under a key; never for no key.

        `user` is what failures are counted for. Raises Refusal 429 with Retry-After, LogUnavailable.
        """
        client = call.request.client
        address = "" if client is None else client.host
        try:
            return await self._limits.attempt(user, address, lambda: self._hashes.match(key, secret))
        except TooManyLogins as error:
            raise Refusal(429, str(error), headers={"Retry-After": str(error.retry_after)}) from None
