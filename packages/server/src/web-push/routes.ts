import * as contract from '@slipway/contract'
import { authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { ApiError, notFound } from '../errors/index.ts'
import { userIdOf } from '../identity/index.ts'
import { sealAuthKey } from './sealed.ts'
import { deleteSubscription, storeSubscription } from './store.ts'
import { checkSubscription, normalEndpoint } from './subscription-rules.ts'
import type { WebPush } from './web-push.ts'

/** Browsers of one user; one more takes the place of the oldest. */
const MOST = 20
const TESTS_PER_MINUTE = 10

/** Browsers that take messages while nobody has them open (OP-140). */
export function webPushRoutes(context: AppContext, webPush: WebPush): BoundRoute[] {
  const { database, secrets } = context
  const { db } = database
  return [
    forSession(contract.createWebpushSubscription, async ({ actor, params, body }) => {
      const owner = await userIdOf(actor, db, params.user)
      authorize(actor, 'create', { type: 'webpush_subscription', owner })
      const { endpoint, p256dhKey, authKey } = checkSubscription(body, webPush.guard)
      const sealedAuthKey = sealAuthKey(secrets.sealer, endpoint, authKey)
      await database.transaction((tx) =>
        storeSubscription(actor, tx, owner, { endpoint, p256dhKey, sealedAuthKey }, MOST),
      )
      return undefined
    }),
    forSession(contract.deleteWebpushSubscription, async ({ actor, params, body }) => {
      const owner = await userIdOf(actor, db, params.user)
      const endpoint = normalEndpoint(body.endpoint)
      if (endpoint === undefined) throw notFound()
      await deleteSubscription(actor, db, owner, endpoint)
      return undefined
    }),
    forSession(
      contract.testWebpush,
      async ({ actor, params }) => {
        const owner = await userIdOf(actor, db, params.user)
        authorize(actor, 'create', { type: 'webpush_subscription', owner })
        const { sent, failures } = await webPush.send(owner, {
          title: 'Push notifications work',
          body: 'This browser is told when a chat has finished or failed.',
          tag: 'test',
          path: '/agents',
        })
        if (sent === 0 && failures.length > 0)
          throw new ApiError(502, 'No browser could be reached.', { detail: failures.join('\n') })
        return undefined
      },
      // Each is sent to as many servers as the user has browsers.
      { perMinute: TESTS_PER_MINUTE },
    ),
  ]
}
