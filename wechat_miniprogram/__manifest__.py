# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    'name': "WeChat Mini-program",
    'version': '19.0.1.0.0',
    'category': 'Website/WeChat',
    'summary': "Log mini-program customers into Odoo",
    'author': "Odoo WeChat contributors",
    'license': 'LGPL-3',
    'depends': ['wechat'],
    'external_dependencies': {'python': ['pycryptodome']},
    'data': [
        'security/ir.model.access.csv',
        'security/wechat_people_rules.xml',
        'security/wechat_reaching_rules.xml',

        'report/wechat_miniprogram_code_report.xml',
        'views/wechat_miniprogram_page_views.xml',
        'views/wechat_scene_views.xml',
        'data/ir_cron_content_data.xml',
        'views/wechat_content_check_views.xml',
        'views/wechat_app_reaching_views.xml',
        'wizards/wechat_miniprogram_code_views.xml',
        'wizards/wechat_miniprogram_link_views.xml',
        'wizards/wechat_user_merge_views.xml',
        'views/wechat_app_people_views.xml',
        'views/wechat_identity_views.xml',
        'views/wechat_session_views.xml',
        'views/res_users_views.xml',
        'views/res_config_settings_views.xml',
        'views/wechat_people_menus.xml',
        'views/wechat_reaching_menus.xml',  # Depends on the actions of the other views.
    ],
}
