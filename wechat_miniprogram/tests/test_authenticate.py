# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.http import SESSION_ROTATION_INTERVAL, root
from odoo.tests import tagged

from .common import AUTHENTICATE, CALL_KW, LOGOUT, SESSION_KEY, SID, MiniprogramCommon


@tagged('post_install', '-at_install')
class TestAuthenticate(MiniprogramCommon):

    # === NEW CUSTOMERS === #

    def test_unknown_person_becomes_a_portal_user(self):
        answer = self.authenticate_phone()
        self.assertTrue(answer['is_new_user'])
        user = self.env['res.users'].browse(answer['uid'])
        self.assertTrue(user.active)
        self.assertTrue(user._is_portal())
        self.assertFalse(user._is_internal())
        self.assertEqual(user.company_id, self.app.company_id)
        self.assertEqual(user.company_ids, self.app.company_id)
        self.assertEqual(user.name, "WeChat user")
        self.assertFalse(user.email)
        self.assertEqual(self.identity().user_id, user)
        self.assertEqual(self.identity().partner_id, user.partner_id)
        self.assertEqual(self.identity().sudo().session_key, SESSION_KEY)
        self.assertTrue(self.identity().last_login)

    def test_new_user_has_no_password(self):
        user = self.env['res.users'].browse(self.authenticate_phone()['uid'])
        self.env.cr.execute("SELECT password FROM res_users WHERE id = %s", [user.id])
        self.assertFalse(self.env.cr.fetchone()[0])

    def test_login_name_says_the_app_and_nothing_about_the_person(self):
        answer = self.authenticate_phone()
        self.assertRegex(answer['username'], rf'^wechat_{self.app.appid[-6:]}_[0-9a-f]{{12}}$')

    def test_nothing_is_mailed_or_noted_about_a_new_user(self):
        messages = self.env['mail.message'].search_count([])
        mails = self.env['mail.mail'].search_count([])
        answer = self.authenticate_phone()
        self.assertEqual(self.env['mail.message'].search_count([]), messages)
        self.assertEqual(self.env['mail.mail'].search_count([]), mails)
        partner = self.env['res.partner'].browse(answer['partner_id'])
        self.assertFalse(partner.message_partner_ids)

    def test_groups_of_the_template_user_are_copied(self):
        group = self.env['res.groups'].create({'name': "Wholesale customers"})
        template = self.create_user('wholesale-template', active=False)
        template.group_ids += group
        self.app.template_user_id = template
        user = self.env['res.users'].browse(self.authenticate_phone()['uid'])
        self.assertIn(group, user.group_ids)
        self.assertTrue(user._is_portal())

    def test_new_user_takes_the_contact_the_identity_names(self):
        partner = self.env['res.partner'].create({'name': "Anna", 'phone': '+86 138 0013 8000'})
        self.env['wechat.identity'].create({
            'app_id': self.app.id, 'openid': 'openid-of-anna', 'partner_id': partner.id,
        })
        answer = self.authenticate_phone()
        self.assertEqual(answer['partner_id'], partner.id)
        self.assertEqual(answer['name'], "Anna")
        self.assertTrue(answer['has_phone'])
        self.assertTrue(answer['is_new_user'])

    def test_contact_of_another_user_is_not_taken(self):
        other = self.create_user('other')
        self.env['wechat.identity'].create({
            'app_id': self.app.id, 'openid': 'openid-of-anna', 'partner_id': other.partner_id.id,
        })
        answer = self.authenticate_phone()
        self.assertNotEqual(answer['partner_id'], other.partner_id.id)
        self.assertNotEqual(answer['uid'], other.id)

    # === WHAT THE CLIENT SAYS === #

    def test_nickname_names_a_new_user_and_avatar_of_wechat_is_kept(self):
        avatar = 'https://thirdwx.qlogo.cn/mmopen/vi_32/abc/132'
        answer = self.authenticate_phone(user_info={
            'nickName': " 小\u202e明\x00 ", 'avatarUrl': avatar, 'gender': 1, 'city': "Guangzhou",
        })
        self.assertEqual(answer['name'], "小明")
        self.assertEqual(self.identity().nickname, "小明")
        self.assertEqual(self.identity().avatar_url, avatar)
        self.assertEqual(len(self.fake.requests), 1, "The avatar was fetched")

    def test_foreign_avatar_address_is_not_kept(self):
        self.authenticate_phone(user_info={'avatarUrl': 'https://evil.example/qlogo.cn/0'})
        self.assertFalse(self.identity().avatar_url)

    def test_values_of_wrong_types_in_user_info_are_ignored(self):
        answer = self.authenticate_phone(user_info={
            'nickName': {'a': 1}, 'avatarUrl': 7, 'language': ['zh_CN'], 'unknown': None,
            'gender': 1.0, 'country': ['CN'], 'city': 1,
        })
        self.assertEqual(answer['name'], "WeChat user")

    def test_nickname_does_not_rename_a_known_user(self):
        self.authenticate_phone(user_info={'nickName': "Anna"})
        answer = self.authenticate_phone(user_info={'nickName': "Root"})
        self.assertEqual(answer['name'], "Anna")
        self.assertEqual(self.identity().nickname, "Root")

    def test_language_and_time_zone_of_the_context_are_those_of_user_and_session(self):
        self.env['res.lang']._activate_lang('zh_CN')
        answer = self.authenticate_phone(context={'lang': 'zh_CN', 'tz': 'Asia/Shanghai'})
        user = self.env['res.users'].browse(answer['uid'])
        self.assertEqual((user.lang, user.tz), ('zh_CN', 'Asia/Shanghai'))
        self.assertEqual(answer['user_context']['lang'], 'zh_CN')
        self.assertEqual(answer['user_context']['tz'], 'Asia/Shanghai')
        self.assertEqual(answer['user_context']['uid'], user.id)

    def test_language_of_user_info_is_the_new_users_language(self):
        self.env['res.lang']._activate_lang('zh_CN')
        answer = self.authenticate_phone(user_info={'language': 'zh_CN'})
        self.assertEqual(self.env['res.users'].browse(answer['uid']).lang, 'zh_CN')

    def test_language_of_the_app_comes_first_for_new_users(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.app.lang = 'zh_CN'
        answer = self.authenticate_phone(context={'lang': 'en_US'})
        self.assertEqual(self.env['res.users'].browse(answer['uid']).lang, 'zh_CN')
        self.assertEqual(answer['user_context']['lang'], 'en_US')

    def test_unknown_language_and_time_zone_are_ignored(self):
        answer = self.authenticate_phone(context={'lang': 'xx_XX', 'tz': 'Mars/Base', 'uid': 2})
        self.assertNotEqual(answer['user_context']['lang'], 'xx_XX')
        self.assertEqual(answer['user_context']['uid'], answer['uid'])

    # === THE ANSWER AND THE SESSION === #

    def test_answer_is_that_of_the_contract(self):
        answer = self.authenticate_phone()
        user = self.env['res.users'].browse(answer['uid'])
        self.assertEqual(set(answer), {
            'session_id', 'uid', 'partner_id', 'name', 'username', 'db', 'user_context',
            'expires_in', 'is_new_user', 'has_phone',
        })
        self.assertEqual(answer['partner_id'], user.partner_id.id)
        self.assertEqual(answer['name'], user.name)
        self.assertEqual(answer['username'], user.login)
        self.assertEqual(answer['db'], self.env.cr.dbname)
        self.assertEqual(answer['has_phone'], False)

    def test_session_id_works_on_the_next_request(self):
        answer = self.authenticate_phone()
        read = self.call_kw(
            answer['session_id'], 'res.users', 'read', [[answer['uid']], ['login']],
        )
        self.assertEqual(read['result'][0]['login'], answer['username'])

    def test_every_set_cookie_carries_the_session_id_of_the_answer(self):
        for _attempt in range(2):
            response = self.post(AUTHENTICATE, {'code': 'code-1'})
            found = SID.findall(str(response.raw.headers.getlist('Set-Cookie')))
            self.assertTrue(found)
            self.assertEqual(set(found), {response.json()['result']['session_id']})

    def test_session_knows_its_app_and_identity(self):
        session = self.stored_session(self.authenticate_phone()['session_id'])
        self.assertEqual(session['wechat_app_id'], self.app.id)
        self.assertEqual(session['wechat_identity_id'], self.identity().id)

    def test_session_key_and_openid_are_not_in_answer_or_session(self):
        response = self.post(AUTHENTICATE, {'code': 'code-1'})
        session = self.stored_session(response.json()['result']['session_id'])
        for secret in (SESSION_KEY, 'openid-of-anna', self.app.sudo().secret):
            self.assertNotIn(secret, response.text)
            self.assertNotIn(secret, str(dict(session)))

    def test_expires_in_is_odoos_limit_of_inactivity(self):
        self.env['ir.config_parameter'].set_param('sessions.max_inactivity_seconds', '7200')
        self.assertEqual(self.authenticate_phone()['expires_in'], 7200)

    def test_has_phone_is_told(self):
        uid = self.authenticate_phone()['uid']
        self.env['res.users'].browse(uid).partner_id.phone = '+86 138 0013 8000'
        self.assertTrue(self.authenticate_phone()['has_phone'])

    def test_rotated_session_goes_on_and_still_knows_its_app(self):
        answer = self.authenticate_phone()
        session = self.stored_session(answer['session_id'])
        session['create_time'] -= SESSION_ROTATION_INTERVAL
        self._save_session(session)
        read = {'model': 'res.users', 'method': 'read', 'args': [[answer['uid']], ['login']],
                'kwargs': {}}
        response = self.post(CALL_KW, read, answer['session_id'])
        new = SID.search(response.headers['Set-Cookie'])[1]
        self.assertNotEqual(new, answer['session_id'])
        for session_id in (answer['session_id'], new):  # the old one for two more minutes
            self.assertIn('result', self.post(CALL_KW, read, session_id).json())
        self.assertEqual(self.stored_session(new)['wechat_app_id'], self.app.id)
        self.assertEqual(self.stored_session(new)['wechat_identity_id'], self.identity().id)

    # === KNOWN CUSTOMERS === #

    def test_returning_person_is_the_same_user(self):
        first = self.authenticate_phone()
        self.wechat_says(openid='openid-of-anna', session_key='c2Vzc2lvbi1rZXktb2YtMg==')
        second = self.authenticate_phone(code='code-2')
        self.assertEqual(second['uid'], first['uid'])
        self.assertFalse(second['is_new_user'])
        self.assertNotEqual(second['session_id'], first['session_id'])
        self.assertEqual(self.identity().sudo().session_key, 'c2Vzc2lvbi1rZXktb2YtMg==')
        self.assertEqual(len(self.identity()), 1)

    def test_second_device_does_not_end_the_session_of_the_first(self):
        first = self.authenticate_phone()
        self.wechat_says(openid='openid-of-anna', session_key='c2Vzc2lvbi1rZXktb2YtMg==')
        self.authenticate_phone(code='code-2')
        read = self.call_kw(first['session_id'], 'res.users', 'read', [[first['uid']], ['login']])
        self.assertIn('result', read)

    def test_two_persons_are_two_users(self):
        anna = self.authenticate_phone()
        self.wechat_says(openid='openid-of-ben')
        ben = self.authenticate_phone()
        self.assertNotEqual(anna['uid'], ben['uid'])
        self.assertNotEqual(anna['partner_id'], ben['partner_id'])

    def test_logged_in_session_may_log_in_again_and_gets_a_new_id(self):
        first = self.authenticate_phone()
        second = self.authenticate_phone(session_id=first['session_id'])
        self.assertNotEqual(second['session_id'], first['session_id'])
        self.assertEqual(second['uid'], first['uid'])
        old = self.call_kw(first['session_id'], 'res.users', 'read', [[first['uid']], ['login']])
        self.assertEqual(old['error']['code'], 100)
        new = self.call_kw(second['session_id'], 'res.users', 'read', [[first['uid']], ['login']])
        self.assertIn('result', new)

    def test_nothing_of_another_persons_session_goes_over(self):
        anna = self.authenticate_phone()
        session = self.stored_session(anna['session_id'])
        session['cart'] = 42
        self._save_session(session)
        self.wechat_says(openid='openid-of-ben')
        ben = self.authenticate_phone(session_id=anna['session_id'])
        self.assertNotEqual(ben['uid'], anna['uid'])
        session = self.stored_session(ben['session_id'])
        self.assertNotIn('cart', session)
        self.assertEqual(session['wechat_identity_id'], self.identity('openid-of-ben').id)

    def test_what_an_anonymous_session_holds_is_kept(self):
        session = root.session_store.new()
        session['cart'] = 42
        self._save_session(session)
        answer = self.authenticate_phone(session_id=session.sid)
        self.assertEqual(self.stored_session(answer['session_id'])['cart'], 42)

    def test_outdated_session_id_is_no_hindrance(self):
        answer = self.authenticate_phone(session_id='x' * 84)
        self.assertNotEqual(answer['session_id'], 'x' * 84)
        self.assertTrue(answer['uid'])

    def _save_session(self, session):
        root.session_store.save(session)

    # === APPS === #

    def test_default_is_the_first_miniprogram_of_the_company(self):
        second = self.create_app(sequence=self.app.sequence - 1)
        self.authenticate_phone()
        self.assertTrue(self.identity(app=second))
        self.assertEqual(self.exchanges()[-1].query['appid'], second.appid)

    def test_named_app_is_the_one_that_WeChat_is_asked_for(self):
        second = self.create_app()
        answer = self.authenticate_phone(appid=second.appid)
        query = self.exchanges()[-1].query
        self.assertEqual(query, {
            'appid': second.appid,
            'secret': '0123456789abcdef0123456789abcdef',
            'js_code': 'code-1',
            'grant_type': 'authorization_code',
        })
        session = self.stored_session(answer['session_id'])
        self.assertEqual(session['wechat_app_id'], second.id)

    def test_openid_belongs_to_its_app_only(self):
        second = self.create_app()
        first_answer = self.authenticate_phone(appid=self.app.appid)
        second_answer = self.authenticate_phone(appid=second.appid)
        self.assertNotEqual(first_answer['uid'], second_answer['uid'])

    # === LOGOUT === #

    def test_logout_ends_the_session(self):
        answer = self.authenticate_phone()
        self.assertIs(self.post(LOGOUT, {}, answer['session_id']).json()['result'], True)
        read = self.call_kw(answer['session_id'], 'res.users', 'read', [[answer['uid']], ['login']])
        self.assertEqual(read['error']['code'], 100)
        self.assertFalse(self.stored_session(answer['session_id']).uid)

    def test_logout_leaves_other_devices_logged_in(self):
        phone, tablet = self.authenticate_phone(), self.authenticate_phone()
        self.post(LOGOUT, {}, phone['session_id'])
        read = self.call_kw(tablet['session_id'], 'res.users', 'read', [[phone['uid']], ['login']])
        self.assertIn('result', read)

    def test_logout_needs_a_session(self):
        self.assertEqual(self.post(LOGOUT, {}).json()['error']['code'], 100)
