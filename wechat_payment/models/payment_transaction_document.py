# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.exceptions import AccessError, LockError
from odoo.tools import SQL, consteq

from odoo.addons.wechat.exceptions import WeChatError


class PaymentTransaction(models.Model):
    """What all documents that can be paid have in common; the bridges call it."""

    _inherit = 'payment.transaction'

    @api.model
    def _wechat_get_accessible_document(self, model, document_id, access_token, refusal):
        """Return the document that the caller may read, or for which they hold the portal token.

        :param str model: The document's model.
        :param int document_id: The document's id.
        :param str access_token: The document's portal token, for who cannot read it otherwise.
        :param str refusal: What the caller is told otherwise.
        :return: The document, in sudo mode.
        :rtype: models.Model
        :raise WeChatError: `not_payable`, the same for a foreign document as for one that is not.
        """
        document = self.env[model].browse(document_id)
        document_sudo = document.sudo().exists()
        is_accessible = bool(document_sudo)
        if document_sudo and access_token:
            is_accessible = bool(document_sudo.access_token) and consteq(
                document_sudo.access_token.encode(), access_token.encode(),
            )
        elif document_sudo:
            try:
                document.check_access('read')
            except AccessError:
                is_accessible = False
        if not is_accessible:
            raise WeChatError(refusal, code='not_payable')
        return document_sudo

    @api.model
    def _wechat_lock_documents(self, documents):
        """Lock documents without waiting, so that one payment is made of them at a time.

        They are changed, not only locked: a request that began before this one's commit must not
        see them without the payment that is made here. PostgreSQL lets it run again then.

        :param models.Model documents: Documents of one model, in sudo mode.
        :return: None
        :raise WeChatError: `wechat_busy` if somebody else holds one of them.
        """
        try:
            documents.lock_for_update(allow_referencing=True)
        except LockError:
            raise WeChatError(
                self.env._(
                    "The document is being changed right now. Please try again in a moment."
                ),
                code='wechat_busy',
            ) from None
        self.env.cr.execute(SQL(
            "UPDATE %s SET write_date = write_date WHERE id IN %s",
            SQL.identifier(documents._table), tuple(documents.ids),
        ))
        documents.invalidate_recordset()
