import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  cancelBuild,
  createBuild,
  createWorkspace,
  getBuildState,
  getTemplate,
  getWorkspace,
  listBuildLogs,
  putBuildState,
  setAutostart,
  setTtl,
  type Template,
  updateTemplate,
  type Workspace,
} from '@slipway/contract'
import { importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'

let server: TestServer
let owner: Client
let template: Template

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  await server.builtInTemplate()
  template = await importTemplate(owner, 'slow-to-stop', {
    'template.ts': `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: () => ({ runtime: local(), agents: [{ name: 'main', shutdownScript: 'sleep 55' }] }),
})`,
  })
})
afterAll(() => server[Symbol.asyncDispose]())

const read = ({ id }: Pick<Workspace, 'id'>): Promise<Workspace> =>
  owner.call(getWorkspace, { params: { workspace: id } })

async function ready(name: string): Promise<Workspace> {
  const made = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name, template_id: template.id },
  })
  return until('the agent', async () => {
    const current = await read(made)
    return current.latest_build.resources[0]?.agents?.[0]?.lifecycle_state === 'ready' ? current : undefined
  })
}

it('PR-74, WS-179: a stop is canceled while it waits for the agent, and the workspace can be started again', async () => {
  const workspace = await ready('waiting')
  const params = { workspace: workspace.id }
  const stop = await owner.call(createBuild, { params, body: { transition: 'stop' } })
  await expect(owner.call(createBuild, { params, body: { transition: 'start' } })).rejects.toMatchObject({
    status: 409,
    message: 'A workspace build is already active.',
  })
  await until('the shutdown script', async () => {
    const agent = (await read(workspace)).latest_build
    return agent.job.started_at
  })
  const before = performance.now()
  await owner.call(cancelBuild, {
    params: { workspacebuild: stop.id },
    query: { expect_status: 'running' },
  })
  const canceled = await until('the end', async () => {
    const current = await read(workspace)
    return current.latest_build.job.completed_at === undefined ? undefined : current
  })
  expect(canceled.latest_build.status).toBe('canceled')
  expect(performance.now() - before).toBeLessThan(10_000)
  const start = await owner.call(createBuild, { params, body: { transition: 'start' } })
  expect(start.build_number).toBe(3)
  const running = await until('the start', async () => {
    const current = await read(workspace)
    return current.latest_build.job.completed_at === undefined ? undefined : current
  })
  expect(running.latest_build.status).toBe('running')
  const logs = await owner.call(listBuildLogs, { params: { workspacebuild: start.id } })
  expect(logs.map((line) => line.stage)).toContain('Starting workspace')
})

it('WS-161, WS-162, WS-85: null is nothing given', async () => {
  const workspace = await ready('nothing')
  const headers = { ...owner.headers, 'Content-Type': 'application/json' }
  const put = (path: string, body: object, method = 'PUT') =>
    fetch(`${server.url}/api/v2/${path}`, { method, headers, body: JSON.stringify(body) })
  const params = { workspace: workspace.id }
  await owner.call(setAutostart, { params, body: { schedule: 'CRON_TZ=UTC 0 9 * * *' } })
  await owner.call(setTtl, { params, body: { ttl_ms: 7_200_000 } })
  expect((await put(`workspaces/${workspace.id}/autostart`, { schedule: null })).status).toBe(204)
  expect((await put(`workspaces/${workspace.id}/ttl`, { ttl_ms: null })).status).toBe(204)
  const cleared = await read(workspace)
  expect(cleared.autostart_schedule).toBeUndefined()
  expect(cleared.ttl_ms).toBeUndefined()
  await owner.call(updateTemplate, { params: { template: template.id }, body: { description: 'kept' } })
  const patched = await put(`templates/${template.id}`, { description: null, default_ttl_ms: null }, 'PATCH')
  expect(patched.status).toBe(200)
  expect(await owner.call(getTemplate, { params: { template: template.id } })).toMatchObject({
    description: 'kept',
  })
})

it('WS-192: a state that is no base64 is refused, and the stored one stays', async () => {
  const workspace = await ready('stateful')
  const params = { workspacebuild: workspace.latest_build.id }
  const state = async () =>
    (await fetch(owner.address(getBuildState, { params }), { headers: owner.headers })).text()
  const before = await state()
  expect(before).toContain('agents')
  await expect(owner.call(putBuildState, { params, body: { state: 'not base64!' } })).rejects.toMatchObject({
    status: 400,
    validations: [{ field: 'state' }],
  })
  expect(await state()).toBe(before)
})

it('WS-83: templates tell how long builds usually take', async () => {
  await using own = await startTestServer()
  const boss = await own.owner()
  const local = await own.builtInTemplate()
  const made = await boss.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'measured', template_id: local.id },
  })
  await until('the build', async () => {
    const current = await boss.call(getWorkspace, { params: { workspace: made.id } })
    return current.latest_build.job.completed_at
  })
  // What is known is kept for a minute, so a server that has not looked yet is asked.
  await own.stop()
  await own.start()
  const { build_time_stats } = await (await own.owner()).call(getTemplate, { params: { template: local.id } })
  expect(build_time_stats.start?.P50).toBeGreaterThan(0)
  expect(build_time_stats.start?.P95).toBe(build_time_stats.start?.P50)
  expect(build_time_stats.stop).toEqual({ P50: null, P95: null })
})
