/** A run of text in one style. `color` is a number of the sixteen colours of the token table. */
export interface AnsiSpan {
  readonly text: string
  readonly color?: number
  readonly background?: number
  readonly bold?: boolean
  readonly dim?: boolean
  readonly italic?: boolean
  readonly underline?: boolean
}

type Style = Omit<AnsiSpan, 'text'>

/** Longest escape sequence that is waited for; what is longer is text (UI-2004). */
const MAX_SEQUENCE = 4096

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are control characters
const SEQUENCE = /\x1b(?:\[([0-9;:]*)([ -/]*)([@-~])|[\]PX^_]([^\x07\x1b]*)(?:\x07|\x1b\\)?|[ -/]*[0-~])/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f]/g

/**
 * Styles of a line of output: SGR is honoured, every other escape sequence drops out, and of text that was
 * written over (`\r`) the last state shows (UI-803, UI-2004).
 */
export function parseAnsi(line: string): readonly AnsiSpan[] {
  const text = line.slice(line.replace(/\r+$/, '').lastIndexOf('\r') + 1)
  if (!text.includes('\x1b')) return [{ text: text.replace(CONTROLS, '') }]
  const spans: AnsiSpan[] = []
  let style: Style = {}
  let at = 0
  const push = (end: number) => {
    const part = text.slice(at, end).replace(CONTROLS, '')
    if (part !== '') spans.push({ ...style, text: part })
  }
  for (const match of text.matchAll(SEQUENCE)) {
    if (match[0].length > MAX_SEQUENCE) continue
    push(match.index)
    at = match.index + match[0].length
    if (match[3] === 'm' && match[2] === '') style = applySgr(style, match[1] ?? '')
  }
  push(text.length)
  return spans
}

function applySgr(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)))
  let next = style
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0
    if (code === 38 || code === 48) {
      const { color, used } = extended(codes.slice(i + 1))
      i += used
      if (color !== undefined) next = { ...next, [code === 38 ? 'color' : 'background']: color }
    } else next = simple(next, code)
  }
  return next
}

function simple(style: Style, code: number): Style {
  if (code >= 30 && code <= 37) return { ...style, color: code - 30 }
  if (code >= 90 && code <= 97) return { ...style, color: code - 82 }
  if (code >= 40 && code <= 47) return { ...style, background: code - 40 }
  if (code >= 100 && code <= 107) return { ...style, background: code - 92 }
  switch (code) {
    case 0:
      return {}
    case 1:
      return { ...style, bold: true }
    case 2:
      return { ...style, dim: true }
    case 3:
      return { ...style, italic: true }
    case 4:
      return { ...style, underline: true }
    case 22:
      return { ...style, bold: false, dim: false }
    case 23:
      return { ...style, italic: false }
    case 24:
      return { ...style, underline: false }
    case 39:
      return without(style, 'color')
    case 49:
      return without(style, 'background')
    default:
      return style
  }
}

function without(style: Style, key: 'color' | 'background'): Style {
  const { [key]: _, ...rest } = style
  return rest
}

/** `5;n` (256 colours) and `2;r;g;b` (true colour), brought to the nearest of the sixteen that the theme keeps legible. */
function extended(codes: readonly number[]): { readonly color: number | undefined; readonly used: number } {
  if (codes[0] === 5) {
    const n = codes[1] ?? 0
    if (n < 16) return { color: n, used: 2 }
    if (n >= 232) return { color: gray((n - 232) * 10 + 8), used: 2 }
    const cube = n - 16
    const level = (value: number) => (value === 0 ? 0 : value * 40 + 55)
    return {
      color: nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)),
      used: 2,
    }
  }
  if (codes[0] === 2) return { color: nearest(codes[1] ?? 0, codes[2] ?? 0, codes[3] ?? 0), used: 4 }
  return { color: undefined, used: 0 }
}

function gray(value: number): number {
  return value < 80 ? 0 : value < 150 ? 8 : value < 220 ? 7 : 15
}

function nearest(red: number, green: number, blue: number): number {
  const high = Math.max(red, green, blue)
  const low = Math.min(red, green, blue)
  if (high - low < 40) return gray(high)
  const middle = (high + low) / 2
  const bits = (red > middle ? 1 : 0) | (green > middle ? 2 : 0) | (blue > middle ? 4 : 0)
  return bits + (high > 200 ? 8 : 0)
}
