import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

import { fastify } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { until } from '@slipway/testkit'
import { userActor } from '../authz/index.ts'
import type { Precheck } from './precheck.ts'
import { OpenStreams } from './streams.ts'

const nobody: Precheck = {
  ok: false,
  status: 401,
  message: '',
  detail: '',
  reason: 'no-credential',
  hard: false,
}

const accepted: Precheck = {
  ok: true,
  key: {
    id: 'key',
    userId: 'ada',
    loginType: 'password',
    tokenName: '',
    scopes: [],
    expiresAt: new Date(8.64e15),
    holdsUntil: 8.64e15,
  },
  owner: { id: 'ada', username: 'ada', email: '', status: 'active', siteRoles: [], isSystem: false },
  actor: userActor({
    id: 'ada',
    username: 'ada',
    siteRoles: [],
    isServiceAccount: false,
    groups: [],
    memberships: [],
  }),
}

interface Started {
  readonly url: string
  readonly server: Server
  readonly streams: OpenStreams
  readonly failures: unknown[]
  readonly probes: string[]
}

const running: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of running.splice(0)) await stop()
})

/** A server whose paths say what becomes of an upgrade: /socket, /proxied, or no answer at all. */
async function start(
  options: {
    readonly heartbeatMs?: number
    readonly sweepMs?: number
    readonly changed?: Promise<void>
  } = {},
): Promise<Started> {
  const streams = new OpenStreams(options.heartbeatMs, options.sweepMs)
  const failures: unknown[] = []
  const probes: string[] = []
  const server = fastify()
  server.decorateRequest('context')
  server.addHook('onRequest', (request, _reply, done) => {
    request.context = {
      id: '',
      method: request.method,
      target: request.url,
      route: request.url,
      remoteAddress: '127.0.0.1',
      host: '',
      scheme: 'http',
      receivedHost: '',
      startedAt: 0,
      startedTick: performance.now(),
      webSocket: true,
      apiKeyId: undefined,
      precheck: nobody,
      provenKeyId: undefined,
      dpopNonce: undefined,
      queryTokens: [],
      denial: undefined,
      decisions: undefined,
      statements: 0,
      systemSubject: undefined,
      logFields: {},
    }
    done()
  })
  server.get('/socket', async (request, reply) => {
    await streams.accept(request, reply).catch((error: unknown) => {
      failures.push(error)
      throw error
    })
  })
  server.get('/proxied', async (request, reply) => {
    const { socket } = streams.takeSocket(request, reply, nobody)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: own\r\nConnection: Upgrade\r\n\r\n')
  })
  server.get('/slow', async (request, reply) => {
    request.context.precheck = accepted
    await options.changed
    await streams.accept(request, reply)
  })
  server.get('/silent', () => new Promise(() => undefined))
  streams.attach({
    route: (request, response) => server.routing(request, response),
    opened: () => undefined,
    probed: (_route, result) => probes.push(result),
  })(server.server)
  await server.listen({ host: '127.0.0.1', port: 0 })
  running.push(() => {
    streams.cut()
    return Promise.all([server.close(), streams[Symbol.asyncDispose]()])
  })
  const { port } = server.server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, server: server.server, streams, failures, probes }
}

/** Asks for another protocol, as a client of an app does. */
function upgrade(url: string, headers: Record<string, string> = {}) {
  const sent = httpRequest(url, { headers: { Connection: 'Upgrade', Upgrade: 'own', ...headers } })
  sent.on('error', () => undefined).end()
  return sent
}

function closed(server: Server): Promise<unknown> {
  const over = once(server, 'close')
  server.close()
  return over
}

it('half-open TCP: a peer that answers no ping is cut off, one that does stays', async () => {
  const { url, probes } = await start({ heartbeatMs: 50 })
  const address = `${url.replace('http', 'ws')}/socket`
  const live = new WebSocket(address)
  const gone = new WebSocket(address, { autoPong: false })
  const [code] = await once(gone, 'close')
  expect(code).toBe(1006)
  await until('both results', () => probes.includes('timeout') && probes.includes('ok'))
  expect(live.readyState).toBe(WebSocket.OPEN)
  live.terminate()
})

describe('ID-117: a heartbeat that nobody can answer any more', () => {
  /** Connects, and acts as soon as the first ping is there. */
  async function atPing(url: string, act: (socket: WebSocket, carrier: Duplex) => unknown): Promise<void> {
    let carrier: Duplex | undefined
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket`, {
      autoPong: false,
      createConnection: () => {
        carrier = connect({ port: Number(new URL(url).port), host: '127.0.0.1' })
        return carrier
      },
    })
    socket.on('error', () => undefined)
    const over = once(socket, 'close')
    await once(socket, 'ping')
    if (carrier === undefined) throw new Error('there is no connection')
    await act(socket, carrier)
    await over
  }

  it('since the peer went', async () => {
    const { url, probes } = await start({ heartbeatMs: 1_000 })
    await atPing(url, (socket) => socket.close())
    await until('the result', () => probes.includes('peer_closed'))
  })

  it('since the server stops', async () => {
    const { url, probes, streams } = await start({ heartbeatMs: 1_000 })
    await atPing(url, () => streams[Symbol.asyncDispose]())
    await until('the result', () => probes.includes('canceled'))
  })

  it('since the connection failed', async () => {
    const { url, probes } = await start({ heartbeatMs: 1_000 })
    // No frame begins like that.
    await atPing(url, (_socket, carrier) => carrier.write(Buffer.alloc(16, 0xff)))
    await until('the result', () => probes.includes('error'))
  })
})

it('OP-32: connections that a proxy has taken end with the server, which no other part could end', async () => {
  const { url, server, streams } = await start()
  const [, socket]: [IncomingMessage, Duplex] = await once(upgrade(`${url}/proxied`), 'upgrade').then(
    ([response, duplex]) => [response, duplex],
  )
  socket.on('error', () => undefined).resume()
  const over = closed(server)
  await Promise.all([streams[Symbol.asyncDispose](), once(socket, 'close'), over])
})

it('OP-32: an upgrade request that nobody answers does not hold a server that is cut off', async () => {
  const { url, server, streams } = await start()
  const asked = once(server, 'upgrade')
  const waiting = upgrade(`${url}/silent`)
  const ended = new Promise((resolve) => waiting.on('close', resolve))
  await asked
  const over = closed(server)
  await streams[Symbol.asyncDispose]()
  streams.cut()
  await Promise.all([ended, over])
})

it('a handshake that is no handshake ends its handler too', async () => {
  const { url, failures } = await start()
  const sent = upgrade(`${url}/socket`, { Upgrade: 'websocket', 'Sec-WebSocket-Key': 'nonsense' })
  const [answer] = await once(sent, 'response')
  answer.resume()
  expect(answer.statusCode).toBe(400)
  await until('the end of the handler', () => failures.length > 0)
})

it('an upgrade that is refused leaves no connection, also of a peer that never closes its own half', async () => {
  const { url, server } = await start()
  const { port, hostname } = new URL(url)
  const peer = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
  peer.on('error', () => undefined).resume()
  peer.write(`GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
  await once(peer, 'end')
  await until('it to be gone', async () => {
    const open = new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)))
    return (await open) === 0
  })
  peer.destroy()
})

describe('ID-215: a stream whose key has ended', () => {
  const open = (url: string) => new WebSocket(`${url.replace('http', 'ws')}/slow`)
  /** Keys that are good, without an end. */
  const judged = (streams: OpenStreams): Set<string> => {
    const live = new Set(['key'])
    streams.judgeKeys({
      holdsUntil: async (id) => (live.has(id) ? Number.POSITIVE_INFINITY : 0),
      now: () => Date.now(),
    })
    return live
  }

  it('ends too when it was still being opened at that moment', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { url, server, streams } = await start({ changed: promise })
    const live = judged(streams)
    const arrived = once(server, 'upgrade')
    const socket = open(url)
    await arrived
    live.clear()
    await streams.endStale('ada')
    resolve()
    const [code] = await once(socket, 'close')
    expect(code).toBe(1008)
  })

  it('ends when nobody can tell whose keys have ended, and others stay', async () => {
    const { url, streams } = await start()
    const live = judged(streams)
    const socket = open(url)
    await once(socket, 'open')
    await streams.endStale(undefined)
    expect(socket.readyState).toBe(WebSocket.OPEN)
    live.clear()
    const closed = once(socket, 'close')
    await streams.endStale(undefined)
    await closed
  })

  it('RB-137: ends when its time has come and nothing was told, unless the key was extended meanwhile', async () => {
    const { url, streams } = await start({ sweepMs: 2 })
    let now = 0
    let holdsUntil = 0
    let asked = 0
    streams.judgeKeys({
      holdsUntil: async () => {
        asked += 1
        return holdsUntil
      },
      now: () => now,
    })
    const socket = open(url)
    await once(socket, 'open')
    expect(asked).toBe(0)
    now = accepted.key.holdsUntil
    holdsUntil = now + 1
    await until('it to be asked for', () => asked > 0)
    expect(socket.readyState).toBe(WebSocket.OPEN)
    const closed = once(socket, 'close')
    now = holdsUntil
    const [code] = await closed
    expect(code).toBe(1008)
    // More than twice where it is looked at again before its peer has answered the end.
    expect(asked).toBeGreaterThan(1)
  })
})
