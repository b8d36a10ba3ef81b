# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat",
    'version': '19.0.1.0.0',
    'category': 'Website/WeChat',
    'sequence': 200,
    'summary': "The platform of the WeChat addons: apps, identities, tokens and the API client",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['base_setup'],
    'external_dependencies': {'python': ['requests', 'pycryptodome']},
    'data': [
        'security/wechat_groups.xml',
        'security/ir.model.access.csv',
        'security/wechat_rules.xml',

        'views/wechat_app_views.xml',
        'views/wechat_identity_views.xml',
        'views/res_users_views.xml',
        'views/res_config_settings_views.xml',
        'views/wechat_menus.xml',  # Depends on the actions of the other views.
    ],
    'application': True,
}
