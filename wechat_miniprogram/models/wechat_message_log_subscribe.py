# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

BAD_VALUE = 47003


class WechatMessageLog(models.Model):
    _inherit = 'wechat.message.log'

    has_consent = fields.Boolean(
        string="Consent Used",
        help="A consent was used for this message. It is not used again when the message is tried"
             " once more.",
        readonly=True,
        copy=False,
    )
    refused_key = fields.Char(readonly=True, copy=False)

    @api.depends('refused_key')
    def _compute_reason(self):
        """Override of `wechat`: the field that WeChat did not take, or the want of a consent, is
        told in the reader's language.
        """
        super()._compute_reason()
        for log in self.filtered(
            lambda one: one.kind == 'subscribe' and one.state == 'failed' and not one.errcode
            and one.error_code == 'user_blocked' and one.identity_id
        ):
            log.reason = str(log.identity_id.sudo()._no_consent_error())
        for log in self.filtered(lambda one: one.refused_key and one.errcode == BAD_VALUE):
            line = log.template_id.sudo().line_ids.filtered(
                lambda line, key=log.refused_key: line.key == key,
            )
            if line and log.state == 'failed':
                data = (log.payload or {}).get('data') or {}
                log.reason = line._describe_refusal((data.get(line.key) or {}).get('value', ''))

    def _failure_values(self, error, state):
        """Override of `wechat` to remember whether a consent is used up by the failure."""
        return {
            **super()._failure_values(error, state),
            'has_consent': getattr(error, 'keeps_consent', False),
            'refused_key': getattr(error, 'refused_key', False),
        }

    def _deliver_subscribe(self):
        """Send a subscribe message.

        :return: WeChat's number of it.
        :rtype: str
        :raise WeChatError: If there is no consent, or WeChat refuses or cannot be asked.
        """
        return self.identity_id._call_subscribe_send(
            self.template_id, self.payload or {}, has_consent=self.has_consent,
        )


class WechatMessageTemplateLine(models.Model):
    _inherit = 'wechat.message.template.line'

    def _describe_refusal(self, value):
        """Return in words that WeChat did not take a value.

        :rtype: str
        """
        self.ensure_one()
        return self.env._(
            "WeChat does not take %(label)s (%(key)s): “%(value)s”. %(rule)s",
            label=self.label, key=self.key, value=value, rule=self.rule,
        )
