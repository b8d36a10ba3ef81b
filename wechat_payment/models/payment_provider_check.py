# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import secrets
import time
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from odoo import fields, models
from odoo.exceptions import AccessError

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_payment.exceptions import (
    WeChatPayMisconfigured,
    WeChatPayRefused,
    WeChatPayUnverified,
)
from odoo.addons.wechat_payment.protocol import keys, oaep, verification

BEIJING = timezone(timedelta(hours=8))  # What WeChat Pay writes times in.
# An openid of nobody: an order for it is refused, after the AppID was looked at.
NOBODY = 'oCHECK0000000000000000000000'


class Problem(Exception):
    """The check found what an administrator must mend: a reason and what it is about."""

    def __init__(self, reason, detail=''):
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class PaymentProvider(models.Model):
    _inherit = 'payment.provider'

    # === ACTION METHODS === #

    def action_wechat_check_credentials(self):
        """Ask WeChat Pay whether it takes our credentials, and say what is wrong.

        :return: The notification for the administrator.
        :rtype: dict
        """
        self.ensure_one()
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(self.env._("Only administrators may check the credentials."))
        findings = {'proved': [], 'unproved': [], 'remarks': []}
        if problem := self._wechat_check_credentials(findings):
            return self._wechat_notify_user(problem, 'danger')
        # Terms without a letter are not translated.
        separator = '；' if (self.env.lang or '').startswith('zh') else '; '
        message = self.env._(
            "WeChat Pay accepts: %(proved)s.", proved=separator.join(findings['proved']),
        )
        if findings['unproved']:
            message = self.env._(
                "%(message)s Not proved yet: %(unproved)s.",
                message=message, unproved=separator.join(findings['unproved']),
            )
        return self._wechat_notify_user(
            ' '.join([message, *findings['remarks']]), 'success',
            sticky=bool(findings['unproved'] or findings['remarks']),
        )

    # === BUSINESS METHODS === #

    def _wechat_check_credentials(self, findings=None):
        """Find out what is wrong by calls without an effect, and note the outcome.

        :param dict findings: Lists `proved`, `unproved` and `remarks`, which texts are added to.
        :return: What is wrong and what to do, or `None`.
        :rtype: str|None
        """
        self.ensure_one()
        findings = findings or {'proved': [], 'unproved': [], 'remarks': []}
        # The outcome is written here, not by the calls in transactions of their own.
        provider = self.sudo().with_context(wechat_check_credentials=True)
        reason = detail = None
        try:
            provider._wechat_check_setup()
            if provider.wechat_api_version == 'v3' and (
                not provider._wechat_check_certificates(findings)
            ):
                provider._wechat_check_keys(findings)
            if provider._wechat_has_v2():
                provider._wechat_check_v2(findings)
            provider._wechat_check_apps(findings)
        except Problem as problem:
            reason, detail = problem.reason, problem.detail
        except WeChatPayMisconfigured as error:
            reason, detail = error.reason, error.detail
        except WeChatError as error:
            reason, detail = 'check', str(error)
        provider.write(provider._wechat_get_outcome_values(reason, detail))
        return provider._wechat_describe_problem(reason, detail or '') if reason else None

    def _wechat_check_setup(self):
        """Find what can be seen to be wrong without a call.

        :return: None
        :raise Problem: If something is.
        """
        missing = self._wechat_get_missing_credentials(with_trust=False)
        if not self.wechat_mch_id:
            missing = [self.env._("Merchant Number"), *missing]
        if missing:
            raise Problem('check', self.env._("Missing: %(fields)s.", fields=', '.join(missing)))
        if problem := self._wechat_find_key_problem() or self._wechat_find_v2_key_problem():
            raise Problem('check', problem)
        if not self.wechat_app_ids:
            raise Problem('check', self.env._(
                "No app is chosen: add the mini-program in which customers pay."
            ))
        notify_url = self._wechat_get_notify_url()
        if not self._wechat_is_public_base_url(notify_url):
            raise Problem('notify_url', notify_url)

    def _wechat_check_call(self, method, path, **kwargs):
        """Make a call, and find what any call may find wrong.

        :return: The answer.
        :rtype: dict
        :raise Problem: For what concerns all calls: keys, clock, addresses.
        :raise WeChatPayRefused: For other refusals.
        """
        try:
            return self._wechat_request(method, path, repeatable=True, **kwargs)
        except WeChatPayRefused as error:
            self._wechat_check_clock(error.date)
            if error.status == 401:
                raise self._wechat_find_refused_key() from None
            raise
        except WeChatPayUnverified as error:
            raise self._wechat_find_unverified_key(error) from None
        except WeChatUnknown as error:
            raise Problem('unreachable', str(error)) from None

    def _wechat_check_clock(self, date):
        """Compare WeChat Pay's clock with ours: its message on this must not be relied on.

        :param str date: The header Date of an answer, which is not signed; may be `None`.
        :return: None
        :raise Problem: If they are more than 5 minutes apart.
        """
        try:
            seconds = abs(parsedate_to_datetime(date or '').timestamp() - time.time())
        except (TypeError, ValueError):
            return
        if seconds > verification.TOLERANCE:
            raise Problem('clock_off', str(round(seconds / 60)))

    def _wechat_find_refused_key(self):
        """Return why our signature was refused, as far as it can be seen from here.

        The code is the same for all causes (A4.6).

        :rtype: Problem
        """
        if not self.wechat_merchant_certificate:
            return Problem('key_or_serial')
        certificate = keys.read_certificate(self.wechat_merchant_certificate)
        # That merchant certificates carry the merchant number as their name is unverified: so it
        # is looked at only if it is a number, and only to explain a refusal.
        if certificate['subject'].isdigit() and certificate['subject'] != self.wechat_mch_id:
            return Problem('certificate_other', certificate['subject'])
        if certificate['expire_time'] <= fields.Datetime.now():
            return Problem(
                'certificate_expired', fields.Datetime.to_string(certificate['expire_time']),
            )
        return Problem('certificate_unknown', self.wechat_merchant_serial)

    def _wechat_find_unverified_key(self, error):
        """Return why an answer could not be verified.

        :param WeChatPayUnverified error: The error.
        :rtype: Problem
        """
        if error.reason == 'clock':
            self._wechat_check_clock(error.date)
        if error.reason == 'signature' and self.wechat_pay_public_key_id:
            return Problem('public_key', self.wechat_pay_public_key_id)
        return Problem(error.reason if error.reason in ('clock', 'serial') else 'signature')

    def _wechat_check_certificates(self, findings):
        """Fetch platform certificates: nothing else that can be had needs the APIv3 key.

        An answer of this call proves everything. A merchant with a public key may have none; then
        the other calls prove what they can.

        :param dict findings: Lists `proved` and `unproved`.
        :return: Whether there was an answer.
        :rtype: bool
        :raise Problem: If something is wrong.
        """
        try:
            self._wechat_fetch_certificates(store=self._wechat_uses_certificates())
        except WeChatPayMisconfigured as error:
            if error.reason != 'public_key_only' or not self.wechat_pay_public_key:
                raise
        except WeChatPayRefused as error:
            self._wechat_check_clock(error.date)
            if error.status == 401:
                raise self._wechat_find_refused_key() from None
            if not self._wechat_get_verification_keys():
                raise Problem(*self._wechat_explain_refusal(error)) from None
            # What else is refused is found out by the next call.
        except WeChatPayUnverified as error:
            raise self._wechat_find_unverified_key(error) from None
        except WeChatUnknown as error:
            raise Problem('unreachable', str(error)) from None
        else:
            findings['proved'] += [
                self._wechat_name_signing(), self._wechat_name_trust(), self.env._("the APIv3 key"),
            ]
            return True
        findings['unproved'].append(
            self.env._("the APIv3 key (the first notification proves it)")
        )
        return False

    def _wechat_name_signing(self):
        return self.env._("the merchant number, the private key and the serial number")

    def _wechat_name_trust(self):
        return self.env._("the key that WeChat Pay signs with")

    def _wechat_check_keys(self, findings):
        """Find out whether both sides verify and decrypt what the other signs and encrypts.

        :param dict findings: Lists `proved` and `unproved`.
        :return: None
        :raise Problem: If something is wrong.
        """
        refusal = None
        try:
            is_trusted = self._wechat_check_echo()
        except WeChatPayRefused as error:
            # How many merchants have this call, and what it refuses, is unverified (A2.5): it is
            # believed if it works, and if it names the encrypted field.
            refusal, is_trusted = error, False
        except Problem as problem:
            if problem.reason != 'unreachable':
                raise
            is_trusted = False
        if not is_trusted:
            self._wechat_check_unlikely_order()
            if (
                refusal and refusal.wechat_code == 'PARAM_ERROR' and 'encrypted' in refusal.field
                and self.wechat_pay_public_key
            ):
                raise Problem('public_key', self.wechat_pay_public_key_id)
        findings['proved'].append(self._wechat_name_signing())
        findings['proved' if is_trusted else 'unproved'].append(self._wechat_name_trust())

    def _wechat_check_echo(self):
        """Have WeChat Pay repeat a text, plain and encrypted (A2.5).

        :return: Whether the answer proves the key that WeChat Pay signs with.
        :rtype: bool
        :raise WeChatPayRefused: If WeChat Pay refuses; it may not have this call.
        :raise Problem: If the answer shows what is wrong.
        """
        text = f'check-{secrets.token_hex(8)}'
        name, pem = self._wechat_get_encryption_key()
        answer = self._wechat_check_call(
            'POST', '/v3/security/echo', headers={'Wechatpay-Serial': name},
            payload={'echo_message': text, 'encrypted_echo_message': oaep.encrypt(text, pem)},
        )
        # What comes back encrypted is not looked at: with which key and of what is unverified.
        # The answer was verified, and only who could read the request's time and path signs it.
        return answer.get('echo_message') == text

    def _wechat_check_unlikely_order(self):
        """Query an order that cannot exist, which has no side effect (A2.5).

        :return: None
        :raise Problem: If WeChat Pay says anything but that there is no such order.
        """
        out_trade_no = f'check-{secrets.token_hex(8)}'
        try:
            self._wechat_check_call(
                'GET', f'{self._wechat_get_order_path()}/out-trade-no/{out_trade_no}',
                params=self._wechat_get_merchant_query(),
            )
        except WeChatPayRefused as error:
            # Only who is known to WeChat Pay learns that an order does not exist.
            if error.status == 404 and error.wechat_code in ('ORDER_NOT_EXIST', 'ORDERNOTEXIST'):
                return
            raise Problem(*self._wechat_explain_refusal(error)) from None

    def _wechat_explain_refusal(self, error):
        """Return what the refusal of a call that everybody may make means.

        :param WeChatPayRefused error: The refusal.
        :return: A reason and what it is about.
        :rtype: tuple[str, str]
        """
        code = f'{error.status} {error.wechat_code}'
        if error.wechat_code == 'NO_AUTH' and self._wechat_is_partner():
            return 'sub_merchant', self.wechat_sub_mch_id
        if error.status == 403:
            # These calls need no product, so it is the address or the account. Which code an
            # address that is not allowed gets is unverified.
            return 'ip', code
        if error.wechat_code == 'PARAM_ERROR' and self.wechat_pay_public_key_id:
            return 'public_key_id', self.wechat_pay_public_key_id
        return 'api', code

    def _wechat_check_apps(self, findings):
        """Find out whether the AppIDs are bound to the merchant.

        Only an order tells. It is made for an openid that nobody has, so that it is refused; that
        the AppID is looked at before is unverified. Should one be accepted, it is closed.

        :param dict findings: Lists `proved` and `unproved`.
        :return: None
        :raise Problem: If an AppID is not bound, or the merchant may not use the product.
        """
        for app in self.wechat_app_ids:
            text = self.env._("the AppID %(appid)s", appid=app.appid)
            if app.app_type not in ('miniprogram', 'official_account'):
                findings['unproved'].append(text)
                continue
            bound = self._wechat_probe_app(app, f'check-{secrets.token_hex(8)}')
            findings['proved' if bound else 'unproved'].append(text)

    def _wechat_probe_app(self, app, out_trade_no):
        """Make the order that tells whether an app is bound to the merchant.

        :param wechat.app app: The app.
        :param str out_trade_no: The number of the order.
        :return: Whether the app is bound; `False`: it could not be found out.
        :rtype: bool
        :raise Problem: If it is not, or if the merchant may not use the product.
        """
        parties = self._wechat_get_parties(app)
        payer = 'openid' if 'appid' in parties else (
            'sub_openid' if 'sub_appid' in parties else 'sp_openid'
        )
        expiry = datetime.now(BEIJING) + timedelta(minutes=5)
        try:
            self._wechat_request('POST', f'{self._wechat_get_order_path()}/jsapi', payload={
                **parties,
                'description': "Check",
                'out_trade_no': out_trade_no,
                'time_expire': expiry.isoformat(timespec='seconds'),
                'notify_url': self._wechat_get_notify_url(),
                'amount': {'total': 1, 'currency': 'CNY'},
                'payer': {payer: NOBODY},
            })
        except WeChatPayRefused as error:
            if error.wechat_code == 'APPID_MCHID_NOT_MATCH':
                raise Problem('appid', app.appid) from None
            if error.wechat_code == 'NO_AUTH':
                if self._wechat_is_partner():
                    raise Problem('sub_merchant', self.wechat_sub_mch_id) from None
                raise Problem('api', f'{error.status} {error.wechat_code}') from None
            return error.wechat_code in ('PARAM_ERROR', 'INVALID_REQUEST')
        except WeChatError:
            self._wechat_close_check_order(out_trade_no)
            return False
        self._wechat_close_check_order(out_trade_no)
        return True

    def _wechat_close_check_order(self, out_trade_no):
        """Close an order of the check, which nobody could have paid.

        :param str out_trade_no: Its number.
        :return: None
        """
        try:
            self._wechat_request(
                'POST', f'{self._wechat_get_order_path()}/out-trade-no/{out_trade_no}/close',
                payload=self._wechat_get_merchant_query(), repeatable=True,
            )
        except WeChatError:
            return  # It expires within five minutes.
