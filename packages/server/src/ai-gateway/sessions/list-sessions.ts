import type * as contract from '@slipway/contract'
import type { Actor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { badRequest } from '../../errors/index.ts'
import {
  COUNT_CAP,
  countSessions,
  hasParts,
  listPlaces,
  listSessions,
  type SessionPlace,
} from '../store/session-list.ts'
import { presentSession } from './present-session.ts'
import type { SessionSearch } from './search-sessions.ts'

/** What part of the sessions is asked for. */
interface Asked {
  readonly limit: number
  readonly offset: number
  /** The page begins behind the session of this id. */
  readonly afterSessionId: string | undefined
  /** Whose session that is, where several users have one of that id. */
  readonly afterInitiatorId: string | undefined
}

/** How many times as many sessions as the page needs are looked at, before all are. */
const LOOKS = [2, 16]
/** Sessions that are read all as fast as some of them. */
const FEW = 1_000
/** Sessions whose prompts are older than those of others that have ended already. */
const UNDER_WAY = 30

/**
 * A page of sessions, read at one moment (AG-91). Few of the requests are read for a page near the front, however many
 * there are.
 *
 * @throws ApiError 400 for a cursor that names no session, or several.
 */
export async function sessionPage(
  { database }: Pick<AppContext, 'database'>,
  actor: Actor,
  search: SessionSearch,
  { limit, offset, afterSessionId, afterInitiatorId }: Asked,
): Promise<contract.AIBridgeListSessionsResponse> {
  return database.transaction(
    async (tx) => {
      const places =
        afterSessionId === undefined
          ? undefined
          : await listPlaces(actor, tx, search, { id: afterSessionId, initiatorId: afterInitiatorId })
      const page = { limit, offset, after: places === undefined ? undefined : onlyPlace(places) }
      const { count } = await countSessions(actor, tx, search)
      // A look at what was last is in vain where few sessions are looked for.
      const looks = count <= (hasParts(search) ? COUNT_CAP : FEW) ? [] : LOOKS
      for (const times of [...looks, undefined]) {
        const recent = times === undefined ? undefined : (offset + limit) * times + UNDER_WAY
        const rows = await listSessions(actor, tx, search, page, recent)
        if (rows !== undefined) return { count, count_cap: COUNT_CAP, sessions: rows.map(presentSession) }
      }
      throw new Error('all sessions were read, and yet there were more')
    },
    { isolation: 'repeatable read' },
  )
}

/** @throws ApiError 400 for none, and for several: behind the wrong one, sessions would come twice, or never. */
function onlyPlace(places: readonly SessionPlace[]): SessionPlace {
  const [place, another] = places
  if (place === undefined) throw unknownCursor('after_session_id', 'names no session')
  if (another !== undefined)
    throw unknownCursor('after_initiator_id', 'must be given: several users have a session of this id')
  return place
}

function unknownCursor(field: string, detail: string): Error {
  return badRequest('Query parameters have invalid values.', { validations: [{ field, detail }] })
}
