import { afterAll, beforeAll, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createToken,
  createWorkspace,
  getUser,
  getWorkspace,
  listWorkspaces,
  updateProfile,
  whoAmI,
} from '@slipway/contract'
import { createLogger, type LogSink } from '@slipway/request-log'
import { startTestServer, type TestServer, until } from '@slipway/testkit'

const lines: Record<string, unknown>[] = []
let server: TestServer
let owner: Client

beforeAll(async () => {
  const sink = { write: (line: string) => void lines.push(JSON.parse(line)) } as unknown as LogSink
  server = await startTestServer({
    log: createLogger({ level: 'debug', sink }),
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
  })
  owner = await server.owner()
})
afterAll(() => server[Symbol.asyncDispose]())

/** Statements that the latest request for this route sent. */
function statements(route: string): unknown {
  return lines.findLast((line) => line.route === route && line.message === 'GET')?.statements
}

it('ID-222: who is known already costs no statement, and a change of the user is seen at once', async () => {
  const me = () => owner.call(getUser, { params: { user: 'me' } })
  await until('a warm cache', async () => {
    await me()
    return statements('/api/v2/users/{user}') === 0
  })
  await owner.call(updateProfile, { params: { user: 'me' }, body: { username: 'owner', name: 'Ada' } })
  expect(await me()).toMatchObject({ name: 'Ada' })
})

it('ID-67, 01 row 10: a key that nobody has used is read once and noted once, and soon neither', async () => {
  const { key } = await owner.call(createToken, { params: { user: 'me' }, body: {} })
  const holder = new Client({ url: server.url, token: key })
  const line = () => lines.findLast((one) => one.route === '/api/v2/auth/whoami')
  // The precheck, the limit and the handler ask who it is.
  expect(await holder.call(whoAmI)).toMatchObject({ username: 'owner' })
  expect((await until('its line', line)).statements).toBe(2)
  await until('the change to be heard of', async () => {
    await holder.call(whoAmI)
    return line()?.statements === 0
  })
})

it('WS-150: a page of workspaces takes three statements at most, however many it shows', async () => {
  const template = await server.builtInTemplate()
  for (const name of ['one', 'two', 'three']) {
    const workspace = await owner.call(createWorkspace, {
      params: { user: 'me' },
      body: { name, template_id: template.id },
    })
    await until('its agent', async () => {
      const current = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
      return current.latest_build.resources[0]?.agents?.[0]?.status === 'connected'
    })
    expect((await owner.call(listWorkspaces, { query: { limit: 25 } })).workspaces.length).toBeGreaterThan(0)
    expect(statements('/api/v2/workspaces')).toBeLessThanOrEqual(3)
  }
})
