# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Payment codes of API v2: pay and reverse (wechat-pay.md B2.6, B2.7)."""

from . import payment_codes
from .v2_call import lasting
from .v2_errors import V2Error, of_v3
from .v2_fields import Field, Fields
from .v2_orders import ORDER, QUERY, find, last_moment, paid_fields
from .v3_errors import V3Error
from .world import Order

MICROPAY = Fields(**ORDER, auth_code=Field(128, required=True))
REVERSE = QUERY


def pay(world, merchant, request, values):
    """POST /pay/micropay (B2.6)."""
    if 'MICROPAY' not in merchant.products:
        raise V2Error('NOAUTH', '商户无此接口权限', "the product is not enabled for this merchant")
    payment_codes.check_shape(values['auth_code'])
    with world.lock:
        known = world.order(merchant.mchid, values['out_trade_no'])
        if known:
            payment_codes.check_unused(known)
        order = Order(
            merchant.mchid, values['appid'], values['out_trade_no'], lasting(values),
            created=world.clock.now(), pay_until=last_moment(world, values), product='MICROPAY',
            version=2, sign_type=values.get('sign_type', 'MD5'),
            sub_mchid=values.get('sub_mch_id', ''), sub_appid=values.get('sub_appid', ''),
        )
        world.orders[order.mchid, order.out_trade_no] = order
        payment_codes.charge(world, order, values['auth_code'])
        if order.state == 'USERPAYING':
            raise V2Error(
                'USERPAYING', '需要用户输入支付密码', "the customer is asked for the password",
            )
        return paid_fields(world, order)


def reverse(world, merchant, request, values):
    """POST /secapi/pay/reverse (B2.7)."""
    with world.lock:
        try:
            order = find(world, merchant, values)
        except V2Error as error:
            if error.code == 'ORDERNOTEXIST' and 'transaction_id' in values:
                error.code = 'INVALID_TRANSACTIONID'
            raise
        try:
            payment_codes.reverse(world, order)
        except V3Error as refusal:
            error = of_v3(refusal)
            if isinstance(refusal, payment_codes.Recall):
                error.code = refusal.code.replace('_ERROR', 'ERROR')
            error.extra = {'recall': 'Y' if isinstance(refusal, payment_codes.Recall) else 'N'}
            raise error from None
    return {'recall': 'N'}
