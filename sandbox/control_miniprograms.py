# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The control API for mini-programs: pages, codes, templates, consents, content checks."""

import base64
import hashlib
import http.client
from urllib.parse import urlsplit

from . import content_checks, push, subscribe_messages
from .clock import rfc3339
from .content_checks import SUGGESTIONS
from .control_accounts import _read
from .miniprograms import LONG_TERM, ONE_TIME, miniprogram_of
from .world import Refusal

_FLAGS = ('published', 'ability_banned', 'answers_msgid')
DOWNLOAD_LIMIT = 10 * 1024 * 1024


def _miniprogram(sandbox, appid):
    app = sandbox.world.apps.get(appid)
    if not app or app.app_type != 'miniprogram':
        raise Refusal(f"there is no mini-program {appid!r}")
    return miniprogram_of(sandbox.world, appid)


def miniprogram_view(app):
    """:return: everything the sandbox knows of a mini-program (dict)."""
    return {
        'appid': app.appid,
        **{name: getattr(app, name) for name in _FLAGS},
        'pages': app.pages,
        'code_count': app.code_count,
        'code_limit': app.code_limit,
        'codes': list(app.codes),
        'links': list(app.links),
        'templates': [{**vars(item), 'keys': item.keys} for item in app.templates.values()],
        'consents': [
            {'user': user, 'template_id': template_id, 'count': count}
            for (user, template_id), count in app.consents.items()
        ],
        'refusing': sorted(app.refusing),
        'messages': [{**item, 'time': rfc3339(item['time'])} for item in app.messages],
        'sending_seconds': app.sending_seconds,
        'risky_words': app.risky_words,
        'review_words': app.review_words,
        'checks': [vars(check) for check in app.checks.values()],
    }


def get_miniprogram(sandbox, data, appid):
    """GET miniprograms/<appid>."""
    with sandbox.world.lock:
        return miniprogram_view(_miniprogram(sandbox, appid))


def change_miniprogram(sandbox, data, appid):
    """PATCH miniprograms/<appid>."""
    values = _read(
        data, pages=list, published=bool, code_count=int, code_limit=int, ability_banned=bool,
        answers_msgid=bool, risky_words=list, review_words=list, sending_seconds=float,
    )
    with sandbox.world.lock:
        app = _miniprogram(sandbox, appid)
        for name, value in values.items():
            setattr(app, name, value)
        return miniprogram_view(app)


# === Subscribe messages === #

def add_template(sandbox, data, appid):
    """POST miniprograms/<appid>/templates."""
    values = _read(
        data, title_=str, content_=str, template_id=str, example=str, type=int, enums=dict,
    )
    if values.get('type', ONE_TIME) not in (ONE_TIME, LONG_TERM):
        raise Refusal("type is 2 (one-time) or 3 (long-term)")
    with sandbox.world.lock:
        template = _miniprogram(sandbox, appid).add_template(**values)
        return {**vars(template), 'keys': template.keys}


def change_template(sandbox, data, appid, template_id):
    """PATCH miniprograms/<appid>/templates/<template_id>."""
    values = _read(data, banned_=bool)
    with sandbox.world.lock:
        template = _miniprogram(sandbox, appid).templates.get(template_id)
        if not template:
            raise Refusal(f"there is no template {template_id!r}")
        template.banned = values['banned']
        return {**vars(template), 'keys': template.keys}


def remove_template(sandbox, data, appid, template_id):
    """DELETE miniprograms/<appid>/templates/<template_id>."""
    with sandbox.world.lock:
        if not _miniprogram(sandbox, appid).templates.pop(template_id, None):
            raise Refusal(f"there is no template {template_id!r}")
        return {'removed': True}


def request_subscribe_message(sandbox, data, appid):
    """POST miniprograms/<appid>/request_subscribe_message: a tap, and the event about it."""
    values = _read(data, user_=str, tmplIds_=list, answers=dict, push=bool)
    answers = values.get('answers', {})
    if set(answers.values()) - set(subscribe_messages.ANSWERS):
        raise Refusal(f"answers are {', '.join(subscribe_messages.ANSWERS)}")
    world = sandbox.world
    with world.lock:
        app = _miniprogram(sandbox, appid)
        user = world.user(values['user'])
        result = subscribe_messages.tap(world, app, user, values['tmplIds'], answers)
    chosen = [
        {'TemplateId': key, 'SubscribeStatusString': value, 'PopupScene': '1'}
        for key, value in result.items()
        if not key.startswith('err') and value in ('accept', 'reject')
    ]
    pushed = _push_list(
        world, appid, user, 'subscribe_msg_popup_event', chosen,
    ) if chosen and values.get('push', True) else None
    return {'result': result, 'push': pushed}


def change_subscription(sandbox, data, appid):
    """POST miniprograms/<appid>/refuse: somebody turns templates off in the settings."""
    values = _read(data, user_=str, tmplIds=list, refused=bool, push=bool)
    world = sandbox.world
    with world.lock:
        app = _miniprogram(sandbox, appid)
        user = world.user(values['user'])
        if 'tmplIds' not in values:
            (app.refusing.add if values.get('refused', True) else app.refusing.discard)(user.user)
        for template_id in values.get('tmplIds', ()):
            app.consents[user.user, template_id] = 0
    chosen = [{'TemplateId': template_id, 'SubscribeStatusString': 'reject'}
              for template_id in values.get('tmplIds', app.templates)]
    pushed = _push_list(
        world, appid, user, 'subscribe_msg_change_event', chosen,
    ) if chosen and values.get('refused', True) and values.get('push', True) else None
    return {'refusing': sorted(app.refusing), 'push': pushed}


def report_sent(sandbox, data, appid):
    """POST miniprograms/<appid>/report_sent: the event about what became of a message."""
    values = _read(data, msgid_=int, error_code=int, error_status=str)
    world = sandbox.world
    with world.lock:
        app = _miniprogram(sandbox, appid)
        message = next((item for item in app.messages if item['msgid'] == values['msgid']), None)
        if not message:
            raise Refusal(f"there is no message {values['msgid']}")
    errcode = values.get('error_code', 0)
    return {'push': _push_list(
        world, appid, world.users[message['user']], 'subscribe_msg_sent_event', [{
            'TemplateId': message['template_id'], 'MsgID': str(message['msgid']),
            'ErrorCode': str(errcode),
            'ErrorStatus': values.get('error_status', 'failed' if errcode else 'success'),
        }],
    )}


def _push_list(world, appid, user, event, items):
    """Push one of the subscribe events (7.5).

    :return: what became of it, or None if the app has no push
    """
    config = world.push_configs.get(appid)
    if not config:
        return None
    fields = {'MsgType': 'event', 'Event': event, 'List': items}
    return _push(world, config, appid, world.openid(user, appid), fields)


def _push(world, config, appid, openid, fields):
    message = push.complete(world, config, appid, openid, fields)
    return push.push(world, config, appid, message)[0]


# === Content checks === #

def finish_check(sandbox, data, appid):
    """POST miniprograms/<appid>/finish_check: load the file, judge it, push the event."""
    values = _read(data, trace_id_=str, suggest=str, label=int, download=bool)
    suggest = values.get('suggest', 'pass')
    if suggest not in SUGGESTIONS:
        raise Refusal(f"suggest is one of {', '.join(SUGGESTIONS)}")
    world = sandbox.world
    with world.lock:
        check = _miniprogram(sandbox, appid).checks.get(values['trace_id'])
        if not check:
            raise Refusal(f"there is no check {values['trace_id']!r}")
    downloaded = _download(check.media_url) if values.get('download', True) else None
    is_lost = downloaded is not None and downloaded['status'] != 200
    errcode = -1008 if is_lost else 0
    label = values.get('label', content_checks.NORMAL if suggest == 'pass' else 20002)
    fields = content_checks.result_event(check, appid, suggest, label, errcode)
    check.reported.append(errcode or suggest)
    config = world.push_configs.get(appid)
    pushed = _push(world, config, appid, check.openid, fields) if config else None
    return {'downloaded': downloaded, 'event': fields, 'push': pushed}


def _download(url):
    """Load a file as WeChat would: without a cookie."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == 'https' else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=10)
    try:
        query = f'?{parts.query}' if parts.query else ''
        connection.request('GET', f'{parts.path or "/"}{query}')
        answer = connection.getresponse()
        content = answer.read(DOWNLOAD_LIMIT + 1)
        return {
            'status': answer.status, 'size': len(content),
            'type': answer.getheader('Content-Type'),
            'sha256': hashlib.sha256(content).hexdigest(),
            'beginning': base64.b64encode(content[:16]).decode(),
        }
    except (OSError, http.client.HTTPException) as error:
        return {'status': None, 'error': str(error)}
    finally:
        connection.close()


_BASE = '/_sandbox/miniprograms/{appid}'
ROUTES = [
    ('GET', _BASE, get_miniprogram),
    ('PATCH', _BASE, change_miniprogram),
    ('POST', f'{_BASE}/templates', add_template),
    ('PATCH', f'{_BASE}/templates/{{template_id}}', change_template),
    ('DELETE', f'{_BASE}/templates/{{template_id}}', remove_template),
    ('POST', f'{_BASE}/request_subscribe_message', request_subscribe_message),
    ('POST', f'{_BASE}/refuse', change_subscription),
    ('POST', f'{_BASE}/report_sent', report_sent),
    ('POST', f'{_BASE}/finish_check', finish_check),
]
