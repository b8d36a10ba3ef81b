# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.tests.common import APPID, SECRET, WechatCommon


@tagged('post_install', '-at_install')
class TestApp(WechatCommon):

    def _create(self, **values):
        return self.env['wechat.app'].create({
            'name': "Other", 'app_type': 'miniprogram', 'appid': 'wx0000000000000099', **values,
        })

    def test_appid_is_stripped_and_checked(self):
        self.assertEqual(self._create(appid=' wx00000000000000aB\n').appid, 'wx00000000000000aB')
        for wrong in ('', 'wx123', 'gh_000000000000000', 'wx00000000000000-1',
                      'wx00000000000000\uff101'):
            with self.subTest(appid=wrong), self.assertRaises(ValidationError) as caught:
                self._create(appid=wrong or ' ')
            self.assertIn('AppID', str(caught.exception))

    def test_appid_is_unique_even_among_archived_apps(self):
        self.app.active = False
        with mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError):
            self._create(appid=APPID)

    def test_appid_may_change_while_nobody_has_logged_in(self):
        self.app._get_token()
        self.app.appid = 'wx0000000000000098'
        self.assertFalse(self.env['wechat.token'].search([('app_id', '=', self.app.id)]))

    def test_appid_does_not_change_once_it_has_identities(self):
        self.env['wechat.identity'].create({'app_id': self.app.id, 'openid': 'o1'})
        self.app.appid = APPID  # Nothing changes.
        with self.assertRaises(UserError) as caught:
            self.app.appid = 'wx0000000000000098'
        self.assertIn("new app", str(caught.exception))

    def test_app_with_identities_is_not_deleted(self):
        self.env['wechat.identity'].create({'app_id': self.app.id, 'openid': 'o1'})
        with mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError):
            self.app.unlink()

    def test_secret_input_is_write_only(self):
        self.app.secret_input = ' new secret '
        self.assertEqual(self.app.secret, 'new secret')
        self.env.invalidate_all()
        self.assertFalse(self.app.secret_input)
        self.app.secret_input = ''
        self.assertEqual(self.app.secret, 'new secret')
        self.assertTrue(self.app.has_secret)

    def test_default_app_is_the_first_of_its_type_in_the_company(self):
        other_company = self.env['res.company'].create({'name': "Other Company"})
        second = self._create(sequence=5)
        account = self._create(appid='wx0000000000000097', app_type='official_account', sequence=0)
        foreign = self._create(appid='wx0000000000000096', company_id=other_company.id)
        App = self.env['wechat.app']
        self.assertEqual(App._get_default('miniprogram', self.company), self.app)
        self.assertEqual(App._get_default('official_account', self.company), account)
        self.assertEqual(App._get_default('miniprogram', other_company), foreign)
        self.assertFalse(App._get_default('mobile', self.company))
        second.sequence = 0
        self.assertEqual(App._get_default('miniprogram', self.company), second)
        second.active = False
        self.assertEqual(App._get_default('miniprogram', self.company), self.app)

    def test_app_is_found_by_its_appid_while_it_is_active(self):
        App = self.env['wechat.app']
        self.assertEqual(App._get_by_appid(APPID), self.app)
        self.assertEqual(App._get_by_appid(APPID, 'miniprogram'), self.app)
        for args in ((APPID, 'mobile'), ('wx0000000000000000',), ('',), (None,), (7,), ({},)):
            with self.subTest(args=args):
                self.assertFalse(App._get_by_appid(*args))
        self.app.active = False
        self.assertFalse(App._get_by_appid(APPID))

    def test_copies_have_no_secret(self):
        copied = self.app.copy({'appid': 'wx0000000000000095'})
        self.assertFalse(copied.secret)
        self.assertEqual(self.app.secret, SECRET)

    def test_system_parameter_of_a_host_must_be_a_base_address(self):
        parameters = self.env['ir.config_parameter']
        for value, expected in (
            (False, 'https://api.weixin.qq.com'),
            ('https://Mirror.example.com/', 'https://mirror.example.com'),
            ('http://127.0.0.1:8080', 'http://127.0.0.1:8080'),
            ('http://localhost:8080/', 'http://localhost:8080'),
            ('http://[::1]:8080', 'http://[::1]:8080'),
        ):
            parameters.set_param('wechat.api_url', value)
            self.assertEqual(self.app._api_url('wechat.api_url'), expected)
        for value in ('http://mirror.example.com', 'ftp://127.0.0.1', 'api.weixin.qq.com',
                      'https://user:pw@api.weixin.qq.com', 'https://', 'https://[x'):
            parameters.set_param('wechat.api_url', value)
            with self.subTest(value=value), self.assertRefused('misconfigured') as refused:
                self.app._api_url('wechat.api_url')
            self.assertIn('wechat.api_url', str(refused.exception))
