# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re
import tempfile
import time
from collections import namedtuple
from urllib.parse import quote, urlsplit

from odoo import models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat import transport
from odoo.addons.wechat.exceptions import WeChatUnknown
from odoo.addons.wechat.protocol import addresses
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import v2_signing, v2_xml
from odoo.addons.wechat_payment_operations.exceptions import (
    WeChatBillEmpty,
    WeChatBillNotReady,
    WeChatBillRefused,
)
from odoo.addons.wechat_payment_operations.protocol import bill_files

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

# A downloaded bill: an anonymous temporary file, unpacked and checked, and the SHA-1 of what is in
# it. Whoever gets it closes the file.
DownloadedBill = namedtuple('DownloadedBill', ('file', 'sha1'))

# Below this size, in bytes, a bill needs no file on the disk.
SPOOL_BYTES = 1024 * 1024

# Seconds to connect, between two pieces, and in all: five million lines take minutes.
DOWNLOAD_TIMEOUT = (3, 30)
DOWNLOAD_SECONDS = 600

# Codes by which WeChat Pay says that nothing happened that day, or that the bill is not made yet.
# API v2 says it in words (B2.8), of which documents show different spellings.
EMPTY_CODES = ('NO_STATEMENT_EXIST', 'NO_BILL_EXIST', '20002')
NOT_READY_CODES = ('STATEMENT_CREATING', 'BILL_CREATING')

# What says that WeChat Pay has never seen an order (A4.6, B2.2).
NO_SUCH_ORDER_CODES = ('ORDERNOTEXIST', 'ORDER_NOT_EXIST')

V3_PATHS = {'trade': '/v3/bill/tradebill', 'fundflow': '/v3/bill/fundflowbill'}
V2_PATHS = {'trade': '/pay/downloadbill', 'fundflow': '/pay/downloadfundflow'}

# What a download address may consist of, so that what is signed is what is sent.
_TARGET = re.compile(r"/[A-Za-z0-9/._~!$&'()*+,;=:@%?-]*", re.ASCII)


class PaymentProvider(models.Model):
    """Downloads of bills (A8, B2.8)."""

    _inherit = 'payment.provider'

    # === BUSINESS METHODS - BILLS === #

    def _wechat_download_bill(self, date, kind):
        """Download one bill of WeChat Pay, unpacked and checked; it is never in memory as a whole.

        :param date date: The day, in Beijing.
        :param str kind: `trade` or `fundflow`.
        :return: The open file at its beginning, which the caller closes, and its SHA-1.
        :rtype: DownloadedBill
        :raise WeChatBillEmpty: Nothing happened that day.
        :raise WeChatBillNotReady: The bill is not made yet.
        :raise WeChatBillRefused: What came is not the bill.
        :raise WeChatError: If WeChat Pay refuses, does not answer, or cannot be verified.
        """
        self.ensure_one()
        provider = self.sudo()
        file = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - handed over
        try:
            receiver = bill_files.BillReceiver(file)
            if provider.wechat_api_version == 'v2':
                provider._wechat_download_v2_bill(date, kind, receiver)
            else:
                provider._wechat_download_v3_bill(date, kind, receiver)
            file.seek(0)
        except bill_files.BillFileError as error:
            file.close()
            raise provider._wechat_bill_refused(error.reason) from None
        except BaseException:
            file.close()
            raise
        return DownloadedBill(file, receiver.sha1)

    def _wechat_download_v3_bill(self, date, kind, receiver):
        """Ask for the address of a bill, and download it from there (A8).

        :param date date: The day, in Beijing.
        :param str kind: `trade` or `fundflow`.
        :param BillReceiver receiver: Takes the download.
        :return: None
        """
        params = {'bill_date': date.isoformat()}
        if kind == 'trade':
            params['bill_type'] = 'ALL'
            if self._wechat_is_partner():
                params['sub_mchid'] = self.wechat_sub_mch_id
        else:
            params['account_type'] = 'BASIC'
        try:
            answer = self._wechat_request(
                'GET', V3_PATHS[kind], params={**params, 'tar_type': 'GZIP'},
            )
        except WeChatPayRefused as error:
            self._wechat_raise_bill_state(error.wechat_code)
            raise
        values = [answer.get(name) for name in ('download_url', 'hash_value')]
        if not all(isinstance(value, str) and value for value in values) or (
            answer.get('hash_type') != 'SHA1'
        ):
            raise self._wechat_bill_refused('answer')
        url, hash_value = values
        target = self._wechat_check_download_url(url)
        # Not verified, as it is not signed: the hash is compared (A1.5).
        response = self._wechat_receive(
            'GET', url, target, receiver,
            headers={**self._wechat_build_headers('GET', target, ''), 'Accept': '*/*'},
        )
        if response.status_code != 200:
            if not 400 <= response.status_code < 600:
                raise self._wechat_bill_refused('redirect')
            self._wechat_raise_error_answer(response)
        if receiver.message:
            raise self._wechat_bill_refused('no_bill')
        receiver.finish(hash_value)

    def _wechat_check_download_url(self, url):
        """Return the path and query of a download address, if it is WeChat Pay's.

        The address comes with an answer that was verified, and still a request with our signature
        goes nowhere but to the hosts that all our calls go to.

        :param str url: The address.
        :rtype: str
        :raise WeChatBillRefused: If it is another's.
        """
        try:
            base = addresses.base_of(url)
            parts = urlsplit(url)
        except (addresses.AddressError, ValueError):
            raise self._wechat_bill_refused('host') from None
        target = f'{parts.path}?{parts.query}' if parts.query else parts.path
        if base not in self._wechat_get_hosts():
            raise self._wechat_bill_refused('host')
        if parts.fragment or not _TARGET.fullmatch(target) or url != base + target:
            raise self._wechat_bill_refused('host')
        return target

    def _wechat_download_v2_bill(self, date, kind, receiver):
        """Download a bill with API v2: the answer is the file, or XML that says why not (B2.8).

        :param date date: The day, in Beijing.
        :param str kind: `trade` or `fundflow`.
        :param BillReceiver receiver: Takes the download.
        :return: None
        """
        provider = self._wechat_read_v2_credentials()
        is_fundflow = kind == 'fundflow'
        params = {
            **provider._wechat_get_v2_parties(provider.wechat_app_ids[:1].sudo()),
            'bill_date': date.strftime('%Y%m%d'),
            'tar_type': 'GZIP',
            **({'account_type': 'Basic'} if is_fundflow else {'bill_type': 'ALL'}),
        }
        # The fund-flow bill takes no other type of signature, and wants the certificate.
        sign_type = v2_signing.HMAC_SHA256 if is_fundflow else provider.wechat_v2_sign_type
        path = V2_PATHS[kind]
        response = provider._wechat_receive(
            'POST', provider._wechat_get_hosts()[0] + path, path, receiver,
            data=provider._wechat_build_v2_body(params, sign_type),
            headers={'Content-Type': 'text/xml; charset=utf-8'},
            cert=provider._wechat_get_client_certificate() if is_fundflow else None,
        )
        if response.status_code != 200:
            raise provider._wechat_bill_unknown()
        receiver.finish()
        if receiver.message:
            provider._wechat_raise_v2_bill_message(receiver.message)

    def _wechat_raise_v2_bill_message(self, message):
        """Raise what an answer means that is XML in place of a bill.

        It is not signed: it is believed only as far as to choose when to try again.

        :param bytes message: The answer.
        :raise WeChatBillEmpty: Nothing happened that day.
        :raise WeChatBillNotReady: The bill is not made yet.
        :raise WeChatBillRefused: Anything else.
        """
        try:
            answer = v2_xml.parse(message)
        except v2_xml.V2XmlError:
            raise self._wechat_bill_refused('no_bill') from None
        words = [
            answer[name] for name in ('error_code', 'err_code', 'return_msg', 'err_code_des')
            if answer.get(name)
        ]
        for word in words:
            self._wechat_raise_bill_state(re.sub(r'[^A-Z0-9]+', '_', word.strip().upper()))
        raise self._wechat_bill_refused('refused', ', '.join(word[:64] for word in words))

    def _wechat_receive(self, method, url, path, receiver, **kwargs):
        """Make a call whose answer may be a file.

        :param str method: The HTTP method.
        :param str url: The address.
        :param str path: What the log shows of it; its query is left out.
        :param BillReceiver receiver: Takes the body of a 200 answer.
        :return: The answer.
        :rtype: requests.Response
        :raise WeChatUnknown: If there is no whole answer.
        :raise BillFileError: If what comes cannot become a bill.
        """
        started = time.monotonic()
        failure = response = None
        try:
            response = transport.send(
                method, url, timeout=DOWNLOAD_TIMEOUT, seconds=DOWNLOAD_SECONDS,
                receive=receiver.receive, **kwargs,
            )
        except transport.TransportError as error:
            failure = error
        duration = time.monotonic() - started
        path = path.partition('?')[0]
        if failure:
            _logger.warning(
                "WeChat Pay did not answer %s %s (%s) within %.1f s.",
                method, path, failure.reason, duration,
            )
            raise self._wechat_bill_unknown()
        _logger.info(
            "WeChat Pay answered %s %s with %s in %.3f s (%d bytes).",
            method, path, response.status_code, duration, receiver.packed_bytes,
        )
        return response

    def _wechat_fetch_paid_order(self, transaction_id):
        """Ask WeChat Pay for a paid order by WeChat Pay's own number (A4.5, B2.2).

        :param str transaction_id: The number.
        :return: The order, with its `trade_state`; empty if WeChat Pay does not know it.
        :rtype: dict
        :raise WeChatError: If WeChat Pay refuses, does not answer, or cannot be verified.
        """
        self.ensure_one()
        try:
            if self.sudo().wechat_api_version == 'v2':
                return self._wechat_request_v2('/pay/orderquery', {
                    **self._wechat_get_v2_parties(self.sudo().wechat_app_ids[:1]),
                    'transaction_id': transaction_id,
                }, repeatable=True)
            return self._wechat_request(
                'GET', f'/v3/pay/transactions/id/{quote(transaction_id, safe="")}',
                params=self._wechat_get_merchant_query(),
            )
        except WeChatPayRefused as error:
            if error.status == 404 or error.wechat_code in NO_SUCH_ORDER_CODES:
                return {}
            raise

    # === GETTERS === #

    def _wechat_raise_bill_state(self, code):
        """Raise what a code says of a bill; return if it says something else.

        :param str code: WeChat Pay's code.
        :raise WeChatBillEmpty: Nothing happened that day.
        :raise WeChatBillNotReady: The bill is not made yet.
        """
        if code in EMPTY_CODES:
            raise WeChatBillEmpty(self.env._("WeChat Pay has no business on that day."))
        if code in NOT_READY_CODES:
            raise WeChatBillNotReady(self.env._(
                "WeChat Pay has not made the bill yet. It is ready from 10:00 Beijing time on the"
                " next day; it is asked for again every half hour."
            ))

    def _wechat_bill_unknown(self):
        """Return the error for an answer that did not come, or not as a whole.

        :rtype: WeChatUnknown
        """
        return WeChatUnknown(
            self.env._("WeChat Pay does not answer. Please try again in a moment."),
            code='wechat_unavailable',
        )

    def _wechat_bill_refused(self, reason, detail=''):
        """Return the error for a download that is not the bill.

        :param str reason: A reason of `BillFileError`, or one of ours.
        :param str detail: What it is about.
        :rtype: WeChatBillRefused
        """
        texts = {
            'hash': self.env._(
                "The bill is not the one that WeChat Pay announced: its SHA-1 differs. Nothing of"
                " it was loaded. Fetch it again; if it happens again, something between this server"
                " and WeChat Pay changes downloads."
            ),
            'truncated': self.env._(
                "The bill broke off: its GZIP file is not whole. Nothing of it was loaded. Fetch it"
                " again."
            ),
            'gzip': self.env._(
                "The bill cannot be unpacked. Nothing of it was loaded. Fetch it again."
            ),
            'too_large': self.env._(
                "The bill is larger than any bill can be. Nothing of it was loaded."
            ),
            'empty': self.env._("WeChat Pay sent an empty file. Fetch the bill again."),
            'no_bill': self.env._(
                "What came is a web page or a message, not a bill. Look whether a proxy or firewall"
                " answers in WeChat Pay's place, then fetch the bill again."
            ),
            'host': self.env._(
                "The bill was to be downloaded from an address that is not WeChat Pay's. Nothing"
                " was sent there. Report this to who maintains this server."
            ),
            'redirect': self.env._(
                "The download was redirected elsewhere, which WeChat Pay does not do. It was not"
                " followed. Report this to who maintains this server."
            ),
            'answer': self.env._(
                "WeChat Pay's answer does not say where the bill is. Please try again in a moment."
            ),
            'refused': self.env._(
                "WeChat Pay refused the bill: %(detail)s. Check the merchant number, the APIv2 key"
                " and, for fund-flow bills, the merchant certificate in Settings ▸ WeChat.",
                detail=detail,
            ),
        }
        return WeChatBillRefused(texts[reason], reason)
