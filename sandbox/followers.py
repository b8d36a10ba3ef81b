# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The followers of an official account."""

from .accounts import check_account, refusal
from .platform import require_get, require_post_json

LANGUAGES = ('zh_CN', 'zh_TW', 'en')
MOST_AT_ONCE = 100


def list_followers(world, request):
    """GET /cgi-bin/user/get: 10,000 openids at a time, from the one after next_openid on."""
    require_get(request)
    with world.lock:
        account = check_account(world, request)
        openids = [
            world.openid(world.users[name], account.appid) for name in account.followers
        ]
        start = 0
        after = request.params().get('next_openid')
        if after:
            if after not in openids:
                raise refusal(40003, "next_openid is no follower")
            start = openids.index(after) + 1
        page = openids[start:start + account.follower_page]
        answer = {'total': len(openids), 'count': len(page), 'next_openid': ''}
        if page:
            answer['data'] = {'openid': page}
            answer['next_openid'] = page[-1]
        return answer


def _information(world, account, openid, lang):
    user = world.user_of_openid(openid, account.appid) if isinstance(openid, str) else None
    if not user:
        raise refusal(40003, "this is no openid of the account")
    if lang not in LANGUAGES:
        raise refusal(40097, f"lang must be one of {', '.join(LANGUAGES)}")
    answer = {'subscribe': int(user.user in account.followers), 'openid': openid}
    unionid = world.unionid(user, account.appid)
    if answer['subscribe']:
        # Names and pictures are empty since 2021-12-27.
        answer |= {
            'nickname': '', 'sex': 0, 'language': lang, 'city': '', 'province': '', 'country': '',
            'headimgurl': '', 'subscribe_time': int(account.followers[user.user]), 'remark': '',
            'groupid': 0, 'tagid_list': [], 'subscribe_scene': 'ADD_SCENE_QR_CODE', 'qr_scene': 0,
            'qr_scene_str': '',
        }
        if unionid:
            answer['unionid'] = unionid
    return answer


def information(world, request):
    """GET /cgi-bin/user/info."""
    require_get(request)
    with world.lock:
        account = check_account(world, request)
        values = request.params()
        return _information(world, account, values.get('openid'), values.get('lang', 'zh_CN'))


def information_of_many(world, request):
    """POST /cgi-bin/user/info/batchget: up to 100 people."""
    body = require_post_json(request)
    with world.lock:
        account = check_account(world, request)
        people = body.get('user_list')
        if not isinstance(people, list):
            raise refusal(47001, "user_list is missing or no list")
        if not 1 <= len(people) <= MOST_AT_ONCE:
            raise refusal(40032, f"{len(people)} people at once; 1 to {MOST_AT_ONCE} are allowed")
        if not all(isinstance(item, dict) and not set(item) - {'openid', 'lang'}
                   for item in people):
            raise refusal(47001, "user_list is a list of {openid, lang}")
        return {'user_info_list': [
            _information(world, account, item.get('openid'), item.get('lang', 'zh_CN'))
            for item in people
        ]}


PATHS = {
    '/cgi-bin/user/get': list_followers,
    '/cgi-bin/user/info': information,
    '/cgi-bin/user/info/batchget': information_of_many,
}
