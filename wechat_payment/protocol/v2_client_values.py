# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a client passes on to pay an order of API v2 (B2.1).

Under the same names as for v3 (`signing`), so that clients need not know the version.
"""

from . import v2_signing


def build_jsapi_payment(appid, prepay_id, api_key, sign_type, *, timestamp, nonce):
    """Return what a mini-program or a page inside WeChat passes on to pay.

    :param str appid: The app in which the payment is made.
    :param str prepay_id: The number that the order call returned.
    :param str api_key: The APIv2 key.
    :param str sign_type: The type with which the order was signed.
    :param int timestamp: Seconds since 1970.
    :param str nonce: A random text of at most 32 characters.
    :return: {appId, timeStamp, nonceStr, package, signType, paySign}, all texts.
    :rtype: dict
    """
    values = {
        'appId': appid,
        'timeStamp': str(timestamp),
        'nonceStr': nonce,
        'package': f'prepay_id={prepay_id}',
        'signType': sign_type,
    }
    return {**values, 'paySign': v2_signing.sign(values, api_key, sign_type)}


def build_app_payment(appid, mchid, prepay_id, api_key, sign_type, *, timestamp, nonce):
    """Return what a mobile app hands to WeChat's OpenSDK to pay.

    :param str appid: The mobile app.
    :param str mchid: The merchant number; signed, other than in v3.
    :param str prepay_id: The number that the order call returned.
    :param str api_key: The APIv2 key.
    :param str sign_type: The type with which the order was signed; it is not named here.
    :param int timestamp: Seconds since 1970.
    :param str nonce: A random text of at most 32 characters.
    :return: {appId, partnerId, prepayId, packageValue, nonceStr, timeStamp, sign}, all texts.
    :rtype: dict
    """
    package = 'Sign=WXPay'
    # Signed under names of their own, all lower case.
    signature = v2_signing.sign({
        'appid': appid,
        'partnerid': mchid,
        'prepayid': prepay_id,
        'package': package,
        'noncestr': nonce,
        'timestamp': str(timestamp),
    }, api_key, sign_type)
    return {
        'appId': appid,
        'partnerId': mchid,
        'prepayId': prepay_id,
        'packageValue': package,
        'nonceStr': nonce,
        'timeStamp': str(timestamp),
        'sign': signature,
    }
