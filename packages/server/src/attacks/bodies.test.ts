import { request as httpRequest } from 'node:http'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getUser, type Route, routes } from '@slipway/contract'
import { makeTenant, openDatabase, startTestServer, type Tenant, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import type { Schema } from './arbitraries.ts'

/** Larger than the limit of any operation. */
const TOO_MUCH = 200 * 1024 * 1024
/** ID-93. */
const LIMIT = 4 * 1024 * 1024

let server: TestServer
let database: Database
let owner: Client
let tenant: Tenant

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  await server.builtInTemplate()
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

const writing = routes.filter(({ method, stream }) => method !== 'GET' && stream === undefined)
const pathOf = (route: Route): string =>
  route.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(tenant.names[name] ?? 'x'))
const headersOf = (route: Route): Record<string, string> =>
  route.security === 'agent' ? { 'Coder-Session-Token': tenant.agentToken } : { ...owner.headers }

/** What may change by itself: who was seen when, and the deployment's own life. */
const ALIVE = [
  'replicas',
  'change_log',
  'change_log_horizon',
  'provisioner_daemons',
  'rate_limit_buckets',
  'audit_chain',
  'audit_unchained',
]

/** A digest of the rows of every table. */
async function contents(): Promise<Readonly<Record<string, string>>> {
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE'`.execute(database.db)
  const digests: Record<string, string> = {}
  for (const { name } of tables.filter(({ name: table }) => !ALIVE.includes(table))) {
    const { rows } = await sql<{ digest: string }>`
      select md5(coalesce(string_agg(row, '' order by row), '')) as digest
        from (select (to_jsonb(t) - 'last_used' - 'last_seen_at' - 'updated_at' - 'ip_address' - 'expires_at')::text as row
                from ${sql.table(name)} t) as rows`.execute(database.db)
    digests[name] = rows[0]?.digest ?? ''
  }
  return digests
}

describe('a body that nobody should send is refused by every operation, and nothing of it is stored', () => {
  it('ID-93: one that says it is too long is 413 before it is read', async () => {
    const before = await contents()
    for (const route of writing) {
      const { status } = await new Promise<{ status: number | undefined }>((resolve, reject) => {
        const request = httpRequest(`${server.url}${pathOf(route)}`, {
          method: route.method,
          headers: { ...headersOf(route), 'Content-Type': 'application/json', 'Content-Length': TOO_MUCH },
        })
        request.on('response', (response) => {
          resolve({ status: response.statusCode })
          request.destroy()
        })
        request.on('error', reject)
        request.write('{')
      })
      expect([route.id, status]).toEqual([route.id, 413])
    }
    expect(await contents()).toEqual(before)
  })

  it('ID-93: one that says nothing of its length is cut off', async () => {
    const chunk = Buffer.alloc(64 * 1024, 0x20)
    for (const route of writing
      // A file of secrets may be longer.
      .filter(({ consumes, id }) => consumes === undefined && id !== 'import-user-secrets-from-a-file')
      .filter((_, i) => i % 12 === 0)) {
      let left = LIMIT / chunk.length + 2
      const status = await fetch(`${server.url}${pathOf(route)}`, {
        method: route.method,
        headers: headersOf(route),
        body: new ReadableStream({
          pull: (controller) => (left-- > 0 ? controller.enqueue(chunk) : controller.close()),
        }),
        duplex: 'half',
      }).then(
        async (response) => {
          await response.body?.cancel()
          return response.status
        },
        // The server hangs up on who goes on sending.
        () => 413,
      )
      expect([route.id, status]).toEqual([route.id, 413])
    }
  })

  it.each([
    ['arrays', '['.repeat(50_000)],
    ['closed arrays', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['a field of deep arrays', `{"name":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
  ])('one that is nested too deep is 400: %s', async (_what, body) => {
    const before = await contents()
    for (const route of writing.filter(({ consumes }) => consumes === undefined)) {
      // Agents may send fields that nobody knows.
      if (route.security === 'agent' && body.startsWith('{')) continue
      const response = await fetch(`${server.url}${pathOf(route)}`, {
        method: route.method,
        headers: headersOf(route),
        body,
      })
      await response.arrayBuffer()
      // Some take less than this long a body in the first place.
      expect([400, 413], route.id).toContain(response.status)
    }
    expect(await contents()).toEqual(before)
  })

  it('one with 10,000 faults gets an answer of some kilobytes, for little work', async () => {
    const before = await contents()
    for (const route of writing) {
      const schema = route.body as Schema | undefined
      for (const [name, property] of Object.entries(schema?.properties ?? {})) {
        const many = property.type === 'array' ? Array.from({ length: 10_000 }, () => 1.5) : undefined
        const map =
          property.patternProperties === undefined
            ? undefined
            : Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, 1.5]))
        if (many === undefined && map === undefined) continue
        const began = process.cpuUsage()
        const response = await fetch(`${server.url}${pathOf(route)}`, {
          method: route.method,
          headers: headersOf(route),
          body: JSON.stringify({ [name]: many ?? map }),
        })
        const text = await response.text()
        const { user, system } = process.cpuUsage(began)
        const what = `${route.id}.${name}`
        // Who asks is not somebody whom clients of OAuth prove to be.
        const refused = route.errors === 'oauth' ? [401, 403] : []
        expect([400, 413, ...refused], what).toContain(response.status)
        expect([what, text.length < 65_536 ? 'short' : text.length]).toEqual([what, 'short'])
        // Seconds of work, not of waiting for a busy machine.
        expect([what, (user + system) / 1e6 < 3 ? 'quick' : user + system]).toEqual([what, 'quick'])
      }
    }
    expect(await contents()).toEqual(before)
  })
})
