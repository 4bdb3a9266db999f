import { Gauge } from 'prom-client'

import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { addGauge, databaseFigures } from '../../metrics/index.ts'
import { countAccounts, countActiveUsers } from '../store/account-counts.ts'

const actor = systemActor('provisionerd', 'operators are told how many users there are and come')
const STATUSES = ['active', 'dormant', 'suspended'] as const
const HOUR_MS = 3_600_000

/**
 * Adds the number of accounts, and of people who came within the last hour, to the metrics. They are counted when they are
 * asked for, and only where a scraper is expected (OP-80).
 */
export function countUsers(
  context: Pick<AppContext, 'clock' | 'config' | 'database' | 'log' | 'metrics'>,
): void {
  const { clock, config, database, metrics } = context
  if (!config.prometheusEnable) return
  const readAccounts = databaseFigures(context, () => countAccounts(actor, database.db))
  addGauge(
    metrics,
    {
      name: 'coderd_api_total_user_count',
      help: 'Accounts by their status.',
      labelNames: ['status'],
    },
    readAccounts,
    (counts, gauge) => {
      for (const status of STATUSES) gauge.set({ status }, counts.get(status) ?? 0)
    },
  )
  addGauge(
    metrics,
    { name: 'coderd_license_active_users', help: 'Accounts that are active.' },
    readAccounts,
    (counts, gauge) => gauge.set(counts.get('active') ?? 0),
  )
  // There are no licences, and so nothing that they could limit.
  for (const name of ['limit_users', 'user_limit_enabled', 'warnings', 'errors'])
    new Gauge({
      name: `coderd_license_${name}`,
      help: 'Always 0: there are no licences.',
      registers: [metrics],
    })
  addGauge(
    metrics,
    {
      name: 'coderd_api_active_users_duration_hour',
      help: 'Users who have used any of their keys within the last hour.',
    },
    databaseFigures(context, () =>
      countActiveUsers(actor, database.db, new Date(clock.now().getTime() - HOUR_MS)),
    ),
    (count, gauge) => gauge.set(count),
  )
}
