# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Mappings of the addon, each with its source."""

# Ways to log in on the web and in apps, with the type of app that each needs (wechat-platform.md
# 5.1) and the scopes that may be asked for there; the first one is the default.
OAUTH_APP_TYPES = {'mp': 'official_account', 'qrcode': 'website', 'mobile': 'mobile'}
OAUTH_SCOPES = {
    'mp': ('snsapi_base', 'snsapi_userinfo'),
    'qrcode': ('snsapi_login',),
    'mobile': ('snsapi_userinfo',),
}

# What pages may use of WeChat's JavaScript interfaces unless the app says otherwise
# (wechat-platform.md 4.1: the list of chiki, with the present names of sharing before the old).
JS_API_LIST = (
    'updateTimelineShareData', 'updateAppMessageShareData',
    'onMenuShareTimeline', 'onMenuShareAppMessage', 'onMenuShareQQ', 'onMenuShareWeibo',
    'onMenuShareQZone',
    'startRecord', 'stopRecord', 'onVoiceRecordEnd', 'playVoice', 'pauseVoice', 'stopVoice',
    'onVoicePlayEnd', 'uploadVoice', 'downloadVoice', 'translateVoice',
    'chooseImage', 'previewImage', 'uploadImage', 'downloadImage',
    'getNetworkType', 'openLocation', 'getLocation',
    'hideOptionMenu', 'showOptionMenu', 'hideMenuItems', 'showMenuItems',
    'hideAllNonBaseMenuItem', 'showAllNonBaseMenuItem', 'closeWindow',
    'scanQRCode', 'chooseWXPay', 'openProductSpecificView',
    'addCard', 'chooseCard', 'openCard',
)
