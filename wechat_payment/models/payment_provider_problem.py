# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.protocol import errors


class PaymentProvider(models.Model):
    """What is wrong with the connection to WeChat Pay, and what the administrator does about it.

    A reason is stored, not a text: who finds a problem and who reads of it may speak different
    languages.
    """

    _inherit = 'payment.provider'

    wechat_check_state = fields.Selection(
        string="WeChat Pay Connection", copy=False, readonly=True, default='unknown',
        groups='base.group_system',
        selection=[
            ('unknown', "Not Checked"), ('ok', "Working"), ('error', "Needs Attention"),
        ],
    )
    wechat_last_check = fields.Datetime(
        string="Last Check", copy=False, readonly=True, groups='base.group_system',
    )
    wechat_error_reason = fields.Char(copy=False, readonly=True, groups='base.group_system')
    wechat_error_detail = fields.Text(copy=False, readonly=True, groups='base.group_system')
    wechat_last_error = fields.Text(
        string="Last Error", compute='_compute_wechat_last_error', groups='base.group_system',
    )

    # === COMPUTE METHODS === #

    @api.depends('wechat_error_reason', 'wechat_error_detail')
    @api.depends_context('lang')
    def _compute_wechat_last_error(self):
        for provider in self:
            provider.wechat_last_error = provider.wechat_error_reason and (
                provider._wechat_describe_problem(
                    provider.wechat_error_reason, provider.wechat_error_detail or '',
                )
            )

    # === BUSINESS METHODS === #

    def _wechat_describe_problem(self, reason, detail=''):
        """Return what is wrong and what to do, in the user's language.

        :param str reason: One of the words below.
        :param str detail: What the reason is about; for `api` the HTTP status and the code.
        :rtype: str
        """
        if reason == 'api':
            status, _separator, code = detail.partition(' ')
            return self._wechat_describe_error_answer(int(status), code)
        texts = {
            'keys_missing': self.env._(
                "WeChat Pay is not set up: the merchant number, the merchant's private key or its"
                " certificate is missing. Enter them in Settings ▸ WeChat."
            ),
            'private_key': self.env._(
                "The merchant private key cannot be read. Paste the file apiclient_key.pem anew in"
                " Settings ▸ WeChat."
            ),
            'payment_method': self.env._(
                "The payment method WeChat Pay is off. Enable it on the payment provider,"
                " Configuration ▸ Enable Payment Methods."
            ),
            'notify_url': self.env._(
                "WeChat Pay cannot call the notification address %(url)s. Enter a public https"
                " address as notification base address in Settings ▸ WeChat.",
                url=detail,
            ),
            'api_v3_key': self.env._(
                "Notifications cannot be decrypted: the APIv3 key is not the one set on"
                " pay.weixin.qq.com, Account Center ▸ API security."
            ),
            'clock': self.env._(
                "An answer of WeChat Pay carries a time more than 5 minutes away from this"
                " server's. Correct the server's clock (NTP)."
            ),
            'serial': self.env._(
                "WeChat Pay signed with a key that is not recorded here. Compare the public key ID"
                " with pay.weixin.qq.com, Account Center ▸ API security, or add the platform"
                " certificate."
            ),
            'signature': self.env._(
                "An answer was not signed by WeChat Pay as it must be. Paste the WeChat Pay public"
                " key (pub_key.pem) anew; if that is right, ask who changes traffic between this"
                " server and WeChat Pay."
            ),
        }
        return texts.get(reason, detail)

    def _wechat_describe_error_answer(self, status, code):
        """Return the advice for an error answer, in the user's language, with its code.

        :param int status: The HTTP status.
        :param str code: The symbolic code of the body; may be empty.
        :rtype: str
        """
        advice = errors.get_advice(status, code)
        return self.env._(
            "%(advice)s (WeChat Pay: %(code)s)",
            advice=advice.zh if (self.env.lang or '').startswith('zh') else advice.en,
            code=code or f'HTTP {status}',
        )

    def _wechat_misconfigured(self, reason, detail=''):
        """Return the error that an administrator must mend, after noting it on the provider.

        :param str reason: A reason of `_wechat_describe_problem`.
        :param str detail: What the reason is about.
        :rtype: WeChatError
        """
        self._wechat_note_outcome(reason, detail)
        return WeChatError(self._wechat_describe_problem(reason, detail), code='misconfigured')

    def _wechat_note_outcome(self, reason=None, detail=''):
        """Write what the administrator should see, in a transaction of its own.

        The request that failed is rolled back; the reason must stay. Nothing is written if it is
        there already or if somebody holds the row: a call in progress must never wait for it.

        :param str reason: A reason of `_wechat_describe_problem`; `None`: a call succeeded.
        :param str detail: What the reason is about.
        :return: None
        """
        self.ensure_one()
        if self.env.context.get('wechat_check_credentials'):
            return  # The check writes what it found itself.
        values = self._wechat_get_outcome_values(reason, detail)
        with self.env.registry.cursor() as cr:
            provider = self.with_env(self.env(cr=cr, su=True))
            if provider.try_lock_for_update(allow_referencing=True) and any(
                (provider[name] or False) != values[name]
                for name in ('wechat_check_state', 'wechat_error_reason', 'wechat_error_detail')
            ):
                provider.write(values)

    def _wechat_get_outcome_values(self, reason=None, detail=''):
        """Return the values that tell the outcome of a check or a call.

        :param str reason: A reason of `_wechat_describe_problem`; `None`: all is well.
        :param str detail: What the reason is about.
        :rtype: dict
        """
        return {
            'wechat_check_state': 'error' if reason else 'ok',
            'wechat_last_check': fields.Datetime.now(),
            'wechat_error_reason': reason or False,
            'wechat_error_detail': detail or False,
        }
