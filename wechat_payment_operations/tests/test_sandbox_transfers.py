# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import time
from datetime import timedelta

from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment_operations.tests.payout_common import LOGGERS, SandboxPayoutCommon

PATH = '/mch-transfer/transfer-bills'


@tagged('-standard', 'wechat_sandbox', 'post_install', '-at_install')
class TestSandboxTransfers(SandboxPayoutCommon, HttpCase):
    """Transfers over real HTTP against the sandbox."""

    def setUp(self):
        super().setUp()
        self._connect_payouts()

    def _at_wechat(self, transfer):
        """Return a transfer as the sandbox knows it, or None."""
        return next((
            item for item in self._control('GET', 'transfers')['transfers']
            if item['out_bill_no'] == transfer.out_bill_no
        ), None)

    def _change(self, transfer, action, **values):
        return self._at_merchant(
            'transfer', out_bill_no=transfer.out_bill_no, action=action, **values,
        )

    def _confirm_on_phone(self, transfer):
        """Let the recipient confirm, with what the client is given here."""
        self.authenticate(self.customer.login, self.customer.login)
        return self._control(
            'POST', 'request_merchant_transfer', appid=self.app.appid, user=self.person['user'],
            parameters=transfer.with_user(self.customer)._get_client_values(transfer.out_bill_no),
        )

    # === THE USUAL WAY === #

    def test_a_transfer_waits_for_its_recipient_and_is_notified(self):
        transfer = self._send(self._create_transfer(1.23))
        self.assertEqual((transfer.state, transfer.wechat_state), ('waiting', 'WAIT_USER_CONFIRM'))
        self.assertEqual((transfer.sent_by_id, transfer.create_uid), (self.sender, self.preparer))
        self.assertRegex(transfer.out_bill_no, '^T[0-9]{8}[0-9a-f]{23}$')
        known = self._at_wechat(transfer)
        self.assertEqual((known['amount'], known['openid']), (123, self.person['openid']))
        self.assertEqual(known['transfer_bill_no'], transfer.wechat_number)
        self.assertEqual(self._change(transfer, 'confirm')['notification']['status'], 200)
        self.assertEqual((transfer.state, transfer.wechat_state), ('done', 'SUCCESS'))
        self.assertFalse(transfer.next_query)
        self.assertFalse(transfer.alert)
        self.assertEqual(self._problems(), [])

    def test_the_scheduled_action_finds_what_was_not_notified(self):
        transfer = self._send(self._create_transfer())
        self._change(transfer, 'confirm', notify=False)
        self.assertEqual(transfer.state, 'waiting')
        self._settle(transfer)
        self.assertEqual(transfer.state, 'done')

    def test_the_recipient_who_never_confirms_lets_the_money_return(self):
        transfer = self._send(self._create_transfer())
        self._control('POST', 'age', seconds=86400)
        self._settle(transfer)
        self.assertEqual((transfer.state, transfer.wechat_reason), ('failed', 'OVERDUE_CLOSE'))
        self.assertIn("24 hours", transfer.message)

    def test_a_transfer_that_fails_says_what_to_do(self):
        transfer = self._send(self._create_transfer())
        self._change(transfer, 'fail', reason='ACCOUNT_FROZEN')
        self.assertEqual((transfer.state, transfer.wechat_reason), ('failed', 'ACCOUNT_FROZEN'))
        self.assertIn("frozen", transfer.message)

    def test_two_thousand_yuan_want_a_name_that_only_wechat_pay_reads(self):
        transfer = self._create_transfer(2000)
        with self.assertRaisesRegex(UserError, "name"):
            self._send(transfer)
        self.assertEqual((transfer.state, transfer.out_bill_no), ('draft', False))
        transfer.with_user(self.preparer).user_name_input = "张三"
        self.assertTrue(transfer.has_user_name)
        self.assertFalse(transfer.user_name_input)
        self._send(transfer)
        self.assertEqual(self._at_wechat(transfer)['parameters']['user_name'], "张三")
        self.assertNotIn("张三", transfer.body)
        self.assertEqual(transfer.state, 'waiting')

    def test_another_name_than_the_recipient_s_fails(self):
        self._control('POST', 'real_name', user=self.person['user'], name="李四")
        transfer = self._create_transfer(5, user_name_input="张三")
        self._send(transfer)
        self.assertEqual((transfer.state, transfer.wechat_reason), ('failed', 'NAME_NOT_CORRECT'))

    # === UNKNOWN IS NOT FAILED === #

    @mute_logger(*LOGGERS)
    def test_a_time_out_after_wechat_pay_took_it_is_found_by_asking(self):
        self._fault('drop', PATH, method='POST')
        transfer = self._send(self._create_transfer())
        self.assertEqual(transfer.state, 'waiting')
        self.assertFalse(transfer.package_info, "only the answer to creating tells it")
        self._settle(transfer)
        self.assertEqual(transfer.package_info, self._at_wechat(transfer)['package_info'])
        self.assertEqual(len(self._control('GET', 'transfers')['transfers']), 1)

    @mute_logger(*LOGGERS)
    def test_a_call_that_never_arrived_is_repeated_to_the_letter_under_its_number(self):
        self._fault('refuse_before', PATH, method='POST')
        transfer = self._send(self._create_transfer())
        self.assertEqual(transfer.state, 'sending')
        self.assertIn("not known yet", transfer.message)
        number, body = transfer.out_bill_no, transfer.body
        self._settle(transfer)
        self.assertEqual((transfer.state, transfer.message), ('waiting', False))
        self.assertEqual((transfer.out_bill_no, transfer.body), (number, body))
        self.assertEqual(len(self._control('GET', 'transfers')['transfers']), 1)

    @mute_logger(*LOGGERS)
    def test_while_wechat_pay_says_nothing_at_all_it_stays_unknown(self):
        self._fault('drop', PATH, times=2)
        transfer = self._send(self._create_transfer())
        self.assertEqual(transfer.state, 'sending')
        self.assertTrue(transfer.next_query)
        with self.assertRaises(UserError):
            self._send(transfer)
        with self.assertRaises(UserError), self._as(transfer, self.preparer) as asked:
            asked.action_renew()
        self.assertEqual(len(self._control('GET', 'transfers')['transfers']), 1)
        self._settle(transfer)
        self.assertEqual(transfer.state, 'waiting')

    @mute_logger(*LOGGERS)
    def test_an_answer_that_is_not_signed_is_not_believed_but_asked_for(self):
        self._fault('wrong_signature', PATH, method='POST')
        transfer = self._send(self._create_transfer())
        self.assertEqual(transfer.state, 'waiting')
        self.assertFalse(transfer.package_info)

    @mute_logger(*LOGGERS)
    def test_a_day_after_it_is_not_sent_by_itself_any_more(self):
        self._fault('refuse_before', PATH, method='POST')
        transfer = self._send(self._create_transfer())
        transfer.sent_on = '2026-01-01 00:00:00'
        self._settle(transfer)
        self.assertEqual(transfer.state, 'refused')
        self.assertEqual(self._control('GET', 'transfers')['transfers'], [])

    # === REFUSED === #

    @mute_logger(*LOGGERS)
    def test_without_funds_it_is_refused_and_sent_again_under_the_same_number(self):
        self._control('POST', 'money_settings', transfer_short_of_funds='NOT_ENOUGH')
        self._at_merchant('funds', balance=50)
        transfer = self._send(self._create_transfer())
        self.assertEqual((transfer.state, transfer.wechat_reason), ('refused', 'NOT_ENOUGH'))
        self.assertIn("Top it up", transfer.message)
        number, body = transfer.out_bill_no, transfer.body
        self._at_merchant('top_up', amount=100)
        self._send(transfer)
        self.assertEqual(transfer.state, 'waiting')
        self.assertEqual((transfer.out_bill_no, transfer.body), (number, body))
        self.assertEqual(self._balance(), 50)

    def test_what_was_accepted_without_funds_goes_on_after_topping_up(self):
        self._at_merchant('funds', balance=50)
        transfer = self._send(self._create_transfer())
        self.assertEqual((transfer.state, transfer.wechat_state), ('processing', 'ACCEPTED'))
        self.assertIn("top it up", transfer.message)
        self._at_merchant('top_up', amount=100)
        self._settle(transfer)
        self.assertEqual(transfer.state, 'waiting')
        self.assertTrue(transfer.package_info)
        self.assertEqual(self._balance(), 50)

    def test_what_was_accepted_is_not_sent_again_by_itself_after_a_day(self):
        self._at_merchant('funds', balance=50)
        transfer = self._send(self._create_transfer())
        transfer.sent_on -= timedelta(hours=25)
        self._at_merchant('top_up', amount=100)
        for _hour in range(2):
            self._settle(transfer)
        self.assertEqual((transfer.state, transfer.wechat_state), ('processing', 'ACCEPTED'))
        self.assertEqual((self._calls(PATH), self._balance()), (1, 150))
        self.assertIn("Decide", transfer.message)
        self.assertTrue(transfer.next_query, "it is still asked for")
        number = transfer.out_bill_no
        self._send(transfer)
        self.assertEqual((transfer.state, transfer.out_bill_no), ('waiting', number))
        self.assertEqual((self._calls(PATH), self._balance()), (2, 50))

    def test_what_was_accepted_a_day_ago_can_be_cancelled(self):
        self._at_merchant('funds', balance=50)
        transfer = self._send(self._create_transfer())
        transfer.sent_on -= timedelta(hours=25)
        self._settle(transfer)
        self._cancel(transfer)
        self._wait_until_cancelled(transfer)
        self.assertEqual((transfer.state, self._balance()), ('cancelled', 50))

    @mute_logger(*LOGGERS)
    def test_a_scene_that_is_not_granted_says_where_to_look(self):
        self._at_merchant('transfer_scenes', scenes={})
        transfer = self._send(self._create_transfer())
        self.assertEqual((transfer.state, transfer.wechat_reason), ('refused', 'NO_AUTH'))
        self.assertIn("Product Center", transfer.message)
        self.assertNotEqual(self.provider.wechat_check_state, 'error', "payments go on")

    @mute_logger(*LOGGERS)
    def test_a_refused_one_can_be_replaced_once_and_is_then_dead(self):
        self._at_merchant('transfer_scenes', scenes={})
        transfer = self._send(self._create_transfer())
        with self._as(transfer, self.preparer) as refused:
            draft_id = refused.action_renew()['res_id']
        draft = transfer.browse(draft_id)
        self.assertEqual((draft.state, draft.previous_id), ('draft', transfer))
        self.assertEqual((draft.amount, draft.out_bill_no, draft.body), (1.0, False, False))
        self.assertEqual(transfer.state, 'cancelled')
        for action in ('action_send', 'action_renew'):
            user = self.sender if action == 'action_send' else self.preparer
            with self.assertRaises(UserError), self._as(transfer, user) as dead:
                getattr(dead, action)()

    @mute_logger(*LOGGERS)
    def test_after_an_unanswered_call_replacing_waits(self):
        self._fault('refuse_before', PATH, method='POST')
        transfer = self._send(self._create_transfer())
        self._at_merchant('transfer_scenes', scenes={})
        self._settle(transfer)
        self.assertEqual((transfer.state, transfer.had_no_answer), ('refused', True))
        with self.assertRaisesRegex(UserError, "minutes"), self._as(transfer, self.preparer) as one:
            one.action_renew()

    # === CANCELLING === #

    def _cancel(self, transfer):
        with self._as(transfer) as cancelled:
            cancelled.action_cancel()
        self.assertIn(transfer.state, ('cancelling', 'cancelled', 'done'))

    def _wait_until_cancelled(self, transfer):
        """WeChat Pay cancels after it has answered."""
        for _try in range(50):
            if self._at_wechat(transfer)['state'] == 'CANCELLED':
                break
            time.sleep(0.1)
        self._settle(transfer)

    def test_a_transfer_is_taken_back_before_it_is_confirmed(self):
        transfer = self._send(self._create_transfer())
        self._cancel(transfer)
        self._wait_until_cancelled(transfer)
        self.assertEqual((transfer.state, transfer.next_query), ('cancelled', False))
        self.assertIn("cancels", ' '.join(transfer.message_ids.mapped('body')))

    def test_cancelling_that_lasts_is_asked_for_until_it_is_known(self):
        self._control('POST', 'money_settings', transfer_stays_canceling=True)
        transfer = self._send(self._create_transfer())
        self._cancel(transfer)
        self.assertEqual((transfer.state, transfer.wechat_state), ('cancelling', 'CANCELING'))
        with self.assertRaises(UserError):
            self._cancel(transfer)
        self._change(transfer, 'finish', state='CANCELLED')
        self.assertEqual(transfer.state, 'cancelled')

    def test_confirmed_and_cancelled_at_once_is_what_wechat_pay_says(self):
        self._control('POST', 'money_settings', transfer_stays_canceling=True)
        transfer = self._send(self._create_transfer())
        self._cancel(transfer)
        self._change(transfer, 'finish', state='SUCCESS')
        self.assertEqual((transfer.state, transfer.alert), ('done', False))

    @mute_logger(*LOGGERS)
    def test_cancelling_too_late_finds_that_it_was_received(self):
        transfer = self._send(self._create_transfer())
        self._change(transfer, 'confirm', notify=False)
        self._cancel(transfer)
        self.assertEqual(transfer.state, 'done')

    @mute_logger(*LOGGERS)
    def test_a_time_out_of_cancelling_is_found_by_asking(self):
        transfer = self._send(self._create_transfer())
        self._fault('drop', '/cancel', method='POST')
        self._cancel(transfer)
        self._wait_until_cancelled(transfer)
        self.assertEqual(transfer.state, 'cancelled')

    # === NOTIFICATIONS === #

    def _notify_transfer(self, transfer, **values):
        return self._at_merchant('notify_transfer', out_bill_no=transfer.out_bill_no, **values)

    def test_a_notification_may_come_many_times(self):
        transfer = self._send(self._create_transfer())
        self._change(transfer, 'confirm', notify=False)
        answers = self._notify_transfer(transfer, repeat=3)['answers']
        self.assertEqual([answer['status'] for answer in answers], [200] * 3)
        self.assertEqual((transfer.state, transfer.alert), ('done', False))

    @mute_logger(*LOGGERS)
    def test_a_notification_of_another_amount_or_person_is_an_alert(self):
        for number, overrides in enumerate((
            {'transfer_amount': 1}, {'openid': 'oSomebodyElse'}, {'mch_id': '1900009999'},
        )):
            transfer = self._send(self._create_transfer())
            self._change(transfer, 'confirm', notify=False)
            with self.subTest(number=number):
                answers = self._notify_transfer(transfer, overrides=overrides)['answers']
                self.assertEqual(answers[0]['status'], 200)
                self.assertEqual(transfer.state, 'waiting')
                self.assertIn(next(iter(overrides)), transfer.alert)

    @mute_logger(*LOGGERS)
    def test_a_forged_notification_is_refused(self):
        transfer = self._send(self._create_transfer())
        self._change(transfer, 'confirm', notify=False)
        answers = self._notify_transfer(transfer, defect='bad_signature')['answers']
        self.assertEqual((answers[0]['status'], transfer.state), (401, 'waiting'))

    @mute_logger(*LOGGERS)
    def test_a_notification_of_an_unknown_number_is_acknowledged(self):
        transfer = self._send(self._create_transfer())
        self._change(transfer, 'confirm', notify=False)
        answers = self._notify_transfer(
            transfer, overrides={'out_bill_no': 'T0UNKNOWN'})['answers']
        self.assertEqual((answers[0]['status'], transfer.state), (200, 'waiting'))

    @mute_logger(*LOGGERS)
    def test_what_is_final_stays_and_another_end_is_an_alert(self):
        transfer = self._send(self._create_transfer())
        self._cancel(transfer)
        self._wait_until_cancelled(transfer)
        answers = self._notify_transfer(transfer, overrides={'state': 'SUCCESS'})['answers']
        self.assertEqual(answers[0]['status'], 200)
        self.assertEqual(transfer.state, 'cancelled')
        self.assertIn('SUCCESS', transfer.alert)

    # === THE RECIPIENT === #

    def _route(self, path='/wechat/payment/transfer', user=None, **params):
        user = user or self.customer
        self.authenticate(user.login, user.login)
        self.env.flush_all()
        response = self.url_open(path, json={'jsonrpc': '2.0', 'method': 'call', 'params': params})
        self.env.invalidate_all()
        return response.json()

    def test_the_recipient_confirms_on_the_phone(self):
        transfer = self._send(self._create_transfer(3.5))
        waiting = self._route('/wechat/payment/transfers')['result']
        self.assertEqual(waiting, [{
            'out_bill_no': transfer.out_bill_no, 'amount': 3.5, 'currency': 'CNY',
            'remark': "活动奖励",
        }])
        values = self._route(out_bill_no=transfer.out_bill_no)['result']
        self.assertEqual(set(values), {'mchId', 'appId', 'package'})
        answer = self._control(
            'POST', 'request_merchant_transfer', appid=self.app.appid, user=self.person['user'],
            parameters=values,
        )
        self.assertEqual(answer['errMsg'], 'requestMerchantTransfer:ok')
        self.assertEqual(transfer.state, 'done')
        self.assertEqual(self._route('/wechat/payment/transfers')['result'], [])

    @mute_logger('odoo.http')
    def test_the_page_is_shown_again_while_wechat_pay_is_transferring(self):
        self._control('POST', 'money_settings', transfer_stays_transfering=True)
        transfer = self._send(self._create_transfer())
        package = transfer.package_info
        self._change(transfer, 'confirm', notify=False)
        values = self._route(out_bill_no=transfer.out_bill_no)['result']
        self.assertEqual((transfer.state, transfer.wechat_state), ('processing', 'TRANSFERING'))
        self.assertEqual(values['package'], package)
        transfer.package_info = False
        error = self._route(out_bill_no=transfer.out_bill_no)['error']['data']
        self.assertEqual(error['context']['code'], 'bad_request')

    @mute_logger('odoo.http')
    def test_nobody_else_and_nothing_else_gets_the_package(self):
        transfer = self._send(self._create_transfer())
        cases = [
            (self.preparer, {'out_bill_no': transfer.out_bill_no}),
            (self.customer, {'out_bill_no': 'T0'}),
            (self.customer, {'out_bill_no': True}),
            (self.customer, {'out_bill_no': ['T0']}),
            (self.customer, {}),
        ]
        self.preparer.password = self.preparer.login
        for user, params in cases:
            with self.subTest(params=params):
                error = self._route(user=user, **params)['error']['data']
                self.assertEqual(error['context']['code'], 'bad_request')
        self._change(transfer, 'confirm', notify=False)
        error = self._route(out_bill_no=transfer.out_bill_no)['error']['data']
        self.assertEqual(error['context']['code'], 'bad_request')
        self.assertEqual(transfer.state, 'done', "WeChat Pay was asked")

    @mute_logger('odoo.http')
    def test_the_recipient_asks_what_became_of_it_and_nobody_else(self):
        transfer = self._send(self._create_transfer())
        path, number = '/wechat/payment/transfer/status', transfer.out_bill_no
        answer = self._route(path, out_bill_no=number)['result']
        self.assertEqual(answer, {'out_bill_no': number, 'state': 'waiting'})
        self._change(transfer, 'confirm', notify=False)
        transfer.last_query = False  # WeChat Pay is not asked more often than every two seconds.
        self.assertEqual(self._route(path, out_bill_no=number)['result']['state'], 'done')
        self.preparer.password = self.preparer.login
        for user, out_bill_no in (
            (self.preparer, number), (self.customer, 'T0'), (self.customer, [number]),
            (self.customer, None),
        ):
            with self.subTest(out_bill_no=out_bill_no):
                error = self._route(path, user=user, out_bill_no=out_bill_no)['error']['data']
                self.assertEqual(error['context']['code'], 'bad_request')

    def test_the_body_is_committed_before_the_call_and_sent_to_the_letter(self):
        transfer = self._send(self._create_transfer())
        sent = [
            request for request in self._control('GET', 'requests')['requests']
            if request['path'].endswith(PATH)
        ]
        self.assertEqual(len(sent), 1)
        self.assertEqual(json.loads(transfer.body)['out_bill_no'], transfer.out_bill_no)
