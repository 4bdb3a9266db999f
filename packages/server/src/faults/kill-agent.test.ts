import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  createBuild,
  createWorkspace,
  getBuild,
  getWorkspace,
  openTerminal,
  type Workspace,
} from '@slipway/contract'
import { startTestServer, type TestServer, until } from '@slipway/testkit'

let server: TestServer
let owner: Client
let now = 0

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    clock: { now: () => new Date(Date.now() + now) },
  })
  owner = await server.owner()
})
afterAll(() => server[Symbol.asyncDispose]())

async function make(name: string): Promise<Workspace> {
  const template = await server.builtInTemplate()
  return owner.call(createWorkspace, { params: { user: 'me' }, body: { name, template_id: template.id } })
}

function agentIn(workspace: Workspace, status: 'connected' | 'disconnected') {
  return until(`an agent that is ${status}`, async () => {
    const current = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    const agent = current.latest_build.resources[0]?.agents?.[0]
    return agent?.status === status ? { agent, health: current.health } : undefined
  })
}

/** Processes of a workspace whose command line holds this text. */
function processesOf(workspace: Workspace, text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`SLIPWAY_WORKSPACE=${workspace.id}`) &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
        )
      } catch {
        // It has ended meanwhile.
        return false
      }
    })
}

async function openPty(agent: string): Promise<WebSocket> {
  const address = owner.address(openTerminal, { params: { workspaceagent: agent } })
  const socket = new WebSocket(`${address.replace('http', 'ws')}?reconnect=${randomUUID()}`, {
    headers: owner.headers,
  })
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  return socket
}

it('AC-20: kill -9 of an agent is seen at once, its terminals end, and a restart leaves nothing behind', async () => {
  const workspace = await make('beheaded')
  const { agent } = await agentIn(workspace, 'connected')
  const socket = await openPty(agent.id)
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  socket.send(Buffer.from(JSON.stringify({ data: 'exec -a left-behind sleep 1000\r' })))
  await until('the program in the terminal', () => processesOf(workspace, 'left-behind').length > 0)
  const [pid] = processesOf(workspace, 'slipway-agent.js')
  expect(pid).toBeDefined()
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
  await closed
  const gone = await agentIn(workspace, 'disconnected')
  expect(gone.health.healthy).toBe(false)
  const answer = await fetch(
    `${owner.address(openTerminal, { params: { workspaceagent: agent.id } })}?reconnect=${randomUUID()}`,
    { headers: { ...owner.headers } },
  )
  expect(answer.status).toBe(400)

  const stop = await owner.call(createBuild, {
    params: { workspace: workspace.id },
    body: { transition: 'stop' },
  })
  await until('the stop', async () => {
    const build = await owner.call(getBuild, { params: { workspacebuild: stop.id } })
    return build.job.status === 'succeeded'
  })
  expect(processesOf(workspace, '')).toEqual([])
  await owner.call(createBuild, { params: { workspace: workspace.id }, body: { transition: 'start' } })
  await agentIn(workspace, 'connected')
}, 60_000)

it('AC §2.1: a clock that is set forward or back cuts off no agent and no session, and builds go on', async () => {
  const workspace = await make('timely')
  const { agent } = await agentIn(workspace, 'connected')
  for (const [step, hours] of [2, -2, 0].entries()) {
    now = hours * 3_600_000
    const current = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    expect(current.latest_build.resources[0]?.agents?.[0]).toMatchObject({
      id: agent.id,
      status: 'connected',
      health: { healthy: true },
    })
    const socket = await openPty(agent.id)
    socket.close()
    const other = await make(`timely-${step}`)
    await agentIn(other, 'connected')
  }
}, 60_000)
