# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.protocol.messages import Message

from .people_common import DEACTIVATE, QLOGO, USER_INFO, PeopleCommon

EVENTS_LOGGER = 'odoo.addons.wechat_miniprogram.models.wechat_app_people'


class LeavingCommon(PeopleCommon):

    def setUp(self):
        super().setUp()
        self.call_route(USER_INFO, nickName="Anna", avatarUrl=QLOGO, city="Guangzhou", gender=2)
        self.identity().phone = self.user.partner_id.phone = '+8613800138000'
        self.identity().sudo().unionid = 'union-of-anna'

    def event(self, event, is_body_signed=True, **fields):
        """Hand an event over as the push does."""
        message = Message({
            'ToUserName': 'gh_0000', 'FromUserName': 'o-of-WeChat', 'CreateTime': '1700000000',
            'MsgType': 'event', 'Event': event, 'OpenID': 'openid-of-anna',
            'AppID': self.app.appid, **fields,
        }, is_body_signed=is_body_signed)
        return self.app._on_message(message)

    def assertForgotten(self):
        identity = self.identity().sudo()
        for name in ('nickname', 'avatar_url', 'phone', 'city', 'gender', 'unionid', 'session_key'):
            self.assertFalse(identity[name], name)
        self.assertTrue(identity.is_forgotten)

    def assertNothingForgotten(self):
        identity = self.identity().sudo()
        for name in ('nickname', 'avatar_url', 'phone', 'city', 'gender', 'unionid', 'session_key'):
            self.assertTrue(identity[name], name)
        self.assertTrue(self.user.active)


@tagged('post_install', '-at_install')
class TestDeactivate(LeavingCommon):

    def test_account_is_closed(self):
        second = self.authenticate_phone()
        self.assertIs(self.call_route(DEACTIVATE, code='fresh'), True)
        self.assertFalse(self.user.active)
        self.assertNotEqual(self.user.login, self.anna['username'])
        self.assertForgotten()
        self.assertFalse(self.user.partner_id.phone)
        for answer in (self.anna, second):
            self.assertFalse(self.is_logged_in(answer['session_id']))

    def test_closed_account_is_told_at_the_next_login(self):
        self.call_route(DEACTIVATE, code='fresh')
        self.refuse_phone('user_archived')

    def test_person_can_come_again_when_Odoo_has_deleted_the_user(self):
        self.call_route(DEACTIVATE, code='fresh')
        deletion = self.env['res.users.deletion'].search([('user_id', '=', self.user.id)])
        self.assertEqual(deletion.state, 'todo')
        self.user.unlink()
        answer = self.authenticate_phone()
        self.assertTrue(answer['is_new_user'])
        self.assertFalse(self.identity().is_forgotten)
        read = self.call_kw(
            answer['session_id'], 'res.users', 'read', [[answer['uid']], ['login']],
        )
        self.assertIn('result', read)

    def test_all_identities_of_the_user_are_forgotten(self):
        second = self.create_app()
        other = self.create_identity(self.user, 'anna-in-second', second, nickname="Anna")
        self.call_route(DEACTIVATE, code='fresh')
        self.assertFalse(other.nickname)

    def test_code_of_somebody_else_closes_nothing(self):
        self.wechat_says(openid='openid-of-ben')
        self.refuse_route(DEACTIVATE, 'invalid_code', code='code-of-ben')
        self.assertNothingForgotten()
        self.assertTrue(self.is_logged_in(self.anna['session_id']))

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_used_code_closes_nothing(self):
        self.wechat_says({'errcode': 40163, 'errmsg': 'code been used'})
        self.refuse_route(DEACTIVATE, 'code_used', code='used')
        self.assertNothingForgotten()

    def test_missing_code_closes_nothing(self):
        for params in ({}, {'code': ''}, {'code': 1}, {'code': None}):
            with self.subTest(params=params):
                self.refuse_route(DEACTIVATE, 'bad_request', **params)
        self.assertNothingForgotten()

    def test_employee_does_not_close_the_own_user(self):
        employee = self.create_user('employee', 'base.group_user')
        self.app.allow_internal_login = True
        self.identity().user_id = employee
        answer = self.authenticate_phone()
        self.refuse_route(DEACTIVATE, 'login_refused', answer['session_id'], code='fresh')
        self.assertTrue(employee.active)

    def test_nobody_logged_in_closes_nothing(self):
        self.assertEqual(self.post(DEACTIVATE, {'code': 'x'}).json()['error']['code'], 100)


@tagged('post_install', '-at_install')
class TestWithdrawals(LeavingCommon):
    """Events of WeChat about people who withdraw something or leave."""

    def revoke(self, info, **fields):
        self.event('user_authorization_revoke', RevokeInfo=info, **fields)

    def test_withdrawn_name_and_picture_are_deleted(self):
        self.revoke('6')
        identity = self.identity()
        self.assertFalse(identity.nickname)
        self.assertFalse(identity.avatar_url)
        self.assertNotEqual(self.user.name, "Anna")
        self.assertTrue(self.user.name)
        self.assertEqual(identity.phone, '+8613800138000')
        self.assertTrue(self.is_logged_in(self.anna['session_id']))

    def test_withdrawn_phone_number_is_deleted(self):
        self.revoke('8')
        self.assertFalse(self.identity().phone)
        self.assertFalse(self.user.partner_id.phone)
        self.assertEqual(self.identity().nickname, "Anna")

    def test_phone_number_that_the_shop_entered_stays(self):
        self.user.partner_id.phone = '+49 30 1234567'
        self.revoke('8')
        self.assertEqual(self.user.partner_id.phone, '+49 30 1234567')

    def test_withdrawn_picture_that_was_uploaded_is_deleted(self):
        self.upload(self.picture())
        self.user.invalidate_recordset()
        self.assertTrue(self.user.image_128)
        self.revoke('20')
        self.user.invalidate_recordset()
        self.assertFalse(self.user.image_128)
        self.assertEqual(self.identity().nickname, "Anna")

    def test_withdrawn_nickname_leaves_a_name_that_an_employee_gave(self):
        self.user.name = "Anna Berger"
        self.revoke('19')
        self.assertFalse(self.identity().nickname)
        self.assertEqual(self.user.name, "Anna Berger")

    def test_what_the_person_tells_through_another_app_stays_with_the_contact(self):
        other = self.create_identity(
            self.user, 'anna-in-second', self.create_app(), nickname="Anna",
            phone='+8613800138000', partner_id=self.user.partner_id.id,
        )
        self.revoke('8,19')
        self.assertFalse(self.identity().phone)
        self.assertFalse(self.identity().nickname)
        self.assertEqual(self.user.name, "Anna")
        self.assertEqual(self.user.partner_id.phone, '+8613800138000')
        self.assertEqual(other.nickname, "Anna")

    def test_several_withdrawals_in_one_event(self):
        self.revoke('8,19')
        self.assertFalse(self.identity().phone)
        self.assertFalse(self.identity().nickname)

    def test_withdrawals_of_what_is_not_kept_change_nothing(self):
        for info in ('1', '7', '12', '', 'x', '99999'):
            self.revoke(info)
        self.assertNothingForgotten()

    def test_cancelled_account_is_closed(self):
        self.event('user_authorization_cancellation')
        self.assertFalse(self.user.active)
        self.assertForgotten()
        self.assertFalse(self.is_logged_in(self.anna['session_id']))

    def test_second_delivery_changes_nothing_more(self):
        self.event('user_authorization_cancellation')
        self.event('user_authorization_cancellation')
        self.assertEqual(
            self.env['res.users.deletion'].search_count([('user_id', '=', self.user.id)]), 1,
        )

    def test_cancelled_account_of_somebody_who_has_another_app_is_unbound(self):
        second = self.create_app()
        other = self.create_identity(self.user, 'anna-in-second', second, nickname="Anna")
        self.event('user_authorization_cancellation')
        self.assertTrue(self.user.active)
        self.assertFalse(self.identity().user_id)
        self.assertForgotten()
        self.assertEqual(other.user_id, self.user)
        self.assertEqual(other.nickname, "Anna")
        self.assertFalse(self.is_logged_in(self.anna['session_id']))

    def test_cancelled_account_of_somebody_with_a_password_is_unbound(self):
        self.user.password = 'a long password'
        self.event('user_authorization_cancellation')
        self.assertTrue(self.user.active)
        self.assertFalse(self.identity().user_id)

    def test_cancelled_account_of_an_employee_is_unbound(self):
        employee = self.create_user('employee', 'base.group_user')
        self.identity().user_id = employee
        self.event('user_authorization_cancellation')
        self.assertTrue(employee.active)
        self.assertFalse(self.identity().user_id)

    @mute_logger(EVENTS_LOGGER)
    def test_events_in_plain_mode_change_nothing(self):
        self.event('user_authorization_cancellation', is_body_signed=False)
        self.event('user_authorization_revoke', is_body_signed=False, RevokeInfo='6')
        self.assertNothingForgotten()

    def test_events_about_others_change_nothing(self):
        for fields in (
            {'AppID': 'wx00000000000000ff'}, {'OpenID': 'openid-of-ben'}, {'OpenID': ''},
        ):
            with self.subTest(fields=fields):
                self.event('user_authorization_cancellation', **fields)
                self.revoke('6', **fields)
        self.assertNothingForgotten()
