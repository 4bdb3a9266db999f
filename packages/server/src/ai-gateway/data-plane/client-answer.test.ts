import { expect, it } from 'vitest'

import { GatewayError } from '../exchange/gateway-error.ts'
import type { Wire } from '../wires/wire.ts'
import { streamedAnswer, wholeAnswer } from './client-answer.ts'

async function* pieces(...given: (string | Promise<unknown> | Error)[]): AsyncGenerator<Uint8Array> {
  for (const piece of given) {
    if (piece instanceof Error) throw piece
    if (typeof piece === 'string') yield Buffer.from(piece)
    else await piece
  }
}

async function read(wire: Wire, body: AsyncIterable<Uint8Array>, pingMs?: number): Promise<string> {
  let answer = ''
  for await (const chunk of streamedAnswer(body, wire, 'our-id', pingMs))
    answer += Buffer.from(chunk).toString()
  return answer
}

it('AG-25: the id is replaced however the bytes are cut, and nothing else is touched', async () => {
  const stream =
    'data: {"object":"x","id": "gen-1","choices":[{"delta":{"content":"\\"id\\":\\"gen-1\\" ü"}}]}\n\ndata: {"id":"gen-1","x":{"id":"call"}}\n\ndata: [DONE]\n\n'
  const bytes = Buffer.from(stream)
  for (const size of [1, 7, 64, bytes.length]) {
    const cut = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    }
    expect(await read('chat', cut())).toBe(
      stream.replace('"id": "gen-1"', '"id": "our-id"').replace('{"id":"gen-1","x"', '{"id":"our-id","x"'),
    )
  }
})

it('AG-25: a provider that makes up another id for each chunk does not show any of them', async () => {
  const chunk = (id: string, content: string) =>
    `data: {"id":"${id}","choices":[{"delta":{"content":"${content}"}}]}`
  const call = (head: string) => `data: {${head}"choices":[{"delta":{"tool_calls":[{"id":"call-1"}]}}]}`
  const behind = (id: string) => `data: {"choices":[{"delta":{"content":"gen-1"}}] , "id" : "${id}" }\r`
  const lines = (...ids: readonly string[]): string =>
    [
      chunk(ids[0] ?? '', 'ü'),
      chunk(ids[1] ?? '', 'gen-1'),
      call(`"id":"${ids[2]}",`),
      call(''),
      behind(ids[3] ?? ''),
      behind(ids[4] ?? ''),
      'data: {"id": broken',
      'data: {"id":"","choices":[]}',
      'data: [DONE]',
      '',
    ].join('\n\n')
  const bytes = Buffer.from(lines('gen-1', 'gen-2', 'gen-3', 'gen-4', 'gen-1'))
  for (const size of [1, 7, bytes.length]) {
    const cut = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    }
    expect(await read('chat', cut())).toBe(lines('our-id', 'our-id', 'our-id', 'our-id', 'our-id'))
  }
  // Blocks of a message have ids of their own.
  const message = (id: string) =>
    `data: {"type":"message_start","message":{"id":"${id}"}}\n\ndata: {"type":"content_block_start","id":"x"}\n\n`
  expect(await read('messages', pieces(message('msg-1')))).toBe(message('our-id'))
})

it('AG-23: a line that is too long to be held goes on as it comes, and what follows it is as usual', async () => {
  const long = `data: ${'x'.repeat(8 * 1024 * 1024)}`
  const id = (one: string) => `data: {"id":"${one}"}\n\n`
  const shown: string[] = []
  const given = pieces(id('gen-1'), long, '"id":"gen-1"', 'y', `"id":"gen-1"\n${id('gen-1')}da`, 'ta: 1\n')
  for await (const piece of streamedAnswer(given, 'chat', 'our-id')) shown.push(Buffer.from(piece).toString())
  expect(shown.map((piece) => (piece === long ? 'long' : piece))).toEqual([
    id('our-id'),
    'long',
    '"id":"gen-1"',
    'y',
    '"id":"gen-1"\n',
    id('our-id'),
    'data: 1\n',
  ])
})

it('AG-23: a line that comes byte by byte is as it was', async () => {
  const line = `data: ${'abc'.repeat(1_000)}\n\n`
  expect(await read('responses', pieces(...line))).toBe(line)
})

it('AG-41: silence between events is filled with signs of life, and none comes within one', async () => {
  const gate = Promise.withResolvers<void>()
  const within = 'event: content_block_delta\ndata: {"type":'
  let pings = 0
  const stream = streamedAnswer(
    pieces('event: message_start\ndata: {"type":"message_start"}\n\n', gate.promise, within, '1}\n\n'),
    'messages',
    'our-id',
    5,
  )
  let answer = ''
  for await (const chunk of stream) {
    const text = Buffer.from(chunk).toString()
    answer += text
    if (text.startsWith('event: ping')) pings += 1
    if (pings === 2) gate.resolve()
  }
  expect(answer).toContain('event: ping\ndata: {"type": "ping"}\n\nevent: ping')
  expect(answer).toContain('event: content_block_delta\ndata: {"type":1}\n\n')
})

it.each([
  ['chat', '"code":"upstream_disconnected"'],
  ['messages', 'event: error\ndata: {"type":"error","error":{"type":"api_error"'],
  ['responses', 'event: error\ndata: {"type":"error","code":"upstream_disconnected"'],
] as const)('AG-B3: %s says that the provider has gone', async (wire, words) => {
  const gone = new GatewayError(502, 'upstream_disconnected', 'gone')
  expect(await read(wire, pieces('data: {"id":"1"}\n\n', gone))).toContain(words)
  await expect(read(wire, pieces(new Error('the client left')))).rejects.toThrow('the client left')
})

it('AG-B3: an event that is cut off is left out, and the last words stand for themselves', async () => {
  const gone = new GatewayError(502, 'upstream_disconnected', 'gone')
  const answer = await read('responses', pieces('data: {"a":1}\n\ndata: {"b":2}\ndata: {"c', gone))
  expect(answer).toMatch(/^data: \{"a":1\}\n\ndata: \{"b":2\}\n\nevent: error\ndata: \{"type":"error"/)
})

it('AG-B3: the last words of a response have the number behind that of its last event', async () => {
  const gone = new GatewayError(502, 'upstream_disconnected', 'gone')
  const event = (number: number) => `event: x\ndata: {"type":"x","sequence_number":${number}}\n\n`
  const whole = await read('responses', pieces(event(3) + event(4), gone))
  expect(whole).toMatch(/"message":"gone","param":null,"sequence_number":5\}\n\n$/)
  const cut = await read('responses', pieces(event(6), 'event: y\n', 'data: {"type":"y", "sequ', gone))
  expect(cut).toContain('"sequence_number":7}')
  expect(await read('responses', pieces(gone))).toContain('"sequence_number":0}')
})

it.each([
  ['an answer that has ended', 'data: {"id":"1","choices":[{"finish_reason":"stop"}]}\n\n'],
  ['an error in the middle', 'data: {"error":{"message":"no"}}\n\n'],
])('AG-28: the end of a chat is said behind %s', async (_what, last) => {
  const chunk = 'data: {"id":"our-id","choices":[]}\n\n'
  const end = 'data: [DONE]\n\n'
  expect(await read('chat', pieces(chunk, last))).toMatch(/\n\ndata: \[DONE\]\n\n$/)
  for (const pair of [
    [chunk, end],
    [chunk, 'data: [DONE]\n', '\n'],
  ])
    expect(await read('chat', pieces(...pair))).toBe(chunk + end)
  expect(await read('chat', pieces('data: odd\n\n'))).toBe('data: odd\n\n')
})

it.each([
  ['{"id":"gen-1","x":["gen-1","ü"]}', '{"id":"our-id","x":["gen-1","ü"]}'],
  [' {\n "id" : "gen-1" }', ' {\n "id" : "our-id" }'],
  ['{"x":"ü","id":"gen-1"}', '{"x":"ü","id":"our-id"}'],
  ['{"id":"ü","x":1}', '{"id":"our-id","x":1}'],
  ['{"id":"","x":{"id":"call"}}', '{"id":"","x":{"id":"call"}}'],
  ['{"x":{"id":"call"}}', '{"x":{"id":"call"}}'],
  ['[{"id":"gen-1"}]', '[{"id":"gen-1"}]'],
])('AG-25: of the whole answer %s the client gets %s', async (said, given) => {
  for (const wire of ['chat', 'messages'] as const)
    expect(String(await wholeAnswer(pieces(said.slice(0, 3), said.slice(3)), wire, 'our-id'))).toBe(given)
  expect(String(await wholeAnswer(pieces(said), 'responses', 'our-id'))).toBe(said)
})

it.each([
  ['data: {"choices":[]}', 'data: {"choices":[]}\n\ndata: [DONE]\n\n'],
  ['data: {"choices":[]}\n', 'data: {"choices":[]}\n\ndata: [DONE]\n\n'],
  ['data: {"choices":[]}\n\ndata: [DONE]', 'data: {"choices":[]}\n\ndata: [DONE]'],
])('AG-28: a chat that ends within a line is done once: %j', async (stream, answer) => {
  expect(await read('chat', pieces(stream))).toBe(answer)
})

it('AG-29: a whole answer is held up to a length, and bytes that are no text stay as they are', async () => {
  const bytes = Buffer.from([0x7b, 0x8b, 0xff, 0x00])
  const some = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes
    yield bytes
  }
  expect(await wholeAnswer(some(), 'chat', 'our-id')).toEqual(Buffer.concat([bytes, bytes]))
  const rest = await wholeAnswer(some(), 'chat', 'our-id', 3)
  if (Buffer.isBuffer(rest)) throw new Error('it was held')
  const got: Uint8Array[] = []
  for await (const chunk of rest) got.push(chunk)
  expect(Buffer.concat(got)).toEqual(Buffer.concat([bytes, bytes]))
})

it('AG-35: a stream under a wrong type of content comes as it is sent, with our id and an honest end', async () => {
  const gate = Promise.withResolvers<void>()
  const first = 'data: {"id":"gen-1","choices":[]}\n\n'
  const answer = await wholeAnswer(
    pieces('\n', first, gate.promise, new GatewayError(502, 'timeout', 'gone')),
    'chat',
    'our-id',
  )
  if (Buffer.isBuffer(answer)) throw new Error('it was held')
  const reader = answer[Symbol.asyncIterator]()
  expect(String((await reader.next()).value)).toBe('\n')
  expect(String((await reader.next()).value)).toBe(first.replace('gen-1', 'our-id'))
  gate.resolve()
  expect(String((await reader.next()).value)).toContain('"message":"gone"')
  // What is neither has nothing to be changed.
  const page = await wholeAnswer(pieces('<p>', gate.promise, '</p>'), 'chat', 'our-id')
  expect(Buffer.isBuffer(page)).toBe(false)
  expect(String(await wholeAnswer(pieces('\n', '\n', '{"id":"gen-1"}'), 'chat', 'our-id'))).toBe(
    '\n\n{"id":"our-id"}',
  )
})
