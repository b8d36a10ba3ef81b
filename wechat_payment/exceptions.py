# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What can go wrong at WeChat Pay, beside the three kinds of failure of `wechat`."""

from odoo.addons.wechat.exceptions import WeChatRefused


class WeChatPayRefused(WeChatRefused):
    """WeChat Pay refused a call: nothing was done.

    :ivar str wechat_code: WeChat Pay's symbolic code, as ORDER_NOT_EXIST; may be empty.
    :ivar int status: The HTTP status.
    """

    def __init__(self, message, code, wechat_code, status):
        super().__init__(message, code=code)
        self.wechat_code = wechat_code
        self.status = status
