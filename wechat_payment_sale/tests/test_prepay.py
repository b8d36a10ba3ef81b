# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import re
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import LockError
from odoo.http import root
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.common import WechatPayCommon

PREPAY = 'odoo.addons.wechat_payment.models.payment_transaction_prepay'
API = 'odoo.addons.wechat_payment.models.payment_provider_api'
TRANSACTION_API = 'odoo.addons.wechat_payment.models.payment_transaction_api'
POST_PROCESSING = 'odoo.addons.wechat_payment.models.payment_transaction_post_processing'
JSAPI = '/v3/pay/transactions/jsapi'


@tagged('post_install', '-at_install')
class TestPrepay(WechatPayCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What follows a payment is tested here, the accounting entry included.
        cls.enable_post_process_patcher = False
        cls.pricelist = cls.env['product.pricelist'].create({
            'name': "CNY", 'currency_id': cls.currency_cny.id,
        })
        cls.product = cls.env['product.product'].create({
            'name': "Tea", 'type': 'service', 'list_price': 9.9, 'taxes_id': False,
            'company_id': False,
        })

    def setUp(self):
        super().setUp()
        self.order = self._create_order()
        self.authenticate(self.customer.login, self.customer.login)

    @classmethod
    def _create_order(cls, **values):
        return cls.env['sale.order'].create({
            'partner_id': cls.customer.partner_id.id,
            'pricelist_id': cls.pricelist.id,
            'order_line': [(0, 0, {
                'product_id': cls.product.id, 'product_uom_qty': 1, 'price_unit': 9.9,
                'tax_ids': [(5, 0, 0)],
            })],
            **values,
        })

    def _post(self, **params):
        params = {'model': 'sale.order', 'id': self.order.id, **params}
        return self.url_open('/wechat/payment/prepay', json={
            'jsonrpc': '2.0', 'method': 'call', 'params': params,
        }).json()

    def _prepay(self, **params):
        answer = self._post(**params)
        self.assertIn('result', answer, answer.get('error'))
        return answer['result']

    def _assert_refused(self, word, **params):
        with mute_logger('odoo.http', API, PREPAY, TRANSACTION_API):
            answer = self._post(**params)
        self.assertIn('error', answer)
        data = answer['error']['data']
        self.assertTrue(data['name'].startswith('odoo.addons.wechat'), data['name'])
        self.assertEqual(data['context'], {'code': word, 'errcode': None})
        for secret in (self.merchant.private_pem[40:100], 'WECHATPAY2-SHA256', self.openid):
            self.assertNotIn(secret, data['debug'])
        return data['message']

    def _tx(self, reference=None):
        self.env.invalidate_all()
        txs = self.order.transaction_ids
        return txs.filtered(lambda t: t.reference == reference) if reference else txs

    def _find_messages(self, *texts):
        return self.order.message_ids.filtered(
            lambda message: all(text in (message.body or '') for text in texts)
        )

    # === WHAT IS ANSWERED === #

    def test_an_order_can_be_paid(self):
        result = self._prepay()
        self.assertEqual(result['amount'], 9.9)
        self.assertEqual(result['currency'], 'CNY')
        self.assertEqual(set(result['payment']), {
            'appId', 'timeStamp', 'nonceStr', 'package', 'signType', 'paySign',
        })
        body = self.fake.calls(JSAPI)[0].json
        self.assertEqual(body['out_trade_no'], result['reference'])
        self.assertEqual(body['amount'], {'total': 990, 'currency': 'CNY'})
        self.assertEqual(body['payer'], {'openid': self.openid})
        self.assertEqual(body['appid'], self.app.appid)
        self.assertEqual(body['mchid'], self.provider.wechat_mch_id)
        self.assertIn(self.order.name, body['description'])
        self.assertRegex(body['time_expire'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$')
        tx = self._tx()
        self.assertEqual(tx.reference, result['reference'])
        self.assertEqual((tx.state, tx.wechat_user_id), ('draft', self.customer))
        self.assertEqual(
            result['payment']['package'], f'prepay_id={tx.wechat_prepay_id}',
        )

    def test_the_reference_is_a_legal_out_trade_no(self):
        reference = self._prepay()['reference']
        self.assertTrue(re.fullmatch(r'[0-9A-Za-z_-]{6,32}', reference))
        self.assertTrue(reference.startswith(self.order.name))

    def test_asked_again_it_is_the_same_transaction_with_fresh_values(self):
        first, second = self._prepay(), self._prepay()
        self.assertEqual(first['reference'], second['reference'])
        self.assertEqual(first['payment']['package'], second['payment']['package'])
        self.assertNotEqual(first['payment']['nonceStr'], second['payment']['nonceStr'])
        self.assertEqual(len(self._tx()), 1)

    def test_the_access_token_opens_an_order_that_is_not_the_users(self):
        other = self.env['res.partner'].create({'name': "Someone else"})
        self.order = self._create_order(partner_id=other.id)
        self._assert_refused('not_payable')
        token = self.order._portal_ensure_token()
        self._assert_refused('not_payable', access_token=token[:-1] + 'x')
        self._assert_refused('not_payable', access_token="令牌")
        self.assertTrue(self._prepay(access_token=token)['reference'])

    def test_the_app_is_the_one_of_the_session(self):
        other_app = self.env['wechat.app'].create({
            'name': "Second", 'app_type': 'miniprogram', 'appid': 'wx0000000000000003',
        })
        self.env['wechat.identity'].create({
            'app_id': other_app.id, 'openid': 'oOther', 'user_id': self.customer.id,
        })
        self._assert_refused('not_linked')
        session = self.authenticate(self.customer.login, self.customer.login)
        session['wechat_app_id'] = self.app.id
        root.session_store.save(session)
        self._prepay()
        self.assertEqual(self.fake.calls(JSAPI)[0].json['appid'], self.app.appid)

    # === WHAT IS REFUSED === #

    def test_parameters_must_name_one_document(self):
        for params in (
            {'id': None}, {'id': 'x'}, {'id': True}, {'id': 0}, {'id': -1}, {'id': 2**40},
            {'id': [1]}, {'id': 1.5}, {'model': None}, {'model': 5}, {'access_token': 5},
            {'trade_type': None}, {'trade_type': 'MICROPAY'}, {'trade_type': 'jsapi'},
        ):
            with self.subTest(params):
                self._assert_refused('bad_request', **params)

    def test_other_models_cannot_be_paid(self):
        for model in ('res.users', 'res.partner', 'sale_order', 'payment.provider', '', '__x'):
            with self.subTest(model):
                self._assert_refused('bad_request', model=model)

    def test_a_foreign_and_a_missing_order_are_refused_alike(self):
        missing = self._assert_refused('not_payable', id=2**31 - 1)
        other = self.env['res.partner'].create({'name': "Someone else"})
        self.order = self._create_order(partner_id=other.id)
        self.assertEqual(self._assert_refused('not_payable'), missing)

    def test_a_cancelled_confirmed_or_expired_order_is_refused(self):
        self.order.validity_date = fields.Date.today() - timedelta(days=1)
        self.assertIn("expired", self._assert_refused('not_payable'))
        self.order.validity_date = False
        self.order._action_cancel()
        self.assertIn("cancelled", self._assert_refused('not_payable'))
        self.order = self._create_order()
        self.order.action_confirm()
        self.assertIn("confirmed", self._assert_refused('not_payable'))
        self.assertFalse(self.fake.requests)

    def test_a_paid_order_is_refused(self):
        self._prepay()
        self._tx()._set_done()
        self.assertIn("already paid", self._assert_refused('not_payable'))

    def test_what_is_paid_in_part_asks_for_the_rest(self):
        self._prepay()
        self._tx()._set_done()
        self.order.order_line.product_uom_qty = 3
        self.assertEqual(self._prepay()['amount'], 19.8)

    def test_another_currency_is_refused(self):
        self.order.pricelist_id = self.env['product.pricelist'].create({
            'name': "USD", 'currency_id': self.env.ref('base.USD').id,
        })
        self.assertIn("CNY", self._assert_refused('not_payable'))

    def test_zero_and_negative_amounts_are_refused(self):
        for price in (0, -5):
            self.order.order_line.price_unit = price
            self.assertIn("nothing to pay", self._assert_refused('not_payable'))

    def test_a_user_without_a_wechat_identity_is_refused(self):
        self.identity.unlink()
        self._assert_refused('not_linked')

    def test_an_openid_from_the_client_is_not_heard(self):
        self._prepay(openid='oAttacker', amount=0.01)
        body = self.fake.calls(JSAPI)[0].json
        self.assertEqual(body['payer']['openid'], self.openid)
        self.assertEqual(body['amount']['total'], 990)

    def test_nothing_is_signed_that_the_client_names(self):
        for params in ({}, {
            'package': 'prepay_id=wxEVIL', 'prepay_id': 'wxEVIL', 'nonceStr': 'evil',
            'timeStamp': '1700000000', 'appId': 'wx00000000000000ff', 'reference': 'EVIL-00001',
            'payment': {'package': 'prepay_id=wxEVIL'}, 'out_trade_no': 'EVIL-00001',
        }):
            result = self._prepay(**params)
            payment = result['payment']
            self.assertEqual(payment['package'], f'prepay_id={self._tx().wechat_prepay_id}')
            self.assertEqual(payment['appId'], self.app.appid)
            self.assertNotIn('evil', json.dumps(result).lower())
            self.assertNotEqual(payment['timeStamp'], '1700000000')
        self.assertNotIn('EVIL', self.fake.calls(JSAPI)[0].body.decode())

    @mute_logger('odoo.http')
    def test_a_stranger_is_not_let_in(self):
        self.logout()
        self.assertEqual(self._post()['error']['code'], 100)

    def test_a_shop_that_is_not_set_up_is_told_so(self):
        for values in ({'state': 'disabled'}, {'is_published': False}, {'wechat_app_ids': [(5,)]}):
            with self.subTest(values), self.env.cr.savepoint() as savepoint:
                self.provider.write(values)
                self._assert_refused('misconfigured')
                savepoint.rollback()
            self.env.invalidate_all()
        self.provider.wechat_notify_base_url = False
        self.env['ir.config_parameter'].set_param('web.base.url', 'http://shop.example.com')
        self.assertIn("https", self._assert_refused('misconfigured'))
        self.assertFalse(self.fake.requests)

    def test_a_locked_order_is_not_waited_for(self):
        # Another connection would be needed to hold the lock: the fault is made.
        with patch.object(
            type(self.env['sale.order']), 'lock_for_update', side_effect=LockError("locked"),
        ):
            self._assert_refused('wechat_busy')

    def test_an_order_is_changed_when_it_is_locked_so_that_no_older_snapshot_pays_it_too(self):
        self._prepay()
        tx = self._tx()

        def get_row_version():
            self.env.flush_all()
            self.env.cr.execute("SELECT ctid FROM sale_order WHERE id = %s", [self.order.id])
            return self.env.cr.fetchone()

        transactions = self.env['payment.transaction'].with_user(self.customer)
        for lock in (
            lambda: transactions._wechat_payable_sale_order(self.order.id),
            tx.sudo()._wechat_lock_checkout,
        ):
            before = get_row_version()
            lock()
            self.assertNotEqual(get_row_version(), before)

    # === WHAT WECHAT PAY ANSWERS === #

    def test_a_refusal_puts_the_transaction_in_error_and_frees_the_number(self):
        self.fake.override(JSAPI, lambda request: self.fake.error(403, 'RULE_LIMIT'))
        self.assertIn('RULE_LIMIT', self._assert_refused('payment_refused'))
        refused = self._tx()
        self.assertEqual(refused.state, 'error')
        self.assertIn('RULE_LIMIT', refused.state_message)
        self.fake.overrides.clear()
        self.assertNotEqual(self._prepay()['reference'], refused.reference)

    def test_wrong_keys_are_the_shops_fault_and_shown_to_it(self):
        self.fake.override(JSAPI, lambda request: self.fake.error(401, 'SIGN_ERROR'))
        self._assert_refused('misconfigured')
        self.env.invalidate_all()
        self.assertEqual(self.provider.wechat_check_state, 'error')
        self.assertIn("signature", self.provider.wechat_last_error)

    def test_a_lost_answer_changes_neither_number_nor_parameters(self):
        self.fake.lose_answer = True
        self._assert_refused('wechat_unavailable')
        lost = self._tx()
        self.assertEqual(lost.state, 'draft', "a time-out is not a refusal")
        self.fake.lose_answer = False
        result = self._prepay()
        self.assertEqual(result['reference'], lost.reference)
        first, second = self.fake.calls(JSAPI)
        self.assertEqual(first.body, second.body)

    def test_an_unverified_answer_is_not_believed_and_the_number_kept(self):
        self.fake.override(JSAPI, lambda request: (200, {}, {'prepay_id': 'forged'}))
        self._assert_refused('wechat_unavailable')
        self.assertFalse(self._tx().wechat_prepay_id)
        self.fake.overrides.clear()
        self._prepay()
        self.assertEqual(len(self._tx()), 1)

    def test_a_busy_wechat_pay_is_told_as_such(self):
        self.fake.override(JSAPI, lambda request: self.fake.error(429, 'FREQUENCY_LIMITED'))
        self._assert_refused('wechat_busy')
        self.assertEqual(self._tx().state, 'draft')

    def test_an_answer_without_a_prepay_id_is_no_answer(self):
        for answer in ({}, {'prepay_id': ''}, {'prepay_id': 5}):
            self.fake.override(JSAPI, lambda request, a=answer: self.fake.signed(a))
            self._assert_refused('wechat_unavailable')

    def test_a_repeated_call_that_is_refused_because_it_is_paid_finds_the_payment(self):
        self.fake.lose_answer = True
        self._assert_refused('wechat_unavailable')
        self.fake.pay(self._tx().reference)
        self.fake.override(JSAPI, lambda request: self.fake.error(400, 'ORDERPAID'))
        self.assertIn("already paid", self._assert_refused('not_payable'))
        self.assertEqual(self._tx().state, 'done')

    # === WHAT CHANGED BETWEEN TWO PREPAYS === #

    def test_a_changed_amount_closes_the_old_order_before_a_new_one(self):
        old = self._prepay()
        self.order.order_line.product_uom_qty = 2
        new = self._prepay()
        self.assertNotEqual(old['reference'], new['reference'])
        self.assertEqual(new['amount'], 19.8)
        self.assertEqual(self._tx(old['reference']).state, 'cancel')
        self.assertEqual(self.fake.orders[old['reference']]['trade_state'], 'CLOSED')
        lines = [f'{r.method} {r.path.rsplit("/", 1)[-1]}' for r in self.fake.requests]
        self.assertEqual(lines, [
            'POST jsapi', f'GET {old["reference"]}', 'POST close', f'GET {old["reference"]}',
            'POST jsapi',
        ])

    def test_another_payer_gets_another_number(self):
        old = self._prepay()
        self.identity.openid = 'oTESTopenid000000000000000002'
        self.assertNotEqual(self._prepay()['reference'], old['reference'])
        self.assertEqual(self._tx(old['reference']).state, 'cancel')

    def test_an_order_about_to_expire_gets_another_number(self):
        old = self._prepay()
        self._tx().wechat_time_expire = fields.Datetime.now() + timedelta(minutes=2)
        self.assertNotEqual(self._prepay()['reference'], old['reference'])

    def test_an_old_order_that_was_paid_is_not_paid_again(self):
        old = self._prepay()
        self.fake.pay(old['reference'])
        self.order.order_line.price_unit = 8
        self.assertIn("already paid", self._assert_refused('not_payable'))
        self.assertEqual(self._tx(old['reference']).state, 'done')
        self.assertEqual(len(self.fake.calls(JSAPI)), 1)

    def test_an_old_order_whose_payment_does_not_agree_stops_everything(self):
        old = self._prepay()
        self.fake.pay(old['reference'], amount={'total': 1, 'currency': 'CNY'})
        self.order.order_line.price_unit = 8
        self.assertIn("contact the shop", self._assert_refused('not_payable'))
        tx = self._tx(old['reference'])
        self.assertEqual(tx.state, 'draft')
        self.assertIn('amount.total', tx.wechat_alert)
        self.assertEqual(len(self.fake.calls(JSAPI)), 1)

    def test_without_an_answer_no_second_order_is_made(self):
        self._prepay()
        self.order.order_line.price_unit = 8
        self.fake.override('out-trade-no', None)
        self._assert_refused('wechat_unavailable')
        self.assertEqual(len(self.fake.calls(JSAPI)), 1)
        self.assertEqual(self._tx().state, 'draft')

    def test_an_order_that_wechat_pay_never_saw_is_replaced(self):
        self.fake.override(JSAPI, None)
        self._assert_refused('wechat_unavailable')
        lost = self._tx().reference
        self.fake.overrides.clear()
        self.order.order_line.price_unit = 8
        self.assertNotEqual(self._prepay()['reference'], lost)
        self.assertEqual(self._tx(lost).state, 'cancel')

    # === FROM ORDER TO DONE === #

    def test_the_notification_leads_to_a_confirmed_order(self):
        reference = self._prepay()['reference']
        self.assertEqual(self._notify(self.fake.pay(reference)).status_code, 200)
        tx = self._tx(reference)
        self.assertEqual(tx.state, 'done')
        self.assertEqual(self.order.state, 'draft', "not before the answer to WeChat Pay")
        self.assertFalse(self._find_messages(reference, "has been confirmed"))
        with self.enter_registry_test_mode():
            self.env.ref('payment.cron_post_process_payment_tx').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(self.order.state, 'sale')
        self.assertEqual(len(self._find_messages(reference, "has been confirmed")), 1)
        self.assertFalse(tx.wechat_post_process_error)

    def test_a_failing_mail_does_not_keep_the_order_unconfirmed(self):
        reference = self._prepay()['reference']
        self._notify(self.fake.pay(reference))
        tx = self._tx(reference)
        SaleOrder = type(self.env['sale.order'])

        def fail(orders, *args, **kwargs):
            raise ValueError("no PDF")

        # A PDF that cannot be made is a fault that cannot be made here.
        with patch.object(SaleOrder, 'message_post_with_source', fail), \
                mute_logger(POST_PROCESSING), \
                self.enter_registry_test_mode():
            self.env.ref('payment.cron_post_process_payment_tx').method_direct_trigger()
            self.assertEqual(self.order.state, 'sale')
            self.assertIn("no PDF", tx.wechat_post_process_error)
            self.assertTrue(tx.wechat_is_mail_unsent)
        with self.enter_registry_test_mode():
            self.env.ref('payment.cron_post_process_payment_tx').method_direct_trigger()
        self.env.invalidate_all()
        mails = self.order.message_ids.filtered(
            lambda message: message.subtype_id == self.env.ref('mail.mt_comment')
        )
        self.assertEqual(len(mails), 1, "the mail is sent once, when it can be")
        self.assertFalse(tx.wechat_is_mail_unsent)
        self.assertFalse(tx.wechat_post_process_error)

    def test_an_alert_is_noted_on_the_order(self):
        reference = self._prepay()['reference']
        order = self.fake.pay(reference, amount={'total': 1, 'currency': 'CNY'})
        with mute_logger(TRANSACTION_API):
            self._notify(order)
        self.assertTrue(self._find_messages('amount.total'))
        self.assertEqual(json.loads(self._tx().wechat_order_body)['amount']['total'], 990)
