# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import (
    test_access,
    test_app,
    test_call,
    test_concurrency,
    test_neutralize,
    test_request,
    test_secrets,
    test_settings,
    test_token,
    test_transport,
    test_user_info,
    test_views,
)
