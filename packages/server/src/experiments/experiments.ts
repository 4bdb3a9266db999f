import { EXPERIMENTS, type Experiment, isDevelopmentBuild } from '@slipway/contract'
import type { AppContext } from '../context.ts'
import type { BoundRoute } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'

/** Experiments that are fit for use; they are on unless an operator takes one out (OP-115). */
export const SAFE_EXPERIMENTS: readonly Experiment[] = ['mcp-server-http', 'oauth2']

/**
 * The experiments that are on, in a stable order: the safe ones and those that the option names. A leading `-` takes one
 * out, also when it is named; unknown names count for nothing (OP-115).
 */
export function enabledExperiments(named: readonly string[]): Experiment[] {
  const words = named.map((name) => name.trim().toLowerCase())
  const enabled = new Set<string>([...SAFE_EXPERIMENTS, ...words])
  for (const word of words) if (word.startsWith('-')) enabled.delete(word.slice(1))
  return known.filter((name) => enabled.has(name))
}

/** As {@link enabledExperiments}, worked out once for a configuration: requests ask again and again. */
function enabledBy(named: readonly string[]): readonly Experiment[] {
  let enabled = workedOut.get(named)
  if (enabled === undefined) {
    enabled = enabledExperiments(named)
    workedOut.set(named, enabled)
  }
  return enabled
}

const workedOut = new WeakMap<readonly string[], readonly Experiment[]>()
const known = Object.keys(EXPERIMENTS).filter(isExperiment).sort()

function isExperiment(name: string): name is Experiment {
  return Object.hasOwn(EXPERIMENTS, name)
}

/**
 * Passes when all of these are on, and in development builds (OA-1, OA-2).
 *
 * @throws ApiError 403 naming all that are needed.
 */
export function requireExperiments(
  { config, version }: Pick<AppContext, 'config' | 'version'>,
  required: readonly Experiment[],
): void {
  if (isDevelopmentBuild(version)) return
  const enabled = enabledBy(config.experiments)
  if (required.every((name) => enabled.includes(name))) return
  const [first, ...others] = required
  throw new ApiError(
    403,
    first !== undefined && others.length === 0
      ? `${EXPERIMENTS[first].displayName} functionality requires enabling the '${first}' experiment.`
      : `This functionality requires enabling the following experiments: ${required.join(', ')}`,
  )
}

/** Routes that answer only while these experiments are on: after the access rule, before all else (OA-3). */
export function behindExperiments(
  context: Pick<AppContext, 'config' | 'version'>,
  required: readonly Experiment[],
  routes: readonly BoundRoute[],
): BoundRoute[] {
  const gate = (): void => requireExperiments(context, required)
  return routes.map((bound) => ({ ...bound, limits: { ...bound.limits, gate } }))
}
