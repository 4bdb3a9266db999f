import { readFile } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { getFirstUser, getUser, type Route, routes } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import {
  fixtures,
  freePort,
  makeTenant,
  openDatabase,
  SEED,
  startTestServer,
  type Tenant,
  type TestServer,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { newToken } from '../identity/keys/api-key-token.ts'
import { hostileJson, hostileText, type Schema, spoiled, valid } from './arbitraries.ts'

/** Each operation gets at least one round; more follow while there is time. */
const PER_ROUND = 4
const AT_ONCE = 8
/** Bytes that may be kept after all of it, for caches that have their bounds. */
const MEMORY = 128 * 1024 * 1024
/** Whoever searches for new faults gives it more time and other seeds. */
const BUDGET_MS = Number(process.env.SLIPWAY_FUZZ_SECONDS ?? 20) * 1_000
/** Longer than any answer may take, on a busy machine. */
const HANGS_MS = 25_000
/** What a stream is listened to. */
const LISTEN_MS = 50

/** Answers beyond 499 that are right, because somebody else does not answer. */
const DOCUMENTED: readonly { readonly status: number; readonly operation: RegExp; readonly why: string }[] = [
  {
    status: 500,
    operation: /^openid-connect-callback/,
    why: 'the identity provider cannot be reached; the page says so (ID-220)',
  },
  {
    status: 502,
    operation: /^get-listening-ports-for-workspace-agent$/,
    why: 'the agent that came with another attempt has gone with it',
  },
]

let server: TestServer
let database: Database
let tenant: Tenant
/** How often which status was answered. */
const seen = new Map<number, number>()
const errors: string[] = []
/** Why the server could not answer, without which a fault says little. */
const failures = new Set<string>()
function note(line: string): void {
  const { level, message, stack } = JSON.parse(line) as Record<string, string>
  if (level === 'error') errors.push(line)
  if (message === 'request failed' && failures.size < 20) failures.add(stack ?? '')
}
const rejections: unknown[] = []
const noteRejection = (reason: unknown): void => void rejections.push(reason)

beforeAll(async () => {
  process.on('unhandledRejection', noteRejection)
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    log: createLogger({ level: 'warn', sink: { write: note } }),
  })
  database = await openDatabase(server.databaseUrl)
  await server.owner()
  const victim = await (await server.user('victim')).call(getUser, { params: { user: 'me' } })
  tenant = await makeTenant(database, {
    ownerId: victim.id,
    organizationId: victim.organization_ids[0] ?? '',
  })
  // Nothing leaves this machine, and nobody answers there.
  const issuer = JSON.stringify({ issuer_url: `http://127.0.0.1:${await freePort()}` })
  await database.db
    .updateTable('identity_providers')
    .set({ settings: sql`settings || ${issuer}::jsonb` })
    .execute()
})
afterAll(async () => {
  process.off('unhandledRejection', noteRejection)
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

interface Attempt {
  readonly method: string
  readonly path: string
  readonly as: 'owner' | 'member' | 'nobody' | 'agent'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

const ids = (): fc.Arbitrary<string> => {
  const known = Object.values(tenant.names).filter((value) => /^[0-9a-f-]{36}$/.test(value))
  return fc.constantFrom(...known, '00000000-0000-0000-0000-000000000000')
}

const headers: fc.Arbitrary<Record<string, string>> = fc.dictionary(
  fc.constantFrom(
    'Accept',
    'Accept-Encoding',
    'Accept-Language',
    'Authorization',
    'Baggage',
    'Cookie',
    'Content-Type',
    'DPoP',
    'If-Match',
    'If-None-Match',
    'If-Modified-Since',
    'Last-Event-ID',
    'Origin',
    'Range',
    'Referer',
    'Traceparent',
    'X-Coder-Bypass-Ratelimit',
    'X-CSRF-TOKEN',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Proto',
    'X-Record-Authz-Checks',
  ),
  fc.oneof(
    fc.constantFrom(
      'bytes=-1',
      'bytes=9-1,0-',
      '*/*;q=9',
      'gzip;q=x, br',
      '1',
      'true',
      'null',
      'text/html',
      'Basic Og==',
      'DPoP x',
    ),
    // What a header can hold at all; the rest is refused before it leaves.
    hostileText.map((text) =>
      text
        .replace(/[^\x20-\x7e]/g, '')
        .trim()
        .slice(0, 4_000),
    ),
  ),
  { maxKeys: 2 },
)

/** Without the segments that make it the path of another operation. */
const hostileSegment = hostileText.map((text) => text.slice(0, 500)).filter((text) => !/^\.{0,2}$/.test(text))

/** Attempts at an operation of the document. */
function attemptsAt(route: Route): fc.Arbitrary<Attempt> {
  const parts = route.path
    .split(/\{(\w+)\}/)
    .map((part, index) =>
      index % 2 === 0
        ? fc.constant(part)
        : fc
            .oneof(
              { arbitrary: fc.constant(tenant.names[part] ?? 'fuzz'), weight: 6 },
              { arbitrary: fc.constantFrom('me', 'owner', 'default'), weight: 1 },
              { arbitrary: fc.oneof(fc.uuid(), hostileSegment), weight: 2 },
            )
            .map((value) => encodeURIComponent(value.toWellFormed())),
    )
  const query = fc.record(
    Object.fromEntries(
      Object.entries((route.query?.properties ?? {}) as Record<string, Schema>).map(([name, schema]) => [
        name,
        fc.oneof(
          { arbitrary: valid(schema, ids()).map(String), weight: 3 },
          { arbitrary: hostileText, weight: 2 },
        ),
      ]),
    ),
    { requiredKeys: [] },
  )
  const schema = route.body as Schema | undefined
  const json =
    schema === undefined
      ? hostileJson
      : fc.oneof(
          { arbitrary: valid(schema, ids()), weight: 5 },
          { arbitrary: spoiled(schema, ids()), weight: 5 },
        )
  const raw = fc.oneof(
    fc.constantFrom('{', '[', '"', 'NaN', '{"a":1,}', '\ufeff{}', '[[[['.repeat(2_000), 'a=b&c=d'),
    fc.uint8Array({ maxLength: 40 }),
  )
  const body =
    route.method === 'GET'
      ? fc.constant(undefined)
      : fc.oneof(
          { arbitrary: json.map((value) => JSON.stringify(value)), weight: 10 },
          { arbitrary: raw, weight: 1 },
          { arbitrary: fc.constant(undefined), weight: schema === undefined ? 10 : 1 },
        )
  const as =
    route.security === 'agent'
      ? fc.constantFrom('agent', 'agent', 'agent', 'owner', 'nobody')
      : fc.constantFrom('owner', 'owner', 'member', 'member', 'nobody')
  return fc.record({ parts: fc.tuple(...parts), query, as, headers, body }).map((made) => {
    const search = new URLSearchParams(made.query as Record<string, string>).toString()
    return {
      method: route.method,
      path: `${made.parts.join('')}${search === '' ? '' : `?${search}`}`,
      as: made.as as Attempt['as'],
      headers: made.headers,
      body: made.body,
    }
  })
}

type Credentials = Readonly<Record<Attempt['as'], Readonly<Record<string, string>>>>

/** Accounts of their own, because attempts delete, suspend and sign out those who make them. */
async function newCredentials(): Promise<Credentials> {
  const { db } = database
  const sessionOf = async (roles: string[]) => {
    const user = await fixtures.user(db, { rbac_roles: roles })
    await fixtures.organizationMember(db, { user, organization_id: tenant.organizationId })
    const { id, token, hashedSecret } = newToken()
    await fixtures.apiKey(db, { user, id, hashed_secret: hashedSecret, scopes: ['coder:all'] })
    return { 'Coder-Session-Token': token }
  }
  return {
    owner: await sessionOf(['owner']),
    member: await sessionOf([]),
    nobody: {},
    agent: { 'Coder-Session-Token': tenant.agentToken },
  }
}

/** What is wrong with the answer to an attempt; undefined when nothing is. */
async function faultOf(
  attempt: Attempt,
  route: Route,
  credentials: Credentials,
  isAgain = false,
): Promise<string | undefined> {
  if (route.stream === 'websocket' && attempt.as !== 'nobody')
    return faultOfSocket(attempt, route, credentials[attempt.as])
  const streams =
    route.stream !== undefined || /\/debug\/p/.test(route.path) || attempt.path.includes('follow')
  const end = new AbortController()
  const hangs = AbortSignal.timeout(HANGS_MS)
  try {
    const response = await fetch(`${server.url}${attempt.path}`, {
      method: attempt.method,
      headers: { ...attempt.headers, ...credentials[attempt.as] },
      redirect: 'manual',
      ...(attempt.body === undefined ? {} : { body: attempt.body }),
      signal: AbortSignal.any([end.signal, streams ? AbortSignal.timeout(500) : hangs]),
    })
    if (streams && response.ok) end.abort()
    else await response.arrayBuffer()
    return faultOfStatus(response.status, route)
  } catch (error) {
    if (streams && !hangs.aborted && error instanceof Error && /Abort|Timeout/.test(error.name))
      return undefined
    // A connection that is kept open may be closed while the next request is on its way (RFC 9112, section 9.5).
    if (!isAgain && /ECONNRESET/.test(String(Object(error).cause)))
      return faultOf(attempt, route, credentials, true)
    return `${error} ${error instanceof Error ? error.cause : ''}`
  }
}

function faultOfStatus(status: number, { id }: Route): string | undefined {
  seen.set(status, (seen.get(status) ?? 0) + 1)
  if (status < 500 || DOCUMENTED.some((one) => one.status === status && one.operation.test(id)))
    return undefined
  return `status ${status}`
}

/** Opens a WebSocket, says what makes no sense, and leaves. */
function faultOfSocket(
  attempt: Attempt,
  route: Route,
  credentials: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}${attempt.path}`, {
      headers: { ...credentials },
      handshakeTimeout: HANGS_MS,
    })
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve(faultOfStatus(response.statusCode ?? 0, route))
      socket.terminate()
    })
    socket.on('open', () => {
      socket.send('{"')
      socket.send(attempt.body ?? '{"id":-1,"inputs":{"__proto__":null},"owner_id":"x"}')
      socket.send(Buffer.alloc(200_000, 0xff))
      setTimeout(() => socket.terminate(), LISTEN_MS).unref()
    })
    socket.on('error', (error) =>
      resolve(/handshake has timed out/.test(error.message) ? error.message : undefined),
    )
    socket.on('close', () => resolve(undefined))
  })
}

/** Deletions last, so that the others find what they ask for. */
const ordered = [...routes].sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'))

async function usedMemory(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  collect()
  return process.memoryUsage().heapUsed
}

it('covers every operation of the document', async () => {
  const text = await readFile(new URL('../../../contract/openapi.json', import.meta.url), 'utf8')
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, unknown>> }
  const written = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(ordered.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(written.sort())
})

it(
  'whatever is sent to any operation, the server answers, says what is wrong, and goes on',
  async () => {
    const began = Date.now()
    const before = await usedMemory()
    const faults: string[] = []
    for (let round = 0; round === 0 || Date.now() - began < BUDGET_MS; round += 1) {
      const waiting = ordered.values()
      const work = async (): Promise<void> => {
        for (const route of waiting) {
          const seed = SEED + round * 100_000 + ordered.indexOf(route)
          const credentials = await newCredentials()
          for (const attempt of fc.sample(attemptsAt(route), { seed, numRuns: PER_ROUND })) {
            const fault = await faultOf(attempt, route, credentials)
            if (fault !== undefined)
              faults.push(`${route.id} ${fault}: ${JSON.stringify(attempt).slice(0, 1_500)}`)
          }
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work))
    }
    expect(faults.slice(0, 20), [`SLIPWAY_SEED=${SEED}`, ...failures].join('\n')).toEqual([])
    // What is refused at the door proves little.
    expect((seen.get(200) ?? 0) + (seen.get(201) ?? 0) + (seen.get(204) ?? 0)).toBeGreaterThan(
      routes.length / 2,
    )
    expect(errors, `SLIPWAY_SEED=${SEED}`).toEqual([])
    expect(rejections, `SLIPWAY_SEED=${SEED}`).toEqual([])
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    // Whoever was signed in may have been signed out by what was sent.
    await server.anonymous.call(getFirstUser)
    expect((await usedMemory()) - before).toBeLessThan(MEMORY)
  },
  BUDGET_MS + 160_000,
)
