# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat Open Platform",
    'version': '19.0.1.0.0',
    'category': 'Website/WeChat',
    'summary': "Act for other accounts as a third-party platform: authorisation, tokens, messages",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['wechat'],
    'external_dependencies': {'python': ['pycryptodome']},
    'data': [
        'security/ir.model.access.csv',
        'security/wechat_open_platform_rules.xml',

        'data/ir_cron_authorization_data.xml',

        'views/wechat_authorization_views.xml',
        'views/wechat_app_views.xml',
        'views/wechat_authorize_templates.xml',
        'views/wechat_open_platform_menus.xml',  # Depends on the actions of the other views.
    ],
}
