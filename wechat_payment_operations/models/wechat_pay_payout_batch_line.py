# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError


class WechatPayPayout(models.AbstractModel):
    """Red packets and transfers as lines of a batch."""

    _inherit = 'wechat.pay.payout'

    batch_id = fields.Many2one(
        comodel_name='wechat.pay.payout.batch', readonly=True, copy=False,
        ondelete='restrict', index='btree_not_null',
    )
    batch_run = fields.Integer(
        readonly=True, copy=False, help="In which run of the batch it was tried last.",
    )

    # === CRUD METHODS === #

    def write(self, vals):
        """Override to keep what was handed over as the sender saw it."""
        if not self.env.su and set(vals) & set(self._draft_names):
            self._check_batch_is_open()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_only_from_open_batches(self):
        self._check_batch_is_open()

    # === HELPERS === #

    def _check_batch_is_open(self):
        """Check that the batches of these payouts were not handed over.

        :return: None
        :raise UserError: If one was.
        """
        for batch in self.sudo().batch_id:
            batch._lock()  # Who hands it over at this moment is run anew, or we are.
            if batch.state != 'draft':
                raise UserError(self.env._(
                    "“%(name)s” was handed over to be sent: its payouts are not changed any more."
                    " Who made it can take it back as long as it was not sent.",
                    name=batch.name,
                ))
