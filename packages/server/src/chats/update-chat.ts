import { NO_ID, type UpdateChatRequest } from '@slipway/contract'
import { type Actor, isAllowed } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { archiveFamily } from './archive-family.ts'
import { checkLabels, readPlanMode } from './checks.ts'
import { type ChatRow, ownedChat } from './store/locked.ts'
import { holdChat, listPins, lockPins, storePins, updateMetadata } from './store/metadata.ts'
import { getChat } from './store/views.ts'
import { usableWorkspace } from './usable-workspace.ts'

const MAX_TITLE = 200

/** A chat before and after a change. */
export interface ChatChange {
  readonly before: ChatRow
  readonly after: ChatRow
}

/**
 * Changes what a request names of a chat: all of it or nothing (CH-420, B-1).
 *
 * @throws ApiError 404 for who may not change it, 400 and 409 for the first that cannot be.
 */
export async function updateChat(
  context: AppContext,
  actor: Actor,
  id: string,
  change: UpdateChatRequest,
): Promise<ChatChange> {
  const view = await getChat(actor, context.database.db, id)
  if (!isAllowed(actor, 'update', ownedChat(view))) throw notFound()
  const title = change.title === undefined ? undefined : readTitle(change.title)
  if (change.labels !== undefined) checkLabels(change.labels)
  // Judged before anything is held, and told in its turn: after what is wrong with the archive and the pin.
  const [workspace] = await Promise.allSettled([readWorkspace(context, actor, view, change.workspace_id)])
  return context.database.transaction(async (tx) => {
    const movesPins = change.pin_order !== undefined || change.archived === true
    if (movesPins) await lockPins(actor, tx, view)
    const before =
      change.archived === undefined
        ? await holdChat(actor, tx, id)
        : await archiveFamily(context, actor, tx, id, change.archived)
    if (change.pin_order !== undefined) await pin(actor, tx, id, change.pin_order)
    else if (movesPins && before.pin_order > 0)
      await storePins(actor, tx, before, await listPins(actor, tx, before))
    if (workspace.status === 'rejected') throw workspace.reason
    const workspaceId = workspace.value
    const planMode = readPlanMode(change.plan_mode)
    const rebinds = workspaceId !== undefined && workspaceId !== before.workspace_id
    const metadata = {
      ...(title === undefined || title === before.title ? {} : { title }),
      ...(change.labels === undefined ? {} : { labels: JSON.stringify(change.labels) }),
      ...(planMode === undefined ? {} : { plan_mode: planMode }),
      ...(rebinds ? { workspace_id: workspaceId, updated_at: context.clock.now() } : {}),
    }
    if (Object.keys(metadata).length > 0) await updateMetadata(actor, tx, before, metadata)
    return { before, after: await holdChat(actor, tx, id) }
  })
}

/** A title as it is stored (CH-421). @throws ApiError 400. */
function readTitle(given: string): string {
  const title = given.trim()
  const refuse = (detail: string) =>
    badRequest('Invalid title.', { detail, validations: [{ field: 'title', detail }] })
  if (title === '') throw refuse('The title must not be empty.')
  if ([...title].length > MAX_TITLE) throw refuse(`The title must have at most ${MAX_TITLE} characters.`)
  return title
}

/** The workspace that a request binds; null unbinds, undefined leaves it (CH-423). @throws ApiError 400. */
async function readWorkspace(
  context: AppContext,
  actor: Actor,
  chat: Pick<ChatRow, 'organization_id'>,
  given: string | undefined,
): Promise<string | null | undefined> {
  if (given === undefined) return undefined
  if (given === NO_ID) return null
  return usableWorkspace(
    context,
    actor,
    given,
    chat.organization_id,
    "Workspace does not belong to this chat's organization.",
  )
}

/** CH-422. @throws ApiError 400. */
async function pin(actor: Actor, tx: Db, id: string, place: number): Promise<void> {
  if (place < 0)
    throw badRequest('pin_order must not be negative.', {
      validations: [{ field: 'pin_order', detail: 'must not be negative' }],
    })
  const chat = await holdChat(actor, tx, id)
  if (chat.parent_chat_id !== null || chat.root_chat_id !== null)
    throw badRequest('Only root chats can be pinned.')
  if (chat.archived) throw badRequest('Archived chats cannot be pinned.')
  const pinned = await listPins(actor, tx, chat)
  const others = pinned.filter((other) => other !== chat.id)
  if (place === 0) await storePins(actor, tx, chat, others)
  else if (chat.pin_order === 0) await storePins(actor, tx, chat, [...others, chat.id])
  else {
    const at = Math.min(place, pinned.length) - 1
    await storePins(actor, tx, chat, others.toSpliced(at, 0, chat.id))
  }
}
