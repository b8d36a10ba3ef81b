# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Orders of API v2: unified order, query, close (wechat-pay.md B2.1 to B2.3)."""

import ipaddress
import json

from . import payers, prepays
from .fields import one_of
from .order_fields import check_currency, check_notify_url, check_number
from .orders import STATE_TEXTS
from .v2_call import changed, lasting
from .v2_errors import V2Error, invalid_request, param_error
from .v2_fields import Field, Fields, fen, json_object, moment, stamp
from .world import DAY, Order

# trade_type -> product, as merchants have it
_PRODUCTS = {'JSAPI': 'JSAPI', 'NATIVE': 'NATIVE', 'APP': 'APP', 'MWEB': 'H5'}
_APP_TYPES = {'JSAPI': ('miniprogram', 'official_account'), 'APP': ('mobile',)}


def _check_ip(value):
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ValueError("is not an IP address") from None


def _check_number(value):
    check_number(value)
    if len(value) < 6:
        raise ValueError("must have 6 to 32 characters")


# What a unified order and a payment by code have in common.
ORDER = {
    'device_info': Field(32),
    # Sources differ on whether characters or bytes are counted: bytes are the stricter reading.
    'body': Field(128, required=True, in_bytes=True),
    'detail': Field(6000, check=json_object),
    'attach': Field(127),
    'out_trade_no': Field(32, required=True, check=_check_number),
    'fee_type': Field(16, check=check_currency),
    'total_fee': Field(18, required=True, check=fen),
    'spbill_create_ip': Field(64, required=True, check=_check_ip),
    'time_start': Field(14, check=moment),
    'time_expire': Field(14, check=moment),
    'goods_tag': Field(32),
    'limit_pay': Field(32, check=one_of('no_credit')),
    'receipt': Field(8, check=one_of('Y')),
    'profit_sharing': Field(1, check=one_of('Y', 'N')),
    'scene_info': Field(256, check=json_object),
}
UNIFIED_ORDER = Fields(
    **ORDER,
    notify_url=Field(256, required=True, check=check_notify_url),
    trade_type=Field(16, required=True, check=one_of(*_PRODUCTS)),
    product_id=Field(32),
    openid=Field(128),
    sub_openid=Field(128),
    user_type=Field(32),
    user_creid=Field(32),
    user_truename=Field(64),
)
QUERY = Fields(transaction_id=Field(32), out_trade_no=Field(32, check=_check_number))
CLOSE = Fields(out_trade_no=Field(32, required=True, check=_check_number))


def unified_order(world, merchant, request, values):
    """POST /pay/unifiedorder (B2.1)."""
    trade_type = values['trade_type']
    product = _PRODUCTS[trade_type]
    _check_trade_type(world, merchant, values, product)
    with world.lock:
        openid, cashiers = _payer(world, request, values)
        order = world.order(merchant.mchid, values['out_trade_no'])
        if order:
            _check_repeat(world, order, values, product)
        else:
            order = Order(
                merchant.mchid, values['appid'], values['out_trade_no'], lasting(values),
                created=world.clock.now(), pay_until=last_moment(world, values), product=product,
                openid=openid, version=2, sign_type=values.get('sign_type', 'MD5'),
                sub_mchid=values.get('sub_mch_id', ''), sub_appid=values.get('sub_appid', ''),
                cashiers=cashiers,
            )
            world.orders[order.mchid, order.out_trade_no] = order
        answer = {'trade_type': trade_type}
        if trade_type == 'MWEB':
            url = prepays.give_h5_url(world, order)
            return answer | {'prepay_id': prepays.new_prepay_id(world), 'mweb_url': url}
        answer['prepay_id'] = prepays.give_prepay_id(world, order)
        if trade_type == 'NATIVE':
            answer['code_url'] = prepays.give_code_url(world, order)
        return answer


def _check_trade_type(world, merchant, values, product):
    if product not in merchant.products or 'user_creid' in values:
        raise V2Error('NOAUTH', '商户无此接口权限', "the product is not enabled for this merchant")
    app = world.apps[values.get('sub_appid') or values['appid']]
    if 'openid' in values:
        app = world.apps[values['appid']]
    if app.app_type not in _APP_TYPES.get(product, (app.app_type,)):
        raise invalid_request(
            '该appid的类型不支持此支付产品',
            f"an appid of the type {app.app_type} cannot use this product",
        )
    if product == 'NATIVE' and 'product_id' not in values:
        raise V2Error('LACK_PARAMS', '缺少参数：product_id', "product_id: is required")
    if product == 'H5':
        _check_h5(world, values)


def _check_h5(world, values):
    info = json.loads(values.get('scene_info', '{}')).get('h5_info')
    if not isinstance(info, dict) or info.get('type') not in ('Wap', 'IOS', 'Android'):
        raise param_error('scene_info', "must hold h5_info with the type Wap, IOS or Android")
    if info['type'] == 'Wap' and not (info.get('wap_url') and info.get('wap_name')):
        raise param_error('scene_info', "h5_info must hold wap_url and wap_name")
    address = ipaddress.ip_address(values['spbill_create_ip'])
    if address.is_loopback and not world.settings['allow_loopback_ip']:
        raise param_error(
            'spbill_create_ip', "is this machine's own address, not the customer's",
        )


def _payer(world, request, values):
    """:return: (openid of the payer, appids in which the cashier opens)"""
    openid, sub_openid = values.get('openid', ''), values.get('sub_openid', '')
    if values['trade_type'] != 'JSAPI':
        if openid or sub_openid:
            request.problems.append("warning: openid is of no use with this trade_type")
        return '', (values.get('sub_appid') or values['appid'],)
    if not openid and not sub_openid:
        raise V2Error('LACK_PARAMS', '缺少参数：openid', "openid: is required")
    if sub_openid and 'sub_appid' not in values:
        raise param_error('sub_openid', "sub_openid wants sub_appid")
    try:
        return payers.find(
            world, values['appid'], openid, values.get('sub_appid', ''), sub_openid,
        )
    except payers.ForeignOpenid as error:
        raise param_error(error.name, "is not an openid of this appid") from None


def last_moment(world, values):
    """:return: until when an order can be paid.
    :raise V2Error: less than a minute ahead, or before its own start
    """
    now = world.clock.now()
    if 'time_expire' not in values:
        return now + 7 * DAY
    asked = moment(values['time_expire'])
    # Whole seconds here, fractions there.
    if asked < int(now) + 60 or asked <= moment(values.get('time_start', '19700102000000')):
        raise invalid_request('time_expire时间过短', "time_expire: is less than a minute ahead")
    return min(asked, now + 7 * DAY)


def _check_repeat(world, order, values, product):
    """An out_trade_no that was used before: only the same unpaid order may come again."""
    if order.paid:
        raise V2Error('ORDERPAID', '该订单已支付', "the order is paid")
    if order.state == 'CLOSED':
        raise V2Error('ORDERCLOSED', '该订单已关闭', "the order is closed")
    names = changed(order.parameters, lasting(values)) if order.version == 2 else ['version']
    if names or order.product != product:
        raise V2Error(
            'OUT_TRADE_NO_USED', '商户订单号重复',
            f"out_trade_no was used with another {', '.join(names) or 'product'}",
        )
    if world.clock.now() > order.pay_until:
        raise invalid_request('订单已过期', "the order's time_expire has passed")


# === Query and close === #

def find(world, merchant, values):
    """:return: the `Order` that a call names.
    :raise V2Error: both numbers, none, or an unknown one
    """
    if ('transaction_id' in values) == ('out_trade_no' in values):
        raise invalid_request(
            'transaction_id和out_trade_no应二选一',
            "exactly one of transaction_id and out_trade_no is required",
        )
    sub_mchid = values.get('sub_mch_id', '')
    if 'out_trade_no' in values:
        order = world.order(merchant.mchid, values['out_trade_no'])
    else:
        order = world.order_of_transaction(merchant.mchid, values['transaction_id'])
    if order and order.sub_mchid == sub_mchid:
        return order
    raise V2Error('ORDERNOTEXIST', '订单不存在', "this merchant has no order of this number")


def paid_fields(world, order):
    """:return: a paid order as answers and notifications show it (dict)."""
    sub_openid = world.sub_openid(order)
    return {
        'device_info': order.parameters.get('device_info', '') if order.version == 2 else '',
        'openid': order.openid,
        'is_subscribe': 'N',
        'sub_openid': sub_openid,
        'sub_is_subscribe': 'N' if sub_openid else '',
        'trade_type': order.trade_type,
        'bank_type': 'OTHERS',
        'total_fee': order.total,
        'settlement_total_fee': order.total - order.coupon,
        'fee_type': 'CNY',
        'cash_fee': order.total - order.coupon,
        'cash_fee_type': 'CNY',
        'coupon_fee': order.coupon or '',
        'coupon_count': 1 if order.coupon else '',
        'coupon_id_0': f'C{order.transaction_id[-12:]}' if order.coupon else '',
        'coupon_fee_0': order.coupon or '',
        'coupon_type_0': 'CASH' if order.coupon else '',
        'transaction_id': order.transaction_id,
        'out_trade_no': order.out_trade_no,
        'attach': order.attach,
        'time_end': stamp(order.success_time),
    }


def query(world, merchant, request, values):
    """POST /pay/orderquery (B2.2)."""
    with world.lock:
        order = find(world, merchant, values)
        answer = {
            'trade_state': order.state,
            'trade_state_desc': STATE_TEXTS.get(order.state, order.state),
        }
        if order.state == 'SUCCESS':
            return answer | paid_fields(world, order)
        return answer | {'out_trade_no': order.out_trade_no, 'attach': order.attach}


def close(world, merchant, request, values):
    """POST /pay/closeorder (B2.3)."""
    with world.lock:
        order = find(world, merchant, values)
        if order.paid:
            raise V2Error('ORDERPAID', '该订单已支付', "the order is paid")
        if order.state == 'CLOSED':
            raise V2Error('ORDERCLOSED', '该订单已关闭', "the order is closed")
        if order.by_code:
            raise V2Error(
                'TRADE_STATE_ERROR', '付款码支付订单请调用撤销接口',
                "a payment code's order is reversed, not closed",
            )
        if world.clock.now() - order.created < world.settings['v2_close_after']:
            raise V2Error(
                'TRADE_STATE_ERROR', '订单生成后5分钟内不能关闭',
                "the order was made less than five minutes ago",
            )
        order.state = 'CLOSED'
    return {}
