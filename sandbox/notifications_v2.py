# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The v2 XML notification of a refund, which v3 merchants get too (wechat-pay.md A6.4, B3.2)."""

import base64
import hashlib
import secrets
from datetime import datetime
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from .clock import BEIJING

HEADERS = [('Content-Type', 'text/xml'), ('User-Agent', 'Mozilla/4.0'), ('Accept', '*/*')]
_STATUS = {'SUCCESS': 'SUCCESS', 'ABNORMAL': 'CHANGE', 'CLOSED': 'REFUNDCLOSE'}


def refund_notification(merchant, refund):
    """:return: the unsigned XML body with the encrypted `req_info` (bytes)."""
    order = refund.order
    done = datetime.fromtimestamp(refund.success_time, BEIJING)
    inner = _xml('root', {
        'transaction_id': order.transaction_id,
        'out_trade_no': order.out_trade_no,
        'refund_id': refund.refund_id,
        'out_refund_no': refund.out_refund_no,
        'total_fee': order.total,
        'settlement_total_fee': order.total,
        'refund_fee': refund.amount,
        'settlement_refund_fee': refund.amount,
        'cash_refund_fee': refund.amount,
        'refund_status': _STATUS[refund.state],
        'success_time': done.strftime('%Y-%m-%d %H:%M:%S') if refund.success_time else '',
        'refund_recv_accout': refund.account,
        'refund_account': 'REFUND_SOURCE_RECHARGE_FUNDS',
        'refund_request_source': 'API' if refund.parameters else 'VENDOR_PLATFORM',
    })
    return _xml('xml', {
        'return_code': 'SUCCESS',
        'appid': order.appid,
        'mch_id': order.mchid,
        'nonce_str': secrets.token_hex(16),
        'req_info': _encrypt(merchant.api_v2_key, inner),
    })


def _xml(root, members):
    lines = ''.join(
        f'<{name}>{escape(str(value))}</{name}>\n' for name, value in members.items()
    )
    return f'<{root}>\n{lines}</{root}>'.encode()


def _encrypt(key, plaintext):
    secret = hashlib.md5(key.encode()).hexdigest().encode()
    padder = PKCS7(128).padder()
    padded = padder.update(plaintext) + padder.finalize()
    encryptor = Cipher(algorithms.AES(secret), modes.ECB()).encryptor()  # noqa: S305 what the service uses
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
