# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_identification, test_miniprogram, test_sandbox_browser, test_sandbox_miniprogram
