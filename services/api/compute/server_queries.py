"""What the query of a list of servers may hold, in each microversion. Source: compute API reference, "List Servers"."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from services.api.compute.microversions import Version, exists
from services.api.compute.server_filters import FILTERS
from services.api.compute.server_order import NOT_SORTED_BY, SORT_KEYS
from services.api.errors import Refusal
from services.api.schema import QuerySchema

INTERNAL = frozenset(
    {
        "block_device_mapping",
        "info_cache",
        "metadata",
        "pci_devices",
        "security_groups",
        "services",
        "system_metadata",
    }
)
"""Names that Nova keeps for itself: administrators are told so, from others they are as good as not sent."""

_TEXT: Mapping[str, Any] = {"type": "string"}
_REGEX: Mapping[str, Any] = {"type": "string", "format": "regex"}
_NUMBER: Mapping[str, Any] = {"type": "string", "pattern": "^-?[0-9]{1,9}$"}

_FORMS: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("name", "display_name", "ip", "ip6", "hostname"), _REGEX),
    **dict.fromkeys(("description", "display_description", "access_ip_v4", "access_ip_v6"), _REGEX),
    **dict.fromkeys(("power_state", "launch_index", "progress"), _NUMBER),
}
"""How some filters' values look; the others are any text."""

_BESIDE: Mapping[str, Mapping[str, Any]] = {
    "status": _TEXT,
    "all_tenants": {"anyOf": [{"maxLength": 0}, {"type": "string", "format": "boolean"}]},
    "deleted": _TEXT,
    "tenant_id": _TEXT,
    "project_id": _TEXT,
    "limit": {"type": "string", "pattern": "^[0-9]*$"},
    "marker": _TEXT,
    "sort_dir": {"type": "string", "enum": ["asc", "desc"]},
    **dict.fromkeys(INTERNAL, _TEXT),
}
"""What is no filter, or one that depends on others."""


def check_query(query: Mapping[str, list[str]], version: Version, *, admin: bool) -> None:
    """Pass a query that the microversion allows. Raises Refusal 400."""
    _schema(version).check(query)
    for name in query:
        if admin and (name in INTERNAL or name.startswith("_")):
            raise Refusal(400, f"Invalid filter field: {name}.")


@lru_cache(maxsize=128)
def _schema(version: Version) -> QuerySchema:
    filters = {name: _FORMS.get(name, _TEXT) for name in FILTERS if exists(f"servers?{name}", version)}
    keys = {key for key in SORT_KEYS if exists(f"servers sorted by {key}", version)}
    if exists("servers sorted by what they are not", version):
        keys |= NOT_SORTED_BY
    parameters = {**filters, **_BESIDE, "sort_key": {"type": "string", "enum": sorted(keys)}}
    return QuerySchema(parameters, strict=exists("servers.unknown parameters are refused", version))
