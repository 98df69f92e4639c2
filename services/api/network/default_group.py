"""The default security group: made when its project first meets it, and again after an administrator deleted it."""

from functools import partial

from sqlalchemy import Connection, select

from domain.security_group.group import (
    SecurityGroup,
    create_default_group,
    default_group_id,
    restore_default_group,
)
from journal.errors import AppendConflict
from projections.tables import security_groups
from services.api.call import Call


async def ensure_default_group(call: Call, project_id: str) -> None:
    """Have a project's default group in the log. Two requests at once make one: its id is the same for both."""
    group_id, at = default_group_id(project_id), call.dependencies.clock()
    if not project_id or await call.dependencies.reads.query(partial(_is_there, group_id)):
        return
    try:
        await call.dependencies.commands.create(create_default_group(project_id, at=at), call.author)
    except AppendConflict:
        await call.dependencies.commands.execute(
            SecurityGroup, group_id, partial(restore_default_group, at=at), call.author
        )


def _is_there(group_id: str, connection: Connection) -> bool:
    found = select(security_groups.c.id).where(security_groups.c.id == group_id)
    return connection.execute(found).first() is not None
