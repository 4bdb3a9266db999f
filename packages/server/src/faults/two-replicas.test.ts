import { randomUUID } from 'node:crypto'
import { once } from 'node:events'

import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { Client } from '@slipway/client'
import {
  createBuild,
  createWorkspace,
  getWorkspace,
  listListeningPorts,
  openTerminal,
  openWorkspaceTunnel,
  type WorkspaceAgent,
  watchWorkspaceWs,
} from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { opened, TunnelClient } from '@slipway/tunnel'

let first: TestServer
let second: TestServer
let near: Client
let far: Client
let workspaceId: string
let agent: WorkspaceAgent

beforeAll(async () => {
  first = await startTestServer()
  near = await first.owner()
  second = await startTestServer({ databaseUrl: first.databaseUrl })
  far = new Client({ url: second.url, token: near.headers['Coder-Session-Token'] })
  const template = await first.builtInTemplate()
  const workspace = await near.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'shared', template_id: template.id },
  })
  workspaceId = workspace.id
  agent = await until('the agent', async () => {
    const current = await near.call(getWorkspace, { params: { workspace: workspaceId } })
    const one = current.latest_build.resources[0]?.agents?.[0]
    return one?.lifecycle_state === 'ready' && one.status === 'connected' ? one : undefined
  })
})
afterAll(async () => {
  await second[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
})

async function terminal(client: Client, id: string): Promise<{ socket: WebSocket; output: () => string }> {
  const address = client.address(openTerminal, { params: { workspaceagent: agent.id } })
  const socket = new WebSocket(`${address.replace('http', 'ws')}?reconnect=${id}&width=80&height=24`, {
    headers: client.headers,
  })
  let output = ''
  socket.on('message', (data) => {
    output += String(data)
  })
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  return { socket, output: () => output }
}

it('OP-72: a terminal goes through whichever replica the agent is not connected to, and back', async () => {
  const id = randomUUID()
  for (const [round, client] of [near, far, near].entries()) {
    const { socket, output } = await terminal(client, id)
    socket.send(Buffer.from(JSON.stringify({ data: `echo round-$((${round}+10))\r` })))
    await until('the answer', () => output().includes(`round-${round + 10}`))
    if (round > 0) expect(output()).toContain('round-10')
    socket.close()
  }
})

it('PR-§3: replicas share the builds of a deployment, and a watch on either sees all of them', async () => {
  await using database = await openDatabase(first.databaseUrl, { maxConnections: 1 })
  const template = await first.builtInTemplate()
  const seen = new Map<Client, Map<string, string>>()
  const sockets: WebSocket[] = []
  const watch = async (client: Client, id: string): Promise<void> => {
    const address = client.address(watchWorkspaceWs, { params: { workspace: id } })
    const socket = new WebSocket(address.replace('http', 'ws'), { headers: client.headers })
    sockets.push(socket)
    socket.on('message', (data) => {
      const event = JSON.parse(String(data))
      if (event.type === 'data') seen.get(client)?.set(id, event.data.latest_build.status)
    })
    await once(socket, 'open')
  }
  for (const client of [near, far]) seen.set(client, new Map())
  const made = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      [near, far][i % 2]?.call(createWorkspace, {
        params: { user: 'me' },
        body: { name: `shared-${i}`, template_id: template.id },
      }),
    ),
  )
  const ids = made.flatMap((workspace) => workspace?.id ?? [])
  for (const client of [near, far]) await Promise.all(ids.map((id) => watch(client, id)))
  for (const statuses of seen.values())
    await until('all of them running', () => ids.every((id) => statuses.get(id) === 'running'), 60_000)
  for (const socket of sockets) socket.terminate()
  const { rows } = await sql<{ worker_id: string; completed: boolean }>`
    select j.worker_id, j.completed_at is not null as completed
      from provisioner_jobs j join workspace_builds b on b.job_id = j.id
     where b.workspace_id = any(${ids})`.execute(database.db)
  expect(rows).toHaveLength(12)
  expect(new Set(rows.map((row) => row.worker_id)).size).toBe(2)
}, 90_000)

it('OP-72: byte streams and requests to the agent are relayed too', async () => {
  const address = far.address(openWorkspaceTunnel, { params: { workspaceagent: agent.id } })
  const socket = new WebSocket(address.replace('http', 'ws'), { headers: far.headers })
  await opened(socket)
  using tunnel = new TunnelClient(socket)
  const ssh = await tunnel.connect('ssh:22')
  const banner = await new Promise((resolve) => ssh.once('data', resolve))
  expect(String(banner)).toMatch(/^SSH-2\.0-/)
  ssh.destroy()
  const { ports } = await far.call(listListeningPorts, { params: { workspaceagent: agent.id } })
  expect(Array.isArray(ports)).toBe(true)
})

it('a relay is opened to nobody without the secret of the deployment', async () => {
  for (const headers of [{}, { 'x-slipway-relay-token': 'eyJhbGciOiJub25lIn0.e30.' }, near.headers]) {
    const answer = await fetch(`${first.url}/api/v2/replicas/agents/${agent.id}/tunnel`, { headers })
    expect([400, 404, 426]).toContain(answer.status)
    const socket = new WebSocket(
      `${first.url.replace('http', 'ws')}/api/v2/replicas/agents/${agent.id}/tunnel`,
      { headers },
    )
    await expect(opened(socket)).rejects.toThrow('404')
  }
})

it('an agent that leaves its replica is not reached through the old relay', async () => {
  const open = await terminal(far, randomUUID())
  const closed = new Promise((resolve) => open.socket.on('close', resolve))
  await near.call(createBuild, { params: { workspace: workspaceId }, body: { transition: 'stop' } })
  await closed
  await until('the agent to be gone', async () => {
    const address = far.address(openTerminal, { params: { workspaceagent: agent.id } })
    const answer = await fetch(`${address}?reconnect=${randomUUID()}`, { headers: { ...far.headers } })
    return answer.status === 404 || answer.status === 400
  })
})
