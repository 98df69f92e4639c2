"""The usage audit log: Nova's periodic reports of usage. There is no such task here, for usage follows the log: none ever ran.

Source: compute API reference, "Server usage audit log".
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.compute.host_rows import all_hosts
from services.api.errors import Refusal

FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")


async def list_audits(call: Call) -> Response:
    """200: of the month before this one."""
    return answer({"instance_usage_audit_logs": await _of_month_before(call, call.dependencies.clock())})


async def show_audits(call: Call) -> Response:
    """200: of the month before a moment; 400 for what is no time."""
    text = unquote(call.path["before"])
    for form in FORMATS:
        try:
            before = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return answer({"instance_usage_audit_log": await _of_month_before(call, before)})
    raise Refusal(400, f"Invalid timestamp for date {text}")


async def _of_month_before(call: Call, moment: datetime) -> dict[str, Any]:
    end = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    begin = end.replace(year=end.year - 1, month=12) if end.month == 1 else end.replace(month=end.month - 1)
    hosts = [row["name"] for row in await all_hosts(call)]
    return {
        "period_beginning": f"{begin:%Y-%m-%d %H:%M:%S}",
        "period_ending": f"{end:%Y-%m-%d %H:%M:%S}",
        "num_hosts": len(hosts),
        "num_hosts_done": 0,
        "num_hosts_running": 0,
        "num_hosts_not_run": len(hosts),
        "hosts_not_run": hosts,
        "total_instances": 0,
        "total_errors": 0,
        "overall_status": f"0 of {len(hosts)} hosts done. 0 errors.",
        "log": {},
    }
