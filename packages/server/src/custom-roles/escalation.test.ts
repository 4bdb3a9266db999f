import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  assignMemberRoles,
  checkAuthorization,
  createCustomRole,
  deleteCustomRole,
  getUser,
  listMemberRoles,
  updateCustomRole,
  updateOrganization,
  updateUserRoles,
} from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'
import { ORGANIZATION_ROLES, SITE_ROLES } from '../authz/index.ts'
import { RESOURCES } from '../authz/resources.ts'

let server: TestServer
let owner: Client
let organizationId: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  organizationId = (await owner.call(getUser, { params: { user: 'me' } })).organization_ids[0] ?? ''
  await server.user('friend')
  await owner.call(createCustomRole, {
    ...at,
    body: { name: 'strong', organization_permissions: everything },
  })
  await owner.call(createCustomRole, { ...at, body: { name: 'editor', organization_permissions: editing } })
})
afterAll(() => server[Symbol.asyncDispose]())

const at = { params: { organization: 'default' } }
const pairs = Object.entries(RESOURCES).flatMap(([resource_type, actions]) =>
  actions.map((action) => ({ resource_type, action, negate: false })),
)
/** What an owner may put into a role. */
const everything = [
  'workspace:ssh',
  'workspace:application_connect',
  'template:delete',
  'organization:update',
].map((text) => permission(text))
const editing = [
  'assign_org_role:assign',
  'assign_org_role:unassign',
  'assign_org_role:create',
  'assign_org_role:update',
  'assign_org_role:delete',
  'assign_org_role:read',
  'organization:update',
].map((text) => permission(text))

function permission(text: string) {
  const [resource_type = '', action = ''] = text.split(':')
  return { resource_type, action, negate: false }
}

/** What somebody may do to everything, in the deployment and in the organization; own things do not count. */
async function powersOf(client: Client): Promise<Set<string>> {
  const checks = Object.fromEntries(
    pairs.flatMap(({ resource_type, action }) => [
      [`site ${resource_type}:${action}`, { action, object: { resource_type } }],
      [
        `organization ${resource_type}:${action}`,
        { action, object: { resource_type, organization_id: organizationId } },
      ],
    ]),
  )
  const answers = await client.call(checkAuthorization, { body: { checks } })
  return new Set(Object.keys(answers).filter((name) => answers[name]))
}

const roleNames = [
  ...Object.keys(SITE_ROLES),
  ...Object.keys(ORGANIZATION_ROLES),
  'strong',
  'editor',
  'made',
  'organization-member',
]
const roles = fc.oneof(
  fc.subarray(roleNames, { maxLength: 3 }),
  fc.subarray(['strong', 'editor', 'made', 'organization-workspace-access'], { minLength: 1 }),
)
const permissions = fc
  .array(fc.constantFrom(...pairs), { maxLength: 3 })
  .map((some) => [...some, ...everything.slice(0, some.length % 2)])
const role = fc.record({
  name: fc.constantFrom('made', 'strong', 'editor'),
  organization_permissions: permissions,
  organization_member_permissions: permissions,
  assignable_by: fc.subarray(['organization-user-admin', 'user-admin']),
})
type Edit = (client: Client, self: string) => Promise<unknown>
const edits: fc.Arbitrary<Edit> = fc.oneof(
  role.map(
    (body): Edit =>
      (client) =>
        client.call(createCustomRole, { ...at, body }),
  ),
  role.map(
    (body): Edit =>
      (client) =>
        client.call(updateCustomRole, { ...at, body }),
  ),
  fc.constantFrom('made', 'editor').map(
    (roleName): Edit =>
      (client) =>
        client.call(deleteCustomRole, { params: { organization: 'default', roleName } }),
  ),
  fc.record({ whom: fc.constantFrom('self', 'friend'), roles }).map(
    ({ whom, roles: wanted }): Edit =>
      (client, self) =>
        client.call(assignMemberRoles, {
          params: { organization: 'default', user: whom === 'self' ? self : whom },
          body: { roles: wanted },
        }),
  ),
  fc.record({ whom: fc.constantFrom('self', 'friend'), roles }).map(
    ({ whom, roles: wanted }): Edit =>
      (client, self) =>
        client.call(updateUserRoles, {
          params: { user: whom === 'self' ? self : whom },
          body: { roles: wanted },
        }),
  ),
  roles.map(
    (wanted): Edit =>
      (client) =>
        client.call(updateOrganization, { ...at, body: { default_org_member_roles: wanted } }),
  ),
)

/** As it was before somebody edited. */
async function reset(): Promise<void> {
  await owner.call(updateOrganization, {
    ...at,
    body: { default_org_member_roles: ['organization-workspace-access'] },
  })
  const held = await owner.call(listMemberRoles, at)
  if (held.some(({ name }) => name === 'made'))
    await owner.call(deleteCustomRole, { params: { organization: 'default', roleName: 'made' } })
  for (const [name, organization_permissions] of [
    ['strong', everything],
    ['editor', editing],
  ] as const)
    await owner.call(held.some((other) => other.name === name) ? updateCustomRole : createCustomRole, {
      ...at,
      body: { name, organization_permissions, organization_member_permissions: [], assignable_by: [] },
    })
  await owner.call(updateUserRoles, { params: { user: 'friend' }, body: { roles: [] } })
  await owner.call(assignMemberRoles, {
    params: { organization: 'default', user: 'friend' },
    body: { roles: [] },
  })
}

const ACTORS: readonly { readonly site?: string; readonly organization?: readonly string[] }[] = [
  {},
  ...Object.keys(SITE_ROLES)
    .filter((name) => name !== 'owner' && name !== 'member')
    .map((site) => ({ site })),
  ...Object.keys(ORGANIZATION_ROLES).map((name) => ({ organization: [name] })),
  { organization: ['editor'] },
  { organization: ['editor', 'organization-user-admin'] },
  { site: 'user-admin', organization: ['organization-admin'] },
]

describe('RB-37, RB-41: no sequence of edits of roles gives who makes them what they lacked', () => {
  it.each(ACTORS.map((actor, index) => [JSON.stringify(actor), `actor${index}`, actor] as const))(
    '%s',
    async (_what, name, { site, organization = [] }) => {
      const client = await server.user(name, site === undefined ? [] : [site])
      const hold = () =>
        owner.call(assignMemberRoles, {
          params: { organization: 'default', user: name },
          body: { roles: [...organization] },
        })
      await fc.assert(
        fc.asyncProperty(fc.array(edits, { minLength: 1, maxLength: 6 }), async (sequence) => {
          await reset()
          await hold()
          const before = await powersOf(client)
          for (const edit of sequence)
            await edit(client, name).catch((error: { status?: number }) =>
              expect([400, 403, 404, 409]).toContain(error.status),
            )
          expect([...(await powersOf(client))].filter((power) => !before.has(power))).toEqual([])
        }),
        { numRuns: 8 },
      )
    },
    60_000,
  )
})
