# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from odoo.addons.wechat_payment_operations.const import BEIJING, MAX_BILL_MONTHS
from odoo.addons.wechat_payment_operations.protocol.bills import BEIJING_OFFSET


class WechatPayBill(models.Model):
    """One bill of WeChat Pay: what it did for a merchant on one day."""

    _name = 'wechat.pay.bill'
    _description = "WeChat Pay Bill"
    _order = 'bill_date desc, provider_id, bill_type desc'
    _rec_name = 'bill_date'

    provider_id = fields.Many2one(
        comodel_name='payment.provider', required=True, ondelete='restrict',
        domain=[('code', '=', 'wechat_pay')],
    )
    company_id = fields.Many2one(
        related='provider_id.company_id', store=True, index=True,
    )
    currency_id = fields.Many2one(
        comodel_name='res.currency', required=True, readonly=True,
        default=lambda self: self.env.ref('base.CNY'),
    )
    bill_date = fields.Date(string="Day", required=True, help="The day in Beijing.")
    bill_type = fields.Selection(
        string="Bill", required=True,
        selection=[('trade', "Trade bill"), ('fundflow', "Fund-flow bill")],
    )
    state = fields.Selection(
        string="Status", default='draft', required=True, readonly=True, index=True,
        selection=[
            ('draft', "Waiting"),
            ('downloading', "Being loaded"),
            ('not_ready', "Not ready yet"),
            ('no_business', "No business"),
            ('loaded', "Loaded"),
            ('failed', "Failed"),
        ],
    )
    error = fields.Text(string="What Happened", readonly=True)
    summary_note = fields.Text(
        string="Sums of the Bill", readonly=True,
        help="What the bill's own sums or day say that its lines do not.",
    )
    next_try = fields.Datetime(string="Fetch Next", readonly=True)
    try_count = fields.Integer(string="Times Tried", readonly=True)
    file_hash = fields.Char(string="SHA-1", readonly=True, help="Of the bill, unpacked.")
    loaded_on = fields.Datetime(readonly=True)
    line_ids = fields.One2many(
        string="Lines", comodel_name='wechat.pay.bill.line', inverse_name='bill_id', readonly=True,
    )

    # Counted and summed by one query after each matching (`wechat_pay_bill_match`).
    line_count = fields.Integer(string="Lines in the Bill", readonly=True)
    matched_count = fields.Integer(string="Agree", readonly=True)
    difference_count = fields.Integer(string="Differ", readonly=True)
    missing_in_odoo_count = fields.Integer(string="Not in Odoo", readonly=True)
    missing_in_wechat_count = fields.Integer(string="Not in the Bill", readonly=True)
    amount_differs_count = fields.Integer(string="Other Amount", readonly=True)
    state_differs_count = fields.Integer(string="Other State", readonly=True)
    duplicate_count = fields.Integer(string="Twice in the Bill", readonly=True)
    ask_count = fields.Integer(
        string="Still to Ask", readonly=True, help="Lines that WeChat Pay will be asked about.",
    )
    in_amount = fields.Monetary(string="In", readonly=True)
    out_amount = fields.Monetary(string="Out", readonly=True)
    net_amount = fields.Monetary(string="Net", readonly=True)
    fee_amount = fields.Float(string="Fees", digits=(16, 5), readonly=True)
    statement_count = fields.Integer(string="Statement Lines", compute='_compute_statement_count')
    statement_error = fields.Text(string="Not Imported Because", readonly=True)
    is_statement_due = fields.Boolean(
        readonly=True, help="The lines are still to be imported into the journal.",
    )

    _provider_date_type_uniq = models.Constraint(
        'UNIQUE(provider_id, bill_date, bill_type)',
        "This bill is there already.",
    )

    # === COMPUTE METHODS === #

    @api.depends('bill_date', 'bill_type', 'provider_id')
    def _compute_display_name(self):
        types = dict(self._fields['bill_type']._description_selection(self.env))
        for bill in self:
            bill.display_name = (
                f"{bill.bill_date} {types.get(bill.bill_type, '')}" if bill.bill_date else ''
            )

    def _compute_statement_count(self):
        counts = dict(self.env['account.bank.statement.line'].sudo()._read_group(
            [('wechat_bill_id', 'in', self.ids)], ['wechat_bill_id'], ['__count'],
        ))
        for bill in self:
            bill.statement_count = counts.get(bill._origin, 0)

    # === CONSTRAINT METHODS === #

    @api.constrains('bill_date', 'bill_type', 'provider_id')
    def _check_bill(self):
        """Check that WeChat Pay has such a bill: no call is made for one that it cannot have."""
        for bill in self:
            today = self._get_beijing_today()
            if bill.bill_date >= today:
                raise ValidationError(self.env._(
                    "A day's bill is made on the next day, from 10:00 Beijing time. Choose a day"
                    " before %(today)s.",
                    today=fields.Date.to_string(today),
                ))
            if bill.provider_id.code != 'wechat_pay':
                raise ValidationError(self.env._("Only providers of WeChat Pay have such bills."))
            if bill.bill_type not in bill.provider_id._wechat_get_bill_types():
                raise ValidationError(self.env._(
                    "The fund-flow bill of a service provider is about its own account, not about"
                    " the sub-merchant's. Fetch the trade bill; the sub-merchant finds its fund"
                    " flow on pay.weixin.qq.com."
                ))

    @api.model
    def _check_age(self, date):
        """Check that WeChat Pay still has a day's bill.

        :param date date: The day, in Beijing.
        :return: None
        :raise UserError: If it is too old.
        """
        oldest = self._get_beijing_today() - relativedelta(months=MAX_BILL_MONTHS)
        if date < oldest:
            raise UserError(self.env._(
                "WeChat Pay keeps bills for three months; the oldest is of %(oldest)s. Older ones"
                " can be downloaded on pay.weixin.qq.com, Transaction Center.",
                oldest=fields.Date.to_string(oldest),
            ))

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_except_in_journal(self):
        if any(bill.statement_count for bill in self):
            raise UserError(self.env._(
                "The lines of this bill are in the journal. Delete the bank statement lines first."
            ))

    # === ACTION METHODS === #

    def action_fetch(self):
        """Fetch and compare the bill now.

        :return: None
        """
        self._check_may_reconcile()
        for bill in self.sudo():
            bill._check_age(bill.bill_date)
        self.sudo()._fetch_now()

    def action_match(self):
        """Compare the bill with what is known here now.

        :return: None
        """
        self._check_may_reconcile()
        for bill in self.sudo().filtered(lambda b: b.state in ('loaded', 'no_business')):
            bill._match()

    def action_ask_all(self):
        """Have WeChat Pay asked about every line that differs, in the background.

        :return: None
        """
        self._check_may_reconcile()
        self.sudo()._request_asking()

    def action_import_statement(self):
        """Import the lines of a fund-flow bill into the provider's journal.

        :return: None
        """
        self._check_may_reconcile()
        for bill in self.sudo():
            bill._check_statement_journal()
            bill.is_statement_due = True
            bill._import_statement()

    def action_view_lines(self):
        """Open the lines.

        :return: The action.
        :rtype: dict
        """
        return self._view_lines()

    def action_view_differences(self):
        """Open the lines that differ.

        :return: The action.
        :rtype: dict
        """
        return self._view_lines(search_default_differences=1)

    def _view_lines(self, **context):
        action = self.env['ir.actions.act_window']._for_xml_id(
            'wechat_payment_operations.wechat_pay_bill_line_action'
        )
        action['domain'] = [('bill_id', 'in', self.ids)]
        action['context'] = context
        if len(self) == 1:
            action['display_name'] = self.display_name
        return action

    def action_view_statement_lines(self):
        """Open the bank statement lines that this bill became.

        :return: The action.
        :rtype: dict
        """
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Bank Statement Lines"),
            'res_model': 'account.bank.statement.line',
            'view_mode': 'list,form',
            'views': [
                (self.env.ref('wechat_payment_operations.wechat_statement_line_view_list').id,
                 'list'),
                (False, 'form'),
            ],
            'domain': [('wechat_bill_id', 'in', self.ids)],
            'context': {'create': False},
        }

    def _check_may_reconcile(self):
        """Check that the user may act on these bills.

        :return: None
        :raise AccessError: If not.
        """
        self.check_access('read')
        if not self.env.su and not self.env.user.has_group('account.group_account_invoice'):
            raise AccessError(self.env._(
                "Bills of WeChat Pay are handled by those who may invoice (Invoicing)."
            ))

    # === GETTERS === #

    @api.model
    def _get_beijing_now(self):
        """Return the time in Beijing.

        :rtype: datetime
        """
        return datetime.now(BEIJING)

    @api.model
    def _get_beijing_today(self):
        """Return the day in Beijing.

        :rtype: date
        """
        return self._get_beijing_now().date()

    def _get_day_limits(self):
        """Return the first moment of the bill's day and of the next, in UTC.

        :rtype: tuple[datetime, datetime]
        """
        self.ensure_one()
        start = datetime.combine(self.bill_date, datetime.min.time()) - BEIJING_OFFSET
        return start, start + timedelta(days=1)
