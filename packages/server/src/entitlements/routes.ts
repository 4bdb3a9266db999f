import * as contract from '@slipway/contract'
import { type Actor, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { entitlements } from './entitlements.ts'

/** How often anybody may have entitlements read anew by hand, in milliseconds (OP-153). */
const REFRESH_MS = 60_000
const NONE_NEEDED = 'Every feature may be used without a licence; remove the call.'

/** Answers to clients that ask what they may do, and to those that manage licences, which nobody needs (OP-150…OP-153). */
export function entitlementRoutes(context: AppContext): BoundRoute[] {
  let refreshedAt = Number.NEGATIVE_INFINITY
  return [
    forSession(contract.getEntitlements, () => entitlements(context)),
    forSession(contract.listLicenses, async () => []),
    forSession(contract.addLicense, async ({ actor }) => {
      requireLicenses(actor)
      throw badRequest('Invalid license', { detail: NONE_NEEDED })
    }),
    forSession(contract.requestTrialLicense, async ({ actor }) => {
      requireLicenses(actor)
      throw new ApiError(409, 'There is no trial to ask for.', { detail: NONE_NEEDED })
    }),
    forSession(contract.refreshEntitlements, async ({ actor }) => {
      requireLicenses(actor)
      const left = refreshedAt + REFRESH_MS - performance.now()
      if (left > 0)
        throw badRequest('Entitlements were refreshed within the last minute.', {
          headers: { 'Retry-After': String(Math.ceil(left / 1000)) },
        })
      refreshedAt = performance.now()
      return { message: 'Entitlements updated' }
    }),
    forSession(contract.deleteLicense, async () => {
      throw new ApiError(404, 'Unknown license ID')
    }),
  ]
}

/** @throws ApiError 403 for who may not add licences. */
function requireLicenses(actor: Actor): void {
  authorize(actor, 'create', { type: 'license' })
}
