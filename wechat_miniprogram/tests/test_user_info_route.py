# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged

from .people_common import QLOGO, USER_INFO, PeopleCommon

FULL = {
    'openId': 'openid-of-anna', 'nickName': "小安", 'gender': 2, 'language': 'zh_CN',
    'city': "Guangzhou", 'province': "Guangdong", 'country': "China", 'avatarUrl': QLOGO,
}
STORED = {key: value for key, value in FULL.items() if key != 'openId'}


@tagged('post_install', '-at_install')
class TestUserInfoRoute(PeopleCommon):

    # === ENCRYPTED === #

    def test_encrypted_profile_is_stored_and_answered(self):
        answer = self.call_route(USER_INFO, **self.encrypt(FULL))
        self.assertEqual(answer, STORED)
        identity = self.identity()
        self.assertEqual(identity.nickname, "小安")
        self.assertEqual(identity.avatar_url, QLOGO)
        self.assertEqual(identity.gender, '2')

    def test_watermark_of_another_app_is_refused(self):
        self.refuse_route(
            USER_INFO, 'watermark_mismatch', **self.encrypt(FULL, appid='wx0000000000000099'),
        )
        self.assertFalse(self.identity().nickname)

    def test_missing_watermark_is_refused(self):
        for text in ('{"nickName": "x"}', '{"watermark": 1}', '{"watermark": {"appid": 7}}'):
            with self.subTest(text=text):
                self.refuse_route(USER_INFO, 'watermark_mismatch', **self.encrypt_text(text))

    def test_stale_session_key_is_decrypt_failed(self):
        stale = self.encrypt(FULL, session_key='AAECAwQFBgcICQoLDA0ODw==')
        error = self.refuse_route(USER_INFO, 'decrypt_failed', **stale)
        self.assertIn("again", error['data']['message'])
        self.assertFalse(self.identity().nickname)

    def test_identity_without_a_session_key_is_decrypt_failed(self):
        self.identity().sudo().session_key = False
        self.refuse_route(USER_INFO, 'decrypt_failed', **self.encrypt(FULL))
        self.refuse_route(USER_INFO, 'decrypt_failed', **self.sign(STORED, session_key=''))

    def test_what_is_no_data_of_WeChat_is_decrypt_failed(self):
        good = self.encrypt(FULL)
        for values in (
            {'encryptedData': 'no base64!', 'iv': good['iv']},
            {'encryptedData': '', 'iv': good['iv']},
            {'encryptedData': 'AAAA', 'iv': good['iv']},
            {'encryptedData': good['encryptedData'][:-4] + 'é===', 'iv': good['iv']},
            {'encryptedData': good['encryptedData'], 'iv': 'AAAA'},
            {'encryptedData': good['encryptedData'], 'iv': ''},
            {'encryptedData': good['encryptedData'] + ' ', 'iv': good['iv']},
            {'encryptedData': 'A' * 60000, 'iv': good['iv']},
            self.encrypt_text('not json'),
            self.encrypt_text('[]'),
            self.encrypt_text('"text"'),
            self.encrypt_text('{"a": NaN}'),
            self.encrypt_text('[' * 5000),
            self.encrypt_blocks(b'{}' + bytes(14)),
            self.encrypt_blocks(b'{}' + b'\x05' * 13 + b'\x0e'),
            self.encrypt_blocks(b'{}' + b'\x11' * 30),
            self.encrypt_blocks(b'\xff\xfe' + b'\x0e' * 14),
        ):
            with self.subTest(values=values):
                self.refuse_route(USER_INFO, 'decrypt_failed', **values)

    def test_data_of_another_person_are_refused(self):
        self.refuse_route(
            USER_INFO, 'decrypt_failed', **self.encrypt({**FULL, 'openId': 'openid-of-ben'}),
        )

    def test_unionid_of_encrypted_data_is_learned(self):
        self.call_route(USER_INFO, **self.encrypt({**FULL, 'unionId': 'union-of-anna'}))
        self.assertEqual(self.identity().unionid, 'union-of-anna')

    def test_unionid_that_nobody_proves_is_not_believed(self):
        self.call_route(USER_INFO, nickName="A", unionId='union-of-ben')
        self.assertFalse(self.identity().unionid)
        self.authenticate_phone(user_info={'nickName': "A", 'unionId': 'union-of-ben'})
        self.assertFalse(self.identity().unionid)

    # === SIGNED === #

    def test_signed_profile_is_stored(self):
        self.assertEqual(self.call_route(USER_INFO, **self.sign(STORED)), STORED)

    def test_wrong_signature_is_decrypt_failed(self):
        signed = self.sign(STORED)
        for values in (
            {**signed, 'signature': '0' * 40},
            {**signed, 'signature': ''},
            {**signed, 'signature': 'é'},
            {**signed, 'signature': '\ud800'},
            {**signed, 'rawData': signed['rawData'] + ' '},
            {**signed, 'rawData': '\ud800'},
            self.sign(STORED, session_key='AAECAwQFBgcICQoLDA0ODw=='),
            self.sign([1]),
        ):
            with self.subTest(values=values):
                self.refuse_route(USER_INFO, 'decrypt_failed', **values)
        self.assertFalse(self.identity().nickname)

    def test_encrypted_data_come_before_what_is_typed(self):
        answer = self.call_route(USER_INFO, **self.encrypt(FULL), nickName="Other")
        self.assertEqual(answer['nickName'], "小安")

    # === TYPED === #

    def test_typed_nickname_is_stored_and_names_the_contact(self):
        answer = self.call_route(USER_INFO, nickName=" Anna\u202e ", avatarUrl=QLOGO)
        self.assertEqual(answer, {
            'nickName': "Anna", 'avatarUrl': QLOGO, 'gender': 0, 'city': '', 'province': '',
            'country': '', 'language': '',
        })
        self.assertEqual(self.user.name, "Anna")
        self.call_route(USER_INFO, nickName="Anna B.")
        self.assertEqual(self.user.name, "Anna B.")

    def test_name_that_an_employee_gave_stays(self):
        self.user.name = "Anna Berger (VIP)"
        self.call_route(USER_INFO, nickName="annie")
        self.assertEqual(self.user.name, "Anna Berger (VIP)")
        self.assertEqual(self.identity().nickname, "annie")

    def test_avatar_address_outside_of_WeChat_is_not_stored(self):
        self.call_route(USER_INFO, avatarUrl=QLOGO)
        for url in (
            'http://thirdwx.qlogo.cn/a', 'https://qlogo.cn.evil.example/a', 'javascript:alert(1)',
            'https://evil.example/?https://thirdwx.qlogo.cn/a', '/web/image/1', '',
        ):
            with self.subTest(url=url):
                self.assertEqual(self.call_route(USER_INFO, avatarUrl=url)['avatarUrl'], QLOGO)

    def test_call_without_values_answers_what_is_stored(self):
        self.call_route(USER_INFO, **self.encrypt(FULL))
        self.assertEqual(self.call_route(USER_INFO), STORED)

    def test_empty_values_change_nothing(self):
        self.call_route(USER_INFO, **self.encrypt(FULL))
        answer = self.call_route(USER_INFO, **self.encrypt({
            **dict.fromkeys(STORED, ''), 'gender': 0, 'openId': 'openid-of-anna',
        }))
        self.assertEqual(answer, STORED)

    def test_name_that_WeChat_gives_everybody_replaces_no_nickname(self):
        self.call_route(USER_INFO, nickName="Anna")
        self.call_route(USER_INFO, **self.encrypt({'nickName': "微信用户"}))
        self.authenticate_phone(user_info={'nickName': "微信用户"})
        self.assertEqual(self.identity().nickname, "Anna")

    # === LANGUAGE AND COUNTRY === #

    def test_country_is_that_of_the_contact_by_code_or_name(self):
        self.env['res.lang']._activate_lang('zh_CN')
        china = self.env.ref('base.cn')
        china.with_context(lang='zh_CN').name = "中国"
        for name in ('CN', "China", "中国"):
            with self.subTest(name=name):
                self.user.country_id = self.identity().country = False
                self.call_route(USER_INFO, **self.encrypt({'country': name}))
                self.assertEqual(self.user.country_id, china)

    def test_known_country_stays_and_an_unknown_one_is_ignored(self):
        self.call_route(USER_INFO, **self.encrypt({'country': "Atlantis"}))
        self.assertFalse(self.user.country_id)
        self.user.country_id = self.env.ref('base.de')
        self.call_route(USER_INFO, **self.encrypt({'country': 'CN'}))
        self.assertEqual(self.user.country_id, self.env.ref('base.de'))

    def test_country_of_user_info_at_login_is_taken(self):
        self.wechat_says(openid='openid-of-ben')
        answer = self.authenticate_phone(user_info={'nickName': "Ben", 'country': 'CN'})
        partner = self.env['res.partner'].browse(answer['partner_id'])
        self.assertEqual(partner.country_id, self.env.ref('base.cn'))

    def test_language_of_WeChat_is_the_users_when_it_is_first_told(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.call_route(USER_INFO, **self.encrypt({'language': 'zh_CN'}))
        self.assertEqual(self.user.lang, 'zh_CN')
        self.user.lang = 'en_US'
        self.call_route(USER_INFO, **self.encrypt({'language': 'zh_TW'}))
        self.assertEqual(self.user.lang, 'en_US')

    def test_language_of_the_app_stays(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.app.lang = 'en_US'
        self.call_route(USER_INFO, **self.encrypt({'language': 'zh_CN'}))
        self.assertEqual(self.user.lang, 'en_US')

    # === WHOSE === #

    def test_identity_is_that_of_the_session(self):
        second = self.create_app()
        self.create_identity(self.user, 'anna-in-second', second)
        self.call_route(USER_INFO, nickName="Anna")
        self.assertEqual(self.identity().nickname, "Anna")
        self.assertFalse(self.identity('anna-in-second', second).nickname)

    def test_user_with_a_password_has_the_only_identity(self):
        self.user.password = 'a long password'
        session = self.authenticate(self.user.login, 'a long password')
        self.assertNotIn('wechat_identity_id', session)
        self.call_route(USER_INFO, session.sid, nickName="Anna")
        self.assertEqual(self.identity().nickname, "Anna")

    def test_user_without_an_identity_or_with_two_is_not_linked(self):
        self.user.password = 'a long password'
        session = self.authenticate(self.user.login, 'a long password')
        second = self.create_app()
        other = self.create_identity(self.user, 'anna-in-second', second)
        self.refuse_route(USER_INFO, 'not_linked', session.sid, nickName="Anna")
        (self.identity() | other).unlink()
        self.refuse_route(USER_INFO, 'not_linked', session.sid, nickName="Anna")

    def test_identity_of_another_type_of_app_does_not_count(self):
        account = self.create_app('wx00000000000000aa', app_type='official_account')
        self.create_identity(self.user, 'anna-follows', account)
        self.call_route(USER_INFO, nickName="Anna")
        self.assertEqual(self.identity().nickname, "Anna")

    def test_nobody_logged_in_is_refused(self):
        answer = self.post(USER_INFO, {'nickName': "A"}).json()
        self.assertEqual(answer['error']['code'], 100)

    # === PARAMETERS === #

    def test_parameters_that_cannot_be_meant_are_refused(self):
        good = self.encrypt(FULL)
        for params in (
            {'encryptedData': good['encryptedData']}, {'iv': good['iv']},
            {'rawData': '{}'}, {'signature': 'x'}, {'encryptedData': 1, 'iv': 'x'},
            {'encryptedData': ['x'], 'iv': 'x'}, {'rawData': {}, 'signature': 'x'},
            {'nickName': 7}, {'nickName': {'a': 1}}, {'avatarUrl': ['x']},
        ):
            with self.subTest(params=params):
                self.refuse_route(USER_INFO, 'bad_request', **params)
