# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat Pay",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Payment Providers',
    'sequence': 350,
    'summary': "Pay with WeChat Pay (API v3 and v2): website, phone, desktop, mini-program, app",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['wechat', 'payment'],
    'external_dependencies': {'python': ['pycryptodome', 'cryptography']},
    'data': [
        'security/wechat_payment_groups.xml',
        'security/ir.model.access.csv',
        'security/wechat_payment_security.xml',
        'views/payment_wechat_pay_templates.xml',  # Depends on nothing, the provider on it.
        'data/payment_provider_data.xml',
        'data/ir_cron_data.xml',
        'data/ir_cron_certificates_data.xml',
        'data/ir_cron_report_data.xml',
        'views/wechat_pay_certificate_views.xml',
        'views/payment_provider_views.xml',
        'views/payment_provider_report_views.xml',
        'wizards/wechat_pay_refund_views.xml',
        'wizards/wechat_pay_fetch_comments_views.xml',
        'views/wechat_pay_comment_views.xml',
        'views/payment_transaction_views.xml',
        'views/payment_provider_code_views.xml',
        'views/wechat_cashier_views.xml',
        'views/res_config_settings_views.xml',
    ],
    'assets': {
        'web.assets_frontend': [
            'wechat_payment/static/src/interactions/**/*',
            'wechat_payment/static/src/scss/**/*',
        ],
        'web.assets_backend': [
            'wechat_payment/static/src/cashier/**/*',
        ],
    },
    'post_init_hook': 'post_init_hook',
    'uninstall_hook': 'uninstall_hook',
}
