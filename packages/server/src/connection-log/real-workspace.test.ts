import { randomUUID } from 'node:crypto'
import { once } from 'node:events'

import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  createUserSecret,
  createWorkspace,
  getWorkspace,
  listConnectionLogs,
  openTerminal,
  openWorkspaceTunnel,
} from '@slipway/contract'
import { startTestServer, type TestServer, until } from '@slipway/testkit'

let server: TestServer
let owner: Client
let agentId = ''
let workspaceId = ''

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  const params = { user: 'me' }
  await owner.call(createUserSecret, {
    params,
    body: { name: 'a', value: '$HOME "quoted"', env_name: 'A_SECRET' },
  })
  await owner.call(createUserSecret, {
    params,
    body: { name: 'b', value: 'in a file', file_path: '~/kept/secret' },
  })
  const template = await server.builtInTemplate()
  const made = await owner.call(createWorkspace, { params, body: { name: 'dev', template_id: template.id } })
  workspaceId = made.id
  agentId = await until('the agent', async () => {
    const { latest_build } = await owner.call(getWorkspace, { params: { workspace: made.id } })
    const agent = latest_build.resources.flatMap(({ agents = [] }) => agents)[0]
    return agent?.status === 'connected' && agent.id
  })
})
afterAll(() => server[Symbol.asyncDispose]())

it('AC-70, RB-109, RB-110: a terminal has the secrets of its owner, and is in the log as a visit and as a session', async () => {
  const address = owner.address(openTerminal, { params: { workspaceagent: agentId } })
  const query = new URLSearchParams({
    reconnect: randomUUID(),
    width: '80',
    height: '24',
    command: 'echo "<$A_SECRET>"; echo "<$(cat ~/kept/secret) $(stat -c %a ~/kept/secret)>"; sleep 2',
  })
  const socket = new WebSocket(`${address.replace('http', 'ws')}?${query}`, { headers: owner.headers })
  let shown = ''
  socket.on('message', (data) => {
    shown += String(data)
  })
  await until('the secrets', () => shown.includes('<in a file 600>'))
  expect(shown).toContain('<$HOME "quoted">')
  const tunnel = new WebSocket(
    owner.address(openWorkspaceTunnel, { params: { workspaceagent: agentId } }).replace('http', 'ws'),
    { headers: owner.headers },
  )
  await once(tunnel, 'open')
  tunnel.terminate()
  socket.close()
  const q = `workspace_id:${workspaceId}`
  const logs = await until('all that happened', async () => {
    const { connection_logs } = await owner.call(listConnectionLogs, { query: { q } })
    const ended = connection_logs.some(({ ssh_info }) => ssh_info?.disconnect_time !== undefined)
    return connection_logs.length >= 3 && ended && connection_logs
  })
  expect(logs).toHaveLength(3)
  const of = (type: string) => logs.find((log) => log.type === type)
  expect(of('workspace_app')?.web_info).toMatchObject({
    slug_or_port: 'terminal',
    status_code: 101,
    user: { username: 'owner' },
  })
  expect(of('tunnel')?.web_info).toMatchObject({ status_code: 101, user: { username: 'owner' } })
  expect(of('reconnecting_pty')).toMatchObject({
    agent_name: expect.any(String),
    ssh_info: expect.anything(),
  })
  const { count } = await owner.call(listConnectionLogs, { query: { q: `${q} status:completed` } })
  expect(count).toBe(1)
})
