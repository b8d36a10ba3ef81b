# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.wechat.models.wechat_app import APPID_PATTERN
from odoo.addons.wechat_payment.protocol import v2_signing


class PaymentProvider(models.Model):
    """What API v2 and service providers need beside the credentials of API v3."""

    _inherit = 'payment.provider'

    wechat_api_v2_key = fields.Char(
        string="APIv2 Key", copy=False, prefetch=False, groups='base.group_system',
        help="APIv2密钥 (formerly API密钥): Account Center ▸ API security. 32 characters that you"
             " chose; they cannot be read back there, only set anew. It is not the APIv3 key.",
    )
    wechat_api_v2_key_input = fields.Char(
        string="Enter APIv2 Key", compute='_compute_wechat_inputs', readonly=False,
        groups='base.group_system',
        help="APIv2密钥 (formerly API密钥): Account Center ▸ API security. 32 characters that you"
             " chose; they cannot be read back there, only set anew. It is not the APIv3 key.",
    )
    wechat_has_api_v2_key = fields.Boolean(
        compute='_compute_wechat_has_keys', groups='base.group_system',
    )
    wechat_has_same_keys = fields.Boolean(
        compute='_compute_wechat_has_same_keys', groups='base.group_system',
    )
    wechat_v2_sign_type = fields.Selection(
        string="Type of Signature",
        selection=[(name, name) for name in reversed(v2_signing.SIGN_TYPES)],
        default=v2_signing.HMAC_SHA256, required=True, groups='base.group_system',
        help="How API v2 signs, both ways. HMAC-SHA256 unless WeChat Pay told this merchant to use"
             " MD5; an answer or a notification that is signed the other way is not believed.",
    )
    wechat_sub_mch_id = fields.Char(
        string="Sub-merchant Number", copy=False, groups='base.group_system',
        help="特约商户号: the shop's own number, if the merchant number above is a service"
             " provider's (服务商). pay.weixin.qq.com of the service provider, Sub-merchant"
             " Management. The keys are the service provider's.",
    )
    wechat_sub_appid = fields.Char(
        string="Sub-merchant AppID", copy=False, groups='base.group_system',
        help="The shop's own AppID, if customers pay in an app of the shop and not of the service"
             " provider. It must be bound to the sub-merchant number.",
    )

    # === COMPUTE METHODS === #

    @api.depends('wechat_api_v2_key', 'wechat_api_v3_key')
    def _compute_wechat_has_same_keys(self):
        """Say that both keys are one: usually one was pasted into the other's field (D19)."""
        for provider in self:
            key = provider.wechat_api_v2_key
            provider.wechat_has_same_keys = bool(key) and key == provider.wechat_api_v3_key

    # === CONSTRAINT METHODS === #

    @api.constrains('wechat_api_v2_key')
    def _check_wechat_api_v2_key(self):
        for provider in self:
            if message := provider._wechat_find_v2_key_problem():
                raise ValidationError(message)

    @api.constrains('wechat_mch_id', 'wechat_sub_mch_id', 'wechat_sub_appid')
    def _check_wechat_sub_merchant(self):
        """Check that the sub-merchant is another merchant, and that its app comes with it."""
        for provider in self:
            number, appid = provider.wechat_sub_mch_id, provider.wechat_sub_appid
            if number and not re.fullmatch(r'[0-9]{6,32}', number):
                raise ValidationError(self.env._(
                    "A sub-merchant number (特约商户号) has digits only, usually ten."
                ))
            if number and number == provider.wechat_mch_id:
                raise ValidationError(self.env._(
                    "The sub-merchant number is the merchant number. Enter the service provider's"
                    " number as merchant number; a merchant without a service provider leaves the"
                    " sub-merchant number empty."
                ))
            if appid and not APPID_PATTERN.fullmatch(appid):
                raise ValidationError(self.env._(
                    "The sub-merchant AppID is not an AppID: it starts with wx, followed by 16"
                    " letters or digits."
                ))
            if appid and not number:
                raise ValidationError(self.env._(
                    "A sub-merchant AppID is only of use with a sub-merchant number."
                ))

    def _wechat_find_v2_key_problem(self):
        """Return what is wrong with the APIv2 key as it is, or `None`.

        :return: A text for the administrator.
        :rtype: str|None
        """
        self.ensure_one()
        key = self.wechat_api_v2_key
        if not key or re.fullmatch(r'[0-9A-Za-z]{32}', key):
            return None
        return self.env._(
            "The APIv2 key must be exactly 32 plain letters and digits; this one has %(length)s"
            " characters. Set it anew on pay.weixin.qq.com, Account Center ▸ API security.",
            length=len(key),
        )

    # === GETTERS === #

    def _wechat_has_v2(self):
        """Tell whether API v2 can be called: its key is there.

        :rtype: bool
        """
        self.ensure_one()
        return bool(self.sudo().wechat_api_v2_key)

    def _wechat_is_partner(self):
        """Tell whether the merchant number is a service provider's, who acts for a sub-merchant.

        :rtype: bool
        """
        self.ensure_one()
        return bool(self.sudo().wechat_sub_mch_id)
