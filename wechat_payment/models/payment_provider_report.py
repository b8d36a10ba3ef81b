# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta, timezone

from odoo import api, fields, models

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_payment import const

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

REPORT_PATH = '/payitil/report'
# What is reported on: by this call a payment was asked for.
INTERFACE_PATHS = {'MICROPAY': '/pay/micropay'}
DEFAULT_INTERFACE_PATH = '/pay/unifiedorder'
MAX_TRADES_LENGTH = 1024
# What happened longer ago helps nobody to find a disturbance.
REPORT_HOURS = 24
MAX_TRANSACTIONS = 500
BEIJING = timezone(timedelta(hours=8))


class PaymentProvider(models.Model):
    """Telemetry: how long payments took and how they ended, told to WeChat Pay (B2.9).

    Optional, and off: WeChat Pay uses it to find disturbances. It is sent by a scheduled action of
    its own, so that no payment waits for it or fails by it; what cannot be sent is dropped.
    """

    _inherit = 'payment.provider'

    wechat_is_reporting = fields.Boolean(
        string="Report to WeChat Pay", copy=False, groups='base.group_system',
        help="Tells WeChat Pay once an hour when payments of API v2 began and ended and whether"
             " they succeeded (交易保障). Nothing depends on it.",
    )
    wechat_reported_until = fields.Datetime(
        string="Reported Until", readonly=True, copy=False, groups='base.group_system',
    )

    # === BUSINESS METHODS - REPORT === #

    def _wechat_report(self, trades, interface_path=DEFAULT_INTERFACE_PATH):
        """Tell WeChat Pay how payments went (B2.9).

        :param list[dict] trades: {out_trade_no, begin_time, end_time, state, err_msg} of each.
        :param str interface_path: The path of the call that the payments began with.
        :return: None
        :raise WeChatError: If WeChat Pay refuses or does not answer.
        """
        self.ensure_one()
        provider = self.sudo()
        for chunk in self._wechat_split_trades(trades):
            provider._wechat_request_v2(REPORT_PATH, {
                **provider._wechat_get_v2_parties(provider.wechat_app_ids[:1]),
                'interface_url': const.PAY_URL + interface_path,
                'user_ip': '127.0.0.1',
                'trades': chunk,
            })

    @api.model
    def _wechat_split_trades(self, trades):
        """Return trades as JSON arrays that are not longer than a call takes.

        :param list[dict] trades: The trades.
        :rtype: list[str]
        """
        chunks = []
        for trade in (self._wechat_serialize(trade) for trade in trades):
            if chunks and len(f'{chunks[-1]},{trade}'.encode()) + 2 <= MAX_TRADES_LENGTH:
                chunks[-1] += f',{trade}'
            else:
                chunks.append(trade)
        return [f'[{chunk}]' for chunk in chunks]

    def _wechat_report_transactions(self, transactions):
        """Tell WeChat Pay how these payments went.

        :param payment.transaction transactions: Payments that are over.
        :return: None
        :raise WeChatError: If WeChat Pay refuses or does not answer.
        """
        self.ensure_one()
        for trade_type, txs in transactions.grouped('wechat_trade_type').items():
            self._wechat_report([{
                'out_trade_no': tx.reference,
                'begin_time': _format_time(tx.create_date),
                'end_time': _format_time(tx.wechat_success_time or tx.last_state_change),
                'state': 'OK' if tx.state == 'done' else 'FAIL',
                'err_msg': '',
            } for tx in txs], INTERFACE_PATHS.get(trade_type, DEFAULT_INTERFACE_PATH))

    # === BUSINESS METHODS - CRON === #

    @api.model
    def _cron_wechat_report(self):
        """Report the payments that ended since the last time, where the administrator wants it.

        :return: None
        """
        now = fields.Datetime.now()
        providers = self.search([
            ('code', '=', 'wechat_pay'), ('state', '!=', 'disabled'),
            ('wechat_is_reporting', '=', True),
        ]).filtered(lambda provider: provider._wechat_has_v2())
        for provider in providers:
            since = fields.Datetime.subtract(now, hours=REPORT_HOURS)
            since = max(provider.wechat_reported_until or since, since)
            transactions = self.env['payment.transaction'].search([
                ('provider_id', '=', provider.id), ('operation', '!=', 'refund'),
                ('wechat_api_version', '=', 'v2'), ('state', 'in', ('done', 'cancel', 'error')),
                ('last_state_change', '>', since), ('last_state_change', '<=', now),
            ], order='last_state_change', limit=MAX_TRANSACTIONS)
            # Noted before the calls: what is not taken is dropped, and no row is locked meanwhile.
            provider.wechat_reported_until = now
            self.env['ir.cron']._commit_progress(1)
            try:
                provider._wechat_report_transactions(transactions)
            except WeChatError as error:
                _logger.warning("Could not report payments of %s: %s", provider.id, error)


def _format_time(moment):
    """Return a time of the database as WeChat Pay's time of day."""
    return f'{moment.replace(tzinfo=timezone.utc).astimezone(BEIJING):%Y%m%d%H%M%S}'
