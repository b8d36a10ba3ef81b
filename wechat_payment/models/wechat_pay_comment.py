# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models


class WechatPayComment(models.Model):
    """A customer's stars and words for a payment, written in WeChat. Fetched by a person only."""

    _name = 'wechat.pay.comment'
    _description = "WeChat Pay: Comment on a Payment"
    _order = 'commented_on desc, id desc'
    _rec_name = 'transaction_number'

    provider_id = fields.Many2one(
        string="Payment Provider", comodel_name='payment.provider', required=True, readonly=True,
        index=True, ondelete='cascade',
    )
    company_id = fields.Many2one(related='provider_id.company_id', store=True, index=True)
    commented_on = fields.Datetime(string="Written On", required=True, readonly=True)
    transaction_number = fields.Char(
        string="WeChat Pay Number", required=True, readonly=True,
        help="The number that WeChat Pay gave the payment (微信支付订单号).",
    )
    transaction_id = fields.Many2one(
        string="Payment", comodel_name='payment.transaction', readonly=True,
        index='btree_not_null', ondelete='set null',
    )
    stars = fields.Integer(readonly=True, aggregator='avg', help="1 to 5.")
    comment = fields.Text(readonly=True)

    _number_date_uniq = models.Constraint(
        'unique(provider_id, transaction_number, commented_on)',
        "This comment is there already: somebody else fetched it at the same time.",
    )

    # === BUSINESS METHODS === #

    @api.model
    def _record(self, provider, comments):
        """Keep comments that are not known yet.

        :param payment.provider provider: Whose customers wrote them.
        :param list[v2_comments.Comment] comments: The comments.
        :return: The new ones.
        :rtype: wechat.pay.comment
        """
        comments = {(comment.transaction_id, comment.time): comment for comment in comments}
        numbers = list({number for number, _time in comments})
        known = self.search_fetch(
            [('provider_id', '=', provider.id), ('transaction_number', 'in', numbers)],
            ['transaction_number', 'commented_on'],
        )
        for comment in known:
            comments.pop((comment.transaction_number, comment.commented_on), None)
        transactions = self.env['payment.transaction'].search_fetch([
            ('provider_id', '=', provider.id), ('operation', '!=', 'refund'),
            ('provider_reference', 'in', numbers),
        ], ['provider_reference'])
        ids = {tx.provider_reference: tx.id for tx in transactions}
        return self.create([{
            'provider_id': provider.id,
            'commented_on': comment.time,
            'transaction_number': comment.transaction_id,
            'transaction_id': ids.get(comment.transaction_id),
            'stars': comment.stars,
            'comment': comment.text,
        } for comment in comments.values()])

    # === CRUD METHODS === #

    def export_data(self, fields_to_export):
        """Override to let no comment become a formula in who opens the file (D26).

        The web client takes care of `=`, `+` and `-`, in CSV files only.
        """
        data = super().export_data(fields_to_export)
        data['datas'] = [
            [
                f"'{cell}" if isinstance(cell, str) and cell.lstrip()[:1] in {*'=+-@'} else cell
                for cell in row
            ] for row in data.get('datas', [])
        ]
        return data
