# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.wechat_payment_operations.models.wechat_pay_payout import COUNTED_STATES
from odoo.addons.wechat_payment_operations.protocol import transfers


class PaymentProvider(models.Model):
    """How much money may be sent to users, and what became of it."""

    _inherit = 'payment.provider'

    wechat_payout_four_eyes = fields.Boolean(
        string="Four Eyes", default=True,
        help="Red packets and transfers are not sent by who prepared them.",
    )
    wechat_payout_day_amount = fields.Float(
        string="Payouts a Day (Yuan)", default=10000, digits=(16, 2),
        help="Red packets and transfers together, by the day in Beijing; 0: nothing is sent.",
    )
    wechat_payout_day_count = fields.Integer(
        string="Payouts a Day", default=1000,
        help="Red packets and transfers together, by the day in Beijing; 0: nothing is sent.",
    )
    wechat_payout_user_day_amount = fields.Float(
        string="Payouts a Day and Person (Yuan)", default=2000, digits=(16, 2),
    )
    wechat_payout_user_day_count = fields.Integer(
        string="Payouts a Day and Person", default=10,
        help="WeChat Pay gives a person ten red packets a day, unless it agreed to more.",
    )
    wechat_red_packet_min = fields.Float(
        string="Smallest Red Packet (Yuan)", default=1, digits=(16, 2),
        help="Each; WeChat Pay allows less than 1.00 and more than 200.00 with a scene only.",
    )
    wechat_red_packet_max = fields.Float(
        string="Largest Red Packet (Yuan)", default=200, digits=(16, 2),
    )
    wechat_transfer_min = fields.Float(
        string="Smallest Transfer (Yuan)", default=0.3, digits=(16, 2),
    )
    wechat_transfer_max = fields.Float(
        string="Largest Transfer (Yuan)", default=2000, digits=(16, 2),
        help="WeChat Pay's own limits are shown on pay.weixin.qq.com, Product Center ▸ Merchant"
             " transfer.",
    )

    # === BUSINESS METHODS - LIMITS === #

    def _wechat_lock_payouts(self):
        """Let payouts of this provider be counted one after the other.

        The row is written, not only locked: a transaction that began before and waited would not
        see what was sent meanwhile. This way PostgreSQL stops it and Odoo runs it anew.

        :return: None
        """
        self.ensure_one()
        self.env.cr.execute(SQL(
            "UPDATE payment_provider SET write_date = write_date WHERE id = %s", self.id,
        ))

    def _wechat_get_payout_totals(self, day, payout=None):
        """Return what was sent on a day, by red packets and transfers together.

        :param date day: The day, in Beijing.
        :param wechat.pay.payout payout: Whose recipient is counted apart; it is not counted itself.
        :return: {amount, count, user_amount, user_count}; amounts in yuan.
        :rtype: dict
        """
        self.ensure_one()
        totals = {'amount': 0, 'count': 0, 'user_amount': 0, 'user_count': 0}
        identity = payout.identity_id.sudo() if payout else self.env['wechat.identity']
        if identity.unionid:  # The same person, whichever of the apps is used.
            identity |= identity.search([('unionid', '=', identity.unionid)])
        for name in ('wechat.pay.red.packet', 'wechat.pay.transfer'):
            model = self.env[name]
            model.flush_model()
            is_same = payout and payout._name == name
            self.env.cr.execute(SQL(
                """
                SELECT COALESCE(sum(amount), 0), count(*),
                       COALESCE(sum(amount) FILTER (WHERE %(is_user)s), 0),
                       count(*) FILTER (WHERE %(is_user)s)
                  FROM %(table)s
                 WHERE provider_id = %(provider_id)s AND day = %(day)s
                   AND state IN %(states)s AND id <> %(id)s
                """,
                is_user=SQL(
                    "(identity_id IN %s OR partner_id = %s)",
                    tuple(identity.ids), payout.partner_id.id or None,
                ) if payout else SQL("FALSE"),
                table=SQL.identifier(model._table), provider_id=self.id, day=day,
                states=COUNTED_STATES, id=payout.id if is_same else 0,
            ))
            row = self.env.cr.fetchone()
            for key, value in zip(totals, row, strict=True):
                totals[key] += value
        return totals

    def _wechat_check_payout_limits(self, payout):
        """Check that this payout is within all limits, with the provider's row locked.

        :param wechat.pay.payout payout: The payout that is to be sent now.
        :return: None
        :raise UserError: If it is not.
        """
        self.ensure_one()
        day = self.env['wechat.pay.bill']._get_beijing_today()
        totals = self._wechat_get_payout_totals(day, payout)
        name = payout.partner_id.display_name or payout.identity_id.display_name
        for so_far, more, limit, text in (
            (
                totals['count'], 1, self.wechat_payout_day_count,
                self.env._("payouts a day"),
            ),
            (
                float(totals['amount']), payout.amount, self.wechat_payout_day_amount,
                self.env._("yuan a day"),
            ),
            (
                totals['user_count'], 1, self.wechat_payout_user_day_count,
                self.env._("payouts a day to %(name)s", name=name),
            ),
            (
                float(totals['user_amount']), payout.amount, self.wechat_payout_user_day_amount,
                self.env._("yuan a day to %(name)s", name=name),
            ),
        ):
            if round(so_far + more - limit, 2) > 0:
                raise UserError(self.env._(
                    "The limit of %(limit)s %(what)s is reached: %(so_far)s so far. Send the rest"
                    " tomorrow (Beijing time), or have the administrator change the limit on the"
                    " payment provider.",
                    limit=f'{limit:g}', what=text, so_far=f'{so_far:g}',
                ))

    # === BUSINESS METHODS - PROBLEMS === #

    def _wechat_note_outcome(self, reason=None, detail=''):
        """Override to leave payments in peace: a payout that is not allowed says nothing of them.

        NO_AUTH is the answer where a merchant has no transfers, or where risk control stops a red
        packet; the payout itself tells it.
        """
        if self.env.context.get('wechat_is_payout') and detail.split()[-1:] == ['NO_AUTH']:
            return
        super()._wechat_note_outcome(reason, detail)

    # === BUSINESS METHODS - NOTIFICATIONS === #

    def _wechat_process_event(self, event_type, content):
        """Override of `wechat_payment` to take what became of transfers."""
        if event_type == transfers.FINISHED_EVENT:
            self.env['wechat.pay.transfer'].sudo()._process_notification(self, content)
            return True
        return super()._wechat_process_event(event_type, content)

    # === HELPERS === #

    def _wechat_check_payouts_possible(self):
        """Check that this provider can send money as it is set up.

        :return: None
        :raise UserError: If not.
        """
        self.ensure_one()
        if self.state == 'disabled':
            raise UserError(self.env._("The payment provider is disabled: nothing is sent."))
        if self._wechat_is_partner():
            raise UserError(self.env._(
                "A service provider (服务商) cannot send red packets and transfers here."
            ))
        self._wechat_check_notify_url()

    def _wechat_check_payout_amount(self, amount, least, most):
        """Check an amount against the provider's own limits.

        :param float amount: The amount of each, in yuan.
        :param float least: The smallest.
        :param float most: The largest.
        :return: None
        :raise UserError: If it is outside.
        """
        if round(amount - least, 2) < 0 or round(amount - most, 2) > 0:
            raise UserError(self.env._(
                "%(amount)s yuan is outside the limits of the payment provider: %(least)s to"
                " %(most)s.",
                amount=f'{amount:.2f}', least=f'{least:.2f}', most=f'{most:.2f}',
            ))
