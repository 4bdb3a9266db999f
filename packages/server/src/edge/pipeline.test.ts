import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { afterEach, describe, expect, it } from 'vitest'

import { route } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { forAnyone } from './bind.ts'
import { addressResolver } from './client-address.ts'
import { mount } from './mount.ts'
import { type ClaimedRequest, createEdge, type EdgeOptions } from './pipeline.ts'
import { OpenStreams } from './streams.ts'

const fails = route('GET /api/v2/fails', {
  id: 'fails',
  tag: 'Test',
  responses: { 200: Type.String() },
})
const hangs = route('GET /api/v2/hangs', {
  id: 'hangs',
  tag: 'Test',
  responses: { 200: Type.String() },
})

interface Started {
  readonly url: string
  readonly server: FastifyInstance
  readonly lines: Record<string, unknown>[]
  readonly validated: string[]
}

const running: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one[Symbol.asyncDispose]()
})

async function start(
  options: Partial<Pick<EdgeOptions, 'apiRateLimit' | 'apps'>> & { readonly trust?: readonly string[] } = {},
): Promise<Started> {
  const lines: Record<string, unknown>[] = []
  const validated: string[] = []
  const streams = new OpenStreams()
  const edge: EdgeOptions = {
    log: createLogger({ level: 'debug', sink: { write: (line) => void lines.push(JSON.parse(line)) } }),
    version: 'v1',
    accessUrl: '',
    addresses: addressResolver({
      trustedOrigins: options.trust ?? [],
      trustedHeaders: ['X-Forwarded-For'],
    }),
    cookies: { secure: false, sameSite: 'lax', hostPrefix: false },
    apiRateLimit: options.apiRateLimit ?? 0,
    limitsDisabled: false,
    allowAllOrigins: false,
    validate: (_token, context) => {
      validated.push(context.route)
      return context.precheck
    },
    activate: async (accepted) => accepted,
    findAgent: async () => undefined,
    streams,
    apps: options.apps ?? { claim: () => undefined },
    page: async (_request, reply) => reply.code(200).send('page'),
  }
  const { server } = createEdge(edge)
  mount(
    server,
    [
      forAnyone(fails, async () => {
        throw new Error('the driver said: password authentication failed')
      }),
      forAnyone(hangs, () => new Promise(() => undefined)),
    ],
    edge,
  )
  await server.listen({ host: '127.0.0.1', port: 0 })
  running.push({
    [Symbol.asyncDispose]: async () => {
      server.server.closeAllConnections()
      await streams[Symbol.asyncDispose]()
      await server.close()
    },
  })
  const { port } = server.server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, server, lines, validated }
}

const app: ClaimedRequest = {
  route: 'SUBDOMAIN_APP',
  serve: async (_request, reply) => {
    await reply.send('app')
  },
}

describe('ID-98: the steps of every request', () => {
  it('ID-109, ID-221: a failure of ours is in the log with its answer, and the answer says nothing of it', async () => {
    const { url, lines } = await start()
    const answer = await fetch(`${url}/api/v2/fails`)
    const text = await answer.text()
    expect(answer.status).toBe(500)
    expect(text).not.toContain('driver')
    await expect
      .poll(() => lines.find((line) => line.status_code === 500))
      .toMatchObject({
        level: 'warn',
        response_body: text,
        took: expect.stringMatching(/^[\d.]+ms$/),
      })
    expect(lines.some((line) => String(line.stack).includes('the driver said'))).toBe(true)
  })

  it('ID-66: nobody is looked up for a probe or a file, and on hosts of apps for every request', async () => {
    const { url, validated } = await start({
      apps: { claim: (_host, target) => (target.includes('claimed') ? app : undefined) },
    })
    await fetch(`${url}/healthz`)
    await fetch(`${url}/assets/a.js`)
    expect(validated).toEqual([])
    await fetch(`${url}/healthz/claimed`)
    await fetch(`${url}/assets/claimed`)
    expect(validated).toEqual(['SUBDOMAIN_APP', 'SUBDOMAIN_APP'])
    await fetch(`${url}/healthzz`)
    await fetch(`${url}/derpy`)
    expect(validated).toHaveLength(4)
  })

  it('ID-123: apps share the limit of the API', async () => {
    const { url } = await start({ apiRateLimit: 3, apps: { claim: () => app } })
    const statuses = []
    for (let i = 0; i < 5; i += 1) statuses.push((await fetch(`${url}/app`)).status)
    expect(statuses).toEqual([200, 200, 200, 429, 429])
  })

  it('ID-108: a client that leaves before the answer has a line too, as 499', async () => {
    const { url, lines } = await start()
    const sent = get(`${url}/api/v2/hangs`)
    sent.on('error', () => undefined)
    await once(sent, 'socket')
    const [socket] = await once(sent, 'finish').then(() => [sent.socket])
    await expect.poll(() => socket?.bytesWritten ?? 0).toBeGreaterThan(0)
    sent.destroy()
    await expect.poll(() => lines.find((line) => line.status_code === 499)?.path).toBe('/api/v2/hangs')
  })

  it('ID-104: a zone of an IPv6 address is not part of it', async () => {
    const { url, lines } = await start({ trust: ['127.0.0.0/8'] })
    const sent = get(`${url}/healthz`, { headers: { 'X-Forwarded-For': 'fe80::1%eth0' } })
    const [answer]: IncomingMessage[] = await once(sent, 'response')
    answer?.resume()
    await expect.poll(() => lines.find((line) => line.path === '/healthz')?.remote_addr).toBe('fe80::1')
  })
})
