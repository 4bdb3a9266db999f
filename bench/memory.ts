import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { WebSocket } from 'ws'

import { serveTunnel } from '@slipway/tunnel'
import { type Bench, builtIn, connectedAgent, owner, runServer, scratch } from './harness.ts'
import { copyWorkspace, databaseUrl, type SeededAgent } from './seed.ts'

const SELF = fileURLToPath(import.meta.url)
const AGENTS = 500
const SETTLE_MS = 8_000

/** Resident memory of the idle server, and what each of 500 connected idle agents adds. */
export const memory: Bench = async () => {
  await using place = await scratch()
  let idle: number
  {
    await using fresh = await runServer(place.folder)
    await fetch(`${fresh.url}/healthz`)
    await delay(SETTLE_MS)
    idle = await fresh.memory()
  }
  await using server = await runServer(place.folder)
  const client = await owner(server.url)
  const { workspace } = await connectedAgent(client, await builtIn(client), 'original')
  const agents = await copyWorkspace(await databaseUrl(place.folder), workspace.id, AGENTS)
  await delay(SETTLE_MS)
  const before = await server.memory()
  const child = spawn(process.execPath, [SELF, server.url], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(agents))
  await once(child.stdout, 'data')
  await delay(SETTLE_MS)
  const after = await server.memory()
  child.kill('SIGKILL')
  const each = (after - before) / AGENTS / 1024
  return [
    {
      what: 'memory of the server, idle after start',
      measured: `${(idle / 1_048_576).toFixed(0)} MB`,
      baseline: 'none',
      result: `${(idle / 1_048_576).toFixed(0)} MB`,
      wanted: 'at most 180 MB',
    },
    {
      what: 'memory of each connected idle agent, with 500',
      measured: `${(after / 1_048_576).toFixed(0)} MB with 500 agents`,
      baseline: `${(before / 1_048_576).toFixed(0)} MB before they connected`,
      result: `${each.toFixed(0)} KB`,
      wanted: 'at most 80 KB',
    },
  ]
}

/** Stands for many agents: opens the tunnel of each and answers nothing. */
async function beAgents(url: string, agents: readonly SeededAgent[]): Promise<void> {
  for (const agent of agents) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v2/workspaceagents/me/tunnel`, {
      headers: { 'Coder-Session-Token': agent.token },
      perMessageDeflate: false,
    })
    await once(socket, 'open')
    serveTunnel(socket, {
      request: (_request, response) => response.end(),
      connect: () => Promise.reject(new Error('nothing listens')),
    })
  }
}

if (process.argv[1] === SELF) {
  let input = ''
  for await (const chunk of process.stdin) input += chunk
  await beAgents(process.argv[2] ?? '', JSON.parse(input))
  process.stdout.write('connected\n')
}
