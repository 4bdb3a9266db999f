import { Gauge } from 'prom-client'

import { EXPERIMENTS } from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { enabledExperiments } from '../experiments/index.ts'

/** Adds to the metrics which release this is, and which experiments are on (OP-81). */
export function describeDeployment({
  config,
  metrics,
  version,
}: Pick<AppContext, 'config' | 'metrics' | 'version'>): void {
  const registers = [metrics]
  // What follows the level of the reference names our own release.
  const revision = version.split('+')[1] ?? ''
  new Gauge({
    name: 'coderd_build_info',
    help: 'The release of this server.',
    labelNames: ['version', 'revision'],
    registers,
  }).set({ version, revision }, 1)
  const experiments = new Gauge({
    name: 'coderd_experiments',
    help: 'Whether an experiment is on.',
    labelNames: ['experiment'],
    registers,
  })
  const enabled: readonly string[] = enabledExperiments(config.experiments)
  for (const experiment of Object.keys(EXPERIMENTS))
    experiments.set({ experiment }, enabled.includes(experiment) ? 1 : 0)
}
