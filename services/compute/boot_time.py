"""When the machine was started: operators are shown how long each host has been up."""

from datetime import UTC, datetime
from pathlib import Path

STAT = Path("/proc/stat")


def booted_at(stat: Path = STAT) -> str | None:
    """The minute, RFC 3339; None when the kernel does not say. Its seconds shift when clocks are set, and mean nothing."""
    try:
        for line in stat.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "btime":
                minute = int(value) // 60 * 60
                return datetime.fromtimestamp(minute, UTC).isoformat()
    except (OSError, ValueError):
        return None
    return None
