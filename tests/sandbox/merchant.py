# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The merchant's side for the tests of the sandbox, written with `cryptography` alone."""

import base64
import http.client
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509 import load_pem_x509_certificate

APPID = 'wx0000000000000002'
OTHER_APPID = 'wx0000000000000003'
MCHID = '1900000001'
ORDER_PATH = '/v3/pay/transactions/jsapi'
REFUND_PATH = '/v3/refund/domestic/refunds'
_keys = {}


class Reply:
    """Status, headers and body of an HTTP answer."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name):
        values = self.all(name)
        return values[0] if values else None

    def json(self):
        return json.loads(self.body.decode())


def send(base, method, target, body=b'', headers=()):
    """One exchange over a connection of its own; nothing is added to the headers but Host."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=15)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body or method in ('POST', 'PATCH'):
            connection.putheader('Content-Length', str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        return Reply(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


def load_private(pem):
    if pem not in _keys:
        _keys[pem] = serialization.load_pem_private_key(pem.encode(), None)
    return _keys[pem]


def rsa_sign(pem, message):
    signature = load_private(pem).sign(message, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def verified_by(merchant, timestamp, nonce, body, signature):
    """Name the key that made a signature: its serial, or None if it was none of them."""
    keys = {merchant['public_key_id']: serialization.load_pem_public_key(
        merchant['public_key'].encode())}
    for item in merchant['platform_certificates']:
        certificate = load_pem_x509_certificate(item['certificate'].encode())
        keys[item['serial_no']] = certificate.public_key()
    message = f'{timestamp}\n{nonce}\n'.encode() + body + b'\n'
    for serial, key in keys.items():
        try:
            key.verify(base64.b64decode(signature), message, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            continue
        return serial
    return None


def decrypt(key, resource):
    return AESGCM(key.encode()).decrypt(
        resource['nonce'].encode(), base64.b64decode(resource['ciphertext']),
        resource['associated_data'].encode(),
    )


class Sandbox:
    """The sandbox under test: its control API and calls as a platform client makes them."""

    def __init__(self, base):
        self.base = base

    def call(self, method, path, data=None):
        body = b'' if data is None else json.dumps(data).encode()
        headers = [('Content-Type', 'application/json')] if body else []
        return send(self.base, method, f'/_sandbox/{path}', body, headers)

    def post(self, path, /, **data):
        reply = self.call('POST', path, data)
        assert reply.status == 200, reply.body
        return reply.json()

    def get(self, path):
        return self.call('GET', path).json()

    def clock(self, offset):
        return self.post('clock', offset=offset)

    def problems(self):
        """What was wrong with the last request."""
        return self.get('requests')['requests'][-1]['problems']

    def platform(self, method, target, data=None, headers=()):
        body = b'' if data is None else json.dumps(data).encode()
        headers = list(headers) or ([('Content-Type', 'application/json')] if body else [])
        return send(self.base, method, target, body, headers)

    def merchant(self, **changes):
        return Merchant(self, self.get('world')['merchants'][0] | changes)

    def app(self, appid=APPID):
        return next(item for item in self.get('world')['apps'] if item['appid'] == appid)


class Merchant:
    """A merchant who calls API v3."""

    def __init__(self, sandbox, data):
        self.sandbox = sandbox
        self.data = data
        self.offset = 0

    def authorization(self, method, target, body, timestamp=None, **changes):
        timestamp = timestamp or str(int(time.time() + self.offset))
        nonce = secrets.token_hex(16)
        pairs = {
            'mchid': self.data['mchid'],
            'nonce_str': nonce,
            'signature': rsa_sign(
                self.data['merchant_private_key'],
                f'{method}\n{target}\n{timestamp}\n{nonce}\n'.encode() + body + b'\n',
            ),
            'timestamp': timestamp,
            'serial_no': self.data['merchant_serial'],
        } | changes
        joined = ','.join(f'{name}="{value}"' for name, value in pairs.items())
        return f'WECHATPAY2-SHA256-RSA2048 {joined}'

    def call(self, method, target, data=None, *, body=None, drop=(), headers=None, **auth):
        """Send a signed request; `headers` replaces, `drop` leaves out."""
        if body is None:
            body = b'' if data is None else json.dumps(data, ensure_ascii=False).encode()
        values = {
            'Authorization': self.authorization(method, target, body, **auth),
            'Accept': 'application/json',
            'User-Agent': 'tests/1',
            'Wechatpay-Serial': self.data['public_key_id'],
        }
        if body:
            values['Content-Type'] = 'application/json'
        values.update(headers or {})
        pairs = [(name, value) for name, value in values.items() if name not in drop]
        return send(self.sandbox.base, method, target, body, pairs)

    def body(self, openid, **changes):
        """An order body; a change to None removes the member."""
        data = {
            'appid': APPID,
            'mchid': self.data['mchid'],
            'description': '示例商店-订单 S00042',
            'out_trade_no': 'S00042_1',
            'notify_url': 'https://shop.example.com/payment/notify',
            'amount': {'total': 990, 'currency': 'CNY'},
            'payer': {'openid': openid},
        } | changes
        return {name: value for name, value in data.items() if value is not None}

    def order(self, openid, **changes):
        return self.call('POST', ORDER_PATH, self.body(openid, **changes))

    def order_of(self, product, **changes):
        """Make an order of `native`, `h5` or `app`."""
        body = self.body(None, payer=None, **changes)
        return self.call('POST', f'/v3/pay/transactions/{product}', body)

    def refund_body(self, refund=990, **changes):
        """A refund's body; a change to None removes the member."""
        data = {
            'out_trade_no': 'S00042_1',
            'out_refund_no': 'R00042_1',
            'amount': {'refund': refund, 'total': 990, 'currency': 'CNY'},
            'notify_url': 'https://shop.example.com/payment/notify',
        } | changes
        return {name: value for name, value in data.items() if value is not None}

    def refund(self, refund=990, **changes):
        return self.call('POST', REFUND_PATH, self.refund_body(refund, **changes))

    def query_refund(self, number='R00042_1', **options):
        return self.call('GET', f'{REFUND_PATH}/{number}', **options)

    def query(self, number='S00042_1', **options):
        mchid = self.data['mchid']
        target = f'/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}'
        return self.call('GET', target, **options)

    def close(self, number='S00042_1', **changes):
        target = f'/v3/pay/transactions/out-trade-no/{number}/close'
        return self.call('POST', target, {'mchid': self.data['mchid']} | changes)

    def payment(self, prepay_id, appid=APPID, **changes):
        """The parameters of wx.requestPayment."""
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        package = f'prepay_id={prepay_id}'
        signature = rsa_sign(
            self.data['merchant_private_key'],
            f'{appid}\n{timestamp}\n{nonce}\n{package}\n'.encode(),
        )
        return {
            'timeStamp': timestamp, 'nonceStr': nonce, 'package': package,
            'signType': 'RSA', 'paySign': signature,
        } | changes

    def app_payment(self, prepay_id, appid, **changes):
        """The parameters of an app's OpenSDK."""
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        return {
            'appId': appid, 'partnerId': self.data['mchid'], 'prepayId': prepay_id,
            'packageValue': 'Sign=WXPay', 'nonceStr': nonce, 'timeStamp': timestamp,
            'sign': rsa_sign(
                self.data['merchant_private_key'],
                f'{appid}\n{timestamp}\n{nonce}\n{prepay_id}\n'.encode(),
            ),
        } | changes

    def signed_by(self, reply):
        """The serial of the key that signed an answer, checked against the header."""
        signature = reply.one('Wechatpay-Signature')
        if not signature:
            return None
        serial = verified_by(
            self.data, reply.one('Wechatpay-Timestamp'), reply.one('Wechatpay-Nonce'),
            reply.body, signature,
        )
        return serial if serial == reply.one('Wechatpay-Serial') else None


class Shop:
    """The merchant's server: takes notifications and answers as it is told."""

    def __init__(self):
        shop = self
        self.received = []
        self.status = 204
        self.body = b''
        self.delay = 0

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                message = Reply(0, list(self.headers.items()), body)
                message.target = self.path
                shop.received.append(message)
                time.sleep(shop.delay)
                self.send_response(shop.status)
                if shop.status != 204:
                    self.send_header('Content-Length', str(len(shop.body)))
                self.end_headers()
                self.wfile.write(shop.body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        # A sandbox that waited long enough and hung up is part of a test, not an error.
        self.server.handle_error = lambda *_arguments: None
        self.url = f'http://127.0.0.1:{self.server.server_address[1]}/payment/notify'
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def order_object(self, merchant, index=-1):
        """The decrypted content of a notification."""
        resource = json.loads(self.received[index].body)['resource']
        return json.loads(decrypt(merchant.data['api_v3_key'], resource))
