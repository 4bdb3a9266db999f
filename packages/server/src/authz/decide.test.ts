import { readFileSync } from 'node:fs'

import fc from 'fast-check'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { createTestDatabase, openDatabase } from '@slipway/testkit'
import {
  type AllowListEntry,
  intersectAllowLists,
  normalizeAllowList,
  passesAllowList,
  simplify,
} from './allow-list.ts'
import { type ShareableWorkspaceOwners, SYSTEM_ROLES } from './built-in-roles.ts'
import { type AccessList, isAllowed, type ResourceObject } from './decide.ts'
import type { HeldRole } from './permissions.ts'
import { type Action, RESOURCES, type ResourceType } from './resources.ts'
import { agentScope, covers, requestedScopes, SCOPE_ALL, type Scope, scopeOf } from './scopes.ts'
import { sqlFilter } from './sql-filter.ts'
import { type Actor, DEFAULT_ROLE_OPTIONS, organizationRole, siteRole } from './subject.ts'

interface FixtureObject {
  readonly type: ResourceType
  readonly org?: string
  readonly owner?: string
  readonly id?: string
  readonly any_org?: boolean
  readonly acl_user?: AccessList
  readonly acl_group?: AccessList
}
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

const fixture: Fixture = JSON.parse(
  readFileSync(new URL('./decisions.fixture.json', import.meta.url), 'utf8'),
)

function actorOf(name: string, row: Partial<Row> = {}): Actor {
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
  return { id: subject.id, type: 'user', name, roles, groups: subject.groups, scope: scopeOfRow(row) }
}

function scopeOfRow(row: Partial<Row>): Scope {
  if (row.scope === undefined) return SCOPE_ALL
  return scopeOf(
    row.scope.names ?? ['coder:all'],
    (row.scope.allowList ?? ['*:*']).map((text): AllowListEntry => {
      const [type = '', id = ''] = text.split(':')
      return {
        type:
          type === '*'
            ? '*'
            : ((Object.keys(RESOURCES) as ResourceType[]).find((known) => known === type) ?? '*'),
        id,
      }
    }),
  )
}

function objectOf(object: FixtureObject, ignoreAcl = false): ResourceObject {
  return {
    type: object.type,
    id: object.id,
    owner: object.owner,
    organization: object.org,
    anyOrganization: object.any_org,
    ...(ignoreAcl ? {} : { userAcl: object.acl_user, groupAcl: object.acl_group }),
  }
}

describe('decision vectors', () => {
  test.each(fixture.rows.map((row) => [row.id, row] as const))('RB-13: %s', (_id, row) => {
    const ignoreAcl = row.options?.some((option) => option.endsWith('_SHARING')) ?? false
    expect(
      isAllowed(actorOf(row.subject, row), row.action, objectOf(row.object, ignoreAcl)),
      row.context,
    ).toBe(row.expect === 'allow')
  })

  test.each(fixture.matrix.map((row) => [row.id, row] as const))('RB-8: matrix %s', (_id, row) => {
    for (const action of row.actions) {
      for (const name of row.allow)
        expect(isAllowed(actorOf(name), action, objectOf(row.object)), `${name} ${action}`).toBe(true)
      for (const name of row.deny)
        expect(isAllowed(actorOf(name), action, objectOf(row.object)), `${name} ${action}`).toBe(false)
    }
  })

  test('RB-2: an actor without roles is a mistake of ours, not a denial', () => {
    const actor = { ...actorOf('dev'), roles: [] }
    expect(() => isAllowed(actor, 'read', { type: 'workspace' })).toThrow(/no roles/)
  })

  test('RB-20: an access list says nothing while a workspace is dormant', () => {
    const shared = { organization: 'O1', owner: 'u-else', id: 'W2', userAcl: { me: ['read'] } }
    expect(isAllowed(actorOf('dev'), 'read', { type: 'workspace', ...shared })).toBe(true)
    expect(isAllowed(actorOf('dev'), 'read', { type: 'workspace_dormant', ...shared })).toBe(false)
  })

  test('RB-3: any organization together with one organization never allows', () => {
    const object = { type: 'workspace', organization: 'O1', owner: 'me', anyOrganization: true } as const
    expect(isAllowed(actorOf('owner'), 'read', object)).toBe(false)
  })
})

const types = fc.constantFrom(...(Object.keys(RESOURCES) as ResourceType[]))
const ids = fc.constantFrom(
  '11111111-1111-4111-8111-111111111111',
  '22222222-2222-4222-8222-222222222222',
  '33333333-3333-4333-8333-333333333333',
)
const entries = fc.array(
  fc.record({ type: fc.oneof(types, fc.constant('*' as const)), id: fc.oneof(ids, fc.constant('*')) }),
  { minLength: 1, maxLength: 8 },
)

describe('allow lists and scopes', () => {
  test('ID-84: normalising is idempotent and changes no decision', () => {
    fc.assert(
      fc.property(entries, types, fc.option(ids, { nil: undefined }), (list, type, id) => {
        const normal = simplify(list)
        expect(simplify(normal)).toEqual(normal)
        expect(passesAllowList(normal, type, id)).toBe(passesAllowList(list, type, id))
      }),
    )
  })

  test('ID-85: the intersection allows exactly what both allow', () => {
    fc.assert(
      fc.property(entries, entries, types, ids, (a, b, type, id) => {
        const both = passesAllowList(a, type, id) && passesAllowList(b, type, id)
        expect(passesAllowList(intersectAllowLists(a, b), type, id)).toBe(both)
      }),
    )
  })

  test('ID-84: case 22, 23', () => {
    const a = '0a7b1c00-0000-4000-8000-00000000000a'
    const b = '0a7b1c00-0000-4000-8000-00000000000b'
    expect(
      normalizeAllowList([
        'workspace:*',
        `workspace:${a}`,
        `template:${b}`,
        `TEMPLATE:${a} `,
        `template:${a}`,
      ]),
    ).toEqual([
      { type: 'template', id: a },
      { type: 'template', id: b },
      { type: 'workspace', id: '*' },
    ])
    expect(normalizeAllowList(['workspace:*', '*:*'])).toEqual([{ type: '*', id: '*' }])
    for (const bad of [['foo:*'], ['workspace:x'], Array.from({ length: 129 }, () => 'workspace:*')])
      expect(() => normalizeAllowList(bad)).toThrow(expect.objectContaining({ status: 400 }))
  })

  test('ID-77: aliases become canonical in both fields, internal names are refused', () => {
    expect(requestedScopes(undefined, 'all')).toEqual(['coder:all'])
    expect(requestedScopes(['application_connect'], undefined)).toEqual(['coder:application_connect'])
    expect(() => requestedScopes(['debug_info:read'], undefined)).toThrow(
      expect.objectContaining({ status: 400 }),
    )
  })

  test('ID-80: a key without scopes, or with one that no longer exists, fails closed', () => {
    expect(() => scopeOf([], [{ type: '*', id: '*' }])).toThrow()
    expect(() => scopeOf(['coder:all'], [])).toThrow()
    expect(() => scopeOf(['workspace:fly'], [{ type: '*', id: '*' }])).toThrow()
  })

  test('RB-51: coverage compares permissions', () => {
    expect(covers(['coder:workspaces.access'], ['workspace:read'])).toBe(true)
    expect(covers(['workspace:read', 'workspace:ssh'], ['workspace:*'])).toBe(false)
    expect(covers(['coder:all'], ['workspace:*'])).toBe(true)
    expect(() => covers(['coder:all'], ['nope:read'])).toThrow()
  })

  test('ID-75: a scope never widens what the roles give', () => {
    const names = fc.constantFrom(
      'coder:all',
      'workspace:read',
      'coder:workspaces.operate',
      'template:*',
      'user:read',
    )
    const subjects = fc.constantFrom(...Object.keys(fixture.subjects))
    const rows = fc.constantFrom(...fixture.rows)
    fc.assert(
      fc.property(subjects, rows, names, entries, (subject, row, name, list) => {
        const whole = actorOf(subject)
        const narrow = { ...whole, scope: scopeOf([name], list) }
        if (isAllowed(narrow, row.action, objectOf(row.object)))
          expect(isAllowed(whole, row.action, objectOf(row.object))).toBe(true)
      }),
    )
  })

  test('RB-52: the agent scope reaches its own workspace and nothing else', () => {
    const scope = agentScope({
      keyScope: 'no_user_data',
      workspaceId: 'W1',
      templateId: 'T1',
      templateVersionId: 'V1',
      ownerId: 'me',
    })
    const actor = { ...actorOf('dev'), scope }
    const workspace = (id: string): ResourceObject => ({
      type: 'workspace',
      organization: 'O1',
      owner: 'me',
      id,
    })
    expect(isAllowed(actor, 'read', workspace('W1'))).toBe(true)
    expect(isAllowed(actor, 'read', workspace('W2'))).toBe(false)
    expect(isAllowed(actor, 'read_personal', { type: 'user', id: 'me', owner: 'me' })).toBe(false)
  })
})

describe('list filters', () => {
  const ORG = ['aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002'] as const
  const USER = ['bbbbbbbb-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000002'] as const
  const GROUP = 'cccccccc-0000-4000-8000-000000000001'
  const roleNames = [
    'organization-member',
    'organization-workspace-access',
    'organization-admin',
    'organization-template-admin',
    'organization-workspace-creation-ban',
    'agents-access',
  ]
  const held = fc.record({
    site: fc.subarray(['owner', 'auditor', 'template-admin', 'user-admin']),
    orgs: fc.array(fc.tuple(fc.constantFrom(...roleNames), fc.constantFrom(...ORG)), { maxLength: 4 }),
    group: fc.boolean(),
    unshared: fc.subarray<ResourceType>(['workspace', 'chat'], { maxLength: 1 }),
    scope: fc.constantFrom(
      'coder:all',
      'workspace:read',
      'coder:workspaces.operate',
      'template:*',
      'user:read',
    ),
    allowList: fc.option(
      fc.array(
        fc.record({
          type: fc.constantFrom('workspace', 'template', '*'),
          id: fc.oneof(ids, fc.constant('*')),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    ),
  })
  const acl = fc.dictionary(
    fc.constantFrom(...USER, GROUP, ...ORG),
    fc.subarray(['read', 'update', 'use', '*', 'ssh']),
    { maxKeys: 3 },
  )
  const row = fc.record({
    id: ids,
    owner: fc.option(fc.constantFrom(...USER)),
    organization: fc.option(fc.constantFrom(...ORG)),
    user_acl: acl,
    group_acl: acl,
  })

  test('RB-13: the SQL filter agrees with the engine for every row', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url)
    await fc.assert(
      fc.asyncProperty(
        held,
        fc.array(row, { minLength: 1, maxLength: 12 }),
        fc.constantFrom('workspace', 'workspace_dormant', 'template', 'user', 'file', 'chat'),
        fc.constantFrom('read', 'update', 'delete'),
        async (subject, rows, type, action) => {
          const role = (name: string, organizationId?: string): HeldRole => {
            const definition =
              name === 'organization-member'
                ? SYSTEM_ROLES[name].everyone
                : (siteRole(name) ?? organizationRole(name))
            if (definition === undefined) throw new Error(name)
            return { name, organizationId, definition }
          }
          const actor: Actor = {
            id: USER[0],
            type: 'user',
            name: 'subject',
            roles: [
              role('member'),
              ...subject.site.map((name) => role(name)),
              ...subject.orgs.map(([name, org]) => role(name, org)),
            ],
            groups: subject.group ? [GROUP] : [],
            unshared: subject.unshared,
            scope: scopeOf([subject.scope], subject.allowList ?? [{ type: '*', id: '*' }]),
          }
          const expected = rows.map((entry) =>
            isAllowed(actor, action, {
              type,
              id: entry.id,
              owner: entry.owner ?? undefined,
              organization: entry.organization ?? undefined,
              userAcl: entry.user_acl,
              groupAcl: entry.group_acl,
            }),
          )
          const filter = sqlFilter(actor, action, type, {
            id: sql.ref('r.id'),
            owner: sql.ref('r.owner'),
            organization: sql.ref('r.organization'),
            userAcl: sql.ref('r.user_acl'),
            groupAcl: sql.ref('r.group_acl'),
          })
          const result = await sql<{ allowed: boolean }>`
            select coalesce(${filter}, false) as allowed
              from jsonb_to_recordset(${JSON.stringify(rows.map((entry, n) => ({ ...entry, n })))}::jsonb)
                   as r(id uuid, owner uuid, organization uuid, user_acl jsonb, group_acl jsonb, n bigint)
             order by r.n`.execute(database.db)
          expect(result.rows.map((found) => found.allowed)).toEqual(expected)
        },
      ),
      { numRuns: 300 },
    )
  })
})
