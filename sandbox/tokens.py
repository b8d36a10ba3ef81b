# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The life of an access_token (wechat-platform.md 3.1)."""

import re
import secrets
from dataclasses import dataclass

from .clock import beijing_day

LIFETIME = 7200
RENEW_BEFORE = 300
OVERLAP = 300
FORCE_INTERVAL = 30
FORCE_PER_DAY = 20
_SHAPE = re.compile(r'[0-9A-Za-z_-]{100,512}')


@dataclass
class Token:
    """One access_token. `dead_from` is set when a newer one has taken its place."""

    value: str
    appid: str
    kind: str
    issued: float
    expires: float
    dead_from: float | None = None
    revoked: bool = False


def _issue(world, appid, kind):
    now = world.clock.now()
    number = secrets.choice(range(60, 100))
    value = f'{number}_{secrets.token_urlsafe(99)}'
    token = Token(value, appid, kind, now, now + LIFETIME)
    world.tokens[value] = token
    world.current_tokens[appid, kind] = token
    return token


def _retire(world, token, overlap):
    """Replace a token: it works for the overlap still, or not at all."""
    if token and world.clock.now() < token.expires:
        token.dead_from = world.clock.now() + overlap
        # Within the overlap the old token works even past its own expiry.
        token.expires = max(token.expires, token.dead_from)


def stable(world, appid, force=False):
    """The token of the stable endpoint.

    :param bool force: replace a good token and kill it, if 30 s have passed since the last time
    :return: the `Token`, or None if the day's forced renewals are used up
    """
    now = world.clock.now()
    current = world.current_tokens.get((appid, 'stable'))
    fresh = current is not None and now < current.expires - RENEW_BEFORE
    if not force:
        if fresh:
            return current
        _retire(world, current, OVERLAP)
        return _issue(world, appid, 'stable')
    day, count, last = world.quotas.get(appid, ('', 0, 0.0))
    if day != beijing_day(now):
        day, count = beijing_day(now), 0
    if now - last < FORCE_INTERVAL and fresh:
        return current
    if count >= FORCE_PER_DAY:
        return None
    world.quotas[appid] = (day, count + 1, now)
    _retire(world, current, 0)
    return _issue(world, appid, 'stable')


def classic(world, appid):
    """:return: a new `Token` of the classic endpoint; the one before dies after the overlap."""
    current = world.current_tokens.get((appid, 'classic'))
    _retire(world, current, OVERLAP)
    return _issue(world, appid, 'classic')


def renew(world, appid, kind):
    """:return: a new `Token` of an account by its third-party platform; as the classic ones."""
    _retire(world, world.current_tokens.get((appid, kind)), OVERLAP)
    return _issue(world, appid, kind)


def revoke(world, appid):
    """Make the app's tokens useless though the endpoints still hand them out.

    :return: how many tokens that were
    """
    count = 0
    for token in world.tokens.values():
        if token.appid == appid and not token.revoked:
            token.revoked = True
            count += 1
    return count


def look_up(world, value):
    """Decide about a token that a call carries.

    :return: (errcode or 0, why, appid or None)
    """
    with world.lock:
        token = world.tokens.get(value)
        now = world.clock.now()
        if token is None:
            if not _SHAPE.fullmatch(value):
                return 40014, "this does not look like an access_token", None
            return 40001, "this access_token was not issued here", None
        if token.revoked:
            return 40001, "this access_token was revoked", None
        if token.dead_from is not None and now >= token.dead_from:
            return 40001, "this access_token was replaced by a newer one", None
        if now >= token.expires:
            return 42001, "this access_token has expired", None
        return 0, '', token.appid
