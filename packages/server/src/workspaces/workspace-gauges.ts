import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { addGauge, databaseFigures } from '../metrics/index.ts'
import { countLatestBuilds } from './store/build-counts.ts'

const actor = systemActor('provisionerd', 'operators are told how workspaces are')
const STATUSES = ['pending', 'running', 'succeeded', 'canceling', 'canceled', 'failed'] as const

/**
 * Adds to the metrics how many workspaces there are, by their latest builds, where a scraper is expected (OP-80). Every
 * replica tells the same of the whole deployment.
 */
export function countWorkspaces(
  context: Pick<AppContext, 'clock' | 'config' | 'database' | 'log' | 'metrics'>,
): void {
  if (!context.config.prometheusEnable) return
  const read = databaseFigures(context, () => countLatestBuilds(actor, context.database.db))
  addGauge(
    context.metrics,
    {
      name: 'coderd_api_workspace_latest_build',
      help: 'Workspaces by the status of their latest build.',
      labelNames: ['status'],
    },
    read,
    (counts, gauge) => {
      for (const status of STATUSES) gauge.set({ status }, 0)
      for (const { status, count } of counts) gauge.inc({ status }, count)
    },
  )
  addGauge(
    context.metrics,
    {
      name: 'coderd_workspace_latest_build_status',
      help: 'Workspaces by their latest build.',
      labelNames: ['status', 'template_name', 'template_version', 'workspace_owner', 'workspace_transition'],
    },
    read,
    (counts, gauge) => {
      for (const one of counts)
        gauge.inc(
          {
            status: one.status,
            template_name: one.template_name,
            template_version: one.version_name,
            workspace_owner: one.owner_name,
            workspace_transition: one.transition,
          },
          one.count,
        )
    },
  )
}
