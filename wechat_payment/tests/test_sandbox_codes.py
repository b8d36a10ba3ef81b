# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import HttpCase, JsonRpcException, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.sandbox_code_common import (
    CASHIER,
    CODE,
    V2,
    WechatPayCodeCommon,
)

PAY, QUERY, REVERSE = '/pay/micropay', '/pay/orderquery', '/secapi/pay/reverse'
SUB_MCHID, SUB_APPID = '1900000109', 'wx00000000000000ac'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxCodes(WechatPayCodeCommon, WechatPayCommon, HttpCase):
    """Payment codes by API v2 against the project's sandbox (A5, B2.6, B2.7)."""

    def setUp(self):
        super().setUp()
        self._connect_till()

    # === THE ANSWER IS THE RESULT === #

    def test_a_scanned_code_is_charged_at_once(self):
        payment = self._charge(self._show_code(), description="Two teas")
        self.assertEqual((payment['state'], payment['phase']), ('done', 'done'))
        tx = self._find(payment['reference'])
        self.assertEqual((tx.state, tx.amount, tx.wechat_trade_type), ('done', 12.5, 'MICROPAY'))
        self.assertEqual((tx.wechat_api_version, tx.wechat_user_id), ('v2', self.cashier))
        self.assertTrue(tx.provider_reference)
        self.assertFalse(tx.wechat_next_query)
        order = self._control('GET', 'orders')['orders'][0]
        self.assertEqual((order['out_trade_no'], order['description']), (tx.reference, "Two teas"))
        self.assertEqual(self._problems(), [])

    def test_blanks_and_line_feeds_of_scanners_are_no_part_of_the_code(self):
        code = self._show_code()
        payment = self._charge(f' {code[:4]} {code[4:8]} {code[8:]}\n')
        self.assertEqual(payment['state'], 'done')

    def test_nothing_is_kept_of_the_code(self):
        code = self._show_code()
        with self.assertLogs('odoo', 'INFO') as logs:
            tx = self._find(self._charge(code)['reference'])
        self.assertEqual(tx.state, 'done')
        kept = tx.sudo().read()[0]
        self.assertNotIn(code, str(kept))
        self.env.cr.execute('SELECT * FROM payment_transaction WHERE id = %s', [tx.id])
        self.assertNotIn(code, str(self.env.cr.fetchall()))
        self.assertNotIn(code, '\n'.join(logs.output))

    def test_the_result_hook_is_called_once(self):
        calls = []

        def on_result(tx, kind, order):
            calls.append((tx.reference, kind, tx.state, order.get('trade_state')))

        self.patch(type(self.env['payment.transaction']), '_wechat_on_result', on_result)
        reference = self._charge(self._show_code())['reference']
        self._poll(reference)
        self.assertEqual(calls, [(reference, 'payment', 'done', 'SUCCESS')])

    def test_what_is_no_payment_code_is_refused_before_any_call(self):
        code = self._show_code()
        for wrong in (
            code[:17], f'{code}1', f'16{code[2:]}', f'09{code[2:]}', '', 'x' * 18,
            ''.join(chr(0x660 + int(digit)) for digit in code),
        ):
            with self.subTest(wrong), self.assertRaises(WeChatError) as caught:
                self._charge(wrong)
            self.assertEqual(caught.exception.code, 'bad_request')
        self.assertEqual(self._get_calls(PAY), [])
        self.assertFalse(self.env['payment.transaction'].search([
            ('wechat_trade_type', '=', 'MICROPAY'),
        ]))

    def test_a_number_is_no_payment_code(self):
        with self.assertRaises(WeChatError) as caught:
            self._charge(int(self._show_code()))
        self.assertEqual(caught.exception.code, 'bad_request')

    def test_only_amounts_of_whole_fen_are_charged(self):
        for amount in (0, -1, 0.001, 1.005, 'x', '5', True, float('nan'), float('inf'), [5]):
            with self.subTest(amount), self.assertRaises(WeChatError) as caught:
                self._charge(self._show_code(), amount=amount)
            self.assertEqual(caught.exception.code, 'bad_request')
        self.assertEqual(self._get_calls(PAY), [])

    # === FAILURES === #

    def test_too_little_money_is_said_to_the_cashier(self):
        payment = self._charge(self._show_code(failure='NOTENOUGH'))
        self.assertEqual((payment['state'], payment['can_cancel']), ('error', False))
        self.assertIn("not enough money", payment['message'])

    def test_after_a_failure_the_number_is_reversed_and_the_next_scan_has_another(self):
        first = self._charge(self._show_code(failure='NOTENOUGH'))['reference']
        self._run_cron()
        self.assertEqual(self._get_calls(REVERSE), [])  # Not within 15 s.
        self._pass_time(16, first)
        self._run_cron()
        self.assertEqual(len(self._get_calls(REVERSE)), 1)
        tx = self._find(first)
        self.assertEqual((tx.state, tx.wechat_trade_state), ('error', 'REVOKED'))
        self.assertFalse(tx.wechat_next_query)
        second = self._charge(self._show_code())
        self.assertEqual(second['state'], 'done')
        self.assertNotEqual(second['reference'], first)
        self.assertEqual(self._problems(), [
            problem for problem in self._problems() if 'auth_code was told to fail' in problem
        ])

    def test_an_expired_code_asks_for_another_scan(self):
        code = self._show_code()
        self._pass_time(61)
        payment = self._charge(code)
        self.assertEqual(payment['state'], 'error')
        self.assertIn("no longer valid", payment['message'])
        self._pass_time(16, payment['reference'])
        self._run_cron()
        self.assertEqual(self._find(payment['reference']).wechat_trade_state, 'REVOKED')

    def test_a_code_that_paid_something_else_is_refused_by_wechat(self):
        code = self._show_code()
        self._charge(code)
        payment = self._charge(code, amount=3)
        self.assertEqual(payment['state'], 'error')
        self.assertIn("no longer valid", payment['message'])

    def test_the_same_code_for_the_same_thing_is_the_same_payment(self):
        code = self._show_code()
        first, second = self._charge(code), self._charge(code)
        self.assertEqual(second['reference'], first['reference'])
        self.assertEqual(second['state'], 'done')
        self.assertEqual(len(self._get_calls(PAY)), 1)

    def test_another_cashier_with_the_same_code_does_not_get_the_first_ones_result(self):
        code = self._show_code()
        self._charge(code)
        other = self.env['res.users'].create({
            'name': "Second Cashier", 'login': 'second_cashier',
            'group_ids': [Command.set(self.cashier.group_ids.ids)],
        })
        self.assertEqual(self._charge(code, user=other)['state'], 'error')

    @mute_logger(V2)
    def test_a_request_that_never_left_is_an_error_at_once(self):
        self.env['ir.config_parameter'].set_param('wechat.pay_url', 'https://127.0.0.1:9')
        payment = self._charge(self._show_code())
        self.assertEqual(payment['state'], 'error')
        self.assertFalse(self._find(payment['reference']).wechat_next_query)

    def test_without_the_product_nothing_is_tried_again(self):
        self._control(
            'PATCH', f'merchants/{self.provider.wechat_mch_id}', products=['JSAPI', 'NATIVE'],
        )
        payment = self._charge(self._show_code())
        self.assertEqual(payment['state'], 'error')
        self.assertIn("Product Center", payment['message'])
        self.assertFalse(self._find(payment['reference']).wechat_next_query)

    def test_without_the_means_to_reverse_nothing_is_charged(self):
        for field in ('wechat_api_v2_key', 'wechat_merchant_certificate'):
            with self.subTest(field):
                self.env.cr.execute(
                    f'UPDATE payment_provider SET {field} = NULL WHERE id = %s', [self.provider.id],
                )
                self.env.invalidate_all()
                with self.assertRaises(WeChatError) as caught:
                    self._charge(self._show_code())
                self.assertEqual(caught.exception.code, 'misconfigured')
        self.assertEqual(self._get_calls(PAY), [])

    # === WHAT THE ANSWER LEAVES OPEN === #

    def test_a_password_is_waited_for_and_the_payment_found(self):
        payment = self._charge(self._show_code(password=True))
        self.assertEqual((payment['state'], payment['can_cancel']), ('pending', True))
        payment = self._poll(payment['reference'])
        self.assertEqual(payment['phase'], 'password')
        self.assertGreater(payment['seconds_left'], 20)
        self._answer_password(payment['reference'])
        self.assertEqual(self._poll(payment['reference'])['phase'], 'password')  # Not due yet.
        self._pass_time(5, payment['reference'])
        self.assertEqual(self._poll(payment['reference'])['state'], 'done')
        self.assertEqual(self._get_calls(REVERSE), [])

    def test_wechat_is_asked_every_five_seconds_however_often_the_screen_asks(self):
        reference = self._charge(self._show_code(password=True))['reference']
        for _i in range(4):
            self._poll(reference)
        self.assertEqual(len(self._get_calls(QUERY)), 1)
        self._pass_time(5, reference)
        for _i in range(4):
            self._poll(reference)
        self.assertEqual(len(self._get_calls(QUERY)), 2)

    def test_a_password_that_never_comes_is_reversed_after_thirty_seconds(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._poll(reference)
        self._pass_time(29, reference)
        self.assertEqual(self._poll(reference)['phase'], 'password')
        self.assertEqual(self._get_calls(REVERSE), [])
        self._pass_time(5, reference)
        payment = self._poll(reference)
        self.assertEqual((payment['state'], len(self._get_calls(REVERSE))), ('cancel', 1))
        tx = self._find(reference)
        self.assertEqual((tx.state, tx.wechat_trade_state), ('cancel', 'REVOKED'))
        self.assertEqual(self._problems(), [])

    def test_a_closed_password_prompt_is_an_error_and_reversed(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._answer_password(reference, entered=False)
        self._pass_time(5, reference)
        self.assertEqual(self._poll(reference)['state'], 'error')
        self._pass_time(16, reference)
        self._run_cron()
        self.assertEqual(self._find(reference).wechat_trade_state, 'REVOKED')

    def test_the_scheduled_action_goes_on_when_the_screen_and_its_server_are_gone(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._pass_time(31, reference)
        self._run_cron()
        self.assertEqual(self._find(reference).state, 'cancel')

    def test_the_scheduled_action_finds_a_payment(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._answer_password(reference)
        self._pass_time(31, reference)
        self._run_cron()
        self.assertEqual(self._find(reference).state, 'done')
        self.assertEqual(self._get_calls(REVERSE), [])

    def test_a_server_that_dies_before_the_call_leaves_a_number_that_is_cancelled(self):
        code = self._show_code()

        def die(*_args):
            raise KeyboardInterrupt

        with self._server() as env:
            self.patch(type(env['payment.provider']), '_wechat_send_code', die)
            try:  # assertRaises would roll back what was committed too.
                env['payment.transaction'].wechat_charge_code(code, amount=12.5)
                self.fail("The server lives.")
            except KeyboardInterrupt:
                env.cr.rollback()
        tx = self.env['payment.transaction'].search([('wechat_trade_type', '=', 'MICROPAY')])
        self.assertEqual((len(tx), tx.state), (1, 'draft'))
        self._pass_time(31, tx.reference)
        with mute_logger(V2):
            self._run_cron()
        self.assertEqual(tx.state, 'cancel')
        self.assertIn("never reached", tx.state_message)

    def test_a_call_that_arrives_after_its_number_was_given_up_is_paid_back(self):
        self._control('POST', 'faults', action='refuse_before', path=PAY)
        with mute_logger(V2, CODE):
            reference = self._charge(self._show_code())['reference']
        self._pass_time(31, reference)
        self.assertEqual(self._poll(reference)['state'], 'cancel')
        tx = self._find(reference)
        # Held up somewhere, it arrives now.
        self.provider._wechat_request_v2(PAY, {
            'appid': self.app.appid, 'body': "Late", 'out_trade_no': reference,
            'total_fee': 1250, 'spbill_create_ip': '127.0.0.1', 'auth_code': self._show_code(),
        })
        self._pass_time(301, reference)
        self._run_cron()
        self.assertEqual((tx.state, tx.wechat_trade_state), ('cancel', 'REVOKED'))
        self.assertFalse(tx.wechat_next_query)

    @mute_logger(V2, CODE)
    def test_an_answer_that_is_lost_is_asked_for_not_repeated(self):
        for action in ('drop', 'garbage', 'wrong_signature', 'tampered'):
            with self.subTest(action):
                self._control('POST', 'faults', action=action, path=PAY)
                calls = len(self._get_calls(PAY))
                payment = self._charge(self._show_code())
                self.assertEqual(payment['state'], 'pending')
                self.assertEqual(self._poll(payment['reference'])['state'], 'done')
                self.assertEqual(len(self._get_calls(PAY)), calls + 1)

    @mute_logger(V2, CODE)
    def test_an_open_outcome_is_asked_for_and_reversed_if_it_stays_open(self):
        for code in ('SYSTEMERROR', 'BANKERROR'):
            with self.subTest(code):
                self._control('POST', 'faults', action='err_code', err_code=code, path=PAY)
                reference = self._charge(self._show_code())['reference']
                self.assertEqual(self._poll(reference)['phase'], 'asking')
                self._pass_time(31, reference)
                self.assertEqual(self._poll(reference)['state'], 'cancel')

    @mute_logger(V2, CASHIER)
    def test_paid_but_unheard_of_for_thirty_seconds_the_money_goes_back(self):
        self._control('POST', 'faults', action='drop', path=PAY)
        with mute_logger(CODE):
            reference = self._charge(self._show_code())['reference']
        fault = {'action': 'err_code', 'path': QUERY, 'times': 2}
        self._control('POST', 'faults', **fault)
        self.assertEqual(self._poll(reference)['phase'], 'asking')
        self._pass_time(31, reference)
        with mute_logger('odoo.addons.wechat_payment.models.payment_transaction_reverse'):
            self.assertEqual(self._poll(reference)['state'], 'cancel')
        tx = self._find(reference)
        self.assertEqual((tx.wechat_trade_state, tx.wechat_alert), ('REVOKED', False))

    def test_paid_just_before_the_reversal_it_is_done(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._pass_time(31, reference)
        self._answer_password(reference)
        self.assertEqual(self._poll(reference)['state'], 'done')
        self.assertEqual(self._get_calls(REVERSE), [])

    def test_a_reversal_is_repeated_while_wechat_says_so(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._control('POST', 'settings', reverse_recalls=2)
        self._pass_time(31, reference)
        with mute_logger(CASHIER):
            for phase in ('reversing', 'reversing', 'cancel'):
                self.assertEqual(self._poll(reference)['phase'], phase)
                self._pass_time(5, reference)
        self.assertEqual(len(self._get_calls(REVERSE)), 3)

    def test_what_is_paid_after_the_reversal_was_sent_goes_back(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._control('POST', 'settings', reverse_recalls=1)
        self._pass_time(31, reference)
        with mute_logger(CASHIER):
            self._poll(reference)
        self._answer_password(reference)
        tx = self._find(reference)
        tx._wechat_query()
        self.assertEqual(tx.state, 'draft')  # The money is on its way back.
        self._pass_time(5, reference)
        self.assertEqual(self._poll(reference)['state'], 'cancel')
        self.assertEqual(tx.wechat_trade_state, 'REVOKED')

    @mute_logger(V2, CASHIER)
    def test_a_lost_answer_to_the_reversal_is_made_up_for(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._pass_time(31, reference)
        self._control('POST', 'faults', action='drop', path=REVERSE)
        self.assertEqual(self._poll(reference)['phase'], 'reversing')
        self._pass_time(5, reference)
        self.assertEqual(self._poll(reference)['state'], 'cancel')

    def test_a_reversal_that_wechat_refuses_is_left_to_a_person(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._answer_password(reference)
        self._pass_time(31, reference)
        self._control('POST', 'faults', action='err_code', err_code='REVERSE_EXPIRE', path=REVERSE)
        self._control('POST', 'faults', action='err_code', path=QUERY)
        with mute_logger(V2, 'odoo.addons.wechat_payment.models.payment_transaction_reverse',
                         'odoo.addons.wechat_payment.models.payment_transaction_api'):
            self.assertEqual(self._poll(reference)['state'], 'done')
        tx = self._find(reference)
        self.assertIn("could not be reversed", tx.wechat_alert)
        self.assertFalse(tx.wechat_next_query)

    @mute_logger(V2, CASHIER, 'odoo.addons.wechat_payment.models.payment_transaction_api')
    def test_a_reversal_that_does_not_succeed_for_long_is_told_to_a_person(self):
        reference = self._charge(self._show_code(password=True))['reference']
        tx = self._find(reference)
        self._control('POST', 'settings', reverse_recalls=5)
        tx.wechat_query_count = 22
        for alert in (False, True, True):
            self._pass_time(31, reference)
            tx.wechat_next_query = tx.wechat_code_time
            self._poll(reference)
            self.assertEqual(bool(tx.wechat_alert), alert)
        self.assertEqual(tx.wechat_alert.count('\n'), 0)  # Told once.

    @mute_logger('odoo.addons.wechat_payment.models.payment_transaction_api')
    def test_what_is_too_old_to_be_reversed_is_left_to_a_person(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._pass_time(8 * 86400, reference)
        self._poll(reference)
        tx = self._find(reference)
        self.assertIn("could not be reversed", tx.wechat_alert)
        self.assertFalse(tx.wechat_next_query)
        self.assertEqual(self._get_calls(REVERSE), [])

    @mute_logger(V2, CASHIER, 'odoo.addons.wechat_payment.models.payment_transaction_api')
    def test_what_was_never_reversed_and_is_too_old_now_is_paid_and_told(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._control('POST', 'settings', reverse_recalls=1)
        self._pass_time(31, reference)
        self._poll(reference)
        self._answer_password(reference)
        tx = self._find(reference)
        self.assertEqual((tx.state, bool(tx.wechat_reverse_sent)), ('draft', True))
        self._pass_time(8 * 86400, reference)
        self._run_cron()
        # The merchant has the money, so it can be refunded here.
        self.assertEqual((tx.state, tx.wechat_trade_state), ('done', 'SUCCESS'))
        self.assertIn("could not be reversed", tx.wechat_alert)
        self.assertFalse(tx.wechat_next_query)

    @mute_logger('odoo.addons.wechat_payment.models.payment_transaction_api')
    def test_what_turns_out_to_be_reversed_when_it_is_too_old_is_told_to_nobody(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._pass_time(16, reference)
        self._at_merchant('payment_password', self.provider.wechat_mch_id, out_trade_no=reference,
                          entered=False)
        self.provider._wechat_request_v2(REVERSE, {
            'appid': self.app.appid, 'out_trade_no': reference,
        }, certificate=True)
        self._pass_time(8 * 86400, reference)
        self._run_cron()
        tx = self._find(reference)
        self.assertEqual((tx.state, tx.wechat_alert), ('cancel', False))
        self.assertFalse(tx.wechat_next_query)

    def test_a_done_payment_is_refunded_as_others_are(self):
        self._control('POST', 'settings', auto_refund=True)
        tx = self._find(self._charge(self._show_code())['reference'])
        with self._server(self.env.ref('base.user_admin')) as env:
            env['payment.transaction'].browse(tx.id).action_refund(amount_to_refund=2.5)
        refund = tx.child_transaction_ids
        self.assertEqual((refund.amount, refund.operation), (-2.5, 'refund'))
        self.assertIn(refund.state, ('pending', 'done'))
        refunds = self._control('GET', 'refunds')['refunds']
        self.assertEqual([item['out_refund_no'] for item in refunds], [refund.reference])

    @mute_logger(V2, CODE, 'odoo.addons.wechat_payment.models.payment_transaction_api')
    def test_an_order_that_does_not_agree_is_neither_done_nor_reversed(self):
        self._control('POST', 'faults', action='drop', path=PAY)
        reference = self._charge(self._show_code())['reference']
        tx = self._find(reference)
        tx.amount = 11
        payment = self._poll(reference)
        self.assertEqual(payment['state'], 'error')
        self.assertTrue(tx.wechat_alert)
        self._pass_time(31, reference)
        self._run_cron()
        self.assertEqual((tx.state, self._get_calls(REVERSE)), ('draft', []))

    # === CANCEL === #

    def test_the_cashier_cancels_and_it_is_reversed_after_fifteen_seconds(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._poll(reference)
        payment = self._call('wechat_cancel_code', reference)
        self.assertEqual((payment['phase'], payment['can_cancel']), ('reversing', False))
        self._pass_time(10, reference)
        self._poll(reference)
        self.assertEqual(self._get_calls(REVERSE), [])
        self._pass_time(6, reference)
        self.assertEqual(self._poll(reference)['state'], 'cancel')

    def test_paid_before_the_cancellation_is_sent_it_is_done(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self._call('wechat_cancel_code', reference)
        self._answer_password(reference)
        self._pass_time(5, reference)
        self.assertEqual(self._poll(reference)['state'], 'done')

    def test_a_done_payment_cannot_be_cancelled(self):
        reference = self._charge(self._show_code())['reference']
        self.assertEqual(self._call('wechat_cancel_code', reference)['state'], 'done')
        self.assertEqual(self._get_calls(REVERSE), [])

    def test_it_is_never_closed_and_not_reversed_while_the_customer_may_pay(self):
        tx = self._find(self._charge(self._show_code(password=True))['reference'])
        admin = self.env.ref('base.user_admin')
        with self.assertRaises(WeChatError) as caught, self._server(admin) as env:
            env['payment.transaction'].browse(tx.id).action_wechat_close()
        self.assertEqual(caught.exception.code, 'wechat_busy')
        self._pass_time(31, tx.reference)
        with self._server(admin) as env:
            env['payment.transaction'].browse(tx.id).action_wechat_close()
        self.assertEqual(tx.state, 'cancel')
        self.assertEqual(self._get_calls('/pay/closeorder'), [])

    # === WHO === #

    def test_only_cashiers_charge_poll_and_cancel(self):
        reference = self._charge(self._show_code(password=True))['reference']
        self.cashier.write({'group_ids': [
            Command.unlink(self.env.ref('wechat_payment.group_cashier').id),
        ]})
        for method, argument in (
            ('wechat_poll_code', reference), ('wechat_cancel_code', reference),
            ('wechat_charge_code', self._show_code()),
        ):
            for user in (self.cashier, self.customer):
                with self.subTest(method, user=user.login), self.assertRaises(AccessError):
                    self._call(method, argument, user=user)
        self.assertEqual(self._find(reference).wechat_is_code_cancelled, False)

    def test_a_cashier_of_another_company_sees_nothing(self):
        reference = self._charge(self._show_code(password=True))['reference']
        company = self.env['res.company'].create({'name': "Elsewhere"})
        self.cashier.write({
            'company_ids': [Command.set(company.ids)], 'company_id': company.id,
        })
        with self.assertRaises(WeChatError) as caught:
            self._poll(reference)
        self.assertEqual(caught.exception.code, 'bad_request')

    def test_other_payments_are_none_of_the_cashiers(self):
        tx = self._create_wechat_order()
        for reference in (tx.reference, 'unknown', None, 5, ['x']):
            with self.subTest(reference), self.assertRaises(WeChatError) as caught:
                self._poll(reference)
            self.assertEqual(caught.exception.code, 'bad_request')

    def test_it_is_called_by_json_rpc_as_a_point_of_sale_does(self):
        self.authenticate(self.cashier.login, self.cashier.login)
        answer = self.make_jsonrpc_request('/web/dataset/call_kw', {
            'model': 'payment.transaction', 'method': 'wechat_charge_code',
            'args': [self._show_code()], 'kwargs': {'amount': 8.8, 'device_info': 'TILL-1'},
        })
        self.assertEqual((answer['state'], answer['amount'], answer['currency']), (
            'done', 8.8, 'CNY',
        ))
        self.authenticate(self.customer.login, self.customer.login)
        with mute_logger('odoo.http'), self.assertRaises(JsonRpcException):
            self.make_jsonrpc_request('/web/dataset/call_kw', {
                'model': 'payment.transaction', 'method': 'wechat_charge_code',
                'args': [self._show_code()], 'kwargs': {'amount': 8.8},
            })

    def test_a_document_and_an_amount_together_are_refused(self):
        for kwargs in ({'model': 'sale.order', 'document_id': 1}, {'partner_id': 'x'}):
            with self.subTest(kwargs), self.assertRaises(WeChatError) as caught:
                self._charge(self._show_code(), **kwargs)
            self.assertEqual(caught.exception.code, 'bad_request')
        with self.assertRaises(WeChatError):
            self._charge(self._show_code(), amount=None)

    # === OTHER MERCHANTS AND VERSIONS === #

    def test_signed_by_md5_it_works_as_well(self):
        self._connect_till(sign_type='MD5')
        self.assertEqual(self._charge(self._show_code())['state'], 'done')

    def test_a_service_provider_charges_for_a_sub_merchant(self):
        self._connect_till(sub_merchant={'mchid': SUB_MCHID, 'appids': []})
        reference = self._charge(self._show_code(password=True))['reference']
        self._answer_password(reference)
        self.assertEqual(self._poll(reference)['state'], 'done')
        reference = self._charge(self._show_code(password=True))['reference']
        self._pass_time(31, reference)
        self.assertEqual(self._poll(reference)['state'], 'cancel')
        self.assertEqual(self._problems(), [])

    def test_a_service_provider_charges_in_the_sub_merchants_app(self):
        self._connect_till(sub_merchant={'mchid': SUB_MCHID, 'appids': [SUB_APPID]})
        self._assert_codes_in_the_sub_app(SUB_MCHID, SUB_APPID)
