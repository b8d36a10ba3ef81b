# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from ast import literal_eval
from unittest.mock import patch

from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.protocol import oaep
from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon

ALERT = 'odoo.addons.wechat_payment.models.payment_transaction_api'
API = 'odoo.addons.wechat_payment.models.payment_provider_api'
REFUND = 'odoo.addons.wechat_payment.models.payment_transaction_refund'


@tagged('post_install', '-at_install')
class TestAdministrator(WechatRefundCommon):

    def _needing_attention(self):
        action = self.env.ref('wechat_payment.payment_transaction_action_attention')
        return self.env[action.res_model].search(literal_eval(action.domain))

    def test_form_and_list_show_what_wechat_pay_said(self):
        self.assertEqual(self.tx.wechat_bank_type, 'OTHERS')
        for xml_id in ('payment_transaction_form', 'payment_transaction_list'):
            view = self.env.ref(f'payment.{xml_id}')
            arch = self.env['payment.transaction'].get_view(view.id, view.type)['arch']
            for name in ('provider_reference', 'wechat_openid', 'wechat_bank_type',
                         'wechat_trade_state', 'wechat_alert'):
                self.assertIn(f'name="{name}"', arch)
        with Form(self.tx) as form:
            self.assertEqual(form.wechat_trade_state, 'SUCCESS')

    def test_bank_and_time_of_the_payment_are_kept(self):
        order = self._create_wechat_order()
        order._wechat_apply_order(self.fake.pay(order.reference, bank_type='ICBC_DEBIT'))
        self.assertEqual(order.wechat_bank_type, 'ICBC_DEBIT')
        self.assertEqual(str(order.wechat_success_time), '2026-01-02 03:00:00')

    def test_odd_details_do_not_stop_a_payment(self):
        for bank_type, time in ((5, 5), (None, None), (['x'], 'yesterday')):
            order = self._create_wechat_order()
            order._wechat_apply_order(
                self.fake.pay(order.reference, bank_type=bank_type, success_time=time),
            )
            self.assertEqual(order.state, 'done')

    def test_what_is_well_needs_nobody(self):
        self.assertFalse(self.tx.wechat_needs_attention)
        self.assertNotIn(self.tx, self._needing_attention())

    def test_alerts_and_trouble_are_in_the_list(self):
        self.tx.wechat_alert = "Look"
        self.assertIn(self.tx, self._needing_attention())
        self.tx.write({'wechat_alert': False, 'wechat_post_process_error': "ValueError"})
        self.assertIn(self.tx, self._needing_attention())
        others = self.env['payment.transaction'].search([('wechat_needs_attention', '=', False)])
        self.assertNotIn(self.tx, others)

    def test_an_alert_that_was_seen_is_kept_with_who_and_when(self):
        self.tx.wechat_alert = "Look here"
        self._press('action_wechat_alert_seen')
        self.assertFalse(self.tx.wechat_alert)
        self.assertIn("Look here", self.tx.wechat_alert_history)
        self.assertIn(self.clerk.name, self.tx.wechat_alert_history)
        history = self.tx.wechat_alert_history
        self._press('action_wechat_alert_seen')
        self.assertEqual(self.tx.wechat_alert_history, history)

    def test_an_open_order_is_closed_with_a_button(self):
        order = self._create_wechat_order()
        answer = self._press('action_wechat_close', order)
        self.assertIn('CLOSED', answer['params']['message'])
        self.assertEqual(order.state, 'cancel')
        self.assertIn("open", self._press_refused('action_wechat_close', self.tx))

    def test_processing_again_wakes_the_scheduled_action(self):
        cron = self.env.ref('payment.cron_post_process_payment_tx')
        before = self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)])
        self._press('action_wechat_post_process')
        self.assertEqual(
            self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)]), before + 1,
        )

    @mute_logger('odoo.http')
    def test_buttons_are_for_transactions_of_wechat_pay(self):
        other = self._create_transaction('direct', provider_id=self.dummy_provider.id)
        for button in ('action_wechat_query', 'action_wechat_close', 'action_wechat_refund'):
            self.assertIn("WeChat Pay", self._press_refused(button, other))

    @mute_logger(API, REFUND, ALERT)
    def test_a_refund_that_succeeded_is_not_repeated(self):
        refund = self._refund(1)
        self.fake.finish_refund(refund.reference)
        self._press('action_wechat_query', refund)
        self.assertIn("repeated", self._press_refused('action_wechat_repeat_refund', refund))
        self.assertIn("repeated", self._press_refused('action_wechat_repeat_refund', self.tx))

    @mute_logger(ALERT)
    def test_a_late_success_whose_order_is_gone_is_proposed_for_a_refund(self):
        order = self._create_wechat_order()
        order._set_canceled()
        self._notify(self.fake.pay(order.reference))
        self.env.invalidate_all()
        self.assertEqual(order.state, 'done')
        self.assertIn("press Refund", order.wechat_alert)
        self.assertIn(order, self._needing_attention())

    def test_a_late_success_of_another_addons_payment_is_that_addons_to_judge(self):
        order = self._create_wechat_order()
        order.wechat_purpose = 'wallet'
        order._set_canceled()
        self._notify(self.fake.pay(order.reference))
        self.env.invalidate_all()
        self.assertEqual(order.state, 'done')
        self.assertFalse(order.wechat_alert)


@tagged('post_install', '-at_install')
class TestAbnormalRefunds(WechatRefundCommon):

    def setUp(self):
        super().setUp()
        self.refund = self._refund(5)
        with mute_logger(ALERT):
            self._notify_refund(self.fake.finish_refund(self.refund.reference, 'ABNORMAL'))

    def _complete(self, press=None, **values):
        wizard = self.env['wechat.pay.abnormal.refund'].create({
            'transaction_id': self.refund.id, **values,
        })
        result = (press or self._press)('action_complete', wizard)
        self.assertFalse(wizard.bank_account or wizard.real_name, "it is not kept")
        return result

    def test_it_is_paid_to_the_merchants_account(self):
        self._complete()
        call = self._calls(path='apply-abnormal-refund')[0]
        self.assertIn(self.refund.wechat_refund_id, call.path)
        self.assertEqual(call.json, {
            'out_refund_no': self.refund.reference, 'type': 'MERCHANT_BANK_CARD',
        })
        self.assertEqual(self.refund.state, 'pending', "acceptance is no result")
        self.assertEqual(self.refund.wechat_refund_status, 'PROCESSING')
        self.assertFalse(self.refund.wechat_alert)
        self._notify_refund(self.fake.finish_refund(self.refund.reference))
        self.assertEqual(self.refund.state, 'done')

    def test_it_is_paid_to_the_customers_card_which_only_wechat_pay_can_read(self):
        self._complete(
            payee='customer', bank_type='ICBC_DEBIT', bank_account='6222 0000 1234 5678',
            real_name="张三",
        )
        call = self._calls(path='apply-abnormal-refund')[0]
        self.assertEqual(call.json['type'], 'USER_BANK_CARD')
        self.assertEqual(call.json['bank_type'], 'ICBC_DEBIT')
        self.assertEqual(
            oaep.decrypt(call.json['bank_account'], self.wechat.private_pem), '6222000012345678',
        )
        self.assertEqual(oaep.decrypt(call.json['real_name'], self.wechat.private_pem), "张三")
        self.assertEqual(call.headers['Wechatpay-Serial'], self.provider.wechat_pay_public_key_id)

    def test_half_a_card_is_refused(self):
        message = self._complete(self._press_refused, payee='customer', bank_type='ICBC_DEBIT')
        self.assertIn("card", message)
        self.assertFalse(self._calls(path='apply-abnormal-refund'))

    @mute_logger(API)
    def test_a_refusal_is_told_and_it_stays_abnormal(self):
        self.fake.override('apply-abnormal', lambda r: self.fake.error(400, 'INVALID_REQUEST'))
        self.assertIn('INVALID_REQUEST', self._complete(self._press_refused))
        self.assertEqual(self.refund.wechat_refund_status, 'ABNORMAL')
        self.assertTrue(self.refund.wechat_needs_attention)

    @mute_logger(API)
    def test_an_unknown_outcome_is_told_and_it_stays_abnormal(self):
        self.fake.override('apply-abnormal', None)
        self.assertIn("answer", self._complete(self._press_refused))
        self.assertEqual(self.refund.wechat_refund_status, 'ABNORMAL')

    def test_what_went_on_meanwhile_is_not_completed(self):
        self.fake.finish_refund(self.refund.reference)
        self.assertIn('SUCCESS', self._complete(self._press_refused))
        self.assertEqual(self.refund.state, 'done')
        self.assertFalse(self._calls(path='apply-abnormal-refund'))

    @mute_logger(ALERT)
    def test_a_second_failure_is_shown_again(self):
        self._complete()
        self._notify_refund(self.fake.finish_refund(self.refund.reference, 'ABNORMAL'))
        self.assertTrue(self.refund.wechat_alert)

    def test_a_seen_alert_leaves_it_in_the_list_until_it_is_completed(self):
        self._press('action_wechat_alert_seen', self.refund)
        self.assertTrue(self.refund.wechat_needs_attention)
        self._complete()
        self.assertFalse(self.refund.wechat_needs_attention)


@tagged('post_install', '-at_install')
class TestHook(WechatRefundCommon):
    """`_wechat_on_result` is what other addons override; here a recorder stands for them."""

    def setUp(self):
        super().setUp()
        self.results = []

        def record(tx, kind, order):
            self.results.append((tx.reference, kind, tx.state, order))

        self.startPatcher(patch.object(
            type(self.env['payment.transaction']), '_wechat_on_result', record,
        ))

    def test_a_payment_has_one_result_however_often_it_is_told(self):
        order = self._create_wechat_order()
        told = dict(self.fake.pay(order.reference))
        self._notify(told)
        self._notify(told)
        order._wechat_query()
        self.assertEqual(self.results, [(order.reference, 'payment', 'done', told)])

    def test_a_closed_payment_has_one_result_and_a_late_success_another(self):
        order = self._create_wechat_order()
        order._wechat_close()
        order._wechat_query()
        self._notify(self.fake.pay(order.reference))
        self.assertEqual([r[1:3] for r in self.results], [
            ('payment', 'cancel'), ('payment', 'done'),
        ])

    def test_a_refund_has_one_result_and_carries_the_purpose(self):
        self.tx.wechat_purpose = 'wallet'
        refund = self._refund(5)
        self.assertEqual(refund.wechat_purpose, 'wallet')
        self.assertFalse(self.results, "acceptance is no result")
        told = self.fake.finish_refund(refund.reference)
        self._notify_refund(told)
        self._notify_refund(told)
        self._press('action_wechat_query', refund)
        self.assertEqual(self.results, [(refund.reference, 'refund', 'done', told)])

    def test_a_refund_made_elsewhere_has_a_result_too(self):
        self.fake.refund(self.tx.reference, 'console-1', 100)
        self._notify_refund(self.fake.finish_refund('console-1'))
        self.assertEqual([r[:3] for r in self.results], [('console-1', 'refund', 'done')])

    @mute_logger(API, REFUND, ALERT)
    def test_what_is_refused_or_does_not_agree_has_none(self):
        order = self._create_wechat_order()
        self._notify({**self.fake.pay(order.reference), 'mchid': '1900000002'})
        self.fake.override('POST /v3/refund', lambda r: self.fake.error(403, 'NOT_ENOUGH'))
        self._refund(1)
        self.assertFalse(self.results)

    @mute_logger('odoo.http')
    def test_an_exception_undoes_the_result_and_wechat_pay_tells_it_again(self):
        order = self._create_wechat_order()
        told = dict(self.fake.pay(order.reference))
        self.env.flush_all()

        def fail(tx, kind, order):
            raise ValueError("no stock")

        with patch.object(type(self.env['payment.transaction']), '_wechat_on_result', fail):
            self.assertEqual(self._notify(told).status_code, 500)
        self.env.invalidate_all()
        self.assertEqual(order.state, 'draft')
        self.assertEqual(self._notify(told).status_code, 200)
        self.assertEqual(order.state, 'done')
