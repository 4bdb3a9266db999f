import { existsSync } from 'node:fs'
import type { Duplex } from 'node:stream'

import { TunnelRefusal } from '@slipway/tunnel'
import type { SessionReports } from '../connection-reports.ts'
import { loginShell } from '../login-shell.ts'
import { streamPair } from '../stream-pair.ts'
import { Terminal } from './terminal.ts'

const MAX_TERMINALS = 100
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What terminals run in. */
export interface TerminalSurroundings {
  readonly env: () => Readonly<Record<string, string>>
  readonly directory: () => string
  readonly shell: () => string
  /** Shown when a login shell starts; empty for none. */
  readonly motdFile: () => string
  /** Hears of every viewer. */
  readonly sessions: SessionReports
}

/** The reconnecting terminals of a workspace, by the id that their first viewer chose (AC-121). */
export class Terminals implements Disposable {
  readonly #around: TerminalSurroundings
  readonly #open = new Map<string, Terminal>()

  constructor(around: TerminalSurroundings) {
    this.#around = around
  }

  /** Sessions that somebody looks at. */
  get viewed(): number {
    return [...this.#open.values()].filter((terminal) => terminal.viewers > 0).length
  }

  /**
   * A stream of the terminal that `request` names; it is started when there is none of that id.
   *
   * @param request base64url JSON `{id, width, height, command}`.
   * @throws TunnelRefusal 400 for a request that cannot be read, 503 when there are too many terminals.
   */
  connect(request: string | undefined): Duplex {
    const wanted = parse(request)
    let terminal = this.#open.get(wanted.id)
    if (terminal === undefined) {
      if (this.#open.size >= MAX_TERMINALS)
        throw new TunnelRefusal(503, `there are ${MAX_TERMINALS} terminals open already: close some`)
      terminal = this.#start(wanted)
    }
    const [near, far] = streamPair()
    terminal.attach(far, wanted)
    const end = this.#around.sessions.begin('reconnecting_pty')
    far.once('close', () => end())
    return near
  }

  #start(wanted: Wanted): Terminal {
    const shell = this.#around.shell()
    const env = this.#around.env()
    const directory = this.#around.directory()
    const terminal = new Terminal(
      {
        ...(wanted.command === ''
          ? loginShell(shell, this.#around.motdFile(), env.HOME)
          : { program: shell, args: ['-c', wanted.command] }),
        env,
        directory: existsSync(directory) ? directory : '/',
        width: wanted.width,
        height: wanted.height,
      },
      () => this.#open.delete(wanted.id),
    )
    this.#open.set(wanted.id, terminal)
    return terminal
  }

  [Symbol.dispose](): void {
    for (const terminal of this.#open.values()) terminal[Symbol.dispose]()
  }
}

interface Wanted {
  readonly id: string
  readonly width: number
  readonly height: number
  readonly command: string
}

function parse(request: string | undefined): Wanted {
  try {
    const value: unknown = JSON.parse(Buffer.from(request ?? '', 'base64url').toString())
    if (
      typeof value === 'object' &&
      value !== null &&
      'id' in value &&
      typeof value.id === 'string' &&
      UUID.test(value.id)
    )
      return {
        id: value.id,
        width: sizeOf('width' in value ? value.width : undefined),
        height: sizeOf('height' in value ? value.height : undefined),
        command: 'command' in value && typeof value.command === 'string' ? value.command : '',
      }
  } catch {
    // Answered below.
  }
  throw new TunnelRefusal(400, 'the request for a terminal cannot be read')
}

function sizeOf(value: unknown): number {
  return typeof value === 'number' && value > 0 && value <= 1_000 ? Math.floor(value) : 80
}
