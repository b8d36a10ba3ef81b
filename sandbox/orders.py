# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Orders of API v3: JSAPI, Native, H5 and App; query and close (wechat-pay.md A4)."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import unquote

from . import payers, prepays
from .clock import parse_rfc3339, rfc3339
from .fields import Text
from .messages import Answer, dump, json_answer
from .order_fields import (
    APP_ORDER,
    CLOSE,
    H5_ORDER,
    JSAPI_ORDER,
    NATIVE_ORDER,
    PARTNER_APP_ORDER,
    PARTNER_CLOSE,
    PARTNER_H5_ORDER,
    PARTNER_JSAPI_ORDER,
    PARTNER_NATIVE_ORDER,
    check_number,
)
from .parties import (
    check_mchids,
    check_parties,
    check_product,
    is_partner_call,
    no_product,
    party_names,
    payer_names,
    query_parties,
)
from .v3_call import read_body
from .v3_errors import V3Error, invalid_request, param_error
from .world import APP_TYPES, DAY, Order

STATE_TEXTS = {
    'NOTPAY': '订单未支付', 'SUCCESS': '支付成功', 'CLOSED': '订单已关闭',
    'REFUND': '订单发生过退款', 'USERPAYING': '用户支付中，需要输入密码', 'PAYERROR': '支付失败',
    'REVOKED': '订单已撤销',
}


@dataclass
class Product:
    """One way to pay: what an order of it must hold and what it gives (A4.1)."""

    name: str
    schema: object
    partner_schema: object
    longest: int
    gives: str
    give: object
    app_types: tuple = APP_TYPES


_JSAPI = Product(
    'JSAPI', JSAPI_ORDER, PARTNER_JSAPI_ORDER, 15, 'prepay_id', prepays.give_prepay_id,
    ('miniprogram', 'official_account'),
)
_NATIVE = Product(
    'NATIVE', NATIVE_ORDER, PARTNER_NATIVE_ORDER, 7, 'code_url', prepays.give_code_url,
)
_H5 = Product('H5', H5_ORDER, PARTNER_H5_ORDER, 15, 'h5_url', prepays.give_h5_url)
_APP = Product(
    'APP', APP_ORDER, PARTNER_APP_ORDER, 15, 'prepay_id', prepays.give_prepay_id, ('mobile',),
)


# === Making an order === #

def create_jsapi(world, merchant, request):
    """POST /v3/pay/transactions/jsapi, also below partner (A4.2, A4.3)."""
    return _create(world, merchant, request, _JSAPI)


def create_native(world, merchant, request):
    """POST /v3/pay/transactions/native, also below partner (A4.2, A4.3)."""
    return _create(world, merchant, request, _NATIVE)


def create_h5(world, merchant, request):
    """POST /v3/pay/transactions/h5, also below partner (A4.2, A4.3)."""
    return _create(world, merchant, request, _H5)


def create_app(world, merchant, request):
    """POST /v3/pay/transactions/app, also below partner (A4.2, A4.3)."""
    return _create(world, merchant, request, _APP)


def _create(world, merchant, request, product):
    partner = is_partner_call(request)
    body = read_body(request, product.partner_schema if partner else product.schema)
    parties = check_parties(world, merchant, request, body)
    if body['description'] != body['description'].strip():
        request.problems.append("warning: description begins or ends with a blank")
    if 'detail' in body and len(dump(body['detail'])) > 6144:
        raise param_error('/detail', None, "is longer than 6144 bytes")
    with world.lock:
        _check_client_ip(world, body)
        openid, cashiers = _check_permission(world, merchant, parties, body, product)
        order = world.order(merchant.mchid, body['out_trade_no'])
        if order:
            _check_repeat(world, order, body, product)
        else:
            order = _new_order(world, parties, body, request, product)
            order.openid, order.cashiers = openid, cashiers
        return json_answer({product.gives: product.give(world, order)})


def _check_client_ip(world, body):
    """The customer's own address: the merchant's machine is none (A4.2)."""
    address = body.get('scene_info', {}).get('payer_client_ip')
    if address and not world.settings['allow_loopback_ip']:
        parsed = ipaddress.ip_address(address)
        if (getattr(parsed, 'ipv4_mapped', None) or parsed).is_loopback:
            issue = "is this machine's own address, not the customer's"
            raise param_error('/scene_info/payer_client_ip', address, issue)


def _check_permission(world, merchant, parties, body, product):
    """:return: (openid of the payer, appids in which the cashier opens)"""
    payer = body.get('payer', {})
    check_product(merchant, product.name)
    if 'identity' in payer:
        raise no_product()
    app = world.apps[parties['appid']]
    if parties['sub_appid'] and 'sp_openid' not in payer:
        app = world.apps[parties['sub_appid']]
    if app.app_type not in product.app_types:
        raise invalid_request(
            '该appid的类型不支持此支付产品',
            f"an appid of the type {app.app_type} cannot use this product",
        )
    if product is not _JSAPI:
        return '', (app.appid,)
    openids = {
        'openid': payer.get('openid') or payer.get('sp_openid') or '',
        'sub_openid': payer.get('sub_openid', ''),
    }
    if not any(openids.values()):
        raise param_error(
            '/payer/sp_openid', None, "sp_openid or sub_openid is required", number=268501013,
        )
    if openids['sub_openid'] and not parties['sub_appid']:
        raise param_error('/payer/sub_openid', None, "sub_openid wants sub_appid")
    try:
        return payers.find(
            world, parties['appid'], openids['openid'], parties['sub_appid'], openids['sub_openid'],
        )
    except payers.ForeignOpenid as error:
        name = 'sp_openid' if error.name == 'openid' and parties['sub_mchid'] else error.name
        raise param_error(
            f'/payer/{name}', openids[error.name],
            "is not an openid of this appid", number=268501013,
        ) from None


def _check_repeat(world, order, body, product):
    """An out_trade_no that was used before: only the same unpaid order may come again."""
    if order.paid:
        raise V3Error(400, 'ORDERPAID', '该订单已支付', "the order is paid", number=268449538)
    if order.state == 'CLOSED':
        raise V3Error(400, 'ORDER_CLOSED', '该订单已关闭', "the order is closed")
    check_unchanged(order, body, product.name)
    if world.clock.now() > order.pay_until:
        raise invalid_request('订单已过期', "the order's time_expire has passed", number=268447914)


def check_unchanged(order, body, product):
    """Raise a `V3Error` if a used out_trade_no comes with other parameters."""
    changed = sorted(
        name for name in set(order.parameters) | set(body)
        if order.parameters.get(name) != body.get(name)
    )
    if order.product != product or order.version != 3:
        changed += ['product']
    if changed:
        raise V3Error(
            403, 'OUT_TRADE_NO_USED', '商户订单号重复：请求重入时参数与首次请求不一致',
            "out_trade_no was used with other parameters", number=268498688,
            why=f"out_trade_no was used with another {', '.join(changed)}",
        )


def _new_order(world, parties, body, request, product):
    now = world.clock.now()
    pay_until = now + 7 * DAY
    if 'time_expire' in body:
        asked = parse_rfc3339(body['time_expire'])
        pay_until = min(max(asked, now + 60), now + product.longest * DAY)
        if pay_until != asked:
            request.problems.append(
                f"warning: time_expire was moved to {rfc3339(pay_until)}",
            )
    order = Order(
        out_trade_no=body['out_trade_no'], parameters=body, created=now, pay_until=pay_until,
        product=product.name, **parties,
    )
    world.orders[order.mchid, order.out_trade_no] = order
    return order


# === Query and close === #

def order_object(order, state=None, sub_openid=''):
    """Show an order as query and notification do (A4.5).

    :param str state: in place of its own
    :param str sub_openid: the payer under the sub-merchant's appid
    :return: dict
    """
    state = state or order.state
    paid = state in ('SUCCESS', 'REFUND')
    view = {**party_names(order), 'out_trade_no': order.out_trade_no}
    if paid:
        view['transaction_id'] = order.transaction_id
    view |= {
        'trade_type': order.trade_type,
        'trade_state': state,
        'trade_state_desc': STATE_TEXTS.get(state, state),
    }
    amount = {'total': order.total}
    if paid:
        view |= {
            'bank_type': 'OTHERS',
            'attach': order.attach,
            'success_time': rfc3339(order.success_time),
            'payer': payer_names(order, sub_openid),
        }
        amount |= {
            'payer_total': order.total - order.coupon, 'currency': 'CNY', 'payer_currency': 'CNY',
        }
        if order.coupon:
            view['promotion_detail'] = [{
                'coupon_id': f'C{order.transaction_id[-12:]}', 'scope': 'GLOBAL', 'type': 'CASH',
                'amount': order.coupon, 'wechatpay_contribute': order.coupon, 'currency': 'CNY',
            }]
    else:
        amount['currency'] = 'CNY'
    view['amount'] = amount
    return view


def _not_found(why):
    return V3Error(
        404, 'ORDER_NOT_EXIST', '订单不存在', "the order does not exist", number=268512771, why=why,
    )


def query_by_number(world, merchant, request, out_trade_no):
    """GET /v3/pay/transactions/out-trade-no/{out_trade_no}, also below partner (A4.5)."""
    sub_mchid = query_parties(merchant, request)
    number = path_number(out_trade_no)
    with world.lock:
        return json_answer(shown(world, find_order(world, merchant, sub_mchid, number)))


def query_by_transaction(world, merchant, request, transaction_id):
    """GET /v3/pay/transactions/id/{transaction_id}, also below partner (A4.5)."""
    sub_mchid = query_parties(merchant, request)
    with world.lock:
        order = world.order_of_transaction(merchant.mchid, unquote(transaction_id))
        if not order or order.sub_mchid != sub_mchid:
            raise _not_found("this merchant has no payment of this number")
        return json_answer(shown(world, order))


def close(world, merchant, request, out_trade_no):
    """POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close, also below partner (A4.5)."""
    body = read_body(request, PARTNER_CLOSE if is_partner_call(request) else CLOSE)
    sub_mchid = check_mchids(merchant, request, body)
    number = path_number(out_trade_no)
    with world.lock:
        order = find_order(world, merchant, sub_mchid, number)
        if order.paid:
            raise V3Error(400, 'ORDERPAID', '该订单已支付', "the order is paid", number=268498689)
        if order.by_code:
            raise invalid_request(
                '付款码支付订单请调用撤销接口', "a payment code's order is reversed, not closed",
                number=268449641,
            )
        order.state = 'CLOSED'
    return Answer(204)


def find_order(world, merchant, sub_mchid, number):
    """:return: the `Order` of a number, of this sub-merchant if there is one."""
    order = world.order(merchant.mchid, number)
    if not order or order.sub_mchid != sub_mchid:
        raise _not_found("this merchant has no order of this number")
    return order


def shown(world, order):
    """:return: an order as a query shows it (dict)."""
    return order_object(order, sub_openid=world.sub_openid(order))


def path_number(raw):
    """:return: the out_trade_no of a path, checked."""
    number = unquote(raw)
    try:
        Text(32, shortest=6, check=check_number).test(number, 'out_trade_no')
    except V3Error as error:
        error.detail['location'] = 'url'
        raise
    return number
