# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Consents to subscribe messages: one tap on "Allow" is one message (wechat-platform.md, 6.2).

All changes are single short transactions of their own, each holding the lock of its row: what was
consented is known to every server at once, no two of them use the same consent, nobody waits for a
network call, and what was used stays used when the caller's transaction is rolled back.
"""

import time

from psycopg2.errors import SerializationFailure
from psycopg2.extras import Json

from odoo import api, fields, models
from odoo.tools import SQL

from ..protocol import subscriptions

TRIES = 10
# Nobody holds these rows for longer than a moment; who waits longer waits for themselves.
LOCK_TIMEOUT = '5s'


class WechatSubscribeConsent(models.Model):
    _name = 'wechat.subscribe.consent'
    _description = "WeChat Consent"
    _order = 'answered_at desc, id desc'
    _rec_name = 'template_id'
    _log_access = False  # Written by SQL, in transactions of their own.

    identity_id = fields.Many2one(
        string="Person", comodel_name='wechat.identity', required=True, readonly=True,
        ondelete='cascade',
    )
    partner_id = fields.Many2one(string="Contact", related='identity_id.partner_id')
    template_id = fields.Many2one(
        comodel_name='wechat.message.template', required=True, readonly=True, index=True,
        ondelete='cascade',
    )
    app_id = fields.Many2one(string="Mini-program", related='template_id.app_id')
    company_id = fields.Many2one(string="Company", related='template_id.app_id.company_id')
    remaining = fields.Integer(
        string="Messages Left", help="How many messages may be sent.", readonly=True,
    )
    is_permanent = fields.Boolean(
        string="Long-term", help="Any number of messages may be sent, until it is withdrawn.",
        readonly=True,
    )
    answer = fields.Selection(
        string="Last Answer",
        selection=[
            ('accept', "Agreed"),
            ('reject', "Declined"),
            ('ban', "Banned by WeChat"),
            ('filter', "Left out by WeChat"),
        ],
        readonly=True,
    )
    answered_at = fields.Datetime(string="Answered", readonly=True)
    used_at = fields.Datetime(string="Last Used", readonly=True)
    # Reports of one side that the other side has not told of yet: see protocol/subscriptions.py.
    pending = fields.Json(readonly=True, prefetch=False, groups=fields.NO_ACCESS)

    _identity_template_unique = models.Constraint(
        'UNIQUE (identity_id, template_id)', "There is a consent of this person already.",
    )

    # === GETTERS === #

    @api.model
    def _allows(self, identity, template):
        """Return whether a message may be sent, as it is now: the caller's snapshot may be older.

        :rtype: bool
        """
        return bool(self._execute(SQL(
            """
            SELECT id FROM wechat_subscribe_consent
             WHERE identity_id = %s AND template_id = %s AND (is_permanent OR remaining > 0)
            """, identity.id, template.id,
        )))

    # === RECORDING === #

    @api.model
    def _record(self, identity, template, answer, source, number):
        """Store what a person answered when a mini-program asked them.

        :param wechat.identity identity: Who.
        :param wechat.message.template template: A subscribe message of the same app.
        :param str answer: One of `subscriptions.ANSWERS`.
        :param str source: `subscriptions.CLIENT` or `.EVENT`: an acceptance that both tell of
            counts once.
        :param str number: What tells this report from every other one.
        :return: How many messages may be sent from now on; `None` for any number.
        :rtype: int | None
        """
        now = time.time()
        moment = fields.Datetime.now()

        def work(cr):
            cr.execute(SQL(
                """
                INSERT INTO wechat_subscribe_consent (identity_id, template_id, remaining,
                                                      is_permanent)
                VALUES (%s, %s, 0, FALSE) ON CONFLICT (identity_id, template_id) DO NOTHING
                """, identity.id, template.id,
            ), log_exceptions=False)
            cr.execute(SQL(
                """
                SELECT remaining, is_permanent, pending FROM wechat_subscribe_consent
                 WHERE identity_id = %s AND template_id = %s FOR UPDATE
                """, identity.id, template.id,
            ), log_exceptions=False)
            remaining, is_permanent, pending = cr.fetchone()
            pending = pending or {}
            if answer == 'accept' and template.is_long_term:
                is_permanent = True
            elif answer == 'accept':
                remaining += subscriptions.count(pending, source, number, now)
            elif answer == 'reject':
                # Consents to single messages that were given before stay; WeChat keeps them too.
                is_permanent = False
            cr.execute(SQL(
                """
                UPDATE wechat_subscribe_consent
                   SET remaining = %s, is_permanent = %s, pending = %s, answer = %s,
                       answered_at = %s
                 WHERE identity_id = %s AND template_id = %s
                """, remaining, is_permanent, Json(pending), answer, moment, identity.id,
                template.id,
            ), log_exceptions=False)
            return None if is_permanent else remaining

        return self._in_own_transaction(work)

    @api.model
    def _withdraw(self, identity, template, answer=None):
        """Store that no message may be sent: the person turned it off, or WeChat says so.

        :param str answer: What the person answered, if they did.
        """
        self._execute(SQL(
            """
            UPDATE wechat_subscribe_consent
               SET remaining = 0, is_permanent = FALSE, answer = COALESCE(%s, answer),
                   answered_at = CASE WHEN %s THEN %s ELSE answered_at END
             WHERE identity_id = %s AND template_id = %s
            """, answer, bool(answer), fields.Datetime.now(), identity.id, template.id,
        ))

    # === USING === #

    @api.model
    def _take(self, identity, template):
        """Use a consent, for one message. It is committed before this returns.

        :return: Whether there was one.
        :rtype: bool
        """
        return bool(self._execute(SQL(
            """
            UPDATE wechat_subscribe_consent
               SET remaining = CASE WHEN is_permanent THEN remaining ELSE remaining - 1 END,
                   used_at = %s
             WHERE identity_id = %s AND template_id = %s AND (is_permanent OR remaining > 0)
            RETURNING id
            """, fields.Datetime.now(), identity.id, template.id,
        )))

    @api.model
    def _give_back(self, identity, template):
        """Give a consent back that WeChat certainly did not take."""
        self._execute(SQL(
            """
            UPDATE wechat_subscribe_consent SET remaining = remaining + 1
             WHERE identity_id = %s AND template_id = %s AND NOT is_permanent
            """, identity.id, template.id,
        ))

    # === TRANSACTIONS === #

    @api.model
    def _execute(self, query):
        """Run one query in a transaction of its own.

        :return: The first row that it returned, if it returns any.
        """
        def work(cr):
            cr.execute(query, log_exceptions=False)
            return cr.fetchone() if cr.description else None

        return self._in_own_transaction(work)

    @api.model
    def _in_own_transaction(self, work):
        """Run something in a transaction of its own, again if another server was first.

        :param work: Function that takes the cursor.
        :return: What it returns.
        """
        self.env.flush_all()
        for attempt in range(TRIES):
            try:
                with self.env.registry.cursor() as cr:
                    cr.execute(SQL("SET LOCAL lock_timeout = %s", LOCK_TIMEOUT))
                    result = work(cr)
                    cr.execute(SQL("SET LOCAL lock_timeout TO DEFAULT"))
                break
            except SerializationFailure:
                if attempt + 1 == TRIES:
                    raise
        self.env['wechat.subscribe.consent'].invalidate_model()
        return result
