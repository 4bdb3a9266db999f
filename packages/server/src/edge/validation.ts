import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Format } from 'typebox/format'

import {
  type ApiError,
  badRequest,
  missingField,
  type Validation,
  validationFailed,
} from '../errors/index.ts'
import { compiledOnce } from './compiled-schema.ts'
import { notGivenDrop } from './fields-not-given.ts'

// The format also knows leap seconds and names of zones (RFC 9557), of which no handler can make a moment.
Format.Set('date-time', (text) => Format.IsDateTime(text) && !Number.isNaN(Date.parse(text)))

/** Checks a parsed body against its schema and takes out what counts as not given; throws the 400 that names each refused field. */
export type BodyCheck = (body: unknown) => void

const bodyCheckOf = compiledOnce((schema) => ({
  validator: Compile(schema),
  dropNotGiven: notGivenDrop(schema),
}))
const queryCheckOf = compiledOnce((schema) => Compile(schema))

/**
 * Makes the check of a JSON body, which is compiled with the first body. Values never appear in the answer, because they
 * may be secrets (ID-207); that one is empty may be told.
 */
export function bodyCheck(schema: TSchema): BodyCheck {
  return (body) => {
    const { validator, dropNotGiven } = bodyCheckOf(schema)
    if (validator.Check(body)) return dropNotGiven?.(body)
    dropNulls(schema, body)
    if (validator.Check(body)) return dropNotGiven?.(body)
    const byField = new Map<string, string>()
    for (const error of validator.Errors(body)) {
      for (const [field, tag] of faultsOf(error)) if (!byField.has(field)) byField.set(field, tag)
    }
    throw validationFailed(
      [...byField].map(([field, tag]) =>
        tag === 'required' ? missingField(field) : { field, detail: `Validation failed for tag "${tag}"` },
      ),
    )
  }
}

/** Clients write null for a field that they do not give (WS-85); where null is a value of its own, it stays. */
function dropNulls(schema: TSchema, value: unknown): void {
  if (typeof value !== 'object' || value === null || !('properties' in schema)) return
  for (const [name, property] of Object.entries(schema.properties as Readonly<Record<string, TSchema>>)) {
    const given: unknown = Reflect.get(value, name)
    if (given === null && !takesNull(property)) Reflect.deleteProperty(value, name)
    else dropNulls(property, given)
  }
}

function takesNull(schema: TSchema): boolean {
  if ('anyOf' in schema && Array.isArray(schema.anyOf)) return schema.anyOf.some(takesNull)
  return 'type' in schema ? schema.type === 'null' : !('enum' in schema)
}

const NO_NUL = 'must not hold NUL characters'
const NO_TEXT = 'must not hold halves of surrogate pairs'

/** Deeper than any body of the contract. */
export const MAX_DEPTH = 64

/**
 * Refuses what no column can hold, anywhere in a parsed body and in its names: NUL characters and halves of
 * surrogate pairs, which JSON can spell; and nesting without end.
 *
 * @throws ApiError 400 naming the field.
 */
export function refuseUnstorable(body: unknown, field = '', depth = 0): void {
  if (typeof body === 'string') checkText(body, field)
  else if (typeof body === 'object' && body !== null && !Buffer.isBuffer(body)) {
    if (depth > MAX_DEPTH) throw refusedField(field, 'is nested too deep')
    for (const [name, value] of Object.entries(body)) {
      checkText(name, field)
      refuseUnstorable(value, field === '' ? name : `${field}.${name}`, depth + 1)
    }
  }
}

function checkText(text: string, field: string): void {
  if (text.includes('\0')) throw refusedField(field, NO_NUL)
  if (!text.isWellFormed()) throw refusedField(field, NO_TEXT)
}

function refusedField(field: string, detail: string): ApiError {
  return validationFailed([{ field: field === '' ? 'body' : field, detail }])
}

interface Fault {
  readonly keyword: string
  readonly instancePath: string
  readonly params: object
}

function faultsOf(error: Fault): [string, string][] {
  const field = error.instancePath.slice(1).replaceAll('/', '.')
  if (
    error.keyword === 'required' &&
    'requiredProperties' in error.params &&
    Array.isArray(error.params.requiredProperties)
  )
    return error.params.requiredProperties.map((name) => [
      field === '' ? String(name) : `${field}.${name}`,
      'required',
    ])
  const empty = error.keyword === 'minLength' && 'limit' in error.params && error.params.limit === 1
  return [[field === '' ? 'body' : field, empty ? 'required' : tagOf(error.keyword, field)]]
}

/** Clients know these names (ID-89). */
function tagOf(keyword: string, field: string): string {
  switch (keyword) {
    case 'enum':
    case 'const':
    case 'anyOf':
      return 'oneof'
    case 'format':
      return field.endsWith('email') ? 'email' : 'format'
    case 'pattern':
      return field.endsWith('username') ? 'username' : 'pattern'
    case 'maxLength':
    case 'maxItems':
    case 'maximum':
      return 'max'
    case 'minLength':
    case 'minItems':
    case 'minimum':
      return 'min'
    default:
      return keyword
  }
}

/**
 * Reads the query by its schema: numbers and booleans are converted, a scalar given twice is a fault, a list is all that
 * is given, and all faults are answered at once (ID-90).
 *
 * @param messages by parameter: what is said of one that has a fault, where that is not what is usual.
 */
export function queryReader(
  schema: TSchema & { readonly properties: Readonly<Record<string, TSchema>> },
  messages: Readonly<Record<string, string>> = {},
): (query: URLSearchParams) => unknown {
  return (query) => {
    const values: Record<string, unknown> = {}
    const faults: Validation[] = []
    for (const [name, property] of Object.entries(schema.properties)) {
      const given = query.getAll(name)
      const [first] = given
      if (first === undefined || first === '') continue
      if (takesMany(property)) {
        if (given.some((text) => text.includes('\0'))) faults.push({ field: name, detail: NO_NUL })
        values[name] = given
        continue
      }
      if (given.length > 1) {
        faults.push({ field: name, detail: `Query param "${name}" provided more than once` })
        continue
      }
      if (first.includes('\0')) faults.push({ field: name, detail: NO_NUL })
      values[name] = convert(first, property)
    }
    const validator = queryCheckOf(schema)
    if (!validator.Check(values))
      for (const error of validator.Errors(values))
        for (const [field] of faultsOf(error))
          faults.push({ field, detail: `Query param "${field}" has an invalid value` })
    const [first] = faults
    if (first !== undefined)
      throw badRequest(messages[first.field] ?? 'Query parameters have invalid values.', {
        validations: faults,
      })
    return values
  }
}

/** Whether a parameter may be repeated. */
function takesMany(schema: TSchema): boolean {
  return 'type' in schema && schema.type === 'array'
}

function convert(text: string, schema: TSchema): unknown {
  const type = 'type' in schema ? schema.type : undefined
  if (type === 'integer' || type === 'number') return /^-?\d+$/.test(text) ? Number(text) : text
  if (type === 'boolean') {
    if (/^(1|t|true)$/i.test(text)) return true
    if (/^(0|f|false)$/i.test(text)) return false
  }
  return text
}
