# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import contextlib
import json
import time

import requests

from odoo.tests import HOST, tagged
from odoo.tests.common import ChromeBrowser
from odoo.tools import mute_logger

from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.sandbox_common import WechatSandboxCommon
from odoo.addons.wechat_payment_official_account.controllers import checkout

from .common import IN_WEB_VIEW, IN_WECHAT, OFFICIAL, InsideCommon

# WeChat as the page sees it: what it was asked is kept, and a test tells the answer.
BRIDGE = """
    window.asked = [];
    window.WeixinJSBridge = {
        invoke(name, values, answer) {
            window.asked.push([name, values]);
            window.tell = message => answer({ err_msg: `get_brand_wcpay_request:${message}` });
        },
    };
"""
# The mini-program around the page, as WeChat's own script brings it.
JSSDK = """
    window.asked = [];
    window.wx = {
        miniProgram: {
            navigateTo(options) {
                window.asked.push(['navigateTo', options.url]);
                window.tell = message => options.fail({ errMsg: `navigateTo:${message}` });
            },
        },
    };
"""
PAYMENT_KEYS = {'appId', 'timeStamp', 'nonceStr', 'package', 'signType', 'paySign'}


class Phone:
    """A page in WeChat's browser, played by Chromium; see :meth:`SandboxBrowserCommon._phone`."""

    def __init__(self, test, browser):
        self.test = test
        self.browser = browser

    def run(self, expression):
        """Return the value of a JavaScript expression on the page."""
        answer = self.browser._websocket_request('Runtime.evaluate', params={
            'expression': expression, 'returnByValue': True, 'awaitPromise': True,
        })
        return answer['result'].get('value')

    def wait(self, expression, seconds=20):
        """Wait until a JavaScript expression is true, and return its value."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            # A page that is being left answers nothing.
            with contextlib.suppress(Exception):
                if value := self.run(expression):
                    return value
            time.sleep(0.05)
        self.test.fail(f"not within {seconds} s: {expression}\n{self.run('location.href')}\n"
                       f"{self.run('document.body.innerText')}")

    def open(self, path):
        self.browser.navigate_to(self.test.base_url() + path)

    def sees(self, section):
        self.wait(f"!!document.querySelector('[data-section={section}]:not(.d-none)')")

    def reads(self, words):
        self.wait(f"document.body.innerText.includes({json.dumps(words)})")

    def tap(self, name):
        button = (f"[...document.querySelectorAll('[name={name}]')]"
                  ".find(item => item.checkVisibility() && !item.disabled)")
        self.wait(button + ' && true')
        self.run(f'{button}.click()')

    def asked(self, count=1):
        """Wait until WeChat was asked so often; return what it was asked."""
        self.wait(f'window.asked && window.asked.length === {count}')
        return self.run('window.asked')


class SandboxBrowserCommon(WechatSandboxCommon, InsideCommon):
    browser_size = '390x844'
    has_jssdk = True
    is_on_phone = False

    def setUp(self):
        super().setUp()
        self._connect_sandbox(allow_loopback_ip=True)
        for name in ('api', 'open'):
            self.env['ir.config_parameter'].set_param(f'wechat.{name}_url', self.sandbox)
        made = self._control('POST', 'apps', appid=OFFICIAL, app_type='official_account')
        self.official.secret = made['secret']
        self._control('PATCH', f'merchants/{MCHID}', appids=[self.app.appid, OFFICIAL])
        self.person = self._control('POST', 'users', nickname="小明")['user']

    def _fetch(self, method, url, **kwargs):
        """Override: while a browser is open, requests are allowed already."""
        if self.is_on_phone:
            return requests.request(method, url, timeout=20, **kwargs)
        return super()._fetch(method, url, **kwargs)

    def fetch_proxy(self, url):
        """Override to be WeChat's server of scripts."""
        if url == 'https://res.wx.qq.com/open/js/jweixin-1.6.0.js' and self.has_jssdk:
            return self.make_fetch_proxy_response(JSSDK)
        return super().fetch_proxy(url)

    @contextlib.contextmanager
    def _phone(self, user_agent=IN_WECHAT, script=BRIDGE):
        """Hold a phone of the sandbox's person; what it does is not in this test's cache after."""
        browser = ChromeBrowser(self)
        try:
            with self.allow_requests(browser=browser, all_requests=True):
                self.is_on_phone = True
                self.env.flush_all()
                self.env.cr.clear()
                for method, params in (
                    ('Emulation.setUserAgentOverride', {'userAgent': user_agent}),
                    ('Page.addScriptToEvaluateOnNewDocument', {'source': script}),
                ):
                    browser._websocket_request(method, params=params)
                browser.set_cookie('sandbox_phone', self.person, '/', HOST)
                yield Phone(self, browser)
                browser.navigate_to('about:blank')
                self._wait_remaining_requests()
        finally:
            self.is_on_phone = False
            browser.stop()
        self.env.invalidate_all()

    def _pay(self, payment, appid=OFFICIAL, **values):
        """Let the person pay in WeChat, which gets the values as the page passed them on."""
        return self._control(
            'POST', 'request_payment', appid=appid, user=self.person, payment=payment, **values,
        )


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
class TestSandboxPageInMiniprogram(SandboxBrowserCommon):
    """The payment page that a mini-program shows, against the project's sandbox."""

    def setUp(self):
        super().setUp()
        person = self._control('POST', 'login_code', appid=self.app.appid)
        self.identity.openid, self.person = person['openid'], person['user']
        self.path = self.tx._wechat_get_page_path()
        self.handover_url = self.tx._wechat_get_handover_url()
        self.handover = {
            'model': 'payment.transaction', 'id': self.tx.id,
            'access_token': self.tx._wechat_get_access_token(),
        }

    def _log_in(self):
        """Let the mini-program hold a session of its own."""
        self.authenticate(self.customer.login, self.customer.login, session_extra={
            'wechat_app_id': self.app.id, 'wechat_identity_id': self.identity.id,
        })

    def _prepay(self):
        """Let the mini-program's payment page prepay, over HTTP as the phone does."""
        answer = requests.post(
            f'{self.base_url()}/wechat/payment/prepay', timeout=20,
            cookies={'session_id': self.session.sid, 'test_request_key': self.http_request_key},
            json={'jsonrpc': '2.0', 'method': 'call', 'params': self.handover},
        ).json()
        self.assertIn('result', answer, answer.get('error'))
        return answer['result']

    def test_the_mini_program_pays_and_the_page_confirms(self):
        self._log_in()
        with self._phone(IN_WEB_VIEW, script='') as phone:
            phone.open(self.path)
            self.assertEqual(phone.asked(), [['navigateTo', self.handover_url]])
            phone.sees('miniprogram')
            prepaid = self._prepay()
            answer = self._pay(prepaid['payment'], self.app.appid, notify=False)
            self.assertEqual(answer['errMsg'], 'requestPayment:ok')
            phone.run("document.dispatchEvent(new Event('visibilitychange'))")
            phone.wait("!location.pathname.includes('/pay/')")
        self.assertEqual(self.tx.state, 'done')
        self.assertEqual(prepaid['reference'], self.tx.reference)
        self.assertEqual(self._problems(), [])

    def test_the_page_places_no_order_itself(self):
        with self._phone(IN_WEB_VIEW, script='') as phone:
            phone.open(self.path)
            phone.asked()
            phone.tap('o_wechat_pay_check')
            phone.reads("has not reported a payment yet")
            phone.tap('o_wechat_pay_hand_over')
            phone.asked(2)
        self.assertFalse(self.tx.wechat_order_body)
        self.assertFalse(self._control('GET', 'orders')['orders'])

    def test_an_order_that_ended_begins_anew_and_the_page_follows(self):
        self.tx._set_canceled()
        self._log_in()
        with self._phone(IN_WEB_VIEW, script='') as phone:
            phone.open(self.path)
            phone.sees('ended')
            phone.tap('o_wechat_pay_retry')
            phone.asked()
            prepaid = self._prepay()
            self.assertNotEqual(prepaid['reference'], self.tx.reference)
            self._pay(prepaid['payment'], self.app.appid)
            phone.wait("!location.pathname.includes('/pay/')")
        self.assertEqual(self.tx.state, 'cancel')
        self.assertEqual(self.tx.wechat_successor_id.state, 'done')

    def test_a_page_that_the_mini_program_lacks_is_told(self):
        with self._phone(IN_WEB_VIEW, script='') as phone:
            phone.open(self.path)
            phone.asked()
            phone.run("tell('fail page \"pages/pay/pay\" is not found')")
            phone.reads("cannot be opened")
            phone.reads("is not found")

    def test_without_the_script_of_wechat_the_page_says_so(self):
        self.has_jssdk = False
        with self._phone(IN_WEB_VIEW, script='') as phone:
            phone.open(self.path)
            phone.reads("cannot be opened")
