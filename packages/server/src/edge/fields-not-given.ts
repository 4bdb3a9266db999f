import type { TSchema } from 'typebox'

import { NO_ID } from '@slipway/contract'

/** Takes out of a value, in place, what counts as not given. */
type Drop = (value: unknown) => void

/**
 * Makes what takes fields out of a checked body that count as not given, at any depth: those that its schema does not
 * name, so that none of them ever reaches a row that is stored as it came (L-S10), and optional ids that are nil, as
 * clients in Go send each id that they do not give. Maps and values of any kind keep what they hold. Undefined where there
 * is nothing to take out.
 */
export function notGivenDrop(schema: TSchema): Drop | undefined {
  if ('patternProperties' in schema) {
    const [values] = Object.values(schema.patternProperties as Readonly<Record<string, TSchema>>)
    const drop = values === undefined ? undefined : notGivenDrop(values)
    return drop && ((value) => dropFromEach(objectValues(value), drop))
  }
  if ('items' in schema) {
    const drop = notGivenDrop(schema.items as TSchema)
    return drop && ((value) => dropFromEach(Array.isArray(value) ? value : [], drop))
  }
  if (!('properties' in schema) || 'additionalProperties' in schema) return undefined
  const properties = schema.properties as Readonly<Record<string, TSchema>>
  const within = Object.entries(properties).flatMap(([name, property]): [string, Drop][] => {
    const drop = notGivenDrop(property)
    return drop === undefined ? [] : [[name, drop]]
  })
  const known = new Set(Object.keys(properties))
  const required: unknown = 'required' in schema ? schema.required : []
  const ids = Object.entries(properties)
    .filter(([name, property]) => isId(property) && !(Array.isArray(required) && required.includes(name)))
    .map(([name]) => name)
  return (value) => {
    if (typeof value !== 'object' || value === null) return
    // Parsed bodies inherit nothing that could be enumerated, and a list of the names would be made for each object.
    for (const name in value) if (!known.has(name)) Reflect.deleteProperty(value, name)
    for (const name of ids) if (Reflect.get(value, name) === NO_ID) Reflect.deleteProperty(value, name)
    for (const [name, drop] of within) drop(Reflect.get(value, name))
  }
}

function isId(schema: TSchema): boolean {
  return 'format' in schema && schema.format === 'uuid' && !('x-nil' in schema)
}

function dropFromEach(values: readonly unknown[], drop: Drop): void {
  for (const value of values) drop(value)
}

function objectValues(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : []
}
