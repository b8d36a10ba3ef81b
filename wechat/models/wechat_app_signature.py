# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What pages need to use WeChat's JavaScript interfaces (wechat-platform.md, section 4)."""

import secrets
import string
import time

from odoo import models

from odoo.addons.wechat.protocol import signatures

NONCE_CHARACTERS = string.ascii_letters + string.digits


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    def _sign_jssdk(self, url):
        """Sign a page, so that it may call `wx.config`.

        WeChat accepts the signature for this page alone. Whoever asks must make sure that the page
        is one of the site's: this method signs any.

        :param str url: The page's address as the browser has it; its fragment is left out.
        :return: {appId, timestamp, nonceStr, signature, url}
        :rtype: dict
        :raise WeChatError: If there is no jsapi_ticket to be had.
        """
        self.ensure_one()
        timestamp, nonce = int(time.time()), self._new_nonce()
        return {
            'appId': self.sudo().appid,
            'timestamp': timestamp,
            'nonceStr': nonce,
            'signature': signatures.sign_jssdk(
                self._get_token('jsapi_ticket'), nonce, timestamp, url,
            ),
            'url': url.partition('#')[0],
        }

    def _sign_card(self, card_id, openid='', code=''):
        """Return the `cardExt` of one card for `wx.addCard`; the page sends it as JSON text.

        :param str card_id: The card.
        :param str openid: Who may take it, if it is for one person.
        :param str code: Its code, if it has one of its own.
        :return: {timestamp, nonce_str, signature}, and openid and code if given.
        :rtype: dict
        :raise WeChatError: If there is no wx_card_ticket to be had.
        """
        self.ensure_one()
        timestamp, nonce = str(int(time.time())), self._new_nonce()
        given = {name: value for name, value in (('code', code), ('openid', openid)) if value}
        return {
            **given,
            'timestamp': timestamp,
            'nonce_str': nonce,
            'signature': signatures.sign_card(
                self._get_token('wx_card_ticket'), timestamp, nonce, card_id, **given,
            ),
        }

    def _sign_choose_card(self, card_id='', card_type='', shop_id=''):
        """Return the parameters of `wx.chooseCard`.

        :param str card_id: Only this card.
        :param str card_type: Only cards of this type, as `GROUPON`.
        :param str shop_id: Only cards of this shop (WeChat's location_id).
        :return: {shopId, cardType, cardId, timestamp, nonceStr, signType, cardSign}
        :rtype: dict
        :raise WeChatError: If there is no wx_card_ticket to be had.
        """
        self.ensure_one()
        timestamp, nonce = str(int(time.time())), self._new_nonce()
        return {
            'shopId': shop_id,
            'cardType': card_type,
            'cardId': card_id,
            'timestamp': timestamp,
            'nonceStr': nonce,
            'signType': 'SHA1',
            'cardSign': signatures.sign_choose_card(
                self._get_token('wx_card_ticket'), self.sudo().appid, timestamp, nonce,
                card_id=card_id, card_type=card_type, location_id=shop_id,
            ),
        }

    def _new_nonce(self):
        """Return 16 random letters and digits."""
        return ''.join(secrets.choice(NONCE_CHARACTERS) for _position in range(16))
