import { describeError } from '@slipway/request-log'
import { diffOf, recordEntry } from '../audit/index.ts'
import { systemActor } from '../authz/index.ts'
import type { ChatSettings } from '../chat-settings/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { labelled } from '../profile-labels/index.ts'
import { archiveFamily } from './archive-family.ts'
import { holdChat } from './store/metadata.ts'
import { holdForgottenRoot, tryArchiveLock } from './store/retention.ts'
import type { ChatChange } from './update-chat.ts'

const EVERY_MS = 3_600_000
const DAY_MS = 86_400_000
/** Roots of one round. */
const MAX_ROOTS = 1_000
const NIL = '00000000-0000-0000-0000-000000000000'

const actor = systemActor('dbpurge', 'chats that nobody has written to for long are archived')

/** Archives chats that nobody has written to for as many days as the deployment says: at the start and hourly (CH-1702). */
export class AutoArchive implements AsyncDisposable {
  readonly #context: AppContext
  readonly #settings: ChatSettings
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void>
  #closed = false

  constructor(context: AppContext, settings: ChatSettings) {
    this.#context = context
    this.#settings = settings
    this.#round = this.#run()
  }

  async #run(): Promise<void> {
    try {
      await labelled('db-purge', () => this.#archive())
    } catch (error) {
      this.#context.log.error('forgotten chats could not be archived', { error: describeError(error) })
    }
    if (!this.#closed)
      this.#timer = setTimeout(() => {
        this.#round = this.#run()
      }, EVERY_MS).unref()
  }

  async #archive(): Promise<void> {
    const { autoArchiveDays: days } = await this.#settings.deployment()
    if (days === 0) return
    const midnight = Math.floor(this.#context.clock.now().getTime() / DAY_MS) * DAY_MS
    const before = new Date(midnight - days * DAY_MS)
    const seen: string[] = []
    while (seen.length < MAX_ROOTS && !this.#closed) {
      const change = await this.#archiveNext(before, seen)
      if (change === 'none') break
      if (change !== 'changed meanwhile') await this.#record(change)
    }
  }

  /** @param seen ids of the roots that were looked at in this round; the next one is added. */
  async #archiveNext(before: Date, seen: string[]): Promise<ChatChange | 'none' | 'changed meanwhile'> {
    try {
      return await this.#context.database.transaction(async (tx) => {
        if (!(await tryArchiveLock(actor, tx))) return 'none'
        const id = await holdForgottenRoot(actor, tx, before, seen)
        if (id === undefined) return 'none'
        seen.push(id)
        const root = await archiveFamily(this.#context, actor, tx, id, true)
        return { before: root, after: await holdChat(actor, tx, id) }
      })
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) return 'changed meanwhile'
      throw error
    }
  }

  async #record({ before, after }: ChatChange): Promise<void> {
    await recordEntry(this.#context, {
      type: 'chat',
      action: 'write',
      user: undefined,
      organizationId: before.organization_id,
      resourceId: before.id,
      target: before.id.slice(0, 8),
      icon: '',
      diff: diffOf('chat', before, after),
      status: 200,
      additionalFields: { automatic_actor: 'coder', automatic_subsystem: 'chat_auto_archive' },
      requestId: NIL,
      ip: undefined,
      userAgent: '',
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#round
    clearTimeout(this.#timer)
  }
}
