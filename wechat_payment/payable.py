# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a document must tell to be paid."""

from dataclasses import dataclass, field

from odoo import models


@dataclass(frozen=True)
class Payable:
    """A document that may be paid now. Its row is locked until the transaction ends.

    The bridges make these in `payment.transaction._wechat_payable_<model>`; amount, currency and
    payee come from the document, never from a client.

    :ivar models.Model document: The document, in sudo mode.
    :ivar models.Model company: The `res.company` that is paid.
    :ivar models.Model partner: The `res.partner` who pays.
    :ivar models.Model currency: The `res.currency`.
    :ivar float amount: What is still to be paid, in major units.
    :ivar str description: What the customer reads in the bill.
    :ivar models.Model transactions: The document's transactions, in sudo mode.
    :ivar dict create_values: Values that link a new transaction to the document.
    :ivar str purpose: A word for other addons that react to the result; may be empty.
    :ivar models.Model providers: The `payment.provider` records that may take it, in sudo mode;
        `None` if any of the company may.
    """

    document: models.Model
    company: models.Model
    partner: models.Model
    currency: models.Model
    amount: float
    description: str
    transactions: models.Model
    create_values: dict = field(default_factory=dict)
    purpose: str = ''
    providers: models.Model | None = None
