import { once } from 'node:events'
import { createServer } from 'node:http'

import { Registry } from 'prom-client'
import { describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

import { until } from '@slipway/testkit'
import { eventStreamSink, FRAME_EVENTS, frameSocket, framesOf } from './frame-sink.ts'
import { PartBuffer } from './part-buffer.ts'

const episode = { chatId: 'c', historyVersion: 3, attempt: 1 }

function seqs(events: readonly string[]): number[] {
  return events.map((event) => Number(JSON.parse(event).message_part.seq))
}

describe('parts of an answer that is under way', () => {
  it('CH-910: readers get what was buffered and then what comes, each numbered from 1', () => {
    using buffer = new PartBuffer(new Registry())
    const writer = buffer.open(episode)
    writer.append('assistant', { type: 'text', text: 'a' })
    const wake = vi.fn()
    using reader = buffer.read(episode, wake)
    expect(seqs(reader.take(10))).toEqual([1])
    writer.append('assistant', { type: 'text', text: 'b' })
    writer.append('assistant', { type: 'text', text: 'c' })
    expect(wake).toHaveBeenCalledTimes(2)
    expect(seqs(reader.take(1))).toEqual([2])
    expect(seqs(reader.take(10))).toEqual([3])
    expect(reader.done).toBe(false)
    writer.close()
    writer.append('assistant', { type: 'text', text: 'late' })
    expect(reader.take(10)).toEqual([])
    expect(reader.done).toBe(true)
  })

  it('CH-910: an episode that is not there yet is waited for, and begins once', () => {
    using buffer = new PartBuffer(new Registry())
    const wake = vi.fn()
    using reader = buffer.read(episode, wake)
    expect(reader.take(10)).toEqual([])
    const writer = buffer.open(episode)
    expect(() => buffer.open(episode)).toThrow('begun already')
    writer.append('assistant', { type: 'text', text: 'a' })
    expect(wake).toHaveBeenCalled()
    expect(seqs(reader.take(10))).toEqual([1])
  })

  it('CH-910: an ended episode stays 15 s, longer while it is read, and one that never began counts as ended', () => {
    vi.useFakeTimers()
    try {
      using buffer = new PartBuffer(new Registry())
      const writer = buffer.open(episode)
      writer.append('assistant', { type: 'text', text: 'a' })
      const slow = buffer.read(episode, () => undefined)
      writer.close()
      using soon = buffer.read(episode, () => undefined)
      expect(seqs(soon.take(10))).toEqual([1])
      soon[Symbol.dispose]()
      vi.advanceTimersByTime(14_000)
      using late = buffer.read(episode, () => undefined)
      expect(seqs(late.take(10))).toEqual([1])
      late[Symbol.dispose]()
      vi.advanceTimersByTime(2_000)
      expect(seqs(slow.take(10))).toEqual([1])
      slow[Symbol.dispose]()
      using gone = buffer.read(episode, () => undefined)
      expect(gone.take(10)).toEqual([])
      const other = { ...episode, attempt: 2 }
      buffer.close(other)
      using ended = buffer.read(other, () => undefined)
      expect(ended.done).toBe(true)
      expect(() => buffer.open(other)).toThrow()
    } finally {
      vi.useRealTimers()
    }
  })

  it('CH-910: what is beyond 1 MiB is dropped to the end, and counted, so that readers never see a gap', async () => {
    const metrics = new Registry()
    using buffer = new PartBuffer(metrics)
    const writer = buffer.open(episode)
    using reader = buffer.read(episode, () => undefined)
    const large = 'x'.repeat(300 * 1024)
    for (let i = 0; i < 5; i += 1) writer.append('assistant', { type: 'text', text: large })
    writer.append('assistant', { type: 'text', text: 'small' })
    expect(seqs(reader.take(100))).toEqual([1, 2, 3])
    expect(await metrics.metrics()).toMatch(/coderd_chatd_stream_buffer_dropped_total 3/)
  })

  it('CH-912: what another replica sends is taken in order, once, and never with a gap', () => {
    using buffer = new PartBuffer(new Registry())
    using reader = buffer.read(episode, () => undefined)
    const event = (seq: number): string => JSON.stringify({ message_part: { seq } })
    expect(buffer.relay(episode, 1, event(1))).toBe(true)
    expect(buffer.relay(episode, 1, event(1))).toBe(true)
    expect(buffer.relay(episode, 3, event(3))).toBe(false)
    expect(buffer.relay(episode, 2, event(2))).toBe(true)
    expect(seqs(reader.take(10))).toEqual([1, 2])
  })
})

describe('frames', () => {
  it('CH-9.1: hold 256 events at most, and less of large ones', () => {
    const small = Array.from({ length: 600 }, (_, i) => `${i}`)
    const frames = framesOf(small)
    expect(frames.map((frame) => frame.length)).toEqual([FRAME_EVENTS, FRAME_EVENTS, 88])
    expect(frames.flat()).toEqual(small)
    const large = Array.from({ length: 3 }, () => 'x'.repeat(40 * 1024))
    expect(framesOf(large).map((frame) => frame.length)).toEqual([1, 1, 1])
    expect(framesOf([])).toEqual([])
  })
})

it('B-12: a client that has left before its stream begins ends it', async () => {
  const closed = Promise.withResolvers<boolean>()
  const server = createServer((_request, response) => {
    response.once('close', () => closed.resolve(eventStreamSink(response).closed.aborted))
    response.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  await expect(fetch(`http://127.0.0.1:${address.port}`)).rejects.toThrow()
  expect(await closed.promise).toBe(true)
  server.close()
})

it('CH-910: a client that takes nothing any more is cut off, and nobody waits for it', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const connected = once(server, 'connection')
  const client = new WebSocket(`ws://127.0.0.1:${address.port}`)
  client.on('error', () => undefined)
  await once(client, 'open')
  client.pause()
  const [socket] = await connected
  const sink = frameSocket(socket, 100)
  const event = JSON.stringify('x'.repeat(1024 * 1024))
  // More than the network keeps for those who come late.
  for (let sent = 0; sent < 64 && socket.readyState === WebSocket.OPEN; sent += 1) await sink.send([event])
  await until('the end of the connection', () => sink.closed.aborted)
  client.terminate()
  server.close()
})
