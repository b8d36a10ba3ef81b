# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import wechat_identity_subscribe
from .subscribe_common import CALLS, DATA, SEND, SubscribeCommon

QUEUE = 'odoo.addons.wechat.models.wechat_message_log'


@tagged('post_install', '-at_install')
class TestSubscribeMessage(SubscribeCommon):

    def setUp(self):
        super().setUp()
        waits = patch.object(wechat_identity_subscribe, 'PARALLEL_WAITS', (0.01, 0.01, 0.01))
        waits.start()
        self.addCleanup(waits.stop)

    def answer(self, *answers):
        """Let WeChat give these answers, the last one for ever."""
        remaining = list(answers)
        self.fake.answer('POST', SEND, lambda request: (
            remaining.pop(0) if len(remaining) > 1 else remaining[0]
        ))

    def send(self, data=None, page='pages/a', template=None):
        return self.person._send_subscribe_message(
            template or self.template, page, DATA if data is None else data)

    # === SENT NOW === #

    def test_message_is_sent_and_uses_one_consent(self):
        self.give(2)
        self.assertEqual(self.send(page='/pages/a?b=1'), '3000000000000000001')
        self.assertEqual(self.sent(), [{
            'touser': 'openid-of-anna', 'template_id': 'TEMPLATE_1', 'page': 'pages/a?b=1',
            'miniprogram_state': 'formal', 'lang': 'en_US',
            'data': {key: {'value': value} for key, value in DATA.items()},
        }])
        self.assertEqual(self.consent().remaining, 1)
        self.assertTrue(self.consent().used_at)
        log = self.logs()
        self.assertEqual(
            (log.state, log.msgid, log.identity_id, log.partner_id),
            ('sent', '3000000000000000001', self.person, self.partner),
        )

    def test_state_and_language_are_always_sent(self):
        self.give()
        self.app.miniprogram_state = 'trial'
        self.partner.lang = 'zh_CN'
        self.send(page='', template='TEMPLATE_1')
        body, = self.sent()
        self.assertEqual((body['miniprogram_state'], body['lang']), ('trial', 'zh_CN'))
        self.assertNotIn('page', body)

    def test_consent_is_used_once(self):
        self.give()
        self.send()
        with self.assertRefused('user_blocked'):
            self.send()
        self.assertEqual(len(self.sent()), 1)
        self.assertEqual(self.logs().mapped('state'), ['sent', 'failed'])

    def test_without_a_consent_wechat_is_not_asked(self):
        with self.assertRefused('user_blocked') as refused:
            self.send()
        self.assertIn("has not agreed", str(refused.exception))
        self.assertFalse(self.sent())

    def test_consent_of_somebody_else_or_to_another_template_does_not_count(self):
        other = self.add_template('TEMPLATE_2')
        self.give(template=other)
        with self.assertRefused('user_blocked'):
            self.send()

    def test_template_of_another_app_is_refused(self):
        template = self.add_template('TEMPLATE_OF_OTHER', app=self.create_app())
        for wrong in (template, 'TEMPLATE_OF_OTHER', 'unknown', None,
                      self.env['wechat.message.template']):
            with self.subTest(template=wrong), self.assertRefused('bad_request'):
                self.person._send_subscribe_message(wrong, '', DATA)
        self.assertFalse(self.sent())

    def test_values_that_do_not_fit_cost_neither_a_call_nor_a_consent(self):
        self.give()
        for changes, word in (
            ({'character_string2': "单号"}, "单号"), ({'enum_string3': "在路上"}, "已签收"),
            ({'thing1': ''}, "商品"), ({'more': 'x'}, 'more'), ({'thing1': None}, "商品"),
        ):
            with self.subTest(changes=changes), self.assertRefused('bad_request') as refused:
                self.send({**DATA, **changes})
            self.assertIn(word, str(refused.exception))
        with self.assertRefused('bad_request'):
            self.send({'thing1': "绿茶"})
        self.assertFalse(self.sent())
        self.assertEqual(self.consent().remaining, 1)

    def test_texts_that_are_too_long_are_cut(self):
        self.give()
        self.send({**DATA, 'thing1': {'value': "字\n" * 30}})
        value = self.sent()[0]['data']['thing1']['value']
        self.assertLessEqual(len(value), 20)
        self.assertNotIn('\n', value)

    def test_what_is_no_page_costs_no_consent(self):
        self.give()
        for page in ("页面", 'pages a', 'pages/a?b=中'):
            with self.subTest(page=page), self.assertRefused('bad_request'):
                self.send(page=page)
        self.assertEqual(self.consent().remaining, 1)

    def test_message_that_is_accepted_without_a_number_is_sent(self):
        self.give()
        self.answer({'errcode': 0, 'errmsg': 'ok'})
        self.assertEqual(self.send(), '')
        self.assertEqual(self.logs().state, 'sent')

    # === REFUSALS === #

    @mute_logger(CALLS)
    def test_consent_is_given_back_when_wechat_certainly_did_not_take_it(self):
        self.give()
        for errcode, word in (
            (47003, 'bad_request'), (41030, 'bad_request'), (40037, 'bad_request'),
            (43107, 'bad_request'), (45009, 'rate_limited'), (45168, 'bad_request'),
            (40003, 'bad_request'),
        ):
            self.answer({'errcode': errcode, 'errmsg': 'no'})
            with self.subTest(errcode=errcode), self.assertRefused(word, errcode):
                self.send()
            self.assertEqual(self.consent().remaining, 1)
            self.assertEqual((self.logs()[-1].state, self.logs()[-1].errcode), ('failed', errcode))

    @mute_logger(CALLS)
    def test_consent_counts_as_used_up_when_wechat_says_so(self):
        self.give(3)
        self.answer({'errcode': 43101, 'errmsg': 'user refuse to accept the msg'})
        with self.assertRefused('user_blocked', 43101):
            self.send()
        self.assertEqual(self.consent().remaining, 0)
        with self.assertRefused('user_blocked'):
            self.send()
        self.assertEqual(len(self.sent()), 1)

    @mute_logger(CALLS)
    def test_field_that_wechat_does_not_take_is_named(self):
        self.give()
        self.answer({'errcode': 47003, 'errmsg': 'argument invalid! data.character_string2.value'})
        with self.assertRefused('bad_request', 47003) as refused:
            self.send()
        for word in ("单号", 'character_string2', 'S00042'):
            self.assertIn(word, str(refused.exception))
            self.assertIn(word, self.logs().reason)
        self.assertNotIn('thing1', self.logs().reason)

    @mute_logger(CALLS)
    def test_parallel_messages_are_tried_again_one_after_the_other(self):
        self.give()
        busy = {'errcode': 43108, 'errmsg': 'concurrent'}
        self.answer(busy, busy, {'errcode': 0, 'msgid': 5})
        self.assertEqual(self.send(), '5')
        self.assertEqual(len(self.sent()), 3)
        self.assertEqual(self.consent().remaining, 0)

    @mute_logger(CALLS)
    def test_parallel_messages_are_not_tried_for_ever(self):
        self.give()
        self.answer({'errcode': 43108})
        with self.assertRefused('wechat_busy', 43108):
            self.send()
        self.assertEqual(len(self.sent()), 4)
        self.assertEqual(self.consent().remaining, 1)

    @mute_logger(CALLS)
    def test_missing_answer_uses_the_consent_and_is_not_sent_again(self):
        self.give(2)
        self.answer(None)
        with self.assertRefused('wechat_unavailable'):
            self.send()
        self.assertEqual(self.consent().remaining, 1)
        self.assertEqual((self.logs().state, self.logs().has_consent), ('unknown', True))
        self.run_cron()
        self.assertEqual(len(self.sent()), 1)

    @mute_logger(CALLS)
    def test_busy_wechat_may_have_taken_it(self):
        self.give()
        self.answer({'errcode': -1})
        with self.assertRefused('wechat_busy', -1):
            self.send()
        self.assertEqual(self.consent().remaining, 0)

    @mute_logger(CALLS)
    def test_request_that_never_left_gives_the_consent_back(self):
        self.give()
        self.person.app_id._get_token()
        self.env['ir.config_parameter'].set_param('wechat.api_url', 'http://127.0.0.1:9')
        with self.assertRefused('wechat_unavailable'):
            self.send()
        self.assertEqual(self.consent().remaining, 1)
        self.assertEqual((self.logs().state, self.logs().has_consent), ('failed', False))

    # === THROUGH THE QUEUE === #

    def test_message_about_a_record_is_queued_and_sent(self):
        self.give()
        self.partner.write({'name': "陈 & 茶", 'lang': 'zh_CN'})
        log = self.template._queue(self.partner)
        self.assertEqual((log.state, log.kind), ('queued', 'subscribe'))
        self.run_cron()
        body, = self.sent()
        self.assertEqual(
            body['page'],
            f'pages/contact/contact?id={self.partner.id}&name=%E9%99%88%20%26%20%E8%8C%B6',
        )
        self.assertEqual(body['data'], {
            'thing1': {'value': "陈 & 茶"}, 'character_string2': {'value': 'C-1'},
            'enum_string3': {'value': "已发货"},
        })
        self.assertEqual((body['lang'], body['miniprogram_state']), ('zh_CN', 'formal'))
        self.assertEqual((log.state, self.consent().remaining), ('sent', 0))

    def test_without_a_consent_the_flow_goes_on_and_the_reason_is_noted(self):
        log = self.template._queue(self.partner)
        self.assertEqual(log.state, 'failed')
        self.assertIn("has not agreed", log.reason)

    @mute_logger(CALLS)
    def test_two_messages_and_one_consent_are_one_message(self):
        self.give()
        logs = self.template._queue(self.partner) + self.template._queue(self.partner)
        self.run_cron()
        self.assertEqual(len(self.sent()), 1)
        self.assertEqual(logs.mapped('state'), ['sent', 'failed'])
        self.assertIn("has not agreed", logs[1].reason)

    @mute_logger(CALLS)
    def test_message_that_is_tried_again_uses_no_second_consent(self):
        self.give()
        self.answer({'errcode': -1}, {'errcode': 0, 'msgid': 7})
        log = self.template._queue(self.partner)
        self.run_cron()
        self.assertEqual((log.state, log.has_consent), ('queued', True))
        self.assertEqual(self.consent().remaining, 0)
        log.next_try = fields.Datetime.now()
        self.run_cron()
        self.assertEqual((log.state, log.msgid), ('sent', '7'))

    @mute_logger(CALLS)
    def test_quota_waits_for_midnight_and_leaves_the_consent(self):
        self.give()
        self.answer({'errcode': 45009}, {'errcode': 0, 'msgid': 7})
        log = self.template._queue(self.partner)
        self.run_cron()
        self.assertEqual((log.state, log.has_consent), ('queued', False))
        self.assertTrue(log.next_try)
        self.assertEqual(self.consent().remaining, 1)
        log.next_try = fields.Datetime.now()
        self.run_cron()
        self.assertEqual((log.state, self.consent().remaining), ('sent', 0))

    @mute_logger(CALLS)
    def test_missing_answer_of_a_queued_message_is_unknown(self):
        self.give(2)
        self.answer(None)
        log = self.template._queue(self.partner)
        self.run_cron()
        self.run_cron()
        self.assertEqual((log.state, log.has_consent), ('unknown', True))
        self.assertEqual((len(self.sent()), self.consent().remaining), (1, 1))

    @mute_logger(CALLS)
    def test_unknown_message_sent_again_by_a_person_uses_the_same_consent(self):
        self.give()
        self.answer(None, {'errcode': 0, 'msgid': 7})
        log = self.template._queue(self.partner)
        self.run_cron()
        log.action_send_again()
        self.run_cron()
        self.assertEqual((log.state, self.consent().remaining), ('sent', 0))

    @mute_logger(CALLS)
    def test_refused_message_sent_again_by_a_person_uses_a_consent(self):
        self.give()
        self.answer({'errcode': 41030}, {'errcode': 0, 'msgid': 7})
        log = self.template._queue(self.partner)
        self.run_cron()
        self.assertEqual((log.state, self.consent().remaining), ('failed', 1))
        log.action_send_again()
        self.run_cron()
        self.assertEqual((log.state, self.consent().remaining), ('sent', 0))

    def test_server_action_sends_it(self):
        self.give()
        action = self.env['ir.actions.server'].create({
            'name': "Tell the customer", 'state': 'wechat_message',
            'model_id': self.template.model_id.id, 'wechat_template_id': self.template.id,
        })
        action.with_context(
            active_model='res.partner', active_ids=self.partner.ids, active_id=self.partner.id,
        ).run()
        self.run_cron()
        self.assertEqual(len(self.sent()), 1)

    def test_button_sends_it(self):
        self.give()
        composer = self.env['wechat.message.composer'].with_context(
            active_model='res.partner', active_ids=self.partner.ids,
            default_template_id=self.template.id,
        ).create({})
        self.assertFalse(composer.problem)
        self.assertIn('pages/contact/contact', composer.jump_to)
        composer.action_send()
        self.run_cron()
        self.assertEqual(len(self.sent()), 1)
