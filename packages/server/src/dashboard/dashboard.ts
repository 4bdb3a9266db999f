import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import type { AppContext } from '../context.ts'
import {
  CSRF_COOKIE,
  codingFor,
  compress,
  isCsrfCookie,
  maskCsrfToken,
  newCsrfCookie,
  setCookie,
} from '../edge/index.ts'
import { sendManifest } from './manifest.ts'
import { type PageHeaders, pageHeaders } from './page-headers.ts'
import { Shells } from './shells.ts'
import { StaticFiles } from './static-files.ts'

/** Folder of the built dashboard. */
const BUILT = fileURLToPath(new URL('../../../web/dist/', import.meta.url))
const PLACEHOLDER = '{{csrf-token}}'
/** It works also while no page of ours is open: it may ask this server, and load nothing. */
const SERVICE_WORKER = '/service-worker.js'
const SERVICE_WORKER_POLICY = "default-src 'none'; connect-src 'self'"

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
  const built = (await readFile(index, 'utf8'))
    .replace('{{ai-gateway-enabled}}', String(context.config.aiGatewayEnabled))
    .replace('{{ai-tasks-enabled}}', String(context.config.enableAiTasks))
  const shells = new Shells(context, built)
  const headersOf = pageHeaders(context)
  const files = await StaticFiles.in(folder)
  return {
    async serve(request, reply) {
      const [url = '/'] = request.url.split('?')
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return reply.code(405).type('text/plain').send('Method not allowed')
      if (url === SERVICE_WORKER) reply.header('Content-Security-Policy', SERVICE_WORKER_POLICY)
      if (url === '/manifest.json') return sendManifest(reply, context.appearance)
      if (url !== '/index.html' && files.has(url)) return files.send(request, reply, url)
      // An asset that is not there yet may be there after an upgrade of this replica (ID-138).
      if (url.startsWith('/assets/') || url.startsWith('/icon/'))
        return reply.code(404).header('Cache-Control', 'no-store').type('text/plain').send('Not found')
      return page(context, headersOf, shells.for(request.context.precheck.ok), request, reply)
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
  const body = Buffer.from(shell.replace(PLACEHOLDER, maskCsrfToken(cookie)))
  // What is secret in it is masked anew for each answer, and nothing in it comes from the request (ID-130).
  const coding = codingFor(request.headers['accept-encoding'])
  if (coding !== undefined) reply.header('Content-Encoding', coding)
  return reply
    .headers(headersOf(request.context, request.url.split('?', 1)[0] ?? '/'))
    .header('Cache-Control', 'no-store')
    .header('Vary', 'Cookie, Accept-Encoding')
    .type('text/html; charset=utf-8')
    .send(coding === undefined ? body : compress(coding, body))
}
