# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import get_key_pair
from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon

ALERT = 'odoo.addons.wechat_payment.models.payment_transaction_api'
API = 'odoo.addons.wechat_payment.models.payment_provider_api'
CONTROLLER = 'odoo.addons.wechat_payment.controllers.main'
REFUND = 'odoo.addons.wechat_payment.models.payment_transaction_refund'
RESULT = 'odoo.addons.wechat_payment.models.payment_transaction_refund_result'
SETTLEMENT = 'odoo.addons.wechat_payment.models.payment_transaction_settlement'


@tagged('post_install', '-at_install')
class TestRefundNotifications(WechatRefundCommon):

    def setUp(self):
        super().setUp()
        self.refund = self._refund(5)

    def _finish(self, status='SUCCESS'):
        return self.fake.finish_refund(self.refund.reference, status)

    def test_a_success_is_done_and_processed_soon(self):
        cron = self.env.ref('payment.cron_post_process_payment_tx')
        before = self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)])
        answer = self._notify_refund(self._finish())
        self.assertEqual((answer.status_code, answer.content), (200, b''))
        self.assertEqual(self.refund.state, 'done')
        self.assertEqual(self.refund.wechat_refund_status, 'SUCCESS')
        self.assertFalse(self.refund.wechat_next_query)
        self.assertFalse(self.refund.is_post_processed)
        self.assertEqual(
            self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)]), before + 1,
        )

    def test_a_closed_refund_is_canceled_and_says_why(self):
        for status in ('CLOSED', 'CLOSE'):
            refund = self.refund = self._refund(1)
            self._notify_refund(self._finish(status), event='REFUND.CLOSED')
            self.assertEqual(refund.state, 'cancel')
            self.assertIn("refund anew", refund.state_message)
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 14.99, "it may be refunded anew")

    @mute_logger(ALERT)
    def test_an_abnormal_refund_stays_pending_with_an_alert(self):
        self._notify_refund(self._finish('ABNORMAL'))
        self.assertEqual(self.refund.state, 'pending')
        self.assertIn("Complete Abnormal Refund", self.refund.wechat_alert)
        self.assertTrue(self.refund.wechat_needs_attention)
        self.assertTrue(self.refund.wechat_next_query)

    @mute_logger(ALERT)
    def test_an_abnormal_refund_that_succeeds_needs_nobody_any_more(self):
        self._notify_refund(self._finish('ABNORMAL'))
        self._notify_refund(self._finish())
        self.assertEqual(self.refund.state, 'done')
        self.assertFalse(self.refund.wechat_alert)

    def test_a_doubled_notification_is_done_once(self):
        told = self._finish()
        self._notify_refund(told)
        changed = self.refund.last_state_change
        self.refund.is_post_processed = True
        for _i in range(2):
            self.assertEqual(self._notify_refund(told).status_code, 200)
        self.assertEqual(self.refund.last_state_change, changed)
        self.assertTrue(self.refund.is_post_processed)

    def test_what_comes_late_changes_nothing(self):
        self._notify_refund(self._finish())
        for status in ('ABNORMAL', 'CLOSED'):
            self._notify_refund({**self._finish(status)})
            self.assertEqual(self.refund.state, 'done')
        self.assertFalse(self.refund.wechat_alert)

    @mute_logger(ALERT)
    def test_a_success_after_a_close_is_done_and_shown(self):
        self._notify_refund(self._finish('CLOSED'))
        self._notify_refund(self._finish())
        self.assertEqual(self.refund.state, 'done')
        self.assertIn("twice", self.refund.wechat_alert)

    @mute_logger(ALERT, RESULT)
    def test_what_does_not_agree_is_an_alert_and_changes_nothing(self):
        told = self._finish()
        for change in (
            {'mchid': '1900000002'}, {'mchid': None}, {'transaction_id': '42'},
            {'refund_id': '50'}, {'refund_id': None}, {'amount': None}, {'amount': []},
            {'amount': {'refund': 501, 'total': 1999}}, {'amount': {'refund': 500, 'total': 1}},
            {'amount': {'refund': '500', 'total': 1999}}, {'out_trade_no': 'S00000-other'},
            {'amount': {'refund': 500, 'total': 1999, 'currency': 'USD'}},
        ):
            with self.subTest(str(change)):
                self.refund.wechat_alert = False
                answer = self._notify_refund({**told, **change})
                self.assertEqual((answer.status_code, answer.content), (200, b''))
                self.assertEqual(self.refund.state, 'pending')
                self.assertIn(next(iter(change)), self.refund.wechat_alert)
        without_mchid = {name: value for name, value in told.items() if name != 'mchid'}
        self.refund.wechat_alert = False
        self._notify_refund(without_mchid)
        self.assertIn('mchid', self.refund.wechat_alert)

    @mute_logger(ALERT)
    def test_an_event_that_contradicts_its_content_is_an_alert(self):
        for status in ('PROCESSING', 'CLOSED', 'ABNORMAL', None):
            self._notify_refund({**self._finish(), 'refund_status': status}, 'REFUND.SUCCESS')
            self.assertEqual(self.refund.state, 'pending')
            self.assertIn(str(status), self.refund.wechat_alert)

    @mute_logger(CONTROLLER)
    def test_a_wrong_signature_is_refused(self):
        answer = self._notify_refund(self._finish(), key=get_key_pair('merchant'))
        self.assertEqual(answer.status_code, 401)
        self.assertEqual(self.refund.state, 'pending')

    @mute_logger(RESULT)
    def test_a_refund_of_an_unknown_order_is_acknowledged(self):
        for number in ('S00000-unknown', None, 5, ['x'], {'a': 1}):
            answer = self._notify_refund({
                **self._finish(), 'out_refund_no': number, 'out_trade_no': number,
            })
            self.assertEqual((answer.status_code, answer.content), (200, b''))
        self.assertEqual(self.refund.state, 'pending')

    @mute_logger(RESULT)
    def test_a_refund_of_another_provider_is_not_touched(self):
        other = self.provider.copy({'company_id': self.env['res.company'].create({
            'name': "Other company", 'currency_id': self.currency_cny.id,
        }).id})
        (self.tx | self.refund).provider_id = other
        self.assertEqual(self._notify_refund(self._finish()).status_code, 200)
        self.assertEqual(self.refund.state, 'pending')

    def test_a_late_payment_notification_changes_nothing(self):
        self._notify_refund(self._finish())
        order = {**self.fake.orders[self.tx.reference], 'trade_state': 'SUCCESS'}
        self.assertEqual(self._notify(order).status_code, 200)
        self.env.invalidate_all()
        self.assertEqual((self.tx.state, self.refund.state), ('done', 'done'))
        self.assertFalse(self.tx.wechat_alert)

    def test_a_refund_without_its_answer_is_done_by_the_notification(self):
        self.refund.write({
            'state': 'draft', 'wechat_refund_id': False, 'provider_reference': False,
        })
        self._notify_refund(self._finish())
        self.assertEqual(self.refund.state, 'done')
        self.assertTrue(self.refund.wechat_refund_id)

    @mute_logger(CONTROLLER)
    def test_an_xml_notification_is_survived_and_open_refunds_are_asked_for(self):
        self.env.cr.execute(
            "UPDATE payment_transaction SET create_date = create_date - interval '1 hour'"
            " WHERE id = %s", [self.refund.id],
        )
        later = fields.Datetime.now() + timedelta(hours=1)
        self.refund.wechat_next_query = later
        path = f'/payment/wechat_pay/notify/{self.provider.id}'
        for body in (
            b'<xml><return_code>SUCCESS</return_code><mch_id>1900000001</mch_id></xml>',
            b'\n<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;',
        ):
            answer = self.url_open(path, data=body, headers={'Content-Type': 'text/xml'})
            self.assertEqual(answer.status_code, 400)
            self.assertIn('FAIL', answer.text)
        self.env.invalidate_all()
        self.assertEqual(self.refund.state, 'pending')
        self.assertLess(self.refund.wechat_next_query, later)

    @mute_logger(CONTROLLER)
    def test_xml_messages_do_not_make_wechat_pay_be_asked_more_than_once_a_minute(self):
        later = fields.Datetime.now() + timedelta(hours=1)
        self.refund.write({
            'wechat_next_query': later, 'wechat_last_query': fields.Datetime.now(),
        })
        self.url_open(f'/payment/wechat_pay/notify/{self.provider.id}', data=b'<xml></xml>')
        self.env.invalidate_all()
        self.assertEqual(self.refund.wechat_next_query, later)


@tagged('post_install', '-at_install')
class TestForeignRefunds(WechatRefundCommon):
    """Refunds made on pay.weixin.qq.com, or by another system of the merchant."""

    def _console_refund(self, fen=300, number='1217752501201407033233368018'):
        self.fake.refund(self.tx.reference, number, fen)
        return self.fake.finish_refund(number)

    def test_it_appears_once_however_often_it_is_told(self):
        told = self._console_refund()
        for _i in range(3):
            self.assertEqual(self._notify_refund(told).status_code, 200)
        refund = self.tx.child_transaction_ids
        self.assertEqual(len(refund), 1)
        self.assertEqual((refund.state, refund.amount), ('done', -3))
        self.assertEqual(refund.reference, told['out_refund_no'])
        self.assertTrue(refund.wechat_is_external_refund)
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 16.99)

    @mute_logger(ALERT)
    def test_what_does_not_agree_makes_no_refund(self):
        told = self._console_refund()
        for change in (
            {'mchid': '1900000002'}, {'transaction_id': '42'}, {'refund_id': 5},
            {'amount': {'refund': 300, 'total': 1}}, {'amount': {'refund': 2000, 'total': 1999}},
            {'amount': {'refund': 0, 'total': 1999}}, {'amount': {'refund': True, 'total': 1999}},
            {'out_refund_no': 'x' * 65}, {'out_refund_no': ''}, {'out_refund_no': None},
            {'out_refund_no': 'a/b'}, {'out_refund_no': self.tx.reference},
        ):
            with self.subTest(str(change)):
                self.tx.wechat_alert = False
                self.assertEqual(self._notify_refund({**told, **change}).status_code, 200)
                self.assertFalse(self.tx.child_transaction_ids)
                self.assertTrue(self.tx.wechat_alert)
                self.assertEqual(self.tx.state, 'done')

    @mute_logger(ALERT)
    def test_more_than_the_payment_is_recorded_and_shown(self):
        self._refund(19)
        self._notify_refund(self._console_refund())
        self.assertEqual(len(self.tx.child_transaction_ids), 2)
        self.assertIn("more than the payment", self.tx.wechat_alert)

    def test_a_refund_before_its_payment_has_the_payment_asked_for(self):
        told = self._console_refund()
        self.env.cr.execute(
            "UPDATE payment_transaction SET state = 'draft', provider_reference = NULL"
            " WHERE id = %s", [self.tx.id],
        )
        self.env.invalidate_all()
        self._notify_refund(told)
        self.assertEqual(self.tx.state, 'draft', "a refund is no proof of a payment")
        self.assertEqual(self.tx.child_transaction_ids.state, 'done')
        self.assertLessEqual(self.tx.wechat_next_query, fields.Datetime.now())
        self._notify({**self.fake.orders[self.tx.reference], 'trade_state': 'SUCCESS'})
        self.env.invalidate_all()
        self.assertEqual(self.tx.state, 'done')

    @mute_logger(ALERT)
    def test_a_query_that_tells_of_an_unknown_refund_is_an_alert(self):
        self._console_refund()
        self._press('action_wechat_query')
        self.assertIn("Find Refund", self.tx.wechat_alert)
        self.assertTrue(self.tx.wechat_needs_attention)

    def test_a_query_that_tells_of_a_known_refund_is_none(self):
        self._refund(1)
        self._press('action_wechat_query')
        self.assertFalse(self.tx.wechat_alert)
        self.assertEqual(self.tx.wechat_trade_state, 'REFUND')

    @mute_logger(ALERT)
    def test_the_number_from_the_console_brings_the_refund(self):
        told = self._console_refund()
        wizard = self.env['wechat.pay.find.refund'].create({
            'transaction_id': self.tx.id, 'out_refund_no': f' {told["out_refund_no"]} ',
        })
        self._press('action_find', wizard)
        self._press('action_find', wizard)
        self.assertEqual(self.tx.child_transaction_ids.state, 'done')
        wizard.out_refund_no = 'unknown'
        self.assertIn('unknown', self._press_refused('action_find', wizard))

    @mute_logger(ALERT)
    def test_recent_payments_are_looked_at_once_a_day(self):
        self._console_refund()
        self.tx.wechat_trade_state = 'SUCCESS'
        self.env['payment.transaction'].flush_model()
        cron = self.env.ref('wechat_payment.cron_wechat_look_for_refunds')
        cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertIn("Find Refund", self.tx.wechat_alert)
        self.fake.requests.clear()
        cron.method_direct_trigger()
        self.assertFalse(self.fake.requests)


@tagged('post_install', '-at_install')
class TestRefundCron(WechatRefundCommon):

    def _run(self, *refunds):
        for refund in refunds:
            refund.wechat_next_query = fields.Datetime.now() - timedelta(seconds=1)
        self.env.flush_all()
        self.env.ref('wechat_payment.cron_wechat_settle').method_direct_trigger()
        self.env.invalidate_all()

    def test_a_refund_without_a_notification_is_found(self):
        refund = self._refund()
        self.fake.finish_refund(refund.reference)
        self._run(refund)
        self.assertEqual(refund.state, 'done')

    def test_an_open_refund_is_asked_for_again_later(self):
        refund = self._refund()
        self._run(refund)
        self.assertEqual((refund.state, refund.wechat_query_count), ('pending', 1))
        self.assertGreater(refund.wechat_next_query, fields.Datetime.now())
        self.assertEqual(len(self._calls()), 1, "it is not sent again")

    @mute_logger(API, REFUND)
    def test_a_lost_answer_is_found_and_not_sent_again(self):
        self.fake.lose_answer = True
        refund = self._refund()
        self.assertFalse(refund.wechat_refund_id)
        self.fake.lose_answer = False
        self._run(refund)
        self.assertTrue(refund.wechat_refund_id)
        self.assertEqual(len(self._calls()), 1)

    @mute_logger(API, REFUND)
    def test_a_call_that_never_arrived_is_sent_again_to_the_letter(self):
        self.fake.override('POST /v3/refund', None)
        refund = self._refund()
        self.fake.overrides.clear()
        self._run(refund)
        self.assertEqual(refund.state, 'pending')
        self.assertTrue(refund.wechat_refund_id)
        first, second = self._calls()
        self.assertEqual(first.body, second.body)

    @mute_logger(API, REFUND, SETTLEMENT)
    def test_nothing_is_sent_again_while_wechat_pay_does_not_say_that_it_has_it_not(self):
        self.fake.override('POST /v3/refund', None)
        refund = self._refund()
        for answer in (
            None, lambda r: (404, {}, b''), lambda r: self.fake.error(500, 'SYSTEM_ERROR'),
            lambda r: self.fake.error(404, 'MCH_NOT_EXISTS'), lambda r: (200, {}, b'{}'),
        ):
            self.fake.override('GET /v3/refund', answer)
            self._run(refund)
            self.assertEqual(refund.state, 'pending')
        self.assertEqual(len(self._calls()), 1)

    @mute_logger(API, REFUND, ALERT)
    def test_a_repeated_call_that_is_refused_is_shown(self):
        self.fake.override('POST /v3/refund', None)
        refund = self._refund()
        self.fake.overrides.clear()
        self.fake.override('POST /v3/refund', lambda r: self.fake.error(403, 'NOT_ENOUGH'))
        self._run(refund)
        self.assertEqual(refund.state, 'error')
        self.assertTrue(refund.wechat_needs_attention)

    @mute_logger(API, REFUND, ALERT)
    def test_what_the_scheduled_action_finds_is_told_in_the_companys_language(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.provider.company_id.partner_id.lang = 'zh_CN'
        refund = self._refund()
        self.fake.finish_refund(refund.reference, 'ABNORMAL')
        self._run(refund)
        self.assertIn("退款", refund.wechat_alert)

    @mute_logger(API, REFUND, ALERT)
    def test_a_refund_that_wechat_pay_took_and_lost_is_shown_and_not_sent_again(self):
        refund = self._refund()
        self.fake.refunds.clear()
        self._run(refund)
        self.assertEqual(refund.state, 'pending')
        self.assertIn(refund.wechat_refund_id, refund.wechat_alert)
        self.assertEqual(len(self._calls()), 1)

    @mute_logger(API, REFUND)
    def test_a_crash_before_the_call_is_made_good(self):
        with patch.object(
            type(self.env['payment.transaction']), '_wechat_request_refund', lambda tx: None,
        ):
            refund = self._refund()
        self.assertEqual(refund.state, 'draft')
        self._run(refund)
        self.assertEqual(refund.state, 'pending')
        self.assertEqual(len(self._calls()), 1)

    @mute_logger(ALERT)
    def test_an_order_given_up_here_is_closed_at_wechat_pay(self):
        order = self._create_wechat_order()
        order._set_canceled()
        self._run(order)
        self.assertEqual(self.fake.orders[order.reference]['trade_state'], 'CLOSED')
        self.assertEqual(order.state, 'cancel')
        self.assertFalse(order.wechat_next_query)
