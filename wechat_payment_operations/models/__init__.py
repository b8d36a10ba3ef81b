# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import (
    account_bank_statement_line,
    payment_provider,
    payment_provider_bill,
    payment_provider_payout,
    payment_transaction,
    wechat_pay_bill,
    wechat_pay_bill_fetch,
    wechat_pay_bill_line,
    wechat_pay_bill_load,
    wechat_pay_bill_match,
    wechat_pay_bill_repair,
    wechat_pay_bill_statement,
    wechat_pay_payout,
    wechat_pay_payout_send,
    wechat_pay_red_packet,
    wechat_pay_transfer,
    wechat_pay_transfer_result,
    wechat_pay_transfer_scene,
)
