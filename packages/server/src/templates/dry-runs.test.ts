import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type CreateTemplateVersionDryRunRequest,
  cancelDryRun,
  createDryRun,
  getDryRun,
  getDryRunMatchedProvisioners,
  listDryRunLogs,
  listDryRunResources,
  listLegacyParameters,
  listLegacySchema,
  listWorkspaces,
  type Template,
} from '@slipway/contract'
import { importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'

const SOURCE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  parameters: { agent: { type: 'string' } },
  variables: { prefix: { type: 'string', default: 'a' } },
  workspace: ({ parameters, variables }) => ({
    runtime: local(),
    agents: [{ name: variables.prefix + parameters.agent }],
  }),
})`

let server: TestServer
let owner: Client
let template: Template
let other: Template

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  other = await server.builtInTemplate()
  template = await importTemplate(owner, 'tried', { 'template.ts': SOURCE })
})
afterAll(() => server[Symbol.asyncDispose]())

const of = (jobID: string, templateversion = template.active_version_id) => ({
  params: { templateversion, jobID },
})

const start = (client: Client, body: CreateTemplateVersionDryRunRequest) =>
  client.call(createDryRun, { params: { templateversion: template.active_version_id }, body })

const ended = (client: Client, id: string) =>
  until('the dry run', async () => {
    const job = await client.call(getDryRun, of(id))
    return job.completed_at === undefined ? undefined : job
  })

describe('a dry run', () => {
  it('WS-115: tells what a start would make with these values, and makes nothing', async () => {
    const member = await server.user('member')
    const { id } = await start(member, {
      workspace_name: 'what-if',
      rich_parameter_values: [{ name: 'agent', value: 'tried' }],
      user_variable_values: [{ name: 'prefix', value: 'b' }],
    })
    expect(await ended(member, id)).toMatchObject({ status: 'succeeded', type: 'template_version_dry_run' })
    const [resource] = await member.call(listDryRunResources, of(id))
    expect(resource?.agents?.map((agent) => agent.name)).toEqual(['btried'])
    expect((await member.call(listDryRunLogs, of(id))).length).toBeGreaterThan(1)
    expect(await member.call(getDryRunMatchedProvisioners, of(id))).toMatchObject({ count: 1, available: 1 })
    expect((await owner.call(listWorkspaces)).count).toBe(0)
  })

  it('WS-115: fails where a start would fail', async () => {
    const { id } = await start(owner, {})
    expect(await ended(owner, id)).toMatchObject({
      status: 'failed',
      error_code: 'MISSING_TEMPLATE_PARAMETER',
    })
    await expect(start(owner, { workspace_name: 'not a name' })).rejects.toMatchObject({ status: 400 })
    await expect(owner.call(cancelDryRun, of(id))).rejects.toMatchObject({
      status: 400,
      message: 'Job has already completed.',
    })
  })

  it('WS-115: belongs to its version, and to who may see workspaces of who asked for it', async () => {
    const { id } = await start(owner, {})
    await expect(owner.call(getDryRun, of(id, other.active_version_id))).rejects.toMatchObject({
      status: 403,
    })
    await expect(owner.call(getDryRun, of(randomUUID()))).rejects.toMatchObject({ status: 404 })
    await expect(owner.call(getDryRun, of('x'))).rejects.toMatchObject({ status: 400 })
    const stranger = await server.user('stranger')
    for (const route of [getDryRun, listDryRunLogs, listDryRunResources, cancelDryRun])
      await expect(stranger.call(route, of(id))).rejects.toMatchObject({ status: 404 })
    await ended(owner, id)
  })
})

it('WS-114: schema and parameters of earlier clients are empty', async () => {
  const params = { templateversion: template.active_version_id }
  expect(await owner.call(listLegacySchema, { params })).toEqual([])
  expect(await owner.call(listLegacyParameters, { params })).toEqual([])
})
