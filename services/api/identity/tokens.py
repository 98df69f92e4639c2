"""Tokens: given to whoever proves to be somebody, shown, and revoked.

Source: identity API v3 reference, "Authentication and token management".
"""

from starlette.responses import Response

from domain.identity.token import revoke_token
from journal.errors import AppendConflict
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.caller import Authenticator, Caller, Tokens
from services.api.errors import NotAllowed, Refusal
from services.api.identity.auth_schema import AUTH
from services.api.identity.bodies import catalog, token_body
from services.api.identity.methods import Methods
from services.api.identity.scopes import scoped


class TokenHandlers:
    """The handlers that need the key, and know which tokens have ended."""

    def __init__(self, tokens: Tokens, authenticator: Authenticator, methods: Methods) -> None:
        self._tokens = tokens
        self._authenticator = authenticator
        self._methods = methods

    async def create(self, call: Call) -> Response:
        """201 with X-Subject-Token; 400; 401 for a wrong user, secret, token or project, without saying which; 429."""
        auth = AUTH.check(await call.json())["auth"]
        proven = await self._methods.prove(call, auth["identity"])
        caller = await scoped(call, proven, auth.get("scope"))
        headers = {"X-Subject-Token": self._tokens.issue(caller)}
        body = token_body(caller, call.dependencies, with_catalog="nocatalog" not in call.query)
        return answer(body, 201, headers=headers)

    async def show(self, call: Call) -> Response:
        """200: what the token in X-Subject-Token stands for; 403 for another user's; 404 when it is not a good one.

        Services may look at everybody's: that is how they find out who asks.
        """
        subject, caller = await self._subject(call)
        if not {"admin", "service"} & set(call.caller.roles) and caller.user_id != call.caller.user_id:
            raise NotAllowed("identity:validate_token")
        body = token_body(caller, call.dependencies, with_catalog="nocatalog" not in call.query)
        return answer(body, headers={"X-Subject-Token": subject})

    async def revoke(self, call: Call) -> Response:
        """204: the token in X-Subject-Token opens nothing from now on; 403 for another user's; 404."""
        _, caller = await self._subject(call)
        if not call.caller.is_admin and caller.user_id != call.caller.user_id:
            raise NotAllowed("identity:revoke_token")
        ended = revoke_token(
            caller.audit_id, user_id=caller.user_id, expires_at=caller.expires_at, at=call.dependencies.clock()
        )
        try:
            position = (await call.dependencies.commands.create(ended, call.author)).position
        except AppendConflict:
            raise Refusal(404, "Failed to validate token") from None  # somebody else was first
        return empty(204, position=position)

    async def _subject(self, call: Call) -> tuple[str, Caller]:
        subject = call.request.headers.get("x-subject-token")
        caller = None if subject is None else await self._authenticator.caller(subject)
        if caller is None or subject is None:
            raise Refusal(404, "Failed to validate token")
        return subject, caller


async def show_catalog(call: Call) -> Response:
    """200: where each service is."""
    links = {"self": f"{call.dependencies.public_url}/identity/v3/auth/catalog", "previous": None, "next": None}
    return answer({"catalog": catalog(call.dependencies), "links": links})
