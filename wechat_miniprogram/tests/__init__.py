# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import (
    test_access,
    test_authenticate,
    test_codes,
    test_concurrency,
    test_credential,
    test_internal_users,
    test_person,
    test_refusals,
    test_sandbox_login,
)
