// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
module.exports = {
  // Where Odoo is. A mini-program that is published needs https and a host that is among its
  // server domain names (request and uploadFile); in the developer tools any address works.
  baseUrl: 'http://127.0.0.1:8069',
  // Subscribe message templates to ask consent for after a payment; at most five.
  templateIds: []
}
