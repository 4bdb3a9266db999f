import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import { authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone, forSession } from '../edge/index.ts'
import { ApiError, badRequest, SIGNED_OUT_MESSAGE } from '../errors/index.ts'
import { RELAY_TOKEN_HEADER, RelayTokens } from '../replicas/index.ts'
import { ECHO_SUBJECT, echo } from './echo.ts'
import { type HealthReports, presentReport, reportAsText } from './health-reports.ts'
import { listDismissed, storeDismissed } from './store.ts'

const DEBUG_INFO = { type: 'debug_info' } as const

/** How well the deployment is, and which of that need not be looked at (OP-100, OP-102). */
export function healthRoutes(context: AppContext, reports: HealthReports): BoundRoute[] {
  const { clock, version } = context
  const { db } = context.database
  const tokens = new RelayTokens(context.secrets.relayKey)
  return [
    forSession(contract.getHealth, async ({ actor, query, reply }) => {
      authorize(actor, 'read', DEBUG_INFO)
      const { force = false, format = 'json' } = query
      if (format !== 'json' && format !== 'text')
        throw badRequest(`Invalid format option ${JSON.stringify(format.slice(0, 32))}.`, {
          detail: 'Allowed values are "json" and "text".',
        })
      const made = await reports.get({ force })
      const report = presentReport(made, {
        version,
        now: clock.now(),
        dismissed: await listDismissed(actor, db),
      })
      if (format === 'json') return report
      await reply.type('text/plain; charset=utf-8').send(reportAsText(report))
      // It has been answered: this is for the type alone.
      return report
    }),
    forSession(contract.getHealthSettings, async ({ actor }) => ({
      dismissed_healthchecks: await listDismissed(actor, db),
    })),
    forSession(contract.updateHealthSettings, (incoming) =>
      audited(context, incoming, { type: 'health_settings', action: 'write' }, async (draft) => {
        const { actor, body, reply } = incoming
        authorize(actor, 'read', DEBUG_INFO)
        authorize(actor, 'update', { type: 'deployment_config' })
        const before = await listDismissed(actor, db)
        const names = new Set(body.dismissed_healthchecks)
        const after = contract.HealthSection.enum.filter((name) => names.has(name))
        if (after.join() === before.join()) {
          reply.code(204)
          return undefined
        }
        await storeDismissed(actor, db, after)
        draft.before = { dismissed_healthchecks: before }
        draft.after = { dismissed_healthchecks: after }
        return { dismissed_healthchecks: after }
      }),
    ),
    forAnyone(contract.openDebugEcho, async ({ raw, visitor, upgrade }) => {
      const proof = raw.headers[RELAY_TOKEN_HEADER]
      if (typeof proof !== 'string' || !(await tokens.verify(ECHO_SUBJECT, proof))) {
        const caller = visitor()
        if (caller === undefined) throw new ApiError(401, SIGNED_OUT_MESSAGE)
        authorize(caller.actor, 'read', DEBUG_INFO)
      }
      echo(await upgrade())
      return undefined
    }),
  ]
}
