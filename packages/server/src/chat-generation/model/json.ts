import type { Json } from '../../chats/index.ts'

/** JSON as the libraries of providers have it. */
type Mutable = null | string | number | boolean | { [member: string]: Mutable | undefined } | Mutable[]

/** A JSON object as the libraries of providers have it. */
export type JsonObject = { [member: string]: Mutable | undefined }

/** Deeper nesting than anything that means something: whoever walks through it needs a stack. */
const MAX_DEPTH = 256

/** Whether a value is made of nothing but JSON, with an object around it. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isJson(value)
}

/** Whether a value is made of nothing but JSON, without nesting that has no end. */
export function isJson(value: unknown, depth = 0): value is Mutable & Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value)
    case 'object':
      return (
        value === null ||
        (depth < MAX_DEPTH &&
          Object.values(value).every((member) => member === undefined || isJson(member, depth + 1)))
      )
    default:
      return false
  }
}

/** JSON of a text; undefined for a text that is none. */
export function parseJson(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJson(value) ? value : undefined
  } catch {
    return undefined
  }
}
