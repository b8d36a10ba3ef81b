# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import os

import requests

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon

ALERT = 'odoo.addons.wechat_payment.models.payment_transaction_api'
API = 'odoo.addons.wechat_payment.models.payment_provider_api'
CONTROLLER = 'odoo.addons.wechat_payment.controllers.main'
REFUND = 'odoo.addons.wechat_payment.models.payment_transaction_refund'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxRefunds(WechatRefundCommon):
    """From order to refunded against the project's sandbox, which notifies the running Odoo."""

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.sandbox)
        self._control('POST', 'reset')
        self._control('POST', 'settings', refund_interval=0)
        merchant = self._control('GET', 'world')['merchants'][0]
        self.provider.write({
            'wechat_notify_base_url': self.base_url(),
            'wechat_api_v3_key': merchant['api_v3_key'],
            'wechat_merchant_private_key': merchant['merchant_private_key'],
            'wechat_merchant_certificate': merchant['merchant_certificate'],
            'wechat_pay_public_key_id': merchant['public_key_id'],
            'wechat_pay_public_key': merchant['public_key'],
        })
        person = self._control('POST', 'login_code', appid=self.app.appid)
        self.__class__.openid = self.identity.openid = person['openid']
        self.tx = self._create_wechat_order(19.99, placed=False)
        self.provider._wechat_request(
            'POST', '/v3/pay/transactions/jsapi', payload=self.tx.wechat_order_body,
        )
        self._control('POST', 'pay', out_trade_no=self.tx.reference, notify=False)
        self.tx._wechat_query()
        self.assertEqual(self.tx.state, 'done')
        self.env.flush_all()

    def _control(self, method, path, /, **body):
        """Command the sandbox; it may notify Odoo meanwhile."""
        if method == 'POST' and path not in ('reset', 'settings', 'login_code', 'faults'):
            body = {'mchid': MCHID, **body}
        self.env.flush_all()
        with self.allow_requests(all_requests=True):
            response = requests.request(
                method, f'{self.sandbox}/_sandbox/{path}', json=body or None, timeout=20,
            )
        self.env.invalidate_all()
        self.assertEqual(response.status_code, 200, response.text)
        return response.json()

    def _finish(self, refund, status='SUCCESS', **kwargs):
        return self._control(
            'POST', 'refund_outcome', out_refund_no=refund.reference, status=status, **kwargs,
        )

    def _problems(self):
        return [
            problem for request in self._control('GET', 'requests')['requests']
            for problem in request['problems']
        ]

    def test_parts_are_refunded_and_confirmed_by_notification(self):
        for amount in (5, 14.99):
            refund = self._refund(amount)
            self.assertEqual(refund.state, 'pending')
            self.assertEqual(self._finish(refund)['notification']['status'], 200)
            self.assertEqual(refund.state, 'done')
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 0)
        self.assertEqual(self._problems(), [])

    def test_a_refund_is_confirmed_by_a_query(self):
        refund = self._refund()
        self._finish(refund, notify=False)
        self._press('action_wechat_query', refund)
        self.assertEqual(refund.state, 'done')

    @mute_logger(ALERT)
    def test_an_abnormal_refund_is_completed(self):
        refund = self._refund()
        self._finish(refund, 'ABNORMAL')
        self.assertTrue(refund.wechat_alert)
        wizard = self.env['wechat.pay.abnormal.refund'].create({
            'transaction_id': refund.id, 'payee': 'customer', 'bank_type': 'CMB_DEBIT',
            'bank_account': '6225000012345678', 'real_name': "张三",
        })
        self._press('action_complete', wizard)
        self._finish(refund)
        self.assertEqual(refund.state, 'done')
        self.assertEqual(self._problems(), [])

    @mute_logger(API, REFUND, ALERT)
    def test_a_lack_of_funds_is_mended_under_the_same_number(self):
        self._control('POST', 'funds', balance=0)
        refund = self._refund()
        self.assertEqual(refund.state, 'error')
        self.assertIn('NOT_ENOUGH', refund.state_message)
        self._control('POST', 'funds', balance=None)
        self._press('action_wechat_repeat_refund', refund)
        self.assertEqual(refund.state, 'pending')
        self._finish(refund)
        self.assertEqual(refund.state, 'done')

    @mute_logger(API, REFUND)
    def test_a_lost_answer_is_found_by_the_scheduled_action(self):
        for action in ('drop', 'refuse_before', 'wrong_signature', 'garbage'):
            self._control('POST', 'faults', action=action, path='refunds$', method='POST')
            refund = self._refund(1)
            self.assertEqual(refund.state, 'pending')
            refund.wechat_next_query = fields.Datetime.now()
            self.env.flush_all()
            self.env.ref('wechat_payment.cron_wechat_settle').method_direct_trigger()
            self.env.invalidate_all()
            self.assertTrue(refund.wechat_refund_id)
        refunds = self._control('GET', 'refunds')['refunds']
        self.assertEqual(len(refunds), 4)

    @mute_logger(ALERT, CONTROLLER)
    def test_a_refund_of_the_console_is_found(self):
        path = f'/payment/wechat_pay/notify/{self.provider.id}'
        self._control('PATCH', f'merchants/{MCHID}', refund_notify_url=self.base_url() + path)
        refund = self._control(
            'POST', 'console_refund', out_trade_no=self.tx.reference, amount=300,
        )
        self._control(
            'POST', 'refund_outcome', out_refund_no=refund['out_refund_no'], status='SUCCESS',
        )
        self.env.ref('wechat_payment.cron_wechat_look_for_refunds').method_direct_trigger()
        self.env.invalidate_all()
        self.assertIn("Find Refund", self.tx.wechat_alert)
        wizard = self.env['wechat.pay.find.refund'].create({
            'transaction_id': self.tx.id, 'out_refund_no': refund['out_refund_no'],
        })
        self._press('action_find', wizard)
        found = self.tx.child_transaction_ids
        self.assertEqual((found.amount, found.state), (-3, 'done'))

    @mute_logger(API, REFUND)
    def test_a_second_refund_within_a_minute_waits(self):
        self._control('POST', 'settings', refund_interval=60)
        self._refund(1)
        refund = self._refund(1)
        self.assertEqual(refund.state, 'pending')
        self.assertFalse(refund.wechat_refund_id)
