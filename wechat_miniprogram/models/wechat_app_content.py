# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Texts and pictures that people upload are checked by WeChat (wechat-platform.md, section 10)."""

import logging

from odoo import fields, models

from odoo.addons.wechat.exceptions import WeChatError, WeChatUnknown
from odoo.addons.wechat.protocol import user_info as profile

from ..protocol import content_checks

_logger = logging.getLogger(__name__)

RISKY_ERRCODE = 87014  # what WeChat's first version of the check answered to it


class WechatApp(models.Model):
    _inherit = 'wechat.app'

    check_content = fields.Boolean(
        string="Check What Customers Upload",
        help="WeChat checks the texts and pictures that customers upload. Texts it calls risky are"
             " refused, pictures removed; what it is not sure of is shown to you for review.",
    )

    # === CHECKS === #

    def _check_text(self, openid, content, scene=1, record=None, field_name=None):
        """Have WeChat check a text that somebody wants to publish, if the app does so.

        A text that cannot be checked is not taken. One that WeChat is not sure of is, and is kept
        for an administrator to look at, who may have it removed from the record.

        :param str openid: Who wrote it.
        :param str content: The text.
        :param int scene: 1 profile, 2 comment, 3 forum, 4 social.
        :param record: Where it will be stored, if somebody may have to remove it.
        :param str field_name: The field of the record.
        :return: The check that waits for an administrator; empty if the text passed.
        :rtype: wechat.content.check
        :raise WeChatError: `bad_request` with errcode 87014 if it is risky; otherwise why it could
            not be checked
        """
        self.ensure_one()
        app, checks = self.sudo(), self.env['wechat.content.check'].sudo()
        if not app._is_checking_content() or not (content or '').strip():
            return checks
        result = content_checks.worst(
            [app._request_text_check(openid, piece, scene)
             for piece in content_checks.pieces(content)],
        )
        if result.suggest == 'risky':
            _logger.info("A text of app %s was refused: WeChat's label %s", self.id, result.label)
            raise WeChatError(self.env._(
                "This text cannot be published: WeChat says that it breaks its rules. Please change"
                " it."
            ), code='bad_request', errcode=RISKY_ERRCODE)
        if result.suggest == 'pass':
            return checks
        return checks.create({
            **checks._prepare(app, openid, 'text', scene, record, field_name),
            'content': content, 'checksum': checks._digest(content), 'state': 'review',
            'label': result.label,
        })

    def _request_text_check(self, openid, content, scene):
        """Have WeChat check a text of up to 2500 characters.

        :rtype: content_checks.Result
        :raise WeChatError: If WeChat refuses or cannot be asked.
        """
        answer = self._request('POST', '/wxa/msg_sec_check', json={
            'content': content, 'version': content_checks.VERSION, 'scene': scene,
            'openid': openid,
        })
        result = content_checks.read_result(answer)
        if not result:
            raise WeChatUnknown(self.env._(
                "The text could not be checked: WeChat's answer cannot be read. Please try again."
            ))
        return result

    def _check_image(self, openid, url, scene=1, record=None, field_name=None):
        """Have WeChat check a picture that was uploaded, if the app does so.

        The picture is taken at once. The check is made by a job after this transaction; minutes
        later WeChat pushes its result, and a picture that it calls risky is removed from the
        record, unless another one has taken its place.

        :param str openid: Who uploaded it.
        :param str url: Where WeChat loads it without a cookie, for half an hour at least.
        :param int scene: 1 profile, 2 comment, 3 forum, 4 social.
        :param record: Where it is stored.
        :param str field_name: The field of the record.
        :return: The check; empty if the app does not check.
        :rtype: wechat.content.check
        """
        self.ensure_one()
        app, checks = self.sudo(), self.env['wechat.content.check'].sudo()
        if not app._is_checking_content():
            return checks
        value = record and record.sudo().with_context(bin_size=False)[field_name]
        check = checks.create({
            **checks._prepare(app, openid, 'image', scene, record, field_name),
            'media_url': url, 'checksum': checks._digest(value), 'state': 'waiting',
        })
        self.env.ref('wechat_miniprogram.cron_send_content_checks').sudo()._trigger()
        return check

    def _is_checking_content(self):
        return self.check_content and self.app_type == 'miniprogram'

    def _miniprogram_login(self, exchange, user_info=None, **options):
        """Override to leave out a nickname that WeChat does not let pass: the login goes on."""
        nickname = profile.nickname(user_info or {})
        if (
            nickname and self._is_checking_content()
            and nickname != self._get_identity(exchange['openid']).nickname
        ):
            try:
                is_passed = not self._check_text(exchange['openid'], nickname)
            except WeChatError:
                is_passed = False
            if not is_passed:
                user_info = {
                    key: value for key, value in user_info.items() if key != 'nickName'
                }
        return super()._miniprogram_login(exchange, user_info, **options)

    # === EVENTS === #

    def _on_event_wxa_media_check(self, message):
        """Override of `wechat` to apply the result of a picture's check.

        In plain mode anybody could have written it: nothing is done then.
        """
        checks = self.env['wechat.content.check'].sudo()
        trace_id = message.text('trace_id')
        if not message.is_body_signed:
            _logger.warning(
                "App %s got the result of a content check in plain mode, which proves nothing: it"
                " was not applied. Choose the secure mode.", self.id,
            )
            return None
        check = checks._find_by_trace(self, trace_id) if trace_id else checks
        if not check:
            return super()._on_event_wxa_media_check(message)
        errcode = content_checks.read_number(message.get('errcode'))
        result = content_checks.read_result(message)
        if errcode or not result:
            check.write({'state': 'failed', 'error': self._media_problem(errcode)})
        elif check.state not in ('pass', 'review', 'risky'):
            check._apply_result(result)
        return None

    def _media_problem(self, errcode):
        """Return why a picture could not be checked, in words."""
        if errcode == content_checks.DOWNLOAD_FAILED:
            return self.env._(
                "WeChat could not load the picture. Can it be reached from the internet under the"
                " address of this Odoo (web.base.url)?"
            )
        return self.env._(
            "WeChat could not check the picture (error %(errcode)s).", errcode=errcode,
        )
