# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_invoice_payment, test_refunds, test_sandbox_codes, test_sandbox_invoices
