# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment.const import SENSITIVE_KEYS
from odoo.addons.wechat_payment_operations.const import (
    PAYOUT_GIVE_UP_HOURS,
    PAYOUT_QUERY_PLAN,
    PAYOUT_SETTLE_MINUTES,
)
from odoo.addons.wechat_payment_operations.models.wechat_pay_payout import FINAL_STATES

_logger = get_payment_logger(__name__, SENSITIVE_KEYS)


class WechatPayPayout(models.AbstractModel):
    """Sending, asking and settling: nothing is sent twice, and unknown is not failed.

    The number and all that the call says are committed before the call. Whatever the call answers
    but success, WeChat Pay is asked for the number; the same call is repeated to the letter until
    something is known. Another number exists only after this one is known to be dead.
    """

    _inherit = 'wechat.pay.payout'

    # === HOOKS: WHAT A KIND OF PAYOUT DOES ITS OWN WAY === #

    def _check_payout(self):
        """Check that WeChat Pay can be told this; in sudo mode, nothing is committed yet.

        :return: None
        :raise UserError: If not.
        """
        raise NotImplementedError

    def _build_call(self):
        """Return what a first call needs: values of the number's field, `body` and others.

        :rtype: dict
        """
        raise NotImplementedError

    def _make_call(self):
        """Make the call that `body` says.

        :return: The answer, read as `_read_result` and `_find_mismatch` understand it.
        :rtype: dict
        :raise WeChatError: Whatever went wrong.
        """
        raise NotImplementedError

    def _fetch(self):
        """Ask WeChat Pay for this number.

        :return: The answer as `_make_call`; empty if WeChat Pay has never taken it.
        :rtype: dict
        :raise WeChatError: If it does not say.
        """
        raise NotImplementedError

    def _find_mismatch(self, answer):
        """Return what of an answer is not as it was sent.

        :param dict answer: The answer.
        :return: A text for a person; empty if all agrees.
        :rtype: str
        """
        raise NotImplementedError

    def _read_result(self, answer):
        """Return the values that an answer makes of this payout, `state` among them.

        :param dict answer: The answer.
        :rtype: dict
        """
        raise NotImplementedError

    def _get_advice(self, error):
        """Return what a failure of the call means.

        :param WeChatError error: The failure.
        :return: The advice and WeChat Pay's code; `None` and '' if it gave none.
        :rtype: tuple[PayoutAdvice|None, str]
        """
        raise NotImplementedError

    def _is_call_needed(self):
        """Tell whether the same call must be made again although WeChat Pay knows the number.

        :rtype: bool
        """
        return False

    # === BUSINESS METHODS - SENDING === #

    def _send(self):
        """Send this payout as the current user, who must be allowed to.

        :return: None
        :raise AccessError: If this user may not.
        :raise UserError: If it is not to be sent: its state, its values or a limit.
        """
        self.ensure_one()
        self._check_is_manager()
        payout = self.sudo()
        # All sending of a provider goes one after the other up to the commit: the limits of the
        # day are counted here.
        payout.provider_id._wechat_lock_payouts()
        payout._lock()
        if not payout._is_sendable():
            raise UserError(self.env._(
                "%(name)s cannot be sent: its state is “%(state)s”.",
                name=payout.display_name, state=payout._get_state_label(),
            ))
        if payout._needs_four_eyes():
            raise UserError(self.env._(
                "You made this draft, so that somebody else must send it (four eyes)."
            ))
        payout._check_payout()
        payout.provider_id._wechat_check_payout_limits(payout)
        now = fields.Datetime.now()
        payout.write({
            # A number that was refused and is not known to WeChat Pay is used again, to the letter.
            **({} if payout.body else payout._build_call()),
            'state': 'sending' if payout.state in ('draft', 'refused') else payout.state,
            'sent_by_id': self.env.uid,
            'sent_on': now,
            'day': self.env['wechat.pay.bill']._get_beijing_today(),
            'last_call': now,
            'query_count': 0,
            'next_query': now + timedelta(seconds=PAYOUT_QUERY_PLAN[0]),
            'message': False,
        })
        payout._commit()
        payout._call()

    def _call(self):
        """Make the call whose number is committed, and keep what it leads to.

        Nothing is raised: what is not known now is found by the scheduled action.

        :return: None
        """
        self.ensure_one()
        payout = self._in_company_language()
        try:
            answer = payout._make_call()
        except WeChatError as error:
            payout._keep(payout._handle_failure, error)
        else:
            payout._keep(payout._apply, answer)

    def _keep(self, step, *args):
        """Run a step and commit it; if somebody else is at the row, leave it to the next query.

        :param callable step: What to run.
        :return: None
        """
        try:
            step(*args)
            self.env.flush_all()
            self._commit()
        except psycopg2.OperationalError as error:
            self.env.cr.rollback()
            self.env.invalidate_all()
            _logger.warning("Payout %s is left to the next query: %s", self.id, error)

    def _handle_failure(self, error):
        """Settle a call that was not answered with success: WeChat Pay is asked for the number.

        :param WeChatError error: What went wrong.
        :return: None
        """
        advice, code = self._get_advice(error)
        try:
            if self._query():
                return
        except WeChatError as query_error:
            _logger.warning("Could not ask for payout %s: %s", self.id, query_error)
            advice = None
        self._lock()
        if self.state != 'sending':
            return
        if not advice or advice.kind == 'open':
            self.write({
                'had_no_answer': True,
                'message': self.env._(
                    "It is not known yet whether WeChat Pay took this (%(code)s). It is asked for"
                    " under the same number until it is known. Do not send anew.",
                    code=code or self.env._("no answer"),
                ),
            })
            self._schedule()
            return
        self.write({
            'state': 'refused' if advice.kind == 'again' else 'failed',
            'wechat_reason': code,
            'message': self.env._(
                "%(advice)s (WeChat Pay: %(code)s)",
                advice=self._choose_language(advice), code=code,
            ),
            'next_query': False,
        })

    # === BUSINESS METHODS - ASKING === #

    def _query(self):
        """Ask WeChat Pay, and apply what it says.

        :return: Whether it knows the number.
        :rtype: bool
        :raise WeChatError: If it does not say.
        """
        self.ensure_one()
        payout = self._in_company_language()
        answer = payout._fetch()
        if not answer:
            if payout.wechat_state:
                payout._alert(payout.env._(
                    "WeChat Pay took this as %(number)s and now does not know it. Look for it on"
                    " pay.weixin.qq.com.", number=payout.wechat_number or payout.display_name,
                ))
            return False
        payout._apply(answer)
        return True

    def _try_query(self):
        """Ask WeChat Pay; if it does not say, leave it to the scheduled action.

        :return: None
        """
        try:
            self._query()
        except WeChatError as error:
            _logger.warning("Could not ask for payout %s: %s", self.id, error)

    def _apply(self, answer):
        """Apply what WeChat Pay said, once and never backwards.

        :param dict answer: The answer or the notification.
        :return: None
        """
        payout = self._in_company_language()
        payout._lock()
        if problem := payout._find_mismatch(answer):
            payout._alert(problem)
            payout._schedule()
            return
        values = payout._read_result(answer)
        if payout.state in FINAL_STATES:
            if values['state'] == payout.state:
                return
            payout._alert(payout.env._(
                "Here it was “%(state)s”, and WeChat Pay says %(answer)s. Compare with"
                " pay.weixin.qq.com.",
                state=payout._get_state_label(), answer=values['wechat_state'],
            ))
            if payout.wechat_state:
                return
            # It was given up here as WeChat Pay did not know it.
        payout.write({'message': False, **values})
        payout._schedule()

    def _schedule(self):
        """Set when to ask next; never again once it is final.

        :return: None
        """
        for payout in self:
            if payout.state in (*FINAL_STATES, 'draft', 'refused'):
                payout.next_query = False
                continue
            step = min(payout.query_count, len(PAYOUT_QUERY_PLAN) - 1)
            payout.next_query = fields.Datetime.now() + timedelta(seconds=PAYOUT_QUERY_PLAN[step])

    def _settle(self):
        """Ask for this payout, and make its call again if that is needed.

        :return: None
        :raise WeChatError: If WeChat Pay does not say.
        """
        self.ensure_one()
        payout = self._in_company_language()
        is_known = payout._query()
        if payout.state == 'sending' and not is_known:
            oldest = fields.Datetime.now() - timedelta(hours=PAYOUT_GIVE_UP_HOURS)
            if payout.sent_on < oldest:
                payout._lock()
                payout.write({
                    'state': 'refused', 'next_query': False,
                    'message': payout.env._(
                        "WeChat Pay does not know this number, a day after it was sent. Send it"
                        " again under the same number, or make a new draft."
                    ),
                })
                return
        elif not (is_known and payout._is_call_needed()):
            return
        payout.last_call = fields.Datetime.now()
        payout._commit()
        payout._call()

    # === BUSINESS METHODS - ANEW === #

    def _renew(self):
        """Make a new draft in place of this one, once it is sure that this one is dead.

        :return: The draft.
        :rtype: wechat.pay.payout
        :raise UserError: If money may still be sent under this number.
        """
        self.ensure_one()
        self._give_up()
        payout = self.sudo()
        if payout.state not in ('failed', 'cancelled'):
            raise UserError(self.env._(
                "%(name)s is “%(state)s”: there is nothing to send in its place.",
                name=payout.display_name, state=payout._get_state_label(),
            ))
        if self.sudo().search_count([('previous_id', '=', self.id)], limit=1):
            raise UserError(self.env._("There is a new draft in place of this one already."))
        draft = self.with_env(self.env(su=False)).copy()
        draft.sudo().previous_id = self.id
        return draft

    def _give_up(self):
        """Make sure that WeChat Pay has never taken this number, and never use it again.

        :return: None
        :raise UserError: If a call that was not answered may still arrive.
        :raise WeChatError: If WeChat Pay does not say.
        """
        self.ensure_one()
        payout = self._in_company_language()
        if payout.wechat_state or payout.state not in ('refused', 'failed'):
            return
        earliest = fields.Datetime.now() - timedelta(minutes=PAYOUT_SETTLE_MINUTES)
        if payout.had_no_answer and payout.last_call > earliest:
            raise UserError(self.env._(
                "A call was not answered and may still arrive. Try again in %(minutes)s minutes.",
                minutes=PAYOUT_SETTLE_MINUTES,
            ))
        if payout._query():
            return
        payout._lock()
        if payout.state == 'refused' and not payout.wechat_state:
            payout.write({'state': 'cancelled', 'next_query': False})

    # === BUSINESS METHODS - CRON === #

    @api.model
    def _cron_settle(self):
        """Ask WeChat Pay for all payouts that are due.

        :return: None
        """
        domain = [('next_query', '<=', fields.Datetime.now())]
        due = self.search(domain, order='next_query', limit=100)
        remaining = self.search_count(domain)
        for payout in due:
            if not payout.try_lock_for_update():
                continue  # Another server is at it.
            # Claimed and committed before the call, so that nobody waits for the row meanwhile.
            payout.query_count += 1
            payout.last_query = fields.Datetime.now()
            payout._schedule()
            remaining -= 1
            time_left = self.env['ir.cron']._commit_progress(1, remaining=remaining)
            try:
                payout._settle()
                self.env['ir.cron']._commit_progress()
            except (WeChatError, psycopg2.OperationalError) as error:
                self.env.cr.rollback()  # Asked again on the plan.
                self.env.invalidate_all()
                _logger.warning("Could not settle payout %s: %s", payout.id, error)
            if not time_left:
                break

    # === HELPERS === #

    def _get_calling_provider(self):
        """Return the provider that makes calls about payouts (payment.provider)."""
        return self.provider_id.with_context(wechat_is_payout=True)

    def _get_state_label(self):
        """Return the state in the language of this environment.

        :rtype: str
        """
        self.ensure_one()
        return dict(self._fields['state']._description_selection(self.env))[self.state]
