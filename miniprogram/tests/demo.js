// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The demo's pages by Tencent's miniprogram-simulate, on a phone of wx.js, against Odoo.

const path = require('node:path')
const {JSDOM} = require('jsdom')
const {URL_OF_ODOO} = require('./shop')
const {Phone} = require('./wx')

const dom = new JSDOM('<!doctype html><html><head></head><body></body></html>', {
  pretendToBeVisual: true
})
// Node has an Event of its own, which jsdom does not take.
for (const name of ['Event', 'CustomEvent', 'HTMLElement', 'Element', 'Node', 'document']) {
  Object.defineProperty(global, name, {value: dom.window[name], configurable: true, writable: true})
}
global.window = dom.window
const simulate = require('miniprogram-simulate')

const DEMO = path.join(__dirname, '..', 'demo')

/** A phone with the demo on it. */
class Demo {
  constructor(options = {}) {
    this.phone = new Phone(options)
    Object.assign(this.phone.wx, {
      chooseAddress: ({success}) => success({
        userName: '王小明', telNumber: '13800138000', postalCode: '310012', provinceName: '浙江省',
        cityName: '杭州市', countyName: '西湖区', detailInfo: '文三路1号', ...this.address
      })
    })
    global.wx = this.phone.wx
    for (const file of Object.keys(require.cache)) {
      if (file.startsWith(DEMO)) {
        delete require.cache[file]
      }
    }
    require(path.join(DEMO, 'config')).baseUrl = URL_OF_ODOO
    this.shop = require(path.join(DEMO, 'lib', 'shop'))
  }

  /** Open a page as WeChat does; resolves when it has loaded what it shows. */
  async open(name, options = {}) {
    const id = simulate.load(path.join(DEMO, 'pages', name, name), {rootPath: DEMO})
    const page = simulate.render(id)
    page.attach(dom.window.document.createElement('div'))
    const opened = new Page(page)
    await (page.instance.onLoad && page.instance.onLoad(options))
    await page.instance.onShow()
    if ('loading' in page.data && name !== 'me') {
      await opened.until(() => !page.data.loading)
    }
    return opened
  }

  /** What the phone was told to show or open, the last one of a kind. */
  last(name) {
    const found = this.phone.calls.filter(([called]) => called === name).at(-1)
    return found && found[1]
  }
}

class Page {
  constructor(component) {
    this.component = component
  }

  get data() { return this.component.data }

  /** What is to be read on it, its pieces with blanks between them. */
  get text() {
    const walker = dom.window.document.createTreeWalker(this.component.dom, 4)
    const pieces = []
    while (walker.nextNode()) {
      pieces.push(walker.currentNode.data)
    }
    return pieces.join(' ').replace(/\s+/g, ' ').trim()
  }

  all(selector) { return this.component.querySelectorAll(selector) }

  /** Let something happen to a part of the page, and wait until the page is at rest again. */
  async happen(selector, event, detail = {}, index = 0) {
    const part = this.all(selector)[index]
    if (!part) {
      throw new Error(`there is no ${selector} on the page: ${this.text}`)
    }
    part.dispatchEvent(event, {bubbles: true, composed: true, detail})
    await simulate.sleep(20)
    await this.until(() => !this.data.busy)
    await simulate.sleep(20)
  }

  tap(selector, index = 0) {
    return this.happen(selector, 'tap', {}, index)
  }

  async until(condition, seconds = 15) {
    const end = Date.now() + seconds * 1000
    while (!condition()) {
      if (Date.now() > end) {
        throw new Error(`not within ${seconds} s; the page says: ${this.text}`)
      }
      await simulate.sleep(20)
    }
  }
}

module.exports = {Demo}
