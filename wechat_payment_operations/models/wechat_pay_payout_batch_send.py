# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import psycopg2

from odoo import api, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.const import SENSITIVE_KEYS
from odoo.addons.wechat_payment_operations.models.wechat_pay_payout_batch import MODELS

_logger = get_payment_logger(__name__, SENSITIVE_KEYS)

# Refusals that are about one person, so that the others can be paid (A9.4).
PERSONAL_CODES = ('SENDNUM_LIMIT', 'RCVDAMOUNT_LIMIT')
# So many in a row that were not sent, or are not known, say that something else is wrong.
TROUBLE_LIMIT = 3


class WechatPayPayoutBatch(models.Model):
    """Sending a batch in the background, one payout after the other.

    What was tried is written in the same transaction as the payout's number, so that a server that
    dies leaves nothing to be sent twice: the payout under way settles by itself as any other.
    """

    _inherit = 'wechat.pay.payout.batch'

    # === CRON === #

    @api.model
    def _cron_send(self):
        """Send what is left of the batches that are being sent.

        :return: None
        """
        batches = self.search([('state', '=', 'sending')], order='sent_on, id')
        self.env['ir.cron']._commit_progress(remaining=sum(
            batch._count_left() for batch in batches
        ))
        for batch in batches:
            if not batch._send_left():
                break

    # === BUSINESS METHODS === #

    def _send_left(self):
        """Send what is left, until it is all sent, somebody pauses, or something stops it.

        :return: Whether the scheduled action has time for more.
        :rtype: bool
        """
        self.ensure_one()
        trouble = 0
        while True:
            self.env.invalidate_all()  # Somebody may have paused it meanwhile.
            if self.state != 'sending':
                return True
            payout = self._get_payouts().search(
                self._get_left_domain(), order='batch_run, id', limit=1,
            )
            if not payout:
                self._finish()
                return bool(self.env['ir.cron']._commit_progress())
            reason, is_trouble = self._try(payout)
            trouble = trouble + 1 if is_trouble else 0
            if is_trouble and not reason and trouble >= TROUBLE_LIMIT:
                # What it is, the last one says.
                reason = payout.message or self._in_company_language().env._(
                    "Several payouts in a row were not sent."
                )
            if reason:
                self._stop(reason)
            if not self.env['ir.cron']._commit_progress(1):
                return False

    def _try(self, payout):
        """Send one payout as who sent the batch.

        :param wechat.pay.payout payout: The payout.
        :return: Why the batch must stop, if it must; and whether this one was not sent for sure.
        :rtype: tuple[str|None, bool]
        """
        batch = self._in_company_language()
        sender = self.sent_by_id
        if not sender.active:
            return batch.env._("%(name)s, who sends it, is archived.", name=sender.name), True
        run = self.run
        payout = payout.with_context(lang=batch.env.lang)
        try:
            payout.batch_run = run
            payout.with_user(sender)._send()
        except psycopg2.OperationalError as error:
            self.env.cr.rollback()
            self.env.invalidate_all()
            _logger.warning("Payout %s of a batch is tried again: %s", payout.id, error)
            return None, True
        except (WeChatError, AccessError) as error:
            # Nothing was called: it is the settings, or the rights of who sends.
            self.env.cr.rollback()
            self.env.invalidate_all()
            return str(error), True
        except UserError as error:
            self.env.cr.rollback()
            self.env.invalidate_all()
            if payout.state in ('draft', 'refused'):  # Nobody else sent it meanwhile.
                payout.write({'batch_run': run, 'message': str(error)})
            return None, True
        payout = payout.sudo()
        if payout.state == 'refused' and payout.wechat_reason not in PERSONAL_CODES:
            return payout.message, True
        if payout.state == 'processing' and payout.wechat_state == 'ACCEPTED':
            return payout.message, True
        return None, payout.state in ('sending', 'failed')

    def _finish(self):
        """Note that all was tried.

        :return: None
        """
        batch = self._in_company_language()
        batch._lock()
        if batch.state != 'sending':
            return
        not_sent = batch._get_payouts().search_count([
            ('batch_id', '=', batch.id), ('state', 'in', ('draft', 'refused')),
        ])
        if not_sent:
            batch._stop(batch.env._(
                "%(count)s payouts were not sent; each of them says why. Resume to try them again,"
                " or cancel the rest.", count=not_sent,
            ))
        else:
            batch.state = 'done'

    def _stop(self, reason):
        """Send nothing more until somebody resumes, and say why.

        :param str reason: Why.
        :return: None
        """
        batch = self._in_company_language()
        batch._lock()
        if batch.state == 'sending':
            batch.write({'state': 'stopped', 'stop_reason': reason})
            batch._message_log(body=reason)

    # === HELPERS === #

    def _get_left_domain(self):
        """Return which payouts of this batch are to be tried in this run.

        :rtype: list
        """
        self.ensure_one()
        return [
            ('batch_id', '=', self.id), ('state', 'in', ('draft', 'refused')),
            ('batch_run', '<', self.run),
        ]

    def _count_left(self):
        """Return how many payouts are to be tried in this run.

        :rtype: int
        """
        return self.env[MODELS[self.kind]].search_count(self._get_left_domain())

    def _in_company_language(self):
        """Return this batch in its company's language, for what is stored.

        :rtype: wechat.pay.payout.batch
        """
        lang = self.company_id.partner_id.lang
        return self.with_context(lang=lang) if lang else self
