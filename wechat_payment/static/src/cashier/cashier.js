import { _t } from "@web/core/l10n/translation";
import { browser } from "@web/core/browser/browser";
import { isBarcodeScannerSupported } from "@web/core/barcode/barcode_video_scanner";
import { scanBarcode } from "@web/core/barcode/barcode_dialog";
import { ConnectionLostError, RPCError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { Component, onMounted, onPatched, onWillStart, onWillUnmount, useRef, useState } from "@odoo/owl";

const POLL_INTERVAL = 1000;
// A lost connection is tried again this often: the same code for the same thing is one payment.
const MAX_RETRIES = 15;
const CODE = /^1[0-5][0-9]{16}$/;

/**
 * @param {Error} error
 * @returns {boolean} Whether Odoo says that somebody else is at it.
 */
function isBusy(error) {
    return error.data?.context?.code === "wechat_busy";
}

/**
 * The cashier's screen: scans the payment code on a customer's phone and shows what becomes of it.
 *
 * For a document (`action.params` with `model` and `id`), else for an amount that is typed in. Odoo
 * decides and remembers everything; the screen asks every second, which also makes Odoo take the
 * next step in time.
 */
export class WechatCashier extends Component {
    static template = "wechat_payment.Cashier";
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.codeInput = useRef("code");
        this.amountInput = useRef("amount");
        const params = this.props.action.params || {};
        this.document = params.model ? { model: params.model, id: params.id } : null;
        this.hasCamera = isBarcodeScannerSupported();
        this.isOpen = true;
        this.toFocus = null;
        this.state = useState({
            // `scan` until a code is sent, `sending`, then the phases of the server.
            phase: "scan",
            payable: null,
            problem: "",
            amount: "",
            description: "",
            hasCode: false,
            payment: null,
            secondsLeft: 0,
        });
        onWillStart(() => this.load());
        onMounted(() => this.focus());
        onPatched(() => this.focus());
        onWillUnmount(() => {
            this.isOpen = false;
            browser.clearTimeout(this.timer);
        });
    }

    // === GETTERS === //

    get isWaiting() {
        return ["sending", "asking", "password", "reversing"].includes(this.state.phase);
    }

    get isFinished() {
        return ["done", "cancel", "error"].includes(this.state.phase);
    }

    get canScan() {
        return this.state.phase === "scan" && (!this.document || this.state.payable);
    }

    get amountText() {
        const { payment, payable, amount } = this.state;
        if (payment) {
            return payment.formatted_amount;
        }
        return payable ? payable.formatted_amount : `¥ ${amount || "0.00"}`;
    }

    get statusText() {
        return {
            sending: _t("Charging the customer …"),
            asking: _t("Asking WeChat Pay …"),
            password: _t("The customer is entering the password"),
            reversing: _t("Reversing the payment …"),
            done: _t("Paid"),
            cancel: _t("Not paid"),
            error: _t("Not paid"),
        }[this.state.phase];
    }

    get helpText() {
        if (this.state.phase === "reversing") {
            return _t("Nothing is charged, or the money goes back. Please wait for the result.");
        }
        if (["asking", "password"].includes(this.state.phase) && this.state.secondsLeft) {
            return _t("Reversed in %s s if it is not paid.", this.state.secondsLeft);
        }
        return this.state.phase === "done" ? "" : this.state.problem;
    }

    // === LOADING === //

    /** Ask what is to be paid; a payment that is under way is followed. */
    async load() {
        this.toFocus = this.document ? "code" : "amount";
        if (!this.document) {
            return;
        }
        try {
            this.state.payable = await this.orm.call(
                "payment.transaction",
                "wechat_get_code_payable",
                [this.document.model, this.document.id]
            );
        } catch (error) {
            this.state.problem = this.describe(error);
            return;
        }
        if (this.state.payable.payment) {
            this.apply(this.state.payable.payment);
        }
    }

    /** Put the cursor where the scanner's digits must go, once per phase. */
    focus() {
        const input = { code: this.codeInput, amount: this.amountInput }[this.toFocus];
        if (input && input.el) {
            input.el.focus();
            this.toFocus = null;
        }
    }

    // === EVENTS === //

    onAmountKeydown(ev) {
        if (ev.key === "Enter") {
            ev.preventDefault();
            this.codeInput.el.focus();
        }
    }

    onCodeInput() {
        this.state.hasCode = Boolean(this.codeInput.el.value);
    }

    onCodeKeydown(ev) {
        if (ev.key === "Enter") {
            ev.preventDefault();
            this.chargeTyped();
        }
    }

    /** Take the digits from the input itself: a scanner is faster than the screen is drawn. */
    chargeTyped() {
        const code = this.codeInput.el.value;
        this.codeInput.el.value = "";
        this.state.hasCode = false;
        this.charge(code);
    }

    async onCamera() {
        let code;
        try {
            code = await scanBarcode(this.env);
        } catch (error) {
            this.state.problem = error.message;
            return;
        }
        if (code) {
            this.charge(code);
        }
    }

    // === PAYMENT === //

    /**
     * Send the code that was scanned, once.
     *
     * @param {string} text - What was scanned.
     */
    async charge(text) {
        if (this.state.phase !== "scan") {
            return;
        }
        const code = text.replace(/\s/g, "");
        this.state.problem = "";
        if (!CODE.test(code)) {
            this.state.problem = _t(
                "This is not a payment code of WeChat, which has 18 digits. Scan the code under" +
                    " Me ▸ Services ▸ Money on the customer's phone."
            );
            return;
        }
        const values = {};
        if (this.document) {
            values.model = this.document.model;
            values.document_id = this.document.id;
            values.shown_amount = this.state.payable.amount;
        } else {
            const amount = this.state.amount.trim().replace(",", ".");
            if (!/^[0-9]+(\.[0-9]{1,2})?$/.test(amount) || !(Number(amount) > 0)) {
                this.state.problem = _t("Enter the amount first, with two decimals at most.");
                this.toFocus = "amount";
                return;
            }
            values.amount = Number(amount);
            values.description = this.state.description.trim();
        }
        this.state.phase = "sending";
        for (let attempt = 0; this.isOpen; attempt++) {
            try {
                this.apply(
                    await this.orm.silent.call(
                        "payment.transaction",
                        "wechat_charge_code",
                        [code],
                        values
                    )
                );
                return;
            } catch (error) {
                // The first call may still be at it when the second one comes.
                const isLost =
                    error instanceof ConnectionLostError || (attempt && isBusy(error));
                if (!isLost || attempt >= MAX_RETRIES) {
                    this.state.problem = this.describe(error);
                    this.state.phase = "scan";
                    this.toFocus = "code";
                    if (this.document && error.data?.context?.code === "not_payable") {
                        await this.load(); // The amount may have changed.
                    }
                    return;
                }
                await new Promise((resolve) => browser.setTimeout(resolve, 2 * POLL_INTERVAL));
            }
        }
    }

    async cancel() {
        await this.ask("wechat_cancel_code");
    }

    async poll() {
        await this.ask("wechat_poll_code");
    }

    /** Call a method of the payment and show how it stands; ask again as long as it is open. */
    async ask(method) {
        browser.clearTimeout(this.timer);
        const reference = this.state.payment.reference;
        let payment = this.state.payment;
        try {
            payment = await this.orm.silent.call("payment.transaction", method, [reference]);
        } catch (error) {
            if (!(error instanceof ConnectionLostError)) {
                this.state.problem = this.describe(error);
            }
        }
        this.apply(payment);
    }

    /**
     * Show how a payment stands.
     *
     * @param {Object} payment - What `wechat_poll_code` returns.
     */
    apply(payment) {
        browser.clearTimeout(this.timer);
        if (!this.isOpen) {
            return;
        }
        this.state.payment = payment;
        this.state.phase = payment.phase;
        this.state.secondsLeft = payment.seconds_left;
        if (payment.state === "pending") {
            this.timer = browser.setTimeout(() => this.poll(), POLL_INTERVAL);
        } else {
            this.state.problem = payment.message;
        }
    }

    /** Scan another code for the same amount; a new number is made. */
    again() {
        Object.assign(this.state, { payment: null, problem: "", phase: "scan" });
        this.toFocus = "code";
    }

    /** Take the next customer's payment. */
    next() {
        Object.assign(this.state, { amount: "", description: "" });
        this.again();
        this.toFocus = "amount";
    }

    close() {
        this.action.doAction({ type: "ir.actions.act_window_close" });
    }

    /**
     * @param {Error} error
     * @returns {string} What to show of it.
     */
    describe(error) {
        if (error instanceof RPCError && error.data && error.data.message) {
            return error.data.message;
        }
        if (error instanceof ConnectionLostError) {
            return _t(
                "Odoo does not answer. Look at the payment transactions whether the customer was" +
                    " charged; what is left open is reversed."
            );
        }
        throw error;
    }
}

registry.category("actions").add("wechat_payment.cashier", WechatCashier);
