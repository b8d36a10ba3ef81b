# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import time

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import AccessError

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayMisconfigured, WeChatPayRefused
from odoo.addons.wechat_payment.protocol import aead, keys, verification

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

PATH = '/v3/certificates'


class PaymentProvider(models.Model):
    """Platform certificates: fetched, checked, kept, renewed (A1.5, A2.2)."""

    _inherit = 'payment.provider'

    wechat_certificates_fetched = fields.Datetime(
        string="Certificates Fetched", copy=False, readonly=True, groups='base.group_system',
        help="When WeChat Pay was last asked for its platform certificates, and gave them.",
    )
    wechat_certificates_tried = fields.Datetime(
        copy=False, readonly=True, groups='base.group_system',
        help="When an unknown key name last made us ask for them.",
    )

    # === ACTION METHODS === #

    def action_wechat_fetch_certificates(self):
        """Fetch the platform certificates, and say how many there are.

        :return: The notification for the administrator.
        :rtype: dict
        """
        self.ensure_one()
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(self.env._("Only administrators may fetch platform certificates."))
        provider = self.sudo().with_context(wechat_check_credentials=True)  # The user is told.
        try:
            count = len(provider._wechat_fetch_certificates())
        except WeChatPayMisconfigured as error:
            if error.reason == 'public_key_only' and provider.wechat_pay_public_key:
                return self._wechat_notify_user(
                    self.env._(
                        "WeChat Pay has no platform certificates for this merchant. The WeChat Pay"
                        " public key is all that is needed."
                    ),
                    'warning',
                )
            return self._wechat_notify_user(str(error), 'danger')
        except WeChatError as error:
            return self._wechat_notify_user(str(error), 'danger')
        return self._wechat_notify_user(
            self.env._(
                "Valid platform certificates: %(count)s. They are renewed by themselves.",
                count=count,
            ),
            'success',
        )

    # === BUSINESS METHODS === #

    def _wechat_uses_certificates(self):
        """Tell whether the merchant needs platform certificates, now or during a switch-over.

        :rtype: bool
        """
        provider = self.sudo()
        return bool(
            not provider.wechat_pay_public_key or provider.wechat_certificate_ids._filter_valid()
        )

    def _wechat_fetch_certificates(self, store=True):
        """Fetch the platform certificates, check them and store those that are new.

        Nobody may hold a row lock here. They are stored in a transaction of their own: what made
        us fetch them may be rolled back.

        :param bool store: Whether they are stored, and trusted from now on.
        :return: The serials of those that are valid now, each with its PEM text.
        :rtype: dict
        :raise WeChatError: If there are none, or they cannot be had, decrypted or verified.
        """
        self.ensure_one()
        provider = self.sudo()
        try:
            response = provider._wechat_send('GET', PATH, timeout=(3, 5), repeatable=True)
        except WeChatPayRefused as error:
            if error.status == 404 and error.wechat_code == 'RESOURCE_NOT_EXISTS':
                raise provider._wechat_misconfigured('public_key_only') from None
            raise
        certificates = provider._wechat_read_certificates(response)
        if store:
            provider._wechat_store_certificates(certificates)
        return provider._wechat_filter_valid(certificates)

    @api.model
    def _wechat_filter_valid(self, certificates):
        """Return those that may sign now.

        :param dict certificates: As `_wechat_read_certificates` returns them.
        :return: Their serials, each with PEM text.
        :rtype: dict
        """
        now = fields.Datetime.now()
        return {
            serial_no: pem for serial_no, (pem, values) in certificates.items()
            if values['effective_time'] <= now < values['expire_time']
        }

    def _wechat_read_certificates(self, response):
        """Return the certificates of an answer that proves to be WeChat Pay's.

        An answer signed with a key that is known is verified before it is read. The first answer
        cannot be, and the one after a rotation need not be: it is believed if the certificates in
        it were encrypted with the APIv3 key, which nobody else has, and the answer is signed with
        one of them (A1.5).

        :param requests.Response response: The answer.
        :return: The serials as WeChat Pay writes them, each with PEM text and what
            `read_certificate` tells of it.
        :rtype: dict
        :raise WeChatError: If it cannot be believed or read.
        """
        headers, body = response.headers, response.content
        trusted = self._wechat_get_verification_keys()
        is_known = headers.get('Wechatpay-Serial') in trusted
        if is_known:
            self._wechat_verify_certificates(response, trusted)
        certificates = {}
        try:
            entries = json.loads(body.decode())['data']
            for entry in entries:
                pem = aead.decrypt(
                    entry['encrypt_certificate'], self.wechat_api_v3_key or ''
                ).decode().strip()
                keys.load_public_key(pem)
                values = keys.read_certificate(pem)
                serial_no = entry['serial_no'].strip().upper()
                if int(serial_no, 16) != int(values['serial_no'], 16):
                    raise ValueError("another serial")
                certificates[serial_no] = (pem, values)
        except aead.DecryptionError:
            raise self._wechat_misconfigured('api_v3_key_certificates') from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise WeChatUnknown(
                self.env._("WeChat Pay's answer cannot be read. Please try again in a moment."),
                code='wechat_unavailable',
            ) from None
        if not is_known:
            self._wechat_verify_certificates(response, self._wechat_filter_valid(certificates))
        if not certificates:
            raise self._wechat_misconfigured('public_key_only')
        return certificates

    def _wechat_verify_certificates(self, response, trusted):
        """Verify an answer with these keys only.

        :param requests.Response response: The answer.
        :param dict trusted: The names of keys, each with PEM text.
        :return: None
        :raise WeChatPayUnverified: If the signature is not what it must be.
        """
        try:
            verification.Verifier(trusted).verify(response.headers, response.content, time.time())
        except verification.VerificationError as error:
            raise self._wechat_unverified(response, error.reason) from None

    def _wechat_store_certificates(self, certificates):
        """Store those that are not there yet, in a transaction of its own.

        :param dict certificates: As `_wechat_read_certificates` returns them.
        :return: None
        """
        with self.env.registry.cursor() as cr:
            provider = self.with_env(self.env(cr=cr, su=True))
            # Who stores at the same moment would break the unique constraint. If the row is held
            # they are believed all the same, and stored the next time.
            if not provider.try_lock_for_update(allow_referencing=True):
                return
            provider.invalidate_recordset(['wechat_certificate_ids'])
            stored = {int(c.serial_no, 16) for c in provider.wechat_certificate_ids}
            for serial_no, (pem, values) in certificates.items():
                if int(values['serial_no'], 16) in stored:
                    continue
                record = provider.env['wechat.pay.certificate'].create({
                    'provider_id': provider.id, 'certificate': pem, 'source': 'fetched',
                })
                if record.serial_no != serial_no:
                    record.serial_no = serial_no  # Zeros in front: the headers have them too.
                _logger.info("New platform certificate %s of provider %s.", serial_no, self.id)
            provider.wechat_certificates_fetched = fields.Datetime.now()
        self.invalidate_recordset(['wechat_certificate_ids', 'wechat_certificates_fetched'])

    def _wechat_refresh_certificates(self):
        """Fetch the platform certificates because of an unknown key name, now and then at most.

        Anybody can send an unknown key name. So this is counted where all servers see it, before
        the call, and does nothing for a merchant who has a public key and no certificates.

        :return: The serials of those that are valid now, each with PEM text; empty if there was no
            call, or if it failed.
        :rtype: dict
        """
        self.ensure_one()
        provider = self.sudo()
        if not provider._wechat_uses_certificates() or not provider.wechat_api_v3_key:
            return {}
        try:
            if not provider._wechat_claim_certificate_refresh():
                return {}
            return provider._wechat_fetch_certificates()
        except WeChatError as error:
            _logger.warning("Platform certificates were not fetched: %s", error)
        return {}

    def _wechat_claim_certificate_refresh(self):
        """Note that the certificates are fetched now, unless they were a moment ago.

        :return: Whether they may be fetched.
        :rtype: bool
        """
        now = fields.Datetime.now()
        try:
            with self.env.registry.cursor() as cr:
                provider = self.with_env(self.env(cr=cr, su=True))
                if not provider.try_lock_for_update(allow_referencing=True):
                    return False
                provider.invalidate_recordset(['wechat_certificates_tried'])
                tried = provider.wechat_certificates_tried
                if tried and tried > fields.Datetime.subtract(
                    now, minutes=const.CERTIFICATES_MIN_AGE
                ):
                    return False
                provider.wechat_certificates_tried = now
        except OperationalError:
            return False  # Another server was faster.
        return True

    # === CRON === #

    @api.model
    def _cron_wechat_fetch_certificates(self):
        """Renew the platform certificates of all merchants that use them.

        Runs every hour: WeChat Pay asks for 12 hours at most (A2.2), so a failure can be repeated.

        :return: None
        """
        providers = self.sudo().search([('code', '=', 'wechat_pay'), ('state', '!=', 'disabled')])
        for provider in providers.filtered(lambda p: p._wechat_is_certificate_fetch_due()):
            try:
                provider._wechat_fetch_certificates()
            except WeChatError as error:
                _logger.warning(
                    "The platform certificates of provider %s were not renewed: %s",
                    provider.id, error,
                )
            # They were stored in another transaction: a new one sees them.
            self.env['ir.cron']._commit_progress(1)
            self.env.invalidate_all()
            provider._wechat_warn_of_expiry()

    def _wechat_is_certificate_fetch_due(self):
        """Tell whether the platform certificates must be fetched now.

        :rtype: bool
        """
        if not self._wechat_uses_certificates():
            return False
        fetched = self.wechat_certificates_fetched
        oldest = fields.Datetime.subtract(
            fields.Datetime.now(), hours=const.CERTIFICATES_MAX_AGE
        )
        return not fetched or fetched <= oldest or not self._wechat_get_verification_keys()

    def _wechat_warn_of_expiry(self):
        """Tell the administrator if the last certificate is about to expire.

        :return: None
        """
        valid = self.wechat_certificate_ids._filter_valid()
        if self.wechat_pay_public_key or not valid:
            return
        last = max(valid.mapped('expire_time'))
        if last < fields.Datetime.add(fields.Datetime.now(), days=const.CERTIFICATES_WARNING):
            self._wechat_note_outcome('certificates_expire', fields.Datetime.to_string(last))

    # === GETTERS === #

    def _wechat_get_encryption_key(self):
        """Return the key for fields that only WeChat Pay may read, and its name (A2.4).

        :return: The public key's id or the serial of the newest valid certificate, and PEM text;
            two empty texts if there is no key.
        :rtype: tuple[str, str]
        """
        provider = self.sudo()
        if provider.wechat_pay_public_key:
            return provider.wechat_pay_public_key_id, provider.wechat_pay_public_key
        newest = provider.wechat_certificate_ids._filter_valid().sorted('effective_time')[-1:]
        return newest.serial_no or '', newest.certificate or ''
