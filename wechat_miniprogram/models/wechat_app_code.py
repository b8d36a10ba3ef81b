# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Codes of a mini-program and links into it (wechat-platform.md, section 8)."""

from odoo import models

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat_miniprogram.protocol import codes

DEFAULT_WIDTH = 430


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    # === ACTION METHODS === #

    def action_make_code(self):
        """Open the wizard that makes codes."""
        return self._open_target_wizard(
            'wechat.miniprogram.code', self.env._("Mini-program Code"),
        )

    def action_make_link(self):
        """Open the wizard that makes links."""
        return self._open_target_wizard(
            'wechat.miniprogram.link', self.env._("Mini-program Link"),
        )

    def _open_target_wizard(self, model, name):
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': model,
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_app_id': self.id},
        }

    # === CODES === #

    def _make_code(self, path, *, width=DEFAULT_WIDTH, env_version='release', is_hyaline=False):
        """Make one of the 100 000 codes that a mini-program may ever have of this kind.

        :param str path: The page with its query, as `pages/order/order?id=5`.
        :param int width: Pixels of each side.
        :param str env_version: `release`, `trial` or `develop`.
        :param bool is_hyaline: Whether the ground is transparent.
        :return: The picture.
        :rtype: bytes
        :raise WeChatError: If the path is none, or WeChat refuses.
        """
        page, _mark, query = path.partition('?')
        self._check_target(page, query)
        return self._request_code('/wxa/getwxacode', {
            'path': path, **self._code_options(width, env_version, is_hyaline),
        })

    def _make_unlimited_code(
        self, scene, page='', *, check_path=True, width=DEFAULT_WIDTH, env_version='release',
        is_hyaline=False,
    ):
        """Make a code of the kind without limit. See :meth:`_make_code`.

        :param str scene: What the page gets as `scene`; :meth:`_make_scene` makes one of any text.
        :param str page: The page without a query; empty for the home page.
        :param bool check_path: Whether the page must be published.
        :return: The picture.
        :rtype: bytes
        :raise WeChatError: If the scene or the page is none, or WeChat refuses.
        """
        if not codes.is_scene(scene):
            raise WeChatError(self.env._(
                "“%(scene)s” cannot be the scene of a code: it has 1 to 32 letters, digits or some"
                " signs. Longer texts are kept in Odoo, under a key that fits.", scene=scene,
            ), code='bad_request', errcode=40129)
        if page:
            self._check_target(page)
        body = {
            'scene': scene, 'check_path': check_path,
            **self._code_options(width, env_version, is_hyaline),
        }
        return self._request_code(
            '/wxa/getwxacodeunlimit', {**body, 'page': page} if page else body,
        )

    def _make_scene(self, data):
        """Return the scene of a code for a text of any length.

        What does not fit into a scene is kept in Odoo; the scene is then its key.

        :param str data: What the page needs to know, as `id=5`.
        :rtype: str
        """
        self.ensure_one()
        if codes.is_scene(data) and not data.startswith(codes.KEY_MARK):
            return data
        return self.env['wechat.scene'].sudo()._get_or_create(self, data).key

    def _code_options(self, width, env_version, is_hyaline):
        """Return what both kinds of code take.

        :raise WeChatError: If the width is none.
        """
        least, most = codes.WIDTHS
        if not least <= width <= most:
            raise WeChatError(self.env._(
                "A code is %(least)s to %(most)s pixels wide.", least=least, most=most,
            ), code='bad_request', errcode=40097)
        return {'width': width, 'env_version': env_version, 'is_hyaline': is_hyaline}

    def _request_code(self, path, body):
        """Ask WeChat for a picture.

        :raise WeChatUnknown: If the answer is neither a picture nor an error.
        """
        self.ensure_one()
        content = self.sudo()._request('POST', path, json=body, raw=True)
        if not codes.image_type(content):
            raise WeChatUnknown(self.env._(
                "WeChat's answer is not a picture. Please try again."
            ))
        return content

    # === LINKS === #

    def _make_url_link(self, page='', query='', *, days=codes.EXPIRY_DAYS, env_version='release'):
        """Make a link that opens the mini-program from a short message, a mail or a web page.

        :param str page: The page without a query; empty for the home page.
        :param str query: What the page gets, as `id=5`.
        :param int days: How long it lives: 1 to 30 days.
        :param str env_version: `release`, `trial` or `develop`.
        :return: The address.
        :rtype: str
        :raise WeChatError: If page or query is none, or WeChat refuses.
        """
        answer = self._request_link('/wxa/generate_urllink', {
            **self._link_target(page, query, env_version), **self._link_expiry(days),
        })
        return self._read_link(answer, 'url_link')

    def _make_scheme(self, page='', query='', *, days=codes.EXPIRY_DAYS, env_version='release'):
        """Make a `weixin://` address that opens the mini-program. See :meth:`_make_url_link`."""
        answer = self._request_link('/wxa/generatescheme', {
            'jump_wxa': self._link_target(page, query, env_version), 'is_expire': True,
            **self._link_expiry(days),
        })
        return self._read_link(answer, 'openlink')

    def _make_short_link(self, page, query='', *, title='', is_permanent=False):
        """Make a short link for chats within WeChat, good for 30 days unless it is permanent.

        :param str page: The page without a query.
        :param str query: What the page gets.
        :param str title: What the link shows; 20 characters.
        :param bool is_permanent: Whether it stays; a mini-program may have 100 000 of these.
        :return: The link, as `#小程序://Tea House/…`.
        :rtype: str
        :raise WeChatError: If page or query is none, or WeChat refuses.
        """
        self._check_target(page, query)
        body = {'page_url': f'{page}?{query}' if query else page, 'is_permanent': is_permanent}
        if title:
            body['page_title'] = title[:codes.TITLE_LENGTH]
        return self._read_link(self._request_link('/wxa/genwxashortlink', body), 'link')

    def _link_target(self, page, query, env_version):
        self._check_target(page, query, may_be_home=True)
        target = {'env_version': env_version}
        if page:
            target['path'] = page
        if query:
            target['query'] = query
        return target

    def _link_expiry(self, days):
        if not 1 <= days <= codes.EXPIRY_DAYS:
            raise WeChatError(self.env._(
                "A link lives 1 to %(days)s days.", days=codes.EXPIRY_DAYS,
            ), code='bad_request', errcode=85401)
        return {'expire_type': 1, 'expire_interval': days}

    def _request_link(self, path, body):
        self.ensure_one()
        return self.sudo()._request('POST', path, json=body)

    def _read_link(self, answer, name):
        link = answer.get(name)
        if not isinstance(link, str) or not link:
            raise WeChatUnknown(self.env._("WeChat's answer holds no link. Please try again."))
        return link

    # === CHECKS === #

    def _check_target(self, page, query='', may_be_home=False):
        """Refuse what cannot be a page and its query.

        :raise WeChatError: `bad_request`, with WeChat's number of the mistake
        """
        self.ensure_one()
        if not codes.is_page(page) and not (may_be_home and not page):
            raise WeChatError(self.env._(
                "“%(page)s” cannot be a page of the mini-program. Enter its path as app.json has"
                " it, without a leading slash and without a query: pages/index/index.", page=page,
            ), code='bad_request', errcode=41030)
        if not codes.is_query(query):
            raise WeChatError(self.env._(
                "“%(query)s” cannot be sent to a page: up to 1024 letters, digits and signs of an"
                " address are taken; other characters must be percent-encoded.", query=query,
            ), code='bad_request', errcode=40212)
