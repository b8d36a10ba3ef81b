# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import codes, content_checks, phone_numbers, profile, subscriptions, user_data
