# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import file_open, mute_logger

from odoo.addons.wechat.tests.common import WechatCommon

DEFAULT = 'access_token,jsapi_ticket,wx_card_ticket'


@tagged('post_install', '-at_install')
class TestHubKey(WechatCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.HubKey = cls.env['wechat.hub.key']

    def test_key_is_returned_once_and_stored_hashed(self):
        key = self.HubKey._issue("Web shop", self.app)
        self.assertGreater(len(key), 40)
        record = self.HubKey._find(key)
        self.assertEqual((record.name, record.app_ids, record.kinds), (
            "Web shop", self.app, DEFAULT))
        self.env.flush_all()
        self.env.cr.execute("SELECT * FROM wechat_hub_key WHERE id = %s", [record.id])
        row = str(self.env.cr.fetchone())
        self.assertNotIn(key, row)
        self.assertNotIn(key.removeprefix('hub_'), row)
        self.assertNotEqual(self.HubKey._issue("Web shop", self.app), key)

    def test_hash_is_for_nobody(self):
        system = new_test_user(self.env, 'hub_system', groups='base.group_system')
        record = self.HubKey._find(self.HubKey._issue("x", self.app)).with_user(system)
        record.read(['name', 'kinds', 'last_used'])
        with mute_logger('odoo.models'):
            with self.assertRaises(AccessError):
                record.read(['key_hash'])
            with self.assertRaises(AccessError):
                record.search([('key_hash', '=like', '0%')])

    def test_keys_are_for_settings_administrators(self):
        record = self.HubKey._find(self.HubKey._issue("x", self.app))
        for groups in ('wechat.group_manager', 'base.group_user', 'base.group_portal'):
            user = new_test_user(self.env, f'hub_{groups}', groups=groups)
            HubKey = self.HubKey.with_user(user)
            with self.subTest(groups=groups), mute_logger('odoo.addons.base.models.ir_model'):
                for call in (
                    lambda keys=HubKey: keys._issue("y", self.app),
                    lambda keys=HubKey: keys.search([]),
                    lambda keys=HubKey: keys.browse(record.id).action_revoke(),
                    lambda keys=HubKey: keys.env['wechat.hub.key.issue'].create({'name': "z"}),
                ):
                    with self.assertRaises(AccessError):
                        call()
        self.assertTrue(record.active)

    def test_platform_tokens_must_be_named(self):
        key = self.HubKey._issue("x", self.app, ['component_access_token', 'jsapi_ticket'])
        self.assertEqual(self.HubKey._find(key).kinds, 'component_access_token,jsapi_ticket')

    def test_secrets_can_never_be_named(self):
        for kind in ('secret', 'component_verify_ticket', 'authorizer_refresh_token', 'x', ''):
            with self.subTest(kind=kind), self.assertRaises(ValidationError):
                self.HubKey._issue("x", self.app, ['access_token', kind, kind] if kind else [])

    def test_key_is_for_some_app(self):
        with self.assertRaises(ValidationError):
            self.HubKey._issue("x", self.env['wechat.app'])

    def test_revoked_wrong_and_malformed_keys_are_not_found(self):
        key = self.HubKey._issue("x", self.app)
        for wrong in ('', None, 7, b'x', key[:-1], f'{key}x', key.upper(), f' {key}', 'x' * 600,
                      'hub_密钥', self.HubKey._find(key).key_hash):
            self.assertFalse(self.HubKey._find(wrong), wrong)
        self.HubKey._find(key).action_revoke()
        self.assertFalse(self.HubKey._find(key))

    def test_wizard_shows_the_key_once(self):
        form = Form(self.env['wechat.hub.key.issue'])
        form.name = "Web shop"
        form.app_ids.add(self.app)
        form.wx_card_ticket = False
        wizard = form.save()
        action = wizard.action_issue()
        key = action['context']['default_key']
        self.assertEqual(self.HubKey._find(key).kinds, 'access_token,jsapi_ticket')
        shown = self.env[action['res_model']].with_context(**action['context'])
        self.assertEqual(shown.default_get(['key']), {'key': key})
        self.assertFalse(shown._auto)
        self.assertNotIn(key, str(wizard.read()))

    def test_copy_of_a_database_lends_nothing(self):
        key = self.HubKey._issue("x", self.app)
        self.env.flush_all()
        with file_open('wechat/data/neutralize.sql') as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertFalse(self.HubKey._find(key))
