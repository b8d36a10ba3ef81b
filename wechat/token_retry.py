# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What to do when WeChat does not accept an access token (wechat-platform.md, section 3.3)."""

from odoo.addons.wechat.exceptions import WeChatRefused
from odoo.addons.wechat.protocol.errcodes import INVALID_TOKEN_CODES


class TokenRetry:
    """Make a call with a token, and repeat it at most once with another one."""

    def __init__(self, app, call, kind='access_token'):
        """
        :param wechat.app app: The app whose token is sent.
        :param call: Function that makes the call with the token it is given. It must be safe to
            repeat what WeChat answered with one of the codes below: nothing was done then.
        :param str kind: The kind of token.
        """
        self.app = app
        self.call = call
        self.kind = kind

    def run(self):
        """Make the call.

        :return: What the call returns.
        :raise WeChatError: What the call raises; after a token error, what its repetition raises.
        """
        token = self.app._get_token(self.kind)
        try:
            return self.call(token)
        except WeChatRefused as error:
            if error.errcode not in INVALID_TOKEN_CODES:
                raise
        return self.call(self.app._renew_token(token, self.kind))
