import { PassThrough, type Transform } from 'node:stream'
import {
  brotliCompressSync,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'

import { expect, it } from 'vitest'

import { decodedAnswer } from './decoded-answer.ts'
import type { UpstreamAnswer } from './upstream.ts'

const TEXT = 'data: {"id":"x"}\n\n'

function answerOf(encoding: string, bytes: Uint8Array | string, status = 200): UpstreamAnswer {
  const body = new PassThrough()
  body.end(bytes)
  return { status, headers: { 'content-encoding': encoding, 'content-length': '9', 'x-a': '1' }, body }
}

async function read({ body }: UpstreamAnswer): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

it.each([
  ['gzip', gzipSync(TEXT)],
  ['X-GZIP', gzipSync(TEXT)],
  ['deflate', deflateSync(TEXT)],
  ['br', brotliCompressSync(TEXT)],
  ['zstd', zstdCompressSync(TEXT)],
  ['gzip, br', brotliCompressSync(gzipSync(TEXT))],
])('AG-B4: %s is taken away', async (encoding, bytes) => {
  const answer = decodedAnswer(answerOf(encoding, bytes), 'POST')
  expect(answer).toMatchObject({ status: 200, headers: { 'x-a': '1' } })
  expect(answer.headers).not.toHaveProperty('content-encoding')
  expect(answer.headers).not.toHaveProperty('content-length')
  expect(await read(answer)).toBe(TEXT)
})

it.each<[string, () => Transform]>([
  ['gzip', createGzip],
  ['deflate', createDeflate],
  ['br', createBrotliCompress],
  ['zstd', createZstdCompress],
])(
  'AG-23, AG-B3: a stream in %s comes as it is sent, and fails where it is cut',
  async (encoding, create) => {
    const body = new PassThrough()
    const encoder = create()
    encoder.on('data', (piece) => body.write(piece))
    const pieces = decodedAnswer(
      { status: 200, headers: { 'content-encoding': encoding }, body },
      'POST',
    ).body[Symbol.asyncIterator]()
    for (const event of [TEXT, 'data: 2\n\n']) {
      encoder.write(event)
      if ('flush' in encoder && typeof encoder.flush === 'function') encoder.flush()
      expect(String((await pieces.next()).value)).toBe(event)
    }
    body.end()
    await expect(pieces.next()).rejects.toThrow()
  },
)

it('AG-24: whoever leaves it leaves what is encoded, and what breaks there breaks it', async () => {
  const [left, broken] = [new PassThrough(), new PassThrough()]
  const headers = { 'content-encoding': 'gzip' }
  decodedAnswer({ status: 200, headers, body: left }, 'POST').body.destroy()
  await expect.poll(() => left.destroyed).toBe(true)
  const { body } = decodedAnswer({ status: 200, headers, body: broken }, 'POST')
  broken.destroy(new Error('reset'))
  await expect(body[Symbol.asyncIterator]().next()).rejects.toThrow('reset')
})

it.each([
  ['what nobody knows', answerOf('odd', 'x'), 'POST'],
  ['what is known in part', answerOf('gzip, odd', 'x'), 'POST'],
  ['too many', answerOf('gzip, gzip, gzip', 'x'), 'POST'],
  ['none', answerOf('identity', 'x'), 'POST'],
  ['an answer to HEAD', answerOf('gzip', ''), 'HEAD'],
  ['one that is not modified', answerOf('gzip', '', 304), 'GET'],
])('AG-19: %s stays as it is', (_, answer, method) => {
  expect(decodedAnswer(answer, method)).toBe(answer)
})
