"""Who can see an image: its own project always, everybody a public or a community one, members a shared one.

Community images are in no list unless they are asked for, nor shared ones unless the member has accepted them.
"""

from collections.abc import Mapping
from typing import Any

from services.api.caller import Caller

PUBLIC, PRIVATE, SHARED, COMMUNITY = "public", "private", "shared", "community"
VISIBILITIES = (COMMUNITY, PUBLIC, PRIVATE, SHARED)
FOR_ALL = frozenset({PUBLIC, COMMUNITY})


def can_see(row: Mapping[Any, Any], caller: Caller) -> bool:
    """Whether a caller can see and boot from an image."""
    if caller.is_admin or row["visibility"] in FOR_ALL or row["project_id"] == caller.project_id:
        return True
    return row["visibility"] == SHARED and caller.project_id in row["members"]


def can_change(row: Mapping[Any, Any], caller: Caller) -> bool:
    """Whether a caller can upload to, change or delete an image."""
    return caller.is_admin or row["project_id"] == caller.project_id
