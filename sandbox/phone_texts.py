# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The words of the phone, English and Chinese."""

ENGLISH = {
    'title': "A phone with WeChat",
    'scan_label': "Link to open",
    'scan_hint': "Paste the code_url of a QR code (weixin://…) or an h5_url",
    'scan': "Open",
    'scanning': "Opening …",
    'holder': "Whose phone",
    'new_person': "A new person",
    'pay_to': "Pay to merchant {mchid}",
    'number': "Order {number}",
    'pay': "Pay",
    'paying': "Paying …",
    'cancel': "Cancel",
    'paid': "Paid",
    'paid_accepted': "The merchant was told and answered {status}.",
    'paid_refused': "The merchant was told, but answered {status}.",
    'paid_silent': "The merchant was told, but gave no answer.",
    'cancelled': "Not paid",
    'cancelled_hint': "You closed the payment. The order can still be paid.",
    'refused': "This does not work",
    'back': "Back to the shop",
    'again': "Open another link",
    'home': "Sandbox",
    'no_money': "A sandbox: no money moves.",
    'not_a_link': "this is neither a code_url nor an h5_url of this sandbox",
    'gone': "the sandbox does not answer; is it still running?",
    'other_language': "中文",
}

CHINESE = {
    'title': "装有微信的手机",
    'scan_label': "要打开的链接",
    'scan_hint': "粘贴二维码的code_url（weixin://…）或h5_url",
    'scan': "打开",
    'scanning': "正在打开…",
    'holder': "谁的手机",
    'new_person': "新用户",
    'pay_to': "付款给商户{mchid}",
    'number': "订单号：{number}",
    'pay': "立即支付",
    'paying': "支付中…",
    'cancel': "取消",
    'paid': "支付成功",
    'paid_accepted': "已通知商户，商户应答{status}。",
    'paid_refused': "已通知商户，但商户应答{status}。",
    'paid_silent': "已通知商户，但没有得到应答。",
    'cancelled': "未支付",
    'cancelled_hint': "您已关闭支付页面，订单仍可继续支付。",
    'refused': "无法支付",
    'back': "返回商户页面",
    'again': "打开其他链接",
    'home': "沙盒首页",
    'no_money': "沙盒环境，不会产生真实扣款。",
    'not_a_link': "这不是code_url，也不是本沙盒的h5_url",
    'gone': "沙盒没有应答，请确认它仍在运行",
    'other_language': "English",
}

LANGUAGES = {'en': ENGLISH, 'zh': CHINESE}

# What the world refuses, as WeChat would say it to a Chinese customer.
REFUSALS = {
    "this code_url does not exist": "此二维码不存在",
    "this code_url was replaced by a newer one of the same order":
        "此二维码已失效，请扫描新的二维码",
    "this code_url is older than two hours": "此二维码已超过两小时，请刷新后重试",
    "another person has scanned this order": "此订单已被其他用户扫码",
    "the order is already paid": "订单已支付",
    "the order is closed": "订单已关闭",
    "the order is paid by a payment code only": "此订单只能用付款码支付",
    "the order can no longer be paid: its time_expire has passed": "订单已超过支付截止时间",
    "the order was made for another payer": "此订单应由其他用户支付",
    "this h5_url does not exist or was changed": "此h5_url不存在或已被改动",
    "this h5_url is older than five minutes": "此h5_url已超过五分钟，请返回商户页面重新发起支付",
    "the page that opened this h5_url sent no Referer": "打开此h5_url的页面没有发送Referer",
    "the page that opened this h5_url is on no H5 domain of the merchant":
        "打开此h5_url的页面不在商户的H5支付域名下",
    "redirect_url is no complete address on an H5 domain of the merchant":
        "redirect_url不是商户H5支付域名下的完整地址",
    "an h5_url does not open inside WeChat": "h5_url不能在微信内打开",
}


def translate(refusal, language):
    """:return: what was refused, in a language; unknown texts stay as they are."""
    return REFUSALS.get(refusal, refusal) if language == 'zh' else refusal
