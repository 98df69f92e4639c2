"""An existing Keystone, where a region is told to use one: it knows users, projects and tokens, and our own identity API is off.

Each token is shown to it, and what it says is good for a minute: as with Keystone's own middleware, what is revoked there opens
things here for so long. Source: identity API v3 reference, "Validate and show information for token".
"""

import asyncio
import contextlib
import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from domain.identity.project import create_project
from domain.identity.role import effective_roles
from journal.authority import Source
from journal.envelope import Author
from journal.errors import AppendConflict
from services.api.caller import Caller
from services.api.commands import Commands
from services.api.errors import RETRY, Refusal

log = logging.getLogger(__name__)

GOOD_FOR = timedelta(seconds=60)
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
REMEMBERED = 10_000
"""How many tokens are remembered at most; those that were asked about longest ago are forgotten first."""


class Keystone:
    """Asks a Keystone whom a token stands for, and remembers the answer. `login` is the body of our own request for a token."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        login: Mapping[str, Any],
        clock: Callable[[], datetime],
        introduce: Callable[[Caller], Awaitable[None]],
    ) -> None:
        self._http = http
        self._login = login
        self._clock = clock
        self._introduce = introduce  # is told of a caller whose project was not seen before
        self._introduced: set[str] = set()
        self._own_token = ""
        self._logging_in = asyncio.Lock()
        self._known: OrderedDict[bytes, tuple[datetime, Caller | None]] = OrderedDict()
        self._asked: dict[bytes, asyncio.Future[Caller | None]] = {}

    async def caller(self, token: str) -> Caller | None:
        """Whom it stands for; None when Keystone does not know it. Raises Refusal 503 when Keystone does not answer."""
        if not token.isascii():
            return None  # and it could not be sent as a header
        key = hashlib.sha256(token.encode()).digest()  # so that no dump of our memory is a list of tokens
        now = self._clock()
        until, caller = self._known.get(key, (now, None))
        if until <= now:
            caller = await self._ask_once(key, token)
        return caller if caller is None or now < caller.expires_at else None

    async def _ask_once(self, key: bytes, token: str) -> Caller | None:
        """Ask for all who want to know the same at the same time."""
        asked = self._asked.get(key)
        if asked is None:
            asked = asyncio.ensure_future(self._remember(key, token))
            self._asked[key] = asked
            asked.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(asked)

    def _answered(self, key: bytes, done: asyncio.Future[Caller | None]) -> None:
        del self._asked[key]
        if not done.cancelled():
            done.exception()  # seen, also when whoever asked has gone away

    async def _remember(self, key: bytes, token: str) -> Caller | None:
        began = self._clock()
        caller = await self._ask(token)
        if caller is not None and caller.project_id is not None and caller.project_id not in self._introduced:
            await self._introduce(caller)
            self._introduced.add(caller.project_id)
        self._known[key] = (began + GOOD_FOR, caller)
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return caller

    async def _ask(self, token: str) -> Caller | None:
        for _ in range(2):  # the second time with a new token of our own
            own = self._own_token or await self._log_in("")
            headers = {"X-Auth-Token": own, "X-Subject-Token": token}
            answer = await self._request("GET", "/v3/auth/tokens?nocatalog", headers=headers)
            if answer.status_code == httpx.codes.OK:
                try:
                    return caller_of(answer)
                except (KeyError, TypeError, ValueError, IndexError):
                    raise self._unusable("it says of a token what no Keystone says") from None
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                raise self._unusable(f"it answers {answer.status_code} when it is shown a token")
            await self._log_in(own)
        raise self._unusable("it takes our login, and then not the token that it gave for it")

    async def _log_in(self, before: str) -> str:
        """A new token of our own, unless somebody else has just got one in place of the one before."""
        async with self._logging_in:
            if self._own_token == before:
                answer = await self._request("POST", "/v3/auth/tokens?nocatalog", json=self._login)
                if answer.status_code != httpx.codes.CREATED:
                    self._own_token = ""
                    raise self._unusable(f"it answers {answer.status_code} to our login")
                self._own_token = answer.headers["X-Subject-Token"]
            return self._own_token

    async def _request(self, method: str, path: str, **parts: Any) -> httpx.Response:
        try:
            return await self._http.request(method, path, **parts)
        except httpx.HTTPError as error:
            raise self._unusable(f"it does not answer ({type(error).__name__})") from None

    def _unusable(self, why: str) -> Refusal:
        log.warning("the Keystone at %s cannot be used: %s", self._http.base_url, why)
        return Refusal(503, "The identity service of this cloud cannot be asked. Try again in a moment.", headers=RETRY)


def introducer(commands: Commands, clock: Callable[[], datetime]) -> Callable[[Caller], Awaitable[None]]:
    """Makes projects of Keystone known to the log: quotas are kept, and usage is counted, by project."""

    async def introduce(caller: Caller) -> None:
        project = create_project(caller.project_id or "", name=caller.project_name or "", at=clock())
        with contextlib.suppress(AppendConflict):  # it is known
            await commands.create(project, Author(f"user:{caller.user_id}", Source.API))

    return introduce


def caller_of(answer: httpx.Response) -> Caller | None:
    """Whom an answer says a token to stand for; None for one whose scope is neither a project nor nothing."""
    token = answer.json()["token"]
    if token.keys() & {"system", "domain"}:
        return None
    project = token.get("project") or {"id": None, "name": None}
    if project["id"] is not None and not IDENTIFIER.fullmatch(project["id"]):
        raise ValueError("the id of a project is no subject")
    credential = token.get("application_credential") or {"id": None, "name": None, "restricted": False}
    return Caller(
        user_id=token["user"]["id"],
        user_name=token["user"]["name"],
        project_id=project["id"],
        project_name=project["name"],
        roles=effective_roles(role["name"] for role in token.get("roles", ())),
        methods=tuple(token["methods"]),
        issued_at=_moment(token["issued_at"]),
        expires_at=_moment(token["expires_at"]),
        audit_id=token["audit_ids"][0],
        credential_id=credential["id"],
        credential_name=credential["name"],
        unrestricted=not credential["restricted"],
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
