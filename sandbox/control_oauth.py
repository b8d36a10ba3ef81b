# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API for logins on web pages and in mobile apps."""

from urllib.parse import urlsplit

from . import oauth
from .world import Refusal


def _read(data, **kinds):
    """Check a control request.

    :param dict data: the body
    :param kinds: name -> (type, whether it must be there)
    :return: the body without members that are null
    """
    unknown = sorted(set(data) - set(kinds))
    if unknown:
        known = ', '.join(kinds)
        raise Refusal(f"unknown parameter {', '.join(unknown)}; this call knows: {known}")
    values = {name: value for name, value in data.items() if value is not None}
    for name, (kind, required) in kinds.items():
        if name not in values:
            if required:
                raise Refusal(f"{name} is missing")
        elif type(values[name]) is not kind:
            raise Refusal(f"{name} must be of the type {kind.__name__}")
    return values


def _person(world, name):
    return world.user(name) if name else world.add_user()


def _view(world, grant):
    user = world.users[grant.user]
    return {
        'code': grant.code,
        'user': user.user,
        'openid': grant.openid,
        'unionid': None if grant.snapshot else world.unionid(user, grant.appid),
        'scope': grant.scope,
    }


def consent(sandbox, data):
    """POST oauth_consent: what a person does on the page of an authorise URL."""
    values = _read(
        data, url=(str, True), user=(str, False), refuse=(bool, False), snapshot=(bool, False),
    )
    parts = urlsplit(values['url'])
    if parts.path not in oauth.PAGES:
        raise Refusal(f"url must be an address of {' or '.join(oauth.PAGES)}")
    if parts.fragment != 'wechat_redirect':
        raise Refusal("url must end with #wechat_redirect")
    world = sandbox.world
    with world.lock:
        request = oauth.read_page(world, parts.path, parts.query)
        if values.get('refuse'):
            if parts.path == oauth.QRCONNECT:
                return {'redirect': None}
            return {'redirect': oauth.refuse(request)}
        user = _person(world, values.get('user'))
        address = oauth.consent(world, request, user, values.get('snapshot', False))
        grant = next(reversed(world.oauth_codes.values()))
        return {'redirect': address, 'state': request.state, **_view(world, grant)}


def code(sandbox, data):
    """POST oauth_code: a code without a page, as the SDK gives a mobile app."""
    values = _read(
        data, appid=(str, True), user=(str, False), scope=(str, False), expired=(bool, False),
        snapshot=(bool, False),
    )
    world = sandbox.world
    with world.lock:
        scope = values.get('scope', oauth.MOBILE_SCOPE)
        user = _person(world, values.get('user'))
        grant = oauth.issue(
            world, values['appid'], user, scope, values.get('snapshot', False),
            values.get('expired', False),
        )
        return _view(world, grant)


def settings(sandbox, data):
    """POST oauth_settings: the domains of an app's console, and snapshot mode."""
    values = _read(data, appid=(str, True), domains=(list, False), snapshot=(bool, False))
    world = sandbox.world
    with world.lock:
        appid = values['appid']
        if appid not in world.apps:
            raise Refusal(f"there is no app {appid!r}")
        if 'domains' in data:
            domains = values.get('domains')
            if domains is not None and not all(isinstance(item, str) for item in domains):
                raise Refusal("domains must be a list of host names, or null for any")
            world.oauth_domains[appid] = domains
        if 'snapshot' in values:
            change = world.oauth_snapshots.add if values['snapshot'] else (
                world.oauth_snapshots.discard)
            change(appid)
        return {
            'appid': appid,
            'domains': world.oauth_domains.get(appid),
            'snapshot': appid in world.oauth_snapshots,
        }


ROUTES = [
    ('POST', '/_sandbox/oauth_consent', consent),
    ('POST', '/_sandbox/oauth_code', code),
    ('POST', '/_sandbox/oauth_settings', settings),
]
