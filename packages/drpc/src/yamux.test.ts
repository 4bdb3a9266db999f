import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'

import fc from 'fast-check'
import { expect, it } from 'vitest'

import { streamPair } from './stream-pair.fixture.ts'
import { decodeHead, encodeHead, FLAG, HEAD_BYTES, INITIAL_WINDOW, TYPE } from './yamux-frame.ts'
import { YamuxSession } from './yamux-session.ts'
import type { YamuxStream } from './yamux-stream.ts'

/** A server session, and a peer that speaks by hand. */
function byHand(onStream: (stream: YamuxStream) => void = () => undefined) {
  const [ours, theirs] = streamPair()
  const session = new YamuxSession(ours, { role: 'server', onStream })
  const frames: { type: number; flags: number; streamId: number; length: number }[] = []
  let rest = Buffer.alloc(0)
  let wake: () => void = () => undefined
  theirs.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= HEAD_BYTES) {
      const head = decodeHead(rest)
      const size = HEAD_BYTES + (head.type === TYPE.data ? head.length : 0)
      if (rest.length < size) break
      rest = rest.subarray(size)
      frames.push(head)
    }
    wake()
  })
  theirs.on('error', () => undefined)
  const heard = async (test: (frame: (typeof frames)[number]) => boolean) => {
    for (;;) {
      const found = frames.find(test)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  const say = (type: number, flags: number, streamId: number, length: number, data = Buffer.alloc(0)) =>
    void theirs.write(Buffer.concat([encodeHead({ type, flags, streamId, length }), data]))
  return { session, say, heard, theirs }
}

it('AC-51, AC-53: streams carry any bytes both ways, however the carrier cuts them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 700_000 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 5_000 }),
      async (sizes, piece) => {
        const [a, b] = streamPair(() => piece)
        using client = new YamuxSession(a, { role: 'client' })
        using server = new YamuxSession(b, {
          role: 'server',
          onStream: (stream) => void stream.pipe(stream),
        })
        await Promise.all(
          sizes.map(async (size) => {
            const bytes = randomBytes(size)
            const stream = client.open()
            stream.end(bytes)
            expect((await buffer(stream)).equals(bytes)).toBe(true)
          }),
        )
        void server
      },
    ),
    { numRuns: 12 },
  )
})

it('AC-52: a stream that is opened is acknowledged at once, with data that came along', async () => {
  let opened: YamuxStream | undefined
  const { say, heard, session } = byHand((stream) => {
    opened = stream
  })
  say(TYPE.data, FLAG.syn, 1, 3, Buffer.from('abc'))
  const ack = await heard(({ streamId }) => streamId === 1)
  expect(ack.flags & FLAG.ack).toBe(FLAG.ack)
  expect(String(opened?.read())).toBe('abc')
  session[Symbol.dispose]()
})

it('AC-53: who reads nothing is sent no more than the window, and what is read is granted again', async () => {
  const { say, heard, session } = byHand((stream) => void stream.resume())
  say(TYPE.windowUpdate, FLAG.syn, 1, 0)
  say(TYPE.data, 0, 1, INITIAL_WINDOW / 2, Buffer.alloc(INITIAL_WINDOW / 2))
  const grant = await heard(({ type, length }) => type === TYPE.windowUpdate && length > 0)
  expect(grant.length).toBe(INITIAL_WINDOW / 2)
  session[Symbol.dispose]()

  const [a, b] = streamPair()
  using client = new YamuxSession(a, { role: 'client' })
  let held: YamuxStream | undefined
  using server = new YamuxSession(b, { role: 'server', onStream: (stream) => (held = stream) })
  const stream = client.open()
  const bytes = randomBytes(3 * INITIAL_WINDOW)
  stream.end(bytes)
  // Another stream goes on while this one waits for its reader.
  const other = client.open()
  other.end('x')
  void server
  while (held === undefined || held.id === 1) await new Promise((resolve) => setImmediate(resolve))
  expect(stream.writableFinished).toBe(false)
})

it('AC-53: more than was granted, unknown kinds and versions end the session', async () => {
  for (const bytes of [
    Buffer.concat([
      encodeHead({ type: TYPE.windowUpdate, flags: FLAG.syn, streamId: 1, length: 0 }),
      encodeHead({ type: TYPE.data, flags: 0, streamId: 1, length: INITIAL_WINDOW }),
      Buffer.alloc(INITIAL_WINDOW),
      encodeHead({ type: TYPE.data, flags: 0, streamId: 1, length: 1 }),
      Buffer.alloc(1),
    ]),
    encodeHead({ type: TYPE.data, flags: 0, streamId: 1, length: INITIAL_WINDOW + 1 }),
    encodeHead({ type: 9, flags: 0, streamId: 1, length: 0 }),
    encodeHead({ type: TYPE.windowUpdate, flags: FLAG.syn, streamId: 2, length: 0 }),
    Buffer.alloc(HEAD_BYTES, 1),
  ]) {
    const { session, theirs, heard } = byHand()
    theirs.write(bytes)
    await heard(({ type }) => type === TYPE.goAway)
    expect((await session.closed)?.name).toBe('YamuxError')
  }
})

it('AC-54: pings are answered with their value; who does not answer ours is gone', async () => {
  const { say, heard, session } = byHand()
  say(TYPE.ping, FLAG.syn, 0, 77)
  expect(await heard(({ type }) => type === TYPE.ping)).toMatchObject({ flags: FLAG.ack, length: 77 })
  session[Symbol.dispose]()

  const [ours] = streamPair()
  const deaf = new YamuxSession(ours, { role: 'server', keepaliveMs: 20 })
  expect((await deaf.closed)?.message).toBe('ping timeout')
})

it('AC-55: a half close leaves the other half open; a reset ends both', async () => {
  const [a, b] = streamPair()
  using client = new YamuxSession(a, { role: 'client' })
  using server = new YamuxSession(b, {
    role: 'server',
    onStream: (stream) => {
      if (stream.id === 1) void buffer(stream).then((all) => stream.end(`heard ${all}`))
      else stream.destroy()
    },
  })
  void server
  const half = client.open()
  half.end('this')
  expect(String(await buffer(half))).toBe('heard this')
  const cut = client.open()
  await expect(buffer(cut)).rejects.toThrow('reset')
})

it('AC-55: all streams end with their session', async () => {
  const [a, b] = streamPair()
  using client = new YamuxSession(a, { role: 'client' })
  const server = new YamuxSession(b, { role: 'server', onStream: () => undefined })
  const stream = client.open()
  stream.on('error', () => undefined)
  stream.write('x')
  server[Symbol.dispose]()
  await client.closed
  expect(stream.destroyed).toBe(true)
  expect(() => client.open()).toThrow('over')
})
