# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a mini-program's user tells of themself, proved by WeChat or not."""

import base64

from odoo import api, fields, models
from odoo.tools.misc import limited_field_access_token

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.protocol import user_info

from ..protocol import profile, user_data

PROFILE_FIELDS = ('gender', 'city', 'province', 'country', 'language')


class WechatIdentity(models.Model):
    _inherit = 'wechat.identity'

    gender = fields.Selection(selection=[('1', "Male"), ('2', "Female")], copy=False)
    city = fields.Char(copy=False)
    province = fields.Char(copy=False)
    country = fields.Char(help="As WeChat calls it.", copy=False)
    language = fields.Char(help="The language that WeChat runs in.", copy=False)
    is_avatar_uploaded = fields.Boolean(
        string="Uploaded Picture",
        help="The picture was uploaded by the person and is the contact's.",
        readonly=True,
        copy=False,
    )

    # === GETTERS === #

    @api.model
    def _get_of_session(self, identity_id=None):
        """Return the identity that the current user's request is about.

        :param int identity_id: The identity that opened the session, if there is one.
        :return: It, if it is a mini-program's and still the user's, else the only one the user has;
            in sudo.
        :rtype: wechat.identity
        :raise WeChatError: `not_linked`
        """
        mine = self.sudo().search([
            ('user_id', '=', self.env.uid), ('app_id.app_type', '=', 'miniprogram'),
        ])
        identity = mine.filtered(lambda one: one.id == identity_id) or mine
        if len(identity) != 1:
            raise WeChatError(self.env._(
                "It is not known which WeChat account this is about. Please log in again through"
                " the mini-program."
            ), code='not_linked')
        return identity

    def _get_avatar_url(self):
        """Return the address of the picture, which loads without a cookie; empty if there is none.

        An uploaded picture is the contact's; its address is good for two weeks at least.

        :rtype: str
        """
        self.ensure_one()
        partner = self.sudo().partner_id
        if not self.is_avatar_uploaded or not partner.image_512:
            return self.avatar_url or ''
        base = self.env['ir.config_parameter'].sudo().get_param('web.base.url', '').rstrip('/')
        token = limited_field_access_token(partner, 'image_512', scope='binary')
        return (
            f'{base}/web/image/res.partner/{partner.id}/image_512?access_token={token}'
            f'&unique={int(partner.write_date.timestamp())}'
        )

    def _get_user_info(self):
        """Return the profile as it is stored, under WeChat's names.

        :return: `nickName`, `avatarUrl`, `gender` (0 unknown, 1 male, 2 female), `city`,
            `province`, `country`, `language`; texts are empty if unknown
        :rtype: dict
        """
        self.ensure_one()
        return {
            'nickName': self.nickname or '',
            'avatarUrl': self._get_avatar_url(),
            'gender': int(self.gender or 0),
            **{name: self[name] or '' for name in ('city', 'province', 'country', 'language')},
        }

    # === WHAT WECHAT PROVES === #

    def _decrypt(self, encrypted_data, iv):
        """Decrypt data that the phone got from WeChat for this person and this app.

        :param str encrypted_data: Base64.
        :param str iv: Base64.
        :rtype: dict
        :raise WeChatError: `decrypt_failed`, `watermark_mismatch`
        """
        self.ensure_one()
        identity = self.sudo()
        try:
            values = user_data.decrypt(
                identity.session_key or '', encrypted_data, iv, identity.app_id.appid,
            )
        except user_data.WatermarkMismatch:
            raise self._watermark_error() from None
        except user_data.UserDataError:
            raise self._decrypt_error() from None
        if values.get('openId', identity.openid) != identity.openid:
            raise self._decrypt_error()
        return values

    def _read_raw_data(self, raw_data, signature):
        """Read rawData of wx.getUserInfo, if WeChat has signed it for this person.

        :rtype: dict
        :raise WeChatError: `decrypt_failed`
        """
        self.ensure_one()
        session_key = self.sudo().session_key
        if not session_key:
            raise self._decrypt_error()
        try:
            return user_data.read_raw_data(session_key, raw_data, signature)
        except user_data.UserDataError:
            raise self._decrypt_error() from None

    def _decrypt_error(self):
        return WeChatError(self.env._(
            "The data from WeChat could not be read: the login that they belong to is over. Please"
            " try again."
        ), code='decrypt_failed')

    def _watermark_error(self):
        return WeChatError(self.env._(
            "The data were made by WeChat for another mini-program."
        ), code='watermark_mismatch')

    # === STORING === #

    def _store_user_info(self, values, is_proven=False, is_typed=False):
        """Store the profile as far as it is well-formed; empty values change nothing.

        What comes along with a login, neither proved nor typed, renames nobody.

        :param dict values: The object of wx.getUserInfo, or what was decrypted.
        :param bool is_proven: Whether WeChat has encrypted or signed it.
        :param bool is_typed: Whether the person has typed it in just now: a picture of WeChat then
            takes the place of an uploaded one.
        """
        self.ensure_one()
        identity = self.sudo()
        found = identity._read_profile(values)
        if identity.is_avatar_uploaded and not is_typed:
            found.pop('avatar_url', None)
        elif 'avatar_url' in found:
            found['is_avatar_uploaded'] = False
        changed = {name: value for name, value in found.items() if identity[name] != value}
        if is_proven or is_typed:
            if found.get('nickname'):
                identity._rename_partner(found['nickname'])
            if changed.get('language') and not identity.language:  # later the person may choose
                identity._map_language(changed['language'])
        if changed.get('country'):
            identity._map_country(changed['country'])
        if changed:
            identity.write(changed)
        unionid = values.get('unionId')
        if is_proven and isinstance(unionid, str) and unionid not in ('', identity.unionid):
            identity._learn_unionid(unionid[:128])

    def _read_profile(self, values):
        """Return the fields that an object of wx.getUserInfo fills.

        :rtype: dict
        """
        gender = profile.gender(values)
        nickname = user_info.nickname(values)
        if nickname == profile.ANONYMOUS and self.nickname:  # what WeChat calls everybody
            nickname = ''
        found = {
            'nickname': nickname,
            'avatar_url': user_info.avatar_url(values),
            'gender': str(gender) if gender else '',
            'language': user_info.language(values),
            **{name: profile.place(values, name) for name in ('city', 'province', 'country')},
        }
        return {name: value for name, value in found.items() if value}

    def _rename_partner(self, nickname):
        """Let the contact follow a new nickname as long as nobody gave it another name."""
        partner = self.partner_id
        if not partner or partner.name == nickname or not self.user_id._is_portal():
            return
        if partner.name in {self.nickname, *self._get_default_names()}:
            partner.with_context(tracking_disable=True).name = nickname

    @api.model
    def _get_default_names(self):
        """Return what contacts without a nickname are called, in every language installed."""
        return {profile.ANONYMOUS} | {
            self.env['res.users']._wechat_default_name(code)
            for code, _name in self.env['res.lang'].get_installed()
        }

    def _map_country(self, name):
        """Give the contact the country that WeChat names, if it has none."""
        partner = self.partner_id
        if partner and not partner.country_id and self.user_id._is_portal():
            country = self._match_country(name)
            if country:
                partner.with_context(tracking_disable=True).country_id = country

    def _map_language(self, tag):
        """Give the user the language of WeChat, unless the app prescribes one."""
        lang = self.env['wechat.app']._match_language(tag)
        partner = self.partner_id
        if (
            lang and not self.app_id.lang and partner.lang != lang and self.user_id._is_portal()
        ):
            partner.with_context(tracking_disable=True).lang = lang

    @api.model
    def _match_country(self, name):
        """Return the country of a code or a name, in English or an installed language.

        :rtype: res.country
        """
        countries = self.env['res.country'].sudo()
        if len(name) == 2 and name.isascii():
            return countries.search([('code', '=', name.upper())], limit=1)
        for code in {'en_US', *(code for code, _name in self.env['res.lang'].get_installed())}:
            found = countries.with_context(lang=code).search([('name', '=', name)], limit=2)
            if len(found) == 1:
                return found.with_context(lang=self.env.lang)
        return countries

    def _store_avatar(self, picture):
        """Store an uploaded picture, the contact's from now on.

        :param bytes picture: What :func:`..pictures.clean` returned.
        :return: Its address, see :meth:`_get_avatar_url`.
        :rtype: str
        """
        self.ensure_one()
        identity = self.sudo()
        partner = identity.user_id.partner_id or identity.partner_id
        partner.with_context(tracking_disable=True).image_1920 = base64.b64encode(picture)
        if identity.partner_id != partner:
            identity.partner_id = partner
        identity.write({'avatar_url': False, 'is_avatar_uploaded': True})
        self.env.flush_all()  # the address names the time of the change
        return identity._get_avatar_url()

    # === DELETING === #

    def _anonymize(self):
        """Override of `wechat` to delete the whole profile, and what the contact has of it."""
        for identity in self.sudo():
            identity._forget_name()
            identity._forget_avatar()
        result = super()._anonymize()
        self.sudo().write(dict.fromkeys(PROFILE_FIELDS, False))
        return result

    def _forget_name(self):
        """Delete the nickname; a contact who is called by it is no longer."""
        self.ensure_one()
        partner = self.partner_id.with_context(tracking_disable=True)
        if self.nickname and partner.name == self.nickname and self._is_alone_with('nickname'):
            partner.name = self.env['res.users']._wechat_default_name(partner.lang)
        self.nickname = False

    def _forget_avatar(self):
        """Delete the picture."""
        self.ensure_one()
        if self.is_avatar_uploaded and self._is_alone_with('is_avatar_uploaded'):
            self.partner_id.with_context(tracking_disable=True).image_1920 = False
        self.write({'avatar_url': False, 'is_avatar_uploaded': False})

    def _is_alone_with(self, name):
        """Tell whether what the contact has of this identity goes with it.

        Not if the person has told it through another app too, nor if the contact is an employee's:
        those data are the company's.

        :param str name: A field of the identity.
        :rtype: bool
        """
        user = self.with_context(active_test=False).user_id
        if user and not user._is_portal():
            return False
        return not self.search_count([
            ('partner_id', '=', self.partner_id.id), (name, '=', self[name]), ('id', '!=', self.id),
        ], limit=1)
