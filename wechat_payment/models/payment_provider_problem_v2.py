# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models

from odoo.addons.wechat_payment.protocol import v2_errors


class PaymentProvider(models.Model):
    """What is wrong with the connection to API v2, beside what concerns both versions."""

    _inherit = 'payment.provider'

    # === BUSINESS METHODS === #

    def _wechat_describe_problem(self, reason, detail=''):
        """Extend the descriptions with the reasons of API v2.

        :param str reason: One of `const.V2_REASONS`, `sub_merchant`, or another's.
        :param str detail: What the reason is about; for `api_v2` the `err_code`.
        :rtype: str
        """
        if reason == 'api_v2':
            return self._wechat_describe_v2_error(detail)
        texts = {
            'v2_key_missing': self.env._(
                "WeChat Pay's API v2 is not set up: the merchant number or the APIv2 key is"
                " missing. Enter them on the payment provider."
            ),
            'client_certificate_missing': self.env._(
                "Refunds and reversals of API v2 want the merchant certificate with its private"
                " key. Upload apiclient_cert.p12, or apiclient_cert.pem and apiclient_key.pem."
            ),
            'client_certificate': self.env._(
                "The merchant certificate and its private key cannot be used together. Upload"
                " apiclient_cert.pem and apiclient_key.pem anew, from the same folder."
            ),
            'v2_not_taken': self.env._(
                "%(advice)s WeChat Pay says: “%(words)s”.",
                advice=self._wechat_describe_v2_error(''), words=detail,
            ) if detail else self._wechat_describe_v2_error(''),
            'v2_sign_type': self.env._(
                "WeChat Pay takes the APIv2 key with %(sign_type)s only: choose it as type of"
                " signature.",
                sign_type=detail,
            ),
            'v2_same_keys': self.env._(
                "WeChat Pay does not take the APIv2 key, which is the same as the APIv3 key: one"
                " was entered in place of the other. Both are set on pay.weixin.qq.com, Account"
                " Center ▸ API security, each for itself."
            ),
            'sub_merchant': self.env._(
                "Merchant %(merchant)s may not act for sub-merchant %(number)s. Check both numbers;"
                " the merchant must be a service provider (服务商), and the sub-merchant must have"
                " authorised it: Sub-merchant Management on pay.weixin.qq.com.",
                merchant=self.sudo().wechat_mch_id or '', number=detail,
            ),
            'v2_signature': self.env._(
                "An answer of API v2 was not signed by WeChat Pay as it must be. Compare the APIv2"
                " key and the type of signature with pay.weixin.qq.com, Account Center ▸ API"
                " security; if they are right, ask who changes traffic between this server and"
                " WeChat Pay."
            ),
        }
        return texts.get(reason) or super()._wechat_describe_problem(reason, detail)

    def _wechat_describe_v2_error(self, code):
        """Return the advice for a failure of API v2, in the user's language, with its code.

        :param str code: The `err_code`; empty for `return_code` FAIL.
        :rtype: str
        """
        advice = v2_errors.get_advice(code)
        return self.env._(
            "%(advice)s (WeChat Pay: %(code)s)",
            advice=advice.zh if (self.env.lang or '').startswith('zh') else advice.en,
            code=code or 'return_code FAIL',
        )
