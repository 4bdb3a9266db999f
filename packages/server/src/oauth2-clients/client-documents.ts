import { LRUCache } from 'lru-cache'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, invalidClient, OAuthError } from '../errors/index.ts'
import { type GuardedCall, GuardedFetch, OutboundError } from '../outbound/index.ts'
import { readClientMetadata } from './client-metadata.ts'
import { freshMs } from './document-freshness.ts'
import { matchesHost } from './host-patterns.ts'
import type { KnownClients } from './known-clients.ts'
import type { RegistrationLimits } from './registration-limits.ts'
import { findClientByDocument, type OAuthClient } from './store/clients.ts'
import { dropUnusedDocuments, saveDocumentClient } from './store/documents.ts'

const actor = systemActor('system_oauth', 'a client is described by a document before anybody signs in')

/** OA-B13. No redirects are followed: the address says who the client is. */
const CALL: GuardedCall = { timeoutMs: 5_000, maxBytes: 5 * 1024 }
const MAX_URL = 2048
/** Documents that are fetched at once, and failures that are remembered so that nobody is asked again at once. */
const AT_ONCE = 20
/** Of one host: one that answers slowly keeps no other from being read. */
const AT_ONCE_OF_HOST = 4
const MAX_FAILURES = 1_000
const FAILURE_MS = 30_000

/** The host of a document did not answer, or says that it cannot do so now. */
class Unreached extends Error {
  override readonly name = 'Unreached'
}

/** Clients that a document describes whose address is their `client_id` (OA-B13). Fails closed. */
export class ClientDocuments implements Disposable {
  readonly #context: AppContext
  readonly #limits: RegistrationLimits
  readonly #known: KnownClients
  readonly #outside: GuardedFetch
  /** By address. */
  readonly #fetching = new Map<string, Promise<OAuthClient>>()
  readonly #failures = new LRUCache<string, ApiError>({ max: MAX_FAILURES, ttl: FAILURE_MS })

  constructor(context: AppContext, limits: RegistrationLimits, known: KnownClients) {
    this.#context = context
    this.#limits = limits
    this.#known = known
    this.#outside = new GuardedFetch(context.config.oauth2ClientDocumentPrivateRanges)
  }

  /**
   * The client that the document at this address describes; it is fetched unless it is fresh.
   *
   * @param remoteAddress of who asks.
   * @throws OAuthError 401 `invalid_client` for an address or a document that cannot be used, 503
   * `temporarily_unavailable` while too many are being fetched, and while a document that was read before cannot be reached;
   * ApiError 429 when there are too many new ones.
   */
  async resolve(clientId: string, remoteAddress: string): Promise<OAuthClient> {
    const { config, clock, database } = this.#context
    const fault = addressFault(clientId)
    if (fault !== undefined) throw invalidClient(`The client_id ${fault}`)
    const { hostname } = new URL(clientId)
    const allowed = config.oauth2ClientDocumentAllowedHosts
    if (
      (allowed.length > 0 && !matchesHost(allowed, hostname)) ||
      matchesHost(config.oauth2ClientDocumentDeniedHosts, hostname)
    )
      throw invalidClient('This deployment takes no clients from that host')
    const known = await this.#known.client(clientId, () => findClientByDocument(actor, database.db, clientId))
    if (known?.metadata_fresh_until != null && known.metadata_fresh_until > clock.now()) return known
    const failure = this.#failures.get(clientId)
    if (failure !== undefined) throw failure
    let fetching = this.#fetching.get(clientId)
    if (fetching === undefined) {
      if (this.#fetching.size >= AT_ONCE || this.#fetchedFrom(clientId) >= AT_ONCE_OF_HOST)
        throw new OAuthError(503, 'temporarily_unavailable', 'Too many client documents are being fetched', {
          headers: { 'Retry-After': '1' },
        })
      fetching = this.#renew(clientId, known, remoteAddress).finally(() => this.#fetching.delete(clientId))
      this.#fetching.set(clientId, fetching)
    }
    return fetching
  }

  #fetchedFrom(clientId: string): number {
    const { host } = new URL(clientId)
    return [...this.#fetching.keys()].filter((address) => new URL(address).host === host).length
  }

  async #renew(
    clientId: string,
    known: OAuthClient | undefined,
    remoteAddress: string,
  ): Promise<OAuthClient> {
    const { clock, database, config, log } = this.#context
    // Another fetch may have ended between the look-up and this one.
    const stored = await findClientByDocument(actor, database.db, clientId)
    if (stored?.metadata_fresh_until != null && stored.metadata_fresh_until > clock.now()) return stored
    if (known === undefined) await this.#limits.takeDocument(remoteAddress)
    try {
      const { document, headers } = await this.#fetch(clientId)
      const metadata = metadataOf(document, clientId)
      const fresh = new Date(clock.now().getTime() + freshMs(headers, clock.now()))
      const saved = await database.transaction(async (tx) => {
        const client = await saveDocumentClient(actor, tx, clientId, metadata, fresh)
        await dropUnusedDocuments(actor, tx, { keep: config.oauth2MaxUnusedClients, but: client.id })
        return client
      })
      this.#known.clear()
      return saved
    } catch (error) {
      if (!(error instanceof Unreached) && (!(error instanceof ApiError) || error.status >= 500)) throw error
      log.info('a client document cannot be used', { client_id: clientId, error: describeError(error) })
      const refusal =
        error instanceof Unreached ? new ClientDocumentUnreached(error, stored !== undefined) : error
      this.#failures.set(clientId, refusal)
      throw refusal
    }
  }

  async #fetch(clientId: string): Promise<{ document: unknown; headers: Headers }> {
    let text: string
    let response: Response
    try {
      response = await this.#outside.fetch(CALL, clientId, { headers: { accept: 'application/json' } })
      text = await response.text()
    } catch (error) {
      this.#context.log.info('a client document could not be fetched', {
        client_id: clientId,
        error: describeError(error),
      })
      // What exactly went wrong would tell strangers what is to be found inside our network.
      const told = 'The client document could not be fetched'
      throw error instanceof OutboundError && (error.kind === 'too-large' || error.kind === 'redirect')
        ? invalidClient(told)
        : new Unreached(told)
    }
    const { status, headers } = response
    if (status === 429 || status >= 500)
      throw new Unreached(`The host of the client document answered ${status}, not 200`)
    if (status !== 200) throw invalidClient(`The host of the client document answered ${status}, not 200`)
    const type = headers.get('content-type') ?? ''
    if (!/^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type))
      throw invalidClient('The client document must have the type application/json')
    try {
      return { document: JSON.parse(text), headers }
    } catch {
      throw invalidClient('The client document is no JSON')
    }
  }

  /** Cuts all connections. */
  [Symbol.dispose](): void {
    this.#outside[Symbol.dispose]()
  }
}

/**
 * What describes a client could not be read. Nobody is served from an old copy. Who was a client before is told to come
 * back, though: at an `invalid_client` it would throw its tokens away, and its users would have to agree again.
 */
export class ClientDocumentUnreached extends OAuthError {
  constructor({ message }: Unreached, wasClient: boolean) {
    if (wasClient)
      super(503, 'temporarily_unavailable', message, { headers: { 'Retry-After': `${FAILURE_MS / 1_000}` } })
    else super(401, 'invalid_client', message, { headers: invalidClient().headers })
  }
}

/** What is wrong with the address of a document: one address must have one spelling. */
function addressFault(clientId: string): string | undefined {
  if (clientId.length > MAX_URL) return `must have at most ${MAX_URL} characters`
  const url = URL.parse(clientId)
  if (url === null || url.protocol !== 'https:') return 'must be an https URL'
  if (url.href !== clientId) return `must be written as ${JSON.stringify(url.href.slice(0, 200))}`
  if (url.username !== '' || url.password !== '') return 'must not hold a user name'
  // The same host by another name, which no list of hosts holds.
  if (url.hostname.endsWith('.')) return 'must not have a dot at the end of its host'
  if (url.pathname === '/') return 'must have a path'
  return clientId.includes('#') ? 'must not have a fragment' : undefined
}

function metadataOf(document: unknown, clientId: string) {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw invalidClient('The client document must be a JSON object')
  if (Reflect.get(document, 'client_id') !== clientId)
    throw invalidClient('The client_id of the client document is not its address')
  if (Object.hasOwn(document, 'client_secret'))
    throw invalidClient('A client document must not hold a secret')
  const method: unknown = Reflect.get(document, 'token_endpoint_auth_method')
  if (method !== undefined && method !== null && method !== 'none')
    throw invalidClient('The client document must have the token_endpoint_auth_method none')
  try {
    // Redirect hosts of these clients are bounded by the hosts that documents may come from.
    return readClientMetadata(document, { defaultMethod: 'none', redirectHosts: () => true, lenient: true })
  } catch (error) {
    if (error instanceof OAuthError) throw invalidClient(`The client document is invalid: ${error.message}`)
    throw error
  }
}
