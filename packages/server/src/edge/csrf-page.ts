import type { FastifyReply, FastifyRequest } from 'fastify'

import { type CookiePolicy, CSRF_COOKIE, setCookie } from './cookies.ts'
import { isCsrfCookie, maskCsrfToken, newCsrfCookie } from './csrf.ts'

/** The token that a page of ours carries in its forms (ID-130); sends its cookie where the request has none. */
export function pageCsrfToken(request: FastifyRequest, reply: FastifyReply, policy: CookiePolicy): string {
  const held = request.cookieValues[CSRF_COOKIE]
  const valid = isCsrfCookie(held)
  const cookie = valid ? held : newCsrfCookie()
  if (!valid) reply.header('Set-Cookie', setCookie(CSRF_COOKIE, cookie, policy))
  return maskCsrfToken(cookie)
}
