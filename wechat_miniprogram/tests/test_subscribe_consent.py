# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.tests.push_common import LOGGERS

from .subscribe_common import EVENTS, OPENID, SUBSCRIBE, SubscribeCommon


@tagged('post_install', '-at_install')
class TestSubscribeConsent(SubscribeCommon):

    # === THE CLIENT === #

    def test_consent_is_one_message(self):
        self.assertEqual(self.agree()['result'], {'remaining': {'TEMPLATE_1': 1}})
        self.assertEqual(self.agree()['result'], {'remaining': {'TEMPLATE_1': 2}})
        consent = self.consent()
        self.assertEqual((consent.remaining, consent.answer), (2, 'accept'))
        self.assertEqual(consent.partner_id, self.partner)

    def test_what_wx_returned_may_be_sent_as_it_is(self):
        other = self.add_template('TEMPLATE_2')
        answer = self.agree(
            errMsg='requestSubscribeMessage:ok', TEMPLATE_1='accept', TEMPLATE_2='reject')
        self.assertEqual(answer['result'], {'remaining': {'TEMPLATE_1': 1, 'TEMPLATE_2': 0}})
        self.assertEqual(self.consent(other).answer, 'reject')

    def test_refusals_are_no_consent(self):
        for answer in ('reject', 'ban', 'filter'):
            self.assertEqual(self.agree(answer)['result'], {'remaining': {'TEMPLATE_1': 0}})
            self.assertEqual(self.consent().answer, answer)

    def test_refusal_leaves_what_was_given_before(self):
        self.agree()
        self.assertEqual(self.agree('reject')['result'], {'remaining': {'TEMPLATE_1': 1}})

    def test_consent_to_a_long_term_template_is_for_any_number(self):
        self.template.is_long_term = True
        self.assertEqual(self.agree()['result'], {'remaining': {'TEMPLATE_1': None}})
        self.assertTrue(self.consents._allows(self.person, self.template))
        for _message in range(3):
            self.assertTrue(self.consents._take(self.person, self.template))
        self.agree('reject')
        self.assertFalse(self.consents._allows(self.person, self.template))

    def test_template_of_another_app_is_refused_and_nothing_is_stored(self):
        other = self.create_app()
        self.add_template('TEMPLATE_OF_OTHER', app=other)
        for results in ({'TEMPLATE_OF_OTHER': 'accept'}, {'unknown': 'accept'},
                        {'TEMPLATE_1': 'accept', 'TEMPLATE_OF_OTHER': 'accept'}):
            with self.subTest(results=results):
                error = self.agree(**results)['error']
                self.assertEqual(
                    error['data']['context'], {'code': 'bad_request', 'errcode': None})
                self.assertFalse(self.consents.search([]).filtered('remaining'))

    def test_what_is_no_answer_is_refused(self):
        for results in (None, [], 'accept', {}, {'errMsg': 'ok'}, {'TEMPLATE_1': 'yes'},
                        {'TEMPLATE_1': None}, {'TEMPLATE_1': ['accept']}, {'TEMPLATE_1': True},
                        {str(number): 'accept' for number in range(6)}):
            with self.subTest(results=results):
                error = self.post(SUBSCRIBE, {'results': results}, self.session_id).json()['error']
                self.assertEqual(error['data']['context']['code'], 'bad_request')
        self.assertFalse(self.consent())

    def test_nobody_consents_for_anybody_else(self):
        self.assertIn('error', self.post(SUBSCRIBE, {'results': {'TEMPLATE_1': 'accept'}}).json())
        self.wechat_says(openid='openid-of-ben')
        session_id = self.authenticate_phone(code='code-2')['session_id']
        self.agree(session_id=session_id)
        self.assertFalse(self.consent())
        self.assertEqual(self.consent(person=self.identity('openid-of-ben')).remaining, 1)

    def test_client_that_reports_without_end_is_not_believed(self):
        for _tap in range(25):
            self.agree()
        self.assertEqual(self.consent().remaining, 20)

    # === THE EVENTS === #

    def test_event_is_a_consent(self):
        for is_json in (False, True):
            self.assertSuccess(self.popup(is_json=is_json))
        self.assertEqual(self.consent().remaining, 2)

    def test_one_tap_told_by_both_counts_once_in_either_order(self):
        self.agree()
        self.popup()
        self.assertEqual(self.consent().remaining, 1)
        self.popup()
        self.agree()
        self.assertEqual(self.consent().remaining, 2)

    def test_event_that_comes_twice_counts_once(self):
        fields = self.event('subscribe_msg_popup_event')
        fields['FromUserName'] = OPENID
        fields['List'] = {'TemplateId': 'TEMPLATE_1', 'SubscribeStatusString': 'accept'}
        for _delivery in range(3):
            self.assertSuccess(self.push(fields, is_json=True))
        self.assertEqual(self.consent().remaining, 1)

    def test_event_with_several_templates(self):
        other = self.add_template('TEMPLATE_2')
        entries = [
            {'TemplateId': 'TEMPLATE_1', 'SubscribeStatusString': 'accept', 'PopupScene': '0'},
            {'TemplateId': 'TEMPLATE_2', 'SubscribeStatusString': 'reject', 'PopupScene': '0'},
            {'TemplateId': 'unknown', 'SubscribeStatusString': 'accept', 'PopupScene': '0'},
        ]
        for is_json in (False, True):
            self.push_list('subscribe_msg_popup_event', *entries, is_json=is_json)
        self.assertEqual((self.consent().remaining, self.consent(other).remaining), (2, 0))
        self.assertEqual(self.consent(other).answer, 'reject')

    @mute_logger(*LOGGERS, EVENTS)
    def test_events_in_plain_mode_change_nothing(self):
        self.give()
        self.app.push_mode = 'plain'
        self.assertSuccess(self.popup(mode='plain', is_json=True))
        self.assertSuccess(self.push_list('subscribe_msg_change_event', {
            'TemplateId': 'TEMPLATE_1', 'SubscribeStatusString': 'reject',
        }, mode='plain', is_json=True))
        self.assertEqual(self.consent().remaining, 1)

    def test_person_who_turns_a_message_off_gets_none(self):
        self.give(2)
        self.assertSuccess(self.push_list('subscribe_msg_change_event', {
            'TemplateId': 'TEMPLATE_1', 'SubscribeStatusString': 'reject'}))
        self.assertEqual((self.consent().remaining, self.consent().answer), (0, 'reject'))

    def test_event_about_somebody_unknown_or_malformed_changes_nothing(self):
        self.assertSuccess(self.popup(openid='somebody-else'))
        for entries in ('x', {'TemplateId': ['a']}, {'SubscribeStatusString': 'accept'},
                        {'TemplateId': 'TEMPLATE_1', 'SubscribeStatusString': 'perhaps'}):
            fields = self.event('subscribe_msg_popup_event', FromUserName=OPENID, List=entries)
            self.assertSuccess(self.push(fields, is_json=True))
        self.assertFalse(self.consent().remaining)

    # === ACCESS === #

    def test_consents_are_shown_to_employees_of_the_group_and_changed_by_nobody(self):
        self.give()
        clerk = new_test_user(self.env, 'clerk-of-consents', 'wechat.group_user')
        consent = self.consent().with_user(clerk)
        self.assertEqual(consent.remaining, 1)
        with self.assertRaises(AccessError):
            consent.remaining = 5
        with self.assertRaises(AccessError):
            self.consent().with_user(self.person.user_id).read(['remaining'])
        self.assertNotIn('consent_ids', self.person.with_user(self.person.user_id).fields_get())

    def test_person_who_leaves_takes_their_consents_along(self):
        self.give()
        self.person._anonymize()
        self.assertFalse(self.consent())
