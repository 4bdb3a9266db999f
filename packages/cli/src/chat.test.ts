import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { stripVTControlCharacters } from 'node:util'

import { spawn } from '@lydell/node-pty'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { type Chat, type ChatStreamEvent, getChat } from '@slipway/contract'
import {
  callsTools,
  FakeModelProvider,
  Gate,
  says,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import { BIN, CommandLine } from './testing/command-line.ts'
import { RunningCommand } from './testing/running-command.fixture.ts'

const KEY = 'sk-chat-test-key-0123456789'

let server: TestServer
let provider: FakeModelProvider
let owner: Client
let folder: string
let cli: CommandLine

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
  provider = await FakeModelProvider.start()
  // Titles and summaries are asked for beside the turns, which stream.
  provider.answer = ({ streaming, kind }) =>
    streaming || kind === 'models' ? undefined : says('A short title')
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  await cli.good('login', server.url, '--token', owner.headers['Coder-Session-Token'] ?? '')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const json = async (...args: readonly string[]) => JSON.parse(await cli.good(...args, '-o', 'json'))
const chatNow = (chat: string): Promise<Chat> => owner.call(getChat, { params: { chat } })
const reaches = (chat: string, status: Chat['status']) =>
  until(`the chat that is ${status}`, async () =>
    (await chatNow(chat)).status === status ? true : undefined,
  )

describe('setting up', { timeout: 60_000 }, () => {
  it('a chat without any model says what is missing', async () => {
    expect(await cli.bad('chat', 'start', 'hello')).toContain('No default chat model config is configured.')
    expect(await cli.bad('chat', 'start', '-m', 'gpt', 'hello')).toContain('`slipway chat models create`')
  })

  it('ai-providers: the key comes from standard input, and nothing shows it', async () => {
    const made = await cli.runWith(
      {},
      ...['ai-providers', 'create', 'fake', '--type', 'openai', '--base-url', `${provider.url}/v1`],
      { input: `${KEY}\n` },
    )
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/fake +openai .*enabled/) })
    expect(made.stdout).not.toContain(KEY)
    expect(await cli.good('ai-providers', 'list')).toMatch(/^NAME +TYPE +URL +KEYS +STATUS/)
    const tested = await cli.good('ai-providers', 'test', 'fake')
    expect(tested).toMatch(/yes +200/)
    expect(await json('ai-providers', 'show', 'fake')).toMatchObject({ last_check: { ok: true } })
    expect(await cli.bad('ai-providers', 'create', 'other', '--type', 'openai')).toContain('key is empty')
    const nonsense = ['ai-providers', 'create', 'nonsense', '--no-key']
    expect(await cli.bad(...nonsense)).toContain('--base-url is required')
    expect(await cli.bad(...nonsense, '--base-url', provider.url)).toContain('type: must be')
  })

  it('ai-providers: a key that does not work is told, with exit code 1', async () => {
    provider.answer = (request) => (request.key === KEY ? undefined : { status: 401, message: 'wrong key' })
    await cli.runWith({}, 'ai-providers', 'set-key', 'fake', { input: 'sk-wrong-key-0123456789' })
    const tested = await cli.run('ai-providers', 'test', 'fake')
    expect(tested).toMatchObject({ code: 1, stdout: expect.stringMatching(/no +401/) })
    expect(await cli.good('ai-providers', 'list')).toMatch(/sk-w\.\.\.6789 is refused: .+, \d+s ago/)
    await cli.runWith({}, 'ai-providers', 'set-key', 'fake', '--add', { input: KEY })
    expect(await json('ai-providers', 'show', 'fake')).toMatchObject({ api_keys: [{}, {}] })
    await cli.runWith({}, 'ai-providers', 'set-key', 'fake', { input: KEY })
    expect(await cli.good('ai-providers', 'disable', 'fake')).toContain('fake is disabled')
    const shown = await json('ai-providers', 'show', 'fake')
    expect([shown.enabled, shown.api_keys.map((key: { masked: string }) => key.masked)]).toEqual([
      false,
      ['sk-c...6789'],
    ])
    await cli.good('ai-providers', 'enable', 'fake')
    expect(await json('ai-providers', 'show', 'fake')).toMatchObject({ enabled: true })
    provider.answer = ({ streaming, kind }) =>
      streaming || kind === 'models' ? undefined : says('A short title')
  })

  it('chat models: the first one is the default, and another can be', async () => {
    expect(await cli.good('chat', 'models')).toMatch(/^ID +PROVIDER +MODEL +NAME +USABLE\n$/)
    await cli.good('chat', 'models', 'create', 'fake', 'scripted-model', '--name', 'Scripted')
    await cli.good('chat', 'models', 'create', 'fake', 'second-model', '--context-limit', '64000')
    const list = async () => cli.good('chat', 'models', 'list', '-c', 'model,default,context limit')
    expect(await list()).toMatch(/scripted-model +yes +200000\n[\s\S]*second-model +64000/)
    expect(await cli.good('chat', 'models', 'default', 'second-model')).toContain('second-model')
    expect(await list()).toMatch(/scripted-model +200000\n[\s\S]*second-model +yes/)
    await cli.good('chat', 'models', 'default', 'Scripted')
    await cli.good('chat', 'models', 'update', 'second-model', '--name', 'Second')
    expect(await cli.good('chat', 'models')).toMatch(/fake +scripted-model +Scripted +yes/)
    expect(await cli.bad('chat', 'models', 'create', 'nobody', 'm')).toContain('no provider nobody')
    expect(await cli.bad('chat', 'models', 'delete', 'none')).toContain('there is no model none')
  })
})

describe('scripts', { timeout: 60_000 }, () => {
  it('start --wait prints the answer alone', async () => {
    provider.play(says('Four', ', of course.'))
    const ran = await cli.run('chat', 'start', '--wait', 'What is 2 + 2?')
    expect(ran).toEqual({ code: 0, stdout: 'Four, of course.\n', stderr: '' })
  })

  it('start takes the message from standard input, and a model, labels and an organization', async () => {
    provider.play(says('Read.'))
    const ran = await cli.runWith(
      {},
      ...[
        'chat',
        'start',
        '--wait',
        '-m',
        'fake/second-model',
        '-l',
        'ci/run=812',
        '--organization',
        'coder',
      ],
      ...['--plan', '-o', 'json'],
      { input: 'from a pipe\n' },
    )
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    const chat = JSON.parse(ran.stdout)
    expect(chat).toMatchObject({
      answer: 'Read.',
      status: 'waiting',
      client_type: 'api',
      labels: { 'ci/run': '812' },
      plan_mode: 'plan',
    })
    expect(provider.requests.at(-1)?.text).toContain('from a pipe')
    expect(await json('chat', 'list', '-l', 'ci/run=812')).toMatchObject([{ id: chat.id }])
    expect(await json('chat', 'list', '-l', 'ci/run=813')).toEqual([])
  })

  it('start and send take files along', async () => {
    await writeFile(path.join(folder, 'results.csv'), 'test,seconds\nlogin,3\n')
    await writeFile(path.join(folder, 'notes.md'), '# Notes\n')
    provider.play(says('A table.'), says('Notes.'))
    const id = (await cli.good('chat', 'start', '-f', 'results.csv', '-f', 'notes.md', 'What is it?')).trim()
    await reaches(id, 'waiting')
    const files = new Map((await chatNow(id)).files?.map((file) => [file.name, file]))
    expect(files.get('results.csv')).toMatchObject({ mime_type: 'text/csv', size_bytes: 21 })
    expect(files.get('notes.md')).toMatchObject({ mime_type: 'text/markdown' })
    expect(await cli.good('chat', 'send', '--wait', id, '-f', 'notes.md', 'And this?')).toBe('Notes.\n')
    expect(await cli.good('chat', 'messages', id)).toContain('> [file: results.csv (text/csv)]')
    await writeFile(path.join(folder, 'tool.bin'), Buffer.from([0, 1, 2, 3]))
    expect(await cli.bad('chat', 'start', '-f', 'tool.bin', 'x')).toContain('error: ')
    expect(await cli.bad('chat', 'start', '-f', 'none.txt', 'x')).toContain('none.txt cannot be read')
    // It has no size, and no end.
    expect(await cli.bad('chat', 'start', '-f', '/dev/zero', 'x')).toContain('/dev/zero is too large')
  })

  it('flags that cannot be used are refused before anything is asked of a model', async () => {
    const before = provider.requests.length
    expect(await cli.bad('chat', 'start', '-m', 'none', 'x')).toContain(
      'there is no model none: choose from fake/scripted-model, fake/second-model',
    )
    expect(await cli.bad('chat', 'start', '-l', 'x', 'y')).toContain('--label must be key=value')
    expect(await cli.bad('chat', 'start', '-w', 'nowhere', 'y')).toContain('nowhere was not found')
    expect(await cli.bad('chat', 'start')).toContain('the message is empty')
    expect(await cli.bad('chat', 'start', '-o', 'yaml', 'x')).toContain('--output must be text or json')
    expect(await cli.bad('chat')).toContain('no terminal to chat on')
    expect(await cli.bad('chat', 'show', 'nothing-like-it')).toContain('there is no chat nothing-like-it')
    expect(await cli.bad('chat', 'show', crypto.randomUUID())).toContain('error: ')
    expect(provider.requests.length).toBe(before)
  })

  it('start prints the id; send queues while the chat is busy, and waits for all of it', async () => {
    const gate = new Gate()
    provider.play({ steps: ['One', { wait: gate.opened }, '.'] }, says('Two.'))
    const id = (await cli.good('chat', 'start', 'first')).trim()
    await until('the first request', () => provider.left === 1 || undefined)
    const queued = await cli.good('chat', 'send', id, 'second')
    expect(queued).toMatch(/^Queued as \d+\.\n$/)
    expect(await cli.good('chat', 'queued', id)).toMatch(/second/)
    const [, again = ''] = /as (\d+)/.exec(await cli.good('chat', 'send', id, 'third')) ?? []
    await cli.good('chat', 'delete-queued', id, again)
    expect(await cli.bad('chat', 'delete-queued', id, again)).toContain('error: ')
    gate.open()
    await reaches(id, 'waiting')
    expect(await cli.good('chat', 'messages', id)).toBe('> first\n\nOne.\n\n> second\n\nTwo.\n\n')
    provider.play(says('Four.'))
    expect(await cli.good('chat', 'send', '--wait', id, 'fourth')).toBe('Four.\n')
    expect(await json('chat', 'messages', id, '-n', '1')).toMatchObject([{ role: 'assistant' }])
    // B-18
    expect(await cli.good('chat', 'export', id)).toContain('## You\n\nfourth\n\n## Agent\n\nFour.')
    expect(JSON.parse(await cli.good('chat', 'export', id, '--format', 'json'))).toMatchObject({
      chat: { id },
      children: [],
    })
  })

  it('follow -o json prints one event a line, live, and ends with the turn when asked to', async () => {
    const gate = new Gate()
    provider.play({ steps: ['Hel', { wait: gate.opened }, 'lo'] })
    const id = (await cli.good('chat', 'start', 'greet me')).trim()
    await using following = RunningCommand.start(cli, 'chat', 'follow', id, '--wait', '-o', 'json')
    await following.says('"text":"Hel"')
    gate.open()
    expect(await following.ended()).toBe(0)
    const events: ChatStreamEvent[] = following.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['message', 'status', 'message_part']),
    )
    expect(events.filter(({ message }) => message?.role === 'assistant')).toHaveLength(1)
    expect(events.at(-1)).toBeDefined()
  })

  it('follow shows an answer as it comes, once, and what tools were called with', async () => {
    const gate = new Gate()
    provider.play(callsTools({ name: 'read_file', args: { path: '/etc/\u001b[31mhosts' } }), {
      steps: ['Thin', { wait: gate.opened }, 'king.'],
    })
    const id = (await cli.good('chat', 'start', 'look')).trim()
    await using following = RunningCommand.start(cli, 'chat', 'follow', id)
    await following.says('Thin')
    gate.open()
    await following.says('king.\n')
    expect(following.stdout).toMatch(
      /^\n> look\n\n→ read_file: \/etc\/\[31mhosts\n {2}failed: [^\n]+\nThinking\.\n$/,
    )
    following.signal('SIGINT')
    expect(await following.ended()).toBe(130)
  })

  it('CH-905: follow comes back after a lost connection, and says nothing twice', async () => {
    const gate = new Gate()
    provider.play({ steps: ['Before, ', { wait: gate.opened }, 'and after.'] })
    const id = (await cli.good('chat', 'start', 'keep the line')).trim()
    await using line = await Line.open(server.url)
    const to = ['--url', line.url, '--token', owner.headers['Coder-Session-Token'] ?? '']
    await using following = RunningCommand.start(cli, 'chat', 'follow', id, '--wait', ...to)
    await following.says('Before,')
    const before = line.connections
    line.cut()
    await until('the next connection', () => line.connections > before || undefined)
    gate.open()
    expect(await following.ended()).toBe(0)
    expect(following.stdout).toBe('\n> keep the line\n\nBefore, and after.\n')
  })

  it('interrupt stops a turn; what was said stays', async () => {
    provider.play({ steps: ['Half', { stall: true }] })
    const id = (await cli.good('chat', 'start', 'long story')).trim()
    await using following = RunningCommand.start(cli, 'chat', 'follow', id, '--wait')
    await following.says('Half')
    expect(await cli.good('chat', 'interrupt', id)).toBe('Interrupted.\n')
    expect(await following.ended()).toBe(0)
    expect(await cli.good('chat', 'messages', id)).toBe('> long story\n\nHalf\n\n')
    expect(await cli.bad('chat', 'interrupt', id)).toContain('it is waiting')
  })

  it('Ctrl-C while waiting interrupts the chat, and a second one leaves it', async () => {
    provider.play({ steps: ['Half', { stall: true }] })
    await using waiting = RunningCommand.start(cli, 'chat', 'start', '--wait', 'a saga')
    const request = await provider.nextRequest(({ text, streaming }) => streaming && text.includes('a saga'))
    await until('the half', () => request.sentEvents > 0 || undefined)
    waiting.signal('SIGINT')
    expect(await waiting.ended()).toBe(130)
    expect(waiting.stdout).toBe('Half\n')
    expect(waiting.stderr).toContain('Interrupting')
  })

  it('a turn that fails ends the command with 1, and says why', async () => {
    provider.play({ status: 400, message: 'invalid model' })
    const ran = await cli.run('chat', 'start', '--wait', '-o', 'json', 'fail')
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('the turn has failed: ') })
    expect(JSON.parse(ran.stdout)).toMatchObject({
      status: 'error',
      answer: '',
      last_error: { kind: 'config' },
    })
  })

  it('archive, unarchive and rename', async () => {
    const [{ id }] = await json('chat', 'list', '-n', '1')
    await cli.good('chat', 'rename', id, 'Nightly report')
    expect(await cli.good('chat', 'show', 'Nightly report')).toContain(id)
    expect(await cli.good('chat', 'archive', id)).toBe(`Archived Nightly report (${id}).\n`)
    expect(await cli.bad('chat', 'archive', id)).toContain('already archived')
    expect(await json('chat', 'list', '--archived')).toMatchObject([{ id }])
    await cli.good('chat', 'unarchive', id.slice(0, 8))
    expect(await json('chat', 'list', '--archived')).toEqual([])
  })
})

describe('in a workspace', () => {
  it('start -w has the agent work there, and shows what commands print', { timeout: 60_000 }, async () => {
    await server.builtInTemplate()
    await cli.good('create', 'dev', '-t', 'local-workspace', '-y')
    provider.play(
      callsTools({ name: 'execute', args: { command: 'echo made $((40 + 2)); exit 3', timeout: '20s' } }),
      says('It printed 42.'),
    )
    const id = (await cli.good('chat', 'start', '-w', 'dev', 'Run it')).trim()
    expect(await cli.good('chat', 'follow', '--wait', id)).toBe(
      '\n> Run it\n\n→ execute: echo made $((40 + 2)); exit 3\n  made 42\nIt printed 42.\n',
    )
    expect((await chatNow(id)).workspace_id).toEqual(expect.any(String))
  })
})

describe('at a terminal', () => {
  it('talks: answers stream, Ctrl-C interrupts once, and leaves the second time', async () => {
    provider.play(says('Hello there.'), { steps: ['Endless', { stall: true }] })
    const terminal = spawn(process.execPath, [BIN, 'chat', 'start'], {
      env: cli.environment,
      cwd: folder,
      cols: 200,
      rows: 40,
    })
    let [shown, code]: [string, number | undefined] = ['', undefined]
    terminal.onData((text) => {
      shown += text
    })
    terminal.onExit(({ exitCode }) => {
      code = exitCode
    })
    const sees = (text: string) =>
      until(text, () => (shown.includes(text) ? true : undefined)).catch(() => {
        throw new Error(`${JSON.stringify(text)} is not in ${JSON.stringify(shown)}`)
      })
    const prompts = () =>
      until('the prompt', () => (stripVTControlCharacters(shown).endsWith('> ') ? true : undefined))
    try {
      await prompts()
      terminal.write('hi\r')
      await sees('Hello there.')
      await prompts()
      terminal.write('more\r')
      await sees('Endless')
      terminal.write('\u0003')
      await sees('interrupting')
      await prompts()
      terminal.write('\u0003')
      await until('the end', () => code)
      expect(code).toBe(130)
      expect(shown.match(/Hello there\./g)).toHaveLength(1)
      const [, id = ''] = /chat resume (\S+)`/.exec(shown) ?? []
      expect(await cli.good('chat', 'messages', id)).toBe('> hi\n\nHello there.\n\n> more\n\nEndless\n\n')
    } finally {
      terminal.kill('SIGKILL')
    }
  })

  it('picks a chat and goes on with it', async () => {
    const [{ id, title }] = await json('chat', 'list', '-n', '1')
    provider.play(says('Still here.'))
    await using talking = RunningCommand.start(cli, 'chat', '--force-tty')
    await talking.says('A new chat')
    talking.type('\u001b[B\r')
    await talking.says('/help')
    talking.type('are you there?\n')
    await talking.says('Still here.')
    talking.end()
    expect(await talking.ended()).toBe(0)
    expect(talking.stdout).toContain(title)
    expect(await cli.good('chat', 'messages', id, '-n', '1')).toBe('Still here.\n\n')
  })
})

/** A way to the server that a test can cut. */
class Line implements AsyncDisposable {
  readonly url: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  connections = 0

  private constructor(server: Server, target: URL) {
    this.#server = server
    const address = server.address()
    this.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    server.on('connection', (near) => {
      this.connections += 1
      const far = connect(Number(target.port), target.hostname)
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one)
        one
          .on('error', () => undefined)
          .once('close', () => {
            this.#sockets.delete(one)
            other.destroy()
          })
        one.pipe(other)
      }
    })
  }

  static async open(to: string): Promise<Line> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Line(server, new URL(to))
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }
}
