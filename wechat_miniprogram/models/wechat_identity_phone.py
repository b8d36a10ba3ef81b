# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The phone number of a mini-program's user, and the customer whose number it is already."""

import time

from odoo import api, fields, models
from odoo.api import SUPERUSER_ID
from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.wechat.exceptions import WeChatError, WeChatRefused, WeChatUnknown
from odoo.addons.wechat.models.wechat_app_login import LOGIN_TIMEOUT

from ..protocol import phone_numbers, user_data

FRESH = 300  # seconds; a customer is joined only by a number that is proved just now


class WechatIdentity(models.Model):
    _inherit = 'wechat.identity'

    former_partner_id = fields.Many2one(
        string="Contact Before",
        help="The contact that the person had before a verified phone number joined them to the"
             " present one.",
        comodel_name='res.partner',
        readonly=True,
        copy=False,
        ondelete='set null',
        index='btree_not_null',
        groups='wechat.group_manager',
    )

    # === WHAT WECHAT SAYS === #

    def _exchange_phone_code(self, code):
        """Ask WeChat for the number behind a code of getPhoneNumber (wechat-platform.md 2.4).

        The openid goes along, so that WeChat refuses the code of anybody else.

        :param str code: What the phone got; five minutes, single use.
        :return: WeChat's `phone_info`.
        :rtype: dict
        :raise WeChatError: `invalid_code`, `watermark_mismatch`, `rate_limited`,
            `wechat_unavailable`, …
        """
        self.ensure_one()
        identity = self.sudo()
        try:
            answer = identity.app_id._request(
                'POST', '/wxa/business/getuserphonenumber',
                json={'code': code, 'openid': identity.openid}, timeout=LOGIN_TIMEOUT,
            )
        except WeChatRefused as error:
            if error.errcode in (40003, 40013):  # another person's code, another app's
                raise WeChatError(self.env._(
                    "This phone number was given for another login. Please try again."
                ), code='invalid_code', errcode=error.errcode) from None
            raise
        info = answer.get('phone_info')
        if not isinstance(info, dict):
            raise self._unreadable_phone()
        if 'watermark' in info:
            try:
                user_data.check_watermark(info, identity.app_id.appid)
            except user_data.WatermarkMismatch:
                raise self._watermark_error() from None
        return info

    def _unreadable_phone(self):
        return WeChatUnknown(self.env._(
            "WeChat's answer with the phone number cannot be read. Please try again."
        ))

    # === STORING === #

    def _store_phone(self, info, is_fresh=False):
        """Store a phone number that WeChat has verified.

        :param dict info: `phone_info` of WeChat, or what was decrypted.
        :param bool is_fresh: Whether WeChat vouches for it at this moment.
        :return: `phone` in international form, `countryCode`
        :rtype: dict
        :raise WeChatError: `decrypt_failed`, or `wechat_unavailable` for an answer of WeChat, if
            there is no phone number in it
        """
        self.ensure_one()
        identity = self.sudo()
        code = phone_numbers.country_code(info.get('countryCode'))
        phone = phone_numbers.to_e164(code, info.get('purePhoneNumber'))
        if not phone:
            raise self._unreadable_phone() if is_fresh else self._decrypt_error()
        phone = identity._format_phone(phone)
        if identity.phone != phone:
            identity.phone = phone
        partner = identity.user_id.partner_id or identity.partner_id
        customer = self.env['res.partner']
        if identity.app_id.join_customer_by_phone and (is_fresh or self._is_recent(info)):
            customer = identity._find_customer_by_phone(phone, code)
        if customer:
            identity._join_customer(customer)
            partner = customer
        if partner.phone != phone:
            partner.with_context(tracking_disable=True).phone = phone
        return {'phone': phone, 'countryCode': code}

    @api.model
    def _is_recent(self, info):
        """Tell whether encrypted data are of these minutes rather than kept from long ago."""
        return abs(time.time() - user_data.watermark_time(info)) <= FRESH

    def _format_phone(self, phone):
        """Return a number as phone_validation writes it internationally, if that is installed."""
        partner = self.env['res.partner']
        if not hasattr(partner, '_phone_format'):
            return phone
        return partner._phone_format(
            number=phone, force_format='E164', raise_exception=False,
        ) or phone

    # === JOINING === #

    def _find_customer_by_phone(self, phone, code):
        """Return the customer whom the shop knows by this number, if there is exactly one.

        Only what employees entered is believed: a number that a visitor typed in says nothing, and
        a contact with a user of its own is never touched (the wizard for merging is for those).

        :param str phone: The number in international form.
        :param str code: Its country code.
        :rtype: res.partner
        """
        self.ensure_one()
        own = self.partner_id or self.user_id.partner_id
        if not self.user_id._is_portal() or own.parent_id or len(
            own.with_context(active_test=False).user_ids,
        ) > 1:
            return own.browse()
        company = self.app_id.company_id
        is_home = str(company.country_id.phone_code or '') == code
        forms = phone_numbers.written_forms(phone, code, is_home)
        self.env['res.partner'].flush_model(['phone', 'parent_id', 'company_id', 'active'])
        self.env.cr.execute(SQL(
            r"""
            SELECT p.id FROM res_partner p
             WHERE p.phone LIKE %s AND regexp_replace(p.phone, '\D', '', 'g') IN %s
               AND p.active AND p.id != %s
            """, f'%{phone[-4:]}', tuple(forms), own.id,
        ))
        found = own.browse(row[0] for row in self.env.cr.fetchall())
        if len(found) != 1:
            return own.browse()
        is_free = (
            found.create_uid._is_internal() and not found.create_uid._is_superuser()
            and not found.parent_id and not found.is_company
            and found.company_id in (company, company.browse())
            and not found.with_context(active_test=False).user_ids
            and not self.search_count([('partner_id', '=', found.id)], limit=1)
        )
        return found if is_free else own.browse()

    def _join_customer(self, customer):
        """Make the customer whom the shop knew already the contact of this person's user.

        What was the contact becomes one of the customer's, so that orders stay in sight.

        :param res.partner customer: See :meth:`_find_customer_by_phone`.
        """
        self.ensure_one()
        user = self.user_id
        former = user.partner_id
        quiet = {'tracking_disable': True, 'mail_notrack': True}
        for name in ('lang', 'tz'):
            if not customer[name]:
                customer.with_context(**quiet)[name] = former[name]
        picture = self.is_avatar_uploaded and not customer.image_128 and former.image_1920
        user.with_context(**quiet).partner_id = customer
        former.with_context(**quiet).write({'parent_id': customer.id, 'type': 'other'})
        user.wechat_identity_ids.write({'partner_id': customer.id})
        self.former_partner_id = former
        if picture:
            customer.with_context(**quiet).image_1920 = picture
            self.is_avatar_uploaded = True
        names = {'identity': self.display_name, 'app': self.app_id.name}
        customer.with_user(SUPERUSER_ID)._message_log(body=self.env._(
            "The WeChat user %(identity)s (%(app)s) has verified the phone number of this customer"
            " and is this contact from now on. Before, it was the contact %(former)s. To undo this,"
            " open the WeChat identity and choose “Separate Again”.",
            former=former._get_html_link(), **names,
        ))
        former.with_user(SUPERUSER_ID)._message_log(body=self.env._(
            "The WeChat user %(identity)s (%(app)s) has verified a phone number and is the contact"
            " %(customer)s from now on.",
            customer=customer._get_html_link(), **names,
        ))

    # === ACTION METHODS === #

    def action_separate(self):
        """Undo the joining of a customer by the phone number."""
        self.ensure_one()
        self.check_access('write')
        identity = self.sudo()
        former, customer = identity.former_partner_id, identity.partner_id
        user = identity.user_id
        if not former or not user or user.partner_id != customer:
            raise UserError(self.env._(
                "There is nothing to undo: the contact from before is gone, or another user has"
                " been chosen since."
            ))
        quiet = {'tracking_disable': True, 'mail_notrack': True}
        if identity.is_avatar_uploaded and customer.image_1920 == former.image_1920:
            customer.with_context(**quiet).image_1920 = False
        former.with_context(**quiet).write({
            'parent_id': False, 'type': 'contact', 'active': True, 'phone': identity.phone,
            'lang': former.lang or customer.lang,
        })
        user.with_context(**quiet).partner_id = former
        user.wechat_identity_ids.write({'partner_id': former.id})
        identity.write({
            'former_partner_id': False, 'is_avatar_uploaded': bool(former.image_128),
        })
        note = self.env._(
            "%(user)s has separated the WeChat user %(identity)s (%(app)s) from this contact again."
            " What was ordered meanwhile stays where it is.",
            user=self.env.user.name, identity=identity.display_name, app=identity.app_id.name,
        )
        customer._message_log(body=note)
        former._message_log(body=note)
