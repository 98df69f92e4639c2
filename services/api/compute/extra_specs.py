"""Extra specs: what a flavor wants of hosts and guests beyond its size. Source: compute API reference, "Flavors extra-specs"."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import Response

from domain.flavor import Flavor, token_of
from domain.flavor_changes import change_extra_specs
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.flavors import visible_flavor
from services.api.compute.microversions import exists
from services.api.errors import Refusal
from services.api.schema import BodySchema

_SPECS: Mapping[str, Any] = {
    "type": "object",
    "patternProperties": {
        "^[a-zA-Z0-9-_:. ]{1,255}$": {"type": ["string", "number"], "maxLength": 255, "pattern": "^[^\x00]*$"}
    },
    "additionalProperties": False,
}
_ADD = BodySchema(
    {
        "type": "object",
        "properties": {"extra_specs": _SPECS},
        "required": ["extra_specs"],
        "additionalProperties": False,
    }
)
_UPDATE = BodySchema({**_SPECS, "minProperties": 1, "maxProperties": 1})

NUMBER, TRUTH = r"-?[0-9]+", r"(?i:1|t|true|on|y|yes|0|f|false|off|n|no)"
CHECKED: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(name), re.compile(value))
    for name, value in (
        (r"hw:cpu_policy", "dedicated|shared|mixed"),
        (r"hw:cpu_thread_policy", "prefer|isolate|require"),
        (r"hw:emulator_threads_policy", "isolate|share"),
        (r"hw:mem_page_size", r"large|small|any|[0-9]+([kKMG]i?[bB]?)?"),
        (r"hw:(numa_nodes|cpu_(max_)?(sockets|cores|threads)|serial_port_count|watchdog_timeout)", NUMBER),
        (r"hw:watchdog_action", "none|pause|poweroff|reset|disabled"),
        (r"hw:(boot_menu|mem_encryption|vif_multiqueue_enabled|pmu|locked_memory)", TRUTH),
        (r"hw_rng:allowed", TRUTH),
        (r"hw_rng:(rate_bytes|rate_period)", NUMBER),
        (r"hw_video:ram_max_mb", NUMBER),
        (r"os:secure_boot", "required|optional|disabled"),
        (r"quota:(cpu|disk|memory|vif)_(?!shares_level)[a-z_]+", NUMBER),
        (r"resources[0-9A-Za-z_-]*:[A-Z0-9_]+", r"[0-9]+"),
        (r"trait[0-9A-Za-z_-]*:[A-Z0-9_]+", "required|forbidden"),
    )
)
"""(name, value) of specs whose values are checked from 2.86 on; all others can be anything."""


async def list_extra_specs(call: Call) -> Response:
    """200; 404."""
    return answer({"extra_specs": (await visible_flavor(call))["extra_specs"]})


async def show_extra_spec(call: Call) -> Response:
    """200; 404."""
    row, key = await visible_flavor(call), call.path["key"]
    if key not in row["extra_specs"]:
        raise Refusal(404, f"Flavor {row['id']} has no extra specs with key {key}.")
    return answer({key: row["extra_specs"][key]})


async def add_extra_specs(call: Call) -> Response:
    """200 with what was sent; 400, 404."""
    body = _ADD.check(await call.json())
    position = await _change(call, body["extra_specs"])
    return answer(body, position=position)


async def update_extra_spec(call: Call) -> Response:
    """200 with what was sent; 400, 404."""
    body = _UPDATE.check(await call.json())
    if call.path["key"] not in body:
        raise Refusal(400, "Request body and URI mismatch")
    position = await _change(call, body)
    return answer(body, position=position)


async def delete_extra_spec(call: Call) -> Response:
    """200; 404."""
    return empty(200, position=await _change(call, {}, removed=[call.path["key"]]))


async def _change(call: Call, asked: Mapping[str, Any], *, removed: Iterable[str] = ()) -> int:
    specs = {name: str(value) for name, value in asked.items()}
    if exists("flavor.extra_specs are checked", call.version):
        _check(specs)
    row, at = await visible_flavor(call), call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Flavor,
        token_of(row["id"]),
        lambda flavor: change_extra_specs(flavor, specs, removed=removed, at=at),
        call.author,
    )
    return saved.position


def _check(specs: Mapping[str, str]) -> None:
    """Pass when no value is wrong for its name. Raises Refusal 400."""
    for name, value in specs.items():
        for known, allowed in CHECKED:
            if known.fullmatch(name) and not allowed.fullmatch(value):
                raise Refusal(
                    400,
                    f"Validation failed; extra spec '{name}' does not accept the value '{value}': {allowed.pattern}",
                )
