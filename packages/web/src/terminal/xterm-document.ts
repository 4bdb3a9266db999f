/**
 * The document that xterm works with. It writes its measures and colours into style elements, which the page's CSP
 * forbids; here they go into constructed style sheets instead.
 *
 * @param sheets takes the sheets, so that their owner can remove them.
 */
export function xtermDocument(sheets: CSSStyleSheet[]): Document {
  const createElement = (name: string, options?: ElementCreationOptions): HTMLElement =>
    name.toLowerCase() === 'style' ? styleStandIn(sheets) : document.createElement(name, options)
  return new Proxy(document, {
    get(target, key) {
      if (key === 'createElement') return createElement
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function styleStandIn(sheets: CSSStyleSheet[]): HTMLElement {
  const element = document.createElement('span')
  element.hidden = true
  const sheet = new CSSStyleSheet()
  sheets.push(sheet)
  document.adoptedStyleSheets.push(sheet)
  Object.defineProperty(element, 'textContent', {
    get: () => '',
    set: (text: string) => sheet.replaceSync(text),
  })
  return element
}
