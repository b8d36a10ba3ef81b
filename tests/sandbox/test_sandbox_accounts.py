# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Official accounts: template messages, menus, followers (wechat-platform.md 6.1)."""

import time

import pytest

from .merchant import APPID, send

ACCOUNT = 'wx00000000000000aa'
CONTENT = "{{first.DATA}}\n订单号:{{keyword1.DATA}}\n{{remark.DATA}}"
CATEGORY = "订单号:{{character_string1.DATA}}\n商品:{{thing2.DATA}}\n金额:{{amount3.DATA}}"


class Account:
    """The developer's side of an official account."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        secret = sandbox.post('apps', appid=ACCOUNT, app_type='official_account')['secret']
        self.token = sandbox.platform('POST', '/cgi-bin/stable_token', {
            'grant_type': 'client_credential', 'appid': ACCOUNT, 'secret': secret,
        }).json()['access_token']

    def call(self, method, path, data=None, **query):
        target = f'/cgi-bin/{path}?access_token={self.token}'
        target += ''.join(f'&{name}={value}' for name, value in query.items())
        return self.sandbox.platform(method, target, data).json()

    def control(self, path='', **data):
        return self.sandbox.post(f'accounts/{ACCOUNT}/{path}', **data)

    def state(self):
        return self.sandbox.get(f'accounts/{ACCOUNT}')

    def send(self, template, openid, **changes):
        data = {
            'touser': openid, 'template_id': template['template_id'],
            'data': {key: {'value': "1"} for key in template['keys']},
        } | changes
        return self.call('POST', 'message/template/send', data)


@pytest.fixture
def account(sandbox):
    return Account(sandbox)


@pytest.fixture
def template(account):
    return account.control('templates', title="下单成功", content=CONTENT)


@pytest.fixture
def follower(account):
    return account.control('follow')['followers'][0]


# === Template messages === #

def test_templates_are_listed_as_the_account_has_them(account, template):
    listed = account.call('GET', 'template/get_all_private_template')['template_list']
    assert [item['template_id'] for item in listed] == [template['template_id']]
    assert listed[0]['content'] == CONTENT and template['keys'] == ['first', 'keyword1', 'remark']
    account.sandbox.call(
        'DELETE', f'accounts/{ACCOUNT}/templates/{template["template_id"]}')
    assert account.call('GET', 'template/get_all_private_template') == {'template_list': []}


def test_a_message_that_fits_is_sent_to_a_follower(account, template, follower):
    answer = account.send(template, follower['openid'], url='https://shop.example.com/1')
    assert answer['errcode'] == 0
    assert [(item['msgid'], item['touser']) for item in account.state()['messages']] == [
        (answer['msgid'], follower['openid'])]


def test_the_same_client_msg_id_is_sent_once_in_ten_minutes(account, template, follower):
    first = account.send(template, follower['openid'], client_msg_id='a')
    assert account.send(template, follower['openid'], client_msg_id='a')['msgid'] == first['msgid']
    assert len(account.state()['messages']) == 1
    account.sandbox.clock(601)
    account.send(template, follower['openid'], client_msg_id='a')
    assert len(account.state()['messages']) == 2


def test_who_left_or_refused_gets_nothing(account, template, follower):
    account.control('refuse', user=follower['user'])
    assert account.send(template, follower['openid'])['errcode'] == 43101
    account.control('unfollow', user=follower['user'])
    assert account.send(template, follower['openid'])['errcode'] == 43004
    assert account.state()['messages'] == []


@pytest.mark.parametrize(('changes', 'expected'), [
    ({'touser': 'nobody'}, 40003),
    ({'touser': None}, 40003),
    ({'template_id': 'x'}, 40037),
    ({'data': []}, 47001),
    ({'data': {}}, 47003),
    ({'data': {'first': {'value': ''}, 'keyword1': {'value': '1'}, 'remark': {'value': '1'}}},
     47003),
    ({'data': {'first': {'value': 'a'}, 'keyword1': {'value': 1}, 'remark': {'value': '1'}}},
     47003),
    ({'data': {key: {'value': 'a'} for key in ('first', 'keyword1', 'remark', 'more')}}, 47003),
    ({'data': {key: {'value': 'a', 'color': 'red'} for key in ('first', 'keyword1', 'remark')}},
     47001),
    ({'data': dict.fromkeys(('first', 'keyword1', 'remark'), 'a')}, 47001),
    ({'url': 'javascript:1'}, 47001),
    ({'miniprogram': {'appid': 'wxffffffffffffffff'}}, 40166),
    ({'miniprogram': {'appid': APPID, 'pagepath': ''}}, 40165),
    ({'topcolor': '#000000'}, 47001),
])
def test_what_does_not_fit_is_refused(account, template, follower, changes, expected):
    assert account.send(template, follower['openid'], **changes)['errcode'] == expected
    assert account.state()['messages'] == []


@pytest.mark.parametrize(('key', 'value', 'expected'), [
    ('thing2', "字" * 20, 0), ('thing2', "字" * 21, 47003), ('thing2', "a\nb", 47003),
    ('amount3', '￥9.90', 0), ('amount3', '12345678901元', 47003),
    ('character_string1', "S-1", 0), ('character_string1', "单号1", 47003),
])
def test_fields_of_category_templates_have_limits(account, follower, key, value, expected):
    template = account.control('templates', title="下单", content=CATEGORY)
    data = {'character_string1': '1', 'thing2': '1', 'amount3': '1'} | {key: value}
    answer = account.send(template, follower['openid'], data={
        name: {'value': text, 'color': '#ff0000'} for name, text in data.items()})
    assert answer['errcode'] == expected


def test_other_apps_have_no_template_messages(sandbox, account):
    secret = sandbox.app()['secret']
    token = sandbox.platform('POST', '/cgi-bin/stable_token', {
        'grant_type': 'client_credential', 'appid': APPID, 'secret': secret,
    }).json()['access_token']
    target = f'/cgi-bin/template/get_all_private_template?access_token={token}'
    assert sandbox.platform('GET', target).json()['errcode'] == 48001
    account.token = '61_' + 'a' * 133
    assert account.call('GET', 'template/get_all_private_template')['errcode'] == 40001


def test_events_are_pushed_to_the_server_of_the_account(account, template, shop):
    shop.status, shop.body = 200, b'success'
    account.sandbox.post(
        'push_config', appid=ACCOUNT, url=shop.url, token='token1', mode='plain', check=False)
    follower = account.control('follow', scene='table7')
    assert follower['push'][0]['problem'] is None
    openid = follower['followers'][0]['openid']
    assert b'qrscene_table7' in shop.received[-1].body
    account.sandbox.call('PATCH', f'accounts/{ACCOUNT}', {'delivery': 'failed:user block'})
    msgid = account.send(template, openid)['msgid']
    deadline = time.monotonic() + 5
    while len(shop.received) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    body = shop.received[-1].body.decode()
    assert 'TEMPLATESENDJOBFINISH' in body and str(msgid) in body and 'failed:user block' in body
    account.control('unfollow', user=follower['followers'][0]['user'])
    assert b'unsubscribe' in shop.received[-1].body


# === Menus === #

MENU = {'button': [
    {'type': 'click', 'name': "今日推荐", 'key': 'TODAY'},
    {'name': "商店", 'sub_button': [
        {'type': 'view', 'name': "首页", 'url': 'https://shop.example.com/'},
        {'type': 'miniprogram', 'name': "小程序", 'url': 'https://shop.example.com/',
         'appid': APPID, 'pagepath': 'pages/index'},
        {'type': 'location_select', 'name': "位置", 'key': 'HERE'},
    ]},
]}


def test_a_menu_is_made_read_and_removed(account):
    assert account.call('GET', 'menu/get')['errcode'] == 46003
    assert account.call('POST', 'menu/create', MENU)['errcode'] == 0
    buttons = account.call('GET', 'menu/get')['menu']['button']
    assert buttons[0] == {**MENU['button'][0], 'sub_button': []}
    assert [item['name'] for item in buttons[1]['sub_button']] == ["首页", "小程序", "位置"]
    assert account.call('GET', 'menu/delete')['errcode'] == 0
    assert account.call('GET', 'menu/get')['errcode'] == 46003


def _button(**changes):
    return {'type': 'click', 'name': "a", 'key': 'A'} | changes


@pytest.mark.parametrize(('buttons', 'expected'), [
    ([], 40016),
    ([_button()] * 4, 40016),
    ([{'name': 'a', 'sub_button': [_button()] * 6}], 40023),
    ([_button(name='a' * 16)], 0),
    ([_button(name='a' * 17)], 40018),
    ([_button(name="六个汉字太长")], 40018),
    ([{'name': 'a', 'sub_button': [_button(name='a' * 60)]}], 0),
    ([{'name': 'a', 'sub_button': [_button(name='a' * 61)]}], 40025),
    ([_button(type='other')], 40017),
    ([_button(key='k' * 129)], 40019),
    ([_button(type='view', url='')], 40020),
    ([_button(type='view', url='ftp://a')], 40055),
    ([_button(type='miniprogram', url='https://a', appid='wx1', pagepath='a')], 40166),
    ([_button(type='media_id', media_id='x')], 40007),
    ([{'name': 'a', 'sub_button': [{'name': 'b', 'sub_button': [_button()]}]}], 40022),
    ('x', 47001),
])
def test_menus_have_limits(account, buttons, expected):
    assert account.call('POST', 'menu/create', {'button': buttons})['errcode'] == expected


# === Followers === #

def test_followers_come_page_by_page(account):
    everybody = [item['openid'] for item in account.control('follow', count=5)['followers']]
    account.sandbox.call('PATCH', f'accounts/{ACCOUNT}', {'follower_page': 2})
    seen, after = [], ''
    while True:
        answer = account.call('GET', 'user/get', next_openid=after)
        assert answer['total'] == 5
        if not answer['count']:
            assert 'data' not in answer and answer['next_openid'] == ''
            break
        seen += answer['data']['openid']
        after = answer['next_openid']
    assert seen == everybody
    assert account.call('GET', 'user/get', next_openid='nobody')['errcode'] == 40003


def test_information_tells_who_follows(account, follower, user):
    stranger = user['openids'].get(ACCOUNT) or account.sandbox.get('users')['users'][-1][
        'openids'][ACCOUNT]
    known = account.call('GET', 'user/info', openid=follower['openid'])
    assert known['subscribe'] == 1 and known['subscribe_time'] and known['nickname'] == ''
    assert account.call('GET', 'user/info', openid=stranger) == {
        'subscribe': 0, 'openid': stranger}
    assert account.call('GET', 'user/info', openid='x')['errcode'] == 40003


def test_information_of_many_is_for_a_hundred_at_most(account, follower):
    openid = follower['openid']
    people = {'user_list': [{'openid': openid, 'lang': 'zh_CN'}] * 100}
    answer = account.call('POST', 'user/info/batchget', people)
    assert len(answer['user_info_list']) == 100
    people['user_list'].append({'openid': openid})
    assert account.call('POST', 'user/info/batchget', people)['errcode'] == 40032
    assert account.call('POST', 'user/info/batchget', {'user_list': []})['errcode'] == 40032
    assert account.call('POST', 'user/info/batchget', {})['errcode'] == 47001


# === Pictures === #

def _upload(account, path, content, name='media', file='a.png'):
    boundary = 'xyz'
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
        'Content-Type: image/png\r\n\r\n'
    ).encode() + content + f'\r\n--{boundary}--\r\n'.encode()
    target = f'/cgi-bin/{path}?access_token={account.token}&type=image'
    kind = [('Content-Type', f'multipart/form-data; boundary={boundary}')]
    return send(account.sandbox.base, 'POST', target, body, kind).json()


def test_pictures_are_uploaded_and_nothing_else(account):
    picture = b'\x89PNG\r\n\x1a\n' + b'\0' * 20
    for path in ('material/add_material', 'media/upload'):
        media_id = _upload(account, path, picture)['media_id']
        assert media_id in account.state()['materials']
        assert _upload(account, path, b'<svg/>')['errcode'] == 40005
        assert _upload(account, path, picture, name='file')['errcode'] == 41005
    menu = {'button': [{'type': 'media_id', 'name': 'a', 'media_id': media_id}]}
    assert account.call('POST', 'menu/create', menu)['errcode'] == 0


def test_the_control_api_refuses_what_makes_no_sense(account, follower):
    for path, data in (
        (f'accounts/{APPID}/follow', {}), (f'accounts/{ACCOUNT}/unfollow', {'user': 'x'}),
        (f'accounts/{ACCOUNT}/follow', {'count': 0}), (f'accounts/{ACCOUNT}/templates', {}),
        (f'accounts/{ACCOUNT}/templates', {'title': 'a', 'content': 1}),
    ):
        assert account.sandbox.call('POST', path, data).status == 400
    assert account.sandbox.call(
        'PATCH', f'accounts/{ACCOUNT}', {'delivery': 'maybe'}).status == 400
