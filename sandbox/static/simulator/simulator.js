// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The mini-program's modules, its pages, and the way from one to another.
'use strict';

const simulator = (() => {
    const {part} = phone;
    const sources = new Map();   // file to the function around its text
    const modules = new Map();
    const definitions = new Map();   // page to what its script gave to Component
    let app;
    let markup;
    let loading = '';   // the page whose script runs
    let instance = null;   // what getApp returns
    const tabs = new Map();   // page to its screen, kept while the mini-program runs
    let stack = [];

    // === Modules === //

    function define(file, source) {
        sources.set(file, source);
    }

    function resolve(from, wanted) {
        const path = from.split('/').slice(0, -1);
        for (const piece of wanted.split('/')) {
            if (piece === '..') {
                path.pop();
            } else if (piece !== '.') {
                path.push(piece);
            }
        }
        const name = path.join('/');
        const found = [name, `${name}.js`, `${name}/index.js`].find((file) => sources.has(file));
        if (!found) {
            throw new Error(`${from}: there is no ${wanted}`);
        }
        return found;
    }

    function run(file) {
        if (!modules.has(file)) {
            const module = {exports: {}};
            modules.set(file, module);
            sources.get(file)(
                (wanted) => run(resolve(file, wanted)), module, module.exports, wx,
                (definition) => { instance = definition; },
                (definition) => definitions.set(loading, component.fromPage(definition)),
                (definition) => definitions.set(loading, definition),
                (definition) => definition,
                () => instance,
            );
        }
        return modules.get(file).exports;
    }

    // === Pages === //

    /** Make a screen of an address as /pages/order/order?id=7. */
    function create(url) {
        const [path, query = ''] = url.replace(/^\//, '').split('?');
        if (!app.pages.includes(path)) {
            throw new Error(`app.json names no page ${path}`);
        }
        loading = path;
        run(`${path}.js`);
        const element = document.createElement('div');
        element.className = 'wx-page';
        element.dataset.page = path;
        const tree = wxml.parse(markup[`${path}.wxml`]);
        const page = component.open(definitions.get(path), tree, element);
        part('screen').append(element);
        page.call('onLoad', Object.fromEntries(new URLSearchParams(query)));
        return {path, page, element};
    }

    const top = () => stack[stack.length - 1];
    const isTab = (path) => app.tabBar.list.some((tab) => tab.pagePath === path);

    function show() {
        const screen = top();
        for (const element of part('screen').children) {
            element.hidden = element !== screen.element;
        }
        part('screen').scrollTop = 0;
        part('back').hidden = stack.length < 2;
        part('tabs').hidden = !isTab(screen.path);
        for (const button of part('tabs').children) {
            const chosen = button.dataset.path === screen.path;
            button.ariaCurrent = chosen ? 'page' : null;
            button.querySelector('img').src = '/_miniprogram/files/' +
                (chosen ? button.dataset.on : button.dataset.off);
        }
        screen.page.call('onShow');
    }

    function leave(screen) {
        screen.page.call('onUnload');
        screen.element.remove();
    }

    function navigateTo(url) {
        top()?.page.call('onHide');
        stack.push(create(url));
        show();
    }

    function redirectTo(url) {
        leave(stack.pop());
        stack.push(create(url));
        show();
    }

    function navigateBack() {
        if (stack.length > 1) {
            leave(stack.pop());
            show();
        }
    }

    function switchTab(url) {
        const path = url.replace(/^\//, '').split('?')[0];
        stack.filter((screen) => !isTab(screen.path)).forEach(leave);
        stack = [];
        if (!tabs.has(path)) {
            tabs.set(path, create(path));
        }
        stack.push(tabs.get(path));
        show();
    }

    // === Bars === //

    function setTitle(title) {
        part('heading').textContent = title;
    }

    function setTab(index, text) {
        part('tabs').children[index].querySelector('span').textContent = text;
    }

    function setBadge(index, text) {
        part('tabs').children[index].querySelector('b').textContent = text;
    }

    function makeTabs() {
        for (const {pagePath, text, iconPath, selectedIconPath} of app.tabBar.list) {
            const button = document.createElement('button');
            button.type = 'button';
            Object.assign(button.dataset, {path: pagePath, off: iconPath, on: selectedIconPath});
            const picture = document.createElement('img');
            picture.alt = '';
            const name = document.createElement('span');
            name.textContent = text;
            button.append(picture, name, document.createElement('b'));
            button.addEventListener('click', () => switchTab(pagePath));
            part('tabs').append(button);
        }
    }

    function load(json, files) {
        app = json;
        markup = files;
    }

    function start() {
        run('config.js').baseUrl = phone.server;
        setTitle(app.window.navigationBarTitleText);
        makeTabs();
        part('back').addEventListener('click', navigateBack);
        part('screen').addEventListener('scroll', () => {
            const {scrollTop, clientHeight, scrollHeight} = part('screen');
            if (scrollTop + clientHeight > scrollHeight - 50) {
                top().page.call('onReachBottom');
            }
        });
        run('app.js');
        instance?.onLaunch?.({});
        instance?.onShow?.({});
        switchTab(app.pages[0]);
    }

    return {
        define, load, navigateBack, navigateTo, redirectTo, setBadge, setTab, setTitle, start,
        switchTab,
    };
})();
