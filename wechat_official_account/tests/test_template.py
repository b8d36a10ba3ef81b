# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_official_account.tests.account_common import CONTENT, AccountCommon

LIST = '/cgi-bin/template/get_all_private_template'


@tagged('post_install', '-at_install')
class TestTemplate(AccountCommon):

    # === FETCHING === #

    def _answer_templates(self, *items):
        self.fake.answer('GET', LIST, {'template_list': [
            {'title': "标题", 'content': CONTENT, 'example': "例", **item} for item in items
        ]})

    def test_templates_are_fetched_and_their_fields_parsed(self):
        self._answer_templates({'template_id': 'TEMPLATE_1'}, {'template_id': 'NEW'})
        self.app.action_fetch_templates()
        new = self.env['wechat.message.template'].search([('template_id', '=', 'NEW')])
        self.assertEqual((new.app_id, new.kind, new.name), (self.app, 'template', "标题"))
        self.assertEqual(new.line_ids.mapped('key'), [
            'first', 'character_string1', 'thing2', 'remark'])
        self.assertEqual(new.line_ids.mapped('label'), ['first', "订单号", "商品", 'remark'])
        self.assertEqual(new.line_ids.mapped('value_type'), [
            False, 'character_string', 'thing', False])
        self.assertFalse(new.is_ready)

    def test_fetching_again_keeps_the_mapping(self):
        self._answer_templates({'template_id': 'TEMPLATE_1', 'content': CONTENT + "{{new1.DATA}}"})
        self.app.action_fetch_templates()
        self.assertEqual(self.lines['character_string1'].field_path, 'ref')
        self.assertIn('new1', self.template.line_ids.mapped('key'))
        self.assertFalse(self.template.is_ready)
        self._answer_templates({'template_id': 'TEMPLATE_1'})
        self.app.action_fetch_templates()
        self.assertTrue(self.template.is_ready)

    def test_template_that_was_removed_is_archived_and_comes_back(self):
        self._answer_templates()
        self.app.action_fetch_templates()
        self.assertFalse(self.template.active)
        self._answer_templates({'template_id': 'TEMPLATE_1'})
        self.app.action_fetch_templates()
        self.assertTrue(self.template.active)

    def test_other_apps_have_no_templates(self):
        self.app.app_type = 'miniprogram'
        with self.assertRaises(UserError):
            self.app.action_fetch_templates()
        self.assertFalse(self.fake.requests)

    @mute_logger('odoo.addons.wechat.models.wechat_app_request')
    def test_refusal_of_wechat_changes_nothing_and_is_told(self):
        self.fake.answer('GET', LIST, {'errcode': 48001, 'errmsg': 'api unauthorized'})
        with self.assertRefused('misconfigured', 48001):
            self.app.action_fetch_templates()
        self.assertTrue(self.template.active)

    # === MAPPING === #

    def test_values_are_filled_from_the_record(self):
        self.assertTrue(self.template.is_ready)
        self.assertEqual(self.template._render_values(self.partner), {
            'first': "Hello Li Lei", 'character_string1': 'C-1', 'thing2': "Tea lover",
            'remark': "Thank you",
        })

    def test_text_goes_before_the_field_and_default_fills_what_is_empty(self):
        self.lines['thing2'].write({'field_path': 'website', 'default': "Tea"})
        self.assertEqual(self.template._render_values(self.partner)['thing2'], "Tea")
        self.lines['thing2'].text = "{{ object.phone }}"
        self.assertEqual(self.template._render_values(self.partner)['thing2'], '+86 138 0013 8000')

    def test_values_that_do_not_fit_are_named(self):
        self.partner.ref = "单号1"
        self.partner.function = False
        problems = self.template._find_problems(self.template._render_values(self.partner))
        self.assertEqual(len(problems), 2)
        self.assertIn("订单号: “单号1” does not fit", problems[0])
        self.assertIn("商品 is empty", problems[1])

    def test_long_texts_are_cut_and_long_numbers_are_not(self):
        self.partner.write({'function': "x" * 30, 'ref': 'R' * 40})
        values = self.template._render_values(self.partner)
        self.assertEqual(len(values['thing2']), 20)
        self.assertEqual(len(self.template._find_problems(values)), 1)

    def test_mapping_that_cannot_work_is_refused(self):
        for values in (
            {'field_path': 'nothing'}, {'field_path': 'image_1920'},
            {'text': "{{ object.unlink() }}"}, {'color': 'red'}, {'color': '#12345'},
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self.lines['thing2'].write(values)
        with self.assertRaises(ValidationError):
            self.template.partner_path = 'name'
        with self.assertRaises(ValidationError):
            self.template.url = "{{ object.env }}"

    def test_form_maps_fields_of_the_chosen_records(self):
        with Form(self.template) as form:
            form.model_id = self.env['ir.model']._get('res.users')
            self.assertEqual(form.partner_path, 'partner_id')
            with form.line_ids.edit(1) as line:
                self.assertFalse(line.field_path)
                line.field_path = 'login'
        self.assertEqual(self.template.line_ids.sorted('sequence')[1].field_path, 'login')
        self.assertFalse(self.template.is_ready)

    def test_payload_has_colours_and_what_a_tap_opens(self):
        self.template.write({'jump': 'url', 'url': '/my/{{ object.id }}'})
        payload = self.template._prepare_payload(
            self.partner, self.template._render_values(self.partner))
        self.assertEqual(payload['data']['remark'], {'value': "Thank you", 'color': '#FF0000'})
        self.assertNotIn('color', payload['data']['first'])
        self.assertEqual(payload['url'], f'{self.template.get_base_url()}/my/{self.partner.id}')
        miniprogram = self.env['wechat.app'].create({
            'name': "Shop", 'appid': 'wx0000000000000003', 'app_type': 'miniprogram',
        })
        self.template.write({
            'jump': 'miniprogram', 'miniprogram_id': miniprogram.id,
            'page': '/pages/order?id={{ object.id }}',
        })
        payload = self.template._prepare_payload(self.partner, {})
        self.assertEqual(payload['miniprogram'], {
            'appid': 'wx0000000000000003', 'pagepath': f'pages/order?id={self.partner.id}'})
        self.assertNotIn('url', payload)

    def test_message_is_in_the_language_of_the_customer(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.lines['remark'].with_context(lang='zh_CN').text = "谢谢惠顾"
        self.partner.lang = 'zh_CN'
        values = self.template._prepare_log(self.partner)
        self.assertEqual(values['payload']['data']['remark']['value'], "谢谢惠顾")

    # === PREVIEW AND BUTTON === #

    def _composer(self, partners, **context):
        return self.env['wechat.message.composer'].with_context(
            active_model='res.partner', active_ids=partners.ids,
            default_template_id=self.template.id, **context,
        ).create({})

    def test_preview_shows_what_the_customer_gets(self):
        composer = self._composer(self.partner)
        self.assertIn("Hello Li Lei", composer.preview)
        self.assertIn('#FF0000', composer.preview)
        self.assertEqual((composer.partner_name, composer.problem), ("Li Lei", False))

    def test_preview_shows_why_a_message_cannot_be_sent(self):
        self.partner.ref = "单号"
        self.assertIn("does not fit", self._composer(self.partner).problem)
        stranger = self.env['res.partner'].create({'name': "N", 'ref': '1', 'function': "x"})
        self.assertIn("no WeChat identity", self._composer(stranger).problem)

    def test_preview_escapes_what_customers_wrote(self):
        self.partner.function = "<script>x</script>"
        self.assertNotIn('<script>', self._composer(self.partner).preview)

    def test_button_offers_the_template_on_its_records(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.env.ref('base.module_wechat')._update_translations(['zh_CN'])
        self.template.action_add_to_menu()
        action = self.template.action_id
        self.assertEqual(action.name, "Send by WeChat: 下单成功通知")
        self.assertEqual(action.with_context(lang='zh_CN').name, "微信发送：下单成功通知")
        self.assertEqual(action.binding_model_id.model, 'res.partner')
        self.assertEqual(action.group_ids, self.env.ref('wechat.group_user'))
        self.template.action_remove_from_menu()
        self.assertFalse(action.exists())

    def test_button_queues_a_message_for_each_record(self):
        stranger = self.env['res.partner'].create({'name': "Nobody"})
        answer = self._composer(self.partner | stranger).action_send()
        self.assertEqual(answer['params']['type'], 'warning')
        logs = self.env['wechat.message.log'].search([('template_id', '=', self.template.id)])
        self.assertEqual(sorted(logs.mapped('state')), ['failed', 'queued'])
        self.assertFalse(self.fake.requests)

    # === RIGHTS === #

    def test_who_may_send_and_who_may_edit(self):
        user = new_test_user(self.env, 'sender', groups='wechat.group_user')
        employee = new_test_user(self.env, 'employee', groups='base.group_user')
        portal = new_test_user(self.env, 'customer', groups='base.group_portal')
        composer = self.env['wechat.message.composer']
        values = {'template_id': self.template.id, 'res_ids': self.partner.ids}
        composer.with_user(user).create(values).action_send()
        with mute_logger('odoo.addons.base.models.ir_model'):
            for refused in (employee, portal):
                with self.assertRaises(AccessError):
                    composer.with_user(refused).create(values)
                for model in ('wechat.message.template', 'wechat.message.log'):
                    with self.assertRaises(AccessError):
                        self.env[model].with_user(refused).search([])
            with self.assertRaises(AccessError):
                self.template.with_user(user).write({'url': 'x'})
            with self.assertRaises(AccessError):
                self.lines['first'].with_user(user).write({'text': 'x'})
            log = self.env['wechat.message.log'].search([], limit=1)
            with self.assertRaises(AccessError):
                log.with_user(user).action_cancel()
            with self.assertRaises(AccessError):
                self.app.with_user(user).action_fetch_templates()

    def test_records_that_the_user_may_not_read_are_refused(self):
        user = new_test_user(self.env, 'sender', groups='wechat.group_user')
        self.template.line_ids.write({'text': "x", 'field_path': False})
        self.template.model_id = self.env['ir.model']._get('wechat.identity')
        composer = self.env['wechat.message.composer'].with_user(user).create({
            'template_id': self.template.id, 'res_ids': self.identity.ids,
            'record_ref': f'wechat.identity,{self.identity.id}',
        })
        self.assertIn("may not read", composer.problem)
        with mute_logger('odoo.addons.base.models.ir_rule'), self.assertRaises(AccessError):
            composer.action_send()

    def test_templates_of_other_companies_are_not_seen(self):
        other = self.env['res.company'].create({'name': "Other"})
        manager = new_test_user(
            self.env, 'other', groups='wechat.group_manager', company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        self.template._queue(self.partner)
        self.assertFalse(self.env['wechat.message.template'].with_user(manager).search([]))
        self.assertFalse(self.env['wechat.message.log'].with_user(manager).search([]))
