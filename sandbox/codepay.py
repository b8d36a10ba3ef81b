# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Payment codes of API v3, for merchants who have the product CODEPAY (wechat-pay.md A5)."""

from . import payment_codes
from .fields import Array, Boolean, Integer, Object, Text
from .messages import json_answer
from .order_fields import DIRECT_IDS, PARTNER_IDS, check_currency, check_goods_id, check_number
from .orders import path_number, shown
from .parties import check_mchids, check_parties, check_product, is_partner_call
from .v3_call import read_body
from .v3_errors import param_error
from .world import DAY, Order


def _schema(ids):
    return Object(
        **ids,
        description=Text(127, required=True),
        out_trade_no=Text(32, shortest=6, required=True, check=check_number),
        attach=Text(128),
        goods_tag=Text(32),
        support_fapiao=Boolean(),
        payer=Object(required=True, auth_code=Text(32, required=True)),
        amount=Object(
            required=True,
            total=Integer(1, required=True),
            currency=Text(16, check=check_currency),
        ),
        scene_info=Object(
            required=True,
            device_id=Text(32),
            device_ip=Text(45),
            store_info=Object(required=True, id=Text(32), out_id=Text(32)),
        ),
        detail=Object(
            cost_price=Integer(0),
            invoice_id=Text(32),
            goods_detail=Array(Object(
                merchant_goods_id=Text(32, required=True, check=check_goods_id),
                wxpay_goods_id=Text(32),
                goods_name=Text(256),
                quantity=Integer(1, required=True),
                unit_price=Integer(0, required=True),
            ), 6000, required=True),
        ),
        settle_info=Object(profit_sharing=Boolean()),
    )


_DIRECT, _PARTNER = _schema(DIRECT_IDS), _schema(PARTNER_IDS)
_REVERSE = Object(**DIRECT_IDS)
_PARTNER_REVERSE = Object(**{**PARTNER_IDS, 'sp_appid': Text(32)})


def pay(world, merchant, request):
    """POST /v3/pay/transactions/codepay, also below partner (A5)."""
    body = read_body(request, _PARTNER if is_partner_call(request) else _DIRECT)
    parties = check_parties(world, merchant, request, body)
    check_product(merchant, 'CODEPAY')
    if len(body['scene_info']['store_info']) != 1:
        issue = "exactly one of id and out_id is required"
        raise param_error('/scene_info/store_info', None, issue)
    payment_codes.check_shape(body['payer']['auth_code'])
    with world.lock:
        known = world.order(merchant.mchid, body['out_trade_no'])
        if known:
            payment_codes.check_unused(known)
        now = world.clock.now()
        order = Order(
            out_trade_no=body['out_trade_no'], parameters=body, created=now, pay_until=now + DAY,
            product='CODEPAY', **parties,
        )
        world.orders[order.mchid, order.out_trade_no] = order
        payment_codes.charge(world, order, body['payer']['auth_code'])
        return json_answer(shown(world, order))


def reverse(world, merchant, request, out_trade_no):
    """POST /v3/pay/transactions/out-trade-no/{out_trade_no}/reverse, also below partner (A5)."""
    partner = is_partner_call(request)
    body = read_body(request, _PARTNER_REVERSE if partner else _REVERSE)
    sub_mchid = check_mchids(merchant, request, body)
    check_product(merchant, 'CODEPAY')
    number = path_number(out_trade_no)
    with world.lock:
        order = payment_codes.find(world, merchant, sub_mchid, number)
        payment_codes.reverse(world, order)
    return json_answer({**body, 'out_trade_no': number})
