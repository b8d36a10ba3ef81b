# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import time

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.protocol import messages, replies
from odoo.addons.wechat.tests.common import APPID
from odoo.addons.wechat.tests.push_common import ACCOUNT, LOGGERS, OPENID, PushCommon


@tagged('post_install', '-at_install')
class TestPush(PushCommon):

    def _check_address(self, **changes):
        timestamp, nonce = str(int(time.time())), '1514711492'
        query = {
            'signature': self.crypto.signature(timestamp, nonce), 'timestamp': timestamp,
            'nonce': nonce, 'echostr': '4375120948345356249', **changes,
        }
        return self.url_open(f'/wechat/push/{APPID}', params=query)

    # === THE CONSOLE'S TEST === #

    def test_console_test_of_the_address_gets_its_echo(self):
        for mode in ('plain', 'compatible', 'secure'):
            self.app.push_mode = mode
            with self.subTest(mode=mode):
                response = self._check_address()
                self.assertEqual(
                    (response.status_code, response.text), (200, '4375120948345356249'))

    def test_echo_is_text_that_no_browser_runs(self):
        response = self._check_address(echostr='<script>alert(1)</script>')
        self.assertEqual(response.text, '<script>alert(1)</script>')
        self.assertEqual(response.headers['Content-Type'], 'text/plain; charset=utf-8')
        self.assertEqual(response.headers['X-Content-Type-Options'], 'nosniff')

    @mute_logger(*LOGGERS)
    def test_echo_with_a_wrong_signature_or_time_is_refused(self):
        self.assertForbidden(self._check_address(signature='0' * 40))
        self.assertEqual(self.problem(), 'signature')
        late = str(int(time.time()) - 400)
        self.assertForbidden(self._check_address(
            timestamp=late, signature=self.crypto.signature(late, '1514711492')))
        self.assertEqual(self.problem(), 'timestamp')

    # === MODES === #

    def test_message_arrives_in_every_mode_and_form(self):
        self.handle_with(lambda app, message: None)
        for mode in ('plain', 'compatible', 'secure'):
            for is_json in (False, True):
                with self.subTest(mode=mode, is_json=is_json):
                    self.app.push_mode = mode
                    self.received.clear()
                    self.assertSuccess(self.push(self.fields(), mode, is_json))
                    message, = self.received
                    self.assertEqual(message.msg_type, 'text')
                    self.assertEqual(message.openid, OPENID)
                    self.assertEqual(message.account, ACCOUNT)
                    self.assertEqual(message['Content'], '你好，世界😀')
                    self.assertEqual(message.is_body_signed, mode != 'plain')

    def test_compatible_mode_believes_the_encrypted_part(self):
        self.handle_with(lambda app, message: None)
        self.app.push_mode = 'compatible'
        timestamp, nonce = str(int(time.time())), 'n'
        encrypted = self.crypto.encrypt(self.as_body(self.fields(Content='real')).encode())
        self.assertSuccess(self.push(
            'x', body=self.as_body({
                **self.fields(Content='forged', FromUserName='oFORGED'), 'Encrypt': encrypted,
            }).encode(),
            timestamp=timestamp, nonce=nonce, signature=self.crypto.signature(timestamp, nonce),
            msg_signature=self.crypto.signature(timestamp, nonce, encrypted),
        ))
        self.assertEqual(self.received[0]['Content'], 'real')
        self.assertEqual(self.received[0].openid, OPENID)

    def test_message_to_the_original_id_that_was_entered_arrives(self):
        self.app.original_id = ACCOUNT
        self.handle_with(lambda app, message: None)
        self.assertSuccess(self.push(self.fields()))
        self.assertEqual(len(self.received), 1)

    def test_push_is_taken_without_cookie_and_leaves_no_session(self):
        response = self.push(self.fields())
        self.assertNotIn('session_id', response.cookies)

    # === REPLIES === #

    def test_reply_has_the_form_of_the_push_and_is_encrypted(self):
        self.handle_with(lambda app, message: 'Tea & <b>cake</b> ]]> 茶')
        for mode in ('compatible', 'secure'):
            for is_json in (False, True):
                with self.subTest(mode=mode, is_json=is_json):
                    self.app.push_mode = mode
                    response = self.push(self.fields(), mode, is_json)
                    self.assertEqual(response.status_code, 200)
                    self.assertEqual(response.content[:1], b'{' if is_json else b'<')
                    answer = self.read_answer(response)
                    self.assertEqual(answer['MsgType'], 'text')
                    self.assertEqual(answer['Content'], 'Tea & <b>cake</b> ]]> 茶')
                    self.assertEqual(answer['ToUserName'], OPENID)
                    self.assertEqual(answer['FromUserName'], ACCOUNT)
                    self.assertAlmostEqual(int(answer['CreateTime']), time.time(), delta=20)

    def test_reply_of_plain_mode_is_not_encrypted(self):
        self.app.push_mode = 'plain'
        self.handle_with(lambda app, message: 'Tea')
        for is_json in (False, True):
            answer = messages.parse(self.push(self.fields(), 'plain', is_json).content)
            self.assertEqual(answer['Content'], 'Tea')
            self.assertEqual(answer['ToUserName'], OPENID)

    def test_every_kind_of_reply_travels(self):
        article = {'title': "A", 'description': "B", 'url': "https://x/", 'picurl': "https://y/"}
        expected = {'Title': "A", 'Description': "B", 'Url': "https://x/", 'PicUrl': "https://y/"}
        for reply, part, content in (
            (replies.image('M'), 'Image', {'MediaId': 'M'}),
            (replies.voice('M'), 'Voice', {'MediaId': 'M'}),
            (replies.video('M', "T", "D"), 'Video',
             {'MediaId': 'M', 'Title': "T", 'Description': "D"}),
            (replies.music('M', "T", "D", 'https://u', 'https://h'), 'Music',
             {'ThumbMediaId': 'M', 'Title': "T", 'Description': "D", 'MusicUrl': 'https://u',
              'HQMusicUrl': 'https://h'}),
            (replies.news([article]), 'Articles', {'item': expected}),
            (replies.transfer_customer_service('kf@x'), 'TransInfo', {'KfAccount': 'kf@x'}),
        ):
            self.handle_with(lambda app, message, reply=reply: reply)
            with self.subTest(reply=reply):
                answer = self.read_answer(self.push(self.fields()))
                self.assertEqual(answer['MsgType'], reply['MsgType'])
                self.assertEqual(answer[part], content)

    def test_several_articles_answer_an_event(self):
        articles = [{'title': "One", 'url': 'https://1'}, {'title': "Two", 'url': 'https://2'}]
        self.handle_with(lambda app, message: replies.news(articles))
        answer = self.read_answer(self.push(self.event('subscribe')))
        self.assertEqual(answer['ArticleCount'], '2')
        self.assertEqual([item['Title'] for item in answer['Articles']['item']], ["One", "Two"])

    def test_mini_program_answers_success_and_sends_the_reply(self):
        self.app.app_type = 'miniprogram'
        self.fake.answer('POST', '/cgi-bin/message/custom/send', {'errcode': 0, 'errmsg': 'ok'})
        self.handle_with(lambda app, message: 'Tea')
        self.assertSuccess(self.push(self.fields(), is_json=True))
        sent, = self.fake.calls('/cgi-bin/message/custom/send')
        self.assertEqual(
            sent.json, {'touser': OPENID, 'msgtype': 'text', 'text': {'content': 'Tea'}})
        self.assertEqual(self.rows().state, 'done')

    def test_mini_program_may_hand_the_chat_over(self):
        self.app.app_type = 'miniprogram'
        self.handle_with(lambda app, message: replies.transfer_customer_service())
        answer = self.read_answer(self.push(self.fields(), is_json=True))
        self.assertEqual(answer['MsgType'], 'transfer_customer_service')
        self.assertFalse(self.fake.requests)

    @mute_logger(*LOGGERS)
    def test_event_is_not_handed_over(self):
        self.handle_with(lambda app, message: replies.transfer_customer_service())
        self.assertSuccess(self.push(self.event('CLICK', EventKey='help')))
        self.assertEqual(self.rows().state, 'failed')

    # === WHAT THE ADMINISTRATOR SEES === #

    def test_time_of_the_last_message_is_shown_and_ends_the_problem(self):
        self.assertFalse(self.app.push_last_message)
        with mute_logger(*LOGGERS):
            self.assertForbidden(self.push(self.fields(), msg_signature='0' * 40))
        self.assertEqual(self.problem(), 'signature')
        self.app.invalidate_recordset()
        self.assertTrue(self.app.is_push_troubled)
        self.assertIn("Token", self.app.push_problem_advice)
        self.app.push_problem_date = '2026-01-01 00:00:00'
        self.push(self.fields())
        self.app.invalidate_recordset()
        self.assertTrue(self.app.push_last_message)
        self.assertFalse(self.app.is_push_troubled)
        self.assertEqual(self.app.push_problem, 'signature')

    def test_new_secret_ends_the_problem(self):
        with mute_logger(*LOGGERS):
            self.push(self.fields(), msg_signature='0' * 40)
        self.assertTrue(self.problem())
        self.app.push_token = 'another1'
        self.assertFalse(self.app.push_problem)
