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
/** A replica that relays only for those whom its coordinator knows. */
let strict: TestServer
let owner: Client
let agentId = ''
let workspaceId = ''

beforeAll(async () => {
  const env = { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' }
  server = await startTestServer({ env })
  strict = await startTestServer({
    env: { ...env, CODER_DERP_VERIFY_CLIENTS: 'true' },
    databaseUrl: server.databaseUrl,
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
afterAll(async () => {
  await strict[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** What a command says in the workspace, by SSH. */
async function run(client: ReferenceClient, port: number, command: string): Promise<string> {
  const connection = new ssh2.Client()
  const ready = Promise.withResolvers<void>()
  connection.on('ready', () => ready.resolve()).on('error', (error) => ready.reject(error))
  connection.connect({ sock: await client.dial(port), username: 'coder' })
  await ready.promise
  const output = await new Promise<string>((resolve, reject) => {
    connection.exec(command, (error, channel) => (error ? reject(error) : resolve(text(channel))))
  })
  connection.end()
  return output
}

it('AC-131, AC-151, 25: a client that speaks as the reference does gets a shell by SSH', async () => {
  await using client = await ReferenceClient.connect(server.url, owner, agentId)
  for (const port of [1, 22]) expect(await run(client, port, 'echo hi')).toBe('hi\n')
})

it('AC-302: so does one at a replica that relays for known keys only, where the agent is not connected', async () => {
  await using client = await ReferenceClient.connect(strict.url, owner, agentId)
  expect(await run(client, 22, 'echo hi')).toBe('hi\n')
})

it('AC-148, AC-169: so does one whose packets reach another replica than its requests', async () => {
  await using client = await ReferenceClient.connect(strict.url, owner, agentId, server.url)
  expect(await run(client, 22, 'echo hi')).toBe('hi\n')
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
