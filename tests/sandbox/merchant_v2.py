# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A merchant who calls API v2, written with the standard library and `cryptography` alone."""

import base64
import hashlib
import hmac
import http.client
import re
import secrets
import ssl
from urllib.parse import urlsplit
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .merchant import APPID, Reply, send


def to_xml(pairs):
    """Write pairs of name and value."""
    elements = ''.join(f'<{name}><![CDATA[{value}]]></{name}>' for name, value in pairs)
    return f'<xml>{elements}</xml>'.encode()


def from_xml(body):
    """Read a body whose elements come once each; a test fails if one comes twice."""
    root = ElementTree.fromstring(body)  # noqa: S314 the sandbox's own
    values = {item.tag: item.text or '' for item in root}
    assert len(values) == len(root) and not any(len(item) for item in root)
    return values


def sign(values, key, sign_type='MD5'):
    joined = '&'.join(
        f'{name}={values[name]}' for name in sorted(values)
        if name != 'sign' and values[name] not in ('', None)
    )
    text = f'{joined}&key={key}'.encode()
    if sign_type == 'HMAC-SHA256':
        return hmac.new(key.encode(), text, hashlib.sha256).hexdigest().upper()
    return hashlib.md5(text).hexdigest().upper()


def decrypted(req_info, key):
    """:return: the plaintext of a req_info, its padding still there (bytes)."""
    secret = hashlib.md5(key.encode()).hexdigest().encode()
    decryptor = Cipher(algorithms.AES(secret), modes.ECB()).decryptor()  # noqa: S305
    return decryptor.update(base64.b64decode(req_info)) + decryptor.finalize()


def open_req_info(req_info, key):
    """:return: what a req_info says (dict); a test fails if its padding is wrong."""
    plain = decrypted(req_info, key)
    assert plain[-plain[-1]:] == plain[-1:] * plain[-1]
    return from_xml(plain[:-plain[-1]])


def send_tls(base, path, body, trusted, certificate=None, method='POST'):
    """One exchange over TLS, with a client certificate (a file of key and certificate) or none."""
    context = ssl.create_default_context(cadata=trusted)
    if certificate:
        context.load_cert_chain(certificate)
    connection = http.client.HTTPSConnection(urlsplit(base).netloc, timeout=15, context=context)
    try:
        connection.request(method, path, body, {'Content-Type': 'text/xml'})
        answer = connection.getresponse()
        return Reply(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


class MerchantV2:
    """A merchant's side of v2; `certificate` is the path of its key and certificate."""

    def __init__(self, sandbox, data, folder):
        self.sandbox = sandbox
        self.data = data
        self.world = sandbox.get('world')
        self.certificate = folder / f"{data['mchid']}.pem"
        self.certificate.write_text(data['merchant_private_key'] + data['merchant_certificate'])
        self.sign_type = 'MD5'

    def use(self, sign_type):
        """Choose the type of signature, at WeChat Pay and here."""
        self.patch(v2_sign_type=sign_type)
        self.sign_type = sign_type

    def patch(self, **changes):
        reply = self.sandbox.call('PATCH', f"merchants/{self.data['mchid']}", changes)
        assert reply.status == 200, reply.body

    def signed(self, values, sign_type=None):
        """Complete and sign the parameters of a call; a value of None removes one."""
        sign_type = sign_type or self.sign_type
        whole = {
            'appid': APPID, 'mch_id': self.data['mchid'], 'nonce_str': secrets.token_hex(8),
        } | ({'sign_type': sign_type} if sign_type != 'MD5' else {}) | values
        whole = {name: value for name, value in whole.items() if value is not None}
        return {'sign': sign(whole, self.data['api_v2_key'], sign_type)} | whole

    def send(self, path, body):
        """POST bytes and return the fields of the answer, which is 200 whatever happens."""
        reply = send(self.sandbox.base, 'POST', path, body, [('Content-Type', 'text/xml')])
        assert reply.status == 200
        return from_xml(reply.body)

    def call(self, path, sign_type=None, **values):
        return self.checked(
            self.send(path, to_xml(self.signed(values, sign_type).items())), sign_type,
        )

    def call_with_certificate(self, path, sign_type=None, certificate=..., **values):
        body = to_xml(self.signed(values, sign_type).items())
        certificate = self.certificate if certificate is ... else certificate
        reply = send_tls(
            self.world['tls_url'], path, body, self.world['tls_ca_certificate'], certificate,
        )
        assert reply.status == 200
        if not reply.body.startswith(b'<xml>'):
            return reply.body.decode()
        return self.checked(from_xml(reply.body), sign_type)

    def checked(self, answer, sign_type=None):
        """Check the sign of an answer that must have one."""
        if answer['return_code'] == 'SUCCESS':
            expected = sign(answer, self.data['api_v2_key'], sign_type or self.sign_type)
            assert answer['sign'] == expected
        else:
            assert set(answer) == {'return_code', 'return_msg'}
        return answer

    def order_values(self, openid, /, **changes):
        return {
            'body': '示例商店-订单 S00042', 'out_trade_no': 'S00042_1', 'total_fee': '990',
            'spbill_create_ip': '203.0.113.9', 'trade_type': 'JSAPI', 'openid': openid,
            'notify_url': 'https://shop.example.com/payment/notify',
        } | changes

    def order(self, openid, /, **changes):
        return self.call('/pay/unifiedorder', **self.order_values(openid, **changes))

    def query(self, number='S00042_1', **changes):
        return self.call('/pay/orderquery', **{'out_trade_no': number} | changes)

    def close(self, number='S00042_1'):
        return self.call('/pay/closeorder', out_trade_no=number)

    def refund(self, fee='990', **changes):
        return self.call_with_certificate('/secapi/pay/refund', **{
            'out_trade_no': 'S00042_1', 'out_refund_no': 'R00042_1', 'total_fee': '990',
            'refund_fee': fee, 'notify_url': 'https://shop.example.com/payment/notify',
        } | changes)

    def query_refund(self, **changes):
        return self.call('/pay/refundquery', **(changes or {'out_refund_no': 'R00042_1'}))

    def pay_by_code(self, code, **changes):
        return self.call('/pay/micropay', **{
            'body': '示例商店-柜台', 'out_trade_no': 'C00042_1', 'total_fee': '990',
            'spbill_create_ip': '203.0.113.9', 'auth_code': code,
        } | changes)

    def reverse(self, number='C00042_1', **changes):
        return self.call_with_certificate(
            '/secapi/pay/reverse', **{'out_trade_no': number} | changes,
        )

    def payment(self, prepay_id, appid=APPID, **changes):
        """The parameters of wx.requestPayment, signed as they are before the changes."""
        values = {
            'appId': appid, 'timeStamp': '1767322445', 'nonceStr': secrets.token_hex(8),
            'package': f'prepay_id={prepay_id}', 'signType': self.sign_type,
        }
        signature = sign(values, self.data['api_v2_key'], self.sign_type)
        return values | {'paySign': signature} | changes


def failed(answer, code):
    """Check that an answer is a processed failure."""
    assert (answer['return_code'], answer['result_code']) == ('SUCCESS', 'FAIL'), answer
    assert answer['err_code'] == code, answer
    assert re.search('[\u4e00-\u9fff]', answer['err_code_des'])
    return answer


def succeeded(answer):
    assert (answer['return_code'], answer.get('result_code')) == ('SUCCESS', 'SUCCESS'), answer
    return answer
