# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_codes, test_customer, test_sandbox_codes, test_sandbox_till_v2, test_till
