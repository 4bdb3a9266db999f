import type { NamedValue, RichParameter } from '../engine/description.ts'
import { valueFault } from './validate-value.ts'

/** Where the values of a build come from, the strongest first (WS-121). */
export interface ParameterSources {
  readonly preset: readonly NamedValue[]
  readonly given: readonly NamedValue[]
  /** Values of the build before; empty for the first one. */
  readonly previous: readonly NamedValue[]
  readonly firstBuild: boolean
}

/** Why a value was refused. */
export interface ParameterFault {
  readonly name: string
  readonly detail: string
}

/** The values of a build; they are usable only without faults. */
export interface Resolved {
  readonly values: readonly NamedValue[]
  readonly faults: readonly ParameterFault[]
}

/**
 * Finds the value of each parameter (WS-121, WS-122): preset, request, previous build unless ephemeral,
 * default. Values for unknown names are dropped. Defaults become values of the build, so that a later change
 * of a default does not move existing workspaces.
 */
export function resolveParameters(parameters: readonly RichParameter[], sources: ParameterSources): Resolved {
  const preset = byName(sources.preset)
  const given = byName(sources.given)
  const previous = byName(sources.previous)
  const values: NamedValue[] = []
  const faults: ParameterFault[] = []
  for (const parameter of parameters) {
    const { name } = parameter
    const before = previous.get(name)
    const chosen = preset.get(name) ?? given.get(name)
    const kept = parameter.ephemeral ? undefined : before
    const value = chosen ?? kept ?? (parameter.required ? undefined : parameter.defaultValue)
    if (value === undefined) {
      faults.push({ name, detail: 'a value is required' })
      continue
    }
    if (!parameter.mutable && !sources.firstBuild && before !== undefined && value !== before) {
      faults.push({
        name,
        detail: `Immutable parameter changed; Parameter ${JSON.stringify(name)} is not mutable, so it can't be updated after creating a workspace.`,
      })
      continue
    }
    const detail = valueFault(parameter, value, before)
    if (detail === undefined) values.push({ name, value })
    else faults.push({ name, detail })
  }
  return { values, faults }
}

function byName(values: readonly NamedValue[]): ReadonlyMap<string, string> {
  return new Map(values.map((entry) => [entry.name, entry.value]))
}
