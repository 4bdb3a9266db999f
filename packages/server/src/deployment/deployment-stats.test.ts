import { expect, it } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { DeploymentStats } from './deployment-stats.ts'

it('OP-12: before the figures were counted for the first time, who asks is told to wait', async () => {
  const context = {
    clock: { now: () => new Date() },
    config: { agentStatsRefreshInterval: 60_000 },
    // Without a database nothing is ever counted.
    database: {},
    log: silentLogger(),
  }
  // All that they read of the context.
  await using stats = new DeploymentStats(context as unknown as AppContext)
  const reader = systemActor('usage_tracker', 'a test asks')
  expect(() => stats.read(reader)).toThrow(
    expect.objectContaining({ status: 400, message: 'Deployment stats are still processing!' }),
  )
  const other = systemActor('rate_limiter', 'a test asks')
  expect(() => stats.read(other)).toThrow(expect.objectContaining({ status: 403 }))
})
