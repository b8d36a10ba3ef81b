# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the body of an order may hold, product by product (wechat-pay.md A4.2, C)."""

import ipaddress
import re
from urllib.parse import urlsplit

from .clock import parse_rfc3339
from .fields import Array, Boolean, Integer, Object, Text, one_of

_NUMBER = re.compile(r'[0-9A-Za-z_\-|*]+', re.ASCII)
_GOODS_ID = re.compile(r'[0-9A-Za-z_-]+', re.ASCII)


def check_number(value):
    """Raise ValueError unless an out_trade_no uses the allowed characters only."""
    if not _NUMBER.fullmatch(value):
        raise ValueError("only digits, letters and _ - | * are allowed")


def check_goods_id(value):
    """Raise ValueError unless a goods id uses the allowed characters only."""
    if not _GOODS_ID.fullmatch(value):
        raise ValueError("only digits, letters, - and _ are allowed")


def check_currency(value):
    """Raise ValueError for another currency than mainland merchants have."""
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


_IDENTITY = Object(
    type=Text(32, required=True),
    number=Text(1024, required=True),
    name=Text(1024, required=True),
)
_PAYER = Object(required=True, openid=Text(128, required=True), identity=_IDENTITY)
# Who pays a Native, H5 or App order shows later; only the special permission names a payer.
_NO_PAYER = Object(identity=_IDENTITY)
_SCENE = {
    'payer_client_ip': Text(45, required=True, check=_check_ip),
    'device_id': Text(32),
    'store_info': Object(
        id=Text(32, required=True),
        name=Text(256),
        area_code=Text(32),
        address=Text(512),
    ),
}
_H5_INFO = Object(
    required=True,
    type=Text(32, required=True, check=one_of('Wap', 'iOS', 'Android')),
    app_name=Text(64),
    app_url=Text(128),
    bundle_id=Text(128),
    package_name=Text(128),
)


DIRECT_IDS = {'appid': Text(32, required=True), 'mchid': Text(32, required=True)}
PARTNER_IDS = {
    'sp_appid': Text(32, required=True),
    'sp_mchid': Text(32, required=True),
    'sub_appid': Text(32),
    'sub_mchid': Text(32, required=True),
}
_PARTNER_SETTLEMENT = {'profit_sharing': Boolean(), 'subsidy_amount': Integer(0)}
# One of them is required; which one, `orders` looks at.
_PARTNER_PAYER = Object(
    required=True, sp_openid=Text(128), sub_openid=Text(128), identity=_IDENTITY,
)


def _order(payer, scene_info, ids=None, settlement=None):
    return Object(
        **(ids or DIRECT_IDS),
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
            currency=Text(16, check=check_currency),
        ),
        payer=payer,
        detail=Object(
            cost_price=Integer(0),
            invoice_id=Text(32),
            goods_detail=Array(Object(
                merchant_goods_id=Text(32, required=True, check=check_goods_id),
                wechatpay_goods_id=Text(32),
                goods_name=Text(256),
                quantity=Integer(1, required=True),
                unit_price=Integer(0, required=True),
            ), 6000),
        ),
        scene_info=scene_info,
        settle_info=Object(**(settlement or {'profit_sharing': Boolean()})),
    )


JSAPI_ORDER = _order(_PAYER, Object(**_SCENE))
NATIVE_ORDER = APP_ORDER = _order(_NO_PAYER, Object(**_SCENE))
H5_ORDER = _order(_NO_PAYER, Object(required=True, **_SCENE, h5_info=_H5_INFO))


def _partner_order(payer, scene_info):
    return _order(payer, scene_info, PARTNER_IDS, _PARTNER_SETTLEMENT)


PARTNER_JSAPI_ORDER = _partner_order(_PARTNER_PAYER, Object(**_SCENE))
PARTNER_NATIVE_ORDER = PARTNER_APP_ORDER = _partner_order(_NO_PAYER, Object(**_SCENE))
PARTNER_H5_ORDER = _partner_order(
    _NO_PAYER, Object(required=True, **_SCENE, h5_info=_H5_INFO),
)

CLOSE = Object(mchid=Text(32, required=True))
PARTNER_CLOSE = Object(sp_mchid=Text(32, required=True), sub_mchid=Text(32, required=True))
