import { Gauge } from 'prom-client'

import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { countAccounts, countActiveUsers } from './store/account-counts.ts'

const actor = systemActor('provisionerd', 'operators are told how many users there are and come')
const STATUSES = ['active', 'dormant', 'suspended'] as const
const HOUR_MS = 3_600_000

/**
 * Adds the number of accounts, and of people who came within the last hour, to the metrics. They are counted when they are
 * asked for, and only where a scraper is expected (OP-80).
 */
export function countUsers({
  clock,
  config,
  database,
  metrics,
}: Pick<AppContext, 'clock' | 'config' | 'database' | 'metrics'>): void {
  if (!config.prometheusEnable) return
  const registers = [metrics]
  // The other series are as good without these.
  new Gauge({
    name: 'coderd_api_total_user_count',
    help: 'Accounts by their status.',
    labelNames: ['status'],
    registers,
    async collect() {
      const counts = await countAccounts(actor, database.db).catch(() => undefined)
      if (counts === undefined) return
      for (const status of STATUSES) this.set({ status }, counts.get(status) ?? 0)
    },
  })
  new Gauge({
    name: 'coderd_api_active_users_duration_hour',
    help: 'Users who have used any of their keys within the last hour.',
    registers,
    async collect() {
      const since = new Date(clock.now().getTime() - HOUR_MS)
      const count = await countActiveUsers(actor, database.db, since).catch(() => undefined)
      if (count !== undefined) this.set(count)
    },
  })
}
