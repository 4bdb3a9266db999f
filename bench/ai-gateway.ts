import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

import { createAIProvider } from '@slipway/contract'
import { timedChunks } from '../packages/testkit/src/model-provider/named-answers.ts'
import {
  type Bench,
  COLLECTING,
  type Figure,
  type MemoryOfEach,
  median,
  memoryOfEach,
  owner,
  run,
  runServer,
  type Subject,
  scratch,
} from './harness.ts'
import { type ModelLoad, type ModelOutcome, modelLoad } from './model-load.ts'
import { runPortkey } from './portkey.ts'

const UNRECORDED = fileURLToPath(new URL('unrecorded.ts', import.meta.url))
const SECONDS = 5
const ROUNDS = 3
/** Requests at the same time where throughput is measured, and streams. */
const CONNECTIONS = 32
const STREAMS = 20
/** A stream as fast as it goes. */
const FAST = 'stream-400'
/** Streams that must lose nothing, with events a second each, and how many. */
const CROWD = 256
const RATE = 50
const EVENTS = 500
/** Streams that are open while memory is measured, and that join them then. */
const OPEN = 1_000

/** A way to the provider. */
interface Way {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** What the gateway adds to a provider that is asked directly, and to a bare proxy (issue 6). */
export const aiGateway: Bench = async () => {
  await using place = await scratch()
  await using provider = await run(['bench/model-provider.ts'])
  await using server = await runServer(place.folder)
  await using bare = await run(['bench/bare-proxy.ts', provider.url])
  const key = (await keyOf(server.url, provider.url)).key
  const path = '/v1/chat/completions'
  const direct: Way = { url: `${provider.url}${path}`, headers: {} }
  const proxy: Way = { url: `${bare.url}${path}`, headers: {} }
  const gateway: Way = {
    url: `${server.url}/api/v2/ai-gateway/bench${path}`,
    headers: { Authorization: `Bearer ${key}` },
  }
  // What comes after it is asked of a server that has run for a while: it reaches its speed after some 60,000 requests.
  const answers = await throughput(direct, proxy, gateway)
  return [
    ...answers,
    ...(await againstPortkey(provider.url, direct, gateway)),
    ...(await addedLatency(direct, gateway)),
    await crowd(gateway),
    ...(await memoryOfStreams(provider.url)),
    await recordingOff(provider.url, gateway),
  ]
}

async function keyOf(url: string, providerUrl: string): Promise<{ readonly key: string }> {
  const client = await owner(url)
  await client.call(createAIProvider, {
    body: {
      type: 'openai',
      name: 'bench',
      base_url: `${providerUrl}/v1`,
      api_keys: ['sk-bench'],
      enabled: true,
    },
  })
  return { key: client.headers['Coder-Session-Token'] ?? '' }
}

const asking = (model: string, stream: boolean): string =>
  JSON.stringify({ model, ...(stream ? { stream } : {}), messages: [{ role: 'user', content: 'Hello' }] })

/** Ways by turns, so that what else the machine does falls on all of them; each figure is the median of its rounds. */
async function byTurns(
  ways: readonly Way[],
  what: Pick<ModelLoad, 'body' | 'connections' | 'perSecond'>,
): Promise<readonly ModelOutcome[]> {
  const outcomes: ModelOutcome[][] = ways.map(() => [])
  for (let round = 0; round <= ROUNDS; round += 1)
    for (const [index, way] of ways.entries()) {
      const outcome = await modelLoad({ ...way, ...what, seconds: SECONDS })
      // The first round is for the compilers of all of them.
      if (round > 0) outcomes[index]?.push(outcome)
    }
  return outcomes.map((rounds) => ({
    rate: median(rounds.map(({ rate }) => rate)),
    events: median(rounds.map(({ events }) => events)),
    median: median(rounds.map((one) => one.median)),
    p99: median(rounds.map(({ p99 }) => p99)),
    firstMedian: median(rounds.map(({ firstMedian }) => firstMedian)),
    firstP99: median(rounds.map(({ firstP99 }) => firstP99)),
  }))
}

const ms = (value: number): string => `${value.toFixed(2)} ms`

async function addedLatency(direct: Way, gateway: Way): Promise<readonly Figure[]> {
  const [base, ours] = await byTurns([direct, gateway], { body: asking('ok', false), connections: 1 })
  const [baseStreams, ourStreams] = await byTurns([direct, gateway], {
    body: asking('stream-5@50', true),
    connections: STREAMS,
  })
  if (!base || !ours || !baseStreams || !ourStreams) throw new Error('a way was not measured')
  return [
    {
      what: 'added latency, one connection',
      measured: `median ${ms(ours.median)}, p99 ${ms(ours.p99)}`,
      baseline: `median ${ms(base.median)}, p99 ${ms(base.p99)} (the provider itself)`,
      result: `+ ${ms(ours.median - base.median)} / + ${ms(ours.p99 - base.p99)}`,
      wanted: 'at most + 0.4 ms / + 0.9 ms',
    },
    {
      what: `added time to the first byte, ${STREAMS} parallel streams`,
      measured: `median ${ms(ourStreams.firstMedian)}, p99 ${ms(ourStreams.firstP99)}`,
      baseline: `median ${ms(baseStreams.firstMedian)}, p99 ${ms(baseStreams.firstP99)} (the provider itself)`,
      result: `+ ${ms(ourStreams.firstMedian - baseStreams.firstMedian)} / + ${ms(ourStreams.firstP99 - baseStreams.firstP99)}`,
      wanted: 'at most + 1.5 ms / + 6 ms',
    },
  ]
}

async function throughput(direct: Way, proxy: Way, gateway: Way): Promise<readonly Figure[]> {
  const [, bare, ours] = await byTurns([direct, proxy, gateway], {
    body: asking('ok', false),
    connections: CONNECTIONS,
  })
  const [bareStreams, ourStreams] = await byTurns([proxy, gateway], {
    body: asking(FAST, true),
    connections: STREAMS,
  })
  if (!bare || !ours || !bareStreams || !ourStreams) throw new Error('a way was not measured')
  return [
    {
      what: `answers in a second, ${CONNECTIONS} connections`,
      measured: `${ours.rate.toFixed(0)}/s`,
      baseline: `${bare.rate.toFixed(0)}/s (a bare undici proxy)`,
      result: (ours.rate / bare.rate).toFixed(2),
      wanted: 'at least 0.6',
    },
    {
      what: `chunks of streams in a second, ${STREAMS} connections`,
      measured: `${ourStreams.events.toFixed(0)}/s`,
      baseline: `${bareStreams.events.toFixed(0)}/s (a bare undici proxy)`,
      result: (ourStreams.events / bareStreams.events).toFixed(2),
      wanted: 'at least 0.7',
    },
  ]
}

async function againstPortkey(providerUrl: string, direct: Way, gateway: Way): Promise<readonly Figure[]> {
  await using other = await runPortkey()
  const theirs: Way = {
    url: `${other.url}/v1/chat/completions`,
    headers: {
      Authorization: 'Bearer sk-bench',
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `${providerUrl}/v1`,
    },
  }
  const body = asking('ok', false)
  const [ours, portkey] = await byTurns([gateway, theirs], { body, connections: CONNECTIONS })
  if (!ours || !portkey) throw new Error('a way was not measured')
  // At a pace that both can keep.
  const perSecond = Math.floor(Math.min(ours.rate, portkey.rate) / 3)
  const [base, oursPaced, portkeyPaced] = await byTurns([direct, gateway, theirs], {
    body,
    connections: CONNECTIONS,
    perSecond,
  })
  if (!base || !oursPaced || !portkeyPaced) throw new Error('a way was not measured')
  const added = (outcome: ModelOutcome): number => Math.max(0.01, outcome.p99 - base.p99)
  return [
    {
      what: `answers in a second, ${CONNECTIONS} connections, against another gateway`,
      measured: `${ours.rate.toFixed(0)}/s`,
      baseline: `${portkey.rate.toFixed(0)}/s (@portkey-ai/gateway)`,
      result: (ours.rate / portkey.rate).toFixed(2),
      wanted: 'at least 4',
    },
    {
      what: `added p99 at ${perSecond} requests/s, against another gateway`,
      measured: ms(added(oursPaced)),
      baseline: `${ms(added(portkeyPaced))} (@portkey-ai/gateway)`,
      result: (added(portkeyPaced) / added(oursPaced)).toFixed(2),
      wanted: 'at least 3',
    },
  ]
}

/** One stream over a bare socket; resolves when it has ended. */
function openStream(way: Way, model: string): { readonly socket: Socket; readonly text: Promise<string> } {
  const { hostname, port, pathname, host } = new URL(way.url)
  const body = asking(model, true)
  const socket = connect(Number(port), hostname)
  const headers = Object.entries(way.headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers.join('')}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  const text = new Promise<string>((resolve, reject) => {
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()))
  })
  return { socket, text }
}

async function crowd(gateway: Way): Promise<Figure> {
  const texts = await Promise.all(
    Array.from({ length: CROWD }, () => openStream(gateway, `stream-${EVENTS}@${RATE}`).text),
  )
  let lost = 0
  let reordered = 0
  let stalled = 0
  for (const text of texts) {
    if (!text.startsWith('HTTP/1.1 200')) throw new Error(text.slice(0, 600))
    if (!text.includes('[DONE]')) stalled += 1
    const order = timedChunks(text).map(({ index }) => index)
    lost += EVENTS - new Set(order).size
    reordered += order.filter((index, at) => at > 0 && index < (order[at - 1] ?? 0)).length
  }
  return {
    what: `${CROWD} parallel streams at ${RATE} events/s`,
    measured: `${stalled} stalled, ${lost} lost, ${reordered} reordered`,
    baseline: `${CROWD * EVENTS} events sent`,
    result: `${stalled + lost + reordered}`,
    wanted: '0',
  }
}

/** What a stream takes of a bare proxy says how much of it is sockets and their parsers. */
async function memoryOfStreams(providerUrl: string): Promise<readonly Figure[]> {
  const measure = async (env: Readonly<Record<string, string>>) => {
    await using place = await scratch()
    await using server = await runServer(place.folder, undefined, env)
    await using bare = await run(['bench/bare-proxy.ts', providerUrl], env)
    const gateway: Way = {
      url: `${server.url}/api/v2/ai-gateway/bench/v1/chat/completions`,
      headers: { Authorization: `Bearer ${(await keyOf(server.url, providerUrl)).key}` },
    }
    return {
      ours: await memoryOfOpen(server, gateway),
      theirs: await memoryOfOpen(bare, { url: `${bare.url}/v1/chat/completions`, headers: {} }),
    }
  }
  const kept = await measure(COLLECTING)
  const grown = await measure({})
  const figure = (what: string, ours: number, theirs: number): Figure => ({
    what,
    measured: `${ours.toFixed(0)} KB`,
    baseline: `${theirs.toFixed(0)} KB (a bare undici proxy)`,
    result: `${ours.toFixed(0)} KB`,
    wanted: 'at most 60 KB',
  })
  return [
    figure(
      `memory kept for each open stream, as ${OPEN} join ${OPEN}`,
      kept.ours.further,
      kept.theirs.further,
    ),
    figure(
      `the same of the first ${OPEN} of a new program, with what it grows by at its first load`,
      grown.ours.first,
      grown.theirs.first,
    ),
  ]
}

/** On programs of their own: one that has worked hard keeps memory that it could use again, and would hide what is added. */
async function memoryOfOpen(subject: Subject, way: Way): Promise<MemoryOfEach> {
  await openStream(way, 'ok').text
  const streams: ReturnType<typeof openStream>[] = []
  const each = await memoryOfEach(subject, OPEN, async () => {
    for (let n = 0; n < OPEN; n += 1) streams.push(openStream(way, 'stall'))
  })
  for (const { socket } of streams) socket.destroy()
  await Promise.allSettled(streams.map(({ text }) => text))
  return each
}

async function recordingOff(providerUrl: string, recorded: Way): Promise<Figure> {
  await using place = await scratch()
  await using server = await run([UNRECORDED], {
    CODER_CONFIG_DIR: place.folder,
    CODER_HTTP_ADDRESS: '127.0.0.1:0',
    CODER_API_RATE_LIMIT: '1000000000',
  })
  const { key } = await keyOf(server.url, providerUrl)
  const unrecorded: Way = {
    url: `${server.url}/api/v2/ai-gateway/bench/v1/chat/completions`,
    headers: { Authorization: `Bearer ${key}` },
  }
  const [on, off] = await byTurns([recorded, unrecorded], {
    body: asking('ok', false),
    connections: CONNECTIONS,
  })
  if (!on || !off) throw new Error('a way was not measured')
  return {
    what: 'answers in a second with recording, against without',
    measured: `${on.rate.toFixed(0)}/s`,
    baseline: `${off.rate.toFixed(0)}/s (nothing is recorded)`,
    result: (on.rate / off.rate).toFixed(2),
    wanted: 'at least 0.85',
  }
}
