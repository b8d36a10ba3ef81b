# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Bills of API v3: trade bill, fund-flow bill and their download (wechat-pay.md A8)."""

import re
from datetime import datetime, timedelta

from . import bill_files
from .bill_flow import ACCOUNTS
from .bill_trade import COLUMNS, day_begin
from .clock import BEIJING
from .messages import Answer, json_answer
from .parties import check_sub_mchid
from .v3_errors import V3Error, invalid_request, param_error

_DAY = re.compile(r'[0-9]{4}-[0-9]{2}-[0-9]{2}', re.ASCII)
MONTHS = 3


class NoBill(Exception):
    """There is no bill of a day; `reason` is `today`, `old`, `creating` or `nothing`."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


def check_day(world, day):
    """Raise `NoBill` unless the bill of a day can be there by now.

    :param str day: ``yyyy-mm-dd``
    :raise ValueError: no day
    """
    begin = day_begin(day)
    now = datetime.fromtimestamp(world.clock.now(), BEIJING)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.month - MONTHS
    year = today.year - (month < 1)
    # The 31st of a month without one counts as the first of the next.
    oldest = datetime(year, (month - 1) % 12 + 1, 1, tzinfo=BEIJING)
    oldest += timedelta(days=today.day - 1)
    if begin >= today.timestamp():
        raise NoBill('today')
    if begin < oldest.timestamp():
        raise NoBill('old')
    if begin == (today - timedelta(days=1)).timestamp() \
            and now.hour < world.settings['bill_ready_hour']:
        raise NoBill('creating')


def make(world, mchid, kind, day, bill_type, sub_mchid, gzip, address):
    """Make a bill's file.

    :return: the `bill_files.BillFile`
    :raise NoBill: there is none
    """
    check_day(world, day)
    with world.lock:
        file = bill_files.make(world, mchid, kind, day, bill_type, sub_mchid, gzip, address)
    if not file:
        raise NoBill('nothing')
    return file


def trade_bill(world, merchant, request):
    """GET /v3/bill/tradebill."""
    return _bill(world, merchant, request, 'trade', 'bill_type', list(COLUMNS))


def fund_flow_bill(world, merchant, request):
    """GET /v3/bill/fundflowbill."""
    return _bill(world, merchant, request, 'fundflow', 'account_type', ACCOUNTS)


def _bill(world, merchant, request, kind, type_name, types):
    values = request.params()
    for name in set(values) - {'bill_date', type_name, 'tar_type', 'sub_mchid'}:
        raise param_error(name, values[name], "unknown parameter of the query", location='query')
    if request.body:
        request.problems.append("warning: a GET should have no body")
    bill_type = values.get(type_name, types[0])
    if bill_type not in types:
        issue = f"must be one of {', '.join(types)}"
        raise param_error(type_name, bill_type, issue, location='query')
    if values.get('tar_type', 'GZIP') != 'GZIP':
        raise param_error(
            'tar_type', values['tar_type'], "must be one of GZIP", location='query',
        )
    sub_mchid = _sub_mchid(merchant, values)
    day = values.get('bill_date', '')
    try:
        if not _DAY.fullmatch(day):
            raise ValueError(day)
        file = make(
            world, merchant.mchid, kind, day, bill_type, sub_mchid, 'tar_type' in values,
            _address(world, request),
        )
    except ValueError:
        raise param_error(
            'bill_date', day or None, "must be a day like 2026-01-02", location='query',
        ) from None
    except NoBill as error:
        raise _ERRORS[error.reason]() from None
    return json_answer({
        'hash_type': 'SHA1', 'hash_value': file.hash_value, 'download_url': file.url,
    })


_ERRORS = {
    'today': lambda: invalid_request(
        '账单日期须早于今天', "bill_date must be before today",
    ),
    'old': lambda: invalid_request(
        '仅支持三个月内的账单下载申请', "bill_date is more than three months ago",
    ),
    'creating': lambda: V3Error(
        400, 'STATEMENT_CREATING', '账单正在生成中，请稍后再试', "the bill is not ready yet",
    ),
    'nothing': lambda: V3Error(
        400, 'NO_STATEMENT_EXIST', '账单文件不存在', "nothing happened on that day",
    ),
}


def _sub_mchid(merchant, values):
    sub_mchid = values.get('sub_mchid', '')
    if sub_mchid and not merchant.is_partner:
        raise param_error(
            'sub_mchid', sub_mchid, "belongs to service providers only", location='query',
        )
    if sub_mchid:
        check_sub_mchid(merchant, sub_mchid)
    return sub_mchid


def _address(world, request):
    """:return: the base address that the request came to."""
    for address in (world.tls_address, world.backup_address):
        if address.partition('://')[2] == request.one('Host'):
            return address
    return world.address


def download(world, merchant, request):
    """GET /v3/billdownload/file: the address that the other two give; nobody signs the answer."""
    token = request.params().get('token', '')
    with world.lock:
        file = world.bill_files.get(token)
        if not file or file.expires < world.clock.now():
            raise invalid_request(
                '下载链接不存在或已过期', "download_url does not exist or is older than 5 minutes",
            )
        if file.mchid != merchant.mchid:
            raise V3Error(
                403, 'NO_AUTH', '商户无权限下载该账单', "the bill is another merchant's",
            )
        sent = bill_files.download(file)
        elsewhere = next((item for item in file.defects if item['defect'] == 'redirect'), None)
    if elsewhere:
        return Answer(302, b'', [('Location', elsewhere['url'])], unsigned=True)
    return Answer(
        200, b'', [('Content-Type', 'application/octet-stream')], file=sent, unsigned=True,
    )
