"""Moments as people write them."""

import re
from datetime import UTC, datetime, timedelta

AGO = re.compile(r"(\d{1,9})\s*([smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
FORMATS = "2026-11-25T14:05:00Z, 2026-11-25 14:05, 2026-11-25, or how long ago: 10m, 2h, 3d"


def moment(text: str, *, now: datetime) -> datetime:
    """The moment that a text means. Without a zone it is UTC, as everything that is printed. Raises ValueError with a sentence.

    RFC 3339 and shorter forms of it, and how long ago: seconds, minutes, hours, days and weeks as `90s`, `10m`, `2h`, `3d`, `1w`.
    """
    stripped = text.strip()
    if ago := AGO.fullmatch(stripped):
        try:
            return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            raise ValueError(f"{text!r} ago is before all time.") from None
    try:
        found = datetime.fromisoformat(stripped.upper())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a moment: write {FORMATS}.") from None


def written(at: datetime) -> str:
    """A moment as it is printed: RFC 3339 in UTC, to the microsecond, so that it can be given back."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
