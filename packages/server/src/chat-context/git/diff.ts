import type { ChatDiffContents } from '@slipway/contract'
import { type Actor, systemActor } from '../../authz/index.ts'
import { getReadableChat } from '../../chats/index.ts'
import type { AppContext } from '../../context.ts'
import { ApiError } from '../../errors/index.ts'
import type { ExternalAuth } from '../../external-auth/index.ts'
import { listDiffStatuses } from '../store/diff-statuses.ts'
import { GitHostError } from './host.ts'
import { hostOf } from './token.ts'

const system = systemActor('chatd', 'the branch of a chat that its reader may read')

/**
 * What the branch of a chat changes, with the token of its owner; without one only what is known of it (CH-1504).
 *
 * @throws ApiError 404, 502 when the host does not answer.
 */
export async function chatDiff(
  context: AppContext,
  external: ExternalAuth,
  actor: Actor,
  chatId: string,
): Promise<ChatDiffContents> {
  const { chat } = await getReadableChat(actor, context.database.db, chatId)
  const [status] = await listDiffStatuses(system, context.database.db, [chat.id])
  if (status === undefined || status.git_branch === '') return { chat_id: chat.id }
  const { provider, host } = await hostOf(context, external, chat.owner_id, status.git_remote_origin)
  const known: ChatDiffContents = {
    chat_id: chat.id,
    ...(provider === undefined ? {} : { provider: provider.type }),
    remote_origin: status.git_remote_origin,
    branch: status.git_branch,
    ...(status.pr_number === null || status.url === null ? {} : { pull_request_url: status.url }),
  }
  if (host === undefined) return known
  try {
    const diff = await host.diff(status.git_branch, status.pr_number)
    return diff === undefined ? known : { ...known, diff: diff.replaceAll('\0', '\uFFFD').toWellFormed() }
  } catch (error) {
    if (!(error instanceof GitHostError)) throw error
    throw new ApiError(502, 'The Git host did not give the diff.', { detail: error.message, cause: error })
  }
}
