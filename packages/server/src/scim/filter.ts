import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { type Compare, type Filter, parse } from 'scim2-parse-filter'

import { ScimError } from '../errors/index.ts'
import { USER_NAME } from './store/scim-users.ts'

/** How the values of an attribute are compared (RFC 7643, section 2.2). */
type Kind = 'text' | 'exact' | 'flag' | 'time'

interface Attribute {
  readonly kind: Kind
  readonly of: RawBuilder<unknown>
  /** A further name that the same account has. */
  readonly or?: RawBuilder<unknown>
}

const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:user:'
const MAX_FILTERS = 50

const email: Attribute = { kind: 'text', of: sql`nullif(u.email, '')` }

/** What accounts are looked for by; names of attributes are of no case (RFC 7643, section 2.1). */
const ATTRIBUTES: ReadonlyMap<string, Attribute> = new Map<string, Attribute>([
  ['id', { kind: 'exact', of: sql`u.id::text` }],
  ['externalid', { kind: 'exact', of: sql`s.external_id` }],
  // An account that no provider has spoken of answers to its own name, too.
  ['username', { kind: 'text', of: USER_NAME, or: sql`case when s.user_id is null then u.username end` }],
  ['displayname', { kind: 'text', of: sql`u.name` }],
  ['name.formatted', { kind: 'text', of: sql`u.name` }],
  ['name.givenname', { kind: 'text', of: sql`s.given_name` }],
  ['name.familyname', { kind: 'text', of: sql`s.family_name` }],
  ['emails', email],
  ['emails.value', email],
  // The one address that an account has is the first one of its work.
  ['emails.type', { kind: 'text', of: sql`case when u.email <> '' then 'work' end` }],
  ['emails.primary', { kind: 'flag', of: sql`(u.email <> '')` }],
  ['active', { kind: 'flag', of: sql`(u.status <> 'suspended')` }],
  ['meta.created', { kind: 'time', of: sql`u.created_at` }],
  ['meta.lastmodified', { kind: 'time', of: sql`greatest(u.updated_at, s.updated_at)` }],
])

/**
 * A filter (RFC 7644, section 3.4.2.2) as a condition on accounts `u` with their rows `s`.
 *
 * @throws ScimError 400 `invalidFilter`, with what is wrong about it.
 */
export function filterOf(text: string): RawBuilder<SqlBool> {
  let filter: Filter
  try {
    filter = parse(text)
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : 'it cannot be read')
  }
  const room = { left: MAX_FILTERS }
  return conditionOf(filter, '', room)
}

function invalid(why: string): ScimError {
  return new ScimError(400, 'invalidFilter', `The filter is not supported: ${why}.`)
}

function conditionOf(filter: Filter, within: string, room: { left: number }): RawBuilder<SqlBool> {
  room.left -= 1
  if (room.left < 0) throw invalid(`it has more than ${MAX_FILTERS} parts`)
  switch (filter.op) {
    case 'and':
    case 'or': {
      const parts = filter.filters.map((part) => conditionOf(part, within, room))
      return sql<SqlBool>`(${sql.join(parts, filter.op === 'and' ? sql` and ` : sql` or `)})`
    }
    case 'not':
      // What is not known is not so.
      return sql<SqlBool>`coalesce(not ${conditionOf(filter.filter, within, room)}, true)`
    case '[]':
      return conditionOf(filter.valFilter, `${within}${filter.attrPath}.`, room)
    case 'pr': {
      const { of, kind } = attribute(within + filter.attrPath)
      return kind === 'text' ? sql<SqlBool>`coalesce(${of}, '') <> ''` : sql<SqlBool>`${of} is not null`
    }
    case 'eq':
    case 'ne':
    case 'co':
    case 'sw':
    case 'ew':
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le':
      return comparison(attribute(within + filter.attrPath), filter)
  }
}

function attribute(path: string): Attribute {
  const name = path.toLowerCase()
  const found = ATTRIBUTES.get(name.startsWith(SCHEMA) ? name.slice(SCHEMA.length) : name)
  if (found === undefined) throw invalid(`there is no attribute ${JSON.stringify(path)} to look for`)
  return found
}

function comparison({ kind, of, or }: Attribute, { op, attrPath, compValue }: Compare): RawBuilder<SqlBool> {
  const unsupported = (): ScimError => invalid(`${attrPath} cannot be compared like that`)
  switch (kind) {
    case 'text':
    case 'exact': {
      if (typeof compValue !== 'string' || compValue.includes('\0')) throw unsupported()
      const folded = (side: RawBuilder<unknown>): RawBuilder<unknown> =>
        kind === 'text' ? sql`lower(${side})` : side
      const value = folded(sql`${compValue}::text`)
      const compared = [of, ...(or === undefined ? [] : [or])].map((side) =>
        matching(op, folded(side), value),
      )
      if (compared.some((one) => one === undefined)) throw unsupported()
      const any = sql<SqlBool>`coalesce(${sql.join(compared, sql` or `)}, false)`
      return op === 'ne' ? sql<SqlBool>`not ${any}` : any
    }
    case 'flag':
      if (typeof compValue !== 'boolean' || (op !== 'eq' && op !== 'ne')) throw unsupported()
      return op === 'eq' ? sql<SqlBool>`${of} = ${compValue}` : sql<SqlBool>`${of} <> ${compValue}`
    case 'time': {
      const time = typeof compValue === 'string' ? new Date(compValue) : new Date(Number.NaN)
      const sign = ORDER.get(op)
      if (Number.isNaN(time.getTime()) || sign === undefined) throw unsupported()
      // Times are told to the millisecond.
      return sql<SqlBool>`date_trunc('milliseconds', ${of}) ${sign} ${time}`
    }
  }
}

const ORDER: ReadonlyMap<string, RawBuilder<unknown>> = new Map([
  ['eq', sql`=`],
  ['ne', sql`<>`],
  ['gt', sql`>`],
  ['ge', sql`>=`],
  ['lt', sql`<`],
  ['le', sql`<=`],
])

/** Whether a text is what is looked for; undefined for comparisons that texts do not have. */
function matching(
  op: Compare['op'],
  side: RawBuilder<unknown>,
  value: RawBuilder<unknown>,
): RawBuilder<unknown> | undefined {
  switch (op) {
    case 'eq':
    case 'ne':
      return sql`${side} = ${value}`
    case 'co':
      return sql`strpos(${side}, ${value}) > 0`
    case 'sw':
      return sql`starts_with(${side}, ${value})`
    case 'ew':
      return sql`right(${side}, length(${value})) = ${value}`
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le':
      return undefined
  }
}
