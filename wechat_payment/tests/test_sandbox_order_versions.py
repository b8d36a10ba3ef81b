# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.tests.order_versions_common import (
    SECOND_SUB_MCHID,
    SUB_APPID,
    SUB_MCHID,
    WechatOrderVersionsCommon,
)

API = 'odoo.addons.wechat_payment.models.payment_provider_api'
TRANSACTION_API = 'odoo.addons.wechat_payment.models.payment_transaction_api'
NOTIFICATION = 'odoo.addons.wechat_payment.models.payment_transaction_notification'
TRADE_TYPES = ('JSAPI', 'NATIVE', 'APP', 'H5')


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxOrderVersions(WechatOrderVersionsCommon):
    """Each trade type from the order to its end, in each version and for service providers.

    Against the project's sandbox (WECHAT_SANDBOX_URL), whose reading of the protocol is its own.
    """

    def _assert_orders_end_well(self, app=None, trade_types=TRADE_TYPES):
        """Have orders paid, found and closed; return the bodies of what was paid."""
        bodies = {}
        for trade_type in trade_types:
            with self.subTest(trade_type):
                bodies[trade_type] = self._assert_one_order_ends_well(trade_type, app)
        self.assertEqual(self._problems(), [])
        unknown = self._order('NATIVE', app, placed=False)
        self.assertEqual((unknown._wechat_query(), unknown._wechat_close()), ({}, {}))
        self.assertEqual(unknown.state, 'draft')
        return bodies

    def _assert_one_order_ends_well(self, trade_type, app):
        tx = self._order(trade_type, app)
        self.assertEqual(tx._wechat_query()['trade_state'], 'NOTPAY')
        self.assertEqual((tx.state, tx.wechat_alert), ('draft', False))
        paid = self._pay(tx)
        self.assertEqual(paid['notification']['status'], 200)
        self.assertEqual((tx.state, tx.wechat_alert), ('done', False))
        self.assertEqual(tx.provider_reference, paid['transaction_id'])
        self.assertTrue(tx.wechat_success_time and tx.wechat_bank_type)

        asked = self._order(trade_type, app)
        self._pay(asked, notify=False)
        order = asked._wechat_query()
        self.assertEqual((order['amount']['total'], order['amount']['currency']), (1999, 'CNY'))
        self.assertEqual((asked.state, asked.wechat_alert), ('done', False))

        closed = self._order(trade_type, app)
        self.assertEqual(closed._wechat_close()['trade_state'], 'CLOSED')
        self.assertEqual((closed.state, closed.wechat_alert), ('cancel', False))
        refusal = self._fetch('POST', f'{self.sandbox}/_sandbox/pay', json={
            'mchid': self.provider.wechat_mch_id, 'out_trade_no': closed.reference,
        })
        self.assertEqual(refusal.status_code, 400)
        return json.loads(tx.wechat_order_body)

    def test_a_merchant_orders_in_v2_with_hmac(self):
        self._use('v2')
        bodies = self._assert_orders_end_well()
        self.assertEqual(bodies['H5']['trade_type'], 'MWEB')
        self.assertEqual({body['sign_type'] for body in bodies.values()}, {'HMAC-SHA256'})

    def test_a_merchant_orders_in_v2_with_md5(self):
        self._use('v2', sign_type='MD5')
        self._assert_orders_end_well()

    def test_a_service_provider_orders_in_v3_in_its_own_app(self):
        self._use('v3', partner=True)
        body = self._assert_orders_end_well()['JSAPI']
        self.assertEqual((body['sp_appid'], body['sub_mchid']), (self.app.appid, SUB_MCHID))
        self.assertEqual(list(body['payer']), ['sp_openid'])
        self.assertNotIn('sub_appid', body)

    def test_a_service_provider_orders_in_v3_in_the_sub_merchants_app(self):
        self._use('v3', partner=True)
        body = self._assert_orders_end_well(self.sub_app, ('JSAPI', 'NATIVE'))['JSAPI']
        self.assertEqual((body['sp_appid'], body['sub_appid']), (self.app.appid, SUB_APPID))
        self.assertEqual(list(body['payer']), ['sub_openid'])

    def test_a_service_provider_orders_in_v2_in_its_own_app(self):
        self._use('v2', partner=True)
        body = self._assert_orders_end_well()['JSAPI']
        self.assertEqual((body['appid'], body['sub_mch_id']), (self.app.appid, SUB_MCHID))
        self.assertTrue('openid' in body and 'sub_openid' not in body and 'sub_appid' not in body)

    def test_a_service_provider_orders_in_v2_in_the_sub_merchants_app(self):
        self._use('v2', partner=True)
        body = self._assert_orders_end_well(self.sub_app, ('JSAPI', 'NATIVE'))['JSAPI']
        self.assertEqual((body['appid'], body['sub_appid']), (self.app.appid, SUB_APPID))
        self.assertTrue('sub_openid' in body and 'openid' not in body)

    def test_a_service_provider_without_an_app_of_its_own_is_told_so(self):
        self._use('v3', partner=True)
        self.provider.wechat_app_ids = self.sub_app
        with self.assertRaises(WeChatError) as caught:
            self._order('JSAPI', self.sub_app)
        self.assertEqual(caught.exception.code, 'misconfigured')
        self.assertIn("Add an app of the service provider", str(caught.exception))

    def _assert_mismatches_are_alerts(self, tx, *changes):
        self._pay(tx, notify=False)
        for name, value in changes:
            with self.subTest(f'{name} {value}'), mute_logger(TRANSACTION_API):
                tx.wechat_alert = False
                self.assertEqual(self._notify_payment(tx, overrides={name: value}), [200])
                self.assertEqual(tx.state, 'draft')
                self.assertIn('expected', tx.wechat_alert or '')

    def test_a_v3_order_of_another_party_is_an_alert_and_no_payment(self):
        self._use('v3', partner=True)
        self._assert_mismatches_are_alerts(
            self._order('JSAPI', self.sub_app),
            ('sp_mchid', '1900000002'), ('sub_mchid', SECOND_SUB_MCHID), ('sub_mchid', None),
            ('sp_appid', 'wx0000000000000009'), ('sub_appid', 'wx0000000000000009'),
            ('sub_appid', None), ('amount.total', 1), ('amount.currency', 'USD'),
        )
        tx = self._order('JSAPI')
        self._assert_mismatches_are_alerts(
            tx, ('sub_appid', 'wx0000000000000009'), ('sp_appid', SUB_APPID),
        )

    def test_a_v2_order_of_another_party_is_an_alert_and_no_payment(self):
        self._use('v2', partner=True)
        self._assert_mismatches_are_alerts(
            self._order('JSAPI', self.sub_app),
            ('mch_id', '1900000002'), ('sub_mch_id', SECOND_SUB_MCHID), ('sub_mch_id', None),
            ('appid', 'wx0000000000000009'), ('sub_appid', 'wx0000000000000009'),
            ('sub_appid', None), ('total_fee', '1'), ('total_fee', None), ('fee_type', 'USD'),
            ('transaction_id', None),
        )

    def test_two_sub_merchants_of_one_service_provider_do_not_mix(self):
        self._use('v3', partner=True)
        second = self.provider.copy({
            'wechat_mch_id': self.provider.wechat_mch_id, 'wechat_sub_mch_id': SECOND_SUB_MCHID,
            'wechat_app_ids': [(6, 0, self.app.ids)],
        })
        merchant = self._control('GET', 'world')['merchants'][0]
        self._set_merchant(second, merchant)
        tx = self._order('NATIVE')
        self._pay(tx, notify=False)
        with mute_logger(NOTIFICATION):
            answers = self._notify_payment(tx, url=second._wechat_get_notify_url())
        self.assertEqual(answers, [200], "nobody learns which numbers there are")
        self.assertEqual((tx.state, tx.wechat_alert), ('draft', False))
        self.assertEqual(second._wechat_fetch_order(tx), {}, "the order is not the second's")
        self.assertEqual(self._notify_payment(tx), [200])
        self.assertEqual(tx.state, 'done')

    def test_an_order_of_a_merchant_who_became_a_service_provider_is_not_repeated(self):
        self._use('v3')
        tx = self._order('NATIVE')
        self._use('v3', partner=True)
        with mute_logger(API), self.assertRaises(WeChatPayRefused):
            self._place(tx)

    def test_coupons_lower_what_is_paid_not_what_was_ordered(self):
        self._use('v2')
        tx = self._order('NATIVE')
        self._pay(tx, notify=False)
        self.assertEqual(self._notify_payment(tx, overrides={
            'cash_fee': '1499', 'coupon_fee': '500', 'coupon_count': '1', 'coupon_fee_0': '500',
        }), [200])
        self.assertEqual((tx.state, tx.wechat_alert, tx.amount), ('done', False, 19.99))
