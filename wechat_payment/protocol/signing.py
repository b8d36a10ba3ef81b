# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signatures that we make: requests (A1.3, A1.4) and what the client passes on (A4.4)."""

import base64

from Crypto.Hash import SHA256
from Crypto.Signature import pkcs1_15

from .keys import load_private_key

SCHEME = 'WECHATPAY2-SHA256-RSA2048'


def sign(message, private_key_pem):
    """Sign a text with RSASSA-PKCS1-v1_5 and SHA-256.

    :param str message: The message, encoded as UTF-8 before it is signed.
    :param str private_key_pem: The merchant's private key in PEM text.
    :return: The signature in base64, without line breaks.
    :rtype: str
    :raise KeyFormatError: If the key cannot be read.
    """
    digest = SHA256.new(message.encode())
    signature = pkcs1_15.new(load_private_key(private_key_pem)).sign(digest)
    return base64.b64encode(signature).decode()


def build_request_message(method, path, timestamp, nonce, body):
    """Return the five lines that are signed for a request (A1.3).

    :param str method: The HTTP method, upper case.
    :param str path: The path with its query, exactly as sent.
    :param int|str timestamp: Seconds since 1970.
    :param str nonce: The random text that the header carries too.
    :param str body: The body, exactly as sent; empty if there is none.
    :rtype: str
    """
    return f'{method}\n{path}\n{timestamp}\n{nonce}\n{body}\n'


def build_authorization(
    method, path, body, *, mchid, serial_no, private_key_pem, timestamp, nonce,
):
    """Return the Authorization header of a request (A1.4).

    :param str method: The HTTP method, upper case.
    :param str path: The path with its query, exactly as sent.
    :param str body: The body, exactly as sent; empty if there is none.
    :param str mchid: The merchant number.
    :param str serial_no: The serial of the merchant's certificate, upper-case hex.
    :param str private_key_pem: The merchant's private key in PEM text.
    :param int timestamp: Seconds since 1970.
    :param str nonce: A random text of at most 32 characters.
    :rtype: str
    :raise KeyFormatError: If the key cannot be read.
    """
    message = build_request_message(method, path, timestamp, nonce, body)
    signature = sign(message, private_key_pem)
    return (
        f'{SCHEME} mchid="{mchid}",nonce_str="{nonce}",signature="{signature}",'
        f'timestamp="{timestamp}",serial_no="{serial_no}"'
    )


def build_jsapi_payment(appid, prepay_id, private_key_pem, *, timestamp, nonce):
    """Return what a mini-program or a page inside WeChat passes on to pay (A4.4).

    :param str appid: The app in which the payment is made.
    :param str prepay_id: The number that the order call returned.
    :param str private_key_pem: The merchant's private key in PEM text.
    :param int timestamp: Seconds since 1970.
    :param str nonce: A random text of at most 32 characters.
    :return: {appId, timeStamp, nonceStr, package, signType, paySign}, all texts.
    :rtype: dict
    :raise KeyFormatError: If the key cannot be read.
    """
    package = f'prepay_id={prepay_id}'
    return {
        'appId': appid,
        'timeStamp': str(timestamp),
        'nonceStr': nonce,
        'package': package,
        'signType': 'RSA',
        'paySign': sign(f'{appid}\n{timestamp}\n{nonce}\n{package}\n', private_key_pem),
    }


def build_app_payment(appid, mchid, prepay_id, private_key_pem, *, timestamp, nonce):
    """Return what a mobile app hands to WeChat's OpenSDK to pay (A4.4).

    :param str appid: The mobile app.
    :param str mchid: The merchant number; not signed.
    :param str prepay_id: The number that the order call returned.
    :param str private_key_pem: The merchant's private key in PEM text.
    :param int timestamp: Seconds since 1970.
    :param str nonce: A random text of at most 32 characters.
    :return: {appId, partnerId, prepayId, packageValue, nonceStr, timeStamp, sign}, all texts.
    :rtype: dict
    :raise KeyFormatError: If the key cannot be read.
    """
    return {
        'appId': appid,
        'partnerId': mchid,
        'prepayId': prepay_id,
        'packageValue': 'Sign=WXPay',
        'nonceStr': nonce,
        'timeStamp': str(timestamp),
        'sign': sign(f'{appid}\n{timestamp}\n{nonce}\n{prepay_id}\n', private_key_pem),
    }
