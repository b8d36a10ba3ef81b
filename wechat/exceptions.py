# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What can go wrong between Odoo, its clients and WeChat.

Three kinds of failure of a call are told apart, because they ask for different answers: WeChat said
no (:class:`WeChatRefused`), nobody knows (:class:`WeChatUnknown`), somebody answered but cannot
prove to be WeChat (:class:`WeChatUnverified`). Refusals of our own raise :class:`WeChatError`.

Odoo serialises these for JSON-RPC clients: ``error.data.name`` is the class with its module and
``error.data.context`` is :attr:`WeChatError.context`.
"""

from odoo.exceptions import UserError


class WeChatError(UserError):
    """An error with a code word that clients may rely on."""

    def __init__(self, message, code='wechat_unavailable', errcode=None):
        """
        :param str message: What happened and what to do, in the user's language.
        :param str code: The code word of the public contract, as ``bad_request``.
        :param errcode: WeChat's own number, or text for WeChat Pay; ``None`` if WeChat gave none.
        """
        super().__init__(message)
        self.code = code
        self.errcode = errcode
        self.context = {'code': code, 'errcode': errcode}


class WeChatRefused(WeChatError):
    """WeChat answered and said no: repeating the call as it is cannot help.

    ``errmsg`` holds WeChat's own words for administrators, without any secret.
    """

    errmsg = ''


class WeChatUnknown(WeChatError):
    """No answer, or none that can be read: the call may or may not have been carried out.

    ``sent`` is ``False`` only if the request certainly never left this server.
    """

    sent = True


class WeChatUnverified(WeChatError):
    """The answer is not signed as it must be: nothing in it may be believed."""
