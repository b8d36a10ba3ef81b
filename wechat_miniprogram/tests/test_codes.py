# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatUnknown
from odoo.addons.wechat_miniprogram.protocol import codes

from .common import MiniprogramCommon

SCENE = '/wechat/miniprogram/scene'
UNLIMITED, LIMITED = '/wxa/getwxacodeunlimit', '/wxa/getwxacode'
PICTURE = base64.b64decode(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg'
    'gg=='
)
LOGGER = 'odoo.addons.wechat.models.wechat_app_request'


class CodesCommon(MiniprogramCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.page = cls.env['wechat.miniprogram.page'].create({
            'name': "Contact",
            'app_id': cls.app.id,
            'path': 'pages/contact/contact',
            'model_id': cls.env.ref('base.model_res_partner').id,
            'query': 'id={{ object.id }}',
        })
        cls.partner = cls.env['res.partner'].create({'name': "陈 & 茶"})

    def setUp(self):
        super().setUp()
        self.fake.answer('POST', UNLIMITED, PICTURE)
        self.fake.answer('POST', LIMITED, PICTURE)

    def body(self, path):
        """Return the body of the last call to a path."""
        return self.fake.calls(path)[-1].json

    def wizard(self, model='wechat.miniprogram.code', records=None, user=None, **values):
        """Return the wizard as it opens from the Action menu of records."""
        wizards = self.env[model].with_user(user or self.env.user)
        if records is not None:
            wizards = wizards.with_context(
                active_model=records._name, active_ids=records.ids, active_id=records[:1].id,
            )
        with mute_logger('odoo.tests.form.onchange'):
            return wizards.with_context(**{
                f'default_{name}': value for name, value in values.items()
            }).create({})


@tagged('post_install', '-at_install')
class TestCodes(CodesCommon):

    # === THE CALLS === #

    def test_code_without_limit_is_a_picture(self):
        self.assertEqual(
            self.app._make_unlimited_code('id=5', 'pages/a', width=300, env_version='trial'),
            PICTURE,
        )
        self.assertEqual(self.body(UNLIMITED), {
            'scene': 'id=5', 'page': 'pages/a', 'check_path': True, 'width': 300,
            'env_version': 'trial', 'is_hyaline': False,
        })
        self.assertEqual(self.fake.calls(UNLIMITED)[0].query, {'access_token': 'TOKEN_1'})

    def test_code_to_the_home_page_names_no_page(self):
        self.app._make_unlimited_code('id=5')
        self.assertNotIn('page', self.body(UNLIMITED))

    def test_limited_code_has_the_whole_path(self):
        self.assertEqual(self.app._make_code('pages/a?id=5'), PICTURE)
        self.assertEqual(self.body(LIMITED)['path'], 'pages/a?id=5')

    def test_what_is_no_scene_page_or_width_costs_no_call(self):
        for scene in ('', 'a' * 33, 'a%20b', 'a b', "中文"):
            with self.assertRefused('bad_request', 40129):
                self.app._make_unlimited_code(scene)
        for page in ('/pages/a', 'pages/a?b=1', "页面"):
            with self.assertRefused('bad_request', 41030):
                self.app._make_unlimited_code('a', page)
        with self.assertRefused('bad_request', 41030):
            self.app._make_code('/pages/a?b=1')
        with self.assertRefused('bad_request', 40212):
            self.app._make_code("pages/a?b=中")
        for width in (279, 1281):
            with self.assertRefused('bad_request', 40097):
                self.app._make_unlimited_code('a', width=width)
        self.assertFalse(self.fake.requests)

    @mute_logger(LOGGER)
    def test_page_that_is_not_published_is_refused_with_what_to_do(self):
        self.fake.answer('POST', UNLIMITED, {'errcode': 41030, 'errmsg': 'invalid page'})
        with self.assertRefused('bad_request', 41030) as refused:
            self.app._make_unlimited_code('a', 'pages/z')
        self.assertIn("published version", str(refused.exception))

    @mute_logger(LOGGER)
    def test_codes_that_are_used_up_are_told(self):
        self.fake.answer('POST', LIMITED, {'errcode': 45029})
        with self.assertRefused('bad_request', 45029) as refused:
            self.app._make_code('pages/a')
        self.assertIn("kind without limit", str(refused.exception))

    @mute_logger(LOGGER)
    def test_quota_is_told(self):
        self.fake.answer('POST', UNLIMITED, {'errcode': 45009})
        with self.assertRefused('rate_limited', 45009):
            self.app._make_unlimited_code('a')

    @mute_logger(LOGGER)
    def test_what_is_no_picture_is_not_taken_for_one(self):
        for answer in ('<html>502</html>', '', 'GIF89a', {'errcode': 0}):
            self.fake.answer('POST', UNLIMITED, answer)
            with self.subTest(answer=answer), self.assertRaises(WeChatUnknown):
                self.app._make_unlimited_code('a')

    @mute_logger(LOGGER)
    def test_token_that_is_refused_is_renewed_once(self):
        self.fake.answer('POST', UNLIMITED, lambda request: (
            {'errcode': 40001} if request.query['access_token'] == 'TOKEN_1' else PICTURE
        ))
        self.assertEqual(self.app._make_unlimited_code('a'), PICTURE)
        self.assertEqual(len(self.fake.calls(UNLIMITED)), 2)

    # === SCENES === #

    def test_short_text_is_its_own_scene(self):
        self.assertEqual(self.app._make_scene('id=5'), 'id=5')
        self.assertFalse(self.env['wechat.scene'].search([('app_id', '=', self.app.id)]))

    def test_longer_text_is_kept_under_a_key_always_the_same(self):
        for text in ('a' * 33, "name=中文", 'a=b%20c', '~abc'):
            with self.subTest(text=text):
                key = self.app._make_scene(text)
                self.assertTrue(codes.is_key(key))
                self.assertEqual(self.app._make_scene(text), key)
                self.assertNotEqual(self.create_app_once()._make_scene(text), key)

    def create_app_once(self):
        return self.env['wechat.app'].search([('appid', '=', 'wx0000000000000003')]) or (
            self.create_app())

    def test_scene_is_resolved_for_anybody(self):
        text = 'model=sale.order&id=5&name=%E8%8C%B6&more=' + 'a' * 50
        key = self.app._make_scene(text)
        answer = self.post(SCENE, {'scene': key}).json()
        self.assertEqual(answer['result'], {'data': text, 'query': {
            'model': 'sale.order', 'id': '5', 'name': "茶", 'more': 'a' * 50,
        }})
        answer = self.post(SCENE, {'scene': 'id=5'}).json()
        self.assertEqual(answer['result'], {'data': 'id=5', 'query': {'id': '5'}})
        self.assertEqual(
            self.post(SCENE, {'scene': 'home'}).json()['result'], {'data': 'home', 'query': {}},
        )

    def test_scene_that_leads_nowhere_is_refused(self):
        key = self.app._make_scene('a' * 33)
        changed = key[:-1] + ('A' if key[-1] != 'A' else 'B')
        for scene in (changed, key[:-1], key.lower().replace('~', '~~'), '~%', '', None, 5, [key],
                      {'a': 1}, 'a' * 33, '%', '~' + '_' * 22):
            with self.subTest(scene=scene):
                error = self.post(SCENE, {'scene': scene}).json()['error']
                self.assertEqual(
                    error['data']['context'], {'code': 'bad_request', 'errcode': None})

    def test_scene_of_an_archived_app_leads_nowhere(self):
        key = self.app._make_scene('a' * 33)
        self.app.active = False
        self.assertIn('error', self.post(SCENE, {'scene': key}).json())

    def test_scene_is_not_read_by_others_through_the_orm(self):
        self.app._make_scene('a' * 33)
        for user in (self.create_user('portal-of-scenes'),
                     new_test_user(self.env, 'clerk-of-scenes', 'wechat.group_user')):
            with self.assertRaises(AccessError):
                self.env['wechat.scene'].with_user(user).search([])

    def test_scene_has_a_length(self):
        for text in ('', 'a' * 10_001, 'a' * 40 + '\0'):
            with self.subTest(length=len(text)), self.assertRefused('bad_request'):
                self.app._make_scene(text)

    # === PAGES === #

    def test_page_is_a_path_of_a_mini_program(self):
        self.page.path = '/pages/a '
        self.assertEqual(self.page.path, 'pages/a')
        for path in ('pages/a?b=1', "页面", 'pages a'):
            with self.subTest(path=path), self.assertRaises(ValidationError):
                self.page.path = path

    def test_page_of_another_kind_of_app_is_refused(self):
        self.app.app_type = 'official_account'
        with self.assertRaises(ValidationError):
            self.page.copy()

    def test_parameters_are_paths_of_fields_and_nothing_else(self):
        for query in ('id={{ object.unlink() }}', 'id={{ object.nothing }}', 'id={{ user.login }}'):
            with self.subTest(query=query), self.assertRaises(ValidationError):
                self.page.query = query
        with self.assertRaises(ValidationError):
            self.page.model_id = False

    def test_parameters_are_encoded(self):
        self.page.query = 'id={{ object.id }}&name={{ object.name }}&from=odoo'
        self.assertEqual(
            self.page._render_query(self.partner),
            f'id={self.partner.id}&name=%E9%99%88%20%26%20%E8%8C%B6&from=odoo',
        )

    def test_page_is_offered_on_its_records_until_they_change(self):
        self.page.action_add_to_menu()
        action = self.page.action_id
        self.assertEqual(action.binding_model_id.model, 'res.partner')
        self.assertEqual(action.group_ids, self.env.ref('wechat.group_user'))
        self.page.write({'model_id': self.env.ref('base.model_res_company').id})
        self.assertFalse(action.exists())
        self.page.action_add_to_menu()
        action = self.page.action_id
        self.page.action_archive()
        self.assertFalse(action.exists())

    # === THE WIZARD === #

    def test_code_of_a_record(self):
        wizard = self.wizard(records=self.partner, page_id=self.page.id)
        self.assertEqual(
            (wizard.app_id, wizard.path, wizard.query),
            (self.app, 'pages/contact/contact', f'id={self.partner.id}'),
        )
        action = wizard.action_make()
        self.assertEqual((action['res_id'], wizard.is_made), (wizard.id, True))
        line = wizard.line_ids
        self.assertEqual(base64.b64decode(line.image), PICTURE)
        self.assertEqual(line.scene, f'id={self.partner.id}')
        self.assertEqual(line.filename, "陈-茶.png")
        self.assertEqual(self.body(UNLIMITED)['page'], 'pages/contact/contact')

    def test_codes_of_several_records(self):
        partners = self.partner + self.partner.copy({'name': "Zhang"})
        wizard = self.wizard(records=partners, page_id=self.page.id)
        wizard.action_make()
        self.assertEqual(
            [request.json['scene'] for request in self.fake.calls(UNLIMITED)],
            [f'id={partner.id}' for partner in partners],
        )
        self.assertEqual(wizard.line_ids.mapped('name'), partners.mapped('display_name'))

    def test_code_of_a_record_of_which_no_page_was_told(self):
        wizard = self.wizard(records=self.partner, app_id=self.app.id)
        self.assertEqual(wizard.query, f'model=res.partner&id={self.partner.id}')
        wizard.path = 'pages/any/any'
        wizard.action_make()
        self.assertEqual(wizard.line_ids.scene, f'model=res.partner&id={self.partner.id}')

    def test_parameters_too_long_for_a_scene_are_kept(self):
        self.page.query = 'name={{ object.name }}'
        wizard = self.wizard(records=self.partner, page_id=self.page.id)
        wizard.action_make()
        scene = self.body(UNLIMITED)['scene']
        self.assertTrue(codes.is_key(scene))
        self.assertEqual(
            self.post(SCENE, {'scene': scene}).json()['result']['query'], {'name': "陈 & 茶"},
        )

    def test_limited_code_of_a_record(self):
        wizard = self.wizard(records=self.partner, page_id=self.page.id, kind='limited')
        wizard.action_make()
        self.assertEqual(
            self.body(LIMITED)['path'], f'pages/contact/contact?id={self.partner.id}',
        )
        self.assertFalse(self.fake.calls(UNLIMITED))

    def test_code_of_the_home_page_from_the_app(self):
        context = self.app.action_make_code()['context']
        form = Form(self.env['wechat.miniprogram.code'].with_context(**context))
        wizard = form.save()
        self.assertEqual(wizard.app_id, self.app)
        wizard.action_make()
        self.assertNotIn('page', self.body(UNLIMITED))

    def test_page_of_records_needs_records(self):
        wizard = self.wizard(page_id=self.page.id)
        with self.assertRaises(UserError):
            wizard.action_make()
        wizard = self.wizard(records=self.env.company, page_id=self.page.id)
        self.assertFalse(wizard.res_ids)

    def test_too_many_records_cost_no_call(self):
        partners = self.env['res.partner'].create([{'name': str(n)} for n in range(51)])
        with self.assertRaises(UserError):
            self.wizard(records=partners, page_id=self.page.id).action_make()
        self.assertFalse(self.fake.requests)

    def test_clerk_makes_codes_of_records_that_they_may_read_only(self):
        clerk = new_test_user(self.env, 'clerk-of-codes', 'wechat.group_user')
        wizard = self.wizard(records=self.partner, page_id=self.page.id, user=clerk)
        wizard.action_make()
        self.assertTrue(wizard.line_ids.image)
        shown = wizard.web_read({'app_id': {'fields': {'display_name': {}}}})
        self.assertEqual(shown[0]['app_id']['display_name'], "Tea House")
        parameter = self.env['ir.config_parameter'].sudo().search([], limit=1)
        with self.assertRaises(AccessError):
            self.wizard(records=parameter, app_id=self.app.id, user=clerk)

    def test_app_of_another_company_is_refused(self):
        clerk = new_test_user(self.env, 'clerk-of-one-company', 'wechat.group_user')
        company = self.env['res.company'].create({'name': "Other"})
        other = self.create_app(company_id=company.id)
        wizard = self.wizard(app_id=other.id, user=clerk)
        with self.assertRaises(UserError):
            wizard.action_make()
        wizard = self.wizard(page_id=self.page.id, user=clerk, records=self.partner)
        wizard.app_id = other
        with self.assertRaisesRegex(UserError, "another mini-program"):
            wizard.action_make()
        self.assertFalse(self.fake.requests)

    def test_portal_users_have_nothing_of_it(self):
        portal = self.create_user('portal-of-codes')
        for model in ('wechat.miniprogram.code', 'wechat.miniprogram.link',
                      'wechat.miniprogram.page', 'wechat.miniprogram.code.line'):
            with self.subTest(model=model), self.assertRaises(AccessError):
                self.env[model].with_user(portal).search([])

    # === SHOWN, DOWNLOADED, PRINTED === #

    def test_code_is_downloaded_by_who_made_it(self):
        clerk = new_test_user(self.env, 'clerk-downloads', 'wechat.group_user')
        other = new_test_user(self.env, 'other-clerk', 'wechat.group_user')
        wizard = self.wizard(records=self.partner, page_id=self.page.id, user=clerk)
        wizard.action_make()
        url = wizard.line_ids.action_download()['url']
        self.authenticate('clerk-downloads', 'clerk-downloads')
        response = self.url_open(url)
        self.assertEqual(response.content, PICTURE)
        self.assertIn('.png', response.headers['Content-Disposition'])
        self.authenticate(other.login, other.login)
        self.assertEqual(self.url_open(url).status_code, 404)

    def test_codes_are_printed_with_their_names(self):
        wizard = self.wizard(records=self.partner, page_id=self.page.id)
        wizard.action_make()
        report = self.env['ir.actions.report']
        html, _kind = report._render_qweb_html(
            'wechat_miniprogram.report_code', wizard.line_ids.ids)
        text = html.decode()
        self.assertIn("陈 &amp; 茶", text)
        self.assertIn('data:image/png;base64,', text)
        self.assertEqual(wizard.action_print()['report_name'], 'wechat_miniprogram.report_code')
