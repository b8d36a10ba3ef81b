# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.sandbox_refund_common import SandboxRefundCommon

ALERT = 'odoo.addons.wechat_payment.models.payment_transaction_api'
API = 'odoo.addons.wechat_payment.models.payment_provider_api'
REFUND = 'odoo.addons.wechat_payment.models.payment_transaction_refund'
V2 = 'odoo.addons.wechat_payment.models.payment_provider_v2'
SUB_MCHID = '1900000200'
SUB_MERCHANT = {'mchid': SUB_MCHID, 'appids': []}


class SandboxRefundMixin:
    """What is so in every version, for merchants and for service providers."""

    allow_inherited_tests_method = True

    def test_parts_are_refunded_and_confirmed_by_notification(self):
        for amount in (5, 14.99):
            refund = self._refund(amount)
            self.assertEqual((refund.state, refund.state_message), ('pending', False))
            self.assertEqual(self._finish_refund(refund)['notification']['status'], 200)
            self._settle()
            self.assertEqual(refund.state, 'done')
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 0)
        self.assertFalse(self.tx.wechat_alert or refund.wechat_alert)
        self.assertEqual(self._problems(), [])

    def test_a_refund_is_confirmed_by_a_query(self):
        refund = self._refund()
        self._finish_refund(refund, notify=False)
        self._press('action_wechat_query', refund)
        self.assertEqual(refund.state, 'done')
        self.assertEqual(self._problems(), [])

    def test_a_refund_that_was_given_up_gives_its_part_back(self):
        refund = self._refund()
        self._finish_refund(refund, 'CLOSED')
        self._settle()
        self.assertEqual(refund.state, 'cancel')
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 19.99)

    @mute_logger(ALERT)
    def test_a_refund_of_the_console_is_found_by_its_number(self):
        number = self._refund_at_console()
        self._finish_at_console(number, notify=False)
        self.tx._wechat_query()
        self.assertIn("Find Refund", self.tx.wechat_alert)
        self.env.flush_all()
        wizard = self.env['wechat.pay.find.refund'].create({
            'transaction_id': self.tx.id, 'out_refund_no': number,
        })
        self._press('action_find', wizard)
        found = self.tx.child_transaction_ids
        self.assertEqual((found.amount, found.state), (-3, 'done'))

    @mute_logger(API, V2, REFUND)
    def test_a_lost_answer_is_found_by_the_scheduled_action(self):
        for action in ('drop', 'refuse_before', 'wrong_signature', 'garbage'):
            self._control('POST', 'faults', action=action, path='refunds?$', method='POST')
            refund = self._refund(1)
            self.assertEqual(refund.state, 'pending', action)
            number = refund.reference
            self._make_due(refund)
            self._settle()
            self.assertTrue(refund.wechat_refund_id, action)
            self.assertEqual(refund.reference, number)
        self.assertEqual(len(self._known_refunds()), 4)

    @mute_logger(API, V2, REFUND, ALERT)
    def test_a_lack_of_funds_is_mended_under_the_same_number(self):
        self._at_merchant('funds', balance=0)
        refund = self._refund()
        self.assertEqual(refund.state, 'error')
        self.assertRegex(refund.state_message, 'Top it up.*NOT_?ENOUGH')
        self._at_merchant('funds', balance=None)
        self._press('action_wechat_repeat_refund', refund)
        self.assertEqual(refund.state, 'pending')
        self._finish_refund(refund)
        self._settle()
        self.assertEqual(refund.state, 'done')

    @mute_logger(ALERT)
    def test_a_refund_of_another_merchant_is_not_applied(self):
        refund = self._refund()
        told = self.provider._wechat_fetch_refund(
            refund.reference, self.tx._wechat_get_api_version(),
        )
        names = {'sp_mchid', 'sub_mchid'} if self.provider.wechat_sub_mch_id else {'mchid'}
        for name in names:
            right = self.provider._wechat_get_merchant_query()
            refund._wechat_apply_refund({
                **{n: v for n, v in told.items() if n not in ('mchid', 'sp_mchid', 'sub_mchid')},
                **right, name: '1999999999', 'status': 'SUCCESS',
            })
            self.assertEqual(refund.state, 'pending')
            self.assertIn(f'{name} is 1999999999', refund.wechat_alert)


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxV2Refunds(SandboxRefundMixin, SandboxRefundCommon):
    """Refunds in API v2."""

    def test_the_body_is_kept_without_what_is_signed_anew_and_names_no_key(self):
        refund = self._refund(5)
        body = refund.wechat_refund_body
        self.assertEqual(refund.wechat_api_version, 'v2')
        for word in ('nonce_str', 'sign', self.provider.wechat_api_v2_key):
            self.assertNotIn(word, body)
        call = self._control('GET', 'requests')['requests']
        self.assertTrue([r for r in call if r['path'] == '/secapi/pay/refund'])

    def test_an_md5_merchant_refunds(self):
        self._control('PATCH', f'merchants/{MCHID}', v2_sign_type='MD5')
        self.provider.wechat_v2_sign_type = 'MD5'
        refund = self._refund()
        self._finish_refund(refund)
        self._settle()
        self.assertEqual(refund.state, 'done')

    def test_without_a_certificate_nothing_is_made(self):
        self.provider.flush_recordset()
        # As after an upload that failed: the form would refuse it.
        self.env.cr.execute(
            "UPDATE payment_provider SET wechat_merchant_certificate = NULL WHERE id = %s",
            [self.provider.id],
        )
        self.provider.invalidate_recordset()
        self.assertIn("certificate", self._press_refused('action_refund'))
        self.assertFalse(self.tx.child_transaction_ids)
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 19.99)
        self.assertEqual(self._known_refunds(), [])

    @mute_logger(V2, REFUND, ALERT)
    def test_another_merchants_certificate_takes_nothing(self):
        other = self._control('POST', 'merchants', mchid='1900000088', appids=[self.app.appid])
        self.provider.write({
            'wechat_merchant_private_key': other['merchant_private_key'],
            'wechat_merchant_certificate': other['merchant_certificate'],
        })
        refund = self._refund()
        self.assertEqual(refund.state, 'error')
        self.assertIn("certificate", refund.state_message)
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 19.99)
        self.assertEqual(self._known_refunds(), [])

    @mute_logger(V2, REFUND)
    def test_what_wechat_pay_calls_open_is_sent_again_under_its_number(self):
        for code in ('SYSTEMERROR', 'BIZERR_NEED_RETRY'):
            self._control('POST', 'faults', action='err_code', err_code=code, path='secapi')
            refund = self._refund(1)
            self.assertEqual(refund.state, 'pending', code)
            self.assertFalse(refund.wechat_refund_id)
            self._make_due(refund)
            self._settle()
            self.assertTrue(refund.wechat_refund_id)
        self.assertEqual(len(self._known_refunds()), 2)

    @mute_logger(V2, REFUND, ALERT)
    def test_a_refusal_for_too_many_requests_says_to_repeat_it(self):
        for code in ('FREQUENCY_LIMITED', 'INVALID_REQ_TOO_MUCH'):
            self._control('POST', 'faults', action='err_code', err_code=code, path='secapi')
            refund = self._refund(1)
            self.assertEqual(refund.state, 'error', code)
            self.assertIn("Repeat Refund", refund.state_message)

    @mute_logger(ALERT)
    def test_an_abnormal_refund_is_completed_at_the_console(self):
        refund = self._refund()
        self._finish_refund(refund, 'ABNORMAL')
        self._settle()
        self.assertEqual(refund.wechat_refund_status, 'ABNORMAL')
        self.assertIn("cannot be done from here", refund.wechat_alert)
        wizard = self.env['wechat.pay.abnormal.refund'].create({
            'transaction_id': refund.id, 'payee': 'merchant',
        })
        self.assertIn("API v2", self._press_refused('action_complete', wizard))
        self._finish_refund(refund)
        self._settle()
        self.assertEqual((refund.state, refund.wechat_alert), ('done', ''))

    @mute_logger(ALERT)
    def test_an_order_that_was_refunded_before_it_was_known_is_not_taken_for_paid(self):
        tx = self._create_wechat_order(5, placed=False)
        self.provider._wechat_send_order(tx)
        self._at_merchant('pay', out_trade_no=tx.reference, notify=False)
        self._at_merchant('console_refund', out_trade_no=tx.reference, amount=100)
        tx._wechat_query()
        # v2 tells the state without an amount then: nothing says what was paid.
        self.assertEqual(tx.state, 'draft')
        self.assertIn('amount.total is None', tx.wechat_alert)

    def test_a_refund_of_the_console_is_found_by_its_notification(self):
        number = self._refund_at_console()
        answer = self._finish_at_console(number)
        self.assertEqual(answer['notification']['status'], 200)
        self.assertFalse(self.tx.child_transaction_ids, "nothing is applied from the message")
        self._settle()
        found = self.tx.child_transaction_ids
        self.assertEqual((found.amount, found.state, found.reference), (-3, 'done', number))
        self.assertFalse(self.tx.wechat_told_refunds or self.tx.wechat_next_query)


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxV2PartnerRefunds(SandboxRefundMixin, SandboxRefundCommon):
    """Refunds in API v2 by a service provider."""

    def _connect(self):
        self._connect_v2_sandbox(sub_merchant=SUB_MERCHANT, refund_interval=0)


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxV3PartnerRefunds(SandboxRefundMixin, SandboxRefundCommon):
    """Refunds in API v3 by a service provider."""

    def _connect(self):
        self._connect_sandbox(refund_interval=0)
        self._control('PATCH', f'merchants/{MCHID}', sub_merchants=[SUB_MERCHANT])
        self.provider.wechat_sub_mch_id = SUB_MCHID

    @mute_logger(ALERT)
    def test_an_abnormal_refund_is_completed(self):
        refund = self._refund()
        self._finish_refund(refund, 'ABNORMAL')
        wizard = self.env['wechat.pay.abnormal.refund'].create({
            'transaction_id': refund.id, 'payee': 'merchant',
        })
        self._press('action_complete', wizard)
        self._finish_refund(refund)
        self.assertEqual(refund.state, 'done')
        self.assertEqual(self._problems(), [])
