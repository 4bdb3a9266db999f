import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase } from '@slipway/testkit'
import { systemActor } from '../../authz/index.ts'
import type { Database } from '../../database/index.ts'
import { ApiError } from '../../errors/index.ts'
import type { Part } from '../parts.ts'
import { changeChat } from './change-chat.ts'
import type { LockedChat } from './locked-chat.ts'

const actor = systemActor('chatd', 'chats are changed to see what comes of it')
const steps = new AsyncDisposableStack()
const NOW = new Date('2026-03-01T12:00:00Z')
let database: Database
let shared: {
  readonly owner_id: string
  readonly organization_id: string
  readonly last_model_config_id: string
}

beforeAll(async () => {
  const copy = steps.use(await createTestDatabase())
  database = steps.use(await openDatabase(copy.url))
  const { db } = database
  shared = {
    owner_id: (await fixtures.user(db)).id,
    organization_id: (await fixtures.organization(db)).id,
    last_model_config_id: (await fixtures.chatModelConfig(db)).id,
  }
})
afterAll(() => steps.disposeAsync())

const ACTIONS = [
  'send',
  'interrupting send',
  'edit',
  'interrupt',
  'finish turn',
  'finish interruption',
  'commit call',
  'commit answer',
  'fail',
  'delete first',
  'promote last',
  'require action',
  'complete action',
  'cancel action',
  'archive',
  'unarchive',
  'request compaction',
  'acquire',
  'abandon',
  'attempt',
  'retry',
] as const
type Action = (typeof ACTIONS)[number]

/** What keeps chats at work comes often, so that the walks come far. */
const OFTEN: Readonly<Partial<Record<Action, number>>> = {
  send: 8,
  'interrupting send': 2,
  'commit call': 4,
  'finish turn': 3,
  'finish interruption': 3,
  unarchive: 3,
}
const weighted = fc.oneof(
  ...ACTIONS.map((action) => ({ weight: OFTEN[action] ?? 1, arbitrary: fc.constant(action) })),
)

/** What a chat should be, told by chapter 04 alone. */
interface Model {
  readonly status: 'waiting' | 'running' | 'interrupting' | 'requires_action' | 'error'
  readonly archived: boolean
  /** Texts that wait. */
  readonly queue: readonly string[]
  /** Each message as one word: `u:text`, `a`, `a+call`, `t`. */
  readonly history: readonly string[]
  readonly snapshot: number
  readonly historyVersion: number
  readonly queueVersion: number
  readonly retryVersion: number
  readonly attempt: number
  readonly retrying: boolean
  readonly compaction: boolean
  readonly owned: boolean
}

/** Answers the call of the last answer, if it is open. */
const answered = (history: readonly string[]): string[] => {
  const last = history.findLastIndex((entry) => entry.startsWith('a'))
  const open = history[last] === 'a+call' && !history.slice(last + 1).includes('t')
  return open ? [...history, 't'] : [...history]
}

const busy = (model: Model): boolean => ['running', 'interrupting', 'requires_action'].includes(model.status)

/** What comes of an action; undefined where it is refused. `text` is of the message that is sent. */
function next(model: Model, action: Action, text: string): Partial<Model> | undefined {
  const { status, queue, archived } = model
  const history = answered(model.history)
  const starts = (entries: readonly string[], waiting: readonly string[]): Partial<Model> => ({
    status: 'running',
    history: entries,
    queue: waiting,
  })
  /** The head of the queue, or nothing. */
  const goOn = (entries: readonly string[]): Partial<Model> => {
    const [head, ...rest] = queue
    return head === undefined
      ? { status: 'waiting', history: entries, owned: false }
      : starts([...answered(entries), `u:${head}`], rest)
  }
  const stop = (waiting: readonly string[]): Partial<Model> =>
    status === 'requires_action'
      ? { status: 'running', history, queue: waiting }
      : { status: 'interrupting', queue: waiting }
  if (action === 'acquire') return { owned: true }
  if (action === 'abandon') return { owned: false }
  if (action === 'attempt') return { attempt: model.attempt + 1, retrying: false }
  if (action === 'retry') return { retrying: true }
  if (archived) return action === 'unarchive' ? { archived: false } : undefined
  switch (action) {
    case 'send': {
      if (busy(model)) return queue.length < 20 ? { queue: [...queue, text] } : undefined
      const [head, ...rest] = [...queue, text]
      return queue.length < 20 ? starts([...history, `u:${head}`], rest) : undefined
    }
    case 'interrupting send':
      return busy(model) && queue.length < 20 ? stop([...queue, text]) : undefined
    case 'edit': {
      const first = model.history.findIndex((entry) => entry.startsWith('u:'))
      return first === -1 ? undefined : starts([...answered(model.history.slice(0, first)), `u:${text}`], [])
    }
    case 'interrupt':
      return status === 'running' || status === 'requires_action' ? stop(queue) : undefined
    case 'finish turn':
      return status === 'running' ? goOn(model.history) : undefined
    case 'finish interruption':
      return status === 'interrupting' ? goOn(history) : undefined
    case 'commit call':
      return status === 'running' ? { history: [...model.history, 'a+call'] } : undefined
    case 'commit answer':
      return status === 'running' ? { history: [...model.history, 'a'] } : undefined
    case 'fail':
      return status === 'running' || (status === 'waiting' && queue.length === 0)
        ? { status: 'error', owned: false }
        : undefined
    case 'delete first':
      return queue.length > 0 && status !== 'waiting' ? { queue: queue.slice(1) } : undefined
    case 'promote last': {
      const last = queue.at(-1)
      if (last === undefined) return undefined
      const rest = queue.slice(0, -1)
      return status === 'running' || status === 'interrupting'
        ? { status: 'interrupting', queue: [last, ...rest] }
        : starts([...history, `u:${last}`], rest)
    }
    case 'require action':
      return status === 'running' ? { status: 'requires_action' } : undefined
    case 'complete action':
      return status === 'requires_action'
        ? { status: 'running', history: [...model.history, 't'] }
        : undefined
    case 'cancel action':
      return status === 'requires_action' ? { status: 'running', history } : undefined
    case 'archive':
      return busy(model) ? undefined : { archived: true }
    case 'unarchive':
      return undefined
    case 'request compaction':
      return busy(model) ? undefined : { status: 'running', compaction: true, owned: false }
  }
}

const KEEPS = new Set<Action>(['archive', 'unarchive', 'acquire', 'abandon', 'attempt', 'retry'])

/** The model after an action that was done, with its versions (CH-110). */
function advance(model: Model, action: Action, change: Partial<Model>): Model {
  const snapshot = model.snapshot + 1
  const after = { ...model, ...change, snapshot }
  const spoke = after.history.join() !== model.history.join() || action === 'edit'
  const history = spoke || action === 'request compaction'
  const attempt = history ? 0 : after.attempt
  const retrying = attempt === model.attempt ? after.retrying : false
  const enqueues = action === 'send' && busy(model)
  const keeps = KEEPS.has(action) || enqueues || action === 'request compaction'
  return {
    ...after,
    historyVersion: history ? snapshot : model.historyVersion,
    queueVersion: touchesQueue(model, action) ? snapshot : model.queueVersion,
    attempt,
    retrying,
    retryVersion:
      retrying !== model.retrying || (retrying && action === 'retry') ? snapshot : model.retryVersion,
    compaction: keeps ? after.compaction : false,
  }
}

function touchesQueue(model: Model, action: Action): boolean {
  const waiting = model.queue.length > 0
  switch (action) {
    case 'send':
      return busy(model) || waiting
    case 'interrupting send':
    case 'delete first':
    case 'promote last':
      return true
    case 'edit':
    case 'finish turn':
    case 'finish interruption':
      return waiting
    default:
      return false
  }
}

const said = (text: string): Part[] => [{ type: 'text', text }]
const call: Part = {
  type: 'tool-call',
  tool_call_id: 'c',
  tool_name: 'ask',
  args: {},
  created_at: NOW.toISOString(),
}

async function perform(chat: LockedChat, action: Action, text: string): Promise<void> {
  const { db } = database
  const message = {
    parts: said(text),
    modelConfigId: shared.last_model_config_id,
    reasoningEffort: null,
    createdBy: shared.owner_id,
  }
  const queued = async (end: 'first' | 'last'): Promise<number> => {
    const rows = await db
      .selectFrom('chat_queued_messages')
      .select('id')
      .where('chat_id', '=', chat.row.id)
      .orderBy('position')
      .execute()
    return (end === 'first' ? rows[0] : rows.at(-1))?.id ?? 0
  }
  switch (action) {
    case 'send':
      return void (await (['waiting', 'error'].includes(chat.row.status)
        ? chat.sendIdle(message)
        : chat.enqueue(message)))
    case 'interrupting send':
      return void (await chat.sendInterrupt(message))
    case 'edit': {
      const row = await db
        .selectFrom('chat_messages')
        .select('id')
        .where('chat_id', '=', chat.row.id)
        .where('role', '=', 'user')
        .where('deleted', '=', false)
        .orderBy('id')
        .executeTakeFirst()
      return void (await chat.edit(row?.id ?? 0, async () => message))
    }
    case 'interrupt':
      return void (await chat.interrupt())
    case 'finish turn':
      return void (await chat.finishTurn())
    case 'finish interruption':
      return void (await chat.finishInterruption([]))
    case 'commit call':
      return void (await chat.commitStep([{ role: 'assistant', parts: [call], visibility: 'both' }]))
    case 'commit answer':
      return void (await chat.commitStep([{ role: 'assistant', parts: said('x'), visibility: 'both' }]))
    case 'fail':
      return chat.fail({ message: 'It failed.', kind: 'generic', retryable: false })
    case 'delete first':
      return chat.deleteQueued(await queued('first'))
    case 'promote last':
      return void (await chat.promoteQueued(await queued('last')))
    case 'require action':
      return chat.requireAction()
    case 'complete action':
      return void (await chat.completeAction([
        {
          type: 'tool-result',
          tool_call_id: 'c',
          tool_name: 'ask',
          result: 1,
          created_at: NOW.toISOString(),
        },
      ]))
    case 'cancel action':
      return void (await chat.cancelAction('too late'))
    case 'archive':
      return chat.archive()
    case 'unarchive':
      return chat.unarchive()
    case 'request compaction':
      return chat.requestCompaction()
    case 'acquire':
      return chat.acquire(shared.owner_id, shared.owner_id)
    case 'abandon':
      return chat.abandon()
    case 'attempt':
      return void chat.noteAttempt()
    case 'retry':
      return chat.noteRetry({
        attempt: chat.row.generation_attempt,
        // Never twice the same, as in life.
        delay_ms: chat.row.snapshot_version,
        error: 'x',
        kind: 'overloaded',
        retrying_at: NOW.toISOString(),
      })
  }
}

/** What the database has. */
async function read(id: string): Promise<Model> {
  const { db } = database
  const row = await db.selectFrom('chats').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const messages = await db
    .selectFrom('chat_messages')
    .select(['role', 'content'])
    .where('chat_id', '=', id)
    .where('deleted', '=', false)
    .orderBy('id')
    .execute()
  const queue = await db
    .selectFrom('chat_queued_messages')
    .select('content')
    .where('chat_id', '=', id)
    .orderBy('position')
    .execute()
  const textOf = (content: unknown): string => String(Reflect.get(Object((content as unknown[])[0]), 'text'))
  return {
    status: row.status,
    archived: row.archived,
    queue: queue.map(({ content }) => textOf(content)),
    history: messages.map(({ role, content }) => {
      if (role === 'user') return `u:${textOf(content)}`
      if (role === 'tool') return 't'
      return JSON.stringify(content).includes('tool-call') ? 'a+call' : 'a'
    }),
    snapshot: row.snapshot_version,
    historyVersion: row.history_version,
    queueVersion: row.queue_version,
    retryVersion: row.retry_state_version,
    attempt: row.generation_attempt,
    retrying: row.retry_state !== null,
    compaction: row.compaction_requested_at !== null,
    owned: row.runner_id !== null,
  }
}

it('CH-110, CH-220…CH-223: whatever is done in whatever order, a chat is what the table says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(weighted, { minLength: 10, maxLength: 40 }), async (actions) => {
      const chat = await fixtures.chat(database.db, shared)
      let model = await read(chat.id)
      for (const [step, action] of actions.entries()) {
        const text = `text ${step}`
        const change = next(model, action, text)
        const refused = await changeChat({ database, clock: { now: () => NOW } }, actor, chat.id, (locked) =>
          perform(locked, action, text),
        ).then(
          () => false,
          (error: unknown) => {
            if (error instanceof ApiError && error.status < 500) return true
            throw error
          },
        )
        expect([action, refused]).toEqual([action, change === undefined])
        if (change !== undefined) model = advance(model, action, change)
        expect([action, await read(chat.id)]).toEqual([action, model])
      }
    }),
    { numRuns: 40 },
  )
}, 120_000)
