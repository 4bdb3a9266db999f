import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { LogDestinations } from './destinations.ts'
import { createLogger } from './logger.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-log-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const file = (name: string) => path.join(folder, name)
const content = (name: string) => readFile(file(name), 'utf8')

it('OP-97: each line is written to all targets, in the form of each', async () => {
  const targets = { human: file('human'), json: file('json'), stackdriver: file('stackdriver') }
  {
    using sink = new LogDestinations(targets)
    const log = createLogger({ level: 'debug', sink })
    log.warn('the disk is full', { path: '/var/lib', count: 3, who: 'ada lovelace', list: ['a', 'b'] })
    log.line('debug', 'GET', ',"status_code":200')
    log.error('it failed', { error: new Error('two\nlines') })
  }
  const json = (await content('json'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(json[0]).toEqual({
    ts: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    level: 'WARN',
    msg: 'the disk is full',
    logger_names: [],
    fields: { path: '/var/lib', count: 3, who: 'ada lovelace', list: ['a', 'b'] },
  })
  expect(json[1]).toMatchObject({ level: 'DEBUG', msg: 'GET', fields: { status_code: 200 } })
  const stackdriver = (await content('stackdriver')).split('\n')[0] ?? ''
  expect(JSON.parse(stackdriver)).toMatchObject({
    severity: 'WARNING',
    message: 'the disk is full',
    fields: { count: 3 },
  })
  const human = (await content('human')).split('\n')
  expect(human[0]).toMatch(
    /^\d{4}-\d\d-\d\d [\d:.]+ \[warn\] {2}the disk is full path=\/var\/lib count=3 who="ada lovelace" list=\["a","b"\]$/,
  )
  expect(human[2]).toMatch(/\[error\] it failed$/)
  expect(human.slice(3, 6)).toEqual(['    error:', '      Error: two', '      lines'])
})

it('OP-97: what people read holds no order to their terminals', async () => {
  {
    using sink = new LogDestinations({ human: file('human') })
    createLogger({ level: 'info', sink }).info('a\u001b[2Jb', { one: 'c\u009bd', two: 'e\n\u001b]0;f' })
  }
  const text = await content('human')
  expect(text).toContain('a\\u001b[2Jb')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is they that are looked for
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
})

it('OP-97: a target that is off gets nothing, and one that cannot be opened is said', () => {
  using off = new LogDestinations({ human: '/dev/null', json: '' })
  off.write('{"level":"info"}\n')
  expect(() => new LogDestinations({ json: path.join(folder, 'absent', 'log') })).toThrow(/absent/)
})

it('OP-98: details pass only with a message that is asked for, and everything else always', async () => {
  {
    using sink = new LogDestinations({ human: file('human') }, (message) => message.startsWith('feed'))
    const log = createLogger({ level: 'debug', sink })
    log.debug('feed is read')
    log.debug('other')
    log.info('started')
  }
  const messages = [...(await content('human')).matchAll(/\] +(.*)/g)].map(([, message]) => message)
  expect(messages).toEqual(['feed is read', 'started'])
})
