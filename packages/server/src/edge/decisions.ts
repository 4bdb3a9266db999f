import { type Action, type Actor, type ResourceObject, watchDecisions } from '../authz/index.ts'
import type { Denial } from './decision-record.ts'
import { currentRequest } from './request-context.ts'

/**
 * Ties decisions to the request that they are made for. Allowed ones cost nothing unless `records`, which development
 * builds alone set: then each looks whether its request asked for a record (RB-79).
 */
export function watchRequests(records: boolean): void {
  const note = (actor: Actor, action: Action, object: ResourceObject, lacks: Denial['lacks']): void => {
    const request = currentRequest()
    if (request !== undefined) request.denial = { subject: actor.name, action, object, lacks }
  }
  watchDecisions({
    refused: (actor, action, object) => {
      // What the scope lacks has been noted when that was decided.
      const known = currentRequest()?.denial
      if (known?.object !== object || known.action !== action) note(actor, action, object, undefined)
    },
    beyondScope: note,
    bySystem: (actor) => {
      const request = currentRequest()
      if (request === undefined || request.precheck.ok) return
      const { systemSubject } = request
      // ID-111: in the order of the names of their roles, so that it does not matter which came first.
      if (systemSubject === undefined || actor.type < systemSubject.type) request.systemSubject = actor
    },
    ...(records
      ? {
          decided: (action: Action, object: ResourceObject, allowed: boolean) =>
            currentRequest()?.decisions?.add(action, object, allowed),
        }
      : {}),
  })
}

/** Whether a request asks for the record of its decisions; both names are in use (ID-142). */
export function asksForDecisions(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): boolean {
  return [headers['x-record-authz-checks'], headers['x-authz-checks']].some(
    (value) => typeof value === 'string' && /^(1|t|true)$/i.test(value),
  )
}
