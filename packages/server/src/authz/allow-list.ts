import { badRequest } from '../errors/index.ts'
import { isResourceType, type ResourceType } from './resources.ts'

/** One entry of an allow list: a type or `*`, and a UUID or `*`. */
export interface AllowListEntry {
  readonly type: ResourceType | '*'
  readonly id: string
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const MAX_ENTRIES = 128

/** The list that allows everything. */
export const ALLOW_ALL: readonly AllowListEntry[] = [{ type: '*', id: '*' }]

/**
 * Reads `<type>:<id>` (ID-83, RB-50). Undefined when the type does not exist or the id is neither a UUID
 * nor `*`.
 */
export function parseAllowListEntry(text: string): AllowListEntry | undefined {
  const [type = '', id = '', ...rest] = text.trim().toLowerCase().split(':')
  if (rest.length > 0 || (type !== '*' && !isResourceType(type)) || (id !== '*' && !UUID.test(id)))
    return undefined
  return { type, id }
}

/** The stored form of an entry. */
export function formatAllowListEntry(entry: AllowListEntry): string {
  return `${entry.type}:${entry.id}`
}

/**
 * Parses and normalises the allow list of a request: `*:*` swallows all, `type:*` swallows the ids of its
 * type, duplicates go, sorted by type then id (ID-84). Absent or empty means everything.
 *
 * @throws ApiError 400 naming the entry, or the size when there are more than 128.
 */
export function normalizeAllowList(texts: readonly string[] | undefined): AllowListEntry[] {
  if (texts === undefined || texts.length === 0) return [...ALLOW_ALL]
  if (texts.length > MAX_ENTRIES)
    throw badRequest('Failed to validate create API key request.', {
      detail: `allow_list has ${texts.length} entries; max allowed is ${MAX_ENTRIES}`,
      validations: [{ field: 'allow_list', detail: `at most ${MAX_ENTRIES} entries` }],
    })
  const entries = texts.map((text) => {
    const entry = parseAllowListEntry(text)
    if (entry !== undefined) return entry
    throw badRequest('Failed to validate create API key request.', {
      detail: `allow_list entry ${JSON.stringify(text)} is not <type>:<id> with a known type and a UUID or *`,
      validations: [{ field: 'allow_list', detail: 'must be <resource type>:<uuid or *>' }],
    })
  })
  return simplify(entries)
}

/** Whether everything that `wanted` lets through is let through by `granted` (RB-120). */
export function containsAllowList(
  granted: readonly AllowListEntry[],
  wanted: readonly AllowListEntry[],
): boolean {
  return wanted.every((entry) =>
    granted.some(
      (own) => (own.type === '*' || own.type === entry.type) && (own.id === '*' || own.id === entry.id),
    ),
  )
}

/** Removes what other entries include already, and sorts. */
export function simplify(entries: readonly AllowListEntry[]): AllowListEntry[] {
  if (entries.some((entry) => entry.type === '*' && entry.id === '*')) return [...ALLOW_ALL]
  const whole = new Set(entries.filter((entry) => entry.id === '*').map((entry) => entry.type))
  const kept = new Map<string, AllowListEntry>()
  for (const entry of entries)
    if (entry.id === '*' || !whole.has(entry.type)) kept.set(formatAllowListEntry(entry), entry)
  return [...kept.values()].sort((a, b) => compare(a.type, b.type) || compare(a.id, b.id))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What both lists allow; empty when nothing (ID-85, RB-49). */
export function intersectAllowLists(
  a: readonly AllowListEntry[],
  b: readonly AllowListEntry[],
): AllowListEntry[] {
  const both: AllowListEntry[] = []
  for (const x of a)
    for (const y of b) {
      const type = narrow(x.type, y.type)
      const id = narrow(x.id, y.id)
      if (type !== undefined && id !== undefined) both.push({ type, id })
    }
  return simplify(both)
}

function narrow<T extends string>(a: T, b: T): T | undefined {
  if (a === b || b === '*') return a
  return a === '*' ? b : undefined
}

/** Whether the list lets an object of this type pass; an object without id passes only a wildcard (RB-14). */
export function passesAllowList(
  list: readonly AllowListEntry[],
  type: ResourceType,
  id: string | undefined,
): boolean {
  return list.some(
    (entry) =>
      (entry.type === '*' || entry.type === type) &&
      (entry.id === '*' || (id !== undefined && entry.id === id)),
  )
}
