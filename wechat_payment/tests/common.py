# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json

from odoo.addons.payment.tests.common import PaymentCommon
from odoo.addons.wechat.tests.common import WechatCommon
from odoo.addons.wechat_payment.payable import Payable
from odoo.addons.wechat_payment.tests.fake_wechat_pay import (
    API_V3_KEY,
    MCHID,
    PUBLIC_KEY_ID,
    FakeWechatPay,
    build_notification,
    get_key_pair,
    sign_headers,
)


class WechatPayCommon(WechatCommon, PaymentCommon):
    """A configured provider, a customer known to the mini-program, a fake WeChat Pay."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # In place of the base class's server, which knows nothing of signatures.
        cls.fake = FakeWechatPay()
        cls.addClassCleanup(cls.fake.stop)
        for name in ('api', 'pay'):
            cls.env['ir.config_parameter'].set_param(f'wechat.{name}_url', cls.fake.url)
        cls.merchant, cls.wechat = get_key_pair('merchant'), get_key_pair('wechat')
        cls.currency_cny = cls._enable_currency('CNY')
        cls.provider = cls._prepare_provider('wechat_pay', update_values={
            'is_published': True,
            'wechat_mch_id': MCHID,
            'wechat_app_ids': [(6, 0, cls.app.ids)],
            'wechat_notify_base_url': 'https://shop.example.com',
            'wechat_api_v3_key': API_V3_KEY,
            'wechat_merchant_private_key': cls.merchant.private_pem,
            'wechat_merchant_certificate': cls.merchant.certificate_pem,
            'wechat_pay_public_key_id': PUBLIC_KEY_ID,
            'wechat_pay_public_key': cls.wechat.public_pem,
        })
        cls.openid = 'oTESTopenid000000000000000001'
        cls.customer = cls.portal_user
        cls.identity = cls.env['wechat.identity'].create({
            'app_id': cls.app.id,
            'openid': cls.openid,
            'user_id': cls.customer.id,
            'partner_id': cls.customer.partner_id.id,
        })

    @classmethod
    def _create_web_transaction(cls, **values):
        """Return a transaction as core's portal routes make it."""
        transactions = cls.env['payment.transaction']
        return transactions.create({
            'provider_id': cls.provider.id,
            'payment_method_id': cls.env.ref('payment.payment_method_wechat_pay').id,
            'reference': transactions._compute_reference('wechat_pay', prefix='S00042'),
            'amount': 19.99,
            'currency_id': cls.currency_cny.id,
            'partner_id': cls.customer.partner_id.id,
            'operation': 'online_redirect',
            'landing_route': '/my/home',
            **values,
        })

    @classmethod
    def _create_wechat_order(cls, amount=19.99, placed=True, app=None, trade_type='JSAPI'):
        """Return a transaction as prepay leaves it, known to the fake WeChat Pay if `placed`."""
        tx = cls.env['payment.transaction'].with_user(cls.customer)._wechat_create_order(
            Payable(
                document=cls.customer.partner_id,
                company=cls.provider.company_id,
                partner=cls.customer.partner_id,
                currency=cls.currency_cny,
                amount=amount,
                description="Tea",
                transactions=cls.env['payment.transaction'],
            ),
            cls.provider, app or cls.app, cls.openid if trade_type == 'JSAPI' else '', trade_type,
        )
        if placed:
            body = json.loads(tx.wechat_order_body)
            cls.fake._answer_order(type('Request', (), {'json': body}))
        return tx

    def _notify(self, order=None, body=None, headers=None, **signing):
        """Send a notification to the provider's address, as WeChat Pay does.

        :return: The answer of Odoo.
        :rtype: requests.Response
        """
        body = build_notification(order) if body is None else body
        headers = {
            'Content-Type': 'application/json',
            **sign_headers(body, **signing),
            **(headers or {}),
        }
        path = f'/payment/wechat_pay/notify/{self.provider.id}'
        return self.url_open(
            path, data=body, method='POST',
            headers={name: value for name, value in headers.items() if value is not None},
        )
