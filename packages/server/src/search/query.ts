import type { Validation } from '../errors/index.ts'

/** In lower case, as all of a search; without an offset a time would mean the zone of the server. */
const RFC_3339 = /^\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(?:\.\d+)?(?:z|[+-]\d\d:\d\d)$/

/**
 * A search text taken apart (ID-25, WS-151): `key:value` pairs with quotes around values, and bare words
 * that form one text. Readers take the keys that they know; what is left over is a fault. Faults are
 * collected, so that the answer names all of them at once.
 */
export class SearchQuery {
  /** Words without a key, joined by a space; undefined without any. */
  readonly text: string | undefined
  readonly faults: Validation[] = []
  readonly #values = new Map<string, string[]>()

  constructor(input: string) {
    const words: string[] = []
    for (const element of input.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []) {
      const bare = element.replace(/"[^"]*"?/g, '_')
      if (!bare.includes(':')) {
        words.push(element.replaceAll('"', '').toLowerCase())
      } else if (bare.startsWith(':') || bare.endsWith(':')) {
        this.#fault('q', `Query element ${JSON.stringify(element)} cannot start or end with ':'`)
      } else if (bare.split(':').length > 2) {
        this.#fault(
          'q',
          `Query element ${JSON.stringify(element)} can only contain 1 ':'; put a value that has one in quotes`,
        )
      } else {
        const at = element.indexOf(':')
        const key = element.slice(0, at).toLowerCase()
        this.#values.set(key, [...(this.#values.get(key) ?? []), element.slice(at + 1).replaceAll('"', '')])
      }
    }
    this.text = words.length === 0 ? undefined : words.join(' ')
  }

  #fault(field: string, detail: string): void {
    this.faults.push({ field, detail })
  }

  /** All values given for a key, split at commas. */
  list(key: string): string[] | undefined {
    const values = this.#values.get(key)
    this.#values.delete(key)
    return values?.flatMap((value) => value.toLowerCase().split(',')).filter((value) => value !== '')
  }

  /** The one value of a key. */
  one(key: string): string | undefined {
    return this.exact(key)?.toLowerCase()
  }

  /** The one value of a key as it was written, for what is found by its exact text. */
  exact(key: string): string | undefined {
    const values = this.#values.get(key)
    this.#values.delete(key)
    if (values !== undefined && values.length > 1)
      this.#fault(key, `Query param "${key}" provided more than once, found ${values.length} times`)
    return values?.[0]
  }

  /** A value that must be a UUID. */
  uuid(key: string): string | undefined {
    const value = this.one(key)
    if (value === undefined || isUuid(value)) return value
    this.#fault(key, `Query param "${key}" must be a valid UUID`)
    return undefined
  }

  /** A value that must be a boolean. */
  flag(key: string): boolean | undefined {
    const value = this.one(key)
    if (value === undefined) return undefined
    if (value === 'true' || value === '1') return true
    if (value === 'false' || value === '0') return false
    this.#fault(key, `Query param "${key}" must be a valid boolean`)
    return undefined
  }

  /** A value that must be a whole number from 0. */
  count(key: string): number | undefined {
    const value = this.one(key)
    if (value === undefined || /^\d{1,15}$/.test(value))
      return value === undefined ? undefined : Number(value)
    this.#fault(key, `Query param "${key}" must be a valid integer`)
    return undefined
  }

  /** A value that must be an RFC 3339 time. */
  time(key: string): Date | undefined {
    const value = this.one(key)
    if (value === undefined) return undefined
    const date = new Date(value.toUpperCase())
    if (RFC_3339.test(value) && !Number.isNaN(date.getTime())) return date
    this.#fault(key, `Query param "${key}" must be a valid RFC 3339 time`)
    return undefined
  }

  /** Values that must each be one of these. */
  choices<T extends string>(key: string, allowed: readonly T[]): T[] | undefined {
    return this.list(key)?.flatMap((value): T[] => {
      const known = allowed.find((candidate) => candidate === value)
      if (known === undefined)
        this.#fault(key, `Query param "${key}" has invalid value ${JSON.stringify(value)}`)
      return known === undefined ? [] : [known]
    })
  }

  /** Values that must be UUIDs. */
  uuids(key: string): string[] | undefined {
    return this.list(key)?.filter((value) => {
      const valid = isUuid(value)
      if (!valid) this.#fault(key, `Query param "${key}" must be a list of UUIDs`)
      return valid
    })
  }

  /** Faults so far, with one for each key that nobody has taken. */
  finish(): readonly Validation[] {
    for (const key of this.#values.keys())
      this.#fault(key, `${JSON.stringify(key)} is not a valid query param`)
    this.#values.clear()
    return this.faults
  }
}

/** Whether a text has the 36-character form of a UUID. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
}

/** A pattern for `ilike` that matches texts holding this one. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`
}
