# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat_payment.const import SENSITIVE_KEYS
from odoo.addons.wechat_payment.protocol import amounts

_logger = get_payment_logger(__name__, SENSITIVE_KEYS)

# Nothing more happens to it at WeChat Pay.
FINAL_STATES = ('done', 'returned', 'failed', 'cancelled')
# What a manager may send, or send again under the same number.
SENDABLE_STATES = ('draft', 'refused')
# States in which money has, or may have, left the merchant account.
COUNTED_STATES = ('sending', 'processing', 'waiting', 'cancelling', 'done', 'returned')

USER_GROUP = 'wechat_payment_operations.group_payout_user'
MANAGER_GROUP = 'wechat_payment_operations.group_payout_manager'


class WechatPayPayout(models.AbstractModel):
    """Money sent to one WeChat user: what red packets and transfers have in common.

    Who prepares it (`group_payout_user`) writes a draft and nothing else: all that WeChat Pay is
    told, and all that it told, is written by methods of this model in sudo mode only.
    """

    _name = 'wechat.pay.payout'
    _description = "Money Sent to a WeChat User"
    _inherit = ['mail.thread']
    _order = 'id desc'
    _mail_post_access = 'read'

    # Which field holds the number that WeChat Pay knows it by, and which ones a draft consists of.
    # Every kind has a `previous_id` of its own kind, too: in whose place it was made.
    _number_name = ''
    _draft_names = ('identity_id', 'provider_id', 'amount', 'reason')

    state = fields.Selection(
        required=True, readonly=True, copy=False, default='draft', tracking=True,
        index=True,
        selection=[
            ('draft', "Draft"),
            ('sending', "Being sent"),
            ('processing', "At WeChat Pay"),
            ('waiting', "Waiting for the recipient"),
            ('cancelling', "Being cancelled"),
            ('done', "Received"),
            ('returned', "Returned"),
            ('refused', "Refused"),
            ('failed', "Failed"),
            ('cancelled', "Cancelled"),
        ],
    )
    identity_id = fields.Many2one(
        string="Recipient", comodel_name='wechat.identity', required=True, ondelete='restrict',
        index=True, tracking=True,
        help="Who gets the money. WeChat knows a person by another openid in each app.",
    )
    partner_id = fields.Many2one(
        string="Contact", comodel_name='res.partner', compute='_compute_partner_id', store=True,
        ondelete='restrict', index='btree_not_null',
    )
    provider_id = fields.Many2one(
        comodel_name='payment.provider', compute='_compute_provider_id',
        store=True, readonly=False, precompute=True, required=True, ondelete='restrict',
        domain=[('code', '=', 'wechat_pay')],
    )
    company_id = fields.Many2one(
        related='provider_id.company_id', store=True, index=True,
    )
    currency_id = fields.Many2one(
        comodel_name='res.currency', required=True, readonly=True, copy=False,
        default=lambda self: self.env.ref('base.CNY'),
    )
    amount = fields.Monetary(required=True, tracking=True)
    reason = fields.Char(
        string="Internal Reason",
        help="Why it is sent, for whoever checks it. Not told to anybody.",
    )
    # What WeChat Pay was told, and by whom.
    body = fields.Text(
        string="Sent to WeChat Pay", readonly=True, copy=False, prefetch=False,
        groups='base.group_system',
        help="The call as it was first made. It is repeated to the letter, never changed.",
    )
    sent_by_id = fields.Many2one(
        comodel_name='res.users', readonly=True, copy=False, tracking=True,
        ondelete='restrict',
    )
    sent_on = fields.Datetime(readonly=True, copy=False)
    day = fields.Date(
        readonly=True, copy=False, help="The day in Beijing on which it was sent.",
    )
    # What WeChat Pay said.
    wechat_state = fields.Char(
        string="State at WeChat Pay", readonly=True, copy=False, help="As it was told last.",
    )
    wechat_number = fields.Char(
        string="WeChat Pay Number", readonly=True, copy=False, index='btree_not_null',
    )
    wechat_reason = fields.Char(string="WeChat Pay's Reason", readonly=True, copy=False)
    message = fields.Text(string="What To Do", readonly=True, copy=False)
    alert = fields.Text(
        readonly=True, copy=False,
        help="What does not agree with WeChat Pay, for a person to look at.",
    )
    # When WeChat Pay is asked.
    next_query = fields.Datetime(readonly=True, copy=False, index='btree_not_null')
    last_query = fields.Datetime(readonly=True, copy=False)
    last_call = fields.Datetime(readonly=True, copy=False)
    query_count = fields.Integer(readonly=True, copy=False)
    had_no_answer = fields.Boolean(
        readonly=True, copy=False, help="A call under this number was never answered.",
    )
    # What the buttons depend on.
    can_send = fields.Boolean(compute='_compute_can_send')
    can_renew = fields.Boolean(compute='_compute_can_send')
    day_totals = fields.Char(
        string="Sent Today", compute='_compute_day_totals',
        help="By this provider, red packets and transfers together, on the day in Beijing.",
    )

    # === COMPUTE METHODS === #

    @api.depends('identity_id')
    def _compute_partner_id(self):
        for payout in self:
            identity = payout.identity_id.sudo()
            payout.partner_id = identity.partner_id or identity.user_id.partner_id

    @api.depends('identity_id')
    def _compute_provider_id(self):
        for payout in self:
            app = payout.identity_id.sudo().app_id
            payout.provider_id = self.env['payment.provider'].sudo().search([
                ('code', '=', 'wechat_pay'), ('state', '!=', 'disabled'),
                ('wechat_app_ids', 'in', app.ids), ('company_id', '=', app.company_id.id),
            ], limit=1).id

    @api.depends('state')
    def _compute_display_name(self):
        for payout in self:
            payout.display_name = payout[self._number_name] or self.env._(
                "Draft %(number)s", number=payout.id or '',
            )

    @api.depends('state', 'wechat_state', 'provider_id', 'create_uid')
    @api.depends_context('uid')
    def _compute_can_send(self):
        is_manager = self.env.user.has_group(MANAGER_GROUP)
        is_user = self.env.user.has_group(USER_GROUP)
        for payout in self:
            payout.can_send = (
                is_manager and payout._is_sendable() and not payout._needs_four_eyes()
            )
            payout.can_renew = is_user and payout.state in ('failed', 'cancelled', 'refused')

    @api.depends('provider_id', 'state')
    def _compute_day_totals(self):
        day = self.env['wechat.pay.bill']._get_beijing_today()
        for provider, payouts in self.grouped('provider_id').items():
            provider = provider.sudo()
            if not provider:
                payouts.day_totals = False
                continue
            totals = provider._wechat_get_payout_totals(day)
            payouts.day_totals = self.env._(
                "%(count)s of %(max_count)s payouts, %(amount)s of %(max_amount)s yuan",
                count=totals['count'], max_count=provider.wechat_payout_day_count,
                amount=f"{totals['amount']:.2f}",
                max_amount=f'{provider.wechat_payout_day_amount:.2f}',
            )

    # === CONSTRAINT METHODS === #

    @api.constrains('amount')
    def _check_amount(self):
        for payout in self:
            try:
                amounts.to_fen(payout.amount)
            except ValueError:
                raise ValidationError(self.env._(
                    "The amount must be at least 0.01 yuan, with no fractions of a fen."
                )) from None

    @api.constrains('identity_id', 'provider_id')
    def _check_identity(self):
        for payout in self.sudo():
            provider, app = payout.provider_id, payout.identity_id.app_id
            if (
                provider.code != 'wechat_pay' or app not in provider.wechat_app_ids
                or app.company_id != provider.company_id
            ):
                raise ValidationError(self.env._(
                    "The recipient's app does not belong to the payment provider. Add it to the"
                    " provider's apps, or choose another identity of this person."
                ))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override to create drafts only, whatever a client sends or gives as a default."""
        if not self.env.su:
            for vals in vals_list:
                self._check_draft_names(vals)
            self = self.with_context({  # pylint: disable=context-overridden
                name: value for name, value in self.env.context.items()
                if not name.startswith('default_') or name[8:] in self._draft_names
            })
        return super().create(vals_list)

    def write(self, vals):
        """Override to protect what was sent, and a draft against anybody but who wrote it.

        The four eyes would see nothing if the sender could change what somebody else prepared.
        """
        if not self.env.su:
            changed = self._check_draft_names(vals)
            if changed and any(payout.state != 'draft' for payout in self):
                raise UserError(self.env._(
                    "What was sent is not changed any more. If it failed, make a new draft of it."
                ))
            if changed and any(payout.create_uid != self.env.user for payout in self):
                raise AccessError(self.env._(
                    "A draft is changed by who made it. Make your own, or ask %(name)s.",
                    name=', '.join((self.create_uid - self.env.user).mapped('name')),
                ))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_only_drafts(self):
        if any(payout.state != 'draft' for payout in self):
            raise UserError(self.env._(
                "Only drafts can be deleted: every fen that was sent stays traceable."
            ))

    def _check_draft_names(self, vals):
        """Check that only fields of a draft are written, beside those of the chatter.

        :param dict vals: The values.
        :return: Whether there are fields of a draft among them.
        :rtype: bool
        :raise AccessError: If there are others.
        """
        names = set(vals)
        drafted = names & set(self._draft_names)
        others = names - drafted - set(self.env['mail.thread']._fields)
        if others - set(models.MAGIC_COLUMNS):
            raise AccessError(self.env._(
                "These fields are written by the program only: %(names)s",
                names=', '.join(sorted(others)),
            ))
        return bool(drafted)

    # === ACTION METHODS === #

    def action_send(self):
        """Send these payouts, or send them again, one after the other.

        :return: Whether it was tried.
        :rtype: bool
        :raise UserError: If one may not be sent; those before it were.
        """
        self._check_is_manager()
        # Of many, those that were sent already are left alone: Odoo may run this request again
        # after some of them.
        payouts = self.filtered(lambda p: p._is_sendable()) if len(self) > 1 else self
        for payout in payouts:
            payout._send()
        return True

    def action_ask(self):
        """Ask WeChat Pay what became of these payouts.

        :return: Whether it was asked.
        :rtype: bool
        :raise WeChatError: If it does not say.
        """
        self._check_is_member()
        for payout in self.sudo().filtered(lambda p: p.state != 'draft'):
            payout._query()
        return True

    def action_renew(self):
        """Make a new draft in place of one that was not carried out, for good.

        :return: The action that shows it.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('create')
        self._check_is_member()
        draft = self._renew()
        return {
            'type': 'ir.actions.act_window', 'res_model': self._name, 'res_id': draft.id,
            'view_mode': 'form',
        }

    # === BUSINESS METHODS - WHO MAY WHAT === #

    def _check_is_manager(self):
        """Check that this user may send money, and see these records.

        The superuser is no exception: whoever sends on behalf of somebody is that user.

        :return: None
        :raise AccessError: If not.
        """
        if not self.env.user.has_group(MANAGER_GROUP):
            raise AccessError(self.env._(
                "You may not send money. The administrator names who may: group “Send Payouts”."
            ))
        self.with_env(self.env(su=False)).check_access('read')

    def _check_is_member(self):
        """Check that this user prepares or sends money, and may see these records.

        :return: None
        :raise AccessError: If not.
        """
        if not any(self.env.user.has_group(group) for group in (MANAGER_GROUP, USER_GROUP)):
            raise AccessError(self.env._("You have nothing to do with payouts."))
        self.with_env(self.env(su=False)).check_access('read')

    def _needs_four_eyes(self):
        """Tell whether this user made the draft, and somebody else must send it.

        :rtype: bool
        """
        self.ensure_one()
        return (
            self.provider_id.sudo().wechat_payout_four_eyes and self.create_uid == self.env.user
        )

    def _is_sendable(self):
        """Tell whether sending can do something here: first, or under the same number again.

        :rtype: bool
        """
        self.ensure_one()
        return self.state in SENDABLE_STATES

    # === HELPERS === #

    def _lock(self):
        """Wait for this row and mark it, so that whoever waited too is run anew.

        :return: None
        """
        self.ensure_one()
        self.flush_recordset()
        self.env.cr.execute(SQL(
            "UPDATE %s SET write_date = write_date WHERE id = %s",
            SQL.identifier(self._table), self.id,
        ))
        self.invalidate_recordset()

    def _commit(self):
        """Make the number, and everything needed to repeat its call, survive whatever comes.

        Design, rule 4. This helper is for that and for nothing else.

        :return: None
        """
        self.env.cr.commit()  # pylint: disable=invalid-commit
        self.env.invalidate_all()

    def _in_company_language(self):
        """Return this payout in sudo mode and its company's language, for what is stored.

        :rtype: wechat.pay.payout
        """
        payout = self.sudo()
        lang = payout.company_id.partner_id.lang
        return payout.with_context(lang=lang) if lang else payout

    def _choose_language(self, advice):
        """Return the text of an advice in the language of this environment.

        :param PayoutAdvice advice: The advice.
        :rtype: str
        """
        return advice.zh if (self.env.lang or '').startswith('zh') else advice.en

    def _alert(self, problem):
        """Store an alert once, and tell those who follow.

        :param str problem: What does not agree.
        :return: None
        """
        self.ensure_one()
        number = self[self._number_name]
        _logger.warning("Alert for payout %s: %s", number, problem)
        alerts = (self.alert or '').split('\n')
        if problem not in alerts:
            self.alert = '\n'.join(filter(None, [*alerts, problem]))
            self._message_log(body=problem)
