import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { type ChatStreamEvent, getUser, updateChat } from '@slipway/contract'
import { fixtures, until } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import { ChatEvents } from './chat-events.ts'
import { ChatHub } from './chat-hub.ts'
import { StreamWorld } from './stream-world.fixture.ts'

let world: StreamWorld

beforeAll(async () => {
  world = await StreamWorld.start()
})
afterAll(() => world[Symbol.asyncDispose]())

const texts = (events: readonly ChatStreamEvent[]): string[] =>
  events.flatMap((event) => (event.message === undefined ? [] : [event.message.content[0]?.text ?? '']))

/** The answer to an upgrade that is refused. */
async function refusal(path: string, client = world.owner): Promise<number | undefined> {
  const socket = new WebSocket(`${world.server.url.replace('http', 'ws')}${path}`, {
    headers: client.headers,
  })
  return new Promise((resolve) => {
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode)
      socket.terminate()
    })
    socket.on('open', () => {
      resolve(undefined)
      socket.terminate()
    })
    socket.on('error', () => undefined)
  })
}

describe('the stream of a chat', () => {
  it('CH-901, CH-902: begins with what is there and goes on with what changes, in this order', async () => {
    const chat = await world.chat()
    await world.change(chat, (locked) => locked.sendIdle(world.says(chat, 'first')))
    await using followed = world.follow(chat)
    const snapshot = await followed.until('the snapshot', (event) => event.type === 'preview_reset')
    expect(followed.types).toEqual(['message', 'queue_update', 'status', 'preview_reset'])
    expect(followed.frames).toEqual([4])
    expect(texts(snapshot)).toEqual(['first'])
    expect(snapshot.every((event) => event.chat_id === chat.id)).toBe(true)
    const from = followed.events.length
    await world.change(chat, async (locked) => {
      await locked.commitStep([
        { role: 'assistant', parts: [{ type: 'text', text: 'answer' }], visibility: 'both' },
        { role: 'user', parts: [{ type: 'text', text: 'for the model' }], visibility: 'model' },
      ])
      await locked.enqueue(world.says(chat, 'second'))
    })
    await world.change(chat, (locked) => locked.finishTurn())
    const more = await followed.until('the next turn', (event) => texts([event]).includes('second'), from)
    expect(texts(more)).toEqual(['answer', 'second'])
    expect(more.map((event) => event.type).filter((type) => type !== 'preview_reset')).toEqual(
      expect.arrayContaining(['message', 'queue_update']),
    )
    const queues = more.filter((event) => event.type === 'queue_update')
    expect(queues.at(-1)?.queued_messages).toBeUndefined()
  })

  it('CH-904, T-15: an edit resets the history, and every message comes again', async () => {
    const chat = await world.chat()
    await world.change(chat, (locked) => locked.sendIdle(world.says(chat, 'one')))
    await world.change(chat, async (locked) => {
      await locked.commitStep([
        { role: 'assistant', parts: [{ type: 'text', text: 'answer one' }], visibility: 'both' },
      ])
      await locked.finishTurn()
    })
    await world.change(chat, (locked) => locked.sendIdle(world.says(chat, 'two')))
    await world.change(chat, (locked) => locked.enqueue(world.says(chat, 'waits')))
    await using followed = world.follow(chat)
    await followed.until('the snapshot', (event) => event.type === 'preview_reset')
    const two = followed.events.find((event) => texts([event]).includes('two'))?.message?.id ?? 0
    const from = followed.events.length
    // One that has come back, too, whatever it has held before.
    await using again = world.follow(chat, `?after_id=${two}`)
    await again.until('the snapshot', (event) => event.type === 'preview_reset')
    await world.change(chat, (locked) => locked.edit(two, async () => world.says(chat, 'two, better')))
    const more = await followed.until('the edit', (event) => event.type === 'preview_reset', from)
    expect(more.map((event) => event.type)).toEqual([
      'history_reset',
      'message',
      'message',
      'message',
      'queue_update',
      'preview_reset',
    ])
    expect(texts(more)).toEqual(['one', 'answer one', 'two, better'])
    await again.until('the edit', (event) => texts([event]).includes('two, better'))
    expect(texts(again.events)).toEqual(['one', 'answer one', 'two, better'])
  })

  it('CH-905, T-24: after_id leaves out what the client has, and nothing else', async () => {
    const chat = await world.chat()
    const {
      messages: [row],
    } = await world.change(chat, (locked) => locked.sendIdle(world.says(chat, 'had')))
    await using followed = world.follow(chat, `?after_id=${row?.id}`)
    await followed.until('the snapshot', (event) => event.type === 'preview_reset')
    expect(followed.types).toEqual(['queue_update', 'status', 'preview_reset'])
  })

  it('CH-9.1: errors, retries and the end of a failed turn are told once', async () => {
    const chat = await world.chat()
    await world.change(chat, (locked) => locked.sendIdle(world.says(chat, 'go')))
    await using followed = world.follow(chat)
    await followed.until('the snapshot', (event) => event.type === 'preview_reset')
    const from = followed.events.length
    const retry = {
      attempt: 1,
      delay_ms: 1000,
      error: 'busy',
      kind: 'overloaded' as const,
      retrying_at: new Date().toISOString(),
    }
    await world.change(chat, async (locked) => locked.noteAttempt())
    await followed.until('the attempt', (event) => event.type === 'preview_reset', from)
    await world.change(chat, async (locked) => locked.noteRetry(retry))
    await followed.until('the retry', (event) => event.type === 'retry', from)
    await world.change(chat, async (locked) =>
      locked.fail({ message: 'No', kind: 'auth', retryable: false, status_code: 401 }),
    )
    const more = await followed.until('the error', (event) => event.type === 'error', from)
    expect(more.map((event) => event.type)).toEqual(['preview_reset', 'retry', 'status', 'error'])
    expect(more[1]?.retry).toEqual(retry)
    expect(more[3]?.error).toEqual({ message: 'No', kind: 'auth', retryable: false, status_code: 401 })
    await using again = world.follow(chat)
    await again.until('the snapshot', (event) => event.type === 'error')
    expect(again.types.filter((type) => type === 'error')).toHaveLength(1)
  })

  it('CH-1501: calls that the client has to carry out are named, with their arguments as text', async () => {
    const chat = await world.chat({ dynamic_tools: JSON.stringify([{ name: 'ask' }]) })
    await world.change(chat, (locked) => locked.sendIdle(world.says(chat, 'go')))
    await using followed = world.follow(chat)
    await followed.until('the snapshot', (event) => event.type === 'preview_reset')
    await world.change(chat, async (locked) => {
      await locked.commitStep([
        {
          role: 'assistant',
          visibility: 'both',
          parts: [
            {
              type: 'tool-call',
              tool_call_id: 'c1',
              tool_name: 'ask',
              args: { a: 1 },
              created_at: new Date().toISOString(),
            },
          ],
        },
      ])
      locked.requireAction()
    })
    const [told] = (await followed.until('the calls', (event) => event.type === 'action_required')).slice(-1)
    expect(followed.events.find((event) => event.type === 'action_required')?.action_required).toEqual({
      tool_calls: [{ tool_call_id: 'c1', tool_name: 'ask', args: '{"a":1}' }],
    })
    expect(told).toBeDefined()
  })

  it('CH-901, CH-1501: the calls that are named are those of the moment that the status is of', async () => {
    const chat = await world.chat({ dynamic_tools: JSON.stringify([{ name: 'ask' }]) })
    const created_at = new Date().toISOString()
    const call = { tool_call_id: 'c', tool_name: 'ask', created_at }
    await world.change(chat, (locked) => locked.sendIdle(world.says(chat, 'go')))
    await world.change(chat, async (locked) => {
      await locked.commitStep([
        { role: 'assistant', parts: [{ type: 'tool-call', ...call, args: { n: 1 } }], visibility: 'both' },
      ])
      locked.requireAction()
    })
    const { database } = world.context
    // The client answers while the stream is about to tell.
    const events = new ChatEvents(
      {
        db: database.db,
        transaction: async (work, options) => {
          const read = await database.transaction(work, options)
          await world.change(chat, (locked) =>
            locked.completeAction([{ type: 'tool-result', ...call, result: 1 }]),
          )
          return read
        },
      },
      chat.id,
      0,
    )
    const actor = systemActor('chatd', 'a test reads a chat')
    const outcome = await events.sync(actor)
    expect(outcome?.events.find(({ type }) => type === 'action_required')?.action_required).toEqual({
      tool_calls: [{ tool_call_id: 'c', tool_name: 'ask', args: '{"n":1}' }],
    })
  })

  it('CH-9.1, CH-302: what cannot be streamed is refused before the upgrade', async () => {
    const chat = await world.chat()
    const stranger = await world.server.user('stranger')
    const path = `/api/experimental/chats/${chat.id}/stream`
    expect(await refusal(path)).toBeUndefined()
    expect(await refusal(`${path}?after_id=x`)).toBe(400)
    expect(await refusal(`${path}?after_id=-1`)).toBe(400)
    expect(await refusal(path, stranger)).toBe(404)
    expect(await refusal(`${path}/parts`, stranger)).toBe(404)
    expect(await refusal('/api/experimental/chats/00000000-0000-0000-0000-000000000000/stream')).toBe(404)
    expect(await refusal('/api/experimental/chats/none/stream')).toBe(400)
    // Only replicas have the proof that this takes.
    expect(await refusal(`/api/v2/replicas/chats/${chat.id}/parts`)).toBe(404)
  })

  it('CH-304, CH-307: a reader follows the chat and its children, and does not move the mark of its owner', async () => {
    const reader = await world.server.user('reader')
    const { id: readerId } = await reader.call(getUser, { params: { user: 'me' } })
    const root = await world.chat({ user_acl: JSON.stringify({ [readerId]: ['read'] }) })
    const child = await world.chat({ parent_chat_id: root.id, root_chat_id: root.id })
    await world.change(child, (locked) => locked.sendIdle(world.says(child, 'go')))
    await world.change(child, (locked) =>
      locked.commitStep([{ role: 'assistant', parts: [{ type: 'text', text: 'done' }], visibility: 'both' }]),
    )
    await using followed = world.follow(child, '', reader)
    await followed.until('the snapshot', (event) => event.type === 'preview_reset')
    expect(texts(followed.events)).toEqual(['go', 'done'])
    const mark = async (): Promise<number | null | undefined> =>
      (
        await world.context.database.db
          .selectFrom('chats')
          .select('last_read_message_id')
          .where('id', '=', child.id)
          .executeTakeFirst()
      )?.last_read_message_id
    expect(await mark()).toBeNull()
    // CH-907: the owner's own stream does.
    await using own = world.follow(child)
    await own.until('the snapshot', (event) => event.type === 'preview_reset')
    await until('the mark', async () => (await mark()) ?? undefined)
    // And again when it ends.
    const later = await world.change(child, (locked) =>
      locked.commitStep([{ role: 'assistant', parts: [{ type: 'text', text: 'more' }], visibility: 'both' }]),
    )
    await own.until('the later answer', (event) => texts([event]).includes('more'))
    expect(await mark()).toBeLessThan(later[0]?.id ?? 0)
    own.socket.close()
    await until('the later mark', async () => (await mark()) === later[0]?.id)
    // Who may not read any more is cut off.
    await world.context.database.db
      .updateTable('chats')
      .set({ user_acl: '{}' })
      .where('id', '=', root.id)
      .execute()
    const closed = new Promise<number>((resolve) => followed.socket.on('close', resolve))
    await world.change(child, async (locked) => locked.noteAttempt())
    expect(await closed).toBe(1008)
  })

  it('CH-903, T-25: a change that nobody was told of shows by the comparison of versions', async () => {
    const chat = await world.chat()
    const { db } = world.context.database
    await using hub = new ChatHub(
      { ...world.context, database: Object.create(world.context.database, { feed: { value: silentFeed } }) },
      20,
    )
    let touched = 0
    using _ = hub.listen(chat.id, { touch: () => (touched += 1), version: () => 1 })
    await db.updateTable('chats').set({ snapshot_version: 2 }).where('id', '=', chat.id).execute()
    await until('the comparison', async () => touched > 0 || undefined)
  })

  it('B-12: as server-sent events, which a client may come back to with the id of the last message', async () => {
    const chat = await world.chat()
    const {
      messages: [row],
    } = await world.change(chat, (locked) => locked.sendIdle(world.says(chat, 'first')))
    const stop = new AbortController()
    const read = async (headers: Record<string, string>): Promise<string> => {
      const answer = await fetch(`${world.server.url}/api/experimental/chats/${chat.id}/stream`, {
        headers: { ...world.owner.headers, Accept: 'text/event-stream', ...headers },
        signal: stop.signal,
      })
      expect(answer.headers.get('content-type')).toContain('text/event-stream')
      let text = ''
      for await (const chunk of answer.body ?? []) {
        text += Buffer.from(chunk).toString()
        if (text.includes('preview_reset')) return text
      }
      return text
    }
    const first = await read({})
    expect(first).toContain(`id: ${row?.id}\ndata: {"chat_id"`)
    expect(first).toContain('"first"')
    const second = await read({ 'Last-Event-ID': String(row?.id) })
    expect(second).not.toContain('"first"')
    expect(second).toContain('"running"')
    stop.abort()
  })

  it('CH-9.1: a long conversation comes in frames of 256 events at most', async () => {
    const chat = await world.chat()
    const { db } = world.context.database
    for (let i = 0; i < 3; i += 1)
      await world.change(chat, async (locked) => {
        if (i === 0) await locked.sendIdle(world.says(chat, 'start'))
        await locked.commitStep(
          Array.from({ length: 100 }, (_, n) => ({
            role: 'assistant' as const,
            parts: [{ type: 'text' as const, text: `${i * 100 + n}` }],
            visibility: 'both' as const,
          })),
        )
      })
    await using followed = world.follow(chat)
    await followed.until('the end', (event) => event.type === 'preview_reset')
    expect(Math.max(...followed.frames)).toBeLessThanOrEqual(256)
    expect(texts(followed.events)).toEqual(['start', ...Array.from({ length: 300 }, (_, n) => `${n}`)])
    await db.deleteFrom('chats').where('id', '=', chat.id).execute()
    await new Promise((resolve) => followed.socket.on('close', resolve))
  })
})

const silentFeed = { subscribe: () => ({ [Symbol.dispose]: () => undefined }) }

it('CH-1001, CH-1002: the owner is told of chats that are made, change and go, and others are not', async () => {
  const { db } = world.context.database
  const bystander = await world.server.user('bystander')
  const told: { kind: string; id: string; status: string }[] = []
  const heard: string[] = []
  const open = (client: typeof bystander, onEvent: (event: Record<string, unknown>) => void): WebSocket => {
    const socket = new WebSocket(`${world.server.url.replace('http', 'ws')}/api/experimental/chats/watch`, {
      headers: client.headers,
    })
    socket.on('message', (data) => onEvent(JSON.parse(String(data))))
    return socket
  }
  const opened = (socket: WebSocket): Promise<unknown> =>
    new Promise((resolve) => socket.once('open', resolve))
  const mine = open(world.owner, (event) => {
    const chat = Object(event.chat)
    told.push({ kind: String(event.kind), id: chat.id, status: chat.status })
  })
  const other = open(bystander, (event) => heard.push(String(event.kind)))
  await Promise.all([opened(mine), opened(other)])
  const chat = await world.chat()
  const kinds = (): string[] => told.filter((event) => event.id === chat.id).map((event) => event.kind)
  await until('the chat', async () => kinds().includes('created') || undefined)
  await world.change(chat, (locked) => locked.sendIdle(world.says(chat, 'go')))
  await until('its status', async () => kinds().includes('status_change') || undefined)
  await db.updateTable('chats').set({ title: 'Another' }).where('id', '=', chat.id).execute()
  await db.updateTable('chats').set({ last_turn_summary: 'Did it' }).where('id', '=', chat.id).execute()
  await world.change(chat, (locked) => locked.finishTurn())
  await until(
    'its end',
    async () => kinds().filter((kind) => kind === 'status_change').length === 2 || undefined,
  )
  await world.change(chat, async (locked) => locked.archive())
  await until('the archive', async () => kinds().includes('deleted') || undefined)
  await world.change(chat, async (locked) => locked.unarchive())
  await until(
    'its return',
    async () => kinds().filter((kind) => kind === 'created').length === 2 || undefined,
  )
  expect(kinds()).toEqual([
    'created',
    'status_change',
    'title_change',
    'summary_change',
    'status_change',
    'deleted',
    'created',
  ])
  expect(heard).toEqual([])
  // B-8: what is shared is told, from then on.
  const { id: bystanderId } = await bystander.call(getUser, { params: { user: 'me' } })
  await db
    .updateTable('chats')
    .set({ user_acl: JSON.stringify({ [bystanderId]: ['read'] }) })
    .where('id', '=', chat.id)
    .execute()
  let titles = 0
  await until('word of a shared chat', async () => {
    titles += 1
    await db
      .updateTable('chats')
      .set({ title: `title ${heard.length} ${titles}` })
      .where('id', '=', chat.id)
      .execute()
    return heard.includes('title_change') || undefined
  })
  mine.terminate()
  other.terminate()
})

it('B-8, CH-304: what is open to everyone of the organization is told to its members', async () => {
  const { db } = world.context.database
  const member = await world.server.user('everyone')
  const chat = await world.chat()
  const socket = new WebSocket(`${world.server.url.replace('http', 'ws')}/api/experimental/chats/watch`, {
    headers: member.headers,
  })
  const heard: string[] = []
  socket.on('message', (data) => heard.push(String(JSON.parse(String(data)).chat.id)))
  await new Promise((resolve) => socket.once('open', resolve))
  const set = (columns: object) => db.updateTable('chats').set(columns).where('id', '=', chat.id).execute()
  await set({ group_acl: JSON.stringify({ [world.organizationId]: ['read'] }) })
  let titles = 0
  await until('word of the chat', async () => {
    titles += 1
    await set({ title: `title ${titles}` })
    return heard.includes(chat.id)
  })
  socket.terminate()
})

it('CH-1001, CH-1002: each kind of change is told with the whole chat, without what only its page shows', async () => {
  const { db } = world.context.database
  const heard: { kind: string; chat: Record<string, unknown>; tool_calls?: unknown }[] = []
  const socket = new WebSocket(`${world.server.url.replace('http', 'ws')}/api/experimental/chats/watch`, {
    headers: world.owner.headers,
  })
  socket.on('message', (data) => heard.push(JSON.parse(String(data))))
  await new Promise((resolve) => socket.once('open', resolve))
  const root = await world.chat({ dynamic_tools: JSON.stringify([{ name: 'ask' }]) })
  const told = (kind: string, id = root.id) =>
    until(`word of ${kind}`, () => heard.find((event) => event.kind === kind && event.chat.id === id))
  const set = (columns: Parameters<typeof fixtures.chat>[1] & object) =>
    db.updateTable('chats').set(columns).where('id', '=', root.id).execute()
  await set({ summary: 'All of it' })
  expect((await told('chat_summary_change')).chat).toMatchObject({ summary: 'All of it', title: root.title })
  await set({ context_dirty_since: new Date() })
  await told('context_dirty')
  await fixtures.chatDiffStatus(db, { chat_id: root.id, git_branch: 'feature' })
  const { chat } = await told('diff_status_change')
  expect(chat).toMatchObject({ diff_status: { chat_id: root.id }, status: 'waiting' })
  expect([chat.files, chat.children]).toEqual([undefined, []])
  await world.change(root, (locked) => locked.sendIdle(world.says(root, 'go')))
  await world.change(root, async (locked) => {
    const call = {
      type: 'tool-call' as const,
      tool_call_id: 'w1',
      tool_name: 'ask',
      args: {},
      created_at: '',
    }
    await locked.commitStep([{ role: 'assistant', visibility: 'both', parts: [call] }])
    locked.requireAction()
  })
  expect((await told('action_required')).tool_calls).toEqual([
    { tool_call_id: 'w1', tool_name: 'ask', args: '{}' },
  ])
  const idle = await world.chat()
  const child = await world.chat({ parent_chat_id: idle.id, root_chat_id: idle.id })
  await world.owner.call(updateChat, { params: { chat: idle.id }, body: { archived: true } })
  await told('deleted', idle.id)
  await told('deleted', child.id)
  socket.terminate()
})
