/** A JSON schema of an object. */
export type InputSchema = Readonly<Record<string, unknown>>

const INTENT = 'model_intent'
const PROPERTIES = 'properties'

/** The schema of a tool whose caller first says in words what it is about to do (OA-116). */
export function wrappedSchema(schema: InputSchema): Record<string, unknown> {
  return {
    type: 'object',
    properties: {
      [INTENT]: {
        type: 'string',
        description:
          'What you are about to do with this tool and why, in a few words for a person who watches.',
      },
      [PROPERTIES]: schema,
    },
    required: [INTENT, PROPERTIES],
  }
}

/** The arguments of a tool out of what a model gave for {@link wrappedSchema}; models leave the inner level out at times. */
export function unwrapped(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { [INTENT]: _, ...rest } = given
  const inner = rest[PROPERTIES]
  const isWrapped = Object.keys(rest).length === 1 && isObject(inner)
  return isWrapped ? { ...inner } : rest
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
