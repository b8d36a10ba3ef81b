# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The calls of API v3 about refunds: apply, query, complete an abnormal one (A6)."""

import re
from urllib.parse import unquote

from . import refunds, signing
from .fields import Text
from .messages import json_answer
from .parties import check_sub_mchid
from .refund_fields import ABNORMAL_REFUND, REFUND, check_refund_number
from .v3_call import encryption_key, read_body
from .v3_errors import V3Error, invalid_request, param_error


def _missing(zh, why):
    return V3Error(404, 'RESOURCE_NOT_EXISTS', zh, why)


def apply(world, merchant, request):
    """POST /v3/refund/domestic/refunds (A6.1)."""
    body = read_body(request, REFUND)
    sub_mchid = _sub_mchid(merchant, body, '/sub_mchid', 'body')
    if ('transaction_id' in body) == ('out_trade_no' in body):
        raise param_error(
            '/out_trade_no', body.get('out_trade_no'),
            "exactly one of transaction_id and out_trade_no is required",
        )
    amount = body['amount']
    if 'from' in amount and sum(item['amount'] for item in amount['from']) != amount['refund']:
        raise param_error('/amount/from', amount['from'], "does not add up to the refund")
    if 'notify_url' not in body:
        request.problems.append(
            "warning: no notify_url, so WeChat Pay sends no v3 notification of this refund",
        )
    with world.lock:
        order = _order(world, merchant, sub_mchid, body)
        known = world.refunds.get((merchant.mchid, body['out_refund_no']))
        if known:
            _check_repeat(known, body)
            return json_answer(refunds.refund_object(known))
        if amount['total'] != order.total:
            raise invalid_request(
                '订单金额与原订单不一致', "amount.total is not the total of the order",
            )
        refund = refunds.apply(
            world, merchant, order, body['out_refund_no'], amount['refund'], body,
            world.settings['refund_interval'],
        )
        answer = json_answer(refunds.refund_object(refund))
        if world.settings['auto_refund']:
            answer.finishes = refund
        return answer


def _sub_mchid(merchant, values, field, location):
    """:return: for whom a service provider refunds, '' of a direct merchant (A4.3)."""
    sub_mchid = values.get('sub_mchid', '')
    if merchant.is_partner:
        if not sub_mchid:
            raise param_error(field, None, "is required", location=location)
        check_sub_mchid(merchant, sub_mchid)
    elif sub_mchid:
        raise param_error(field, sub_mchid, "belongs to service providers only", location=location)
    return sub_mchid


def _order(world, merchant, sub_mchid, body):
    """:return: the paid `Order` that is to be refunded."""
    if 'transaction_id' in body:
        order = world.order_of_transaction(merchant.mchid, body['transaction_id'])
    else:
        order = world.order(merchant.mchid, body['out_trade_no'])
    if not order or order.sub_mchid != sub_mchid:
        raise _missing('订单不存在', "this merchant has no order of this number to refund")
    if not order.paid:
        raise _missing('订单未支付', "the order to refund is not paid")
    return order


def _check_repeat(refund, body):
    """The same out_refund_no again is the same refund, or a mistake (A6.4)."""
    changed = sorted(
        name for name in set(refund.parameters) | set(body)
        if refund.parameters.get(name) != body.get(name)
    )
    if changed:
        raise invalid_request(
            '订单金额或退款金额与之前请求不一致，请核实后再试',
            f"out_refund_no was used with another {', '.join(changed)}",
        )


def query(world, merchant, request, out_refund_no):
    """GET /v3/refund/domestic/refunds/{out_refund_no} (A6.2)."""
    values = request.params()
    sub_mchid = _sub_mchid(merchant, values, 'sub_mchid', 'query')
    for name in set(values) - {'sub_mchid'}:
        raise param_error(name, values[name], "unknown parameter of the query", location='query')
    if request.body:
        request.problems.append("warning: a GET should have no body")
    number = unquote(out_refund_no)
    try:
        Text(64, check=check_refund_number).test(number, 'out_refund_no')
    except V3Error as error:
        error.detail['location'] = 'url'
        raise
    with world.lock:
        refund = world.refund(merchant.mchid, number)
        if not refund or refund.order.sub_mchid != sub_mchid:
            raise _missing('退款单不存在', "this merchant has no refund of this number")
        return json_answer(refunds.refund_object(refund))


def apply_abnormal(world, merchant, request, refund_id):
    """POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund (A6.3)."""
    body = read_body(request, ABNORMAL_REFUND)
    sub_mchid = _sub_mchid(merchant, body, '/sub_mchid', 'body')
    card = _card(world, merchant, request, body)
    with world.lock:
        refund = world.refunds.get((merchant.mchid, body['out_refund_no']))
        if not refund or (refund.refund_id, refund.order.sub_mchid) != (
                unquote(refund_id), sub_mchid):
            raise _missing(
                '退款单不存在', "this merchant has no refund of this refund_id and out_refund_no",
            )
        if refund.state != 'ABNORMAL':
            raise invalid_request(
                '退款单状态不是退款异常', f"the refund is {refund.state}, not ABNORMAL",
            )
        refund.state = 'PROCESSING'
        refund.channel = 'OTHER_BANKCARD'
        refund.account = f"银行卡{card.get('bank_account', '')[-4:]}"
        refund.abnormal = {'type': body['type'], **card}
        answer = json_answer(refunds.refund_object(refund))
        if world.settings['auto_refund']:
            answer.finishes = refund
        return answer


def _card(world, merchant, request, body):
    """:return: the customer's card, decrypted (dict; empty for the merchant's own card)."""
    names = ('bank_type', 'bank_account', 'real_name')
    if body['type'] == 'MERCHANT_BANK_CARD':
        for name in names:
            if name in body:
                raise param_error(f'/{name}', None, "belongs to USER_BANK_CARD only")
        return {}
    for name in names:
        if name not in body:
            raise param_error(f'/{name}', None, "is required for USER_BANK_CARD")
    key = encryption_key(world, merchant, request)
    card = {'bank_type': body['bank_type']}
    for name in ('bank_account', 'real_name'):
        try:
            card[name] = signing.open_sealed(key, body[name])
        except ValueError:
            issue = "was not encrypted with the key that Wechatpay-Serial names"
            raise param_error(f'/{name}', None, issue) from None
    if not re.fullmatch(r'\d{8,32}', card['bank_account'], re.ASCII):
        raise param_error('/bank_account', None, "is no card number once decrypted")
    return card
