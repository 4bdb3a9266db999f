import { once } from 'node:events'
import { createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'

import { expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

import { createLogger } from '@slipway/request-log'
import { until } from '@slipway/testkit'
import { opened, serveTunnel, TunnelClient } from '@slipway/tunnel'
import { connectAgent } from '../testing/stand-in.ts'
import { agentApi } from './api.ts'
import { Processes } from './processes.ts'

class BrokenProcesses extends Processes {
  override list(): never {
    throw new TypeError('something is undefined')
  }
}

/** An API behind a tunnel, with the lines that it logs. */
async function serveApi(options: Pick<Parameters<typeof agentApi>[0], 'processes' | 'deadlineMs'>) {
  const logged: Record<string, unknown>[] = []
  const log = createLogger({
    level: 'debug',
    sink: { write: (line: string) => logged.push(JSON.parse(line)) },
  })
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const address = server.address()
  if (typeof address === 'string' || address === null) throw new Error('no port')
  server.on('connection', (socket) =>
    serveTunnel(socket, {
      request: agentApi({ log, home: () => '/', ...options }),
      connect: () => Promise.reject(new Error('not here')),
    }),
  )
  const socket = new WebSocket(`ws://127.0.0.1:${address.port}`)
  await opened(socket)
  const tunnel = new TunnelClient(socket)
  return {
    tunnel,
    logged,
    [Symbol.dispose]: () => {
      tunnel[Symbol.dispose]()
      server.close()
    },
  }
}

it('AC-122: a handler that throws answers 500, its stack is logged, and the next request works', async () => {
  using processes = new BrokenProcesses({ env: () => ({}), directory: () => '/' })
  using api = await serveApi({ processes })
  const { tunnel, logged } = api
  const broken = await tunnel.request({ method: 'GET', path: '/api/v0/processes/list' })
  expect(broken.status).toBe(500)
  expect(JSON.parse(await text(broken.body))).toEqual({
    message: 'The agent failed.',
    detail: 'something is undefined',
  })
  const next = await tunnel.request({ method: 'GET', path: '/' })
  expect([next.status, await text(next.body)]).toEqual([200, 'Hello from the agent!'])
  await until('both lines', () => logged.length === 2)
  expect(logged).toMatchObject([
    {
      level: 'warn',
      message: 'GET',
      status_code: 500,
      response_body: expect.stringContaining('api.test.ts'),
    },
    { level: 'debug', message: 'GET', status_code: 200 },
  ])
})

it('AC-122, AC-123: a request that runs into its deadline is answered, and noted with that cause', async () => {
  using processes = new Processes({ env: () => ({}), directory: () => '/' })
  using api = await serveApi({ processes, deadlineMs: 200 })
  const { tunnel, logged } = api
  const body = new PassThrough()
  body.write('the rest never comes')
  const late = await tunnel.request({ method: 'POST', path: '/api/v0/write-file?path=/nowhere/file', body })
  expect(late.status).toBe(503)
  late.body.resume()
  const line = await until('the line', () => logged[0])
  expect(line).toMatchObject({ level: 'warn', status_code: 503, cause: 'the deadline has passed' })
  expect((await tunnel.request({ method: 'GET', path: '/' })).status).toBe(200)
})

it('L-S4: an agent listens on no port of its own', async () => {
  // Servers of other tests in this process may just be ending.
  const before = listeners()
  await using agent = await connectAgent()
  await agent.ask('GET', '/')
  // The stand-in of the control plane.
  expect(listeners()).toBeLessThanOrEqual(before + 1)
})

/** Servers of this process that listen on a port. */
function listeners(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length
}

it('AC-122, ID-113: each request leaves one line with its route values and allowed query values only', async () => {
  await using agent = await connectAgent()
  await agent.ask('GET', '/api/v0/processes/some-id/output?limit=5&secret=hunter2')
  const line = await until('the line', () =>
    agent.logged.find(({ path }) => path === '/api/v0/processes/some-id/output'),
  )
  expect(line).toMatchObject({
    level: 'debug',
    message: 'GET',
    status_code: 404,
    host: 'tunnel:80',
    params_id: 'some-id',
    query_limit: '5',
    latency_ms: expect.any(Number),
  })
  expect(JSON.stringify(line)).not.toContain('hunter2')
})

it('AC-122: a caller that leaves is noted as such', async () => {
  await using agent = await connectAgent()
  const { json } = await agent.ask('POST', '/api/v0/processes/start', { command: 'sleep 600' })
  const id = typeof json === 'object' && json !== null && 'id' in json ? String(json.id) : ''
  const leave = new AbortController()
  const path = `/api/v0/processes/${id}/output`
  const waiting = agent.tunnel().request({ method: 'GET', path: `${path}?wait=true`, signal: leave.signal })
  // The second request is answered after the first has reached the agent.
  await agent.ask('GET', path)
  leave.abort()
  await expect(waiting).rejects.toThrow()
  await until('the line', () =>
    agent.logged.some((line) => line.path === path && line.cause === 'the caller has left'),
  )
})

it('AC-§6: unknown routes and unreadable paths are refused', async () => {
  await using agent = await connectAgent()
  expect((await agent.ask('GET', '/api/v0/nothing')).status).toBe(404)
  expect((await agent.ask('DELETE', '/api/v0/listening-ports')).status).toBe(404)
  expect((await agent.ask('GET', '/api/v0/processes/%ZZ/output')).status).toBe(400)
})

it('AC-§6: lists ports over IPv4 and IPv6 from 9 on', async () => {
  await using agent = await connectAgent()
  const servers = ['127.0.0.1', '::1'].map((host) => createServer().listen(0, host))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const wanted = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  const { json } = await agent.ask('GET', '/api/v0/listening-ports')
  expect(json).toEqual({
    ports: expect.arrayContaining(
      wanted.map((port) => ({ process_name: expect.any(String), network: 'tcp', port })),
    ),
  })
  for (const server of servers) server.close()
})
