# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Orders of API v3: JSAPI, Native, H5 and App; query and close (wechat-pay.md A4)."""

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from .clock import BEIJING, parse_rfc3339, rfc3339
from .fields import Text
from .messages import Answer, dump, json_answer
from .order_fields import APP_ORDER, CLOSE, H5_ORDER, JSAPI_ORDER, NATIVE_ORDER, check_number
from .v3_call import check_mchid, query_mchid, read_body
from .v3_errors import V3Error, invalid_request, param_error
from .world import APP_TYPES, DAY, Order

PREPAY_LIFETIME = 7200
CODE_URL_LIFETIME = 7200
H5_LIFETIME = 300
H5_PATH = '/cgi-bin/mmpayweb-bin/checkmweb'
STATE_TEXTS = {
    'NOTPAY': '订单未支付', 'SUCCESS': '支付成功', 'CLOSED': '订单已关闭',
    'REFUND': '订单发生过退款',
}


@dataclass
class Product:
    """One way to pay: what an order of it must hold and what it gives (A4.1)."""

    name: str
    schema: object
    longest: int
    give: object
    app_types: tuple = APP_TYPES


# === What an order call gives === #

def _give_prepay_id(world, order):
    prepay_id = _new_prepay_id(world)
    world.prepays[prepay_id] = (order, world.clock.now() + PREPAY_LIFETIME)
    return {'prepay_id': prepay_id}


def _give_code_url(world, order):
    """A new code_url; the older one of the order is dead from now on."""
    order.code_url = f'weixin://wxpay/bizpayurl?pr={secrets.token_urlsafe(7)[:9]}z'
    world.code_urls[order.code_url] = (order, world.clock.now() + CODE_URL_LIFETIME)
    return {'code_url': order.code_url}


def _give_h5_url(world, order):
    query = f'prepay_id={_new_prepay_id(world)}&package={secrets.randbelow(10 ** 10):010d}'
    world.h5_pages[query] = (order, world.clock.now() + H5_LIFETIME)
    return {'h5_url': f'{world.address}{H5_PATH}?{query}'}


def _new_prepay_id(world):
    stamp = datetime.fromtimestamp(world.clock.now(), BEIJING).strftime('%d%H%M%S')
    return f'wx{stamp}{secrets.token_hex(13)}'


_JSAPI = Product(
    'JSAPI', JSAPI_ORDER, 15, _give_prepay_id, ('miniprogram', 'official_account'),
)
_NATIVE = Product('NATIVE', NATIVE_ORDER, 7, _give_code_url)
_H5 = Product('H5', H5_ORDER, 15, _give_h5_url)
_APP = Product('APP', APP_ORDER, 15, _give_prepay_id, ('mobile',))


# === Making an order === #

def create_jsapi(world, merchant, request):
    """POST /v3/pay/transactions/jsapi (A4.2)."""
    return _create(world, merchant, request, _JSAPI)


def create_native(world, merchant, request):
    """POST /v3/pay/transactions/native (A4.2)."""
    return _create(world, merchant, request, _NATIVE)


def create_h5(world, merchant, request):
    """POST /v3/pay/transactions/h5 (A4.2)."""
    return _create(world, merchant, request, _H5)


def create_app(world, merchant, request):
    """POST /v3/pay/transactions/app (A4.2)."""
    return _create(world, merchant, request, _APP)


def _create(world, merchant, request, product):
    body = read_body(request, product.schema)
    check_mchid(merchant, body['mchid'], '/mchid', 'body')
    if body['description'] != body['description'].strip():
        request.problems.append("warning: description begins or ends with a blank")
    if 'detail' in body and len(dump(body['detail'])) > 6144:
        raise param_error('/detail', None, "is longer than 6144 bytes")
    with world.lock:
        _check_client_ip(world, body)
        _check_permission(world, merchant, body, product)
        order = world.order(merchant.mchid, body['out_trade_no'])
        if order:
            _check_repeat(world, order, body, product)
        else:
            order = _new_order(world, merchant, body, request, product)
        return json_answer(product.give(world, order))


def _check_client_ip(world, body):
    """The customer's own address: the merchant's machine is none (A4.2)."""
    address = body.get('scene_info', {}).get('payer_client_ip')
    if address and not world.settings['allow_loopback_ip']:
        parsed = ipaddress.ip_address(address)
        if (getattr(parsed, 'ipv4_mapped', None) or parsed).is_loopback:
            issue = "is this machine's own address, not the customer's"
            raise param_error('/scene_info/payer_client_ip', address, issue)


def _check_permission(world, merchant, body, product):
    app = world.apps.get(body['appid'])
    if body['appid'] not in merchant.appids or not app:
        raise V3Error(
            400, 'APPID_MCHID_NOT_MATCH', 'appid和mchid不匹配，请检查后再试',
            "appid is not bound to mchid", number=268445527,
        )
    payer = body.get('payer', {})
    if product.name not in merchant.products or 'identity' in payer:
        raise V3Error(
            403, 'NO_AUTH', '商户无权限使用该产品',
            "the product is not enabled for this merchant",
        )
    if app.app_type not in product.app_types:
        raise invalid_request(
            '该appid的类型不支持此支付产品',
            f"an appid of the type {app.app_type} cannot use this product",
        )
    if product is _JSAPI and not world.user_of_openid(payer['openid'], body['appid']):
        raise param_error(
            '/payer/openid', payer['openid'],
            "is not an openid of this appid", number=268501013,
        )


def _check_repeat(world, order, body, product):
    """An out_trade_no that was used before: only the same unpaid order may come again."""
    if order.paid:
        raise V3Error(400, 'ORDERPAID', '该订单已支付', "the order is paid", number=268449538)
    if order.state == 'CLOSED':
        raise V3Error(400, 'ORDER_CLOSED', '该订单已关闭', "the order is closed")
    changed = sorted(
        name for name in set(order.parameters) | set(body)
        if order.parameters.get(name) != body.get(name)
    )
    if order.product != product.name:
        changed += ['product']
    if changed:
        raise V3Error(
            403, 'OUT_TRADE_NO_USED', '商户订单号重复：请求重入时参数与首次请求不一致',
            "out_trade_no was used with other parameters", number=268498688,
            why=f"out_trade_no was used with another {', '.join(changed)}",
        )
    if world.clock.now() > order.pay_until:
        raise invalid_request('订单已过期', "the order's time_expire has passed", number=268447914)


def _new_order(world, merchant, body, request, product):
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
        merchant.mchid, body['appid'], body['out_trade_no'], body, created=now,
        pay_until=pay_until, product=product.name,
        openid=body['payer']['openid'] if product is _JSAPI else '',
    )
    world.orders[order.mchid, order.out_trade_no] = order
    return order


# === Query and close === #

def order_object(order, state=None):
    """:return: an order as query and notification show it (A4.5; dict)."""
    state = state or order.state
    paid = state in ('SUCCESS', 'REFUND')
    view = {
        'mchid': order.mchid,
        'appid': order.appid,
        'out_trade_no': order.out_trade_no,
    }
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
            'attach': order.parameters.get('attach', ''),
            'success_time': rfc3339(order.success_time),
            'payer': {'openid': order.openid},
        }
        amount |= {'payer_total': order.total, 'currency': 'CNY', 'payer_currency': 'CNY'}
    else:
        amount['currency'] = 'CNY'
    view['amount'] = amount
    return view


def _not_found(why):
    return V3Error(
        404, 'ORDER_NOT_EXIST', '订单不存在', "the order does not exist", number=268512771, why=why,
    )


def query_by_number(world, merchant, request, out_trade_no):
    """GET /v3/pay/transactions/out-trade-no/{out_trade_no} (A4.5)."""
    query_mchid(merchant, request)
    with world.lock:
        order = world.order(merchant.mchid, _path_number(out_trade_no))
        if not order:
            raise _not_found("this merchant has no order of this number")
        return json_answer(order_object(order))


def query_by_transaction(world, merchant, request, transaction_id):
    """GET /v3/pay/transactions/id/{transaction_id} (A4.5)."""
    query_mchid(merchant, request)
    with world.lock:
        order = world.order_of_transaction(merchant.mchid, unquote(transaction_id))
        if not order:
            raise _not_found("this merchant has no payment of this number")
        return json_answer(order_object(order))


def close(world, merchant, request, out_trade_no):
    """POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close (A4.5)."""
    body = read_body(request, CLOSE)
    check_mchid(merchant, body['mchid'], '/mchid', 'body')
    with world.lock:
        order = world.order(merchant.mchid, _path_number(out_trade_no))
        if not order:
            raise _not_found("this merchant has no order of this number")
        if order.paid:
            raise V3Error(400, 'ORDERPAID', '该订单已支付', "the order is paid", number=268498689)
        order.state = 'CLOSED'
    return Answer(204)


def _path_number(raw):
    number = unquote(raw)
    try:
        Text(32, shortest=6, check=check_number).test(number, 'out_trade_no')
    except V3Error as error:
        error.detail['location'] = 'url'
        raise
    return number
