import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  createWorkspace,
  getUser,
  getWorkspace,
  openTerminal,
  updateWorkspaceAcl,
  type Workspace,
} from '@slipway/contract'
import { startTestServer, type TestServer, until } from '@slipway/testkit'

let server: TestServer
let owner: Client
let friend: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  friend = await server.user('friend')
})
afterAll(() => server[Symbol.asyncDispose]())

it('RB-137: a terminal in a workspace ends within a minute after it is shared with its user no more', async () => {
  const template = await server.builtInTemplate()
  const workspace: Workspace = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'shared', template_id: template.id },
  })
  const params = { workspace: workspace.id }
  const agent = await until(
    'the agent',
    async () => {
      const { latest_build } = await owner.call(getWorkspace, { params })
      const found = latest_build.resources.flatMap((resource) => resource.agents ?? [])[0]
      return found?.status === 'connected' ? found : undefined
    },
    30_000,
  )
  const { id } = await friend.call(getUser, { params: { user: 'me' } })
  const share = (role: string) =>
    owner.call(updateWorkspaceAcl, { params, body: { user_roles: { [id]: role } } })
  const open = (client: Client) => {
    const address = client.address(openTerminal, { params: { workspaceagent: agent.id } })
    const socket = new WebSocket(
      `${address.replace('http', 'ws')}?reconnect=6b0c7b0e-4a25-4d0c-9a53-0c3f1b0a3c11`,
      { headers: client.headers },
    )
    const output = new Promise((resolve, reject) => {
      socket.once('message', resolve)
      socket.once('error', reject)
    })
    return { socket, output, closed: new Promise((resolve) => socket.once('close', resolve)) }
  }
  await expect(open(friend).output).rejects.toThrow('404')
  await share('use')
  const [theirs, own] = [open(friend), open(owner)]
  await Promise.all([theirs.output, own.output])
  await share('')
  expect(await theirs.closed).toBe(1008)
  expect(own.socket.readyState).toBe(WebSocket.OPEN)
  own.socket.terminate()
}, 120_000)
