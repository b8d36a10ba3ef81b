# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the phone does with the parameters of a payment, checked as WeChat checks them (A4.4).

wx.requestPayment of a mini-program, or the OpenSDK of an app.
"""

import re

from . import signing, v2_signing
from .world import Refusal

_FIELDS = ('timeStamp', 'nonceStr', 'package', 'signType', 'paySign')
_APP_FIELDS = (
    'appId', 'partnerId', 'prepayId', 'packageValue', 'nonceStr', 'timeStamp', 'sign',
)


class ClientRefusal(Exception):
    """The client shows an error instead of the cashier; the text is what follows `fail`."""


def find_order(world, appid, user, payment):
    """Check the parameters of wx.requestPayment.

    :param str appid: the mini-program in which the call is made
    :param User user: who holds the phone
    :param dict payment: the parameters
    :return: the `Order` to pay
    :raise ClientRefusal: what is wrong with them
    """
    _check_fields(payment, _FIELDS)
    prefix, _equals, prepay_id = payment['package'].partition('=')
    if prefix != 'prepay_id' or not prepay_id:
        raise ClientRefusal("(package must be prepay_id=…)")
    if payment.get('appId') not in (None, appid):
        raise ClientRefusal("(appId is not the mini-program that calls)")
    order, expires = world.prepays.get(prepay_id, (None, 0))
    if not order:
        raise ClientRefusal("(this prepay_id does not exist)")
    if order.product != 'JSAPI':
        raise ClientRefusal(f"(the order is for {order.product})")
    if appid not in order.cashiers:
        raise ClientRefusal("(the order was made for another appid)")
    if payment['signType'] != (order.sign_type or 'RSA'):
        raise ClientRefusal(f"(signType of this order must be {order.sign_type or 'RSA'})")
    names = ('timeStamp', 'nonceStr', 'package')
    signed = {name: payment[name] for name in names}
    message = signing.pay_message(appid, *signed.values())
    signed |= {'appId': appid, 'signType': payment['signType']}
    if not _is_signed(world, order, message, signed, payment['paySign']):
        raise ClientRefusal("(支付验证签名失败: paySign is wrong)")
    if world.clock.now() > expires:
        raise ClientRefusal("(this prepay_id is older than two hours)")
    if user.openids.get(order.appid) != order.openid:
        raise ClientRefusal("(the order was made for another payer)")
    return order


def find_app_order(world, appid, payment):
    """Check the parameters of an app's OpenSDK.

    :param str appid: the app in which the call is made
    :param dict payment: the parameters; iOS calls `packageValue` `package`
    :return: the `Order` to pay
    :raise ClientRefusal: what is wrong with them
    """
    if 'package' in payment and 'packageValue' not in payment:
        payment = {**payment, 'packageValue': payment['package']}
    _check_fields(payment, _APP_FIELDS)
    if payment['appId'] != appid:
        raise ClientRefusal("(appId is not the app that calls)")
    if payment['packageValue'] != 'Sign=WXPay':
        raise ClientRefusal("(packageValue must be Sign=WXPay)")
    order, expires = world.prepays.get(payment['prepayId'], (None, 0))
    if not order:
        raise ClientRefusal("(this prepayId does not exist)")
    if order.product != 'APP':
        raise ClientRefusal(f"(the order is for {order.product})")
    if appid not in order.cashiers:
        raise ClientRefusal("(the order was made for another appid)")
    if payment['partnerId'] not in (order.mchid, order.sub_mchid):
        raise ClientRefusal("(partnerId is not the mchid of the order)")
    message = signing.app_pay_message(
        appid, payment['timeStamp'], payment['nonceStr'], payment['prepayId'],
    )
    signed = {
        'appid': appid, 'partnerid': payment['partnerId'], 'prepayid': payment['prepayId'],
        'package': payment['packageValue'], 'noncestr': payment['nonceStr'],
        'timestamp': payment['timeStamp'],
    }
    if not _is_signed(world, order, message, signed, payment['sign']):
        raise ClientRefusal("(支付验证签名失败: sign is wrong)")
    if world.clock.now() > expires:
        raise ClientRefusal("(this prepayId is older than two hours)")
    return order


def _is_signed(world, order, message, values, signature):
    """:return: whether the client's parameters are signed as those of the order's version."""
    merchant = world.merchants[order.mchid]
    if order.version == 2:
        return signature == v2_signing.sign(values, merchant.api_v2_key, order.sign_type)
    return signing.verify(merchant.certificate.public_key, message, signature)


def _check_fields(payment, names):
    if not isinstance(payment, dict):
        raise ClientRefusal("(parameter error: parameter should be an object)")
    for name in names:
        if not isinstance(payment.get(name), str) or not payment[name]:
            raise ClientRefusal(f"(parameter error: parameter.{name} should be a string)")
    if not re.fullmatch(r'\d{10}', payment['timeStamp'], re.ASCII):
        raise ClientRefusal("(timeStamp must be seconds, ten digits)")
    if len(payment['nonceStr']) > 32:
        raise ClientRefusal("(nonceStr is longer than 32 characters)")


def request_payment(world, appid, user, payment, cancel=False):
    """Play the phone up to the moment the money is taken.

    :param bool cancel: the user closes the cashier
    :return: (errMsg, the paid `Order` or None)
    """
    with world.lock:
        try:
            if 'prepayId' in payment or 'partnerId' in payment:
                order = find_app_order(world, appid, payment)
            else:
                order = find_order(world, appid, user, payment)
            if cancel:
                raise ClientRefusal('cancel')
            world.pay(order, user)
        except (ClientRefusal, Refusal) as error:
            reason = str(error) if isinstance(error, ClientRefusal) else f'({error})'
            return f'requestPayment:fail {reason}', None
    return 'requestPayment:ok', order
