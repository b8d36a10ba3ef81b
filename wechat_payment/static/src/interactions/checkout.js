import { rpc, RPCError } from '@web/core/network/rpc';
import { registry } from '@web/core/registry';
import { Interaction } from '@web/public/interaction';

const POLL_DELAY = 2000;
const HIDDEN_POLL_DELAY = 10000;
// Somebody else holds the order for a moment: tried again before the customer is told.
const BUSY_DELAY = 1500;
const BUSY_ATTEMPTS = 3;

/**
 * The page on which a customer of the website or the portal pays with WeChat Pay.
 *
 * It places the order when it opens, shows the QR code or the way to WeChat, renews what expires,
 * and asks Odoo every two seconds whether the payment has arrived. All texts are in the template.
 */
export class WechatPayCheckout extends Interaction {
    static selector = 'div[name="o_wechat_pay_checkout"]';
    dynamicContent = {
        '.o_wechat_pay_section': {
            't-att-class': el => ({ 'd-none': el.dataset.section !== this.section }),
        },
        '[name="o_wechat_pay_qr"]': { 't-att-src': () => this.image },
        '[name="o_wechat_pay_reference"]': { 't-out': () => this.reference },
        '[name="o_wechat_pay_open"]': { 't-att-href': () => this.url || '#' },
        '[name="o_wechat_pay_check"]': {
            't-on-click': this.check,
            't-att-disabled': () => this.isBusy,
        },
        '[name="o_wechat_pay_unpaid"]': { 't-att-class': () => ({ 'd-none': !this.isUnpaid }) },
        '[name="o_wechat_pay_message"]': {
            't-out': () => this.message || Interaction.INITIAL_VALUE,
        },
        '[name="o_wechat_pay_retry"]': {
            't-on-click': this.retry,
            't-att-class': () => ({ 'd-none': !this.canRetry }),
        },
        '[name="o_wechat_pay_cancel"]': {
            't-on-click': this.cancel,
            't-att-disabled': () => this.isBusy,
        },
        '[name="o_wechat_pay_cancel_box"]': {
            't-att-class': () => ({ 'd-none': !this.isWaiting }),
        },
        '[name="o_wechat_pay_cancel_error"]': {
            't-out': () => this.cancelError,
            't-att-class': () => ({ 'd-none': !this.cancelError }),
        },
        _document: { 't-on-visibilitychange': this.onVisibilityChange },
    };

    setup() {
        this.reference = this.el.dataset.reference;
        this.accessToken = this.el.dataset.accessToken;
        this.isReturned = Boolean(this.el.dataset.isReturned);
        this.section = 'loading';
        this.image = '';
        this.url = '';
        this.message = '';
        this.cancelError = '';
        this.canRetry = true;
        this.isBusy = false;
        this.isUnpaid = false;
        this.pollTimer = null;
        this.renewTimer = null;
        this.registerCleanup(() => this.stopTimers());
    }

    start() {
        this.place();
        if (this.isReturned) {
            this.poll(true);
        }
    }

    // #=== CALLS ===#

    /**
     * Call a route of the payment page.
     *
     * @param {string} route - The last part of the route.
     * @param {object} params - Parameters beside the transaction.
     * @return {Promise<object>}
     */
    call(route, params = {}) {
        return this.waitFor(rpc(
            `/payment/wechat_pay/${route}`,
            { reference: this.reference, access_token: this.accessToken, ...params },
            { silent: true },
        ));
    }

    /**
     * Place the order, or renew what has expired, and show what to do with it.
     *
     * @param {boolean} retry - Whether the customer wants to pay again.
     * @param {number} attempt - How often the order was found busy already.
     * @return {Promise<void>}
     */
    async place(retry = false, attempt = 1) {
        this.stopTimers();
        let values;
        try {
            values = await this.call('start', { retry });
        } catch (error) {
            const code = error instanceof RPCError && error.data?.context?.code;
            if (code === 'wechat_busy' && attempt < BUSY_ATTEMPTS) {
                this.pollTimer = this.waitForTimeout(
                    () => this.place(retry, attempt + 1), BUSY_DELAY,
                );
                return;
            }
            this.showError(error, code);
            return;
        }
        this.adopt(values);
        this.cancelError = '';
        if (!this.showOrder(values)) {
            this.showState(values);
            return;
        }
        this.updateContent();
        this.renewTimer = this.waitForTimeout(() => this.place(), values.expires_in * 1000);
        this.schedulePoll();
        if (values.kind === 'H5') {
            this.openOnce();
        }
    }

    /**
     * Ask Odoo for the state of the payment, and show it if it is final.
     *
     * @param {boolean} check - Whether WeChat Pay is to be asked first.
     * @return {Promise<void>}
     */
    async poll(check = false) {
        try {
            const values = await this.call('poll', { check });
            this.adopt(values);
            this.showState(values);
        } catch (error) {
            const isRefused = error instanceof RPCError && error.data?.context?.code;
            if (isRefused) {
                this.showError(error, isRefused);
                return;
            }
            // No connection for a moment: the next time may do.
        }
        if (this.isWaiting) {
            this.schedulePoll();
        }
    }

    // #=== EVENT HANDLERS ===#

    async check() {
        this.isBusy = true;
        this.isUnpaid = false;
        this.updateContent();
        await this.poll(true);
        this.isBusy = false;
        this.isUnpaid = this.section === 'h5';
        this.updateContent();
    }

    async retry() {
        this.section = 'loading';
        this.updateContent();
        await this.place(true);
    }

    async cancel() {
        this.isBusy = true;
        this.updateContent();
        try {
            const { route } = await this.call('cancel');
            this.stopTimers();
            window.location = route;
        } catch (error) {
            this.isBusy = false;
            this.cancelError = error instanceof RPCError ? error.data.message : error.message;
            this.updateContent();
        }
    }

    onVisibilityChange() {
        if (!document.hidden && this.isWaiting) {
            this.poll(this.section === 'h5'); // Back from WeChat.
        }
    }

    // #=== WHAT IS SHOWN ===#

    /**
     * Whether the page waits for a payment.
     */
    get isWaiting() {
        return ['native', 'h5'].includes(this.section);
    }

    /**
     * Go on as the page of the transaction that took the place of this page's one.
     *
     * @param {object} values - `reference`, `access_token` and `path`; none if it is the same.
     * @return {void}
     */
    adopt(values) {
        if (!values.reference || values.reference === this.reference) {
            return;
        }
        // A reload must show the new order.
        window.history.replaceState({}, '', values.path);
        this.reference = values.reference;
        this.accessToken = values.access_token;
    }

    /**
     * Show what to do with a placed order. Other ways of paying are added here.
     *
     * @param {object} values - `kind` and what belongs to it.
     * @return {boolean} Whether there is something to do.
     */
    showOrder(values) {
        if (values.kind === 'NATIVE') {
            this.image = values.image;
            this.section = 'native';
        } else if (values.kind === 'H5') {
            this.url = values.url;
            this.section = 'h5';
        } else {
            return false;
        }
        return true;
    }

    /**
     * Show a state from which this page does not continue; ignore the others.
     *
     * @param {object} values - `state` and `message`.
     * @return {void}
     */
    showState({ state, message }) {
        if (['done', 'authorized'].includes(state)) {
            this.stopTimers();
            this.section = 'done';
            window.location = '/payment/status';
        } else if (['cancel', 'error'].includes(state)) {
            this.stopTimers();
            this.section = 'ended';
            this.message = message;
            this.canRetry = true;
        }
        this.updateContent();
    }

    /**
     * Show why a call did not work.
     *
     * @param {Error} error - What was raised.
     * @param {string} code - The code word, if Odoo refused.
     * @return {void}
     */
    showError(error, code) {
        this.stopTimers();
        this.section = 'error';
        this.message = code ? error.data.message : '';
        this.canRetry = !['not_payable', 'bad_request'].includes(code);
        this.updateContent();
    }

    // #=== TIMERS ===#

    schedulePoll() {
        clearTimeout(this.pollTimer);
        this.pollTimer = this.waitForTimeout(
            () => this.poll(), document.hidden ? HIDDEN_POLL_DELAY : POLL_DELAY,
        );
    }

    stopTimers() {
        clearTimeout(this.pollTimer);
        clearTimeout(this.renewTimer);
    }

    /**
     * Go to WeChat by itself, once per order: who comes back decides with the buttons.
     *
     * @return {void}
     */
    openOnce() {
        const key = `wechat_payment.opened.${this.reference}`;
        if (this.isReturned || window.sessionStorage.getItem(key)) {
            return;
        }
        window.sessionStorage.setItem(key, '1');
        window.location = this.url;
    }
}

registry.category('public.interactions').add('wechat_payment.checkout', WechatPayCheckout);
