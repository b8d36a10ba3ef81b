# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Mini-programs: codes, links, messages, content checks (wechat-platform.md 6.2, 8, 10)."""

import json
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.problems_zh import translate
from tests.protocol.loader import load_vectors

from .merchant import APPID

CONTENT = "商品:{{thing1.DATA}}\n单号:{{character_string2.DATA}}\n状态:{{enum3.DATA}}"
DATA = {
    'thing1': {'value': "绿茶"}, 'character_string2': {'value': 'S00042'},
    'enum3': {'value': "已发货"},
}
SCENES = next(
    vector for vector in load_vectors('wechat-platform')['vectors']
    if vector['name'] == 'wxacode_scene_validation'
)


class Miniprogram:
    """The developer's side of a mini-program."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.token = sandbox.platform('POST', '/cgi-bin/stable_token', {
            'grant_type': 'client_credential', 'appid': APPID, 'secret': sandbox.app()['secret'],
        }).json()['access_token']

    def raw(self, method, path, data=None):
        return self.sandbox.platform(method, f'{path}?access_token={self.token}', data)

    def call(self, path, /, **data):
        return self.raw('POST', path, data).json()

    def control(self, path, /, **data):
        return self.sandbox.post(f'miniprograms/{APPID}/{path}', **data)

    def change(self, **data):
        reply = self.sandbox.call('PATCH', f'miniprograms/{APPID}', data)
        assert reply.status == 200, reply.body
        return reply.json()

    def state(self):
        return self.sandbox.get(f'miniprograms/{APPID}')

    def tap(self, user, *template_ids, **values):
        return self.control(
            'request_subscribe_message', user=user, tmplIds=list(template_ids), **values,
        )['result']

    def send(self, template, openid, **changes):
        body = {
            'touser': openid, 'template_id': template['template_id'], 'data': DATA,
            'miniprogram_state': 'formal', 'lang': 'zh_CN', **changes,
        }
        body = {name: value for name, value in body.items() if value is not None}
        return self.raw('POST', '/cgi-bin/message/subscribe/send', body).json()


@pytest.fixture
def app(sandbox):
    return Miniprogram(sandbox)


@pytest.fixture
def person(sandbox):
    """Somebody who has just logged in."""
    return sandbox.post('login_code', appid=APPID)


@pytest.fixture
def template(app):
    return app.control('templates', title="发货提醒", content=CONTENT, enums={
        'enum3': ["已发货", "已签收"],
    })


# === Codes === #

@pytest.mark.parametrize(('scene', 'valid'), list(zip(
    SCENES['inputs']['cases'], SCENES['expected']['valid'], strict=True)))
def test_a_scene_has_32_characters_of_those_allowed(app, scene, valid):
    reply = app.raw('POST', '/wxa/getwxacodeunlimit', {'scene': scene})
    if valid:
        assert reply.body.startswith(b'\x89PNG')
    else:
        assert reply.json()['errcode'] == 40129


def test_a_code_is_a_picture_of_the_width_asked_for(app):
    for path, body in (
        ('/wxa/getwxacodeunlimit', {'scene': 'a=1', 'page': 'pages/a'}),
        ('/wxa/getwxacode', {'path': 'pages/a?b=1'}),
    ):
        picture = app.raw('POST', path, {**body, 'width': 300}).body
        assert struct.unpack('>II', picture[16:24]) == (300, 300)
    assert [(code['kind'], code['width']) for code in app.state()['codes']] == [
        ('unlimited', 300), ('limited', 300)]


@pytest.mark.parametrize(('body', 'errcode'), [
    ({'page': '/pages/a'}, 41030), ({'page': 'pages/a?b=1'}, 41030), ({'page': 'pages/z'}, 41030),
    ({'page': 'pages/z', 'env_version': 'trial'}, 0),
    ({'page': 'pages/z', 'check_path': False}, 0), ({'page': '/z', 'check_path': False}, 41030),
    ({'page': 'pages/a'}, 0), ({'width': 279}, 40097), ({'width': 1281}, 40097),
    ({'width': '430'}, 40097), ({'env_version': 'formal'}, 40097), ({'path': 'pages/a'}, 47001),
    ({'line_color': {'r': 300, 'g': 0, 'b': 0}}, 40097), ({'line_color': [0, 0, 0]}, 47001),
    ({'is_hyaline': True, 'line_color': {'r': '1', 'g': '2', 'b': '3'}}, 0),
])
def test_a_code_without_limit_is_checked(app, body, errcode):
    app.change(pages=['pages/a'])
    reply = app.raw('POST', '/wxa/getwxacodeunlimit', {'scene': 'a=1', **body})
    assert (0 if reply.body[:1] == b'\x89' else reply.json()['errcode']) == errcode


@pytest.mark.parametrize(('path', 'errcode'), [
    ('pages/a?b=1', 0), ('/pages/a', 40159), ('pages/z', 40159), ('', 40159),
    ('pages/a?' + 'b' * 1017, 40159), ('pages/a?scancode_time=1', 85096), ('pages/a?b=中', 40159),
])
def test_a_limited_code_is_checked(app, path, errcode):
    app.change(pages=['pages/a'])
    reply = app.raw('POST', '/wxa/getwxacode', {'path': path})
    assert (0 if reply.body[:1] == b'\x89' else reply.json()['errcode']) == errcode


def test_limited_codes_are_counted_for_ever(app):
    app.change(code_count=99_999)
    reply = app.raw('POST', '/wxa/getwxacode', {'path': 'a'})
    assert reply.one('Num-Used') == '100000'
    assert app.call('/wxa/getwxacode', path='a')['errcode'] == 45029


# === Links === #

def test_links_are_made(app):
    link = app.call('/wxa/generate_urllink', path='pages/a', query='b=1', expire_type=1,
                    expire_interval=30)
    assert link['url_link'].startswith('https://wxaurl.cn/')
    scheme = app.call('/wxa/generatescheme', jump_wxa={'path': 'pages/a', 'query': ''},
                      is_expire=True, expire_type=1, expire_interval=1)
    assert scheme['openlink'].startswith('weixin://dl/business/?t=')
    short = app.call('/wxa/genwxashortlink', page_url='pages/a?b=1', page_title="茶",
                     is_permanent=False)
    assert short['link'].startswith('#小程序://')
    assert [link['kind'] for link in app.state()['links']] == ['url_link', 'scheme', 'short_link']


@pytest.mark.parametrize(('path', 'body', 'errcode'), [
    ('generate_urllink', {'path': 'pages/z'}, 40165),
    ('generate_urllink', {'path': 'pages/a?b=1'}, 40165),
    ('generate_urllink', {'query': 'a=中'}, 40212),
    ('generate_urllink', {'query': 'a' * 1025}, 40212),
    ('generate_urllink', {'expire_type': 1, 'expire_interval': 31}, 85401),
    ('generate_urllink', {'expire_type': 1}, 85401),
    ('generate_urllink', {'expire_time': 1}, 85401),
    ('generate_urllink', {'env_version': 'formal'}, 85402),
    ('generatescheme', {'jump_wxa': {'path': '/pages/a'}}, 40165),
    ('generatescheme', {'path': 'pages/a'}, 47001),
    ('genwxashortlink', {'page_url': 'pages/a', 'page_title': 'a' * 21}, 40097),
    ('genwxashortlink', {'page_url': 'pages/z'}, 40165),
    ('genwxashortlink', {}, 40165),
])
def test_links_are_checked(app, path, body, errcode):
    app.change(pages=['pages/a'])
    assert app.call(f'/wxa/{path}', **body)['errcode'] == errcode


def test_a_mini_program_that_is_not_published_has_no_links(app):
    app.change(published=False)
    assert app.call('/wxa/generate_urllink')['errcode'] == 85079


def test_other_apps_have_no_codes(sandbox, app):
    account = 'wx00000000000000aa'
    secret = sandbox.post('apps', appid=account, app_type='official_account')['secret']
    app.token = sandbox.platform('POST', '/cgi-bin/stable_token', {
        'grant_type': 'client_credential', 'appid': account, 'secret': secret,
    }).json()['access_token']
    assert app.call('/wxa/getwxacodeunlimit', scene='a')['errcode'] == 48001
    assert sandbox.call('GET', f'miniprograms/{account}').status == 400


# === Subscribe messages === #

def test_templates_are_listed_with_the_values_of_their_lists(app, template):
    listed = app.raw('GET', '/wxaapi/newtmpl/gettemplate').json()['data']
    assert listed == [{
        'priTmplId': template['template_id'], 'title': "发货提醒", 'content': CONTENT,
        'example': '', 'type': 2, 'keywordEnumValueList': [
            {'keywordCode': 'enum3.DATA', 'enumValueList': ["已发货", "已签收"]}],
    }]


def test_one_consent_is_one_message(app, template, person):
    assert app.send(template, person['openid'])['errcode'] == 43101
    assert app.tap(person['user'], template['template_id']) == {
        'errMsg': 'requestSubscribeMessage:ok', template['template_id']: 'accept'}
    answer = app.send(template, person['openid'], page='pages/a?b=1')
    assert answer['errcode'] == 0 and answer['msgid']
    assert app.send(template, person['openid'])['errcode'] == 43101
    assert [message['page'] for message in app.state()['messages']] == ['pages/a?b=1']


def test_consent_to_a_long_term_template_stays(app, person):
    template = app.control('templates', title="提醒", content=CONTENT, type=3)
    app.tap(person['user'], template['template_id'])
    for _message in range(3):
        assert app.send(template, person['openid'])['errcode'] == 0
    app.tap(person['user'], template['template_id'],
            answers={template['template_id']: 'reject'})
    assert app.send(template, person['openid'])['errcode'] == 43101


def test_who_rejects_or_turns_everything_off_gets_nothing(app, template, person):
    app.tap(person['user'], template['template_id'], answers={template['template_id']: 'reject'})
    assert app.send(template, person['openid'])['errcode'] == 43101
    app.tap(person['user'], template['template_id'])
    app.control('refuse', user=person['user'])
    assert app.send(template, person['openid'])['errcode'] == 43101
    assert app.tap(person['user'], template['template_id'])['errCode'] == 20004


def test_a_tap_is_for_five_templates_of_one_type(app, template, person):
    long_term = app.control('templates', title="提醒", content=CONTENT, type=3)
    def tap(*template_ids):
        return app.tap(person['user'], *template_ids)['errCode']

    assert tap(template['template_id'], long_term['template_id']) == 20002
    assert tap('unknown') == 20001
    assert tap(*'abcdef') == 20003


@pytest.mark.parametrize(('changes', 'errcode'), [
    ({'touser': 'nobody'}, 40003), ({'template_id': 'x'}, 40037), ({'lang': None}, 47001),
    ({'miniprogram_state': None}, 47001), ({'lang': 'fr_FR'}, 47001), ({'page': 'pages/z'}, 41030),
    ({'page': ''}, 41030), ({'data': {}}, 47003), ({'more': 1}, 47001),
    ({'data': {**DATA, 'thing1': {'value': "字" * 21}}}, 47003),
    ({'data': {**DATA, 'enum3': {'value': "在路上"}}}, 47003),
    ({'data': {**DATA, 'thing1': {'value': "绿茶", 'color': '#ff0000'}}}, 47001),
    ({'data': {**DATA, 'thing1': {'value': "违禁品"}}}, 45168),
])
def test_what_does_not_fit_uses_no_consent(app, template, person, changes, errcode):
    app.change(pages=['pages/a'])
    app.tap(person['user'], template['template_id'])
    assert app.send(template, person['openid'], **changes)['errcode'] == errcode
    assert app.send(template, person['openid'])['errcode'] == 0


def test_a_ban_is_told(app, template, person):
    app.tap(person['user'], template['template_id'])
    app.change(ability_banned=True)
    assert app.send(template, person['openid'])['errcode'] == 43107
    app.change(ability_banned=False)
    reply = app.sandbox.call(
        'PATCH', f'miniprograms/{APPID}/templates/{template["template_id"]}', {'banned': True})
    assert reply.status == 200
    assert app.send(template, person['openid'])['errcode'] == 43107
    assert app.tap(person['user'], template['template_id'])[template['template_id']] == 'ban'


# === Content checks === #

def test_texts_are_judged_at_once(app, person):
    def check(content, **changes):
        return app.call('/wxa/msg_sec_check', **{
            'content': content, 'version': 2, 'scene': 1, 'openid': person['openid'], **changes})

    assert check("你好")['result'] == {'suggest': 'pass', 'label': 100}
    assert check("疑似")['result']['suggest'] == 'review'
    assert check("好", nickname="违禁")['result']['suggest'] == 'risky'
    assert check("a" * 2501)['errcode'] == 47001
    assert check("a", version=1)['errcode'] == 40129
    assert check("a", scene=5)['errcode'] == 40129
    assert check("a", openid='nobody')['errcode'] == 43104
    assert check("a", signature="a", scene=2)['errcode'] == 40129
    app.sandbox.clock(2 * 3600 + 10)
    app.token = Miniprogram(app.sandbox).token
    assert check("a")['errcode'] == 61010


def test_pictures_are_judged_later(app, person, shop):
    answer = app.call(
        '/wxa/media_check_async', media_url=shop.url, media_type=2, version=2, scene=1,
        openid=person['openid'],
    )
    done = app.control('finish_check', trace_id=answer['trace_id'], suggest='risky')
    assert done['event']['result'] == {'suggest': 'risky', 'label': 20002}
    assert done['downloaded'] and done['push'] is None
    assert app.state()['checks'][0]['reported']


@pytest.mark.parametrize(('changes', 'errcode'), [
    ({'media_type': 3}, 87020), ({'media_url': 'x'}, 40097), ({'scene': 0}, 40129),
    ({'openid': 'x'}, 43104), ({'media_data': 'x'}, 47001),
])
def test_checks_of_pictures_are_checked(app, person, changes, errcode):
    body = {'media_url': 'https://shop.example.com/a.png', 'media_type': 2, 'version': 2,
            'scene': 1, 'openid': person['openid'], **changes}
    assert app.call('/wxa/media_check_async', **body)['errcode'] == errcode


def test_two_messages_to_one_person_at_once_are_one_too_many(app, template, person):
    for _tap in range(2):
        app.tap(person['user'], template['template_id'])
    app.change(sending_seconds=0.5)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _number: app.send(template, person['openid']), range(2)))
    assert sorted(answer['errcode'] for answer in answers) == [0, 43108]
    assert app.send(template, person['openid'])['errcode'] == 0


def test_events_about_subscriptions_are_pushed(app, template, person, shop):
    app.sandbox.post('push_config', appid=APPID, url=shop.url, token='token123', mode='plain',
                     check=False)
    app.control('request_subscribe_message', user=person['user'],
                tmplIds=[template['template_id']])
    event = json.loads(shop.received[-1].body)
    assert (event['Event'], event['FromUserName']) == (
        'subscribe_msg_popup_event', person['openid'])
    assert event['List'] == {
        'TemplateId': template['template_id'], 'SubscribeStatusString': 'accept',
        'PopupScene': '1',
    }
    msgid = app.send(template, person['openid'])['msgid']
    app.control('report_sent', msgid=msgid)
    assert json.loads(shop.received[-1].body)['List']['MsgID'] == str(msgid)
    app.control('refuse', user=person['user'])
    assert json.loads(shop.received[-1].body)['Event'] == 'subscribe_msg_change_event'


@pytest.mark.parametrize(('path', 'body', 'chinese'), [
    ('/wxa/getwxacodeunlimit', {'scene': 'a b'}, "40129: 'a b'不是有效的场景值"),
    ('/wxa/getwxacodeunlimit', {'scene': 'a', 'line_color': 1},
     "47001: line_color应为{r, g, b}"),
    ('/wxa/generate_urllink', {'path': '/a'}, "40165: 路径开头不应有“/”"),
    ('/cgi-bin/message/subscribe/send', {'touser': 'x'}, "40003: touser不是此小程序的openid"),
    ('/wxa/msg_sec_check', {'version': 1}, "40129: version应为数字2"),
])
def test_what_was_wrong_is_said_in_chinese_too(app, path, body, chinese):
    app.raw('POST', path, body)
    assert translate(app.sandbox.problems()[-1]) == chinese
