import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { LogSink } from './sink.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-log-'))
  file = path.join(folder, 'log')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const written = () => readFile(file, 'utf8')

it('OP-99: lines that come while others are being written follow them, in order and whole', async () => {
  using sink = new LogSink(file)
  const lines = Array.from({ length: 3_000 }, (_, i) => `${i} ${'ü'.repeat(100)}\n`)
  for (const line of lines) sink.write(line)
  sink.write('last\n')
  await vi.waitFor(async () => expect(await written()).toBe(`${lines.join('')}last\n`))
  sink.write('later\n')
  await vi.waitFor(async () => expect((await written()).endsWith('last\nlater\n')).toBe(true))
  expect(sink.dropped).toBe(0)
})

it('OP-99: what cannot be kept is dropped and counted, and what is left is written at the end', async () => {
  const sink = new LogSink(file)
  const megabyte = `${'x'.repeat(1024 * 1024 - 1)}\n`
  for (let i = 0; i < 6; i += 1) sink.write(megabyte)
  expect(sink.dropped).toBeGreaterThan(0)
  const dropped = sink.dropped
  await vi.waitFor(async () => expect((await written()).length).toBe((6 - dropped) * megabyte.length))
  sink.write('end\n')
  sink[Symbol.dispose]()
  expect((await written()).endsWith('end\n')).toBe(true)
})

it('OP-97: a file that has become too large is kept once under another name, and no line is lost between the two', async () => {
  const sink = new LogSink(file, { rotateAt: 1_000 })
  const line = (i: number) => `${i} ${'x'.repeat(300)}\n`
  const all: string[] = []
  for (let i = 0; i < 9; i += 1) {
    sink.write(line(i))
    all.push(line(i))
    await vi.waitFor(async () => {
      const former = await readFile(`${file}.1`, 'utf8').catch(() => '')
      expect(former + (await written())).toMatch(new RegExp(`(^|\\n)${i} x+\\n$`))
    })
  }
  const former = await readFile(`${file}.1`, 'utf8')
  // Four lines are more than the size; the four before them are gone with the file before.
  expect(former).toBe(all.slice(4, 8).join(''))
  expect(await written()).toBe(all[8])
  sink[Symbol.dispose]()
})

it('OP-15: a file that was moved away is made anew', async () => {
  const sink = new LogSink(file)
  sink.write('before\n')
  await vi.waitFor(async () => expect(await written()).toBe('before\n'))
  await rename(file, `${file}.old`)
  sink.reopen()
  sink.write('after\n')
  await vi.waitFor(async () => expect(await written()).toBe('after\n'))
  expect(await readFile(`${file}.old`, 'utf8')).toBe('before\n')
  sink[Symbol.dispose]()
})
