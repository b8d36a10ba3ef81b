# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who follows an official account: kept by events, synchronised on demand."""

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.wechat_official_account.models.wechat_follower_sync import to_moment

RUNNING_STATES = ('waiting', 'running')


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    follower_count = fields.Integer(compute='_compute_follower_count')
    follower_sync_state = fields.Selection(
        string="Fetching Followers",
        selection=lambda self: self.env['wechat.follower.sync']._fields['state'].selection,
        compute='_compute_follower_sync',
    )
    follower_sync_progress = fields.Char(string="Fetched", compute='_compute_follower_sync')

    def _compute_follower_count(self):
        counts = dict(self.env['wechat.identity']._read_group(
            [('app_id', 'in', self.ids), ('is_follower', '=', True)], ['app_id'], ['__count'],
        ))
        for app in self:
            app.follower_count = counts.get(app, 0)

    def _compute_follower_sync(self):
        for app in self:
            last = self.env['wechat.follower.sync'].search([('app_id', '=', app.id)], limit=1)
            app.follower_sync_state = last.state
            app.follower_sync_progress = last.progress

    # === ACTION METHODS === #

    def action_synchronize_followers(self):
        """Start to synchronise the followers, in the background.

        :return: A notification.
        :rtype: dict
        :raise UserError: If it goes on already.
        """
        self.ensure_one()
        self.check_access('write')
        self._check_is_official_account()
        syncs = self.env['wechat.follower.sync'].sudo()
        if syncs.search_count(
            [('app_id', '=', self.id), ('state', 'in', RUNNING_STATES)], limit=1,
        ):
            raise UserError(self.env._(
                "The followers are being synchronised already. See how far it has come under"
                " WeChat ▸ Official Accounts ▸ Follower Synchronisation."
            ))
        syncs.create({'app_id': self.id})
        self.env.ref('wechat_official_account.cron_synchronize_followers').sudo()._trigger()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._("The followers are being fetched in the background."),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def action_stop_synchronization(self):
        """Stop the synchronisation that goes on."""
        self.ensure_one()
        self.check_access('write')
        self.env['wechat.follower.sync'].search(
            [('app_id', '=', self.id), ('state', 'in', RUNNING_STATES)],
        ).action_stop()
        return True

    def action_open_followers(self):
        """Show the followers of the account."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Followers"),
            'res_model': 'wechat.identity',
            'views': [(False, 'list'), (False, 'form')],
            'domain': [('app_id', '=', self.id), ('is_follower', '=', True)],
        }

    # === EVENTS === #

    def _on_event_subscribe(self, message):
        """Override of `wechat`: note the follower, creating an identity without a user."""
        if message.is_body_signed and self.app_type == 'official_account':
            self._get_identity(message.openid, create=True)._set_follower(
                True, to_moment(message.created),
            )
            return None
        return super()._on_event_subscribe(message)

    def _on_event_unsubscribe(self, message):
        """Override of `wechat`: note that somebody left."""
        result = super()._on_event_unsubscribe(message)
        if message.is_body_signed and self.app_type == 'official_account':
            self._get_identity(message.openid)._set_follower(False, to_moment(message.created))
        return result
