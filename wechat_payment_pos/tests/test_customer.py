# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json

from odoo.tests import tagged

from odoo.addons.wechat_payment_pos.tests.common import WechatPayPosCommon


@tagged('post_install', '-at_install')
class TestCustomer(WechatPayPosCommon):
    """What a customer who scanned the code at the till sees and pays."""

    def test_the_page_behind_the_code_offers_wechat_pay(self):
        page = self.url_open(
            f'/pos/pay/{self.order.id}?access_token={self.order.access_token}'
        )
        self.assertEqual(page.status_code, 200)
        self.assertIn(f'data-provider-id="{self.provider.id}"', page.text)

    def test_the_bill_and_the_number_name_the_order(self):
        tx = self._start()
        body = json.loads(tx.sudo().wechat_order_body)
        self.assertIn(self.order.pos_reference, body['description'])
        self.assertEqual(body['amount'], {'total': 4800, 'currency': 'CNY'})
        self.assertTrue(tx.reference.startswith(self.order.pos_reference))

    def test_two_phones_are_charged_once(self):
        first, second = self._start(), self._start()
        self.assertEqual(self._trade_state(first), 'CLOSED')
        self.assertEqual(first.state, 'cancel')
        self.fake.pay(second.reference)
        answer = self._call('start', first, retry=True)
        self.assertIn("already paid", answer['error']['data']['message'])
        self.assertEqual(len(self.fake.orders), 2)

    def test_a_changed_amount_closes_the_code(self):
        tx = self._start()
        self._sync_order(quantity=2, uuid=self.order.uuid)
        values = self._call('poll', tx)['result']
        self.assertEqual(values['state'], 'cancel')
        self.assertIn("has changed", values['message'])
        self.assertEqual(self._trade_state(tx), 'CLOSED')
        answer = self._call('start', tx, retry=True)
        self.assertEqual(answer['error']['data']['context']['code'], 'not_payable')

    def test_a_part_that_the_cashier_asks_for_can_be_paid(self):
        self._at_till(20)
        tx = self._start(20)
        self.assertEqual(self._call('poll', tx)['result'], {'state': 'draft', 'message': ''})
        self.assertEqual(self._trade_state(tx), 'NOTPAY')

    def test_an_order_that_was_paid_in_cash_closes_the_code(self):
        tx = self._start()
        self._sync_order(uuid=self.order.uuid, state='paid', cash=48)
        self.assertEqual(self.order.state, 'paid')
        values = self._call('poll', tx)['result']
        self.assertEqual((values['state'], self._trade_state(tx)), ('cancel', 'CLOSED'))
        self.assertIn("already paid", values['message'])

    def test_an_order_that_was_cancelled_at_the_till_closes_the_code(self):
        tx = self._start()
        self.order.state = 'cancel'
        values = self._call('poll', tx)['result']
        self.assertEqual((values['state'], self._trade_state(tx)), ('cancel', 'CLOSED'))
        self.assertIn("cancelled at the till", values['message'])

    def test_a_closed_till_closes_the_code(self):
        tx = self._start()
        self.till.state = 'closing_control'
        values = self._call('poll', tx)['result']
        self.assertEqual((values['state'], self._trade_state(tx)), ('cancel', 'CLOSED'))
        self.assertIn("till is closed", values['message'])

    def test_who_cancels_is_back_at_the_amount_and_can_pay_again(self):
        tx = self._start()
        answer = self._call('cancel', tx)['result']
        self.assertEqual(answer['state'], 'cancel')
        self.assertEqual(
            answer['route'],
            f'/pos/pay/{self.order.id}?access_token={self.order.access_token}',
        )
        page = self.url_open(answer['route'])
        self.assertIn(f'data-provider-id="{self.provider.id}"', page.text)
        self._start()
        self.assertEqual(len(self.fake.orders), 2)

    def test_a_cancelled_order_has_no_page_to_go_back_to(self):
        tx = self._start()
        self.order.state = 'cancel'
        self.assertEqual(self._call('cancel', tx)['result']['route'], '/')

    def test_a_renewed_code_is_of_the_same_order_and_has_its_own_confirmation(self):
        tx = self._start()
        self._call('cancel', tx)
        reference = self._call('start', tx, retry=True)['result']['reference']
        new_tx = self.env['payment.transaction'].search([('reference', '=', reference)])
        self.assertNotEqual(new_tx, tx)
        self.assertEqual(new_tx.pos_order_id, self.order)
        self.assertTrue(reference.startswith(self.order.pos_reference))
        self._notify(self.fake.pay(reference))
        self.env.invalidate_all()
        self.assertEqual(new_tx.state, 'done')
        page = self.url_open(new_tx.landing_route)
        self.assertIn(new_tx.reference, page.text)
        self.env.invalidate_all()
        self.assertEqual(self.order.state, 'paid')

    def test_the_order_tells_what_became_of_the_payment(self):
        tx = self._start()
        self._notify(self.fake.pay(tx.reference))
        self._at_till()
        self._post_process()
        self.assertIn(tx.reference, ' '.join(self.order.message_ids.mapped('body')))
