# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat_payment.const import SENSITIVE_KEYS
from odoo.addons.wechat_payment_operations.const import STATEMENT_BATCH

_logger = get_payment_logger(__name__, SENSITIVE_KEYS)


class WechatPayBill(models.Model):
    """Fund-flow lines as bank statement lines of the provider's journal, each once."""

    _inherit = 'wechat.pay.bill'

    # === BUSINESS METHODS - JOURNAL === #

    def _check_statement_journal(self):
        """Check that the movements of this bill can be entered into the journal.

        :return: None
        :raise UserError: With what is in the way.
        """
        self.ensure_one()
        if self.bill_type != 'fundflow' or self.state != 'loaded':
            raise UserError(self.env._(
                "Only the lines of a loaded fund-flow bill can be imported."
            ))
        if self.provider_id.wechat_statement_mode == 'none':
            raise UserError(self.env._(
                "Bank statement lines are turned off on the provider, tab Configuration."
            ))
        journal = self.provider_id.sudo().journal_id
        if not journal:
            raise UserError(self.env._(
                "The provider has no journal. Choose one on the provider, tab Configuration: best"
                " one of its own, as the money is in the merchant account."
            ))
        currency = journal.currency_id or journal.company_id.currency_id
        if currency != self.currency_id:
            raise UserError(self.env._(
                "The journal %(journal)s is in %(currency)s, but WeChat Pay's account is in CNY."
                " Choose a journal in CNY on the provider.",
                journal=journal.display_name, currency=currency.name,
            ))

    def _import_statement(self):
        """Enter the bill's movements into the journal, some at a time; what is there is left out.

        :return: Whether all are there now; if not, time is over or something is in the way.
        :rtype: bool
        """
        self.ensure_one()
        with self._claim() as is_ours:
            if not is_ours:
                return False
            while values := self._get_statement_values():
                self._create_statement_lines(values)
                remaining = self.env['ir.cron']._commit_progress(len(values))
                if not remaining:
                    return False
            self.write({'is_statement_due': False, 'statement_error': False})
            self.env['ir.cron']._commit_progress()
        return True

    def _create_statement_lines(self, values):
        """Create bank statement lines in the company of the journal, without a trace in chatters.

        :param list values: The values.
        :return: None
        """
        self.env['account.bank.statement.line'].sudo().with_company(self.company_id).with_context(
            tracking_disable=True, mail_notrack=True, lang=self._get_company_lang(),
        ).create(values)

    def _get_company_lang(self):
        """Return the language of the bill's company, for what is stored.

        :rtype: str
        """
        return self.company_id.partner_id.lang or self.env.lang

    def _get_statement_values(self):
        """Return the values of the next bank statement lines, those that are not there yet.

        :return: At most as many as are created at once; empty if all are there.
        :rtype: list[dict]
        """
        self.env.flush_all()
        mode = self._get_statement_mode()
        rows = SQL("""
            SELECT line.flow_no AS key, line.kind, line.number, line.amount, line.description,
                   tx.partner_id
              FROM wechat_pay_bill_line line
         LEFT JOIN payment_transaction tx ON tx.id = line.transaction_id
             WHERE line.bill_id = %s AND line.amount <> 0
        """, self.id) if mode == 'line' else SQL("""
            SELECT %s || line.kind AS key, line.kind, NULL AS number, sum(line.amount) AS amount,
                   NULL AS description, NULL::integer AS partner_id
              FROM wechat_pay_bill_line line
             WHERE line.bill_id = %s AND line.amount <> 0
          GROUP BY line.kind
        """, self._get_day_key(), self.id)
        self.env.cr.execute(SQL("""
            SELECT * FROM (%(rows)s) AS line
             WHERE NOT EXISTS (
                 SELECT FROM account_bank_statement_line known
                  WHERE known.company_id = %(company_id)s AND known.wechat_flow_no = line.key
             )
             ORDER BY line.key
             LIMIT %(limit)s
        """, rows=rows, company_id=self.company_id.id, limit=STATEMENT_BATCH))
        found = self.env.cr.dictfetchall()
        lang = self._get_company_lang()
        kinds = dict(
            self.env['wechat.pay.bill.line'].with_context(lang=lang)
            ._fields['kind']._description_selection(self.with_context(lang=lang).env)
        )
        return [
            {
                'journal_id': self.provider_id.sudo().journal_id.id,
                'date': self.bill_date,
                'amount': float(row['amount']),
                'payment_ref': ' '.join(filter(None, (kinds[row['kind']], row['number']))),
                'narration': row['description'],
                'partner_id': row['partner_id'],
                'wechat_bill_id': self.id,
                'wechat_flow_no': row['key'],
            }
            for row in found
        ]

    def _get_statement_mode(self):
        """Return how this bill is entered: as it was begun, whatever the provider says now.

        Otherwise a bill that is fetched again would be in the journal in both ways.

        :return: `line` or `day`.
        :rtype: str
        """
        known = self.env['account.bank.statement.line'].sudo().search(
            [('wechat_bill_id', '=', self.id)], limit=1,
        )
        if known:
            return 'day' if known.wechat_flow_no.startswith(self._get_day_key()) else 'line'
        return self.provider_id.wechat_statement_mode

    def _get_day_key(self):
        """Return what the numbers of statement lines begin with that stand for a day and kind.

        :rtype: str
        """
        return f'{self.provider_id.id}/{self.bill_date}/'

    @api.model
    def _import_due_statements(self):
        """Enter what was loaded into the journals, as far as the time of the scheduled action goes.

        :return: None
        """
        bills = self.search([
            ('is_statement_due', '=', True), ('state', '=', 'loaded'),
            ('provider_id.wechat_statement_mode', '!=', 'none'),
        ], order='bill_date')
        for bill in bills:
            try:
                with self.env.cr.savepoint():
                    bill._check_statement_journal()
                is_done = bill._import_statement()
            except UserError as error:
                self.env.cr.rollback()
                _logger.warning("Bill %s was not entered into the journal: %s", bill.id, error)
                bill.write({'is_statement_due': False, 'statement_error': str(error)})
                self.env['ir.cron']._commit_progress()
                continue
            if not is_done:
                self.env.ref('wechat_payment_operations.cron_wechat_bills').sudo()._trigger()
                break
