import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { invalidClient, invalidOAuthRequest } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { ClientDocuments } from './client-documents.ts'
import { oauthSecretMatches, parseOAuthSecret } from './client-secret.ts'
import { KnownClients } from './known-clients.ts'
import { RegistrationLimits } from './registration-limits.ts'
import { findClientById, type OAuthClient } from './store/clients.ts'
import { findSecretByPrefix, touchSecret } from './store/secrets.ts'

const actor = systemActor('system_oauth', 'clients act before it is known for whom')

/** A use of a secret is noted at most this often, in milliseconds. */
const TOUCH_MS = 60_000

/** Where the credentials of a client may be in a request. */
export interface ClientRequest {
  readonly authorization: string | undefined
  readonly query: URLSearchParams
  /** The parsed body; secrets count there only (OA-55). */
  readonly form: URLSearchParams
  /** Where the request comes from; new documents are counted for it (OA-B7). */
  readonly remoteAddress: string
}

/** A client that has said who it is and has not proved it yet. */
export interface PresentedClient {
  readonly client: OAuthClient
  /** As it was sent, by whichever method. */
  readonly secret: string | undefined
}

/** The clients of the authorization server, as its endpoints look them up. */
export class OAuthClients implements Disposable {
  readonly limits: RegistrationLimits
  readonly known: KnownClients
  readonly #context: AppContext
  readonly #documents: ClientDocuments

  constructor(context: AppContext) {
    this.#context = context
    this.limits = new RegistrationLimits(context)
    this.known = new KnownClients(context.database)
    this.#documents = new ClientDocuments(context, this.limits, this.known)
  }

  /**
   * The client with this `client_id`: a UUID, or the address of a document that describes it, which is fetched unless it is
   * fresh (OA-B13). Undefined when there is none.
   *
   * @param remoteAddress of who asks.
   * @throws OAuthError 401 `invalid_client` for a document that cannot be used, 429 after too many new ones, 503 while too
   * many are being fetched.
   */
  async find(clientId: string, remoteAddress: string): Promise<OAuthClient | undefined> {
    if (/^https:/i.test(clientId)) return this.#documents.resolve(clientId, remoteAddress)
    if (!isUuid(clientId)) return undefined
    const client = await this.known.client(clientId.toLowerCase(), () =>
      findClientById(actor, this.#context.database.db, clientId),
    )
    // What was read of a document long ago says nothing of it now.
    return client?.metadata_url == null ? client : this.#documents.resolve(client.metadata_url, remoteAddress)
  }

  /**
   * Who a request says to be from (OA-54, OA-55).
   *
   * @throws OAuthError 400 `invalid_request` without a client id and for credentials that contradict each other; 401
   * `invalid_client` for a client that does not exist.
   */
  async identify({ authorization, query, form, remoteAddress }: ClientRequest): Promise<PresentedClient> {
    const basic = basicCredentials(authorization)
    const clientId = one('client_id', [
      ...query.getAll('client_id'),
      ...form.getAll('client_id'),
      ...(basic === undefined ? [] : [basic.id]),
    ])
    const secret = one('client_secret', [
      ...form.getAll('client_secret'),
      ...(basic === undefined ? [] : [basic.secret]),
    ])
    if (clientId === undefined) throw invalidOAuthRequest('Missing client_id parameter')
    const client = await this.find(clientId, remoteAddress)
    if (client === undefined) throw invalidClient()
    return { client, secret }
  }

  /**
   * Proves that a request is from the client that it names, and notes the use of its secret (OA-56, §9 row 7).
   *
   * @returns the id of the secret; null for public clients, which have none.
   * @throws OAuthError 401 `invalid_client`.
   */
  async authenticate({ client, secret }: PresentedClient): Promise<string | null> {
    if (client.client_type === 'public') {
      if (secret !== undefined) throw invalidClient()
      return null
    }
    const parsed = secret === undefined ? undefined : parseOAuthSecret(secret)
    if (parsed === undefined) throw invalidClient()
    const { clock, database } = this.#context
    const stored = await this.known.secret(parsed.prefix, () =>
      findSecretByPrefix(actor, database.db, parsed.prefix),
    )
    const now = clock.now()
    if (
      stored === undefined ||
      !oauthSecretMatches(parsed.secret, stored.hashed_secret) ||
      stored.app_id !== client.id ||
      (stored.expires_at !== null && stored.expires_at <= now)
    )
      throw invalidClient()
    if (stored.last_used_at === null || now.getTime() - stored.last_used_at.getTime() >= TOUCH_MS) {
      this.known.renewSecret({ ...stored, last_used_at: now })
      await touchSecret(actor, database.db, stored.id, now)
    }
    return stored.id
  }

  /** Cuts the connections to hosts of documents. */
  [Symbol.dispose](): void {
    this.known[Symbol.dispose]()
    this.#documents[Symbol.dispose]()
  }
}

/** The one value that all places give; empty ones count as absent. @throws OAuthError 400 when they differ. */
function one(name: string, values: readonly string[]): string | undefined {
  const given = new Set(values.filter((value) => value !== ''))
  if (given.size > 1) throw invalidOAuthRequest(`The request gives several values of ${name}`)
  return [...given][0]
}

/** User and password of HTTP Basic, each form-encoded as RFC 6749 section 2.3.1 demands (OA-55). */
function basicCredentials(
  header: string | undefined,
): { readonly id: string; readonly secret: string } | undefined {
  const [, encoded] = /^basic +([a-z0-9+/=_-]+) *$/i.exec(header ?? '') ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 0) return undefined
  return { id: formDecoded(text.slice(0, colon)), secret: formDecoded(text.slice(colon + 1)) }
}

/** Clients that do not encode send a URL or a secret as it is: what cannot be decoded is taken so. */
function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
