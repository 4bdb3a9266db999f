import type { QueryOf } from '@slipway/contract'
import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import {
  type AgentCaller,
  type BoundRoute,
  forAgent,
  forPage,
  forSession,
  type SessionIncoming,
} from '../edge/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { followFlow } from '../oauth-flow/index.ts'
import { agentToken } from './agent-token.ts'
import { connect, connectDevice, disconnect, getConnection, listConnections } from './connections.ts'
import type { ExternalAuth } from './external-auth.ts'
import { flowClient, startDevice } from './provider-api.ts'
import type { Provider } from './providers.ts'

type Callback = typeof contract.externalAuthCallback | typeof contract.gitAuthCallback

/**
 * Connections of users to providers such as git hosts, and their tokens in workspaces (ID §14).
 *
 * @param isCurrent whether the agent with this id may still authenticate.
 * @param noteGit hears on which branch git is used that asks for a token (CH-1504); never rejects.
 */
export function externalAuthRoutes(
  context: AppContext,
  external: ExternalAuth,
  isCurrent: (agentId: string) => Promise<boolean>,
  noteGit: (
    agent: AgentCaller,
    report: Pick<
      QueryOf<typeof contract.getAgentExternalAuth>,
      'git_branch' | 'git_remote_origin' | 'chat_id'
    >,
  ) => Promise<void>,
): BoundRoute[] {
  const { providers } = external
  const named = (params: Readonly<Record<string, string>>): Provider =>
    providers.get(params.externalauth ?? '')
  const ofDevices = (params: Readonly<Record<string, string>>): Provider => {
    const provider = named(params)
    if (!provider.deviceFlow) throw badRequest('External auth provider does not support device flow.')
    return provider
  }
  const callback = (path: '/external-auth' | '/gitauth') => async (incoming: SessionIncoming<Callback>) => {
    const { actor, params, reply } = incoming
    const provider = named(params)
    // Users of these never come back by themselves (ID-179).
    if (provider.deviceFlow) throw notFound()
    const origin = provider.redirectOrigin || context.accessUrl().replace(/\/+$/, '')
    const uri = `${origin}${path}/${provider.id}/callback`
    const result = await followFlow(context, flowClient(provider), incoming, {
      redirect: { kind: 'fixed', uri },
    })
    if (result === undefined) return undefined
    await connect(context, actor, provider, result.tokens)
    const next = result.redirect === '/' ? `/external-auth/${provider.id}?redirected=true` : result.redirect
    reply.code(307).header('Location', next)
    return undefined
  }
  return [
    forSession(contract.listExternalAuths, ({ actor }) => listConnections(context, external, actor)),
    forSession(contract.getExternalAuth, ({ actor, params }) =>
      getConnection(context, external, actor, named(params)),
    ),
    forSession(contract.deleteExternalAuth, ({ actor, params }) => disconnect(context, actor, named(params))),
    forSession(contract.startExternalAuthDevice, ({ params }) =>
      startDevice(context.outbound, ofDevices(params)),
    ),
    forSession(contract.exchangeExternalAuthDevice, async ({ actor, params, body }) => {
      await connectDevice(context, actor, ofDevices(params), body.device_code)
      return undefined
    }),
    forPage(contract.externalAuthCallback, callback('/external-auth')),
    forPage(contract.gitAuthCallback, callback('/gitauth')),
    forAgent(contract.getAgentExternalAuth, async ({ agent, query, reply }) => {
      await noteGit(agent, query)
      return agentToken({ context, external, isCurrent }, agent, query, reply)
    }),
    forAgent(contract.getAgentGitAuth, async ({ agent, query, reply }) => {
      await noteGit(agent, query)
      return agentToken({ context, external, isCurrent }, agent, query, reply)
    }),
  ]
}
