import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase, until } from '@slipway/testkit'
import { systemActor } from '../../authz/index.ts'
import type { Database } from '../../database/index.ts'
import { ApiError } from '../../errors/index.ts'
import type { Part } from '../parts.ts'
import { changeChat } from './change-chat.ts'
import { type Fence, FencedOff } from './fence.ts'
import type { LockedChat } from './locked-chat.ts'

const actor = systemActor('chatd', 'chats are changed to see what comes of it')
const steps = new AsyncDisposableStack()
let database: Database
let context: Parameters<typeof changeChat>[0]
let shared: {
  readonly owner_id: string
  readonly organization_id: string
  readonly last_model_config_id: string
}

const NOW = new Date('2026-03-01T12:00:00Z')

beforeAll(async () => {
  const copy = steps.use(await createTestDatabase())
  database = steps.use(await openDatabase(copy.url))
  context = { database, clock: { now: () => NOW } }
  const { db } = database
  shared = {
    owner_id: (await fixtures.user(db)).id,
    organization_id: (await fixtures.organization(db)).id,
    last_model_config_id: (await fixtures.chatModelConfig(db)).id,
  }
})
afterAll(() => steps.disposeAsync())

const STATES = ['W', 'E0', 'E1', 'R0', 'R1', 'I0', 'I1', 'A0', 'A1', 'XW', 'XE0', 'XE1'] as const
type State = (typeof STATES)[number]

const STATUS = {
  W: 'waiting',
  E: 'error',
  R: 'running',
  I: 'interrupting',
  A: 'requires_action',
} as const

const ERROR = { message: 'It failed.', kind: 'generic', retryable: false } as const
const said = (text: string): Part[] => [{ type: 'text', text }]

/** A chat in a state, with a question, an answer that calls a tool, and so many messages that wait. */
async function chatIn(state: State, queued = state.endsWith('1') ? 1 : 0): Promise<string> {
  const archived = state.startsWith('X')
  const letter = (archived ? state[1] : state[0]) as keyof typeof STATUS
  return make(STATUS[letter], archived, queued)
}

async function make(
  status: (typeof STATUS)['W' | 'E' | 'R' | 'I' | 'A'],
  archived: boolean,
  queued: number,
): Promise<string> {
  const { db } = database
  const chat = await fixtures.chat(db, {
    ...shared,
    status,
    archived,
    archived_at: archived ? NOW : null,
    last_error: status === 'error' ? JSON.stringify(ERROR) : null,
    requires_action_deadline_at: status === 'requires_action' ? NOW : null,
  })
  await fixtures.chatMessage(db, { chat, content: JSON.stringify(said('question')) })
  await fixtures.chatMessage(db, {
    chat,
    role: 'assistant',
    content: JSON.stringify([
      { type: 'tool-call', tool_call_id: 'own', tool_name: 'ask', args: {}, created_at: NOW.toISOString() },
      {
        type: 'tool-call',
        tool_call_id: 'provider',
        tool_name: 'web_search',
        args: {},
        created_at: NOW.toISOString(),
        provider_executed: true,
      },
    ]),
  })
  for (let n = 1; n <= queued; n += 1)
    await fixtures.chatQueuedMessage(db, { chat, content: JSON.stringify(said(`waits ${n}`)) })
  return chat.id
}

const rowOf = (id: string) =>
  database.db.selectFrom('chats').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
const queueOf = (id: string) =>
  database.db
    .selectFrom('chat_queued_messages')
    .selectAll()
    .where('chat_id', '=', id)
    .orderBy('position')
    .execute()
const messagesOf = (id: string) =>
  database.db.selectFrom('chat_messages').selectAll().where('chat_id', '=', id).orderBy('id').execute()

async function stateOf(id: string): Promise<string> {
  const row = await rowOf(id)
  const letter = Object.entries(STATUS).find(([, status]) => status === row.status)?.[0] ?? '?'
  const queued = (await queueOf(id)).length
  return `${row.archived ? 'X' : ''}${letter}${letter === 'W' ? '' : queued > 0 ? 1 : 0}`
}

const message = (text = 'more') => ({
  parts: said(text),
  modelConfigId: shared.last_model_config_id,
  reasoningEffort: null,
  createdBy: shared.owner_id,
})
const answer = { role: 'assistant', parts: said('an answer'), visibility: 'both' } as const

/** Each operation, done to a chat that `chatIn` has made. */
const OPERATIONS = {
  'send, idle': (chat: LockedChat) => chat.sendIdle(message()),
  'finish turn': (chat: LockedChat) => chat.finishTurn(),
  'send, queue': (chat: LockedChat) => chat.enqueue(message()),
  'send, interrupt': (chat: LockedChat) => chat.sendInterrupt(message()),
  edit: async (chat: LockedChat) => {
    const first = (await messagesOf(chat.row.id)).find((row) => row.role === 'user' && !row.deleted)
    return chat.edit(first?.id ?? 0, async () => message('another question'))
  },
  interrupt: (chat: LockedChat) => chat.interrupt(),
  'finish interruption': (chat: LockedChat) => chat.finishInterruption([answer]),
  'commit step': (chat: LockedChat) => chat.commitStep([answer]),
  fail: async (chat: LockedChat) => chat.fail(ERROR),
  'delete queued': async (chat: LockedChat) => chat.deleteQueued((await queueOf(chat.row.id))[0]?.id ?? 0),
  'promote queued': async (chat: LockedChat) =>
    chat.promoteQueued((await queueOf(chat.row.id)).at(-1)?.id ?? 0),
  'require action': async (chat: LockedChat) => chat.requireAction(),
  'complete action': (chat: LockedChat) =>
    chat.completeAction([
      {
        type: 'tool-result',
        tool_call_id: 'own',
        tool_name: 'ask',
        result: 1,
        created_at: NOW.toISOString(),
      },
    ]),
  'cancel action': (chat: LockedChat) => chat.cancelAction('too late'),
  archive: async (chat: LockedChat) => chat.archive(),
  unarchive: async (chat: LockedChat) => chat.unarchive(),
  'request compaction': async (chat: LockedChat) => chat.requestCompaction(),
} as const
type Name = keyof typeof OPERATIONS

/** CH-§2, with one message in every queue that is not empty. */
const TABLE: Readonly<Record<Name, string>> = {
  'send, idle': 'W>R0 E0>R0 E1>R1',
  'finish turn': 'R0>W R1>R0',
  'send, queue': 'R0>R1 R1>R1 I0>I1 I1>I1 A0>A1 A1>A1',
  'send, interrupt': 'R0>I1 R1>I1 I0>I1 I1>I1 A0>R1 A1>R1',
  edit: 'W>R0 E0>R0 E1>R0 R0>R0 R1>R0 I0>R0 I1>R0 A0>R0 A1>R0',
  interrupt: 'R0>I0 R1>I1 A0>R0 A1>R1',
  'finish interruption': 'I0>W I1>R0',
  'commit step': 'R0>R0 R1>R1',
  fail: 'R0>E0 R1>E1 W>E0',
  'delete queued': 'E1>E0 R1>R0 I1>I0 A1>A0',
  'promote queued': 'E1>R0 A1>R0 R1>I1 I1>I1',
  'require action': 'R0>A0 R1>A1',
  'complete action': 'A0>R0 A1>R1',
  'cancel action': 'A0>R0 A1>R1',
  archive: 'W>XW E0>XE0 E1>XE1',
  unarchive: 'XW>W XE0>E0 XE1>E1',
  'request compaction': 'W>R0 E0>R0 E1>R1',
}
const NAMES = Object.keys(OPERATIONS) as Name[]

const expected = (name: Name, from: State): string | undefined =>
  TABLE[name]
    .split(' ')
    .map((pair) => pair.split('>'))
    .find(([start]) => start === from)?.[1]

const run = (id: string, name: Name, fence?: Fence) =>
  changeChat(context, actor, id, async (chat) => void (await OPERATIONS[name](chat)), fence)

const refusalOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work
    return undefined
  } catch (error) {
    return error instanceof ApiError ? error.status : error
  }
}

describe.each(NAMES)('CH-201…CH-217, CH-220: %s', (name) => {
  it.each(STATES)('in %s', async (from) => {
    const id = await chatIn(from)
    const before = await rowOf(id)
    const to = expected(name, from)
    const status = await refusalOf(run(id, name))
    expect(status).toBe(to === undefined ? 409 : undefined)
    expect(await stateOf(id)).toBe(to ?? from)
    const after = await rowOf(id)
    // A refusal leaves nothing behind; whatever was done has exactly one version (CH-110).
    if (to === undefined) expect(after).toEqual(before)
    else expect(after.snapshot_version).toBe(before.snapshot_version + 1)
    // CH-222.
    if (to !== undefined && !to.includes('E')) expect(after.last_error).toBeNull()
    if (to?.includes('E') === true) expect(after.last_error).not.toBeNull()
    expect(after.requires_action_deadline_at !== null).toBe(after.status === 'requires_action')
  })

  it('of a chat in a state that no chat may be in', async () => {
    for (const [status, archived, queued] of [
      ['waiting', false, 1],
      ['waiting', true, 1],
      ['running', true, 0],
      ['interrupting', true, 1],
      ['requires_action', true, 0],
    ] as const) {
      const id = await make(status, archived, queued)
      const before = await rowOf(id)
      await expect(run(id, name)).rejects.toMatchObject({
        status: 409,
        message: 'Chat is in an invalid state.',
      })
      expect(await rowOf(id)).toEqual(before)
    }
  })
})

it('CH-216: a chat in an invalid state is reset, and no other is', async () => {
  for (const [status, archived, queued, to] of [
    ['waiting', false, 1, 'E1'],
    ['running', true, 0, 'E0'],
    ['requires_action', true, 1, 'E1'],
  ] as const) {
    const id = await make(status, archived, queued)
    await changeChat(context, actor, id, (chat) => chat.reconcile({ ...ERROR, message: 'reset' }))
    expect(await stateOf(id)).toBe(to)
    expect(await rowOf(id)).toMatchObject({
      archived: false,
      archived_at: null,
      last_error: { message: 'reset' },
      requires_action_deadline_at: null,
    })
    expect(await answersOf(id)).toEqual({ own: 'error' })
  }
  const valid = await chatIn('W')
  await expect(
    changeChat(context, actor, valid, (chat) => chat.reconcile({ ...ERROR })),
  ).rejects.toMatchObject({ status: 409 })
})

/** What the calls of a chat were answered with. */
async function answersOf(id: string): Promise<Record<string, string>> {
  const rows = await messagesOf(id)
  const parts = rows
    .filter((row) => !row.deleted && row.role === 'tool')
    .flatMap((row) => row.content as object[])
  return Object.fromEntries(
    parts.map((part) => [
      String(Reflect.get(part, 'tool_call_id')),
      Reflect.get(part, 'is_error') === true ? 'error' : 'result',
    ]),
  )
}

describe('CH-221: history stays replayable', () => {
  it.each([
    ['send, idle', 'W'],
    ['send, idle', 'E1'],
    ['finish turn', 'R1'],
    ['send, interrupt', 'A0'],
    ['interrupt', 'A1'],
    ['finish interruption', 'I0'],
    ['finish interruption', 'I1'],
    ['promote queued', 'E1'],
    ['promote queued', 'A1'],
    ['cancel action', 'A0'],
  ] as const)(
    '%s in %s answers the open calls of this server with an error, and no others',
    async (name, from) => {
      const id = await chatIn(from)
      if (name === 'finish interruption') {
        await changeChat(context, actor, id, async (chat) => void (await chat.finishInterruption([])))
      } else await run(id, name)
      expect(await answersOf(id)).toEqual({ own: 'error' })
      const rows = await messagesOf(id)
      const result = rows.findIndex((row) => row.role === 'tool')
      const next = rows.findIndex((row, at) => at > 1 && row.role === 'user')
      if (next !== -1) expect(result).toBeLessThan(next)
    },
  )

  it('a call that was answered gets no other answer, and an edit takes away what was called', async () => {
    const answered = await chatIn('A0')
    await run(answered, 'complete action')
    await run(answered, 'finish turn')
    await run(answered, 'send, idle')
    expect(await answersOf(answered)).toEqual({ own: 'result' })
    const edited = await chatIn('W')
    await run(edited, 'edit')
    expect(await answersOf(edited)).toEqual({})
  })

  it('an interruption says so in an object, any other end in a text', async () => {
    const reasons: unknown[] = []
    for (const [name, from] of [
      ['send, idle', 'W'],
      ['finish interruption', 'I0'],
    ] as const) {
      const id = await chatIn(from)
      if (from === 'I0')
        await changeChat(context, actor, id, async (chat) => void (await chat.finishInterruption([])))
      else await run(id, name)
      const tools = (await messagesOf(id)).filter((row) => row.role === 'tool')
      reasons.push(
        ...tools.flatMap((row) => row.content as object[]).map((part) => Reflect.get(part, 'result')),
      )
    }
    expect(reasons).toEqual([
      'The tool call was cancelled because the conversation went on without it.',
      { error: 'tool call was interrupted before it produced a result' },
    ])
  })
})

describe('the queue', () => {
  it('T-12, CH-130: twenty wait at most', async () => {
    const id = await chatIn('R1', 20)
    await expect(run(id, 'send, queue')).rejects.toMatchObject({
      status: 429,
      message: 'Message queue is full.',
    })
    await expect(run(id, 'send, interrupt')).rejects.toMatchObject({ status: 429 })
    expect(await queueOf(id)).toHaveLength(20)
    expect((await rowOf(id)).status).toBe('running')
  })

  it('CH-202: after an error the head goes first, and the new message to the end', async () => {
    const id = await chatIn('E1', 2)
    await changeChat(context, actor, id, async (chat) => {
      const { queued, messages } = await chat.sendIdle(message('new'))
      expect(queued?.content).toEqual(said('new'))
      expect(messages.at(-1)?.content).toEqual(said('waits 1'))
    })
    expect((await queueOf(id)).map((row) => row.content)).toEqual([said('waits 2'), said('new')])
  })

  it('CH-203, CH-208: the head is next, and its author, model and effort go with it', async () => {
    const { db } = database
    const model = await fixtures.chatModelConfig(db)
    for (const [name, from] of [
      ['finish turn', 'R0'],
      ['finish interruption', 'I0'],
    ] as const) {
      const id = await chatIn(from)
      await fixtures.chatQueuedMessage(db, {
        chat_id: id,
        config: model,
        reasoning_effort: 'high',
        content: JSON.stringify(said('head')),
      })
      await run(id, name)
      expect((await messagesOf(id)).at(-1)).toMatchObject({
        role: 'user',
        content: said('head'),
        created_by: shared.owner_id,
        model_config_id: model.id,
        reasoning_effort: 'high',
      })
      expect(await rowOf(id)).toMatchObject({ last_model_config_id: model.id, last_reasoning_effort: 'high' })
    }
  })

  it('CH-205: what interrupts waits behind what waited before', async () => {
    const id = await chatIn('R1')
    await run(id, 'send, interrupt')
    expect((await queueOf(id)).map((row) => row.content)).toEqual([said('waits 1'), said('more')])
  })

  it('CH-212: what is promoted is next, and the others keep their order', async () => {
    const busy = await chatIn('R1', 3)
    await run(busy, 'promote queued')
    expect((await queueOf(busy)).map((row) => row.content)).toEqual([
      said('waits 3'),
      said('waits 1'),
      said('waits 2'),
    ])
    const idle = await chatIn('E1', 3)
    await run(idle, 'promote queued')
    expect((await queueOf(idle)).map((row) => row.content)).toEqual([said('waits 1'), said('waits 2')])
    expect((await messagesOf(idle)).at(-1)?.content).toEqual(said('waits 3'))
  })

  it('CH-211: what is not in it cannot be taken out or promoted', async () => {
    const [id, other] = [await chatIn('R1'), await chatIn('R1')]
    const [foreign] = await queueOf(other)
    for (const name of ['deleteQueued', 'promoteQueued'] as const)
      await expect(
        changeChat(context, actor, id, async (chat) => void (await chat[name](foreign?.id ?? 0))),
      ).rejects.toMatchObject({ status: 404 })
    expect(await queueOf(other)).toHaveLength(1)
  })

  it('CH-206: an edit empties it and takes everything after the message away', async () => {
    const id = await chatIn('R1', 2)
    const [question, reply] = await messagesOf(id)
    const { deleted, messages } = await changeChat(context, actor, id, (chat) =>
      chat.edit(question?.id ?? 0, async (old) => {
        expect(old.content).toEqual(said('question'))
        return message('another')
      }),
    )
    expect(deleted).toEqual([question?.id, reply?.id])
    expect(await queueOf(id)).toEqual([])
    const left = (await messagesOf(id)).filter((row) => !row.deleted)
    expect(left.map((row) => row.content)).toEqual([said('another')])
    expect(messages.map((row) => row.id)).toEqual(left.map((row) => row.id))
    expect(left[0]?.id).toBeGreaterThan(reply?.id ?? 0)
  })

  it('T-16: only live messages of users can be edited', async () => {
    const id = await chatIn('W')
    const [question, reply] = await messagesOf(id)
    const edit = (one: number) =>
      changeChat(context, actor, id, async (chat) => void (await chat.edit(one, async () => message())))
    await expect(edit(reply?.id ?? 0)).rejects.toMatchObject({ status: 400 })
    await expect(edit(1)).rejects.toMatchObject({ status: 404 })
    await edit(question?.id ?? 0)
    await expect(edit(question?.id ?? 0)).rejects.toMatchObject({ status: 404 })
  })
})

describe('CH-110: versions', () => {
  it('the history is as new as the change that touched it, and tries are counted anew', async () => {
    const id = await chatIn('R0')
    await changeChat(context, actor, id, async (chat) => {
      expect(chat.noteAttempt()).toBe(1)
    })
    await changeChat(context, actor, id, async (chat) =>
      chat.noteRetry({
        attempt: 1,
        delay_ms: 1000,
        error: 'x',
        kind: 'overloaded',
        retrying_at: NOW.toISOString(),
      }),
    )
    const waiting = await rowOf(id)
    expect(waiting).toMatchObject({ generation_attempt: 1 })
    expect(waiting.retry_state).not.toBeNull()
    expect(waiting.retry_state_version).toBe(waiting.snapshot_version)
    await run(id, 'commit step')
    const after = await rowOf(id)
    expect(after).toMatchObject({ generation_attempt: 0, retry_state: null })
    expect(after.history_version).toBe(after.snapshot_version)
    expect(after.retry_state_version).toBe(after.snapshot_version)
    expect((await messagesOf(id)).at(-1)?.revision).toBe(after.snapshot_version)
    expect(after.queue_version).toBe(0)
  })

  it('several transitions of one transaction are one version', async () => {
    const id = await chatIn('R0')
    const before = await rowOf(id)
    await changeChat(context, actor, id, async (chat) => {
      await chat.commitStep([answer])
      await chat.finishTurn()
    })
    expect((await rowOf(id)).snapshot_version).toBe(before.snapshot_version + 1)
    expect(await stateOf(id)).toBe('W')
  })

  it('the queue is as new as the change that touched it', async () => {
    const id = await chatIn('R0')
    for (const name of ['send, queue', 'send, queue', 'promote queued', 'delete queued'] as const) {
      const { history_version } = await rowOf(id)
      await run(id, name)
      const row = await rowOf(id)
      expect(row.queue_version, name).toBe(row.snapshot_version)
      expect(row.history_version, name).toBe(history_version)
    }
  })

  it('what is derived cannot be assigned', async () => {
    const { db } = database
    const id = await chatIn('W')
    const [question] = await messagesOf(id)
    const set = (revision: number) =>
      db
        .updateTable('chat_messages')
        .set({ revision })
        .where('id', '=', question?.id ?? 0)
        .execute()
    await expect(set(7)).rejects.toThrow('revision is derived')
    await expect(
      db.updateTable('chats').set({ retry_state_version: 7 }).where('id', '=', id).execute(),
    ).rejects.toThrow('retry_state_version is derived')
    await expect(fixtures.chatMessage(db, { chat_id: id, revision: 3 })).rejects.toThrow(
      'revision is derived',
    )
  })

  it('an update that changes nothing, or only what searches look at, changes no version', async () => {
    const { db } = database
    const id = await chatIn('W')
    await run(id, 'send, idle')
    const before = [await rowOf(id), await messagesOf(id)] as const
    await db.updateTable('chat_messages').set({ visibility: 'both' }).where('chat_id', '=', id).execute()
    await db.updateTable('chat_messages').set({ deleted: false }).where('chat_id', '=', id).execute()
    expect([await rowOf(id), await messagesOf(id)]).toEqual(before)
    await db
      .updateTable('chat_messages')
      .set((eb) => ({ search_tsv: eb.fn('to_tsvector', [eb.val('simple'), eb.val('x')]) }))
      .where('chat_id', '=', id)
      .execute()
    expect(await rowOf(id)).toEqual(before[0])
    expect((await messagesOf(id)).map((row) => row.revision)).toEqual(before[1].map((row) => row.revision))
  })

  it('CH-112: messages of one insert have ids in their order', async () => {
    const id = await chatIn('R0')
    const texts = Array.from({ length: 50 }, (_, n) => `part ${n}`)
    const rows = await changeChat(context, actor, id, (chat) =>
      chat.commitStep(texts.map((text) => ({ ...answer, parts: said(text) }))),
    )
    expect(rows.map((row) => row.content)).toEqual(texts.map(said))
    expect(rows.map((row) => row.id)).toEqual(rows.map((row) => row.id).sort((a, b) => a - b))
  })

  it('CH-215: a wish for compaction advances the history without a message', async () => {
    const id = await chatIn('E0')
    const before = await messagesOf(id)
    await run(id, 'request compaction')
    const row = await rowOf(id)
    expect(row).toMatchObject({
      compaction_requested_at: NOW,
      generation_attempt: 0,
      worker_id: null,
      runner_id: null,
    })
    expect(row.history_version).toBe(row.snapshot_version)
    expect(await messagesOf(id)).toEqual(before)
  })
})

it('CH-223: a wish for compaction survives acquire, abandon, archive and enqueue, and nothing else', async () => {
  const wish = (id: string) =>
    database.db.updateTable('chats').set({ compaction_requested_at: NOW }).where('id', '=', id).execute()
  const kept: Name[] = []
  for (const name of NAMES) {
    const from = STATES.find((state) => expected(name, state) !== undefined) ?? 'W'
    const id = await chatIn(from)
    await wish(id)
    await run(id, name)
    if ((await rowOf(id)).compaction_requested_at !== null) kept.push(name)
  }
  expect(kept).toEqual(['send, queue', 'archive', 'unarchive', 'request compaction'])
  const id = await chatIn('R0')
  await wish(id)
  const runner = '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11'
  await changeChat(context, actor, id, async (chat) => chat.acquire(runner, runner))
  await changeChat(context, actor, id, async (chat) => chat.abandon())
  expect((await rowOf(id)).compaction_requested_at).toEqual(NOW)
})

it('CH-1012: the label of a turn is gone after an error, an interruption and a queue that goes on', async () => {
  for (const [from, name] of [
    ['R0', 'fail'],
    ['I0', 'finish interruption'],
    ['R1', 'finish turn'],
  ] as const) {
    const id = await chatIn(from)
    const label = { last_turn_summary: 'Fixed the tests' }
    await database.db.updateTable('chats').set(label).where('id', '=', id).execute()
    await run(id, name)
    expect((await rowOf(id)).last_turn_summary, name).toBeNull()
  }
})

it('CH-606: a run that believes something else changes nothing', async () => {
  const runner = '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11'
  const id = await chatIn('R0')
  await changeChat(context, actor, id, async (chat) => chat.acquire(runner, runner))
  const row = await rowOf(id)
  const fence: Fence = { runnerId: runner, status: 'running', historyVersion: row.history_version }
  for (const wrong of [
    { runnerId: '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e12' },
    { status: 'interrupting' },
    { historyVersion: row.history_version + 1 },
  ] as const) {
    await expect(run(id, 'commit step', { ...fence, ...wrong })).rejects.toThrow(FencedOff)
    expect(await rowOf(id)).toEqual(row)
  }
  await run(id, 'commit step', fence)
  expect((await rowOf(id)).history_version).toBeGreaterThan(row.history_version)
})

it('CH-107: taking up and letting go are not seen, and neither is a rename', async () => {
  const id = await chatIn('R0')
  const { updated_at } = await rowOf(id)
  const runner = '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11'
  await changeChat(context, actor, id, async (chat) => chat.acquire(runner, runner))
  expect((await rowOf(id)).updated_at).toEqual(updated_at)
  const { snapshot_version } = await rowOf(id)
  await database.db.updateTable('chats').set({ title: 'other' }).where('id', '=', id).execute()
  expect(await rowOf(id)).toMatchObject({ snapshot_version, updated_at })
})

it('CH-214: lists keep their order when a chat is archived and comes back', async () => {
  const id = await chatIn('W')
  const { updated_at } = await rowOf(id)
  for (const name of ['archive', 'unarchive'] as const) {
    await run(id, name)
    expect((await rowOf(id)).updated_at, name).toEqual(updated_at)
  }
})

it('CH-206, CH-603: two who edit at once are one after the other', async () => {
  const id = await chatIn('W')
  await Promise.all(Array.from({ length: 8 }, () => run(id, 'edit').catch(() => undefined)))
  const live = (await messagesOf(id)).filter((row) => !row.deleted)
  expect(live.filter((row) => row.role === 'user')).toHaveLength(1)
  expect(await stateOf(id)).toBe('R0')
})

it('CH-110, CH-203: a message that is queued while a turn waits to end is not forgotten', async () => {
  const id = await chatIn('R0')
  const queued = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const sends = changeChat(context, actor, id, async (chat) => {
    await chat.enqueue(message('waits'))
    queued.resolve()
    await ended.promise
  })
  await queued.promise
  const finishes = run(id, 'finish turn')
  await until('the end of the turn to wait for the lock', async () => {
    const { rows } = await sql<{ waiting: number }>`
      select count(*)::integer as waiting from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`.execute(database.db)
    return rows[0]?.waiting === 1
  })
  ended.resolve()
  await Promise.all([sends, finishes])
  expect(await stateOf(id)).toBe('R0')
  expect((await messagesOf(id)).at(-1)?.content).toEqual(said('waits'))
})
