import { kindWord, permissionsOf, permissionsOfAll, plain } from './token-scopes.ts'

/** One resource that a token may touch, or with `*` all of its kind. */
export interface AllowEntry {
  readonly kind: string
  readonly id: string
  /** What it is called; its id when that is not known. */
  readonly name: string
}

/** The most that the server takes (ID-84). */
export const MAX_ENTRIES = 128

/** Kinds that can be chosen from; the first four are found by name. */
export const SEARCHED_KINDS = ['workspace', 'template', 'user', 'organization'] as const
export const OTHER_KINDS = ['organization_member', 'task', 'group', 'api_key', 'file', 'user_secret'] as const

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The UUID in a text that was pasted; undefined when it is none. */
export function uuidOf(text: string): string | undefined {
  const lower = text.trim().toLowerCase()
  return UUID.test(lower) ? lower : undefined
}

/** The list with one more entry, as the server will have it: a whole kind takes the place of its members (ID-84). */
export function withEntry(list: readonly AllowEntry[], entry: AllowEntry): readonly AllowEntry[] {
  if (list.some(({ kind, id }) => kind === entry.kind && (id === '*' || id === entry.id))) return list
  const others = entry.id === '*' ? list.filter(({ kind }) => kind !== entry.kind) : list
  return [...others, entry]
}

/** The list as the wire has it. */
export function wireList(list: readonly AllowEntry[] | undefined): string[] {
  return list === undefined ? ['*:*'] : list.map(({ kind, id }) => `${kind}:${id}`)
}

/** An entry of the wire; undefined for the one that allows everything. */
export function entryOf(text: string): AllowEntry | undefined {
  const [kind = '', id = ''] = text.split(':')
  return kind === '*' ? undefined : { kind, id, name: id }
}

/** A workspace with what belongs to it. */
export interface WorkspaceParts {
  readonly template: AllowEntry
  readonly owner: AllowEntry
}

/**
 * What a token must also be able to read to do more with a workspace than look at it: its template, its owner, and the
 * owner's membership (ID-86). Only what is not on the list yet.
 */
export function missingCompanions(
  list: readonly AllowEntry[],
  parts: readonly WorkspaceParts[],
): readonly AllowEntry[] {
  const wanted = parts.flatMap(({ template, owner }) => [
    template,
    owner,
    { ...owner, kind: 'organization_member' },
  ])
  const after = wanted.reduce((so, entry) => withEntry(so, entry), list)
  return after.filter((entry) => !list.includes(entry))
}

/** In words what a token may do: its scopes, laid over its list (UI-1504). */
export function effectiveAccess(scopes: readonly string[], list: readonly AllowEntry[] | undefined): string {
  if (scopes.length === 0) return 'It may do nothing yet: choose a scope.'
  if (list !== undefined && list.length === 0) return 'It may do nothing yet: choose a resource.'
  const unknown = scopes.filter((scope) => permissionsOf(scope) === undefined)
  const permissions = permissionsOfAll(scopes)
  if (permissions.has('*'))
    return list === undefined
      ? 'It may do everything that you can.'
      : `It may do everything that you can with ${joined(kindsOf(list).map((kind) => target(kind, list)))}; nothing else.`
  const clauses = [
    ...[...permissions]
      .filter(([kind]) => list === undefined || list.some((entry) => entry.kind === kind))
      .toSorted(([a], [b]) => Number(b === 'workspace') - Number(a === 'workspace') || a.localeCompare(b))
      .map(([kind, actions]) => `${verbs(actions)} ${target(kind, list)}`),
    ...unknown.map((scope) => `use what the scope ${scope} allows`),
  ]
  return clauses.length === 0
    ? 'It may do nothing: none of its scopes concerns a chosen resource.'
    : `It may ${clauses.join('; ')}; nothing else.`
}

function kindsOf(list: readonly AllowEntry[]): string[] {
  return [...new Set(list.map(({ kind }) => kind))]
}

function verbs(actions: readonly string[]): string {
  return actions.includes('*') ? 'do everything with' : joined(actions.map(plain))
}

const FEW = 3

function target(kind: string, list: readonly AllowEntry[] | undefined): string {
  const word = kindWord(kind)
  const several = word.endsWith('s') ? word : `${word}s`
  if (list === undefined) return several
  const entries = list.filter((entry) => entry.kind === kind)
  if (entries.some(({ id }) => id === '*')) return `all ${several}`
  if (entries.length === 1) return `the ${word} ${entries[0]?.name ?? ''}`
  return entries.length <= FEW
    ? `the ${several} ${joined(entries.map(({ name }) => name))}`
    : `${entries.length} ${several}`
}

function joined(words: readonly string[]): string {
  return new Intl.ListFormat('en', { type: 'conjunction' }).format(words).replace(/, and /, ' and ')
}
