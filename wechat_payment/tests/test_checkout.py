# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from odoo import fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.client import Client
from odoo.addons.wechat_payment.tests.common import WechatPayCommon

API = 'odoo.addons.wechat_payment.models.payment_provider_api'
CHECKOUT = 'odoo.addons.wechat_payment.models.payment_transaction_checkout'
ORDER = 'odoo.addons.wechat_payment.models.payment_transaction_order'

DESKTOP = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36'
PHONE = (
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0'
    ' Mobile/15E148 Safari/604.1'
)
WECHAT = PHONE + ' MicroMessenger/8.0.44'


@tagged('post_install', '-at_install')
class TestCheckout(WechatPayCommon, HttpCase):
    """The payment page, by the routes that its script calls."""

    def setUp(self):
        super().setUp()
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', 0)
        self.tx = self._create_web_transaction()
        self.device = DESKTOP

    def _call(self, route, tx=None, **params):
        tx = tx or self.tx
        return self.url_open(f'/payment/wechat_pay/{route}', json={
            'jsonrpc': '2.0', 'method': 'call', 'params': {
                'reference': tx.reference, 'access_token': tx._wechat_get_access_token(), **params,
            },
        }, headers={'User-Agent': self.device}).json()

    def _result(self, route, tx=None, **params):
        answer = self._call(route, tx, **params)
        self.assertIn('result', answer, answer.get('error'))
        self.env.invalidate_all()
        return answer['result']

    def _assert_refused(self, word, route, tx=None, **params):
        with mute_logger('odoo.http', API, ORDER, CHECKOUT):
            answer = self._call(route, tx, **params)
        self.assertIn('error', answer)
        self.env.invalidate_all()
        self.assertEqual(answer['error']['data']['context'], {'code': word, 'errcode': None})
        return answer['error']['data']['message']

    def _open(self, **params):
        return self.url_open(
            self.tx._wechat_get_page_path(), headers={'User-Agent': self.device},
            allow_redirects=False, **params,
        )

    # === WHERE IT IS OFFERED === #

    def _offers(self, **kwargs):
        values = {'currency_id': self.currency_cny.id, **kwargs}
        providers = self.env['payment.provider'].sudo()._get_compatible_providers(
            self.provider.company_id.id, self.customer.partner_id.id, 9.9, **values,
        )
        return self.provider in providers

    def test_the_payment_form_offers_wechat_pay_for_cny_only(self):
        self.assertTrue(self._offers())
        self.assertFalse(self._offers(currency_id=self.env.ref('base.USD').id))
        self.assertFalse(self._offers(is_validation=True))
        self.assertFalse(self._offers(is_express_checkout=True))

    def test_the_payment_form_does_not_offer_what_would_fail(self):
        self.provider.wechat_notify_base_url = False
        self.env['ir.config_parameter'].set_param('web.base.url', 'http://shop.example.com')
        self.assertFalse(self._offers())
        self.provider.wechat_notify_base_url = 'https://shop.example.com'
        self.assertTrue(self._offers())
        self.provider.wechat_app_ids = [(5,)]
        self.assertFalse(self._offers())

    def test_the_form_leads_to_the_page_without_a_call_to_wechat_pay(self):
        values = self.tx._get_processing_values()
        self.assertIn(f'/payment/wechat_pay/pay/{self.tx.reference}', values['redirect_form_html'])
        self.assertIn(self.tx._wechat_get_access_token(), values['redirect_form_html'])
        self.assertFalse(self.fake.requests)

    # === THE PAGE === #

    def test_the_page_opens_with_its_token_only(self):
        response = self._open()
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.headers['Cache-Control'], 'no-store')
        self.assertIn(self.tx.reference, response.text)
        path = f'/payment/wechat_pay/pay/{self.tx.reference}'
        other = self._create_web_transaction()
        for token in ('', 'x', other._wechat_get_access_token()):
            self.assertEqual(self.url_open(f'{path}?access_token={token}').status_code, 404)
        self.assertFalse(self.fake.requests, "the page's script places the order")

    def test_the_page_of_a_paid_transaction_goes_to_the_status_page(self):
        self.tx._set_done()
        self.assertTrue(self._open().headers['Location'].endswith('/payment/status'))

    def test_the_routes_need_the_token_of_the_transaction(self):
        other = self._create_web_transaction()
        for route in ('start', 'poll', 'cancel'):
            for token in (None, '', 5, [], other._wechat_get_access_token()):
                with self.subTest(route=route, token=token):
                    self._assert_refused('bad_request', route, access_token=token)
            self._assert_refused('bad_request', route, reference={'x': 1})
        self.assertFalse(self.fake.requests)

    def test_a_refusal_is_in_the_language_of_the_page(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.opener.cookies['frontend_lang'] = 'zh_CN'
        for route in ('start', 'poll', 'cancel'):
            with self.subTest(route):
                message = self._assert_refused('bad_request', route, access_token='x')
                self.assertIn("付款", message)

    # === HOW THE CUSTOMER PAYS === #

    def test_the_device_decides_how_to_pay(self):
        pad = 'Mozilla/5.0 (iPad; CPU OS 12_0 like Mac OS X) Version/12.0 Mobile/15E148 Safari'
        android = 'Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/130.0 Mobile Safari/537.36'
        for user_agent, trade_type, h5_type in (
            (DESKTOP, 'NATIVE', 'Wap'), (PHONE, 'H5', 'iOS'), (android, 'H5', 'Android'),
            (pad, 'NATIVE', 'iOS'), (WECHAT, 'NATIVE', 'iOS'), ('', 'NATIVE', 'Wap'),
        ):
            client = Client('1.2.3.4', user_agent)
            self.assertEqual((client.trade_type, client.h5_type), (trade_type, h5_type))

    def test_an_address_that_is_not_the_customers_is_for_the_sandbox_only(self):
        for address, is_public in (
            ('8.8.8.8', True), ('2400:3200::1', True), ('127.0.0.1', False), ('10.0.0.1', False),
            ('::1', False), ('', False), ('example.com', False),
        ):
            self.assertEqual(Client(address).is_acceptable(False), is_public, address)
        self.assertTrue(Client('127.0.0.1').is_acceptable(True))
        self.assertFalse(Client('x').is_acceptable(True))

    def test_a_desktop_gets_a_qr_code_that_becomes_a_payment(self):
        values = self._result('start')
        self.assertEqual(values['kind'], 'NATIVE')
        self.assertTrue(values['image'].startswith('data:image/svg+xml;base64,'))
        self.assertNotIn('weixin:', json.dumps(values))
        body = self.fake.calls('/v3/pay/transactions/native')[0].json
        self.assertEqual(body['out_trade_no'], self.tx.reference)
        self.assertEqual(body['amount'], {'total': 1999, 'currency': 'CNY'})
        self.assertEqual(body['appid'], self.app.appid)
        self.assertNotIn('payer', body)
        self.assertEqual(self._result('poll')['state'], 'draft')
        self.assertEqual(
            self._notify(self.fake.pay(self.tx.reference)).status_code, 200,
        )
        count = len(self.fake.requests)
        self.assertEqual(self._result('poll')['state'], 'done')
        self.assertEqual(len(self.fake.requests), count, "Odoo knows it already")

    def test_a_phone_goes_to_wechat_and_comes_back(self):
        self.device = PHONE
        values = self._result('start')
        self.assertEqual(values['kind'], 'H5')
        body = self.fake.calls('/v3/pay/transactions/h5')[0].json
        self.assertEqual(body['scene_info'], {
            'payer_client_ip': '127.0.0.1', 'h5_info': {'type': 'iOS'},
        })
        self.assertTrue(values['url'].startswith(self.tx.wechat_pay_url + '&redirect_url='))
        back = parse_qs(urlsplit(values['url']).query)['redirect_url'][0]
        self.assertTrue(back.startswith(self.base_url() + '/payment/wechat_pay/pay/'), back)
        self.fake.pay(self.tx.reference)
        # The notification is late: the customer asks.
        page = self.url_open(back, headers={'User-Agent': PHONE})
        self.assertIn("Have you paid?", page.text)
        self.assertEqual(self._result('poll')['state'], 'draft')
        self.assertEqual(self._result('poll', check=True)['state'], 'done')

    def test_the_way_back_is_a_configured_site_whatever_the_host_header_says(self):
        self.env['ir.config_parameter'].set_param('web.base.url', 'https://a.example.com')
        for host, base_url in (
            ('a.example.com', 'https://a.example.com'),
            ('shop.example.com', 'https://shop.example.com'),
            ('evil.example.com', 'https://a.example.com'),
        ):
            self.assertEqual(self.provider._wechat_get_return_base_url(host), base_url)

    def test_a_mobile_app_gets_values_that_are_signed_for_it(self):
        mobile = self.env['wechat.app'].create({
            'name': "Shop App", 'app_type': 'mobile', 'appid': 'wx00000000000000ab',
        })
        self.provider.wechat_app_ids |= mobile
        for trade_type, app in (('APP', mobile), ('NATIVE', self.app), ('H5', self.app)):
            self.assertEqual(self.tx._wechat_choose_app(self.provider, trade_type), app)
        self.tx._wechat_prepare_order(mobile, '', 'APP', "Tea")
        self.tx.wechat_prepay_id = 'wx123'
        values = self.tx._wechat_build_client_values()
        message = f'{mobile.appid}\n{values["timeStamp"]}\n{values["nonceStr"]}\nwx123\n'
        self.assertEqual(values, {
            'appId': mobile.appid, 'partnerId': self.provider.wechat_mch_id, 'prepayId': 'wx123',
            'packageValue': 'Sign=WXPay', 'nonceStr': values['nonceStr'],
            'timeStamp': values['timeStamp'], 'sign': self.merchant.sign(message.encode()),
        })

    # === RELOAD, RENEWAL, REPLACEMENT === #

    def test_a_reload_shows_the_same_code_without_another_call(self):
        first = self._result('start')
        self.assertEqual(self._result('start')['image'], first['image'])
        self.assertEqual(len(self.fake.calls('/v3/pay/transactions/native')), 1)

    def test_an_expired_h5_address_is_renewed_by_the_identical_call(self):
        self.device = PHONE
        self._result('start')
        url = self.tx.wechat_pay_url
        self.tx.wechat_prepay_expire = fields.Datetime.now() + timedelta(seconds=10)
        self.assertEqual(self._result('start')['reference'], self.tx.reference)
        self.assertNotEqual(self.tx.wechat_pay_url, url)
        first, second = self.fake.calls('/v3/pay/transactions/h5')
        self.assertEqual(first.body, second.body)

    def test_an_expired_order_is_closed_and_replaced(self):
        self._result('start')
        self.tx.wechat_time_expire = fields.Datetime.now() + timedelta(seconds=10)
        values = self._result('start')
        self.assertNotEqual(values['reference'], self.tx.reference)
        self.assertTrue(values['reference'].startswith('S00042-'))
        self.assertEqual(self.tx.state, 'cancel')
        self.assertEqual(self.fake.orders[self.tx.reference]['trade_state'], 'CLOSED')
        new_tx = self.tx.search([('reference', '=', values['reference'])])
        self.assertEqual(new_tx.amount, self.tx.amount)
        self.assertEqual(new_tx.landing_route, '/my/home')
        self.assertEqual(self.url_open(values['path']).status_code, 200)

    def test_another_kind_of_device_gets_another_number(self):
        self._result('start')
        self.device = PHONE
        values = self._result('start')
        self.assertEqual(values['kind'], 'H5')
        self.assertNotEqual(values['reference'], self.tx.reference)
        self.assertEqual(self.fake.orders[self.tx.reference]['trade_state'], 'CLOSED')

    def test_an_expired_order_that_was_paid_is_done_and_not_replaced(self):
        self._result('start')
        self.fake.pay(self.tx.reference)
        self.tx.wechat_time_expire = fields.Datetime.now() + timedelta(seconds=10)
        self.assertEqual(self._result('start')['state'], 'done')
        self.assertEqual(len(self.fake.orders), 1)

    # === TROUBLE === #

    def test_a_lost_answer_keeps_the_number_and_can_be_repeated(self):
        self.fake.lose_answer = True
        self.assertIn("try again", self._assert_refused('wechat_unavailable', 'start'))
        self.assertEqual(self.tx.state, 'draft')
        self.fake.lose_answer = False
        self.assertEqual(self._result('start')['reference'], self.tx.reference)
        first, second = self.fake.calls('/v3/pay/transactions/native')
        self.assertEqual(first.body, second.body)

    def test_a_refusal_is_told_and_another_number_can_be_tried(self):
        self.fake.override('native', lambda request: self.fake.error(403, 'RULE_LIMIT'))
        self.assertIn('RULE_LIMIT', self._assert_refused('payment_refused', 'start'))
        self.assertEqual(self.tx.state, 'error')
        self.assertEqual(self._result('start')['state'], 'error')
        self.fake.overrides.clear()
        values = self._result('start', retry=True)
        self.assertNotEqual(values['reference'], self.tx.reference)
        self.assertEqual(values['kind'], 'NATIVE')

    def test_an_h5_answer_that_is_no_web_address_is_not_followed(self):
        self.device = PHONE
        self.fake.override('h5', lambda request: self.fake.signed({'h5_url': 'javascript:x'}))
        self._assert_refused('wechat_unavailable', 'start')
        self.assertFalse(self.tx.wechat_pay_url)

    def test_a_customer_whose_address_odoo_cannot_see_is_told_so(self):
        self.device = PHONE
        self.env['ir.config_parameter'].set_param('wechat.pay_url', 'https://pay.example.com')
        self.assertIn('proxy_mode', self._assert_refused('misconfigured', 'start'))

    def test_what_the_page_says_of_the_payment_is_not_heard(self):
        self._result('start', amount=0.01, code_url='weixin://x', notify_url='https://evil.example')
        body = self.fake.calls('/v3/pay/transactions/native')[0].json
        self.assertEqual(body['amount']['total'], 1999)
        self.assertTrue(body['notify_url'].startswith('https://shop.example.com/'))
        values = self._result('poll', check=True, state='done', trade_state='SUCCESS')
        self.assertEqual((values['state'], self.tx.state), ('draft', 'draft'))

    def test_wechat_pay_is_asked_at_most_once_per_two_seconds(self):
        self._result('start')
        queries = f'/v3/pay/transactions/out-trade-no/{self.tx.reference}'
        for _time in range(3):
            self._result('poll', check=True)
        self.assertEqual(len(self.fake.calls(queries)), 1)

    def test_a_poll_asks_wechat_pay_on_the_plan_only(self):
        self._result('start')
        queries = f'/v3/pay/transactions/out-trade-no/{self.tx.reference}'
        self._result('poll')
        self.assertEqual(len(self.fake.calls(queries)), 0)
        self.tx.wechat_next_query = fields.Datetime.now()
        self._result('poll')
        self.assertEqual(len(self.fake.calls(queries)), 1)
        self.assertEqual(self.tx.wechat_query_count, 1)
        self.assertGreater(self.tx.wechat_next_query, fields.Datetime.now())

    @mute_logger(API, CHECKOUT)
    def test_a_poll_survives_a_silent_wechat_pay(self):
        self._result('start')
        self.fake.override('out-trade-no', None)
        self.assertEqual(self._result('poll', check=True)['state'], 'draft')

    def test_calls_are_limited_per_address(self):
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', 1)
        self._result('start')
        self._assert_refused('rate_limited', 'start', self._create_web_transaction())
        self.assertEqual(self._result('start')['kind'], 'NATIVE', "which costs no call")

    # === CANCELLATION === #

    def test_a_cancelled_payment_is_closed_at_wechat_pay_first(self):
        self._result('start')
        self.assertEqual(
            self._result('cancel'), {'state': 'cancel', 'route': '/my/home'},
        )
        self.assertEqual(self.fake.orders[self.tx.reference]['trade_state'], 'CLOSED')
        self.assertEqual(self._result('start')['state'], 'cancel')
        self.assertEqual(self._result('start', retry=True)['kind'], 'NATIVE')

    def test_a_payment_that_was_never_placed_is_cancelled_here(self):
        self.assertEqual(self._result('cancel')['state'], 'cancel')
        self.assertFalse(self.fake.requests)

    def test_a_payment_cannot_be_cancelled_when_it_is_paid(self):
        self._result('start')
        self.fake.pay(self.tx.reference)
        self.assertEqual(
            self._result('cancel'), {'state': 'done', 'route': '/payment/status'},
        )

    def test_a_payment_is_not_cancelled_without_an_answer(self):
        self._result('start')
        self.fake.override('out-trade-no', None)
        self._assert_refused('wechat_unavailable', 'cancel')
        self.assertEqual(self.tx.state, 'draft')
