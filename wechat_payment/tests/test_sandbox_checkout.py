# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import os

import requests

from odoo.tests import HttpCase, tagged

from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxCheckout(WechatPayCommon, HttpCase):
    """Native, H5 and App orders against the project's sandbox (WECHAT_SANDBOX_URL)."""

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.sandbox)
        self._control('POST', 'reset')
        self._control('POST', 'settings', allow_loopback_ip=True)
        merchant = self._control('GET', 'world')['merchants'][0]
        self.provider.write({
            'wechat_api_v3_key': merchant['api_v3_key'],
            'wechat_merchant_private_key': merchant['merchant_private_key'],
            'wechat_merchant_certificate': merchant['merchant_certificate'],
            'wechat_pay_public_key_id': merchant['public_key_id'],
            'wechat_pay_public_key': merchant['public_key'],
        })

    def _control(self, method, path, /, **body):
        response = requests.request(
            method, f'{self.sandbox}/_sandbox/{path}', json=body or None, timeout=10,
        )
        self.assertEqual(response.status_code, 200, response.text)
        return response.json()

    def _pay_as(self, user_agent):
        """Open the payment page, pay in the sandbox, return the kind of payment."""
        tx = self.env['payment.transaction'].create({
            'provider_id': self.provider.id,
            'payment_method_id': self.env.ref('payment.payment_method_wechat_pay').id,
            'reference': self.env['payment.transaction']._compute_reference(
                'wechat_pay', prefix='S00042',
            ),
            'amount': 19.99,
            'currency_id': self.currency_cny.id,
            'partner_id': self.customer.partner_id.id,
            'operation': 'online_redirect',
            'landing_route': '/my/home',
        })
        params = {'reference': tx.reference, 'access_token': tx._wechat_get_access_token()}
        results = []
        for route, extra in (('start', {}), ('poll', {'check': True})):
            answer = self.url_open(
                f'/payment/wechat_pay/{route}', headers={'User-Agent': user_agent},
                json={'jsonrpc': '2.0', 'method': 'call', 'params': {**params, **extra}},
            ).json()
            self.assertIn('result', answer, answer.get('error'))
            results.append(answer['result'])
            if route == 'start':
                self._control(
                    'POST', 'pay', mchid=MCHID, out_trade_no=tx.reference, notify=False,
                )
        self.env.invalidate_all()
        self.assertEqual((results[1]['state'], tx.state), ('done', 'done'))
        problems = [
            problem for request in self._control('GET', 'requests')['requests']
            for problem in request['problems']
        ]
        self.assertEqual(problems, [])
        return results[0]['kind']

    def test_a_qr_code_is_paid(self):
        self.assertEqual(self._pay_as('Mozilla/5.0 (X11; Linux x86_64)'), 'NATIVE')

    def test_a_phone_pays(self):
        self.assertEqual(self._pay_as('Mozilla/5.0 (iPhone) Mobile Safari'), 'H5')
