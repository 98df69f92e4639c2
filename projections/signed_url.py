"""Signed, expiring URLs: how an agent may fetch an image's bytes without an account of its own."""

import hashlib
import hmac

LIFETIME = 24 * 3600  # seconds; an agent whose URL has run out asks for its desired state anew


def signature(key: bytes, path: str, expires: int) -> str:
    """The signature of a path until a moment (seconds since the epoch)."""
    return hmac.new(key, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


def signed(base: str, path: str, *, key: bytes, now: float) -> str:
    """A URL that opens the path for LIFETIME seconds."""
    expires = int(now) + LIFETIME
    return f"{base}{path}?expires={expires}&signature={signature(key, path, expires)}"


def opens(path: str, expires: str, given: str, *, key: bytes, now: float) -> bool:
    """Whether a signature is right and has not expired."""
    if not expires.isdigit() or int(expires) < now:
        return False
    return hmac.compare_digest(signature(key, path, int(expires)), given)
