import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import { Client as ApiClient } from '@slipway/client'
import {
  cancelBuild,
  createBuild,
  createToken,
  createWorkspace,
  getBuild,
  getUser,
  getWorkspace,
  getWorkspaceByName,
  listBuildLogs,
  listBuildParameters,
  listBuilds,
  listWorkspaces,
  setAutostart,
  setTtl,
  type Template,
  updateTemplate,
  updateWorkspace,
  type Workspace,
} from '@slipway/contract'
import { freePort, startTestServer, type TestServer, until } from '@slipway/testkit'

let server: TestServer
let owner: Client
let template: Template

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  template = await server.builtInTemplate()
})
afterAll(() => server[Symbol.asyncDispose]())

function make(client: Client, name: string, more: object = {}): Promise<Workspace> {
  return client.call(createWorkspace, {
    params: { user: 'me' },
    body: { name, template_id: template.id, ...more },
  })
}

async function built(client: Client, workspace: Pick<Workspace, 'id'>): Promise<Workspace> {
  return until('the build', async () => {
    const current = await client.call(getWorkspace, {
      params: { workspace: workspace.id },
      query: { include_deleted: true },
    })
    return current.latest_build.job.completed_at === undefined ? undefined : current
  })
}

async function running(client: Client, name: string): Promise<Workspace> {
  const workspace = await built(client, await make(client, name))
  expect(workspace.latest_build.job.error).toBeUndefined()
  return until('the agent', async () => {
    const current = await client.call(getWorkspace, { params: { workspace: workspace.id } })
    const agent = current.latest_build.resources[0]?.agents?.[0]
    return agent?.status === 'connected' && agent.lifecycle_state === 'ready' ? current : undefined
  })
}

const build = (client: Client, workspace: Workspace, transition: 'start' | 'stop' | 'delete') =>
  client.call(createBuild, { params: { workspace: workspace.id }, body: { transition } })

describe('a workspace', () => {
  it('WS-136, WS-185: is created, connects, stops, starts with a new agent, and is deleted', async () => {
    const workspace = await running(owner, 'life')
    const agent = workspace.latest_build.resources[0]?.agents?.[0]
    expect(workspace.latest_build.status).toBe('running')
    expect(workspace.health).toEqual({ healthy: true, failing_agents: [] })

    await build(owner, workspace, 'stop')
    const stopped = await built(owner, workspace)
    expect(stopped.latest_build.status).toBe('stopped')
    expect(stopped.latest_build.resources.flatMap((one) => one.agents ?? [])).toEqual([])

    await build(owner, workspace, 'start')
    const again = await built(owner, workspace)
    expect(again.latest_build.build_number).toBe(3)
    expect(again.latest_build.resources[0]?.agents?.[0]?.id).not.toBe(agent?.id)

    await build(owner, workspace, 'delete')
    expect((await built(owner, workspace)).latest_build.status).toBe('deleted')
    await expect(owner.call(getWorkspace, { params: { workspace: workspace.id } })).rejects.toMatchObject({
      status: 410,
    })
    await expect(
      owner.call(getWorkspaceByName, { params: { user: 'me', workspacename: 'life' } }),
    ).rejects.toMatchObject({ status: 404 })
    await make(owner, 'life')
  })

  it('WS-135: has a name that nobody else of the owner has, whatever the case', async () => {
    await make(owner, 'Unique')
    await expect(make(owner, 'uNIQUE')).rejects.toMatchObject({
      status: 409,
      validations: [{ field: 'name' }],
    })
  })

  it('WS-1: has a sound name', async () => {
    for (const name of ['', 'a b', '-a', 'new', 'x'.repeat(33)])
      await expect(make(owner, name)).rejects.toMatchObject({ status: 400 })
  })

  it('WS-171: of many builds at once, each number is made once and every loser gets 409', async () => {
    const workspace = await built(owner, await make(owner, 'race'))
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () => build(owner, workspace, 'stop')),
    )
    const numbers = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value.build_number] : []))
    // A stop may be over before the last request arrives; then the next one is in order.
    expect(numbers.length).toBeLessThan(8)
    expect([...numbers].sort()).toEqual(numbers.map((_, i) => i + 2))
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({
          status: 409,
          message: 'A workspace build is already active.',
        })
  })

  it('WS-91, WS-140: others neither see it nor touch it', async () => {
    const workspace = await built(owner, await make(owner, 'private'))
    const stranger = await server.user('stranger')
    await expect(stranger.call(getWorkspace, { params: { workspace: workspace.id } })).rejects.toMatchObject({
      status: 404,
    })
    await expect(build(stranger, workspace, 'stop')).rejects.toMatchObject({ status: 404 })
    expect((await stranger.call(listWorkspaces)).count).toBe(0)
  })

  it('WS-6: a token for one workspace sees exactly that one', async () => {
    const workspace = await built(owner, await make(owner, 'single'))
    const { key } = await owner.call(createToken, {
      params: { user: 'me' },
      body: { token_name: 'single', allow_list: [`workspace:${workspace.id}`, `template:${template.id}`] },
    })
    const holder = new ApiClient({ url: server.url, token: key })
    const listed = await holder.call(listWorkspaces)
    expect(listed.workspaces.map((one) => one.name)).toEqual(['single'])
  })
})

describe('parameters, settings and search', () => {
  it('WS-121: values are checked, kept and answered', async () => {
    await expect(
      make(owner, 'wrong', { rich_parameter_values: [{ name: 'repository', value: 'not a url' }] }),
    ).rejects.toMatchObject({ status: 400, validations: [{ field: 'repository' }] })
    const workspace = await make(owner, 'with-values', {
      rich_parameter_values: [{ name: 'repository', value: '' }],
    })
    expect(
      await owner.call(listBuildParameters, { params: { workspacebuild: workspace.latest_build.id } }),
    ).toEqual([{ name: 'repository', value: '' }])
  })

  it('WS-132, WS-133: schedule and time until shutdown have bounds', async () => {
    const workspace = await built(owner, await make(owner, 'scheduled'))
    const params = { workspace: workspace.id }
    await expect(owner.call(setAutostart, { params, body: { schedule: '@daily' } })).rejects.toMatchObject({
      status: 400,
    })
    await owner.call(setAutostart, { params, body: { schedule: 'CRON_TZ=Europe/Berlin 30 9 * * 1-5' } })
    await expect(owner.call(setTtl, { params, body: { ttl_ms: 1000 } })).rejects.toMatchObject({
      status: 400,
    })
    await owner.call(setTtl, { params, body: { ttl_ms: 7_200_000 } })
    expect(await owner.call(getWorkspace, { params })).toMatchObject({
      autostart_schedule: 'CRON_TZ=Europe/Berlin 30 9 * * 1-5',
      ttl_ms: 7_200_000,
    })
  })

  it('WS-160: a rename needs the option', async () => {
    const workspace = await built(owner, await make(owner, 'renamed'))
    await expect(
      owner.call(updateWorkspace, { params: { workspace: workspace.id }, body: { name: 'other' } }),
    ).rejects.toMatchObject({ status: 400, message: 'Workspace renames are not allowed.' })
  })

  it.each([
    [':foo', "cannot start or end with ':'"],
    ['a:b:c', "can only contain 1 ':'"],
    ['foo:bar', 'is not a valid query param'],
    ['name:a name:b', 'provided more than once, found 2 times'],
    ['a/b/c', "can only contain 1 '/'"],
    ['param:a=b=c', "can only contain 1 '='"],
    ['dormant:maybe', 'must be a valid boolean'],
    ['organization:nope', 'either does not exist'],
  ])('WS-151: %s is refused and told why', async (q, detail) => {
    await expect(owner.call(listWorkspaces, { query: { q } })).rejects.toMatchObject({
      status: 400,
      message: 'Invalid workspace search query.',
      validations: [{ detail: expect.stringContaining(detail) }],
    })
  })

  it('WS-150, WS-151: search finds by name, status, template and agent, and counts all matches', async () => {
    await running(owner, 'seek-me')
    const names = async (q: string, limit = 0) =>
      (await owner.call(listWorkspaces, { query: { q, limit } })).workspaces.map((one) => one.name)
    expect(await names('name:seek')).toEqual(['seek-me'])
    expect(await names('owner/seek')).toEqual(['seek-me'])
    expect(await names('status:running name:seek')).toEqual(['seek-me'])
    expect(await names('status:stopped name:seek')).toEqual([])
    expect(await names('has-agent:connected name:seek')).toEqual(['seek-me'])
    expect(await names('template:no-such')).toEqual([])
    const behind = await owner.call(listWorkspaces, { query: { offset: 1000, limit: 5 } })
    expect(behind.workspaces).toEqual([])
    expect(behind.count).toBeGreaterThan(3)
  })
})

describe('builds', () => {
  it('WS-190: a log is followed to its end and closes with 1000', async () => {
    const workspace = await make(owner, 'followed')
    const address = owner.address(listBuildLogs, { params: { workspacebuild: workspace.latest_build.id } })
    const socket = new WebSocket(`${address.replace('http', 'ws')}?follow`, { headers: owner.headers })
    const stages: string[] = []
    socket.on('message', (data) => stages.push(JSON.parse(String(data)).stage))
    const code = await new Promise((resolve) => socket.on('close', resolve))
    expect(code).toBe(1000)
    expect(stages[0]).toBe('Setting up')
    expect(stages.at(-1)).toBe('Cleaning Up')
    const polled = await owner.call(listBuildLogs, { params: { workspacebuild: workspace.latest_build.id } })
    expect(polled.map((line) => line.stage)).toEqual(stages)
  })

  it('WS-187: builds are listed, the newest first', async () => {
    const workspace = await built(owner, await make(owner, 'history'))
    await build(owner, workspace, 'stop')
    await built(owner, workspace)
    const builds = await owner.call(listBuilds, { params: { workspace: workspace.id } })
    expect(builds.map((one) => one.build_number)).toEqual([2, 1])
  })

  it('WS-186: cancelling needs the right, and a build that is over cannot be canceled', async () => {
    const user = await server.user('cancelled')
    const workspace = await built(user, await make(user, 'mine'))
    const params = { workspacebuild: workspace.latest_build.id }
    await expect(user.call(cancelBuild, { params })).rejects.toMatchObject({ status: 400 })
    await owner.call(updateTemplate, {
      params: { template: template.id },
      body: { allow_user_cancel_workspace_jobs: false },
    })
    await expect(user.call(cancelBuild, { params })).rejects.toMatchObject({ status: 403 })
    await owner.call(updateTemplate, {
      params: { template: template.id },
      body: { allow_user_cancel_workspace_jobs: true },
    })
  })

  it('WS-200: a watcher gets the workspace at once and after each change', async () => {
    const workspace = await built(owner, await make(owner, 'watched'))
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/api/v2/workspaces/${workspace.id}/watch-ws`,
      { headers: owner.headers },
    )
    const statuses: string[] = []
    socket.on('message', (data) => {
      const event = JSON.parse(String(data))
      if (event.type === 'data') statuses.push(event.data.latest_build.status)
    })
    await until('the first event', () => statuses.length > 0)
    await build(owner, workspace, 'stop')
    await until('the stop', () => statuses.includes('stopped'))
    expect(statuses[0]).toBe('running')
    socket.close()
  })

  it('WS-200: the same over server-sent events', async () => {
    const workspace = await built(owner, await make(owner, 'streamed'))
    const stop = new AbortController()
    const answer = await fetch(`${server.url}/api/v2/workspaces/${workspace.id}/watch`, {
      headers: owner.headers,
      signal: stop.signal,
    })
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    let text = ''
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk).toString()
      if (text.includes('event: data')) break
    }
    expect(text.startsWith('event: ping')).toBe(true)
    stop.abort()
  })
})

describe('what must survive', () => {
  it('PR-122: a build whose server was stopped ends, and the workspace can be built again', async () => {
    await using own = await startTestServer()
    const boss = await own.owner()
    const built1 = await own.builtInTemplate()
    const workspace = await boss.call(createWorkspace, {
      params: { user: 'me' },
      body: { name: 'survivor', template_id: built1.id },
    })
    await own.stop()
    await own.start()
    const again = await own.owner()
    const ended = await until('an end', async () => {
      const current = await again.call(getBuild, { params: { workspacebuild: workspace.latest_build.id } })
      return current.job.completed_at === undefined ? undefined : current
    })
    expect(['succeeded', 'failed']).toContain(ended.job.status)
    const next = await again.call(createBuild, {
      params: { workspace: workspace.id },
      body: { transition: 'start' },
    })
    const finished = await until('the next build', async () => {
      const current = await again.call(getBuild, { params: { workspacebuild: next.id } })
      return current.job.completed_at === undefined ? undefined : current
    })
    expect(finished.job.error).toBeUndefined()
    expect(finished.job.status).toBe('succeeded')
  })

  it('an agent outlives its server and comes back to the next one on the same address', async () => {
    await using own = await startTestServer({ env: { CODER_HTTP_ADDRESS: `127.0.0.1:${await freePort()}` } })
    const boss = await own.owner()
    const local = await own.builtInTemplate()
    const workspace = await boss.call(createWorkspace, {
      params: { user: 'me' },
      body: { name: 'outlives', template_id: local.id },
    })
    const agent = (client: Client) => async () => {
      const current = await client.call(getWorkspace, { params: { workspace: workspace.id } })
      const one = current.latest_build.resources[0]?.agents?.[0]
      return one?.status === 'connected' ? one : undefined
    }
    const before = await until('the agent', agent(boss))
    await own.stop()
    await own.start()
    const after = await until('the agent again', agent(await own.owner()))
    expect(after.id).toBe(before.id)
  })

  it('two replicas share builds, and a change on one is watched on the other', async () => {
    await using second = await startTestServer({ databaseUrl: server.databaseUrl })
    const other = new ApiClient({ url: second.url, token: owner.headers['Coder-Session-Token'] })
    expect(await other.call(getUser, { params: { user: 'me' } })).toMatchObject({ username: 'owner' })
    const workspace = await built(owner, await make(owner, 'replicated'))
    const socket = new WebSocket(
      `${second.url.replace('http', 'ws')}/api/v2/workspaces/${workspace.id}/watch-ws`,
      { headers: other.headers },
    )
    const transitions: string[] = []
    socket.on('message', (data) => {
      const event = JSON.parse(String(data))
      if (event.type === 'data') transitions.push(event.data.latest_build.transition)
    })
    await until('the first event', () => transitions.length > 0)
    await build(owner, workspace, 'stop')
    await until('the stop on the other replica', () => transitions.includes('stop'))
    socket.close()
  })
})
