# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.tests.common import APPID, SECRET, WechatCommon

LOGGER = 'odoo.addons.wechat.models.wechat_app_request'


@tagged('post_install', '-at_install')
class TestSettings(WechatCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = new_test_user(
            cls.env, 'wechat_admin', groups='base.group_system', company_id=cls.company.id,
        )

    def _form(self):
        return Form(self.env['res.config.settings'].with_user(self.admin))

    def test_first_appid_makes_the_companys_mini_program(self):
        self.env['wechat.app'].search([]).unlink()
        with self._form() as settings:
            self.assertFalse(settings.wechat_miniprogram_appid)
            settings.wechat_miniprogram_appid = ' wx0000000000000077 '
            settings.wechat_miniprogram_secret = ' S3CRET '
        settings.record.execute()
        app = self.env['wechat.app'].search([])
        self.assertRecordValues(app, [{
            'appid': 'wx0000000000000077', 'secret': 'S3CRET', 'app_type': 'miniprogram',
            'company_id': self.company.id, 'state': 'new',
        }])
        self.assertIn(self.company.name, app.name)

    def test_saving_the_settings_without_touching_ours_changes_nothing(self):
        with self._form() as settings:
            self.assertEqual(settings.wechat_miniprogram_appid, APPID)
        settings.record.execute()
        self.assertEqual(self.app.secret, SECRET)
        self.env['wechat.app'].search([]).unlink()
        with self._form() as settings:
            pass
        settings.record.execute()
        self.assertFalse(self.env['wechat.app'].search([]))

    def test_empty_secret_keeps_the_stored_one(self):
        with self._form() as settings:
            self.assertFalse(settings.wechat_miniprogram_secret)
            settings.wechat_miniprogram_appid = 'wx0000000000000088'
        self.assertEqual((self.app.appid, self.app.secret), ('wx0000000000000088', SECRET))
        with self._form() as settings:
            settings.wechat_miniprogram_secret = 'NEW'
        self.assertEqual((self.app.appid, self.app.secret), ('wx0000000000000088', 'NEW'))

    def test_secret_is_neither_stored_with_the_settings_nor_sent_to_the_browser(self):
        field = self.env['res.config.settings']._fields['wechat_miniprogram_secret']
        self.assertFalse(field.store)
        self.authenticate('wechat_admin', 'wechat_admin')
        for params in (
            {'model': 'res.config.settings', 'method': 'onchange',
             'args': [[], {}, [], {name: {} for name in self._wechat_fields()}], 'kwargs': {}},
            {'model': 'wechat.app', 'method': 'web_read', 'args': [self.app.ids],
             'kwargs': {'specification': {'secret_input': {}, 'has_secret': {}, 'appid': {}}}},
        ):
            answer = self.url_open('/web/dataset/call_kw', json={'params': params}).text
            self.assertIn(APPID, answer)
            self.assertNotIn(SECRET, answer)

    def _wechat_fields(self):
        names = self.env['res.config.settings']._fields
        return [name for name in names if name.startswith('wechat_mini')]

    def test_wrong_appid_is_refused_with_an_explanation(self):
        with self.assertRaises(ValidationError) as caught, self._form() as settings:
            settings.wechat_miniprogram_appid = 'gh_123'
        self.assertIn('gh_123', str(caught.exception))

    def test_appid_cannot_be_emptied(self):
        with self.assertRaises(UserError) as caught, self._form() as settings:
            settings.wechat_miniprogram_appid = False
        self.assertIn("archive", str(caught.exception))

    def test_appid_of_users_is_not_rebound(self):
        self.env['wechat.identity'].create({'app_id': self.app.id, 'openid': 'o1'})
        with self.assertRaises(UserError), self._form() as settings:
            settings.wechat_miniprogram_appid = 'wx0000000000000088'

    def test_settings_are_those_of_the_chosen_company(self):
        other = self.env['res.company'].create({'name': "Other Company"})
        self.admin.company_ids += other
        settings = self.env['res.config.settings'].with_user(self.admin).with_company(other)
        form = Form(settings)
        self.assertFalse(form.wechat_miniprogram_appid)
        form.wechat_miniprogram_appid = 'wx0000000000000066'
        form.save()
        self.assertEqual(self.env['wechat.app']._get_default('miniprogram', other).appid,
                         'wx0000000000000066')
        self.assertEqual(self.env['wechat.app']._get_default('miniprogram', self.company), self.app)

    def test_check_button_asks_wechat_with_what_was_entered(self):
        with self._form() as settings:
            settings.wechat_miniprogram_secret = 'NEW'
        action = settings.record.action_wechat_check_miniprogram()
        self.assertEqual(action['params']['type'], 'success')
        self.assertEqual(self.fake.requests[-1].json['secret'], 'NEW')
        self.fake.answer('POST', '/cgi-bin/stable_token', {'errcode': 40125, 'errmsg': 'bad'})
        with mute_logger(LOGGER):
            action = settings.record.action_wechat_check_miniprogram()
        self.assertEqual(action['params']['type'], 'danger')
        self.assertIn('40125', action['params']['message'])
        self.assertEqual(self._form().wechat_miniprogram_state, 'error')
        self.assertIn("AppSecret", self._form().wechat_miniprogram_advice)

    def test_check_button_without_an_app_says_what_to_enter(self):
        self.env['wechat.app'].search([]).unlink()
        with self.assertRaises(UserError):
            self._form().save().action_wechat_check_miniprogram()

    def test_only_settings_administrators_reach_them(self):
        manager = new_test_user(self.env, 'wechat_only_manager', groups='wechat.group_manager')
        with mute_logger('odoo.addons.base.models.ir_model'), self.assertRaises(AccessError):
            self.env['res.config.settings'].with_user(manager).create(
                {'wechat_miniprogram_secret': 'x'})
        self.assertEqual(self.app.secret, SECRET)
