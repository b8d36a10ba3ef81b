# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One person who has become two users: shown to administrators, never merged silently."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL


class WechatIdentity(models.Model):
    _inherit = 'wechat.identity'

    other_unionid = fields.Char(
        string="unionid of Another User",
        help="WeChat says that this person is the same as one who has another user here.",
        readonly=True,
        copy=False,
        index='btree_not_null',
        groups='wechat.group_manager',
    )
    same_person_user_ids = fields.Many2many(
        string="Same Person As",
        help="Other users who hold an identity with the same unionid.",
        comodel_name='res.users',
        compute='_compute_same_person_user_ids',
        compute_sudo=True,
        groups='wechat.group_manager',
    )
    has_other_user = fields.Boolean(
        string="To Merge",
        compute='_compute_same_person_user_ids',
        compute_sudo=True,
        search='_search_has_other_user',
        groups='wechat.group_manager',
    )

    # === COMPUTE METHODS === #

    @api.depends('unionid', 'other_unionid', 'user_id')
    def _compute_same_person_user_ids(self):
        for identity in self:
            unionid = identity.other_unionid or identity.unionid
            users = self.env['res.users']
            if unionid and identity.user_id:
                users = self._find_users_by_unionid(identity.app_id, unionid)
                if not identity.other_unionid:
                    users |= self._find_claimants(identity.app_id, unionid)
                users = users.filtered('active') - identity.user_id
            identity.same_person_user_ids = users
            identity.has_other_user = bool(users)

    @api.model
    def _find_claimants(self, app, unionid):
        """Return the users whom WeChat calls the same person as somebody with this unionid."""
        identities = self.sudo().search([
            ('other_unionid', '=', unionid), ('user_id', '!=', False),
        ])
        return identities.filtered(lambda one: (
            one.app_id.company_id == app.company_id
            or (one.app_id.share_users and app.share_users)
        )).user_id

    def _search_has_other_user(self, operator, value):
        if operator != 'in':
            return NotImplemented
        for model, names in (
            ('wechat.identity', ['unionid', 'other_unionid', 'user_id', 'app_id']),
            ('wechat.app', ['company_id', 'share_users']),
            ('res.users', ['active']),
        ):
            self.env[model].flush_model(names)
        ids = SQL(
            """
            (WITH person AS (
                SELECT i.id, i.user_id, COALESCE(i.other_unionid, i.unionid) AS unionid,
                       a.company_id, a.share_users
                  FROM wechat_identity i
                  JOIN wechat_app a ON a.id = i.app_id
                  JOIN res_users u ON u.id = i.user_id AND u.active
             )
             SELECT one.id FROM person one
              WHERE EXISTS (
                SELECT 1 FROM person other
                 WHERE other.unionid = one.unionid AND other.user_id != one.user_id
                   AND (other.company_id = one.company_id
                        OR (other.share_users AND one.share_users))
              ))
            """,
        )
        domain = Domain('id', 'in', ids)
        return domain if True in value else ~domain

    # === ACTION METHODS === #

    def action_merge_users(self):
        """Open the window for merging the users of these identities, and who is the same person."""
        self.check_access('read')
        users = self.user_id | self.same_person_user_ids
        if len(users) < 2:
            raise UserError(self.env._(
                "Choose identities of two users at least, or one that is marked as to be merged."
            ))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Merge Users"),
            'res_model': 'wechat.user.merge',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_user_ids': users.ids},
        }

    # === BUSINESS METHODS === #

    def _learn_unionid(self, unionid):
        """Override of `wechat` to remember a unionid that is another user's, for the list."""
        result = super()._learn_unionid(unionid)
        other = False if self.unionid == unionid else unionid
        if (self.other_unionid or False) != other:
            self.other_unionid = other
        return result
