import { createHash } from 'node:crypto'

import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createTestDatabase, openDatabase, type TestDatabase } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { SYSTEM_ROLES } from './built-in-roles.ts'
import { type AccessList, isAllowed, type ResourceObject } from './decide.ts'
import { actorOf, fixture, objectOf } from './decisions.fixture.ts'
import type { HeldRole } from './permissions.ts'
import { PUBLIC_SCOPES } from './public-scopes.ts'
import { type Action, RESOURCES, type ResourceType } from './resources.ts'
import { SCOPE_ALL, scopeOf } from './scopes.ts'
import { sqlFilter } from './sql-filter.ts'
import { type Actor, organizationRole, siteRole } from './subject.ts'

let copy: TestDatabase
let database: Database
beforeAll(async () => {
  copy = await createTestDatabase()
  database = await openDatabase(copy.url)
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await copy[Symbol.asyncDispose]()
})

interface Question {
  readonly actor: Actor
  readonly action: Action
}

/** Answers of the filters for rows with these objects, all of one type: by row, then by question. */
async function filtered(
  type: ResourceType,
  objects: readonly ResourceObject[],
  questions: readonly Question[],
): Promise<boolean[][]> {
  const rows = objects.map((object, n) => ({
    n,
    id: object.id,
    owner: object.owner,
    organization: object.organization,
    user_acl: object.userAcl ?? {},
    group_acl: object.groupAcl ?? {},
  }))
  const columns = {
    id: sql.ref<string | null>('r.id'),
    owner: sql.ref<string | null>('r.owner'),
    organization: sql.ref<string | null>('r.organization'),
    userAcl: sql.ref('r.user_acl'),
    groupAcl: sql.ref('r.group_acl'),
  }
  const filters = questions.map(
    ({ actor, action }) => sql<boolean>`coalesce(${sqlFilter(actor, action, type, columns)}, false)`,
  )
  const result = await sql<{ allowed: boolean[] }>`
    select array[${sql.join(filters)}] as allowed
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
           as r(id uuid, owner uuid, organization uuid, user_acl jsonb, group_acl jsonb, n bigint)
     order by r.n`.execute(database.db)
  return result.rows.map((row) => row.allowed)
}

/** The vectors have short ids, columns have UUIDs. */
function uuidOf(name: string): string {
  const hex = createHash('md5').update(name).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
const maybe = (name: string | undefined): string | undefined =>
  name === undefined ? undefined : uuidOf(name)
const listOf = (acl: AccessList | undefined): AccessList =>
  Object.fromEntries(Object.entries(acl ?? {}).map(([name, actions]) => [uuidOf(name), actions]))

function withUuids(actor: Actor): Actor {
  return {
    ...actor,
    id: uuidOf(actor.id),
    groups: actor.groups.map(uuidOf),
    roles: actor.roles.map((role) => ({ ...role, organizationId: maybe(role.organizationId) })),
    scope: {
      ...actor.scope,
      allowList: actor.scope.allowList.map((entry) => ({
        ...entry,
        id: entry.id === '*' ? '*' : uuidOf(entry.id),
      })),
    },
  }
}

function rowOf(object: ResourceObject): ResourceObject {
  return {
    type: object.type,
    id: maybe(object.id),
    owner: maybe(object.owner),
    organization: maybe(object.organization),
    userAcl: listOf(object.userAcl),
    groupAcl: listOf(object.groupAcl),
  }
}

const rows = fixture.rows.filter(({ object }) => object.any_org !== true)
test.each(rows.map((row) => [row.id, row] as const))(
  'RB-73: the filter answers %s as specified, however the key is narrowed',
  async (_id, row) => {
    const object = rowOf(objectOf(row.object))
    const actor = withUuids(actorOf(row.subject, row))
    const { action } = row
    const narrowed = PUBLIC_SCOPES.map((name) => ({ ...actor, scope: scopeOf([name], SCOPE_ALL.allowList) }))
    const listed = [
      { type: row.object.type, id: '*' },
      { type: row.object.type, id: object.id ?? uuidOf('another') },
      { type: row.object.type, id: uuidOf('another') },
    ].map((entry) => ({ ...actor, scope: scopeOf(['coder:all'], [entry]) }))
    const actors = [actor, ...narrowed, ...listed]
    const [answers] = await filtered(
      object.type,
      [object],
      actors.map((one) => ({ actor: one, action })),
    )
    expect(answers?.[0]).toBe(row.expect === 'allow')
    expect(answers).toEqual(actors.map((one) => isAllowed(one, action, object)))
  },
)

const matrix = fixture.matrix.filter(({ object }) => object.any_org !== true)
test.each(matrix.map((row) => [row.id, row] as const))(
  'RB-73: the filter answers matrix %s',
  async (_id, row) => {
    const object = rowOf(objectOf(row.object))
    const expected = [
      ...row.allow.map((name) => ({ name, allowed: true })),
      ...row.deny.map((name) => ({ name, allowed: false })),
    ].flatMap((one) => row.actions.map((action) => ({ ...one, action })))
    const [answers] = await filtered(
      object.type,
      [object],
      expected.map(({ name, action }) => ({ actor: withUuids(actorOf(name)), action })),
    )
    expect(expected.map((one, i) => ({ ...one, allowed: answers?.[i] }))).toEqual(expected)
  },
)

const ORG = ['O1', 'O2'].map(uuidOf)
const USER = ['U1', 'U2'].map(uuidOf)
const GROUP = uuidOf('G1')
const ID = ['X1', 'X2', 'X3'].map(uuidOf)

const systemRole = fc
  .tuple(
    fc.constantFrom('organization-member', 'organization-service-account'),
    fc.constantFrom('everyone', 'service_accounts', 'none'),
  )
  .map(([name, sharing]) => ({ name, definition: SYSTEM_ROLES[name][sharing] }))
const assignable = fc
  .constantFrom(
    'organization-admin',
    'organization-auditor',
    'organization-user-admin',
    'organization-template-admin',
    'organization-workspace-creation-ban',
    'organization-workspace-access',
    'agents-access',
  )
  .map((name) => ({ name, definition: organizationRole(name) ?? { displayName: '' } }))
const organizationRoles = fc.array(
  fc
    .tuple(fc.oneof(systemRole, assignable), fc.constantFrom(...ORG))
    .map(([role, organizationId]): HeldRole => ({ ...role, organizationId })),
  { maxLength: 5 },
)
const siteRoles = fc
  .tuple(
    fc.subarray(['owner', 'auditor', 'template-admin', 'user-admin']),
    fc.record({
      disableOwnerWorkspaceAccess: fc.boolean(),
      disableWorkspaceSharing: fc.boolean(),
      disableChatSharing: fc.boolean(),
      disableTasks: fc.boolean(),
    }),
  )
  .map(([names, options]) =>
    ['member', ...names].map(
      (name): HeldRole => ({ name, definition: siteRole(name, options) ?? { displayName: '' } }),
    ),
  )
const question = fc
  .constantFrom(...(Object.keys(RESOURCES) as ResourceType[]), 'workspace', 'template', 'chat', 'task')
  .chain((type) =>
    fc.record({
      type: fc.constant(type),
      action: fc.constantFrom<Action[]>(...RESOURCES[type]),
      allowList: fc.option(
        fc.array(
          fc.record({
            type: fc.constantFrom<('*' | ResourceType)[]>(type, 'user', '*'),
            id: fc.constantFrom(...ID, '*'),
          }),
          { minLength: 1, maxLength: 3 },
        ),
      ),
    }),
  )
const acl = fc.dictionary(
  fc.constantFrom(...USER, GROUP, ...ORG),
  fc.subarray(['read', 'update', 'use', '*', 'ssh']),
  { maxKeys: 3 },
)
const stored = fc.record({
  id: fc.constantFrom(...ID),
  owner: fc.option(fc.constantFrom(...USER), { nil: undefined }),
  organization: fc.option(fc.constantFrom(...ORG), { nil: undefined }),
  userAcl: acl,
  groupAcl: acl,
})

test('RB-73, RB-74: the filter agrees with the engine for every row, whoever asks for whatever', async () => {
  await fc.assert(
    fc.asyncProperty(
      siteRoles,
      organizationRoles,
      fc.subarray([GROUP]),
      fc.subarray<ResourceType>(['workspace', 'task', 'chat']),
      fc.subarray(['coder:all', ...PUBLIC_SCOPES], { minLength: 1, maxLength: 4 }),
      question,
      fc.array(stored, { minLength: 1, maxLength: 12 }),
      async (site, organization, groups, unshared, scopes, { type, action, allowList }, objects) => {
        const actor: Actor = {
          id: USER[0] ?? '',
          type: 'user',
          name: 'subject',
          roles: [...site, ...organization],
          groups,
          unshared,
          scope: scopeOf(scopes, allowList ?? SCOPE_ALL.allowList),
        }
        const asked = objects.map((object) => ({ ...object, type }))
        const answers = await filtered(type, asked, [{ actor, action }])
        expect(answers.flat()).toEqual(asked.map((object) => isAllowed(actor, action, object)))
      },
    ),
    { numRuns: 500 },
  )
})
