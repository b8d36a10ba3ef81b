# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import date, datetime

from odoo.exceptions import ValidationError
from odoo.tests import new_test_user, tagged

from odoo.addons.wechat import rendering
from odoo.addons.wechat.tests.common import WechatCommon


@tagged('post_install', '-at_install')
class TestRendering(WechatCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parent = cls.env['res.partner'].create({'name': "Tea House", 'is_company': True})
        cls.partner = cls.env['res.partner'].create({
            'name': "Li Lei", 'parent_id': cls.parent.id, 'type': 'delivery',
            'comment': "<p>Hi</p>",
        })
        cls.rate = cls.env['res.currency.rate'].create({
            'name': date(2019, 10, 1), 'currency_id': cls.env.ref('base.EUR').id,
            'company_id': cls.company.id,
        })

    # === WHAT IS FILLED IN === #

    def test_paths_are_followed_through_relations(self):
        self.assertEqual(rendering.read_path(self.partner, 'parent_id.name'), "Tea House")
        self.assertEqual(rendering.read_path(self.partner, 'parent_id'), "Tea House")
        self.assertEqual(rendering.read_path(self.parent, 'child_ids.name'), "Li Lei")
        self.assertEqual(rendering.read_path(self.parent, 'parent_id.name'), '')

    def test_values_are_written_as_people_read_them(self):
        read = rendering.read_path
        self.assertEqual(read(self.partner, 'type'), "Delivery")
        self.assertEqual(read(self.partner, 'comment'), "Hi")
        self.assertEqual(read(self.parent, 'is_company'), "Yes")
        self.assertEqual(read(self.rate, 'name', 'date'), '2019-10-01')
        self.assertEqual(read(self.partner, 'color', 'number'), '0')

    def test_times_are_in_the_time_zone_of_the_customer(self):
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = %s WHERE id = %s",
            [datetime(2019, 10, 1, 20, 1), self.partner.id],
        )
        self.partner.invalidate_recordset()
        chinese = self.partner.with_context(tz='Asia/Shanghai')
        self.assertEqual(rendering.read_path(chinese, 'create_date', 'time'), '2019-10-02 04:01')

    def test_amounts_have_one_sign_and_no_separators(self):
        yuan, franc = self.env.ref('base.CNY'), self.env.ref('base.CHF')
        self.assertEqual(rendering.write_amount(12345.6, yuan, 'amount'), '¥12345.60')
        self.assertEqual(rendering.write_amount(12345.6, franc, 'amount'), '12345.60')
        self.assertEqual(rendering.write_amount(12345.6, yuan, 'number'), '12345.60')
        self.assertIn('12,345.60', rendering.write_amount(12345.6, yuan))

    def test_text_keeps_what_is_not_a_field(self):
        self.assertEqual(
            rendering.render(self.partner, "Dear {{ object.name }} of {{object.parent_id.name}}"),
            "Dear Li Lei of Tea House",
        )
        self.assertEqual(rendering.render(self.partner, "No fields"), "No fields")
        self.assertEqual(rendering.render(self.partner, False), "")

    def test_default_is_for_what_is_empty_and_for_nobody(self):
        text = "Dear {{ object.function ||| customer }}"
        self.assertEqual(rendering.render(self.partner, text), "Dear customer")
        self.assertEqual(rendering.render(self.env['res.partner'], text), "Dear customer")

    # === WHAT IS REFUSED === #

    def test_nothing_is_evaluated(self):
        for expression in (
            'object.unlink()', "object['name']", '1 + 1', 'user.name', 'object.env.cr',
            'object.name or object.phone', 'object', 'object.__class__',
        ):
            with self.subTest(expression=expression), self.assertRaises(ValidationError):
                rendering.check_text(self.partner, "{{ %s }}" % expression)
            # And what was never checked gives its default.
            self.assertEqual(rendering.render(self.partner, "{{ object.unlink() ||| x }}"), "x")
        self.assertTrue(self.partner.exists())

    def test_paths_that_lead_nowhere_are_refused(self):
        for path in ('nothing', 'name.id', 'parent_id.nothing', 'image_1920', '', 'env', '.name'):
            with self.subTest(path=path), self.assertRaises(ValidationError):
                rendering.check_path(self.env['res.partner'], path)
        rendering.check_path(self.env['res.partner'], 'parent_id.parent_id.name')

    def test_fields_that_the_editor_may_not_read_are_refused(self):
        manager = new_test_user(self.env, 'wechat_manager', groups='wechat.group_manager')
        apps = self.env['wechat.app'].with_user(manager)
        rendering.check_path(apps, 'name')
        with self.assertRaises(ValidationError):
            rendering.check_path(apps, 'secret')
        identities = self.env['wechat.identity']
        with self.assertRaises(ValidationError):
            rendering.check_path(identities, 'session_key')
        with self.assertRaises(ValidationError):
            rendering.check_path(identities.with_user(manager), 'app_id.push_token')
        with self.assertRaises(ValidationError):
            rendering.check_path(self.env['wechat.token'].with_user(manager), 'kind')
