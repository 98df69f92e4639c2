"""`POST /servers`: the way of a request until it is in the log. Nothing is recorded when any check fails."""

import asyncio
import contextlib
import secrets
import string
import time
from collections.abc import Sequence

from starlette.responses import Response

from domain.errors import DomainError, NotFound
from domain.instance.instance import Instance
from domain.instance.request import request
from domain.project.usage import Ask
from domain.servergroup import ServerGroup, join
from journal.errors import JournalError, LogUnavailable, OutcomeUnknown
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.create_checks import Parts, parts
from services.api.compute.create_request import Wanted, wanted
from services.api.compute.create_schema import create_schema
from services.api.compute.links import links
from services.api.compute.microversions import exists
from services.api.errors import Refusal

PASSWORD_LENGTH = 12
PASSWORD_LETTERS = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1Il")))
"""Without those that are easily mistaken for each other."""
TOGETHER = 32
"""How many servers of one request are made at the same time."""
STANDS_FOR = 30.0
"""Seconds for which a reservation surely stands: the conductor gives back what has no instance after 60."""


def new_password() -> str:
    """A password that nobody can guess."""
    return "".join(secrets.choice(PASSWORD_LETTERS) for _ in range(PASSWORD_LENGTH))


def new_reservation() -> str:
    """The name that the servers of one request share."""
    return "r-" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))


async def create_servers(call: Call) -> Response:
    """202 with where it is; 400, 403, 409, 413, 501 and then nothing is recorded; 503 while the log is away.

    Source: compute API reference, "Create Server".
    """
    asked = wanted(create_schema(call.version).check(await call.json()))
    found = await parts(call, asked)
    password = asked.admin_password or new_password()
    reservation = new_reservation()
    began = time.monotonic()
    granted = await _begin(call, asked, found, password)
    await _join_group(call, asked, found, granted)
    made = [
        _instance(call, asked, found, reservation=reservation, index=index, instance_id=instance_id)
        for index, instance_id in enumerate(granted)
    ]
    position = 0
    for start in range(0, len(made), TOGETHER):
        _require_standing(began)
        together = [_record(call, instance) for instance in made[start : start + TOGETHER]]
        position = max(position, *await asyncio.gather(*together))
    if asked.return_reservation_id:
        return answer({"reservation_id": reservation}, 202, position=position)
    base, first = call.dependencies.public_url, made[0].id
    created = {
        "id": first,
        "links": links(base, "servers", first),
        "OS-DCF:diskConfig": made[0].disk_config,
        "security_groups": [{"name": "default"}],
        "adminPass": password,
    }
    return answer({"server": created}, 202, headers={"Location": f"{base}/v2.1/servers/{first}"}, position=position)


async def _begin(call: Call, asked: Wanted, found: Parts, password: str) -> tuple[str, ...]:
    """Take what they need of the project's quota; the ids of those that may be made. Raises QuotaExceeded.

    The secrets of a single server are kept meanwhile, when it seems that it may be made: that is the usual case.
    """
    ids, at = [call.dependencies.new_id() for _ in range(asked.count)], call.dependencies.clock()
    ask = Ask(dict.fromkeys(ids, found.takes), least=asked.least)
    reserving = call.dependencies.commands.reserve(call.project_id, ask, found.default_limits, at, call.author)
    if asked.count > 1 or not found.quota_seems_enough:
        granted = await reserving
        for start in range(0, len(granted), TOGETHER):
            together = granted[start : start + TOGETHER]
            await asyncio.gather(*(_keep_secrets(call, instance_id, asked, password) for instance_id in together))
        return granted
    outcome, kept = await asyncio.gather(
        reserving, _keep_secrets(call, ids[0], asked, password), return_exceptions=True
    )
    if isinstance(outcome, BaseException):
        with contextlib.suppress(LogUnavailable):
            await call.dependencies.secrets.forget_instance(ids[0])
        raise outcome
    if isinstance(kept, BaseException):
        await call.dependencies.commands.unreserve(call.project_id, ids, at, call.author)
        raise kept
    return outcome


async def _keep_secrets(call: Call, instance_id: str, asked: Wanted, password: str) -> None:
    """Keep them before the event: whoever reads it must find them. Raises LogUnavailable."""
    keep = call.dependencies.secrets.put
    puts = [keep(f"instance.{instance_id}.admin_password", password.encode())]
    if asked.user_data is not None:
        puts.append(keep(f"instance.{instance_id}.user_data", asked.user_data.encode()))
    await asyncio.gather(*puts)


async def _join_group(call: Call, asked: Wanted, found: Parts, instance_ids: Sequence[str]) -> None:
    """Make them members of the group that was named. Raises Refusal 400, QuotaExceeded."""
    if asked.group is None:
        return
    at = call.dependencies.clock()
    try:
        await call.dependencies.commands.execute(
            ServerGroup,
            asked.group,
            lambda group: join(group, instance_ids, most=found.most_members, at=at),
            call.author,
        )
    except DomainError as error:
        await call.dependencies.commands.unreserve(call.project_id, instance_ids, at, call.author)
        raise Refusal(400, str(error)) if isinstance(error, NotFound) else error from None


def _require_standing(since: float) -> None:
    """What was reserved long ago and has no instance is given back: none may be made for it any more. Raises LogUnavailable."""
    if time.monotonic() - since > STANDS_FOR:
        raise LogUnavailable("It took too long to record all servers of the request.")


def _instance(call: Call, asked: Wanted, found: Parts, *, reservation: str, index: int, instance_id: str) -> Instance:
    return request(
        instance_id,
        at=call.dependencies.clock(),
        project_id=call.project_id,
        user_id=call.caller.user_id,
        name=asked.name_of(index),
        hostname=asked.hostname_of(index, instance_id),
        flavor=found.flavor,
        image=found.image,
        networks=found.networks,
        key=found.key,
        metadata=asked.metadata,
        description=asked.description if exists("create.description", call.version) else asked.name,
        user_data_sha256=asked.user_data_sha256,
        reservation_id=reservation,
        launch_index=index,
        config_drive=asked.config_drive,
        details=asked.details,
        tags=asked.tags,
        zone=asked.zone,
        host=asked.host,
        hints=asked.hints,
    )


async def _record(call: Call, instance: Instance) -> int:
    """Append the event. Returns its position."""
    try:
        return (await call.dependencies.commands.create(instance, call.author)).position
    except OutcomeUnknown:
        raise  # it may exist: if it does not, the conductor forgets its secrets later
    except JournalError:
        with contextlib.suppress(LogUnavailable):
            await call.dependencies.secrets.forget_instance(instance.id)
        await call.dependencies.commands.unreserve(
            call.project_id, [instance.id], call.dependencies.clock(), call.author
        )
        raise
