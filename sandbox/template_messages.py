# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Template messages of an official account (wechat-platform.md 6.1)."""

import re

from .account_events import tell_of_delivery
from .accounts import check_account, refusal
from .platform import require_get, require_post_json
from .template_values import kind_of, problem

_MEMBERS = {'touser', 'template_id', 'url', 'miniprogram', 'client_msg_id', 'data'}
_REPEAT_WINDOW = 600


def list_templates(world, request):
    """GET /cgi-bin/template/get_all_private_template."""
    require_get(request)
    with world.lock:
        account = check_account(world, request)
        return {'template_list': [{
            'template_id': item.template_id,
            'title': item.title,
            'primary_industry': "IT科技",
            'deputy_industry': "互联网|电子商务",
            'content': item.content,
            'example': item.example,
        } for item in account.templates.values()]}


def send(world, request):
    """POST /cgi-bin/message/template/send."""
    body = require_post_json(request)
    with world.lock:
        account = check_account(world, request)
        unknown = sorted(set(body) - _MEMBERS)
        if unknown:
            raise refusal(47001, f"unknown member {', '.join(unknown)}")
        user = _recipient(world, account, body)
        template = account.templates.get(_text(body, 'template_id', 40037))
        if not template:
            raise refusal(40037, "the account has no such template")
        _check_jump(world, body)
        _check_data(template, body.get('data'))
        if user.user not in account.followers:
            raise refusal(43004, f"{user.nickname} does not follow the account")
        if user.user in account.refusing:
            raise refusal(43101, f"{user.nickname} has turned the messages off")
        client_msg_id = body.get('client_msg_id')
        if client_msg_id is not None and not isinstance(client_msg_id, str):
            raise refusal(47001, "client_msg_id is not text")
        message = _repeated(world, account, body['touser'], client_msg_id)
        if message:
            # What WeChat answers to a repetition is unverified: here, the first one's msgid.
            request.problems.append("warning: this client_msg_id was sent before; sent once only")
        else:
            message = {
                'msgid': 200000000 + world.number('template_message'),
                'time': world.clock.now(),
                'user': user.user,
                'status': account.delivery,
                **body,
            }
            account.messages.append(message)
            tell_of_delivery(world, account.appid, message)
        return {'errcode': 0, 'errmsg': 'ok', 'msgid': message['msgid']}


def _text(body, name, errcode):
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise refusal(errcode, f"{name} is missing or not text")
    return value


def _recipient(world, account, body):
    user = world.user_of_openid(_text(body, 'touser', 40003), account.appid)
    if not user:
        raise refusal(40003, "touser is no openid of this account")
    return user


def _repeated(world, account, openid, client_msg_id):
    if not client_msg_id:
        return None
    since = world.clock.now() - _REPEAT_WINDOW
    return next((
        item for item in account.messages
        if item['touser'] == openid and item.get('client_msg_id') == client_msg_id
        and item['time'] > since
    ), None)


def _check_jump(world, body):
    url = body.get('url')
    if url is not None and (not isinstance(url, str) or not re.match('https?://', url)):
        raise refusal(47001, "url is no http address")
    target = body.get('miniprogram')
    if target is None:
        return
    if not isinstance(target, dict) or set(target) - {'appid', 'pagepath'}:
        raise refusal(47001, "miniprogram is {appid, pagepath}")
    app = world.apps.get(target.get('appid'))
    if not app or app.app_type != 'miniprogram':
        raise refusal(40166, "miniprogram names no mini-program")
    if not isinstance(target.get('pagepath', ''), str) or target.get('pagepath') == '':
        raise refusal(40165, "pagepath is empty or not text")


def _check_data(template, data):
    if not isinstance(data, dict):
        raise refusal(47001, "data is missing or no object")
    for key in template.keys:
        if key not in data:
            raise refusal(47003, f"data.{key} is missing", f"argument invalid! data.{key} is empty")
    for key, item in data.items():
        if key not in template.keys:
            raise refusal(47003, f"the template has no {key}", f"argument invalid! data.{key}")
        if not isinstance(item, dict) or set(item) - {'value', 'color'}:
            raise refusal(47001, f"data.{key} is not {{value, color}}")
        value, color = item.get('value'), item.get('color')
        if not isinstance(value, str) or not value:
            raise refusal(47003, f"data.{key}.value is empty or not text",
                          f"argument invalid! data.{key}.value is empty")
        if color is not None and not (
            isinstance(color, str) and re.fullmatch('#[0-9A-Fa-f]{6}', color)
        ):
            raise refusal(47001, f"data.{key}.color is not #RRGGBB")
        kind = kind_of(key)
        wrong = kind and problem(kind, value)
        if wrong:
            raise refusal(47003, f"data.{key}: {wrong}",
                          f"argument invalid! data.{key}.value invalid")


PATHS = {
    '/cgi-bin/template/get_all_private_template': list_templates,
    '/cgi-bin/message/template/send': send,
}
