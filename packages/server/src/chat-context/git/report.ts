import { describeError } from '@slipway/request-log'
import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { isUuid } from '../../search/index.ts'
import { noteReference } from '../store/diff-statuses.ts'

const system = systemActor('chatd', 'an agent tells on which branch git was used')
const MAX = 2_048

/** What an agent says of the repository that git asks a password for. */
export interface GitReport {
  readonly git_branch?: string | undefined
  readonly git_remote_origin?: string | undefined
  readonly chat_id?: string | undefined
}

/**
 * Notes on which branch git is used in a workspace (CH-1504). Git has to get its answer whatever becomes of this, so
 * that it never throws.
 */
export async function noteGitReport(
  context: AppContext,
  agent: { readonly workspaceId: string; readonly ownerId: string },
  report: GitReport,
): Promise<void> {
  const branch = clean(report.git_branch)
  const origin = clean(report.git_remote_origin)
  const chatId = report.chat_id ?? ''
  if (branch === '' || origin === '' || (chatId !== '' && !isUuid(chatId))) return
  try {
    await noteReference(
      system,
      context.database.db,
      { ...agent, chatId: chatId === '' ? undefined : chatId },
      { branch, origin: withoutCredentials(origin) },
      context.clock.now(),
    )
  } catch (error) {
    context.log.warn('the branch that git is used on could not be noted', {
      workspace_id: agent.workspaceId,
      error: describeError(error),
    })
  }
}

function clean(text: string | undefined): string {
  return (text ?? '').replaceAll('\0', '').toWellFormed().slice(0, MAX).trim()
}

/** People write tokens into the addresses of remotes. */
function withoutCredentials(origin: string): string {
  const url = URL.parse(origin)
  if (url === null || (url.username === '' && url.password === '')) return origin
  // The name is one that everybody uses, such as `git`, for SSH.
  if (url.protocol !== 'ssh:') url.username = ''
  url.password = ''
  return url.href
}
