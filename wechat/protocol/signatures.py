# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signatures with tickets, for pages and cards (wechat-platform.md, section 4)."""

import hashlib


def jssdk_string(ticket, nonce, timestamp, url):
    """Return what is signed for `wx.config` (section 4.1).

    :param str ticket: The jsapi_ticket.
    :param str nonce: The nonceStr.
    :param int timestamp: Seconds since the epoch.
    :param str url: The page's address as the browser has it; its fragment is left out.
    :rtype: str
    """
    return (
        f'jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}'
        f'&url={url.partition("#")[0]}'
    )


def sign_jssdk(ticket, nonce, timestamp, url):
    """Return the signature for `wx.config`. See :func:`jssdk_string`.

    :return: 40 hexadecimal digits.
    :rtype: str
    """
    return _sha1(jssdk_string(ticket, nonce, timestamp, url).encode())


def card_bytes(*values):
    """Return what is signed for a card: the values, sorted as bytes (section 4.2).

    :param values: Texts; empty ones add nothing.
    :rtype: bytes
    """
    return b''.join(sorted(value.encode() for value in values))


def sign_card(ticket, timestamp, nonce, card_id, code='', openid=''):
    """Return the signature of one card's `cardExt`, for `wx.addCard`.

    :param str ticket: The wx_card_ticket.
    :param str timestamp: Seconds since the epoch.
    :param str nonce: The nonce_str.
    :param str card_id: The card.
    :param str code: Its code, if it has one of its own.
    :param str openid: Who may take it, if it is for one person.
    :return: 40 hexadecimal digits.
    :rtype: str
    """
    return _sha1(card_bytes(ticket, timestamp, card_id, code, openid, nonce))


def sign_choose_card(ticket, appid, timestamp, nonce, card_id='', card_type='', location_id=''):
    """Return the `cardSign` of `wx.chooseCard`.

    :param str ticket: The wx_card_ticket.
    :param str appid: The app.
    :param str timestamp: Seconds since the epoch.
    :param str nonce: The nonceStr.
    :param str card_id: Only this card.
    :param str card_type: Only cards of this type, as `GROUPON`.
    :param str location_id: Only cards of this shop.
    :return: 40 hexadecimal digits.
    :rtype: str
    """
    return _sha1(card_bytes(
        ticket, appid, location_id, timestamp, nonce, card_id, card_type,
    ))


def _sha1(data):
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
