# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API for quotas, IP allow lists and what tickets sign."""

import ipaddress

from . import quotas, tickets
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


def _check_app(sandbox, appid):
    if appid not in sandbox.world.apps:
        raise Refusal(f"there is no app {appid!r}")


def list_quotas(sandbox, data):
    """GET quotas."""
    world = sandbox.world
    with world.lock:
        return {'quotas': [
            {'appid': appid, 'path': path, 'used': found.today(world).used, 'limit': found.limit}
            for (appid, path), found in world.call_counters.items()
        ]}


def set_quota(sandbox, data):
    """POST quotas."""
    values = _read(
        data, appid=(str, True), path=(str, True), used=(int, False), limit=(int, False),
    )
    _check_app(sandbox, values['appid'])
    if not values['path'].startswith('/'):
        raise Refusal("path must begin with a slash")
    if min(values.get('used', 0), values.get('limit', 0)) < 0:
        raise Refusal("used and limit must be 0 or more")
    world = sandbox.world
    with world.lock:
        found = quotas.counter(world, values['appid'], values['path'])
        found.limit = values.get('limit', found.limit)
        found.used = values.get('used', found.used)
        return {**{name: values[name] for name in ('appid', 'path')},
                'used': found.used, 'limit': found.limit}


def set_ip_allow_list(sandbox, data):
    """POST ip_allow_list."""
    values = _read(data, appid=(str, True), addresses=(list, False))
    _check_app(sandbox, values['appid'])
    addresses = values.get('addresses')
    try:
        addresses = addresses and [str(ipaddress.ip_address(item)) for item in addresses]
    except ValueError:
        raise Refusal("addresses must be a list of IP addresses, or null for no list") from None
    with sandbox.world.lock:
        sandbox.world.ip_allow_lists[values['appid']] = addresses
    return {'appid': values['appid'], 'addresses': addresses}


def wx_config(sandbox, data):
    """POST wx_config."""
    values = _read(data, appid=(str, True), url=(str, True), config=(dict, True))
    _check_app(sandbox, values['appid'])
    with sandbox.world.lock:
        return {'errMsg': tickets.config(
            sandbox.world, values['appid'], values['url'], values['config'],
        )}


def add_card(sandbox, data):
    """POST add_card."""
    values = _read(data, appid=(str, True), card_id=(str, True), card_ext=(dict, True))
    _check_app(sandbox, values['appid'])
    with sandbox.world.lock:
        return {'errMsg': tickets.add_card(
            sandbox.world, values['appid'], values['card_id'], values['card_ext'],
        )}


def choose_card(sandbox, data):
    """POST choose_card."""
    values = _read(data, appid=(str, True), parameters=(dict, True))
    _check_app(sandbox, values['appid'])
    with sandbox.world.lock:
        return {'errMsg': tickets.choose_card(
            sandbox.world, values['appid'], values['parameters'],
        )}


ROUTES = [
    ('GET', '/_sandbox/quotas', list_quotas),
    ('POST', '/_sandbox/quotas', set_quota),
    ('POST', '/_sandbox/ip_allow_list', set_ip_allow_list),
    ('POST', '/_sandbox/wx_config', wx_config),
    ('POST', '/_sandbox/add_card', add_card),
    ('POST', '/_sandbox/choose_card', choose_card),
]
