# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Telemetry and comments of API v2 (wechat-pay.md B2.9)."""

import json

from .messages import Answer
from .v2_errors import V2Error, invalid_request, param_error
from .v2_fields import Field, Fields, moment, number, stamp

MOST_COMMENTS = 200


def _trades(value):
    try:
        data = json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise ValueError("is no JSON array of objects")


REPORT = Fields(
    interface_url=Field(127, required=True),
    user_ip=Field(16, required=True),
    trades=Field(1024, required=True, check=_trades),
    device_info=Field(32),
)
COMMENTS = Fields(
    begin_time=Field(14, required=True, check=moment),
    end_time=Field(14, required=True, check=moment),
    offset=Field(9, required=True, check=number),
    limit=Field(9, check=number),
)


def report(world, merchant, request, values):
    """POST /payitil/report: how the merchant's calls went; it is checked and forgotten."""
    return {}


def comments(world, merchant, request, values):
    """POST /billcommentsp/batchquerycomment: what customers wrote about their payments."""
    limit = int(values.get('limit', MOST_COMMENTS))
    if not 1 <= limit <= MOST_COMMENTS:
        raise param_error('limit', f"must be 1 to {MOST_COMMENTS}")
    begin, end = moment(values['begin_time']), moment(values['end_time'])
    if begin > end:
        raise invalid_request('开始时间晚于结束时间', "begin_time: is after end_time")
    first = int(values['offset'])
    with world.lock:
        found = [
            item for item in world.comments
            if item['mchid'] == merchant.mchid and begin <= item['time'] <= end
        ][first:first + limit]
    if not found:
        raise V2Error('NO_COMMENT', '对应的时间段没有用户的评论数据', "there are no comments then")
    lines = [str(first + len(found))] + [
        ','.join(f'`{value}' for value in (
            stamp(item['time'], '%Y-%m-%d %H:%M:%S'), item['transaction_id'], item['stars'],
            item['comment'].replace(',', '\\ ').replace('\n', '\\n'),
        )) for item in found
    ]
    return Answer(200, '\n'.join(lines).encode() + b'\n', [('Content-Type', 'text/plain')])
