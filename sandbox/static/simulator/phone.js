// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The phone around the mini-program: who holds it, its storage, WeChat's own sheets.
'use strict';

const phone = (() => {
    const {texts, appid, server, language} = JSON.parse(document.body.dataset.state);
    const part = (id) => document.getElementById(id);
    const files = new Map();   // what was chosen on this phone: path to File
    const holder = part('holder');
    const HOLDER = 'sandbox-phone-holder';
    holder.value = sessionStorage.getItem(HOLDER) ?? '';
    let user = holder.value || null;
    let openid = null;
    let toastTimer;

    async function control(path, data) {
        const answer = await fetch('/_sandbox/' + path, data && {
            method: 'POST', headers: {'Content-Type': 'application/json'},
            body: JSON.stringify(data),
        });
        const value = await answer.json();
        if (!answer.ok) {
            throw new Error(value.error);
        }
        return value;
    }

    /** wx.login; a new person appears in WeChat with the first one. */
    async function loginCode() {
        const answer = await control('login_code', {appid, ...(user ? {user} : {})});
        ({openid} = answer);
        if (!user) {
            ({user} = answer);
            const option = new Option(answer.user, answer.user, true, true);
            holder.append(option);
            sessionStorage.setItem(HOLDER, user);
        }
        return answer.code;
    }

    async function known() {
        if (!openid) {
            await loginCode();
        }
        return openid;
    }

    // === Storage: of the phone's holder === //

    const key = (name) => `miniprogram/${name}`;
    const storage = {
        get: (name) => JSON.parse(localStorage.getItem(key(name)) ?? '""'),
        set: (name, value) => localStorage.setItem(key(name), JSON.stringify(value)),
        remove: (name) => localStorage.removeItem(key(name)),
        clear: () => Object.keys(localStorage).filter((name) => name.startsWith(key('')))
            .forEach((name) => localStorage.removeItem(name)),
    };

    // === Sheets === //

    function node(tag, values, ...children) {
        const element = Object.assign(document.createElement(tag), values);
        element.append(...children);
        return element;
    }

    /** Show a sheet; resolves to the value of the button that was tapped. */
    function sheet(title, lines, buttons) {
        return new Promise((resolve) => {
            const box = part('sheet');
            const choose = (value) => {
                box.hidden = true;
                resolve(value);
            };
            box.replaceChildren(node('div', {},
                node('h3', {textContent: title}),
                ...lines.map(([className, text]) => node('p', {className, textContent: text})),
                ...buttons.map(({text, value, className = 'quiet'}) => node('button', {
                    type: 'button', textContent: text, className, onclick: () => choose(value),
                })),
            ));
            box.hidden = false;
            box.querySelector('button').focus();
        });
    }

    function toast(text, milliseconds) {
        const box = part('toast');
        box.textContent = text;
        box.hidden = false;
        clearTimeout(toastTimer);
        toastTimer = setTimeout(() => { box.hidden = true; }, milliseconds);
    }

    /** WeChat's payment sheet: resolves to errMsg. */
    async function pay(payment) {
        const mine = await known();
        const {orders} = await control('orders');
        const order = orders.filter((item) => item.openid === mine && item.trade_state === 'NOTPAY')
            .pop();
        const amount = order ? `¥${(order.amount.total / 100).toFixed(2)}` : '';
        const confirmed = await sheet(texts.pay_to, [
            ['amount', amount], ['muted', order?.description ?? ''],
        ], [
            {text: texts.pay, value: true, className: 'main'}, {text: texts.cancel, value: false},
        ]);
        const answer = await control('request_payment', {
            appid, user, payment, ...(confirmed ? {} : {cancel: true}),
        });
        return answer.errMsg;
    }

    /** The page on which a transfer is confirmed. */
    async function confirmTransfer(parameters) {
        await known();
        const {transfers} = await control('transfers');
        const transfer = transfers.find((item) => item.package_info === parameters.package);
        const amount = transfer ? `¥${(transfer.amount / 100).toFixed(2)}` : '';
        const confirmed = await sheet(texts.receive_from, [
            ['amount', amount], ['muted', transfer?.parameters.transfer_remark ?? ''],
        ], [
            {text: texts.receive, value: true, className: 'main'},
            {text: texts.cancel, value: false},
        ]);
        const answer = await control('request_merchant_transfer', {
            appid, user, parameters, ...(confirmed ? {} : {cancel: true}),
        });
        return answer.errMsg;
    }

    /** WeChat's address book. */
    function address() {
        const books = language === 'zh_CN' ? ADDRESSES.zh : ADDRESSES.en;
        return sheet(texts.address_book, [], [
            ...books.map((item) => ({
                text: `${item.userName} ${item.telNumber}\n${item.provinceName} ${item.cityName} ` +
                    `${item.countyName} ${item.detailInfo}`,
                value: item,
            })),
            {text: texts.cancel, value: null},
        ]);
    }

    // === Buttons with an open-type === //

    function chooseFile() {
        return new Promise((resolve) => {
            const input = node('input', {type: 'file', accept: 'image/*', hidden: true});
            input.id = 'album';
            document.getElementById('album')?.remove();
            document.body.append(input);
            input.onchange = () => {
                const path = `wxfile://tmp/${files.size + 1}`;
                files.set(path, input.files[0]);
                resolve({avatarUrl: path});
            };
            input.oncancel = () => resolve(null);
            input.click();
        });
    }

    async function phoneNumber() {
        const allowed = await sheet(texts.phone_number, [], [
            {text: texts.allow, value: true, className: 'main'},
            {text: texts.refuse, value: false},
        ]);
        if (!allowed) {
            return {errMsg: 'getPhoneNumber:fail user deny'};
        }
        try {
            await known();
            const {code} = await control('phone_code', {appid, user});
            return {errMsg: 'getPhoneNumber:ok', code};
        } catch (error) {
            return {errMsg: `getPhoneNumber:fail ${error.message}`};
        }
    }

    async function openType(name) {
        return name === 'chooseAvatar' ? chooseFile() : name === 'getPhoneNumber'
            ? phoneNumber() : null;
    }

    /** The bytes of a chosen file in base64. */
    async function read(path) {
        const bytes = new Uint8Array(await files.get(path).arrayBuffer());
        let text = '';
        for (const byte of bytes) {
            text += String.fromCharCode(byte);
        }
        return btoa(text);
    }

    const restart = () => location.reload();
    part('restart').onclick = restart;
    part('wipe').onclick = () => {
        storage.clear();
        restart();
    };
    holder.onchange = () => {
        sessionStorage.setItem(HOLDER, holder.value);
        storage.clear();
        restart();
    };

    const ADDRESSES = {
        zh: [
            {userName: '王小明', telNumber: '13800138000', postalCode: '310012',
                provinceName: '浙江省', cityName: '杭州市', countyName: '西湖区',
                detailInfo: '文三路1号'},
            {userName: '李红', telNumber: '13900139000', postalCode: '200040',
                provinceName: '上海市', cityName: '上海市', countyName: '静安区',
                detailInfo: '南京西路100号'},
        ],
        en: [
            {userName: 'Wang Xiaoming', telNumber: '13800138000', postalCode: '310012',
                provinceName: '浙江省', cityName: 'Hangzhou', countyName: 'Xihu District',
                detailInfo: '1 Wensan Road'},
        ],
    };

    return {
        address, appid, confirmTransfer, control, files, language, loginCode, part, pay, read,
        server, sheet, storage, texts, toast, openType, get user() { return user; }, known,
    };
})();
