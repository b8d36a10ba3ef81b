# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import time

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment_official_account.controllers import checkout

from .common import OFFICIAL
from .sandbox_browser_common import BRIDGE, PAYMENT_KEYS, SandboxBrowserCommon


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxPageInWechat(SandboxBrowserCommon):
    """The payment page in WeChat's browser, against the project's sandbox."""

    def setUp(self):
        super().setUp()
        self.path = self.tx._wechat_get_page_path()

    def _open_sheet(self, phone):
        """Open the page up to WeChat's payment sheet; return what the sheet got."""
        phone.open(self.path)
        [[name, payment]] = phone.asked()
        self.assertEqual(name, 'getBrandWCPayRequest')
        self.assertEqual(set(payment), PAYMENT_KEYS)
        return payment

    def test_the_whole_way_from_the_page_to_the_confirmation(self):
        with self._phone() as phone:
            payment = self._open_sheet(phone)
            self.assertEqual((payment['appId'], payment['signType']), (OFFICIAL, 'RSA'))
            self.assertTrue(all(isinstance(value, str) for value in payment.values()))
            self.assertEqual(phone.run('location.pathname + location.search'), self.path)
            answer = self._pay(payment)
            self.assertEqual(answer['errMsg'], 'requestPayment:ok')
            phone.run("tell('ok')")
            phone.wait("location.pathname === '/payment/status' || location.pathname === '/my/home'"
                       " || location.pathname === '/web/login'")
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self._problems(), [])

    def test_a_payment_whose_notification_is_lost_is_found_by_asking(self):
        with self._phone() as phone:
            self._pay(self._open_sheet(phone), notify=False)
            phone.run("tell('ok')")
            phone.wait("!location.pathname.includes('/pay/')")
        self.assertEqual(self.tx.state, 'done')

    def test_ok_without_a_payment_is_not_believed(self):
        with self._phone() as phone:
            self._open_sheet(phone)
            phone.run("tell('ok')")
            phone.sees('checking')
            phone.tap('o_wechat_pay_unconfirmed')
            payment = phone.asked(2)[1][1]
            self.assertEqual(set(payment), PAYMENT_KEYS)
            phone.sees('jsapi')
        self.assertEqual((self.tx.state, self.tx.wechat_trade_state), ('draft', 'NOTPAY'))

    def test_who_closes_the_sheet_pays_the_same_order_later(self):
        with self._phone() as phone:
            first = self._open_sheet(phone)
            phone.run("tell('cancel')")
            phone.reads("You closed the payment")
            phone.tap('o_wechat_pay_invoke')
            second = phone.asked(2)[1][1]
            self.assertEqual(first['package'], second['package'])
            self.assertNotEqual(first['nonceStr'], second['nonceStr'])
            self.assertEqual(self._pay(second)['errMsg'], 'requestPayment:ok')
            phone.run("tell('ok')")
            phone.wait("!location.pathname.includes('/pay/')")
        self.assertEqual(self.tx.state, 'done')

    def test_a_failed_sheet_leads_to_the_qr_code(self):
        with self._phone() as phone:
            self._open_sheet(phone)
            phone.run("tell('fail')")
            phone.reads("could not make the payment")
            phone.tap('o_wechat_pay_scan')
            phone.sees('native')
            phone.wait("document.querySelector('[name=o_wechat_pay_qr]').naturalWidth")
        self.assertEqual(self.tx.state, 'cancel')
        self.assertEqual(self.tx.wechat_successor_id.wechat_trade_type, 'NATIVE')

    def test_a_cancelled_sheet_of_a_paid_order_is_paid(self):
        with self._phone() as phone:
            self._pay(self._open_sheet(phone), notify=False)
            phone.run("tell('cancel')")
            phone.wait("!location.pathname.includes('/pay/')")
        self.assertEqual(self.tx.state, 'done')

    def test_without_the_function_of_wechat_the_page_says_so(self):
        with self._phone(script='') as phone:
            phone.open(self.path)
            phone.sees('jsapi')
            phone.reads("payment function is not there")
            phone.tap('o_wechat_pay_scan')
            phone.sees('native')

    def test_the_function_may_come_later(self):
        late = f"""setTimeout(() => {{
            {BRIDGE}
            document.dispatchEvent(new Event('WeixinJSBridgeReady'));
        }}, 2500);"""
        with self._phone(script=late) as phone:
            self._open_sheet(phone)

    def test_a_reload_asks_neither_wechat_nor_for_the_payment_again(self):
        with self._phone() as phone:
            self._open_sheet(phone)
            phone.open(self.path)
            phone.sees('jsapi')
            time.sleep(0.5)
            self.assertEqual(phone.run('window.asked.length'), 0)
            phone.tap('o_wechat_pay_invoke')
            phone.asked()
        logged = self._control('GET', 'requests')['requests']
        exchanges = [item for item in logged if item['path'].endswith('/oauth2/access_token')]
        self.assertEqual(len(exchanges), 1)

    def test_somebody_else_cannot_pay_the_order(self):
        other = self._control('POST', 'users', nickname="小红")['user']
        with self._phone() as phone:
            payment = self._open_sheet(phone)
            answer = self._control(
                'POST', 'request_payment', appid=OFFICIAL, user=other, payment=payment,
            )
            self.assertIn('fail', answer['errMsg'])

    @mute_logger(checkout.__name__)
    def test_an_error_page_of_wechat_is_survived(self):
        self._control('POST', 'oauth_settings', appid=OFFICIAL, domains=['shop.example.com'])
        with self._phone() as phone:
            phone.open(self.path)
            phone.reads('10003')
            time.sleep(checkout.DOUBLE_LOAD)
            phone.open(self.path)
            phone.sees('native')
            phone.reads("did not tell the shop who you are")
            self._control('POST', 'oauth_settings', appid=OFFICIAL, domains=['127.0.0.1'])
            phone.run("[...document.links].find(a => a.search.includes('identify=1')).click()")
            self.assertEqual(phone.asked()[0][0], 'getBrandWCPayRequest')


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxPageInWechatV2(SandboxBrowserCommon):
    """The same by API v2, for the merchant itself and for a service provider's sub-merchant."""

    sub_merchant = None

    def _connect(self):
        """Override to connect by API v2."""
        self._connect_v2_sandbox(sub_merchant=self.sub_merchant, allow_loopback_ip=True)

    def _pay_on_the_page(self):
        with self._phone() as phone:
            phone.open(self.tx._wechat_get_page_path())
            [[name, payment]] = phone.asked()
            self.assertEqual(name, 'getBrandWCPayRequest')
            self.assertEqual(set(payment), PAYMENT_KEYS)
            self.assertEqual(payment['appId'], OFFICIAL)
            self.assertEqual(payment['signType'], 'HMAC-SHA256')
            self.assertEqual(self._pay(payment, notify=False)['errMsg'], 'requestPayment:ok')
            phone.run("tell('ok')")
            phone.wait("!location.pathname.includes('/pay/')")
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(self.tx.wechat_api_version, 'v2')
        self.assertEqual(self._problems(), [])

    def test_a_page_inside_wechat_is_paid_by_api_v2(self):
        self._pay_on_the_page()


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxPageOfSubMerchant(TestSandboxPageInWechatV2):
    """The service provider's official account tells who pays."""

    sub_merchant = {'mchid': '1900000109', 'appids': []}

    def test_a_page_inside_wechat_is_paid_by_api_v2(self):
        self._pay_on_the_page()
        order = json.loads(self.tx.wechat_order_body)
        self.assertEqual(order['openid'], self.tx.wechat_openid)
        self.assertEqual(
            (order['appid'], self.provider.wechat_sub_mch_id), (OFFICIAL, '1900000109'),
        )


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxPageOfSubMerchantsAccount(TestSandboxPageInWechatV2):
    """The sub-merchant's own official account tells who pays (A4.3)."""

    sub_merchant = {'mchid': '1900000109', 'appids': [OFFICIAL]}

    def setUp(self):
        super().setUp()
        self._control('PATCH', f'merchants/{MCHID}', appids=[self.app.appid])  # Not the account.
        self.provider.write({'wechat_sub_mch_id': '1900000109', 'wechat_sub_appid': OFFICIAL})

    def test_a_page_inside_wechat_is_paid_by_api_v2(self):
        self._pay_on_the_page()
        order = json.loads(self.tx.wechat_order_body)
        self.assertEqual(order['sub_openid'], self.tx.wechat_openid)
        self.assertEqual((order['appid'], order['sub_appid']), (self.app.appid, OFFICIAL))
        self.assertNotIn('openid', order)


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxPageOfServiceProviderV3(SandboxBrowserCommon):
    """The service provider's account, or the sub-merchant's own, by API v3 (A4.3)."""

    def _pay_on_the_page(self, sub_appid):
        sub_appids = [OFFICIAL] if sub_appid else []
        self._control(
            'PATCH', f'merchants/{MCHID}',
            appids=[self.app.appid] if sub_appid else [self.app.appid, OFFICIAL],
            sub_merchants=[{'mchid': '1900000109', 'appids': sub_appids}],
        )
        self.provider.write({
            'wechat_sub_mch_id': '1900000109', 'wechat_sub_appid': sub_appid,
        })
        with self._phone() as phone:
            phone.open(self.tx._wechat_get_page_path())
            [[_name, payment]] = phone.asked()
            self.assertEqual((payment['appId'], payment['signType']), (OFFICIAL, 'RSA'))
            self.assertEqual(self._pay(payment)['errMsg'], 'requestPayment:ok')
            phone.run("tell('ok')")
            phone.wait("!location.pathname.includes('/pay/')")
        self.assertEqual((self.tx.state, self.tx.wechat_alert), ('done', False))
        self.assertEqual(self._problems(), [])
        return json.loads(self.tx.wechat_order_body)

    def test_the_sub_merchants_own_account_tells_its_openid(self):
        order = self._pay_on_the_page(OFFICIAL)
        self.assertEqual(order['payer'], {'sub_openid': self.tx.wechat_openid})
        self.assertEqual((order['sp_appid'], order['sub_appid']), (self.app.appid, OFFICIAL))

    def test_the_service_providers_account_tells_its_openid(self):
        order = self._pay_on_the_page(False)
        self.assertEqual(order['payer'], {'sp_openid': self.tx.wechat_openid})
        self.assertEqual(order['sp_appid'], OFFICIAL)
        self.assertNotIn('sub_appid', order)
