import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { constants } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

import { AgentApiError, type ApiAnswer, type ApiRequest, jsonBody } from './answer.ts'
import { type ChatPaths, chatOf } from './chat-paths.ts'

const HEAD_BYTES = 16 * 1024
const TAIL_BYTES = 16 * 1024
const MAX_LINE_CHARACTERS = 2_048
const MAX_KEPT = 100
const MAX_RUNNING = 100
const MAX_LISTED = 10
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** How long a reader may wait for the end of a process. */
export const MAX_WAIT_MS = 5 * 60_000
/** What a command has left in the background may hold its output open; that is not waited for. */
const PIPES_GRACE_MS = 500

/** Keeps the beginning and the end of an output, so that memory stays bounded whatever a process prints. */
class KeptOutput {
  #head = Buffer.alloc(0)
  #tail = Buffer.alloc(0)
  #total = 0

  add(chunk: Buffer): void {
    this.#total += chunk.length
    const room = HEAD_BYTES - this.#head.length
    if (room > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, room)])
    const rest = chunk.subarray(Math.max(0, room))
    if (rest.length > 0) this.#tail = Buffer.concat([this.#tail, rest]).subarray(-TAIL_BYTES)
  }

  read(): { readonly text: string; readonly truncated: object | null } {
    const kept = this.#head.length + this.#tail.length
    const omitted = this.#total - kept
    if (omitted === 0)
      return { text: Buffer.concat([this.#head, this.#tail]).toString('utf8'), truncated: null }
    return {
      text: `${this.#head.toString('utf8')}\n… ${omitted} bytes omitted …\n${this.#tail.toString('utf8')}`,
      truncated: {
        original_bytes: this.#total,
        retained_bytes: kept,
        omitted_bytes: omitted,
        strategy: 'head_tail',
      },
    }
  }
}

interface Tracked {
  readonly id: string
  readonly command: string
  readonly workdir: string
  readonly chatId: string | undefined
  readonly startedAt: number
  readonly child: ChildProcess
  readonly output: KeptOutput
  readonly ended: Promise<void>
  exitCode: number | undefined
}

/** Processes that programs start through the agent's API; they outlive the request that started them. */
export class Processes implements Disposable {
  readonly #env: () => Readonly<Record<string, string>>
  readonly #directory: () => string
  readonly #chats: ChatPaths | undefined
  readonly #tracked = new Map<string, Tracked>()

  constructor(options: {
    readonly env: () => Readonly<Record<string, string>>
    readonly directory: () => string
    /** Is told in which folders chats work. */
    readonly chats?: ChatPaths
  }) {
    this.#env = options.env
    this.#directory = options.directory
    this.#chats = options.chats
  }

  /**
   * `POST processes/start {command, workdir, env, background, id}`. With an id that the caller has chosen, the same
   * request starts nothing again.
   */
  async start(request: ApiRequest): Promise<ApiAnswer> {
    const body = await jsonBody(request, 1024 * 1024)
    if (typeof body.command !== 'string' || body.command === '')
      throw new AgentApiError(400, '"command" is required')
    if (body.command.includes('\0')) throw new AgentApiError(400, '"command" must not hold a NUL character')
    const workdir = typeof body.workdir === 'string' && body.workdir !== '' ? body.workdir : this.#directory()
    const chatId = chatOf(request)
    const id = body.id ?? randomUUID()
    if (typeof id !== 'string' || !UUID.test(id)) throw new AgentApiError(400, '"id" must be a UUID')
    const known = this.#tracked.get(id)
    if (known !== undefined) {
      if (known.chatId !== chatId) throw new AgentApiError(409, 'there is another process with this id')
      return { json: { id, started: false } }
    }
    if ([...this.#tracked.values()].filter((one) => one.exitCode === undefined).length >= MAX_RUNNING)
      throw new AgentApiError(503, `${MAX_RUNNING} processes are running already: end some`)
    this.#chats?.note(request, workdir)
    const child = spawn('sh', ['-c', body.command], {
      cwd: workdir,
      env: {
        ...this.#env(),
        ...texts(body.env),
        ...(chatId === undefined ? {} : { CODER_CHAT_ID: chatId }),
      },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = new KeptOutput()
    child.stdout.on('data', (chunk: Buffer) => output.add(chunk))
    child.stderr.on('data', (chunk: Buffer) => output.add(chunk))
    const started = new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    const tracked: Tracked = {
      id,
      command: body.command,
      workdir,
      chatId,
      startedAt: Date.now(),
      child,
      output,
      exitCode: undefined,
      ended: endOf(child).then((code) => {
        tracked.exitCode = code
      }),
    }
    // Before it runs, so that the same request at the same time finds it.
    this.#tracked.set(tracked.id, tracked)
    try {
      await started
    } catch (error) {
      this.#tracked.delete(tracked.id)
      throw new AgentApiError(
        400,
        `the process could not be started: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
    this.#forget()
    return { json: { id: tracked.id, started: true } }
  }

  /** Drops the oldest ended ones; running ones are never dropped. */
  #forget(): void {
    for (const [id, one] of this.#tracked) {
      if (this.#tracked.size <= MAX_KEPT) return
      if (one.exitCode !== undefined) this.#tracked.delete(id)
    }
  }

  /** `GET processes/list`: running ones first, then the youngest. */
  list(request: ApiRequest): ApiAnswer {
    const chatId = chatOf(request)
    const processes = [...this.#tracked.values()]
      .filter((one) => chatId === undefined || one.chatId === chatId)
      .sort(
        (a, b) =>
          Number(a.exitCode !== undefined) - Number(b.exitCode !== undefined) || b.startedAt - a.startedAt,
      )
      .slice(0, MAX_LISTED)
      .map((one) => ({
        id: one.id,
        command: one.command,
        workdir: one.workdir,
        running: one.exitCode === undefined,
        exit_code: one.exitCode ?? null,
        started_at_unix: Math.floor(one.startedAt / 1000),
      }))
    return { json: { processes } }
  }

  /** `GET processes/{id}/output?wait=true&timeout_ms=`: waits for the end, at most five minutes. */
  async output(request: ApiRequest): Promise<ApiAnswer> {
    const tracked = this.#find(request)
    if (request.query.get('wait') === 'true') {
      const given = Number(request.query.get('timeout_ms') ?? MAX_WAIT_MS)
      if (!(given >= 0)) throw new AgentApiError(400, '"timeout_ms" must be a number of milliseconds')
      let timer: NodeJS.Timeout | undefined
      await Promise.race([
        tracked.ended,
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, Math.min(given, MAX_WAIT_MS))
          request.signal.addEventListener('abort', () => resolve(), { once: true })
        }),
      ])
      clearTimeout(timer)
    }
    const { text, truncated } = tracked.output.read()
    return {
      json: {
        output: text.split('\n').map(shortened).join('\n'),
        truncated,
        running: tracked.exitCode === undefined,
        exit_code: tracked.exitCode ?? null,
        command: tracked.command,
      },
    }
  }

  /** `POST processes/{id}/signal {signal}`. */
  async signal(request: ApiRequest): Promise<ApiAnswer> {
    const tracked = this.#find(request)
    const { signal } = await jsonBody(request, 64 * 1024)
    if (signal !== 'kill' && signal !== 'terminate')
      throw new AgentApiError(400, '"signal" must be kill or terminate')
    if (tracked.exitCode !== undefined) throw new AgentApiError(409, 'the process is not running any more')
    signalGroup(tracked.child, signal === 'kill' ? 'SIGKILL' : 'SIGTERM')
    return { json: { message: `Sent ${signal}` } }
  }

  #find(request: ApiRequest): Tracked {
    const tracked = this.#tracked.get(request.params.id ?? '')
    const chatId = chatOf(request)
    if (tracked === undefined || (chatId !== undefined && tracked.chatId !== chatId))
      throw new AgentApiError(404, 'there is no such process')
    return tracked
  }

  [Symbol.dispose](): void {
    for (const { child, exitCode } of this.#tracked.values())
      if (exitCode === undefined) signalGroup(child, 'SIGHUP')
  }
}

/** Exit code of a process, once its last output has been read. */
async function endOf(child: ChildProcess): Promise<number> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const code = await new Promise<number>((resolve) => {
    // As shells tell of a process that a signal has ended.
    child.once('exit', (status, signal) =>
      resolve(status ?? (signal === null ? 255 : 128 + constants.signals[signal])),
    )
    child.once('error', () => resolve(255))
  })
  await Promise.race([closed, delay(PIPES_GRACE_MS, undefined, { ref: false })])
  return code
}

function shortened(line: string): string {
  return line.length <= MAX_LINE_CHARACTERS ? line : `${line.slice(0, MAX_LINE_CHARACTERS)}…`
}

function texts(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, String(entry)]))
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // It has ended already.
  }
}
