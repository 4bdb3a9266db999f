import * as contract from '@slipway/contract'
import { requireNoGatewayLimits } from '../ai-governance/index.ts'
import { type Actor, isAllowed } from '../authz/index.ts'
import { ModelUnavailable, modelForRun } from '../chat-settings/index.ts'
import { type ChatView, getChat, ownedChat } from '../chats/index.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { ApiError, badRequest, conflict, forbidden, notFound } from '../errors/index.ts'
import { CHATD } from './chatd.ts'
import { classify } from './classify-error.ts'
import { failedCall } from './failure.ts'
import type { GenerationParts } from './parts.ts'
import { effortOf } from './prepare.ts'
import { replaceTitle } from './store/history.ts'
import { proposeTitle, TITLE_MS } from './titles.ts'

/** @param present a chat as the API shows it. */
export function chatTitleRoutes(
  parts: GenerationParts,
  present: (actor: Actor, id: string) => Promise<contract.Chat>,
): BoundRoute[] {
  const { db } = parts.context.database
  return [
    forSession(contract.proposeChatTitle, async ({ actor, params, key }) => {
      await requireNoGatewayLimits(db, { id: key.id, user_id: key.userId })
      return { title: await titleFor(parts, await ownChat(parts, actor, params.chat ?? '')) }
    }),
    forSession(contract.regenerateChatTitle, async ({ actor, params, key }) => {
      await requireNoGatewayLimits(db, { id: key.id, user_id: key.userId })
      const chat = await ownChat(parts, actor, params.chat ?? '')
      const title = await titleFor(parts, chat)
      // A title that the user has chosen meanwhile stays.
      await replaceTitle(CHATD, db, chat, { from: chat.title, to: title })
      return present(actor, chat.id)
    }),
  ]
}

/** A chat of the caller: a run uses the credentials of its owner (CH-303). @throws ApiError 404, 403, 503, 400. */
async function ownChat({ context }: GenerationParts, actor: Actor, id: string): Promise<ChatView> {
  const chat = await getChat(actor, context.database.db, id)
  if (!isAllowed(actor, 'update', ownedChat(chat))) throw notFound()
  if (chat.owner_id !== actor.id) throw forbidden('Only the owner of a chat can have its title made.')
  if (!context.config.aiGatewayEnabled)
    throw new ApiError(503, 'Titles cannot be made while the AI gateway is disabled.', {
      detail: 'An administrator can enable it with --ai-gateway-enabled or CODER_AI_GATEWAY_ENABLED=true.',
    })
  if (chat.archived) throw badRequest('Chat is archived.')
  return chat
}

/** @throws ApiError 409 when a limit of usage is reached (CH-805), 503 when no model can make a title now. */
async function titleFor(parts: GenerationParts, chat: ChatView): Promise<string> {
  try {
    const model = await modelForRun(parts.settings, {
      ownerId: chat.owner_id,
      modelConfigId: chat.last_model_config_id,
      reasoningEffort: effortOf(chat),
    })
    const title = await proposeTitle(parts, chat, model, AbortSignal.timeout(TITLE_MS))
    if (title === '') throw new ApiError(503, 'The model gave no title.')
    return title
  } catch (error) {
    if (error instanceof ApiError) throw error
    if (error instanceof ModelUnavailable) throw new ApiError(503, error.message)
    const { failure, detail } = failedCall(error, parts.context.clock.now())
    if (classify(failure).kind === 'usage_limit') throw conflict('A limit of usage is reached.', { detail })
    throw new ApiError(503, 'The model could not make a title.')
  }
}
