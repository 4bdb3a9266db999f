import type { TSchema } from 'typebox'

/**
 * Makes something of schemas when each is first needed, once for all that use it: to compile those of all routes takes a
 * third of the server's start, and most of them are not asked for soon.
 */
export function compiledOnce<Compiled extends object>(
  compile: (schema: TSchema) => Compiled,
): (schema: TSchema) => Compiled {
  const known = new WeakMap<TSchema, Compiled>()
  return (schema) => {
    let compiled = known.get(schema)
    if (compiled === undefined) {
      compiled = compile(schema)
      known.set(schema, compiled)
    }
    return compiled
  }
}
