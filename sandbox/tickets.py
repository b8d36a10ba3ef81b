# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Tickets and what is signed with them: JSSDK and cards (wechat-platform.md 3.5, 4)."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from .platform import PlatformError, check_token, require_get

LIFETIME = 7200
RENEW_BEFORE = 60
TYPES = ('jsapi', 'wx_card')
LATE = 300
_CARD_VALUES = ('card_id', 'code', 'openid', 'nonce_str', 'timestamp')
_CHOICE_VALUES = ('shopId', 'cardType', 'cardId', 'nonceStr', 'timestamp')


@dataclass
class Ticket:
    """One ticket; the last one of an app and a type is the one that signatures want."""

    value: str
    issued: float
    expires: float


def getticket(world, request):
    """GET /cgi-bin/ticket/getticket (3.5)."""
    require_get(request)
    with world.lock:
        app = check_token(world, request)
        kind = request.params().get('type')
        if kind not in TYPES:
            raise PlatformError(40097, f"type must be one of {', '.join(TYPES)}")
        now = world.clock.now()
        ticket = world.tickets.get((app.appid, kind))
        if not ticket or now >= ticket.expires - RENEW_BEFORE:
            ticket = Ticket(secrets.token_urlsafe(64)[:86], now, now + LIFETIME)
            world.tickets[app.appid, kind] = ticket
        return {
            'errcode': 0, 'errmsg': 'ok', 'ticket': ticket.value,
            'expires_in': round(ticket.expires - now),
        }


def config(world, appid, url, values):
    """Decide about a page's wx.config as the WeChat client does (4.1).

    :param str url: the address that the page has in the browser
    :param dict values: `timestamp`, `nonceStr`, `signature`
    :return: the errMsg that wx.ready or wx.error gets
    """
    ticket = _valid(world, appid, 'jsapi')
    if not ticket:
        return 'config:fail, the app has no valid jsapi_ticket'
    text = '&'.join((
        f'jsapi_ticket={ticket}', f"noncestr={values.get('nonceStr')}",
        f"timestamp={values.get('timestamp')}", f"url={url.split('#')[0]}",
    ))
    return _verdict(world, 'config', hashlib.sha1(text.encode()).hexdigest(), values)


def add_card(world, appid, card_id, card_ext):
    """Decide about one card of wx.addCard (4.2).

    :param str card_id: the card's cardId
    :param dict card_ext: what its cardExt holds
    :return: the errMsg
    """
    return _card_verdict(world, appid, 'addCard', _CARD_VALUES, {**card_ext, 'card_id': card_id})


def choose_card(world, appid, values):
    """Decide about wx.chooseCard (4.2).

    :param dict values: its parameters
    :return: the errMsg
    """
    if values.get('signType') != 'SHA1':
        return 'chooseCard:fail, signType must be SHA1'
    values = {**values, 'signature': values.get('cardSign')}
    return _card_verdict(world, appid, 'chooseCard', _CHOICE_VALUES, values, [appid])


def _card_verdict(world, appid, call, names, values, more=()):
    ticket = _valid(world, appid, 'wx_card')
    if not ticket:
        return f'{call}:fail, the app has no valid wx_card ticket'
    parts = [ticket, *more, *(str(values.get(name) or '') for name in names)]
    text = b''.join(sorted(part.encode() for part in parts))
    return _verdict(world, call, hashlib.sha1(text).hexdigest(), values)


def _verdict(world, call, expected, values):
    signature, timestamp = values.get('signature'), str(values.get('timestamp'))
    if not isinstance(signature, str) or not hmac.compare_digest(
        expected.encode(), signature.encode(),
    ):
        return f'{call}:fail, invalid signature'
    if not re.fullmatch(r'\d{10}', timestamp, re.ASCII):
        return f'{call}:fail, timestamp must be seconds, ten digits'
    if abs(int(timestamp) - world.clock.now()) > LATE:
        return f'{call}:fail, the signature is too old'
    return f'{call}:ok'


def _valid(world, appid, kind):
    ticket = world.tickets.get((appid, kind))
    return ticket.value if ticket and world.clock.now() < ticket.expires else None


PATHS = {'/cgi-bin/ticket/getticket': getticket}
