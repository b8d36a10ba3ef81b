# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from odoo.addons.wechat_payment.exceptions import WeChatPayMisconfigured
from odoo.addons.wechat_payment.protocol import errors

CHECK_REASONS = {
    'unreachable', 'key_or_serial', 'certificate_unknown', 'certificate_other',
    'certificate_expired', 'clock_off', 'ip', 'public_key_id', 'public_key', 'appid',
}


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
        if reason in CHECK_REASONS:
            return self._wechat_describe_check_problem(reason, detail)
        texts = {
            'keys_missing': self.env._(
                "WeChat Pay is not set up: the merchant number, the merchant's private key or its"
                " certificate is missing. Enter them in Settings ▸ WeChat."
            ),
            'v3_keys_missing': self.env._(
                "Payment codes by API v3 need its keys too: the APIv3 key, the merchant's private"
                " key with its certificate, and WeChat Pay's public key. Enter them in Settings ▸"
                " WeChat, or take payment codes by API v2."
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
            'api_v3_key_certificates': self.env._(
                "The platform certificates cannot be decrypted: the APIv3 key is not the one set on"
                " pay.weixin.qq.com, Account Center ▸ API security. Set it anew there and enter it"
                " here."
            ),
            'public_key_only': self.env._(
                "WeChat Pay has no platform certificates for this merchant, who must use the WeChat"
                " Pay public key: download pub_key.pem from pay.weixin.qq.com, Account Center ▸ API"
                " security ▸ WeChat Pay public key, and enter it with its ID."
            ),
            'certificates_expire': self.env._(
                "The last platform certificate expires on %(date)s (UTC), and WeChat Pay has not"
                " given a new one. Check that this server reaches api.mch.weixin.qq.com, or change"
                " to the WeChat Pay public key.",
                date=detail,
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

    def _wechat_describe_check_problem(self, reason, detail):
        """Return what "Check Credentials" found, and what to do, in the user's language.

        :param str reason: One of `CHECK_REASONS`.
        :param str detail: What the reason is about.
        :rtype: str
        """
        return {
            'unreachable': self.env._(
                "%(error)s Check that this server may reach api.mch.weixin.qq.com.", error=detail,
            ),
            'key_or_serial': self.env._(
                "WeChat Pay refuses our signature: the merchant private key or the certificate"
                " serial number is wrong. Upload apiclient_cert.pem too, and Odoo tells which."
                " (pay.weixin.qq.com, Account Center ▸ API security ▸ Merchant API certificate.)"
            ),
            'certificate_unknown': self.env._(
                "The private key and the certificate belong together, but WeChat Pay does not take"
                " certificate %(serial)s for this merchant number: it was replaced or revoked, or"
                " is another merchant's. Compare the serial number on pay.weixin.qq.com, Account"
                " Center ▸ API security ▸ Merchant API certificate.",
                serial=detail,
            ),
            'certificate_other': self.env._(
                "The merchant certificate is the one of merchant number %(number)s. Enter that"
                " number, or the certificate and private key of this one.",
                number=detail,
            ),
            'certificate_expired': self.env._(
                "The merchant certificate expired on %(date)s (UTC). Apply for a new one on"
                " pay.weixin.qq.com, Account Center ▸ API security ▸ Merchant API certificate, and"
                " upload its files.",
                date=detail,
            ),
            'clock_off': self.env._(
                "This server's clock is %(minutes)s minutes away from WeChat Pay's; 5 are allowed."
                " Correct it (NTP).",
                minutes=detail,
            ),
            'ip': self.env._(
                "WeChat Pay refuses calls from this server (%(code)s). If there is an IP allow list"
                " on pay.weixin.qq.com, Account Center ▸ API security, add the public address of"
                " this server; if not, see whether the merchant account is restricted.",
                code=detail,
            ),
            'public_key_id': self.env._(
                "WeChat Pay does not accept the public key ID %(name)s: it is mistyped or another"
                " merchant's. Copy it from pay.weixin.qq.com, Account Center ▸ API security ▸"
                " WeChat Pay public key.",
                name=detail,
            ),
            'public_key': self.env._(
                "The WeChat Pay public key is not the key of ID %(name)s: it is another merchant's"
                " or another file. Download pub_key.pem again from pay.weixin.qq.com, Account"
                " Center ▸ API security ▸ WeChat Pay public key.",
                name=detail,
            ),
            'appid': self.env._(
                "The AppID %(appid)s is not bound to this merchant. Bind it on pay.weixin.qq.com,"
                " Product Center ▸ AppID account management, and confirm it in the app's own"
                " console.",
                appid=detail,
            ),
        }[reason]

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
        :rtype: WeChatPayMisconfigured
        """
        self._wechat_note_outcome(reason, detail)
        return WeChatPayMisconfigured(
            self._wechat_describe_problem(reason, detail), reason, detail,
        )

    def _wechat_notify_user(self, message, kind, sticky=False):
        """Return the notification that tells an administrator the outcome of a button.

        :param str message: What happened.
        :param str kind: `success`, `warning` or `danger`.
        :param bool sticky: Whether it stays until it is closed; what went wrong always does.
        :rtype: dict
        """
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'title': self.env._("WeChat Pay"),
                'message': message,
                'type': kind,
                'sticky': sticky or kind != 'success',
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

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
