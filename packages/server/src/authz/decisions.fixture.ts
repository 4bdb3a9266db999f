import { readFileSync } from 'node:fs'

import type { AllowListEntry } from './allow-list.ts'
import { type ShareableWorkspaceOwners, SYSTEM_ROLES } from './built-in-roles.ts'
import type { AccessList, ResourceObject } from './decide.ts'
import type { HeldRole } from './permissions.ts'
import { type Action, isResourceType, type ResourceType } from './resources.ts'
import { SCOPE_ALL, type Scope, scopeOf } from './scopes.ts'
import { type Actor, DEFAULT_ROLE_OPTIONS, organizationRole, siteRole, userActor } from './subject.ts'

/** An object in the notation of the vectors. */
interface FixtureObject {
  readonly type: ResourceType
  readonly org?: string
  readonly owner?: string
  readonly id?: string
  readonly any_org?: boolean
  readonly acl_user?: AccessList
  readonly acl_group?: AccessList
}

/** One expected decision. */
interface Row {
  readonly id: string
  readonly subject: string
  readonly action: Action
  readonly object: FixtureObject
  readonly expect: 'allow' | 'deny'
  readonly context?: string
  readonly options?: readonly string[]
  readonly shareableWorkspaceOwners?: ShareableWorkspaceOwners
  readonly scope?: { readonly names?: readonly string[]; readonly allowList?: readonly string[] }
}

interface Fixture {
  readonly subjects: Readonly<Record<string, { id: string; roles: string[]; groups: string[] }>>
  readonly rows: readonly Row[]
  readonly matrix: readonly {
    id: string
    actions: Action[]
    object: FixtureObject
    allow: string[]
    deny: string[]
  }[]
}

/** The decision vectors of the specification (RB §15). */
export const fixture: Fixture = JSON.parse(
  readFileSync(new URL('./decisions.fixture.json', import.meta.url), 'utf8'),
)

/** The subject of this name, with the scope and under the options of a row. */
export function actorOf(name: string, row: Partial<Row> = {}): Actor {
  const subject = fixture.subjects[name]
  if (subject === undefined) throw new Error(`no subject ${name}`)
  const options = {
    ...DEFAULT_ROLE_OPTIONS,
    disableOwnerWorkspaceAccess: row.options?.includes('CODER_DISABLE_OWNER_WORKSPACE_ACCESS') ?? false,
    disableWorkspaceSharing: row.options?.includes('CODER_DISABLE_WORKSPACE_SHARING') ?? false,
    disableChatSharing: row.options?.includes('CODER_DISABLE_CHAT_SHARING') ?? false,
  }
  const roles: HeldRole[] = subject.roles.map((text) => {
    const [role = '', organizationId] = text.split('@')
    const definition =
      role === 'organization-member' || role === 'organization-service-account'
        ? SYSTEM_ROLES[role][row.shareableWorkspaceOwners ?? 'everyone']
        : (siteRole(role, options) ?? organizationRole(role))
    if (definition === undefined) throw new Error(`no role ${role}`)
    return { name: role, organizationId, definition }
  })
  const { id, groups } = subject
  const { unshared } = userActor(
    { id, username: name, siteRoles: [], isServiceAccount: false, groups, memberships: [] },
    SCOPE_ALL,
    options,
  )
  return { id, type: 'user', name, roles, groups, scope: scopeOfRow(row), unshared: unshared ?? [] }
}

function scopeOfRow(row: Partial<Row>): Scope {
  if (row.scope === undefined) return SCOPE_ALL
  return scopeOf(row.scope.names ?? ['coder:all'], (row.scope.allowList ?? ['*:*']).map(entryOf))
}

/** Without the form of the id, which is short in the vectors. */
function entryOf(text: string): AllowListEntry {
  const [type = '', id = ''] = text.split(':')
  if (type !== '*' && !isResourceType(type)) throw new Error(`no resource type ${type}`)
  return { type, id }
}

/** What the engine calls such an object. */
export function objectOf(object: FixtureObject): ResourceObject {
  return {
    type: object.type,
    id: object.id,
    owner: object.owner,
    organization: object.org,
    anyOrganization: object.any_org,
    userAcl: object.acl_user,
    groupAcl: object.acl_group,
  }
}
