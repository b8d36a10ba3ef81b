# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64
import io
import os

import requests
from PIL import Image

from odoo.tests import HOST, tagged
from odoo.tools import mute_logger

from .common import MiniprogramCommon
from .subscribe_common import CALLS, SUBSCRIBE
from .test_codes import SCENE

FIRST = 'wx0000000000000002'
PUSH_TOKEN, AES_KEY = 'teahouse2026', 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
CONTENT = "商品:{{thing1.DATA}}\n单号:{{character_string2.DATA}}\n状态:{{enum_string3.DATA}}\n"


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxReaching(MiniprogramCommon):
    """Messages, codes, links and checks against the project's sandbox."""

    def setUp(self):
        super().setUp()
        self.sandbox = os.environ['WECHAT_SANDBOX_URL'].rstrip('/')
        parameters = self.env['ir.config_parameter']
        parameters.set_param('wechat.api_url', self.sandbox)
        parameters.set_param('web.base.url', self.base_url())
        self.control('POST', 'reset')
        apps = {one['appid']: one['secret'] for one in self.control('GET', 'world')['apps']}
        self.app.write({
            'secret': apps[FIRST], 'push_token': PUSH_TOKEN, 'push_aes_key': AES_KEY,
            'push_mode': 'secure',
        })
        code = self.control('POST', 'login_code', appid=FIRST)
        self.user = code['user']
        self.session_id = self.authenticate_phone(code=code['code'])['session_id']
        self.person = self.identity(code['openid'])
        self.partner = self.person.partner_id

    def control(self, method, path, /, **body):
        """Call the control API of the sandbox, which may call Odoo."""
        self.env.flush_all()
        with self.allow_requests(all_requests=True):
            response = requests.request(
                method, f'{self.sandbox}/_sandbox/{path}', json=body or None, timeout=20,
            )
        self.assertEqual(response.status_code, 200, response.text)
        return response.json()

    def miniprogram(self, method='GET', path='', /, **body):
        return self.control(method, f'miniprograms/{FIRST}{path}', **body)

    def configure_push(self, form='JSON'):
        """Enter the address in WeChat's console."""
        self.control(
            'POST', 'push_config', appid=FIRST, token=PUSH_TOKEN, encoding_aes_key=AES_KEY,
            url=f'{self.base_url()}/wechat/push/{FIRST}', format=form,
        )

    def add_template(self, **values):
        """Add a template on WeChat's side and fetch it."""
        template_id = self.miniprogram(
            'POST', '/templates', title="发货提醒", content=CONTENT,
            enums={'enum_string3': ["已发货", "已签收"]}, **values,
        )['template_id']
        self.app._fetch_subscribe_templates()
        template = self.env['wechat.message.template'].search([('template_id', '=', template_id)])
        template.write({
            'model_id': self.env['ir.model']._get('res.partner').id,
            'page': 'pages/contact/contact?id={{ object.id }}',
        })
        lines = {line.key: line for line in template.line_ids}
        lines['thing1'].field_path = 'name'
        lines['character_string2'].text = 'S00042'
        lines['enum_string3'].text = "已发货"
        return template

    def tap(self, *templates, report=True, **values):
        """Let the person tap, and the client tell Odoo."""
        answer = self.miniprogram(
            'POST', '/request_subscribe_message', user=self.user,
            tmplIds=[template.template_id for template in templates], **values,
        )
        if report:
            self.post(SUBSCRIBE, {'results': answer['result']}, self.session_id)
        return answer

    def consent(self, template):
        consent = self.env['wechat.subscribe.consent'].search([('template_id', '=', template.id)])
        consent.invalidate_recordset()
        return consent

    def run_cron(self, name='wechat.cron_send_messages'):
        self.env.flush_all()
        self.env.ref(name).method_direct_trigger()
        self.env.invalidate_all()

    # === SUBSCRIBE MESSAGES === #

    def test_one_tap_is_one_message(self):
        template = self.add_template()
        self.tap(template)
        logs = template._queue(self.partner) + template._queue(self.partner)
        self.run_cron()
        self.assertEqual(logs.mapped('state'), ['sent', 'failed'])
        message, = self.miniprogram()['messages']
        self.assertEqual(message['page'], f'pages/contact/contact?id={self.partner.id}')
        self.assertEqual(message['msgid'], int(logs[0].msgid))
        self.assertEqual(self.miniprogram()['consents'][0]['count'], 0)

    def test_tap_that_client_and_event_tell_of_counts_once(self):
        template = self.add_template()
        for number, form in enumerate(('JSON', 'XML')):
            # Nobody taps twice within a second: that is the same event again.
            self.control('POST', 'clock', offset=number)
            self.configure_push(form)
            pushed = self.tap(template)['push']
            self.assertEqual(pushed['problem'], None, pushed)
        self.control('POST', 'clock', offset=2)
        self.tap(template, report=False)
        self.assertEqual(self.consent(template).remaining, 3)
        self.assertEqual(self.miniprogram()['consents'][0]['count'], 3)

    @mute_logger(CALLS)
    def test_consent_withdrawn_in_the_settings_ends_the_messages(self):
        template = self.add_template()
        self.configure_push()
        self.tap(template)
        self.miniprogram('POST', '/refuse', user=self.user, push=False)
        with self.assertRefused('user_blocked', 43101):
            self.person._send_subscribe_message(template, '', {
                'thing1': "茶", 'character_string2': '1', 'enum_string3': "已签收"})
        self.assertEqual(self.consent(template).remaining, 0)
        self.miniprogram('POST', '/refuse', user=self.user, refused=False)
        self.tap(template)
        self.miniprogram('POST', '/refuse', user=self.user, tmplIds=[template.template_id])
        self.assertEqual((self.consent(template).remaining, self.consent(template).answer),
                         (0, 'reject'))

    def test_delivery_is_told(self):
        template = self.add_template()
        self.configure_push()
        for answers_msgid in (True, False):
            self.miniprogram('PATCH', '', answers_msgid=answers_msgid)
            self.tap(template)
            log = template._queue(self.partner)
            self.run_cron()
            self.assertEqual(bool(log.msgid), answers_msgid)
            self.miniprogram(
                'POST', '/report_sent', msgid=self.miniprogram()['messages'][-1]['msgid'])
            log.invalidate_recordset()
            self.assertEqual(log.state, 'delivered')

    @mute_logger(CALLS)
    def test_page_that_is_not_published_and_bans_leave_the_consent(self):
        template = self.add_template()
        self.tap(template)
        self.miniprogram('PATCH', '', pages=['pages/index/index'])
        log = template._queue(self.partner)
        self.run_cron()
        self.assertEqual((log.state, log.errcode), ('failed', 41030))
        self.miniprogram('PATCH', '', pages=['pages/contact/contact'], ability_banned=True)
        log.action_send_again()
        self.run_cron()
        self.assertEqual((log.state, log.errcode), ('failed', 43107))
        self.assertEqual(self.consent(template).remaining, 1)
        self.miniprogram('PATCH', '', ability_banned=False)
        log.action_send_again()
        self.run_cron()
        self.assertEqual((log.state, self.consent(template).remaining), ('sent', 0))

    @mute_logger(CALLS)
    def test_quota_of_the_day_waits(self):
        template = self.add_template()
        self.tap(template)
        self.control('POST', 'quotas', appid=FIRST, path='/cgi-bin/message/subscribe/send',
                     used=10000)
        log = template._queue(self.partner)
        self.run_cron()
        self.assertEqual((log.state, log.errcode), ('queued', 45009))
        self.assertEqual(self.consent(template).remaining, 1)

    @mute_logger(CALLS)
    def test_answer_that_is_lost_is_not_sent_again(self):
        template = self.add_template()
        self.tap(template)
        self.tap(template)
        self.control('POST', 'faults', path='/cgi-bin/message/subscribe/send', action='drop')
        log = template._queue(self.partner)
        self.run_cron()
        self.run_cron()
        self.assertEqual((log.state, len(self.miniprogram()['messages'])), ('unknown', 1))
        self.assertEqual(self.consent(template).remaining, 1)
        self.assertEqual(self.miniprogram()['consents'][0]['count'], 1)

    # === CODES AND LINKS === #

    def test_code_of_a_record_leads_back_to_it(self):
        page = self.env['wechat.miniprogram.page'].create({
            'name': "Contact", 'app_id': self.app.id, 'path': 'pages/contact/contact',
            'model_id': self.env['ir.model']._get('res.partner').id,
            'query': 'id={{ object.id }}&name={{ object.name }}',
        })
        self.partner.name = "陈 & 茶"
        wizard = self.env['wechat.miniprogram.code'].with_context(
            active_model='res.partner', active_ids=self.partner.ids, default_page_id=page.id,
            default_width=300,
        ).create({})
        wizard.action_make()
        picture = Image.open(io.BytesIO(base64.b64decode(wizard.line_ids.image)))
        self.assertEqual(picture.size, (300, 300))
        code, = self.miniprogram()['codes']
        self.assertEqual(code['page'], 'pages/contact/contact')
        answer = self.post(SCENE, {'scene': code['scene']}).json()['result']
        self.assertEqual(answer['query'], {'id': str(self.partner.id), 'name': "陈 & 茶"})

    @mute_logger(CALLS)
    def test_code_to_a_page_that_is_not_published_is_refused(self):
        self.miniprogram('PATCH', '', pages=['pages/index/index'])
        with self.assertRefused('bad_request', 41030):
            self.app._make_unlimited_code('id=5', 'pages/other/other')
        self.app._make_unlimited_code('id=5', 'pages/other/other', check_path=False)
        self.app._make_unlimited_code('id=5', 'pages/other/other', env_version='trial')
        with self.assertRefused('bad_request', 40165):
            self.app._make_url_link('pages/other/other')

    @mute_logger(CALLS)
    def test_codes_of_the_limited_kind_run_out(self):
        self.miniprogram('PATCH', '', code_count=99_999)
        self.app._make_code('pages/a?id=5')
        with self.assertRefused('bad_request', 45029):
            self.app._make_code('pages/a?id=5')

    @mute_logger(CALLS)
    def test_links_are_made(self):
        self.assertTrue(self.app._make_url_link('pages/a', 'id=5').startswith('https://'))
        self.assertTrue(self.app._make_scheme('pages/a', days=1).startswith('weixin://'))
        self.assertTrue(
            self.app._make_short_link('pages/a', 'id=5', title="茶").startswith('#小程序://茶/'))
        self.miniprogram('PATCH', '', published=False)
        with self.assertRefused('bad_request', 85079):
            self.app._make_url_link('pages/a')

    # === CONTENT CHECKS === #

    def rename(self, nickname):
        return self.post(
            '/wechat/miniprogram/user_info', {'nickName': nickname}, self.session_id).json()

    def test_texts_are_checked(self):
        self.app.check_content = True
        self.assertEqual(self.rename("小红")['result']['nickName'], "小红")
        error = self.rename("违禁品")['error']
        self.assertEqual(error['data']['context'], {'code': 'bad_request', 'errcode': 87014})
        self.rename("疑似")
        check = self.env['wechat.content.check'].search([('app_id', '=', self.app.id)])
        self.assertEqual((check.state, check.content), ('review', "疑似"))

    def test_picture_is_loaded_by_wechat_and_removed_when_risky(self):
        self.app.check_content = True
        self.configure_push()
        stream = io.BytesIO()
        Image.new('RGB', (60, 60), 'red').save(stream, 'PNG')
        self.opener.cookies.clear()
        self.opener.cookies.set('session_id', self.session_id, domain=HOST)
        self.url_open(
            '/wechat/miniprogram/avatar', data={},
            files={'file': ('a.png', stream.getvalue(), 'image/png')},
        ).raise_for_status()
        self.assertTrue(self.partner.image_1920)
        self.run_cron('wechat_miniprogram.cron_send_content_checks')
        trace_id = self.miniprogram()['checks'][0]['trace_id']
        done = self.miniprogram('POST', '/finish_check', trace_id=trace_id, suggest='risky')
        self.assertEqual(done['downloaded']['status'], 200, done)
        self.assertTrue(done['downloaded']['type'].startswith('image/'))
        self.assertEqual(done['push']['problem'], None, done)
        self.env.invalidate_all()
        self.assertFalse(self.partner.image_1920)
