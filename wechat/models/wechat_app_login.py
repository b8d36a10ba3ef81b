# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What logins by mini-programs, web pages and mobile applications have in common."""

from odoo import api, models

from odoo.addons.wechat.protocol import user_info as profile

# What a login reads of its app, in one query: the secret is not prefetched with the rest.
LOGIN_FIELDS = (
    'active', 'allow_internal_login', 'allow_signup', 'appid', 'company_id', 'lang',
    'last_errcode', 'last_error_code', 'secret', 'share_users', 'state', 'template_user_id',
)

LOGIN_TIMEOUT = (3, 5)  # seconds to connect, to read (design.md, rule 7)


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    # === GETTERS === #

    @api.model
    def _get_caller_company(self):
        """Return the company of the caller, which is the public user's as a rule.

        `env.company` reads the whole user first; the ids of a user's companies are cached.

        :rtype: res.company
        """
        company_ids = self.env.user._get_company_ids()
        if len(company_ids) == 1:
            return self.env['res.company'].browse(company_ids)
        return self.env.company

    @api.model
    def _match_language(self, tag):
        """Return the installed language nearest to a client's language tag, or an empty string.

        :param str tag: a language tag such as `zh_CN`; anything else matches nothing
        """
        if not profile.is_language(tag):
            return ''
        return profile.match_language(
            tag, [code for code, _name in self.env['res.lang'].get_installed()],
        )

    # === HOOKS === #

    def _on_wechat_login_error(self, error, action, next):
        """Hook: a login with WeChat has failed. To be extended by other addons.

        What the failed login wrote has been rolled back; what the hook writes is kept. Its own
        failures are logged and change nothing.

        :param WeChatError error: what went wrong; its code word is `error.code`
        :param str action: `miniprogram`, `mp`, `qrcode` or `mobile`
        :param str next: the page of the site that the person was on the way to, or `None`
        :return: a response to answer in place of the error page, or `None`; JSON-RPC clients
            always get the error
        """
