import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createUser, getUser, type Route, routes } from '@slipway/contract'
import {
  makeTenant,
  openDatabase,
  SEED,
  startTestServer,
  type Tenant,
  type TestServer,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { type Schema, valid } from './arbitraries.ts'

const SAMPLES = 6

const ID = '5e471e15-0000-4000-8000-00000000beef'
const TIME = '1999-09-09T09:09:09Z'
const TEXT = 'planted-5e471e15'
/** What nobody may choose. Where an operation does take one of these, it is not planted there. */
const PLANTED: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(
    [
      'id',
      'user_id',
      'owner_id',
      'organization_id',
      'created_by',
      'initiator_id',
      'template_id',
      'job_id',
      'workspace_id',
      'active_version_id',
      'resource_id',
    ].map((name) => [name, ID]),
  ),
  ...Object.fromEntries(
    [
      'created_at',
      'updated_at',
      'deleted_at',
      'last_seen_at',
      'last_used',
      'expires_at',
      'dormant_at',
      'deleting_at',
      'last_used_at',
    ].map((name) => [name, TIME]),
  ),
  ...Object.fromEntries(
    [
      'hashed_password',
      'hashed_secret',
      'login_type',
      'status',
      'email',
      'username',
      'source',
      'provisioner_state',
      'linked_id',
      'auth_token_hash',
      'kind',
    ].map((name) => [name, TEXT]),
  ),
  is_system: true,
  is_service_account: true,
  is_default: true,
  deleted: true,
  roles: ['owner'],
  rbac_roles: ['owner'],
  site_roles: ['owner'],
  user_acl: { [ID]: ['*'] },
  group_acl: { [ID]: ['*'] },
}

let server: TestServer
let database: Database
let owner: Client
let tenant: Tenant

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  const someone = await (await server.user('someone')).call(getUser, { params: { user: 'me' } })
  tenant = await makeTenant(database, {
    ownerId: someone.id,
    organizationId: someone.organization_ids[0] ?? '',
  })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** The body with everything planted that its schema does not name, in objects within it too. */
function plant(body: unknown, schema: Schema): unknown {
  if (Array.isArray(body)) return body.map((one) => plant(one, schema.items ?? {}))
  if (typeof body !== 'object' || body === null || schema.properties === undefined) return body
  const { properties } = schema
  return {
    ...Object.fromEntries(Object.entries(PLANTED).filter(([name]) => !Object.hasOwn(properties, name))),
    ...Object.fromEntries(
      Object.entries(body).map(([name, value]) => [name, plant(value, properties[name] ?? {})]),
    ),
  }
}

/** Rows of any table that hold what was planted. */
async function rowsWithPlanted(): Promise<string[]> {
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE'`.execute(database.db)
  const found: string[] = []
  for (const { name } of tables) {
    const { rows } = await sql<{ row: string }>`
      select t::text as row from ${sql.table(name)} t
       where t::text like any (${[`%${ID}%`, '%1999-09-09%', `%${TEXT}%`]}::text[])`.execute(database.db)
    found.push(...rows.map(({ row }) => `${name} ${row}`))
  }
  return found
}

/** Who is more than an ordinary user. */
async function privileged(): Promise<object> {
  const { db } = database
  const users = await db
    .selectFrom('users')
    .select(['username', 'rbac_roles', 'is_system', 'is_service_account', 'deleted', 'status'])
    .where((e) =>
      e.or([
        e('is_system', '=', true),
        e('is_service_account', '=', true),
        e('deleted', '=', true),
        e('status', '<>', 'active'),
        e(sql<number>`cardinality(rbac_roles)`, '>', 0),
      ]),
    )
    .orderBy('username')
    .execute()
  const organizations = await db
    .selectFrom('organizations')
    .select('id')
    .where('is_default', '=', true)
    .execute()
  const members = await db
    .selectFrom('organization_members')
    .selectAll()
    .where((e) => sql<boolean>`'owner' = any(${e.ref('roles')})`)
    .execute()
  return { users, organizations, members }
}

const writing = routes.filter(
  (route) =>
    (route.body as Schema | undefined)?.type === 'object' &&
    (route.security === 'session' || route.security === 'agent') &&
    // They give roles, make privileged accounts or end sessions, which is what they are for.
    ![
      'create-user',
      'assign-role-to-user',
      'convert-user-from-password-to-oauth-authentication',
      'update-user-password',
    ].includes(route.id),
)

it('L-S10: a field that an operation does not name changes nothing, whatever it is called', async () => {
  const before = await privileged()
  const taken = new Set<string>()
  const faults: string[] = []
  const known = Object.values(tenant.names).filter((value) => /^[0-9a-f-]{36}$/.test(value))
  for (const route of writing) {
    const schema = route.body as Schema
    for (const body of fc.sample(valid(schema, fc.constantFrom(...known)), {
      seed: SEED,
      numRuns: SAMPLES,
    })) {
      const status = await send(route, plant(body, schema))
      if (status >= 500) faults.push(`${route.id} ${status} ${JSON.stringify(body)}`)
      if (status < 300) taken.add(route.id)
    }
  }
  expect(faults, `SLIPWAY_SEED=${SEED}`).toEqual([])
  expect(await rowsWithPlanted(), `SLIPWAY_SEED=${SEED}`).toEqual([])
  expect(await privileged(), `SLIPWAY_SEED=${SEED}`).toEqual(before)
  // What is refused proves nothing.
  expect(taken.size, [...taken].join(' ')).toBeGreaterThan(writing.length / 3)
}, 120_000)

async function send(route: Route, body: unknown): Promise<number> {
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(tenant.names[name] ?? 'x'),
  )
  const response = await fetch(`${server.url}${path}`, {
    method: route.method,
    headers: route.security === 'agent' ? { 'Coder-Session-Token': tenant.agentToken } : { ...owner.headers },
    body: JSON.stringify(body),
  })
  await response.arrayBuffer()
  return response.status
}

it('L-S10: neither does one when an account is made', async () => {
  const made = await owner.call(createUser, {
    body: {
      email: 'made@example.com',
      username: 'made',
      password: 'Some-Password-2026!',
      login_type: 'password',
      organization_ids: [tenant.organizationId],
      ...Object.fromEntries(
        Object.entries(PLANTED).filter(
          ([name]) => !['roles', 'email', 'username', 'login_type', 'organization_id'].includes(name),
        ),
      ),
    },
  })
  expect(made).toMatchObject({ roles: [], status: expect.stringMatching(/active|dormant/) })
  expect(made.id).not.toBe(ID)
  expect(await rowsWithPlanted()).toEqual([])
})
