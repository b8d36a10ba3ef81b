# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Templates of messages that WeChat shows: what is filled in, and from which records."""

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.wechat import rendering
from odoo.addons.wechat.exceptions import WeChatError
from odoo.addons.wechat.protocol import message_values


class WechatMessageTemplate(models.Model):
    _name = 'wechat.message.template'
    _description = "WeChat Message Template"
    _order = 'app_id, name, id'

    name = fields.Char(string="Title", readonly=True, required=True)
    active = fields.Boolean(default=True)
    app_id = fields.Many2one(
        comodel_name='wechat.app', required=True, readonly=True, index=True, ondelete='cascade',
    )
    company_id = fields.Many2one(string="Company", related='app_id.company_id')
    # What can be sent depends on the addons: they add their kinds.
    kind = fields.Selection(selection=[], readonly=True)
    template_id = fields.Char(
        string="Template ID",
        help="What WeChat calls the template. It is valid for one account only.",
        readonly=True,
        required=True,
        copy=False,
    )
    content = fields.Text(string="Template Text", readonly=True)
    example = fields.Text(readonly=True)
    model_id = fields.Many2one(
        string="Sent For",
        help="The records that the message is about, as sales orders.",
        comodel_name='ir.model',
        domain=[('transient', '=', False), ('abstract', '=', False)],
        ondelete='cascade',
    )
    model = fields.Char(string="Model Name", related='model_id.model', store=True)
    partner_path = fields.Char(
        string="Recipient",
        help="The contact who gets the message: a field of the record. The WeChat identity of this"
             " contact in the app is who WeChat sends it to.",
        compute='_compute_partner_path',
        store=True,
        readonly=False,
    )
    line_ids = fields.One2many(
        string="Fields",
        comodel_name='wechat.message.template.line',
        inverse_name='template_id',
        compute='_compute_line_ids',
        store=True,
        readonly=False,
    )
    jump = fields.Selection(
        string="A Tap Opens",
        selection=[('none', "Nothing"), ('url', "Web page"), ('miniprogram', "Mini-program")],
        default='none',
        required=True,
    )
    url = fields.Char(
        string="Page Address",
        help="A complete address or one of this Odoo, as {{ object.access_url }}.",
    )
    miniprogram_id = fields.Many2one(
        string="Mini-program",
        comodel_name='wechat.app',
        domain=[('app_type', '=', 'miniprogram')],
        ondelete='set null',
    )
    page = fields.Char(
        string="Page in the Mini-program",
        help="The path of the page, as pages/order?id={{ object.id }}.",
    )
    is_ready = fields.Boolean(
        string="Ready", compute='_compute_is_ready', store=True,
        help="Every field is filled from the records, so that messages can be sent.",
    )
    action_id = fields.Many2one(
        comodel_name='ir.actions.act_window', readonly=True, copy=False,
    )
    log_count = fields.Integer(compute='_compute_log_count')

    _app_template_unique = models.Constraint(
        'UNIQUE (app_id, template_id)', "The app has this template already.",
    )

    # === COMPUTE METHODS === #

    @api.depends('model_id')
    def _compute_partner_path(self):
        for template in self:
            model = self.env.get(template.model_id.model or '')
            if model is None:
                template.partner_path = False
            elif model._name == 'res.partner':
                template.partner_path = 'id'
            else:
                field = model._fields.get('partner_id')
                template.partner_path = (
                    'partner_id' if field and field.comodel_name == 'res.partner' else False
                )

    @api.depends('content')
    def _compute_line_ids(self):
        for template in self:
            wanted = message_values.parse_content(template.content)
            present = {line.key: line for line in template.line_ids}
            commands = [
                fields.Command.delete(line.id)
                for key, line in present.items() if key not in {field.key for field in wanted}
            ]
            for sequence, field in enumerate(wanted):
                values = {'sequence': sequence, 'label': field.label or field.key}
                if field.key in present:
                    commands.append(fields.Command.update(present[field.key].id, values))
                else:
                    commands.append(fields.Command.create({'key': field.key, **values}))
            template.line_ids = commands

    @api.depends('model_id', 'partner_path', 'line_ids.field_path', 'line_ids.text')
    def _compute_is_ready(self):
        for template in self:
            template.is_ready = bool(
                template.model_id and template.partner_path and template.line_ids
                and all(line.field_path or line.text for line in template.line_ids)
            )

    def _compute_log_count(self):
        counts = dict(self.env['wechat.message.log']._read_group(
            [('template_id', 'in', self.ids)], ['template_id'], ['__count'],
        ))
        for template in self:
            template.log_count = counts.get(template, 0)

    @api.onchange('model_id')
    def _onchange_model_id(self):
        # What is filled in belongs to the records that were chosen before.
        self.line_ids.field_path = False
        self.line_ids.filtered(lambda line: '{{' in (line.text or '')).text = False

    # === CONSTRAINT METHODS === #

    @api.constrains('model_id', 'partner_path', 'url', 'page')
    def _check_paths(self):
        for template in self.filtered('model_id'):
            model = self.env.get(template.model)
            if model is None or model._abstract or model._transient:
                raise ValidationError(self.env._("Messages cannot be sent for these records."))
            if template.partner_path and not (model._name == 'res.partner'
                                              and template.partner_path == 'id'):
                field = rendering.check_path(model, template.partner_path)
                if field.comodel_name != 'res.partner':
                    raise ValidationError(self.env._(
                        "The recipient must be a contact: %(path)s is none.",
                        path=template.partner_path,
                    ))
            rendering.check_text(model, template.url)
            rendering.check_text(model, template.page)
            template.line_ids._check_sources()

    # === CRUD METHODS === #

    def write(self, vals):
        if 'model_id' in vals:
            # The action would offer the template on records that it is no longer for.
            self.filtered(
                lambda template: template.model_id.id != vals['model_id'],
            ).sudo().action_id.unlink()
        return super().write(vals)

    def unlink(self):
        self.sudo().action_id.unlink()
        return super().unlink()

    # === ACTION METHODS === #

    def action_preview(self):
        """Open the preview, with a record to choose."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Preview"),
            'res_model': 'wechat.message.composer',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_template_id': self.id, 'default_is_preview': True},
        }

    def action_add_to_menu(self):
        """Offer the template in the Action menu of its records."""
        self.check_access('write')
        group = self.env.ref('wechat.group_user')
        for template in self.filtered('model_id'):
            if not template.action_id:
                action = template.action_id = self.env['ir.actions.act_window'].sudo().create({
                    'name': template._get_action_name('en_US'),
                    'res_model': 'wechat.message.composer',
                    'view_mode': 'form',
                    'target': 'new',
                    'context': {'default_template_id': template.id},
                    'binding_model_id': template.model_id.id,
                    'group_ids': [fields.Command.link(group.id)],
                })
                for lang, _name in self.env['res.lang'].get_installed():
                    action.with_context(lang=lang).name = template._get_action_name(lang)
        return True

    def _get_action_name(self, lang):
        """Return what the template is called in the Action menu, in a language."""
        return self.with_context(lang=lang).env._(
            "Send by WeChat: %(template)s", template=self.name,
        )

    def action_remove_from_menu(self):
        """Take the template out of the Action menu of its records."""
        self.check_access('write')
        self.sudo().action_id.unlink()
        return True

    def action_open_log(self):
        """Show what was sent with the template."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Sent Messages"),
            'res_model': 'wechat.message.log',
            'view_mode': 'list,form',
            'domain': [('template_id', '=', self.id)],
        }

    # === FETCHING === #

    @api.model
    def _store_listed(self, app, kind, listed):
        """Store the templates that an app has at WeChat; archive those it has no longer.

        :param wechat.app app: The app.
        :param str kind: The kind of the templates.
        :param dict listed: Values by WeChat's id of the template.
        :return: The templates, by WeChat's id.
        :rtype: dict[str, wechat.message.template]
        """
        templates = self.with_context(active_test=False)
        known = templates.search([('app_id', '=', app.id), ('kind', '=', kind)])
        known_by_id = {template.template_id: template for template in known}
        stored = {}
        for template_id, values in listed.items():
            values = {**values, 'active': True}
            template = known_by_id.get(template_id)
            if not template:
                template = templates.create({
                    'app_id': app.id, 'template_id': template_id, 'kind': kind, **values,
                })
            elif any(template[name] != value for name, value in values.items()):
                template.write(values)
            stored[template_id] = template
        known.filtered(
            lambda template: template.active and template.template_id not in listed,
        ).action_archive()
        return stored

    # === RENDERING === #

    def _render_values(self, record):
        """Return what the fields of the template are filled with for a record.

        :param record: A record of the template's model.
        :return: The text of each field by its key.
        :rtype: dict[str, str]
        """
        self.ensure_one()
        return {line.key: line._render(record) for line in self.line_ids}

    def _find_problems(self, values):
        """Return what WeChat would refuse in the values of a message.

        :param dict values: The text of each field by its key.
        :return: Sentences; empty if everything fits.
        :rtype: list[str]
        """
        self.ensure_one()
        problems = []
        for line in self.line_ids:
            value = values.get(line.key)
            if not value:
                problems.append(self.env._("%(label)s is empty.", label=line.label))
            elif not message_values.is_valid(line.value_type, value):
                problems.append(self.env._(
                    "%(label)s: “%(value)s” does not fit. %(rule)s",
                    label=line.label, value=value, rule=line.rule,
                ))
        return problems

    def _prepare_payload(self, record, values):
        """Return what is sent beside the recipient. Addons add what their kind knows.

        :param record: A record of the template's model.
        :param dict values: The text of each field by its key.
        :return: `data`, and `url` and `miniprogram` or `page` if there are.
        :rtype: dict
        """
        self.ensure_one()
        return {'data': {key: {'value': value} for key, value in values.items()}}

    def _render_url(self, record):
        """Return the complete address of the page to open; empty if there is none.

        :rtype: str
        """
        url = rendering.render(record, self.url).strip() if self.jump == 'url' else ''
        if url.startswith('/'):
            url = self.get_base_url() + url
        return url if url.startswith(('https://', 'http://')) else ''

    def _localized(self, record, partner):
        """Return a record whose texts are in the language and time zone of a contact."""
        return record.with_context(
            lang=partner.lang or self.app_id.lang or self.env.lang,
            tz=partner.tz or self.env.context.get('tz') or rendering.DEFAULT_TIMEZONE,
        )

    # === SENDING === #

    def _get_partner(self, record):
        """Return the contact who gets the message about a record.

        :rtype: res.partner
        """
        if record._name == 'res.partner' and self.partner_path == 'id':
            return record
        partner = record
        for name in (self.partner_path or '').split('.'):
            partner = partner[name] if name else record.env['res.partner']
        return partner[:1]

    def _get_identity(self, partner):
        """Return the identity that WeChat sends a message for a contact to.

        :rtype: wechat.identity
        """
        identities = self.env['wechat.identity'].sudo()
        if not partner:
            return identities
        found = identities.search([
            ('app_id', '=', self.app_id.id),
            '|', ('partner_id', '=', partner.id), ('user_id.partner_id', '=', partner.id),
        ])
        return found.sorted(lambda identity: (
            identity._get_message_rank(), bool(identity.last_login), identity.last_login,
            identity.id,
        ), reverse=True)[:1]

    def _queue(self, records):
        """Note a message for each record, to be sent by the scheduled job.

        What cannot be sent is noted as failed, with the reason: a business flow does not end
        because somebody does not follow the account.

        :param records: Records of the template's model; the caller has checked the access.
        :return: What was noted, in sudo.
        :rtype: wechat.message.log
        """
        self.ensure_one()
        template = self.sudo()
        logs = self.env['wechat.message.log'].sudo().create([
            template._prepare_log(record) for record in records.sudo()
        ])
        if any(log.state == 'queued' for log in logs):
            self.env.ref('wechat.cron_send_messages').sudo()._trigger()
        return logs

    def _prepare_log(self, record):
        """Return the values of the log entry of a message about a record.

        :rtype: dict
        """
        values = {
            'app_id': self.app_id.id,
            'template_id': self.id,
            'kind': self.kind,
            'res_model': record._name,
            'res_id': record.id,
        }
        try:
            partner = self._get_partner(record)
            identity = self._get_identity(partner)
            values.update(partner_id=partner.id, identity_id=identity.id)
            values.update(self._prepare_log_message(self._localized(record, partner), identity))
        except (WeChatError, UserError) as error:
            values.update(
                state='failed', error=str(error), error_code=getattr(error, 'code', 'bad_request'),
            )
        return values

    def _prepare_log_message(self, record, identity):
        """Return the part of a log entry that is about the message itself.

        :rtype: dict
        :raise UserError: If it cannot be sent, with the reason.
        """
        if not self.active:
            raise UserError(self.env._(
                "The template is archived: the account has it no longer."
            ))
        if not self.is_ready:
            raise UserError(self.env._(
                "The template is not ready: choose what each of its fields is filled with."
            ))
        if not identity:
            raise WeChatError(self.env._(
                "The contact has no WeChat identity in %(app)s: they have neither logged in with it"
                " nor are they among its followers that Odoo knows.",
                app=self.app_id.name,
            ), code='not_linked')
        identity._check_may_receive(self)
        values = self._render_values(record)
        problems = self._find_problems(values)
        if problems:
            raise UserError(' '.join(problems))
        return {'state': 'queued', 'payload': self._prepare_payload(record, values)}
