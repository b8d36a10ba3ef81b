# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Why there is no bill, beside the failures of all calls."""

from odoo.addons.wechat.exceptions import WeChatError


class WeChatBillEmpty(WeChatError):
    """Nothing happened on that day: there is no bill and there will be none."""


class WeChatBillNotReady(WeChatError):
    """The bill is not made yet: ask again in half an hour."""


class WeChatBillRefused(WeChatError):
    """What came is not the bill: nothing of it is believed.

    :ivar str reason: Why, as a word.
    """

    def __init__(self, message, reason):
        super().__init__(message)
        self.reason = reason
