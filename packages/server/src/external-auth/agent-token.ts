import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

import type { FastifyReply } from 'fastify'

import type { ExternalAuthResponse } from '@slipway/contract'
import { authorize, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { AgentCaller } from '../edge/index.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { orFailed } from './connections.ts'
import type { Checked, ExternalAuth } from './external-auth.ts'
import type { Provider } from './providers.ts'
import { findLink, listProvidersOfBuild } from './store.ts'

/** What an agent asks for. */
interface AgentTokenRequest {
  readonly id?: string | undefined
  readonly match?: string | undefined
  readonly listen?: boolean | undefined
}

/** What answering agents takes. */
interface Parts {
  readonly context: AppContext
  readonly external: ExternalAuth
  /** Whether the agent with this id may still authenticate. */
  readonly isCurrent: (agentId: string) => Promise<boolean>
}

const POLL_MS = 1_000
/** Whoever still waits then asks again. */
const LISTEN_MS = 15 * 60_000

/**
 * A token of the workspace's owner, or the page on which the owner must connect first; with `listen` the answer waits
 * until there is a token (ID-192).
 *
 * @throws ApiError 400 for a request that names no provider or two, 403 for an agent that its template keeps from its
 * owner's data, 404 without such a provider, 500 when the provider cannot be asked, 503 when nobody connects.
 */
export async function agentToken(
  parts: Parts,
  agent: AgentCaller,
  asked: AgentTokenRequest,
  reply: FastifyReply,
): Promise<ExternalAuthResponse> {
  const { context, external } = parts
  authorize(agent.actor, 'read_personal', { type: 'user', id: agent.ownerId, owner: agent.ownerId })
  const provider = await providerOf(context, external, agent, asked)
  const checked = await orFailed('Failed to refresh external auth token.', () =>
    external.find(agent.actor, provider, agent.ownerId),
  )
  if (checked?.authenticated === true) return withToken(provider, checked)
  if (asked.listen === true) return listen(parts, agent, provider, checked?.link.generation, reply)
  return {
    access_token: '',
    token_extra: {},
    url: external.pageOf(provider),
    type: provider.type,
    username: '',
    password: '',
  }
}

async function providerOf(
  context: AppContext,
  external: ExternalAuth,
  agent: AgentCaller,
  { id = '', match = '' }: AgentTokenRequest,
): Promise<Provider> {
  if ((id === '') === (match === '')) throw badRequest("Exactly one of 'id' and 'match' must be given.")
  if (id !== '') return external.providers.get(id)
  const declared = await listProvidersOfBuild(
    systemActor('provisionerd', 'the template of a build says which providers its own agents use'),
    context.database.db,
    agent.buildId,
  )
  const missing = declared.find((one) => external.providers.find(one.id) === undefined)
  const matching = external.providers.all.filter((provider) => provider.matches(match))
  const wanted = matching.filter((provider) => declared.some((one) => one.id === provider.id))
  if (wanted.length > 1)
    throw new ApiError(
      404,
      `Several external auth providers of this template match ${JSON.stringify(match)}: ${wanted.map((one) => one.id).join(', ')}.`,
      { detail: 'Name one of them by its id, or narrow their patterns.' },
    )
  if (wanted[0] !== undefined) return wanted[0]
  // The one that is missing may be the one that is meant: a token of another one must not go there.
  if (missing !== undefined)
    throw new ApiError(
      404,
      `The template asks for the external auth provider ${JSON.stringify(missing.id)}, which is not configured.`,
    )
  const [any] = matching
  if (any === undefined)
    throw new ApiError(
      404,
      `No matching external auth provider found for the url ${JSON.stringify(match)}.`,
      {
        detail:
          'Ask an administrator of the deployment to configure one, with a REGEX that matches this url.',
      },
    )
  return any
}

/** Waits until the owner has connected. What was refused already is not validated again and again. */
async function listen(
  { context, external, isCurrent }: Parts,
  agent: AgentCaller,
  provider: Provider,
  refused: number | undefined,
  reply: FastifyReply,
): Promise<ExternalAuthResponse> {
  const gone = new AbortController()
  const patience = AbortSignal.timeout(LISTEN_MS)
  const ended = AbortSignal.any([gone.signal, external.closed, patience])
  once(reply.raw, 'close', { signal: ended }).then(
    () => gone.abort(),
    () => undefined,
  )
  const key = { user_id: agent.ownerId, provider_id: provider.id }
  try {
    for (let last = refused; ; ) {
      await delay(POLL_MS, undefined, { signal: ended })
      const link = await findLink(agent.actor, context.database.db, key)
      if (link === undefined || link.generation === last) continue
      const checked = await orFailed('Failed to refresh external auth token.', () =>
        external.check(provider, link),
      )
      if (checked.authenticated) {
        if (!(await isCurrent(agent.id)))
          throw new ApiError(401, 'Workspace agent not authorized.', {
            detail: 'The workspace was stopped, built again or deleted while the agent waited.',
          })
        return withToken(provider, checked)
      }
      last = checked.link.generation
    }
  } catch (error) {
    if (!ended.aborted) throw error
    throw new ApiError(503, `Nobody has connected to ${provider.displayName}. Please ask again.`, {
      // An open connection would hold up a server that ends.
      headers: { Connection: 'close' },
    })
  } finally {
    gone.abort()
  }
}

function withToken(
  provider: Provider,
  { link, tokens }: Extract<Checked, { authenticated: true }>,
): ExternalAuthResponse {
  return {
    access_token: tokens.accessToken,
    token_extra: { ...tokens.extra },
    url: '',
    type: provider.type,
    ...gitCredentials(provider.type, tokens.accessToken),
    ...(link.expires_at === null ? {} : { expires_at: link.expires_at.toISOString() }),
  }
}

/** User name and password as each git host wants a token to be sent. */
function gitCredentials(
  type: string,
  token: string,
): { readonly username: string; readonly password: string } {
  switch (type) {
    case 'gitlab':
      // https://docs.gitlab.com/api/oauth2/#access-git-over-https-with-access-token
      return { username: 'oauth2', password: token }
    case 'bitbucket':
    case 'bitbucket-cloud':
    case 'bitbucket-server':
      // https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/#Cloning-a-repository-with-an-access-token
      return { username: 'x-token-auth', password: token }
    default:
      return { username: token, password: '' }
  }
}
