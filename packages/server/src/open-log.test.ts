import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { parseConfig } from './config/index.ts'
import { openLog } from './open-log.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-log-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** What a server with these settings logs of some lines. */
async function logged(...argv: readonly string[]): Promise<{ level: string; msg: string }[]> {
  const file = path.join(folder, 'log')
  const parsed = parseConfig(['--log-human=/dev/null', `--log-json=${file}`, ...argv], {})
  if (parsed.kind !== 'start') throw new Error(`bad test configuration: ${JSON.stringify(parsed)}`)
  {
    using output = openLog(parsed.config)
    output.log.info('started')
    output.log.debug('the feed was read')
    output.log.debug('GET')
    output.log.debug(`${'a'.repeat(50_000)}!`)
    output.log.warn('the disk is full')
  }
  return (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

it('OP-98: details are logged where a filter takes their message, and all else always', async () => {
  const messages = async (...argv: readonly string[]) =>
    (await logged(...argv)).map(({ msg }) => msg).filter((msg) => msg.length < 100)
  expect(await messages()).toEqual(['started', 'the disk is full'])
  await rm(path.join(folder, 'log'))
  expect(await messages('--log-filter=^GET$,nothing')).toEqual(['started', 'GET', 'the disk is full'])
  await rm(path.join(folder, 'log'))
  expect(await messages('--verbose')).toEqual(['started', 'the feed was read', 'GET', 'the disk is full'])
})

it('OP-98: a line that takes a filter too long is logged', async () => {
  const all = await logged('--log-filter=(a+)+b')
  expect(all.some(({ msg }) => msg.length > 1_000)).toBe(true)
  expect(all.map(({ level }) => level)).toEqual(['INFO', 'DEBUG', 'WARN'])
})

it('OP-97: a log that cannot be opened is no start', () => {
  const parsed = parseConfig([`--log-json=${path.join(folder, 'absent', 'log')}`], {})
  if (parsed.kind !== 'start') throw new Error('bad test configuration')
  expect(() => openLog(parsed.config)).toThrow(/absent/)
})
