# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat Official Account",
    'version': '19.0.1.0.0',
    'category': 'Website/WeChat',
    'summary': "Log in on web pages with WeChat, JSSDK, messages of official accounts",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['wechat', 'portal'],
    'external_dependencies': {'python': ['pycryptodome']},
    'data': [
        'security/ir.model.access.csv',
        'security/wechat_official_account_rules.xml',

        'data/ir_cron_followers_data.xml',

        'views/wechat_previews.xml',
        'views/wechat_reply_rule_views.xml',
        'views/wechat_menu_views.xml',
        'views/wechat_follower_views.xml',
        'views/res_config_settings_views.xml',
        'views/wechat_app_views.xml',
        'views/wechat_app_oauth_views.xml',
        'views/wechat_oauth_templates.xml',
        'views/portal_templates.xml',
        'views/res_users_views.xml',
        'views/wechat_official_account_menus.xml',  # Depends on the actions of the other views.
    ],
}
