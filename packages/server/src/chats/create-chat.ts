import { Chat, type CreateChatRequest } from '@slipway/contract'
import { type Actor, authorize } from '../authz/index.ts'
import { linkFiles } from '../chat-files/index.ts'
import {
  type ChatSettings,
  deploymentPrompt,
  parseReasoningEffort,
  resolveModel,
  sanitizedPrompt,
} from '../chat-settings/index.ts'
import type { AppContext } from '../context.ts'
import type { SessionIncoming } from '../edge/index.ts'
import { badRequest, forbidden } from '../errors/index.ts'
import { chosenServers } from '../mcp-servers/index.ts'
import { RepeatableRequest } from '../repeatable-requests/index.ts'
import { isUuid } from '../search/index.ts'
import { firstTitle } from './chat-title.ts'
import { checkDynamicTools, checkLabels, readPlanMode, requireGateway } from './checks.ts'
import { type InputContent, readInput } from './input-content.ts'
import { textOf } from './parts.ts'
import { type ChatDetails, presentChat } from './present.ts'
import { insertChat } from './store/create.ts'
import type { ChatRow } from './store/locked.ts'
import type { NewMessage } from './store/messages.ts'
import { type ChatView, getChatFamily } from './store/views.ts'
import { usableWorkspace } from './usable-workspace.ts'

/** What chats are made of beside their rows. */
export interface ChatParts {
  readonly context: AppContext
  readonly settings: ChatSettings
  /** What other features say about chats that are shown alone, by their ids. */
  readonly details?: readonly ((chats: readonly ChatView[]) => Promise<ReadonlyMap<string, ChatDetails>>)[]
}

/**
 * Makes a chat that a worker takes up at once (CH-401, CH-101).
 *
 * @returns undefined for `row` when the request was answered before.
 * @throws ApiError in the order of CH-401.
 */
export async function createChat(
  { context, settings }: ChatParts,
  incoming: Pick<SessionIncoming<never>, 'actor' | 'raw' | 'reply'> & { readonly body: CreateChatRequest },
): Promise<{ readonly chat: Chat; readonly row: ChatRow | undefined }> {
  const { actor, body } = incoming
  requireGateway(context)
  const { db } = context.database
  const organizationId = organizationOf(actor, body.organization_id)
  const object = { type: 'chat' as const, owner: actor.id, organization: organizationId }
  authorize(actor, 'create', object)
  const request = new RepeatableRequest(
    incoming,
    { guard: { action: 'create', object }, operation: 'create' },
    Chat,
  )
  const before = await request.answered(db)
  if (before !== undefined) return { chat: before, row: undefined }
  const content = await readInput(actor, db, body.content)
  const workspaceId =
    body.workspace_id === undefined
      ? null
      : await usableWorkspace(
          context,
          actor,
          body.workspace_id,
          organizationId,
          'Workspace does not belong to the specified organization.',
        )
  const model = await resolveModel(settings, actor, db, {
    ownerId: actor.id,
    modelConfigId: body.model_config_id,
  })
  const planMode = readPlanMode(body.plan_mode) ?? null
  const mcpServerIds = await chosenServers(actor, db, organizationId, body.mcp_server_ids)
  checkLabels(body.labels ?? {})
  checkDynamicTools(body.unsafe_dynamic_tools ?? [])
  const clientType = readClientType(body.client_type)
  const reasoningEffort = parseReasoningEffort(body.reasoning_effort) ?? model.reasoningEffort ?? null
  const messages = [
    ...(await systemMessages(settings, body.system_prompt, workspaceId !== null)),
    userMessage(actor, content, model.config.id, reasoningEffort),
  ]
  return context.database.transaction(async (tx) => {
    let row: ChatRow | undefined
    const chat = await request.once(tx, async () => {
      const made = await insertChat(
        actor,
        tx,
        {
          status: 'running',
          ownerId: actor.id,
          organizationId,
          clientType,
          title: firstTitle(textOf(content.parts)),
          modelConfigId: model.config.id,
          reasoningEffort,
          workspaceId,
          planMode,
          labels: body.labels,
          mcpServerIds,
          dynamicTools: body.unsafe_dynamic_tools,
        },
        messages,
      )
      row = made.chat
      if (content.fileIds.length > 0) await linkFiles(actor, tx, row.id, content.fileIds)
      const family = await getChatFamily(actor, tx, row.id)
      const details = new Map(family.files.length === 0 ? [] : [[row.id, { files: [...family.files] }]])
      return presentChat(context, family.chat, [], details)
    })
    return { chat, row }
  })
}

/** CH-401. @throws ApiError 400 without one, 403 for who is not a member of it. */
function organizationOf(actor: Actor, given: string | undefined): string {
  if (given === undefined || given === '')
    throw badRequest('organization_id is required.', {
      validations: [{ field: 'organization_id', detail: 'is required' }],
    })
  if (!isUuid(given))
    throw badRequest('Invalid organization_id.', {
      validations: [{ field: 'organization_id', detail: 'must be a UUID' }],
    })
  const id = given.toLowerCase()
  if (!actor.roles.some((role) => role.organizationId === id))
    throw forbidden('You are not a member of the specified organization.')
  return id
}

/** CH-103. @throws ApiError 400. */
function readClientType(given: string | undefined): ChatRow['client_type'] {
  if (given === undefined || given === '') return 'api'
  if (given === 'ui' || given === 'api') return given
  throw badRequest('Invalid client_type.', {
    detail: 'Must be "ui" or "api".',
    validations: [{ field: 'client_type', detail: 'must be "ui" or "api"' }],
  })
}

const ATTACHED =
  'A workspace is attached to this chat. Tools that read, write and run things work in it; it may have to be started first.'
const DETACHED =
  'No workspace is attached to this chat yet. When the work needs files or commands, attach one that the user has or create one.'

/** What the model is told in front of all messages, as it is now and stays (CH-701). @throws ApiError 400. */
export async function systemMessages(
  settings: ChatSettings,
  prompt: string | undefined,
  attached: boolean,
): Promise<NewMessage[]> {
  const own = prompt === undefined ? '' : sanitizedPrompt(prompt, 'system_prompt')
  return [await deploymentPrompt(settings), own, attached ? ATTACHED : DETACHED]
    .filter((text) => text !== '')
    .map((text) => ({ role: 'system', parts: [{ type: 'text', text }], visibility: 'model' }))
}

function userMessage(
  actor: Actor,
  content: InputContent,
  modelConfigId: string,
  reasoningEffort: string | null,
): NewMessage {
  return {
    role: 'user',
    parts: content.parts,
    visibility: 'both',
    createdBy: actor.id,
    modelConfigId,
    reasoningEffort,
  }
}
