# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import email
import json
import threading
import time
from urllib.parse import parse_qsl

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatRefused, WeChatUnknown
from odoo.addons.wechat.tests.common import WechatCommon

LOGGER = 'odoo.addons.wechat.models.wechat_app_request'


@tagged('post_install', '-at_install')
class TestRequest(WechatCommon):

    # === WHAT IS SENT === #

    def test_token_is_added_to_the_query(self):
        self.fake.answer('GET', '/cgi-bin/x', {'errcode': 0, 'list': [1]})
        answer = self.app._request('GET', '/cgi-bin/x?type=jsapi', params={'a': '微 信', 'b': None})
        self.assertEqual(answer['list'], [1])
        self.assertEqual(
            self.fake.calls('/cgi-bin/x')[0].query,
            {'type': 'jsapi', 'a': '微 信', 'access_token': 'TOKEN_1'},
        )

    def test_token_is_not_sent_where_it_is_not_wanted(self):
        for path in ('/cgi-bin/x', '/sns/userinfo'):
            self.fake.answer('GET', path, {})
        self.app._request('GET', '/cgi-bin/x', with_token=False)
        self.app._request('GET', '/sns/userinfo', params={'access_token': 'OF_THE_USER'})
        self.app._request('GET', '/sns/userinfo')
        self.assertEqual(
            [request.query for request in self.fake.requests],
            [{}, {'access_token': 'OF_THE_USER'}, {}],
        )

    def test_json_is_sent_as_real_characters(self):
        self.fake.answer('POST', '/cgi-bin/x', {})
        self.app._request('POST', '/cgi-bin/x', json={'thing1': {'value': "茶馆😀"}})
        request = self.fake.calls('/cgi-bin/x')[0]
        self.assertEqual(request.body, '{"thing1":{"value":"茶馆😀"}}'.encode())
        self.assertEqual(request.headers['Content-Type'], 'application/json')

    def test_other_bodies_are_sent_as_they_are(self):
        self.fake.answer('POST', '/cgi-bin/x', {})
        self.app._request('POST', '/cgi-bin/x', data='<xml>茶</xml>')
        self.app._request('POST', '/cgi-bin/x', files={'media': ('茶.png', b'PNG', 'image/png')})
        text, multipart = self.fake.calls('/cgi-bin/x')
        self.assertEqual(text.body, '<xml>茶</xml>'.encode())
        self.assertIn('multipart/form-data', multipart.headers['Content-Type'])

    def test_form_is_sent_quoted(self):
        self.fake.answer('POST', '/cgi-bin/x', {})
        self.app._request('POST', '/cgi-bin/x', data={'a': "茶 &=", 'b': '1'})
        request = self.fake.calls('/cgi-bin/x')[0]
        self.assertEqual(request.headers['Content-Type'], 'application/x-www-form-urlencoded')
        self.assertEqual(dict(parse_qsl(request.body.decode())), {'a': "茶 &=", 'b': '1'})
        self.assertEqual(request.query, {'access_token': 'TOKEN_1'})

    def test_upload_has_the_file_with_its_name_and_the_fields_beside_it(self):
        self.fake.answer('POST', '/cgi-bin/x', {})
        self.app._request(
            'POST', '/cgi-bin/x', data={'description': '{"title": "茶"}'},
            files={'media': ('a.mp4', b'\x00\xff--', 'video/mp4')},
        )
        request = self.fake.calls('/cgi-bin/x')[0]
        message = email.message_from_bytes(
            b'Content-Type: ' + request.headers['Content-Type'].encode() + b'\r\n\r\n'
            + request.body)
        parts = {
            part.get_param('name', header='Content-Disposition'): part
            for part in message.get_payload()
        }
        self.assertEqual(parts['media'].get_filename(), 'a.mp4')
        self.assertEqual(parts['media'].get_content_type(), 'video/mp4')
        self.assertEqual(parts['media'].get_payload(decode=True), b'\x00\xff--')
        self.assertEqual(
            parts['description'].get_payload(decode=True).decode(), '{"title": "茶"}')

    # === WHAT IS ANSWERED === #

    def test_answer_is_utf8_json_whatever_its_content_type(self):
        body = json.dumps({'nickname': "茶馆😀"}, ensure_ascii=False).encode()
        for content_type in ('text/plain', 'text/plain; charset=iso-8859-1', 'image/png', ''):
            self.fake.answer('GET', '/sns/userinfo', body, headers={'Content-Type': content_type})
            with self.subTest(content_type=content_type):
                answer = self.app._request('GET', '/sns/userinfo')
                self.assertEqual(answer['nickname'], "茶馆😀")

    def test_errcode_zero_or_absent_is_a_success(self):
        for answer in ({}, {'errcode': 0}, {'errcode': None}, {'errcode': '0'}):
            self.fake.answer('GET', '/cgi-bin/x', answer)
            self.assertEqual(self.app._request('GET', '/cgi-bin/x'), answer)

    def test_errcode_is_a_refusal_with_word_and_advice(self):
        for errcode, word in (
            (-1, 'wechat_busy'), (40029, 'invalid_code'), (40163, 'code_used'),
            (40226, 'user_blocked'), (45011, 'rate_limited'), (45009, 'rate_limited'),
            (40013, 'misconfigured'), (40164, 'misconfigured'), (48001, 'misconfigured'),
            (47001, 'bad_request'), (99999, 'bad_request'), ('40029', 'invalid_code'),
        ):
            self.fake.answer('GET', '/cgi-bin/x', {'errcode': errcode, 'errmsg': "no rid: 1-2-3"})
            with self.subTest(errcode=errcode), mute_logger(LOGGER), \
                    self.assertRefused(word, int(errcode)) as refused:
                self.app._request('GET', '/cgi-bin/x')
            self.assertIsInstance(refused.exception, WeChatRefused)
            self.assertIsInstance(refused.exception, UserError)
            self.assertIn(str(errcode), str(refused.exception))
            self.assertEqual(refused.exception.errmsg, "no rid: 1-2-3")

    def test_errcode_from_a_call_with_the_secret_means_the_secret(self):
        self.fake.answer('GET', '/sns/jscode2session', {'errcode': 40001, 'errmsg': 'invalid'})
        with mute_logger(LOGGER), self.assertRefused('misconfigured', 40001) as refused:
            self.app._request('GET', '/sns/jscode2session', params={'secret': 'x', 'js_code': 'y'})
        self.assertIn("AppSecret is wrong", str(refused.exception))

    def test_refusal_speaks_the_language_of_the_user(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.fake.answer('GET', '/cgi-bin/x', {'errcode': 40226})
        with mute_logger(LOGGER), self.assertRefused('user_blocked') as refused:
            self.app.with_context(lang='zh_CN')._request('GET', '/cgi-bin/x')
        self.assertIn("高风险用户", str(refused.exception))

    def test_answer_that_cannot_be_read_is_unknown(self):
        for answer in (b'', b'<html>Bad gateway</html>', b'[]', b'7', b'null', b'"text"', b'{"a":',
                       b'\xff\xfe{}', b'[' * 100000, b'{"a":' * 100000,
                       b'{"n":' + b'9' * 5000 + b'}'):
            self.fake.answer('GET', '/cgi-bin/x', answer)
            with self.subTest(answer=answer[:20]), mute_logger(LOGGER), \
                    self.assertRefused('wechat_unavailable') as refused:
                self.app._request('GET', '/cgi-bin/x')
            self.assertIsInstance(refused.exception, WeChatUnknown)
            self.assertIsNone(refused.exception.context['errcode'])

    def test_http_error_and_redirect_are_unknown(self):
        for status in (301, 302, 307, 400, 404, 500, 502, 504):
            self.fake.answer(
                'GET', '/cgi-bin/x', {'openid': 'o1'}, status=status,
                headers={'Location': self.fake.url + '/cgi-bin/elsewhere'},
            )
            with self.subTest(status=status), mute_logger(LOGGER), \
                    self.assertRefused('wechat_unavailable'):
                self.app._request('GET', '/cgi-bin/x')
        self.assertFalse(self.fake.calls('/cgi-bin/elsewhere'))

    def test_silence_is_unknown(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.fake.answer('GET', '/cgi-bin/x', lambda request: release.wait(10) and None)
        self.app._get_token()
        with mute_logger(LOGGER), self.assertRefused('wechat_unavailable') as refused:
            self.app._request('GET', '/cgi-bin/x', timeout=(1, 0.2))
        self.assertTrue(refused.exception.sent)
        self.assertIn("in time", str(refused.exception))

    def test_unreachable_wechat_is_unknown_and_certainly_not_called(self):
        self.env['ir.config_parameter'].set_param('wechat.api_url', 'http://127.0.0.1:1')
        with mute_logger(LOGGER), self.assertRefused('wechat_unavailable') as refused:
            self.app._request('GET', '/cgi-bin/x', with_token=False)
        self.assertFalse(refused.exception.sent)

    def test_raw_answer_is_bytes_and_an_error_in_its_place_is_told_apart(self):
        self.fake.answer('POST', '/wxa/getwxacodeunlimit', b'\x89PNG\r\n\x00{')
        self.assertEqual(
            self.app._request('POST', '/wxa/getwxacodeunlimit', json={}, raw=True),
            b'\x89PNG\r\n\x00{',
        )
        self.fake.answer(
            'POST', '/wxa/getwxacodeunlimit', {'errcode': 45009, 'errmsg': 'limit'},
            headers={'Content-Type': 'image/jpeg'},
        )
        with mute_logger(LOGGER), self.assertRefused('rate_limited', 45009):
            self.app._request('POST', '/wxa/getwxacodeunlimit', json={}, raw=True)
        self.fake.answer('POST', '/wxa/getwxacodeunlimit', b'{"video": 1}')
        self.assertEqual(
            self.app._request('POST', '/wxa/getwxacodeunlimit', json={}, raw=True), b'{"video": 1}',
        )
        self.fake.answer('POST', '/wxa/getwxacodeunlimit', b'')
        with mute_logger(LOGGER), self.assertRefused('wechat_unavailable'):
            self.app._request('POST', '/wxa/getwxacodeunlimit', json={}, raw=True)

    def test_time_out_is_that_of_the_call(self):
        def answer_late(request):
            time.sleep(0.6)
            return {'ok': True}

        self.fake.answer('GET', '/cgi-bin/x', answer_late)
        start = time.monotonic()
        with mute_logger(LOGGER), self.assertRefused('wechat_unavailable') as refused:
            self.app._request('GET', '/cgi-bin/x', with_token=False, timeout=(1, 0.2))
        self.assertLess(time.monotonic() - start, 0.6)
        self.assertTrue(refused.exception.sent)
        self.assertIn("in time", str(refused.exception))
        self.assertTrue(self.app._request('GET', '/cgi-bin/x', with_token=False, timeout=5)['ok'])

    def test_large_file_that_begins_as_an_error_does_is_a_file(self):
        body = b'{"errcode": 40007, "x": "' + b'x' * 70000 + b'"}'
        self.fake.answer('GET', '/cgi-bin/media/get', body)
        self.assertEqual(self.app._request('GET', '/cgi-bin/media/get', raw=True), body)

    def test_token_that_is_refused_for_a_file_is_renewed(self):
        self.fake.answer('GET', '/cgi-bin/media/get', lambda request: (
            b'\xff\xd8PIXELS' if request.query['access_token'] == 'TOKEN_2'
            else {'errcode': 42001}
        ))
        with mute_logger(LOGGER):
            self.assertEqual(
                self.app._request('GET', '/cgi-bin/media/get', raw=True), b'\xff\xd8PIXELS')

    # === WHERE IT IS SENT === #

    def test_complete_url_of_a_configured_host_gets_the_token(self):
        self.fake.answer('GET', '/cgi-bin/x', {})
        self.app._request('GET', self.fake.url + '/cgi-bin/x?a=1#fragment')
        self.app._request('GET', '/cgi-bin/x', host=self.fake.url)
        self.app._request('GET', '/cgi-bin/x', host=self.fake.url.removeprefix('http://'))
        for request in self.fake.calls('/cgi-bin/x'):
            self.assertEqual(request.query['access_token'], 'TOKEN_1')

    def test_other_hosts_get_nothing(self):
        port = self.fake.url.rpartition(':')[2]
        for path, host in (
            ('https://example.com/cgi-bin/x', None),
            ('http://api.weixin.qq.com/cgi-bin/x', None),
            ('https://api.weixin.qq.com.example.com/x', None),
            ('https://api.weixin.qq.com@example.com/x', None),
            ('https://example.com/api.weixin.qq.com', None),
            ('https://api.weixin.qq.com:8443/x', None),
            ('https://xapi.weixin.qq.com/x', None),
            (f'http://localhost:{port}/cgi-bin/x', None),
            (f'{self.fake.url}1/cgi-bin/x', None),
            (f'http://user@127.0.0.1:{port}/cgi-bin/x', None),
            (f'http:\\\\127.0.0.1:{port}\\cgi-bin', None),
            ('file:///etc/passwd', None),
            ('/cgi-bin/x', 'example.com'),
            ('/cgi-bin/x', 'https://example.com'),
            ('/cgi-bin/x', 'http://api.weixin.qq.com'),
            ('/cgi-bin/x', 'api.weixin.qq.com@example.com'),
            ('/cgi-bin/x', 'api.weixin.qq.com/@example.com'),
            ('/cgi bin\r\nHost: example.com', None),
        ):
            with self.subTest(path=path, host=host), self.assertRefused('bad_request'):
                self.app._request('GET', path, host=host)
        self.assertFalse(self.fake.requests)

    def test_path_cannot_leave_the_host(self):
        self.fake.answer('GET', '/example.com/x', {})
        self.fake.answer('GET', '/@example.com/x', {})
        self.app._request('GET', '//example.com/x')
        self.app._request('GET', '@example.com/x')
        self.assertEqual(len(self.fake.requests), 3)

    # === STATE OF THE APP === #

    def test_misconfiguration_is_shown_on_the_app_until_a_call_succeeds(self):
        self.fake.answer(
            'GET', '/cgi-bin/x',
            {'errcode': 40164, 'errmsg': 'invalid ip 192.0.2.7, not in whitelist'},
        )
        with mute_logger(LOGGER), self.assertRefused('misconfigured'):
            self.app._request('GET', '/cgi-bin/x')
        self.assertEqual(self.app.state, 'error')
        self.assertEqual(self.app.last_errcode, 40164)
        self.assertIn('192.0.2.7', self.app.last_error)
        self.assertIn("IP allow list", self.app.advice)
        self.assertIn("IP白名单", self.app.with_context(lang='zh_CN').advice)
        self.fake.answer('GET', '/cgi-bin/x', {})
        self.app._request('GET', '/cgi-bin/x')
        self.assertEqual(self.app.state, 'ok')
        self.assertFalse(self.app.last_error or self.app.advice or self.app.last_error_date)

    def test_failures_of_users_do_not_change_the_state(self):
        for errcode in (40029, 40163, 40226, 45011, -1):
            self.fake.answer('GET', '/sns/jscode2session', {'errcode': errcode})
            with mute_logger(LOGGER), self.assertRaises(WeChatRefused):
                self.app._request('GET', '/sns/jscode2session')
        self.assertEqual(self.app.state, 'new')

    def test_outage_is_shown_on_the_app(self):
        self.fake.answer('GET', '/cgi-bin/x', 'garbage', status=502)
        with mute_logger(LOGGER), self.assertRefused('wechat_unavailable'):
            self.app._request('GET', '/cgi-bin/x', with_token=False)
        self.assertEqual((self.app.state, self.app.last_error), ('error', 'HTTP 502'))
        self.assertIn("reach", self.app.advice)

    def test_check_says_whether_the_credentials_are_right(self):
        action = self.app.action_check_credentials()
        self.assertEqual(action['params']['type'], 'success')
        self.assertEqual(self.app.state, 'ok')
        self.assertTrue(self.app.last_check)
        self.fake.answer('POST', '/cgi-bin/stable_token', {'errcode': 40001, 'errmsg': 'invalid'})
        with mute_logger(LOGGER):
            action = self.app.action_check_credentials()
        self.assertEqual(action['params']['type'], 'danger')
        self.assertIn("AppSecret is wrong", action['params']['message'])
        self.assertEqual(self.app.state, 'error')
        self.assertIn("AppSecret is wrong", self.app.advice)
        self.app.secret = 'NEW'
        self.assertEqual(self.app.state, 'new')
        self.assertFalse(self.app.advice or self.app.last_error)
        self.app.secret = False
        calls = len(self.fake.requests)
        action = self.app.action_check_credentials()
        self.assertIn("missing", action['params']['message'])
        self.assertIn("Enter the AppSecret", self.app.advice)
        self.assertEqual(len(self.fake.requests), calls)
