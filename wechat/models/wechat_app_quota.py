# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How often an app may still call WeChat today (wechat-platform.md, section 3.4)."""

from odoo import models

from odoo.addons.wechat.exceptions import WeChatError, WeChatRefused

DAILY_QUOTA_USED_UP = 45009


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    # === ACTION METHODS === #

    def action_clear_quota(self):
        """Let WeChat set the day's counters of all APIs back, and tell the user.

        :return: A notification.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        self._clear_quota()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'title': self.env._("Quotas cleared"),
                'message': self.env._("All APIs of %(app)s can be called again.", app=self.name),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def action_show_quota(self):
        """Open a form that asks WeChat for the quota of one API.

        :return: An action.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Quota of an API"),
            'res_model': 'wechat.api.quota',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_app_id': self.id},
        }

    # === BUSINESS METHODS === #

    def _clear_quota(self):
        """Let WeChat set the day's counters of all APIs back: 10 times a month at most.

        With the access token, as that works for all sources of tokens. When the quota of tokens
        itself is used up, with the AppSecret.

        :return: None
        :raise WeChatError: If WeChat does not do it.
        """
        self.ensure_one()
        app_sudo = self.sudo()
        try:
            self._request('POST', '/cgi-bin/clear_quota', json={'appid': app_sudo.appid})
        except WeChatRefused as error:
            if error.errcode != DAILY_QUOTA_USED_UP or not app_sudo.secret:
                raise
        else:
            return
        self._request('POST', '/cgi-bin/clear_quota/v2', with_token=False, json={
            'appid': app_sudo.appid, 'appsecret': app_sudo.secret,
        })

    def _get_quota(self, path):
        """Ask WeChat for the quota of one API.

        :param str path: The API's path, as `/cgi-bin/message/custom/send`.
        :return: {daily_limit, used, remain, call_count, refresh_second}: calls a day, and calls
            within some seconds; 0 where WeChat states nothing.
        :rtype: dict[str, int]
        :raise WeChatError: If WeChat does not tell.
        """
        self.ensure_one()
        answer = self._request('POST', '/cgi-bin/openapi/quota/get', json={'cgi_path': path})
        parts = [
            part for part in (answer.get('quota'), answer.get('rate_limit'))
            if isinstance(part, dict)
        ]
        if not parts:
            raise WeChatError(
                self.env._("WeChat's answer cannot be read. Please try again."),
                code='wechat_unavailable',
            )
        values = {name: value for part in parts for name, value in part.items()}
        return {
            name: values[name] if type(values.get(name)) is int else 0
            for name in ('daily_limit', 'used', 'remain', 'call_count', 'refresh_second')
        }
