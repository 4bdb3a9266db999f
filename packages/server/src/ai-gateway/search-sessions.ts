import type { Actor } from '../authz/index.ts'
import { badRequest } from '../errors/index.ts'
import { isUuid, SearchQuery } from '../search/index.ts'

/** Which requests a reader looks for; texts are in lower case. */
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
  const initiator = query.one('initiator')
  const search: SessionSearch = {
    initiator:
      initiator === undefined
        ? undefined
        : initiator === 'me'
          ? { id: actor.id }
          : isUuid(initiator)
            ? { id: initiator }
            : { username: initiator },
    provider: query.one('provider'),
    providerName: query.one('provider_name'),
    model: query.one('model'),
    client: query.one('client'),
    sessionId: query.one('session_id'),
    startedAfter: query.time('started_after'),
    startedBefore: query.time('started_before'),
  }
  const fault = (field: string, detail: string): void => void query.faults.push({ field, detail })
  if (query.text !== undefined) fault('q', 'Free text is not supported: use key:value')
  const { providerName, startedAfter, startedBefore } = search
  if (providerName !== undefined && !isProvider(providerName))
    fault('provider_name', `Provider ${JSON.stringify(providerName)} does not exist`)
  if (startedAfter !== undefined && startedBefore !== undefined && startedBefore <= startedAfter)
    fault('started_before', 'must be after started_after')
  const faults = query.finish()
  if (faults.length > 0) throw badRequest('Invalid session search query.', { validations: faults })
  return search
}
