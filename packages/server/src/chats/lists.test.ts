import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { type Chat, chatsByWorkspace, getChat, listChats, updateChat, updateChatAcl } from '@slipway/contract'
import { fixtures, until } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import { type ChatsWorld, openChatsWorld } from './chats-world.fixture.ts'
import { readChatSearch } from './search-chats.ts'

let world: ChatsWorld
let ada: Client
let adaId: string

beforeAll(async () => {
  world = await openChatsWorld()
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  const member = await world.member()
  ada = member.client
  adaId = member.id
})

const minutes = (ago: number) => new Date(Date.now() - ago * 60_000)

/** A chat of Ada's. */
const make = (columns: object = {}) =>
  fixtures.chat(world.database.db, {
    owner_id: adaId,
    organization_id: world.organizationId,
    last_model_config_id: world.modelConfigId,
    ...columns,
  })
const child = (root: string, columns: object = {}) =>
  make({ parent_chat_id: root, root_chat_id: root, ...columns })
const list = (query: Parameters<typeof listing>[1] = {}) => listing(ada, query)
function listing(
  client: Client,
  query: { q?: string; label?: string[]; limit?: number; offset?: number; after_id?: string },
) {
  return client.call(listChats, { query })
}
const titles = (chats: readonly Chat[]) => chats.map(({ title }) => title)

describe('CH-410: the list of chats', () => {
  it('has the roots of the caller, pinned ones first, with their children', async () => {
    await make({ title: 'old', updated_at: minutes(9) })
    const root = await make({ title: 'root', updated_at: minutes(5) })
    await child(root.id, { title: 'first child', created_at: minutes(4) })
    await child(root.id, { title: 'second child', created_at: minutes(3) })
    await make({ title: 'pinned 2', pin_order: 2, updated_at: minutes(99) })
    await make({ title: 'pinned 1', pin_order: 1, updated_at: minutes(99) })
    await make({ title: 'archived', archived: true, archived_at: minutes(1) })
    await fixtures.chat(world.database.db, {
      title: 'of somebody else',
      organization_id: world.organizationId,
    })
    const chats = await list()
    expect(titles(chats)).toEqual(['pinned 1', 'pinned 2', 'root', 'old'])
    expect(chats[2]?.children.map(({ title }) => title)).toEqual(['second child', 'first child'])
    expect(titles(await list({ q: 'archived:true' }))).toEqual(['archived'])
    // Administrators see theirs unless they ask for others.
    expect((await listing(world.admin, {})).map(({ owner_id }) => owner_id)).not.toContain(adaId)
  })

  it('has pages by number and by the last chat of the page before', async () => {
    const same = minutes(7)
    await make({ title: 'p2', pin_order: 2 })
    await make({ title: 'p1', pin_order: 1 })
    for (let n = 0; n < 5; n += 1) await make({ title: `c${n}`, updated_at: n < 3 ? same : minutes(n) })
    const all = await list()
    expect(all).toHaveLength(7)
    expect(titles(await list({ limit: 3, offset: 2 }))).toEqual(titles(all.slice(2, 5)))
    const walked: Chat[] = []
    for (let after: string | undefined; ; after = walked.at(-1)?.id) {
      const page = await list({ limit: 2, ...(after === undefined ? {} : { after_id: after }) })
      walked.push(...page)
      if (page.length < 2) break
    }
    expect(titles(walked)).toEqual(titles(all))
  })

  it('is one statement, whose conditions have indexes, however many it shows', async () => {
    for (let n = 0; n < 5; n += 1) {
      const root = await make()
      await child(root.id)
    }
    await until('a warm cache', async () => {
      const before = world.lines.length
      await list()
      const line = world.lines
        .slice(before)
        .find((one) => one.message === 'GET' && one.route === '/api/experimental/chats')
      return line?.statements === 1
    })
    const { db } = world.database
    const { rows } = await db.transaction().execute(async (tx) => {
      await sql`set local enable_seqscan = off`.execute(tx)
      return sql<{ 'QUERY PLAN': string }>`explain select c.id from chats c
        where c.parent_chat_id is null and c.owner_id = ${adaId}::uuid and not c.archived
        order by (c.pin_order = 0), c.pin_order, c.updated_at desc, c.id desc limit 50`.execute(tx)
    })
    // Of the two that fit the planner takes one by what it last counted.
    expect(JSON.stringify(rows)).toMatch(/Index Scan using chats_(owner|parent)/)
  })

  it('is narrowed by labels, all of which must be there', async () => {
    await make({ title: 'both', labels: JSON.stringify({ 'ci/run': '812', team: 'a:b' }) })
    await make({ title: 'one', labels: JSON.stringify({ 'ci/run': '812' }) })
    expect(titles(await list({ label: ['ci/run:812'] })).sort()).toEqual(['both', 'one'])
    expect(titles(await list({ label: ['ci/run:812', 'team:a:b'] }))).toEqual(['both'])
    for (const label of ['x', ':x', 'x:'])
      await expect(list({ label: [label] })).rejects.toMatchObject({ status: 400 })
  })

  it('B-9, CH-307: says what the owner has not read, alone as in the list', async () => {
    const { db } = world.database
    const chat = await make()
    const question = await fixtures.chatMessage(db, { chat })
    const unread = async () => [
      (await list())[0]?.has_unread,
      (await ada.call(getChat, { params: { chat: chat.id } })).has_unread,
    ]
    expect(await unread()).toEqual([false, false])
    const answer = await fixtures.chatMessage(db, { chat, role: 'assistant' })
    expect(await unread()).toEqual([true, true])
    const read = (id: number) =>
      db.updateTable('chats').set({ last_read_message_id: id }).where('id', '=', chat.id).execute()
    await read(question.id)
    expect(titles(await list({ q: 'has_unread:true' }))).toEqual([chat.title])
    await read(answer.id)
    expect(await unread()).toEqual([false, false])
    expect(await list({ q: 'has_unread:true' })).toEqual([])
    expect(titles(await list({ q: 'has_unread:false' }))).toEqual([chat.title])
  })
})

describe('CH-411: searching', () => {
  it('T-41: takes keys with values, and names every fault', async () => {
    for (const [q, field] of [
      ['foo', 'q'],
      ['color:red', 'color'],
      ['search:x title:y', 'search'],
      ['search:x pr:1', 'search'],
      ['pr:0', 'pr'],
      ['pr:x', 'pr'],
      ['pr:99999999999', 'pr'],
      ['archived:maybe', 'archived'],
      ['source:nobody', 'source'],
      ['pr_status:new', 'pr_status'],
    ])
      await expect(list({ q: q ?? '' })).rejects.toMatchObject({
        status: 400,
        body: { validations: [expect.objectContaining({ field })] },
      })
    await make()
    expect(await list({ q: 'search:"!!!"' })).toEqual([])
  })

  it('finds titles, and what was said once it is indexed', async () => {
    const { db } = world.database
    await make({ title: 'The Zebra crossing' })
    const told = await make({ title: 'other' })
    const below = await child(told.id)
    const say = (text: string, more: object) =>
      fixtures.chatMessage(db, { content: JSON.stringify([{ type: 'text', text }]), ...more })
    await say('a wild okapi appears', { chat: below, role: 'assistant' })
    await say('hidden gnu', { chat: told, visibility: 'model' })
    await say('deleted kudu', { chat: told, deleted: true })
    const before = await db.selectFrom('chats').select('history_version').where('id', '=', told.id).execute()
    await until('the message to be findable', async () => (await list({ q: 'search:okapi' })).length === 1)
    expect(titles(await list({ q: 'search:"okapi wild"' }))).toEqual(['other'])
    expect(titles(await list({ q: 'search:zebra' }))).toEqual(['The Zebra crossing'])
    expect(titles(await list({ q: 'title:ZEBRA' }))).toEqual(['The Zebra crossing'])
    expect(await list({ q: 'title:%' })).toEqual([])
    // No stemming.
    expect(await list({ q: 'search:okapis' })).toEqual([])
    for (const word of ['gnu', 'kudu']) expect(await list({ q: `search:${word}` })).toEqual([])
    expect(
      await db.selectFrom('chats').select('history_version').where('id', '=', told.id).execute(),
    ).toEqual(before)
    expect(await listing(world.admin, { q: 'search:okapi' })).toEqual([])
  })

  it('finds pull requests by title, number, state, repository and address', async () => {
    const { db } = world.database
    const pr = async (title: string, columns: object, root?: string) => {
      const chat = root === undefined ? await make({ title }) : await child(root, { title })
      await db
        .insertInto('chat_diff_statuses')
        .values({ chat_id: chat.id, ...columns })
        .execute()
      return chat
    }
    const url = 'https://github.com/acme/site/pull/42'
    const open = { pull_request_state: 'open', git_remote_origin: 'git@github.com:acme/site.git' }
    const first = await pr('open', { ...open, url, pr_number: 42, pull_request_title: 'Fix the login page' })
    await pr('draft', { ...open, pull_request_draft: true, pr_number: 43 })
    await pr('merged', { pull_request_state: 'merged', git_remote_origin: 'git@gitlab.com:x/y.git' })
    await pr('child', { ...open, url: `${url}3`, pr_number: 423 }, first.id)
    for (const [q, found] of [
      ['pr:42', ['open']],
      ['search:42', ['open']],
      ['search:login', ['open']],
      ['pr_title:LOGIN', ['open']],
      ['repo:acme/site', ['draft', 'open']],
      ['pr_status:open', ['open']],
      ['pr_status:draft,merged', ['draft', 'merged']],
      [`diff_url:"${url.toUpperCase()}"`, ['open']],
      [`diff_url:"${url}3"`, ['open']],
    ] as const)
      expect([q, titles(await list({ q })).sort()]).toEqual([q, found])
    expect((await list({ q: 'pr:42' }))[0]?.diff_status).toMatchObject({
      chat_id: first.id,
      pr_number: 42,
      url,
      pull_request_state: 'open',
      pull_request_draft: false,
    })
  })

  it('tells whose chats are looked at', async () => {
    const friend = await world.member()
    const grouped = await fixtures.group(world.database.db, { organization_id: world.organizationId })
    const buddy = await world.member()
    await fixtures.groupMember(world.database.db, { group: grouped, user_id: buddy.id })
    const shared = await make({ title: 'shared' })
    await make({ title: 'kept' })
    await ada.call(updateChatAcl, {
      params: { chat: shared.id },
      body: { user_roles: { [friend.id]: 'read' }, group_roles: { [grouped.id]: 'read' } },
    })
    await fixtures.chat(world.database.db, {
      title: 'own',
      owner_id: friend.id,
      organization_id: world.organizationId,
      last_model_config_id: world.modelConfigId,
    })
    expect(titles(await listing(friend.client, {}))).toEqual(['own'])
    expect(titles(await listing(friend.client, { q: 'source:shared_with_me' }))).toEqual(['shared'])
    expect(titles(await listing(friend.client, { q: 'source:shared_with_me,created_by_me' })).sort()).toEqual(
      ['own', 'shared'],
    )
    expect(titles(await listing(buddy.client, { q: 'source:shared_with_me' }))).toEqual(['shared'])
    expect(await list({ q: 'source:shared_with_me' })).toEqual([])
  })

  it('looks for what is shared among what is shared, and not among all chats', async () => {
    const actor = systemActor('chatd', 'the plan of a search is looked at')
    const { conditions } = readChatSearch(actor, 'source:shared_with_me', [])
    const { rows } = await world.database.db.transaction().execute(async (tx) => {
      await sql`set local enable_seqscan = off`.execute(tx)
      return sql<object>`explain select c.id from chats c where ${sql.join([...conditions], sql` and `)}`.execute(
        tx,
      )
    })
    expect(JSON.stringify(rows)).toContain('chats_shared')
  })
})

it('tells the newest readable chat of each workspace', async () => {
  const { db } = world.database
  const template = await fixtures.template(db, { organization_id: world.organizationId })
  const [one, two] = await Promise.all(
    [1, 2].map(() =>
      fixtures.workspace(db, { template, owner_id: adaId, organization_id: world.organizationId }),
    ),
  )
  await make({ workspace_id: one?.id, updated_at: minutes(5) })
  const newest = await make({ workspace_id: one?.id, updated_at: minutes(1) })
  await make({ workspace_id: one?.id, archived: true, archived_at: minutes(0) })
  await fixtures.chat(db, { workspace_id: two?.id ?? null, organization_id: world.organizationId })
  const of = (workspace_ids: string) => ada.call(chatsByWorkspace, { query: { workspace_ids } })
  expect(await of(`${one?.id},${two?.id}`)).toEqual({ [one?.id ?? '']: newest.id })
  expect(await ada.call(chatsByWorkspace)).toEqual({})
  await expect(of('x')).rejects.toMatchObject({ status: 400 })
  await expect(of(Array.from({ length: 26 }, () => one?.id).join(','))).rejects.toMatchObject({ status: 400 })
})

describe('CH-105, CH-106: the agent of a chat', () => {
  it('T-8, T-9, CH-1201: is that of the latest build, the first or the designated one', async () => {
    const { db } = world.database
    const template = await fixtures.template(db, { organization_id: world.organizationId })
    const workspace = await fixtures.workspace(db, {
      template,
      owner_id: adaId,
      organization_id: world.organizationId,
    })
    const chat = await make({ workspace_id: workspace.id })
    const pair = async () => {
      const { build_id, agent_id } = await ada.call(getChat, { params: { chat: chat.id } })
      const [listed] = await list()
      expect([listed?.build_id, listed?.agent_id]).toEqual([build_id, agent_id])
      return [build_id, agent_id]
    }
    const build = async (number: number, names: readonly string[]) => {
      const made = await fixtures.workspaceBuild(db, { workspace, build_number: number })
      const resource = await fixtures.workspaceResource(db, { build: made })
      const agents = new Map<string, string>()
      for (const [display_order, name] of names.entries())
        agents.set(name, (await fixtures.workspaceAgent(db, { resource, name, display_order })).id)
      const [first] = agents.keys()
      await fixtures.workspaceAgent(db, {
        resource,
        name: 'container',
        display_order: -1,
        parent_id: agents.get(first ?? '') ?? null,
      })
      return { id: made.id, agents }
    }
    expect(await pair()).toEqual([undefined, undefined])
    const first = await build(1, ['zeta', 'alpha'])
    expect(await pair()).toEqual([first.id, first.agents.get('zeta')])
    const second = await build(2, ['zeta', 'x-Coderd-Chat'])
    expect(await pair()).toEqual([second.id, second.agents.get('x-Coderd-Chat')])
    await build(3, ['a-coderd-chat', 'b-coderd-chat'])
    expect(await pair()).toEqual([undefined, undefined])
  })

  it('CH-107, CH-423: another workspace brings its own, and moves the chat up; nothing else that it is called or given does', async () => {
    const { db } = world.database
    const { client, id } = await world.member(['agents-access', 'organization-workspace-access'])
    const template = await fixtures.template(db, { organization_id: world.organizationId })
    const made = async () => {
      const of = { template, owner_id: id, organization_id: world.organizationId }
      const workspace = await fixtures.workspace(db, of)
      const build = await fixtures.workspaceBuild(db, { workspace })
      const resource = await fixtures.workspaceResource(db, { build })
      return {
        id: workspace.id,
        build: build.id,
        agent: (await fixtures.workspaceAgent(db, { resource })).id,
      }
    }
    const [first, second] = [await made(), await made()]
    const chat = await make({ owner_id: id, workspace_id: first.id, updated_at: minutes(5) })
    const patch = (body: object) => client.call(updateChat, { params: { chat: chat.id }, body })
    const get = () => client.call(getChat, { params: { chat: chat.id } })
    const versions = () =>
      db
        .selectFrom('chats')
        .select(['snapshot_version', 'history_version', 'queue_version', 'retry_state_version'])
        .where('id', '=', chat.id)
        .executeTakeFirst()
    const before = await versions()
    await patch({ title: 'x', labels: { k: 'v' }, pin_order: 1, plan_mode: 'plan', workspace_id: first.id })
    expect(await get()).toMatchObject({
      title: 'x',
      labels: { k: 'v' },
      pin_order: 1,
      plan_mode: 'plan',
      updated_at: chat.updated_at.toISOString(),
      build_id: first.build,
      agent_id: first.agent,
    })
    await patch({ workspace_id: second.id })
    const bound = await get()
    expect(bound).toMatchObject({ workspace_id: second.id, build_id: second.build, agent_id: second.agent })
    expect(Date.parse(bound.updated_at)).toBeGreaterThan(chat.updated_at.getTime())
    expect(await versions()).toEqual(before)
  })
})

describe('CH-420: changing', () => {
  const patch = (chat: string, body: object, client = ada) =>
    client.call(updateChat, { params: { chat }, body })
  const get = (chat: string) => ada.call(getChat, { params: { chat } })
  const events = async (id: string) => {
    const { rows } = await sql<{ changed: string[] }>`
      select data -> 'changed' as changed from change_log where kind = 'chat' and key = ${id} and op = 'update'
       order by id`.execute(world.database.db)
    return rows.map((row) => row.changed)
  }

  it('T-39, CH-421: a title is one event, and none when it stays; lists keep their order', async () => {
    const chat = await make({ updated_at: minutes(5) })
    await patch(chat.id, { title: '  A new name ' })
    await patch(chat.id, { title: 'A new name' })
    expect(await events(chat.id)).toEqual([['title']])
    expect(await get(chat.id)).toMatchObject({
      title: 'A new name',
      updated_at: chat.updated_at.toISOString(),
    })
    for (const title of [' ', 'x'.repeat(201)])
      await expect(patch(chat.id, { title })).rejects.toMatchObject({ status: 400 })
    await patch(chat.id, { title: '🙂'.repeat(200) })
  })

  it('B-1, CH-424: all of it or nothing; labels take the place of all that were there', async () => {
    const chat = await make({ title: 'before' })
    for (const wrong of [{ plan_mode: 'x' }, { labels: { '': 'x' } }, { pin_order: -1 }, { archived: false }])
      await expect(patch(chat.id, { title: 'after', labels: { k: 'v' }, ...wrong })).rejects.toMatchObject({
        status: 400,
      })
    expect(await get(chat.id)).toMatchObject({ title: 'before', labels: {} })
    await patch(chat.id, { title: 'after', labels: { k: 'v' }, plan_mode: 'plan', pin_order: 1 })
    expect(await get(chat.id)).toMatchObject({
      title: 'after',
      labels: { k: 'v' },
      plan_mode: 'plan',
      pin_order: 1,
    })
    await patch(chat.id, { labels: { other: 'w' } })
    expect(await get(chat.id)).toMatchObject({ labels: { other: 'w' }, plan_mode: 'plan' })
    expect((await get(chat.id)).labels).not.toHaveProperty('k')
    await patch(chat.id, { labels: {}, plan_mode: '' })
    const cleared = await get(chat.id)
    expect([cleared.labels, cleared.plan_mode]).toEqual([{}, undefined])
  })

  it('CH-420: the first fault in the order title, labels, archive, pin, workspace, plan mode is told', async () => {
    const chat = await make()
    const wrong: Record<string, unknown> = {
      title: ' ',
      labels: { '': 'x' },
      archived: false,
      pin_order: -1,
      workspace_id: '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11',
      plan_mode: 'x',
    }
    const told: string[] = []
    for (const field of Object.keys(wrong)) {
      const fault: unknown = await patch(chat.id, wrong).catch((error: unknown) => error)
      told.push(fault instanceof Error ? fault.message : '')
      delete wrong[field]
    }
    expect(told).toEqual([
      'Invalid title.',
      'Invalid labels.',
      'Chat is not archived.',
      'pin_order must not be negative.',
      'Workspace not found or you do not have access to this resource.',
      'Invalid plan_mode.',
    ])
  })

  it('T-26, CH-224: a family is archived as one, when nothing of it runs', async () => {
    const root = await make({ pin_order: 1 })
    const kid = await child(root.id)
    await patch(root.id, { archived: true })
    expect(await get(root.id)).toMatchObject({ archived: true, pin_order: 0 })
    expect((await get(root.id)).children.map(({ id }) => id)).toEqual([kid.id])
    expect((await get(kid.id)).archived).toBe(true)
    expect([await events(root.id), await events(kid.id)]).toEqual([
      [['archived', 'metadata']],
      [['archived']],
    ])
    await expect(patch(root.id, { archived: true })).rejects.toMatchObject({
      status: 400,
      message: 'Chat is already archived.',
    })
    await expect(patch(kid.id, { archived: false })).rejects.toMatchObject({ status: 400 })
    await patch(root.id, { archived: false })
    expect([(await get(root.id)).archived, (await get(kid.id)).archived]).toEqual([false, false])
    await expect(patch(root.id, { archived: false })).rejects.toMatchObject({
      status: 400,
      message: 'Chat is not archived.',
    })
    const busy = await make()
    await child(busy.id, {
      status: 'requires_action',
      requires_action_deadline_at: new Date(Date.now() + 300_000),
    })
    await expect(patch(busy.id, { archived: true })).rejects.toMatchObject({ status: 409 })
    expect((await get(busy.id)).archived).toBe(false)
    const broken = await make()
    const invalid = await child(broken.id)
    await fixtures.chatQueuedMessage(world.database.db, { chat: invalid })
    await expect(patch(broken.id, { archived: true })).rejects.toMatchObject({
      status: 409,
      message: 'Chat is in an invalid state.',
    })
    expect((await get(broken.id)).archived).toBe(false)
    // One of the family that is so already, as after a reset of its state, keeps nobody from it.
    const other = await make()
    const before = await child(other.id, { archived: true, archived_at: new Date() })
    await patch(other.id, { archived: true })
    expect([(await get(other.id)).archived, (await get(before.id)).archived]).toEqual([true, true])
  })

  it('T-27, CH-422: pinned chats have an order of their own', async () => {
    const [one, two, three] = [
      await make({ title: '1' }),
      await make({ title: '2' }),
      await make({ title: '3' }),
    ]
    for (const chat of [one, two, three]) await patch(chat.id, { pin_order: 7 })
    const order = async () =>
      (await list()).filter((chat) => chat.pin_order > 0).map((chat) => [chat.title, chat.pin_order])
    expect(await order()).toEqual([
      ['1', 1],
      ['2', 2],
      ['3', 3],
    ])
    await patch(three.id, { pin_order: 1 })
    expect(await order()).toEqual([
      ['3', 1],
      ['1', 2],
      ['2', 3],
    ])
    await patch(three.id, { pin_order: 99 })
    expect(await order()).toEqual([
      ['1', 1],
      ['2', 2],
      ['3', 3],
    ])
    await patch(two.id, { pin_order: 0 })
    expect(await order()).toEqual([
      ['1', 1],
      ['3', 2],
    ])
    await patch(one.id, { archived: true })
    expect(await order()).toEqual([['3', 1]])
    await expect(patch(one.id, { pin_order: 1 })).rejects.toMatchObject({ status: 400 })
    await expect(patch((await child(three.id)).id, { pin_order: 1 })).rejects.toMatchObject({ status: 400 })
    await expect(patch(three.id, { pin_order: -1 })).rejects.toMatchObject({ status: 400 })
  })

  it('CH-422: pinning at once keeps the order whole', async () => {
    const chats = await Promise.all(Array.from({ length: 8 }, () => make()))
    await Promise.all(chats.map((chat) => patch(chat.id, { pin_order: 1 })))
    const orders = (await list()).map((chat) => chat.pin_order)
    expect(orders).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('CH-302: is for who may change it', async () => {
    const chat = await make()
    const { client: reader, id } = await world.member()
    await ada.call(updateChatAcl, { params: { chat: chat.id }, body: { user_roles: { [id]: 'read' } } })
    await expect(patch(chat.id, { title: 'x' }, reader)).rejects.toMatchObject({ status: 404 })
    await patch(chat.id, { title: 'by an administrator' }, world.admin)
    expect((await get(chat.id)).title).toBe('by an administrator')
  })
})

it('CH-1.1: the database keeps pins and lists of roots alone, and no server that is gone', async () => {
  const { db } = world.database
  const root = await make()
  const kid = await child(root.id)
  const set = (id: string, columns: object) =>
    db.updateTable('chats').set(columns).where('id', '=', id).execute()
  await expect(set(kid.id, { pin_order: 1 })).rejects.toMatchObject({ code: '23514' })
  await expect(set(root.id, { pin_order: 1, archived: true, archived_at: new Date() })).rejects.toMatchObject(
    {
      code: '23514',
    },
  )
  for (const list of ['user_acl', 'group_acl'])
    await expect(set(kid.id, { [list]: JSON.stringify({ [adaId]: ['read'] }) })).rejects.toMatchObject({
      code: '23514',
    })
  const of = { organization_id: world.organizationId, enabled: true }
  const [stays, goes] = [await fixtures.mcpServerConfig(db, of), await fixtures.mcpServerConfig(db, of)]
  await set(root.id, { mcp_server_ids: [goes.id, stays.id] })
  await set(kid.id, { mcp_server_ids: [goes.id] })
  await db.deleteFrom('mcp_server_configs').where('id', '=', goes.id).execute()
  const shown = await ada.call(getChat, { params: { chat: root.id } })
  expect([shown.mcp_server_ids, shown.children[0]?.mcp_server_ids]).toEqual([[stays.id], []])
})
