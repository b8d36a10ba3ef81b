# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""WeChat Pay's bills and payouts: bytes to bytes, knowing neither Odoo nor the database."""

from . import bill_files, bills, payout_errors, red_packets, transfers
