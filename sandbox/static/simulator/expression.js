// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
// The expressions of WXML, {{…}}: names, members, literals, operators, the conditional.
'use strict';

const expression = (() => {
    const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([A-Za-z_$][\w$]*)|(===|!==|==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()[\]]))/y;
    const POWER = {
        '||': 1, '&&': 2, '===': 3, '!==': 3, '==': 3, '!=': 3, '<': 4, '>': 4, '<=': 4, '>=': 4,
        '+': 5, '-': 5, '*': 6, '/': 6, '%': 6,
    };
    const LITERALS = {true: true, false: false, null: null, undefined: undefined};
    const DO = {
        '||': (a, b, data) => a(data) || b(data),
        '&&': (a, b, data) => a(data) && b(data),
        '===': (a, b, data) => a(data) === b(data),
        '!==': (a, b, data) => a(data) !== b(data),
        // WXML's loose comparison is JavaScript's.
        '==': (a, b, data) => a(data) == b(data),
        '!=': (a, b, data) => a(data) != b(data),
        '<': (a, b, data) => a(data) < b(data),
        '>': (a, b, data) => a(data) > b(data),
        '<=': (a, b, data) => a(data) <= b(data),
        '>=': (a, b, data) => a(data) >= b(data),
        '+': (a, b, data) => a(data) + b(data),
        '-': (a, b, data) => a(data) - b(data),
        '*': (a, b, data) => a(data) * b(data),
        '/': (a, b, data) => a(data) / b(data),
        '%': (a, b, data) => a(data) % b(data),
    };
    const known = new Map();

    function tokens(text) {
        const found = [];
        TOKEN.lastIndex = 0;
        while (TOKEN.lastIndex < text.trimEnd().length) {
            const at = TOKEN.lastIndex;
            const match = TOKEN.exec(text);
            if (!match) {
                throw new Error(`WXML: {{${text}}} is not understood from “${text.slice(at)}”`);
            }
            const [, number, single, double, name, sign] = match;
            const string = single ?? double;
            if (number !== undefined) {
                found.push({value: Number(number)});
            } else if (string !== undefined) {
                found.push({value: string.replace(/\\(.)/g, '$1')});
            } else {
                found.push(name ? {name} : {sign});
            }
        }
        return found;
    }

    /** Return a function from data to the expression's value. */
    function compile(text) {
        const list = tokens(text);
        let at = 0;
        const sign = () => list[at]?.sign;

        function take(wanted) {
            if (sign() !== wanted) {
                throw new Error(`WXML: {{${text}}}: “${wanted}” is missing`);
            }
            at += 1;
        }

        function primary() {
            const token = list[at];
            at += 1;
            if (!token) {
                throw new Error(`WXML: {{${text}}} ends too early`);
            }
            if ('value' in token) {
                return () => token.value;
            }
            if (token.name) {
                return token.name in LITERALS
                    ? () => LITERALS[token.name] : (data) => data[token.name];
            }
            if (token.sign === '(') {
                const inner = conditional();
                take(')');
                return inner;
            }
            if (token.sign === '!') {
                const inner = member();
                return (data) => !inner(data);
            }
            if (token.sign === '-') {
                const inner = member();
                return (data) => -inner(data);
            }
            throw new Error(`WXML: {{${text}}}: “${token.sign}” is out of place`);
        }

        function member() {
            let value = primary();
            while (sign() === '.' || sign() === '[') {
                const owner = value;
                if (sign() === '.') {
                    at += 1;
                    const {name} = list[at];
                    at += 1;
                    value = (data) => owner(data)?.[name];
                } else {
                    at += 1;
                    const key = conditional();
                    take(']');
                    value = (data) => owner(data)?.[key(data)];
                }
            }
            return value;
        }

        function binary(least) {
            let left = member();
            while (POWER[sign()] >= least) {
                const operator = sign();
                at += 1;
                const first = left;
                const second = binary(POWER[operator] + 1);
                left = (data) => DO[operator](first, second, data);
            }
            return left;
        }

        function conditional() {
            const test = binary(1);
            if (sign() !== '?') {
                return test;
            }
            at += 1;
            const yes = conditional();
            take(':');
            const no = conditional();
            return (data) => (test(data) ? yes(data) : no(data));
        }

        const whole = conditional();
        if (at < list.length) {
            throw new Error(`WXML: {{${text}}} goes on where it should end`);
        }
        return whole;
    }

    /** The value of an attribute or a text: the bare value if it is one expression alone. */
    function evaluate(text, data) {
        if (!known.has(text)) {
            const parts = text.split(/\{\{(.*?)\}\}/s)
                .map((part, index) => (index % 2 ? compile(part) : () => part));
            known.set(text, parts.length === 3 && /^\{\{.*\}\}$/s.test(text)
                ? parts[1]
                : (values) => parts.map((part) => part(values) ?? '').join(''));
        }
        return known.get(text)(data);
    }

    return {evaluate};
})();
