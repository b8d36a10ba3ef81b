// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The part of `wx` that the demo uses, on this phone. Requests go through the sandbox, so that
// there are no cookies but those that the mini-program itself sends, as in WeChat.
'use strict';

const wx = (() => {
    const done = (options, name, value) => {
        options?.[name]?.(value);
        options?.complete?.(value);
    };
    const ok = (options, value = {}) => done(options, 'success', value);

    function transfer(options, asked) {
        fetch('/_miniprogram/request', {
            method: 'POST', headers: {'Content-Type': 'application/json'},
            body: JSON.stringify(asked),
        }).then((answer) => answer.json()).then((answer) => {
            if (answer.errMsg) {
                done(options, 'fail', answer);
                return;
            }
            let {data} = answer;
            if (options.dataType !== undefined || !options.filePath) {
                try {
                    data = JSON.parse(data);
                } catch { /* WeChat leaves what is no JSON a text */ }
            }
            ok(options, {...answer, data});
        }, (error) => done(options, 'fail', {errMsg: `request:fail ${error.message}`}));
    }

    return {
        request: (options) => transfer(options, {
            url: options.url, method: options.method ?? 'GET', header: options.header,
            data: typeof options.data === 'string' ? options.data : JSON.stringify(options.data),
        }),
        uploadFile: (options) => {
            phone.read(options.filePath).then((file) => transfer(options, {
                url: options.url, method: 'POST', header: options.header, name: options.name, file,
            }));
        },
        login: (options) => phone.loginCode().then(
            (code) => ok(options, {code, errMsg: 'login:ok'}),
            (error) => done(options, 'fail', {errMsg: `login:fail ${error.message}`})),
        requestPayment: ({success, fail, complete, ...payment}) => phone.pay(payment).then(
            (errMsg) => done({success, fail, complete},
                errMsg === 'requestPayment:ok' ? 'success' : 'fail', {errMsg}),
            (error) => done({fail, complete}, 'fail', {errMsg: `requestPayment:fail ${error.message}`})),
        requestMerchantTransfer: ({success, fail, complete, ...parameters}) =>
            phone.confirmTransfer(parameters).then(
                (errMsg) => done({success, fail, complete},
                    errMsg === 'requestMerchantTransfer:ok' ? 'success' : 'fail', {errMsg}),
                (error) => done({fail, complete}, 'fail',
                    {errMsg: `requestMerchantTransfer:fail ${error.message}`})),
        canIUse: (name) => name in wx,
        requestSubscribeMessage: (options) => {
            const {texts, appid} = phone;
            phone.sheet(texts.subscribe, [], [
                {text: texts.allow, value: 'accept', className: 'main'},
                {text: texts.refuse, value: 'reject'},
            ]).then((answer) => phone.control(`miniprograms/${appid}/request_subscribe_message`, {
                user: phone.user, tmplIds: options.tmplIds,
                answers: Object.fromEntries(options.tmplIds.map((id) => [id, answer])),
            })).then(({result}) => ok(options, result),
                (error) => done(options, 'fail', {errMsg: error.message}));
        },
        chooseAddress: (options) => phone.address().then((address) => (address
            ? ok(options, address)
            : done(options, 'fail', {errMsg: 'chooseAddress:fail cancel'}))),

        getAccountInfoSync: () => ({miniProgram: {appId: phone.appid, envVersion: 'develop'}}),
        getAppBaseInfo: () => ({language: phone.language}),
        getSystemInfoSync: () => ({language: phone.language}),
        getStorageSync: phone.storage.get,
        setStorageSync: phone.storage.set,
        removeStorageSync: phone.storage.remove,

        showToast: (options) => {
            phone.toast(options.title, options.duration ?? 1500);
            ok(options);
        },
        showModal: (options) => phone.sheet(options.title ?? '', [['muted', options.content]], [
            {text: options.confirmText ?? phone.texts.confirm, value: true, className: 'main'},
            {text: options.cancelText ?? phone.texts.cancel, value: false},
        ]).then((confirm) => ok(options, {confirm, cancel: !confirm})),

        navigateTo: (options) => simulator.navigateTo(options.url),
        redirectTo: (options) => simulator.redirectTo(options.url),
        navigateBack: () => simulator.navigateBack(),
        switchTab: (options) => simulator.switchTab(options.url),
        reLaunch: (options) => simulator.switchTab(options.url),
        setNavigationBarTitle: (options) => simulator.setTitle(options.title),
        setTabBarItem: (options) => simulator.setTab(options.index, options.text),
        setTabBarBadge: (options) => simulator.setBadge(options.index, options.text),
        removeTabBarBadge: (options) => simulator.setBadge(options.index, ''),
        stopPullDownRefresh: () => {},
    };
})();
