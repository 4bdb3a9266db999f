import { COMPOSITE_SCOPES } from '@slipway/contract'

/** The scope of everything that the viewer may do. */
export const FULL_SCOPE = 'coder:all'

/** What a scope allows: actions by kind of resource, `*` for all. */
type Permissions = ReadonlyMap<string, readonly string[]>

/** Ready sets as they are today; those of a newer server are not here and show by name. */
const READY_SETS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = COMPOSITE_SCOPES

const OLD_NAMES: Readonly<Record<string, string>> = {
  all: FULL_SCOPE,
  application_connect: 'coder:application_connect',
}

/** Old names show as what they mean today; others stay as they are (UI-1503). */
export function canonicalScope(scope: string): string {
  return OLD_NAMES[scope] ?? scope
}

/** The scopes of a token; older ones have a single one. */
export function scopesOf({
  scopes,
  scope,
}: {
  readonly scopes: readonly string[]
  readonly scope: string
}): string[] {
  return (scopes.length > 0 ? scopes : [scope]).map(canonicalScope)
}

/** What a scope allows; undefined for one that only a newer server knows. */
export function permissionsOf(scope: string): Permissions | undefined {
  if (scope === FULL_SCOPE) return new Map([['*', ['*']]])
  const set = READY_SETS[scope]
  if (set !== undefined) return new Map(Object.entries(set))
  const [kind = '', action = '', ...rest] = scope.split(':')
  if (kind === '' || kind === 'coder' || action === '' || rest.length > 0) return undefined
  return new Map([[kind, [action]]])
}

/** What several scopes allow together. */
export function permissionsOfAll(scopes: readonly string[]): Permissions {
  const all = new Map<string, readonly string[]>()
  for (const scope of scopes)
    for (const [kind, actions] of permissionsOf(scope) ?? [])
      all.set(kind, [...new Set([...(all.get(kind) ?? []), ...actions])].sort())
  return all
}

/** Whether others of the chosen scopes allow all that this one does, so that it adds nothing. */
export function isCovered(scope: string, chosen: readonly string[]): boolean {
  const wanted = permissionsOf(scope)
  if (wanted === undefined) return false
  const given = permissionsOfAll(chosen.filter((one) => one !== scope))
  const everything = given.get('*') !== undefined
  return [...wanted].every(([kind, actions]) => {
    const have = given.get(kind) ?? []
    return everything || have.includes('*') || actions.every((action) => have.includes(action))
  })
}

/** What a ready set holds, in a line: `workspace: read, ssh · template: read`. */
export function describeSet(scope: string): string {
  const permissions = permissionsOf(scope)
  if (permissions === undefined) return scope
  return [...permissions]
    .toSorted(([a], [b]) => Number(b === 'workspace') - Number(a === 'workspace') || a.localeCompare(b))
    .map(([kind, actions]) => `${kindWord(kind)}: ${actions.map(plain).join(', ')}`)
    .join(' · ')
}

/** A kind of resource as people say it. */
export function kindWord(kind: string): string {
  return kind === 'api_key' ? 'API key' : kind === 'user_secret' ? 'secret' : plain(kind)
}

export function plain(name: string): string {
  return name.replaceAll('_', ' ')
}
