# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged

from .common import SESSION_KEY, MiniprogramCommon


@tagged('post_install', '-at_install')
class TestAccess(MiniprogramCommon):
    """What a mini-program's user sees and may do."""

    def setUp(self):
        super().setUp()
        self.wechat_says(openid='openid-of-ben')
        self.ben = self.authenticate_phone()
        self.wechat_says(openid='openid-of-anna')
        self.anna = self.authenticate_phone()

    def anna_calls(self, model, method, args=(), **kwargs):
        return self.call_kw(self.anna['session_id'], model, method, args, **kwargs)

    def test_user_sees_the_own_identity_and_nobody_elses(self):
        found = self.anna_calls('wechat.identity', 'search_read', [[], ['openid', 'user_id']])
        self.assertEqual([one['openid'] for one in found['result']], ['openid-of-anna'])
        other = self.identity('openid-of-ben')
        read = self.anna_calls('wechat.identity', 'read', [other.ids, ['openid']])
        self.assertEqual(read['error']['data']['name'], 'odoo.exceptions.AccessError')

    def test_user_reads_all_fields_without_a_secret(self):
        read = self.anna_calls('wechat.identity', 'search_read', [[]])
        self.assertEqual(len(read.get('result', ())), 1, read)
        self.assertNotIn('session_key', read['result'][0])
        self.assertNotIn(SESSION_KEY, str(read))
        self.assertNotIn(self.app.sudo().secret, str(read))

    def test_session_key_cannot_be_read_or_searched(self):
        for method, args in (
            ('search_read', [[], ['session_key']]),
            ('search_read', [[('session_key', '=like', 'c%')], ['id']]),
            ('search_count', [[('session_key', '=', SESSION_KEY)]]),
            ('formatted_read_group', [[], ['session_key'], ['__count']]),
            ('read', [self.identity().ids, ['session_key']]),
        ):
            with self.subTest(method=method, args=args):
                answer = self.anna_calls('wechat.identity', method, args)
                self.assertIn('error', answer)
                self.assertNotIn(SESSION_KEY, str(answer))

    def test_user_changes_nothing(self):
        identity = self.identity()
        for method, args in (
            ('write', [identity.ids, {'user_id': self.ben['uid']}]),
            ('write', [identity.ids, {'nickname': "Ben"}]),
            ('unlink', [identity.ids]),
            ('create', [{'app_id': self.app.id, 'openid': 'x', 'user_id': self.ben['uid']}]),
        ):
            with self.subTest(method=method):
                answer = self.anna_calls('wechat.identity', method, args)
                self.assertEqual(answer['error']['data']['name'], 'odoo.exceptions.AccessError')

    def test_user_does_not_bind_identities_through_the_own_user(self):
        other = self.identity('openid-of-ben')
        answer = self.anna_calls('res.users', 'write', [
            [self.anna['uid']], {'wechat_identity_ids': [[4, other.id, 0]]},
        ])
        self.assertIn('error', answer)
        self.assertEqual(other.user_id.id, self.ben['uid'])

    def test_apps_tokens_and_calls_are_closed(self):
        for model in ('wechat.app', 'wechat.token', 'wechat.call'):
            with self.subTest(model=model):
                answer = self.anna_calls(model, 'search_read', [[]])
                self.assertEqual(answer['error']['data']['name'], 'odoo.exceptions.AccessError')

    def test_login_methods_cannot_be_called(self):
        for model, method in (
            ('wechat.app', '_miniprogram_login'),
            ('wechat.app', '_miniprogram_exchange_code'),
            ('wechat.identity', '_login_person'),
            ('wechat.identity', '_record_login'),
            ('res.users', '_wechat_create_user'),
            ('res.users', '_login'),
        ):
            with self.subTest(method=method):
                answer = self.anna_calls(model, method, [[]])
                self.assertEqual(answer['error']['data']['name'], 'odoo.exceptions.AccessError')

    def test_clients_may_call_no_method_of_the_addon_but_buttons(self):
        for _model, name in self.public_methods():
            self.assertTrue(
                name in ('create', 'write', 'unlink') or name.startswith('action_'), name,
            )

    def test_models_of_the_addon_are_closed_to_customers(self):
        models = [
            name for name, cls in self.env.registry.items()
            if cls._original_module == 'wechat_miniprogram' and not cls._abstract
        ]
        self.assertIn('wechat.session', models)
        for model in models:
            for method, args in (
                ('search_read', [[], ['id']]),
                ('create', [{}]),
                ('onchange', [[], {}, [], {'display_name': {}}]),
            ):
                with self.subTest(model=model, method=method):
                    answer = self.anna_calls(model, method, args)
                    self.assertEqual(
                        answer.get('error', {}).get('data', {}).get('name'),
                        'odoo.exceptions.AccessError', answer,
                    )

    def test_buttons_are_not_for_customers(self):
        identity = self.identity()
        records = {'wechat.identity': identity, 'res.users': identity.user_id}
        names = [
            one for one in self.public_methods()
            if one[0] in records and one[1].startswith('action_')
        ]
        self.assertIn(('wechat.identity', 'action_block'), names)
        for model, name in names:
            with self.subTest(model=model, name=name):
                answer = self.anna_calls(model, name, [records[model].ids])
                self.assertEqual(
                    answer.get('error', {}).get('data', {}).get('name'),
                    'odoo.exceptions.AccessError', answer,
                )
        self.assertFalse(identity.is_blocked)

    def public_methods(self):
        """Return the public methods that the addon adds: (model, name)."""
        prefix = 'odoo.addons.wechat_miniprogram.'
        return sorted({
            (model, name)
            for model in ('wechat.app', 'wechat.identity', 'res.users')
            for cls in type(self.env[model]).mro() if cls.__module__.startswith(prefix)
            for name, value in vars(cls).items()
            if callable(value) and not name.startswith('_')
        })
