# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.wechat_payment.protocol import keys


class WechatPayCertificate(models.Model):
    _name = 'wechat.pay.certificate'
    _description = "WeChat Pay Platform Certificate"
    _order = 'effective_time desc, id desc'
    _rec_name = 'serial_no'

    provider_id = fields.Many2one(
        comodel_name='payment.provider', required=True, index=True, ondelete='cascade',
    )
    source = fields.Selection(
        selection=[('manual', "Entered by Hand"), ('fetched', "Fetched from WeChat Pay")],
        default='manual', required=True, readonly=True,
    )
    state = fields.Selection(
        string="Validity",
        selection=[('future', "Not Yet Valid"), ('valid', "Valid"), ('expired', "Expired")],
        compute='_compute_state',
        help="Expired certificates are kept to show what was trusted; nothing is verified with"
             " them.",
    )
    certificate = fields.Text(
        required=True,
        help="The platform certificate in PEM text, as the certificate tool of WeChat Pay saves"
             " it. It is public, and signs what WeChat Pay sends.",
    )
    serial_no = fields.Char(
        string="Serial Number", compute='_compute_from_certificate', store=True, readonly=True,
    )
    effective_time = fields.Datetime(
        string="Valid From", compute='_compute_from_certificate', store=True, readonly=True,
    )
    expire_time = fields.Datetime(
        string="Valid To", compute='_compute_from_certificate', store=True, readonly=True,
    )

    _provider_serial_no_uniq = models.Constraint(
        'UNIQUE (provider_id, serial_no)',
        "This platform certificate is already recorded for the provider.",
    )

    # === COMPUTE METHODS === #

    @api.depends('certificate')
    def _compute_from_certificate(self):
        for record in self:
            try:
                values = keys.read_certificate(record.certificate or '')
            except keys.KeyFormatError:
                values = {}  # `_check_certificate` says so when the record is saved.
            record.serial_no = values.get('serial_no')
            record.effective_time = values.get('effective_time')
            record.expire_time = values.get('expire_time')

    @api.depends('effective_time', 'expire_time')
    def _compute_state(self):
        now = fields.Datetime.now()
        for record in self:
            if not record.effective_time:
                record.state = False
            elif now < record.effective_time:
                record.state = 'future'
            else:
                record.state = 'valid' if now < record.expire_time else 'expired'

    # === CONSTRAINT METHODS === #

    @api.constrains('certificate')
    def _check_certificate(self):
        for record in self:
            try:
                keys.load_public_key(record.certificate)
                keys.read_certificate(record.certificate)
            except keys.KeyFormatError:
                raise ValidationError(self.env._(
                    "This is not a certificate in PEM text. Paste the whole file, from"
                    " -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."
                )) from None
            merchant_certificate = record.provider_id.sudo().wechat_merchant_certificate
            if merchant_certificate and record.certificate.strip() == merchant_certificate.strip():
                raise ValidationError(self.env._(
                    "This is the merchant's own certificate (apiclient_cert.pem). Platform"
                    " certificates are WeChat Pay's; most merchants use the WeChat Pay public key"
                    " instead and need none."
                ))

    # === BUSINESS METHODS === #

    def _filter_valid(self, now=None):
        """Return those that may sign now.

        :param datetime now: Naive UTC; default: now.
        :rtype: wechat.pay.certificate
        """
        now = now or fields.Datetime.now()
        return self.filtered(
            lambda c: c.effective_time and c.effective_time <= now < c.expire_time
        )
