# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import http
from odoo.http import request

from odoo.addons.wechat.exceptions import WeChatError

from ..pictures import MAX_BYTES, PictureError, clean
from .same_site import is_cross_site

FORM_BYTES = 64 * 1024  # what a multipart body has beside the picture


class WechatMiniprogramAvatar(http.Controller):

    @http.route(
        '/wechat/miniprogram/avatar', type='http', auth='public', methods=['POST'], csrf=False,
        max_content_length=MAX_BYTES + FORM_BYTES,
    )
    def wechat_miniprogram_avatar(self, **_parameters):
        """Store the picture that a mini-program uploads for its user (wx.uploadFile).

        Errors have the shape of JSON-RPC's, under an HTTP status of their own: 401 if nobody is
        logged in, 403 for a page of another site, 413 and 415 for what is no picture that is taken.

        :return: JSON: `avatarUrl`, which loads without a cookie
        """
        if is_cross_site():
            return self._refuse(403, WeChatError(request.env._(
                "Pages of other sites cannot upload pictures here."
            ), code='bad_request'))
        if not request.session.uid:
            return request.make_json_response({'error': {
                'code': 100,
                'message': "Odoo Session Expired",
                'data': {'name': 'odoo.http.SessionExpiredException', 'message': "Session expired"},
            }}, status=401)
        try:
            picture = self._read_picture()
            identity = request.env['wechat.identity']._get_of_session(
                request.session.get('wechat_identity_id'),
            )
            url = identity._store_avatar(picture)
        except PictureError as error:
            return self._refuse(*self._explain(error))
        except WeChatError as error:
            request.env.cr.rollback()
            return self._refuse(400, error)
        return request.make_json_response({'avatarUrl': url})

    def _read_picture(self):
        """Return the uploaded picture, drawn anew.

        :rtype: bytes
        :raise PictureError: If it is none that is taken.
        :raise WeChatError: `bad_request` if there is no file
        """
        file = request.httprequest.files.get('file')
        if file is None:
            raise WeChatError(request.env._(
                "The picture must be sent as the file “file” of a multipart form."
            ), code='bad_request')
        return clean(file.stream.read(MAX_BYTES + 1))

    def _explain(self, error):
        """Return the HTTP status and the error for a picture that is not taken."""
        if error.reason == 'type':
            return 415, WeChatError(request.env._(
                "This is not a picture, or it is damaged. Please choose a JPEG, PNG, WebP or GIF."
            ), code='bad_request')
        return 413, WeChatError(request.env._(
            "The picture is too large: at most 5 MB and 25 million pixels."
        ), code='bad_request')

    def _refuse(self, status, error):
        return request.make_json_response({'error': {
            'code': status,
            'message': "Odoo Server Error",
            'data': {
                'name': f'{type(error).__module__}.{type(error).__name__}',
                'message': str(error),
                'context': error.context,
            },
        }}, status=status)
