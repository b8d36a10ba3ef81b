# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re
from xmlrpc.client import Fault

from odoo.exceptions import AccessDenied
from odoo.tests import get_db_name, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.credential import LoginProof

from .common import MiniprogramCommon

FORGERIES = (
    None, True, 1, 'proof', [], {}, {'uid': 2, 'identity_id': 1}, {'__class__': 'LoginProof'},
    'LoginProof(uid=2, identity_id=1)',
)


@tagged('post_install', '-at_install')
class TestCredential(MiniprogramCommon):
    """The credential of a WeChat login can be made by the server only."""

    def setUp(self):
        super().setUp()
        self.env['ir.config_parameter'].set_param('base.login_cooldown_after', '0')
        self.customer = self.create_user('customer')
        self.own_identity = self.create_identity(self.customer)

    def test_login_page_takes_no_forged_credential(self):
        for proof in ('', '1', "{'uid': 2}"):
            with self.subTest(proof=proof):
                page = self.url_open('/web/login')
                token = re.search(r'name="csrf_token" value="(\w+)"', page.text)[1]
                response = self.url_open('/web/login', data={
                    'csrf_token': token, 'type': 'wechat', 'login': self.customer.login,
                    'proof': proof, 'uid': str(self.customer.id), 'identity_id': '1',
                    'password': SESSION_PASSWORD,
                })
                self.assertEqual(response.status_code, 200)
                self.assertIn('alert-danger', response.text)
                session_id = self.opener.cookies.get('session_id', domain='127.0.0.1')
                self.assertFalse(self.stored_session(session_id).uid)

    def test_session_authenticate_takes_no_forged_credential(self):
        for proof in FORGERIES:
            with self.subTest(proof=proof):
                answer = self.post('/web/session/authenticate', {
                    'db': get_db_name(), 'login': self.customer.login, 'password': 'x',
                    'type': 'wechat', 'proof': proof,
                }).json()
                self.assertEqual(answer['error']['data']['name'], 'odoo.exceptions.AccessDenied')

    @mute_logger('odoo.http', 'odoo.addons.rpc.controllers.xmlrpc')
    def test_xmlrpc_takes_no_forged_credential(self):
        for proof in FORGERIES:
            if proof is None:  # XML-RPC has no such value
                continue
            with self.subTest(proof=proof):
                self.assertFalse(self.xmlrpc_common.authenticate(
                    get_db_name(), self.customer.login, 'x', {'type': 'wechat', 'proof': proof},
                ))

    @mute_logger('odoo.http', 'odoo.addons.rpc.controllers.xmlrpc')
    def test_xmlrpc_caller_cannot_authenticate_as_somebody_else(self):
        caller = self.create_user('caller', password='caller-password')
        self.env.flush_all()
        for proof in FORGERIES:
            if proof is None:
                continue
            with self.subTest(proof=proof), self.assertRaises(Fault) as caught:
                self.xmlrpc_object.execute_kw(
                    get_db_name(), caller.id, 'caller-password', 'res.users', 'authenticate',
                    [[], {'type': 'wechat', 'login': 'admin', 'proof': proof}, {}],
                )
            self.assertIn('Access', str(caught.exception))

    def test_logged_in_customer_cannot_authenticate_as_somebody_else(self):
        session_id = self.authenticate_phone()['session_id']
        admin = self.env.ref('base.user_admin')
        for proof in FORGERIES:
            with self.subTest(proof=proof):
                answer = self.call_kw(
                    session_id, 'res.users', 'authenticate',
                    [[], {'type': 'wechat', 'login': admin.login, 'proof': proof}, {}],
                    context={'wechat_login_proof': proof},
                )
                self.assertEqual(answer['error']['data']['name'], 'odoo.exceptions.AccessDenied')
        self.assertEqual(self.stored_session(session_id).uid, self.customer.id)

    def test_session_key_and_openid_are_no_password(self):
        self.authenticate_phone()
        for password in (self.identity().sudo().session_key, 'openid-of-anna'):
            answer = self.post('/web/session/authenticate', {
                'db': get_db_name(), 'login': self.customer.login, 'password': password,
            }).json()
            self.assertEqual(answer['error']['data']['name'], 'odoo.exceptions.AccessDenied')

    def test_session_key_ends_no_session(self):
        fields = self.env['res.users']._get_session_token_fields()
        self.assertFalse([name for name in fields if 'wechat' in name or 'session_key' in name])

    # === THE PROOF === #

    def check(self, user, proof):
        user = user.with_user(user)
        return user._check_credentials(
            {'type': 'wechat', 'login': user.login, 'proof': proof}, {'interactive': True},
        )

    def test_proof_opens_the_session_of_its_user(self):
        info = self.check(self.customer, LoginProof(self.customer.id, self.own_identity.id))
        self.assertEqual(info['uid'], self.customer.id)
        self.assertEqual(info['mfa'], 'skip')

    def test_proof_of_an_employee_keeps_the_second_factor(self):
        employee = self.create_user('employee', 'base.group_user')
        identity = self.create_identity(employee, 'employee')
        info = self.check(employee, LoginProof(employee.id, identity.id))
        self.assertEqual(info['mfa'], 'default')

    def test_proof_for_another_user_is_refused(self):
        other = self.create_user('other')
        with self.assertRaises(AccessDenied):
            self.check(other, LoginProof(self.customer.id, self.own_identity.id))

    def test_proof_with_somebody_elses_identity_is_refused(self):
        other = self.create_user('other')
        with self.assertRaises(AccessDenied):
            self.check(other, LoginProof(other.id, self.own_identity.id))

    def test_other_credential_types_are_left_to_odoo(self):
        with self.assertRaises(AccessDenied):
            self.customer.with_user(self.customer)._check_credentials(
                {'type': 'password', 'login': 'customer', 'password': 'wrong',
                 'proof': LoginProof(self.customer.id, self.own_identity.id)},
                {'interactive': True},
            )

    # === THE COOL-DOWN === #

    def _fail_password(self, times):
        for _attempt in range(times):
            self.post('/web/session/authenticate', {
                'db': get_db_name(), 'login': 'customer', 'password': 'wrong',
            })

    def test_wrong_passwords_of_others_do_not_lock_customers_out(self):
        self.env['ir.config_parameter'].set_param('base.login_cooldown_after', '2')
        self._fail_password(3)
        self.assertEqual(self.authenticate_phone()['uid'], self.customer.id)

    def test_wechat_login_does_not_forgive_wrong_passwords(self):
        self.customer.password = 'the-right-password'
        self.env['ir.config_parameter'].set_param('base.login_cooldown_after', '2')
        self._fail_password(2)
        self.authenticate_phone()
        right = {'db': get_db_name(), 'login': 'customer', 'password': 'the-right-password'}
        self.assertIn('error', self.post('/web/session/authenticate', right).json())
        self.env['ir.config_parameter'].set_param('base.login_cooldown_after', '0')
        self.assertIn('result', self.post('/web/session/authenticate', right).json())

    def tearDown(self):
        # The failures are kept on the registry, for the next test too.
        self.env.registry._login_failures = None
        super().tearDown()


SESSION_PASSWORD = 'c2Vzc2lvbi1rZXktb2YtMQ=='
