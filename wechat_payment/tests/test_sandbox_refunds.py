# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.protocol.refunds import REFUND_INTERVAL
from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon
from odoo.addons.wechat_payment.tests.sandbox_common import WechatSandboxCommon

ALERT = 'odoo.addons.wechat_payment.models.payment_transaction_api'
API = 'odoo.addons.wechat_payment.models.payment_provider_api'
CONTROLLER = 'odoo.addons.wechat_payment.controllers.main'
REFUND = 'odoo.addons.wechat_payment.models.payment_transaction_refund'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxRefunds(WechatSandboxCommon, WechatRefundCommon):
    """From order to refunded against the project's sandbox, which notifies the running Odoo."""

    def setUp(self):
        super().setUp()
        self._connect_sandbox(refund_interval=0)
        person = self._control('POST', 'login_code', appid=self.app.appid)
        self.__class__.openid = self.identity.openid = person['openid']
        self.tx = self._create_wechat_order(19.99, placed=False)
        self.provider._wechat_request(
            'POST', '/v3/pay/transactions/jsapi', payload=self.tx.wechat_order_body,
        )
        self._at_merchant('pay', out_trade_no=self.tx.reference, notify=False)
        self.tx._wechat_query()
        self.assertEqual(self.tx.state, 'done')
        self.env.flush_all()

    def test_parts_are_refunded_and_confirmed_by_notification(self):
        for amount in (5, 14.99):
            refund = self._refund(amount)
            self.assertEqual(refund.state, 'pending')
            self.assertEqual(self._finish_refund(refund)['notification']['status'], 200)
            self.assertEqual(refund.state, 'done')
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 0)
        self.assertEqual(self._problems(), [])

    def test_a_refund_is_confirmed_by_a_query(self):
        refund = self._refund()
        self._finish_refund(refund, notify=False)
        self._press('action_wechat_query', refund)
        self.assertEqual(refund.state, 'done')

    @mute_logger(ALERT)
    def test_an_abnormal_refund_is_completed(self):
        refund = self._refund()
        self._finish_refund(refund, 'ABNORMAL')
        self.assertTrue(refund.wechat_alert)
        wizard = self.env['wechat.pay.abnormal.refund'].create({
            'transaction_id': refund.id, 'payee': 'customer', 'bank_type': 'CMB_DEBIT',
            'bank_account': '6225000012345678', 'real_name': "张三",
        })
        self._press('action_complete', wizard)
        self._finish_refund(refund)
        self.assertEqual(refund.state, 'done')
        self.assertEqual(self._problems(), [])

    @mute_logger(API, REFUND, ALERT)
    def test_a_lack_of_funds_is_mended_under_the_same_number(self):
        self._at_merchant('funds', balance=0)
        refund = self._refund()
        self.assertEqual(refund.state, 'error')
        self.assertIn('NOT_ENOUGH', refund.state_message)
        self._at_merchant('funds', balance=None)
        self._press('action_wechat_repeat_refund', refund)
        self.assertEqual(refund.state, 'pending')
        self._finish_refund(refund)
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
        refund = self._at_merchant(
            'console_refund', out_trade_no=self.tx.reference, amount=300,
        )
        self._at_merchant(
            'refund_outcome', out_refund_no=refund['out_refund_no'], status='SUCCESS',
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

    def test_a_second_refund_within_a_minute_is_sent_when_wechat_pay_takes_it(self):
        self._control('POST', 'settings', refund_interval=60)
        self._finish_refund(self._refund(1))
        refund = self._refund(2, at_once=True)
        self.assertEqual(refund.state, 'pending')
        self.assertEqual(len(self._control('GET', 'refunds')['refunds']), 1)
        self._control('POST', 'clock', offset=REFUND_INTERVAL)
        later = fields.Datetime.now() + timedelta(seconds=REFUND_INTERVAL)
        with freeze_time(later, tick=True):
            self.env.ref('wechat_payment.cron_wechat_settle').method_direct_trigger()
            self.env.invalidate_all()
            self.assertTrue(refund.wechat_refund_id)
            self._finish_refund(refund)
        self.assertEqual(refund.state, 'done')
        self.assertEqual(self._problems(), [], "WeChat Pay refused nothing")
