# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.sandbox_refund_common import SandboxRefundCommon

ALERT = 'odoo.addons.wechat_payment.models.payment_transaction_api'
CONTROLLER = 'odoo.addons.wechat_payment.controllers.main'
REFUND_V2 = 'odoo.addons.wechat_payment.models.payment_transaction_refund_v2'
SETTLE = 'odoo.addons.wechat_payment.models.payment_transaction_settlement'
V2 = 'odoo.addons.wechat_payment.models.payment_provider_v2'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxV2RefundNotifications(SandboxRefundCommon):
    """Notifications of refunds that are encrypted and not signed: a reason to ask, no more."""

    def setUp(self):
        super().setUp()
        self.refund = self._refund(5)

    def _notify_refund(self, number=None, **kwargs):
        answer = self._at_merchant(
            'notify', out_refund_no=number or self.refund.reference, **kwargs,
        )['answers'][0]
        self.env.invalidate_all()
        return answer

    def test_what_a_message_says_is_not_applied_but_asked_about(self):
        # Sealed with the right key, and not true: at WeChat Pay it is PROCESSING.
        answer = self._notify_refund(overrides={'refund_status': 'SUCCESS', 'refund_fee': '1999'})
        self.assertEqual(answer['status'], 200)
        self.assertIn('SUCCESS', answer['body'])
        self.assertEqual(self.refund.state, 'pending')
        self._settle()
        self.assertEqual((self.refund.state, self.refund.amount), ('pending', -5))
        self.assertFalse(self.refund.wechat_alert or self.tx.wechat_alert)

    def test_an_answer_does_not_wait_for_wechat_pay(self):
        self._control('DELETE', 'requests')
        self._notify_refund()
        paths = [request['path'] for request in self._control('GET', 'requests')['requests']]
        self.assertNotIn('/pay/refundquery', paths)

    def test_a_message_that_comes_twice_is_asked_about_once(self):
        self._finish_refund(self.refund, notify=False)
        for answer in self._at_merchant(
            'notify', out_refund_no=self.refund.reference, repeat=3,
        )['answers']:
            self.assertEqual(answer['status'], 200)
        self.env.invalidate_all()
        self.assertEqual(self.tx.wechat_told_refunds, self.refund.reference)
        self._settle()
        self.assertEqual(self.refund.state, 'done')
        self._notify_refund()
        self.assertFalse(self.tx.wechat_told_refunds, "what is done is not asked for again")

    @mute_logger(CONTROLLER, REFUND_V2)
    def test_what_cannot_be_read_is_refused_and_changes_nothing(self):
        self._finish_refund(self.refund, notify=False)
        for defect in (
            'wrong_key', 'bad_padding', 'sealed_entity_bomb', 'tampered_body', 'entity_bomb',
            'external_entity', 'doubled_element', 'nested_element', 'garbage_body',
        ):
            answer = self._notify_refund(defect=defect)
            self.assertNotEqual(answer['status'], 200, defect)
            self.assertFalse(self.tx.wechat_told_refunds, defect)
            self.assertEqual(self.refund.state, 'pending', defect)

    @mute_logger(REFUND_V2)
    def test_a_message_of_another_merchant_is_refused(self):
        for envelope in ({'mch_id': '1900000002'}, {'mch_id': None}):
            answer = self._notify_refund(envelope=envelope)
            self.assertEqual(answer['status'], 400)
            self.assertIn('FAIL', answer['body'])
        self.assertFalse(self.tx.wechat_told_refunds)

    @mute_logger(REFUND_V2)
    def test_an_unknown_order_is_answered_like_a_known_one(self):
        known = self._notify_refund()
        self.tx.wechat_told_refunds = False
        self.env.flush_all()
        for overrides in (
            {'out_trade_no': 'OTHER-1'}, {'out_trade_no': None}, {'out_refund_no': None},
            {'out_refund_no': 'x' * 65}, {'out_refund_no': 'a b'},
        ):
            answer = self._notify_refund(overrides=overrides)
            self.assertEqual((answer['status'], answer['body']), (200, known['body']), overrides)
            self.assertFalse(self.tx.wechat_told_refunds, overrides)

    @mute_logger(REFUND_V2, SETTLE)
    def test_a_refund_that_wechat_pay_does_not_know_is_forgotten(self):
        self._notify_refund(overrides={'out_refund_no': 'FORGED-1'})
        self.assertEqual(self.tx.wechat_told_refunds, 'FORGED-1')
        self._settle()
        self.assertEqual(self.tx.child_transaction_ids, self.refund)
        self.assertFalse(self.tx.wechat_told_refunds or self.tx.wechat_next_query)

    @mute_logger(REFUND_V2, SETTLE, V2)
    def test_while_wechat_pay_does_not_answer_it_stays_to_be_asked_for(self):
        self._finish_refund(self.refund, notify=False)
        self._notify_refund()
        self._control('POST', 'faults', action='drop', path='refundquery', times=5)
        self._settle()
        self.assertEqual(self.tx.wechat_told_refunds, self.refund.reference)
        self.assertTrue(self.tx.wechat_next_query)
        self._control('DELETE', 'faults')
        self._make_due(self.tx)
        self._settle()
        self.assertEqual(self.refund.state, 'done')

    def test_no_more_refunds_are_asked_for_than_a_payment_can_have(self):
        self.tx.wechat_told_refunds = '\n'.join(f'R-{number}' for number in range(50))
        self.env.flush_all()
        self._notify_refund()
        self.assertNotIn(self.refund.reference, self.tx.wechat_told_refunds.split())

    @mute_logger(ALERT)
    def test_a_merchant_of_v3_reads_it_too(self):
        merchant = self._control('GET', 'world')['merchants'][0]
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.sandbox)
        self._set_merchant(self.provider, merchant)
        self.provider.wechat_api_version = 'v3'
        number = self._refund_at_console()
        self.assertEqual(self._finish_at_console(number)['notification']['status'], 200)
        self._settle()
        found = self.tx.child_transaction_ids - self.refund
        self.assertEqual((found.amount, found.state, found.reference), (-3, 'done', number))

    @mute_logger(CONTROLLER, REFUND_V2)
    def test_without_the_key_open_refunds_are_asked_for(self):
        merchant = self._control('GET', 'world')['merchants'][0]
        self._set_merchant(self.provider, merchant)
        self.provider.write({'wechat_api_version': 'v3', 'wechat_api_v2_key': False})
        answer = self._notify_refund()
        self.assertEqual(answer['status'], 400)
        self.assertFalse(self.tx.wechat_told_refunds)

    def test_the_sub_merchants_other_provider_takes_none_of_ours(self):
        other = self.provider.copy({'name': "Other", 'wechat_mch_id': MCHID})
        other.wechat_api_v2_key = self.provider.wechat_api_v2_key
        self.env.flush_all()
        with mute_logger(REFUND_V2):
            self._notify_refund(url=f'{self.base_url()}/payment/wechat_pay/notify/{other.id}')
        self.assertFalse(self.tx.wechat_told_refunds)
