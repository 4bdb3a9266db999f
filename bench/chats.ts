import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  type ChatModelConfig,
  type ChatStreamEvent,
  createAIProvider,
  createChat,
  createChatModelConfig,
  getChat,
  getUser,
  sendChatMessage,
  streamChat,
} from '@slipway/contract'
import { machineMicroseconds, timedChunks } from '../packages/testkit/src/model-provider/named-answers.ts'
import { type Bench, median, owner, quantile, run, runServer, scratch } from './harness.ts'

const MONITOR = fileURLToPath(new URL('event-loop.ts', import.meta.url))
/** Chats that only load what all need, and those that are measured, one after the other. */
const WARM_UP = 10
const CHATS = 60
/** Chats that stream at the same time, with chunks a second each, and how many. */
const CROWD = 100
const RATE = 50
const CHUNKS = 500
/** A long chat: messages of both sides, how many are sent before it is waited for them, and how often it is opened. */
const MESSAGES = 1000
const AT_A_TIME = 10
const OPENED = 20

/** From the making of a chat to its first token, the delay of each chunk, and many chats at once (issue 5). */
export const chats: Bench = async () => {
  await using place = await scratch()
  await using provider = await run(['bench/model-provider.ts'])
  const lateness = path.join(place.folder, 'event-loop')
  await using server = await runServer(place.folder, undefined, {
    NODE_OPTIONS: `--import=${MONITOR}`,
    EVENT_LOOP_FILE: lateness,
  })
  const client = await owner(server.url)
  const models = await modelsOf(client, provider.url, ['ok', `stream-${CHUNKS}@${RATE}`])
  const organization = (await client.call(getUser, { params: { user: 'me' } })).organization_ids[0] ?? ''
  const start = (model: ChatModelConfig) =>
    client.call(createChat, {
      body: {
        organization_id: organization,
        model_config_id: model.id,
        content: [{ type: 'text', text: 'Hello' }],
      },
    })
  const [quick, streaming] = models
  if (quick === undefined || streaming === undefined) throw new Error('there are no models')

  const first: number[] = []
  for (let n = 0; n < WARM_UP + CHATS; n += 1) {
    const before = performance.now()
    const chat = await start(quick)
    await using watched = await watch(client, chat.id)
    await watched.firstPart
    if (n >= WARM_UP) first.push(performance.now() - before)
    await watched.end
  }
  const direct: number[] = []
  for (let n = 0; n < CHATS; n += 1) direct.push(await firstBytes(provider.url))

  const snapshots = await snapshotsOf(client, (await start(quick)).id)

  const one = await crowd(client, start, streaming, 1)
  const bare = await bareStream(provider.url)
  const from = (await readFile(lateness)).length
  const cpu = await server.processorTime()
  const begun = performance.now()
  const all = await crowd(client, start, streaming, CROWD)
  const busy = ((await server.processorTime()) - cpu) / 1000 / (performance.now() - begun)
  return [
    {
      what: 'POST /chats to the first token that a client sees',
      measured: `${median(first).toFixed(1)} ms (p95 ${quantile(first, 0.95).toFixed(1)} ms)`,
      baseline: `${median(direct).toFixed(1)} ms to the first bytes of the provider itself`,
      result: `${(median(first) - median(direct)).toFixed(1)} ms`,
      wanted: 'at most 40 ms',
    },
    {
      what: `stream of a chat of ${MESSAGES} messages, from the request to the end of its snapshot`,
      measured: `${median(snapshots).toFixed(1)} ms (p95 ${quantile(snapshots, 0.95).toFixed(1)} ms)`,
      baseline: 'none',
      result: `${median(snapshots).toFixed(1)} ms`,
      wanted: 'at most 150 ms',
    },
    {
      what: `delay of a chunk from provider to client, one chat at ${RATE} chunks/s`,
      measured: `${median(one.delays).toFixed(2)} ms (p99 ${quantile(one.delays, 0.99).toFixed(2)} ms)`,
      baseline: `${median(bare).toFixed(2)} ms from the provider itself`,
      result: `${(median(one.delays) - median(bare)).toFixed(2)} ms`,
      wanted: 'at most 3 ms',
    },
    {
      what: `${CROWD} chats streaming at ${RATE} chunks/s each`,
      measured: `${all.lost} lost, ${all.reordered} reordered; delay ${median(all.delays).toFixed(1)} ms, p99 ${quantile(all.delays, 0.99).toFixed(1)} ms; ${(busy * 100).toFixed(0)} % of a processor`,
      baseline: `${CROWD * CHUNKS} chunks sent`,
      result: `event loop p99 ${(await eventLoopP99(lateness, from)).toFixed(1)} ms`,
      wanted: '0 lost, 0 reordered, event loop p99 at most 50 ms',
    },
  ]
}

async function modelsOf(client: Client, url: string, names: readonly string[]): Promise<ChatModelConfig[]> {
  const provider = await client.call(createAIProvider, {
    body: { type: 'openai', name: 'bench', base_url: `${url}/v1`, api_keys: ['sk-bench'], enabled: true },
  })
  const made: ChatModelConfig[] = []
  for (const model of names)
    made.push(
      await client.call(createChatModelConfig, {
        body: { ai_provider_id: provider.id, model, context_limit: 1_000_000 },
      }),
    )
  return made
}

/** Makes a chat long and opens its stream several times: milliseconds until it has told everything that there is. */
async function snapshotsOf(client: Client, chat: string): Promise<readonly number[]> {
  const rest = async (): Promise<void> => {
    for (;;) {
      const { status, last_error } = await client.call(getChat, { params: { chat } })
      if (status === 'waiting') return
      if (status === 'error') throw new Error(JSON.stringify(last_error))
      await delay(10)
    }
  }
  for (let sent = 1; sent < MESSAGES / 2; sent += 1) {
    if (sent % AT_A_TIME === 0) await rest()
    await client.call(sendChatMessage, {
      params: { chat },
      body: { content: [{ type: 'text', text: `Message ${sent}` }], busy_behavior: 'queue' },
    })
  }
  await rest()
  const url = client.address(streamChat, { params: { chat } }).replace('http', 'ws')
  const took: number[] = []
  for (let n = 0; n < OPENED; n += 1) {
    const before = performance.now()
    const socket = new WebSocket(url, { headers: client.headers })
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('message', (frame) => {
        const events: readonly ChatStreamEvent[] = JSON.parse(String(frame))
        if (events.some(({ type }) => type === 'preview_reset')) resolve()
      })
    })
    took.push(performance.now() - before)
    socket.terminate()
  }
  return took
}

/** A stream of a chat, by its events. */
interface Watched extends AsyncDisposable {
  readonly firstPart: Promise<void>
  /** When the turn is over. */
  readonly end: Promise<void>
  /** Delays of chunks in milliseconds, and their numbers, in the order in which they came. */
  readonly delays: readonly number[]
  readonly order: readonly number[]
}

async function watch(client: Client, chat: string): Promise<Watched> {
  const url = client.address(streamChat, { params: { chat } }).replace('http', 'ws')
  const socket = new WebSocket(url, { headers: client.headers })
  const part = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const delays: number[] = []
  const order: number[] = []
  let previewed = false
  socket.on('message', (frame) => {
    const now = machineMicroseconds()
    const events: readonly ChatStreamEvent[] = JSON.parse(String(frame))
    for (const event of events) {
      if (event.type === 'message_part' && event.message_part?.part.type === 'text') {
        part.resolve()
        previewed = true
        for (const { index, sentAt } of timedChunks(event.message_part.part.text ?? '')) {
          delays.push((now - sentAt) / 1000)
          order.push(index)
        }
      }
      if (event.type === 'message' && event.message?.role === 'assistant') {
        part.resolve()
        // Who comes late has the answer at once.
        if (!previewed)
          order.push(...timedChunks(event.message.content[0]?.text ?? '').map(({ index }) => index))
      }
      if (event.status?.status === 'waiting') end.resolve()
      if (event.status?.status === 'error') end.reject(new Error(JSON.stringify(events)))
    }
  })
  await once(socket, 'open')
  return {
    firstPart: part.promise,
    end: end.promise,
    delays,
    order,
    async [Symbol.asyncDispose]() {
      socket.terminate()
    },
  }
}

async function crowd(
  client: Client,
  start: (model: ChatModelConfig) => Promise<{ readonly id: string }>,
  model: ChatModelConfig,
  size: number,
): Promise<{ readonly delays: readonly number[]; readonly lost: number; readonly reordered: number }> {
  const delays: number[] = []
  let lost = 0
  let reordered = 0
  await Promise.all(
    Array.from({ length: size }, async () => {
      await using watched = await watch(client, (await start(model)).id)
      await watched.end
      delays.push(...watched.delays)
      lost += CHUNKS - new Set(watched.order).size
      reordered += watched.order.filter((index, at) => at > 0 && index < (watched.order[at - 1] ?? 0)).length
    }),
  )
  return { delays, lost, reordered }
}

/** A streamed request to the provider itself. */
async function ask(url: string, model: string): Promise<ReadableStream<Uint8Array>> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
  })
  if (answer.body === null) throw new Error('the provider does not answer')
  return answer.body
}

async function firstBytes(url: string): Promise<number> {
  const before = performance.now()
  const body = await ask(url, 'ok')
  let took = 0
  for await (const _ of body) if (took === 0) took = performance.now() - before
  return took
}

async function bareStream(url: string): Promise<readonly number[]> {
  const delays: number[] = []
  for await (const bytes of await ask(url, `stream-${CHUNKS}@${RATE}`)) {
    const now = machineMicroseconds()
    for (const { sentAt } of timedChunks(Buffer.from(bytes).toString())) delays.push((now - sentAt) / 1000)
  }
  return delays
}

/** How late the timers of the server were since a place in the file, in milliseconds: 99 of 100 were earlier. */
async function eventLoopP99(file: string, from: number): Promise<number> {
  const lines = (await readFile(file, 'utf8')).slice(from).split('\n')
  return quantile(lines.filter((line) => line !== '').map(Number), 0.99)
}
