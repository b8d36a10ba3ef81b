# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the sandbox believes the time is, and how WeChat writes times."""

import re
import time
from datetime import datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))

# RFC 3339 in whole seconds, always with an offset: the form that every official example has.
_RFC3339 = re.compile(
    r'\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})', re.ASCII,
)


class Clock:
    """The machine's clock plus an offset that tests move instead of sleeping."""

    def __init__(self):
        self.offset = 0.0

    def now(self):
        """:return: seconds since the epoch, as the sandbox sees them (float)."""
        return time.time() + self.offset

    def timestamp(self):
        """:return: whole seconds since the epoch, as text for a signature header."""
        return str(int(self.now()))


def rfc3339(moment):
    """Write a moment as WeChat Pay does.

    :param float moment: seconds since the epoch
    :return: RFC 3339 text in Beijing time, whole seconds
    """
    return datetime.fromtimestamp(int(moment), BEIJING).isoformat()


def parse_rfc3339(text):
    """Read an RFC 3339 time that names its offset.

    :param str text: for example ``2026-01-02T20:00:00+08:00``
    :return: seconds since the epoch
    :raise ValueError: another form, or a day that does not exist
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError("not a time like 2026-01-02T20:00:00+08:00")
    return datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp()


def beijing_day(moment):
    """:return: the Beijing calendar day of a moment, as ``YYYYMMDD``."""
    return datetime.fromtimestamp(moment, BEIJING).strftime('%Y%m%d')
