# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64
import time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .people_common import PHONE, PHONE_API, PeopleCommon

NUMBER = {'phoneNumber': '13800138000', 'purePhoneNumber': '13800138000', 'countryCode': '86'}
REQUEST_LOGGER = 'odoo.addons.wechat.models.wechat_app_request'


class PhoneCommon(PeopleCommon):

    def setUp(self):
        super().setUp()
        self.phone_is()

    def phone_is(self, appid=None, **values):
        """Let WeChat answer every code with this number."""
        self.fake.answer('POST', PHONE_API, {'errcode': 0, 'errmsg': 'ok', 'phone_info': {
            **NUMBER, **values,
            'watermark': {'appid': appid or self.app.appid, 'timestamp': int(time.time())},
        }})


@tagged('post_install', '-at_install')
class TestPhone(PhoneCommon):

    # === BY CODE === #

    def test_number_is_stored_in_international_form(self):
        answer = self.call_route(PHONE, code='phone-code')
        self.assertEqual(answer, {'phone': '+8613800138000', 'countryCode': '86'})
        self.assertEqual(self.identity().phone, '+8613800138000')
        self.assertEqual(self.user.partner_id.phone, '+8613800138000')

    def test_openid_goes_along_with_the_code(self):
        self.call_route(PHONE, code='phone-code')
        sent = self.fake.calls(PHONE_API)
        self.assertEqual([request.json for request in sent], [
            {'code': 'phone-code', 'openid': 'openid-of-anna'},
        ])

    def test_login_tells_that_there_is_a_phone_number(self):
        self.assertFalse(self.anna['has_phone'])
        self.call_route(PHONE, code='phone-code')
        self.assertTrue(self.authenticate_phone()['has_phone'])

    def test_numbers_of_other_countries(self):
        for code, number, phone in (
            ('1', '2025550123', '+12025550123'), (852, '51234567', '+85251234567'),
            ('+49', '1512 3456789', '+4915123456789'), ('0044', '7400123456', '+447400123456'),
        ):
            with self.subTest(code=code):
                self.phone_is(countryCode=code, purePhoneNumber=number)
                answer = self.call_route(PHONE, code='phone-code')
                self.assertEqual(answer['phone'], phone)
                self.assertEqual(self.user.phone, phone)

    @mute_logger(REQUEST_LOGGER)
    def test_answers_that_are_no_phone_number_change_nothing(self):
        for values in (
            {'countryCode': ''}, {'countryCode': 'CN'}, {'countryCode': None},
            {'purePhoneNumber': ''}, {'purePhoneNumber': '<b>'}, {'purePhoneNumber': '12'},
            {'purePhoneNumber': '1' * 30}, {'purePhoneNumber': ['1']}, {'purePhoneNumber': True},
        ):
            with self.subTest(values=values):
                self.phone_is(**values)
                self.refuse_route(PHONE, 'wechat_unavailable', code='phone-code')
        for answer in ({}, {'phone_info': None}, {'phone_info': 'x'}):
            self.fake.answer('POST', PHONE_API, answer)
            self.refuse_route(PHONE, 'wechat_unavailable', code='phone-code')
        self.assertFalse(self.user.phone)

    @mute_logger(REQUEST_LOGGER)
    def test_code_of_another_person_or_app_is_invalid(self):
        for errcode in (40029, 40003, 40013):
            with self.subTest(errcode=errcode):
                self.fake.answer('POST', PHONE_API, {'errcode': errcode, 'errmsg': 'no'})
                error = self.refuse_route(PHONE, 'invalid_code', code='code-of-ben')
                self.assertEqual(error['data']['context']['errcode'], errcode)
        self.assertFalse(self.user.phone)

    def test_answer_about_another_app_is_refused(self):
        self.phone_is(appid='wx0000000000000099')
        self.refuse_route(PHONE, 'watermark_mismatch', code='phone-code')
        self.assertFalse(self.user.phone)

    def test_too_many_calls_from_one_address_are_refused(self):
        self.env['ir.config_parameter'].set_param('wechat.calls_per_minute', '2')
        self.call_route(PHONE, code='phone-code')
        self.refuse_route(PHONE, 'rate_limited', code='phone-code')

    # === BY ENCRYPTED DATA === #

    def test_encrypted_number_is_stored(self):
        answer = self.call_route(PHONE, **self.encrypt(NUMBER))
        self.assertEqual(answer, {'phone': '+8613800138000', 'countryCode': '86'})
        self.assertEqual(self.user.phone, '+8613800138000')
        self.assertFalse(self.fake.calls(PHONE_API))

    def test_stale_key_and_wrong_watermark_are_refused(self):
        stale = self.encrypt(NUMBER, session_key='AAECAwQFBgcICQoLDA0ODw==')
        self.refuse_route(PHONE, 'decrypt_failed', **stale)
        foreign = self.encrypt(NUMBER, appid='wx0000000000000099')
        self.refuse_route(PHONE, 'watermark_mismatch', **foreign)
        self.assertFalse(self.user.phone)

    def test_other_data_of_the_person_are_no_phone_number(self):
        for values in ({'nickName': "Anna"}, {**NUMBER, 'purePhoneNumber': 'x'}, {}):
            self.refuse_route(PHONE, 'decrypt_failed', **self.encrypt(values))
        self.assertFalse(self.user.phone)

    # === PARAMETERS === #

    def test_parameters_that_cannot_be_meant_are_refused(self):
        for params in (
            {}, {'code': ''}, {'code': 7}, {'code': 'a b'}, {'code': 'x' * 257}, {'code': ['x']},
            {'encryptedData': 'x'}, {'iv': 'x'}, {'encryptedData': 1, 'iv': 'x'},
        ):
            with self.subTest(params=params):
                self.refuse_route(PHONE, 'bad_request', **params)
        self.assertFalse(self.fake.calls(PHONE_API))

    def test_nobody_logged_in_is_refused(self):
        self.assertEqual(self.post(PHONE, {'code': 'c'}).json()['error']['code'], 100)


@tagged('post_install', '-at_install')
class TestPhoneJoin(PhoneCommon):
    """A verified phone number joins a customer whom the shop knows, if the app says so."""

    def setUp(self):
        super().setUp()
        self.app.join_customer_by_phone = True
        self.employee = self.create_user('employee', 'base.group_user')
        self.employee.group_ids += self.env.ref('base.group_partner_manager')
        self.own = self.user.partner_id
        self.company.country_id = self.env.ref('base.cn')

    def customer(self, phone='138-0013-8000', creator=None, **values):
        """Let an employee enter a customer."""
        return self.env['res.partner'].with_user(creator or self.employee).sudo().create({
            'name': "Anna Berger", 'phone': phone, **values,
        })

    def assertNotJoined(self):
        self.call_route(PHONE, code='phone-code')
        self.assertEqual(self.user.partner_id, self.own)
        self.assertFalse(self.identity().former_partner_id)
        self.assertEqual(self.own.phone, '+8613800138000')

    def test_person_becomes_the_customer_with_this_number(self):
        for phone in ('13800138000', '+86 138 0013 8000', '0086-13800138000', '138-0013-8000'):
            with self.subTest(phone=phone):
                customer = self.customer(phone)
                self.call_route(PHONE, code='phone-code')
                self.assertEqual(self.user.partner_id, customer)
                self.assertEqual(self.identity().partner_id, customer)
                self.assertEqual(customer.phone, '+8613800138000')
                self.assertEqual(self.authenticate_phone()['partner_id'], customer.id)
                self.identity().action_separate()
                customer.active = False

    def test_it_is_noted_on_both_contacts(self):
        customer = self.customer()
        self.call_route(PHONE, code='phone-code')
        self.assertIn(self.own.name, customer.message_ids[0].body)
        self.assertIn(self.app.name, customer.message_ids[0].body)
        self.assertIn(customer.name, self.own.message_ids[0].body)

    def test_what_the_person_had_stays_in_sight(self):
        customer = self.customer()
        self.call_route(PHONE, code='phone-code')
        self.assertEqual(self.own.commercial_partner_id, customer)

    def test_it_can_be_undone(self):
        customer = self.customer()
        self.call_route(PHONE, code='phone-code')
        self.identity().action_separate()
        self.assertEqual(self.user.partner_id, self.own)
        self.assertEqual(self.identity().partner_id, self.own)
        self.assertFalse(self.own.parent_id)
        self.assertEqual(self.own.phone, '+8613800138000')
        self.assertFalse(self.identity().former_partner_id)
        self.assertIn("separated", customer.message_ids[0].body)
        self.assertEqual(self.authenticate_phone()['partner_id'], self.own.id)

    def test_uploaded_picture_goes_along_and_comes_back(self):
        self.upload(self.picture())
        customer = self.customer()
        self.call_route(PHONE, code='phone-code')
        self.assertTrue(customer.image_128)
        self.assertIn(f'/res.partner/{customer.id}/', self.identity()._get_avatar_url())
        self.identity().action_separate()
        self.assertFalse(customer.image_128)
        self.assertIn(f'/res.partner/{self.own.id}/', self.identity()._get_avatar_url())

    def test_picture_that_the_customer_has_stays(self):
        self.upload(self.picture())
        picture = base64.b64encode(self.picture(color=(0, 0, 200)))
        customer = self.customer(image_1920=picture)
        stored = customer.image_1920
        self.call_route(PHONE, code='phone-code')
        self.assertEqual(customer.image_1920, stored)
        self.identity().action_separate()
        self.assertEqual(customer.image_1920, stored)

    def test_undoing_twice_is_refused(self):
        self.customer()
        self.call_route(PHONE, code='phone-code')
        self.identity().action_separate()
        with self.assertRaises(UserError):
            self.identity().action_separate()

    def test_only_administrators_of_WeChat_undo_it(self):
        self.customer()
        self.call_route(PHONE, code='phone-code')
        with self.assertRaises(AccessError):
            self.identity().with_user(self.employee).action_separate()

    def test_without_the_setting_nobody_is_joined(self):
        self.app.join_customer_by_phone = False
        self.customer()
        self.assertNotJoined()

    def test_customer_whom_a_visitor_entered_is_not_joined(self):
        self.customer(creator=self.env.ref('base.public_user'))
        self.assertNotJoined()
        self.customer(creator=self.create_user('other customer'))
        self.assertNotJoined()

    def test_customer_with_a_user_is_not_joined(self):
        other = self.create_user('customer')
        other.partner_id.phone = '13800138000'
        self.assertNotJoined()
        other.active = False
        self.assertNotJoined()

    def test_employee_is_not_joined(self):
        self.employee.partner_id.phone = '13800138000'
        self.assertNotJoined()

    def test_two_customers_with_the_number_are_not_joined(self):
        self.customer()
        self.customer()
        self.assertNotJoined()

    def test_company_and_its_contacts_are_not_joined(self):
        company = self.customer(is_company=True)
        self.assertNotJoined()
        company.phone = False
        self.customer(parent_id=company.id)
        self.assertNotJoined()

    def test_archived_customer_and_that_of_another_company_are_not_joined(self):
        self.customer(active=False)
        self.assertNotJoined()
        other = self.env['res.company'].create({'name': "Coffee House"})
        self.customer(company_id=other.id)
        self.assertNotJoined()

    def test_customer_of_another_WeChat_account_is_not_joined(self):
        customer = self.customer()
        self.env['wechat.identity'].create({
            'app_id': self.app.id, 'openid': 'openid-of-ben', 'partner_id': customer.id,
        })
        self.assertNotJoined()

    def test_number_of_another_country_is_another_number(self):
        self.customer('+1 13800138000')
        self.assertNotJoined()
        self.company.country_id = self.env.ref('base.de')
        self.customer('13800138000')
        self.assertNotJoined()

    def test_longer_number_that_ends_alike_is_another_number(self):
        self.customer('913800138000')
        self.assertNotJoined()

    def test_encrypted_number_from_long_ago_joins_nobody(self):
        self.customer()
        self.call_route(PHONE, **self.encrypt(NUMBER, timestamp=int(time.time()) - 3600))
        self.assertEqual(self.user.partner_id, self.own)

    def test_encrypted_number_of_this_minute_joins(self):
        customer = self.customer()
        self.call_route(PHONE, **self.encrypt(NUMBER))
        self.assertEqual(self.user.partner_id, customer)

    def test_bound_employees_contact_stays(self):
        self.identity().user_id = self.employee
        self.app.allow_internal_login = True
        answer = self.authenticate_phone()
        self.customer()
        self.call_route(PHONE, answer['session_id'], code='phone-code')
        self.assertFalse(self.identity().former_partner_id)
