import * as contract from '@slipway/contract'
import { auditedWrite } from '../audit/index.ts'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { getUser } from '../identity/index.ts'
import { getAppearance, updateAppearance } from './appearance.ts'
import { getPreferences, updatePreferences } from './preferences.ts'
import { quietHoursOf, setQuietHours } from './quiet-hours.ts'

/** Settings of a user that concern nobody else: appearance, preferences, quiet hours (ID-200, ID-201, WS-231). */
export function userSettingsRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  const idOf = async (actor: Actor, params: Readonly<Record<string, string>>): Promise<string> =>
    (await getUser(actor, db, params.user ?? '')).id

  return [
    forSession(contract.getAppearance, async ({ actor, params }) =>
      getAppearance(actor, db, await idOf(actor, params)),
    ),
    forSession(contract.updateAppearance, async ({ actor, params, body }) =>
      updateAppearance(context, actor, await idOf(actor, params), body),
    ),
    forSession(contract.getPreferences, async ({ actor, params }) =>
      getPreferences(actor, db, await idOf(actor, params)),
    ),
    forSession(contract.updatePreferences, async ({ actor, params, body }) =>
      updatePreferences(context, actor, await idOf(actor, params), body),
    ),
    forSession(contract.getQuietHours, async ({ actor, params }) =>
      quietHoursOf(context, actor, await idOf(actor, params)),
    ),
    forSession(contract.updateQuietHours, async (incoming) => {
      const { actor, params, body } = incoming
      // Part of the account and not only a wish: it moves the time at which workspaces must stop (RB-101).
      const { id } = await auditedWrite(
        context,
        incoming,
        'user',
        (userId = params.user ?? '') => getUser(actor, db, userId),
        async (user) => {
          await setQuietHours(context, actor, user.id, body.schedule)
        },
      )
      return quietHoursOf(context, actor, id)
    }),
  ]
}
