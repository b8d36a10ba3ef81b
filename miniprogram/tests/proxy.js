// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// A bad connection: a proxy before Odoo that loses what it is told to lose.

const http = require('node:http')
const {URL_OF_ODOO} = require('./shop')
const {send} = require('./wx')

/**
 * Faults strike in order, each one request whose path fits:
 * {path: RegExp, lose: 'request' | 'answer'} or {path, status} or {path, body}.
 */
class Proxy {
  static async start() {
    const proxy = new Proxy()
    proxy.faults = []
    proxy.seen = []   // {path, body} as they came in
    proxy.passed = []   // those that Odoo got
    proxy.server = http.createServer((request, answer) => {
      proxy.serve(request, answer).catch(() => request.socket.destroy())
    })
    await new Promise((resolve) => { proxy.server.listen(0, '127.0.0.1', resolve) })
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`
    return proxy
  }

  async serve(request, answer) {
    const parts = []
    for await (const part of request) {
      parts.push(part)
    }
    const body = Buffer.concat(parts)
    const item = {path: request.url, body: body.toString(), headers: request.headers}
    this.seen.push(item)
    const index = this.faults.findIndex((fault) => fault.path.test(request.url))
    const fault = index < 0 ? {} : this.faults.splice(index, 1)[0]
    if (fault.lose === 'request') {
      request.socket.destroy()
      return
    }
    if (fault.status) {
      answer.writeHead(fault.status, fault.headers)
      answer.end(fault.body)
      return
    }
    this.passed.push(item)
    const headers = {...request.headers}
    delete headers.connection
    const real = await send(URL_OF_ODOO + request.url, {method: request.method, headers, body})
    if (fault.lose === 'answer') {
      request.socket.destroy()
      return
    }
    const {connection: _connection, 'transfer-encoding': _encoding, ...kept} = real.header
    answer.writeHead(real.statusCode, kept)
    answer.end(real.body)
  }

  count(path) {
    return this.seen.filter((item) => path.test(item.path)).length
  }

  close() {
    this.server.closeAllConnections()
    this.server.close()
  }
}

module.exports = {Proxy}
