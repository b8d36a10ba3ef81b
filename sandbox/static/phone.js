// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The customer's phone: opens a link, pays or cancels, and goes back to the shop.
'use strict';

const {texts, refusals, order: opened, redirect, refused, link} = JSON.parse(
    document.body.dataset.state,
);
const part = (id) => document.getElementById(id);
let order = opened;
let payer;

function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? ''));
}

function show(...ids) {
    for (const id of ['scanner', 'cashier', 'holder', 'buttons', 'result']) {
        part(id).hidden = !ids.includes(id);
    }
}

async function call(path, data) {
    let response;
    try {
        response = await fetch('/_sandbox/' + path, {
            method: 'POST',
            headers: {'Content-Type': 'application/json'},
            body: JSON.stringify(data),
        });
    } catch {
        throw new Error(texts.gone);
    }
    const answer = await response.json();
    if (!response.ok) {
        throw new Error(refusals[answer.error] ?? answer.error);
    }
    return answer;
}

function showCashier() {
    part('merchant').textContent = fill(texts.pay_to, order);
    part('amount').textContent =
        '¥' + Math.floor(order.total / 100) + '.' + String(order.total % 100).padStart(2, '0');
    part('description').textContent = order.description;
    part('number').textContent = fill(texts.number, {number: order.out_trade_no});
    // Who scanned a code is known; who opened a page in a browser is not.
    show('cashier', 'buttons', ...(payer ? [] : ['holder']));
}

// The sandbox's refusals are clauses; a customer reads sentences.
function sentence(text) {
    const ended = /[a-z]$/.test(text) ? text + '.' : text;
    return ended.charAt(0).toUpperCase() + ended.slice(1);
}

function showResult(kind, reason) {
    part('result').className = kind;
    part('result').querySelector('h2').textContent = texts[kind];
    part('sign').textContent = {paid: '✓', cancelled: '–', refused: '!'}[kind];
    part('reason').textContent = sentence(reason);
    part('leave').textContent = location.pathname === '/phone' ? texts.again : texts.back;
    show('result');
}

function finish(kind, reason) {
    if (redirect) {
        location.assign(redirect);
    } else {
        showResult(kind, reason);
    }
}

function isOwnPage(text) {
    try {
        const address = new URL(text);
        return address.origin === location.origin && address.pathname.includes('checkmweb');
    } catch {
        return false;
    }
}

part('scanner').addEventListener('submit', async (event) => {
    event.preventDefault();
    const text = part('link').value.trim();
    if (isOwnPage(text)) {
        location.assign(text);
        return;
    }
    const button = part('scanner').querySelector('button');
    button.disabled = true;
    button.textContent = texts.scanning;
    try {
        if (!text.startsWith('weixin://')) {
            throw new Error(texts.not_a_link);
        }
        const user = part('user').value;
        const answer = await call('scan', user ? {code_url: text, user} : {code_url: text});
        order = answer;
        payer = answer.user;
        showCashier();
    } catch (error) {
        showResult('refused', error.message);
    }
    button.disabled = false;
    button.textContent = texts.scan;
});

part('pay').addEventListener('click', async () => {
    const buttons = part('buttons').querySelectorAll('button');
    buttons.forEach((item) => { item.disabled = true; });
    part('pay').textContent = texts.paying;
    try {
        payer ||= part('user').value || (await call('users', {})).user;
        const {notification} = await call(
            'pay', {mchid: order.mchid, out_trade_no: order.out_trade_no, user: payer},
        );
        const good = notification.status === 200 || notification.status === 204;
        const how = good ? 'accepted' : notification.status ? 'refused' : 'silent';
        finish('paid', fill(texts['paid_' + how], notification));
    } catch (error) {
        showResult('refused', error.message);
    }
    buttons.forEach((item) => { item.disabled = false; });
    part('pay').textContent = texts.pay;
});

part('cancel').addEventListener('click', () => finish('cancelled', texts.cancelled_hint));

part('leave').addEventListener('click', () => {
    if (location.pathname === '/phone') {
        part('link').value = '';
        payer = undefined;
        show('scanner', 'holder');
    } else {
        history.back();
    }
});

if (refused) {
    showResult('refused', refused);
} else if (order) {
    showCashier();
} else {
    part('link').value = link;
    show('scanner', 'holder');
}
