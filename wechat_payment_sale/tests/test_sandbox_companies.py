# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.refund_common import WechatRefundCommon
from odoo.addons.wechat_payment.tests.sandbox_common import WechatSandboxCommon

CONTROLLER = 'odoo.addons.wechat_payment.controllers.main'
REFUND_RESULT = 'odoo.addons.wechat_payment.models.payment_transaction_refund_result'
TRANSACTION_API = 'odoo.addons.wechat_payment.models.payment_transaction_api'
SECOND_MCHID = '1900000002'
SECOND_APPID = 'wx0000000000000003'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxCompanies(WechatSandboxCommon, WechatRefundCommon):
    """Two companies with a merchant and a mini-program each, side by side in one database.

    Against the project's sandbox (WECHAT_SANDBOX_URL), where each merchant is bound to its own app
    only and has keys of its own.
    """

    def setUp(self):
        super().setUp()
        self._connect_sandbox(refund_interval=0)
        self._control('PATCH', f'merchants/{self.provider.wechat_mch_id}', appids=[self.app.appid])
        company = self.env['res.company'].create({
            'name': "Second Company", 'currency_id': self.currency_cny.id,
        })
        app = self.env['wechat.app'].create({
            'name': "Second Shop", 'app_type': 'miniprogram', 'appid': SECOND_APPID,
            'company_id': company.id,
        })
        self.second_provider = self.provider.copy({'company_id': company.id})
        self._set_merchant(self.second_provider, self._control(
            'POST', 'merchants', mchid=SECOND_MCHID, appids=[SECOND_APPID],
        ))
        self.second_provider.write({
            'state': 'enabled', 'is_published': True, 'wechat_app_ids': [Command.set(app.ids)],
        })
        self.companies = self.provider.company_id | company
        self.clerk.company_ids = self.companies
        self.order = self._create_order(self.provider)
        self.second_order = self._create_order(self.second_provider)
        self.authenticate(self.customer.login, self.customer.login)

    def _call_button(self, button, record, **kwargs):
        """Press a button with these companies chosen in the web client."""
        context = {'allowed_company_ids': self.companies.ids}
        return super()._call_button(button, record, context=context, **kwargs)

    def _create_order(self, provider):
        """Return a quotation of the provider's company."""
        company = provider.company_id
        pricelist = self.env['product.pricelist'].create({
            'name': "CNY", 'currency_id': self.currency_cny.id, 'company_id': company.id,
        })
        product = self.env['product.product'].create({
            'name': "Tea", 'type': 'service', 'taxes_id': False, 'company_id': company.id,
        })
        return self.env['sale.order'].with_company(company).create({
            'company_id': company.id,
            'partner_id': self.customer.partner_id.id,
            'pricelist_id': pricelist.id,
            'order_line': [Command.create({
                'product_id': product.id, 'product_uom_qty': 1, 'price_unit': 9.9,
                'tax_ids': [Command.clear()],
            })],
        })

    def _prepay(self, order):
        """Ask for a code for the order, with the token of its portal page; return it."""
        self.authenticate(self.customer.login, self.customer.login)
        answer = self.url_open('/wechat/payment/prepay', json={
            'jsonrpc': '2.0', 'method': 'call', 'params': {
                'model': 'sale.order', 'id': order.id, 'trade_type': 'NATIVE',
                'access_token': order._portal_ensure_token(),
            },
        }).json()
        self.env.invalidate_all()
        self.assertIn('result', answer, answer.get('error'))
        return order.transaction_ids

    def _get_notify_url(self, provider):
        return f'{self.base_url()}/payment/wechat_pay/notify/{provider.id}'

    def _notify_from(self, tx, address, **kwargs):
        """Have WeChat Pay notify a transaction at the address of a provider.

        :param payment.transaction tx: Whose merchant, keys and order are taken.
        :param payment.provider address: Who is notified.
        :return: The status that Odoo answered.
        """
        mchid = tx.provider_id.sudo().wechat_mch_id
        with mute_logger(CONTROLLER, TRANSACTION_API, REFUND_RESULT):
            answer, = self._at_merchant(
                'notify', mchid, url=self._get_notify_url(address), **kwargs,
            )['answers']
        return answer['status']

    def test_each_order_is_paid_and_refunded_at_its_companys_merchant(self):
        for order, provider, appid in (
            (self.order, self.provider, self.app.appid),
            (self.second_order, self.second_provider, SECOND_APPID),
        ):
            self.tx = self._prepay(order)
            mchid = provider.wechat_mch_id
            self.assertEqual((self.tx.provider_id, self.tx.company_id), (
                provider, order.company_id,
            ))
            placed = self._control('GET', 'orders')['orders'][-1]
            self.assertEqual(
                (placed['out_trade_no'], placed['mchid'], placed['appid'], placed['notify_url']),
                (self.tx.reference, mchid, appid, self._get_notify_url(provider)),
            )
            answer = self._at_merchant('pay', mchid, out_trade_no=self.tx.reference)
            self.assertEqual(answer['notification']['status'], 200)
            self.assertEqual(self.tx.state, 'done')
            refund = self._refund()
            self.assertEqual(self._control('GET', 'refunds')['refunds'][-1]['mchid'], mchid)
            self._finish_refund(refund)
            self.assertEqual((refund.state, refund.company_id), ('done', order.company_id))
        self.assertEqual(self._problems(), [])

    def test_a_clerk_of_one_company_refunds_nothing_of_the_other(self):
        self.tx = self._prepay(self.second_order)
        self._at_merchant('pay', SECOND_MCHID, out_trade_no=self.tx.reference)
        self.clerk.company_ids = self.companies = self.provider.company_id
        self.env.flush_all()
        self.assertIn("multi-company", self._press_refused('action_refund'))
        self.assertFalse(self._control('GET', 'refunds')['refunds'])

    def test_a_notification_of_one_merchant_is_not_believed_at_the_others_address(self):
        for order, wrong in (
            (self.order, self.second_provider), (self.second_order, self.provider),
        ):
            tx = self._prepay(order)
            self._at_merchant(
                'pay', tx.provider_id.sudo().wechat_mch_id, out_trade_no=tx.reference, notify=False,
            )
            status = self._notify_from(tx, wrong, out_trade_no=tx.reference)
            self.assertEqual(status, 401, "signed with the other merchant's key")
            self.assertEqual((tx.state, tx.wechat_alert), ('draft', False))
            self.assertEqual(self._notify_from(tx, tx.provider_id, out_trade_no=tx.reference), 200)
            self.assertEqual(tx.state, 'done')

    def test_what_one_merchant_tells_of_the_others_order_changes_nothing(self):
        """WeChat Pay signs for the right address; the order in it is the other company's."""
        tx, second_tx = self._prepay(self.order), self._prepay(self.second_order)
        self._at_merchant('pay', out_trade_no=tx.reference, notify=False)
        for overrides in (
            {'out_trade_no': second_tx.reference},
            {'out_trade_no': second_tx.reference, 'mchid': SECOND_MCHID, 'appid': SECOND_APPID},
        ):
            status = self._notify_from(
                tx, self.provider, out_trade_no=tx.reference, overrides=overrides,
            )
            self.assertEqual(status, 200, "telling more would only help who guesses")
            self.assertEqual((second_tx.state, second_tx.wechat_alert), ('draft', False))
        self.assertEqual(tx.state, 'draft')
        self.assertEqual(self.second_order.state, 'draft')

    def test_what_one_merchant_tells_of_the_others_refund_changes_nothing(self):
        refunds = {}
        for order in (self.order, self.second_order):
            self.tx = self._prepay(order)
            self._at_merchant(
                'pay', self.tx.provider_id.sudo().wechat_mch_id, out_trade_no=self.tx.reference,
            )
            refunds[order] = self._refund()
        refund, second_refund = refunds[self.order], refunds[self.second_order]
        self._finish_refund(refund, notify=False)
        self._finish_refund(second_refund, notify=False)
        self.assertEqual(self._notify_from(
            second_refund, self.provider, out_refund_no=second_refund.reference,
        ), 401)
        self.assertEqual(self._notify_from(
            refund, self.provider, out_refund_no=refund.reference, overrides={
                'out_trade_no': second_refund.source_transaction_id.reference,
                'out_refund_no': second_refund.reference,
            },
        ), 200)
        self.assertEqual((second_refund.state, second_refund.wechat_alert), ('pending', False))
        self.assertFalse(second_refund.source_transaction_id.wechat_alert)
        self.assertEqual(refund.state, 'pending')

    def test_a_query_of_the_wrong_merchant_finds_nothing(self):
        tx = self._prepay(self.order)
        self._at_merchant('pay', out_trade_no=tx.reference, notify=False)
        self.env.flush_all()
        stray = tx.copy({'reference': tx.reference + 'x', 'provider_id': self.second_provider.id})
        self.assertEqual(stray._wechat_query(), {})
        self.assertEqual(stray.state, 'draft')
        tx._wechat_query()
        self.assertEqual(tx.state, 'done')
