# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from odoo.addons.wechat.models.res_users_login import SILENT_CREATE


class WechatUserMerge(models.TransientModel):
    """Makes one user of two that are the same person.

    The contacts become one by Odoo's own merge, which keeps everything that refers to them; the
    users that are left over are archived.
    """

    _name = 'wechat.user.merge'
    _description = "Merge WeChat Users"

    user_ids = fields.Many2many(string="Users", comodel_name='res.users', required=True)
    keep_user_id = fields.Many2one(
        string="User to Keep",
        help="The others are archived; what refers to their contacts refers to this one's.",
        comodel_name='res.users',
        compute='_compute_keep_user_id',
        store=True,
        readonly=False,
        domain="[('id', 'in', user_ids)]",
    )
    summary = fields.Html(compute='_compute_summary', sanitize=False)

    # === COMPUTE METHODS === #

    @api.depends('user_ids')
    def _compute_keep_user_id(self):
        """Propose the one with the most documents, then the one who was there first."""
        for wizard in self:
            if wizard.keep_user_id not in wizard.user_ids:
                wizard.keep_user_id = wizard.user_ids.sorted(self._get_rank)[:1]

    def _get_rank(self, user):
        return -sum(count for _name, count in self._count_documents(user)), user._origin.id

    @api.depends('user_ids', 'keep_user_id')
    def _compute_summary(self):
        for wizard in self:
            others = wizard.user_ids - wizard.keep_user_id
            wizard.summary = Markup('<ul>%s</ul>') % Markup('').join(
                wizard._describe(user) for user in others
            ) if others and wizard.keep_user_id else False

    def _describe(self, user):
        """Return a list item that says what a user has."""
        user = user.sudo()
        parts = [
            self.env._("%(login)s (id %(id)s)", login=user.login, id=user._origin.id),
            *(
                self.env._(
                    "WeChat: %(identity)s in %(app)s", identity=one.display_name,
                    app=one.app_id.name,
                ) for one in user.wechat_identity_ids
            ),
            *(f'{name}: {count}' for name, count in self._count_documents(user) if count),
        ]
        return Markup('<li><b>%s</b>: %s</li>') % (user.name, ", ".join(parts))

    @api.model
    def _counted_models(self):
        """Hook: return the models whose documents a merge counts, those that are installed."""
        return ('sale.order', 'account.move', 'payment.transaction')

    def _count_documents(self, user):
        """Return how many documents a user's contact has.

        :return: (name of the kind of document, number)
        :rtype: list[tuple(str, int)]
        """
        partner = user.sudo().partner_id._origin
        return [
            (
                self.env['ir.model']._get(name).name,
                self.env[name].sudo().search_count([('partner_id', 'child_of', partner.ids)]),
            )
            for name in self._counted_models() if name in self.env
        ] if partner else []

    # === ACTION METHODS === #

    def action_merge(self):
        """Merge the users into the one to keep."""
        self.ensure_one()
        users, keep = self.sudo().user_ids, self.sudo().keep_user_id
        self._check(users, keep)
        for user in users - keep:
            note = Markup("<p>%s</p><ul>%s</ul>") % (
                self.env._("Merged by %(user)s into this customer:", user=self.env.user.name),
                self._describe(user),
            )
            self._merge_user(user, keep)
            keep.partner_id._message_log(body=note)
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'res.partner',
            'res_id': keep.partner_id.id,
            'view_mode': 'form',
        }

    def _check(self, users, keep):
        """Refuse what must not be merged.

        :raise AccessError: if the caller does not manage users
        :raise UserError: if one is an employee, or no other is left
        """
        if not self.env.user.has_group('base.group_erp_manager'):
            raise AccessError(self.env._(
                "Only an administrator of users can merge users."
            ))
        if len(users) < 2 or keep not in users:
            raise UserError(self.env._(
                "Choose two users at least, and one of them to keep."
            ))
        if any(not user._is_portal() or user._is_superuser() for user in users):
            raise UserError(self.env._(
                "Only customers can be merged. To let an employee log in with WeChat, choose the"
                " employee's user on the identity."
            ))

    def _merge_user(self, user, keep):
        """Merge one user into another.

        :param res.users user: The one that is left over, in sudo.
        :param res.users keep: The one to keep, in sudo.
        """
        partner, target = user.partner_id, keep.partner_id
        identities = user.with_context(active_test=False).wechat_identity_ids
        identities.write({'user_id': keep.id, 'partner_id': target.id})
        for identity in identities | keep.wechat_identity_ids:
            if identity.other_unionid:
                identity.write({'unionid': identity.other_unionid, 'other_unionid': False})
        companies = user.company_ids - keep.company_ids
        if companies:
            keep.write({'company_ids': [Command.link(company.id) for company in companies]})
        # A user must have a contact, and Odoo merges no contacts of two users: the one that is
        # left over gets one that says what became of it.
        placeholder = self.env['res.partner'].sudo().with_context(**SILENT_CREATE).create({
            'name': self.env._(
                "%(name)s (merged into %(kept)s)", name=partner.name, kept=target.name,
            ),
            'active': False,
        })
        user.with_context(**SILENT_CREATE).write({
            'partner_id': placeholder.id, 'active': False,
        })
        self.env.flush_all()
        if partner != target:
            self.env['base.partner.merge.automatic.wizard'].sudo()._merge(
                [partner.id, target.id], target, extra_checks=False,
            )
