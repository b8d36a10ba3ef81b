# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from urllib.parse import parse_qsl, urlsplit

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import IN_WEB_VIEW, IN_WECHAT, InsideCommon


@tagged('post_install', '-at_install')
class TestMiniprogram(InsideCommon):
    """A payment page that a mini-program shows: the mini-program pays the very same payment."""

    def setUp(self):
        super().setUp()
        self.user_agent = IN_WEB_VIEW

    def _prepay(self, tx=None, session=None, **params):
        """Prepay as the mini-program's payment page does, with what it was handed over.

        :param dict session: What the caller's session says; default: a login in the mini-program.
        """
        url = (tx or self.tx)._wechat_get_handover_url()
        options = dict(parse_qsl(urlsplit(url).query))
        if session is None:
            session = {'wechat_app_id': self.app.id, 'wechat_identity_id': self.identity.id}
        self.authenticate(self.customer.login, self.customer.login, session_extra=session)
        return self._rpc('/wechat/payment/prepay', **{
            'model': options['model'], 'id': int(options['id']),
            'access_token': options['access_token'], **params,
        })

    def _assert_refused(self, answer, code):
        self.assertEqual(answer['error']['data']['context']['code'], code)
        self.assertFalse(self.fake.orders)

    # === HANDING OVER === #

    def test_the_page_names_the_transaction_and_no_amount(self):
        text = self._open().text
        self.assertIn('data-handover-url="/pages/pay/pay?model=payment.transaction&amp;id=', text)
        query = dict(parse_qsl(urlsplit(self.tx._wechat_get_handover_url()).query))
        self.assertEqual(set(query), {'model', 'id', 'access_token'})

    def test_only_a_page_in_a_mini_program_hands_over(self):
        self.user_agent = IN_WECHAT
        self.provider.wechat_app_ids = self.app  # Without the round trip.
        self.assertNotIn('data-handover-url', self._open().text)

    def test_without_a_page_or_a_mini_program_the_code_is_shown(self):
        for values in (
            {'wechat_miniprogram_page': False},
            {'wechat_miniprogram_page': '/pages/pay/pay', 'wechat_app_ids': self.official},
        ):
            self.provider.write(values)
            self.assertNotIn('data-handover-url', self._open().text)

    def test_the_page_must_be_a_path(self):
        for page in ('pages/pay/pay', 'https://example.com/', '/pages/pay?amount=1', '/a b'):
            with self.assertRaises(ValidationError):
                self.provider.wechat_miniprogram_page = page

    # === PAYING === #

    def test_the_mini_program_pays_the_payment_of_the_page(self):
        answer = self._prepay()
        self.assertIn('result', answer, answer.get('error'))
        result = answer['result']
        self.assertEqual(result['reference'], self.tx.reference)
        self.assertEqual((result['amount'], result['currency']), (19.99, 'CNY'))
        self.assertEqual(result['payment']['appId'], self.app.appid)
        order = json.loads(self.tx.wechat_order_body)
        self.assertEqual(order['payer'], {'openid': self.openid})
        self.assertEqual(len(self.fake.orders), 1)
        self._notify(self.fake.pay(self.tx.reference))
        self.assertEqual(self._call('poll')['result']['state'], 'done')
        status = self._rpc('/wechat/payment/status', reference=self.tx.reference)
        self.assertEqual(status['result']['state'], 'done')

    def test_asked_again_it_is_the_same_order(self):
        first, second = self._prepay()['result'], self._prepay()['result']
        self.assertEqual(first['reference'], second['reference'])
        self.assertEqual(len(self.fake.calls('/v3/pay/transactions/jsapi')), 1)

    def test_a_code_that_the_page_had_cannot_be_paid_beside_it(self):
        self.user_agent = 'Mozilla/5.0 (X11; Linux x86_64)'
        self._call('start')
        reference = self._prepay()['result']['reference']
        self.assertEqual(self.tx.state, 'cancel')
        self.assertEqual(self.fake.orders[self.tx.reference]['trade_state'], 'CLOSED')
        successor = self.tx.wechat_successor_id
        self.assertEqual(reference, successor.reference)
        # The page waits for the new one, and the old link hands over the new one.
        self.fake.pay(reference)
        poll = self._call('poll', check=True)['result']
        self.assertEqual((poll['reference'], poll['state']), (reference, 'done'))

    def test_a_code_that_was_paid_meanwhile_is_not_paid_again(self):
        self.user_agent = 'Mozilla/5.0 (X11; Linux x86_64)'
        self._call('start')
        self.fake.pay(self.tx.reference)
        answer = self._prepay()
        self.assertEqual(answer['error']['data']['context']['code'], 'not_payable')
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(len(self.fake.orders), 1)

    def test_an_ended_payment_begins_anew(self):
        self.tx._set_canceled()
        reference = self._prepay()['result']['reference']
        self.assertEqual(reference, self.tx.wechat_successor_id.reference)
        self.assertEqual(self._prepay()['result']['reference'], reference)

    # === REFUSALS === #

    def test_a_wrong_token_is_refused(self):
        other = self._create_web_transaction()
        for token in (None, '', 'x', 'ü', other._wechat_get_access_token()):
            self._assert_refused(self._prepay(access_token=token), 'not_payable')

    def test_an_unknown_transaction_is_refused(self):
        self._assert_refused(self._prepay(id=2**31 - 1), 'not_payable')

    def test_a_refund_is_not_paid(self):
        refund = self._create_web_transaction(operation='refund', amount=-1)
        self._assert_refused(self._prepay(refund), 'not_payable')

    def test_other_ways_of_paying_are_refused(self):
        self._assert_refused(self._prepay(trade_type='NATIVE'), 'bad_request')

    def test_an_app_that_the_provider_does_not_list_is_refused(self):
        other = self.app.copy({'appid': 'wx00000000000000ff'})
        self.provider.wechat_app_ids = other
        self._assert_refused(self._prepay(), 'misconfigured')

    def test_who_is_not_known_to_a_mini_program_is_refused(self):
        self.identity.user_id = False
        self._assert_refused(self._prepay(session={}), 'not_linked')
