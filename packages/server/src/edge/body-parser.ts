import { isAscii } from 'node:buffer'

import type { FastifyInstance } from 'fastify'

import { ApiError } from '../errors/index.ts'
import { readBody } from './read-body.ts'
import { MAX_DEPTH } from './validation.ts'

/** ID-93: bytes, unless a route says otherwise. */
export const JSON_BODY_LIMIT = 4 * 1024 * 1024

const EMPTY = Buffer.alloc(0)

declare module 'fastify' {
  interface FastifyRequest {
    /** The body is known to hold nothing that no column can hold. */
    plainBody: boolean
  }
  interface FastifyContextConfig {
    takesBytes?: boolean
    /** Its addresses have no wrong methods to tell of (ID-96). */
    isCatchAll?: boolean
  }
}

/**
 * Reads bodies: as bytes where the route takes files, else as JSON whatever the header calls it, because
 * clients and scripts leave the content type out or wrong. Cookies are not trusted on such requests without
 * proof of origin (ID-127), so that a form of another site gains nothing by it.
 */
export function readBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.decorateRequest('plainBody', false)
  // The usual one by its name, too: what only the star takes is looked up anew for each request.
  server.addContentTypeParser(['application/json', '*'], (request, stream, done) => {
    readBody(stream, request.routeOptions.bodyLimit ?? JSON_BODY_LIMIT, (error, bytes = EMPTY) => {
      if (error !== null) return done(error, undefined)
      if (request.routeOptions.config.takesBytes === true) return done(null, bytes)
      if (bytes.length === 0) return done(null, undefined)
      let parsed: unknown
      try {
        const text = isAscii(bytes) ? bytes.toString('latin1') : utf8.decode(bytes)
        parsed = JSON.parse(text)
        request.plainBody = isPlain(text)
      } catch {
        return done(new ApiError(400, 'Request body must be valid JSON.'), undefined)
      }
      done(null, parsed)
    })
  })
}

/**
 * Whether a text of JSON can hold nothing that {@link refuseUnstorable} looks for. NUL characters and halves of surrogate
 * pairs can only be spelled by their numbers, because the text itself was valid; and what opens few brackets is not deep.
 */
function isPlain(text: string): boolean {
  return !text.includes('\\u') && opens(text, '{') + opens(text, '[') <= MAX_DEPTH
}

/** How many of these brackets a text has; counts no further than what is too many. */
function opens(text: string, bracket: string): number {
  let count = 0
  for (let at = text.indexOf(bracket); at >= 0 && count <= MAX_DEPTH; at = text.indexOf(bracket, at + 1))
    count += 1
  return count
}

// Bytes that are no text are refused rather than replaced: what was stored would not be what was sent.
const utf8 = new TextDecoder('utf-8', { fatal: true })
