# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import secrets
from datetime import datetime, timedelta

from odoo import models

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_payment.exceptions import (
    WeChatPayNoAnswer,
    WeChatPayNotTaken,
    WeChatPayRefused,
    WeChatPayUnverified,
)
from odoo.addons.wechat_payment.models.payment_provider_check import BEIJING, NOBODY, Problem
from odoo.addons.wechat_payment.protocol import v2_errors, v2_orders, v2_signing

REFUND_PATH = '/secapi/pay/refund'
# What is answered for what cannot exist, and thus shows that the caller is known.
NOTHING_CODES = {'ORDERNOTEXIST', 'INVALID_TRANSACTIONID'}
# How a call ends whose client certificate the server does not like (see `transport`).
TLS_ENDS = ('tls', 'broken', 'HTTP 400')


class PaymentProvider(models.Model):
    """"Check Credentials" for API v2: whoever uses it, or only needs it for certain products."""

    _inherit = 'payment.provider'

    # === BUSINESS METHODS === #

    def _wechat_check_v2(self, findings):
        """Find out whether WeChat Pay takes the APIv2 key and the merchant certificate.

        :param dict findings: Lists `proved`, `unproved` and `remarks`.
        :return: None
        :raise Problem: If something is wrong.
        """
        parties = self._wechat_get_v2_parties(self.wechat_app_ids[:1])
        self._wechat_check_v2_key(parties)
        findings['proved'].append(self.env._(
            "the merchant number, the APIv2 key and the type of signature"
        ))
        if self.wechat_has_same_keys:
            findings['remarks'].append(self.env._(
                "The APIv2 key is the same as the APIv3 key: set another one of the two, as each"
                " gives access to money."
            ))
        text = self.env._("the merchant certificate, which API v2 wants for refunds")
        has_certificate = self.wechat_merchant_certificate and self.wechat_merchant_private_key
        is_proved = has_certificate and self._wechat_check_v2_certificate(parties)
        findings['proved' if is_proved else 'unproved'].append(text)

    def _wechat_check_v2_key(self, parties):
        """Query an order that cannot exist, which has no side effect (B2.2).

        :param dict parties: Between whom it would be.
        :return: None
        :raise Problem: If WeChat Pay says anything but that there is no such order.
        """
        try:
            self._wechat_query_unlikely_v2_order(parties, self.wechat_v2_sign_type)
        except WeChatPayRefused as error:
            if error.wechat_code not in NOTHING_CODES:
                raise self._wechat_explain_v2_refusal(error, parties['appid']) from None
        except WeChatPayNotTaken as error:
            raise self._wechat_explain_not_taken(parties, error) from None
        except WeChatPayUnverified as error:
            raise Problem('v2_signature', error.reason) from None
        except WeChatUnknown as error:
            raise Problem('unreachable', str(error)) from None

    def _wechat_query_unlikely_v2_order(self, parties, sign_type):
        """Query an order that cannot exist.

        :param dict parties: Between whom it would be.
        :param str sign_type: The type of signature.
        :return: None
        :raise WeChatPayRefused: As must be.
        """
        self._wechat_request_v2(
            v2_orders.QUERY_PATH, {**parties, 'out_trade_no': f'check-{secrets.token_hex(8)}'},
            sign_type=sign_type, repeatable=True,
        )

    def _wechat_explain_not_taken(self, parties, error):
        """Return why a call was not taken: the answer is the same for a wrong key and much else.

        :param dict parties: Between whom the order of the call would be.
        :param WeChatPayNotTaken error: What was answered.
        :rtype: Problem
        """
        other = next(
            name for name in v2_signing.SIGN_TYPES if name != self.wechat_v2_sign_type
        )
        if self._wechat_takes_sign_type(parties, other):
            return Problem('v2_sign_type', other)
        if self.wechat_has_same_keys:
            return Problem('v2_same_keys')
        return Problem('v2_not_taken', error.return_msg)

    def _wechat_takes_sign_type(self, parties, sign_type):
        """Tell whether WeChat Pay takes our key with another type of signature.

        :param dict parties: Between whom an order would be.
        :param str sign_type: The type.
        :rtype: bool
        """
        try:
            self._wechat_query_unlikely_v2_order(parties, sign_type)
        except WeChatPayRefused:
            return True  # The answer was verified with our key.
        except WeChatError:
            return False
        return False

    def _wechat_explain_v2_refusal(self, error, appid):
        """Return what the refusal of a call that everybody may make means.

        :param WeChatPayRefused error: The refusal.
        :param str appid: The AppID of the call.
        :rtype: Problem
        """
        if error.wechat_code == 'APPID_MCHID_NOT_MATCH':
            return Problem('appid', appid)
        if error.wechat_code in ('NOAUTH', 'NO_AUTH') and self._wechat_is_partner():
            return Problem('sub_merchant', self.wechat_sub_mch_id)
        return Problem('api_v2', error.wechat_code)

    def _wechat_check_v2_certificate(self, parties):
        """Ask for the refund of an order that cannot exist (B2.4).

        Nothing less wants the certificate. Who is taken learns that there is no such order.

        :param dict parties: Between whom the order would be.
        :return: Whether the answer proves the certificate.
        :rtype: bool
        :raise Problem: If the certificate is refused, or the merchant may not refund.
        """
        number = f'check-{secrets.token_hex(8)}'
        try:
            self._wechat_request_v2(REFUND_PATH, {
                **parties, 'out_trade_no': number, 'out_refund_no': number, 'total_fee': 1,
                'refund_fee': 1, 'notify_url': self._wechat_get_notify_url(),
            }, certificate=True)
        except WeChatPayRefused as error:
            if error.wechat_code in NOTHING_CODES:
                return True
            if error.wechat_code == 'CA_ERROR':
                raise self._wechat_find_refused_key() from None
            if v2_errors.get_advice(error.wechat_code).misconfigured:
                raise Problem('api_v2', error.wechat_code) from None
        except WeChatPayNotTaken:
            # The key was taken a moment ago: what is new is the certificate.
            raise self._wechat_find_refused_key() from None
        except WeChatPayUnverified as error:
            raise Problem('v2_signature', error.reason) from None
        except WeChatPayNoAnswer as error:
            if error.end in TLS_ENDS:
                raise self._wechat_find_refused_key() from None
            raise Problem('unreachable', str(error)) from None
        except WeChatUnknown:
            return False
        return False

    def _wechat_probe_app(self, app, out_trade_no):
        """Extend the probe to API v2: it expires by itself, as it cannot be closed at once (B2.3).

        :param wechat.app app: The app.
        :param str out_trade_no: The number of the order.
        :return: Whether the app is bound; `False`: it could not be found out.
        :rtype: bool
        :raise Problem: If it is not, or if the merchant may not use the product.
        """
        if self.wechat_api_version != 'v2':
            return super()._wechat_probe_app(app, out_trade_no)
        parties = self._wechat_get_v2_parties(app)
        expiry = datetime.now(BEIJING) + timedelta(minutes=5)
        try:
            self._wechat_request_v2(v2_orders.ORDER_PATH, {
                **parties,
                'body': "Check",
                'out_trade_no': out_trade_no,
                'total_fee': 1,
                'spbill_create_ip': '127.0.0.1',
                'time_expire': v2_orders.build_time(expiry),
                'notify_url': self._wechat_get_notify_url(),
                'trade_type': 'JSAPI',
                'sub_openid' if 'sub_appid' in parties else 'openid': NOBODY,
            })
        except WeChatPayRefused as error:
            if v2_errors.get_advice(error.wechat_code).misconfigured:
                raise self._wechat_explain_v2_refusal(error, app.appid) from None
            return error.wechat_code in ('PARAM_ERROR', 'INVALID_REQUEST')
        except WeChatError:
            return False
        return True
