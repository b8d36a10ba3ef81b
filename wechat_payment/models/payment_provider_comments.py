# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import contextlib
from datetime import datetime, time

from odoo import models
from odoo.exceptions import UserError

from odoo.addons.payment.logging import get_payment_logger
from odoo.addons.wechat_payment import const
from odoo.addons.wechat_payment.exceptions import WeChatPayRefused
from odoo.addons.wechat_payment.protocol import v2_comments, v2_signing, v2_xml

_logger = get_payment_logger(__name__, const.SENSITIVE_KEYS)

# Above this nobody would read them, and the request would take too long.
MAX_PAGES = 50


class PaymentProvider(models.Model):
    """What customers wrote about their payments, from API v2 (B2.9)."""

    _inherit = 'payment.provider'

    # === BUSINESS METHODS - COMMENTS === #

    def _wechat_fetch_comments(self, date_from, date_to):
        """Fetch the comments of some days, and keep those that are not known.

        All pages are fetched before anything is written: nobody waits for a row meanwhile.

        :param date date_from: The first day, in Beijing.
        :param date date_to: The last day, in Beijing.
        :return: The new comments, and how many lines of the list could not be read.
        :rtype: tuple[wechat.pay.comment, int]
        :raise UserError: If there are too many.
        :raise WeChatError: If WeChat Pay refuses or does not answer.
        """
        self.ensure_one()
        provider = self.sudo()
        begin, end = datetime.combine(date_from, time.min), datetime.combine(date_to, time.max)
        comments, unreadable, offset = [], 0, 0
        for _page in range(MAX_PAGES):
            page = provider._wechat_fetch_comments_page(begin, end, offset)
            comments += page.comments
            unreadable += page.unreadable
            if len(page.comments) + page.unreadable < v2_comments.PAGE:
                break
            if page.next_offset <= offset:
                raise provider._wechat_unreadable_v2_answer(v2_comments.COMMENTS_PATH)
            offset = page.next_offset
        else:
            raise UserError(self.env._(
                "There are more than %(count)s comments in these days. Choose fewer days.",
                count=MAX_PAGES * v2_comments.PAGE,
            ))
        if unreadable:
            _logger.warning(
                "%s comments of provider %s could not be read.", unreadable, provider.id,
            )
        return self.env['wechat.pay.comment'].sudo()._record(provider, comments), unreadable

    def _wechat_fetch_comments_page(self, begin, end, offset):
        """Fetch one page of comments.

        The list is not signed: that it is WeChat Pay's rests on TLS. Nothing but the list depends
        on it.

        :param datetime begin: From when, in Beijing.
        :param datetime end: Until when, in Beijing.
        :param int offset: Where the page begins.
        :rtype: v2_comments.Page
        :raise WeChatError: If WeChat Pay refuses or does not answer.
        """
        path, sign_type = v2_comments.COMMENTS_PATH, v2_signing.HMAC_SHA256
        response, _sent_before = self._wechat_send_v2(path, {
            **self._wechat_get_v2_parties(self.wechat_app_ids[:1]),
            'begin_time': v2_comments.format_time(begin),
            'end_time': v2_comments.format_time(end),
            'offset': offset,
            'limit': v2_comments.PAGE,
        }, certificate=True, repeatable=True, sign_type=sign_type)
        if response.content.lstrip()[:1] == b'<':
            return self._wechat_read_no_comments(response, offset)
        try:
            return v2_comments.parse(response.content)
        except v2_comments.V2CommentsError:
            raise self._wechat_unreadable_v2_answer(path) from None

    def _wechat_read_no_comments(self, response, offset):
        """Return an empty page, if the answer says that there are no comments: XML, and signed.

        :param requests.Response response: The answer.
        :param int offset: Where the page begins.
        :rtype: v2_comments.Page
        :raise WeChatError: For every other failure.
        """
        path = v2_comments.COMMENTS_PATH
        with contextlib.suppress(v2_xml.V2XmlError):
            try:
                self._wechat_read_v2_answer(
                    path, v2_xml.parse(response.content), v2_signing.HMAC_SHA256,
                )
            except WeChatPayRefused as error:
                if error.wechat_code not in v2_comments.NO_COMMENT_CODES:
                    raise
                return v2_comments.Page(offset, [], 0)
        raise self._wechat_unreadable_v2_answer(path)
