"""Host aggregates: there are none yet, but clients that show a hypervisor ask for them."""

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call


async def list_aggregates(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """200: none."""
    return answer({"aggregates": []})
