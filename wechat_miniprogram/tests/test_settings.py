# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import Form, tagged

from odoo.addons.wechat.tests.common import WechatCommon

NAMES = {
    'allow_signup': False, 'join_customer_by_phone': True, 'accept_session_header': True,
    'login_duration': 5,
}


@tagged('post_install', '-at_install')
class TestSettings(WechatCommon):

    def test_settings_are_those_of_the_companys_first_mini_program(self):
        settings = self.env['res.config.settings'].create({})
        for name in NAMES:
            self.assertEqual(settings[f'wechat_miniprogram_{name}'], self.app[name])
        settings = self.env['res.config.settings'].create(
            {f'wechat_miniprogram_{name}': value for name, value in NAMES.items()},
        )
        settings.execute()
        for name, value in NAMES.items():
            self.assertEqual(self.app[name], value)

    def test_first_mini_program_has_its_own_defaults(self):
        company = self.env['res.company'].create({'name': "Coffee House"})
        self.env.user.company_ids += company
        Settings = self.env['res.config.settings'].with_company(company)
        with Form(Settings) as form:
            form.wechat_miniprogram_appid = 'wx00000000000000c1'
            form.wechat_miniprogram_secret = '0' * 32
        form.record.execute()
        app = self.env['wechat.app']._get_default('miniprogram', company)
        self.assertEqual(app.appid, 'wx00000000000000c1')
        self.assertTrue(app.allow_signup)
        self.assertEqual(app.login_duration, 30)
        self.assertFalse(app.join_customer_by_phone)
