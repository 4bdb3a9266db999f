import { type Group, yamlSegments } from './groups.ts'
import type { ValueType } from './value-type.ts'

/** Variables of the process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What an indexed family of variables holds, with one line for each fault (OP-8). */
export interface Indexed<T> {
  readonly found: boolean
  readonly value: T
  readonly problems: readonly string[]
  /** What has no effect. */
  readonly warnings?: readonly string[]
}

/** What all sources and views know about one option (OP-1…OP-11). */
export interface Option<T> {
  /** Title that the dashboard looks options up by (OP-10). */
  readonly name: string
  readonly type: ValueType<T>
  readonly flag?: string
  readonly shorthand?: string
  readonly env?: string
  /** Key inside the group; secret options have none (OP-6). */
  readonly yaml?: string
  /** Text that the type reads; left out it is the empty text. */
  readonly default?: string
  /** Never shown once set (OP-11); also accepted from a file (OP-7). */
  readonly secret?: true
  /** Left out of help. */
  readonly hidden?: true
  readonly help: string
  readonly group?: Group
  /** Dotted place in `config` of `GET /deployment/config`; none for options that the wire does not know. */
  readonly wire?: string
  /** Key of the option that replaces this deprecated one; using it prints a warning (OP-5). */
  readonly useInstead?: string
  /** Words of the value where clients of the reference read it as `{Choices, Value}`, and nothing where it is not. */
  readonly choices?: readonly string[]
  /** Reads the value from a family of variables such as `CODER_EXTERNAL_AUTH_0_ID` (OP-8). */
  readonly indexed?: (environment: Environment) => Indexed<T>
  /** Why the option is accepted for compatibility only and will never act; what to do instead, if anything. */
  readonly inert?: string
  /** An instruction for this one start rather than a setting: neither reported nor documented as one. */
  readonly instruction?: true
}

/** An option whose value type does not matter to the reader. */
export type AnyOption = Option<unknown>

/** A former name of an option: it is read into the same value (OP-5, OP-14). */
export interface Alias {
  readonly option: AnyOption
  /** Key of the option that it stands for. */
  readonly of: string
}

/** Completes an option: its variable follows from its flag unless it is given, or `false` for none. */
export function option<T>(
  type: ValueType<T>,
  given: Omit<Option<T>, 'type' | 'env'> & { readonly env?: string | false },
): Option<T> {
  const { env, ...rest } = given
  const derived = given.flag === undefined ? undefined : variableOf(given.flag)
  const variable = env === false ? undefined : (env ?? derived)
  return { ...rest, type, ...(variable === undefined ? {} : { env: variable }) }
}

/** Former names of options, in the same types and the same order; options for which `rename` gives none have none. */
export function renamed(
  options: Readonly<Record<string, AnyOption>>,
  rename: (of: AnyOption) => Pick<AnyOption, 'name' | 'flag' | 'env' | 'yaml' | 'group'> | undefined,
): readonly Alias[] {
  return Object.entries(options).flatMap(([key, of]) => {
    const names = rename(of)
    if (names === undefined) return []
    const { type, secret, help } = of
    return [{ of: key, option: { type, help, hidden: true, ...(secret ? { secret } : {}), ...names } }]
  })
}

/** Dotted place of an option in the YAML file; undefined when it has none. */
export function yamlPath(of: AnyOption): string | undefined {
  return of.yaml === undefined ? undefined : [...yamlSegments(of.group), of.yaml].join('.')
}

/** How messages name an option: its flag, else its variable, else its YAML key. */
export function optionLabel(of: AnyOption): string {
  return of.flag === undefined ? (of.env ?? yamlPath(of) ?? of.name) : `--${of.flag}`
}

function variableOf(flag: string): string {
  return `CODER_${flag.replaceAll('-', '_').toUpperCase()}`
}
