import { describeError } from '@slipway/request-log'
import { diffOf, recordEntry } from '../audit/index.ts'
import { systemActor } from '../authz/index.ts'
import type { ChatSettings } from '../chat-settings/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { labelled } from '../profile-labels/index.ts'
import { announceArchived } from './announce.ts'
import { archiveFamily } from './archive-family.ts'
import type { ChatRow } from './store/locked.ts'
import { holdChat } from './store/metadata.ts'
import { type ForgottenRoot, holdForgottenRoot, tryArchiveLock } from './store/retention.ts'
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
    const { autoArchiveDays: days, retentionDays } = await this.#settings.deployment()
    if (days === 0) return
    const midnight = Math.floor(this.#context.clock.now().getTime() / DAY_MS) * DAY_MS
    const before = new Date(midnight - days * DAY_MS)
    let last: ForgottenRoot | undefined
    const archived: Pick<ChatRow, 'id' | 'title' | 'owner_id'>[] = []
    for (let count = 0; count < MAX_ROOTS && !this.#closed; count += 1) {
      const { root, change } = await this.#archiveNext(before, last)
      if (root === undefined) break
      last = root
      if (change === undefined) continue
      const { id, title, owner_id } = change.after
      archived.push({ id, title, owner_id })
      await this.#record(root, change)
    }
    for (const [ownerId, chats] of Map.groupBy(archived, (chat) => chat.owner_id))
      await announceArchived(this.#context, ownerId, chats, { autoArchive: days, retention: retentionDays })
  }

  /** The root that comes after another, without a change where it has changed meanwhile; none at the end. */
  async #archiveNext(
    before: Date,
    last: ForgottenRoot | undefined,
  ): Promise<{ readonly root?: ForgottenRoot; readonly change?: ChatChange }> {
    let root: ForgottenRoot | undefined
    try {
      return await this.#context.database.transaction(async (tx) => {
        root = (await tryArchiveLock(actor, tx))
          ? await holdForgottenRoot(actor, tx, before, last)
          : undefined
        if (root === undefined) return {}
        const was = await archiveFamily(this.#context, actor, tx, root.id, true)
        return { root, change: { before: was, after: await holdChat(actor, tx, root.id) } }
      })
    } catch (error) {
      if (root !== undefined && error instanceof ApiError && error.status < 500) return { root }
      throw error
    }
  }

  async #record({ owner }: ForgottenRoot, { before, after }: ChatChange): Promise<void> {
    await recordEntry(this.#context, {
      type: 'chat',
      action: 'write',
      user: owner,
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
