/// Whether what stands in a page can be read by those who see little (WCAG 2.2, AA), measured in the page itself.
enum Legibility {
    /// Answers each kind of text whose contrast against what lies behind it is too low, and each field whose edge is: a line each.
    ///
    /// Text needs 4.5, large text (24 px, or 18.66 px bold) and the edges of fields 3. What is disabled needs nothing.
    static let faults = """
        const pen = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
        const known = new Map();
        const rgba = (text) => {
            if (!known.has(text)) {
                pen.clearRect(0, 0, 1, 1);
                pen.fillStyle = text;
                pen.fillRect(0, 0, 1, 1);
                const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
                known.set(text, [red, green, blue, alpha / 255]);
            }
            return known.get(text);
        };
        const over = (top, bottom) => [0, 1, 2].map((one) => top[one] * top[3] + bottom[one] * (1 - top[3])).concat(1);
        const behind = (element) => {
            if (!element) return [255, 255, 255, 1];
            const colour = rgba(getComputedStyle(element).backgroundColor);
            return colour[3] === 1 ? colour : over(colour, behind(element.parentElement));
        };
        const opacity = (element) => (element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1);
        const light = (colour) => {
            const [red, green, blue] = colour.slice(0, 3).map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
            return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        };
        const contrast = (one, other) => {
            const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
            return (high + 0.05) / (low + 0.05);
        };
        const isShown = (element) => {
            if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return false;
            if (element.closest('.hidden-words, :disabled, [aria-disabled=true], option, script, style')) return false;
            const box = element.getBoundingClientRect();
            return box.width > 1 && box.height > 1;
        };
        const faults = new Set();
        const judge = (what, element, style, ground, colour, least) => {
            const seen = over([...colour.slice(0, 3), colour[3] * opacity(element)], ground);
            const ratio = contrast(seen, ground);
            const name = element.tagName.toLowerCase() + [...element.classList].map((one) => '.' + one).join('');
            if (ratio < least) faults.add(`${what} of ${name}: ${ratio.toFixed(2)}, least ${least}: ${style} on rgb(${ground.slice(0, 3).map(Math.round)})`);
        };
        const judgeText = (what, element, style) => {
            const [size, isBold] = [parseFloat(style.fontSize), Number(style.fontWeight) >= 700];
            judge(what, element, style.color, behind(element), rgba(style.color), size >= 24 || (isBold && size >= 18.66) ? 3 : 4.5);
        };
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const element = texts.currentNode.parentElement;
            if (texts.currentNode.data.trim() && isShown(element)) judgeText('text', element, getComputedStyle(element));
        }
        for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
            if (!isShown(field)) continue;
            judgeText('what is written', field, getComputedStyle(field));
            if (field.placeholder) judgeText('placeholder', field, getComputedStyle(field, '::placeholder'));
            const edge = getComputedStyle(field).borderTopColor;
            if (!['radio', 'checkbox'].includes(field.type)) judge('edge', field, edge, behind(field.parentElement), rgba(edge), 3);
        }
        return [...faults].join('\\n');
        """

    /// Answers what a finger would not hit: controls of less than 24 px, but for links within a text.
    static let smallTargets = """
        const small = [];
        for (const one of document.querySelectorAll('button, select, textarea, summary, input:not([type=hidden]), a.button, nav a')) {
            const box = (one.labels?.[0]?.contains(one) ? one.labels[0] : one).getBoundingClientRect();
            if (box.width > 1 && (box.width < 24 || box.height < 24)) small.push(`${one.outerHTML.slice(0, 80)}: ${box.width} × ${box.height}`);
        }
        return small.join('\\n');
        """
}
