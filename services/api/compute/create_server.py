"""`POST /servers`: the way of a request until it is in the log. Nothing is recorded when any check fails."""

import asyncio
import contextlib
import secrets
import string

from starlette.responses import Response

from domain.instance.instance import Instance
from domain.instance.request import request
from journal.errors import JournalError, LogUnavailable, OutcomeUnknown
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.create_checks import Parts, parts
from services.api.compute.create_request import Wanted, wanted
from services.api.compute.create_schema import create_schema
from services.api.compute.links import links

PASSWORD_LENGTH = 12
PASSWORD_LETTERS = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1Il")))
"""Without those that are easily mistaken for each other."""
TOGETHER = 32
"""How many servers of one request are made at the same time."""


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
    made = [_instance(call, asked, found, reservation, index) for index in range(asked.count)]
    position = 0
    for start in range(0, len(made), TOGETHER):
        together = [_record(call, instance, asked.user_data, password) for instance in made[start : start + TOGETHER]]
        position = max(position, *await asyncio.gather(*together))
    if asked.return_reservation_id:
        return answer({"reservation_id": reservation}, 202, position=position)
    base, first = call.dependencies.public_url, made[0].id
    created = {
        "id": first,
        "links": links(base, "servers", first),
        "OS-DCF:diskConfig": "MANUAL",
        "security_groups": [{"name": "default"}],
        "adminPass": password,
    }
    return answer({"server": created}, 202, headers={"Location": f"{base}/v2.1/servers/{first}"}, position=position)


def _instance(call: Call, asked: Wanted, found: Parts, reservation: str, index: int) -> Instance:
    instance_id = call.dependencies.new_id()
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
        description=asked.description,
        user_data_sha256=asked.user_data_sha256,
        reservation_id=reservation,
        launch_index=index,
        config_drive=asked.config_drive,
    )


async def _record(call: Call, instance: Instance, user_data: str | None, password: str) -> int:
    """Keep the secrets first: whoever reads the event must find them. Returns the event's position."""
    keep = call.dependencies.secrets.put
    puts = [keep(f"instance.{instance.id}.admin_password", password.encode())]
    if user_data is not None:
        puts.append(keep(f"instance.{instance.id}.user_data", user_data.encode()))
    await asyncio.gather(*puts)
    try:
        return (await call.dependencies.commands.create(instance, call.author)).position
    except OutcomeUnknown:
        raise  # it may exist: if it does not, the conductor forgets its secrets later
    except JournalError:
        with contextlib.suppress(LogUnavailable):
            await call.dependencies.secrets.forget_instance(instance.id)
        raise
