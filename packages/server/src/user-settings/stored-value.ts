import type { Static, TSchema } from 'typebox'
import { Check } from 'typebox/value'

/** A stored text as the type that the setting has now; `fallback` for one that no version of today knows (ID-201). */
export function storedValue<Schema extends TSchema>(
  schema: Schema,
  stored: string | undefined,
  fallback: Static<Schema>,
): Static<Schema> {
  return Check(schema, stored) ? stored : fallback
}
