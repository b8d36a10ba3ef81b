# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import time
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.protocol.push_crypto import PushCrypto
from odoo.addons.wechat_open_platform.tests.component_common import (
    ACCOUNT,
    AES_KEY,
    COMPONENT,
    LOGGERS,
    TOKEN,
    ComponentCommon,
)

KIND = 'component_verify_ticket'


@tagged('post_install', '-at_install')
class TestTicket(ComponentCommon):

    def test_ticket_is_kept_and_answered_with_success(self):
        response = self.send_ticket('TICKET_1')
        self.assertEqual((response.status_code, response.text), (200, 'success'))
        self.assertEqual(self.stored(KIND), 'TICKET_1')
        self.component.invalidate_recordset()
        age = fields.Datetime.now() - self.component.ticket_received_at
        self.assertLess(abs(age), timedelta(minutes=1))

    def test_newer_ticket_replaces_and_older_does_not(self):
        now = int(time.time())
        self.send_ticket('TICKET_1', CreateTime=now - 600)
        self.send_ticket('TICKET_2', CreateTime=now)
        self.assertEqual(self.stored(KIND), 'TICKET_2')
        self.assertEqual(self.send_ticket('TICKET_1', CreateTime=now - 600).text, 'success')
        self.assertEqual(self.send_ticket('TICKET_3', CreateTime=now).text, 'success')
        self.assertEqual(self.stored(KIND), 'TICKET_2')

    @mute_logger(*LOGGERS)
    def test_forged_ticket_is_refused_without_a_hint(self):
        for crypto in (
            PushCrypto('another2026', AES_KEY, COMPONENT),
            PushCrypto(TOKEN, AES_KEY[::-1], COMPONENT),
            PushCrypto(TOKEN, AES_KEY, ACCOUNT),
        ):
            response = self.send_ticket(crypto=crypto)
            self.assertEqual((response.status_code, response.text), (403, ''))
        self.assertFalse(self.stored(KIND))

    @mute_logger(*LOGGERS)
    def test_push_of_ten_minutes_ago_is_refused(self):
        self.assertEqual(self.send_ticket(offset=-301).status_code, 403)
        self.assertEqual(self.send_ticket(offset=305).status_code, 403)
        self.assertFalse(self.stored(KIND))

    @mute_logger(*LOGGERS)
    def test_ticket_from_the_future_is_refused(self):
        response = self.send_ticket(CreateTime=int(time.time()) + 3600)
        self.assertEqual(response.status_code, 403)
        self.assertFalse(self.stored(KIND))

    @mute_logger(*LOGGERS)
    def test_event_that_names_another_component_is_refused(self):
        self.assertEqual(self.send_ticket(appid=ACCOUNT).status_code, 403)
        self.component.invalidate_recordset()
        self.assertEqual(self.component.push_problem, 'appid_mismatch')

    @mute_logger(*LOGGERS)
    def test_unencrypted_event_is_refused(self):
        timestamp, nonce = str(int(time.time())), '1'
        signature = self.crypto.signature(timestamp, nonce)
        response = self.url_open(
            f'/wechat/component/{COMPONENT}/event?signature={signature}&timestamp={timestamp}'
            f'&nonce={nonce}',
            data=f'<xml><AppId>{COMPONENT}</AppId><CreateTime>{timestamp}</CreateTime>'
                 '<InfoType>component_verify_ticket</InfoType>'
                 '<ComponentVerifyTicket>FORGED</ComponentVerifyTicket></xml>',
        )
        self.assertEqual(response.status_code, 403)
        self.assertFalse(self.stored(KIND))

    def test_unknown_archived_and_other_apps_look_alike(self):
        self.assertEqual(self.push('wx00000000000000cf/event', {}).status_code, 403)
        self.app.write({'push_token': TOKEN, 'push_aes_key': AES_KEY})
        self.assertEqual(self.push(f'{self.app.appid}/event', {}).status_code, 403)
        self.component.active = False
        self.assertEqual(self.send_ticket().status_code, 403)

    def test_event_that_nobody_knows_is_answered_with_success(self):
        self.assertEqual(self.event('something_new').text, 'success')

    @mute_logger(*LOGGERS)
    def test_without_a_ticket_the_error_says_what_to_do(self):
        with self.assertRefused('misconfigured') as refused:
            self.component._get_token('component_access_token')
        self.assertIn('Start Ticket Pushes', str(refused.exception))
        self.assertFalse(self.calls('component_token'))
        self.component.invalidate_recordset()
        self.assertEqual(self.component.state, 'error')
        self.assertIn('Start Ticket Pushes', self.component.advice)

    def test_ticket_is_no_good_after_twelve_hours(self):
        self.component._store_ticket('OLD', fields.Datetime.now() - timedelta(hours=12, seconds=1))
        with self.assertRefused('misconfigured') as refused:
            self.component._get_token('component_access_token')
        self.assertIn('twelve hours', str(refused.exception))

    def test_component_token_is_fetched_once_with_ticket_and_secret(self):
        self.send_ticket()
        self.assertEqual(self.component._get_token('component_access_token'), 'COMPONENT_1')
        self.assertEqual(self.component._get_token('component_access_token'), 'COMPONENT_1')
        self.assertEqual([call.json for call in self.calls('component_token')], [{
            'component_appid': COMPONENT, 'component_appsecret': self.component.secret,
            'component_verify_ticket': 'TICKET_1',
        }])
        self.component.invalidate_recordset()
        self.assertTrue(self.component.token_expires_at)

    @mute_logger(*LOGGERS)
    def test_refused_component_token_is_renewed_once_and_the_call_repeated(self):
        self.send_ticket()
        answers = [{'errcode': 42001, 'errmsg': 'expired'}, {'pre_auth_code': 'P', 'expires_in': 9}]
        self.fake.answer(
            'POST', '/cgi-bin/component/api_create_preauthcode', lambda request: answers.pop(0))
        self.assertEqual(self.component._create_pre_auth_code(), 'P')
        self.assertEqual(len(self.calls('component_token')), 2)

    @mute_logger(*LOGGERS)
    def test_component_token_that_is_refused_again_is_not_renewed_in_a_loop(self):
        self.send_ticket()
        self.fake.answer('POST', '/cgi-bin/component/api_create_preauthcode', {'errcode': 40001})
        with self.assertRefused('misconfigured', 40001):
            self.component._create_pre_auth_code()
        with self.assertRefused('rate_limited'):
            self.component._create_pre_auth_code()
        self.assertEqual(len(self.calls('component_token')), 2)
        later = fields.Datetime.now() + timedelta(seconds=31)
        with patch.object(fields.Datetime, 'now', lambda: later), \
                self.assertRefused('misconfigured', 40001):
            self.component._create_pre_auth_code()
        self.assertEqual(len(self.calls('component_token')), 3)

    def test_button_asks_wechat_to_push_tickets(self):
        self.fake.answer('POST', '/cgi-bin/component/api_start_push_ticket', {'errcode': 0})
        self.component.action_start_push_ticket()
        call, = self.calls('start_push_ticket')
        self.assertEqual(call.query, {})
        self.assertEqual(call.json, {
            'component_appid': COMPONENT, 'component_secret': self.component.secret})

    def test_secret_and_ticket_are_in_no_error_and_no_log(self):
        self.send_ticket()
        for name, call in (
            ('component_token', lambda: self.component._get_token('component_access_token')),
            ('start_push_ticket', self.component.action_start_push_ticket),
        ):
            self.fake.answer('POST', f'/cgi-bin/component/api_{name}', {
                'errcode': 40125, 'errmsg': f'no {self.component.secret} TICKET_1 is this'})
            with self.subTest(name=name), self.assertLogs(LOGGERS[0]) as logs, \
                    self.assertRefused('misconfigured', 40125) as refused:
                call()
            self.component.invalidate_recordset()
            for text in (str(refused.exception), self.component.last_error, *logs.output):
                self.assertNotIn(self.component.secret, text)
                if name == 'component_token':
                    self.assertNotIn('TICKET_1', text)

    def test_ticket_is_for_nobody_to_read(self):
        self.send_ticket()
        self.assertEqual(self.component.token_ids.mapped('kind'), [KIND])
        with self.assertRaises(AccessError):
            self.component.token_ids.with_user(self.env.ref('base.user_admin')).read(['value'])
