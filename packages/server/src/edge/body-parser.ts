import type { FastifyInstance } from 'fastify'

import { ApiError } from '../errors/index.ts'

/** ID-93: bytes, unless a route says otherwise. */
export const JSON_BODY_LIMIT = 4 * 1024 * 1024

declare module 'fastify' {
  interface FastifyContextConfig {
    takesBytes?: boolean
  }
}

/**
 * Reads bodies: as bytes where the route takes files, else as JSON whatever the header calls it, because
 * clients and scripts leave the content type out or wrong. Cookies are not trusted on such requests without
 * proof of origin (ID-127), so that a form of another site gains nothing by it.
 */
export function readBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body)
    if (request.routeOptions.config.takesBytes === true) return done(null, bytes)
    if (bytes.length === 0) return done(null, undefined)
    try {
      done(null, JSON.parse(utf8.decode(bytes)))
    } catch {
      done(new ApiError(400, 'Request body must be valid JSON.'), undefined)
    }
  })
}

// Bytes that are no text are refused rather than replaced: what was stored would not be what was sent.
const utf8 = new TextDecoder('utf-8', { fatal: true })
