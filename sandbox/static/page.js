// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The buttons of the sandbox's page, and a gentle reload of the part that changes.
'use strict';

const texts = JSON.parse(document.body.dataset.texts);
const language = document.body.dataset.language;
const live = document.getElementById('live');
const outcome = document.getElementById('outcome');
let shown = live.innerHTML;

function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? ''));
}

function tell(text, good) {
    outcome.querySelector('span').textContent = text;
    outcome.className = good ? 'good' : 'bad';
    outcome.hidden = false;
}

async function call(path, data) {
    const response = await fetch('/_sandbox/' + path, {
        method: 'POST',
        headers: {'Content-Type': 'application/json'},
        body: JSON.stringify(data),
    });
    const answer = await response.json();
    if (!response.ok) {
        throw new Error(answer.error);
    }
    return answer;
}

function tellNotification(kind, answer) {
    // v2 says no with a 200.
    const no = /<return_code>[^A-Z]*(CDATA\[)?FAIL/.test(answer.body);
    const good = (answer.status === 200 || answer.status === 204) && !no;
    const how = good ? 'accepted' : answer.status ? 'refused' : 'silent';
    tell(fill(texts[kind + '_' + how], {...answer, body: answer.body.slice(0, 300)}), good);
}

async function reload() {
    let response;
    try {
        response = await fetch('/?part=live&lang=' + language);
    } catch {
        tell(texts.gone, false);
        return;
    }
    const html = await response.text();
    if (html === shown) {
        return;
    }
    // What a reader has opened stays open; what is being pressed stays under the finger.
    const open = [...live.querySelectorAll('details[open]')].map((item) => item.id);
    const selection = String(document.getSelection());
    if (selection || live.querySelector('button:disabled')) {
        return;
    }
    shown = html;
    live.innerHTML = html;
    for (const id of open) {
        document.getElementById(id)?.setAttribute('open', '');
    }
}

const actions = {
    async pay(data) {
        const order = {mchid: data.mchid, out_trade_no: data.number};
        tellNotification('paid', (await call('pay', order)).notification);
    },
    async resend(data) {
        const order = {mchid: data.mchid, out_trade_no: data.number};
        tellNotification('sent', (await call('notify', order)).answers[0]);
    },
    async refund(data) {
        const refund = {mchid: data.mchid, out_refund_no: data.number, status: data.status};
        const {notification} = await call('refund_outcome', refund);
        if (notification) {
            tellNotification('refund', notification);
        } else {
            tell(texts.refund_untold, true);
        }
    },
    async code(data) {
        const answer = await call('login_code', {appid: data.appid, user: data.user});
        tell(fill(texts.code_is, {name: data.name, code: answer.code}), true);
    },
};

live.addEventListener('click', async (event) => {
    const button = event.target.closest('button');
    const name = button && Object.keys(actions).find((item) => button.classList.contains(item));
    if (!name) {
        return;
    }
    button.disabled = true;
    if (name === 'pay' || name === 'resend') {
        button.textContent = name === 'pay' ? texts.paying : texts.sending;
    }
    try {
        await actions[name](button.dataset);
    } catch (error) {
        tell(fill(texts.failed, {error: error.message}), false);
    }
    button.disabled = false;
    shown = '';
    await reload();
});

document.getElementById('new-user').addEventListener('submit', async (event) => {
    event.preventDefault();
    const input = event.target.elements.nickname;
    try {
        await call('users', input.value ? {nickname: input.value} : {});
        input.value = '';
    } catch (error) {
        tell(fill(texts.failed, {error: error.message}), false);
    }
    await reload();
});

outcome.querySelector('button').addEventListener('click', () => {
    outcome.hidden = true;
});

setInterval(() => document.hidden || reload(), 3000);
