import type { FastifyRequest } from 'fastify'

import * as contract from '@slipway/contract'
import { askAgent } from '@slipway/mcp-tools'
import { describeError } from '@slipway/request-log'
import { type AgentTunnels, getAgent, type RightsWatch } from '../agents/index.ts'
import { type Actor, authorize, isAllowed, systemActor } from '../authz/index.ts'
import { getReadableChat, ownedChat } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import {
  type BoundRoute,
  type Credential,
  closeSoon,
  forAgent,
  forSession,
  type Precheck,
  type RequestContext,
  tokenOf,
} from '../edge/index.ts'
import { ApiError, notFound } from '../errors/index.ts'
import type { ExternalAuth } from '../external-auth/index.ts'
import { findFiles } from './find-files.ts'
import { chatDiff } from './git/diff.ts'
import { gitTarget, relayGit } from './git/relay.ts'
import { repin, repinDirty } from './pin.ts'
import { pushContext } from './push.ts'

/** What the routes of workspace contexts stand on. */
export interface ChatContextParts {
  readonly context: AppContext
  readonly tunnels: AgentTunnels
  readonly external: ExternalAuth
  readonly rights: RightsWatch
  /** Validates a token in full; never rejects. */
  readonly validate: (
    credential: Credential | undefined,
    context: RequestContext,
  ) => Precheck | Promise<Precheck>
  /** A chat as the API shows it alone. */
  readonly present: (actor: Actor, chatId: string) => Promise<contract.Chat>
}

const system = systemActor('chatd', 'the workspace of a chat that its changer may change is looked at again')
const LOOK_MS = 5_000
/** 4 MiB of texts (AC-86), with what JSON makes of their quotes and ends of lines. */
const MAX_PUSH = 12 * 1024 * 1024
const LOST = 'you may not watch the workspace of this chat any more'

/** What workspaces tell chats, and the repositories and branches that chats work on (CH-§13, CH-§15). */
export function chatContextRoutes(parts: ChatContextParts): BoundRoute[] {
  const { context, tunnels, external } = parts
  /** What was written a moment ago should be in the copy; an agent that is away has told what it had. */
  const lookAgain = async (agentId: string): Promise<void> => {
    try {
      const agent = await getAgent(system, context.database.db, agentId)
      if (agent.status !== 'connected') return
      const tunnel = await tunnels.get(agentId)
      const signal = AbortSignal.timeout(LOOK_MS)
      await askAgent(tunnel, { method: 'POST', path: '/api/v0/context/resync', body: {} }, signal)
    } catch (error) {
      context.log.debug('an agent did not look at its workspace again', {
        agent_id: agentId,
        error: describeError(error),
      })
    }
  }
  const stillMay = (raw: FastifyRequest, chatId: string): (() => Promise<boolean>) => {
    const token = tokenOf({ cookies: raw.cookieValues, headers: raw.headers, query: raw.credentialSearch })
    const request = raw.context
    return async () => {
      const caller = await parts.validate(token, request)
      // Trouble of ours is no reason to cut anybody off.
      if (!caller.ok) return caller.status === 500
      try {
        await gitTarget(context, caller.actor, chatId)
        return true
      } catch (error) {
        if (error instanceof ApiError && error.status < 500) return false
        throw error
      }
    }
  }
  return [
    forAgent(
      contract.pushAgentContext,
      async ({ agent, body }) => ({ accepted: await pushContext(context, agent, body) }),
      { bodyLimit: MAX_PUSH },
    ),
    forAgent(contract.refreshAgentChats, async ({ agent }) => {
      authorize(agent.actor, 'read', {
        type: 'workspace',
        id: agent.workspaceId,
        owner: agent.ownerId,
        organization: agent.organizationId,
      })
      return { refreshed: await repinDirty(context, agent) }
    }),
    forSession(contract.refreshChatContext, async ({ actor, params }) => {
      const { chat } = await getReadableChat(actor, context.database.db, params.chat ?? '')
      // Readers who may not change it see no such operation (CH-302).
      if (!isAllowed(actor, 'update', ownedChat(chat))) throw notFound()
      await repin(context, chat, lookAgain)
      return parts.present(actor, chat.id)
    }),
    forSession(contract.findWorkspaceFiles, ({ actor, query }) => findFiles(context, tunnels, actor, query)),
    forSession(contract.getChatDiff, ({ actor, params }) =>
      chatDiff(context, external, actor, params.chat ?? ''),
    ),
    forSession(contract.streamChatGit, async ({ actor, params, raw, upgrade }) => {
      const { agent, chatId } = await gitTarget(context, actor, params.chat ?? '')
      const socket = await upgrade()
      parts.rights.watch(socket, stillMay(raw, chatId), () => closeSoon(socket, 1008, LOST))
      await relayGit(socket, tunnels.get(agent.id), chatId)
      return undefined
    }),
  ]
}
