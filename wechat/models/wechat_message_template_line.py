# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.wechat import rendering
from odoo.addons.wechat.protocol import message_values


class WechatMessageTemplateLine(models.Model):
    _name = 'wechat.message.template.line'
    _description = "WeChat Message Template Field"
    _order = 'template_id, sequence, id'
    _rec_name = 'label'

    template_id = fields.Many2one(
        comodel_name='wechat.message.template', required=True, index=True, ondelete='cascade',
    )
    model = fields.Char(related='template_id.model')
    sequence = fields.Integer()
    key = fields.Char(required=True, readonly=True)
    label = fields.Char(string="Field in WeChat", readonly=True)
    value_type = fields.Char(compute='_compute_value_type')
    rule = fields.Char(string="WeChat Takes", compute='_compute_rule')
    field_path = fields.Char(
        string="Filled With", help="A field of the record, or of a record that it leads to.",
    )
    text = fields.Char(
        string="Or This Text",
        help="A text of your own, which may contain fields: Order {{ object.name }}. It is used"
             " in place of the field.",
        translate=True,
    )
    default = fields.Char(string="If Empty", translate=True)
    color = fields.Char(
        string="Colour",
        help="The colour of the value, as #FF0000. Newer versions of WeChat may not show it.",
    )

    _template_key_unique = models.Constraint(
        'UNIQUE (template_id, key)', "The template has this field already.",
    )

    @api.depends('key')
    def _compute_value_type(self):
        for line in self:
            line.value_type = message_values.type_of(line.key)

    @api.depends('value_type')
    @api.depends_context('lang')
    def _compute_rule(self):
        rules = {
            'thing': self.env._("Up to 20 characters; longer texts are cut."),
            'number': self.env._("A number of up to 32 digits."),
            'letter': self.env._("Up to 32 Latin letters."),
            'symbol': self.env._("Up to 5 symbols."),
            'character_string': self.env._("Up to 32 digits, Latin letters or symbols."),
            'time': self.env._("A time as 15:01, with or without a date."),
            'date': self.env._("A date as 2019-10-01, with or without a time."),
            'amount': self.env._("An amount of up to 10 digits, with or without a currency sign."),
            'phone_number': self.env._("Up to 17 digits or symbols."),
            'car_number': self.env._("Up to 8 characters."),
            'name': self.env._("Up to 10 Chinese characters, or 20 letters."),
            'phrase': self.env._("Up to 5 Chinese characters."),
            'enum': self.env._("One of the values of the template."),
            'enum_string': self.env._("One of the values of the template."),
        }
        for line in self:
            line.rule = rules.get(line.value_type) or self.env._("Any text.")

    @api.constrains('field_path', 'text', 'color')
    def _check_sources(self):
        for line in self:
            model = self.env.get(line.template_id.model or '')
            if model is not None:
                if line.field_path:
                    rendering.check_path(model, line.field_path)
                for text in set(line._get_translations('text')):
                    rendering.check_text(model, text)
            if line.color and not message_values.is_color(line.color):
                raise ValidationError(self.env._(
                    "“%(color)s” is not a colour as WeChat takes it: # and six digits, as #FF0000.",
                    color=line.color,
                ))

    def _get_translations(self, name):
        """Return the values of a translated field in all languages."""
        translations = self._fields[name]._get_stored_translations(self) if self.id else None
        return [text for text in (translations or {'': self[name]}).values() if text]

    def _render(self, record):
        """Return the text of the field for a record, made to fit where that loses nothing.

        :rtype: str
        """
        self.ensure_one()
        # A text of one's own is laid out by who wrote it, a field as its type wants it.
        line = self.with_context(lang=record.env.lang)
        if line.text:
            value = rendering.render(record, line.text, line.value_type)
        elif line.field_path:
            value = rendering.read_path(record, line.field_path, line.value_type)
        else:
            value = ''
        return message_values.fit(line.value_type, value or line.default)
