import type { Group } from './groups.ts'
import { type AnyOption, yamlPath } from './option.ts'
import { aliases, type Configuration, optionEntries, type ValueSource } from './options.ts'
import { describe } from './without-effect.ts'

/** An option as `GET /deployment/config` shows it; keys without a value are absent (OP-10). */
export interface ReportedOption {
  readonly name: string
  readonly description: string
  readonly flag?: string
  readonly flag_shorthand?: string
  readonly env?: string
  readonly yaml?: string
  readonly default?: string
  readonly value: unknown
  readonly annotations?: Record<string, string>
  readonly group?: ReportedGroup
  readonly use_instead?: ReportedOption[]
  readonly hidden?: boolean
  readonly value_source?: ValueSource
}

interface ReportedGroup {
  readonly name: string
  readonly description?: string
  readonly yaml?: string
  readonly parent?: ReportedGroup
}

/** The configuration with every secret left out, in the shape of the wire (OP-10, OP-11). */
export interface DeploymentReport {
  readonly config: Record<string, unknown>
  readonly options: ReportedOption[]
}

/** What `GET /deployment/config` answers: durations are nanoseconds, secrets are empty (OP-10, OP-11). */
export function deploymentConfig({ config, sources }: Configuration): DeploymentReport {
  const values = new Map<string, unknown>(Object.entries(config))
  const tree: Record<string, unknown> = {}
  const reported = new Map<string, ReportedOption>()
  for (const [key, option] of optionEntries) {
    if (option.wire !== undefined)
      place(
        tree,
        option.wire.split('.'),
        option.secret ? empty(values.get(key)) : option.type.toJson(values.get(key)),
      )
    if (option.instruction === true) continue
    reported.set(key, report(key, option, values.get(key), sources.get(key) ?? ''))
  }
  for (const [key, option] of optionEntries) {
    const entry = reported.get(key)
    const instead = option.useInstead === undefined ? undefined : reported.get(option.useInstead)
    if (entry !== undefined && instead !== undefined) reported.set(key, { ...entry, use_instead: [instead] })
  }
  const former = aliases.map((alias) => {
    const present = reported.get(alias.of)
    return {
      ...report(alias.of, alias.option, values.get(alias.of), sources.get(alias.of) ?? ''),
      ...(present === undefined ? {} : { use_instead: present.use_instead ?? [present] }),
    }
  })
  return { config: tree, options: [...reported.values(), ...former] }
}

function report(key: string, option: AnyOption, value: unknown, source: ValueSource): ReportedOption {
  const yaml = yamlPath(option)
  // A family of variables has no default of its own: it is empty until somebody adds a member (OP-B5).
  const base = option.default ?? (option.indexed === undefined ? undefined : '')
  const from = source === '' && option.indexed !== undefined ? 'default' : source
  return {
    name: option.name,
    description: describe(key, option),
    ...(option.flag === undefined ? {} : { flag: option.flag }),
    ...(option.shorthand === undefined ? {} : { flag_shorthand: option.shorthand }),
    ...(option.env === undefined ? {} : { env: option.env }),
    ...(yaml === undefined ? {} : { yaml }),
    ...(base === undefined ? {} : { default: base }),
    value: option.secret ? null : sentValue(option, option.type.toJson(value)),
    ...(option.secret ? { annotations: { secret: 'true' } } : {}),
    ...(option.group === undefined ? {} : { group: reportGroup(option.group) }),
    ...(option.hidden ? { hidden: true } : {}),
    ...(from === '' ? {} : { value_source: from }),
  }
}

/** A client in Go that cannot read the value of one option reads none of them. */
function sentValue({ choices }: AnyOption, value: unknown): unknown {
  return choices === undefined ? value : { Choices: choices, Value: value }
}

function reportGroup({ name, description, yaml, parent }: Group): ReportedGroup {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(yaml === undefined ? {} : { yaml }),
    ...(parent === undefined ? {} : { parent: reportGroup(parent) }),
  }
}

function place(
  tree: Record<string, unknown>,
  [first = '', ...rest]: readonly string[],
  value: unknown,
): void {
  if (rest.length === 0) {
    tree[first] = value
    return
  }
  const below = tree[first]
  const branch: Record<string, unknown> = isRecord(below) ? below : {}
  tree[first] = branch
  place(branch, rest, value)
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function empty(value: unknown): unknown {
  return Array.isArray(value) ? [] : ''
}
