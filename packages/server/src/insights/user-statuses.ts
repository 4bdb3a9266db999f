import type { GetUserStatusCountsResponse } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import { countUserStatuses, isKnownZone } from './store/user-statuses.ts'

const DAYS = 60

/**
 * How many users had which status on each of the last sixty days (WS-273).
 *
 * @throws ApiError 404 (WS-274); 400 for a zone that is not known, or when two are named.
 */
export async function userStatusCounts(
  { clock, database }: Pick<AppContext, 'clock' | 'database'>,
  actor: Actor,
  query: { readonly timezone?: string | undefined; readonly tz_offset?: number | undefined },
): Promise<GetUserStatusCountsResponse> {
  const { timezone, tz_offset: hoursWest } = query
  if (timezone !== undefined && hoursWest !== undefined)
    throw badRequest('Query parameters have invalid values.', {
      validations: [{ field: 'tz_offset', detail: 'give either "timezone" or "tz_offset"' }],
    })
  if (timezone !== undefined && !(await isKnownZone(actor, database.db, timezone)))
    throw badRequest('Query parameters have invalid values.', {
      validations: [{ field: 'timezone', detail: 'must be the name of a time zone, such as Europe/Berlin' }],
    })
  const rows = await countUserStatuses(actor, database.db, {
    now: clock.now(),
    days: DAYS,
    zone: timezone ?? zoneOf(hoursWest ?? 0),
  })
  const counts: GetUserStatusCountsResponse['status_counts'] = {}
  for (const { status, date, count } of rows) {
    counts[status] ??= []
    counts[status].push({ date: date.toISOString(), count })
  }
  return { status_counts: counts }
}

/** The zone of a fixed offset; these names count hours to the west, too. */
function zoneOf(hoursWest: number): string {
  return hoursWest === 0 ? 'UTC' : `Etc/GMT${hoursWest < 0 ? '-' : '+'}${Math.abs(hoursWest)}`
}
