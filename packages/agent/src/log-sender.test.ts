import { expect, it } from 'vitest'

import type { PatchLogs } from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import { ControlPlaneError } from './control-plane.ts'
import { LogSender } from './log-sender.ts'

const SOURCE = '6b0c7b0e-4a25-4d0c-9a53-0c3f1b0a3c12'

/** A log that takes this many bytes and refuses batches beyond them, as the server does. */
function log(limit: number) {
  const taken: string[] = []
  const refused: string[] = []
  let size = 0
  return {
    taken,
    refused,
    async logs({ logs }: PatchLogs) {
      const outputs = logs.map((line) => line.output)
      const bytes = outputs.reduce((sum, output) => sum + output.length, 0)
      if (size + bytes > limit) {
        refused.push(...outputs)
        throw new ControlPlaneError(413, 'Logs limit exceeded')
      }
      size += bytes
      taken.push(...outputs)
    },
  }
}

it('AC-303: of what has no room in the log its end is sent, behind a line that says what is missing', async () => {
  const server = log(200_000)
  {
    await using sender = new LogSender(server, silentLogger())
    sender.write(SOURCE, 'the first line')
    for (let i = 0; i < 50_000; i += 1) sender.write(SOURCE, `line ${i} of a script that fails in the end`)
    await sender.flush()
    for (let i = 0; i < 50_000; i += 1) sender.write(SOURCE, `more ${i}`)
    sender.write(SOURCE, 'why it failed')
  }
  expect(server.taken[0]).toBe('the first line')
  expect(server.refused.at(-1)).toBe('why it failed')
  expect(server.refused.some((line) => / lines are missing here/.test(line))).toBe(true)
  // The batch that was refused first, and one tail for each flush.
  expect(server.refused.join('').length).toBeLessThan(4 * 64 * 1024 + 1_000)
})

it('AC-93: more than can wait leaves out the middle, not the end', async () => {
  const server = log(Number.POSITIVE_INFINITY)
  {
    await using sender = new LogSender(server, silentLogger())
    for (let i = 0; i < 200_000; i += 1) sender.write(SOURCE, `line ${i}`.padEnd(20))
    sender.write(SOURCE, 'the last line')
  }
  expect(server.taken[0]?.trim()).toBe('line 0')
  expect(server.taken.at(-1)).toBe('the last line')
  const missing = server.taken.filter((line) => / lines are missing here/.test(line))
  expect(missing).toHaveLength(1)
  expect(Number(/\d+/.exec(missing[0] ?? '')?.[0]) + server.taken.length - 1).toBe(200_001)
})

it('AC-93: lines without text come in batches that the server takes, and one it refuses for good holds up nobody', async () => {
  const sizes: number[] = []
  const server = {
    async logs({ logs }: PatchLogs) {
      sizes.push(logs.length)
      if (logs.some((line) => line.output === 'bad')) throw new ControlPlaneError(400, 'cannot be read')
    },
  }
  {
    await using sender = new LogSender(server, silentLogger())
    for (let i = 0; i < 30_000; i += 1) sender.write(SOURCE, '')
    sender.write('6b0c7b0e-4a25-4d0c-9a53-0c3f1b0a3c13', 'bad')
    sender.write(SOURCE, 'good')
  }
  expect(Math.max(...sizes)).toBeLessThanOrEqual(10_000)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(30_002)
})
