import type { SCIMUser, SCIMUserList } from '@slipway/contract'
import type { ScimUserRow } from './store/scim-users.ts'

/** Schemas of what is sent (RFC 7643 section 8.7, RFC 7644 section 8.2). */
export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User'
const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'

/** An account as providers see it; `base` is where the endpoints are. */
export function presentScimUser(row: ScimUserRow, base: string): SCIMUser {
  return {
    schemas: [USER_SCHEMA],
    id: row.id,
    ...(row.external_id === null ? {} : { externalId: row.external_id }),
    userName: row.user_name,
    displayName: row.name,
    name: {
      formatted: row.name,
      ...(row.given_name === null ? {} : { givenName: row.given_name }),
      ...(row.family_name === null ? {} : { familyName: row.family_name }),
    },
    emails: row.email === '' ? [] : [{ value: row.email, primary: true, type: 'work', display: row.email }],
    groups: [],
    active: row.status !== 'suspended',
    meta: {
      resourceType: 'User',
      created: row.created_at.toISOString(),
      lastModified: row.updated_at.toISOString(),
      location: `${base}/Users/${row.id}`,
    },
  }
}

/** Which attributes are wanted (RFC 7644, section 3.9). */
export interface Wanted {
  readonly attributes?: string | undefined
  readonly excludedAttributes?: string | undefined
}

/** Always there, whatever is wanted. */
const ALWAYS: ReadonlySet<string> = new Set(['schemas', 'id'])

/** What is wanted of a user. */
export function shaped(user: SCIMUser, { attributes, excludedAttributes }: Wanted): Partial<SCIMUser> {
  const wanted = namesOf(attributes)
  const unwanted = namesOf(excludedAttributes)
  if (wanted === undefined && unwanted === undefined) return user
  return Object.fromEntries(
    Object.entries(user).filter(([name]) => {
      const key = name.toLowerCase()
      if (ALWAYS.has(key)) return true
      return wanted === undefined ? unwanted?.has(key) !== true : wanted.has(key)
    }),
  )
}

/** Names of whole attributes; a part of one stands for all of it. */
function namesOf(list: string | undefined): ReadonlySet<string> | undefined {
  if (list === undefined || list.trim() === '') return undefined
  return new Set(
    list
      .toLowerCase()
      .split(',')
      .map((name) => name.trim().replace(`${USER_SCHEMA.toLowerCase()}:`, '').replace(/\..*$/s, '')),
  )
}

/** A page of a list. */
export function presentList<Resource>(
  resources: readonly Resource[],
  total: number,
  startIndex: number,
): Omit<SCIMUserList, 'Resources'> & { readonly Resources: Resource[] } {
  return {
    schemas: [LIST_SCHEMA],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: [...resources],
  }
}
