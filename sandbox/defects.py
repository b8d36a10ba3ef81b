# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signature headers with one thing wrong: for notifications and for answers alike."""

import secrets

from . import signing
from .keys import new_key

DEFECTS = (
    'bad_signature', 'signtest', 'not_base64', 'unknown_serial', 'missing_header:<name>',
    'doubled_header:<name>', 'old_timestamp', 'future_timestamp', 'wrong_signature_type',
    'tampered_body',
)
# Twice the tolerance: a slow machine must not let a wrong time slip into the window.
OFF = 2 * signing.TOLERANCE
_strangers = []


def stranger():
    """:return: a private key that nobody trusts (made once)."""
    if not _strangers:
        _strangers.append(new_key())
    return _strangers[0]


def is_known(defect):
    """:return: whether a defect of the signature has this name."""
    name, colon, header = defect.partition(':')
    if name in ('missing_header', 'doubled_header'):
        return bool(colon and header)
    return defect in DEFECTS


def signed_headers(signer, clock, body, defect=None, timestamp_offset=0):
    """Sign a body, with a defect if one is named.

    :param Signer signer: whose serial goes into the headers
    :param bytes body: what is signed
    :param str defect: one of `DEFECTS`; `tampered_body` is the caller's to do
    :param float timestamp_offset: seconds added to the timestamp
    :return: list of header pairs
    """
    if defect == 'old_timestamp':
        timestamp_offset -= OFF
    elif defect == 'future_timestamp':
        timestamp_offset += OFF
    timestamp = str(int(clock.now() + timestamp_offset))
    headers = dict(signing.signature_headers(signer, timestamp, body))
    signature = headers['Wechatpay-Signature']
    if defect == 'bad_signature':
        message = signing.answer_message(timestamp, headers['Wechatpay-Nonce'], body)
        headers['Wechatpay-Signature'] = signing.sign(stranger(), message)
    elif defect == 'signtest':
        headers['Wechatpay-Signature'] = ('WECHATPAY/SIGNTEST/' + signature)[:len(signature)]
    elif defect == 'not_base64':
        headers['Wechatpay-Signature'] = '***not base64***'
    elif defect == 'unknown_serial':
        headers['Wechatpay-Serial'] = f'PUB_KEY_ID_{secrets.token_hex(17)}'
    elif defect == 'wrong_signature_type':
        headers['Wechatpay-Signature-Type'] = 'WECHATPAY2-SM2-WITH-SM3'
    name, _colon, target = (defect or '').partition(':')
    pairs = list(headers.items())
    if name == 'missing_header':
        pairs = [pair for pair in pairs if pair[0].lower() != target.lower()]
    elif name == 'doubled_header':
        pairs += [pair for pair in pairs if pair[0].lower() == target.lower()]
    return pairs


def tamper(body):
    """:return: a body that differs and, if it was JSON, still is (bytes)."""
    return body + b' '


def set_path(data, path, value):
    """Set a member by its dotted path; a value of None removes it.

    :param dict data: changed in place
    :param str path: for example `amount.total`
    """
    *parents, last = path.split('.')
    for name in parents:
        if not isinstance(data.get(name), dict):
            data[name] = {}
        data = data[name]
    if value is None:
        data.pop(last, None)
    else:
        data[last] = value
