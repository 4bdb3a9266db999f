import { badRequest, type Validation } from '../errors/index.ts'
import type { UserSearch } from './store/users.ts'

/**
 * Reads the search grammar of users (ID-25): `key:value` pairs, quotes around values, and bare words that
 * form one text.
 *
 * @throws ApiError 400 with one validation for each fault.
 */
export function parseUserSearch(text: string): UserSearch {
  const faults: Validation[] = []
  const words: string[] = []
  const values = new Map<string, string>()
  for (const element of splitElements(text.toLowerCase())) {
    const bare = element.replace(/"[^"]*"/g, '')
    if (!bare.includes(':')) words.push(element.replaceAll('"', ''))
    else if (bare.startsWith(':') || element.endsWith(':'))
      faults.push({
        field: 'q',
        detail: `Query element ${JSON.stringify(element)} cannot start or end with ':'`,
      })
    else if (bare.split(':').length > 2)
      faults.push({ field: 'q', detail: `Query element ${JSON.stringify(element)} can only contain 1 ':'` })
    else {
      const at = element.indexOf(':')
      values.set(element.slice(0, at), element.slice(at + 1).replaceAll('"', ''))
    }
  }
  const search = {
    text: words.length === 0 ? undefined : words.join(' '),
    name: values.get('name'),
    username: values.get('username'),
    email: values.get('email'),
    statuses: list(values, 'status')?.flatMap((status): ('active' | 'dormant' | 'suspended')[] => {
      if (status === 'active' || status === 'dormant' || status === 'suspended') return [status]
      faults.push({
        field: 'status',
        detail: `${JSON.stringify(status)} is not active, dormant or suspended`,
      })
      return []
    }),
    roles: list(values, 'role'),
    loginTypes: list(values, 'login_type'),
    serviceAccount: flag(values, faults),
    lastSeenBefore: time(values, 'last_seen_before', faults),
    lastSeenAfter: time(values, 'last_seen_after', faults),
    createdBefore: time(values, 'created_before', faults),
    createdAfter: time(values, 'created_after', faults),
    githubId: number(values, faults),
  }
  for (const key of values.keys())
    if (!KEYS.has(key))
      faults.push({ field: key, detail: `${JSON.stringify(key)} is not a valid query param` })
  if (faults.length > 0) throw badRequest('Invalid user search query.', { validations: faults })
  return search
}

const KEYS = new Set([
  'name',
  'username',
  'email',
  'status',
  'role',
  'login_type',
  'service_account',
  'last_seen_before',
  'last_seen_after',
  'created_before',
  'created_after',
  'github_com_user_id',
])

/** Elements between spaces that are not inside quotes. */
function splitElements(text: string): string[] {
  return text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []
}

function list(values: ReadonlyMap<string, string>, key: string): string[] | undefined {
  return values
    .get(key)
    ?.split(',')
    .filter((entry) => entry !== '')
}

function flag(values: ReadonlyMap<string, string>, faults: Validation[]): boolean | undefined {
  const value = values.get('service_account')
  if (value === undefined) return undefined
  if (value === 'true' || value === 'false') return value === 'true'
  faults.push({ field: 'service_account', detail: 'must be a valid boolean' })
  return undefined
}

function time(values: ReadonlyMap<string, string>, key: string, faults: Validation[]): Date | undefined {
  const value = values.get(key)
  if (value === undefined) return undefined
  const date = new Date(value.toUpperCase())
  if (/^\d{4}-\d\d-\d\dt/.test(value) && !Number.isNaN(date.getTime())) return date
  faults.push({ field: key, detail: 'must be an RFC 3339 time' })
  return undefined
}

function number(values: ReadonlyMap<string, string>, faults: Validation[]): number | undefined {
  const value = values.get('github_com_user_id')
  if (value === undefined) return undefined
  if (/^\d{1,15}$/.test(value)) return Number(value)
  faults.push({ field: 'github_com_user_id', detail: 'must be a number' })
  return undefined
}
