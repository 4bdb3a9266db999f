import { type Flags, fileFlag } from './flags.ts'
import { type AnyOption, type Environment, optionLabel, yamlPath } from './option.ts'
import { aliases, optionEntries, type ValueSource } from './options.ts'
import type { Parsed } from './value-type.ts'
import type { YamlFile } from './yaml-file.ts'

/** Everything that options are read from, and where faults and warnings go. */
export interface Sources {
  readonly flags: Flags
  readonly environment: Environment
  readonly file: YamlFile
  readonly fileName: string
  readonly readFile: (path: string) => string
  readonly errors: string[]
  readonly warnings: string[]
}

/** What one option has in one source; `place` is how messages call it. */
interface Found {
  readonly place: string
  /** What was given, where it is a single text. */
  readonly text?: string
  readonly parsed: Parsed<unknown>
}

const READERS = { flag: fromFlag, env: fromEnvironment, yaml: fromYaml } as const

/** The value of an option and the source that won (OP-1); faults are added to `from`. */
export function readOption(
  key: string,
  option: AnyOption,
  from: Sources,
): { readonly source: ValueSource; readonly value: unknown } {
  const names = [option, ...aliases.filter((alias) => alias.of === key).map((alias) => alias.option)]
  let won: { source: ValueSource; value: unknown } | undefined
  for (const source of ['flag', 'env', 'yaml'] as const) {
    for (const name of names) {
      const found = READERS[source](name, from)
      if (found === undefined) continue
      if (name !== option || option.useInstead !== undefined)
        from.warnings.push(`${found.place} is deprecated, please use ${successorOf(option)}`)
      if (!found.parsed.ok) from.errors.push(faultLine(name, found, found.parsed.problem))
      else won ??= { source, value: found.parsed.value }
    }
  }
  const base = won ?? defaultOf(option)
  return option.indexed === undefined ? base : withFamily(option, base, from)
}

/** A set variable, also under its `HOMEBREW_` name; an empty one counts as unset (OP-2). */
export function variable(
  environment: Environment,
  name: string,
): { readonly name: string; readonly text: string } | undefined {
  for (const candidate of [name, `HOMEBREW_${name}`]) {
    const text = environment[candidate]
    if (text !== undefined) return text === '' ? undefined : { name: candidate, text }
  }
  return undefined
}

function fromFlag(option: AnyOption, from: Sources): Found | undefined {
  if (option.flag === undefined) return undefined
  const place = `--${option.flag}`
  const texts = from.flags.values.get(option.flag)
  const file = option.secret ? from.flags.values.get(fileFlag(option.flag))?.at(-1) : undefined
  if (file !== undefined && !isOption('flag', fileFlag(option.flag)))
    return texts === undefined
      ? fromFile(option, `--${fileFlag(option.flag)}`, file, from)
      : {
          place,
          parsed: { ok: false, problem: `cannot be combined with --${fileFlag(option.flag)}; leave one out` },
        }
  if (texts === undefined) return undefined
  let parsed: Parsed<unknown> | undefined
  for (const text of texts) {
    const next = option.type.parse(text)
    if (!next.ok) return { place, text, parsed: next }
    parsed =
      parsed?.ok && option.type.append !== undefined
        ? { ok: true, value: option.type.append(parsed.value, next.value) }
        : next
  }
  return parsed === undefined ? undefined : { place, parsed }
}

function fromEnvironment(option: AnyOption, from: Sources): Found | undefined {
  if (option.env === undefined) return undefined
  const set = variable(from.environment, option.env)
  const fileName = `${option.env}_FILE`
  const file = option.secret && !isOption('env', fileName) ? variable(from.environment, fileName) : undefined
  if (file !== undefined)
    return set === undefined
      ? fromFile(option, file.name, file.text, from)
      : {
          place: set.name,
          parsed: { ok: false, problem: `cannot be combined with ${file.name}; leave one out` },
        }
  if (set === undefined) return undefined
  return { place: set.name, text: set.text, parsed: option.type.parse(set.text) }
}

/** The content of a file with a secret, minus one trailing newline (OP-7). */
function fromFile(option: AnyOption, place: string, file: string, from: Sources): Found {
  try {
    return { place, parsed: option.type.parse(from.readFile(file).replace(/\r?\n$/, '')) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { place, parsed: { ok: false, problem: `the file ${file} cannot be read (${reason})` } }
  }
}

function fromYaml(option: AnyOption, from: Sources): Found | undefined {
  const path = yamlPath(option)
  if (path === undefined || !from.file.values.has(path)) return undefined
  const node = from.file.values.get(path)
  const place = `${path} in ${from.fileName}`
  if (option.type.parseYaml !== undefined) return { place, parsed: option.type.parseYaml(node) }
  return typeof node === 'object'
    ? { place, parsed: { ok: false, problem: 'must be a single value' } }
    : { place, text: String(node), parsed: option.type.parse(String(node)) }
}

function defaultOf(option: AnyOption): { source: ValueSource; value: unknown } {
  const parsed = option.type.parse(option.default ?? '')
  if (!parsed.ok) throw new Error(`the default of ${optionLabel(option)} ${parsed.problem}`)
  return { source: option.default === undefined ? '' : 'default', value: parsed.value }
}

/** Members of an indexed family come after those of the file (OP-8). */
function withFamily(
  option: AnyOption,
  base: { source: ValueSource; value: unknown },
  from: Sources,
): { source: ValueSource; value: unknown } {
  const family = option.indexed?.(from.environment)
  if (family === undefined) return base
  from.errors.push(...family.problems)
  from.warnings.push(...(family.warnings ?? []))
  if (!family.found) return base
  const value = option.type.append?.(base.value, family.value) ?? family.value
  return { source: 'env', value }
}

function isOption(kind: 'flag' | 'env', name: string): boolean {
  return (
    optionEntries.some(([, option]) => option[kind] === name) ||
    aliases.some(({ option }) => option[kind] === name)
  )
}

const QUOTED_LENGTH = 60

function faultLine({ type, secret }: AnyOption, { place, text }: Found, problem: string): string {
  const quoted =
    text === undefined || secret === true || type.quotable !== true || text.length > QUOTED_LENGTH
      ? ''
      : `, not ${JSON.stringify(text)}`
  return `${place}: ${problem}${quoted}`
}

/** How messages call the option that replaces a deprecated one, or the option itself when it is not deprecated. */
function successorOf(option: AnyOption): string {
  const successor = optionEntries.find(([key]) => key === option.useInstead)?.[1]
  return optionLabel(successor ?? option)
}
