import { homedir } from 'node:os'
import path from 'node:path'

import { formatCsvRecord, parseCsvRecord } from './csv.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { formatHostPort, type HostPort, parseHostPort } from './host-port.ts'

/** A value read from text, or what is wrong with the text, fit to follow the name of the option. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string }

/** How the values of an option look in its sources, in memory and on the wire (OP-3). */
export interface ValueType<T> {
  /** Name of the type in help and documentation. */
  readonly kind: string
  /** Reads a flag, a variable or a YAML scalar. */
  parse(text: string): Parsed<T>
  /** Reads a YAML node; without it scalars go through `parse`. */
  parseYaml?(node: unknown): Parsed<T>
  /** The YAML node that `parseYaml` reads back; without it it is what `format` gives. */
  toYaml?(value: T): unknown
  /** A refused text may be repeated in messages: it is short and not the place of a secret. */
  readonly quotable?: true
  /** Joins the values of a repeated flag; without it the last one wins. */
  append?(earlier: T, later: T): T
  /** Text that `parse` reads back. */
  format(value: T): string
  /** The value in `GET /deployment/config` (OP-10), without anything secret inside it. */
  toJson(value: T): unknown
  /** Whether a value is of this type; what makes the parsed record a typed one. */
  holds(value: unknown): value is T
}

const valid = <T>(value: T): Parsed<T> => ({ ok: true, value })
const invalid = (problem: string) => ({ ok: false, problem }) as const
const isString = (value: unknown): value is string => typeof value === 'string'

/** `true`, `1`, `t`, … (OP-3); an empty text is false. */
export const bool: ValueType<boolean> = {
  kind: 'bool',
  parse: (text) => {
    if (/^(1|t|T|TRUE|true|True)$/.test(text)) return valid(true)
    if (/^(0|f|F|FALSE|false|False|)$/.test(text)) return valid(false)
    return invalid('must be true or false')
  },
  toYaml: (value) => value,
  quotable: true,
  format: String,
  toJson: (value) => value,
  holds: (value) => typeof value === 'boolean',
}

/** A whole number from `min` to `max`. */
export function int(
  min: number = Number.MIN_SAFE_INTEGER,
  max: number = Number.MAX_SAFE_INTEGER,
): ValueType<number> {
  const range = [
    ...(min > Number.MIN_SAFE_INTEGER ? [`at least ${min}`] : []),
    ...(max < Number.MAX_SAFE_INTEGER ? [`at most ${max}`] : []),
  ].join(' and ')
  return {
    kind: 'int',
    parse: (text) => {
      const value = Number(text)
      if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) return invalid('must be a whole number')
      return value < min || value > max ? invalid(`must be ${range}`) : valid(value)
    },
    toYaml: (value) => value,
    quotable: true,
    format: String,
    toJson: (value) => value,
    holds: (value): value is number => Number.isSafeInteger(value),
  }
}

/** Any text for which `check` finds no problem. */
export function string(check: (text: string) => string | undefined = () => undefined): ValueType<string> {
  return {
    kind: 'string',
    parse: (text) => {
      const problem = check(text)
      return problem === undefined ? valid(text) : invalid(problem)
    },
    format: (value) => value,
    toJson: (value) => value,
    holds: isString,
  }
}

/** A path; `~/` at its beginning is the home folder of the account. */
export const folder: ValueType<string> = {
  ...string(),
  parse: (text) => valid(text.startsWith('~/') ? path.join(homedir(), text.slice(2)) : text),
}

/** Milliseconds in memory, integer nanoseconds on the wire (OP-10). */
export const duration: ValueType<number> = {
  kind: 'duration',
  parse: (text) => {
    const value = parseDuration(text)
    return value === undefined ? invalid('must be a duration such as 30s, 1h30m or 7d') : valid(value)
  },
  quotable: true,
  format: formatDuration,
  toJson: (value) => Math.round(value * 1e6),
  holds: (value) => typeof value === 'number',
}

/** One of a fixed set of words. */
export function oneOf<const T extends string>(...words: readonly T[]): ValueType<T> {
  const holds = (value: unknown): value is T => words.some((word) => word === value)
  return {
    kind: words.join('|'),
    quotable: true,
    parse: (text) => (holds(text) ? valid(text) : invalid(`must be ${choices(words)}`)),
    format: (value) => value,
    toJson: (value) => value,
    holds,
  }
}

function choices(words: readonly string[]): string {
  return words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/** An absolute URL whose scheme is among `schemes` (any when none is named), or empty; kept without a bare `/`. */
export function url(...schemes: readonly string[]): ValueType<string> {
  return {
    kind: 'url',
    parse: (text) => {
      if (text === '') return valid(text)
      const value = URL.canParse(text) && !/[\s\\]/.test(text) ? new URL(text) : undefined
      if (value === undefined) return invalid('must be an absolute URL such as https://example.com')
      if (schemes.length > 0 && (!schemes.includes(value.protocol.slice(0, -1)) || value.host === ''))
        return invalid(`must start with ${choices(schemes.map((scheme) => `${scheme}://`))}`)
      const lower = text.replace(/^[^:]+/, (scheme) => scheme.toLowerCase())
      return valid(value.pathname === '/' ? lower.replace(/\/$/, '') : lower)
    },
    format: (value) => value,
    toJson: (value) => {
      if (!URL.canParse(value) || new URL(value).password === '') return value
      const masked = new URL(value)
      masked.password = '********'
      return masked.href
    },
    holds: isString,
  }
}

/** `host:port`; empty is undefined. */
export const hostPort: ValueType<HostPort | undefined> = {
  kind: 'host:port',
  parse: (text) => {
    const value = text === '' ? undefined : parseHostPort(text)
    return text !== '' && value === undefined
      ? invalid('must be host:port, for example 127.0.0.1:3000')
      : valid(value)
  },
  quotable: true,
  format: (value) => (value === undefined ? '' : formatHostPort(value)),
  toJson: (value) => (value === undefined ? '' : formatHostPort(value)),
  holds: (value): value is HostPort | undefined =>
    value === undefined ||
    (typeof value === 'object' && value !== null && 'host' in value && 'port' in value),
}

/** Entries of a CSV record or of a YAML sequence, each of them without a problem (OP-3). */
export function list(
  check: (entry: string) => string | undefined = () => undefined,
): ValueType<readonly string[]> & Required<Pick<ValueType<readonly string[]>, 'parseYaml'>> {
  const checked = (entries: readonly string[]): Parsed<readonly string[]> => {
    const problem = entries.map(check).find((found) => found !== undefined)
    return problem === undefined ? valid(entries) : invalid(problem)
  }
  return {
    kind: 'list',
    parse: (text) => {
      const entries = parseCsvRecord(text)
      return entries === undefined ? invalid('must be a list such as a,b or a,"b,c"') : checked(entries)
    },
    parseYaml: (node) => {
      const entries = Array.isArray(node) ? node : node === '' ? [] : [node]
      return entries.every((entry) => isString(entry) || typeof entry === 'number')
        ? checked(entries.map(String))
        : invalid('must be a list of texts')
    },
    toYaml: (value) => value,
    append: (earlier, later) => [...earlier, ...later],
    format: formatCsvRecord,
    toJson: (value) => value,
    holds: (value): value is readonly string[] => Array.isArray(value) && value.every(isString),
  }
}

/** A list whose entries are of a fixed set of words; their case does not matter and is corrected (ID-136). */
export function listOf(...words: readonly string[]): ValueType<readonly string[]> {
  const known = (entry: string) => words.find((word) => word.toLowerCase() === entry.toLowerCase())
  const base = list((entry) =>
    known(entry) === undefined ? `must name only ${words.join(', ')}` : undefined,
  )
  const corrected = (parsed: Parsed<readonly string[]>): Parsed<readonly string[]> =>
    parsed.ok ? valid(parsed.value.map((entry) => known(entry) ?? entry)) : parsed
  return {
    ...base,
    parse: (text) => corrected(base.parse(text)),
    parseYaml: (node) => corrected(base.parseYaml(node)),
  }
}
