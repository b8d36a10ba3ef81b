# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API for pushed messages and what was written to people."""

import re
from urllib.parse import urlsplit

from . import push
from .clock import rfc3339
from .push_format import FORMATS
from .world import Refusal


def _read(data, required, **kinds):
    """:return: the body without members that are null, checked against name -> type."""
    unknown = sorted(set(data) - set(kinds))
    if unknown:
        raise Refusal(
            f"unknown parameter {', '.join(unknown)}; this call knows: {', '.join(kinds)}")
    values = {name: value for name, value in data.items() if value is not None}
    for name in required:
        if name not in values:
            raise Refusal(f"{name} is missing")
    for name, value in values.items():
        if type(value) is not kinds[name]:
            raise Refusal(f"{name} must be of the type {kinds[name].__name__}")
    return values


def _app(world, appid):
    if appid not in world.apps:
        raise Refusal(f"there is no app {appid!r}")
    return world.apps[appid]


def _check_url(url):
    parts = urlsplit(url)
    if parts.scheme not in ('http', 'https') or not parts.hostname or not url.isascii():
        raise Refusal("a url must be a complete http or https address")


def _check_choices(values):
    if values.get('mode', 'secure') not in push.MODES:
        raise Refusal(f"mode must be one of {', '.join(push.MODES)}")
    if values.get('format', 'XML') not in FORMATS:
        raise Refusal(f"format must be one of {', '.join(FORMATS)}")
    if values.get('defect') not in (None, *push.DEFECTS):
        raise Refusal(f"unknown defect; there are {', '.join(push.DEFECTS)}")


def _view(config):
    fields = vars(config).copy()
    fields['format'] = fields.pop('form')
    return fields


def set_config(sandbox, data):
    """POST push_config."""
    values = _read(
        data, ('appid', 'url', 'token'), appid=str, url=str, token=str, encoding_aes_key=str,
        mode=str, format=str, original_id=str, check=bool,
    )
    world = sandbox.world
    app = _app(world, values['appid'])
    if app.app_type not in ('miniprogram', 'official_account', 'component'):
        raise Refusal(f"an app of type {app.app_type} gets no messages")
    _check_choices(values)
    _check_url(values['url'])
    if not re.fullmatch(r'[0-9A-Za-z]{3,32}', values['token'], re.ASCII):
        raise Refusal("token must be 3 to 32 letters or digits")
    config = push.PushConfig(
        values['appid'], values['url'], values['token'], values.get('encoding_aes_key', ''),
        values.get('mode', 'secure'),
        values.get('format', 'JSON' if app.app_type == 'miniprogram' else 'XML'),
        values.get('original_id', push.original_id(values['appid'])),
    )
    if config.form == 'JSON' and app.app_type != 'miniprogram':
        raise Refusal("only mini-programs may choose JSON")
    if config.mode != 'plain' and not re.fullmatch(
        r'[0-9A-Za-z]{43}', config.encoding_aes_key, re.ASCII,
    ):
        raise Refusal("encoding_aes_key must be 43 letters or digits")
    if values.get('check', True) and app.app_type != 'component':
        push.check_address(world, config)
    with world.lock:
        world.push_configs[config.appid] = config
    return _view(config)


def send_push(sandbox, data):
    """POST push."""
    values = _read(
        data, ('appid', 'message'), appid=str, message=dict, user=str, openid=str, via=str,
        urls=list, mode=str, format=str, defect=str, repeat=int, parallel=bool, retry=bool,
        complete=bool,
    )
    world = sandbox.world
    _app(world, values['appid'])
    _check_choices(values)
    config = world.push_configs.get(values.get('via', values['appid']))
    if not config:
        raise Refusal("no push was configured for this app; see push_config")
    changes = {
        'mode': values.get('mode', config.mode),
        'form': values.get('format', config.form),
        'url': config.url.replace('$APPID$', values['appid']),
    }
    config = push.PushConfig(**{**vars(config), **changes})
    for url in values.get('urls', []):
        _check_url(url)
    if not 1 <= values.get('repeat', 1) <= 100:
        raise Refusal("repeat must be 1 to 100")
    message = values['message']
    if values.get('complete', True):
        openid = values.get('openid')
        if not openid:
            user = world.user(values['user']) if 'user' in values else world.add_user()
            openid = world.openid(user, values['appid'])
        message = push.complete(world, config, values['appid'], openid, message)
    deliveries = push.push(
        world, config, values['appid'], message, urls=values.get('urls'),
        defect=values.get('defect'), repeat=values.get('repeat', 1),
        parallel=values.get('parallel', False), retry=values.get('retry', True),
    )
    return {'message': message, 'deliveries': deliveries}


def list_messages(sandbox, data, appid):
    """GET customer_messages/<appid>."""
    world = sandbox.world
    _app(world, appid)
    with world.lock:
        return {
            'messages': [
                {**item, 'time': rfc3339(item['time'])}
                for item in world.customer_messages if item['appid'] == appid
            ],
            'typing': sorted(openid for known, openid in world.chat_typing if known == appid),
        }


ROUTES = [
    ('POST', '/_sandbox/push_config', set_config),
    ('POST', '/_sandbox/push', send_push),
    ('GET', '/_sandbox/customer_messages/{appid}', list_messages),
]
