import { Readable, Writable } from 'node:stream'

import { expect, it } from 'vitest'

import { until } from '@slipway/testkit'
import { watchClient } from './slow-client.ts'

/** A client that takes what it gets when it is let. */
function client(): { readonly stream: Writable; readonly take: () => void } {
  let wanted: (() => void) | undefined
  const stream = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => {
      wanted = done
    },
  })
  return {
    stream,
    take: () => {
      const done = wanted
      wanted = undefined
      done?.()
    },
  }
}

it('AG-23: a client that takes its time is told of once, and one that keeps up is not', async () => {
  for (const [flushMs, times] of [
    [0, 1],
    [60_000, 0],
  ] as const) {
    const told: number[] = []
    const { stream, take } = client()
    const answer = Readable.from(['one', 'two', 'three'].map((text) => Buffer.from(text)))
    watchClient(answer, stream, (milliseconds) => told.push(milliseconds), { flushMs, restMs: 60_000 })
    answer.pipe(stream)
    await until('all to be taken', () => {
      take()
      return stream.writableFinished
    })
    expect(told).toHaveLength(times)
  }
})

it('AG-23: a client that does not take the rest is cut off', async () => {
  const { stream } = client()
  const answer = Readable.from([Buffer.from('one')])
  watchClient(answer, stream, () => undefined, { flushMs: 60_000, restMs: 5 })
  answer.pipe(stream)
  await until('the cut', () => stream.destroyed)
})
