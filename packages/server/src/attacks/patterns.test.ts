import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getUser, type Route, routes } from '@slipway/contract'
import { makeTenant, openDatabase, startTestServer, type Tenant, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import type { Schema } from './arbitraries.ts'

/** What an address can hold at all. */
const QUERY_LENGTH = 12_000
const BODY_LENGTH = 100_000
/** Seconds of work of this process, however long it waits for a busy machine. */
const SECONDS = 3

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

/** A text of this length that makes a pattern which backtracks try everything: many ways to begin, none to end. */
const repeated = (part: string, length: number): string =>
  `${part.repeat(Math.floor(length / part.length) - 1)}\u00a7`
const PARTS = [
  ' ',
  'a',
  'a-',
  '-',
  '"',
  'a:"b ',
  ':',
  'a.',
  '@a.',
  '0',
  '1,',
  '/',
  '%',
  '\\',
  '(a+)+',
  '*/',
  '=\n',
  '2026-',
] as const

const pathOf = (route: Route): string =>
  route.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(tenant.names[name] ?? 'x'))
const headersOf = (route: Route): Record<string, string> =>
  route.security === 'agent' ? { 'Coder-Session-Token': tenant.agentToken } : { ...owner.headers }

/** The answer, which must not have cost much work. */
async function ask(route: Route, what: string, query: string, body?: string): Promise<void> {
  const began = process.cpuUsage()
  const response = await fetch(`${server.url}${pathOf(route)}${query}`, {
    method: route.method,
    headers: headersOf(route),
    redirect: 'manual',
    signal: AbortSignal.timeout(25_000),
    ...(body === undefined ? {} : { body }),
  })
  await response.body?.cancel()
  const { user, system } = process.cpuUsage(began)
  expect(response.status, what).toBeLessThan(500)
  expect([what, (user + system) / 1e6 < SECONDS ? 'quick' : user + system]).toEqual([what, 'quick'])
}

const isText = (schema: Schema): boolean =>
  schema.type === 'string' && schema.enum === undefined && schema.const === undefined

describe('ReDoS: no text that somebody sends keeps the server busy', () => {
  const searching = routes.filter(
    ({ query, stream, path }) =>
      stream === undefined &&
      !path.includes('/pprof') &&
      Object.values((query?.properties ?? {}) as Record<string, Schema>).some(isText),
  )

  it.each(searching.map((route) => [route.method, route.path, route] as const))(
    'in the query of %s %s',
    async (_m, _p, route) => {
      for (const [name, schema] of Object.entries(
        (route.query?.properties ?? {}) as Record<string, Schema>,
      )) {
        if (!isText(schema)) continue
        // Most of them are three characters long in an address.
        for (const part of name === 'q' ? PARTS : PARTS.slice(0, 6))
          await ask(
            route,
            `${name} ${part}`,
            `?${new URLSearchParams({ [name]: repeated(part, QUERY_LENGTH / 3) })}`,
          )
      }
    },
  )

  const writing = routes.filter(
    ({ method, body }) => method !== 'GET' && (body as Schema | undefined)?.properties !== undefined,
  )

  it('in the fields of any body', async () => {
    for (const [index, route] of writing.entries()) {
      const { properties = {} } = route.body as Schema
      const texts = Object.entries(properties).filter(
        ([, schema]) => isText(schema) || schema.anyOf?.some(isText) === true,
      )
      if (texts.length === 0) continue
      // One half or the other, which is enough for the kinds of fields that there are.
      for (const part of PARTS.filter((_, i) => (i + index) % 2 === 0)) {
        const text = repeated(part, BODY_LENGTH)
        await ask(
          route,
          `${route.id} ${part}`,
          '',
          JSON.stringify(Object.fromEntries(texts.map(([name]) => [name, text]))),
        )
      }
    }
  }, 120_000)

  it('in the segments of any path', async () => {
    for (const route of routes.filter(({ path, method }) => method === 'GET' && path.includes('{')))
      for (const part of ['a-', '0', '%']) {
        const text = encodeURIComponent(repeated(part, 3_000))
        await ask({ ...route, path: route.path.replace(/\{\w+\}/g, text) }, `${route.id} ${part}`, '')
      }
  }, 120_000)
})
