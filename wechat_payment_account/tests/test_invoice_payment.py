# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.exceptions import LockError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.common import WechatPayCommon

API = 'odoo.addons.wechat_payment.models.payment_provider_api'
CHECKOUT = 'odoo.addons.wechat_payment.models.payment_transaction_checkout'


@tagged('post_install', '-at_install')
class TestInvoicePayment(WechatPayCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What follows a payment is tested here, the accounting entry included.
        cls.enable_post_process_patcher = False
        company = cls.provider.company_id
        if not company.chart_template:
            cls.env['account.chart.template'].try_loading('generic_coa', company=company)

    def setUp(self):
        super().setUp()
        self.invoice = self._create_invoice()
        self.authenticate(self.customer.login, self.customer.login)

    @classmethod
    def _create_invoice(cls, post=True, **values):
        invoice = cls.env['account.move'].with_company(cls.provider.company_id).create({
            'move_type': 'out_invoice',
            'partner_id': cls.customer.partner_id.id,
            'currency_id': cls.currency_cny.id,
            'invoice_line_ids': [Command.create({
                'name': "Tea", 'quantity': 1, 'price_unit': 19.99, 'tax_ids': [Command.clear()],
            })],
            **values,
        })
        if post:
            invoice.action_post()
        return invoice

    def _rpc(self, path, **params):
        answer = self.url_open(path, json={
            'jsonrpc': '2.0', 'method': 'call', 'params': params,
        }).json()
        self.env.invalidate_all()
        return answer

    def _prepay(self, **params):
        params = {'model': 'account.move', 'id': self.invoice.id, **params}
        answer = self._rpc('/wechat/payment/prepay', **params)
        self.assertIn('result', answer, answer.get('error'))
        return answer['result']

    def _assert_refused(self, word, **params):
        params = {'model': 'account.move', 'id': self.invoice.id, **params}
        with mute_logger('odoo.http', API):
            answer = self._rpc('/wechat/payment/prepay', **params)
        self.assertIn('error', answer)
        self.assertEqual(answer['error']['data']['context'], {'code': word, 'errcode': None})
        return answer['error']['data']['message']

    def _open_checkout(self, amount=19.99):
        """Choose WeChat Pay on the invoice's page; return the transaction."""
        answer = self._rpc(
            f'/invoice/transaction/{self.invoice.id}',
            access_token=self.invoice._portal_ensure_token(), provider_id=self.provider.id,
            payment_method_id=self.env.ref('payment.payment_method_wechat_pay').id,
            token_id=None, amount=amount, flow='redirect', tokenization_requested=False,
            landing_route=self.invoice.get_portal_url(),
        )
        self.assertIn('result', answer, answer.get('error'))
        self.assertIn('/payment/wechat_pay/pay/', answer['result']['redirect_form_html'])
        return self.invoice.transaction_ids.filtered(
            lambda tx: tx.reference == answer['result']['reference']
        )

    def _checkout(self, route, tx, **params):
        return self._rpc(
            f'/payment/wechat_pay/{route}', reference=tx.reference,
            access_token=tx._wechat_get_access_token(), **params,
        )

    def _post_process(self):
        with self.enter_registry_test_mode():
            self.env.ref('payment.cron_post_process_payment_tx').method_direct_trigger()
        self.env.invalidate_all()

    # === PREPAY === #

    def test_each_trade_type_pays_an_invoice(self):
        mobile = self.env['wechat.app'].create({
            'name': "Shop App", 'app_type': 'mobile', 'appid': 'wx00000000000000ab',
        })
        self.provider.wechat_app_ids |= mobile
        for trade_type, path, keys in (
            ('JSAPI', 'jsapi', {
                'appId', 'timeStamp', 'nonceStr', 'package', 'signType', 'paySign',
            }),
            ('APP', 'app', {
                'appId', 'partnerId', 'prepayId', 'packageValue', 'nonceStr', 'timeStamp', 'sign',
            }),
            ('NATIVE', 'native', {'code_url'}),
            ('H5', 'h5', {'h5_url'}),
        ):
            with self.subTest(trade_type):
                self.invoice = self._create_invoice()
                result = self._prepay(trade_type=trade_type)
                self.assertEqual((result['amount'], result['currency']), (19.99, 'CNY'))
                self.assertEqual(set(result['payment']), keys)
                again = self._prepay(trade_type=trade_type)
                self.assertEqual(again['reference'], result['reference'])
                order = self.fake.calls(f'/v3/pay/transactions/{path}')[-1].json
                self.assertEqual(order['out_trade_no'], result['reference'])
                self.assertIn(self.invoice.name, order['description'])
                answer = self._notify(self.fake.pay(result['reference']))
                self.assertEqual(answer.status_code, 200)
                self._assert_refused('not_payable', trade_type=trade_type)
                self._post_process()
                self.assertIn(self.invoice.payment_state, ('paid', 'in_payment'))
                self.assertEqual(self.invoice.amount_residual, 0)
                self.assertIn("already paid", self._assert_refused('not_payable'))

    def test_an_app_needs_a_mobile_app(self):
        self._assert_refused('misconfigured', trade_type='APP')

    def test_what_is_paid_in_part_asks_for_the_rest(self):
        tx = self._open_checkout(5)
        self._checkout('start', tx)
        self._notify(self.fake.pay(tx.reference))
        self.assertEqual(self._prepay()['amount'], 14.99)

    def test_only_posted_customer_invoices_can_be_paid(self):
        draft = self._create_invoice(post=False)
        token = draft._portal_ensure_token()
        self.assertIn("no such invoice", self._assert_refused('not_payable', id=draft.id))
        self.assertIn("not posted", self._assert_refused(
            'not_payable', id=draft.id, access_token=token,
        ))
        draft.button_cancel()
        self.assertIn("cancelled", self._assert_refused(
            'not_payable', id=draft.id, access_token=token,
        ))
        for move_type in ('out_refund', 'in_invoice'):
            move = self._create_invoice(move_type=move_type, invoice_date='2026-01-01')
            token = move._portal_ensure_token()
            self.assertIn("customer invoices", self._assert_refused(
                'not_payable', id=move.id, access_token=token,
            ))

    def test_a_foreign_invoice_needs_its_own_token(self):
        missing = self._assert_refused('not_payable', id=2**31 - 1)
        own_token = self.invoice._portal_ensure_token()
        other = self.env['res.partner'].create({'name': "Someone else"})
        self.invoice = self._create_invoice(partner_id=other.id)
        self.assertEqual(self._assert_refused('not_payable'), missing)
        token = self.invoice._portal_ensure_token()
        for wrong in (own_token, token[:-1] + 'x', "令牌"):
            self.assertEqual(self._assert_refused('not_payable', access_token=wrong), missing)
        self.assertTrue(self._prepay(access_token=token)['reference'])

    def test_another_currency_is_refused(self):
        usd = self.env.ref('base.USD')
        self.invoice = self._create_invoice(currency_id=usd.id)
        self.assertIn("CNY", self._assert_refused('not_payable'))

    def test_a_locked_invoice_is_not_waited_for(self):
        # Another connection would be needed to hold the lock: the fault is made.
        with patch.object(
            type(self.env['account.move']), 'lock_for_update', side_effect=LockError("locked"),
        ):
            self._assert_refused('wechat_busy')

    def test_an_invoice_is_changed_when_it_is_locked_so_that_no_older_snapshot_pays_it_too(self):
        tx = self._open_checkout()

        def get_row_version():
            self.env.flush_all()
            self.env.cr.execute("SELECT ctid FROM account_move WHERE id = %s", [self.invoice.id])
            return self.env.cr.fetchone()

        transactions = self.env['payment.transaction'].with_user(self.customer)
        for lock in (
            lambda: transactions._wechat_payable_account_move(self.invoice.id),
            tx.sudo()._wechat_lock_checkout,
        ):
            before = get_row_version()
            lock()
            self.assertNotEqual(get_row_version(), before)

    # === THE PAYMENT PAGE === #

    def test_an_invoice_is_paid_by_its_link(self):
        tx = self._open_checkout()
        self.assertFalse(self.fake.requests)
        values = self._checkout('start', tx)['result']
        self.assertEqual(values['kind'], 'NATIVE')
        self._notify(self.fake.pay(tx.reference))
        self.assertEqual(self._checkout('poll', tx)['result']['state'], 'done')
        self._post_process()
        self.assertEqual(self.invoice.amount_residual, 0)

    def test_a_link_opened_in_two_tabs_is_charged_once(self):
        first, second = self._open_checkout(), self._open_checkout()
        self._checkout('start', first)
        self._checkout('start', second)
        self.assertEqual(self.fake.orders[first.reference]['trade_state'], 'CLOSED')
        self.assertEqual(self._checkout('poll', first)['result']['state'], 'cancel')
        self._notify(self.fake.pay(second.reference))
        self.env.invalidate_all()
        answer = self._rpc_muted('start', first, retry=True)
        self.assertIn("already paid", answer['error']['data']['message'])
        self.assertEqual(len(self.fake.orders), 2)

    def test_a_tab_whose_sibling_was_paid_unnoticed_places_no_order(self):
        first, second = self._open_checkout(), self._open_checkout()
        self._checkout('start', first)
        self.fake.pay(first.reference)
        answer = self._rpc_muted('start', second)
        self.assertIn("already paid", answer['error']['data']['message'])
        self.assertEqual(first.state, 'done')
        self.assertNotIn(second.reference, self.fake.orders)

    def test_an_invoice_that_was_paid_otherwise_closes_its_qr_code(self):
        tx = self._open_checkout()
        self._checkout('start', tx)
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=self.invoice.ids,
        ).create({}).action_create_payments()
        self.assertEqual(self.invoice.amount_residual, 0)
        values = self._checkout('poll', tx)['result']
        self.assertEqual(values['state'], 'cancel')
        self.assertIn("already paid", values['message'])
        self.assertEqual(self.fake.orders[tx.reference]['trade_state'], 'CLOSED')

    def _rpc_muted(self, route, tx, **params):
        with mute_logger('odoo.http', CHECKOUT, API):
            return self._checkout(route, tx, **params)
