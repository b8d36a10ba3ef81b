# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Orders of API v2, from and to the shape that they have in v3 (B2.1 to B2.3, B3.1, A4).

Whoever makes and follows orders knows v3's shape only.
"""

import json
import re
from datetime import datetime, timedelta, timezone

ORDER_PATH = '/pay/unifiedorder'
QUERY_PATH = '/pay/orderquery'
CLOSE_PATH = '/pay/closeorder'

# v2's names of the trade types, and of what an order of each returns (B2.1).
TRADE_TYPES = {'JSAPI': 'JSAPI', 'APP': 'APP', 'NATIVE': 'NATIVE', 'H5': 'MWEB'}
RESULTS = {'JSAPI': 'prepay_id', 'APP': 'prepay_id', 'NATIVE': 'code_url', 'H5': 'mweb_url'}

# An order cannot be closed in its first minutes (B2.3), in seconds, and the code that says so.
CLOSE_AFTER = 300
TOO_EARLY_CODE = 'TRADE_STATE_ERROR'
# What a query answers for an order that WeChat Pay has never taken (B2.2).
NO_SUCH_ORDER_CODES = ('ORDERNOTEXIST',)

BEIJING = timezone(timedelta(hours=8))
BODY_BYTES = 127
SCENE_BYTES = 256
PRODUCT_ID_LENGTH = 32


class V2OrderError(ValueError):
    """The message is not one about an order, though signed. Nothing of it is quoted."""


def build_order(order, parties, trade_type, address, site=None):
    """Return what the order call says, from the body of v3 (B2.1).

    :param dict order: The body of v3's call, for a direct merchant or a service provider.
    :param dict parties: Between whom the order is, by v2's names.
    :param str trade_type: How the customer pays, by v3's name: `JSAPI`, `APP`, `NATIVE`, `H5`.
    :param str address: The IP address of who pays; of who calls, if nobody knows.
    :param tuple[str, str] site: Address and name of the shop's site; H5 needs them.
    :return: The parameters without nonce and signature, texts and integers.
    :rtype: dict
    """
    params = {
        **parties,
        'body': order['description'].encode()[:BODY_BYTES].decode(errors='ignore').rstrip(),
        'out_trade_no': order['out_trade_no'],
        'fee_type': order['amount']['currency'],
        'total_fee': order['amount']['total'],
        'spbill_create_ip': address,
        'time_expire': build_time(datetime.fromisoformat(order['time_expire'])),
        'notify_url': order['notify_url'],
        'trade_type': TRADE_TYPES[trade_type],
    }
    if trade_type == 'JSAPI':
        payer = order['payer']
        if 'sub_openid' in payer:
            params['sub_openid'] = payer['sub_openid']
        else:
            params['openid'] = payer.get('sp_openid') or payer['openid']
    elif trade_type == 'NATIVE':
        params['product_id'] = order['out_trade_no'][:PRODUCT_ID_LENGTH]
    elif trade_type == 'H5':
        params['scene_info'] = _build_scene(*site)
    return params


def _build_scene(url, name):
    """Return the scene of an H5 order: the site, its name cut so that the whole fits.

    :param str url: The address of the site.
    :param str name: Its name.
    :return: JSON.
    :rtype: str
    """
    while True:
        scene = json.dumps(
            {'h5_info': {'type': 'Wap', 'wap_url': url, 'wap_name': name}},
            ensure_ascii=False, separators=(',', ':'),
        )
        if len(scene.encode()) <= SCENE_BYTES or len(name) <= 1:
            return scene
        name = name[:-1]


def build_time(moment):
    """Return a time as v2 writes it, in Beijing's time.

    :param datetime moment: A time with its zone.
    :return: yyyyMMddHHmmss
    :rtype: str
    """
    return moment.astimezone(BEIJING).strftime('%Y%m%d%H%M%S')


def read_order(message):
    """Return the order of an answer, as v3 tells it (B2.2, B2.6).

    :param dict message: The verified message: the answer to a query, or that of a payment code
        with the `trade_state` that it stands for.
    :return: The order as v3 tells it; of one that is not paid, its numbers and its state.
    :rtype: dict
    :raise V2OrderError: If the state is missing, or if a number or time is none.
    """
    if not message.get('trade_state'):
        raise V2OrderError("the state is missing")
    order = {
        **_read_parties(message),
        'out_trade_no': message.get('out_trade_no'),
        'transaction_id': message.get('transaction_id'),
        'trade_type': message.get('trade_type'),
        'trade_state': message['trade_state'],
        'trade_state_desc': message.get('trade_state_desc'),
        'bank_type': message.get('bank_type'),
        'attach': message.get('attach'),
        'success_time': _read_time(message.get('time_end')),
        'payer': _read_payer(message),
        'amount': _read_amount(message),
    }
    return {name: value for name, value in order.items() if value}


def read_notification(message):
    """Return the order of a notification, as v3 tells it (B3.1).

    :param dict message: The verified message.
    :return: The order as v3 tells it; `SUCCESS` if both codes say so, else `PAYERROR`.
    :rtype: dict
    :raise V2OrderError: If a number or time is none.
    """
    is_paid = message.get('return_code') == message.get('result_code') == 'SUCCESS'
    # Whatever the message calls its state: the codes are what the protocol defines.
    return read_order({**message, 'trade_state': 'SUCCESS' if is_paid else 'PAYERROR'})


def _read_parties(message):
    """Return between whom an order is, by v3's names."""
    if not message.get('sub_mch_id'):
        return {'appid': message.get('appid'), 'mchid': message.get('mch_id')}
    return {
        'sp_appid': message.get('appid'),
        'sp_mchid': message.get('mch_id'),
        'sub_appid': message.get('sub_appid'),
        'sub_mchid': message['sub_mch_id'],
    }


def _read_payer(message):
    """Return who paid, by v3's names."""
    name = 'sp_openid' if message.get('sub_mch_id') else 'openid'
    payer = {name: message.get('openid'), 'sub_openid': message.get('sub_openid')}
    return {name: value for name, value in payer.items() if value}


def _read_amount(message):
    """Return what was ordered and what the payer gave of it: less if coupons were used.

    :raise V2OrderError: If an amount is no number.
    """
    total = _read_number(message.get('total_fee'))
    if total is None:
        return {}
    currency = message.get('fee_type') or 'CNY'
    paid = _read_number(message.get('cash_fee'))
    if paid is None:
        paid = total - (_read_number(message.get('coupon_fee')) or 0)
    return {
        'total': total,
        'payer_total': paid,
        'currency': currency,
        'payer_currency': message.get('cash_fee_type') or currency,
    }


def _read_number(text):
    """Return a number of a message; `None` if it is not there."""
    if text is None:
        return None
    if not re.fullmatch(r'0|[1-9][0-9]{0,17}', text, re.ASCII):
        raise V2OrderError("a number is none")
    return int(text)


def _read_time(text):
    """Return a time of Beijing in RFC 3339, as v3 writes it; `None` if it is not there."""
    if text is None:
        return None
    try:
        if not re.fullmatch(r'[0-9]{14}', text, re.ASCII):
            raise ValueError
        return f'{datetime.strptime(text, "%Y%m%d%H%M%S").isoformat()}+08:00'
    except ValueError:
        raise V2OrderError("a time is none") from None
