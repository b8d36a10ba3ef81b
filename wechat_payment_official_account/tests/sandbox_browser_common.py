# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import contextlib
import json
import time

import requests

from odoo.tests import HOST
from odoo.tests.common import ChromeBrowser

from odoo.addons.wechat_payment.tests.fake_wechat_pay import MCHID
from odoo.addons.wechat_payment.tests.sandbox_v2_common import WechatPayV2SandboxCommon

from .common import IN_WECHAT, OFFICIAL, InsideCommon

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
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while not self._is_true(expression):
            if time.monotonic() > end:
                self.test.fail(f"not within {seconds} s: {expression}\n"
                               f"{self.run('location.href + document.body.innerText')}")
            time.sleep(0.05)

    def _is_true(self, expression):
        # A page that is being left answers nothing.
        with contextlib.suppress(Exception):
            return self.run(f'Boolean({expression})') is True
        return False

    def open(self, path):
        self.browser.navigate_to(self.test.base_url() + path)

    def sees(self, section):
        self.wait(f"document.querySelector('[data-section={section}]:not(.d-none)')")

    def reads(self, words):
        self.wait(f"document.body.innerText.includes({json.dumps(words)})")

    def tap(self, name):
        button = (f"[...document.querySelectorAll('[name={name}]')]"
                  ".find(item => item.checkVisibility() && !item.disabled)")
        self.wait(button)
        self.run(f'{button}.click()')

    def asked(self, count=1):
        """Wait until WeChat was asked so often; return what it was asked."""
        self.wait(f'window.asked && window.asked.length === {count}')
        return self.run('window.asked')


class SandboxBrowserCommon(WechatPayV2SandboxCommon, InsideCommon):
    browser_size = '390x844'
    has_jssdk = True
    is_on_phone = False

    def setUp(self):
        super().setUp()
        self._connect()
        for name in ('api', 'open'):
            self.env['ir.config_parameter'].set_param(f'wechat.{name}_url', self.sandbox)
        made = self._control('POST', 'apps', appid=OFFICIAL, app_type='official_account')
        self.official.secret = made['secret']
        self._control('PATCH', f'merchants/{MCHID}', appids=[self.app.appid, OFFICIAL])
        self.person = self._control('POST', 'users', nickname="小明")['user']

    def _connect(self):
        self._connect_sandbox(allow_loopback_ip=True)

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
