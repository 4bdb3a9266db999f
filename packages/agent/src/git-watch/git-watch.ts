import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'

import { TunnelRefusal } from '@slipway/tunnel'
import type { ChatPaths } from '../api/chat-paths.ts'
import { streamPair } from '../stream-pair.ts'
import { changesOf, type RepositoryChanges, repositoryRoots } from './repositories.ts'

/** How often it is looked without being asked, in milliseconds. */
const SCAN_MS = 15_000
/** After a chat has changed a file, others mostly follow at once. */
const SETTLE_MS = 500
const MAX_WATCHERS = 64

/** Tells who watches a chat what it has changed in the repositories that it works in (CH-1502). */
export class GitWatch implements Disposable {
  readonly #paths: ChatPaths
  readonly #directory: string
  readonly #env: () => Readonly<Record<string, string>>
  readonly #open = new Set<Watcher>()

  constructor(options: {
    readonly paths: ChatPaths
    readonly directory: string
    readonly env: () => Readonly<Record<string, string>>
  }) {
    this.#paths = options.paths
    this.#directory = options.directory
    this.#env = options.env
  }

  /**
   * A stream of messages in JSON, one in a line: changes or errors out, `{"type":"refresh"}` in.
   *
   * @throws TunnelRefusal 503 when too many watch already.
   */
  connect(chatId: string | undefined): Duplex {
    if (this.#open.size >= MAX_WATCHERS) throw new TunnelRefusal(503, 'too many are watching already')
    const [near, far] = streamPair()
    const watcher = new Watcher(far, this.#paths, chatId, () => this.#look(chatId))
    this.#open.add(watcher)
    far.on('close', () => {
      watcher[Symbol.dispose]()
      this.#open.delete(watcher)
    })
    return near
  }

  async #look(chatId: string | undefined): Promise<readonly RepositoryChanges[]> {
    const env = this.#env()
    const worked = chatId === undefined ? [] : this.#paths.of(chatId)
    const roots = await repositoryRoots([this.#directory, ...worked], env)
    const changes: RepositoryChanges[] = []
    for (const root of roots) {
      const one = await changesOf(root, env)
      if (one !== undefined) changes.push(one)
    }
    return changes
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#open) watcher[Symbol.dispose]()
  }
}

class Watcher implements Disposable {
  readonly #stream: Duplex
  readonly #look: () => Promise<readonly RepositoryChanges[]>
  readonly #timer: NodeJS.Timeout
  readonly #subscription: Disposable
  #settling: NodeJS.Timeout | undefined
  #looking = false
  #again = false
  #closed = false
  #shown = ''
  #known = new Map<string, RepositoryChanges>()

  constructor(
    stream: Duplex,
    paths: ChatPaths,
    chatId: string | undefined,
    look: () => Promise<readonly RepositoryChanges[]>,
  ) {
    this.#stream = stream
    this.#look = look
    const lines = createInterface({ input: stream })
    // Whatever is asked, there is only one thing to answer.
    lines.on('line', () => this.#refresh(true))
    stream.on('error', () => stream.destroy())
    this.#timer = setInterval(() => this.#refresh(false), SCAN_MS).unref()
    this.#subscription = paths.watch((id) => {
      if (id === chatId) this.#settle()
    })
    this.#refresh(true)
  }

  #settle(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      this.#refresh(false)
    }, SETTLE_MS).unref()
  }

  /** @param always answers also when nothing has changed. */
  #refresh(always: boolean): void {
    if (always) this.#shown = ''
    if (this.#looking) {
      this.#again = true
      return
    }
    this.#looking = true
    void this.#tell().finally(() => {
      this.#looking = false
      if (!this.#again || this.#closed) return
      this.#again = false
      this.#refresh(false)
    })
  }

  async #tell(): Promise<void> {
    try {
      const found = await this.#look()
      const now = new Map(found.map((one) => [one.repo_root, one]))
      const removed = [...this.#known.values()]
        .filter(({ repo_root }) => !now.has(repo_root))
        .map(({ repo_root, branch }) => ({ repo_root, branch, removed: true }))
      const repositories = [...found, ...removed]
      const text = JSON.stringify(repositories)
      if (text === this.#shown) return
      this.#shown = JSON.stringify(found)
      this.#known = now
      this.#send({ type: 'changes', repositories })
    } catch (error) {
      this.#send({ type: 'error', message: error instanceof Error ? error.message : String(error) })
    }
  }

  #send(message: object): void {
    // Who reads slowly misses a look rather than filling the memory.
    if (this.#closed || this.#stream.destroyed || this.#stream.writableNeedDrain) return
    this.#stream.write(`${JSON.stringify({ ...message, scanned_at: new Date().toISOString() })}\n`)
  }

  [Symbol.dispose](): void {
    this.#closed = true
    clearInterval(this.#timer)
    clearTimeout(this.#settling)
    this.#subscription[Symbol.dispose]()
    this.#stream.destroy()
  }
}
