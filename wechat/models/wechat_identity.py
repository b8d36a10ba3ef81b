# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class WechatIdentity(models.Model):
    _name = 'wechat.identity'
    _description = "WeChat Identity"
    _order = 'last_login desc, id desc'
    _rec_names_search = ['nickname', 'openid', 'unionid']

    app_id = fields.Many2one(
        comodel_name='wechat.app', required=True, readonly=True, ondelete='restrict',
    )
    company_id = fields.Many2one(string="Company", related='app_id.company_id')
    openid = fields.Char(
        string="openid",
        help="What WeChat calls this person in this app. Another app has another one.",
        required=True,
        readonly=True,
        copy=False,
    )
    unionid = fields.Char(
        string="unionid",
        help="What WeChat calls this person in all apps of the same Open Platform account.",
        readonly=True,
        copy=False,
        index='btree_not_null',
    )
    user_id = fields.Many2one(
        help="The user who logs in with this identity.",
        comodel_name='res.users',
        ondelete='set null',
        index='btree_not_null',
    )
    partner_id = fields.Many2one(
        string="Contact", comodel_name='res.partner', ondelete='set null', index='btree_not_null',
    )
    session_key = fields.Char(
        groups=fields.NO_ACCESS, copy=False, prefetch=False,
    )
    nickname = fields.Char()
    avatar_url = fields.Char(string="Avatar Address")
    phone = fields.Char()
    last_login = fields.Datetime(readonly=True, copy=False)

    _app_openid_unique = models.Constraint(
        'UNIQUE (app_id, openid)', "There is an identity with this openid already.",
    )

    @api.depends('nickname', 'openid')
    def _compute_display_name(self):
        for identity in self:
            identity.display_name = identity.nickname or identity.openid

    # === BUSINESS METHODS === #

    def _anonymize(self):
        """Delete what WeChat told of these people: names, pictures, phone numbers.

        The openid stays, which says nothing of anybody to whoever does not own the app, and so do
        the links to user and contact, which are Odoo's.
        """
        for identity in self.sudo():
            identity.write({'nickname': False, 'avatar_url': False, 'phone': False})

    def _get_message_rank(self):
        """Return how fit an identity is to receive messages; the highest of a contact gets them.

        :rtype: int
        """
        return 0

    def _check_may_receive(self, template):
        """Hook: refuse a message that WeChat would refuse.

        :param wechat.message.template template: What is to be sent.
        :raise WeChatError: If this person cannot receive it; the text says why.
        """
        self.ensure_one()

    def _note_message_refused(self, error):
        """Hook: remember what WeChat's refusal of a message says about this person.

        :param WeChatError error: The refusal.
        """

    def _send_customer_service_message(self, message):
        """Send this person a customer-service message.

        :param message: A text, or a reply of :mod:`odoo.addons.wechat.protocol.replies`.
        :return: WeChat's answer.
        :rtype: dict
        :raise WeChatError: See `_send_customer_service_message` of the app.
        """
        self.ensure_one()
        return self.app_id._send_customer_service_message(self.openid, message)
