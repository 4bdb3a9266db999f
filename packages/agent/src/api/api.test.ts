import { once } from 'node:events'
import { createServer } from 'node:net'
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

it('AC-122: a handler that throws answers 500, its stack is logged, and the next request works', async () => {
  const logged: Record<string, unknown>[] = []
  const log = createLogger({
    level: 'debug',
    sink: { write: (line: string) => logged.push(JSON.parse(line)) },
  })
  using processes = new BrokenProcesses({ env: () => ({}), directory: () => '/' })
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const address = server.address()
  if (typeof address === 'string' || address === null) throw new Error('no port')
  server.on('connection', (socket) =>
    serveTunnel(socket, {
      request: agentApi({ log, processes, home: () => '/' }),
      connect: () => Promise.reject(new Error('not here')),
    }),
  )
  const socket = new WebSocket(`ws://127.0.0.1:${address.port}`)
  await opened(socket)
  using tunnel = new TunnelClient(socket)
  const broken = await tunnel.request({ method: 'GET', path: '/api/v0/processes/list' })
  expect(broken.status).toBe(500)
  expect(JSON.parse(await text(broken.body))).toEqual({
    message: 'The agent failed.',
    detail: 'something is undefined',
  })
  const next = await tunnel.request({ method: 'GET', path: '/' })
  expect([next.status, await text(next.body)]).toEqual([200, 'Hello from the agent!'])
  expect(logged).toMatchObject([
    {
      level: 'warn',
      message: 'GET',
      status_code: 500,
      response_body: expect.stringContaining('api.test.ts'),
    },
    { level: 'debug', message: 'GET', status_code: 200 },
  ])
  tunnel[Symbol.dispose]()
  server.close()
})

it('AC-122: each request leaves one line with its route values and allowed query values only', async () => {
  await using agent = await connectAgent()
  await agent.ask('GET', '/api/v0/processes/some-id/output?limit=5&secret=hunter2')
  const line = await until('the line', () =>
    agent.logged.find(({ path }) => path === '/api/v0/processes/some-id/output'),
  )
  expect(line).toMatchObject({
    level: 'debug',
    message: 'GET',
    status_code: 404,
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
