# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import test_authorize, test_authorizer, test_component_concurrency, test_ticket
