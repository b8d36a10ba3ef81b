# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
import traceback

from psycopg2.errors import CheckViolation

from odoo.tests import tagged

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.tests.common import SECRET, WechatCommon

HUSH = ('TOKEN_1', SECRET, 'JS_CODE_HUSH', 'SESSION_KEY_HUSH')


@tagged('post_install', '-at_install')
class TestSecrets(WechatCommon):
    """No secret is in an exception, its traceback, its causes or the log, whatever goes wrong."""

    def _assert_silent(self, call):
        with self.assertLogs(level=logging.DEBUG) as logs:
            logging.getLogger(__name__).info("at least one line")
            with self.assertRaises(WeChatError) as caught:
                call()
        error = caught.exception
        seen = [str(logs.output), ''.join(traceback.format_exception(error)), repr(vars(error))]
        while error:
            seen.append(repr(error))
            error = error.__cause__ or error.__context__
        for text in seen:
            for secret in HUSH:
                self.assertNotIn(secret, text)

    def _with_secret(self):
        self.app._request('GET', '/sns/jscode2session', with_token=False, params={
            'appid': self.app.appid, 'secret': SECRET, 'js_code': 'JS_CODE_HUSH',
        })

    def _with_token(self):
        self.app._request('POST', '/cgi-bin/x', json={'session_key': 'SESSION_KEY_HUSH'})

    def _token_itself(self):
        self.app._renew_token()

    def _each(self):
        self.app._get_token()
        for call in (self._with_secret, self._with_token, self._token_itself):
            with self.subTest(call=call.__name__):
                if call == self._token_itself:
                    self.env['wechat.token'].search([]).write({'expires_at': '2001-01-01'})
                self._assert_silent(call)

    def _answer_all(self, answer, **kwargs):
        self.app._get_token()
        for method, path in (('GET', '/sns/jscode2session'), ('POST', '/cgi-bin/x'),
                             ('POST', '/cgi-bin/stable_token')):
            self.fake.answer(method, path, answer, **kwargs)

    def test_refusal_that_quotes_what_was_sent(self):
        self._answer_all(lambda request: {
            'errcode': 40013, 'errmsg': f'no: {request.query} {request.body.decode()}',
        })
        self._each()

    def test_broken_connection(self):
        self._answer_all(None)
        self._each()

    def test_garbage(self):
        self._answer_all(lambda request: f'{request.query} {request.body.decode()}')
        self._each()

    def test_redirect(self):
        self._answer_all('', status=302, headers={'Location': 'https://example.com/'})
        self._each()

    def test_nobody_listening(self):
        self.app._get_token()
        self.env['ir.config_parameter'].set_param('wechat.api_url', 'http://127.0.0.1:1')
        self._each()

    def test_host_that_does_not_exist(self):
        # The tests' guard against the network quotes the whole URL in its exception.
        self.app._get_token()
        self.env['ir.config_parameter'].set_param('wechat.api_url', 'https://wechat.invalid')
        logging.getLogger('odoo.tests.common.requests').disabled = True
        self.addCleanup(setattr, logging.getLogger('odoo.tests.common.requests'), 'disabled', False)
        self._each()

    def test_address_that_is_not_wechats(self):
        address = 'https://example.com/?js_code=JS_CODE_HUSH'
        self._assert_silent(lambda: self.app._request('GET', address))

    def test_database_that_does_not_take_the_token(self):
        self.env.cr.execute("ALTER TABLE wechat_token ADD CONSTRAINT hush CHECK (value IS NULL)")
        with self.assertNoLogs('odoo.sql_db', logging.ERROR), self.assertRaises(CheckViolation):
            self.app._get_token()

    def test_database_that_does_not_take_the_session_key(self):
        identity = self.env['wechat.identity'].create({'app_id': self.app.id, 'openid': 'o1'})
        self.env.cr.execute(
            "ALTER TABLE wechat_identity ADD CONSTRAINT hush CHECK (session_key IS NULL)")
        with (
            self.assertNoLogs('odoo.sql_db', logging.ERROR),
            self.assertRaises(CheckViolation), self.env.cr.savepoint(),
        ):
            identity._record_login(session_key='SESSION_KEY_HUSH')
