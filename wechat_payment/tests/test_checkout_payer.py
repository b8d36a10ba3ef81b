# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, tagged

from odoo.addons.wechat_payment.client import Client
from odoo.addons.wechat_payment.tests.common import WechatPayCommon


@tagged('post_install', '-at_install')
class TestCheckoutPayer(WechatPayCommon, HttpCase):
    """A payment page that knows who pays, and one whose transaction was replaced."""

    def setUp(self):
        super().setUp()
        self.tx = self._create_web_transaction()
        self.device = 'Mozilla/5.0 (X11; Linux x86_64)'

    def _call(self, route, tx, **params):
        answer = self.url_open(f'/payment/wechat_pay/{route}', json={
            'jsonrpc': '2.0', 'method': 'call', 'params': {
                'reference': tx.reference, 'access_token': tx._wechat_get_access_token(), **params,
            },
        }, headers={'User-Agent': self.device}).json()
        self.env.invalidate_all()
        self.assertIn('result', answer, answer.get('error'))
        return answer['result']

    # === WHO PAYS === #

    def test_an_order_is_for_its_payer_only(self):
        client = Client('127.0.0.1', 'MicroMessenger', self.app.id, self.openid)
        self.assertEqual(client.trade_type, 'JSAPI')
        self.tx._wechat_prepare_order(self.app, self.openid, 'JSAPI', "Tea", client)
        self.assertEqual(
            json.loads(self.tx.wechat_order_body)['payer'], {'openid': self.openid},
        )
        self.assertTrue(self.tx._wechat_is_usable(client))
        for other in (
            Client('127.0.0.1', 'MicroMessenger', self.app.id, 'another-openid'),
            Client('127.0.0.1', 'MicroMessenger', self.app.id + 1, self.openid),
            Client('127.0.0.1', 'MicroMessenger'),
        ):
            self.assertFalse(self.tx._wechat_is_usable(other))

    def test_the_page_of_a_known_payer_gets_what_wechats_function_takes(self):
        tx = self._create_wechat_order()
        tx.write({
            'wechat_prepay_id': 'wx-prepay',
            'wechat_prepay_expire': fields.Datetime.now() + timedelta(hours=2),
        })
        values = tx._wechat_get_checkout_values(self.base_url())
        self.assertEqual(values['kind'], 'JSAPI')
        self.assertEqual(values['payment']['package'], 'prepay_id=wx-prepay')
        self.assertGreater(values['expires_in'], 7000)
        self.assertFalse({'image', 'url'} & set(values))

    # === A PAYMENT THAT WENT ON === #

    def test_the_page_follows_the_transaction_that_replaced_its_own(self):
        first = self.tx
        self._call('start', first)
        for _time in range(2):
            tx = first._wechat_find_successor() or first
            tx.wechat_time_expire = fields.Datetime.now()
            self._call('start', tx)
        last = first._wechat_find_successor()
        self.assertEqual(first.wechat_successor_id.wechat_successor_id, last)
        self.fake.pay(last.reference)
        values = self._call('poll', first, check=True)
        self.assertEqual((values['reference'], values['state']), (last.reference, 'done'))
        self.assertEqual(values['path'], last._wechat_get_page_path())
        self.assertNotIn('reference', self._call('poll', last))

    def test_a_payment_under_the_old_number_is_not_passed_over(self):
        self._call('start', self.tx)
        self.tx.wechat_time_expire = fields.Datetime.now()
        self._call('start', self.tx)
        self.assertTrue(self.tx._wechat_find_successor())
        self._notify(self.fake.pay(self.tx.reference))
        self.env.invalidate_all()
        self.assertEqual(self.tx.state, 'done')
        self.assertFalse(self.tx._wechat_find_successor())
        self.assertEqual(self._call('poll', self.tx), {'state': 'done', 'message': ''})
