import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type CreateWorkspaceRequest,
  createWorkspace,
  extendWorkspace,
  favoriteWorkspace,
  getUser,
  getWorkspace,
  listOrganizations,
  setAutostart,
  setTtl,
  unfavoriteWorkspace,
  updateWorkspace,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const HOUR = 3_600_000
const NS_PER_MS = 1_000_000

let server: TestServer
let database: Database
let owner: Client
let member: Client
let organization_id: string
let owner_id: string

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_ALLOW_WORKSPACE_RENAMES: 'true' },
  })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  member = await server.user('member')
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  owner_id = (await member.call(getUser, { params: { user: 'me' } })).id
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const template = (columns: object = {}) =>
  fixtures.template(database.db, {
    organization_id,
    group_acl: JSON.stringify({ [organization_id]: ['read', 'use'] }),
    ...columns,
  })

async function workspace(columns: object = {}, build: object = {}) {
  const made = await fixtures.workspace(database.db, {
    owner_id,
    template: await template(),
    ...columns,
  })
  await fixtures.workspaceBuild(database.db, { workspace: made, ...build })
  return made
}

const create = (body: CreateWorkspaceRequest) =>
  member.call(createWorkspace, { params: { user: 'me' }, body })
const read = ({ id }: { readonly id: string }) => member.call(getWorkspace, { params: { workspace: id } })

describe('making a workspace', () => {
  it('WS-130: needs one of template and version', async () => {
    const { id, active_version_id } = await template()
    for (const more of [{}, { template_id: id, template_version_id: active_version_id }])
      await expect(create({ name: 'either', ...more })).rejects.toMatchObject({
        status: 400,
        message: 'Validation failed.',
      })
  })

  it('WS-130: is checked in the order in which clients expect the answers', async () => {
    const taken = await workspace()
    const wrong = { name: taken.name, autostart_schedule: '@daily', ttl_ms: 1 }
    const hidden = await template({ group_acl: '{}' })
    await expect(create({ ...wrong, template_id: hidden.id })).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'template_id' }],
    })
    const shown = await template({ group_acl: JSON.stringify({ [organization_id]: ['read'] }) })
    const theirs = { params: { user: owner_id }, body: { ...wrong, template_id: shown.id } }
    const admin = await server.user('viewer', ['user-admin', 'auditor'])
    await expect(admin.call(createWorkspace, theirs)).rejects.toMatchObject({
      status: 403,
      message: 'Unauthorized to create workspace.',
    })
    await expect(create({ ...wrong, template_id: shown.id })).rejects.toMatchObject({
      status: 403,
      message: `Unauthorized access to use the template "${shown.name}".`,
    })
    const old = await template({ deprecated: 'use the new one' })
    await expect(create({ ...wrong, template_id: old.id })).rejects.toMatchObject({
      status: 400,
      message: `Template "${old.name}" has been deprecated, and cannot be used to create a new workspace.`,
      detail: 'use the new one',
    })
    const template_id = (await template()).id
    await expect(create({ ...wrong, template_id })).rejects.toMatchObject({
      status: 400,
      message: 'Invalid autostart schedule.',
    })
    await expect(create({ ...wrong, autostart_schedule: '', template_id })).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'ttl_ms' }],
    })
    await expect(create({ name: taken.name, template_id })).rejects.toMatchObject({ status: 409 })
  })

  it('WS-130: of an archived version is refused', async () => {
    const { id } = await template()
    const archived = await fixtures.templateVersion(database.db, { template_id: id, archived: true })
    await expect(create({ name: 'archived', template_version_id: archived.id })).rejects.toMatchObject({
      status: 400,
      message: 'Archived template versions cannot be used to make a workspace.',
    })
  })

  it('WS-133: takes whole minutes, or the time of its template', async () => {
    const { id: template_id } = await template({ default_ttl: 8 * HOUR * NS_PER_MS })
    for (const [ttl_ms, detail] of [
      [59_999, 'time until shutdown must be at least one minute'],
      [-1, 'time until shutdown must be at least one minute'],
      [30 * 24 * HOUR + 60_000, 'time until shutdown must be less than 30 days'],
    ] as const)
      await expect(create({ name: 'bounded', template_id, ttl_ms })).rejects.toMatchObject({
        status: 400,
        validations: [{ field: 'ttl_ms', detail }],
      })
    expect((await create({ name: 'usual', template_id, ttl_ms: 0 })).ttl_ms).toBe(28_800_000)
    expect((await create({ name: 'whole', template_id, ttl_ms: 119_999 })).ttl_ms).toBe(60_000)
  })
})

describe('settings', () => {
  it.each([
    'CRON_TZ=Mars/One 0 9 * * 1',
    '0 9 1 * *',
    '0 9 * 1 *',
    '@daily',
    '0 9 * *',
    '0 0 9 * * 1',
    '61 9 * * 1',
    '0 9 * * L',
    '0 9 * * 1#2',
  ])('WS-132: the schedule %s is refused', async (schedule) => {
    const { id } = await workspace()
    await expect(
      member.call(setAutostart, { params: { workspace: id }, body: { schedule } }),
    ).rejects.toMatchObject({
      status: 400,
      message: 'Invalid autostart schedule.',
      validations: [{ field: 'schedule' }],
    })
  })

  it('WS-132: a schedule has a bound', async () => {
    const { id } = await workspace()
    const schedule = `${'0,'.repeat(200)}0 9 * * 1`
    await expect(
      member.call(setAutostart, { params: { workspace: id }, body: { schedule } }),
    ).rejects.toMatchObject({ status: 400, message: 'Invalid autostart schedule.' })
  })

  it('WS-132, WS-161: a schedule without a zone is one in UTC, and the template may forbid them', async () => {
    const made = await workspace()
    await member.call(setAutostart, {
      params: { workspace: made.id },
      body: { schedule: '30 9 * * MON-FRI' },
    })
    const { autostart_schedule, next_start_at } = await read(made)
    expect(autostart_schedule).toBe('CRON_TZ=UTC 30 9 * * MON-FRI')
    expect(next_start_at).toMatch(/T09:30:00.000Z$/)
    const forbidding = await workspace({ template: await template({ allow_user_autostart: false }) })
    const params = { workspace: forbidding.id }
    await expect(
      member.call(setAutostart, { params, body: { schedule: '30 9 * * *' } }),
    ).rejects.toMatchObject({
      status: 400,
      message: 'Autostart is not allowed for workspaces using this template.',
    })
    await member.call(setAutostart, { params, body: { schedule: '' } })
  })

  it('WS-162: no time until shutdown leaves the latest deadline that there may be, another one changes nothing', async () => {
    const [deadline, max_deadline] = [HOUR, 2 * HOUR].map((ms) => new Date(Date.now() + ms))
    const made = await workspace({ ttl: HOUR * NS_PER_MS }, { deadline, max_deadline })
    const params = { workspace: made.id }
    await member.call(setTtl, { params, body: { ttl_ms: 3 * HOUR } })
    expect((await read(made)).latest_build.deadline).toBe(deadline?.toISOString())
    await member.call(setTtl, { params, body: { ttl_ms: 0 } })
    const after = await read(made)
    expect(after.ttl_ms).toBeUndefined()
    expect(after.latest_build.deadline).toBe(max_deadline?.toISOString())
  })

  it('WS-142, WS-162: where the template decides on the time until shutdown, it is shown and cannot be set', async () => {
    const fixed = await template({ allow_user_autostop: false, default_ttl: 4 * HOUR * NS_PER_MS })
    const made = await workspace({ template: fixed, ttl: HOUR * NS_PER_MS })
    expect((await read(made)).ttl_ms).toBe(4 * HOUR)
    await expect(
      member.call(setTtl, { params: { workspace: made.id }, body: { ttl_ms: HOUR } }),
    ).rejects.toMatchObject({
      status: 400,
      validations: [
        {
          field: 'ttl_ms',
          detail: 'Custom autostop TTL is not allowed for workspaces using this template.',
        },
      ],
    })
  })

  it('WS-163: a deadline moves within its bounds, and only where there is one', async () => {
    const [deadline, max_deadline] = [HOUR, 3 * HOUR].map((ms) => new Date(Date.now() + ms))
    const made = await workspace({}, { deadline, max_deadline })
    const extend = ({ id }: { readonly id: string }, to: number | string) =>
      member.call(extendWorkspace, {
        params: { workspace: id },
        body: { deadline: typeof to === 'string' ? to : new Date(Date.now() + to).toISOString() },
      })
    await expect(extend(made, HOUR / 6)).rejects.toMatchObject({
      status: 400,
      message: 'Cannot extend workspace: new deadline must be at least 30 minutes in the future',
    })
    await expect(extend(made, 4 * HOUR)).rejects.toMatchObject({
      status: 400,
      message: 'Cannot extend workspace beyond max deadline.',
    })
    for (const odd of ['2100-12-31T23:59:60Z', '2100-01-01T00:00:00Z[UTC]'])
      await expect(extend(made, odd)).rejects.toMatchObject({
        status: 400,
        validations: [{ field: 'deadline' }],
      })
    const { message } = await extend(made, 2 * HOUR)
    expect(message).toBe(`Deadline updated to ${(await read(made)).latest_build.deadline}.`)
    for (const [other, answer] of [
      [await workspace({}, { transition: 'stop' }), 'Workspace must be started, current status: stop'],
      [await workspace(), 'Workspace shutdown is manual.'],
    ] as const)
      await expect(extend(other, 2 * HOUR)).rejects.toMatchObject({ status: 409, message: answer })
  })

  it('WS-160: a new name is free, and the old one may be given again', async () => {
    const [made, other, gone] = [await workspace(), await workspace(), await workspace({ deleted: true })]
    const rename = ({ id }: { readonly id: string }, name: string) =>
      member.call(updateWorkspace, { params: { workspace: id }, body: { name } })
    await rename(made, made.name)
    await expect(rename(made, other.name.toUpperCase())).rejects.toMatchObject({
      status: 409,
      validations: [{ field: 'name' }],
    })
    await expect(rename(made, 'a b')).rejects.toMatchObject({ status: 400 })
    await expect(rename(gone, 'revived')).rejects.toMatchObject({ status: 405 })
    await rename(made, 'renamed')
    expect((await read(made)).name).toBe('renamed')
  })

  it('WS-165: favorites are those of the owner', async () => {
    const made = await workspace()
    const params = { workspace: made.id }
    await expect(owner.call(favoriteWorkspace, { params })).rejects.toMatchObject({
      status: 403,
      message: 'You can only favorite workspaces that you own.',
    })
    await expect(owner.call(unfavoriteWorkspace, { params })).rejects.toMatchObject({
      status: 403,
      message: 'You can only un-favorite workspaces that you own.',
    })
    await member.call(favoriteWorkspace, { params })
    expect((await read(made)).favorite).toBe(true)
    expect((await owner.call(getWorkspace, { params })).favorite).toBe(false)
    await member.call(unfavoriteWorkspace, { params })
    expect((await read(made)).favorite).toBe(false)
  })
})
