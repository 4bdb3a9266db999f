import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { EngineError, type JobTools, type Plan } from '../provisioning/index.ts'
import type { BuildInputs } from './store/build-inputs.ts'
import { commitQuota } from './store/quota.ts'

const actor = systemActor('provisionerd', 'carries out a build for its initiator')
const STAGE = 'Commit quota'
/** Builds of one owner that end their plans together repeat one another's transactions. */
const ATTEMPTS = 20

/**
 * Takes on what a planned build costs before anything is made of it (WS-65); a build that costs nothing, and a deletion,
 * are not counted.
 *
 * @throws EngineError `insufficient quota` (PR-59).
 */
export async function takeOnCost(
  context: AppContext,
  inputs: BuildInputs,
  plan: Plan,
  tools: JobTools,
): Promise<void> {
  const { build, owner, organizationId, previousBuildId } = inputs
  const { transition } = build
  if (transition === 'delete' || plan.dailyCost === 0) return
  const quota = await context.database.transaction(
    (tx) =>
      commitQuota(
        actor,
        tx,
        { userId: owner.id, organizationId },
        {
          id: build.id,
          workspaceId: build.workspace_id,
          previousBuildId,
          transition,
          dailyCost: plan.dailyCost,
        },
      ),
    { isolation: 'serializable', attempts: ATTEMPTS },
  )
  tools.say(STAGE, `Build cost       —   ${plan.dailyCost}`)
  tools.say(STAGE, `Budget           —   ${quota.budget}`)
  tools.say(STAGE, `Credits consumed —   ${quota.consumed}`)
  if (quota.ok) return
  tools.say(STAGE, 'This build would exceed your quota. Failing.', 'warn')
  throw new EngineError('insufficient quota', { code: 'INSUFFICIENT_QUOTA', timings: plan.timings })
}
