import { once } from 'node:events'
import { text } from 'node:stream/consumers'

import { expect, it } from 'vitest'

import { streamPair } from './stream-pair.ts'

it('carries bytes both ways, and an end after all of them', async () => {
  const [near, far] = streamPair()
  far.on('data', (chunk: Buffer) => far.write(`<${chunk}>`))
  const echoed = text(near)
  near.end('hello')
  expect(await echoed).toBe('<hello>')
})

it('closes both ends when one is destroyed, also while the other writes', async () => {
  const [near, far] = streamPair()
  while (far.write(Buffer.alloc(64 * 1024)));
  const closed = once(far, 'close')
  near.destroy()
  await closed
})
