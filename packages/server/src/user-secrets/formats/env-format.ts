import { type Entry, unreadable } from './entry.ts'

const BLANKS = ' \t\r'
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"' }

/**
 * Reads lines of `KEY=VALUE` (ID-199): `export ` may stand before them, lines that start with `#` are comments, single
 * quotes are literal, double quotes know `\n \t \r \\ \"`. Nothing is expanded, a `#` further on belongs to the value,
 * and a value ends with its line.
 *
 * @throws ApiError 400 naming the first line that cannot be read.
 */
export function parseEnv(content: string): Entry[] {
  const entries: Entry[] = []
  for (const [index, raw] of content.split('\n').entries()) {
    const line = trim(raw)
    if (line === '' || line.startsWith('#')) continue
    const fault = (detail: string) => unreadable(`line ${index + 1}: ${detail}`)
    const assignment = line.replace(/^export[ \t]+/, '')
    const equals = assignment.indexOf('=')
    const key = trim(assignment.slice(0, Math.max(equals, 0)))
    if (key === '') throw fault('must be KEY=VALUE, a comment or empty')
    const value = meaningOf(trim(assignment.slice(equals + 1)))
    if (value === undefined)
      throw fault('the quoted value must end with its quote, and \\ may only stand before n t r \\ "')
    entries.push({ key, value })
  }
  return entries
}

/** Without blanks around it; other spaces belong to values. In one pass, however many blanks there are inside. */
function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && BLANKS.includes(text.charAt(start))) start += 1
  while (end > start && BLANKS.includes(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

/** The value that a text stands for; undefined for bad quoting. */
function meaningOf(text: string): string | undefined {
  if (text.startsWith("'")) return /^'([^']*)'$/.exec(text)?.[1]
  if (!text.startsWith('"')) return text
  const inner = /^"((?:[^"\\]|\\[ntr\\"])*)"$/.exec(text)?.[1]
  return inner?.replace(/\\(.)/g, (_all, letter: string) => ESCAPES[letter] ?? letter)
}
