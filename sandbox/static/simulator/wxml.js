// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// WXML: text to a tree, the tree with data to a part of the page, changed in place.
'use strict';

const wxml = (() => {
    const PIECE = /<!--.*?-->|<(\/?)([\w-]+)((?:\s+[\w:-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'))?)*)\s*(\/?)>|[^<]+/gs;
    const ATTRIBUTE = /([\w:-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?/g;
    const ELEMENTS = {
        view: 'div', text: 'span', image: 'img', input: 'input', button: 'button', form: 'form',
        'rich-text': 'div', label: 'label', 'scroll-view': 'div', textarea: 'textarea',
    };
    const EVENT = /^(bind|catch):?(\w+)$/;
    // What the browser calls what happens, by its name in WXML.
    const NATIVE = {tap: 'click', input: 'input', submit: 'submit', blur: 'blur', focus: 'focus'};
    // Rich text shows these and none of their attributes.
    const RICH = new Set(['P', 'DIV', 'SPAN', 'B', 'STRONG', 'I', 'EM', 'U', 'BR', 'UL', 'OL', 'LI',
        'H1', 'H2', 'H3', 'H4']);

    /** Return the tree of a text: {tag, attributes, children} and strings. */
    function parse(text) {
        const root = {tag: 'block', attributes: {}, children: []};
        const open = [root];
        for (const [piece, closing, tag, attributes, alone] of text.matchAll(PIECE)) {
            const parent = open[open.length - 1];
            if (!tag) {
                if (!piece.startsWith('<!--') && piece.trim()) {
                    parent.children.push(piece.trim());
                }
            } else if (closing) {
                if (open.pop().tag !== tag) {
                    throw new Error(`WXML: </${tag}> closes nothing`);
                }
            } else {
                const node = {tag, attributes: {}, children: []};
                for (const [, name, double, single] of attributes.matchAll(ATTRIBUTE)) {
                    node.attributes[name] = double ?? single ?? '';
                }
                parent.children.push(node);
                if (!alone) {
                    open.push(node);
                }
            }
        }
        if (open.length > 1) {
            throw new Error(`WXML: <${open[open.length - 1].tag}> is not closed`);
        }
        return root;
    }

    /** Return what is to be seen: a flat list of {tag, attributes, children} and strings. */
    function expand(nodes, data) {
        const list = [];
        let taken = false;   // whether a branch of the current wx:if was taken
        for (const node of nodes) {
            if (typeof node === 'string') {
                list.push(String(expression.evaluate(node, data) ?? ''));
                continue;
            }
            const {attributes} = node;
            if ('wx:if' in attributes) {
                taken = Boolean(expression.evaluate(attributes['wx:if'], data));
            } else if ('wx:elif' in attributes) {
                if (taken) {
                    continue;
                }
                taken = Boolean(expression.evaluate(attributes['wx:elif'], data));
            } else if ('wx:else' in attributes) {
                if (taken) {
                    continue;
                }
                taken = true;
            } else {
                taken = true;
            }
            if (!taken) {
                continue;
            }
            if ('wx:for' in attributes) {
                const items = expression.evaluate(attributes['wx:for'], data) || [];
                const item = attributes['wx:for-item'] || 'item';
                const index = attributes['wx:for-index'] || 'index';
                items.forEach((value, number) => {
                    list.push(...one(node, {...data, [item]: value, [index]: number}));
                });
            } else {
                list.push(...one(node, data));
            }
        }
        return list;
    }

    function one(node, data) {
        if (node.tag === 'block') {
            return expand(node.children, data);
        }
        const attributes = {};
        for (const [name, text] of Object.entries(node.attributes)) {
            if (!name.startsWith('wx:')) {
                attributes[name] = EVENT.test(name) ? text : expression.evaluate(text, data);
            }
        }
        return [{tag: node.tag, attributes, children: expand(node.children, data)}];
    }

    /** Make an element show a list of what `expand` returned; what fits stays as it is. */
    function patch(element, list, page) {
        list.forEach((wanted, index) => {
            const old = element.childNodes[index];
            const fresh = fitting(old, wanted) ? old : create(wanted);
            if (!old) {
                element.append(fresh);
            } else if (fresh !== old) {
                old.replaceWith(fresh);
            }
            if (typeof wanted === 'string') {
                if (fresh.data !== wanted) {
                    fresh.data = wanted;
                }
            } else {
                apply(fresh, wanted, page);
                if (wanted.tag === 'rich-text') {
                    showRich(fresh, String(wanted.attributes.nodes ?? ''));
                } else {
                    patch(fresh, wanted.children, page);
                }
            }
        });
        while (element.childNodes.length > list.length) {
            element.lastChild.remove();
        }
    }

    function fitting(node, wanted) {
        return typeof wanted === 'string'
            ? node?.nodeType === Node.TEXT_NODE : node?.dataset?.tag === wanted.tag;
    }

    function create(wanted) {
        if (typeof wanted === 'string') {
            return document.createTextNode(wanted);
        }
        const name = ELEMENTS[wanted.tag];
        if (!name) {
            throw new Error(`WXML: this page has no <${wanted.tag}>`);
        }
        const element = document.createElement(name);
        element.dataset.tag = wanted.tag;
        element.handlers = {};
        if (name === 'button') {
            element.type = 'button';
        }
        return element;
    }

    function apply(element, {tag, attributes}, page) {
        element.className = attributes.class ?? '';
        element.handlers = {};
        element.values = {};
        for (const [name, value] of Object.entries(attributes)) {
            const event = EVENT.exec(name);
            if (event) {
                listen(element, event[2].toLowerCase(), value, event[1] === 'catch', page);
            } else if (name.startsWith('data-')) {
                element.values[name.slice(5).replace(/-(\w)/g, (_, letter) => letter.toUpperCase())] =
                    value;
            }
        }
        if (tag === 'image') {
            element.alt = '';
            element.style.objectFit = attributes.mode === 'aspectFill' ? 'cover' : 'contain';
            if (element.getAttribute('src') !== attributes.src) {
                element.setAttribute('src', attributes.src || 'data:,');
            }
        } else if (tag === 'input') {
            element.placeholder = attributes.placeholder ?? '';
            element.name = attributes.name ?? '';
            element.maxLength = attributes.maxlength > 0 ? Number(attributes.maxlength) : 140;
            const value = String(attributes.value ?? '');
            // What a person is writing is not overwritten with what was there before.
            if (element.shown !== value) {
                element.shown = value;
                element.value = value;
            }
        } else if (tag === 'button') {
            element.type = attributes['form-type'] === 'submit' ? 'submit' : 'button';
            element.openType = attributes['open-type'];
        }
        if (element.handlers.tap && tag === 'view') {
            element.setAttribute('role', 'button');
            element.tabIndex = 0;
        }
    }

    function listen(element, name, handler, stops, page) {
        element.handlers[name] = {handler, stops};
        element.listening ??= new Set();
        if (element.listening.has(name)) {
            return;
        }
        element.listening.add(name);
        const native = NATIVE[name];
        if (native) {
            element.addEventListener(native, (event) => {
                const detail = name === 'submit' ? {value: fields(element)}
                    : 'value' in element ? {value: element.value} : {};
                event.preventDefault();
                fire(element, name, detail, page, event);
            });
        }
        if (name === 'tap') {
            element.addEventListener('keydown', (event) => {
                if (event.key === 'Enter' && event.target === element) {
                    element.click();
                }
            });
        }
        if (name === 'confirm') {
            element.addEventListener('keydown', (event) => {
                if (event.key === 'Enter') {
                    fire(element, name, {value: element.value}, page);
                }
            });
        }
        if (name === 'chooseavatar' || name === 'getphonenumber') {
            element.addEventListener('click', () => {
                phone.openType(element.openType).then((detail) => {
                    if (detail) {
                        fire(element, name, detail, page);
                    }
                });
            });
        }
    }

    function fields(form) {
        return Object.fromEntries([...form.querySelectorAll('[name]')]
            .filter((field) => field.name).map((field) => [field.name, field.value]));
    }

    /** Tell the page what happened. */
    function fire(element, name, detail, page, native) {
        const told = element.handlers[name];
        if (!told) {
            return;
        }
        if (told.stops) {
            native?.stopPropagation();
        }
        const target = {dataset: element.values};
        page.handle(told.handler, {type: name, detail, target, currentTarget: target});
    }

    function showRich(element, text) {
        if (element.rich === text) {
            return;
        }
        element.rich = text;
        const copy = (from, to) => {
            for (const node of from.childNodes) {
                if (node.nodeType === Node.TEXT_NODE) {
                    to.append(node.data);
                } else if (RICH.has(node.nodeName)) {
                    const child = document.createElement(node.nodeName);
                    copy(node, child);
                    to.append(child);
                }
            }
        };
        element.replaceChildren();
        copy(new DOMParser().parseFromString(text, 'text/html').body, element);
    }

    return {
        parse,
        render: (element, tree, data, page) => patch(element, expand([tree], data), page),
    };
})();
