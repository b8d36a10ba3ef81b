# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import os

import requests

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.protocol import replies
from odoo.addons.wechat.tests.push_common import AES_KEY, LOGGERS, TOKEN, PushCommon
from odoo.addons.wechat.tests.test_push_messages import EVENTS, MESSAGES

ACCOUNT, MINIPROGRAM = 'wx00000000000000aa', 'wx0000000000000002'
# What the sandbox may do wrong, and what is noted about it; nothing about a body that is too large
# and about calls without any signature.
DEFECTS = {
    'wrong_signature': 'signature', 'wrong_msg_signature': 'signature', 'no_signature': False,
    'other_token': 'signature', 'old_timestamp': 'timestamp', 'future_timestamp': 'timestamp',
    'other_appid': 'appid_mismatch', 'other_key': 'undecryptable', 'bad_padding': 'undecryptable',
    'bad_length': 'undecryptable', 'no_encrypt': 'plain_body', 'other_body': 'signature',
    'entity_bomb': 'body', 'sealed_entity_bomb': 'body', 'huge_body': False, 'garbage_body': 'body',
    'empty_body': 'body',
}


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxPush(PushCommon):
    """Messages of the project's sandbox, which signs, encrypts and reads by itself."""

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        self.env['ir.config_parameter'].set_param('wechat.api_url', self.sandbox)
        self.control('reset')
        account = self.control('apps', appid=ACCOUNT, app_type='official_account')
        self.account = self.env['wechat.app'].create({
            'name': "Tea House", 'app_type': 'official_account', 'appid': ACCOUNT,
            'secret': account['secret'], 'push_token': TOKEN, 'push_aes_key': AES_KEY,
        })
        world = requests.get(f'{self.sandbox}/_sandbox/world', timeout=10).json()
        self.app.write({
            'app_type': 'miniprogram',
            'secret': next(one['secret'] for one in world['apps'] if one['appid'] == MINIPROGRAM),
        })

    def control(self, path, **body):
        """Call the control API of the sandbox, which may call Odoo."""
        self.env.flush_all()
        with self.allow_requests(all_requests=True):
            response = requests.post(f'{self.sandbox}/_sandbox/{path}', json=body, timeout=60)
        self.assertEqual(response.status_code, 200, response.text)
        return response.json()

    def configure(self, app, mode='secure', **options):
        """Enter the address in WeChat's console, which tests it."""
        app.push_mode = mode
        self.control(
            'push_config', appid=app.appid, url=f'{self.base_url()}/wechat/push/{app.appid}',
            token=TOKEN, encoding_aes_key=AES_KEY, mode=mode, **options)

    def deliver(self, app, message, **options):
        """Have WeChat push a message; returns what became of it."""
        answer = self.control('push', appid=app.appid, message=message, **options)
        return answer['deliveries'][0]

    def sent(self, app):
        """Return the customer-service messages that were sent."""
        return requests.get(
            f'{self.sandbox}/_sandbox/customer_messages/{app.appid}', timeout=10,
        ).json()['messages']

    def test_everything_that_wechat_sends_arrives_in_every_mode(self):
        self.handle_with(lambda app, message: None)
        for app in (self.account, self.app):
            for mode in ('plain', 'compatible', 'secure'):
                self.configure(app, mode)
                for kind, fields in MESSAGES.items():
                    with self.subTest(app=app.app_type, mode=mode, kind=kind):
                        self.assertFalse(
                            self.deliver(app, {'MsgType': kind, **fields})['problem'])
                        self.assertEqual(self.received[-1].msg_type, kind)
                for name, fields in EVENTS.items():
                    with self.subTest(app=app.app_type, mode=mode, event=name):
                        event = {'MsgType': 'event', 'Event': name, **fields}
                        self.assertFalse(self.deliver(app, event)['problem'])
                        self.assertEqual(self.received[-1].event, name.lower())

    def test_every_kind_of_reply_is_understood(self):
        article = {'title': "A", 'description': "B", 'url': "https://x/", 'picurl': "https://y/"}
        for mode in ('plain', 'compatible', 'secure'):
            self.configure(self.account, mode)
            for reply in (
                "茶 & <b>蛋糕</b> ]]>", replies.image('M'), replies.voice('M'),
                replies.video('M', "T"), replies.music('M', "T", "D", 'https://u', 'https://h'),
                replies.news([article]), replies.transfer_customer_service(),
                replies.transfer_customer_service('kf@x'),
            ):
                self.handle_with(lambda app, message, reply=reply: reply)
                with self.subTest(mode=mode, reply=reply):
                    outcome = self.deliver(self.account, {'MsgType': 'text', 'Content': "茶"})
                    self.assertFalse(outcome['problem'])
                    self.assertEqual(
                        outcome['reply']['MsgType'], replies.check(reply)['MsgType'])
                    if isinstance(reply, str):
                        self.assertEqual(outcome['reply']['Content'], reply)

    def test_mini_program_hands_over_in_json(self):
        self.configure(self.app)
        self.handle_with(lambda app, message: replies.transfer_customer_service())
        outcome = self.deliver(self.app, {'MsgType': 'text', 'Content': "茶"})
        self.assertFalse(outcome['problem'])
        self.assertEqual(outcome['reply']['MsgType'], 'transfer_customer_service')

    def test_mini_program_answers_by_customer_service_message(self):
        self.configure(self.app)
        self.handle_with(lambda app, message: "茶")
        outcome = self.deliver(self.app, {'MsgType': 'text', 'Content': "茶"})
        self.assertFalse(outcome['problem'] or outcome['reply'])
        self.assertEqual([one['text'] for one in self.sent(self.app)], [{'content': "茶"}])

    @mute_logger(*LOGGERS, 'odoo.addons.wechat.models.wechat_app_request')
    def test_customer_service_message_out_of_time_is_refused(self):
        self.configure(self.account)
        person = self.control('users')
        identity = self.account._get_identity(person['openids'][ACCOUNT], create=True)
        with self.assertRefused('bad_request', 45015):
            identity._send_customer_service_message("茶")
        self.deliver(self.account, {'MsgType': 'text', 'Content': "茶"}, user=person['user'])
        for _number in range(5):
            identity._send_customer_service_message("茶")
        with self.assertRefused('rate_limited', 45047):
            identity._send_customer_service_message("茶")
        self.assertEqual(len(self.sent(self.account)), 5)
        self.account._send_typing(identity.openid)

    @mute_logger(*LOGGERS)
    def test_every_defect_is_refused_without_a_hint(self):
        self.handle_with(lambda app, message: "believed")
        for app in (self.account, self.app):
            self.configure(app)
            for defect, problem in DEFECTS.items():
                app.write({'push_problem': False, 'push_problem_date': False})
                with self.subTest(app=app.app_type, defect=defect):
                    outcome = self.deliver(app, {'MsgType': 'text', 'Content': "茶"}, defect=defect)
                    statuses = [attempt['status'] for attempt in outcome['attempts']]
                    self.assertEqual(statuses, [413 if defect == 'huge_body' else 403])
                    if defect != 'huge_body':  # That is Odoo's own answer.
                        self.assertFalse(outcome['attempts'][0]['body'])
                    app.invalidate_recordset()
                    self.assertEqual(app.push_problem, problem)
        self.assertFalse(self.received)

    @mute_logger(*LOGGERS)
    def test_console_does_not_accept_an_address_with_another_token(self):
        self.account.push_token = 'anothertoken'
        self.env.flush_all()
        with self.allow_requests(all_requests=True):
            response = requests.post(f'{self.sandbox}/_sandbox/push_config', json={
                'appid': ACCOUNT, 'url': f'{self.base_url()}/wechat/push/{ACCOUNT}',
                'token': TOKEN, 'encoding_aes_key': AES_KEY,
            }, timeout=10)
        self.assertEqual(response.status_code, 400)
        self.account.invalidate_recordset()
        self.assertEqual(self.account.push_problem, 'signature')
