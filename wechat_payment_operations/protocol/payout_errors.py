# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What WeChat Pay says when it does not send money, and what to do then (A9.3, A9.4).

A code never says by itself that nothing was done: WeChat Pay is asked for the number first. These
answers are not signed.
"""

from typing import NamedTuple


class PayoutAdvice(NamedTuple):
    """What a code asks of whom.

    :ivar str kind: `open` (it may have been done: ask), `again` (the same number may be sent again
        once somebody has mended the cause), `final` (this number will never be sent).
    :ivar str en: What to do, in English.
    :ivar str zh: The same in Chinese.
    """

    kind: str
    en: str
    zh: str


def _open(en, zh):
    return PayoutAdvice('open', en, zh)


def _again(en, zh):
    return PayoutAdvice('again', en, zh)


def _final(en, zh):
    return PayoutAdvice('final', en, zh)


_SYSTEM = _open(
    "WeChat Pay had an error of its own. It is asked again under the same number.",
    "微信支付系统异常，将使用原单号继续查询结果。",
)
_OFTEN = _open(
    "Too many requests at WeChat Pay. It is asked again under the same number.",
    "请求过于频繁，将使用原单号稍后重试。",
)
_FUNDS = _again(
    "The merchant account does not hold enough money. Top it up on pay.weixin.qq.com, Account"
    " Center, then press Send Again: the same number is used.",
    "商户账户余额不足。请在pay.weixin.qq.com的“账户中心”充值，然后点击“重新发放”：将使用原单号。",
)
_SIGN = _again(
    "WeChat Pay could not verify our signature. Check the keys on the payment provider, then press"
    " Send Again.",
    "签名验证失败。请检查支付服务商上的密钥，然后点击“重新发放”。",
)
_VALUE = _final(
    "WeChat Pay did not accept a value. Correct it in a new draft.",
    "微信支付不接受某个参数，请新建草稿并更正。",
)
_RISK = _final(
    "WeChat Pay's risk control does not send money to this person. Agree with them on another way.",
    "因微信支付风控限制，无法向该用户发放。请与用户协商其他方式。",
)
_UNKNOWN = _open(
    "WeChat Pay refused with a code that is not known here. Ask WeChat Pay, and compare with"
    " pay.weixin.qq.com before you send anew.",
    "微信支付返回了未知错误码。请先查询，并在pay.weixin.qq.com核对后再重新发放。",
)

# A9.4
RED_PACKET_CODES = {
    'SYSTEMERROR': _SYSTEM,
    'PROCESSING': _open(
        "WeChat Pay is still at it. It is asked again in 20 minutes under the same number.",
        "微信支付正在处理，20分钟后将使用原单号查询结果。",
    ),
    'SEND_FAILED': _final(
        "The red packet could not be sent, for good. Make a new draft.",
        "红包发放失败，请新建草稿重新发放。",
    ),
    'FATAL_ERROR': _final(
        "This number was used before with other values. Compare with pay.weixin.qq.com before you"
        " send anew.",
        "该单号此前已用于其他参数的红包。请先在pay.weixin.qq.com核对，再重新发放。",
    ),
    'NOTENOUGH': _FUNDS,
    'NO_AUTH': _RISK,
    'SENDNUM_LIMIT': _again(
        "This person has got as many red packets today as WeChat Pay allows. Send again tomorrow"
        " (Beijing time), or change the limit on pay.weixin.qq.com, Product Center ▸ Cash red"
        " packets.",
        "该用户今日领取红包个数已达上限。请明天（北京时间）再发，"
        "或在pay.weixin.qq.com“产品中心 ▸ 现金红包”中调整限额。",
    ),
    'SENDAMOUNT_LIMIT': _again(
        "The merchant's limit for red packets per day is reached. Send again tomorrow (Beijing"
        " time), or change the limit on pay.weixin.qq.com, Product Center ▸ Cash red packets.",
        "商户今日发放红包总额已达上限。请明天（北京时间）再发，"
        "或在pay.weixin.qq.com“产品中心 ▸ 现金红包”中调整限额。",
    ),
    'RCVDAMOUNT_LIMIT': _again(
        "This person has got as much money today as WeChat Pay allows. Send again tomorrow (Beijing"
        " time).",
        "该用户今日领取红包总额已达上限，请明天（北京时间）再发。",
    ),
    'MONEY_LIMIT': _final(
        "The amount is outside WeChat Pay's limits: 1 to 200 yuan each, others with a scene"
        " (PRODUCT_1 to PRODUCT_8) only. Make a new draft.",
        "金额超出限制：每个红包1至200元，其他金额须选择场景（PRODUCT_1至PRODUCT_8）。请新建草稿。",
    ),
    'FREQ_LIMIT': _OFTEN,
    'CA_ERROR': _again(
        "WeChat Pay did not accept the merchant certificate. Upload the current one from"
        " pay.weixin.qq.com, Account Center ▸ API security, then press Send Again.",
        "微信支付不接受商户API证书。请在pay.weixin.qq.com“账户中心 ▸ API安全”"
        "下载最新证书并上传，然后点击“重新发放”。",
    ),
    'SIGN_ERROR': _SIGN,
    'XML_ERROR': _VALUE,
    'PARAM_ERROR': _VALUE,
    'ILLEGAL_APPID': _final(
        "WeChat Pay sends red packets by official accounts that are bound to the merchant only."
        " Choose the recipient's identity there, in a new draft.",
        "红包只能通过已与商户号绑定的公众号发放。请新建草稿，选择用户在该公众号下的身份。",
    ),
    'OPENID_ERROR': _final(
        "WeChat Pay does not know this person under this official account. Choose another identity"
        " in a new draft.",
        "该用户的openid与公众号不匹配。请新建草稿，选择其他身份。",
    ),
    'MSGAPPID_ERROR': _VALUE,
    'ACCEPTMODE_ERROR': _VALUE,
    'API_METHOD_CLOSED': _again(
        "Sending by the interface is off. Turn it on on pay.weixin.qq.com, Product Center ▸ Cash"
        " red packets, then press Send Again.",
        "商户已关闭API发放方式。请在pay.weixin.qq.com“产品中心 ▸ 现金红包”中开启，"
        "然后点击“重新发放”。",
    ),
}

# What a query answers for a number that WeChat Pay has never taken.
NOT_FOUND = 'NOT_FOUND'

# A9.3, by code; 4xx only, all others leave it open.
TRANSFER_CODES = {
    'INVALID_REQUEST': _again(
        "WeChat Pay's rules do not allow this transfer: the server's address is not on the list of"
        " the product, the scene or its words are not granted to the merchant, or the amount is"
        " outside its limits. Look at pay.weixin.qq.com, Product Center ▸ Merchant transfer, then"
        " press Send Again; if a value is wrong, make a new draft.",
        "转账不符合微信支付的规则：服务器IP未加入白名单、转账场景或其内容未获授权，或金额超出限制。"
        "请在pay.weixin.qq.com“产品中心 ▸ 商家转账”中查看，然后点击“重新发放”；"
        "如参数有误，请新建草稿。",
    ),
    'PARAM_ERROR': _VALUE,
    'SIGN_ERROR': _SIGN,
    'NO_AUTH': _again(
        "The merchant may not use transfers. Apply for them on pay.weixin.qq.com, Product Center ▸"
        " Merchant transfer, then press Send Again.",
        "商户未开通商家转账。请在pay.weixin.qq.com“产品中心 ▸ 商家转账”中开通，"
        "然后点击“重新发放”。",
    ),
    'NOT_ENOUGH': _FUNDS,
    'APPID_MCHID_NOT_MATCH': _again(
        "The AppID is not bound to the merchant. Bind it on pay.weixin.qq.com, Product Center ▸"
        " AppID account management, then press Send Again.",
        "AppID与商户号未绑定。请在pay.weixin.qq.com“产品中心 ▸ AppID账号管理”中绑定，"
        "然后点击“重新发放”。",
    ),
    'FREQUENCY_LIMITED': _OFTEN,
    'SYSTEM_ERROR': _SYSTEM,
}

# `fail_reason` of a transfer that failed (A9.3); WeChat Pay's list is longer and grows.
FAIL_REASONS = {
    'OVERDUE_CLOSE': _final(
        "The recipient did not confirm within 24 hours; the money is back. Tell them, and make a"
        " new draft.",
        "收款用户未在24小时内确认，资金已退回。请通知用户后新建草稿。",
    ),
    'NAME_NOT_CORRECT': _final(
        "The name is not the recipient's. Ask them for the name under which they use WeChat Pay,"
        " and make a new draft.",
        "收款人姓名不正确。请向用户核实其微信支付实名，然后新建草稿。",
    ),
    'REAL_NAME_CHECK_FAIL': _final(
        "The recipient has not verified their name in WeChat Pay. Ask them to, then make a new"
        " draft.",
        "收款用户未在微信支付实名。请用户完成实名后新建草稿。",
    ),
    'ACCOUNT_FROZEN': _final(
        "The recipient's account is frozen. Agree with them on another way.",
        "收款用户账户被冻结，请与用户协商其他方式。",
    ),
    'PAYEE_ACCOUNT_ABNORMAL': _final(
        "The recipient's account cannot receive money. Agree with them on another way.",
        "收款用户账户异常，无法收款。请与用户协商其他方式。",
    ),
    'RECEIVE_ACCOUNT_NOT_PERMMIT': _final(
        "The recipient's account may not receive money. Agree with them on another way.",
        "收款用户无收款权限，请与用户协商其他方式。",
    ),
    'DAY_RECEIVED_COUNT_EXCEED': _final(
        "The recipient has got as many transfers today as WeChat Pay allows. Make a new draft"
        " tomorrow.",
        "收款用户今日收款次数已达上限，请明天新建草稿。",
    ),
    'DAY_RECEIVED_QUOTA_EXCEED': _final(
        "The recipient has got as much today as WeChat Pay allows. Make a new draft tomorrow.",
        "收款用户今日收款额度已达上限，请明天新建草稿。",
    ),
    'TRANSFER_RISK': _RISK,
    'OPENID_INVALID': _final(
        "WeChat Pay does not know this person under this app. Choose another identity in a new"
        " draft.",
        "收款用户的openid无效。请新建草稿，选择其他身份。",
    ),
    'MERCHANT_REJECT': _final(
        "A person at the merchant rejected the transfer on pay.weixin.qq.com.",
        "转账已被商户在pay.weixin.qq.com驳回。",
    ),
    'MERCHANT_NOT_CONFIRM': _final(
        "Nobody at the merchant approved the transfer on pay.weixin.qq.com in time.",
        "商户未在pay.weixin.qq.com及时审批转账。",
    ),
    'BALANCE_NOT_ENOUGH': _final(
        "The merchant account did not hold enough money. Top it up on pay.weixin.qq.com, Account"
        " Center, and make a new draft.",
        "商户账户余额不足。请在pay.weixin.qq.com的“账户中心”充值后新建草稿。",
    ),
}
_FAILED = _final(
    "WeChat Pay did not carry it out; the money is in the merchant account. Make a new draft.",
    "微信支付未完成发放，资金在商户账户中。请新建草稿重新发放。",
)


def get_red_packet_advice(code):
    """Return the advice for an `err_code` of a red packet call.

    :param str code: The code; empty if there is none.
    :rtype: PayoutAdvice
    """
    return RED_PACKET_CODES.get(code, _UNKNOWN)


def get_transfer_advice(status, code):
    """Return the advice for an error answer to a transfer.

    :param int status: The HTTP status.
    :param str code: The code of the body; empty if there is none.
    :rtype: PayoutAdvice
    """
    if not 400 <= status < 500 or status == 429:
        return TRANSFER_CODES['FREQUENCY_LIMITED' if status == 429 else 'SYSTEM_ERROR']
    if status == 401:
        return _SIGN
    return TRANSFER_CODES.get(code, _UNKNOWN)


def get_fail_advice(reason):
    """Return the advice for a transfer or a red packet that failed for good.

    :param str reason: WeChat Pay's `fail_reason`.
    :rtype: PayoutAdvice
    """
    return FAIL_REASONS.get(reason, _FAILED)
