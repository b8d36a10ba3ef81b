# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Subscribe messages of a mini-program (wechat-platform.md 6.2)."""

import time

from .miniprograms import ONE_TIME, check_miniprogram, only, refusal, text
from .platform import require_get, require_post_json
from .template_values import kind_of, problem

STATES = ('developer', 'trial', 'formal')
LANGUAGES = ('zh_CN', 'en_US', 'zh_HK', 'zh_TW')
ANSWERS = ('accept', 'reject', 'ban', 'filter')
MOST_AT_ONCE = 5


def list_templates(world, request):
    """GET /wxaapi/newtmpl/gettemplate."""
    require_get(request)
    with world.lock:
        app = check_miniprogram(world, request)
        return {'errcode': 0, 'errmsg': 'ok', 'data': [{
            'priTmplId': item.template_id,
            'title': item.title,
            'content': item.content,
            'example': item.example,
            'type': item.type,
            **({'keywordEnumValueList': [
                {'keywordCode': f'{key}.DATA', 'enumValueList': values}
                for key, values in item.enums.items()
            ]} if item.enums else {}),
        } for item in app.templates.values()]}


def send(world, request):
    """POST /cgi-bin/message/subscribe/send."""
    body = require_post_json(request)
    with world.lock:
        app = check_miniprogram(world, request)
        only(body, 'touser', 'template_id', 'page', 'data', 'miniprogram_state', 'lang')
        openid = text(body, 'touser', 40003)
        user = world.user_of_openid(openid, app.appid)
        if not user:
            raise refusal(40003, "touser is no openid of this mini-program")
        template = app.templates.get(text(body, 'template_id', 40037))
        if not template:
            raise refusal(40037, "the mini-program has no such template")
        _check_choices(request, body)
        _check_page(app, body)
        _check_data(template, body.get('data'))
        _check_words(app, body['data'])
        if app.ability_banned or template.banned:
            raise refusal(43107, "the ability, or this template, is banned")
        if openid in app.sending:
            raise refusal(43108, "another message to this person is being sent")
        _use_consent(app, user, template)
        app.sending.add(openid)
    try:
        # A message takes its time: another one to the same person meanwhile is 43108.
        time.sleep(app.sending_seconds)
    finally:
        app.sending.discard(openid)
    with world.lock:
        msgid = 3_000_000_000_000_000_000 + world.number('subscribe_message')
        app.messages.append({
            'msgid': msgid, 'time': world.clock.now(), 'user': user.user, **body,
        })
        # What it answers beside errcode and errmsg is not in the documentation.
        more = {'msgid': msgid} if app.answers_msgid else {}
        return {'errcode': 0, 'errmsg': 'ok', **more}


def _check_choices(request, body):
    # The page says that both are required, though there are defaults: here they are.
    for name, known in (('miniprogram_state', STATES), ('lang', LANGUAGES)):
        if name not in body:
            raise refusal(47001, f"{name} is missing")
        if body[name] not in known:
            raise refusal(47001, f"{name} is one of {', '.join(known)}")


def _check_page(app, body):
    page = body.get('page')
    if page is None:
        return
    if not isinstance(page, str) or not page:
        raise refusal(41030, "page is empty or not text: leave it out")
    if not app.has_page(page.lstrip('/').partition('?')[0]):
        raise refusal(41030, f"the page {page!r} is not published")


def _check_data(template, data):
    if not isinstance(data, dict):
        raise refusal(47001, "data is missing or no object")
    for key in template.keys:
        if key not in data:
            raise refusal(47003, f"data.{key} is missing", f"argument invalid! data.{key} is empty")
    for key, item in data.items():
        if key not in template.keys:
            raise refusal(47003, f"the template has no {key}", f"argument invalid! data.{key}")
        if not isinstance(item, dict) or set(item) != {'value'}:
            raise refusal(47001, f"data.{key} is not {{value}}")
        value = item['value']
        if not isinstance(value, str) or not value:
            raise refusal(47003, f"data.{key}.value is empty or not text",
                          f"argument invalid! data.{key}.value is empty")
        wrong = _problem(template, key, value)
        if wrong:
            raise refusal(47003, f"data.{key}: {wrong}",
                          f"argument invalid! data.{key}.value invalid")


def _problem(template, key, value):
    if key in template.enums:
        return None if value in template.enums[key] else f"{value!r} is not in the list"
    kind = kind_of(key)
    return problem(kind, value) if kind else None


def _check_words(app, data):
    for item in data.values():
        if any(word in item['value'] for word in app.risky_words):
            raise refusal(45168, "sensitive words")


def _use_consent(app, user, template):
    key = (user.user, template.template_id)
    if user.user in app.refusing or not app.consents.get(key):
        raise refusal(43101, f"{user.nickname} has not consented, or the consent was used")
    if template.type == ONE_TIME:
        app.consents[key] -= 1


def tap(world, app, user, template_ids, answers):
    """What wx.requestSubscribeMessage does when somebody taps and answers.

    :param User user: who answers
    :param list template_ids: its `tmplIds`
    :param dict answers: the answer to each template; those that are not named are accepted
    :return: what the client gets (dict)
    """
    call = 'requestSubscribeMessage:fail'
    if not 1 <= len(template_ids) <= MOST_AT_ONCE or len(set(template_ids)) < len(template_ids):
        return {'errMsg': f'{call} 1 to {MOST_AT_ONCE} templates', 'errCode': 20003}
    templates = [app.templates.get(template_id) for template_id in template_ids]
    if None in templates:
        return {'errMsg': f'{call} No template data return', 'errCode': 20001}
    if len({template.type for template in templates}) > 1:
        return {'errMsg': f'{call} types are mixed', 'errCode': 20002}
    if user.user in app.refusing:
        return {'errMsg': f'{call} the main switch is off', 'errCode': 20004}
    app.active[user.user] = world.clock.now()
    results = {}
    for template in templates:
        answer = 'ban' if template.banned else answers.get(template.template_id, 'accept')
        results[template.template_id] = answer
        key = (user.user, template.template_id)
        if answer == 'accept':
            app.consents[key] = app.consents.get(key, 0) + 1 if template.type == ONE_TIME else 1
        elif answer == 'reject' and template.type != ONE_TIME:
            app.consents[key] = 0
    return {'errMsg': 'requestSubscribeMessage:ok', **results}


PATHS = {
    '/wxaapi/newtmpl/gettemplate': list_templates,
    '/cgi-bin/message/subscribe/send': send,
}
