# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is known of the device on which a customer pays."""

import ipaddress
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """The customer's address and browser, as the request shows them.

    :ivar str address: The IP address; behind a proxy, Odoo's `proxy_mode` makes it the customer's.
    :ivar str user_agent: The browser's own description.
    :ivar int app_id: The `wechat.app` in which WeChat told who the customer is; 0 if it did not.
    :ivar str openid: Who the customer is in that app, from WeChat and from nobody else.
    """

    address: str = ''
    user_agent: str = ''
    app_id: int = 0
    openid: str = ''

    @property
    def is_wechat(self):
        """Whether the page is open inside WeChat, where H5 does not work (A4.4)."""
        return 'micromessenger' in self.user_agent.lower()

    @property
    def is_phone(self):
        """Whether it is a phone; a tablet is none, its screen can be scanned."""
        return bool(
            re.search(r'iPhone|iPod|Mobile|Phone', self.user_agent)
            and not re.search(r'iPad|Tablet', self.user_agent)
        )

    @property
    def trade_type(self):
        """How a customer pays on a web page (A4.1).

        `JSAPI` for whom WeChat knows, `H5` in a phone's browser, else `NATIVE`.
        """
        if self.openid:
            return 'JSAPI'
        return 'H5' if self.is_phone and not self.is_wechat else 'NATIVE'

    @property
    def h5_type(self):
        """The scene of an H5 order: `iOS`, `Android` or `Wap` (A4.2)."""
        if re.search(r'iPhone|iPod|iPad', self.user_agent):
            return 'iOS'
        return 'Android' if 'Android' in self.user_agent else 'Wap'

    def is_acceptable(self, is_sandbox):
        """Tell whether WeChat Pay takes the address as the customer's own (A4.2).

        :param bool is_sandbox: Whether WeChat Pay is played by a server on this machine.
        :rtype: bool
        """
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return False
        return is_sandbox or address.is_global
