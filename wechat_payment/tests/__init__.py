# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import (
    test_administrator,
    test_backup_host,
    test_certificates,
    test_check,
    test_checkout,
    test_checkout_browser,
    test_notifications,
    test_provider,
    test_refund_concurrency,
    test_refund_interval,
    test_refund_results,
    test_refunds,
    test_requests,
    test_sandbox_checkout,
    test_sandbox_orders,
    test_sandbox_refunds,
    test_sandbox_trade_types,
    test_settlement,
    test_upload,
)
