"""What the API is handed from outside: everything that is not a pure function of the request."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from journal.secrets import Secrets
from projections.read_model import ReadModel
from services.api.caller import LIFETIME, Authenticator
from services.api.commands import AppliedPosition, Commands
from services.api.endings import Endings


@dataclass(frozen=True, slots=True)
class Dependencies:
    """One wiring for all routes; kept in `app.state.dependencies`."""

    commands: Commands
    applied: AppliedPosition
    reads: ReadModel
    secrets: Secrets
    clock: Callable[[], datetime]
    new_id: Callable[[], str]  # a random UUID
    console_output: Callable[[str, str, int | None], Awaitable[str]]
    """(host, instance id, lines) → the guest's console log. Raises TimeoutError when the host does not answer."""
    diagnostics: Callable[[str, str], Awaitable[Mapping[str, Any]]]
    """(host, instance id) → the guest's figures, as `services.compute.diagnostics`. Raises TimeoutError."""
    image_store: Path  # a directory: one file an image, named by its id
    public_url: str  # http://127.0.0.1:8774, without a slash at the end
    token_key: bytes  # signs tokens
    url_key: bytes  # signs URLs for image bytes
    endings: Endings
    keystone: Authenticator | None = None  # who knows tokens, where identity is not ours
    keystone_url: str = ""  # where clients get them then: http://keystone.example.org:5000
    token_lifetime: timedelta = LIFETIME
    region: str = "RegionOne"
    image_size_limit: int = 1 << 40  # bytes: larger uploads are refused

    @property
    def identity_url(self) -> str:
        """Where clients get tokens."""
        return self.keystone_url or f"{self.public_url}/identity"
