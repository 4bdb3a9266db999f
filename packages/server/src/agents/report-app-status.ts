import type { PatchAppStatus } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { AgentCaller } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import { noteUse } from '../workspaces/index.ts'
import { storable } from './storable.ts'
import { insertAppStatus } from './store/app-statuses.ts'

const system = systemActor('provisionerd', 'an agent reports of itself, whatever its owner may do')
const MAX_MESSAGE = 160
/** Links that would run something in the page of whoever follows them. */
const DANGEROUS_LINK = /^\s*(javascript|data|vbscript):/i

/** Hears what an app has reported, and what its workspace had reported before. */
export type OnAppStatus = (
  workspaceId: string,
  state: PatchAppStatus['state'],
  before: PatchAppStatus['state'] | undefined,
) => Promise<void>

/**
 * Stores what a program in a workspace says of its work. A workspace in which something works, or has just ended, is in
 * use (AC-85, WS-240, WS-257).
 *
 * @throws ApiError 400 for an app that the agent does not have, a message of more than 160 characters, and a link that
 *   runs something.
 */
export async function reportAppStatus(
  context: AppContext,
  agent: AgentCaller,
  { app_slug: slug, state, message, uri = '' }: PatchAppStatus,
  onAppStatus: OnAppStatus,
): Promise<void> {
  const [text, link] = [oneLine(message), oneLine(uri)]
  if ([...text].length > MAX_MESSAGE)
    throw badRequest('Message is too long.', {
      detail: `Message must be at most ${MAX_MESSAGE} characters.`,
      validations: [{ field: 'message', detail: `must be at most ${MAX_MESSAGE} characters` }],
    })
  if (DANGEROUS_LINK.test(link))
    throw badRequest('The link is not one to follow.', {
      validations: [{ field: 'uri', detail: 'must be a link to something that can be opened' }],
    })
  const before = await insertAppStatus(system, context.database.db, {
    agentId: agent.id,
    workspaceId: agent.workspaceId,
    slug,
    state,
    message: text,
    uri: link,
  })
  if (state === 'working' || before === 'working') await noteUse(context, agent.workspaceId)
  await onAppStatus(agent.workspaceId, state, before)
}

/** A text as it may be shown anywhere: without control characters and line breaks. */
function oneLine(text: string): string {
  return storable(text)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
}
