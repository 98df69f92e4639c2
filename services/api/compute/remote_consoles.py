"""`POST /servers/{id}/remote-consoles`: there is no proxy that would show a guest's screen, so each is refused, in good form.

Source: compute API reference, "Create Console".
"""

from functools import lru_cache

from starlette.responses import Response

from domain.errors import IllegalInState
from services.api.call import Call
from services.api.compute.microversions import Version, exists
from services.api.compute.server_rows import visible
from services.api.errors import Refusal
from services.api.schema import BodySchema


async def create_console(call: Call) -> Response:
    """Raises Refusal 400, 404, IllegalInState for a server that never ran."""
    asked = _schema(call.version).check(await call.json())["remote_console"]
    row = await visible(call, call.path["id"])
    if row["launched_at"] is None:
        raise IllegalInState(f"get_{asked['protocol']}_console", row["id"], "vm_state", row["vm_state"])
    raise Refusal(
        400,
        f"Unavailable console type {asked['type']}. This cloud shows what a guest writes to its serial console: "
        "use the action os-getConsoleOutput.",
    )


@lru_cache(maxsize=128)
def _schema(version: Version) -> BodySchema:
    protocols, types = ["vnc", "spice", "serial"], ["novnc", "xvpvnc", "spice-html5", "serial"]
    if exists("console.mks", version):
        protocols, types = [*protocols, "mks"], [*types, "webmks"]
    return BodySchema(
        {
            "type": "object",
            "properties": {
                "remote_console": {
                    "type": "object",
                    "properties": {
                        "protocol": {"type": "string", "enum": protocols},
                        "type": {"type": "string", "enum": types},
                    },
                    "required": ["protocol", "type"],
                    "additionalProperties": False,
                }
            },
            "required": ["remote_console"],
            "additionalProperties": False,
        }
    )
