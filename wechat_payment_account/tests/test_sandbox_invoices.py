# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon
from odoo.addons.wechat_payment.tests.sandbox_common import WechatSandboxCommon

CHECKOUT = 'odoo.addons.wechat_payment.models.payment_transaction_checkout'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxInvoices(WechatSandboxCommon, WechatRefundCommon):
    """Invoices from prepay or payment link to paid, and back to refunded.

    Against the project's sandbox (WECHAT_SANDBOX_URL), over real HTTP with real signatures.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enable_post_process_patcher = False
        company = cls.provider.company_id
        if not company.chart_template:
            cls.env['account.chart.template'].try_loading('generic_coa', company=company)

    def setUp(self):
        super().setUp()
        self._connect_sandbox(allow_loopback_ip=True)
        person = self._control('POST', 'login_code', appid=self.app.appid)
        self.identity.openid, self.user = person['openid'], person['user']
        self.invoice = self.env['account.move'].with_company(self.provider.company_id).create({
            'move_type': 'out_invoice',
            'partner_id': self.customer.partner_id.id,
            'currency_id': self.currency_cny.id,
            'invoice_line_ids': [Command.create({
                'name': "Tea", 'quantity': 1, 'price_unit': 19.99, 'tax_ids': [Command.clear()],
            })],
        })
        self.invoice.action_post()

    def _rpc(self, path, **params):
        answer = self.url_open(path, json={
            'jsonrpc': '2.0', 'method': 'call', 'params': params,
        }).json()
        self.env.invalidate_all()
        return answer

    def _post_process(self):
        self.env.flush_all()
        self.env.ref('payment.cron_post_process_payment_tx').method_direct_trigger()
        self.env.invalidate_all()

    # === PREPAY, PAY, REFUND === #

    def _prepay(self, trade_type):
        """Return what prepay answers the customer, and find the transaction."""
        self.authenticate(self.customer.login, self.customer.login)
        answer = self._rpc(
            '/wechat/payment/prepay', model='account.move', id=self.invoice.id,
            trade_type=trade_type,
        )
        self.assertIn('result', answer, answer.get('error'))
        self.tx = self.invoice.transaction_ids
        self.assertEqual(self.tx.reference, answer['result']['reference'])
        return answer['result']['payment']

    def _pay_in_app(self, app, payment):
        answer = self._control(
            'POST', 'request_payment', appid=app.appid, user=self.user, payment=payment,
        )
        self.assertEqual(answer['errMsg'], 'requestPayment:ok')
        return answer

    def _assert_paid_and_refunded(self, answer):
        """Check the payment that was notified, refund it, and check what is left in the books."""
        self.assertEqual(answer['notification']['status'], 200)
        self.assertEqual(self.tx.state, 'done')
        self._post_process()
        self.assertEqual(self.invoice.amount_residual, 0)
        self.assertEqual(self.tx.payment_id.amount, 19.99)
        refund = self._refund()
        self.assertEqual(refund.state, 'pending')
        self.assertEqual(self._finish_refund(refund)['notification']['status'], 200)
        self._post_process()
        self.assertEqual(refund.state, 'done')
        self.assertEqual(
            (refund.payment_id.amount, refund.payment_id.payment_type), (19.99, 'outbound'),
        )
        self.assertEqual(self._problems(), [])

    def test_an_invoice_is_paid_in_the_mini_program_and_refunded(self):
        self._assert_paid_and_refunded(self._pay_in_app(self.app, self._prepay('JSAPI')))

    def test_an_invoice_is_paid_in_an_app_and_refunded(self):
        app = self._add_mobile_app()
        self._assert_paid_and_refunded(self._pay_in_app(app, self._prepay('APP')))

    def test_an_invoice_is_paid_by_a_code_and_refunded(self):
        code_url = self._prepay('NATIVE')['code_url']
        self._control('POST', 'scan', code_url=code_url, user=self.user)
        self._assert_paid_and_refunded(self._at_merchant(
            'pay', out_trade_no=self.tx.reference, user=self.user,
        ))

    def test_an_invoice_is_paid_in_a_phones_browser_and_refunded(self):
        h5_url = self._prepay('H5')['h5_url']
        page = self._fetch('GET', h5_url, headers={'Referer': f'{self.base_url()}/'})
        self.assertEqual(page.status_code, 200, page.text)
        self.assertIn(self.tx.reference, page.text)
        self._assert_paid_and_refunded(self._at_merchant(
            'pay', out_trade_no=self.tx.reference, user=self.user,
        ))

    # === A PAYMENT LINK IN TWO TABS === #

    def _open_tab(self):
        """Choose WeChat Pay on the invoice's page, and return its transaction."""
        known = self.invoice.transaction_ids
        answer = self._rpc(
            f'/invoice/transaction/{self.invoice.id}',
            access_token=self.invoice._portal_ensure_token(), provider_id=self.provider.id,
            payment_method_id=self.env.ref('payment.payment_method_wechat_pay').id,
            token_id=None, amount=19.99, flow='redirect', tokenization_requested=False,
            landing_route=self.invoice.get_portal_url(),
        )
        self.assertIn('result', answer, answer.get('error'))
        return self.invoice.transaction_ids - known

    def _call_page(self, route, tx, **params):
        with mute_logger('odoo.http', CHECKOUT):
            return self._rpc(
                f'/payment/wechat_pay/{route}', reference=tx.reference,
                access_token=tx._wechat_get_access_token(), **params,
            )

    def _try_to_pay(self, code_url):
        """Scan a code and pay what it shows; return the sandbox's refusal, if any."""
        scanned = self._fetch(
            'POST', f'{self.sandbox}/_sandbox/scan', json={'code_url': code_url, 'user': self.user},
        )
        if scanned.status_code == 400:
            return scanned.json()['error']
        self._at_merchant(
            'pay', out_trade_no=scanned.json()['out_trade_no'], user=self.user,
        )
        return None

    def _paid_orders(self):
        return [
            order['out_trade_no'] for order in self._control('GET', 'orders')['orders']
            if order['trade_state'] == 'SUCCESS'
        ]

    def test_a_link_opened_in_two_tabs_takes_the_money_once(self):
        first, second = self._open_tab(), self._open_tab()
        self._call_page('start', first)
        first_code = first.wechat_pay_url
        self._call_page('start', second)
        self.assertIn("closed", self._try_to_pay(first_code))
        self.assertIsNone(self._try_to_pay(second.wechat_pay_url))
        self.assertEqual((first.state, second.state), ('cancel', 'done'))
        answer = self._call_page('start', first, retry=True)
        self.assertIn("already paid", answer['error']['data']['message'])
        self.assertEqual(self._paid_orders(), [second.reference])
        self._post_process()
        self.assertEqual(self.invoice.amount_residual, 0)

    def test_the_second_tab_shows_no_code_while_the_first_is_being_paid(self):
        first, second = self._open_tab(), self._open_tab()
        self._call_page('start', first)
        self._control('POST', 'scan', code_url=first.wechat_pay_url, user=self.user)
        self._at_merchant(
            'pay', out_trade_no=first.reference, user=self.user, notify=False,
        )
        answer = self._call_page('start', second)
        self.assertIn("already paid", answer['error']['data']['message'])
        self.assertFalse(second.wechat_pay_url)
        self.assertEqual(first.state, 'done')
        self.assertEqual(self._paid_orders(), [first.reference])
