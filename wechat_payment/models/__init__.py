# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import (
    payment_provider,
    payment_provider_api,
    payment_provider_check,
    payment_provider_checkout,
    payment_provider_problem,
    payment_provider_refund,
    payment_transaction,
    payment_transaction_actions,
    payment_transaction_api,
    payment_transaction_hook,
    payment_transaction_checkout,
    payment_transaction_order,
    payment_transaction_post_processing,
    payment_transaction_prepay,
    payment_transaction_refund,
    payment_transaction_refund_result,
    payment_transaction_settlement,
    res_config_settings,
    wechat_pay_certificate,
)
