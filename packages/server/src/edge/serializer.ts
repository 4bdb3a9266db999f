import fastJsonStringify from 'fast-json-stringify'
import type { TSchema } from 'typebox'

import { compiledOnce } from './compiled-schema.ts'

const serializerOf = compiledOnce((schema) => fastJsonStringify(schema))

/** What writes answers of a schema as JSON, without what the schema does not name; compiled with the first answer. */
export function serializer(schema: TSchema): (answer: unknown) => string {
  return (answer) => serializerOf(schema)(answer)
}
