# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.tests.common import WechatPayCommon

CODE = '134567890123456789'


@tagged('post_install', '-at_install')
class TestCashier(WechatPayCommon):
    """Who may scan payment codes, and what is refused before anybody is charged."""

    def setUp(self):
        super().setUp()
        self.fake.reset()
        self.cashier = self.internal_user
        self.cashier.write({'group_ids': [
            Command.link(self.env.ref('wechat_payment.group_cashier').id),
        ]})
        self.till = self.env['payment.transaction'].with_user(self.cashier)

    def _refused(self, *args, **kwargs):
        """Return the code word with which a charge is refused; WeChat Pay is not called."""
        with self.assertRaises(WeChatError) as caught:
            self.till.wechat_charge_code(*args, **kwargs)
        self.assertFalse(self.fake.requests)
        return caught.exception.code

    def test_clients_may_call_these_methods_and_no_others(self):
        names = {
            name for cls in type(self.till).__mro__
            if cls.__module__.startswith('odoo.addons.wechat_payment.')
            for name, value in vars(cls).items() if name.startswith('wechat_') and callable(value)
            and name not in self.till._fields
        }
        self.assertEqual(names, {
            'wechat_get_code_payable', 'wechat_charge_code', 'wechat_poll_code',
            'wechat_cancel_code',
        })

    def test_only_cashiers_may(self):
        for user in (self.customer, self.public_user, self.internal_user.copy({
            'login': 'no_cashier', 'group_ids': [Command.set(self.env.ref('base.group_user').ids)],
        })):
            till = self.env['payment.transaction'].with_user(user)
            for call in (
                lambda till=till: till.wechat_charge_code(CODE, amount=1),
                lambda till=till: till.wechat_get_code_payable('sale.order', 1),
                lambda till=till: till.wechat_poll_code('x'),
                lambda till=till: till.wechat_cancel_code('x'),
                lambda till=till: till._wechat_open_cashier(self.customer.partner_id),
            ):
                with self.assertRaises(AccessError):
                    call()
        self.assertFalse(self.fake.requests)

    def test_settings_administrators_are_cashiers(self):
        self.assertTrue(self.env.ref('base.user_admin').has_group('wechat_payment.group_cashier'))
        self.assertFalse(self.customer.has_group('wechat_payment.group_cashier'))

    def test_a_cashier_reads_neither_transactions_nor_providers(self):
        for model in ('payment.transaction', 'payment.provider'):
            with self.assertRaises(AccessError):
                self.env[model].with_user(self.cashier).search([]).read(['state'])

    def test_what_is_no_payment_code_is_refused(self):
        for wrong in ('', CODE[:17], CODE + '0', '16' + CODE[2:], '0' + CODE[1:], int(CODE), None):
            with self.subTest(wrong):
                self.assertEqual(self._refused(wrong, amount=1), 'bad_request')

    def test_without_the_apiv2_key_the_cashier_is_told_what_is_missing(self):
        with self.assertRaises(WeChatError) as caught:
            self.till.wechat_charge_code(CODE, amount=1)
        self.assertEqual(caught.exception.code, 'misconfigured')
        self.assertIn("APIv2 key", str(caught.exception))
        self.assertFalse(self.env['payment.transaction'].search([
            ('wechat_trade_type', '=', 'MICROPAY'),
        ]))

    def test_companies_that_could_not_reverse_take_no_codes(self):
        company = self.provider.company_id
        providers = self.env['payment.provider'].with_user(self.cashier)
        self.assertFalse(providers._wechat_companies_take_codes(company))
        self.provider.wechat_api_v2_key = 'a' * 32
        self.assertEqual(providers._wechat_companies_take_codes(company), company)
        self.provider.wechat_merchant_certificate = False
        self.assertFalse(providers._wechat_companies_take_codes(company))
        self.provider.wechat_code_pay_version = 'v3'
        self.assertEqual(providers._wechat_companies_take_codes(company), company)

    def test_codes_by_api_v3_need_its_keys_at_a_provider_of_api_v2(self):
        company = self.provider.company_id
        self.provider.write({
            'wechat_api_version': 'v2', 'wechat_api_v2_key': 'a' * 32,
            'wechat_code_pay_version': 'v3',
        })
        providers = self.env['payment.provider'].with_user(self.cashier)
        self.assertEqual(providers._wechat_companies_take_codes(company), company)
        self.provider.wechat_api_v3_key = False
        self.assertFalse(providers._wechat_companies_take_codes(company))
        with self.assertRaises(WeChatError) as caught:
            self.till.wechat_charge_code(CODE, amount=1)
        self.assertEqual(caught.exception.code, 'misconfigured')
        self.assertIn("the APIv3 key", str(caught.exception))

    def test_documents_that_nobody_made_payable_are_refused(self):
        for model, document_id in (
            ('res.partner', self.customer.partner_id.id), ('no.model', 1), ('sale.order', '1'),
            ('sale.order', 0), ('sale.order', True), (['sale.order'], 1),
        ):
            with self.subTest(model, id=document_id):
                self.assertEqual(
                    self._refused(CODE, model=model, document_id=document_id), 'bad_request',
                )

    def test_a_partner_whom_the_cashier_may_not_read_pays_nothing(self):
        company = self.env['res.company'].create({'name': "Elsewhere"})
        partner = self.env['res.partner'].create({'name': "Theirs", 'company_id': company.id})
        with self.assertRaises(AccessError):
            self.till.wechat_charge_code(CODE, amount=1, partner_id=partner.id)

    def test_names_of_terminals_are_short_and_plain(self):
        for name in ('x' * 33, 'till 1', 'till<1>', '收银'):
            with self.subTest(name):
                self.assertEqual(self._refused(CODE, amount=1, device_info=name), 'bad_request')

    def test_a_store_code_is_not_longer_than_wechat_takes(self):
        with self.assertRaises(ValidationError):
            self.provider.wechat_store_code = 'x' * 33
