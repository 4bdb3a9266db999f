import type { AnyOption } from './option.ts'
import { aliases, optionEntries } from './options.ts'
import { suggestion } from './suggestion.ts'

/** Flags as they were given: values by flag name, in order. */
export interface Flags {
  readonly values: ReadonlyMap<string, readonly string[]>
  readonly help: boolean
  readonly problems: readonly string[]
}

/** Name of the flag that takes a secret from a file (OP-7). */
export const fileFlag = (flag: string) => `${flag}-file`

/** Splits the command line into flags (OP-3): `--name value`, `--name=value`, `-n value`; a bare bool is true. */
export function readFlags(argv: readonly string[]): Flags {
  const known = knownFlags()
  const values = new Map<string, string[]>()
  const problems: string[] = []
  let help = false
  for (let i = 0; i < argv.length; i += 1) {
    const arg = argv[i] ?? ''
    const [, dashes = '', name = '', given] = /^(--?)([^=-][^=]*)(?:=(.*))?$/s.exec(arg) ?? []
    if (dashes === '') {
      problems.push(`${JSON.stringify(arg)}: is not a flag; see --help`)
      continue
    }
    if (arg === '--help' || arg === '-h') {
      help = true
      continue
    }
    const flag = known.get(`${dashes}${name}`)
    if (flag === undefined) {
      problems.push(unknown(`${dashes}${name}`, known))
      // The value of the unknown flag is not a second fault.
      if (given === undefined && argv[i + 1]?.startsWith('-') === false) i += 1
      continue
    }
    let value = given
    if (value === undefined && flag.bare) value = 'true'
    if (value === undefined) {
      i += 1
      value = argv[i]
    }
    if (value === undefined) problems.push(`--${flag.name}: a value must follow`)
    else values.set(flag.name, [...(values.get(flag.name) ?? []), value])
  }
  return { values, help, problems }
}

function knownFlags(): Map<string, { readonly name: string; readonly bare: boolean }> {
  const all: AnyOption[] = [...optionEntries.map(([, of]) => of), ...aliases.map((alias) => alias.option)]
  const known = new Map<string, { name: string; bare: boolean }>()
  for (const { flag, secret } of all)
    if (flag !== undefined && secret === true)
      known.set(`--${fileFlag(flag)}`, { name: fileFlag(flag), bare: false })
  for (const { flag, shorthand, type } of all) {
    if (flag === undefined) continue
    const entry = { name: flag, bare: type.kind === 'bool' }
    known.set(`--${flag}`, entry)
    if (shorthand !== undefined) known.set(`-${shorthand}`, entry)
  }
  return known
}

function unknown(flag: string, known: ReadonlyMap<string, unknown>): string {
  const close = suggestion(flag, [...known.keys(), '--help'])
  return `${flag}: there is no such flag; ${close === undefined ? 'see --help' : `did you mean ${close}?`}`
}
