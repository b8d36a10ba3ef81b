# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.tests.common import WechatCommon

SECRETS = ('secret', 'secret_input', 'hub_key', 'push_token', 'push_aes_key')


@tagged('post_install', '-at_install')
class TestAccess(WechatCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls.env['res.company'].create({'name': "Other Company"})
        cls.other_app = cls.env['wechat.app'].create({
            'name': "Other App", 'appid': 'wx0000000000000099', 'company_id': cls.other_company.id,
        })
        cls.portal = new_test_user(cls.env, 'wechat_portal', groups='base.group_portal')
        cls.stranger = new_test_user(cls.env, 'wechat_stranger', groups='base.group_portal')
        cls.employee = new_test_user(cls.env, 'wechat_employee', groups='base.group_user')
        cls.manager = new_test_user(cls.env, 'wechat_manager', groups='wechat.group_manager')
        cls.system = new_test_user(cls.env, 'wechat_system', groups='base.group_system')
        cls.public = cls.env.ref('base.public_user')
        cls.own, cls.foreign, cls.other = cls.env['wechat.identity'].create([
            {'app_id': cls.app.id, 'openid': 'o1', 'user_id': cls.portal.id,
             'partner_id': cls.portal.partner_id.id, 'session_key': 'KEY', 'unionid': 'u1'},
            {'app_id': cls.app.id, 'openid': 'o2', 'user_id': cls.stranger.id,
             'session_key': 'KEY'},
            {'app_id': cls.other_app.id, 'openid': 'o3', 'session_key': 'KEY'},
        ])
        cls.token = cls.env['wechat.token'].create({
            'app_id': cls.app.id, 'kind': 'access_token', 'value': 'HUSH',
        })

    def _assert_refused(self, call):
        with mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule',
                         'odoo.models'), self.assertRaises(AccessError):
            call()

    def test_portal_and_internal_users_see_only_their_own_identity(self):
        for user, seen in ((self.portal, self.own), (self.stranger, self.foreign),
                           (self.employee, self.env['wechat.identity'])):
            identities = self.env['wechat.identity'].with_user(user)
            with self.subTest(user=user.login):
                self.assertEqual(identities.search([]), seen)
                other = identities.browse(self.other.id)
                self._assert_refused(lambda record=other: record.read(['openid']))
        self.assertEqual(
            self.own.with_user(self.portal).read(['openid', 'nickname', 'app_id'])[0]['openid'],
            'o1',
        )

    def test_portal_users_reach_their_identities_through_their_user(self):
        user = self.env['res.users'].with_user(self.portal).browse(self.portal.id)
        self.assertEqual(user.read(['wechat_identity_ids'])[0]['wechat_identity_ids'], self.own.ids)

    def test_session_key_and_token_value_are_for_nobody(self):
        for user in (self.portal, self.employee, self.manager, self.system):
            with self.subTest(user=user.login):
                own = self.own if user == self.portal else self.foreign
                self._assert_refused(lambda u=user, i=own: i.with_user(u).read(['session_key']))
                self.assertNotIn('session_key', own.with_user(user).fields_get())
                self._assert_refused(lambda u=user: self.token.with_user(u).read(['value']))
        self._assert_refused(lambda: self.env['wechat.identity'].with_user(self.system).search(
            [('session_key', '=', 'KEY')]))
        self._assert_refused(lambda: self.env['wechat.token'].with_user(self.system).search(
            [('value', '=like', 'H%')]))

    def test_identities_are_read_only_for_their_owners(self):
        identity = self.own.with_user(self.portal)
        self._assert_refused(lambda: identity.write({'nickname': "x"}))
        self._assert_refused(lambda: identity.write({'user_id': self.stranger.id}))
        self._assert_refused(identity.unlink)
        self._assert_refused(lambda: identity.create({'app_id': self.app.id, 'openid': 'o9'}))

    def test_apps_tokens_and_calls_are_closed_to_users(self):
        for user in (self.public, self.portal, self.employee):
            for record in (self.app, self.token):
                with self.subTest(user=user.login, model=record._name):
                    self._assert_refused(lambda u=user, r=record: r.with_user(u).read())
            self._assert_refused(lambda u=user: self.env['wechat.call'].with_user(u).search([]))
            self._assert_refused(lambda u=user: self.app.with_user(u).action_check_credentials())
        self._assert_refused(lambda: self.env['wechat.identity'].with_user(self.public).search([]))
        self.assertFalse(self.fake.requests)

    def test_manager_manages_apps_and_identities_of_the_own_companies(self):
        apps = self.env['wechat.app'].with_user(self.manager)
        self.assertIn(self.app, apps.search([]))
        self.assertNotIn(self.other_app, apps.search([]))
        identities = self.env['wechat.identity'].with_user(self.manager)
        self.assertEqual(identities.search([('app_id', 'in', (self.app + self.other_app).ids)]),
                         self.own + self.foreign)
        self.app.with_user(self.manager).name = "New Name"
        self.own.with_user(self.manager).nickname = "New Nickname"
        self._assert_refused(lambda: self.other_app.with_user(self.manager).write({'name': "x"}))
        self._assert_refused(lambda: self.other.with_user(self.manager).write({'nickname': "x"}))

    def test_manager_sees_no_secret(self):
        app = self.app.with_user(self.manager)
        for name in SECRETS:
            with self.subTest(field=name):
                self._assert_refused(lambda n=name: app.read([n]))
                self._assert_refused(lambda n=name: app.write({n: "x"}))
                self.assertNotIn(name, app.fields_get())
        self._assert_refused(lambda: app.search([('secret', '=like', '0%')]))
        self.assertTrue(app.has_secret)
        self.assertEqual(app.action_check_credentials()['params']['type'], 'success')

    def test_settings_administrators_are_wechat_administrators(self):
        self.assertTrue(self.system.has_group('wechat.group_manager'))
        self.assertFalse(self.employee.has_group('wechat.group_manager'))

    def test_nothing_but_buttons_can_be_called_by_clients(self):
        base = set(dir(self.env['base'])) | set(dir(self.env['res.partner.category']))
        for name, allowed in (
            ('wechat.app', {
                'action_check_credentials', 'action_clear_quota', 'action_generate_push_secrets',
                'action_show_quota', 'action_view_push_messages',
            }),
            ('wechat.hub.key', {'action_revoke'}), ('wechat.hub.key.issue', {'action_issue'}),
            ('wechat.hub.key.show', set()), ('wechat.api.quota', {'action_ask'}),
            ('wechat.identity', set()),
            ('wechat.token', set()), ('wechat.call', set()),
        ):
            model = self.env[name]
            public = {
                attribute for attribute in dir(type(model))
                if not attribute.startswith('_') and attribute not in base
                and callable(getattr(type(model), attribute, None))
            }
            fields = set(model._fields)
            self.assertFalse({
                attribute for attribute in public - fields - allowed
                if type(model).__dict__.get(attribute) or any(
                    attribute in vars(cls) and cls.__module__.startswith('odoo.addons.wechat.')
                    for cls in type(model).__mro__
                )
            }, name)
