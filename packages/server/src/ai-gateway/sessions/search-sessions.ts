import type { Actor } from '../../authz/index.ts'
import { badRequest } from '../../errors/index.ts'
import { isUuid, SearchQuery } from '../../search/index.ts'

/** Which requests a reader looks for; texts but the id of a session are in lower case. */
export interface SessionSearch {
  /** Id or name of a user. */
  readonly initiator: { readonly id: string } | { readonly username: string } | undefined
  readonly provider: string | undefined
  readonly providerName: string | undefined
  readonly model: string | undefined
  readonly client: string | undefined
  readonly sessionId: string | undefined
  readonly startedAfter: Date | undefined
  readonly startedBefore: Date | undefined
}

/**
 * Reads a search of sessions (AG-92).
 *
 * @param isProvider whether there is a provider of this name.
 * @throws ApiError 400 with one validation for each fault.
 */
export function parseSessionSearch(
  text: string,
  actor: Actor,
  isProvider: (name: string) => boolean,
): SessionSearch {
  const query = new SearchQuery(text)
  const providerName = query.one('provider_name')
  if (providerName !== undefined && !isProvider(providerName))
    query.faults.push({
      field: 'provider_name',
      detail: `Provider ${JSON.stringify(providerName)} does not exist`,
    })
  return finish(query, { ...common(query, actor), providerName, sessionId: query.exact('session_id') })
}

/** Reads a search of requests, which knows less (AG-96). @throws ApiError 400 with one validation for each fault. */
export function parseInterceptionSearch(text: string, actor: Actor): SessionSearch {
  const query = new SearchQuery(text)
  return finish(query, { ...common(query, actor), providerName: undefined, sessionId: undefined })
}

function common(query: SearchQuery, actor: Actor): Omit<SessionSearch, 'providerName' | 'sessionId'> {
  const initiator = query.one('initiator')
  return {
    initiator: initiator === undefined ? undefined : initiatorOf(initiator, actor),
    provider: query.one('provider'),
    model: query.one('model'),
    client: query.one('client'),
    startedAfter: query.time('started_after'),
    startedBefore: query.time('started_before'),
  }
}

/** @throws ApiError 400 for what is wrong in a search. */
function finish(query: SearchQuery, search: SessionSearch): SessionSearch {
  if (query.text !== undefined)
    query.faults.push({ field: 'q', detail: 'Free text is not supported: use key:value' })
  const { startedAfter, startedBefore } = search
  if (startedAfter !== undefined && startedBefore !== undefined && startedBefore <= startedAfter)
    query.faults.push({ field: 'started_before', detail: 'must be after started_after' })
  const faults = query.finish()
  if (faults.length > 0) throw badRequest('Invalid session search query.', { validations: faults })
  return search
}

/** A user by id, by name, or as `me`. */
export function initiatorOf(text: string, actor: Actor): NonNullable<SessionSearch['initiator']> {
  const name = text.toLowerCase()
  if (name === 'me') return { id: actor.id }
  return isUuid(name) ? { id: name } : { username: name }
}
