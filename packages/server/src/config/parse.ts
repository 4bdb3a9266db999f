import { type Config, OPTIONS, type Option, type OptionKey, type ValueSource } from './options.ts'

/** A readable configuration, or one line for each fault (OP-3: all bad values are reported together). */
export type ParseResult =
  | {
      readonly ok: true
      readonly config: Config
      readonly sources: Readonly<Record<OptionKey, ValueSource>>
      readonly help: boolean
    }
  | { readonly ok: false; readonly errors: readonly string[] }

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Milliseconds of a duration such as `1h30m` or `7d`; undefined when it is none (OP-3). */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, , unit = ''] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h|d|w)/g))
    total += Number(amount) * (UNITS[unit] ?? 0)
  return total
}

/** `host:port`; undefined when it is none. */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) return undefined
  return { host: match[1] ?? (match[2] === '' ? '0.0.0.0' : (match[2] ?? '0.0.0.0')), port }
}

/** One CSV record: `a,"b,c"` (OP-3); undefined when a quote is not closed. */
export function parseList(text: string): string[] | undefined {
  if (text === '') return []
  const items: string[] = []
  let item = ''
  let quoted = false
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i]
    if (quoted && char === '"' && text[i + 1] === '"') {
      item += '"'
      i += 1
    } else if (char === '"') quoted = !quoted
    else if (char === ',' && !quoted) {
      items.push(item.trim())
      item = ''
    } else item += char
  }
  if (quoted) return undefined
  return [...items, item.trim()].filter((entry) => entry !== '')
}

/** Reads flags over environment over defaults (OP-1). An empty variable counts as unset (OP-2). */
export function parseConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParseResult {
  const errors: string[] = []
  const flags = readFlags(argv, errors)
  const values: Record<string, unknown> = {}
  const sources: Record<string, ValueSource> = {}
  for (const [key, option] of Object.entries(OPTIONS) as [string, Option][]) {
    const variable = env[option.env] || env[`HOMEBREW_${option.env}`]
    const flag = flags.get(option.flag)
    const text = flag ?? (variable === undefined || variable === '' ? option.default : variable)
    sources[key] = flag !== undefined ? 'flag' : variable ? 'env' : 'default'
    const value = convert(option, text)
    if (value === undefined && !(option.type === 'address' && text === ''))
      errors.push(`${sources[key] === 'env' ? option.env : `--${option.flag}`}: ${expectation(option)}`)
    values[key] = value
  }
  if (errors.length === 0) errors.push(...contradictions(values as unknown as Config))
  if (errors.length > 0) return { ok: false, errors }
  // Every key of the table has been converted to its type above.
  return {
    ok: true,
    config: values as unknown as Config,
    sources: sources as Record<OptionKey, ValueSource>,
    help: flags.has('help'),
  }
}

function readFlags(argv: readonly string[], errors: string[]): Map<string, string> {
  const known = new Map<string, Option>(Object.values(OPTIONS).map((option) => [option.flag, option]))
  const flags = new Map<string, string>()
  for (let i = 0; i < argv.length; i += 1) {
    const arg = argv[i] ?? ''
    if (arg === '--help' || arg === '-h') {
      flags.set('help', 'true')
      continue
    }
    const [, name = '', , given] = /^--([^=]+)(=(.*))?$/s.exec(arg) ?? []
    const option = known.get(name)
    if (option === undefined) {
      errors.push(`unknown flag ${JSON.stringify(arg)}: see --help`)
      continue
    }
    let value = given
    if (value === undefined && option.type === 'bool') value = 'true'
    if (value === undefined) {
      i += 1
      value = argv[i]
    }
    if (value === undefined) errors.push(`--${name}: a value must follow`)
    else flags.set(name, option.type === 'list' && flags.has(name) ? `${flags.get(name)},${value}` : value)
  }
  return flags
}

function convert(option: Option, text: string): unknown {
  switch (option.type) {
    case 'string':
    case 'secret':
      return text
    case 'bool':
      return /^(1|t|T|TRUE|true|True)$/.test(text)
        ? true
        : /^(0|f|F|FALSE|false|False|)$/.test(text)
          ? false
          : undefined
    case 'int':
      return /^-?\d+$/.test(text) ? Number(text) : undefined
    case 'duration':
      return parseDuration(text)
    case 'list':
      return parseList(text)
    case 'address':
      return parseAddress(text)
    default: {
      const never: never = option.type
      return never
    }
  }
}

function expectation(option: Option): string {
  switch (option.type) {
    case 'bool':
      return 'must be true or false'
    case 'int':
      return 'must be a whole number'
    case 'duration':
      return 'must be a duration such as 30s, 1h30m or 7d'
    case 'list':
      return 'must be a list such as a,b or "a,b",c'
    case 'address':
      return 'must be host:port, for example 127.0.0.1:3000'
    case 'string':
    case 'secret':
      return 'must be text'
    default: {
      const never: never = option.type
      return never
    }
  }
}

/** Settings that exclude each other or make no sense (OP-9); nothing is started with them. */
function contradictions(config: Config): string[] {
  const errors: string[] = []
  if (config.accessUrl !== '' && !/^https?:\/\/[^/]+/.test(config.accessUrl))
    errors.push('--access-url: must start with http:// or https://')
  if (config.postgresUrl !== '' && !/^postgres(ql)?:\/\//.test(config.postgresUrl))
    errors.push('--postgres-url: must look like postgres://user:password@host:5432/database')
  if (config.postgresMaxOpen < 1) errors.push('--postgres-conn-max-open: must be greater than 0')
  if (!['lax', 'none'].includes(config.sameSiteAuthCookie))
    errors.push('--samesite-auth-cookie: must be lax or none')
  if (!['ed25519', 'ecdsa', 'rsa4096'].includes(config.sshKeygenAlgorithm))
    errors.push('--ssh-keygen-algorithm: must be ed25519, ecdsa or rsa4096')
  if (config.sessionDuration <= 0) errors.push('--session-duration: must be longer than 0')
  return errors
}

/** Text of `--help`. */
export function helpText(): string {
  const lines = (Object.values(OPTIONS) as Option[]).map(
    (option) =>
      `  --${option.flag} (${option.env}${option.default === '' ? '' : `, default ${option.default}`})\n      ${option.help}`,
  )
  return `Usage: npm start -- [flags]\n\n${lines.join('\n')}\n`
}
