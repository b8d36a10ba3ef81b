# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the body of a JSAPI order may hold (wechat-pay.md A4.2, C)."""

import ipaddress
import re
from urllib.parse import urlsplit

from .clock import parse_rfc3339
from .fields import Array, Boolean, Integer, Object, Text

_NUMBER = re.compile(r'[0-9A-Za-z_\-|*]+', re.ASCII)
_GOODS_ID = re.compile(r'[0-9A-Za-z_-]+', re.ASCII)


def check_number(value):
    """Raise ValueError unless an out_trade_no uses the allowed characters only."""
    if not _NUMBER.fullmatch(value):
        raise ValueError("only digits, letters and _ - | * are allowed")


def _check_goods_id(value):
    if not _GOODS_ID.fullmatch(value):
        raise ValueError("only digits, letters, - and _ are allowed")


def _check_currency(value):
    if value != 'CNY':
        raise ValueError("mainland merchants take CNY only")


def _check_ip(value):
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ValueError("is not an IP address") from None


def is_loopback(host):
    """:return: whether a host name is this machine."""
    if host == 'localhost' or host.endswith('.localhost'):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_notify_url(value):
    """Raise ValueError unless this is an address WeChat Pay would call.

    The one thing the sandbox allows beyond the service is this machine, with or without TLS.
    """
    if not value.isascii() or re.search(r'\s', value):
        raise ValueError("must be plain ASCII without blanks")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or '', parts.port
    except ValueError:
        raise ValueError("has an impossible host or port") from None
    if parts.scheme not in ('http', 'https') or not host or port == 0:
        raise ValueError("must be a complete https address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    if '?' in value or '#' in value:
        raise ValueError("must not have a query or a fragment")
    if not parts.path.startswith('/'):
        raise ValueError("must have a path")
    if is_loopback(host):
        return
    if parts.scheme != 'https':
        raise ValueError("must begin with https://")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if '.' not in host:
            raise ValueError("must have a public host name") from None
    else:
        raise ValueError("must have a host name, not an IP address")


JSAPI_ORDER = Object(
    appid=Text(32, required=True),
    mchid=Text(32, required=True),
    description=Text(127, required=True),
    out_trade_no=Text(32, shortest=6, required=True, check=check_number),
    time_expire=Text(64, check=parse_rfc3339),
    attach=Text(128),
    notify_url=Text(255, required=True, check=check_notify_url),
    goods_tag=Text(32),
    support_fapiao=Boolean(),
    amount=Object(
        required=True,
        total=Integer(1, required=True),
        currency=Text(16, check=_check_currency),
    ),
    payer=Object(
        required=True,
        openid=Text(128, required=True),
        identity=Object(
            type=Text(32, required=True),
            number=Text(1024, required=True),
            name=Text(1024, required=True),
        ),
    ),
    detail=Object(
        cost_price=Integer(0),
        invoice_id=Text(32),
        goods_detail=Array(Object(
            merchant_goods_id=Text(32, required=True, check=_check_goods_id),
            wechatpay_goods_id=Text(32),
            goods_name=Text(256),
            quantity=Integer(1, required=True),
            unit_price=Integer(0, required=True),
        ), 6000),
    ),
    scene_info=Object(
        payer_client_ip=Text(45, required=True, check=_check_ip),
        device_id=Text(32),
        store_info=Object(
            id=Text(32, required=True),
            name=Text(256),
            area_code=Text(32),
            address=Text(512),
        ),
    ),
    settle_info=Object(profit_sharing=Boolean()),
)

CLOSE = Object(mchid=Text(32, required=True))
