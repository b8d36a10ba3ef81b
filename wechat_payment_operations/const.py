# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is fixed by WeChat Pay or by us, each with its source (shared protocol names)."""

from datetime import timedelta, timezone

# The days of bills are Beijing's (C, times).
BEIJING = timezone(timedelta(hours=8))

# A bill exists from this hour of the next day (A8), and is kept so long.
BILL_READY_HOUR = 10
MAX_BILL_MONTHS = 3

# Minutes until a bill that is not made yet is asked for again (A8), and how often before a person
# is told: three days.
NOT_READY_MINUTES = 30
NOT_READY_TRIES = 144
# After a failure that may pass: minutes until the next try, doubled each time, and how many tries.
RETRY_MINUTES = 5
RETRY_TRIES = 8

# Days that are caught up with after Odoo stood still, at most.
CATCH_UP_DAYS = 31

# Lines that are stored, or imported into the journal, before they are committed.
LOAD_BATCH = 10000
STATEMENT_BATCH = 200
# Lines that WeChat Pay is asked about before the outcome is committed.
ASK_BATCH = 20

# Which states of a line a person should look at.
DIFFERENCE_STATES = (
    'missing_in_odoo', 'missing_in_wechat', 'amount_differs', 'state_differs', 'duplicate',
)

# Days after which money that was not received must be back in the account (A9.2, A9.4: a day).
RETURN_DAYS = 3

# Near midnight our clock and WeChat Pay's may see different days, in minutes.
MIDNIGHT_MINUTES = 10

# Seconds until WeChat Pay is asked for money that was sent; the last one again and again.
# Recipients have 24 hours (A9.2, A9.4), and transfers are notified.
PAYOUT_QUERY_PLAN = (60, 120, 300, 600, 1200, 1800, 3600)
# A red packet that is being processed is asked for after this many seconds (A9.4).
RED_PACKET_PROCESSING_SECONDS = 1200
# A number that WeChat Pay does not know is not sent again by itself after so many hours.
PAYOUT_GIVE_UP_HOURS = 24
# A call that was not answered may arrive for so many minutes.
PAYOUT_SETTLE_MINUTES = 10
# The recipient may have WeChat Pay asked for a transfer each so many seconds.
PAYOUT_STATUS_SECONDS = 2
