"""What else can be asked of one server, and has one answer for all of them here."""

from starlette.responses import Response

from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.server_rows import visible
from services.api.errors import Refusal


async def show_password(call: Call) -> Response:
    """200; 404. Guests have no way to leave an encrypted password. Source: compute API reference, "Show Server Password"."""
    await visible(call, call.path["id"])
    return answer({"password": ""})


async def clear_password(call: Call) -> Response:
    """204: there is none; 404. Source: compute API reference, "Clear Admin Password"."""
    await visible(call, call.path["id"])
    return empty(204)


async def show_topology(call: Call) -> Response:
    """200; 404. No guest is bound to parts of its host. Source: compute API reference, "Show Server Topology"."""
    await visible(call, call.path["id"])
    return answer({"nodes": [], "pagesize_kb": None})


async def list_migrations(call: Call) -> Response:
    """200 with the live migrations under way; 404. Source: compute API reference, "List Migrations"."""
    await visible(call, call.path["id"])
    return answer({"migrations": []})


async def show_migration(call: Call) -> Response:
    """Raises Refusal 404: there is none under way. Source: compute API reference, "Show Migration Details"."""
    row = await visible(call, call.path["id"])
    raise Refusal(404, f"In-progress live migration {call.path['migration']} is not found for server {row['id']}.")
