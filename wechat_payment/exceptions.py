# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What can go wrong at WeChat Pay, beside the three kinds of failure of `wechat`."""

from odoo.addons.wechat.exceptions import WeChatError, WeChatRefused, WeChatUnverified


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
