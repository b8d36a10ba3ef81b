# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.exceptions import WeChatPayMisconfigured
from odoo.addons.wechat_payment_operations.protocol import payout_errors
from odoo.addons.wechat_payment_operations.tests.payout_common import LOGGERS, SandboxPayoutCommon

SEND, QUERY = 'sendredpack', 'gethbinfo'


@tagged('-standard', 'wechat_sandbox', 'post_install', '-at_install')
class TestSandboxRedPackets(SandboxPayoutCommon, HttpCase):
    """Red packets over mutual TLS against the sandbox."""

    def setUp(self):
        super().setUp()
        self._connect_payouts('official_account')

    def _at_wechat(self):
        return self._control('GET', 'red_packets')['red_packets']

    def _change(self, packet, action, **values):
        return self._at_merchant(
            'red_packet', mch_billno=packet.mch_billno, action=action, **values,
        )

    # === THE USUAL WAY === #

    def test_a_red_packet_is_sent_and_received(self):
        packet = self._send(self._create_red_packet(8.88))
        self.assertEqual((packet.state, packet.wechat_state), ('waiting', 'SENT'))
        self.assertRegex(packet.mch_billno, f'^{self.mchid}[0-9]{{18}}$')
        known, = self._at_wechat()
        self.assertEqual((known['amount'], known['openid']), (888, self.person['openid']))
        self.assertEqual(packet.wechat_number, known['send_listid'])
        self._change(packet, 'receive')
        self._settle(packet)
        self.assertEqual((packet.state, packet.received_amount), ('done', 8.88))
        share = packet.share_ids
        self.assertEqual((share.identity_id, share.amount), (self.identity, 8.88))
        self.assertTrue(share.received_on)
        self.assertFalse(packet.alert)
        self.assertEqual(self._problems(), [])

    def test_a_group_shares_one_and_the_rest_returns(self):
        packet = self._send(self._create_red_packet(9, kind='group', total_num=3))
        self.assertEqual(packet.state, 'waiting')
        self._change(packet, 'receive')
        self._change(packet, 'receive')
        self._settle(packet)
        self.assertEqual((packet.state, len(packet.share_ids)), ('waiting', 2))
        self.assertEqual(packet.share_ids.identity_id, self.identity)
        self._control('POST', 'age', seconds=86400)
        self._settle(packet)
        self.assertEqual((packet.state, len(packet.share_ids)), ('returned', 2))
        self.assertAlmostEqual(packet.received_amount + packet.returned_amount, 9)
        self.assertAlmostEqual(sum(packet.share_ids.mapped('amount')), packet.received_amount)
        self.assertFalse(packet.alert)

    def test_what_is_not_taken_returns_after_a_day(self):
        packet = self._send(self._create_red_packet(2))
        self._control('POST', 'age', seconds=86400)
        self._settle(packet)
        self.assertEqual((packet.state, packet.returned_amount), ('returned', 2))
        self.assertFalse(packet.next_query)

    def test_one_that_is_still_being_sent_is_asked_for_again(self):
        self._control('POST', 'money_settings', red_packet_sending=True)
        packet = self._send(self._create_red_packet())
        self.assertEqual((packet.state, packet.wechat_state), ('processing', 'SENDING'))
        self._change(packet, 'sent')
        self._settle(packet)
        self.assertEqual(packet.state, 'waiting')

    def test_one_that_fails_later_says_what_to_do(self):
        packet = self._send(self._create_red_packet())
        self._change(packet, 'fail', reason="用户账户异常")
        self._settle(packet)
        self.assertEqual((packet.state, packet.wechat_reason), ('failed', "用户账户异常"))
        self.assertTrue(packet.message)

    # === UNKNOWN IS NOT FAILED === #

    @mute_logger(*LOGGERS)
    def test_a_time_out_after_wechat_pay_took_it_is_found_by_asking(self):
        self._fault('drop', SEND)
        packet = self._send(self._create_red_packet())
        self.assertEqual(packet.state, 'waiting')
        self.assertEqual(len(self._at_wechat()), 1)

    @mute_logger(*LOGGERS)
    def test_a_call_that_never_arrived_is_repeated_under_its_number(self):
        self._fault('refuse_before', SEND)
        packet = self._send(self._create_red_packet())
        self.assertEqual(packet.state, 'sending')
        number = packet.mch_billno
        self._settle(packet)
        self.assertEqual((packet.state, packet.mch_billno), ('waiting', number))
        self.assertEqual(len(self._at_wechat()), 1)

    @mute_logger(*LOGGERS)
    def test_system_errors_are_unknown_whatever_return_code_comes_with_them(self):
        for return_code in ('SUCCESS', 'FAIL'):
            for processed in (True, False):
                with self.subTest(return_code=return_code, processed=processed):
                    self._control('POST', 'money_settings', red_packet_return_code=return_code)
                    self._fault('err_code', SEND, err_code='SYSTEMERROR', processed=processed)
                    packet = self._send(self._create_red_packet())
                    self.assertEqual(packet.state, 'waiting' if processed else 'sending')
                    number = packet.mch_billno
                    self._settle(packet)
                    self.assertEqual((packet.state, packet.mch_billno), ('waiting', number))
        self.assertEqual(len(self._at_wechat()), 4)
        self.assertNotEqual(self.provider.wechat_check_state, 'error')

    @mute_logger(*LOGGERS)
    def test_processing_is_left_alone_for_twenty_minutes(self):
        self._fault('err_code', SEND, err_code='PROCESSING', processed=True)
        packet = self._send(self._create_red_packet())
        self.assertEqual(packet.state, 'sending')
        self.assertGreater((packet.next_query - packet.sent_on).total_seconds(), 1100)
        self.assertIn("20 minutes", packet.message)
        self._settle(packet)
        self.assertEqual(packet.state, 'waiting')

    @mute_logger(*LOGGERS)
    def test_while_nothing_is_known_nothing_is_sent_anew(self):
        self._fault('drop', SEND)
        self._fault('drop', QUERY, times=None)
        packet = self._send(self._create_red_packet())
        self.assertEqual(packet.state, 'sending')
        for user, action in ((self.sender, 'action_send'), (self.preparer, 'action_renew')):
            with self.assertRaises(UserError), self._as(packet, user) as pressed:
                getattr(pressed, action)()
        self.assertEqual(len(self._at_wechat()), 1)

    # === REFUSED === #

    @mute_logger(*LOGGERS)
    def test_without_funds_it_is_sent_again_under_the_same_number(self):
        for return_code in ('SUCCESS', 'FAIL'):
            with self.subTest(return_code=return_code):
                self._control('POST', 'money_settings', red_packet_return_code=return_code)
                self._at_merchant('funds', balance=50)
                packet = self._send(self._create_red_packet())
                self.assertEqual((packet.state, packet.wechat_reason), ('refused', 'NOTENOUGH'))
                self.assertIn("Top it up", packet.message)
                number = packet.mch_billno
                self._at_merchant('top_up', amount=100)
                self._send(packet)
                self.assertEqual((packet.state, packet.mch_billno), ('waiting', number))
                self.assertEqual(self._balance(), 50)

    @mute_logger(*LOGGERS)
    def test_every_code_leads_where_it_says(self):
        self.provider.wechat_payout_user_day_count = 100
        states = {'open': 'sending', 'again': 'refused', 'final': 'failed'}
        for code, advice in payout_errors.RED_PACKET_CODES.items():
            with self.subTest(code=code):
                self._fault('err_code', SEND, err_code=code, processed=False)
                packet = self._send(self._create_red_packet())
                self.assertEqual(packet.state, states[advice.kind])
                self.assertTrue(packet.message)
        self.assertEqual(self._at_wechat(), [])

    @mute_logger(*LOGGERS)
    def test_risk_control_says_nothing_of_payments(self):
        self._fault('err_code', SEND, err_code='NO_AUTH', processed=False)
        packet = self._send(self._create_red_packet())
        self.assertEqual(packet.state, 'failed')
        self.assertNotEqual(self.provider.wechat_check_state, 'error')
        self._fault('err_code', SEND, err_code='CA_ERROR', processed=False)
        self._fault('drop', QUERY)
        self._send(self._create_red_packet())
        self.assertEqual(self.provider.wechat_check_state, 'error', "this one does")

    @mute_logger(*LOGGERS)
    def test_a_code_that_nobody_knows_is_unknown(self):
        self._fault('err_code', SEND, err_code='BRAND_NEW', processed=False)
        packet = self._send(self._create_red_packet())
        self.assertEqual(packet.state, 'sending')

    @mute_logger(*LOGGERS)
    def test_the_user_s_limit_at_wechat_pay_is_refused_with_advice(self):
        self._control('POST', 'money_settings', red_packet_limit=1)
        self._send(self._create_red_packet())
        packet = self._send(self._create_red_packet())
        self.assertEqual((packet.state, packet.wechat_reason), ('refused', 'SENDNUM_LIMIT'))

    def test_what_wechat_pay_would_refuse_is_not_sent(self):
        cases = [
            {'kind': 'group', 'total_num': 2}, {'kind': 'group', 'total_num': 21},
            {'total_num': 2},
        ]
        for values in cases:
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self._create_red_packet(10, **values)
        self.provider.wechat_red_packet_min = 0.3
        packet = self._create_red_packet(0.99)
        with self.assertRaisesRegex(UserError, "scene"):
            self._send(packet)
        packet.with_user(self.preparer).scene_id = 'PRODUCT_1'
        self._send(packet)
        self.assertEqual(packet.state, 'waiting')

    def test_a_mini_program_s_identity_gets_no_red_packet(self):
        identity = self.identity.search([('app_id.app_type', '=', 'miniprogram')], limit=1)
        with self.assertRaisesRegex(ValidationError, "official account"):
            self._create_red_packet(identity_id=identity.id)

    @mute_logger(*LOGGERS)
    def test_without_the_certificate_nothing_is_begun(self):
        packet = self._create_red_packet()
        self.provider.wechat_merchant_certificate = False
        with self.assertRaises(WeChatPayMisconfigured):
            self._send(packet)
        self.assertEqual((packet.state, packet.mch_billno), ('draft', False))
