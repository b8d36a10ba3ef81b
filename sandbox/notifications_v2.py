# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""v2 XML notifications of payments and refunds (wechat-pay.md B3).

Merchants of v3 get those of refunds too: the trap of A6.4.
"""

import copy
import re
import secrets

from . import v2_signing, v2_xml
from .v2_fields import stamp
from .v2_orders import paid_fields
from .v2_refunds import STATUS
from .world import Order, Refusal

HEADERS = [('Content-Type', 'text/xml'), ('User-Agent', 'Mozilla/4.0'), ('Accept', '*/*')]
HUGE = 2 * 1024 * 1024
SIGN_DEFECTS = ('bad_signature', 'missing_sign', 'other_sign_type')
XML_DEFECTS = (
    'tampered_body', 'extra_element', 'empty_element', 'doubled_element', 'nested_element',
    'entity_bomb', 'external_entity', 'garbage_body', 'empty_body', 'huge_body',
)
SEALED_DEFECTS = ('wrong_key', 'bad_padding', 'sealed_entity_bomb')
_BOMB = (
    '<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


def check_defect(subject, defect):
    """Raise `Refusal` for a defect that this notification cannot have."""
    known = (SIGN_DEFECTS if isinstance(subject, Order) else SEALED_DEFECTS) + XML_DEFECTS
    if defect and defect not in known:
        raise Refusal(f"unknown defect {defect!r}; there are {', '.join(known)}")


def body(world, subject, defect=None, overrides=None, envelope=None):
    """Write a notification.

    :param subject: `Order` or `Refund`; what is not paid or done yet is shown as though it were
    :param str defect: one of those above
    :param dict overrides: name -> text in what is signed or encrypted; None leaves it out
    :param dict envelope: the same in what is sent, after the signature
    :return: bytes
    """
    with world.lock:
        merchant = world.merchant(subject.mchid)
        write = _payment if isinstance(subject, Order) else _refund
        values = write(world, merchant, copy.copy(subject), defect, overrides or {})
    _override(values, envelope or {})
    return _spoil(v2_xml.write(values), defect)


def _override(values, overrides):
    for name, value in overrides.items():
        values[name] = value
        if value is None:
            del values[name]


def _envelope(order):
    values = {
        'return_code': 'SUCCESS', 'appid': order.appid, 'mch_id': order.mchid,
        'sub_appid': order.sub_appid, 'sub_mch_id': order.sub_mchid,
        'nonce_str': secrets.token_hex(16),
    }
    return {name: value for name, value in values.items() if value}


def _payment(world, merchant, order, defect, overrides):
    if not order.paid:
        order.transaction_id = world.new_transaction_id()
        order.success_time = world.clock.now()
    sign_type = order.sign_type or merchant.v2_sign_type
    if defect == 'other_sign_type':
        sign_type = 'MD5' if sign_type == 'HMAC-SHA256' else 'HMAC-SHA256'
    values = _envelope(order) | {'result_code': 'SUCCESS'} | {
        name: str(value) for name, value in paid_fields(world, order).items() if value != ''
    }
    if sign_type != 'MD5':
        values['sign_type'] = sign_type
    _override(values, overrides)
    key = merchant.api_v2_key
    if defect != 'missing_sign':
        values['sign'] = v2_signing.sign(
            values, key[::-1] if defect == 'bad_signature' else key, sign_type,
        )
    return values


def _refund(world, merchant, refund, defect, overrides):
    order = refund.order
    state = STATUS['SUCCESS' if refund.state == 'PROCESSING' else refund.state]
    done = refund.success_time or world.clock.now()
    values = {
        'transaction_id': order.transaction_id,
        'out_trade_no': order.out_trade_no,
        'refund_id': refund.refund_id,
        'out_refund_no': refund.out_refund_no,
        'total_fee': order.total,
        'settlement_total_fee': order.total,
        'refund_fee': refund.amount,
        'settlement_refund_fee': refund.amount,
        'cash_refund_fee': refund.amount,
        'refund_status': state,
        'success_time': stamp(done, '%Y-%m-%d %H:%M:%S') if state == 'SUCCESS' else '',
        'refund_recv_accout': refund.account,
        'refund_account': 'REFUND_SOURCE_RECHARGE_FUNDS',
        'refund_request_source': 'API' if refund.parameters else 'VENDOR_PLATFORM',
    }
    _override(values, overrides)
    plain = v2_xml.write(values, 'root')
    if defect == 'sealed_entity_bomb':
        plain = f'{_BOMB}<root><refund_id>&c;</refund_id></root>'.encode()
    key = merchant.api_v2_key
    if defect == 'bad_padding':
        # The last byte of the padding says more than there is.
        plain += b' ' * (-len(plain) % 16)
        sealed = v2_signing.seal_padded(key, plain[:-1] + b'\x11')
    else:
        sealed = v2_signing.seal(key[::-1] if defect == 'wrong_key' else key, plain)
    return _envelope(order) | {'req_info': sealed}


def _spoil(content, defect):
    """Change a message after it was signed."""
    end = b'</xml>'
    added = {
        'extra_element': b'<extra>1</extra>',
        'empty_element': b'<coupon_fee></coupon_fee>',
        'doubled_element': b'<return_code>SUCCESS</return_code>',
        'nested_element': b'<extra><extra>1</extra></extra>',
    }
    if defect in added:
        return content.replace(end, added[defect] + end)
    if defect == 'tampered_body':
        return re.sub(rb'<(out_trade_no|req_info)><!\[CDATA\[', rb'\g<0>AAAA', content)
    if defect == 'entity_bomb':
        return _BOMB.encode() + content.replace(end, b'<extra>&c;</extra>' + end)
    if defect == 'external_entity':
        return b'<!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + content.replace(
            end, b'<extra>&e;</extra>' + end,
        )
    if defect == 'garbage_body':
        return b'<html>not a message at all \xff\xfe</html>'
    if defect == 'empty_body':
        return b''
    if defect == 'huge_body':
        return content.replace(end, b'<extra>' + b'x' * HUGE + b'</extra>' + end)
    return content
