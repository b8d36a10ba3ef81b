# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import http
from odoo.http import request

MAX_BODY = 4 * 1024  # bytes


class WechatMiniprogramScene(http.Controller):

    @http.route(
        '/wechat/miniprogram/scene', type='jsonrpc', auth='public', methods=['POST'],
        readonly=True, max_content_length=MAX_BODY,
    )
    def wechat_miniprogram_scene(self, scene=None):
        """Tell what the scene of a code stands for.

        Public, because a code is scanned before anybody logs in. Whoever holds a key holds the
        code: it has 128 random bits, and what it leads to gives no right to anything.

        :param str scene: what the page got as `query.scene`, decoded
        :return: `data`: the text; `query`: its pairs, as `{id: '5'}`
        :rtype: dict
        """
        return request.env['wechat.scene']._resolve(scene)
