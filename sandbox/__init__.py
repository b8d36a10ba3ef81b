# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A WeChat to develop against: one local server that plays the platform and WeChat Pay.

It is an independent second reading of the protocol and shares no line with the addons.
"""
