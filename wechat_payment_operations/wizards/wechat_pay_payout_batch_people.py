# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from odoo import models, tools


def _read_mobile(text):
    """Return the 11 digits of a mobile number of mainland China; empty if the text is none.

    :param str text: The text.
    :rtype: str
    """
    if re.fullmatch(r'[+0-9 ()-]+', text):
        digits = re.sub('[^0-9]', '', text).removeprefix('00')
        if len(digits) == 13:
            digits = digits.removeprefix('86')
        if len(digits) == 11:
            return digits
    return ''


class WechatPayPayoutBatchCreate(models.TransientModel):
    """Who is meant by a list, and what WeChat calls these people."""

    _inherit = 'wechat.pay.payout.batch.create'

    # === BUSINESS METHODS - PEOPLE === #

    def _find_partners(self, texts):
        """Return the contacts that texts mean: by reference, e-mail, phone number, exact name.

        Customers choose their own name, phone number and e-mail address: whoever takes those of
        somebody else makes a text mean both, and never themselves alone.

        :param set texts: The texts.
        :return: {text: contacts}
        :rtype: dict[str, res.partner]
        """
        Partner = self.env['res.partner']
        found = {}
        for name in ('ref', 'name', 'phone'):
            for partner in Partner.search([(name, 'in', list(texts))]):
                found[partner[name]] = found.get(partner[name], Partner) | partner
        mails = {text: tools.email_normalize(text) for text in texts if '@' in text}
        phones = {text: number for text in texts if (number := _read_mobile(text))}
        for values, partners_by_value in (
            (mails, self._find_partners_by_mail(mails.values())),
            (phones, self._find_partners_by_mobile(phones.values())),
        ):
            for text, value in values.items():
                found[text] = found.get(text, Partner) | partners_by_value.get(value, Partner)
        return found

    def _find_partners_by_mail(self, mails):
        """Return the contacts of normalized e-mail addresses.

        :param mails: The addresses.
        :rtype: dict[str, res.partner]
        """
        partners = self.env['res.partner'].search([
            ('email_normalized', 'in', [mail for mail in mails if mail]),
        ])
        return partners.grouped('email_normalized')

    def _find_partners_by_mobile(self, numbers):
        """Return the contacts of mobile numbers, in whatever way they are written.

        :param numbers: The numbers, of 11 digits.
        :rtype: dict[str, res.partner]
        """
        partners = self.env['res.partner']
        partners.flush_model(['phone'])
        self.env.cr.execute(tools.SQL(
            "SELECT id FROM res_partner"
            " WHERE active AND right(regexp_replace(phone, '[^0-9]', '', 'g'), 11) = ANY(%s)",
            list(numbers),
        ))
        return partners.search([
            ('id', 'in', [row[0] for row in self.env.cr.fetchall()]),
        ]).grouped(lambda partner: re.sub('[^0-9]', '', partner.phone)[-11:])

    def _find_identities(self, app, partners):
        """Return what WeChat calls these contacts in an app.

        :param wechat.app app: The app.
        :param res.partner partners: The contacts.
        :return: {contact's id: identities}; more than one if it is not clear which is meant.
        :rtype: dict[int, wechat.identity]
        """
        identities = {}
        for identity in self.env['wechat.identity'].sudo().search([
            ('app_id', '=', app.id), '|', ('partner_id', 'in', partners.ids),
            ('user_id.partner_id', 'in', partners.ids),
        ]):
            # As payouts have it: a contact may be told apart from the user's.
            partner = identity.partner_id or identity.user_id.partner_id
            identities.setdefault(partner.id, self.env['wechat.identity'])
            identities[partner.id] |= identity.sudo(False)
        return identities
