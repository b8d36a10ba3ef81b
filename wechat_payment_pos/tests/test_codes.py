# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment_pos.tests.common import WechatPayPosCommon

CODE = '134567890123456789'


@tagged('post_install', '-at_install')
class TestCodes(WechatPayPosCommon):
    """The cashier scans the customer's payment code for an order at the till."""

    def setUp(self):
        super().setUp()
        self.provider.wechat_code_pay_version = 'v3'
        self.charged = []
        self.trade_state = 'SUCCESS'
        self.fake.override('POST /v3/pay/transactions/codepay', self._answer_code)

    def _answer_code(self, request):
        """Charge who showed the code, or ask for a password, as WeChat Pay does."""
        body = request.json
        self.charged.append(body)
        self.fake.orders[body['out_trade_no']] = {
            'appid': body['appid'], 'mchid': body['mchid'], 'out_trade_no': body['out_trade_no'],
            'trade_state': self.trade_state, 'trade_type': 'MICROPAY',
            'amount': dict(body['amount']), 'payer': {'openid': 'oShowedTheCode'},
        }
        if self.trade_state != 'SUCCESS':
            return self.fake.signed(self.fake.orders[body['out_trade_no']])
        return self.fake.signed(self.fake.pay(body['out_trade_no']))

    def _charge(self, code=CODE, login='cashier', order=None, **kwargs):
        """Charge the order by JSON-RPC as an extension of the till does; return the answer."""
        self.env.flush_all()
        self.authenticate(login, login)
        answer = self._rpc(
            '/web/dataset/call_kw/payment.transaction/wechat_charge_code',
            model='payment.transaction', method='wechat_charge_code', args=[code],
            kwargs={'model': 'pos.order', 'document_id': (order or self.order).id, **kwargs},
        )
        self.authenticate(None, None)
        return answer

    def _assert_refused(self, code, text=None, scanned=CODE, **kwargs):
        """Check with which code word the order is refused, and that nobody was charged."""
        charged = len(self.charged)
        answer = self._charge(scanned, **kwargs)
        self.assertEqual(answer.get('error', {}).get('data', {}).get('context', {}).get('code'),
                         code, answer)
        if text:
            self.assertIn(text, answer['error']['data']['message'])
        self.assertEqual(len(self.charged), charged)

    # === CHARGED === #

    def test_who_sells_at_the_till_charges_the_order(self):
        answer = self._charge(shown_amount=48)
        self.assertEqual(answer.get('result', {}).get('state'), 'done', answer)
        tx = self.env['payment.transaction'].search(
            [('reference', '=', answer['result']['reference'])]
        )
        self.assertEqual((tx.pos_order_id, tx.amount), (self.order, 48))
        self.assertTrue(tx.reference.startswith(self.order.pos_reference))
        self.assertEqual(self.charged[0]['amount'], {'total': 4800, 'currency': 'CNY'})
        self.assertIn(self.order.pos_reference, self.charged[0]['description'])

    def test_the_till_is_told_and_has_the_order_paid(self):
        self._charge()
        self.env.cr.precommit.run()
        channel = f'{self.pos_config.access_token}-ONLINE_PAYMENTS_NOTIFICATION'
        self.assertTrue(self.env['bus.bus'].search([]).filtered(
            lambda message: channel in message.message
        ))
        self.assertEqual(self._at_till()['paid_order'][0]['state'], 'paid')
        self._post_process()
        self.assertEqual(self.order.payment_ids.mapped('amount'), [48])
        self.assertEqual(self.order.payment_ids.payment_method_id, self.wechat_method)

    def test_without_a_till_the_post_processing_pays_the_order(self):
        self._charge()
        self._post_process()
        self.assertEqual(self.order.state, 'paid')

    def test_a_part_that_the_till_asks_for_is_charged_and_then_the_rest(self):
        self._at_till(20)
        self.assertEqual(self._charge()['result']['amount'], 20)
        self.assertEqual(self._at_till(28)['amount_unpaid'], 28)
        self.assertEqual(self._charge('134567890123456780')['result']['amount'], 28)
        self.assertEqual(self._at_till()['paid_order'][0]['state'], 'paid')

    def test_a_code_that_is_shown_to_the_customer_is_closed_first(self):
        tx = self._start()
        self.assertEqual(self._charge()['result']['state'], 'done')
        self.assertEqual((tx.state, self._trade_state(tx)), ('cancel', 'CLOSED'))

    def test_the_same_scan_again_is_the_same_payment(self):
        first = self._charge()['result']
        self.assertEqual(self._charge()['result'], first)
        self.assertEqual(len(self.charged), 1)

    # === REFUSED === #

    def test_an_order_that_is_paid_is_refused_before_it_is_credited_and_after(self):
        self._charge()
        self._assert_refused('not_payable', "already paid", scanned='134567890123456780')
        self._at_till()
        self.assertEqual(self.order.state, 'paid')
        self._assert_refused('not_payable', "already paid", scanned='134567890123456780')

    def test_an_order_that_was_paid_in_cash_is_refused(self):
        self._sync_order(uuid=self.order.uuid, state='paid', cash=48)
        self._assert_refused('not_payable', "already paid")

    def test_a_cancelled_order_is_refused(self):
        self.order.state = 'cancel'
        self._assert_refused('not_payable', "cancelled at the till")

    def test_an_order_of_a_closed_till_is_refused(self):
        self.till.state = 'closing_control'
        self._assert_refused('not_payable', "till is closed")

    def test_an_order_of_another_company_is_refused(self):
        company = self.env['res.company'].create({'name': "Elsewhere"})
        new_test_user(
            self.env, 'other_cashier', groups='base.group_user,point_of_sale.group_pos_user',
            company_id=company.id, company_ids=[Command.set(company.ids)],
        )
        self._assert_refused('not_payable', login='other_cashier')

    def test_an_order_that_does_not_exist_is_refused(self):
        order = self._sync_order()
        order_id = order.id
        order.unlink()
        self._assert_refused('not_payable', order=self.env['pos.order'].browse(order_id))

    def test_a_cashier_who_does_not_sell_at_tills_is_refused(self):
        new_test_user(
            self.env, 'office', groups='base.group_user,wechat_payment.group_cashier',
        )
        self._assert_refused('not_payable', login='office')

    def test_who_is_no_cashier_at_all_is_refused(self):
        new_test_user(self.env, 'clerk', groups='base.group_user')
        answer = self._charge(login='clerk')
        self.assertEqual(answer['error']['data']['name'], 'odoo.exceptions.AccessError')
        self.assertFalse(self.charged)

    def test_another_payment_under_way_is_waited_for(self):
        self.trade_state = 'USERPAYING'
        self.assertEqual(self._charge()['result']['state'], 'pending')
        self._assert_refused('wechat_busy', scanned='134567890123456780')

    def test_an_amount_that_the_cashier_was_not_shown_is_refused(self):
        self._sync_order(quantity=2, uuid=self.order.uuid)
        self._assert_refused('not_payable', "amount has changed", shown_amount=48)

    def test_a_till_that_does_not_take_wechat_pay_charges_nothing(self):
        self.wechat_method.online_payment_provider_ids = self.env['payment.provider'].create({
            'name': "Another", 'code': 'none', 'is_published': True, 'state': 'test',
            'company_id': self.provider.company_id.id,
        })
        self._assert_refused('misconfigured', "Tea Counter does not take WeChat Pay")

    def test_the_provider_is_the_tills_and_not_the_companys_first(self):
        first = self.provider.copy({
            'name': "First", 'sequence': -1, 'state': 'test', 'is_published': True,
            'wechat_mch_id': '1900000009', 'wechat_code_pay_version': 'v3',
            **{name: self.provider[name] for name in (
                'wechat_app_ids', 'wechat_notify_base_url', 'wechat_api_v3_key',
                'wechat_merchant_private_key', 'wechat_merchant_certificate',
                'wechat_pay_public_key_id', 'wechat_pay_public_key',
            )},
            'payment_method_ids': self.provider.payment_method_ids,
        })
        self.assertEqual(self._charge()['result']['state'], 'done')
        tx = self.order._wechat_get_transactions()
        self.assertEqual(tx.provider_id, self.provider)
        # Elsewhere it is the first.
        elsewhere = self.env['payment.transaction']
        self.assertEqual(elsewhere._wechat_find_code_provider(
            elsewhere._wechat_build_free_payable(1, company=self.provider.company_id),
        ), first)

    def test_customers_do_not_pay_it_elsewhere_by_its_token(self):
        for user in (self.customer, self.cashier):
            with self.assertRaises(WeChatError) as caught:
                self.env['payment.transaction'].with_user(user)._wechat_find_payable(
                    'pos.order', self.order.id, self.order.access_token,
                )
            self.assertEqual(caught.exception.code, 'bad_request')
        with self.assertRaises(WeChatError) as caught:
            self.env['payment.transaction'].with_user(self.customer).with_context(
                wechat_at_till=True,
            )._wechat_find_payable('pos.order', self.order.id, self.order.access_token)
        self.assertEqual(caught.exception.code, 'not_payable')
