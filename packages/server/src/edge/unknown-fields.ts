import type { TSchema } from 'typebox'

/** Takes out of a value, in place, what its schema does not name. */
type Drop = (value: unknown) => void

/**
 * Makes what takes fields out of a checked body that its schema does not name, at any depth, so that none of them ever
 * reaches a row that is stored as it came (L-S10). Maps and values of any kind keep what they hold. Undefined where
 * there is nothing to take out.
 */
export function unknownFieldsDrop(schema: TSchema): Drop | undefined {
  if ('patternProperties' in schema) {
    const [values] = Object.values(schema.patternProperties as Readonly<Record<string, TSchema>>)
    const drop = values === undefined ? undefined : unknownFieldsDrop(values)
    return drop && ((value) => dropFromEach(objectValues(value), drop))
  }
  if ('items' in schema) {
    const drop = unknownFieldsDrop(schema.items as TSchema)
    return drop && ((value) => dropFromEach(Array.isArray(value) ? value : [], drop))
  }
  if (!('properties' in schema) || 'additionalProperties' in schema) return undefined
  const properties = schema.properties as Readonly<Record<string, TSchema>>
  const within = Object.entries(properties).flatMap(([name, property]): [string, Drop][] => {
    const drop = unknownFieldsDrop(property)
    return drop === undefined ? [] : [[name, drop]]
  })
  const known = new Set(Object.keys(properties))
  return (value) => {
    if (typeof value !== 'object' || value === null) return
    // Parsed bodies inherit nothing that could be enumerated, and a list of the names would be made for each object.
    for (const name in value) if (!known.has(name)) Reflect.deleteProperty(value, name)
    for (const [name, drop] of within) drop(Reflect.get(value, name))
  }
}

function dropFromEach(values: readonly unknown[], drop: Drop): void {
  for (const value of values) drop(value)
}

function objectValues(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : []
}
