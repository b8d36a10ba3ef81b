# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
import time

from odoo.tests import HttpCase

from odoo.addons.wechat.protocol import messages, push, replies
from odoo.addons.wechat.protocol.push_crypto import PushCrypto
from odoo.addons.wechat.tests.common import APPID, WechatCommon

TOKEN = 'teahouse2026'
AES_KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
ACCOUNT = 'gh_1234567890ab'
OPENID = 'oTEST0000000000000000000001'
LOGGERS = (
    'odoo.addons.wechat.models.wechat_app_push', 'odoo.addons.wechat.models.wechat_app_message',
    'odoo.addons.wechat.models.wechat_push_message',
)


class PushCommon(WechatCommon, HttpCase):
    """An app with a message push, and WeChat's end of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.app.write({
            'app_type': 'official_account',
            'push_token': TOKEN,
            'push_aes_key': AES_KEY,
            'push_mode': 'secure',
        })
        cls.crypto = PushCrypto(TOKEN, AES_KEY, APPID)

    def setUp(self):
        super().setUp()
        self.serial = 0
        self.received = []

    def handle_with(self, handler):
        """Have messages handled by a function `handler(app, message)` from now on."""
        test = self

        def _on_message(app, message):
            test.received.append(message)
            return handler(app, message)

        self.patch(type(self.env['wechat.app']), '_on_message', _on_message)

    def fields(self, **changes):
        """Return the fields of a text message, each time another one; `None` leaves one out."""
        self.serial += 1
        fields = {
            'ToUserName': ACCOUNT,
            'FromUserName': OPENID,
            'CreateTime': int(time.time()),
            'MsgType': 'text',
            'Content': '你好，世界😀',
            'MsgId': 7000000000000000000 + self.serial,
            **changes,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def event(self, name, **fields):
        """Return the fields of an event."""
        return self.fields(MsgType='event', Event=name, MsgId=None, Content=None, **fields)

    @staticmethod
    def as_body(fields, is_json=False):
        """Return fields as a body."""
        if is_json:
            return json.dumps(fields, ensure_ascii=False)
        return replies.element('xml', fields).replace('<item>', '').replace('</item>', '')

    def push(
        self, fields, mode='secure', is_json=False, appid=APPID, crypto=None, body=None,
        offset=0, **query,
    ):
        """Push a message as WeChat does, with what a test wants to be wrong.

        :param dict fields: WeChat's fields; or text, which is sent as it is.
        :param bytes body: Another body than the right one.
        :param int offset: Seconds by which WeChat's clock is ahead.
        :param query: Other parameters of the address; `None` leaves one out.
        """
        crypto = crypto or self.crypto
        text = fields if isinstance(fields, str) else self.as_body(fields, is_json)
        timestamp, nonce = str(int(time.time()) + offset), '415670741'
        parameters = {
            'signature': crypto.signature(timestamp, nonce),
            'timestamp': timestamp,
            'nonce': nonce,
            'openid': OPENID,
        }
        if mode == 'plain':
            sent = text
        else:
            encrypted = crypto.encrypt(text.encode())
            parameters['encrypt_type'] = 'aes'
            parameters['msg_signature'] = crypto.signature(timestamp, nonce, encrypted)
            envelope = {'ToUserName': ACCOUNT, 'Encrypt': encrypted}
            if mode == 'compatible':
                envelope = {**fields, **envelope}
            sent = self.as_body(envelope, is_json)
        parameters.update(query)
        return self.url_open(
            f'/wechat/push/{appid}',
            data=sent.encode() if body is None else body,
            params={name: value for name, value in parameters.items() if value is not None},
            headers={'Content-Type': 'application/json' if is_json else 'text/xml'},
            method='POST',
        )

    def read_answer(self, response):
        """Return the fields of an encrypted answer, checked as WeChat does."""
        envelope = messages.parse(response.content)
        self.assertEqual(
            sorted(envelope), ['Encrypt', 'MsgSignature', 'Nonce', 'TimeStamp'],
        )
        self.assertEqual(envelope['MsgSignature'], self.crypto.signature(
            envelope['TimeStamp'], envelope['Nonce'], envelope['Encrypt'],
        ))
        return messages.parse(self.crypto.decrypt(envelope['Encrypt']))

    def rows(self):
        """Return the app's received messages, oldest first."""
        rows = self.env['wechat.push.message'].search([('app_id', '=', self.app.id)], order='id')
        rows.invalidate_recordset()
        return rows

    def problem(self):
        """Return why the app refused a message."""
        self.app.invalidate_recordset(['push_problem', 'push_problem_date'])
        return self.app.push_problem

    def assertSuccess(self, response):
        self.assertEqual((response.status_code, response.text), (200, push.SUCCESS))

    def assertForbidden(self, response):
        self.assertEqual((response.status_code, response.text), (403, ''))
