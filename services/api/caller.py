"""The caller: who asks, in which project, in which roles. And tokens: a caller, signed, for a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

import jwt

LIFETIME = timedelta(hours=12)
"""How long a token lives where the region's settings do not say otherwise."""
LONGEST = timedelta(days=7)
"""The longest that they may say: an ending that is older ends nothing any more."""
ALGORITHM = "HS256"
ISSUER = "chronova"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. Without a project (an unscoped token) there are no roles."""

    user_id: str
    user_name: str
    project_id: str | None
    project_name: str | None
    roles: tuple[str, ...]
    methods: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    audit_id: str
    proven_at: int = 0  # position of the log up to which it was known, when the caller proved to be who it is
    scoped_at: int = 0  # the same, when its project and roles were looked up
    parent_audit_id: str | None = None  # of the token that proved it
    credential_id: str | None = None  # of the application credential that proved it
    credential_name: str | None = None
    unrestricted: bool = True  # whether it may manage application credentials

    @property
    def is_admin(self) -> bool:
        """Whether it may see and do what belongs to other projects."""
        return "admin" in self.roles


NOBODY = Caller("", "", None, None, (), (), datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), "")
"""The caller of an open route."""


class Authenticator(Protocol):
    """Knows whom a token stands for."""

    async def caller(self, token: str) -> Caller | None:
        """Whom it stands for now; None when it is not a good one. Raises Refusal 503 when that cannot be known."""


class Tokens:
    """Issues and reads tokens. Reading is two comparisons for a token that was read before: every request brings one."""

    def __init__(self, key: bytes, clock: Callable[[], datetime]) -> None:
        self._key = key
        self._clock = clock
        self._read = lru_cache(maxsize=4096)(self._decode)

    def issue(self, caller: Caller) -> str:
        """The token that stands for a caller until `caller.expires_at`."""
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": caller.user_id,
            "name": caller.user_name,
            "project": caller.project_id,
            "project_name": caller.project_name,
            "roles": caller.roles,
            "methods": caller.methods,
            "iat": int(caller.issued_at.timestamp()),
            "exp": int(caller.expires_at.timestamp()),
            "jti": caller.audit_id,
            "pos": [caller.proven_at, caller.scoped_at],
        }
        if caller.parent_audit_id is not None:
            claims["parent"] = caller.parent_audit_id
        if caller.credential_id is not None:
            claims["credential"] = [caller.credential_id, caller.credential_name, caller.unrestricted]
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def read(self, token: str) -> Caller | None:
        """Whom a token stands for; None when it is not one of ours or has expired. Whether it was ended: `endings.py`."""
        try:
            caller = self._read(token)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError):
            return None
        return caller if self._clock() < caller.expires_at else None

    def _decode(self, token: str) -> Caller:
        # Time is judged in `read`, by the clock that was handed in.
        options: Any = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub"]}
        claims: dict[str, Any] = jwt.decode(token, self._key, algorithms=[ALGORITHM], issuer=ISSUER, options=options)
        proven_at, scoped_at = claims.get("pos", (0, 0))
        credential_id, credential_name, unrestricted = claims.get("credential", (None, None, True))
        return Caller(
            user_id=claims["sub"],
            user_name=claims["name"],
            project_id=claims["project"],
            project_name=claims["project_name"],
            roles=tuple(claims["roles"]),
            methods=tuple(claims["methods"]),
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            audit_id=claims["jti"],
            proven_at=proven_at,
            scoped_at=scoped_at,
            parent_audit_id=claims.get("parent"),
            credential_id=credential_id,
            credential_name=credential_name,
            unrestricted=unrestricted,
        )
