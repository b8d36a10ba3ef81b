# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.protocol.messages import Message
from odoo.addons.wechat_official_account.tests.account_common import AccountCommon

MATERIAL = '/cgi-bin/material/add_material'
PNG = base64.b64encode(base64.b64decode(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
))


@tagged('post_install', '-at_install')
class TestReply(AccountCommon):

    def _rule(self, **values):
        return self.env['wechat.reply.rule'].create({
            'name': "Rule", 'app_id': self.app.id, 'trigger': 'default', 'text': "default",
            **values,
        })

    def _keyword(self, keywords, **values):
        return self._rule(**{
            'trigger': 'keyword', 'keywords': keywords, 'text': keywords, **values,
        })

    def _say(self, text, openid='oFOLLOWER', **fields):
        """Return what is answered to a text."""
        message = Message({
            'MsgType': 'text', 'FromUserName': openid, 'ToUserName': 'gh_1', 'Content': text,
            'CreateTime': '1700000000', **fields,
        })
        message.is_body_signed = True
        return self.app._on_message(message)

    def _event(self, name, key='', openid='oFOLLOWER'):
        message = Message({
            'MsgType': 'event', 'Event': name, 'FromUserName': openid, 'EventKey': key,
            'CreateTime': '1700000000',
        })
        message.is_body_signed = True
        return self.app._on_message(message)

    # === WHICH RULE === #

    def test_keywords_are_found_whatever_their_case(self):
        self._keyword("price\n价格", text="See the list")
        for text in ("price", "What is the PRICE?", " 价格多少 "):
            self.assertEqual(self._say(text)['Content'], "See the list")
        self.assertIsNone(self._say("hello"))

    def test_keyword_may_have_to_be_the_whole_message(self):
        self._keyword("hi", match='equals')
        self.assertEqual(self._say(" HI ")['Content'], "hi")
        self.assertIsNone(self._say("hi there"))

    def test_first_rule_that_fits_wins(self):
        self._keyword("tea", sequence=20, text="second")
        self._rule(trigger='regex', pattern='te.', sequence=10, text="first")
        self._rule(sequence=1)
        self.assertEqual(self._say("tea")['Content'], "first")
        self._keyword("tea", sequence=5, text="zeroth")
        self.assertEqual(self._say("tea")['Content'], "zeroth")
        self.assertEqual(self._say("ten")['Content'], "first")

    def test_default_answers_what_no_other_rule_does(self):
        self._rule(sequence=1)
        self._keyword("tea", sequence=9, text="tea")
        self.assertEqual(self._say("tea")['Content'], "tea")
        self.assertEqual(self._say("coffee")['Content'], "default")
        self.assertEqual(self._say('', MsgType='image', MediaId='x')['Content'], "default")

    def test_archived_rules_and_rules_of_other_accounts_are_silent(self):
        self._keyword("tea").active = False
        other = self.env['wechat.app'].create({
            'name': "Other", 'appid': 'wx00000000000000bb', 'app_type': 'official_account',
        })
        self._keyword("tea", app_id=other.id)
        self.assertIsNone(self._say("tea"))

    def test_following_is_answered(self):
        self._rule()
        self._rule(trigger='follow', text="Welcome")
        self.assertEqual(self._event('subscribe')['Content'], "Welcome")
        self.assertIsNone(self._event('unsubscribe'))
        self.assertIsNone(self._event('view', 'https://example.com'))

    def test_scanned_code_is_answered_whether_new_follower_or_old(self):
        self._rule(trigger='scan', event_key='table7', text="Table 7", sequence=1)
        self._rule(trigger='follow', text="Welcome", sequence=2)
        self.assertEqual(self._event('scan', 'table7')['Content'], "Table 7")
        self.assertEqual(self._event('subscribe', 'qrscene_table7')['Content'], "Table 7")
        self.assertEqual(self._event('subscribe', 'qrscene_other')['Content'], "Welcome")
        self.assertIsNone(self._event('scan', 'other'))

    def test_menu_button_is_answered_by_its_key(self):
        self._rule(trigger='click', event_key='HOURS', text="9 to 5")
        self.assertEqual(self._event('click', 'HOURS')['Content'], "9 to 5")
        self.assertIsNone(self._event('click', 'hours'))
        self._rule(trigger='click', text="Some button")
        self.assertEqual(self._event('click', 'hours')['Content'], "Some button")

    def test_other_apps_answer_nothing(self):
        self._rule()
        self.app.app_type = 'miniprogram'
        self.assertIsNone(self._say("hello"))

    # === WHAT IS ANSWERED === #

    def test_text_has_fields_of_the_customer(self):
        self._rule(text="Dear {{ object.name ||| customer }}")
        self.assertEqual(self._say("x")['Content'], "Dear Li Lei")
        self.assertEqual(self._say("x", openid='oSTRANGER')['Content'], "Dear customer")

    def test_news_have_one_article_for_messages_and_eight_for_events(self):
        article = {'title': "New tea", 'url': 'https://shop.example.com/tea'}
        rule = self._rule(answer_type='news', article_ids=[(0, 0, article)])
        reply = self._say("x")
        self.assertEqual((reply['MsgType'], reply['Articles'][0]['Title']), ('news', "New tea"))
        with self.assertRaises(ValidationError):
            rule.article_ids = [(0, 0, article)]
        rule.write({'trigger': 'follow'})
        rule.article_ids = [(0, 0, article)] * 7
        self.assertEqual(self._event('subscribe')['ArticleCount'], 8)
        with self.assertRaises(ValidationError):
            rule.article_ids = [(0, 0, article)]

    def test_chat_is_handed_over(self):
        rule = self._rule(answer_type='transfer', kf_account='li@teahouse')
        self.assertEqual(self._say("x"), {
            'MsgType': 'transfer_customer_service', 'TransInfo': {'KfAccount': 'li@teahouse'}})
        with self.assertRaises(ValidationError):
            rule.trigger = 'follow'

    def test_picture_is_uploaded_when_it_is_needed_and_once(self):
        self.fake.answer('POST', MATERIAL, {'media_id': 'MEDIA', 'url': 'http://x'})
        rule = self._rule(answer_type='image', image=PNG)
        self.assertEqual(self._say("x"), {'MsgType': 'image', 'Image': {'MediaId': 'MEDIA'}})
        self.assertEqual(self._say("x")['MsgType'], 'image')
        request, = self.fake.calls(MATERIAL)
        self.assertIn(b'name="media"; filename="reply.png"', request.body)
        self.assertEqual(request.query['type'], 'image')
        rule.image = PNG
        self.assertFalse(rule.media_id)

    @mute_logger('odoo.addons.wechat_official_account.models.wechat_app_reply',
                 'odoo.addons.wechat.models.wechat_app_request')
    def test_picture_that_cannot_be_uploaded_is_no_answer(self):
        self.fake.answer('POST', MATERIAL, {'errcode': 45009, 'errmsg': 'quota'})
        rule = self._rule(answer_type='image', image=PNG)
        self.assertIsNone(self._say("x"))
        with self.assertRefused('rate_limited', 45009):
            rule.action_upload_image()

    def _server_action(self, code, model='wechat.identity'):
        return self.env['ir.actions.server'].create({
            'name': "Answer", 'state': 'code', 'model_id': self.env['ir.model']._get(model).id,
            'code': code,
        })

    def test_server_action_says_the_answer(self):
        action = self._server_action(
            "text = env.context['wechat_message']['Content']\n"
            "action = '%s: %s' % (record.partner_id.name, text)",
        )
        self._rule(answer_type='action', action_id=action.id)
        self.assertEqual(self._say("hello"), {'MsgType': 'text', 'Content': "Li Lei: hello"})

    def test_server_action_is_chosen_by_settings_administrators_only(self):
        action = self._server_action("action = 'x'")
        manager = new_test_user(self.env, 'rule_manager', groups='wechat.group_manager')
        rules = self.env['wechat.reply.rule'].with_user(manager)
        values = {'name': "x", 'app_id': self.app.id, 'trigger': 'default', 'text': "x"}
        rule = rules.create(values)
        for change in (
            lambda: rules.create({**values, 'answer_type': 'action', 'action_id': action.id}),
            lambda: rule.write({'answer_type': 'action', 'action_id': action.id}),
        ):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                change()
        admin = new_test_user(self.env, 'rule_admin', groups='base.group_system')
        rule.with_user(admin).write({'answer_type': 'action', 'action_id': action.id})
        self.assertEqual(self._say("hello")['Content'], 'x')

    def test_server_action_that_says_nothing_answers_nothing(self):
        action = self._server_action("record.write({'nickname': 'met'})")
        self._rule(answer_type='action', action_id=action.id)
        self.assertIsNone(self._say("hello"))
        self.assertEqual(self.identity.nickname, 'met')

    def test_rule_may_answer_nothing(self):
        self._keyword("spam", answer_type='none', sequence=1)
        self._rule()
        self.assertIsNone(self._say("spam"))
        self.assertEqual(self._say("x")['Content'], "default")

    # === WHAT IS REFUSED === #

    def test_rules_that_cannot_work_are_refused(self):
        wrong_action = self._server_action("pass", 'res.partner')
        for values in (
            {'trigger': 'regex', 'pattern': '('},
            {'trigger': 'regex', 'pattern': '(a+)+$'},
            {'trigger': 'regex', 'pattern': 'a' * 201},
            {'trigger': 'keyword', 'keywords': ' \n '},
            {'text': ' '}, {'text': "字" * 683}, {'text': "{{ object.unlink() }}"},
            {'text': "{{ object.image_1920 }}"},
            {'answer_type': 'image'}, {'answer_type': 'news'}, {'answer_type': 'action'},
            {'answer_type': 'action', 'action_id': wrong_action.id},
            {'answer_type': 'news', 'article_ids': [(0, 0, {'title': "x", 'url': 'javascript:1'})]},
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self._rule(**values)

    def test_rules_are_for_official_accounts(self):
        miniprogram = self.env['wechat.app'].create({
            'name': "Shop", 'appid': 'wx0000000000000003', 'app_type': 'miniprogram',
        })
        with self.assertRaises(UserError):
            self._rule(app_id=miniprogram.id)

    def test_rules_are_for_administrators(self):
        rule = self._rule()
        manager = new_test_user(self.env, 'manager', groups='wechat.group_manager')
        rule.with_user(manager).text = "new"
        self.env['wechat.menu'].with_user(manager).search([])
        with mute_logger('odoo.addons.base.models.ir_model'):
            for groups in ('wechat.group_user', 'base.group_user', 'base.group_portal'):
                user = new_test_user(self.env, groups.replace('.', '_'), groups=groups)
                for model in ('wechat.reply.rule', 'wechat.reply.article', 'wechat.menu',
                              'wechat.menu.button', 'wechat.follower.sync'):
                    with self.assertRaises(AccessError):
                        self.env[model].with_user(user).search([])
                with self.assertRaises(AccessError):
                    rule.with_user(user).write({'text': "x"})

    # === TRY IT === #

    def test_try_it_shows_which_rule_answers(self):
        self._keyword("tea", name="Teas", sequence=1, text="Green or black?")
        rule = self._keyword("coffee", sequence=2)
        with Form(rule) as form:
            form.try_text = "I want tea"
            self.assertIn("Green or black?", form.try_answer)
            self.assertIn("Teas", form.try_answer)
            form.try_text = "coffee?"
            self.assertIn("By this rule", form.try_answer)
            form.try_text = "water"
            self.assertIn("no rule fits", form.try_answer)
            form.keywords = "water"
            self.assertIn("By this rule", form.try_answer)
            form.try_kind = 'follow'
            self.assertIn("no rule fits", form.try_answer)
        self.assertFalse(self.fake.requests)

    def test_try_it_works_before_the_rule_is_saved(self):
        self._rule(name="Rest")
        form = Form(self.env['wechat.reply.rule'])
        form.name, form.app_id, form.trigger = "New", self.app, 'regex'
        form.try_text = "order 5"
        form.pattern = '('
        self.assertIn("position 0", form.try_answer)
        form.pattern = r'order \d'
        form.text = "<b>Order</b> {{ object.name ||| yours }}"
        self.assertIn("By this rule", form.try_answer)
        self.assertIn("&lt;b&gt;Order&lt;/b&gt; yours", form.try_answer)
