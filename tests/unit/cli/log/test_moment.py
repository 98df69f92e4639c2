from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.log.moment import moment, written

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-25T14:05:00Z", datetime(2026, 11, 25, 14, 5, tzinfo=UTC)),
        ("2026-11-25t14:05:00z", datetime(2026, 11, 25, 14, 5, tzinfo=UTC)),
        ("2026-11-25T14:05:00.25+02:00", datetime(2026, 11, 25, 12, 5, 0, 250_000, tzinfo=UTC)),
        ("2026-11-25 14:05", datetime(2026, 11, 25, 14, 5, tzinfo=UTC)),
        ("2026-11-25", datetime(2026, 11, 25, tzinfo=UTC)),
        ("90s", NOW - timedelta(seconds=90)),
        ("10m", NOW - timedelta(minutes=10)),
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        (" 1w ", NOW - timedelta(weeks=1)),
    ],
)
def test_a_moment_is_read_as_people_write_it(text: str, meant: datetime) -> None:
    assert moment(text, now=NOW) == meant


@pytest.mark.parametrize(
    "text", ["", "yesterday", "14:05", "2026-13-01", "10", "m", "-5m", "10y", "99999999d", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_moment_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a moment: write 2026|is before all time"):
        moment(text, now=NOW)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001 -- the zone is given beside
def test_what_is_printed_can_be_given_back(at: datetime) -> None:
    assert moment(written(at), now=NOW) == at
