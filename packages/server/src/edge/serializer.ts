import fastJsonStringify from 'fast-json-stringify'
import type { TSchema } from 'typebox'

import { compiledOnce } from './compiled-schema.ts'

const serializerOf = compiledOnce((schema) =>
  isOfFlags(schema) ? JSON.stringify : fastJsonStringify(schema),
)

/** Any names with a yes or no each: there is nothing to leave out, and the general writer would match each name. */
function isOfFlags(schema: TSchema): boolean {
  if (!('patternProperties' in schema)) return false
  const [values, ...others] = Object.entries(schema.patternProperties as Readonly<Record<string, TSchema>>)
  if (values === undefined || others.length > 0) return false
  const [names, value] = values
  return names === '^.*$' && 'type' in value && value.type === 'boolean'
}

/** Answers that are given again and again, each with the schema that it was last written by. */
const lasting = new WeakMap<object, { schema: TSchema | undefined; text: string }>()

/** Says that this answer is given more than once and never changes, so that it is written as JSON only once. */
export function lastingAnswer<Answer extends object>(answer: Answer): Answer {
  if (!lasting.has(answer)) lasting.set(answer, { schema: undefined, text: '' })
  return answer
}

/** What writes answers of a schema as JSON, without what the schema does not name; compiled with the first answer. */
export function serializer(schema: TSchema): (answer: unknown) => string {
  return (answer) => {
    const written = typeof answer === 'object' && answer !== null ? lasting.get(answer) : undefined
    if (written === undefined) return serializerOf(schema)(answer)
    if (written.schema !== schema) {
      written.text = serializerOf(schema)(answer)
      written.schema = schema
    }
    return written.text
  }
}
