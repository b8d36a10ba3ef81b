# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.tests.push_common import LOGGERS, OPENID, PushCommon
from odoo.addons.wechat_official_account.models import wechat_app_template


@tagged('post_install', '-at_install')
class TestReplyPush(PushCommon):
    """What WeChat pushes over HTTP, and what is answered."""

    def _rule(self, **values):
        return self.env['wechat.reply.rule'].create({
            'name': "Rule", 'app_id': self.app.id, 'trigger': 'default', 'text': "Hello", **values,
        })

    def _identity(self):
        return self.env['wechat.identity'].search([
            ('app_id', '=', self.app.id), ('openid', '=', OPENID)])

    def test_message_is_answered_by_a_rule(self):
        self._rule()
        answer = self.read_answer(self.push(self.fields()))
        self.assertEqual((answer['Content'], answer['ToUserName']), ("Hello", OPENID))

    def test_news_are_answered_to_a_new_follower(self):
        self._rule(trigger='follow', answer_type='news', article_ids=[
            (0, 0, {'title': f"T{index}", 'url': 'https://shop.example.com'}) for index in range(3)
        ])
        answer = self.read_answer(self.push(self.event('subscribe', EventKey='')))
        self.assertEqual((answer['MsgType'], answer['ArticleCount']), ('news', '3'))
        self.assertTrue(self._identity().is_follower)

    def test_message_that_no_rule_fits_is_answered_with_success(self):
        self._rule(trigger='keyword', keywords="tea")
        self.assertSuccess(self.push(self.fields()))

    def test_plain_mode_tells_nobody_about_a_customer(self):
        partner = self.env['res.partner'].create({'name': "Li Lei"})
        self.env['wechat.identity'].create({
            'app_id': self.app.id, 'openid': OPENID, 'partner_id': partner.id})
        self._rule(text="Dear {{ object.name ||| customer }}")
        self.app.push_mode = 'plain'
        answer = self.push(self.fields(), 'plain').text
        self.assertIn("Dear customer", answer)
        self.assertNotIn("Li Lei", answer)

    # === FOLLOWERS === #

    def test_followers_come_and_go(self):
        self.assertSuccess(self.push(self.event('subscribe', CreateTime=1700000000)))
        identity = self._identity()
        self.assertFalse(identity.user_id)
        self.assertEqual(str(identity.followed_at), '2023-11-14 22:13:20')
        identity.nickname = "Li"
        self.assertSuccess(self.push(self.event('unsubscribe', CreateTime=1700000100)))
        identity.invalidate_recordset()
        self.assertFalse(identity.is_follower)
        self.assertEqual(str(identity.unfollowed_at), '2023-11-14 22:15:00')
        self.assertFalse(identity.nickname)

    @mute_logger(*LOGGERS)
    def test_follower_of_plain_mode_is_not_believed(self):
        self.app.push_mode = 'plain'
        self.assertSuccess(self.push(self.event('subscribe'), 'plain'))
        self.assertFalse(self._identity().is_follower)
        known = self.env['wechat.identity'].create({
            'app_id': self.app.id, 'openid': 'oOTHER', 'is_follower': True})
        self.assertSuccess(self.push(
            {**self.event('unsubscribe'), 'FromUserName': 'oOTHER'}, 'plain'))
        self.assertTrue(known.is_follower)

    # === DELIVERY === #

    def _log(self, **values):
        return self.env['wechat.message.log'].create({
            'app_id': self.app.id, 'kind': 'template', 'state': 'sent', 'msgid': '200163836',
            **values,
        })

    def test_delivery_of_a_message_is_noted(self):
        log = self._log()
        self.assertSuccess(self.push(self.event(
            'TEMPLATESENDJOBFINISH', MsgID=200163836, Status='success')))
        log.invalidate_recordset()
        self.assertEqual(log.state, 'delivered')

    def test_message_that_did_not_arrive_is_noted(self):
        for msgid, status, word in (
            ('1', 'failed:user block', 'user_blocked'),
            ('2', 'failed: system failed', 'wechat_busy'),
        ):
            log = self._log(msgid=msgid)
            self.push(self.event('TEMPLATESENDJOBFINISH', MsgID=msgid, Status=status))
            log.invalidate_recordset()
            self.assertEqual((log.state, log.error_code), ('failed', word))
            self.assertTrue(log.error)

    def test_delivery_of_another_app_or_of_nothing_changes_nothing(self):
        other = self.env['wechat.app'].create({
            'name': "Other", 'appid': 'wx00000000000000bb', 'app_type': 'official_account'})
        log = self._log(app_id=other.id)
        for msgid in (200163836, 5, ''):
            self.assertSuccess(self.push(self.event(
                'TEMPLATESENDJOBFINISH', MsgID=msgid, Status='success')))
        log.invalidate_recordset()
        self.assertEqual(log.state, 'sent')

    def test_delivery_that_is_told_before_our_own_note_is_noted(self):
        # The note of the message is committed while the event waits.
        log, _another = self._log(msgid=False, state='sending'), self._log(
            msgid=False, state='sending')
        note_delivery = type(self.app)._note_delivery
        self.patch(wechat_app_template, 'DELIVERY_WAITS', (0, 0, 0))

        def note(app, msgid, status):
            noted = note_delivery(app, msgid, status)
            if not noted:
                log.with_env(app.env).write({'msgid': msgid, 'state': 'sent'})
            return noted

        self.patch(type(self.app), '_note_delivery', note)
        self.assertSuccess(self.push(self.event(
            'TEMPLATESENDJOBFINISH', MsgID=77, Status='success')))
        log.invalidate_recordset()
        self.assertEqual((log.state, log.msgid), ('delivered', '77'))
