# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.wechat.tests.common import APPID, WechatCommon
from odoo.addons.wechat.tests.push_common import AES_KEY, TOKEN


@tagged('post_install', '-at_install')
class TestPushSettings(WechatCommon):

    def test_address_is_that_of_the_configuration(self):
        self.env['ir.config_parameter'].set_param('web.base.url', 'https://tea.example.com')
        self.assertEqual(self.app.push_url, f'https://tea.example.com/wechat/push/{APPID}')

    def test_secrets_are_stored_from_the_form_and_never_sent_back(self):
        with Form(self.app) as form:
            form.push_token_input = TOKEN
            form.push_aes_key_input = f' {AES_KEY} '
        self.assertEqual((self.app.push_token, self.app.push_aes_key), (TOKEN, AES_KEY))
        self.app.invalidate_recordset()
        self.assertFalse(self.app.push_token_input or self.app.push_aes_key_input)
        self.assertTrue(self.app.has_push_token and self.app.has_push_aes_key)
        with Form(self.app) as form:
            form.push_mode = 'compatible'
        self.assertEqual((self.app.push_token, self.app.push_aes_key), (TOKEN, AES_KEY))

    def test_form_does_not_hold_the_stored_secrets(self):
        self.app.write({'push_token': TOKEN, 'push_aes_key': AES_KEY})
        arch = self.env['wechat.app'].get_view(view_type='form')['arch']
        names = set(re.findall(r'<field name="(\w+)"', arch))
        self.assertIn('push_token_input', names)
        self.assertFalse(names & {'push_token', 'push_aes_key'})

    def test_secrets_of_another_shape_are_refused(self):
        for token in ('ab', 'x' * 33, 'tea house', '茶馆茶馆', 'a-b-c'):
            with self.subTest(token=token), self.assertRaises(ValidationError):
                self.app.push_token = token
        for key in ('x' * 42, 'x' * 44, 'x' * 42 + '=', '茶' * 43):
            with self.subTest(key=key), self.assertRaises(ValidationError):
                self.app.push_aes_key = key

    def test_generated_secrets_are_stored_and_shown_once(self):
        action = self.app.action_generate_push_secrets()
        token, key = self.app.push_token, self.app.push_aes_key
        self.assertRegex(token, r'^[0-9A-Za-z]{32}$')
        self.assertRegex(key, r'^[0-9A-Za-z]{43}$')
        wizard = self.env[action['res_model']].browse(action['res_id'])
        shown = wizard.with_context(**action['context'])
        self.assertEqual((shown.token, shown.aes_key), (token, key))
        self.assertFalse(wizard.token or wizard.aes_key)
        self.app.action_generate_push_secrets()
        self.assertNotIn(self.app.push_token, (token, False))
        self.assertNotIn(self.app.push_aes_key, (key, False))

    def test_only_administrators_of_the_settings_touch_the_secrets(self):
        manager = new_test_user(self.env, 'push_manager', groups='wechat.group_manager')
        app = self.app.with_user(manager)
        for values in ({'push_token_input': TOKEN}, {'push_aes_key_input': AES_KEY}):
            with self.assertRaises(AccessError):
                app.write(values)
        with self.assertRaises(AccessError):
            app.action_generate_push_secrets()
        self.assertFalse(self.app.push_token or self.app.push_aes_key)

    def test_copy_of_an_app_has_no_secrets_of_the_push(self):
        self.app.write({'push_token': TOKEN, 'push_aes_key': AES_KEY, 'original_id': 'gh_1'})
        copy = self.app.copy({'appid': 'wx0000000000000008'})
        self.assertFalse(copy.push_token or copy.push_aes_key or copy.original_id)

    def test_button_shows_the_messages_of_the_app(self):
        action = self.app.action_view_push_messages()
        self.assertEqual(action['res_model'], 'wechat.push.message')
        self.assertEqual(action['domain'], [('app_id', '=', self.app.id)])
