import { COMPOSITE_SCOPES } from '@slipway/contract'
import { badRequest } from '../errors/index.ts'
import { ALLOW_ALL, type AllowListEntry } from './allow-list.ts'
import { mentions, type PermissionMap } from './permissions.ts'
import { PUBLIC_SCOPES } from './public-scopes.ts'
import { isResourceType, RESOURCES, type ResourceType } from './resources.ts'

/** What a credential may do at most: site permissions and an allow list (RB-12). It never grants anything. */
export interface Scope {
  readonly names: readonly string[]
  readonly permissions: readonly PermissionMap[]
  readonly allowList: readonly AllowListEntry[]
}

const ALIASES: Readonly<Record<string, string>> = {
  all: 'coder:all',
  application_connect: 'coder:application_connect',
}

const EVERYTHING: PermissionMap = { '*': ['*'] }
const EVERYTHING_BUT_USER: PermissionMap = Object.fromEntries(
  Object.keys(RESOURCES)
    .filter((type) => type !== 'user')
    .map((type) => [type, ['*']] as const),
)

/** Scope of credentials without restriction. */
export const SCOPE_ALL: Scope = { names: ['coder:all'], permissions: [EVERYTHING], allowList: ALLOW_ALL }

/** The canonical name of a scope: legacy aliases are accepted on input and never stored (ID-76). */
export function canonicalScope(name: string): string {
  return Object.hasOwn(ALIASES, name) ? (ALIASES[name] ?? name) : name
}

/**
 * Canonical scopes of a token request: `scopes` if not empty, else the legacy `scope`, else `coder:all`
 * (ID-77).
 *
 * @throws ApiError 400 for a name outside the public catalogue.
 */
export function requestedScopes(scopes: readonly string[] | undefined, scope: string | undefined): string[] {
  const asked = scopes !== undefined && scopes.length > 0 ? scopes : scope ? [scope] : ['coder:all']
  return [
    ...new Set(
      asked.map((name) => {
        const canonical = canonicalScope(name)
        if (PUBLIC_SCOPES.includes(canonical)) return canonical
        throw badRequest('Failed to create API key.', {
          detail: `invalid or unsupported API key scope: ${JSON.stringify(name)}`,
          validations: [{ field: 'scopes', detail: `${JSON.stringify(name)} is not a public scope` }],
        })
      }),
    ),
  ].sort()
}

/** The permissions behind a scope name; undefined for a name that does not exist (ID-80: fail closed). */
export function expandScope(name: string): PermissionMap | undefined {
  if (name === 'coder:all') return EVERYTHING
  if (name === 'no_user_data') return EVERYTHING_BUT_USER
  if (isComposite(name)) return COMPOSITE_SCOPES[name]
  const [type = '', action = '', ...rest] = name.split(':')
  if (rest.length > 0 || !isResourceType(type)) return undefined
  const known = RESOURCES[type].find((candidate) => candidate === action)
  if (action === '*') return { [type]: ['*'] }
  return known === undefined ? undefined : { [type]: [known] }
}

function isComposite(name: string): name is keyof typeof COMPOSITE_SCOPES {
  return Object.hasOwn(COMPOSITE_SCOPES, name)
}

/**
 * The scope of a key from its stored names and allow list (RB-49).
 *
 * @throws Error when there is no scope, no allow list, or a name no longer expands: a credential must never
 * become wider because something about it is unknown.
 */
export function scopeOf(names: readonly string[], allowList: readonly AllowListEntry[]): Scope {
  if (names.length === 0 || allowList.length === 0)
    throw new Error('a key without scopes or allow list is invalid')
  const permissions = names.map((name) => {
    const expanded = expandScope(name)
    if (expanded === undefined) throw new Error(`scope ${JSON.stringify(name)} does not exist`)
    return expanded
  })
  return { names, permissions, allowList }
}

/** The legacy `scope` field that older clients read (ID-55). */
export function legacyScope(names: readonly string[]): '' | 'all' | 'application_connect' {
  if (names.includes('coder:application_connect')) return 'application_connect'
  return names.includes('coder:all') ? 'all' : ''
}

/**
 * Whether `granted` permits everything that `requested` asks for, by permission and not by name; only a
 * wildcard covers a wildcard (RB-51).
 *
 * @throws Error for an unknown name in either set.
 */
export function covers(granted: readonly string[], requested: readonly string[]): boolean {
  const have = granted.map(mustExpand)
  return requested.map(mustExpand).every((map) =>
    Object.entries(map).every(([type, actions]) =>
      (actions ?? []).every((action) =>
        have.some((own) => {
          if (own['*']?.includes('*')) return true
          if (type === '*' || !isResourceType(type)) return false
          return action === '*' ? (own[type]?.includes('*') ?? false) : mentions(own, type, action)
        }),
      ),
    ),
  )
}

function mustExpand(name: string): PermissionMap {
  const expanded = expandScope(canonicalScope(name))
  if (expanded === undefined) throw new Error(`scope ${JSON.stringify(name)} does not exist`)
  return expanded
}

/** Narrows a scope by further allow-list entries of the credential. */
export function agentScope(options: {
  readonly keyScope: 'all' | 'no_user_data'
  readonly workspaceId: string
  readonly templateId: string
  readonly templateVersionId: string
  readonly ownerId: string
  readonly taskId?: string | undefined
}): Scope {
  const entry = (type: ResourceType, id: string): AllowListEntry => ({ type, id })
  return scopeOf(
    [options.keyScope === 'all' ? 'coder:all' : 'no_user_data'],
    [
      entry('workspace', options.workspaceId),
      entry('template', options.templateId),
      entry('template', options.templateVersionId),
      entry('user', options.ownerId),
      entry('boundary_log', '*'),
      ...(options.taskId === undefined ? [] : [entry('task', options.taskId)]),
    ],
  )
}
