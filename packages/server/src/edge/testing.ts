// What the tests of this folder share.
import type { AddressInfo } from 'node:net'

import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { onTestFinished } from 'vitest'

import { route } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { userActor } from '../authz/index.ts'
import { type BoundRoute, forAnyone, forSession } from './bind.ts'
import { addressResolver } from './client-address.ts'
import { mount } from './mount.ts'
import type { EdgeOptions } from './options.ts'
import { createEdge } from './pipeline.ts'
import type { Precheck } from './precheck.ts'
import { currentRequest, type RequestContext } from './request-context.ts'
import { OpenStreams } from './streams.ts'
import type { Credential } from './token-source.ts'

const fails = route('GET /api/v2/fails', {
  id: 'fails',
  tag: 'Test',
  responses: { 200: Type.String() },
})
const notes = route('POST /api/v2/notes', {
  id: 'notes',
  tag: 'Test',
  body: Type.Object({ text: Type.String(), more: Type.Optional(Type.Record(Type.String(), Type.String())) }),
  responses: { 200: Type.String() },
})
const mine = route('GET /api/v2/mine', {
  id: 'mine',
  tag: 'Test',
  responses: { 200: Type.String() },
})
const hangs = route('GET /api/v2/hangs', {
  id: 'hangs',
  tag: 'Test',
  responses: { 200: Type.String() },
})

/** What a token stands for: its user, and whether that is an owner. */
const KEYS: Readonly<Record<string, readonly string[]>> = { boss: ['owner'], other: [] }

function validated(token: Credential | undefined, context: RequestContext): Precheck {
  const siteRoles = typeof token === 'string' ? KEYS[token] : undefined
  if (typeof token !== 'string' || siteRoles === undefined) return context.precheck
  context.apiKeyId = `key-of-${token}`
  const owner = {
    id: token,
    username: token,
    email: '',
    status: 'active',
    siteRoles,
    isSystem: false,
  } as const
  const key = {
    id: token,
    userId: token,
    loginType: 'token',
    tokenName: '',
    scopes: [],
    expiresAt: new Date(8.64e15),
    holdsUntil: 8.64e15,
  } as const
  const actor = userActor({
    id: token,
    username: token,
    siteRoles,
    isServiceAccount: false,
    groups: [],
    memberships: [],
  })
  return { ok: true, key, owner, actor }
}

/** An edge that listens, and what it has logged. */
export interface Started {
  readonly url: string
  readonly server: FastifyInstance
  readonly lines: Record<string, unknown>[]
  readonly asked: string[]
  readonly metrics: () => string
}

/** Starts an edge without the rest of the server; it ends with the test. */
export async function start(
  options: Partial<
    Pick<
      EdgeOptions,
      | 'apiRateLimit'
      | 'apps'
      | 'bodyTimeout'
      | 'findAgent'
      | 'queryTokens'
      | 'recordDecisions'
      | 'redirect'
      | 'validate'
      | 'cookies'
      | 'version'
    >
  > & {
    readonly routes?: readonly BoundRoute[]
    readonly trust?: readonly string[]
  } = {},
): Promise<Started> {
  const lines: Record<string, unknown>[] = []
  const asked: string[] = []
  const streams = new OpenStreams()
  const edge: EdgeOptions = {
    log: createLogger({ level: 'debug', sink: { write: (line) => void lines.push(JSON.parse(line)) } }),
    version: options.version ?? 'v1',
    accessUrl: '',
    applicationName: () => 'Slipway',
    addresses: addressResolver({
      trustedOrigins: options.trust ?? [],
      trustedHeaders: ['X-Forwarded-For'],
    }),
    cookies: options.cookies ?? { secure: false, sameSite: 'lax', hostPrefix: false },
    queryTokens: options.queryTokens ?? 'all',
    recordDecisions: options.recordDecisions ?? false,
    ...(options.bodyTimeout === undefined ? {} : { bodyTimeout: options.bodyTimeout }),
    redirect: options.redirect,
    apiRateLimit: options.apiRateLimit ?? 0,
    limitsDisabled: false,
    allowAllOrigins: false,
    validate: (token, context) => {
      asked.push(context.route)
      return (options.validate ?? validated)(token, context)
    },
    activate: async (accepted) => accepted,
    findAgent: options.findAgent ?? (async () => undefined),
    streams,
    apps: options.apps ?? { claim: () => undefined },
    page: async (_request, reply) => reply.code(200).send('page'),
  }
  const { server, metrics } = createEdge(edge)
  mount(
    server,
    [
      forAnyone(fails, async () => {
        throw new Error('the driver said: password authentication failed')
      }),
      forAnyone(notes, async ({ context }) => (currentRequest() === context ? 'the same request' : 'lost')),
      forSession(mine, async ({ owner }) => owner.username),
      forAnyone(hangs, () => new Promise(() => undefined)),
      ...(options.routes ?? []),
    ],
    edge,
  )
  await server.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    server.server.closeAllConnections()
    await streams[Symbol.asyncDispose]()
    await server.close()
  })
  const { port } = server.server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, server, lines, asked, metrics: () => metrics.render() }
}
