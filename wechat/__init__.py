# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import exceptions
from . import protocol
from . import transport
from . import models
