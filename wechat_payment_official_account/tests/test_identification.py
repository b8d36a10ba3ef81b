# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import time

from odoo.http import root
from odoo.tests import HOST, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment_official_account.controllers import checkout

from .common import IDENTIFY, IN_WEB_VIEW, IN_WECOM, OFFICIAL, ON_A_DESKTOP, InsideCommon

LOGGER = checkout.__name__
REQUEST_LOGGER = 'odoo.addons.wechat.models.wechat_app_request'


@tagged('post_install', '-at_install')
class TestIdentification(InsideCommon):
    """Who pays inside WeChat: from WeChat, for one payment, and nobody is logged in by it."""

    def _session(self):
        return root.session_store.get(self.opener.cookies.get('session_id', domain=HOST))

    def _start(self, tx=None, **params):
        answer = self._call('start', tx, **params)
        self.assertIn('result', answer, answer.get('error'))
        return answer['result']

    # === WHO IS KNOWN === #

    def test_the_page_asks_wechat_silently_and_places_the_order_for_that_openid(self):
        query = self._ask()
        self.assertEqual((query['appid'], query['scope']), (OFFICIAL, 'snsapi_base'))
        self.assertEqual(query['redirect_uri'], self.base_url() + IDENTIFY)
        self._wechat_says('openid-of-anna')
        response = self._come_back(query['state'])
        self.assertEqual(self._path(response), self.tx._wechat_get_page_path())
        self.assertEqual(self._open().status_code, 200)
        values = self._start()
        self.assertEqual(values['kind'], 'JSAPI')
        self.assertEqual(
            set(values['payment']),
            {'appId', 'timeStamp', 'nonceStr', 'package', 'signType', 'paySign'},
        )
        self.assertEqual(values['payment']['appId'], OFFICIAL)
        order = json.loads(self.tx.wechat_order_body)
        self.assertEqual(order['payer'], {'openid': 'openid-of-anna'})
        self.assertEqual(order['appid'], OFFICIAL)
        self.assertEqual(self.tx.wechat_app_id, self.official)

    def test_nobody_is_logged_in_and_no_user_is_made(self):
        users = self.env['res.users'].with_context(active_test=False).search_count([])
        self._identify()
        self.assertFalse(self._session().uid)
        self.assertFalse(self.env['wechat.identity'].search([('openid', '=', 'openid-of-anna')]))
        self.assertEqual(
            self.env['res.users'].with_context(active_test=False).search_count([]), users,
        )

    def test_a_session_stays_that_of_its_user(self):
        other = self.env['res.users'].with_context(no_reset_password=True).create({
            'name': "Other", 'login': 'other',
            'group_ids': [(6, 0, self.env.ref('base.group_portal').ids)],
        })
        self.env['wechat.identity'].create({
            'app_id': self.official.id, 'openid': 'openid-of-anna', 'user_id': other.id,
        })
        self.authenticate(self.customer.login, self.customer.login)
        self._identify(openid='openid-of-anna')
        self.assertEqual(self._session().uid, self.customer.id)
        self.assertEqual(self._start()['kind'], 'JSAPI')
        self.assertEqual(self.tx.wechat_openid, 'openid-of-anna')
        self.assertEqual(self.tx.wechat_user_id, self.customer)

    def test_who_logged_in_through_the_account_needs_no_round_trip(self):
        identity = self.env['wechat.identity'].create({
            'app_id': self.official.id, 'openid': 'openid-of-the-customer',
            'user_id': self.customer.id,
        })
        self.authenticate(self.customer.login, self.customer.login, session_extra={
            'wechat_identity_id': identity.id, 'wechat_app_id': self.official.id,
        })
        self.assertEqual(self._open().status_code, 200)
        self._start()
        self.assertEqual(self.tx.wechat_openid, 'openid-of-the-customer')
        self.assertFalse(self._exchanges())

    def test_an_identity_of_a_password_session_is_not_believed(self):
        self.env['wechat.identity'].create({
            'app_id': self.official.id, 'openid': 'openid-of-the-customer',
            'user_id': self.customer.id,
        })
        self.authenticate(self.customer.login, self.customer.login)
        self._ask()

    def test_an_identity_of_another_app_is_not_taken(self):
        self.authenticate(self.customer.login, self.customer.login, session_extra={
            'wechat_identity_id': self.identity.id, 'wechat_app_id': self.app.id,
        })
        self._ask()
        self.assertEqual(self._start()['kind'], 'NATIVE')

    def test_the_openid_is_for_this_payment_and_this_browser_only(self):
        self._identify()
        other = self._create_web_transaction()
        self._ask(other)
        self._forget()
        self._ask()
        self.assertEqual(self._start()['kind'], 'NATIVE')

    def test_an_account_that_the_provider_lists_no_more_is_not_used(self):
        self._identify()
        self.provider.wechat_app_ids = self.app
        self.assertEqual(self._open().status_code, 200)
        self.assertEqual(self._start()['kind'], 'NATIVE')

    def test_an_openid_is_asked_for_again_when_it_is_old(self):
        self._identify()
        session = self._session()
        session[checkout.PAYERS][self.tx.reference]['time'] -= checkout.PAYER_LIFETIME
        root.session_store.save(session)
        self._ask()

    def test_a_replaced_order_is_for_the_same_payer(self):
        self._identify()
        self._start()
        self.tx.wechat_time_expire = '2020-01-01'
        values = self._start()
        self.assertNotEqual(values['reference'], self.tx.reference)
        successor = self.tx.wechat_successor_id
        self.assertEqual(successor.reference, values['reference'])
        self.assertEqual(
            (values['kind'], successor.wechat_openid), ('JSAPI', 'openid-of-anna'),
        )
        self.assertEqual(self._start(successor)['reference'], successor.reference)
        # The old page follows.
        answer = self._call('poll')['result']
        self.assertEqual(answer['reference'], successor.reference)

    def test_another_payer_gets_another_order_and_the_first_is_closed(self):
        self._identify(openid='openid-of-anna')
        self._start()
        self._forget()
        self._identify(openid='openid-of-bert')
        values = self._start()
        self.assertEqual(self.tx.state, 'cancel')
        self.assertEqual(self.fake.orders[self.tx.reference]['trade_state'], 'CLOSED')
        self.assertNotEqual(values['reference'], self.tx.reference)
        self.assertEqual(self.tx.wechat_successor_id.wechat_openid, 'openid-of-bert')

    # === WHERE NOBODY IS ASKED === #

    def test_other_browsers_are_not_sent_to_wechat(self):
        for user_agent in ('Mozilla/5.0 (X11; Linux x86_64)', ON_A_DESKTOP, IN_WECOM):
            self.user_agent = user_agent
            self.assertEqual(self._open().status_code, 200)
            self.assertEqual(self._start()['kind'], 'NATIVE')

    def test_without_an_official_account_the_page_shows_the_code(self):
        self.provider.wechat_app_ids = self.app
        self.assertEqual(self._open().status_code, 200)
        self.assertEqual(self._start()['kind'], 'NATIVE')

    def test_a_wrong_token_asks_nobody(self):
        response = self._get(f'/payment/wechat_pay/pay/{self.tx.reference}?access_token=x')
        self.assertEqual(response.status_code, 404)
        self.assertFalse(self.env['wechat.oauth.state'].search([]))

    def test_a_paid_payment_asks_nobody(self):
        self.tx.state = 'done'
        self.assertEqual(self._path(self._open()), '/payment/status')

    # === WHAT GOES WRONG === #

    def _assert_fallback(self, words):
        """Check that the page says why, and shows a QR code."""
        response = self._open()
        self.assertEqual(response.status_code, 200)
        self.assertIn('o_wechat_pay_payer_problem', response.text)
        self.assertIn(words, response.text)
        self.assertIn('identify=1', response.text)
        self.assertEqual(self._start()['kind'], 'NATIVE')

    @mute_logger(LOGGER)
    def test_who_comes_back_from_an_error_page_of_wechat_gets_the_code(self):
        self._ask()
        session = self._session()
        session[checkout.SENT_AT] = int(time.time()) - 20
        root.session_store.save(session)
        self._assert_fallback("did not tell the shop who you are")
        # Until the customer wants another try.
        self._ask(more='&identify=1')

    def test_a_page_that_is_loaded_twice_at_once_asks_twice(self):
        self.assertNotEqual(self._ask()['state'], self._ask()['state'])

    def test_a_used_state_is_refused_and_wechat_is_not_asked(self):
        state = self._ask()['state']
        self._wechat_says('openid-of-anna')
        self._come_back(state)
        self._wechat_says('openid-of-mallory')
        self._come_back(state, code='code-2')
        self.assertEqual(len(self._exchanges()), 1)
        self._start()
        self.assertEqual(self.tx.wechat_openid, 'openid-of-anna')

    def test_a_state_of_another_browser_is_refused(self):
        state = self._ask()['state']
        self._forget()
        self._wechat_says('openid-of-mallory')
        response = self._come_back(state)
        self.assertEqual(response.status_code, 400)
        self.assertIn("This payment page has expired", response.text)
        self.assertFalse(self._exchanges())

    def test_a_payment_that_is_gone_and_an_account_that_left_are_survived(self):
        self._wechat_says('openid-of-anna')
        state = self._ask()['state']
        self.tx.unlink()
        self.assertEqual(self._come_back(state).status_code, 400)
        self.tx = self._create_web_transaction()
        state = self._ask()['state']
        self.provider.wechat_app_ids = self.app
        self.assertEqual(self._come_back(state).status_code, 400)
        self.assertFalse(self._exchanges())

    def test_a_state_of_a_payment_logs_nobody_in(self):
        state = self._ask()['state']
        self._wechat_says('openid-of-anna')
        response = self._get(f'/wechat/oauth/callback?code=code-1&state={state}')
        self.assertEqual(response.status_code, 400)
        self.assertFalse(self._session().uid)
        self.assertFalse(self._exchanges())

    def test_a_state_of_a_login_identifies_no_payer(self):
        response = self._get('/wechat/oauth/mp')
        state = response.headers['Location'].partition('state=')[2].partition('#')[0]
        self._wechat_says('openid-of-anna')
        self.assertEqual(self._come_back(state).status_code, 400)
        self.assertFalse(self._exchanges())

    @mute_logger(REQUEST_LOGGER)
    def test_a_code_that_wechat_refuses_leads_to_the_qr_code(self):
        self.fake.answer('GET', '/sns/oauth2/access_token', {'errcode': 40163, 'errmsg': 'used'})
        self._come_back(self._ask()['state'])
        self._assert_fallback('o_wechat_pay_payer_problem')

    def test_no_code_and_a_malformed_code_lead_to_the_qr_code(self):
        for code in ('', '%20'):
            tx = self.tx = self._create_web_transaction()
            self._come_back(self._ask(tx)['state'], code=code)
            self._assert_fallback('o_wechat_pay_payer_problem')
        self.assertFalse(self._exchanges())

    @mute_logger(LOGGER)
    def test_an_unknown_host_is_not_sent_to_wechat(self):
        self.env['ir.config_parameter'].set_param('web.base.url', 'https://shop.example.com')
        self._assert_fallback("did not tell the shop who you are")

    def test_who_wants_the_qr_code_gets_it(self):
        self._identify()
        self._start()
        values = self._start(scan=True)
        self.assertEqual(values['kind'], 'NATIVE')
        self.assertEqual(self.fake.orders[self.tx.reference]['trade_state'], 'CLOSED')
        self.assertEqual(self._start(self.tx.wechat_successor_id)['kind'], 'NATIVE')

    def test_a_page_in_a_mini_program_is_not_sent_to_wechat(self):
        self.user_agent = IN_WEB_VIEW
        self.assertEqual(self._open().status_code, 200)

    def test_an_openid_of_before_is_not_used_in_a_mini_program(self):
        self._identify()
        self.user_agent = IN_WEB_VIEW
        self.assertEqual(self._start()['kind'], 'NATIVE')
