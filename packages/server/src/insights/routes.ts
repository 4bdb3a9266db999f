import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession, type RouteLimits, type SessionIncoming } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import { refuseUnknown } from '../search/index.ts'
import { DailyUsers } from './daily-users.ts'
import { formatTime, intervalsOf, type Period, readPeriod } from './period.ts'
import { sectionsOf, templateIds } from './query.ts'
import { findScope, type InsightsScope } from './store/scope.ts'
import { listUserActivity, listUserLatency } from './store/usage.ts'
import { reportTemplates } from './template-report.ts'
import { userStatusCounts } from './user-statuses.ts'

/** Reports read all half hours of their time. */
const AT_ONCE = { limit: 16, resource: 'Insights' }

/** Who uses which templates, how, and how long (WS-270 to WS-274, OP-160). */
export function insightsRoutes(context: AppContext): BoundRoute[] {
  const { clock, database, config } = context
  const { db } = database
  const daily = new DailyUsers(context)
  const limits = {
    atOnce: AT_ONCE,
    gate: () => {
      if (!config.usageStatsEnable)
        throw new ApiError(404, 'Not Found.', { detail: 'Template insights are disabled.' })
    },
  }
  const report = <R extends contract.Route>(
    route: R,
    answer: (incoming: SessionIncoming<R>) => Promise<contract.ResponseOf<R>>,
    limitedBy: RouteLimits = limits,
  ): BoundRoute =>
    forSession(
      route,
      async (incoming) => {
        refuseUnknown(incoming.raw.search, Object.keys(route.query?.properties ?? {}))
        return answer(incoming)
      },
      limitedBy,
    )
  return [
    report(contract.getDeploymentDaus, async ({ actor, query }) => {
      return daily.of(actor, await findScope(actor, db, []), query.tz_offset ?? 0)
    }),
    report(contract.getTemplateDaus, async ({ actor, params, query }) => {
      const scope = await findScope(actor, db, [params.template ?? ''])
      return daily.of(actor, scope, query.tz_offset ?? 0)
    }),
    report(contract.getUserActivity, async ({ actor, query }) => {
      const period = readPeriod(query, clock.now())
      const scope = await findScope(actor, db, templateIds(query.template_ids))
      const users = await listUserActivity(actor, db, scope, period)
      return { report: { ...headOf(period, users), users } }
    }),
    report(contract.getUserLatency, async ({ actor, query }) => {
      const period = readPeriod(query, clock.now())
      const scope = await findScope(actor, db, templateIds(query.template_ids))
      const rows = await listUserLatency(actor, db, scope, period)
      const users = rows.map(({ p50, p95, ...user }) => ({ ...user, latency_ms: { p50, p95 } }))
      return { report: { ...headOf(period, users), users } }
    }),
    report(contract.getTemplateInsights, async ({ actor, query }) => {
      const period = readPeriod(query, clock.now())
      const sections = sectionsOf(query.sections)
      const { interval } = query
      const intervals = interval === undefined ? [] : intervalsOf(period, interval)
      const scope: InsightsScope = await findScope(actor, db, templateIds(query.template_ids))
      return reportTemplates(actor, db, {
        scope,
        period,
        whole: sections.has('report'),
        parts:
          interval !== undefined && sections.has('interval_reports')
            ? { unit: interval === 'week' ? 'week' : 'day', intervals }
            : undefined,
      })
    }),
    report(
      contract.getUserStatusCounts,
      async ({ actor, query }) => {
        await findScope(actor, db, [])
        return userStatusCounts(context, actor, query)
      },
      { atOnce: AT_ONCE },
    ),
  ]
}

/** What all reports on users begin with: the templates are those that somebody used. */
function headOf(
  { start, end, offsetMinutes }: Period,
  users: readonly { readonly template_ids: readonly string[] }[],
) {
  return {
    start_time: formatTime(start, offsetMinutes),
    end_time: formatTime(end, offsetMinutes),
    template_ids: [...new Set(users.flatMap((user) => user.template_ids))].sort(),
  }
}
