# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models

from odoo.addons.wechat import rendering


class WechatMessageTemplate(models.Model):
    _inherit = 'wechat.message.template'

    kind = fields.Selection(
        selection_add=[('template', "Template message")], ondelete={'template': 'cascade'},
    )

    def _prepare_payload(self, record, values):
        """Override of `wechat` to add colours and what a tap opens (wechat-platform.md, 6.1)."""
        payload = super()._prepare_payload(record, values)
        if self.kind != 'template':
            return payload
        for line in self.line_ids.filtered('color'):
            if line.key in payload['data']:
                payload['data'][line.key]['color'] = line.color
        if self.jump == 'miniprogram' and self.miniprogram_id:
            target = {'appid': self.miniprogram_id.appid}
            page = rendering.render(record, self.page).strip().lstrip('/')
            payload['miniprogram'] = {**target, 'pagepath': page} if page else target
        url = self._render_url(record)
        if url:
            payload['url'] = url
        return payload
