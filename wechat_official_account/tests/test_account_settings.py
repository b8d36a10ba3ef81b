# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.wechat.tests.common import WechatCommon

APPID, SECRET = 'wx00000000000000aa', 'fedcba9876543210fedcba9876543210'


@tagged('post_install', '-at_install')
class TestAccountSettings(WechatCommon):

    def _save(self, **values):
        settings = self.env['res.config.settings'].create({
            f'wechat_official_account_{name}': value for name, value in values.items()
        })
        settings.execute()
        return settings

    def _account(self):
        return self.env['wechat.app']._get_default('official_account', self.company)

    def test_account_is_created_and_its_secret_is_never_shown(self):
        self._save(appid=f' {APPID} ', secret=SECRET)
        account = self._account()
        self.assertEqual((account.appid, account.secret), (APPID, SECRET))
        settings = self.env['res.config.settings'].create({})
        self.assertEqual(settings.wechat_official_account_appid, APPID)
        self.assertFalse(settings.wechat_official_account_secret)
        self.assertTrue(settings.wechat_official_account_has_secret)

    def test_empty_secret_keeps_the_stored_one(self):
        self._save(appid=APPID, secret=SECRET)
        self._save(appid=APPID)
        self.assertEqual(self._account().secret, SECRET)

    def test_mini_program_is_left_alone(self):
        before = self.app.appid
        self._save(appid=APPID, secret=SECRET)
        self.assertEqual(self.app.appid, before)
        self.assertEqual(self.env['wechat.app']._get_default('miniprogram', self.company), self.app)

    def test_missing_appid_is_told(self):
        self._save(appid=APPID, secret=SECRET)
        with self.assertRaises(UserError):
            self._save(appid='', secret=SECRET)
        self._account().active = False
        with self.assertRaises(UserError):
            self.env['res.config.settings'].create({}).action_wechat_check_official_account()

    def test_check_asks_wechat(self):
        self._save(appid=APPID, secret=SECRET)
        answer = self.env['res.config.settings'].create({}).action_wechat_check_official_account()
        self.assertEqual(answer['params']['type'], 'success')
        self.assertEqual(self.fake.calls('/cgi-bin/stable_token')[0].json['appid'], APPID)
