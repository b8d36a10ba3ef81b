# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import requests

from odoo.tests import tagged

from .common import IN_WEB_VIEW
from .sandbox_browser_common import SandboxBrowserCommon


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxPageInMiniprogram(SandboxBrowserCommon):
    """The payment page that a mini-program shows, against the project's sandbox."""

    def setUp(self):
        super().setUp()
        person = self._control('POST', 'login_code', appid=self.app.appid)
        self.identity.openid, self.person = person['openid'], person['user']
        self.path = self.tx._wechat_get_page_path()
        self.handover_url = self.tx._wechat_get_handover_url()
        self.handover = {
            'model': 'payment.transaction', 'id': self.tx.id,
            'access_token': self.tx._wechat_get_access_token(),
        }

    def _log_in(self):
        """Let the mini-program hold a session of its own."""
        self.authenticate(self.customer.login, self.customer.login, session_extra={
            'wechat_app_id': self.app.id, 'wechat_identity_id': self.identity.id,
        })

    def _prepay(self):
        """Let the mini-program's payment page prepay, over HTTP as the phone does."""
        answer = requests.post(
            f'{self.base_url()}/wechat/payment/prepay', timeout=20,
            cookies={'session_id': self.session.sid, 'test_request_key': self.http_request_key},
            json={'jsonrpc': '2.0', 'method': 'call', 'params': self.handover},
        ).json()
        self.assertIn('result', answer, answer.get('error'))
        return answer['result']

    def test_the_mini_program_pays_and_the_page_confirms(self):
        self._log_in()
        with self._phone(IN_WEB_VIEW, script='') as phone:
            phone.open(self.path)
            self.assertEqual(phone.asked(), [['navigateTo', self.handover_url]])
            phone.sees('miniprogram')
            prepaid = self._prepay()
            answer = self._pay(prepaid['payment'], self.app.appid, notify=False)
            self.assertEqual(answer['errMsg'], 'requestPayment:ok')
            phone.run("document.dispatchEvent(new Event('visibilitychange'))")
            phone.wait("!location.pathname.includes('/pay/')")
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(prepaid['reference'], self.tx.reference)
        self.assertEqual(self._problems(), [])

    def test_the_page_places_no_order_itself(self):
        with self._phone(IN_WEB_VIEW, script='') as phone:
            phone.open(self.path)
            phone.asked()
            phone.tap('o_wechat_pay_check')
            phone.reads("has not reported a payment yet")
            phone.tap('o_wechat_pay_hand_over')
            phone.asked(2)
        self.assertFalse(self.tx.wechat_order_body)
        self.assertFalse(self._control('GET', 'orders')['orders'])

    def test_an_order_that_ended_begins_anew_and_the_page_follows(self):
        self.tx._set_canceled()
        self._log_in()
        with self._phone(IN_WEB_VIEW, script='') as phone:
            phone.open(self.path)
            phone.sees('ended')
            phone.tap('o_wechat_pay_retry')
            phone.asked()
            prepaid = self._prepay()
            self.assertNotEqual(prepaid['reference'], self.tx.reference)
            self._pay(prepaid['payment'], self.app.appid)
            phone.wait("!location.pathname.includes('/pay/')")
        self.assertEqual(self.tx.state, 'cancel')
        self.assertEqual(self.tx.wechat_successor_id.state, 'done')

    def test_a_page_that_the_mini_program_lacks_is_told(self):
        with self._phone(IN_WEB_VIEW, script='') as phone:
            phone.open(self.path)
            phone.asked()
            phone.run("tell('fail page \"pages/pay/pay\" is not found')")
            phone.reads("cannot be opened")
            phone.reads("is not found")

    def test_without_the_script_of_wechat_the_page_says_so(self):
        self.has_jssdk = False
        with self._phone(IN_WEB_VIEW, script='') as phone:
            phone.open(self.path)
            phone.reads("cannot be opened")
