import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { createFirstUser, createToken, createWorkspace, getWorkspace, login } from '@slipway/contract'
import {
  createTestDatabase,
  endWorkspaces,
  importTemplate,
  PASSWORD,
  startServerProcess,
  until,
} from '@slipway/testkit'

const MIB = 1024 * 1024

it('AC-92: scripts that print without end fill their logs to the limit, and the memory of the server stays flat', async () => {
  await using steps = new AsyncDisposableStack()
  const database = steps.use(await createTestDatabase())
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-flood-'))
  await chmod(folder, 0o711)
  steps.defer(() => rm(folder, { recursive: true, force: true }))
  steps.defer(() => endWorkspaces(folder))
  const server = steps.use(
    await startServerProcess({
      CODER_PG_CONNECTION_URL: database.url,
      CODER_CONFIG_DIR: folder,
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
    }),
  )
  const anonymous = new Client({ url: server.url })
  const body = { email: 'owner@example.com', username: 'owner', password: PASSWORD }
  await anonymous.call(createFirstUser, { body })
  const { session_token: session } = await anonymous.call(login, { body })
  const { key } = await new Client({ url: server.url, token: session }).call(createToken, {
    params: { user: 'me' },
    body: {},
  })
  const owner = new Client({ url: server.url, token: key })
  const template = await importTemplate(owner, 'flood', {
    'template.ts': `
      import { defineTemplate, local } from '@slipway/template'
      const flood = (name: string) => ({
        name, startupScript: 'yes "a line that is part of the flood" | head -c 60000000',
      })
      export default defineTemplate({
        workspace: () => ({ runtime: local(), agents: ['one', 'two', 'three'].map(flood) }),
      })`,
  })
  const before = await server.memory()
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'flooded', template_id: template.id },
  })
  let most = 0
  let slowest = 0
  const agents = await until(
    'the end of the flood',
    async () => {
      const asked = performance.now()
      const { latest_build } = await owner.call(getWorkspace, { params: { workspace: id } })
      slowest = Math.max(slowest, performance.now() - asked)
      most = Math.max(most, await server.memory())
      const found = latest_build.resources.flatMap((resource) => resource.agents ?? [])
      return found.length === 3 && found.every((agent) => agent.lifecycle_state === 'ready') && found
    },
    100_000,
  )
  for (const agent of agents) expect(agent.logs_length).toBeLessThanOrEqual(MIB)
  expect((most - before) / MIB).toBeLessThan(120)
  expect(slowest).toBeLessThan(5_000)
}, 150_000)
