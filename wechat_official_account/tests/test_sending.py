# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_official_account.tests.account_common import LOGGERS, SEND, AccountCommon


@tagged('post_install', '-at_install')
class TestSending(AccountCommon):

    def _refuse(self, errcode):
        self.fake.answer('POST', SEND, {'errcode': errcode, 'errmsg': 'no'})

    def _send(self, partner=None):
        log = self.template._queue(partner or self.partner)
        self.run_cron()
        return log

    # === ONE MESSAGE === #

    def test_message_is_queued_and_sent_by_the_job(self):
        log = self.template._queue(self.partner)
        self.assertEqual(log.state, 'queued')
        self.assertFalse(self.fake.requests)
        self.run_cron()
        body, = self.sent()
        self.assertEqual(body, {
            'touser': 'oFOLLOWER', 'template_id': 'TEMPLATE_1',
            'client_msg_id': log.client_msg_id,
            'data': {
                'first': {'value': "Hello Li Lei"}, 'character_string1': {'value': 'C-1'},
                'thing2': {'value': "Tea lover"},
                'remark': {'value': "Thank you", 'color': '#FF0000'},
            },
        })
        self.assertEqual((log.state, log.msgid), ('sent', '200000001'))
        self.assertTrue(log.sent_at)

    def test_nothing_is_sent_twice(self):
        self._send()
        self.run_cron()
        self.assertEqual(len(self.sent()), 1)

    def test_server_action_sends_and_does_not_raise(self):
        action = self.env['ir.actions.server'].create({
            'name': "Tell the customer", 'state': 'wechat_message',
            'model_id': self.template.model_id.id, 'wechat_template_id': self.template.id,
        })
        stranger = self.env['res.partner'].create({'name': "Nobody"})
        partners = self.partner | stranger
        action.with_context(
            active_model='res.partner', active_ids=partners.ids, active_id=partners[0].id,
        ).run()
        logs = self.env['wechat.message.log'].search([('template_id', '=', self.template.id)])
        self.assertEqual({log.partner_id: log.state for log in logs}, {
            self.partner: 'queued', stranger: 'failed'})
        failed = logs.filtered(lambda log: log.partner_id == stranger)
        self.assertEqual(failed.error_code, 'not_linked')
        self.run_cron()
        self.assertEqual(len(self.sent()), 1)

    def test_server_action_with_a_template_for_other_records_is_warned_about(self):
        action = self.env['ir.actions.server'].create({
            'name': "x", 'state': 'wechat_message', 'model_id': self.template.model_id.id,
            'wechat_template_id': self.template.id,
        })
        self.assertFalse(action.warning)
        self.template.model_id = self.env['ir.model']._get('res.users')
        self.assertIn("other records", action.warning)

    def test_values_that_do_not_fit_are_noted_and_never_sent(self):
        self.partner.ref = "单号"
        log = self._send()
        self.assertEqual(log.state, 'failed')
        self.assertIn("does not fit", log.error)
        self.assertFalse(self.sent())

    def test_template_that_is_archived_or_not_ready_sends_nothing(self):
        self.template.active = False
        self.assertIn("archived", self._send().error)
        self.template.active = True
        self.lines['first'].text = False
        self.assertIn("not ready", self._send().error)
        self.assertFalse(self.sent())

    def test_who_left_is_noted_without_asking_wechat(self):
        self.identity._set_follower(False)
        log = self._send()
        self.assertEqual((log.state, log.error_code), ('failed', 'not_linked'))
        self.assertFalse(self.sent())

    def test_identity_that_follows_gets_the_message(self):
        self.identity._set_follower(False)
        self.add_follower('oNEW', self.partner, last_login=False)
        self._send()
        self.assertEqual(self.sent()[0]['touser'], 'oNEW')

    # === REFUSALS === #

    @mute_logger(*LOGGERS)
    def test_who_does_not_follow_is_noted_and_remembered(self):
        self._refuse(43004)
        log = self._send()
        self.assertEqual((log.state, log.errcode), ('failed', 43004))
        self.assertIn("does not follow", log.reason)
        self.assertFalse(self.identity.is_follower)
        self.assertTrue(self.identity.unfollowed_at)

    @mute_logger(*LOGGERS)
    def test_who_refuses_messages_is_noted_and_the_others_get_theirs(self):
        partners = self.add_partners(3)
        self.fake.answer('POST', SEND, lambda request: (
            {'errcode': 43101, 'errmsg': 'user refuse'}
            if request.json['touser'] == 'oMANY1' else {'errcode': 0, 'msgid': 5}
        ))
        logs = self._send(partners)
        self.assertEqual(logs.mapped('state'), ['sent', 'failed', 'sent'])
        self.assertTrue(self.identity.is_follower)

    @mute_logger(*LOGGERS)
    def test_quota_that_is_used_up_leaves_all_messages_for_tomorrow(self):
        partners = self.add_partners(3)
        self._refuse(45009)
        logs = self._send(partners)
        self.assertEqual(logs.mapped('state'), ['queued'] * 3)
        self.assertEqual(len(self.sent()), 1)
        self.assertTrue(logs[0].next_try > fields.Datetime.now())
        self.assertEqual((logs[0].next_try + timedelta(hours=8)).strftime('%H:%M'), '00:05')

    @mute_logger(*LOGGERS)
    def test_busy_wechat_is_tried_again_some_times_and_then_given_up(self):
        self._refuse(-1)
        log = self._send()
        for _attempt in range(4):
            self.assertEqual(log.state, 'queued')
            log.next_try = fields.Datetime.now() - timedelta(seconds=1)
            self.run_cron()
        self.assertEqual(log.state, 'failed')
        self.assertEqual(len(self.sent()), 5)
        self.assertEqual(len({body['client_msg_id'] for body in self.sent()}), 1)

    @mute_logger(*LOGGERS)
    def test_message_without_an_answer_is_unknown_and_not_sent_again(self):
        self.fake.answer('POST', SEND, None)
        log = self._send()
        self.assertEqual(log.state, 'unknown')
        self.assertIn("nobody knows", log.reason)
        self.run_cron()
        self.assertEqual(len(self.sent()), 1)

    @mute_logger(*LOGGERS)
    def test_message_that_never_left_is_tried_again(self):
        parameters = self.env['ir.config_parameter'].sudo()
        self.app._get_token()
        parameters.set_param('wechat.api_url', 'http://127.0.0.1:9')
        log = self._send()
        self.assertEqual((log.state, log.attempts), ('queued', 1))
        parameters.set_param('wechat.api_url', self.fake.url)
        log.next_try = False
        self.run_cron()
        self.assertEqual(log.state, 'sent')

    @mute_logger(*LOGGERS)
    def test_mistake_of_ours_stops_one_message_only(self):
        partners = self.add_partners(2)
        logs = self.template._queue(partners)
        logs[0].payload = {'data': 'x', 'url': [1]}
        deliver = type(logs)._deliver_template

        def fail(log):
            if log == logs[0]:
                raise ValueError("a mistake")
            return deliver(log)

        self.patch(type(logs), '_deliver_template', fail)
        self.run_cron()
        self.assertEqual(logs.mapped('state'), ['unknown', 'sent'])

    # === BY HAND === #

    @mute_logger(*LOGGERS)
    def test_failed_message_is_sent_again_under_a_new_number(self):
        self._refuse(43004)
        log = self._send()
        first = log.client_msg_id
        self.fake.answer('POST', SEND, {'errcode': 0, 'msgid': 7})
        log.action_send_again()
        self.run_cron()
        self.assertEqual((log.state, log.msgid, log.errcode), ('sent', '7', 0))
        self.assertNotEqual(log.client_msg_id, first)

    def test_message_that_was_never_made_or_was_sent_is_not_sent_again(self):
        log = self._send()
        with self.assertRaises(UserError):
            log.action_send_again()
        stranger = self.env['res.partner'].create({'name': "Nobody"})
        with self.assertRaises(UserError):
            self.template._queue(stranger).action_send_again()

    def test_message_that_waits_is_taken_back(self):
        log = self.template._queue(self.partner)
        log.action_cancel()
        self.run_cron()
        self.assertEqual(log.state, 'cancelled')
        self.assertFalse(self.sent())

    def test_claim_that_a_server_left_behind_is_unknown(self):
        log = self.template._queue(self.partner)
        log.write({'state': 'sending', 'claimed_at': fields.Datetime.now() - timedelta(hours=1)})
        self.run_cron()
        self.assertEqual(log.state, 'unknown')
        self.assertFalse(self.sent())

    def test_identity_sends_at_once_and_it_is_noted(self):
        msgid = self.identity._send_template_message(
            'TEMPLATE_1', {'first': "Hi", 'remark': {'value': "x", 'color': '#00FF00'}},
            url='https://shop.example.com',
        )
        body, = self.sent()
        self.assertEqual(body['data'], {
            'first': {'value': "Hi"}, 'remark': {'value': "x", 'color': '#00FF00'}})
        log = self.env['wechat.message.log'].search([('msgid', '=', msgid)])
        self.assertEqual((log.state, log.template_id), ('sent', self.template))
        self.assertEqual(body['client_msg_id'], log.client_msg_id)

    @mute_logger(*LOGGERS)
    def test_identity_that_left_is_refused(self):
        self._refuse(43004)
        with self.assertRefused('not_linked', 43004):
            self.identity._send_template_message(self.template, {'first': "Hi"})

    def test_message_shows_what_was_sent(self):
        log = self._send()
        self.assertIn("Hello Li Lei", log.preview)
        self.assertIn("订单号", log.preview)
        self.assertEqual(log.record_name, "Li Lei")
