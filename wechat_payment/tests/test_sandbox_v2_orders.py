# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.tests.order_versions_common import PHONE, WechatOrderVersionsCommon

V2 = 'odoo.addons.wechat_payment.models.payment_provider_v2'
ORDERS = 'odoo.addons.wechat_payment.models.payment_provider_orders'
DESKTOP = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36'
UNIFIED_ORDER = '/pay/unifiedorder'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxV2Orders(WechatOrderVersionsCommon):
    """What is particular of orders in API v2: five minutes without closing, codes, repetitions."""

    def setUp(self):
        super().setUp()
        self._use('v2', v2_close_after=300)
        self.device = DESKTOP

    def _call_page(self, route, tx, **params):
        """Call a route of the payment page as its script does."""
        answer = self.url_open(
            f'/payment/wechat_pay/{route}', headers={'User-Agent': self.device},
            json={'jsonrpc': '2.0', 'method': 'call', 'params': {
                'reference': tx.reference, 'access_token': tx._wechat_get_access_token(), **params,
            }},
        ).json()
        self.env.invalidate_all()
        return answer

    def _result(self, route, tx, **params):
        answer = self._call_page(route, tx, **params)
        self.assertIn('result', answer, answer.get('error'))
        return answer['result']

    def _error(self, route, tx, **params):
        with mute_logger('odoo.http'):
            answer = self._call_page(route, tx, **params)
        self.assertIn('error', answer)
        return answer['error']['data']

    def _let_minutes_pass(self, tx, minutes):
        """Make an order older, here and at WeChat Pay."""
        tx.wechat_time_expire -= timedelta(minutes=minutes)
        if tx.wechat_next_query:
            tx.wechat_next_query -= timedelta(minutes=minutes)
        if tx.wechat_last_query:
            tx.wechat_last_query -= timedelta(minutes=minutes)
        self._control('POST', 'settings', v2_close_after=max(300 - 60 * minutes, 0))
        self.env.flush_all()

    def _orders(self):
        """Return the states of all orders at WeChat Pay, by number."""
        orders = self._control('GET', 'orders')['orders']
        return {order['out_trade_no']: order['trade_state'] for order in orders}

    # === FIVE MINUTES === #

    def test_an_order_that_cannot_be_closed_yet_stays_open_and_is_closed_later(self):
        tx = self._order('NATIVE')
        ordered = tx.wechat_time_expire - timedelta(minutes=120)
        self.assertEqual(tx._wechat_close()['trade_state'], 'NOTPAY')
        self.assertTrue(tx._wechat_is_open() and tx.wechat_is_close_pending)
        self.assertEqual(tx.wechat_next_query, ordered + timedelta(seconds=320))
        self._let_minutes_pass(tx, 6)
        tx._wechat_settle()
        self.assertEqual((tx.state, self._orders()), ('cancel', {tx.reference: 'CLOSED'}))

    def test_it_can_be_paid_until_it_is_closed(self):
        tx = self._order('NATIVE')
        tx._wechat_close()
        self._pay(tx)
        self.assertEqual((tx.state, tx.wechat_next_query), ('done', False))

    def test_asking_in_between_does_not_put_the_closing_off(self):
        tx = self._order('NATIVE')
        tx._wechat_close()
        due = tx.wechat_next_query
        tx.wechat_query_count = 9  # Else half an hour would be next.
        tx._wechat_schedule_query()
        self.assertEqual(tx.wechat_next_query, due)

    def test_no_second_order_is_made_beside_one_that_cannot_be_closed(self):
        tx = self._create_web_transaction()
        self.assertEqual(self._result('start', tx)['kind'], 'NATIVE')
        self.device = PHONE  # Another trade type is another order.
        error = self._error('start', tx)
        self.assertEqual(error['context']['code'], 'wechat_busy')
        self.assertIn("Please try again in 6 minutes", error['message'])
        self.assertEqual(self._orders(), {tx.reference: 'NOTPAY'})
        self.assertTrue(tx.wechat_is_close_pending, "it outlives the request that failed")
        closings = self._count_calls('/pay/closeorder')
        self._error('start', tx)
        self.assertEqual(self._count_calls('/pay/closeorder'), closings, "not tried in vain again")
        self._let_minutes_pass(tx, 6)
        values = self._result('start', tx)
        self.assertEqual(values['kind'], 'H5')
        self.assertEqual(self._orders(), {tx.reference: 'CLOSED', values['reference']: 'NOTPAY'})

    def _count_calls(self, path):
        requests = self._control('GET', 'requests')['requests']
        return len([request for request in requests if request['path'] == path])

    def test_who_goes_on_with_the_same_order_has_it_no_longer_closed(self):
        tx = self._create_web_transaction()
        self._result('start', tx)
        self.assertEqual(self._error('cancel', tx)['context']['code'], 'wechat_busy')
        self.assertTrue(tx.wechat_is_close_pending)
        self.assertEqual(self._result('start', tx)['reference'], tx.reference)
        self.assertFalse(tx.wechat_is_close_pending)
        self._let_minutes_pass(tx, 6)
        tx._wechat_settle()
        self.assertEqual((tx.state, self._orders()), ('draft', {tx.reference: 'NOTPAY'}))

    def test_the_page_that_is_still_open_closes_it_when_it_can(self):
        tx = self._create_web_transaction()
        self._result('start', tx)
        self._error('cancel', tx)
        self._let_minutes_pass(tx, 6)
        self.assertEqual(self._result('poll', tx, check=True)['state'], 'cancel')

    def test_a_clerk_is_told_when_it_will_be_closed(self):
        tx = self._order('NATIVE')
        answer = tx.with_user(self.env.ref('base.user_admin')).action_wechat_close()
        self.assertEqual(answer['params']['type'], 'warning')
        self.assertIn("closed by itself", answer['params']['message'])

    def test_an_order_that_was_given_up_here_is_closed_all_the_same(self):
        tx = self._order('NATIVE')
        tx._set_canceled()
        self.assertEqual(tx._wechat_close()['trade_state'], 'NOTPAY')
        self.assertTrue(tx.wechat_is_close_pending)
        self._let_minutes_pass(tx, 6)
        tx._wechat_settle()
        self.assertEqual((tx.state, self._orders()), ('cancel', {tx.reference: 'CLOSED'}))

    # === CODES AND REPETITIONS === #

    def test_the_same_order_again_is_the_same_order(self):
        tx = self._order('JSAPI')
        self._place(tx)
        self._pay(tx)
        self.assertEqual((tx.state, self._problems()), ('done', []))

    def test_what_a_shop_pays_twice_for_is_found_paid(self):
        tx = self._create_web_transaction()
        self._result('start', tx)
        self._at_merchant('pay', out_trade_no=tx.reference, notify=False)
        tx.wechat_prepay_expire = fields.Datetime.now()  # So that it is ordered once more.
        self.env.flush_all()
        error = self._error('start', tx)
        self.assertEqual((error['context']['code'], tx.state), ('not_payable', 'done'))

    @mute_logger(V2)
    def test_changed_parameters_under_a_used_number_are_refused(self):
        tx = self._order('NATIVE')
        tx.wechat_order_body = tx.wechat_order_body.replace('1999', '1998')
        with self.assertRaises(WeChatPayRefused) as caught:
            self._place(tx)
        self.assertEqual(caught.exception.wechat_code, 'OUT_TRADE_NO_USED')

    @mute_logger(V2)
    def test_a_refusal_leaves_an_order_open_that_cannot_be_closed_yet(self):
        tx = self._create_web_transaction()
        self._result('start', tx)
        tx.write({
            'wechat_order_body': tx.wechat_order_body.replace('1999', '1998'),
            'wechat_prepay_expire': fields.Datetime.now(),
        })
        self.env.flush_all()
        self.assertEqual(self._error('start', tx)['context']['code'], 'payment_refused')
        self.assertEqual((tx.state, self._orders()), ('draft', {tx.reference: 'NOTPAY'}))
        self.assertTrue(tx.wechat_is_close_pending, "no other order may be made beside it")
        self._let_minutes_pass(tx, 6)
        tx._wechat_settle()
        self.assertEqual((tx.state, self._orders()), ('cancel', {tx.reference: 'CLOSED'}))

    def test_a_company_name_that_xml_does_not_keep_is_no_obstacle(self):
        self.provider.company_id.name = "Hillside\ufffe\x0bTea"
        tx = self._order('H5')
        scene = json.loads(json.loads(tx.wechat_order_body)['scene_info'])
        self.assertEqual(scene['h5_info']['wap_name'], "Hillside Tea")

    def _repeat_a_paid_order(self, **fault):
        """Pay an order of which nobody tells, and have its order call repeated and refused."""
        tx = self._create_web_transaction()
        self._result('start', tx)
        self.person = self._control('POST', 'users')
        self._at_merchant(
            'pay', out_trade_no=tx.reference, user=self.person['user'], notify=False,
        )
        tx.wechat_prepay_expire = fields.Datetime.now()
        self.env.flush_all()
        if fault:
            self._control('POST', 'faults', **fault)
        return tx

    @mute_logger(V2, 'odoo.addons.wechat_payment.models.payment_transaction_order')
    def test_a_paid_order_stays_the_only_one_while_nobody_can_be_asked(self):
        tx = self._repeat_a_paid_order(
            action='refuse_before', path='/pay/(closeorder|orderquery)$', times=None,
        )
        for _attempt in range(2):
            self.assertEqual(self._error('start', tx)['context']['code'], 'payment_refused')
            self.assertEqual((tx.state, list(self._orders())), ('draft', [tx.reference]))
            self.assertTrue(tx.wechat_next_query, "it is asked for on the plan")
        self._control('DELETE', 'faults')
        tx._wechat_settle()
        self.assertEqual(tx.state, 'done')

    @mute_logger(V2)
    def test_a_paid_order_is_found_though_its_repetition_is_the_shops_fault(self):
        tx = self._repeat_a_paid_order(action='err_code', err_code='NOAUTH', path=UNIFIED_ORDER)
        self.assertEqual(self._error('start', tx)['context']['code'], 'not_payable')
        self.assertEqual((tx.state, list(self._orders())), ('done', [tx.reference]))

    @mute_logger(V2)
    def test_an_open_outcome_leaves_the_number_as_it_is(self):
        tx = self._create_web_transaction()
        self._control('POST', 'faults', action='err_code', path=UNIFIED_ORDER)
        self.assertEqual(self._error('start', tx)['context']['code'], 'wechat_busy')
        self.assertEqual(tx.state, 'draft')
        self.assertEqual(self._result('start', tx)['reference'], tx.reference)

    @mute_logger(V2)
    def test_answers_that_are_not_to_be_believed_make_no_payment_address(self):
        tx = self._order('NATIVE', placed=False)
        for action in ('unsigned', 'wrong_signature', 'tampered', 'garbage', 'drop'):
            with self.subTest(action):
                self._control('POST', 'faults', action=action, path=UNIFIED_ORDER)
                with self.assertRaises(WeChatError) as caught:
                    self._place(tx)
                self.assertEqual(caught.exception.code, 'wechat_unavailable')
                self.assertFalse(tx.wechat_pay_url)
        self._place(tx)
        self.assertTrue(tx.wechat_pay_url)

    @mute_logger(V2)
    def test_a_query_that_is_not_to_be_believed_confirms_nothing(self):
        tx = self._order('NATIVE')
        self._pay(tx, notify=False)
        for fault in (
            {'action': 'unsigned'}, {'action': 'wrong_signature'}, {'action': 'tampered'},
            {'action': 'wrong_signature', 'defect': 'other_sign_type'}, {'action': 'garbage'},
            {'action': 'drop'},
        ):
            with self.subTest(fault):
                self._control('POST', 'faults', path='/pay/orderquery', **fault)
                with self.assertRaises(WeChatError):
                    tx._wechat_query()
                self.assertEqual(tx.state, 'draft')
        tx._wechat_query()
        self.assertEqual(tx.state, 'done')

    @mute_logger(V2)
    def test_a_query_whose_amount_is_no_number_confirms_nothing(self):
        tx = self._order('NATIVE')
        self._pay(tx, notify=False)
        message = {
            'trade_state': 'SUCCESS', 'total_fee': '19.99', 'out_trade_no': tx.reference,
        }
        self.patch(
            type(self.provider), '_wechat_request_v2', lambda *_args, **_kwargs: message,
        )
        with mute_logger(ORDERS), self.assertRaises(WeChatUnknown):
            tx._wechat_query()
        self.assertEqual(tx.state, 'draft')

    # === VERSIONS === #

    def test_an_order_is_asked_for_and_closed_in_its_own_version(self):
        tx = self._order('NATIVE')
        self._let_minutes_pass(tx, 6)
        merchant = self._control('GET', 'world')['merchants'][0]
        self._set_merchant(self.provider, merchant)
        self.provider.wechat_api_version = 'v3'
        self.assertEqual(tx._wechat_get_api_version(), 'v2')
        self.assertEqual(tx._wechat_query()['trade_state'], 'NOTPAY')
        self.assertEqual(tx._wechat_close()['trade_state'], 'CLOSED')
        paths = [request['path'] for request in self._control('GET', 'requests')['requests']]
        self.assertFalse([path for path in paths if path.startswith('/v3/')])

    def test_without_the_keys_of_its_version_an_order_is_asked_for_in_the_providers(self):
        tx = self._order('NATIVE')
        merchant = self._control('GET', 'world')['merchants'][0]
        self._set_merchant(self.provider, merchant)
        self.provider.write({'wechat_api_version': 'v3', 'wechat_api_v2_key': False})
        self.assertEqual(tx._wechat_get_api_version(), 'v3')
        self.assertEqual(tx._wechat_query()['trade_state'], 'NOTPAY')

    def test_an_order_of_another_version_is_replaced_not_repeated(self):
        tx = self._create_web_transaction()
        self._result('start', tx)
        self._let_minutes_pass(tx, 6)
        merchant = self._control('GET', 'world')['merchants'][0]
        self._set_merchant(self.provider, merchant)
        self.provider.wechat_api_version = 'v3'
        self.env.flush_all()
        values = self._result('start', tx)
        self.assertNotEqual(values['reference'], tx.reference)
        self.assertEqual(self._orders(), {tx.reference: 'CLOSED', values['reference']: 'NOTPAY'})

    # === WHAT IS KEPT === #

    def test_the_stored_order_holds_no_secret_and_no_nonce(self):
        tx = self._order('JSAPI')
        body = json.loads(tx.wechat_order_body)
        self.assertFalse({'sign', 'nonce_str', 'key'} & set(body))
        self.assertNotIn(self.provider.wechat_api_v2_key, tx.wechat_order_body)
