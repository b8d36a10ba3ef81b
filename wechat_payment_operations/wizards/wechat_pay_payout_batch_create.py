# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from odoo.addons.wechat_payment.protocol import amounts
from odoo.addons.wechat_payment_operations.models.wechat_pay_payout import USER_GROUP
from odoo.addons.wechat_payment_operations.models.wechat_pay_payout_batch import MODELS
from odoo.addons.wechat_payment_operations.protocol import red_packets, transfers

MAX_LINES = 5000
# Who, then space, tab, comma or semicolon, then how much.
_LINE = re.compile(r'(?P<who>.+?)[\s,;，；]+(?P<amount>[0-9]+(?:\.[0-9]+)?)')


class WechatPayPayoutBatchCreate(models.TransientModel):
    """Asks who gets money, and shows who cannot before anything is made."""

    _name = 'wechat.pay.payout.batch.create'
    _description = "Prepare Payouts to Many"

    name = fields.Char(required=True, help="What it is for: seen by the sender.")
    kind = fields.Selection(
        required=True, default='transfer',
        selection=[('transfer', "Transfers"), ('red_packet', "Red packets")],
    )
    # By their names: those who prepare payouts may read neither providers nor apps.
    source = fields.Selection(
        string="Pay As", selection='_select_source', required=True,
        default=lambda self: next((key for key, _name in self._select_source()), False),
        help="The app in which the recipients are known. Red packets come from an official"
             " account.",
    )
    source_of_people = fields.Selection(
        string="Recipients", required=True, default='list',
        selection=[('selected', "The contacts chosen before"), ('list', "A list")],
    )
    partner_ids = fields.Many2many(string="Contacts", comodel_name='res.partner')
    amount_mode = fields.Selection(
        string="Amount", required=True, default='same',
        selection=[('same', "The same for all"), ('each', "As the list says")],
    )
    currency_id = fields.Many2one(
        comodel_name='res.currency', default=lambda self: self.env.ref('base.CNY'),
    )
    amount = fields.Monetary(string="Amount Each")
    text = fields.Text(
        string="List",
        help="One line each: the contact's reference, phone number, e-mail address or exact name;"
             " then, after a space or comma, the amount in yuan if it is not the same for all.",
    )
    reason = fields.Char(string="Internal Reason")
    remark = fields.Char(required=True, help="Shown to the recipients.")
    transfer_scene_id = fields.Many2one(
        string="Scene", comodel_name='wechat.pay.transfer.scene',
        default=lambda self: self.env['wechat.pay.transfer']._default_scene(),
    )
    act_name = fields.Char(string="Campaign", size=32)
    wishing = fields.Char(string="Wish", size=128, default="恭喜发财，大吉大利")
    line_ids = fields.One2many(
        string="People", comodel_name='wechat.pay.payout.batch.create.line',
        inverse_name='wizard_id', readonly=True,
    )
    is_checked = fields.Boolean(readonly=True)
    ready_count = fields.Integer(string="Can be paid", compute='_compute_totals')
    problem_count = fields.Integer(string="Cannot be paid", compute='_compute_totals')
    total = fields.Monetary(compute='_compute_totals')
    leave_out = fields.Boolean(string="Leave out those who cannot be paid")

    # === COMPUTE METHODS === #

    @api.model
    def _select_source(self):
        providers = self.env['payment.provider'].sudo().search([
            ('code', '=', 'wechat_pay'), ('state', '!=', 'disabled'),
            ('company_id', 'in', self.env.companies.ids),
        ])
        return [
            (f'{provider.id},{app.id}', f'{app.display_name} ({provider.display_name})')
            for provider in providers for app in provider.wechat_app_ids
        ]

    @api.depends('line_ids.problem', 'line_ids.amount')
    def _compute_totals(self):
        for wizard in self:
            ready = wizard.line_ids.filtered(lambda line: not line.problem)
            wizard.ready_count = len(ready)
            wizard.problem_count = len(wizard.line_ids) - len(ready)
            wizard.total = sum(ready.mapped('amount'))

    # === CRUD METHODS === #

    @api.model
    def default_get(self, fields):
        """Override to take the contacts of whatever records the action was called on."""
        values = super().default_get(fields)
        model, ids = self.env.context.get('active_model'), self.env.context.get('active_ids')
        if model in self.env and ids:
            records = self.env[model].browse(ids).exists()
            field = self.env[model]._fields.get('partner_id')
            if model == 'res.partner':
                partners = records
            elif field and field.comodel_name == 'res.partner':
                partners = records.mapped('partner_id')
            else:
                return values
            values['partner_ids'] = [Command.set(partners.ids)]
            values['source_of_people'] = 'selected'
        return values

    # === ACTION METHODS === #

    def action_check(self):
        """Find who is meant, and show who cannot be paid.

        :return: The action that shows this wizard again.
        :rtype: dict
        """
        self.ensure_one()
        self._check_is_user()
        wanted = self._read_selected() if self.source_of_people == 'selected' else self._read_list()
        if not wanted:
            raise UserError(self.env._("There is nobody to pay: choose contacts, or write a list."))
        if len(wanted) > MAX_LINES:
            raise UserError(self.env._(
                "%(count)s people are too many for one batch: at most %(limit)s.",
                count=len(wanted), limit=MAX_LINES,
            ))
        provider, app = self._get_source()
        identities = self._find_identities(
            app, self.env['res.partner'].union(*(one['partner'] for one in wanted)),
        )
        seen, lines = set(), []
        for one in wanted:
            partner, problem = one['partner'], one['problem']
            identity = identities.get(partner.id, self.env['wechat.identity'])
            if not problem:
                problem = self._find_problem(provider, app, partner, identity, one['amount'], seen)
            seen.update(identity.ids)
            lines.append(Command.create({
                'text': one['text'], 'partner_id': partner.id, 'amount': one['amount'],
                'identity_id': identity.id if len(identity) == 1 else False, 'problem': problem,
            }))
        self.write({'line_ids': [Command.clear(), *lines], 'is_checked': True})
        return self._show()

    def action_back(self):
        """Change what was entered.

        :return: The action that shows this wizard again.
        :rtype: dict
        """
        self.ensure_one()
        self.write({'is_checked': False, 'line_ids': [Command.clear()]})
        return self._show()

    def action_create_batch(self):
        """Make the batch and its drafts; nothing is sent.

        :return: The action that shows the batch.
        :rtype: dict
        """
        self.ensure_one()
        self._check_is_user()
        lines = self.line_ids.filtered(lambda line: not line.problem)
        if not lines or (self.problem_count and not self.leave_out):
            raise UserError(self.env._(
                "Some people cannot be paid. Mend what is wrong and check again, or leave them out."
            ))
        provider, app = self._get_source()
        values = self._get_values(provider)
        # As this user: it is written on each who prepared it, and all rules of drafts hold.
        drafts = self.env[MODELS[self.kind]].create([
            {**values, 'identity_id': line.identity_id.id, 'amount': line.amount}
            for line in lines
        ])
        if drafts.sudo().identity_id.app_id != app:
            raise UserError(self.env._("The recipients changed meanwhile. Check again."))
        batch = self.env['wechat.pay.payout.batch'].sudo().create({
            'name': self.name, 'kind': self.kind, 'provider_id': provider.id,
        })
        drafts.sudo().batch_id = batch
        return {
            'type': 'ir.actions.act_window', 'res_model': batch._name, 'res_id': batch.id,
            'view_mode': 'form',
        }

    # === BUSINESS METHODS === #

    def _check_is_user(self):
        """Check that this user may prepare payouts.

        :return: None
        :raise AccessError: If not.
        """
        self.env[MODELS[self.kind]].with_env(self.env(su=False)).check_access('create')
        if not self.env.user.has_group(USER_GROUP):
            raise UserError(self.env._("You may not prepare payouts."))

    def _get_source(self):
        """Return the chosen provider and app, which are of the user's companies.

        :rtype: tuple[payment.provider, wechat.app]
        """
        if self.source not in {key for key, _name in self._select_source()}:
            raise UserError(self.env._("WeChat Pay is not enabled in this company."))
        provider_id, app_id = map(int, self.source.split(','))
        app = self.env['wechat.app'].sudo().browse(app_id)
        if self.kind == 'red_packet' and app.app_type != 'official_account':
            raise UserError(self.env._(
                "Red packets come from an official account: choose one under “Pay As”."
            ))
        return self.env['payment.provider'].sudo().browse(provider_id), app

    def _read_selected(self):
        """Return the contacts that were chosen before, each to get the same amount.

        :return: [{text, partner, amount, problem}]
        :rtype: list[dict]
        """
        return [{
            'text': partner.display_name, 'partner': partner, 'amount': self.amount, 'problem': '',
        } for partner in self.partner_ids]

    def _read_list(self):
        """Return what the list says.

        :return: [{text, partner, amount, problem}]; no partner if it is not clear who is meant.
        :rtype: list[dict]
        """
        wanted = []
        for text in filter(None, map(str.strip, (self.text or '').splitlines())):
            who, amount, problem = text, self.amount, ''
            if self.amount_mode == 'each':
                found = _LINE.fullmatch(text)
                if found:
                    who, amount = found['who'].strip(), float(found['amount'])
                else:
                    amount, problem = 0, self.env._("No amount at the end of the line.")
            wanted.append({'text': text, 'who': who, 'amount': amount, 'problem': problem})
        partners = self._find_partners({one['who'] for one in wanted})
        for one in wanted:
            found = partners.get(one.pop('who'), self.env['res.partner'])
            if not one['problem'] and len(found) != 1:
                one['problem'] = (
                    self.env._("Several contacts are called so.") if found
                    else self.env._("No such contact.")
                )
            one['partner'] = found if len(found) == 1 else found[:0]
        return wanted

    def _find_problem(self, provider, app, partner, identity, amount, seen):
        """Return why somebody cannot be paid so much.

        :param payment.provider provider: Who pays.
        :param wechat.app app: Where the person is known.
        :param res.partner partner: The person.
        :param wechat.identity identity: What WeChat calls the person.
        :param float amount: The amount, in yuan.
        :param set seen: The ids of identities that are in the list already.
        :return: The problem; empty if there is none.
        :rtype: str
        """
        if not identity:
            return self.env._(
                "Not known in %(app)s: this person has to sign in there once.",
                app=app.display_name,
            )
        if len(identity) > 1:
            return self.env._("Several WeChat users have this contact.")
        if identity.id in seen:
            return self.env._("Twice in the list.")
        try:
            fen = amounts.to_fen(amount)
        except ValueError:
            return self.env._("No amount of whole fen.")
        least, most = (
            (provider.wechat_transfer_min, provider.wechat_transfer_max)
            if self.kind == 'transfer'
            else (provider.wechat_red_packet_min, provider.wechat_red_packet_max)
        )
        try:
            provider.with_context(lang=self.env.lang)._wechat_check_payout_amount(
                amount, least, most,
            )
        except UserError as error:
            return str(error)
        if self.kind == 'transfer' and fen >= transfers.NAME_FROM:
            return self.env._(
                "From 2000.00 yuan on, WeChat Pay demands the recipient's name: make this transfer"
                " by itself."
            )
        if self.kind == 'red_packet' and not (
            red_packets.MIN_AMOUNT <= fen <= red_packets.MAX_AMOUNT
        ):
            return self.env._("Red packets in a batch are from 1.00 to 200.00 yuan.")
        return ''

    def _get_values(self, provider):
        """Return what all payouts of the batch have in common.

        :param payment.provider provider: Who pays.
        :rtype: dict
        """
        values = {'provider_id': provider.id, 'reason': self.reason, 'remark': self.remark}
        if self.kind == 'transfer':
            if not self.transfer_scene_id:
                raise UserError(self.env._("Choose the scene of the transfers."))
            return {**values, 'scene_id': self.transfer_scene_id.id}
        if not self.act_name or not self.wishing:
            raise UserError(self.env._("Red packets have a campaign and a wish."))
        return {**values, 'act_name': self.act_name, 'wishing': self.wishing}

    def _show(self):
        """Return the action that shows this wizard.

        :rtype: dict
        """
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Pay Many People"),
            'res_model': self._name, 'res_id': self.id, 'view_mode': 'form', 'target': 'new',
        }


class WechatPayPayoutBatchCreateLine(models.TransientModel):
    """Somebody who is to get money, or cannot."""

    _name = 'wechat.pay.payout.batch.create.line'
    _description = "Person to Pay"
    _order = 'problem desc, id'

    wizard_id = fields.Many2one(
        comodel_name='wechat.pay.payout.batch.create', required=True, ondelete='cascade',
    )
    text = fields.Char(string="As Written", readonly=True)
    partner_id = fields.Many2one(string="Contact", comodel_name='res.partner', readonly=True)
    identity_id = fields.Many2one(
        string="WeChat User", comodel_name='wechat.identity', readonly=True,
    )
    currency_id = fields.Many2one(related='wizard_id.currency_id')
    amount = fields.Monetary(readonly=True)
    problem = fields.Char(readonly=True)
