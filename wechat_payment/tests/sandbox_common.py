# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import os

import requests

from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID


class WechatSandboxCommon:
    """For tests over HTTP against the project's sandbox, whose address is in WECHAT_SANDBOX_URL.

    ``class TestX(WechatSandboxCommon, WechatPayCommon, HttpCase)``, and :meth:`_connect_sandbox` in
    its `setUp`.
    """

    def _connect_sandbox(self, **settings):
        """Let the provider be the sandbox's first merchant, who is notified at this Odoo.

        :param settings: Settings of the sandbox, as its README names them.
        """
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.sandbox)
        self._control('POST', 'reset')
        self._control('POST', 'settings', **settings)
        self._set_merchant(self.provider, self._control('GET', 'world')['merchants'][0])

    def _set_merchant(self, provider, merchant):
        """Give a provider the credentials of a merchant of the sandbox."""
        provider.write({
            'wechat_mch_id': merchant['mchid'],
            'wechat_notify_base_url': self.base_url(),
            'wechat_api_v3_key': merchant['api_v3_key'],
            'wechat_merchant_private_key': merchant['merchant_private_key'],
            'wechat_merchant_certificate': merchant['merchant_certificate'],
            'wechat_pay_public_key_id': merchant['public_key_id'],
            'wechat_pay_public_key': merchant['public_key'],
        })

    def _fetch(self, method, url, **kwargs):
        """Make a call to the sandbox; it may notify Odoo meanwhile."""
        self.env.flush_all()
        with self.allow_requests(all_requests=True):
            response = requests.request(method, url, timeout=20, **kwargs)
        self.env.invalidate_all()
        return response

    def _control(self, method, path, /, **body):
        """Command the sandbox."""
        response = self._fetch(method, f'{self.sandbox}/_sandbox/{path}', json=body or None)
        self.assertEqual(response.status_code, 200, response.text)
        return response.json()

    def _at_merchant(self, path, mchid=MCHID, **body):
        """Command the sandbox something about an order or a refund of a merchant."""
        return self._control('POST', path, mchid=mchid, **body)

    def _add_mobile_app(self):
        """Return an app that customers install, which the merchant is bound to."""
        app = self.env['wechat.app'].create({
            'name': "Shop App", 'app_type': 'mobile', 'appid': 'wx00000000000000ab',
            'company_id': self.provider.company_id.id,
        })
        self._control('POST', 'apps', appid=app.appid, app_type='mobile')
        self._control(
            'PATCH', f'merchants/{MCHID}', appids=[self.app.appid, app.appid],
        )
        self.provider.wechat_app_ids |= app
        return app

    def _finish_refund(self, refund, status='SUCCESS', **kwargs):
        """Let a refund reach a state at WeChat Pay, which notifies it unless told otherwise."""
        return self._at_merchant(
            'refund_outcome', refund.provider_id.sudo().wechat_mch_id,
            out_refund_no=refund.reference, status=status, **kwargs,
        )

    def _problems(self):
        """Return what the sandbox found wrong about the requests since the last reset."""
        return [
            problem for request in self._control('GET', 'requests')['requests']
            for problem in request['problems']
        ]
