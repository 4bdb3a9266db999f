import { NO_ID } from '@slipway/contract'
import { diffOf, recordEntry } from '../audit/index.ts'
import { systemActor } from '../authz/index.ts'
import type { ChatSettings } from '../chat-settings/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { announceArchived } from './announce.ts'
import { archiveFamily } from './archive-family.ts'
import type { ChatRow } from './store/locked.ts'
import { holdChat } from './store/metadata.ts'
import { type ForgottenRoot, holdForgottenRoot, tryArchiveLock } from './store/retention.ts'
import type { ChatChange } from './update-chat.ts'

const PAUSE_MS = 3_600_000
const DAY_MS = 86_400_000
/** Roots of one round. */
const MAX_ROOTS = 1_000
const actor = systemActor('dbpurge', 'chats that nobody has written to for long are archived')

/** Archives chats that nobody has written to for as many days as the deployment says: at the start and hourly (CH-1702). */
export function autoArchiveJob(context: AppContext, settings: ChatSettings): PeriodicJob {
  return new PeriodicJob(context, {
    service: 'db-purge',
    pauseMs: PAUSE_MS,
    failure: 'forgotten chats could not be archived',
    round: (closing) => archiveForgotten(context, settings, closing),
  })
}

async function archiveForgotten(
  context: AppContext,
  settings: ChatSettings,
  closing: AbortSignal,
): Promise<void> {
  const { autoArchiveDays: days, retentionDays } = await settings.deployment()
  if (days === 0) return
  const midnight = Math.floor(context.clock.now().getTime() / DAY_MS) * DAY_MS
  const before = new Date(midnight - days * DAY_MS)
  let last: ForgottenRoot | undefined
  const archived: Pick<ChatRow, 'id' | 'title' | 'owner_id'>[] = []
  for (let count = 0; count < MAX_ROOTS && !closing.aborted; count += 1) {
    const { root, change } = await archiveNext(context, before, last)
    if (root === undefined) break
    last = root
    if (change === undefined) continue
    const { id, title, owner_id } = change.after
    archived.push({ id, title, owner_id })
    await recordArchived(context, root, change)
  }
  for (const [ownerId, chats] of Map.groupBy(archived, (chat) => chat.owner_id))
    await announceArchived(context, ownerId, chats, { autoArchive: days, retention: retentionDays })
}

/** The root that comes after another, without a change where it has changed meanwhile; none at the end. */
async function archiveNext(
  context: AppContext,
  before: Date,
  last: ForgottenRoot | undefined,
): Promise<{ readonly root?: ForgottenRoot; readonly change?: ChatChange }> {
  let root: ForgottenRoot | undefined
  try {
    return await context.database.transaction(async (tx) => {
      root = (await tryArchiveLock(actor, tx)) ? await holdForgottenRoot(actor, tx, before, last) : undefined
      if (root === undefined) return {}
      const was = await archiveFamily(context, actor, tx, root.id, true)
      return { root, change: { before: was, after: await holdChat(actor, tx, root.id) } }
    })
  } catch (error) {
    if (root !== undefined && error instanceof ApiError && error.status < 500) return { root }
    throw error
  }
}

async function recordArchived(
  context: AppContext,
  { owner }: ForgottenRoot,
  { before, after }: ChatChange,
): Promise<void> {
  await recordEntry(context, {
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
    requestId: NO_ID,
    ip: undefined,
    userAgent: '',
  })
}
