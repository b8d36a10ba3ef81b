# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class WechatMessageLog(models.Model):
    _inherit = 'wechat.message.log'

    def _deliver_template(self):
        """Send a template message.

        :return: WeChat's number of it.
        :rtype: str
        :raise WeChatError: If WeChat refuses or cannot be asked.
        """
        payload = self.payload or {}
        return self.identity_id._call_template_send(
            self.template_id.template_id, payload.get('data') or {}, url=payload.get('url'),
            miniprogram=payload.get('miniprogram'), client_msg_id=self.client_msg_id,
        )
