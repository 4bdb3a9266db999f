import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { addGauge, databaseFigures } from '../metrics/index.ts'
import { findTemplateFigures } from './store/gauges.ts'

const actor = systemActor('usage_tracker', 'operators are told how templates are used')
const WINDOW_MS = 5 * 60_000

/**
 * Adds to the metrics how templates were used in the last five minutes, where a scraper is expected (OP-80). Every replica
 * tells the same of the whole deployment; where nothing is noted of use, there are no series.
 */
export function countTemplateUse(
  context: Pick<AppContext, 'clock' | 'config' | 'database' | 'log' | 'metrics'>,
): void {
  if (!context.config.prometheusEnable || !context.config.usageStatsEnable) return
  const read = databaseFigures(context, () => {
    const end = context.clock.now()
    const start = new Date(end.getTime() - WINDOW_MS)
    return findTemplateFigures(actor, context.database.db, { start, end })
  })
  addGauge(
    context.metrics,
    {
      name: 'coderd_insights_templates_active_users',
      help: 'Users who used a template in the last five minutes.',
      labelNames: ['organization_name', 'template_name'],
    },
    read,
    ({ users }, gauge) => {
      for (const { count, ...labels } of users) gauge.set(labels, count)
    },
  )
  addGauge(
    context.metrics,
    {
      name: 'coderd_insights_applications_usage_seconds',
      help: 'How long an app was used in the last five minutes, by all users together.',
      labelNames: ['organization_name', 'template_name', 'application_name', 'slug'],
    },
    read,
    ({ apps }, gauge) => {
      for (const { seconds, ...labels } of apps) gauge.set(labels, seconds)
    },
  )
  addGauge(
    context.metrics,
    {
      name: 'coderd_insights_parameters',
      help: 'Workspaces that were started in the last five minutes, by a value of a parameter.',
      labelNames: [
        'organization_name',
        'template_name',
        'parameter_name',
        'parameter_type',
        'parameter_value',
      ],
    },
    read,
    ({ parameters }, gauge) => {
      for (const { count, ...labels } of parameters) gauge.set(labels, count)
    },
  )
}
