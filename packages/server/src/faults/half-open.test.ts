import { readdirSync, readFileSync } from 'node:fs'

import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createWorkspace, getWorkspace } from '@slipway/contract'
import { startTestServer, type TestServer, until } from '@slipway/testkit'

let server: TestServer
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
})
afterAll(() => server[Symbol.asyncDispose]())

function agentOf(workspaceId: string): number {
  const pid = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .find((name) => {
      try {
        return (
          readFileSync(`/proc/${name}/environ`, 'utf8').includes(`SLIPWAY_WORKSPACE=${workspaceId}`) &&
          readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('slipway-agent.js')
        )
      } catch {
        // It has ended meanwhile.
        return false
      }
    })
  return Number(pid)
}

// A stopped process keeps its connections and says nothing on them, as a machine does whose cable was pulled.
it('AC-20: half-open TCP: an agent that is not heard of any more is disconnected within 45 s, and connects again', async () => {
  const template = await server.builtInTemplate()
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'frozen', template_id: template.id },
  })
  const agentThatIs = (status: string) =>
    until(
      `an agent that is ${status}`,
      async () => {
        const { latest_build } = await owner.call(getWorkspace, { params: { workspace: id } })
        const agent = latest_build.resources[0]?.agents?.[0]
        return agent?.status === status ? agent : undefined
      },
      45_000,
    )
  const before = await agentThatIs('connected')
  const pid = agentOf(id)
  process.kill(pid, 'SIGSTOP')
  try {
    await agentThatIs('disconnected')
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  expect((await agentThatIs('connected')).id).toBe(before.id)
}, 120_000)
