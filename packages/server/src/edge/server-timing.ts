import type { FastifyInstance } from 'fastify'

import { isApi } from './first-steps.ts'

/**
 * Says in each answer of the API how long the server took for it, in milliseconds, so that a slow way can be told from a
 * slow server (L-8; W3C Server Timing). Only those who have signed in are told: to others it would measure for an attack
 * what the way to the server blurs.
 */
export function tellServerTime(server: FastifyInstance): void {
  server.addHook('onSend', (request, reply, payload, done) => {
    const { precheck, startedTick } = request.context
    if (precheck.ok && isApi(request.url) && !reply.hasHeader('server-timing'))
      reply.header('server-timing', `app;dur=${(performance.now() - startedTick).toFixed(1)}`)
    done(null, payload)
  })
}
