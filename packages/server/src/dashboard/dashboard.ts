import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import type { AppContext } from '../context.ts'
import { CSRF_COOKIE, isCsrfCookie, maskCsrfToken, newCsrfCookie, setCookie } from '../edge/index.ts'

/** Folder of the built dashboard. */
const BUILT = fileURLToPath(new URL('../../../web/dist/', import.meta.url))
const PLACEHOLDER = '{{csrf-token}}'
const YEAR_SECONDS = 31_536_000

/** Answers everything that is neither API nor app: files of the dashboard, and its one page for all addresses. */
export interface Dashboard {
  serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>
}

/**
 * Loads the built dashboard (UI §1). Without one, which happens when only the packages of the server are there,
 * every page says how to get it.
 */
export async function loadDashboard(
  context: AppContext,
  server: FastifyInstance,
  folder = BUILT,
): Promise<Dashboard> {
  const index = path.join(folder, 'index.html')
  if (!existsSync(index))
    return {
      serve: async (_request, reply) =>
        reply
          .code(404)
          .type('text/plain; charset=utf-8')
          .send('The dashboard is not built: run `npm run build`, then start the server again.\n'),
    }
  await server.register(fastifyStatic, { root: folder, serve: false })
  const shell = await readFile(index, 'utf8')
  const files = new Set(
    (await readdir(folder, { recursive: true })).map((name) => `/${name.split(path.sep).join('/')}`),
  )
  return {
    async serve(request, reply) {
      const [url = '/'] = request.url.split('?')
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return reply.code(405).type('text/plain').send('Method not allowed')
      if (url !== '/index.html' && files.has(url) && path.extname(url) !== '') {
        // Names under assets/ hold a digest of their content.
        const assets = url.startsWith('/assets/')
        return reply.sendFile(url.slice(1), folder, {
          maxAge: assets ? YEAR_SECONDS * 1000 : 0,
          immutable: assets,
        })
      }
      if (url.startsWith('/assets/') || url.startsWith('/icon/'))
        return reply.code(404).type('text/plain').send('Not found')
      return page(context, shell, request, reply)
    },
  }
}

function page(
  context: AppContext,
  shell: string,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const held = request.cookieValues[CSRF_COOKIE]
  const cookie = isCsrfCookie(held) ? held : newCsrfCookie()
  // Set here and not by the edge, because the token in the page has to fit the cookie that comes with it.
  reply.header('Set-Cookie', setCookie(CSRF_COOKIE, cookie, context.cookies))
  return reply
    .headers(securityHeaders(context, request))
    .header('Cache-Control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(shell.replace(PLACEHOLDER, maskCsrfToken(cookie)))
}

/** ID §9.3: scripts come from our own files only; styles may be inline, which terminals need. */
function securityHeaders(context: AppContext, request: FastifyRequest): Record<string, string> {
  const { host, scheme } = request.context
  const socket = `${scheme === 'https' ? 'wss' : 'ws'}://${host}`
  const apps =
    context.config.wildcardAccessUrl === '' ? '' : ` ${scheme}://${context.config.wildcardAccessUrl}`
  return {
    'Content-Security-Policy': [
      "default-src 'self'",
      "script-src 'self'",
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data: blob: https:",
      "font-src 'self' data:",
      `connect-src 'self' ${socket}${apps}`,
      `frame-src 'self'${apps}`,
      "worker-src 'self' blob:",
      "object-src 'none'",
      "base-uri 'self'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ].join('; '),
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  }
}
