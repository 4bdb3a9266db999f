import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { buffer, text } from 'node:stream/consumers'

import ssh2 from 'ssh2'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createWorkspace, getUser, getWorkspace, suspendUser, updateWorkspaceAcl } from '@slipway/contract'
import { startTestServer, type TestServer, until } from '@slipway/testkit'
import { ReferenceClient } from './reference-client.fixture.ts'

let server: TestServer
let owner: Client
let agentId = ''
let workspaceId = ''

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_DERP_VERIFY_CLIENTS: 'true' },
  })
  owner = await server.owner()
  const template = await server.builtInTemplate()
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: template.id },
  })
  workspaceId = id
  agentId = await until('the agent', async () => {
    const { latest_build } = await owner.call(getWorkspace, { params: { workspace: id } })
    const agent = latest_build.resources[0]?.agents?.[0]
    return agent?.lifecycle_state === 'ready' ? agent.id : undefined
  })
})
afterAll(() => server[Symbol.asyncDispose]())

it('AC-131, AC-151, AC-302, 25: a client that speaks as the reference does gets a shell by SSH', async () => {
  await using client = await ReferenceClient.connect(server.url, owner, agentId)
  for (const port of [1, 22]) {
    const connection = new ssh2.Client()
    const ready = Promise.withResolvers<void>()
    connection.on('ready', () => ready.resolve()).on('error', (error) => ready.reject(error))
    connection.connect({ sock: await client.dial(port), username: 'coder' })
    await ready.promise
    const output = await new Promise<string>((resolve, reject) => {
      connection.exec('echo hi', (error, channel) => (error ? reject(error) : resolve(text(channel))))
    })
    expect(output).toBe('hi\n')
    connection.end()
  }
})

it('AC §6: other ports are listeners of the workspace, whose bytes arrive as they were', async () => {
  const bytes = randomBytes(5_000_000)
  const listener = createServer((socket) => socket.end(bytes))
  await new Promise<void>((resolve) => listener.listen(0, 'localhost', resolve))
  const address = listener.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  try {
    await using client = await ReferenceClient.connect(server.url, owner, agentId)
    const got = await buffer(await client.dial(port))
    expect(got.equals(bytes)).toBe(true)
    await expect(client.dial(5)).rejects.toThrow()
  } finally {
    listener.close()
  }
})

it('AC-308, ID-215: who may not connect any more can say nothing more to the agent', async () => {
  const guest = await server.user(`guest-${randomUUID().slice(0, 8)}`)
  const { id } = await guest.call(getUser, { params: { user: 'me' } })
  await owner.call(updateWorkspaceAcl, {
    params: { workspace: workspaceId },
    body: { user_roles: { [id]: 'use' } },
  })
  await using client = await ReferenceClient.connect(server.url, guest, agentId)
  const answers = async (): Promise<boolean> => {
    const dialled = client.dial(22)
    const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 2_000))
    const stream = await Promise.race([dialled, late])
    dialled.then(
      (one) => one.destroy(),
      () => undefined,
    )
    return stream !== undefined
  }
  expect(await answers()).toBe(true)
  await owner.call(suspendUser, { params: { user: id } })
  await until('the agent to be silent', async () => !(await answers()))
})
