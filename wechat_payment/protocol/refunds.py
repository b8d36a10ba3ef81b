# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What WeChat Pay fixes about refunds (A6, A7.1)."""

REFUND_PATH = '/v3/refund/domestic/refunds'

# A payment can be refunded this long after it was paid, and in at most this many parts (A6.1).
MAX_REFUND_DAYS = 365
MAX_REFUNDS = 50
# Two refunds of one payment are a minute apart (A6.1), in seconds; one more because our times have
# no fractions.
REFUND_INTERVAL = 61

# Notified events, and the state in which each finds the refund (A7.1).
REFUND_EVENTS = {
    'REFUND.SUCCESS': ('SUCCESS',),
    'REFUND.ABNORMAL': ('ABNORMAL',),
    'REFUND.CLOSED': ('CLOSED', 'CLOSE'),
}

# When WeChat Pay is asked for a refund that no notification settled: each minute, after 5 minutes
# at 5, 10, 20, 30 (A6.2), then every hour: cards take days.
REFUND_QUERY_PLAN = (60, 60, 60, 60, 60, 300, 600, 1200, 1800, 3600)

# What a query answers for a refund that WeChat Pay has never taken (A6.4). A 404 with another code,
# or with none, says something of the merchant or of who stands between, not of the refund.
NO_SUCH_REFUND_CODES = ('RESOURCE_NOT_EXISTS', 'REFUND_NOT_EXISTS')
