# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""WeChat Pay's v3 error codes, and what they ask of whom (A4.6, A11).

Branch on status and code only: the message of an error changes, and errors are not signed.
"""

from typing import NamedTuple


class Advice(NamedTuple):
    """What an error code means for a client, and what mends it.

    :ivar word: The code word that clients get.
    :ivar misconfigured: Whether an administrator must act.
    :ivar en: Advice in English.
    :ivar zh: Advice in Chinese.
    """

    word: str
    misconfigured: bool
    en: str
    zh: str


def _config(en, zh):
    return Advice('misconfigured', True, en, zh)


def _refused(en, zh):
    return Advice('payment_refused', False, en, zh)


def _busy(en, zh):
    return Advice('wechat_busy', False, en, zh)


ERROR_CODES = {
    'PARAM_ERROR': _refused(
        "WeChat Pay did not accept a value of the order. Report this to the shop.",
        "微信支付不接受订单中的某个参数，请联系商家处理。",
    ),
    'INVALID_REQUEST': _refused(
        "WeChat Pay's rules do not allow this order. Report this to the shop.",
        "订单不符合微信支付的规则，请联系商家处理。",
    ),
    'APPID_MCHID_NOT_MATCH': _config(
        "The AppID is not bound to the merchant. Bind it on pay.weixin.qq.com, Product Center ▸"
        " AppID account management, and confirm it in the mini-program's own console.",
        "AppID与商户号未绑定。请在pay.weixin.qq.com的“产品中心 ▸ AppID账号管理”中绑定，"
        "并在小程序后台确认授权。",
    ),
    'MCH_NOT_EXISTS': _config(
        "WeChat Pay does not know the merchant number. Compare it with pay.weixin.qq.com, Account"
        " Center ▸ Merchant information.",
        "商户号不存在。请与pay.weixin.qq.com“账户中心 ▸ 商户信息”中的商户号核对。",
    ),
    'SIGN_ERROR': _config(
        "WeChat Pay could not verify our signature. Check that the private key, the certificate's"
        " serial number and the merchant number belong together, and that this server's clock is"
        " right (at most 5 minutes off).",
        "签名验证失败。请检查商户API私钥、证书序列号与商户号是否匹配，"
        "以及服务器时间是否准确（误差不超过5分钟）。",
    ),
    'NO_AUTH': _config(
        "The merchant may not use this product. Apply for JSAPI payment on pay.weixin.qq.com,"
        " Product Center.",
        "商户没有此产品的权限。请在pay.weixin.qq.com的“产品中心”开通JSAPI支付。",
    ),
    'ORDER_CLOSED': _refused(
        "The order is closed at WeChat Pay. Start the payment again.",
        "订单已关闭，请重新发起支付。",
    ),
    'ORDERPAID': _refused("The order is already paid.", "订单已支付，请勿重复支付。"),
    'ORDER_PAID': _refused("The order is already paid.", "订单已支付，请勿重复支付。"),
    'ORDER_NOT_EXIST': _refused(
        "WeChat Pay does not know this order.", "微信支付中没有此订单。",
    ),
    'OUT_TRADE_NO_USED': _refused(
        "The order number was used with other values. Start the payment again.",
        "商户订单号重复，请重新发起支付。",
    ),
    'RULE_LIMIT': _refused(
        "WeChat Pay's rules stopped this payment. Ask the customer to try another way.",
        "因微信支付规则限制无法支付，请更换支付方式。",
    ),
    'TRADE_ERROR': _refused(
        "WeChat Pay refused the payment. Try again, or another way of paying.",
        "交易失败，请重试或更换支付方式。",
    ),
    'RESOURCE_NOT_EXISTS': _config(
        "WeChat Pay has nothing at this place. A merchant without platform certificates uses the"
        " WeChat Pay public key.",
        "资源不存在。没有平台证书的商户须使用微信支付公钥。",
    ),
    'FREQUENCY_LIMITED': _busy(
        "Too many requests at WeChat Pay. Try again in a moment.", "请求过于频繁，请稍后再试。",
    ),
    'RATELIMIT_EXCEEDED': _busy(
        "Too many requests at WeChat Pay. Try again in a moment.", "请求过于频繁，请稍后再试。",
    ),
    'SYSTEM_ERROR': _busy(
        "WeChat Pay had an error of its own. Try again in a moment.",
        "微信支付系统异常，请稍后再试。",
    ),
    'SERVICE_UNAVAILABLE': _busy(
        "WeChat Pay is not available. Try again in a moment.", "微信支付暂不可用，请稍后再试。",
    ),
}

_BY_STATUS = {
    401: 'SIGN_ERROR',
    429: 'FREQUENCY_LIMITED',
    500: 'SYSTEM_ERROR',
    502: 'SERVICE_UNAVAILABLE',
    503: 'SERVICE_UNAVAILABLE',
}

_UNKNOWN = _refused(
    "WeChat Pay refused the request.", "微信支付拒绝了请求。",
)


def get_advice(status, code):
    """Return the advice for an error answer.

    :param int status: The HTTP status.
    :param str code: The symbolic code of the body; empty if there is none.
    :rtype: Advice
    """
    return ERROR_CODES.get(code) or ERROR_CODES.get(_BY_STATUS.get(status)) or _UNKNOWN


def is_outcome_known(status):
    """Tell whether an error status means that nothing was done.

    429 and 5xx, and whatever is no error, leave the outcome open: ask before deciding (A11).

    :param int status: The HTTP status.
    :rtype: bool
    """
    return 400 <= status < 500 and status != 429
