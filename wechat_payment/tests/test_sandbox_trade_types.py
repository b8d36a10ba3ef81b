# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import html
import json
import re

from odoo.tests import tagged

from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon
from odoo.addons.wechat_payment.tests.sandbox_common import WechatSandboxCommon

DESKTOP = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36'
PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile/15E148 Safari'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxTradeTypes(WechatSandboxCommon, WechatRefundCommon):
    """Each trade type from the order to done, and from the refund to refunded.

    Against the project's sandbox (WECHAT_SANDBOX_URL), which notifies the running Odoo: every call
    and every notification is real HTTP with real signatures. Nothing is queried: what is confirmed
    is confirmed by the notification.
    """

    def setUp(self):
        super().setUp()
        self._connect_sandbox(allow_loopback_ip=True)

    def _call_page(self, route, user_agent):
        """Call a route of the payment page as its script does."""
        path = f'/payment/wechat_pay/{route}'
        answer = self.url_open(path, headers={'User-Agent': user_agent}, json={
            'jsonrpc': '2.0', 'method': 'call', 'params': {
                'reference': self.tx.reference,
                'access_token': self.tx._wechat_get_access_token(),
            },
        }).json()
        self.env.invalidate_all()
        self.assertIn('result', answer, answer.get('error'))
        return answer['result']

    def _assert_paid_by_notification(self, answer):
        self.assertEqual(answer['notification']['status'], 200)
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self.tx.provider_reference, answer['transaction_id'])
        self.assertEqual(self.tx.wechat_trade_state, 'SUCCESS')
        self.assertFalse(self.tx.wechat_alert)

    def _assert_can_be_refunded(self):
        """Refund the payment with the clerk's button; the notification confirms it."""
        refund = self._refund()
        self.assertEqual((refund.state, refund.amount), ('pending', -19.99))
        self.assertEqual(self._finish_refund(refund)['notification']['status'], 200)
        self.assertEqual((refund.state, refund.wechat_refund_status), ('done', 'SUCCESS'))
        self.assertEqual(self.tx._wechat_get_refundable_amount(), 0)
        self.assertFalse(self.tx.wechat_alert or refund.wechat_alert)
        self.assertEqual(self._problems(), [])
        paths = [r['path'] for r in self._control('GET', 'requests')['requests']]
        self.assertFalse([path for path in paths if 'out-trade-no' in path], "nothing was queried")

    def test_native_is_scanned_paid_and_refunded(self):
        self.tx = self._create_web_transaction()
        self.assertEqual(self._call_page('start', DESKTOP)['kind'], 'NATIVE')
        scanned = self._control('POST', 'scan', code_url=self.tx.wechat_pay_url)
        self.assertEqual(
            (scanned['out_trade_no'], scanned['total']), (self.tx.reference, 1999),
        )
        self._assert_paid_by_notification(self._at_merchant(
            'pay', out_trade_no=self.tx.reference, user=scanned['user'],
        ))
        self.assertEqual(self._call_page('poll', DESKTOP)['state'], 'done')
        self._assert_can_be_refunded()

    def test_h5_is_opened_paid_and_refunded(self):
        self.tx = self._create_web_transaction()
        values = self._call_page('start', PHONE)
        self.assertEqual(values['kind'], 'H5')
        page = self._fetch('GET', values['url'], headers={
            'User-Agent': PHONE, 'Referer': f'{self.base_url()}/',
        })
        self.assertEqual(page.status_code, 200, page.text)
        shown = json.loads(html.unescape(re.search(r'data-state="([^"]*)"', page.text)[1]))
        self.assertEqual(
            (shown['order']['out_trade_no'], shown['order']['total']), (self.tx.reference, 1999),
        )
        self._assert_paid_by_notification(
            self._at_merchant('pay', out_trade_no=self.tx.reference)
        )
        back = self.url_open(
            shown['redirect'], headers={'User-Agent': PHONE}, allow_redirects=False,
        )
        self.assertTrue(back.headers['Location'].endswith('/payment/status'))
        self._assert_can_be_refunded()

    def test_an_app_pays_with_what_the_open_sdk_accepts_and_is_refunded(self):
        app = self._add_mobile_app()
        self.tx = self._create_wechat_order(19.99, placed=False, app=app, trade_type='APP')
        answer = self.provider._wechat_request(
            'POST', '/v3/pay/transactions/app', payload=self.tx.wechat_order_body,
        )
        self.tx.wechat_prepay_id = answer['prepay_id']
        user = self._control('POST', 'users')['user']
        answer = self._control(
            'POST', 'request_payment', appid=app.appid, user=user,
            payment=self.tx._wechat_build_client_values(),
        )
        self.assertEqual(answer['errMsg'], 'requestPayment:ok')
        self._assert_paid_by_notification(answer)
        self._assert_can_be_refunded()

    def test_values_for_an_app_are_worth_nothing_when_they_are_changed(self):
        app = self._add_mobile_app()
        self.tx = self._create_wechat_order(19.99, placed=False, app=app, trade_type='APP')
        answer = self.provider._wechat_request(
            'POST', '/v3/pay/transactions/app', payload=self.tx.wechat_order_body,
        )
        self.tx.wechat_prepay_id = answer['prepay_id']
        user = self._control('POST', 'users')['user']
        payment = self.tx._wechat_build_client_values()
        for name, value in (
            ('appId', self.app.appid), ('partnerId', '1900000009'), ('prepayId', 'wx123'),
            ('packageValue', 'prepay_id=x'), ('nonceStr', 'x'), ('timeStamp', '1700000000'),
            ('sign', payment['sign'][::-1]),
        ):
            with self.subTest(name):
                answer = self._control(
                    'POST', 'request_payment', appid=app.appid, user=user,
                    payment={**payment, name: value},
                )
                self.assertIn('requestPayment:fail', answer['errMsg'])
        self.assertEqual(self.tx.state, 'draft')

    def test_one_code_is_paid_by_the_first_of_two_people_who_scan_it(self):
        self.tx = self._create_web_transaction()
        self._call_page('start', DESKTOP)
        first = self._control('POST', 'scan', code_url=self.tx.wechat_pay_url)['user']
        second = self._control('POST', 'users')['user']
        refusals = [
            self._fetch('POST', f'{self.sandbox}/_sandbox/{path}', json={**body, 'user': second})
            for path, body in (
                ('scan', {'code_url': self.tx.wechat_pay_url}),
                ('pay', {
                    'mchid': self.provider.wechat_mch_id, 'out_trade_no': self.tx.reference,
                }),
            )
        ]
        for refusal in refusals:
            self.assertEqual(refusal.status_code, 400)
            self.assertIn("another person has scanned this order", refusal.json()['error'])
        self.assertEqual(self._call_page('poll', DESKTOP)['state'], 'draft')
        self._assert_paid_by_notification(
            self._at_merchant('pay', out_trade_no=self.tx.reference, user=first)
        )
        payments = [
            order for order in self._control('GET', 'orders')['orders']
            if order['trade_state'] == 'SUCCESS'
        ]
        self.assertEqual([order['out_trade_no'] for order in payments], [self.tx.reference])
        self.assertEqual(payments[0]['openid'], self._openid_of(first))

    def _openid_of(self, user):
        users = self._control('GET', 'users')['users']
        return next(u['openids'][self.app.appid] for u in users if u['user'] == user)
