# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment_operations.tests.payout_common import (
    MANAGER,
    USER,
    PayoutCommon,
    answer_transfer,
)

RULE_LOGGERS = ('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')


@tagged('post_install', '-at_install')
class TestPayoutRules(PayoutCommon, TransactionCase):
    """Who may prepare and send money, how much, and what nobody may change."""

    def setUp(self):
        super().setUp()
        self.fake.reset()
        self.sent = []

        def answer(request):
            self.sent.append(request.json)
            return answer_transfer(self.fake, request)

        self.fake.override('POST /v3/fund-app', answer)

    # === WHO === #

    def test_who_prepares_does_not_send_and_who_sends_does_not_prepare(self):
        transfer = self._create_transfer()
        with self.assertRaises(AccessError):
            self._send(transfer, self.preparer)
        with mute_logger(*RULE_LOGGERS), self.assertRaises(AccessError):
            self._create_transfer(user=self.sender)
        with mute_logger(*RULE_LOGGERS), self.assertRaises(AccessError):
            transfer.with_user(self.sender).amount = 2
        self.assertFalse(self.sent)
        self._send(transfer)
        self.assertEqual((transfer.state, len(self.sent)), ('waiting', 1))

    def test_neither_group_implies_the_other_and_no_other_group_implies_one(self):
        groups = self.env['res.groups'].browse(
            [self.env.ref(name).id for name in (USER, MANAGER)]
        )
        for group in groups:
            self.assertFalse(group.all_implied_ids & (groups - group))
            self.assertFalse(group.all_implied_by_ids - group)

    def test_four_eyes(self):
        transfer = self._create_transfer(user=self.both)
        with self.assertRaisesRegex(UserError, "four eyes"):
            self._send(transfer, self.both)
        self.assertFalse(transfer.with_user(self.both).can_send)
        self.assertFalse(self.sent)
        self._send(transfer, self.sender)
        self.assertEqual(len(self.sent), 1)

    def test_without_four_eyes_one_person_is_enough(self):
        self.provider.wechat_payout_four_eyes = False
        self._send(self._create_transfer(user=self.both), self.both)
        self.assertEqual(len(self.sent), 1)

    def test_who_sends_cannot_change_what_another_prepared(self):
        transfer = self._create_transfer()
        for values in ({'amount': 2}, {'remark': "x"}, {'user_name_input': "x"}):
            with self.assertRaisesRegex(AccessError, "who made it"):
                transfer.with_user(self.both).write(values)
        self.assertEqual(transfer.amount, 1)

    @mute_logger(*RULE_LOGGERS)
    def test_others_neither_see_nor_send(self):
        transfer = self._create_transfer()
        clerk = new_test_user(self.env, 'payout-clerk', 'base.group_user')
        for user in (clerk, self.customer, self.env.ref('base.public_user'),
                     self.env.ref('base.user_root')):
            other = transfer.with_user(user)
            for method in ('action_send', 'action_cancel', 'action_ask', 'action_renew', '_send',
                           '_cancel'):
                with self.subTest(user=user.login, method=method), self.assertRaises(AccessError):
                    getattr(other, method)()
        for user in (clerk, self.customer):
            with self.assertRaises(AccessError):
                transfer.with_user(user).read(['amount'])
        self.assertFalse(self.sent)

    @mute_logger(*RULE_LOGGERS)
    def test_another_company_s_managers_do_not_send(self):
        company = self.env['res.company'].create({'name': "Another"})
        manager = new_test_user(
            self.env, 'payout-elsewhere', f'{USER},{MANAGER}', company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        transfer = self._create_transfer()
        for method in ('action_send', 'action_ask', 'action_cancel', 'action_renew'):
            with self.subTest(method=method), self.assertRaises(AccessError):
                getattr(transfer.with_user(manager), method)()
        self.assertFalse(self.sent)

    # === KEYS === #

    def test_without_the_keys_of_api_v3_there_is_no_number(self):
        transfer = self._create_transfer()
        self.provider.write({
            'wechat_api_v2_key': 'k' * 32, 'wechat_api_version': 'v2', 'wechat_api_v3_key': False,
        })
        with self.assertRaisesRegex(WeChatError, "keys of API v3"):
            self._send(transfer)
        self.assertEqual((transfer.state, transfer.out_bill_no), ('draft', False))
        self.assertFalse(self.sent)

    # === WHAT NOBODY CHANGES === #

    def test_a_client_writes_a_draft_and_nothing_else(self):
        drafts = self.env['wechat.pay.transfer'].with_user(self.preparer)
        values = {
            'identity_id': self.identity.id, 'amount': 1, 'scene_id': self.scene.id, 'remark': "x",
        }
        forbidden = {
            'state': 'sending', 'body': '{}', 'out_bill_no': 'T1', 'day': '2026-01-01',
            'sent_by_id': self.sender.id, 'wechat_state': 'ACCEPTED', 'package_info': 'x',
            'user_name': 'x', 'next_query': '2026-01-01 00:00:00', 'partner_id': 1,
            'company_id': 1, 'previous_id': 1, 'alert': False,
        }
        transfer = self._create_transfer()
        for name, value in forbidden.items():
            with self.subTest(name=name):
                with self.assertRaises(AccessError):
                    drafts.create({**values, name: value})
                with self.assertRaises(AccessError):
                    transfer.with_user(self.preparer).write({name: value})
        made = drafts.with_context(**{
            f'default_{name}': value for name, value in forbidden.items()
        }).create(values).sudo()
        self.assertEqual((made.state, made.body, made.out_bill_no), ('draft', False, False))
        self.assertFalse(made.next_query or made.package_info or made.user_name or made.day)

    def test_who_made_it_cannot_be_pretended(self):
        transfer = self._create_transfer(create_uid=self.sender.id)
        transfer.with_user(self.preparer).write({'create_uid': self.sender.id})
        self.assertEqual(transfer.create_uid, self.preparer)

    def test_what_was_sent_is_neither_changed_nor_deleted(self):
        transfer = self._send(self._create_transfer())
        for values in ({'amount': 2}, {'remark': "x"}, {'identity_id': self.identity.id}):
            with self.assertRaises(UserError):
                transfer.with_user(self.preparer).write(values)
        for record in (transfer, transfer.with_user(self.preparer)):
            with self.assertRaises(UserError):
                record.unlink()
        self._create_transfer().with_user(self.preparer).unlink()

    def test_secrets_are_read_by_administrators_only(self):
        transfer = self._send(self._create_transfer())
        for name in ('body', 'package_info', 'user_name'):
            with mute_logger(*RULE_LOGGERS), self.assertRaises(AccessError):
                transfer.with_user(self.sender).read([name])

    def test_only_people_of_the_provider_s_apps_get_money(self):
        self.provider.wechat_app_ids = False
        other = self.env['wechat.app'].create({
            'name': "Other", 'app_type': 'miniprogram', 'appid': 'wx00000000000000ee',
            'company_id': self.provider.company_id.id,
        })
        self.provider.wechat_app_ids = other
        with self.assertRaises(ValidationError):
            self._create_transfer(provider_id=self.provider.id)

    # === HOW MUCH === #

    def test_amounts_outside_the_provider_s_limits_are_not_sent(self):
        for amount in (0.29, 2000.01):
            transfer = self._create_transfer(amount)
            with self.subTest(amount=amount), self.assertRaisesRegex(UserError, "outside"):
                self._send(transfer)
            self.assertEqual((transfer.state, transfer.body), ('draft', False))
        for amount in (0, -1, 0.001):
            with self.subTest(amount=amount), self.assertRaises(ValidationError):
                self._create_transfer(amount)
        self.assertFalse(self.sent)

    def _check_limit(self, text, first=1, second=1):
        self._send(self._create_transfer(first))
        transfer = self._create_transfer(second)
        with self.assertRaisesRegex(UserError, text):
            self._send(transfer)
        self.assertEqual((transfer.state, len(self.sent)), ('draft', 1))
        return transfer

    def test_the_amount_of_a_day_is_limited_to_the_fen(self):
        self.provider.wechat_payout_day_amount = 10
        transfer = self._check_limit("10 yuan a day", 4.5, 5.51)
        transfer.with_user(self.preparer).amount = 5.5
        self._send(transfer)
        self.assertEqual(len(self.sent), 2)

    def test_the_number_of_a_day_is_limited(self):
        self.provider.wechat_payout_day_count = 1
        self._check_limit("payouts a day")

    def test_a_person_s_amount_and_number_are_limited(self):
        self.provider.wechat_payout_user_day_count = 1
        self._check_limit("payouts a day to")
        self.provider.wechat_payout_user_day_count = 5
        self.provider.wechat_payout_user_day_amount = 1.5
        transfer = self._create_transfer(0.51)
        with self.assertRaisesRegex(UserError, "yuan a day to"):
            self._send(transfer)

    def test_a_person_is_the_same_in_all_apps(self):
        self.provider.wechat_payout_user_day_count = 1
        self.identity.write({'unionid': 'uPERSON', 'user_id': False, 'partner_id': False})
        app = self.env['wechat.app'].create({
            'name': "Other", 'app_type': 'miniprogram', 'appid': 'wx00000000000000ee',
            'company_id': self.provider.company_id.id,
        })
        self.provider.wechat_app_ids |= app
        other = self.identity.create({'app_id': app.id, 'openid': 'oOther', 'unionid': 'uPERSON'})
        self._send(self._create_transfer())
        with self.assertRaisesRegex(UserError, "payouts a day to"):
            self._send(self._create_transfer(identity_id=other.id))

    def test_of_many_only_those_are_sent_that_can_be(self):
        first = self._send(self._create_transfer())
        second, third = self._create_transfer(), self._create_transfer()
        self._send(first + second + third)
        self.assertEqual((first + second + third).mapped('state'), ['waiting'] * 3)
        self.assertEqual(len(self.sent), 3)

    def test_a_limit_of_zero_sends_nothing(self):
        self.provider.wechat_payout_day_amount = 0
        with self.assertRaises(UserError):
            self._send(self._create_transfer())
        self.assertFalse(self.sent)

    def test_the_totals_of_the_day_are_shown(self):
        first = self._send(self._create_transfer(4.5))
        self.assertIn("1 of 1000 payouts, 4.50 of 10000.00 yuan", first.day_totals)
        draft = self._create_transfer().with_user(self.preparer)
        self.assertEqual(draft.day_totals, first.day_totals)

    def test_tomorrow_there_is_room_again(self):
        self.provider.wechat_payout_day_count = 1
        transfer = self._check_limit("payouts a day")
        first = self.env['wechat.pay.transfer'].search([('state', '=', 'waiting')])
        first.day -= timedelta(1)
        self._send(transfer)
        self.assertEqual(len(self.sent), 2)

    def test_what_came_back_is_not_counted(self):
        self.provider.wechat_payout_day_count = 1
        transfer = self._check_limit("payouts a day")
        first = self.env['wechat.pay.transfer'].search([('state', '=', 'waiting')])
        first.state = 'cancelled'
        self._send(transfer)
        self.assertEqual(len(self.sent), 2)

    def test_a_disabled_provider_and_a_service_provider_send_nothing(self):
        transfer = self._create_transfer()
        self.provider.wechat_sub_mch_id = '1900000109'
        with self.assertRaisesRegex(UserError, "service provider"):
            self._send(transfer)
        self.provider.wechat_sub_mch_id = False
        self.provider.state = 'disabled'
        with self.assertRaisesRegex(UserError, "disabled"):
            self._send(transfer)
        self.assertFalse(self.sent)
