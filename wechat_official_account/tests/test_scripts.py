# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
import re

from odoo.tests import HOST, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.protocol import signatures

from ..const import JS_API_LIST
from .oauth_common import OFFICIAL, WEBSITE, OauthCommon

TICKET = 'TICKET-OF-THE-TEA-HOUSE'
EVIL = '</script><script>alert(1)</script>'


@tagged('post_install', '-at_install')
class TestScripts(OauthCommon):
    """The embedded QR code and the configuration of the JSSDK."""

    def setUp(self):
        super().setUp()
        self.fake.answer('GET', '/cgi-bin/ticket/getticket', {
            'errcode': 0, 'errmsg': 'ok', 'ticket': TICKET, 'expires_in': 7200,
        })
        self.site = self.base_url()

    def options(self, text, call):
        """Return the object that a script passes on."""
        match = re.fullmatch(rf'{re.escape(call)}\((.*)\);\n', text)
        self.assertTrue(match, text)
        return json.loads(match[1])

    # === QR CODE === #

    def login_script(self, **params):
        response = self.get('/weixin-login.js', **params)
        self.assertEqual(response.headers['Content-Type'], 'text/javascript; charset=utf-8')
        self.assertEqual(response.headers['Cache-Control'], 'no-store')
        return response.text

    def test_embedded_code_logs_in(self):
        options = self.options(
            self.login_script(id='qr', style='white', next='/my/x'), 'var wxauth = new WxLogin')
        callback = self.site.replace(':', '%3A').replace('/', '%2F')
        state = options.pop('state')
        self.assertEqual(options, {
            'self_redirect': False, 'id': 'qr', 'appid': WEBSITE, 'scope': 'snsapi_login',
            'redirect_uri': f'{callback}%2Fwechat%2Foauth%2Fcallback', 'style': 'white',
        })
        self.create_identity(self.create_user('customer'), app=self.website)
        self.assertPath(self.come_back(state), '/my/x')

    def test_state_of_the_embedded_code_is_the_browsers(self):
        state = self.options(self.login_script(id='qr'), 'var wxauth = new WxLogin')['state']
        self.forget()
        self.assertFailed(self.come_back(state), 'bad_request')

    def test_parameters_cannot_break_out_of_the_script(self):
        for value in (EVIL, '"});alert(1);({"', '\u2028', "'-alert(1)-'", '\\'):
            with self.subTest(value=value):
                text = self.login_script(id=value, style=value, href=value, next=value)
                self.assertNotIn('</', text)
                options = self.options(text, 'var wxauth = new WxLogin')
                self.assertEqual(options['id'], value)
                self.assertNotIn('style', options)
                self.assertNotIn('href', options)

    def test_style_sheet_is_one_of_this_site(self):
        for href, expected in (
            ('/a/b.css', f'{self.site}/a/b.css'), (f'{self.site}/a.css', f'{self.site}/a.css'),
            ('https://evil.example.com/a.css', None), ('//evil.example.com/a.css', None),
            ('data:text/css,a', None), ('javascript:alert(1)', None),
        ):
            with self.subTest(href=href):
                options = self.options(self.login_script(id='q', href=href),
                                       'var wxauth = new WxLogin')
                self.assertEqual(options.get('href'), expected)

    def test_script_is_empty_without_a_website_application(self):
        self.website.active = False
        self.assertEqual(self.login_script(id='qr'), '')

    # === JSSDK === #

    def config(self, referer=None, **params):
        headers = {'Referer': referer} if referer else {}
        return self.url_open(
            '/weixin-config.js?' + '&'.join(f'{key}={value}' for key, value in params.items()),
            headers=headers,
        )

    def test_page_that_loads_the_script_is_signed(self):
        response = self.config(referer=f'{self.site}/shop?a=1')
        self.assertEqual(response.headers['Cache-Control'], 'no-store')
        self.assertEqual(response.headers['Content-Type'], 'text/javascript; charset=utf-8')
        config = self.options(response.text, 'wx.config')
        self.assertEqual(set(config), {
            'debug', 'appId', 'timestamp', 'nonceStr', 'signature', 'jsApiList'})
        self.assertEqual(config['appId'], OFFICIAL)
        self.assertIs(config['debug'], False)
        self.assertEqual(config['jsApiList'], list(JS_API_LIST))
        self.assertEqual(config['signature'], signatures.sign_jssdk(
            TICKET, config['nonceStr'], config['timestamp'], f'{self.site}/shop?a=1'))

    def test_named_page_is_signed_without_its_fragment(self):
        config = self.options(
            self.config(url=f'{self.site}/shop%3Fa=1%23top', debug='true').text, 'wx.config')
        self.assertIs(config['debug'], True)
        self.assertEqual(config['signature'], signatures.sign_jssdk(
            TICKET, config['nonceStr'], config['timestamp'], f'{self.site}/shop?a=1'))

    def test_interfaces_can_be_chosen(self):
        self.official.js_api_list = "scanQRCode\n chooseWXPay,openCard\n"
        config = self.options(self.config(url=f'{self.site}/').text, 'wx.config')
        self.assertEqual(config['jsApiList'], ['scanQRCode', 'chooseWXPay', 'openCard'])

    def foreign_pages(self):
        port = self.site.rpartition(':')[2]
        return (
            'https://evil.example.com/', '//evil.example.com/', '/shop', 'shop', '',
            f'{self.site}.evil.example.com/', f'http://evil@{HOST}:{port}/',
            f'http://{HOST}:{port}@evil.example.com/', f'{self.site}\\@evil.example.com/',
            f'ftp://{HOST}:{port}/', f'http://{HOST}:x/', 'http://[::1/', 'http://127.0.0.2/',
            f'{self.site}/a b', f'{self.site}/\x00', 'javascript:alert(1)',
        )

    def test_foreign_pages_are_not_signed(self):
        for page in self.foreign_pages():
            with self.subTest(page=page):
                answer = self.url_open(
                    '/wechat/jssdk/config', json=self.build_rpc_payload({'url': page})).json()
                self.assertEqual(answer['error']['data']['context']['code'], 'bad_request')
        for value in (None, 1, [], {}):
            answer = self.url_open(
                '/wechat/jssdk/config', json=self.build_rpc_payload({'url': value})).json()
            self.assertEqual(answer['error']['data']['context']['code'], 'bad_request')
        self.assertFalse(self.fake.calls('/cgi-bin/ticket/getticket'))

    def test_script_for_a_foreign_page_says_so_and_signs_nothing(self):
        for response in (
            self.config(referer='https://evil.example.com/'), self.config(),
            self.config(url='https://evil.example.com/', referer=f'{self.site}/'),
        ):
            self.assertEqual(response.status_code, 400)
            self.assertNotIn('wx.config', response.text)
            self.assertRegex(response.text, r'\A/\*[^*]*\*/\n\Z')

    def test_site_without_an_official_account_says_so(self):
        self.official.active = False
        response = self.config(url=f'{self.site}/')
        self.assertEqual(response.status_code, 503)
        self.assertIn('misconfigured', response.text)

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_WeChat_that_gives_no_ticket_is_told(self):
        self.fake.answer('GET', '/cgi-bin/ticket/getticket', {'errcode': -1, 'errmsg': 'busy'})
        response = self.config(url=f'{self.site}/')
        self.assertEqual(response.status_code, 503)
        self.assertIn('wechat_busy', response.text)

    @mute_logger('odoo.addons.wechat.models.wechat_app_request', 'odoo.http')
    def test_pages_that_cost_calls_are_limited_per_address(self):
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', '2')
        self.fake.answer('GET', '/cgi-bin/ticket/getticket', {'errcode': -1, 'errmsg': 'busy'})
        statuses = [self.config(url=f'{self.site}/').status_code for _call in range(3)]
        self.assertEqual(statuses, [503, 503, 429])
        answer = self.url_open('/wechat/jssdk/config', json=self.build_rpc_payload(
            {'url': f'{self.site}/'})).json()
        self.assertEqual(answer['error']['data']['context']['code'], 'rate_limited')
        self.assertEqual(len(self.fake.calls('/cgi-bin/ticket/getticket')), 2)

    def test_pages_that_cost_no_call_are_not_limited(self):
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', '1')
        statuses = [self.config(url=f'{self.site}/').status_code for _call in range(3)]
        self.assertEqual(statuses, [200, 200, 200])
        self.assertEqual(len(self.fake.calls('/cgi-bin/ticket/getticket')), 1)

    def test_configuration_as_data_is_the_same(self):
        response = self.url_open('/wechat/jssdk/config', json=self.build_rpc_payload(
            {'url': f'{self.site}/shop#x', 'appid': OFFICIAL, 'debug': True}))
        self.assertEqual(response.headers['Cache-Control'], 'no-store')
        config = response.json()['result']
        self.assertIs(config['debug'], True)
        self.assertEqual(config['signature'], signatures.sign_jssdk(
            TICKET, config['nonceStr'], config['timestamp'], f'{self.site}/shop'))

    def test_another_official_account_is_chosen_by_appid(self):
        second = self.official.create({
            'name': "Second", 'app_type': 'official_account', 'appid': 'wx00000000000000b1',
            'secret': '0' * 32, 'company_id': self.company.id,
        })
        config = self.options(
            self.config(url=f'{self.site}/', appid=second.appid).text, 'wx.config')
        self.assertEqual(config['appId'], second.appid)
        self.assertEqual(self.config(url=f'{self.site}/', appid=WEBSITE).status_code, 404)

    def test_ticket_appears_nowhere(self):
        self.assertNotIn(TICKET, self.config(url=f'{self.site}/').text)

    def test_pages_of_all_websites_are_signed(self):
        bases = [self.site]
        if 'website' in self.env:
            self.env['website'].search([]).domain = False
            self.env['website'].search([], limit=1).domain = 'https://www.tea.example.com'
            bases.append('https://www.tea.example.com')
        self.assertEqual(self.env['wechat.app']._get_site_bases(), bases)
        for base in bases:
            config = self.options(self.config(url=f'{base}/shop').text, 'wx.config')
            self.assertTrue(config['signature'])
