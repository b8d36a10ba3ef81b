# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from lxml import etree

from odoo.tests import new_test_user, tagged

from odoo.addons.wechat.tests.common import WechatCommon


@tagged('post_install', '-at_install')
class TestViews(WechatCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('zh_CN')
        cls.env.ref('base.module_wechat')._update_translations(['zh_CN'])
        cls.manager = new_test_user(cls.env, 'wechat_manager', groups='wechat.group_manager')

    def _arch(self, model, view_type, lang='en_US', user=None):
        records = self.env[model].with_user(user or self.env.user).with_context(lang=lang)
        return records.get_view(view_type=view_type)['arch']

    def test_views_render_in_english_and_chinese(self):
        for lang, words in (
            ('en_US', {'wechat.app': "AppSecret", 'wechat.identity': "Last Login"}),
            ('zh_CN', {'wechat.app': "自动创建新用户", 'wechat.identity': "最近登录"}),
        ):
            for model, word in words.items():
                for view_type in ('list', 'form', 'search'):
                    with self.subTest(lang=lang, model=model, view_type=view_type):
                        etree.fromstring(self._arch(model, view_type, lang))
                labels = str(self.env[model].with_context(lang=lang).fields_get(
                    attributes=['string'])) + self._arch(model, 'form', lang)
                self.assertIn(word, labels)

    def test_settings_page_renders_in_chinese(self):
        arch = self._arch('res.config.settings', 'form', 'zh_CN')
        self.assertIn('wechat_miniprogram_block', arch)
        self.assertIn("小程序", arch)

    def test_form_shows_no_secret_field_to_managers(self):
        self.assertIn('secret_input', self._arch('wechat.app', 'form'))
        self.assertNotIn('secret_input', self._arch('wechat.app', 'form', user=self.manager))
        self.assertNotIn('"secret"', self._arch('wechat.app', 'form'))

    def test_error_messages_are_translated(self):
        with self.assertRefused('bad_request') as refused:
            self.app.with_context(lang='zh_CN')._request('GET', 'https://example.com/')
        self.assertIn("微信", str(refused.exception))

    def test_menus_are_for_wechat_administrators(self):
        menus = self.env['ir.ui.menu'].with_user(self.manager)._visible_menu_ids()
        self.assertIn(self.env.ref('wechat.menu_apps').id, menus)
        self.assertNotIn(self.env.ref('wechat.menu_settings').id, menus)
        employee = new_test_user(self.env, 'wechat_employee', groups='base.group_user')
        menus = self.env['ir.ui.menu'].with_user(employee)._visible_menu_ids()
        self.assertNotIn(self.env.ref('wechat.menu_root').id, menus)
