# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import os

from odoo.addons.wechat_payment.tests.sandbox_common import WechatSandboxCommon


class WechatPayV2SandboxCommon(WechatSandboxCommon):
    """For tests of API v2 over HTTP against the project's sandbox.

    Its address over TLS is in WECHAT_SANDBOX_TLS_URL: calls that want the merchant certificate can
    be made there only. REQUESTS_CA_BUNDLE lets Odoo trust it.

    ``class TestX(WechatPayV2SandboxCommon, WechatPayCommon, HttpCase)``, and
    :meth:`_connect_v2_sandbox` in its `setUp`.
    """

    def _connect_v2_sandbox(self, sign_type='HMAC-SHA256', sub_merchant=None, **settings):
        """Let the provider use API v2 as the sandbox's first merchant, notified at this Odoo.

        :param str sign_type: The type of signature, on both sides.
        :param dict sub_merchant: Makes the merchant a service provider: `mchid` of the one whom it
            serves, and its `appids`.
        :param settings: Settings of the sandbox, as its README names them.
        """
        self._connect_sandbox(**settings)
        self.sandbox_tls = os.environ['WECHAT_SANDBOX_TLS_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.sandbox_tls)
        merchant = self._control('GET', 'world')['merchants'][0]
        self._set_v2_merchant(self.provider, merchant, sign_type, sub_merchant)

    def _set_v2_merchant(self, provider, merchant, sign_type='HMAC-SHA256', sub_merchant=None):
        """Give a provider the credentials of a merchant of the sandbox for API v2, and no others.

        :return: The merchant, as the sandbox tells of it.
        :rtype: dict
        """
        merchant = self._control(
            'PATCH', f"merchants/{merchant['mchid']}", v2_sign_type=sign_type,
            **({'sub_merchants': [sub_merchant]} if sub_merchant else {}),
        )
        provider.write({
            'wechat_api_version': 'v2',
            'wechat_v2_sign_type': sign_type,
            'wechat_mch_id': merchant['mchid'],
            'wechat_sub_mch_id': sub_merchant and sub_merchant['mchid'],
            'wechat_notify_base_url': self.base_url(),
            'wechat_api_v2_key': merchant['api_v2_key'],
            'wechat_merchant_private_key': merchant['merchant_private_key'],
            'wechat_merchant_certificate': merchant['merchant_certificate'],
            'wechat_api_v3_key': False,
            'wechat_pay_public_key_id': False,
        })
        return merchant
