# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_customer, test_sandbox_till_v2, test_till
