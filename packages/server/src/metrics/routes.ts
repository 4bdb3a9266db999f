import * as contract from '@slipway/contract'
import { authorize, isAllowed } from '../authz/index.ts'
import { type BoundRoute, forAnyone, forSession, type Incoming } from '../edge/index.ts'
import { notFound } from '../errors/index.ts'

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8'

/** Not part of the API of the reference: what scrapers expect where it stands by custom. */
const metricsPage = contract.route('GET /metrics', {
  id: 'metrics',
  tag: 'Debug',
  security: 'optional',
  responses: { 200: null },
})

/** The series of this process, which `render` writes, for who may see them (OP-80). */
export function metricsRoutes(render: () => Promise<string>): BoundRoute[] {
  const send = async ({ reply }: Pick<Incoming<contract.Route>, 'reply'>): Promise<undefined> => {
    await reply.type(PROMETHEUS).send(await render())
    return undefined
  }
  return [
    forSession(contract.getDebugMetrics, async (incoming) => {
      authorize(incoming.actor, 'read', { type: 'debug_info' })
      return send(incoming)
    }),
    forAnyone(metricsPage, async (incoming) => {
      // Who may not see them is not told that they are there.
      const actor = incoming.visitor()?.actor
      if (actor === undefined || !isAllowed(actor, 'read', { type: 'debug_info' })) throw notFound()
      return send(incoming)
    }),
  ]
}
