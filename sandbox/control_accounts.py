# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API for official accounts: templates, followers and what was sent to them."""

from .account_events import tell
from .accounts import DELIVERIES, account_of
from .clock import rfc3339
from .world import Refusal

MOST_AT_ONCE = 20000


def _read(data, **kinds):
    """:return: the body, checked: `kinds` is name -> type, `name_` if it must be there."""
    names = {name.rstrip('_'): kind for name, kind in kinds.items()}
    unknown = sorted(set(data) - set(names))
    if unknown:
        known = ', '.join(names) or 'none'
        raise Refusal(f"unknown parameter {', '.join(unknown)}; this call knows: {known}")
    for name, kind in kinds.items():
        value = data.get(name.rstrip('_'))
        if value is None:
            if name.endswith('_'):
                raise Refusal(f"{name.rstrip('_')} is missing")
        elif type(value) is not kind:
            raise Refusal(f"{name.rstrip('_')} must be of the type {kind.__name__}")
    return {name: value for name, value in data.items() if value is not None}


def _account(sandbox, appid):
    app = sandbox.world.apps.get(appid)
    if not app or app.app_type != 'official_account':
        raise Refusal(f"there is no official account {appid!r}")
    return account_of(sandbox.world, appid)


def account_view(world, account):
    """:return: everything the sandbox knows of an account (dict)."""
    return {
        'appid': account.appid,
        'templates': [{**vars(item), 'keys': item.keys} for item in account.templates.values()],
        'followers': [{
            'user': name, 'openid': world.openid(world.users[name], account.appid),
            'since': rfc3339(since),
        } for name, since in account.followers.items()],
        'refusing': sorted(account.refusing),
        'messages': [
            {**item, 'time': rfc3339(item['time'])} for item in account.messages
        ],
        'materials': list(account.materials),
        'menu': account.menu,
        'follower_page': account.follower_page,
        'delivery': account.delivery,
    }


def get_account(sandbox, data, appid):
    """GET accounts/<appid>."""
    with sandbox.world.lock:
        return account_view(sandbox.world, _account(sandbox, appid))


def change_account(sandbox, data, appid):
    """PATCH accounts/<appid>."""
    values = _read(data, follower_page=int, delivery=str)
    if values.get('follower_page', 1) < 1:
        raise Refusal("follower_page must be 1 or more")
    if values.get('delivery', 'success') not in DELIVERIES:
        raise Refusal(f"delivery must be one of: {', '.join(DELIVERIES)}")
    with sandbox.world.lock:
        account = _account(sandbox, appid)
        for name, value in values.items():
            setattr(account, name, value)
        return account_view(sandbox.world, account)


def add_template(sandbox, data, appid):
    """POST accounts/<appid>/templates."""
    values = _read(data, title_=str, content_=str, template_id=str, example=str)
    with sandbox.world.lock:
        template = _account(sandbox, appid).add_template(**values)
        return {**vars(template), 'keys': template.keys}


def remove_template(sandbox, data, appid, template_id):
    """DELETE accounts/<appid>/templates/<template_id>."""
    with sandbox.world.lock:
        if not _account(sandbox, appid).templates.pop(template_id, None):
            raise Refusal(f"there is no template {template_id!r}")
        return {'removed': True}


def follow(sandbox, data, appid):
    """POST accounts/<appid>/follow: one person, or `count` new ones; one is told of."""
    values = _read(data, user=str, count=int, scene=str, push=bool)
    world = sandbox.world
    with world.lock:
        account = _account(sandbox, appid)
        count = values.get('count', 1)
        if not 1 <= count <= MOST_AT_ONCE:
            raise Refusal(f"count must be 1 to {MOST_AT_ONCE}")
        if 'user' in values:
            people = [world.user(values['user'])]
        else:
            people = [world.add_user() for _number in range(count)]
        for user in people:
            account.followers.setdefault(user.user, world.clock.now())
        followers = [{'user': user.user, 'openid': world.openid(user, appid)} for user in people]
    told = None
    if len(followers) == 1 and values.get('push', True):
        scene = f"qrscene_{values['scene']}" if values.get('scene') else ''
        told = tell(world, appid, followers[0]['openid'], 'subscribe', EventKey=scene)
    return {'followers': followers, 'push': told}


def unfollow(sandbox, data, appid):
    """POST accounts/<appid>/unfollow."""
    values = _read(data, user_=str, push=bool)
    world = sandbox.world
    with world.lock:
        user = world.user(values['user'])
        if _account(sandbox, appid).followers.pop(user.user, None) is None:
            raise Refusal(f"{user.user} does not follow the account")
        openid = world.openid(user, appid)
    told = None
    if values.get('push', True):
        told = tell(world, appid, openid, 'unsubscribe', EventKey='')
    return {'user': user.user, 'openid': openid, 'push': told}


def refuse_messages(sandbox, data, appid):
    """POST accounts/<appid>/refuse: the person turns template messages off, or on again."""
    values = _read(data, user_=str, refused=bool)
    with sandbox.world.lock:
        account = _account(sandbox, appid)
        user = sandbox.world.user(values['user'])
        if values.get('refused', True):
            account.refusing.add(user.user)
        else:
            account.refusing.discard(user.user)
        return {'refusing': sorted(account.refusing)}


ROUTES = [
    ('GET', '/_sandbox/accounts/{appid}', get_account),
    ('PATCH', '/_sandbox/accounts/{appid}', change_account),
    ('POST', '/_sandbox/accounts/{appid}/templates', add_template),
    ('DELETE', '/_sandbox/accounts/{appid}/templates/{template_id}', remove_template),
    ('POST', '/_sandbox/accounts/{appid}/follow', follow),
    ('POST', '/_sandbox/accounts/{appid}/unfollow', unfollow),
    ('POST', '/_sandbox/accounts/{appid}/refuse', refuse_messages),
]
