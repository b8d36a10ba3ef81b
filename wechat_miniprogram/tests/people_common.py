# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64
import hashlib
import io
import json
import time

import requests
from Crypto.Cipher import AES
from PIL import Image

from odoo.tests import HOST

from .common import SESSION_KEY, MiniprogramCommon

USER_INFO = '/wechat/miniprogram/user_info'
AVATAR = '/wechat/miniprogram/avatar'
PHONE = '/wechat/miniprogram/phone'
DEACTIVATE = '/wechat/miniprogram/deactivate'
PHONE_API = '/wxa/business/getuserphonenumber'
QLOGO = 'https://thirdwx.qlogo.cn/mmopen/vi_32/abc/132'


class PeopleCommon(MiniprogramCommon):
    """Anna, who is logged in through the mini-program."""

    def setUp(self):
        super().setUp()
        self.anna = self.authenticate_phone()
        self.user = self.env['res.users'].browse(self.anna['uid'])

    # === WHAT A PHONE GETS FROM WECHAT === #

    def encrypt(self, values, session_key=SESSION_KEY, appid=None, timestamp=None):
        """Return data as WeChat encrypts them for the phone: `encryptedData`, `iv`."""
        values = {**values, 'watermark': {
            'appid': appid or self.app.appid,
            'timestamp': int(time.time()) if timestamp is None else timestamp,
        }}
        return self.encrypt_text(json.dumps(values), session_key)

    def encrypt_text(self, text, session_key=SESSION_KEY):
        """Encrypt any text as WeChat encrypts its JSON."""
        data = text.encode()
        count = 16 - len(data) % 16
        return self.encrypt_blocks(data + bytes([count]) * count, session_key)

    def encrypt_blocks(self, data, session_key=SESSION_KEY):
        """Encrypt bytes whose padding is there already."""
        vector = b'0123456789abcdef'
        key = base64.b64decode(session_key)
        return {
            'encryptedData': base64.b64encode(
                AES.new(key, AES.MODE_CBC, iv=vector).encrypt(data),
            ).decode(),
            'iv': base64.b64encode(vector).decode(),
        }

    def sign(self, values, session_key=SESSION_KEY):
        """Return data as wx.getUserInfo signs them: `rawData`, `signature`."""
        text = json.dumps(values, ensure_ascii=False, separators=(',', ':'))
        return {
            'rawData': text,
            'signature': hashlib.sha1((text + session_key).encode()).hexdigest(),
        }

    # === CALLS === #

    def call_route(self, path, session_id=None, **params):
        """Call a route as Anna, or as whoever a session is.

        :return: the result
        """
        answer = self.post(path, params, session_id or self.anna['session_id']).json()
        self.assertNotIn('error', answer)
        return answer['result']

    def refuse_route(self, path, word, session_id=None, **params):
        """Call a route and check that it is refused with this code word.

        :return: the error object
        """
        answer = self.post(path, params, session_id or self.anna['session_id']).json()
        error = answer.get('error')
        self.assertTrue(error, f"Not refused: {answer}")
        self.assertEqual(error['data'].get('context', {}).get('code'), word, error['data'])
        self.assertNotIn(SESSION_KEY, str(answer))
        return error

    def is_logged_in(self, session_id):
        """Tell whether a session is one of a user."""
        answer = self.call_kw(session_id, 'res.users', 'read', [[self.user.id], ['login']])
        if 'error' in answer:
            self.assertEqual(answer['error']['code'], 100, answer)
        return 'result' in answer

    def raw(self, method, path, cookie=None, **kwargs):
        """Send a request as a client without a cookie jar does.

        :param str cookie: a session id for the cookie; None for none at all
        :return: the HTTP response
        """
        headers = {**kwargs.pop('headers', {})}
        if cookie:
            headers['Cookie'] = f'session_id={cookie}'
        self.env.flush_all()
        self.env.cr.clear()
        with self.allow_requests(all_requests=True):
            return requests.request(
                method, f'http://{HOST}:{self.http_port()}{path}', headers=headers, timeout=30,
                allow_redirects=False, **kwargs,
            )

    # === PICTURES === #

    def picture(self, size=(40, 30), color=(200, 30, 30), file_format='JPEG', **options):
        """Return a picture file."""
        stream = io.BytesIO()
        mode = 'RGBA' if len(color) == 4 else 'RGB'
        Image.new(mode, size, color).save(stream, file_format, **options)
        return stream.getvalue()

    def upload(self, data, session_id=None, headers=None, name='file', filename='a.jpg'):
        """Upload a file as wx.uploadFile does.

        :return: the HTTP response
        """
        return self.raw(
            'POST', AVATAR, cookie=session_id or self.anna['session_id'], headers=headers or {},
            files={name: (filename, data, 'image/jpeg')},
        )
