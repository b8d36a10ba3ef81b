# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import (
    test_checkout,
    test_prepay,
    test_sandbox_codes,
    test_sandbox_companies,
    test_sandbox_versions,
)
