"""Unique names of projects, users and application credentials: taken before what they name is made, given back after its end."""

from domain.identity.credential import Credential
from domain.identity.name import Name, name_id, release_name, take_again, take_name
from domain.identity.project import Project
from domain.identity.user import User
from journal.errors import AggregateNotFound, AppendConflict
from services.api.call import Call


async def take(call: Call, kind: type[Project | User | Credential], scope: str, name: str, holder: str) -> None:
    """Take a name for a holder that is about to be made, or renamed. Raises Conflict, LogUnavailable."""
    at, commands = call.dependencies.clock(), call.dependencies.commands
    try:
        await commands.create(take_name(scope, name, holder=holder, at=at), call.author)
    except AppendConflict:
        used = await commands.load(Name, name_id(scope, name))
        abandoned = None if await _has(call, kind, used) else used.holder
        await commands.execute(
            Name,
            name_id(scope, name),
            lambda it: take_again(it, holder=holder, abandoned_by=abandoned, at=at),
            call.author,
        )


async def release(call: Call, scope: str, name: str, holder: str) -> None:
    """Give a name back; nothing when it is not the holder's. Raises LogUnavailable."""
    at = call.dependencies.clock()
    try:
        await call.dependencies.commands.execute(
            Name, name_id(scope, name), lambda it: release_name(it, holder=holder, at=at), call.author
        )
    except AggregateNotFound:
        return  # of a region that is older than its names


async def _has(call: Call, kind: type[Project | User | Credential], name: Name) -> bool:
    """Whether the holder is there, and still called so."""
    if name.holder is None:
        return False
    try:
        holder = await call.dependencies.commands.load(kind, name.holder)
    except AggregateNotFound:
        return False
    return not holder.is_deleted and holder.name == name.name
