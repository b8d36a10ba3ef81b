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
        # Found with a query of one field: all of it is read later, once, when its row is locked.
        domain = [('id', '=', document_id)]
        Model = self.env[model].with_context(active_test=False)
        if access_token:
            document_sudo = Model.sudo().search_fetch(domain, ['access_token'])
            is_accessible = bool(document_sudo.access_token) and consteq(
                document_sudo.access_token.encode(), access_token.encode(),
            )
        else:
            document_sudo = self._wechat_search_readable(Model, domain).sudo()
            is_accessible = bool(document_sudo)
        if not is_accessible:
            raise WeChatError(refusal, code='not_payable')
        return self.env[model].sudo().browse(document_sudo.id)

    @api.model
    def _wechat_search_readable(self, Model, domain):
        """Return the records that the caller may read; none of a model that is closed to them.

        :param models.Model Model: The model, in the caller's environment.
        :param list domain: Which records.
        :rtype: models.Model
        """
        try:
            return Model.search(domain)
        except AccessError:
            return Model.browse()

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
