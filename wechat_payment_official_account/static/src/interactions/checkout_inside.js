import { loadJS } from '@web/core/assets';
import { patch } from '@web/core/utils/patch';
import { patchDynamicContent } from '@web/public/utils';
import { WechatPayCheckout } from '@wechat_payment/interactions/checkout';

// WeChat's own script; a page inside a mini-program reaches the mini-program by it.
const JSSDK = 'https://res.wx.qq.com/open/js/jweixin-1.6.0.js';
// WeChat puts its functions into the page some time after it is shown.
const BRIDGE_PATIENCE = 5000;
// After this a customer who has not paid is let back, whatever WeChat told the page.
const CONFIRMATION_PATIENCE = 15000;

/**
 * Return WeChat's functions for pages.
 *
 * @return {Promise<object|null>} `WeixinJSBridge`; null if WeChat does not bring it.
 */
function findBridge() {
    if (window.WeixinJSBridge) {
        return Promise.resolve(window.WeixinJSBridge);
    }
    return new Promise(resolve => {
        const settle = () => {
            clearTimeout(timer);
            document.removeEventListener('WeixinJSBridgeReady', settle);
            resolve(window.WeixinJSBridge || null);
        };
        const timer = setTimeout(settle, BRIDGE_PATIENCE);
        document.addEventListener('WeixinJSBridgeReady', settle);
    });
}

/**
 * The payment page inside WeChat: it opens WeChat's payment sheet, or, in a mini-program, the
 * mini-program's payment page. What these tell is shown; what is true Odoo asks WeChat Pay.
 */
patch(WechatPayCheckout.prototype, {

    setup() {
        super.setup();
        this.handoverUrl = this.el.dataset.handoverUrl || '';
        this.payment = null;
        this.note = '';
        this.detail = '';
        this.isScan = false;
        this.isPayWanted = false;
        this.isUnconfirmed = false;
        this.endedReference = null;
        this.confirmationTimer = null;
        patchDynamicContent(this.dynamicContent, {
            '.o_wechat_pay_note': {
                't-att-class': el => ({ 'd-none': el.dataset.note !== this.note }),
            },
            '[name="o_wechat_pay_detail"]': { 't-out': () => this.detail },
            '[name="o_wechat_pay_invoke"]': {
                't-on-click': this.payAgain.bind(this),
                't-att-disabled': () => this.isBusy,
            },
            '[name="o_wechat_pay_scan"]': {
                't-on-click': this.scanInstead.bind(this),
                't-att-class': () => ({ 'd-none': !['failed', 'missing'].includes(this.note) }),
            },
            '[name="o_wechat_pay_unconfirmed"]': {
                't-on-click': this.payAgain.bind(this),
                't-att-class': () => ({ 'd-none': !this.isUnconfirmed }),
            },
            '[name="o_wechat_pay_hand_over"]': { 't-on-click': this.handOver.bind(this) },
        });
    },

    // #=== CALLS ===#

    /**
     * @override
     */
    call(route, params = {}) {
        const isScan = this.isScan && route === 'start';
        return super.call(route, isScan ? { ...params, scan: true } : params);
    },

    /**
     * Inside a mini-program the mini-program places the order.
     *
     * @override
     */
    async place(retry = false, attempt = 1) {
        if (!this.handoverUrl) {
            return super.place(retry, attempt);
        }
        this.stopTimers();
        const isEnded = ['cancel', 'error'].includes(this.el.dataset.state);
        if (retry) {
            // What ended stays so until the mini-program begins anew.
            this.endedReference = this.reference;
        }
        this.section = 'miniprogram';
        this.updateContent();
        this.schedulePoll();
        if (retry || !isEnded && this.isFirstTime()) {
            await this.handOver();
        }
    },

    /**
     * @override
     */
    async poll(check = false) {
        return super.poll(check || this.section === 'checking');
    },

    // #=== PAYING INSIDE WECHAT ===#

    /**
     * Open WeChat's payment sheet for the placed order.
     *
     * @return {Promise<void>}
     */
    async invoke() {
        const payment = this.payment;
        const bridge = await this.waitFor(findBridge());
        if (payment !== this.payment || this.section !== 'jsapi') {
            return; // The order was renewed meanwhile.
        }
        if (!bridge) {
            this.note = 'missing';
            this.updateContent();
            return;
        }
        bridge.invoke('getBrandWCPayRequest', payment, answer => {
            if (!this.isDestroyed) {
                this.onPaymentTold(answer || {});
            }
        });
    },

    /**
     * Show what WeChat's payment sheet told, and find out what is true.
     *
     * @param {object} answer - `err_msg`: `get_brand_wcpay_request:ok`, `:cancel` or `:fail`, and
     *     perhaps `err_desc`.
     * @return {void}
     */
    onPaymentTold(answer) {
        const outcome = String(answer.err_msg || '').split(':')[1];
        if (outcome === 'ok') {
            this.section = 'checking';
            this.isUnconfirmed = false;
            this.confirmationTimer = this.waitForTimeout(() => {
                this.isUnconfirmed = true;
                this.updateContent();
            }, CONFIRMATION_PATIENCE);
        } else {
            this.note = outcome === 'cancel' ? 'cancelled' : 'failed';
            this.detail = outcome === 'cancel' ? '' : String(answer.err_desc || '');
        }
        this.updateContent();
        this.poll(true);
    },

    async payAgain() {
        this.isPayWanted = true;
        this.isBusy = true;
        this.note = '';
        this.updateContent();
        await this.place();
        this.isBusy = false;
        this.updateContent();
    },

    async scanInstead() {
        this.isScan = true;
        this.note = '';
        this.section = 'loading';
        this.updateContent();
        await this.place();
    },

    // #=== PAYING IN THE MINI-PROGRAM ===#

    /**
     * Have the mini-program open its payment page on top of this one.
     *
     * @return {Promise<void>}
     */
    async handOver() {
        this.note = '';
        this.updateContent();
        if (!window.wx?.miniProgram) {
            try {
                await this.waitFor(loadJS(JSSDK));
            } catch {
                // Without it there is no way, as the next line says.
            }
        }
        if (!window.wx?.miniProgram) {
            this.onHandOverFailed({});
            return;
        }
        window.wx.miniProgram.navigateTo({
            url: this.handoverUrl,
            fail: failure => this.onHandOverFailed(failure || {}),
        });
    },

    onHandOverFailed(failure) {
        this.note = 'failed';
        this.detail = String(failure.errMsg || '');
        this.updateContent();
    },

    // #=== WHAT IS SHOWN ===#

    /**
     * @override
     */
    get isWaiting() {
        return super.isWaiting || ['jsapi', 'checking', 'miniprogram'].includes(this.section);
    },

    /**
     * @override
     */
    showOrder(values) {
        if (values.kind !== 'JSAPI') {
            return super.showOrder(values);
        }
        this.payment = values.payment;
        this.section = 'jsapi';
        if (this.isPayWanted || this.isFirstTime()) {
            this.isPayWanted = false;
            this.waitForTimeout(() => this.invoke(), 0);
        }
        return true;
    },

    /**
     * @override
     */
    showState(values) {
        const isEnded = ['cancel', 'error'].includes(values.state);
        if (isEnded && this.reference === this.endedReference) {
            return;
        }
        super.showState(values);
    },

    /**
     * @override
     */
    async check() {
        await super.check();
        this.isUnpaid = ['h5', 'miniprogram'].includes(this.section);
        this.updateContent();
    },

    /**
     * @override
     */
    onVisibilityChange() {
        if (!document.hidden && this.section === 'miniprogram') {
            this.poll(true); // Back from the mini-program's page.
        } else {
            super.onVisibilityChange();
        }
    },

    /**
     * Tell whether WeChat was not opened for this order yet: who comes back, or reloads the page,
     * decides with the buttons.
     *
     * @return {boolean}
     */
    isFirstTime() {
        const key = `wechat_payment.opened.${this.reference}`;
        const isFirst = !window.sessionStorage.getItem(key);
        window.sessionStorage.setItem(key, '1');
        return isFirst;
    },

    /**
     * @override
     */
    stopTimers() {
        super.stopTimers();
        clearTimeout(this.confirmationTimer);
    },
});
