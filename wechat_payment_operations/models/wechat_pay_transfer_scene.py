# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.wechat_payment_operations.protocol.transfers import MAX_INFO_CONTENT, MAX_INFO_TYPE


def read_infos(text):
    """Return the report of a transfer, which is written as one line each: type, colon, content.

    :param str text: The lines.
    :return: Pairs of type and content.
    :rtype: list[tuple[str, str]]
    """
    infos = []
    for line in (text or '').replace('：', ':').splitlines():
        if line.strip():
            info_type, _colon, content = line.partition(':')
            infos.append((info_type.strip(), content.strip()))
    return infos


class WechatPayTransferScene(models.Model):
    """What transfers are for, as WeChat Pay granted it to this merchant (A9.2).

    The numbers are granted one by one and differ between merchants: they are configuration.
    """

    _name = 'wechat.pay.transfer.scene'
    _description = "WeChat Pay Transfer Scene"
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(comodel_name='res.company')
    scene_id = fields.Char(
        string="Scene Number", required=True,
        help="转账场景ID, as shown on pay.weixin.qq.com, Product Center ▸ Merchant transfer.",
    )
    report_infos = fields.Text(
        string="Report", required=True,
        help="One line for each kind of information that the scene demands: its exact name, a"
             " colon, and the content that new transfers begin with.",
    )
    perceptions = fields.Text(
        string="What Recipients Read", help="One line each, exactly as the scene allows them.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains('report_infos')
    def _check_report_infos(self):
        for scene in self:
            infos = read_infos(scene.report_infos)
            types = [info_type for info_type, _content in infos]
            if (
                not infos or len(set(types)) != len(types)
                or any(not 0 < len(info_type) <= MAX_INFO_TYPE for info_type in types)
                or any(len(content) > MAX_INFO_CONTENT for _type, content in infos)
            ):
                raise ValidationError(self.env._(
                    "The report is one line for each kind of information: its name (at most"
                    " %(type)s characters), a colon, and a content of at most %(content)s"
                    " characters.",
                    type=MAX_INFO_TYPE, content=MAX_INFO_CONTENT,
                ))

    # === BUSINESS METHODS === #

    def _get_perceptions(self):
        """Return what recipients may read.

        :rtype: list[str]
        """
        return [line.strip() for line in (self.perceptions or '').splitlines() if line.strip()]

    def _get_info_types(self):
        """Return which kinds of information the scene demands.

        :rtype: list[str]
        """
        return [info_type for info_type, _content in read_infos(self.report_infos)]
