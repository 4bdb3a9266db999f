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

/** What was last written of an answer that is given again and again, by which schema, and that as a string in JSON. */
interface Written {
  schema: TSchema | undefined
  text: string
  quoted: string | undefined
}

const lasting = new WeakMap<object, Written>()

/** Says that this answer is given more than once and never changes, so that it is written as JSON only once. */
export function lastingAnswer<Answer extends object>(answer: Answer): Answer {
  if (!lasting.has(answer)) lasting.set(answer, { schema: undefined, text: '', quoted: undefined })
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
      written.quoted = undefined
    }
    return written.text
  }
}

/** The JSON of an answer as a string in JSON, for protocols that hold one in the other; made once of lasting ones. */
export function quoted(answer: unknown, text: string): string {
  const written = typeof answer === 'object' && answer !== null ? lasting.get(answer) : undefined
  if (written?.text !== text) return JSON.stringify(text)
  written.quoted ??= JSON.stringify(text)
  return written.quoted
}
