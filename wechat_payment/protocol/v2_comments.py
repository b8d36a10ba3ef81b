# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What customers wrote about payments, as WeChat Pay lists it (B2.9).

A text of lines, not signed: the first is the next offset, each other one has four fields that begin
with a backtick. What customers wrote may hold whatever separates the fields.
"""

import re
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

COMMENTS_PATH = '/billcommentsp/batchquerycomment'
PAGE = 200
# What a period without comments is answered with.
NO_COMMENT_CODES = ('NO_COMMENT',)
BEIJING = timezone(timedelta(hours=8))
_LINE = re.compile(
    r'`([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}),`([0-9A-Za-z]{1,32}),`([1-5]),`(.*)',
    re.ASCII,
)


class V2CommentsError(ValueError):
    """The answer is no list of comments. Nothing of it is quoted."""


class Comment(NamedTuple):
    """A comment.

    :ivar datetime time: When it was written, in UTC, without a zone.
    :ivar str transaction_id: WeChat Pay's number of the payment.
    :ivar int stars: 1 to 5.
    :ivar str text: What the customer wrote; data, whatever it looks like.
    """

    time: datetime
    transaction_id: str
    stars: int
    text: str


class Page(NamedTuple):
    """One answer.

    :ivar int next_offset: Where the next page begins.
    :ivar list[Comment] comments: The comments.
    :ivar int unreadable: How many lines are none.
    """

    next_offset: int
    comments: list
    unreadable: int


def format_time(moment):
    """Return a time as the call wants it.

    :param datetime moment: The time in Beijing.
    :rtype: str
    """
    return f'{moment:%Y%m%d%H%M%S}'


def parse(body):
    """Return a page of comments.

    :param bytes body: The body, as received.
    :rtype: Page
    :raise V2CommentsError: If it is none.
    """
    try:
        first, *lines = body.decode('utf-8-sig').split('\n')
    except UnicodeDecodeError:
        raise V2CommentsError("not UTF-8") from None
    if not re.fullmatch(r'`?([0-9]{1,9})', first := first.strip(), re.ASCII):
        raise V2CommentsError("no offset")
    lines = [line.rstrip('\r') for line in lines if line.strip()]
    comments = [comment for line in lines if (comment := _parse_line(line))]
    return Page(int(first.lstrip('`')), comments, len(lines) - len(comments))


def _parse_line(line):
    match = _LINE.fullmatch(line)
    if not match:
        return None
    time, transaction_id, stars, text = match.groups()
    try:
        time = datetime.strptime(time, '%Y-%m-%d %H:%M:%S').replace(tzinfo=BEIJING)
        time = time.astimezone(timezone.utc).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return Comment(time, transaction_id, int(stars), text.replace('\x00', ''))
