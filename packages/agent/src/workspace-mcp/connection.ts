import { type ChildProcess, spawn } from 'node:child_process'

import type { ServerConfig } from './config.ts'

/** A message of JSON-RPC 2.0 (MCP 2025-06-18). */
type Message = Readonly<Record<string, unknown>>

/** The way to a server: its requests and their answers. */
export interface McpTransport extends Disposable {
  /** False once the server has gone. */
  readonly open: boolean
  /** @throws Error with what the server says, or when it is gone; what aborted the signal. */
  request(method: string, params: object, signal: AbortSignal): Promise<unknown>
  notify(method: string): void
}

/** Longest message that is read, in bytes. */
const MAX_MESSAGE = 8 * 1024 * 1024
const MAX_STDERR = 2_000
/** A server that was asked to end may take this long, in milliseconds. */
const KILL_MS = 5_000

/** Opens the way to a server; a program is started for it. */
export function connectTo(
  config: ServerConfig,
  around: { readonly env: Readonly<Record<string, string>>; readonly directory: string },
): McpTransport {
  return config.kind === 'http' ? new HttpTransport(config) : new ProgramTransport(config, around)
}

/** A program that reads and writes messages, one in a line. */
class ProgramTransport implements McpTransport {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #ids = 0
  #pending: Buffer[] = []
  #size = 0
  #stderr = ''
  #open = true

  constructor(
    config: Extract<ServerConfig, { kind: 'program' }>,
    { env, directory }: { readonly env: Readonly<Record<string, string>>; readonly directory: string },
  ) {
    const child = spawn(config.command, [...config.args], {
      cwd: directory,
      env: { ...env, ...config.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child = child
    child.stdin.on('error', () => undefined)
    child.stdout.on('data', (chunk: Buffer) => this.#read(chunk))
    child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = `${this.#stderr}${chunk.toString('utf8')}`.slice(-MAX_STDERR)
    })
    child.once('error', (error) => this.#end(error))
    child.once('exit', () => this.#end(new Error(`the server has ended: ${this.#stderr.trim()}`)))
  }

  get open(): boolean {
    return this.#open
  }

  request(method: string, params: object, signal: AbortSignal): Promise<unknown> {
    if (!this.#open) return Promise.reject(new Error('the server has ended'))
    this.#ids += 1
    const id = this.#ids
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.delete(id)
        this.#write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })
        reject(signal.reason)
      }
      const done = (): void => signal.removeEventListener('abort', stop)
      signal.addEventListener('abort', stop, { once: true })
      this.#waiting.set(id, {
        resolve: (value) => {
          done()
          resolve(value)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
      this.#write({ jsonrpc: '2.0', id, method, params })
    })
  }

  notify(method: string): void {
    this.#write({ jsonrpc: '2.0', method })
  }

  #write(message: Message): void {
    if (this.#open) this.#child.stdin?.write(`${JSON.stringify(message)}\n`)
  }

  #read(chunk: Buffer): void {
    let rest = chunk
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      this.#take(Buffer.concat([...this.#pending, rest.subarray(0, end)]).toString('utf8'))
      this.#pending = []
      this.#size = 0
      rest = rest.subarray(end + 1)
    }
    if (rest.length > 0) this.#pending.push(rest)
    this.#size += rest.length
    if (this.#size > MAX_MESSAGE) this.#end(new Error('the server has sent more than can be taken'))
  }

  #take(line: string): void {
    const message = parsed(line)
    if (message === undefined) return
    const { id, method } = message
    if (typeof method === 'string') {
      // Nobody is there whom a server could ask something.
      if (id !== undefined)
        this.#write({ jsonrpc: '2.0', id, error: { code: -32601, message: 'not supported' } })
      return
    }
    if (typeof id !== 'number') return
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    try {
      waiting?.resolve(resultOf(message))
    } catch (error) {
      waiting?.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #end(error: Error): void {
    if (!this.#open) return
    this.#open = false
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
    const { pid } = this.#child
    if (pid === undefined || this.#child.exitCode !== null) return
    signalGroup(pid, 'SIGTERM')
    // Servers that do not listen would pile up.
    setTimeout(() => {
      if (this.#child.exitCode === null && this.#child.signalCode === null) signalGroup(pid, 'SIGKILL')
    }, KILL_MS).unref()
  }

  [Symbol.dispose](): void {
    this.#end(new Error('the server was stopped'))
  }
}

function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended already.
  }
}

/** A server that is asked over HTTP (MCP, Streamable HTTP). */
class HttpTransport implements McpTransport {
  readonly open = true
  readonly #config: Extract<ServerConfig, { kind: 'http' }>
  #session: string | undefined
  #ids = 0

  constructor(config: Extract<ServerConfig, { kind: 'http' }>) {
    this.#config = config
  }

  async request(method: string, params: object, signal: AbortSignal): Promise<unknown> {
    this.#ids += 1
    const id = this.#ids
    const response = await this.#send({ jsonrpc: '2.0', id, method, params }, signal)
    const text = await bounded(response)
    if (!response.ok) throw new Error(`the server answered ${response.status}: ${text.slice(0, 200)}`)
    this.#session = response.headers.get('mcp-session-id') ?? this.#session
    const isStream = response.headers.get('content-type')?.includes('text/event-stream') === true
    for (const piece of isStream ? dataOf(text) : [text]) {
      const message = parsed(piece)
      if (message !== undefined && message.id === id) return resultOf(message)
    }
    throw new Error('the server did not answer the request')
  }

  notify(method: string): void {
    void this.#send({ jsonrpc: '2.0', method }, AbortSignal.timeout(5_000))
      .then((response) => response.body?.cancel())
      .catch(() => undefined)
  }

  #send(message: Message, signal: AbortSignal): Promise<Response> {
    return fetch(this.#config.url, {
      method: 'POST',
      headers: {
        ...this.#config.headers,
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        ...(this.#session === undefined ? {} : { 'Mcp-Session-Id': this.#session }),
      },
      body: JSON.stringify(message),
      signal,
    })
  }

  [Symbol.dispose](): void {
    this.#session = undefined
  }
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_MESSAGE) throw new Error('the server has sent more than can be taken')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The data of a stream of events. */
function dataOf(text: string): string[] {
  return text.split(/\r?\n\r?\n/).map((event) =>
    event
      .split(/\r?\n/)
      .flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trimStart()] : []))
      .join('\n'),
  )
}

function parsed(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** @throws Error with what the server says. */
function resultOf({ result, error }: Message): unknown {
  if (typeof error !== 'object' || error === null) return result
  const message: unknown = Reflect.get(error, 'message')
  throw new Error(typeof message === 'string' ? message.slice(0, 2_000) : 'the server refused the request')
}
