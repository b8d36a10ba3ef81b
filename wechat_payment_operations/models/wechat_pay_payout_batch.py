# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from odoo.addons.wechat_payment_operations.models.wechat_pay_payout import MANAGER_GROUP, USER_GROUP

MODELS = {'transfer': 'wechat.pay.transfer', 'red_packet': 'wechat.pay.red.packet'}
# How the states of payouts are counted together.
COUNTS = {
    'left_count': ('draft',),
    'unknown_count': ('sending',),
    'sent_count': ('processing', 'waiting', 'cancelling', 'done', 'returned'),
    'received_count': ('done',),
    'failed_count': ('refused', 'failed', 'cancelled'),
}


class WechatPayPayoutBatch(models.Model):
    """Red packets or transfers to many people, prepared and sent together.

    Who prepares it hands it over; from then on nothing in it changes, and somebody else sends it.
    The sending is a scheduled action, see `_cron_send`: each payout is sent by its own rules.
    """

    _name = 'wechat.pay.payout.batch'
    _description = "Batch of Payouts"
    _inherit = ['mail.thread']
    _order = 'id desc'
    _mail_post_access = 'read'

    name = fields.Char(required=True, readonly=True)
    kind = fields.Selection(
        required=True, readonly=True,
        selection=[('transfer', "Transfers"), ('red_packet', "Red packets")],
    )
    provider_id = fields.Many2one(
        comodel_name='payment.provider', required=True, readonly=True, ondelete='restrict',
    )
    company_id = fields.Many2one(related='provider_id.company_id', store=True, index=True)
    currency_id = fields.Many2one(
        comodel_name='res.currency', required=True, readonly=True,
        default=lambda self: self.env.ref('base.CNY'),
    )
    state = fields.Selection(
        required=True, readonly=True, default='draft', tracking=True, index=True,
        selection=[
            ('draft', "Being prepared"),
            ('ready', "Handed over"),
            ('sending', "Being sent"),
            ('paused', "Paused"),
            ('stopped', "Stopped"),
            ('done', "Sent"),
            ('cancelled', "Cancelled"),
        ],
    )
    revision = fields.Integer(
        readonly=True, help="How often it was handed over: nobody sends another than was seen.",
    )
    run = fields.Integer(readonly=True, help="How often it was sent or resumed.")
    stop_reason = fields.Text(string="Why It Stopped", readonly=True)
    sent_by_id = fields.Many2one(
        comodel_name='res.users', readonly=True, ondelete='restrict', tracking=True,
    )
    sent_on = fields.Datetime(readonly=True)
    transfer_ids = fields.One2many(
        string="Transfers", comodel_name='wechat.pay.transfer', inverse_name='batch_id',
        readonly=True,
    )
    red_packet_ids = fields.One2many(
        string="Red Packets", comodel_name='wechat.pay.red.packet', inverse_name='batch_id',
        readonly=True,
    )
    total_count = fields.Integer(string="Payouts", compute='_compute_counts')
    total_amount = fields.Monetary(string="Total", compute='_compute_counts')
    left_count = fields.Integer(string="Left", compute='_compute_counts')
    unknown_count = fields.Integer(
        string="Unknown", compute='_compute_counts',
        help="WeChat Pay did not answer, and is asked. Unknown is not failed: do not send anew.",
    )
    sent_count = fields.Integer(string="Sent", compute='_compute_counts')
    received_count = fields.Integer(string="Received", compute='_compute_counts')
    failed_count = fields.Integer(string="Not Sent", compute='_compute_counts')
    progress = fields.Float(compute='_compute_counts')
    can_send = fields.Boolean(compute='_compute_can')
    can_prepare = fields.Boolean(compute='_compute_can')

    # === COMPUTE METHODS === #

    @api.depends('kind')
    def _compute_counts(self):
        for kind, batches in self.grouped('kind').items():
            counted = {}
            for batch, state, count, amount in self.env[MODELS[kind]].sudo()._read_group(
                [('batch_id', 'in', batches.ids)], ['batch_id', 'state'],
                ['__count', 'amount:sum'],
            ):
                counted.setdefault(batch.id, {})[state] = (count, amount)
            for batch in batches:
                states = counted.get(batch.id, {})
                batch.total_count = sum(count for count, _amount in states.values())
                batch.total_amount = sum(amount for _count, amount in states.values())
                for name, names in COUNTS.items():
                    batch[name] = sum(states.get(state, (0, 0))[0] for state in names)
                batch.progress = (
                    100 * (batch.total_count - batch.left_count) / batch.total_count
                    if batch.total_count else 0
                )

    @api.depends('state', 'provider_id', 'create_uid')
    @api.depends_context('uid')
    def _compute_can(self):
        is_manager = self.env.user.has_group(MANAGER_GROUP)
        is_user = self.env.user.has_group(USER_GROUP)
        for batch in self:
            batch.can_send = is_manager and not batch._needs_four_eyes()
            batch.can_prepare = is_user and batch.create_uid == self.env.user

    # === ACTION METHODS === #

    def action_hand_over(self):
        """Close this batch, so that somebody else may send it as it is.

        :return: Whether it was done.
        :rtype: bool
        """
        batch = self._claim('draft')
        batch._check_is_preparer()
        if not batch.left_count:
            raise UserError(self.env._("There is nothing in this batch."))
        batch.write({'state': 'ready', 'revision': batch.revision + 1})
        return True

    def action_take_back(self):
        """Open this batch again, to change what is in it.

        :return: Whether it was done.
        :rtype: bool
        """
        batch = self._claim('ready')
        batch._check_is_preparer()
        batch.state = 'draft'
        return True

    def action_send(self):
        """Send this batch, or go on with it, as the current user.

        The button says which revision was seen (`wechat_seen_revision` in the context).

        :return: Whether it was begun.
        :rtype: bool
        :raise UserError: If it is not as it was seen, or not to be sent by this user.
        """
        self.ensure_one()
        if not self.env.user.has_group(MANAGER_GROUP):
            raise AccessError(self.env._(
                "You may not send money. The administrator names who may: group “Send Payouts”."
            ))
        batch = self._claim('ready', 'paused', 'stopped')
        if batch._needs_four_eyes():
            raise UserError(self.env._(
                "You made this batch, so that somebody else must send it (four eyes)."
            ))
        if self.env.context.get('wechat_seen_revision', batch.revision) != batch.revision:
            raise UserError(self.env._(
                "This batch was changed since you opened it. Look at it again."
            ))
        batch.write({
            'state': 'sending', 'run': batch.run + 1, 'stop_reason': False,
            'sent_by_id': self.env.uid, 'sent_on': fields.Datetime.now(),
        })
        self.env.ref('wechat_payment_operations.cron_wechat_payout_batches').sudo()._trigger()
        return True

    def action_pause(self):
        """Send nothing more of this batch until somebody resumes it.

        :return: Whether it was done.
        :rtype: bool
        """
        self._check_is_member()
        self._claim('sending').state = 'paused'
        return True

    def action_cancel(self):
        """Never send what is left of this batch. What was sent stays sent.

        :return: Whether it was done.
        :rtype: bool
        """
        self._check_is_member()
        batch = self._claim('draft', 'ready', 'sending', 'paused', 'stopped')
        batch.write({'state': 'cancelled', 'stop_reason': False})
        # If one of them is being sent at this moment, PostgreSQL stops us and Odoo runs us anew.
        left = batch._get_payouts().search([('batch_id', '=', batch.id), ('state', '=', 'draft')])
        left.write({'state': 'cancelled'})
        return True

    def action_open_payouts(self):
        """Show the payouts of this batch.

        :return: The action.
        :rtype: dict
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window', 'name': self.name, 'res_model': MODELS[self.kind],
            'view_mode': 'list,form', 'domain': [('batch_id', '=', self.id)],
            'context': {'create': False},
        }

    # === BUSINESS METHODS - WHO MAY WHAT === #

    def _check_is_member(self):
        """Check that this user prepares or sends money, and may see this batch.

        :return: None
        :raise AccessError: If not.
        """
        if not any(self.env.user.has_group(group) for group in (MANAGER_GROUP, USER_GROUP)):
            raise AccessError(self.env._("You have nothing to do with payouts."))

    def _check_is_preparer(self):
        """Check that this user made the batch.

        :return: None
        :raise AccessError: If not.
        """
        if not self.env.user.has_group(USER_GROUP) or self.create_uid != self.env.user:
            raise AccessError(self.env._(
                "Only who made this batch may do that: %(name)s.", name=self.create_uid.name,
            ))

    def _needs_four_eyes(self):
        """Tell whether this user made the batch, and somebody else must send it.

        :rtype: bool
        """
        self.ensure_one()
        return (
            self.provider_id.sudo().wechat_payout_four_eyes and self.create_uid == self.env.user
        )

    # === HELPERS === #

    def _claim(self, *states):
        """Return this batch locked and in sudo mode, if the user may see it and its state is one.

        :param str states: The states.
        :rtype: wechat.pay.payout.batch
        :raise AccessError: If this user may not see it.
        :raise UserError: If it is in another state.
        """
        self.ensure_one()
        self.with_env(self.env(su=False)).check_access('read')
        batch = self.sudo()
        batch._lock()
        if batch.state not in states:
            labels = dict(self._fields['state']._description_selection(self.env))
            raise UserError(self.env._(
                "This cannot be done now: “%(name)s” is “%(state)s”. Somebody else may have been"
                " faster.", name=batch.name, state=labels[batch.state],
            ))
        return batch

    def _lock(self):
        """Wait for this row and mark it, so that whoever waited too is run anew.

        :return: None
        """
        self.ensure_one()
        self.flush_recordset()
        self.env.cr.execute(SQL(
            "UPDATE wechat_pay_payout_batch SET write_date = write_date WHERE id = %s", self.id,
        ))
        self.invalidate_recordset()

    def _get_payouts(self):
        """Return the model of this batch's payouts.

        :rtype: wechat.pay.payout
        """
        self.ensure_one()
        return self.env[MODELS[self.kind]]
