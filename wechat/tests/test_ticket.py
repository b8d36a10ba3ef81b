# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.tests.common import WechatCommon

LOGGER = 'odoo.addons.wechat.models.wechat_app_request'
TOKENS = 'odoo.addons.wechat.models.wechat_app_token'
TICKET = '/cgi-bin/ticket/getticket'
TOKEN = '/cgi-bin/stable_token'


@tagged('post_install', '-at_install')
class TestTicket(WechatCommon):

    def setUp(self):
        super().setUp()
        self.fake.answer('GET', TICKET, self._answer_ticket)

    def _answer_ticket(self, request):
        return {
            'errcode': 0, 'errmsg': 'ok', 'ticket': f"TICKET_{request.query['type']}",
            'expires_in': 7200,
        }

    def _stored(self, kind):
        return self.env['wechat.token'].search([('app_id', '=', self.app.id), ('kind', '=', kind)])

    def test_tickets_are_fetched_once_and_kept_apart(self):
        for _number in range(2):
            self.assertEqual(self.app._get_token('jsapi_ticket'), 'TICKET_jsapi')
            self.assertEqual(self.app._get_token('wx_card_ticket'), 'TICKET_wx_card')
        self.assertEqual(
            [request.query for request in self.fake.calls(TICKET)],
            [{'type': 'jsapi', 'access_token': 'TOKEN_1'},
             {'type': 'wx_card', 'access_token': 'TOKEN_1'}],
        )
        self.assertEqual(len(self.fake.calls(TOKEN)), 1)
        self.assertEqual(self._stored('wx_card_ticket').sudo().value, 'TICKET_wx_card')

    def test_ticket_is_renewed_five_minutes_before_it_expires(self):
        start = fields.Datetime.now()
        for seconds, calls in ((0, 1), (6899, 1), (6900, 2)):
            with freeze_time(start + timedelta(seconds=seconds)):
                self.app._get_token('jsapi_ticket')
            self.assertEqual(len(self.fake.calls(TICKET)), calls)

    def test_lifetime_of_tickets_can_be_overridden(self):
        self.app.token_lifetime = 1000
        start = fields.Datetime.now()
        with freeze_time(start):
            self.app._get_token('jsapi_ticket')
        self.assertEqual(self._stored('jsapi_ticket').expires_at, start + timedelta(seconds=1000))

    def test_token_that_is_refused_for_a_ticket_is_renewed_once(self):
        self.app._get_token()
        self.fake.answer('GET', TICKET, lambda request: (
            self._answer_ticket(request) if request.query['access_token'] == 'TOKEN_2'
            else {'errcode': 40001}
        ))
        with mute_logger(LOGGER):
            self.assertEqual(self.app._get_token('jsapi_ticket'), 'TICKET_jsapi')
        self.assertEqual(
            [request.query['access_token'] for request in self.fake.calls(TICKET)],
            ['TOKEN_1', 'TOKEN_2'],
        )
        self.assertEqual(self.app._get_token(), 'TOKEN_2')

    def test_token_that_stays_refused_for_a_ticket_is_an_error_after_two_calls(self):
        self.fake.answer('GET', TICKET, {'errcode': 42001})
        with mute_logger(LOGGER), self.assertRefused('misconfigured', 42001):
            self.app._get_token('jsapi_ticket')
        self.assertEqual(len(self.fake.calls(TICKET)), 2)
        self.assertFalse(self._stored('jsapi_ticket').sudo().value)

    def test_unusable_ticket_answers_are_not_kept(self):
        for answer in ({}, {'ticket': ''}, {'ticket': 'T'}, {'ticket': 'T', 'expires_in': 0},
                       {'ticket': 'T', 'expires_in': True}, {'ticket': ['T'], 'expires_in': 1},
                       {'ticket': 'T' * 1025, 'expires_in': 1}, {'ticket': 'a\nb', 'expires_in': 1},
                       {'ticket': 'T', 'expires_in': 10**12}):
            self.fake.answer('GET', TICKET, answer)
            with self.subTest(answer=answer), mute_logger(LOGGER), \
                    self.assertRefused('wechat_unavailable'):
                self.app._get_token('jsapi_ticket')
        self.assertFalse(self._stored('jsapi_ticket').sudo().value)

    def test_refused_ticket_is_fetched_again_without_forcing_the_token(self):
        self.app._get_token('jsapi_ticket')
        self.fake.answer('GET', TICKET, {'ticket': 'ANOTHER', 'expires_in': 7200})
        self.assertEqual(self.app._renew_token('TICKET_jsapi', 'jsapi_ticket'), 'ANOTHER')
        self.assertEqual(len(self.fake.calls(TICKET)), 2)
        self.assertEqual(len(self.fake.calls(TOKEN)), 1)

    def test_apps_of_other_types_have_no_tickets(self):
        self.app.app_type = 'website'
        with self.assertRefused('bad_request'):
            self.app._get_token('jsapi_ticket')
        self.assertFalse(self.fake.requests)

    # === TROUBLE SHORTLY BEFORE THE END === #

    def test_token_is_used_to_its_end_while_it_cannot_be_renewed(self):
        start = fields.Datetime.now()
        with freeze_time(start):
            self.app._get_token()
        calls = len(self.fake.calls(TOKEN))
        for answer in (None, {'errcode': -1}, {'errcode': 45009}):
            self.fake.answer('POST', TOKEN, answer)
            for seconds in (6901, 6930, 6960):
                with freeze_time(start + timedelta(seconds=seconds)), mute_logger(LOGGER, TOKENS):
                    self.assertEqual(self.app._get_token(), 'TOKEN_1')
            self.env['wechat.token'].search([]).sudo().failed_at = False
            self.env.flush_all()
        # Not more often than once a minute.
        self.assertEqual(len(self.fake.calls(TOKEN)) - calls, 3)
        self.assertEqual(self.app.state, 'new')
        with freeze_time(start + timedelta(seconds=7201)), mute_logger(LOGGER), \
                self.assertRefused('rate_limited', 45009):
            self.app._get_token()

    def test_renewal_that_failed_is_tried_again_after_a_minute(self):
        start = fields.Datetime.now()
        with freeze_time(start):
            self.app._get_token()
        self.fake.answer('POST', TOKEN, None)
        with freeze_time(start + timedelta(seconds=6901)), mute_logger(LOGGER, TOKENS):
            self.app._get_token()
        self.token_count = 1
        self.fake.answer('POST', TOKEN, {'access_token': 'NEW', 'expires_in': 7200})
        with freeze_time(start + timedelta(seconds=6962)):
            self.assertEqual(self.app._get_token(), 'NEW')
        self.assertFalse(self._stored('access_token').failed_at)

    def test_refused_token_is_not_used_because_it_cannot_be_renewed(self):
        self.app._get_token()
        self.fake.answer('POST', TOKEN, None)
        with mute_logger(LOGGER), self.assertRefused('wechat_unavailable'):
            self.app._renew_token('TOKEN_1')
