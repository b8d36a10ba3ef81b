# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.models import wechat_push_message
from odoo.addons.wechat.protocol import replies
from odoo.addons.wechat.push_outcome import Outcome
from odoo.addons.wechat.tests.push_common import LOGGERS, OPENID, PushCommon

SEND = '/cgi-bin/message/custom/send'


@tagged('post_install', '-at_install')
class TestPushHandling(PushCommon):

    def setUp(self):
        super().setUp()
        self.fake.answer('POST', SEND, {'errcode': 0, 'errmsg': 'ok'})

    def age(self, rows, **delta):
        rows.received_at = fields.Datetime.now() - timedelta(**delta)
        self.env.flush_all()

    def recover(self):
        """Run the cron."""
        with self.enter_registry_test_mode():
            self.env.ref('wechat.cron_recover_push_messages').method_direct_trigger()

    def leave_behind(self, message):
        """Return the row of a message whose server was ended before it was handled."""
        model = type(self.env['wechat.push.message'])
        handle, wait = model._handle, wechat_push_message.WAIT
        model._handle, wechat_push_message.WAIT = lambda *arguments, **options: None, 0
        try:
            self.assertSuccess(self.push(message))
        finally:
            model._handle, wechat_push_message.WAIT = handle, wait
        return self.rows()

    # === ONCE === #

    def test_second_delivery_is_not_handled_again_and_gets_the_same_reply(self):
        self.handle_with(lambda app, message: f"Tea {len(self.received)}")
        for message in (self.fields(), self.event('CLICK', EventKey='menu')):
            self.received.clear()
            first, second = (self.read_answer(self.push(message)) for _delivery in range(2))
            self.assertEqual(first['Content'], "Tea 1")
            self.assertEqual(second['Content'], "Tea 1")
            self.assertEqual(len(self.received), 1)

    def test_message_that_comes_once_as_xml_and_once_as_json_is_the_same(self):
        self.handle_with(lambda app, message: None)
        event = self.event('CLICK', EventKey='menu')
        for is_json in (False, True):
            self.assertSuccess(self.push(event, is_json=is_json))
        self.assertEqual(len(self.received), 1)

    def test_messages_that_differ_are_handled_each(self):
        self.handle_with(lambda app, message: None)
        event = self.event('CLICK', EventKey='menu')
        for message in (
            event, {**event, 'EventKey': 'other'}, {**event, 'FromUserName': 'oOTHER'},
            {**event, 'CreateTime': event['CreateTime'] + 1}, {**event, 'Event': 'VIEW'},
            self.fields(), self.fields(),
        ):
            self.assertSuccess(self.push(message))
        self.assertEqual(len(self.received), 7)

    def test_apps_do_not_share_messages(self):
        self.handle_with(lambda app, message: None)
        other = self.app.copy({'appid': 'wx0000000000000008', 'push_token': 'teahouse2026'})
        other.push_mode = self.app.push_mode = 'plain'
        message = self.fields()
        self.push(message, 'plain')
        self.push(message, 'plain', appid=other.appid)
        self.assertEqual(len(self.received), 2)

    def test_second_delivery_of_a_message_that_failed_is_not_handled_again(self):
        self.handle_with(lambda app, message: 1 / 0)
        message = self.fields()
        with mute_logger(*LOGGERS):
            for _delivery in range(2):
                self.assertSuccess(self.push(message))
        self.assertEqual(len(self.received), 1)

    # === HANDLERS === #

    def test_handler_is_superuser_with_company_and_language_of_the_app(self):
        company = self.env['res.company'].create({'name': "Second"})
        self.env['res.lang']._activate_lang('zh_CN')
        self.app.write({'company_id': company.id, 'lang': 'zh_CN'})
        seen = []
        self.handle_with(lambda app, message: seen.append(
            (app.env.su, app.env.company, app.env.lang)))
        self.assertSuccess(self.push(self.fields()))
        self.assertEqual(seen, [(True, company, 'zh_CN')])

    @mute_logger(*LOGGERS)
    def test_failing_handler_is_answered_success_and_changes_nothing(self):
        def fail(app, message):
            app.env['res.partner'].create({'name': "Left by a handler that failed"})
            raise ValueError("no tea left")

        self.handle_with(fail)
        self.assertSuccess(self.push(self.fields()))
        row = self.rows()
        self.assertEqual((row.state, row.error), ('failed', "ValueError: no tea left"))
        self.assertFalse(self.env['res.partner'].search(
            [('name', '=', "Left by a handler that failed")]))

    @mute_logger(*LOGGERS)
    def test_handler_that_returns_no_reply_fails(self):
        for nonsense in (5, ['x'], {'a': 1}, {'MsgType': 'text'}, {'MsgType': 'nonsense'}):
            self.handle_with(lambda app, message, nonsense=nonsense: nonsense)
            with self.subTest(nonsense=nonsense):
                self.assertSuccess(self.push(self.fields()))
                self.assertEqual(self.rows()[-1].state, 'failed')

    def test_handler_that_collides_is_run_again(self):
        def collide_once(app, message):
            if len(self.received) == 1:
                raise ConcurrencyError("first")
            return "Tea"

        self.handle_with(collide_once)
        with mute_logger('odoo.service.model'):
            answer = self.read_answer(self.push(self.fields()))
        self.assertEqual(answer['Content'], "Tea")
        self.assertEqual(len(self.received), 2)

    # === LATE REPLIES === #

    def test_late_reply_goes_by_customer_service_message(self):
        self.patch(wechat_push_message, 'WAIT', 0)
        self.handle_with(lambda app, message: "Tea")
        message = self.fields()
        self.assertSuccess(self.push(message))
        sent, = self.fake.calls(SEND)
        self.assertEqual(
            sent.json, {'touser': OPENID, 'msgtype': 'text', 'text': {'content': "Tea"}})
        self.assertEqual(self.rows().state, 'done')
        self.assertSuccess(self.push(message))
        self.assertEqual(len(self.fake.calls(SEND)), 1)

    @mute_logger(*LOGGERS, 'odoo.addons.wechat.models.wechat_app_request')
    def test_late_reply_that_wechat_refuses_is_shown_and_not_repeated(self):
        self.patch(wechat_push_message, 'WAIT', 0)
        self.fake.answer('POST', SEND, {'errcode': 45015, 'errmsg': 'out of time'})
        self.handle_with(lambda app, message: "Tea")
        self.assertSuccess(self.push(self.fields()))
        row = self.rows()
        self.assertEqual(row.state, 'failed')
        self.assertIn('48', row.error)
        self.age(row, minutes=2)
        self.recover()
        self.assertEqual(len(self.fake.calls(SEND)), 1)

    @mute_logger(*LOGGERS, 'odoo.addons.wechat.models.wechat_app_request')
    def test_late_reply_that_may_have_arrived_is_not_repeated(self):
        self.patch(wechat_push_message, 'WAIT', 0)
        self.fake.answer('POST', SEND, None)
        self.handle_with(lambda app, message: "Tea")
        self.assertSuccess(self.push(self.fields()))
        self.assertEqual(self.rows().state, 'failed')

    @mute_logger(*LOGGERS, 'odoo.addons.wechat.models.wechat_app_request')
    def test_late_reply_is_repeated_while_wechat_is_busy(self):
        self.patch(wechat_push_message, 'WAIT', 0)
        self.fake.answer('POST', SEND, {'errcode': -1})
        self.handle_with(lambda app, message: "Tea")
        self.assertSuccess(self.push(self.fields()))
        row = self.rows()
        self.assertEqual(row.state, 'to_send')
        self.age(row, minutes=2)
        self.fake.answer('POST', SEND, {'errcode': 0})
        self.recover()
        self.assertEqual(self.rows().state, 'done')
        self.assertEqual(len(self.fake.calls(SEND)), 2)

    @mute_logger(*LOGGERS)
    def test_chat_is_not_handed_over_too_late(self):
        self.patch(wechat_push_message, 'WAIT', 0)
        self.handle_with(lambda app, message: replies.transfer_customer_service())
        self.assertSuccess(self.push(self.fields()))
        self.assertEqual(self.rows().state, 'failed')
        self.assertFalse(self.fake.calls(SEND))

    def test_outcome_is_delivered_by_one_of_both(self):
        waiting = Outcome(60)
        self.assertTrue(waiting.claim())
        self.assertTrue(waiting.deliver('reply'))
        self.assertEqual(waiting.wait(), 'reply')
        over = Outcome(0)
        self.assertIsNone(over.wait())
        self.assertFalse(over.claim())
        self.assertFalse(over.deliver('reply'))
        self.assertIsNone(over.wait())

    # === WHAT A SERVER LEFT BEHIND === #

    def test_what_a_server_left_behind_is_handled_by_the_cron_and_answered(self):
        self.handle_with(lambda app, message: f"Tea for {message['Content']}")
        row = self.leave_behind(self.fields())
        self.assertEqual(row.state, 'new')
        self.recover()
        self.assertEqual(self.rows().state, 'new', "it is younger than what the cron takes up")
        self.age(row, minutes=1)
        self.recover()
        self.assertEqual(self.rows().state, 'done')
        self.assertEqual(
            self.fake.calls(SEND)[0].json['text']['content'], "Tea for 你好，世界😀")
        self.assertEqual(len(self.received), 1)
        self.assertTrue(self.received[0].is_body_signed)

    def test_second_delivery_takes_up_what_a_server_left_behind(self):
        self.handle_with(lambda app, message: "Tea")
        message = self.fields()
        self.leave_behind(message)
        self.assertEqual(self.read_answer(self.push(message))['Content'], "Tea")

    @mute_logger(*LOGGERS)
    def test_message_that_ends_its_server_every_time_is_given_up(self):
        self.handle_with(lambda app, message: "Tea")
        row = self.leave_behind(self.fields())
        self.age(row, minutes=1)
        row.tries = 3
        self.env.flush_all()
        self.recover()
        self.assertEqual(self.rows().state, 'failed')
        self.assertFalse(self.received)

    def test_failed_message_can_be_handled_again(self):
        self.handle_with(lambda app, message: 1 / 0)
        with mute_logger(*LOGGERS):
            self.push(self.fields())
        self.handle_with(lambda app, message: "Tea")
        row = self.rows()
        row.action_handle_again()
        self.age(row, minutes=1)
        self.recover()
        self.assertEqual(self.rows().state, 'done')
        with self.assertRaises(UserError):
            row.action_handle_again()

    # === WHAT IS KEPT === #

    def test_words_of_people_are_deleted_once_they_are_handled(self):
        self.handle_with(lambda app, message: "Tea")
        self.push(self.fields())
        row = self.rows()
        self.assertFalse(row.content)
        self.assertIn("Tea", row.reply)
        self.age(row, hours=2)
        row._gc_messages()
        row.invalidate_recordset()
        self.assertFalse(row.reply)
        self.age(row, days=8)
        row._gc_messages()
        self.assertFalse(self.rows())

    def test_messages_are_for_administrators_and_their_texts_for_those_of_the_settings(self):
        self.push(self.fields())
        row = self.rows()
        manager = new_test_user(self.env, 'push_manager', groups='wechat.group_manager')
        as_manager = row.with_user(manager)
        self.assertEqual(as_manager.openid, OPENID)
        for name in ('content', 'reply'):
            with self.assertRaises(AccessError):
                as_manager.read([name])
        with self.assertRaises(AccessError):
            as_manager.write({'state': 'new'})
        employee = new_test_user(self.env, 'push_employee', groups='base.group_user')
        with self.assertRaises(AccessError):
            row.with_user(employee).read(['openid'])
        with self.assertRaises(AccessError):
            row.with_user(employee).action_handle_again()

    def test_messages_of_another_company_are_not_seen(self):
        self.push(self.fields())
        row = self.rows()
        self.app.company_id = self.env['res.company'].create({'name': "Second"})
        manager = new_test_user(self.env, 'push_manager', groups='wechat.group_manager')
        self.assertFalse(self.env['wechat.push.message'].with_user(manager).search(
            [('id', '=', row.id)]))
