# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_official_account.tests.account_common import AccountCommon

CREATE, GET, DELETE = '/cgi-bin/menu/create', '/cgi-bin/menu/get', '/cgi-bin/menu/delete'
PUBLISHED = {'button': [
    {'type': 'click', 'name': "今日推荐", 'key': 'TODAY'},
    {'name': "商店", 'sub_button': [
        {'type': 'view', 'name': "首页", 'url': 'https://shop.example.com/'},
        {'type': 'miniprogram', 'name': "小程序", 'url': 'https://shop.example.com/',
         'appid': 'wx0000000000000003', 'pagepath': 'pages/index'},
        {'type': 'media_id', 'name': "图片", 'media_id': 'MEDIA'},
    ]},
]}


@tagged('post_install', '-at_install')
class TestMenu(AccountCommon):

    def setUp(self):
        super().setUp()
        for method, path in (('POST', CREATE), ('GET', DELETE)):
            self.fake.answer(method, path, {'errcode': 0, 'errmsg': 'ok'})
        self.menu = self.env['wechat.menu'].create({'app_id': self.app.id})
        self.menu.button_ids = [
            (0, 0, {'name': "今日推荐", 'button_type': 'click', 'key': 'TODAY', 'sequence': 1}),
            (0, 0, {'name': "商店", 'is_group': True, 'sequence': 2, 'child_ids': [
                (0, 0, {'name': "首页", 'url': 'https://shop.example.com/', 'sequence': 1}),
                (0, 0, {'name': "小程序", 'button_type': 'miniprogram', 'sequence': 2,
                        'url': 'https://shop.example.com/', 'appid': 'wx0000000000000003',
                        'pagepath': 'pages/index'}),
                (0, 0, {'name': "图片", 'button_type': 'media_id', 'media_id': 'MEDIA',
                        'sequence': 3}),
            ]}),
        ]

    def test_menu_is_published_as_wechat_takes_it(self):
        self.assertEqual(self.menu.state, 'draft')
        self.menu.action_publish()
        request, = self.fake.calls(CREATE)
        self.assertEqual(request.json, PUBLISHED)
        self.assertIn("今日推荐".encode(), request.body)
        self.assertEqual(self.menu.state, 'published')

    def test_change_after_publishing_is_seen(self):
        self.menu.action_publish()
        self.menu.button_ids[1].child_ids[0].name = "主页"
        self.assertEqual(self.menu.state, 'changed')
        self.menu.button_ids[1].child_ids[0].name = "首页"
        self.assertEqual(self.menu.state, 'published')

    def test_menu_is_fetched_as_the_account_has_it(self):
        answer = {'menu': {'button': [
            {**button, 'sub_button': button.get('sub_button', [])} for button in PUBLISHED['button']
        ]}}
        self.menu.button_ids.unlink()
        self.fake.answer('GET', GET, answer)
        self.menu.action_fetch()
        self.assertEqual(self.menu._build(), PUBLISHED)
        self.assertEqual(self.menu.state, 'published')

    def test_buttons_that_odoo_does_not_know_are_told(self):
        self.fake.answer('GET', GET, {'menu': {'button': [
            {'type': 'article_id', 'name': "x", 'article_id': '1'},
            {'type': 'view', 'name': "y", 'url': 'https://a.example.com'},
        ]}})
        answer = self.menu.action_fetch()
        self.assertEqual(answer['params']['type'], 'warning')
        self.assertIn('article_id', answer['params']['message'])
        self.assertEqual(self.menu.button_ids.mapped('name'), ["y"])

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_account_without_a_menu_keeps_what_was_edited(self):
        self.menu.action_publish()
        self.fake.answer('GET', GET, {'errcode': 46003, 'errmsg': 'menu no exist'})
        self.menu.action_fetch()
        self.assertEqual((self.menu.state, len(self.menu.button_ids)), ('draft', 2))

    def test_menu_is_removed_at_wechat_and_stays_here(self):
        self.menu.action_publish()
        self.menu.action_remove()
        self.assertTrue(self.fake.calls(DELETE))
        self.assertEqual((self.menu.state, len(self.menu.button_ids)), ('draft', 2))

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_refused_menu_is_not_published(self):
        self.fake.answer('POST', CREATE, {'errcode': 40018, 'errmsg': 'invalid button name size'})
        with self.assertRefused('bad_request', 40018) as refused:
            self.menu.action_publish()
        self.assertIn("16 bytes", str(refused.exception))
        self.assertEqual(self.menu.state, 'draft')

    # === LIMITS === #

    def test_limits_of_wechat_are_those_of_the_editor(self):
        top, group = self.menu.button_ids
        child = group.child_ids[0]
        for button, values in (
            (top, {'name': "六个汉字太长"}), (top, {'name': 'a' * 17}), (top, {'key': False}),
            (top, {'key': 'k' * 129}), (top, {'button_type': 'view', 'url': False}),
            (child, {'name': "字" * 21}), (child, {'url': 'ftp://a'}), (child, {'url': '/shop'}),
            (child, {'url': 'https://a/' + 'x' * 1024}),
            (child, {'button_type': 'miniprogram'}), (child, {'button_type': 'media_id'}),
            (group, {'child_ids': [
                (0, 0, {'name': "x", 'url': 'https://a.example.com'})] * 3}),
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                button.write(values)
        top.name = "五个汉字了"
        child.name = "字" * 20

    def test_menu_that_is_too_large_is_refused(self):
        button = (0, 0, {'name': "x", 'url': 'https://a.example.com'})
        self.menu.button_ids = [button]
        with self.assertRaises(ValidationError):
            self.menu.button_ids = [button]

    def test_third_level_is_refused(self):
        child = self.menu.button_ids[1].child_ids[0]
        with self.assertRaises(ValidationError):
            child.child_ids = [(0, 0, {'name': "x", 'url': 'https://a.example.com'})]

    def test_menu_without_buttons_or_with_an_empty_list_is_not_published(self):
        self.menu.button_ids[1].child_ids.unlink()
        with self.assertRaises(UserError):
            self.menu.action_publish()
        self.menu.button_ids.unlink()
        with self.assertRaises(UserError):
            self.menu.action_publish()
        self.assertFalse(self.fake.calls(CREATE))

    def test_account_has_one_menu_and_other_apps_have_none(self):
        miniprogram = self.env['wechat.app'].create({
            'name': "Shop", 'appid': 'wx0000000000000003', 'app_type': 'miniprogram'})
        with self.assertRaises(UserError):
            self.env['wechat.menu'].create({'app_id': miniprogram.id})

    def test_preview_shows_both_levels_while_editing(self):
        self.assertIn("今日推荐", self.menu.preview)
        self.assertIn("首页", self.menu.preview)
        with Form(self.menu) as form, form.button_ids.edit(0) as button:
            button.name = "新品"
        self.assertIn("新品", self.menu.preview)
