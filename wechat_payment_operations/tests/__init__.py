# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import (
    test_bill_access,
    test_bill_fetch,
    test_bill_match,
    test_bill_repair,
    test_bill_returns,
    test_bill_statement,
    test_payout_batch_create,
    test_payout_concurrency,
    test_payout_rules,
    test_payout_verify,
    test_sandbox_bills,
    test_sandbox_month,
    test_sandbox_payout_batches,
    test_sandbox_payout_bills,
    test_sandbox_red_packets,
    test_sandbox_transfers,
)
