import { createHash } from 'node:crypto'

import type { ProviderRouting, RoutedProvider } from '../../ai-governance/index.ts'
import type { ModelProvider } from '../../ai-providers/index.ts'
import { servedModel } from '../bedrock/invoke-model.ts'
import { editMembers } from '../data-plane/json-members.ts'
import { destinationOf } from '../data-plane/paths.ts'
import { clientOf, clientSessionOf } from '../exchange/clients.ts'
import type { ExchangeParts, ModelRequest } from '../exchange/exchange-parts.ts'
import { bodyText } from '../wires/json.ts'
import type { RequestFacts } from '../wires/request-facts.ts'
import { type Wire, wireOf } from '../wires/wire.ts'

/** A provider that a request may go to, and what it is asked for there. */
export interface Target {
  readonly provider: ModelProvider
  readonly routing: ProviderRouting
  /** The model that answers, as it is recorded. */
  readonly model: string
  /** Of another provider than the addressed one: where it is asked. */
  readonly url: URL | undefined
  /** The name to ask it with, where it has another one for the model. */
  readonly renamed: string | undefined
}

/**
 * Where a request may go, in the order in which that is tried (AG-B10): those that share its load, in an order that is
 * the same for a session as long as their weights are, and behind them the fallbacks. Only who speaks the same wire, is on,
 * has a key and is open to the caller is among them. What users bring their own key for goes to the provider that they
 * name alone. Empty when nobody has a key.
 */
export function targetsOf(
  parts: ExchangeParts,
  request: ModelRequest,
  facts: RequestFacts,
): readonly Target[] {
  const { provider, byok } = request
  const routing = parts.governance.routingOf(provider.id)
  const addressed = targetAt(parts, request, provider, facts.model)
  const alone = byok !== undefined || hasCredential(provider) ? [addressed] : []
  if (byok !== undefined || (routing.fallbacks.length === 0 && routing.balance.length === 0)) return alone
  const wire = wireOf(request.url.pathname)
  if (wire !== 'chat' && wire !== 'responses' && wire !== 'messages') return alone
  const access = parts.governance.modelAccess(request.initiator.groupIds, request.initiator.keyLimits)
  const at = (named: RoutedProvider): Target | undefined => {
    const other = parts.providers.find(named.provider)
    if (other === undefined || other.id === provider.id) return undefined
    if (other.status !== 'enabled' || other.family !== provider.family || !hasCredential(other))
      return undefined
    const model = Object.hasOwn(named.models, facts.model) ? named.models[facts.model] : undefined
    const url = addressAt(other, wire, request.url.search)
    if (url === undefined) return undefined
    const target = targetAt(parts, request, other, facts.model, model, url)
    return access.allows(other.name, target.model) ? target : undefined
  }
  const shares = routing.balance.map((named) => ({ target: at(named), weight: named.weight }))
  const balanced =
    shares.length === 0
      ? alone
      : byShare(
          [...alone.map((target) => ({ target, weight: routing.weight })), ...shares],
          sessionOf(request, facts),
        )
  const chain = [...balanced, ...routing.fallbacks.map(at)].filter((target) => target !== undefined)
  const tried = chain.filter(
    (target, index) => chain.findIndex((one) => one.provider.id === target.provider.id) === index,
  )
  return tried.length === 0 ? alone : tried
}

/** The request as it is sent to a target. */
export function requestAt(request: ModelRequest, { provider, url, renamed }: Target): ModelRequest {
  if (url === undefined) return request
  if (renamed === undefined) return { ...request, provider, url }
  const body = editMembers(bodyText(request.body), { model: () => JSON.stringify(renamed) })
  return { ...request, provider, url, body: Buffer.from(body) }
}

/** What stays together: the session that a client names, or else all that a user asks with it (AG-B11). */
export function sessionOf(
  { initiatorId, headers }: Pick<ModelRequest, 'initiatorId' | 'headers'>,
  facts?: Pick<RequestFacts, 'metadataUserId'>,
): string {
  const client = clientOf(headers)
  return `${initiatorId} ${clientSessionOf(client, headers, facts?.metadataUserId ?? '') ?? client}`
}

function targetAt(
  parts: ExchangeParts,
  request: ModelRequest,
  provider: ModelProvider,
  model: string,
  renamed?: string,
  url?: URL,
): Target {
  return {
    provider,
    routing: parts.governance.routingOf(provider.id),
    model: servedModel(provider, request.url.pathname, renamed ?? model),
    url,
    renamed,
  }
}

function hasCredential({ keys, bedrock }: ModelProvider): boolean {
  return keys.length > 0 || bedrock !== undefined
}

/** Where a provider is asked in the words of a wire; undefined where it is not. */
function addressAt(
  provider: ModelProvider,
  wire: Extract<Wire, 'chat' | 'responses' | 'messages'>,
  query: string,
): URL | undefined {
  try {
    return destinationOf(provider, pathOf(provider, wire), query)?.url
  } catch {
    // Its base URL cannot be read.
    return undefined
  }
}

function pathOf({ family }: ModelProvider, wire: 'chat' | 'responses' | 'messages'): string {
  const version = family === 'openai' ? '/v1' : ''
  switch (wire) {
    case 'chat':
      return `${version}/chat/completions`
    case 'responses':
      return `${version}/responses`
    case 'messages':
      return '/v1/messages'
  }
}

/**
 * Those with a weight, the one whose turn it is first: each is drawn by its share, and the same session draws the same
 * (rendezvous hashing), on every replica.
 */
function byShare(
  shares: readonly { readonly target: Target | undefined; readonly weight: number }[],
  session: string,
): readonly (Target | undefined)[] {
  return shares
    .flatMap(({ target, weight }) =>
      target === undefined || weight === 0
        ? []
        : [{ target, score: -Math.log(drawn(session, target)) / weight }],
    )
    .sort((one, other) => one.score - other.score)
    .map(({ target }) => target)
}

/** A number above 0 and below 1. */
function drawn(session: string, { provider }: Target): number {
  const digest = createHash('sha256').update(`${provider.name} ${session}`).digest()
  return (digest.readUIntBE(0, 6) + 1) / (2 ** 48 + 1)
}
