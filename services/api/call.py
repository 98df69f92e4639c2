"""The call: one request as a handler is given it, already matched, authenticated and numbered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request

from journal.authority import Source
from journal.envelope import Author
from services.api.caller import NOBODY, Caller
from services.api.dependencies import Dependencies
from services.api.errors import NotAllowed, Refusal
from services.api.policy import allows

BODY_LIMIT = 1 << 20  # bytes; image bytes are streamed and do not count
NO_NULLS = "Null characters are not allowed."


@dataclass(slots=True)
class Call:
    """One request."""

    request: Request
    dependencies: Dependencies
    request_id: str  # req-<uuid>
    path: Mapping[str, str] = field(default_factory=dict)
    caller: Caller = NOBODY
    version: tuple[int, int] = (2, 1)  # compute: the microversion that it is answered in
    negotiated: bool = False  # compute: whether the answer says so

    @property
    def author(self) -> Author:
        """Whom the log names for what this call appends."""
        return Author(actor=f"user:{self.caller.user_id}", source=Source.API, request_id=self.request_id)

    @property
    def project_id(self) -> str:
        """The caller's project. Routes whose policy names a role are never reached without one."""
        return self.caller.project_id or ""

    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters; the last of each name."""
        return self.request.query_params

    def require(self, policy: str) -> None:
        """Pass when the caller may. Raises NotAllowed."""
        if not allows(policy, self.caller.roles):
            raise NotAllowed(policy)

    async def body(self) -> bytes:
        """The whole body. Raises Refusal 413 when it is larger than BODY_LIMIT."""
        declared = self.request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > BODY_LIMIT:
            raise Refusal(413, "Request is too large.")
        chunks, size = [], 0
        async for chunk in self.request.stream():
            size += len(chunk)
            if size > BODY_LIMIT:
                raise Refusal(413, "Request is too large.")
            chunks.append(chunk)
        return b"".join(chunks)

    async def json(self) -> Any:
        """The body, parsed; None when there is none. Raises Refusal 400, 413, 415."""
        raw = await self.body()
        if not raw:
            return None
        content_type = self.request.headers.get("content-type", "")
        if content_type and "json" not in content_type:
            raise Refusal(415, "Unsupported Content-Type")
        if rb"\u0000" in raw:  # databases cannot keep it
            raise Refusal(400, NO_NULLS)
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise Refusal(400, "Malformed request body") from None
