"""Tokens that were revoked. A token is no event when it is given: it says all of itself, and its signature that it is true."""

from datetime import datetime
from typing import ClassVar

from domain.aggregate import Aggregate, Created


class Token(Aggregate):
    """A token that has ended before its time, by its audit id."""

    TOPIC: ClassVar[str] = "chronova.token"
    KIND: ClassVar[str] = "token"

    user_id: str


class TokenRevoked(Created):
    """Somebody gave a token up, or an administrator took it away."""

    TOPIC: ClassVar[str] = "chronova.token.revoked.v1"

    user_id: str  # whose it was
    expires_at: str  # RFC 3339, in UTC: when it would have ended by itself

    def apply(self, aggregate: Token) -> None:
        """It opens nothing any more."""
        aggregate.user_id = self.user_id


def revoke_token(audit_id: str, *, user_id: str, expires_at: datetime, at: datetime) -> Token:
    """The end of one token."""
    return Token.begin(TokenRevoked, aggregate_id=audit_id, user_id=user_id, expires_at=expires_at.isoformat(), at=at)
