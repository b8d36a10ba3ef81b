# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What plays API v2 for the tests: XML and signatures written anew, without the addon's code."""

import hashlib
import hmac
import re
import secrets
import ssl
import tempfile
from xml.etree import ElementTree

from odoo.addons.wechat.tests.common import FakeWechat
from odoo.addons.wechat_payment.tests.common import WechatPayCommon
from odoo.addons.wechat_payment.tests.fake_wechat_pay import API_V2_KEY, MCHID

QUERY, ORDER, REFUND = '/pay/orderquery', '/pay/unifiedorder', '/secapi/pay/refund'


def sign_v2(values, key=API_V2_KEY, sign_type='HMAC-SHA256'):
    """Return the sign of a message (B1)."""
    pairs = [f'{name}={values[name]}' for name in sorted(values)
             if name != 'sign' and values[name] != '']
    text = '&'.join([*pairs, f'key={key}']).encode()
    if sign_type == 'MD5':
        return hashlib.md5(text).hexdigest().upper()
    return hmac.digest(key.encode(), text, 'sha256').hex().upper()


def write_v2(pairs):
    """Return XML of pairs of name and value."""
    return ('<xml>' + ''.join(
        f'<{name}><![CDATA[{value}]]></{name}>' for name, value in pairs
    ) + '</xml>').encode()


def read_v2(body):
    """Return the fields of a request, each of which comes once."""
    root = ElementTree.fromstring(body)  # noqa: S314 - our own request
    values = {element.tag: element.text or '' for element in root}
    if len(values) != len(root):
        raise ValueError("a name comes twice")
    return values


def answer_v2(fields=(), key=API_V2_KEY, sign_type='HMAC-SHA256', **changes):
    """Return a signed answer as `FakeWechat` takes it; `sign=''` leaves it unsigned."""
    values = {
        'return_code': 'SUCCESS', 'return_msg': 'OK', 'appid': 'wx0000000000000002',
        'mch_id': MCHID, 'nonce_str': secrets.token_hex(16), 'result_code': 'SUCCESS',
        **dict(fields),
    }
    values = {**values, 'sign': sign_v2(values, key, sign_type), **changes}
    return 200, {'Content-Type': 'text/plain'}, write_v2(values.items())


def fail_v2(err_code, **kwargs):
    """Return a signed failure."""
    return answer_v2(
        {'result_code': 'FAIL', 'err_code': err_code, 'err_code_des': "一条说明"}, **kwargs,
    )


def not_taken_v2(return_msg="签名错误"):
    """Return what is answered to a request that is not taken: unsigned."""
    return 200, {}, write_v2([('return_code', 'FAIL'), ('return_msg', return_msg)])


class FakeWechatPayV2(FakeWechat):
    """A server of API v2: `answers[path]` is an answer, or a function(values) that returns one.

    :ivar list received: The path and the fields of each request, in order.
    :ivar list certificates: The client certificate of each, in DER, or `None`.
    """

    def reset(self):
        self.answers = {}
        self.received = []
        self.certificates = []
        super().reset()

    def use_tls(self, server, trusted):
        """Serve over TLS.

        :param KeyPair server: The server's own key.
        :param str trusted: The client certificates that are taken, in PEM text.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=trusted)
        with tempfile.NamedTemporaryFile('w', prefix='fake-tls-') as file:
            file.write(server.private_pem + server.certificate_pem)
            file.flush()
            context.load_cert_chain(file.name)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False,
        )
        self.url = self.url.replace('http://', 'https://')

    def _respond(self, handler, request):
        answer = self.answers.get(request.path, fail_v2('ORDERNOTEXIST'))
        connection = handler.connection
        self.certificates.append(
            connection.getpeercert(True) if isinstance(connection, ssl.SSLSocket) else None
        )
        if request.body.startswith(b'<xml>'):
            self.received.append((request.path, read_v2(request.body)))
            answer = answer(self.received[-1][1]) if callable(answer) else answer
        self.answer(request.method, request.path, lambda _request: answer)
        return super()._respond(handler, request)


class WechatPayV2Common(WechatPayCommon):
    """A provider that uses API v2, in front of `fake_v2`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fake_v2 = FakeWechatPayV2()
        cls.fake_v2.reset()
        cls.addClassCleanup(cls.fake_v2.stop)
        cls.provider.write({
            'wechat_api_version': 'v2',
            'wechat_api_v2_key': API_V2_KEY,
            'wechat_api_v3_key': False,
            'wechat_pay_public_key_id': False,
        })

    def setUp(self):
        super().setUp()
        self.fake_v2.reset()
        self.env['ir.config_parameter'].set_param('wechat.pay_url', self.fake_v2.url)

    def _request_v2(self, path=QUERY, params=None, **kwargs):
        params = {'out_trade_no': 'S00042'} if params is None else params
        return self.provider._wechat_request_v2(
            path, {'appid': self.app.appid, **params}, **kwargs,
        )


def is_hex(text, length):
    """Tell whether a text is that many upper-case hexadecimal digits."""
    return bool(re.fullmatch(r'[0-9A-F]{%d}' % length, text))
