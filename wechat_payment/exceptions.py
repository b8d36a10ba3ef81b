# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What can go wrong at WeChat Pay, beside the three kinds of failure of `wechat`."""

from odoo.addons.wechat.exceptions import (
    WeChatError,
    WeChatRefused,
    WeChatUnknown,
    WeChatUnverified,
)


class WeChatPayRefused(WeChatRefused):
    """WeChat Pay refused a call: nothing was done.

    :ivar str wechat_code: WeChat Pay's symbolic code, as ORDER_NOT_EXIST; may be empty.
    :ivar int status: The HTTP status.
    :ivar str date: The header Date of the answer; may be `None`.
    :ivar str field: Which field of the request is refused, as WeChat Pay names it; may be empty.
    """

    def __init__(self, message, code, wechat_code, status, date=None, field=''):
        super().__init__(message, code=code)
        self.wechat_code = wechat_code
        self.status = status
        self.date = date
        self.field = field


class WeChatPayMisconfigured(WeChatError):
    """An administrator must mend something.

    :ivar str reason: A reason of `_wechat_describe_problem`.
    :ivar str detail: What the reason is about.
    """

    def __init__(self, message, reason, detail=''):
        super().__init__(message, code='misconfigured')
        self.reason = reason
        self.detail = detail


class WeChatPayUnverified(WeChatUnverified):
    """An answer is not signed as it must be: what it says is unknown.

    :ivar str reason: A reason of `protocol.verification.VerificationError`.
    :ivar str date: The header Date of the answer; may be `None`.
    """

    def __init__(self, message, reason, date=None):
        super().__init__(message, code='wechat_unavailable')
        self.reason = reason
        self.date = date


class WeChatPayNotTaken(WeChatUnknown):
    """API v2 answered `return_code` FAIL: it says that it did not take the request.

    Such an answer is never signed, so that for money the outcome counts as open.

    :ivar str return_msg: WeChat Pay's own words, for administrators only.
    """

    def __init__(self, message, code='misconfigured', return_msg=''):
        super().__init__(message, code=code)
        self.return_msg = return_msg


class WeChatPayUnsettled(WeChatUnknown):
    """API v2 answered with a failure after which the money may be on its way all the same.

    :ivar str wechat_code: WeChat Pay's `err_code`, as SYSTEMERROR or USERPAYING.
    """

    def __init__(self, message, code, wechat_code):
        super().__init__(message, code=code)
        self.wechat_code = wechat_code


class WeChatPayNoAnswer(WeChatUnknown):
    """API v2 gave no answer, or none with a status that it has.

    :ivar str end: How the call ended: a reason of `transport.TransportError`, or `HTTP 400`.
    """

    def __init__(self, message, end, sent):
        super().__init__(message, code='wechat_unavailable')
        self.end = end
        self.sent = sent
