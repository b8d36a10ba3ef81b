# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.models import payment_provider_comments
from odoo.addons.wechat_payment.protocol import v2_comments
from odoo.addons.wechat_payment.tests.sandbox_refund_common import SandboxRefundCommon

V2 = 'odoo.addons.wechat_payment.models.payment_provider_v2'
COMMENTS = 'odoo.addons.wechat_payment.models.payment_provider_comments'


@tagged('post_install', '-at_install', '-standard', 'wechat_sandbox')
class TestSandboxComments(SandboxRefundCommon):
    """What customers wrote about payments, fetched from the project's sandbox."""

    def setUp(self):
        super().setUp()
        self.manager = new_test_user(self.env, 'comments', groups='wechat.group_manager')
        self.env.flush_all()

    def _write_comment(self, comment="好喝", stars=5):
        return self._at_merchant(
            'comments', out_trade_no=self.tx.reference, stars=stars, comment=comment,
        )

    def _fetch_comments(self, user=None, **dates):
        """Press Fetch, and return the message."""
        self.env.flush_all()
        wizard = self.env['wechat.pay.fetch.comments'].with_user(user or self.manager).create(dates)
        params = wizard.action_fetch()['params']
        self.env.invalidate_all()
        return params

    def _comments(self):
        return self.env['wechat.pay.comment'].search([])

    def test_a_manager_fetches_comments_with_their_payments(self):
        written = self._write_comment("茶不错，=1+1", 2)
        self.assertIn("1 new", self._fetch_comments()['message'])
        comment = self._comments()
        self.assertEqual(
            (comment.stars, comment.comment, comment.transaction_number, comment.transaction_id),
            (2, "茶不错，=1+1", written['transaction_id'], self.tx),
        )
        age = fields.Datetime.now() - comment.commented_on
        self.assertLess(abs(age), timedelta(minutes=5), "kept in UTC")
        self.assertEqual(self._problems(), [])

    def test_comments_are_kept_once(self):
        self._write_comment()
        self._fetch_comments()
        self._control('POST', 'clock', offset=1)
        self._write_comment("又来")
        self.assertIn("1 new", self._fetch_comments()['message'])
        self.assertIn("0 new", self._fetch_comments()['message'])
        self.assertEqual(len(self._comments()), 2)

    def test_comments_come_in_pages(self):
        self.patch(v2_comments, 'PAGE', 2)
        for number in range(5):
            self._control('POST', 'clock', offset=number)
            self._write_comment(str(number))
        self.assertIn("5 new", self._fetch_comments()['message'])
        self.assertEqual(set(self._comments().mapped('comment')), set('01234'))

    def test_too_many_comments_are_refused_and_none_kept(self):
        self.patch(v2_comments, 'PAGE', 1)
        self.patch(payment_provider_comments, 'MAX_PAGES', 2)
        for number in range(3):
            self._control('POST', 'clock', offset=number)
            self._write_comment(str(number))
        params = self._fetch_comments()
        self.assertIn("fewer days", params['message'])
        self.assertEqual(params['type'], 'warning')
        self.assertFalse(self._comments())

    def test_days_without_comments_are_no_failure(self):
        params = self._fetch_comments()
        self.assertEqual((params['message'], params['type']), ("0 new comments.", 'success'))

    @mute_logger(V2, COMMENTS)
    def test_what_is_no_list_is_refused(self):
        self._write_comment()
        for body in ('<html></html>', 'x\n', '1\n`2026', '\x00'):
            self._control(
                'POST', 'faults', action='garbage', path='batchquerycomment', body=body,
            )
            params = self._fetch_comments()
            self.assertEqual(params['type'], 'warning', body)
        self.assertFalse(self._comments())

    @mute_logger(V2)
    def test_a_failure_that_is_not_signed_is_not_believed(self):
        for action in ('unsigned', 'wrong_signature'):
            self._control('POST', 'faults', action=action, path='batchquerycomment')
            with self.assertRaises(WeChatError):
                self.provider._wechat_fetch_comments(fields.Date.today(), fields.Date.today())

    def test_an_md5_merchant_fetches_with_hmac(self):
        self._control('PATCH', 'merchants/1900000001', v2_sign_type='MD5')
        self.provider.wechat_v2_sign_type = 'MD5'
        self._write_comment()
        self.assertIn("1 new", self._fetch_comments()['message'])

    def test_a_merchant_without_the_key_is_told_what_is_missing(self):
        self.provider.state = 'disabled'
        with self.assertRaisesRegex(UserError, "APIv2 key"):
            self._fetch_comments()

    def test_days_are_those_of_beijing(self):
        wizards = self.env['wechat.pay.fetch.comments']
        for moment, day in (('15:59:59', '2026-01-02'), ('16:00:00', '2026-01-03')):
            with freeze_time(f'2026-01-02 {moment}'):
                self.assertEqual(str(wizards.create({}).date_to), day)

    def test_the_first_day_is_not_after_the_last(self):
        with self.assertRaises(UserError):
            self._fetch_comments(date_from=fields.Date.today() + timedelta(days=2))

    def test_employees_and_customers_see_none_and_fetch_none(self):
        self._write_comment()
        self._fetch_comments()
        employee = new_test_user(self.env, 'employee', groups='base.group_user')
        for user in (employee, self.customer):
            with self.assertRaises(AccessError):
                self.env['wechat.pay.comment'].with_user(user).search([])
            with self.assertRaises(AccessError):
                self._fetch_comments(user)

    def test_comments_of_another_company_are_not_seen(self):
        self._write_comment()
        self._fetch_comments()
        other = self.env['res.company'].create({'name': "Other"})
        stranger = new_test_user(
            self.env, 'stranger', groups='wechat.group_manager', company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        self.assertFalse(self.env['wechat.pay.comment'].with_user(stranger).search([]))
        with self.assertRaises(UserError):
            self._fetch_comments(stranger)

    def test_nobody_writes_what_a_customer_wrote(self):
        self._write_comment()
        self._fetch_comments()
        for user in (self.manager, self.env.ref('base.user_admin')):
            with self.assertRaises(AccessError):
                self._comments().with_user(user).stars = 5

    def test_an_exported_comment_is_no_formula(self):
        texts = ['=1+1', '+1', '-1', '@SUM(1)', ' =1', "好喝"]
        for number, text in enumerate(texts):
            self._control('POST', 'clock', offset=number)
            self._write_comment(text)
        self._fetch_comments()
        rows = self._comments().with_user(self.env.ref('base.user_admin')).export_data(
            ['comment', 'stars'],
        )['datas']
        self.assertEqual(
            {row[0] for row in rows}, {"'=1+1", "'+1", "'-1", "'@SUM(1)", "' =1", "好喝"},
        )
