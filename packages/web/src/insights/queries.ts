import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { getTemplateInsights, getUserActivity, getUserLatency } from '@slipway/contract'
import { api } from '../api/client.ts'
import type { InsightsRange } from './range.ts'

/** How a template was used in a range: with what, by whom, and from how far away. */
export function insightsQuery(template: string, { startTime, endTime, interval }: InsightsRange) {
  return queryOptions({
    queryKey: ['insights', template, startTime, endTime, interval],
    queryFn: async ({ signal }) => {
      const query = { start_time: startTime, end_time: endTime, template_ids: [template] }
      const [templates, activity, latency] = await Promise.all([
        api.call(getTemplateInsights, { query: { ...query, interval }, signal }),
        api.call(getUserActivity, { query, signal }),
        api.call(getUserLatency, { query, signal }),
      ])
      return {
        report: templates.report,
        intervals: templates.interval_reports ?? [],
        users: activity.report.users,
        latencies: latency.report.users,
      }
    },
    placeholderData: keepPreviousData,
    // Minutes are rolled up no more often.
    staleTime: 5 * 60_000,
  })
}
