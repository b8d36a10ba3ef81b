# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError


class WechatPayBillFetch(models.TransientModel):
    """Asks which bills are to be fetched."""

    _name = 'wechat.pay.bill.fetch'
    _description = "Fetch WeChat Pay Bills"

    # By their names: those who keep the books may not read providers.
    provider = fields.Selection(
        selection='_select_provider', required=True,
        default=lambda self: next((key for key, _name in self._select_provider()), False),
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
    def _select_provider(self):
        providers = self.env['payment.provider'].sudo().search([
            ('code', '=', 'wechat_pay'), ('state', '!=', 'disabled'),
            ('company_id', 'in', self.env.companies.ids),
        ])
        return [(str(provider.id), provider.display_name) for provider in providers]

    @api.model
    def _default_date(self):
        return self.env['wechat.pay.bill']._get_beijing_today() - timedelta(1)

    @api.depends('provider')
    def _compute_has_fundflow(self):
        for wizard in self:
            wizard.has_fundflow = bool(wizard.provider) and (
                'fundflow' in wizard._get_provider()._wechat_get_bill_types()
            )

    def _get_provider(self):
        """Return the chosen provider, which is one of the user's companies.

        :rtype: payment.provider
        """
        self.ensure_one()
        allowed = {key for key, _name in self._select_provider()}
        if self.provider not in allowed:
            raise UserError(self.env._("WeChat Pay is not enabled in this company."))
        return self.env['payment.provider'].sudo().browse(int(self.provider))

    # === ACTION METHODS === #

    def action_fetch(self):
        """Fetch the bills of one day at once, those of several days in the background.

        :return: The action that shows them.
        :rtype: dict
        """
        self.ensure_one()
        Bill = self.env['wechat.pay.bill']
        Bill._check_may_reconcile()
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
        bills = Bill.sudo()._find_or_create(
            self._get_provider(), self.date_from, self.date_to, types,
        )
        if self.date_from == self.date_to:
            bills._fetch_now()
        else:
            self.env.ref('wechat_payment_operations.cron_wechat_bills').sudo()._trigger()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'wechat_payment_operations.wechat_pay_bill_action'
        )
        action['domain'] = [('id', 'in', bills.ids)]
        return action
