import type { Duplex } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

import { type IPty, spawn } from '@lydell/node-pty'

import { terminalEnvironment } from '../environment.ts'
import { PtyInput } from '../pty-input.ts'
import { PtyPace } from '../pty-pace.ts'
import { Scrollback } from './scrollback.ts'

/** Output that is kept for whoever connects later (AC-121). */
const SCROLLBACK_BYTES = 64 * 1024
const IDLE_MS = 5 * 60_000
/** After that a shell that does not care about a hang-up is killed. */
const KILL_AFTER_MS = 10_000
/** The longest message that a viewer may send. */
const MAX_MESSAGE_CHARACTERS = 4 * 1024 * 1024

/** What a terminal runs. */
export interface TerminalCommand {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly directory: string
  readonly width: number
  readonly height: number
}

/**
 * A shell that outlives its viewers (AC-121): it keeps the last 64 KiB of output, shows them to whoever
 * connects, and ends five minutes after the last viewer has left.
 */
export class Terminal implements Disposable {
  readonly #pty: IPty
  readonly #paced: PtyPace
  readonly #keys: PtyInput
  readonly #viewers = new Set<Duplex>()
  readonly #scrollback = new Scrollback(SCROLLBACK_BYTES)
  #kill: NodeJS.Timeout | undefined
  #idle: NodeJS.Timeout | undefined
  #ended = false
  readonly #onEnd: () => void

  constructor(command: TerminalCommand, onEnd: () => void) {
    this.#onEnd = onEnd
    this.#pty = spawn(command.program, [...command.args], {
      name: 'xterm-256color',
      cols: command.width,
      rows: command.height,
      cwd: command.directory,
      env: terminalEnvironment(command.env),
      encoding: null,
    })
    this.#paced = new PtyPace(this.#pty)
    this.#keys = new PtyInput(this.#pty)
    // With `encoding: null` the data are buffers, whatever the types say.
    this.#pty.onData((data: string | Buffer) => this.#output(Buffer.from(data)))
    this.#pty.onExit(() => {
      clearTimeout(this.#kill)
      this.#end()
    })
  }

  /** Number of viewers. */
  get viewers(): number {
    return this.#viewers.size
  }

  /** Shows the terminal on a stream: what was kept, then all that comes, and takes its input. */
  attach(stream: Duplex, size: { readonly width: number; readonly height: number }): void {
    clearTimeout(this.#idle)
    const shown = this.#scrollback.read()
    if (shown.length > 0) stream.write(shown)
    this.#viewers.add(stream)
    this.resize(size.width, size.height)
    let rest = ''
    const decoder = new StringDecoder('utf8')
    stream.on('data', (chunk: Buffer) => {
      rest += decoder.write(chunk)
      if (rest.length > MAX_MESSAGE_CHARACTERS) {
        stream.destroy()
        return
      }
      const lines = rest.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#input(line, stream)
    })
    stream.on('drain', () => this.#pace())
    stream.on('error', () => stream.destroy())
    stream.on('close', () => {
      this.#viewers.delete(stream)
      this.#pace()
      if (this.#viewers.size === 0 && !this.#ended)
        this.#idle = setTimeout(() => this[Symbol.dispose](), IDLE_MS).unref()
    })
  }

  /** A new size; nothing happens unless both are positive. */
  resize(width: number, height: number): void {
    if (width > 0 && height > 0 && !this.#ended) this.#pty.resize(width, height)
  }

  #input(line: string, from: Duplex): void {
    const message = parsed(line)
    if (typeof message !== 'object' || message === null || this.#ended) return
    // The size first: what is typed may ask for it.
    if (
      'height' in message &&
      'width' in message &&
      typeof message.height === 'number' &&
      typeof message.width === 'number'
    )
      this.resize(message.width, message.height)
    if ('data' in message && typeof message.data === 'string') this.#keys.write(message.data, from)
  }

  #output(data: Buffer): void {
    this.#scrollback.add(data)
    for (const viewer of this.#viewers) viewer.write(data)
    this.#pace()
  }

  /** The slowest viewer sets the pace; without viewers the shell runs freely. */
  #pace(): void {
    if (this.#ended) return
    if ([...this.#viewers].some((viewer) => viewer.writableNeedDrain)) this.#paced.pause()
    else this.#paced.resume()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#paced.resume()
    this.#keys.end()
    clearTimeout(this.#idle)
    for (const viewer of this.#viewers) viewer.end()
    this.#onEnd()
  }

  [Symbol.dispose](): void {
    if (this.#ended) return
    this.#pty.kill()
    this.#kill = setTimeout(() => this.#pty.kill('SIGKILL'), KILL_AFTER_MS).unref()
    this.#end()
  }
}

/** Whoever sends no JSON is not heard; the shell and its other viewers go on. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
