# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import payment_transaction, payment_transaction_code, pos_order
