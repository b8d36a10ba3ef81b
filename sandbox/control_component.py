# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API for third-party platforms."""

import re
from urllib.parse import urlsplit

from . import component_page, components, push
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


def _delivery_options(values):
    if values.get('defect') not in (None, *push.DEFECTS):
        raise Refusal(f"unknown defect; there are {', '.join(push.DEFECTS)}")
    if not 1 <= values.get('repeat', 1) <= 100:
        raise Refusal("repeat must be 1 to 100")
    return {name: values[name] for name in ('defect', 'urls', 'repeat') if name in values}


_DELIVERY = {'defect': (str, False), 'urls': (list, False), 'repeat': (int, False)}


def configure(sandbox, data):
    """POST component_config: what is entered in the component's console."""
    values = _read(
        data, appid=(str, True), event_url=(str, True), message_url=(str, True),
        token=(str, True), encoding_aes_key=(str, True), page_domain=(str, False),
        pushes_tickets=(bool, False), rotates_refresh_tokens=(bool, False),
    )
    world = sandbox.world
    found = components.component_of(world, values['appid'])
    for name in ('event_url', 'message_url'):
        if urlsplit(values[name]).scheme not in ('http', 'https'):
            raise Refusal(f"{name} must be a complete http or https address")
    if '$APPID$' not in values['message_url']:
        raise Refusal("message_url must contain $APPID$")
    if not re.fullmatch(r'[0-9A-Za-z]{3,32}', values['token'], re.ASCII):
        raise Refusal("token must be 3 to 32 letters or digits")
    if not re.fullmatch(r'[0-9A-Za-z]{43}', values['encoding_aes_key'], re.ASCII):
        raise Refusal("encoding_aes_key must be 43 letters or digits")
    with world.lock:
        world.push_configs[found.appid] = push.PushConfig(
            found.appid, values['message_url'], values['token'], values['encoding_aes_key'],
        )
        found.event_url = values['event_url']
        for name in ('page_domain', 'pushes_tickets', 'rotates_refresh_tokens'):
            if name in values:
                setattr(found, name, values[name])
    return view(sandbox, {}, found.appid)


def view(sandbox, data, appid):
    """GET components/<appid>."""
    world = sandbox.world
    found = components.component_of(world, appid)
    with world.lock:
        return {
            'appid': appid, 'event_url': found.event_url, 'page_domain': found.page_domain,
            'tickets': len(found.tickets), 'component_tokens': len(found.component_tokens),
            'pre_auth_codes': [vars(code) for code in found.pre_auth_codes.values()],
            'auth_codes': [vars(code) for code in found.auth_codes.values()],
            'authorizers': [vars(one) for one in found.authorizers.values()],
            'events': found.events,
        }


def ticket(sandbox, data):
    """POST component_ticket: push a ticket, a new one or as the fields say."""
    values = _read(data, appid=(str, True), fields=(dict, False), **_DELIVERY)
    world = sandbox.world
    found = components.component_of(world, values['appid'])
    fields = {
        'InfoType': 'component_verify_ticket',
        'CreateTime': int(world.clock.now()),
        'ComponentVerifyTicket': components.new_ticket(world, found),
        **values.get('fields', {}),
    }
    outcomes = components.push_event(world, found, fields, **_delivery_options(values))
    return {'fields': fields, 'deliveries': outcomes}


def event(sandbox, data):
    """POST component_event: push any event."""
    values = _read(data, appid=(str, True), fields=(dict, True), **_DELIVERY)
    found = components.component_of(sandbox.world, values['appid'])
    outcomes = components.push_event(
        sandbox.world, found, values['fields'], **_delivery_options(values))
    return {'deliveries': outcomes}


def authorize(sandbox, data):
    """POST component_authorize: what an administrator does on the page of an address."""
    values = _read(
        data, url=(str, True), referer=(str, False), appid=(str, True), scopes=(list, False),
        event=(bool, False), refuse=(bool, False),
    )
    parts = urlsplit(values['url'])
    if parts.path not in component_page.PATHS:
        raise Refusal(f"url must be an address of {' or '.join(sorted(component_page.PATHS))}")
    if parts.path == component_page.PHONE and parts.fragment != 'wechat_redirect':
        raise Refusal("the address for phones must end with #wechat_redirect")
    world = sandbox.world
    with world.lock:
        asked = component_page.read_page(world, parts.path, parts.query, values.get('referer'))
        if values.get('refuse'):
            return {'redirect': None}
        address, code, info_type = component_page.allow(
            world, asked, values['appid'], values.get('scopes'))
        fields = components.event_of(code, info_type or 'authorized')
    answer = {
        'redirect': address, 'auth_code': code.code, 'info_type': info_type, 'event': fields,
    }
    if values.get('event') and info_type:
        answer['deliveries'] = components.push_event(world, asked.component, fields)
    return answer


def unauthorize(sandbox, data):
    """POST component_unauthorize: an administrator ends the authorisation."""
    values = _read(
        data, appid=(str, True), authorizer_appid=(str, True), event=(bool, False), **_DELIVERY)
    world = sandbox.world
    found = components.component_of(world, values['appid'])
    components.unauthorize(world, found, values['authorizer_appid'])
    fields = {'InfoType': 'unauthorized', 'AuthorizerAppid': values['authorizer_appid']}
    answer = {'event': fields}
    if values.get('event', True):
        answer['deliveries'] = components.push_event(
            world, found, fields, **_delivery_options(values))
    return answer


ROUTES = [
    ('POST', '/_sandbox/component_config', configure),
    ('GET', '/_sandbox/components/{appid}', view),
    ('POST', '/_sandbox/component_ticket', ticket),
    ('POST', '/_sandbox/component_event', event),
    ('POST', '/_sandbox/component_authorize', authorize),
    ('POST', '/_sandbox/component_unauthorize', unauthorize),
]
