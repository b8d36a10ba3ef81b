# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import contextlib
from datetime import timedelta

import psycopg2

from odoo import api, fields, models, sql_db
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown, WeChatUnverified
from odoo.addons.wechat_payment.const import SENSITIVE_KEYS
from odoo.addons.wechat_payment_operations.const import (
    BILL_READY_HOUR,
    CATCH_UP_DAYS,
    NOT_READY_MINUTES,
    NOT_READY_TRIES,
    RETRY_MINUTES,
    RETRY_TRIES,
)
from odoo.addons.wechat_payment_operations.exceptions import WeChatBillEmpty, WeChatBillNotReady
from odoo.addons.wechat_payment_operations.models.wechat_pay_bill_match import SETTLED_STATES

_logger = get_payment_logger(__name__, SENSITIVE_KEYS)


class WechatPayBill(models.Model):
    """When which bill is fetched, and what becomes of a failure."""

    _inherit = 'wechat.pay.bill'

    # === BUSINESS METHODS - FETCHING === #

    def _fetch_now(self):
        """Fetch these bills, each as far as it goes.

        :return: None
        :raise UserError: If somebody else is fetching one of them.
        """
        for bill in self:
            if not bill._fetch():
                raise UserError(self.env._(
                    "This bill is being fetched already. Look again in a moment."
                ))

    @api.model
    def _find_or_create(self, provider, first, last, bill_types):
        """Return the bills of some days, to be fetched again or for the first time.

        :param payment.provider provider: The provider.
        :param date first: The first day, in Beijing.
        :param date last: The last day.
        :param list bill_types: The kinds of bill.
        :rtype: wechat.pay.bill
        """
        known = self.search([
            ('provider_id', '=', provider.id), ('bill_type', 'in', bill_types),
            ('bill_date', '>=', first), ('bill_date', '<=', last),
        ])
        known.filtered(lambda bill: bill.state != 'downloading').write({
            'state': 'draft', 'next_try': False, 'try_count': 0,
        })
        keys = {(bill.bill_date, bill.bill_type) for bill in known}
        days = [first + timedelta(number) for number in range((last - first).days + 1)]
        return known + self.create([
            {'provider_id': provider.id, 'bill_date': day, 'bill_type': bill_type}
            for day in days for bill_type in bill_types if (day, bill_type) not in keys
        ])

    def _fetch(self):
        """Download, store and compare one bill; what goes wrong is written on it.

        :return: Whether it was tried: it is not if another server is at it.
        :rtype: bool
        """
        self.ensure_one()
        with self._claim() as is_ours:
            if is_ours:
                self._fetch_claimed()
        return is_ours

    def _fetch_claimed(self):
        """Download, store and compare the bill, which no other server is at.

        :return: None
        """
        self.invalidate_recordset()
        # Seen by others, and kept if this process dies: then it is continued.
        self.write({'state': 'downloading', 'error': False, 'next_try': False})
        self._keep_progress()
        try:
            downloaded = self.provider_id._wechat_download_bill(self.bill_date, self.bill_type)
            with downloaded.file:
                self._load(downloaded)
        except WeChatBillEmpty as error:
            self._settle_empty(error)
        except WeChatBillNotReady as error:
            self._retry_later('not_ready', error, NOT_READY_MINUTES, NOT_READY_TRIES)
        except (WeChatUnknown, WeChatUnverified) as error:
            delay = RETRY_MINUTES * 2 ** min(self.try_count, RETRY_TRIES)
            self._retry_later('draft', error, delay, RETRY_TRIES)
        except WeChatError as error:
            self._give_up(error)
        self._keep_progress()
        if self.state in SETTLED_STATES:
            self._match()
            self._keep_progress()

    def _settle_empty(self, error):
        """Note that there is no bill: whatever is known here of that day is missing at WeChat Pay.

        :param WeChatBillEmpty error: What WeChat Pay said.
        :return: None
        """
        self.env.cr.execute(
            "DELETE FROM wechat_pay_bill_line WHERE bill_id = %s AND line_no > 0", [self.id],
        )
        self.env['wechat.pay.bill.line'].invalidate_model()
        self.write({
            'state': 'no_business', 'error': str(error), 'next_try': False, 'try_count': 0,
            'file_hash': False, 'summary_note': False, 'loaded_on': fields.Datetime.now(),
        })

    def _retry_later(self, state, error, minutes, tries):
        """Keep a bill waiting, or give it up if it has waited too long.

        :param str state: The state to wait in.
        :param WeChatError error: Why.
        :param int minutes: How long to wait.
        :param int tries: How often to try.
        :return: None
        """
        if self.try_count + 1 >= tries:
            self._give_up(error)
            return
        self.write({
            'state': state, 'error': str(error), 'try_count': self.try_count + 1,
            'next_try': fields.Datetime.add(fields.Datetime.now(), minutes=minutes),
        })

    def _give_up(self, error):
        """Note that a person is needed. The button tries again.

        :param WeChatError error: Why.
        :return: None
        """
        _logger.warning("Bill %s was not loaded: %s", self.id, error)
        self.write({'state': 'failed', 'error': str(error), 'next_try': False, 'try_count': 0})

    @contextlib.contextmanager
    def _claim(self):
        """Keep other servers off this bill until the block ends or this process does.

        :return: A context manager of whether the bill is ours.
        :rtype: bool
        """
        self.ensure_one()
        # In a transaction of its own, as ours is committed in between.
        with sql_db.db_connect(self.env.cr.dbname).cursor() as cr:
            cr.execute(
                "SELECT pg_try_advisory_xact_lock(hashtext('wechat_pay_bill'), %s)", [self.id],
            )
            yield cr.fetchone()[0]

    def _keep_progress(self):
        """Keep what was done so far; a load of many lines is continued, not begun anew.

        :return: None
        """
        self.env.cr.commit()  # pylint: disable=invalid-commit

    # === CRON === #

    @api.model
    def _cron_fetch(self):
        """Fetch yesterday's bills, those that were not ready, and those of days Odoo stood still.

        :return: None
        """
        self._create_due_bills()
        due = self.search(self._get_due_domain(), order='bill_date')
        self.env['ir.cron']._commit_progress(remaining=len(due))
        for bill in due:
            if bill.filtered_domain(self._get_due_domain()):  # Else another server was faster.
                # What is stored is read by the company's people, not by who runs this.
                bill.with_context(lang=bill._get_company_lang())._fetch_or_give_up()
            if not self.env['ir.cron']._commit_progress(1):
                break
        self._import_due_statements()

    def _fetch_or_give_up(self):
        """Fetch a bill so that one that cannot be handled keeps no other from being fetched.

        :return: None
        """
        try:
            self._fetch()
        except psycopg2.OperationalError:
            raise  # Odoo runs the scheduled action again.
        except Exception as error:
            self.env.cr.rollback()
            self.env.invalidate_all()
            _logger.exception("Bill %s could not be handled.", self.id)
            self._give_up(WeChatError(self.env._(
                "The bill could not be handled (%(error)s). Report this to who maintains the"
                " system; its log says more.",
                error=type(error).__name__,
            )))

    @api.model
    def _get_due_domain(self):
        """Return which bills are to be fetched now.

        :rtype: Domain
        """
        return (
            Domain('state', 'in', ('draft', 'not_ready', 'downloading'))
            & Domain('provider_id.state', '!=', 'disabled')
            & (Domain('next_try', '=', False) | Domain('next_try', '<=', fields.Datetime.now()))
        )

    @api.model
    def _create_due_bills(self):
        """Create the bills of the days that are over and were not asked for yet.

        :return: None
        """
        now = self._get_beijing_now()
        if now.hour < BILL_READY_HOUR:
            last = now.date() - timedelta(2)
        else:
            last = now.date() - timedelta(1)
        providers = self.env['payment.provider'].sudo().search([
            ('code', '=', 'wechat_pay'), ('state', '!=', 'disabled'),
            ('wechat_fetch_bills', '=', True), ('wechat_mch_id', '!=', False),
        ])
        for provider in providers:
            for bill_type in provider._wechat_get_bill_types():
                known = set(self.search([
                    ('provider_id', '=', provider.id), ('bill_type', '=', bill_type),
                    ('bill_date', '<=', last),
                ]).mapped('bill_date'))
                first = max(min(known, default=last), last - timedelta(CATCH_UP_DAYS))
                # All gaps: somebody may have fetched a later day by the button meanwhile.
                self.create([
                    {'provider_id': provider.id, 'bill_date': day, 'bill_type': bill_type}
                    for number in range((last - first).days + 1)
                    if (day := first + timedelta(number)) not in known
                ])
