import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createUserSkill,
  deleteUser,
  deleteUserSkill,
  getUser,
  getUserSkill,
  listAuditLogs,
  listUserSkills,
  updateUserSkill,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let member: Client
let memberId: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  member = await server.user('member')
  memberId = (await member.call(getUser, { params: { user: 'me' } })).id
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const me = { user: 'me' }
const text = (name: string, body = 'Do it.') =>
  `---\nname: ${name}\ndescription: How to ${name}\n---\n${body}\n`
const create = (client: Client, content: string, user = 'me') =>
  client.call(createUserSkill, { params: { user }, body: { content } })

describe('CH-1303: personal skills', () => {
  it('are made, listed without their texts, read, changed and deleted', async () => {
    const content = text('deploy')
    const made = await create(member, content)
    expect(made).toMatchObject({ name: 'deploy', description: 'How to deploy', content })
    await create(member, text('build'))
    const list = await member.call(listUserSkills, { params: me })
    expect(list.map(({ name }) => name)).toEqual(['build', 'deploy'])
    expect(list[0]).not.toHaveProperty('content')
    const params = { ...me, skillName: 'deploy' }
    const changed = text('deploy', 'Do it well.')
    await member.call(updateUserSkill, { params, body: { content: changed } })
    expect(await member.call(getUserSkill, { params })).toMatchObject({ id: made.id, content: changed })
    await member.call(deleteUserSkill, { params })
    await expect(member.call(getUserSkill, { params })).rejects.toMatchObject({ status: 404 })
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'resource_type:user_skill resource_target:deploy', limit: 10, offset: 0 },
    })
    expect(audit_logs.map(({ action }) => action)).toEqual(['delete', 'write', 'create'])
  })

  it.each([
    ['without a front matter', 'Do it.', 'front matter'],
    ['with a name that is not in kebab-case', text('Not So'), 'kebab-case'],
    ['without a description', '---\nname: x\n---\nDo it.', 'description'],
    ['with more than 64 KiB', text('long', 'é'.repeat(33_000)), '65536'],
    ['with NUL', text('nul', '\0'), 'NUL'],
  ])('are refused %s', async (_which, content, detail) => {
    await expect(create(member, content)).rejects.toMatchObject({
      status: 400,
      body: { validations: [{ field: 'content', detail: expect.stringContaining(detail) }] },
    })
  })

  it('keep their names, which only one of a user has', async () => {
    await create(member, text('kept'))
    await expect(create(member, text('kept'))).rejects.toMatchObject({ status: 409 })
    await expect(
      member.call(updateUserSkill, {
        params: { ...me, skillName: 'kept' },
        body: { content: text('other') },
      }),
    ).rejects.toMatchObject({ status: 400, body: { validations: [{ field: 'content' }] } })
  })

  it('are a hundred of a user at most, however many are made at once', async () => {
    const user = await server.user('collector')
    const { id } = await user.call(getUser, { params: me })
    for (let i = 0; i < 98; i += 1) await fixtures.userSkill(database.db, { user_id: id })
    const made = await Promise.allSettled([1, 2, 3, 4, 5].map((i) => create(user, text(`skill-${i}`))))
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    for (const one of made) if (one.status === 'rejected') expect(one.reason).toMatchObject({ status: 400 })
    expect(await user.call(listUserSkills, { params: me })).toHaveLength(100)
  })

  it('RB-30: owners read and delete those of others, and write none; members find none but their own', async () => {
    const params = { user: memberId, skillName: 'mine' }
    await create(member, text('mine'))
    expect(await owner.call(getUserSkill, { params })).toMatchObject({ name: 'mine' })
    await expect(create(owner, text('yours'), memberId)).rejects.toMatchObject({ status: 403 })
    await expect(
      owner.call(updateUserSkill, { params, body: { content: text('mine', 'Otherwise.') } }),
    ).rejects.toMatchObject({ status: 403 })
    const stranger = await server.user('stranger')
    for (const call of [
      () => stranger.call(getUserSkill, { params }),
      () => stranger.call(deleteUserSkill, { params }),
      () => stranger.call(updateUserSkill, { params, body: { content: text('mine') } }),
    ])
      await expect(call()).rejects.toMatchObject({ status: 404 })
    await owner.call(deleteUserSkill, { params })
  })

  it('ID-19: go with their user', async () => {
    const user = await server.user('leaver')
    const { id } = await user.call(getUser, { params: me })
    await create(user, text('last'))
    await owner.call(deleteUser, { params: { user: id } })
    expect(
      await database.db.selectFrom('user_skills').select('id').where('user_id', '=', id).execute(),
    ).toEqual([])
  })
})
