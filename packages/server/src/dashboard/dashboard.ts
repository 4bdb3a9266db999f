import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import type { AppContext } from '../context.ts'
import { CSRF_COOKIE, isCsrfCookie, maskCsrfToken, newCsrfCookie, setCookie } from '../edge/index.ts'
import { type PageHeaders, pageHeaders } from './page-headers.ts'

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
  // The build has put `.br` and `.gz` beside its files (L-8).
  await server.register(fastifyStatic, { root: folder, serve: false, preCompressed: true })
  const shell = await readFile(index, 'utf8')
  const headersOf = pageHeaders(context)
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
      // An asset that is not there yet may be there after an upgrade of this replica (ID-138).
      if (url.startsWith('/assets/') || url.startsWith('/icon/'))
        return reply.code(404).header('Cache-Control', 'no-store').type('text/plain').send('Not found')
      return page(context, headersOf, shell, request, reply)
    },
  }
}

function page(
  context: AppContext,
  headersOf: PageHeaders,
  shell: string,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const held = request.cookieValues[CSRF_COOKIE]
  const valid = isCsrfCookie(held)
  const cookie = valid ? held : newCsrfCookie()
  // Set here and not by the edge, because the token in the page has to fit the cookie that comes with it.
  if (!valid) reply.header('Set-Cookie', setCookie(CSRF_COOKIE, cookie, context.cookies))
  return reply
    .headers(headersOf(request.context, request.url.split('?', 1)[0] ?? '/'))
    .header('Cache-Control', 'no-store')
    .header('Vary', 'Cookie')
    .type('text/html; charset=utf-8')
    .send(shell.replace(PLACEHOLDER, maskCsrfToken(cookie)))
}
