# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from urllib.parse import parse_qsl

from odoo import api, fields, models

from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat_miniprogram.protocol import codes

MAX_DATA = 10_000  # characters


class WechatScene(models.Model):
    """What a mini-program code stands for, where its scene of 32 characters is too short.

    Codes are printed and put up: scenes are kept for ever.
    """

    _name = 'wechat.scene'
    _description = "WeChat Scene"
    _order = 'id desc'
    _rec_name = 'data'

    app_id = fields.Many2one(
        comodel_name='wechat.app', required=True, readonly=True, ondelete='cascade',
    )
    company_id = fields.Many2one(string="Company", related='app_id.company_id')
    key = fields.Char(
        help="The scene in the code. Nobody can guess it.", required=True, readonly=True,
        copy=False, default=lambda self: codes.make_key(),
    )
    data = fields.Text(
        help="What the mini-program gets for the key.", required=True, readonly=True,
    )

    _key_unique = models.Constraint('UNIQUE (key)', "There is a scene with this key already.")
    _app_data_index = models.Index('(app_id, md5(data))')

    @api.model
    def _get_or_create(self, app, data):
        """Return the scene of a text: the same for the same text.

        Two at once may both make one, which does no harm: both lead to the text.

        :param wechat.app app: The mini-program.
        :param str data: The text.
        :return: The scene, in the caller's environment, which may create it.
        :rtype: wechat.scene
        :raise WeChatError: `bad_request` if there is nothing to keep, or too much.
        """
        if not isinstance(data, str) or not data or len(data) > MAX_DATA or '\0' in data:
            raise WeChatError(self.env._(
                "A scene has 1 to %(most)s characters.", most=MAX_DATA,
            ), code='bad_request')
        self.flush_model(['app_id', 'data'])
        self.env.cr.execute(
            "SELECT id FROM wechat_scene WHERE app_id = %s AND md5(data) = md5(%s) AND data = %s"
            " ORDER BY id LIMIT 1", [app.id, data, data],
        )
        row = self.env.cr.fetchone()
        return self.browse(row[0]) if row else self.create({'app_id': app.id, 'data': data})

    @api.model
    def _resolve(self, scene):
        """Return what a scene stands for, whether it is a key or says so itself.

        :param str scene: What the page got as `query.scene`, decoded.
        :return: `data`, the text, and `query`, its pairs if it is made of such
        :rtype: dict
        :raise WeChatError: `bad_request` if it is no scene, or an unknown key
        """
        data = scene
        if not isinstance(scene, str) or not codes.is_scene(scene):
            data = None
        elif scene.startswith(codes.KEY_MARK):
            found = self.sudo().search([('key', '=', scene), ('app_id.active', '=', True)], limit=1)
            data = found.data if codes.is_key(scene) and found else None
        if not data:
            raise WeChatError(self.env._(
                "This code leads nowhere: it is incomplete, or was made by another system."
            ), code='bad_request')
        return {'data': data, 'query': dict(parse_qsl(data)) if '=' in data else {}}
