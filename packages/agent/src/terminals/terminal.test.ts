import type { Duplex } from 'node:stream'

import { afterEach, expect, it, vi } from 'vitest'

import { until } from '@slipway/testkit'
import { streamPair } from '../stream-pair.ts'
import { Terminal } from './terminal.ts'

afterEach(() => {
  vi.useRealTimers()
})

function start(script: string, onEnd: () => void = () => undefined): Terminal {
  return new Terminal(
    {
      program: '/bin/sh',
      args: ['-c', script],
      env: { PATH: process.env.PATH ?? '' },
      directory: '/',
      width: 80,
      height: 24,
    },
    onEnd,
  )
}

interface Viewer {
  readonly stream: Duplex
  shown(): string
  send(message: object): void
}

function view(terminal: Terminal, size = { width: 80, height: 24 }): Viewer {
  const [stream, far] = streamPair()
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  terminal.attach(far, size)
  return {
    stream,
    shown: () => Buffer.concat(chunks).toString(),
    send: (message) => void stream.write(`${JSON.stringify(message)}\n`),
  }
}

it('AC-121: several viewers see the same, type into the same shell, and leave without ending it', async () => {
  using terminal = start('cat')
  const [first, second] = [view(terminal), view(terminal)]
  first.send({ data: 'from the first\r' })
  await until('both', () =>
    [first, second].every((one) => one.shown().includes('from the first\r\nfrom the first')),
  )
  first.stream.destroy()
  await until('the first has left', () => terminal.viewers === 1)
  second.send({ data: 'from the second\r' })
  await until('the second', () => second.shown().includes('from the second\r\nfrom the second'))
  expect(first.shown()).not.toContain('second')
})

it('AC-121, L-M7: who comes later is shown the last 64 KiB, and no more', async () => {
  using terminal = start('seq -f %07g 1 20000; printf "ready"; cat')
  const first = view(terminal)
  await until('the output', () => first.shown().endsWith('ready'))
  const whole = first.shown()
  const late = view(terminal)
  await until('the scrollback', () => late.shown().length >= 64 * 1024)
  expect(late.shown()).toBe(whole.slice(-64 * 1024))
})

it('AC-121: a size counts only when both numbers are above zero', async () => {
  using terminal = start('while read -r _; do stty size; done')
  const viewer = view(terminal, { width: 100, height: 30 })
  viewer.send({ data: '\r' })
  await until('the first size', () => viewer.shown().includes('30 100'))
  for (const size of [
    { width: 0, height: 50 },
    { width: 50, height: -1 },
  ])
    viewer.send(size)
  viewer.send({ data: '\r' })
  await until('the same size', () => viewer.shown().split('30 100').length === 3)
  viewer.send({ width: 132, height: 43, data: '\r' })
  await until('the new size', () => viewer.shown().includes('43 132'))
})

it('AC-121: a shell ends five minutes after its last viewer has left, also one that ignores the hang-up', async () => {
  const ended = vi.fn()
  using terminal = start('trap "" HUP; echo "pid $$"; while :; do sleep 0.05; done', ended)
  const first = view(terminal)
  await until('the shell', () => /pid \d+/.test(first.shown()))
  const pid = Number(/pid (\d+)/.exec(first.shown())?.[1])
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const leave = async ({ stream }: Viewer): Promise<void> => {
    stream.destroy()
    await vi.waitUntil(() => terminal.viewers === 0)
  }
  await leave(first)
  vi.advanceTimersByTime(4 * 60_000)
  await leave(view(terminal))
  vi.advanceTimersByTime(4 * 60_000)
  expect(ended).not.toHaveBeenCalled()
  vi.advanceTimersByTime(60_000)
  expect(ended).toHaveBeenCalledOnce()
  vi.advanceTimersByTime(10_000)
  vi.useRealTimers()
  await until('the end of the shell', () => !isAlive(pid))
})

it('AC-121: a program that reads nothing makes its typist wait', async () => {
  using terminal = start('stty raw -echo; printf "deaf"; sleep 600')
  const viewer = view(terminal)
  await until('the program', () => viewer.shown().includes('deaf'))
  const message = `${JSON.stringify({ data: 'x'.repeat(32 * 1024) })}\n`
  let sent = 0
  await until('the typist waits', async () => {
    for (; sent < 64 * 1024 * 1024 && viewer.stream.write(message); sent += message.length);
    await new Promise((resolve) => setImmediate(resolve))
    return viewer.stream.writableNeedDrain
  })
  expect(sent).toBeLessThan(1024 * 1024)
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
