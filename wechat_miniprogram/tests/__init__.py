# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import (
    test_access,
    test_authenticate,
    test_avatar,
    test_codes,
    test_concurrency,
    test_content,
    test_credential,
    test_internal_users,
    test_person,
    test_phone,
    test_refusals,
    test_sandbox_login,
    test_user_info_route,
)
