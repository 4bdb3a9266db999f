/** How a value stands in the text around it. */
export type Escape = (value: string) => string

type View = unknown

const TAG = /\{\{(?:\{([\w.]+)\}|([#^/]?)([\w.]+))\}\}/g

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly path: string; readonly raw: boolean }
  | { readonly kind: 'section'; readonly path: string; readonly inverted: boolean; readonly children: Node[] }

/**
 * Renders a template of the part of Mustache that notifications use: `{{path}}` escaped, `{{{path}}}` as it is,
 * `{{#path}}…{{/path}}` for what is there or for each of a list, `{{^path}}…{{/path}}` for what is not.
 *
 * @throws Error for a section that does not end where it should.
 */
export function render(template: string, view: View, escaped: Escape): string {
  return evaluate(parse(template), [view], escaped)
}

function parse(template: string): Node[] {
  const root: Node[] = []
  const open: { readonly path: string; readonly children: Node[] }[] = []
  let at = 0
  for (const match of template.matchAll(TAG)) {
    const [tag, raw, sign, path = ''] = match
    const into = open.at(-1)?.children ?? root
    if (match.index > at) into.push({ kind: 'text', text: template.slice(at, match.index) })
    at = match.index + tag.length
    if (raw !== undefined) into.push({ kind: 'value', path: raw, raw: true })
    else if (sign === '') into.push({ kind: 'value', path, raw: false })
    else if (sign === '/') {
      if (open.pop()?.path !== path) throw new Error(`{{/${path}}} ends no section`)
    } else {
      const children: Node[] = []
      into.push({ kind: 'section', path, inverted: sign === '^', children })
      open.push({ path, children })
    }
  }
  const left = open.at(-1)
  if (left !== undefined) throw new Error(`{{#${left.path}}} does not end`)
  root.push({ kind: 'text', text: template.slice(at) })
  return root
}

function evaluate(nodes: readonly Node[], views: readonly View[], escaped: Escape): string {
  return nodes.map((node) => evaluateNode(node, views, escaped)).join('')
}

function evaluateNode(node: Node, views: readonly View[], escaped: Escape): string {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'value': {
      const text = textOf(lookUp(node.path, views))
      return node.raw ? text : escaped(text)
    }
    case 'section': {
      const value = lookUp(node.path, views)
      const items = Array.isArray(value) ? value : isPresent(value) ? [value] : []
      if (node.inverted) return items.length === 0 ? evaluate(node.children, views, escaped) : ''
      return items.map((item) => evaluate(node.children, [...views, item], escaped)).join('')
    }
  }
}

/** The value that the innermost view has under the first name of a path. */
function lookUp(path: string, views: readonly View[]): unknown {
  const [first = '', ...rest] = path.split('.')
  const view = views.findLast((one) => memberOf(one, first) !== undefined)
  return rest.reduce(memberOf, memberOf(view, first))
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== '' && value !== 0
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(value)
    default:
      return ''
  }
}
