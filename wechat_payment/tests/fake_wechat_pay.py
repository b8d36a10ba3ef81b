# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A loopback server that plays WeChat Pay's orders, signing what it answers.

It is no second WeChat Pay (the sandbox is): it keeps orders, and does what a test asks of it.
"""

import base64
import datetime
import functools
import ipaddress
import json
import re
import secrets
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from odoo.addons.wechat.tests.common import FakeWechat

MCHID = '1900000001'
API_V3_KEY = '0123456789abcdef0123456789ABCDEF'
API_V2_KEY = 'FEDCBA9876543210fedcba9876543210'
PUBLIC_KEY_ID = 'PUB_KEY_ID_0119000000012026010100000000000001'


class KeyPair:
    """An RSA key with its public key and a certificate, all in PEM text."""

    def __init__(self, name, days=365, address=None):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.private_pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        self.public_pem = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo,
        ).decode()
        subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
            .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=abs(days) + 1))
            .not_valid_after(now + datetime.timedelta(days=days))
        )
        if address:
            names = [x509.IPAddress(ipaddress.ip_address(address))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        self.certificate_pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.serial_no = f'{certificate.serial_number:X}'

    def sign(self, message):
        """Return the base64 signature of bytes."""
        signature = self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signature).decode()


@functools.cache
def get_key_pair(name):
    """Return the key pair of a name, made once per run."""
    return KeyPair(name, days=-1 if name == 'expired' else 365)


def sign_headers(body, serial=PUBLIC_KEY_ID, key=None, timestamp=None):
    """Return the signature headers of an answer or a notification over bytes."""
    timestamp = str(int(time.time()) if timestamp is None else timestamp)
    nonce = secrets.token_hex(16)
    key = key or get_key_pair('wechat')
    return {
        'Wechatpay-Timestamp': timestamp,
        'Wechatpay-Nonce': nonce,
        'Wechatpay-Serial': serial,
        'Wechatpay-Signature': key.sign(f'{timestamp}\n{nonce}\n'.encode() + body + b'\n'),
        'Wechatpay-Signature-Type': 'WECHATPAY2-SHA256-RSA2048',
    }


def encrypt_resource(plaintext, associated_data, api_v3_key=API_V3_KEY):
    """Return bytes as the encrypted resource of an answer or a notification."""
    nonce = secrets.token_hex(6)
    ciphertext = AESGCM(api_v3_key.encode()).encrypt(
        nonce.encode(), plaintext, associated_data.encode(),
    )
    return {
        'algorithm': 'AEAD_AES_256_GCM',
        'ciphertext': base64.b64encode(ciphertext).decode(),
        'associated_data': associated_data,
        'nonce': nonce,
    }


def build_notification(order, event_type='TRANSACTION.SUCCESS', api_v3_key=API_V3_KEY):
    """Return the raw body of a notification with an encrypted order."""
    nonce = secrets.token_hex(6)
    ciphertext = AESGCM(api_v3_key.encode()).encrypt(
        nonce.encode(), json.dumps(order).encode(), b'transaction',
    )
    return json.dumps({
        'id': secrets.token_hex(16),
        'create_time': '2026-01-02T11:00:00+08:00',
        'event_type': event_type,
        'resource_type': 'encrypt-resource',
        'summary': "支付成功",
        'resource': {
            'algorithm': 'AEAD_AES_256_GCM',
            'original_type': 'transaction',
            'ciphertext': base64.b64encode(ciphertext).decode(),
            'associated_data': 'transaction',
            'nonce': nonce,
        },
    }, ensure_ascii=False).encode()


class FakeWechatPay(FakeWechat):
    """Keeps orders; `orders[out_trade_no]` is what a query answers.

    `overrides` is a list of (pattern of "METHOD path", function(request) or None): the first that
    matches answers instead, None closes the connection. `after` is called after an order was kept.
    """

    def reset(self):
        self.orders = {}
        self.bodies = {}
        self.refunds = {}
        self.overrides = []
        self.lose_answer = False
        self.certificates = []  # Key pairs; the last one signs for who has no public key.
        return super().reset()

    def override(self, pattern, answer):
        """Answer requests whose "METHOD path" matches differently from now on."""
        self.overrides.insert(0, (re.compile(pattern), answer))

    def pay(self, out_trade_no, **changes):
        """Make an order paid."""
        self.orders[out_trade_no].update({
            'trade_state': 'SUCCESS',
            'trade_state_desc': "支付成功",
            'bank_type': 'OTHERS',
            'transaction_id': '42' + secrets.token_hex(13),
            'success_time': '2026-01-02T11:00:00+08:00',
            **changes,
        })
        return self.orders[out_trade_no]

    def signed(self, content, status=200, **signing):
        """Return a signed answer as `FakeWechat` takes it."""
        body = b'' if content is None else json.dumps(content, ensure_ascii=False).encode()
        return status, {'Request-ID': 'TEST', **sign_headers(body, **signing)}, body

    def error(self, status, code):
        """Return an error answer: not signed, as WeChat Pay's are."""
        return status, {'Request-ID': 'TEST'}, {'code': code, 'message': "一条说明"}

    def _respond(self, handler, request):
        if request.path.startswith('/v3/'):
            # The most specific answer is made here and handed on under the request's own path.
            self.answer(request.method, request.path, self._answer_pay)
        return super()._respond(handler, request)

    def _answer_pay(self, request):
        line = f'{request.method} {request.path}'
        for pattern, answer in self.overrides:
            if pattern.search(line):
                return answer(request) if answer else None
        if match := re.fullmatch(r'POST /v3/pay/transactions/(jsapi|native|h5|app)', line):
            return self._answer_order(request, match.group(1))
        if line == 'GET /v3/certificates':
            return self._answer_certificates(request)
        if request.path.startswith('/v3/refund/domestic/refunds'):
            return self._answer_refund(request)
        match = re.fullmatch(r'/v3/pay/transactions/out-trade-no/([^/]+?)(/close)?', request.path)
        if not match:
            return 404, {}, b''
        out_trade_no, is_close = match.group(1), match.group(2)
        order = self.orders.get(out_trade_no)
        if not order:
            return self.error(404, 'ORDER_NOT_EXIST')
        if not is_close:
            return self.signed(order)
        if order['trade_state'] == 'SUCCESS':
            return self.error(400, 'ORDERPAID')
        order['trade_state'] = 'CLOSED'
        return self.signed(None, status=204)

    def _answer_certificates(self, request):
        if not self.certificates:
            return self.error(404, 'RESOURCE_NOT_EXISTS')
        data = [{
            'serial_no': pair.serial_no,
            'effective_time': '2026-01-02T11:00:00+08:00',
            'expire_time': '2031-01-02T11:00:00+08:00 ',  # WeChat Pay's own sample has the blank.
            'encrypt_certificate': encrypt_resource(pair.certificate_pem.encode(), 'certificate'),
        } for pair in self.certificates]
        if request.headers.get('Wechatpay-Serial') == PUBLIC_KEY_ID:
            return self.signed({'data': data})
        signer = self.certificates[-1]
        return self.signed({'data': data}, serial=signer.serial_no, key=signer)

    def _answer_order(self, request, product='jsapi'):
        body = request.json
        out_trade_no = body['out_trade_no']
        if ('payer' in body) != (product == 'jsapi') or ('scene_info' in body) != (product == 'h5'):
            return self.error(400, 'PARAM_ERROR')
        if self.bodies.setdefault(out_trade_no, (product, body)) != (product, body):
            return self.error(403, 'OUT_TRADE_NO_USED')
        self.orders.setdefault(out_trade_no, {
            'appid': body['appid'],
            'mchid': body['mchid'],
            'out_trade_no': out_trade_no,
            'trade_state': 'NOTPAY',
            'trade_state_desc': "订单未支付",
            'trade_type': {'h5': 'MWEB'}.get(product, product.upper()),
            'amount': dict(body['amount']),
            'payer': dict(body.get('payer') or {'openid': 'oScannedByThisPerson'}),
        })
        if self.lose_answer:
            return None
        token = secrets.token_hex(17)
        return self.signed({
            'native': {'code_url': f'weixin://wxpay/bizpayurl?pr={token[:8]}'},
            'h5': {'h5_url': f'{self.url}/mweb?prepay_id=wx{token}&package={token[:8]}'},
        }.get(product, {'prepay_id': f'wx{token}'}))

    def _answer_refund(self, request):
        """Keep a refund as PROCESSING, tell of one, or send an abnormal one on its way."""
        number = request.path.removeprefix('/v3/refund/domestic/refunds').strip('/')
        if request.method == 'GET':
            refund = self.refunds.get(number)
            return self.signed(refund) if refund else self.error(404, 'RESOURCE_NOT_EXISTS')
        if number.endswith('/apply-abnormal-refund'):
            refund = self.refunds[request.json['out_refund_no']]
            refund['status'] = 'PROCESSING'
            return self.signed(refund)
        body = request.json
        out_refund_no = body['out_refund_no']
        if self.bodies.setdefault(out_refund_no, body) != body:
            return self.error(400, 'INVALID_REQUEST')
        order = self.orders.get(body['out_trade_no'], {})
        if 'transaction_id' not in order:
            return self.error(404, 'RESOURCE_NOT_EXISTS')
        self.refund(order['out_trade_no'], out_refund_no, body['amount']['refund'])
        if self.lose_answer:
            return None
        return self.signed(self.refunds[out_refund_no])

    def refund(self, out_trade_no, out_refund_no, fen, **changes):
        """Make a refund, as our call or somebody in WeChat Pay's console does."""
        order = self.orders[out_trade_no]
        order['trade_state'] = 'REFUND'
        return self.refunds.setdefault(out_refund_no, {
            'refund_id': '50' + secrets.token_hex(13),
            'out_refund_no': out_refund_no,
            'transaction_id': order['transaction_id'],
            'out_trade_no': out_trade_no,
            'channel': 'ORIGINAL',
            'user_received_account': "支付用户零钱",
            'create_time': '2026-01-03T11:00:00+08:00',
            'status': 'PROCESSING',
            'amount': {
                'total': order['amount']['total'], 'refund': fen, 'currency': 'CNY',
                'payer_total': order['amount']['total'], 'payer_refund': fen,
            },
            **changes,
        })

    def finish_refund(self, out_refund_no, status='SUCCESS'):
        """Settle a refund, and return what a notification says of it."""
        refund = self.refunds[out_refund_no]
        refund['status'] = status
        told = ('out_trade_no', 'transaction_id', 'out_refund_no', 'refund_id',
                'user_received_account')
        return {
            'mchid': MCHID,
            **{name: refund[name] for name in told},
            'refund_status': status,
            'amount': {n: v for n, v in refund['amount'].items() if n != 'currency'},
        }
