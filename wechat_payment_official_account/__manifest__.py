# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat Pay: Pages Inside WeChat",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Payment Providers',
    'summary': "Pay on web pages inside WeChat and inside mini-programs",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['wechat_payment', 'wechat_official_account'],
    'data': [
        'views/payment_provider_views.xml',
        'views/payment_wechat_pay_templates.xml',
    ],
    'assets': {
        'web.assets_frontend': [
            'wechat_payment_official_account/static/src/**/*',
        ],
    },
    'auto_install': True,
}
