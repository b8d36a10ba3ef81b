// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// Component, Behavior and Page: what a page's script describes, and a page that lives.
'use strict';

const component = (() => {
    /** Behaviors and definition as one: data and methods, later ones first. */
    function merge(definition) {
        const merged = {data: {}, methods: {}};
        for (const behavior of definition.behaviors ?? []) {
            const part = merge(behavior);
            Object.assign(merged.data, part.data);
            Object.assign(merged.methods, part.methods);
        }
        Object.assign(merged.data, structuredClone(definition.data ?? {}));
        Object.assign(merged.methods, definition.methods ?? {});
        return merged;
    }

    /** What Page() takes, in the form of Component(). */
    function fromPage({data, ...methods}) {
        return {data, methods};
    }

    /**
     * Make a page.
     *
     * tree: of its WXML. element: where it is shown.
     */
    function open(definition, tree, element) {
        const {data, methods} = merge(definition);
        const page = {...methods, data};
        let waiting = false;

        function render() {
            waiting = false;
            wxml.render(element, tree, page.data, page);
        }

        page.setData = (values, done) => {
            for (const [path, value] of Object.entries(values)) {
                setPath(page.data, path, structuredClone(value));
            }
            if (!waiting) {
                waiting = true;
                queueMicrotask(render);
            }
            if (done) {
                queueMicrotask(done);
            }
        };
        page.handle = (handler, event) => {
            if (typeof page[handler] !== 'function') {
                throw new Error(`the page has no method ${handler}`);
            }
            page[handler](event);
        };
        page.call = (name, ...values) => page[name]?.(...values);
        render();
        return page;
    }

    function setPath(data, path, value) {
        const keys = path.replace(/\[(\d+)\]/g, '.$1').split('.');
        const last = keys.pop();
        let place = data;
        for (const key of keys) {
            place = place[key] ??= {};
        }
        place[last] = value;
    }

    return {fromPage, open};
})();
