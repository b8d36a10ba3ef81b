# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError


class WechatPayBillFetch(models.TransientModel):
    """Asks which bills are to be fetched."""

    _name = 'wechat.pay.bill.fetch'
    _description = "Fetch WeChat Pay Bills"

    provider_id = fields.Many2one(
        string="Provider", comodel_name='payment.provider', required=True,
        domain=[('code', '=', 'wechat_pay'), ('state', '!=', 'disabled')],
        default=lambda self: self._default_provider_id(),
    )
    date_from = fields.Date(
        string="From", required=True, default=lambda self: self._default_date(),
        help="Any day of the last three months, in Beijing.",
    )
    date_to = fields.Date(
        string="To", required=True, default=lambda self: self._default_date(),
    )
    with_trade = fields.Boolean(string="Trade Bill", default=True)
    with_fundflow = fields.Boolean(string="Fund-Flow Bill", default=True)
    has_fundflow = fields.Boolean(compute='_compute_has_fundflow')

    # === COMPUTE METHODS === #

    @api.model
    def _default_provider_id(self):
        return self.env['payment.provider'].search([
            ('code', '=', 'wechat_pay'), ('state', '!=', 'disabled'),
            ('company_id', 'in', self.env.companies.ids),
        ], limit=1)

    @api.model
    def _default_date(self):
        return self.env['wechat.pay.bill']._get_beijing_today() - timedelta(1)

    @api.depends('provider_id')
    def _compute_has_fundflow(self):
        for wizard in self:
            wizard.has_fundflow = bool(wizard.provider_id) and (
                'fundflow' in wizard.provider_id._wechat_get_bill_types()
            )

    # === ACTION METHODS === #

    def action_fetch(self):
        """Fetch the bills of one day at once, those of several days in the background.

        :return: The action that shows them.
        :rtype: dict
        """
        self.ensure_one()
        Bill = self.env['wechat.pay.bill']
        Bill._check_may_reconcile()
        self.provider_id.check_access('read')
        if self.date_to < self.date_from:
            raise UserError(self.env._("The first day must not be after the last one."))
        Bill._check_age(self.date_from)
        types = [
            name for name, is_wanted in (
                ('trade', self.with_trade), ('fundflow', self.with_fundflow and self.has_fundflow),
            ) if is_wanted
        ]
        if not types:
            raise UserError(self.env._("Choose at least one kind of bill."))
        bills = Bill.sudo()._find_or_create(self.provider_id, self.date_from, self.date_to, types)
        if self.date_from == self.date_to:
            bills._fetch_now()
        else:
            self.env.ref('wechat_payment_operations.cron_wechat_bills').sudo()._trigger()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'wechat_payment_operations.wechat_pay_bill_action'
        )
        action['domain'] = [('id', 'in', bills.ids)]
        return action
