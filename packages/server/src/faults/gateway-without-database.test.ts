import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createAIProvider,
  createFirstUser,
  createToken,
  getHealth,
  getUser,
  login,
  updateAIGatewaySettings,
  upsertAIModelPrices,
} from '@slipway/contract'
import {
  createTestDatabase,
  FakeModelProvider,
  Gate,
  openDatabase,
  PASSWORD,
  says,
  startServerProcess,
  until,
} from '@slipway/testkit'
import { DatabaseProxy } from '../ai-gateway/database-proxy.fixture.ts'
import type { Database } from '../database/index.ts'

const AWAY_MS = 30_000
const CHAT = '/api/v2/ai-gateway/openai/v1/chat/completions'
const hello = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }

let steps: AsyncDisposableStack
let upstream: FakeModelProvider
let proxy: DatabaseProxy
let database: Database
let folder: string
let server: Awaited<ReturnType<typeof startServerProcess>>
let owner: Client
let ownerId: string
let token: string

beforeAll(async () => {
  steps = new AsyncDisposableStack()
  upstream = steps.use(await FakeModelProvider.start())
  const { url } = steps.use(await createTestDatabase())
  proxy = steps.use(await DatabaseProxy.start(url))
  database = steps.use(await openDatabase(url))
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-fault-'))
  steps.defer(() => rm(folder, { recursive: true, force: true }))
  server = steps.use(
    await startServerProcess({
      CODER_PG_CONNECTION_URL: proxy.url,
      CODER_CONFIG_DIR: folder,
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_PROVISIONER_DAEMONS: '0',
    }),
  )
  const anonymous = new Client({ url: server.url })
  const body = { email: 'owner@example.com', username: 'owner', password: PASSWORD }
  await anonymous.call(createFirstUser, { body })
  const { session_token: session } = await anonymous.call(login, { body })
  const { key } = await new Client({ url: server.url, token: session }).call(createToken, {
    params: { user: 'me' },
    body: {},
  })
  token = key
  owner = new Client({ url: server.url, token })
  ownerId = (await owner.call(getUser, { params: { user: 'me' } })).id
  await owner.call(createAIProvider, {
    body: {
      type: 'openai',
      name: 'openai',
      enabled: true,
      base_url: `${upstream.url}/v1`,
      api_keys: ['sk-of-the-deployment-1'],
    },
  })
  await owner.call(upsertAIModelPrices, {
    body: {
      prices: [
        {
          provider: 'openai',
          model: 'gpt-test',
          input_price: 1_000_000,
          output_price: 0,
          cache_read_price: null,
          cache_write_price: null,
        },
      ],
    },
  })
})
afterAll(() => steps.disposeAsync())
beforeEach(() => {
  upstream.answer = () => ({ ...says('Hi'), usage: { input: 10, output: 2 } })
})

function ask(body: unknown = hello): Promise<Response> {
  return fetch(server.url + CHAT, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })
}

async function setFailOpen(record_fail_open: boolean): Promise<void> {
  await owner.call(updateAIGatewaySettings, { body: { record_fail_open } })
  // What the gateway knows of its caller comes from an ordinary request.
  const response = await ask()
  await response.text()
  const id = response.headers.get('x-slipway-interception-id')
  await until('its record', async () =>
    (await stored()).interceptions.some((one) => one.id === id && one.ended_at !== null),
  )
}

/** What is stored, by the ids of the requests. */
async function stored() {
  const { db } = database
  const interceptions = await db.selectFrom('aibridge_interceptions').selectAll().execute()
  const tokens = await db.selectFrom('aibridge_token_usages').selectAll().execute()
  const prompts = await db.selectFrom('aibridge_user_prompts').selectAll().execute()
  const spend = await db.selectFrom('ai_user_daily_spend').select('spend_micros').execute()
  return {
    interceptions,
    tokens,
    prompts,
    spend: spend.reduce((sum, { spend_micros }) => sum + spend_micros, 0),
  }
}

/** Asks without pause, several at once, until it is told to stop. */
function load(parallel: number) {
  const stop = new AbortController()
  const outcomes: { readonly status: number; readonly id: string | null; readonly ms: number }[] = []
  const one = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const began = performance.now()
      const response = await ask()
      await response.text()
      outcomes.push({
        status: response.status,
        id: response.headers.get('x-slipway-interception-id'),
        ms: performance.now() - began,
      })
      // A person does not ask a thousand times in a second.
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const all = Promise.all(Array.from({ length: parallel }, one))
  return {
    outcomes,
    async end() {
      stop.abort()
      await all
      return outcomes
    },
  }
}

describe('AG-B23: the database is away for 30 s under load', () => {
  it('AG-B23: with record_fail_open no client notices, and everything is recorded once', async () => {
    await setFailOpen(true)
    const before = await stored()
    const under = load(6)
    await until('some answers', () => under.outcomes.length > 20)
    proxy.takeAway()
    const gone = performance.now()
    await until('the time to pass', () => performance.now() - gone > AWAY_MS, AWAY_MS + 5_000)
    const during = under.outcomes.length
    proxy.bringBack()
    await until('answers after it', () => under.outcomes.length > during + 50)
    const outcomes = await under.end()
    expect(outcomes.filter(({ status }) => status !== 200)).toEqual([])
    expect(Math.max(...outcomes.map(({ ms }) => ms))).toBeLessThan(5_000)
    const ids = outcomes.map(({ id }) => id)
    const after = await until(
      'all records',
      async () => {
        const now = await stored()
        const ended = now.interceptions.filter(({ ended_at }) => ended_at !== null).length
        return ended === before.interceptions.length + ids.length ? now : undefined
      },
      60_000,
    )
    expect(new Set(after.interceptions.map(({ id }) => id))).toEqual(
      new Set([...before.interceptions.map(({ id }) => id), ...ids]),
    )
    for (const rows of [after.tokens, after.prompts]) {
      expect(rows).toHaveLength(after.interceptions.length)
      expect(new Set(rows.map(({ interception_id }) => interception_id)).size).toBe(rows.length)
    }
    // Each is charged once: ten tokens, at a dollar for a million.
    expect(after.spend).toBe(after.interceptions.length * 10)
    await until('an empty folder', async () => (await spooled()).length === 0)
  }, 180_000)

  it('AG-78: without it requests are refused, and those that had begun are recorded afterwards', async () => {
    await setFailOpen(false)
    const before = await stored()
    const gate = new Gate()
    upstream.answer = () => ({
      steps: ['Hi ', { wait: gate.opened }, 'there'],
      usage: { input: 10, output: 2 },
    })
    const streams = await Promise.all(Array.from({ length: 20 }, () => ask({ ...hello, stream: true })))
    expect(streams.every(({ status }) => status === 200)).toBe(true)
    proxy.takeAway()
    const began = performance.now()
    const refused = await ask()
    expect([refused.status, performance.now() - began < 3_000]).toEqual([500, true])
    expect(await refused.json()).toMatchObject({ error: { code: 'internal_error' } })
    gate.open()
    for (const stream of streams) expect(await stream.text()).toContain('[DONE]')
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(await spooled()).toEqual([])
    proxy.bringBack()
    await until(
      'all ends',
      async () => {
        const { interceptions, tokens } = await stored()
        const ended = interceptions.filter(({ ended_at }) => ended_at !== null).length
        return ended === before.interceptions.length + 20 && tokens.length === ended
      },
      60_000,
    )
    expect((await until('an answer', async () => ((r) => (r.ok ? r : undefined))(await ask()))).status).toBe(
      200,
    )
  }, 180_000)

  it('AG-B23: what was recorded meanwhile outlives kill -9', async () => {
    await setFailOpen(true)
    const before = await stored()
    proxy.takeAway()
    const ids: (string | null)[] = []
    for (let count = 0; count < 10; count += 1) {
      const response = await ask()
      expect(response.status).toBe(200)
      await response.text()
      ids.push(response.headers.get('x-slipway-interception-id'))
    }
    // Of what comes in the last tenth of a second before it nothing is promised.
    await until('all of them on disk', async () => {
      const texts = await Promise.all((await spooled()).map((file) => readFile(file, 'utf8')))
      // Of an earlier one, too, the server may not have heard that it is stored.
      return ids.every((id) => id !== null && texts.some((text) => text.includes(id)))
    })
    for (const file of await spooled()) expect((await stat(file)).mode & 0o777).toBe(0o600)
    await server.kill()
    const [file = ''] = await spooled()
    await appendFile(file, '{"kind":"interception","beg\n')
    proxy.bringBack()
    await server.start()
    await until(
      'all records',
      async () => {
        const { interceptions } = await stored()
        const known = new Set(interceptions.flatMap(({ id, ended_at }) => (ended_at === null ? [] : [id])))
        return ids.every((id) => id !== null && known.has(id))
      },
      60_000,
    )
    const after = await stored()
    expect(after.interceptions).toHaveLength(before.interceptions.length + ids.length)
    expect(after.interceptions.every(({ initiator_id }) => initiator_id === ownerId)).toBe(true)
    await until('an empty folder', async () => (await spooled()).length === 0)
    // What a disk has damaged is lost, and said to be.
    expect(
      await (await fetch(`${server.url}/api/v2/debug/metrics`, { headers: owner.headers })).text(),
    ).toContain('coder_ai_gateway_records_lost_total{reason="damaged"} 1\n')
    const { ai_gateway: health } = await owner.call(getHealth, { query: { force: true } })
    expect(health).toMatchObject({ records: { lost: 1, last_lost_at: expect.any(String) } })
  }, 180_000)
})

it('decision 16: kill -9 under load loses the records of the last moment alone, and those whole', async () => {
  await setFailOpen(false)
  const answered: { readonly id: string | null; readonly began: number; readonly ended: number }[] = []
  const dead = new AbortController()
  const one = async (): Promise<void> => {
    while (!dead.signal.aborted) {
      const began = performance.now()
      const response = await ask().catch(() => undefined)
      const text = await response?.text().catch(() => undefined)
      if (response?.status === 200 && text !== undefined)
        answered.push({
          id: response.headers.get('x-slipway-interception-id'),
          began,
          ended: performance.now(),
        })
    }
  }
  const all = Promise.all(Array.from({ length: 6 }, one))
  await until('many answers', () => answered.length > 300)
  const mark = answered.at(-1)
  await until('one of them to be stored', async () =>
    (await stored()).interceptions.some(({ id, ended_at }) => id === mark?.id && ended_at !== null),
  )
  await server.kill()
  dead.abort()
  await all
  await server.start()
  const { interceptions, tokens, prompts } = await stored()
  const ended = new Set(interceptions.flatMap(({ id, ended_at }) => (ended_at === null ? [] : [id])))
  const lost = answered.filter(({ id }) => id === null || !ended.has(id))
  // Whatever had ended before that one began is stored: only what came with it or later may be lost.
  expect(lost.filter((answer) => answer.ended < (mark?.began ?? 0))).toEqual([])
  for (const parts of [tokens, prompts])
    expect(new Set(parts.map(({ interception_id }) => interception_id))).toEqual(ended)
}, 180_000)

it('AG-23: the memory of a server stays as it was while a client does not read', async () => {
  const piece = 'x'.repeat(64 * 1024)
  upstream.answer = () => ({ steps: Array.from({ length: 6_000 }, () => piece) })
  await (await ask()).body?.cancel()
  const before = await server.memory()
  const left = new AbortController()
  const sent = httpRequest(server.url + CHAT, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    signal: left.signal,
  })
  sent.on('error', () => undefined)
  const messages = [{ role: 'user', content: 'Say a lot' }]
  sent.end(JSON.stringify({ ...hello, messages, stream: true }))
  await once(sent, 'response')
  const request = await upstream.nextRequest(({ text }) => text.includes('Say a lot'))
  let seen = -1
  await until('the provider to stand still', async () => {
    const now = request.sentBytes
    const stands = now === seen && now > 0
    seen = now
    await fetch(`${server.url}/healthz`)
    return stands
  })
  // Of 375 MiB.
  expect((await server.memory()) - before).toBeLessThan(96 * 1024 * 1024)
  left.abort()
  expect(await request.ended()).toBe('aborted')
})

/** Files of records that wait; not those that are still being written. */
async function spooled(): Promise<string[]> {
  const entries = await readdir(path.join(folder, 'ai-gateway-records'), {
    recursive: true,
    withFileTypes: true,
  }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.jsonl'))
    .map((entry) => path.join(entry.parentPath, entry.name))
}
