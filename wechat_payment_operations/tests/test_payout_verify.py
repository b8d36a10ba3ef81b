# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.wechat_payment_operations.tests.payout_common import PayoutCommon, answer_transfer

LOGGER = 'odoo.addons.wechat_payment_operations.models.wechat_pay_payout_verify'


@tagged('post_install', '-at_install')
class TestPayoutVerify(PayoutCommon, TransactionCase):
    """What changes between the draft that somebody looked at and the call."""

    def setUp(self):
        super().setUp()
        self.fake.reset()
        self.sent = []

        def answer(request):
            self.sent.append(request.json)
            return answer_transfer(self.fake, request)

        self.fake.override('POST /v3/fund-app', answer)
        self.transfer = self._create_transfer()

    def _refused(self, *words, error=UserError):
        with self.assertRaisesRegex(error, '.*'.join(words)):
            self._send(self.transfer)
        self.assertEqual((self.transfer.state, self.sent), ('draft', []))

    # === THE RECIPIENT === #

    def test_a_draft_is_not_sent_to_another_openid(self):
        self.identity.openid = 'oSomebodyElse'
        self._refused("openid")

    def test_a_draft_is_not_sent_to_another_contact(self):
        customer, other = self.env['res.partner'].create([{'name': "Customer"}, {'name': "Other"}])
        self.identity.partner_id = customer
        self.transfer = self._create_transfer()
        self.assertEqual(self.transfer.partner_id, customer)
        self.identity.partner_id = other
        self._refused("contact")

    def test_a_draft_is_not_sent_from_an_app_that_was_taken_from_the_provider(self):
        self.provider.wechat_app_ids -= self.identity.app_id
        self._refused("does not belong", error=ValidationError)

    def test_another_recipient_in_the_draft_is_another_openid(self):
        other = self.identity.create({'app_id': self.identity.app_id.id, 'openid': 'oOther'})
        self.transfer.with_user(self.preparer).identity_id = other
        self._send(self.transfer)
        self.assertEqual([body['openid'] for body in self.sent], ['oOther'])

    def test_who_sends_sees_the_openid(self):
        for name in ('wechat.pay.transfer', 'wechat.pay.red.packet'):
            view = self.env[name].with_user(self.sender).get_view(view_type='form')
            self.assertIn('name="recipient_openid"', view['arch'])
        values = self.transfer.with_user(self.sender).read(['recipient_openid'])[0]
        self.assertEqual(values['recipient_openid'], self.identity.openid)

    # === WHAT WAS SEEN === #

    def test_a_draft_is_sent_as_it_was_seen(self):
        seen = [self.transfer.identity_id.id, self.transfer.amount]
        self.transfer.with_user(self.preparer).amount = 100
        with self._as(self.transfer) as sent, self.assertRaisesRegex(UserError, "since you opened"):
            sent.with_context(wechat_seen=seen).action_send()
        self.assertEqual((self.transfer.state, self.sent), ('draft', []))
        seen[1] = 100
        with self._as(self.transfer) as sent:
            sent.with_context(wechat_seen=seen).action_send()
        self.assertEqual([body['transfer_amount'] for body in self.sent], [10000])

    def test_the_button_says_what_was_seen(self):
        for name in ('wechat_pay_transfer_view_form', 'wechat_pay_red_packet_view_form'):
            view = self.env.ref(f'wechat_payment_operations.{name}')
            self.assertIn("'wechat_seen': [identity_id, amount]", view.arch)

    # === THE CALL === #

    @mute_logger(LOGGER)
    def test_a_provider_that_is_disabled_repeats_nothing(self):
        self.transfer.write({
            'state': 'sending', 'body': '{}', 'out_bill_no': 'T1', 'sent_on': fields.Datetime.now(),
            'next_query': fields.Datetime.now() - timedelta(seconds=1),
        })
        self.fake.override(
            'GET /v3/fund-app', lambda _request: self.fake.error(404, 'NOT_FOUND'),
        )
        self.provider.state = 'disabled'
        with self._as(self.transfer, self.env.user) as transfer:
            transfer.sudo()._settle()
        self.assertEqual((self.transfer.state, self.sent), ('sending', []))

    def test_what_was_never_sent_is_not_asked_for(self):
        self.transfer.state = 'cancelled'  # As the rest of a batch is.
        with self._as(self.transfer) as transfer:
            transfer.action_ask()
        self.assertFalse(self.fake.requests)

    # === THE ANSWER === #

    def test_a_group_s_red_packet_is_not_done_while_a_part_of_it_is_not_taken(self):
        app = self.env['wechat.app'].create({
            'name': "Account", 'app_type': 'official_account', 'appid': 'wx00000000000000ee',
            'company_id': self.provider.company_id.id,
        })
        self.provider.wechat_app_ids |= app
        self.identity = self.identity.create({'app_id': app.id, 'openid': 'oMember'})
        packet = self._create_red_packet(9, kind='group', total_num=3)
        for amount, refunded, state in ((300, 0, 'waiting'), (300, 600, 'done'), (900, 0, 'done')):
            with self.subTest(amount=amount, refunded=refunded):
                values = packet._read_result({
                    'status': 'RECEIVED', 'total_amount': 900, 'refund_amount': refunded,
                    'received': [{'openid': 'oMember', 'amount': amount, 'rcv_time': None}],
                })
                self.assertEqual(values['state'], state)
