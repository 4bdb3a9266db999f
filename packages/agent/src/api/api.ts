import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

import { describeError, type Logger, safeQueryFields } from '@slipway/request-log'
import { type ListeningPort, listListeningPorts } from '../listening-ports.ts'
import { AgentApiError, type ApiAnswer, type ApiRequest, readBody, send } from './answer.ts'
import {
  editFiles,
  listDirectory,
  readFileBytes,
  readFileLines,
  resolvePath,
  writeFileBytes,
} from './files.ts'
import type { Processes } from './processes.ts'

const PORTS_CACHE_MS = 1_000

interface Route {
  readonly method: string
  readonly pattern: RegExp
  readonly names: readonly string[]
  readonly path: string
  readonly handle: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>
}

function route(method: string, path: string, handle: Route['handle']): Route {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
  return { method, path, names, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '([^/]+)')}$`), handle }
}

/**
 * The HTTP API of the agent (chapter 07 section 6). Whoever reaches it through the tunnel may use it. A handler
 * that throws is answered with 500 and logged, and every request leaves one line (AC-122).
 */
export function agentApi(options: {
  readonly log: Logger
  readonly processes: Processes
  readonly home: () => string
}): (request: Http2ServerRequest, response: Http2ServerResponse) => void {
  const ports = cachedPorts()
  const routes = [
    route('GET', '/', () => ({
      bytes: Buffer.from('Hello from the agent!'),
      type: 'text/plain; charset=utf-8',
    })),
    route('GET', '/api/v0/listening-ports', async () => ({ json: { ports: await ports() } })),
    route('POST', '/api/v0/list-directory', (request) => listDirectory(request, options.home())),
    route('GET', '/api/v0/resolve-path', resolvePath),
    route('GET', '/api/v0/read-file', readFileBytes),
    route('GET', '/api/v0/read-file-lines', readFileLines),
    route('POST', '/api/v0/write-file', writeFileBytes),
    route('POST', '/api/v0/edit-files', editFiles),
    route('POST', '/api/v0/processes/start', (request) => options.processes.start(request)),
    route('GET', '/api/v0/processes/list', (request) => options.processes.list(request)),
    route('GET', '/api/v0/processes/{id}/output', (request) => options.processes.output(request)),
    route('POST', '/api/v0/processes/{id}/signal', (request) => options.processes.signal(request)),
  ]
  return (request, response) => {
    void answer(routes, request, response, options.log)
  }
}

async function answer(
  routes: readonly Route[],
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  log: Logger,
): Promise<void> {
  const started = performance.now()
  const [path = '/', search = ''] = request.url.split('?', 2)
  const left = new AbortController()
  response.on('close', () => left.abort())
  request.on('error', () => undefined)
  let params: Record<string, string> = {}
  let failure: string | undefined
  try {
    const found = routes.find((one) => one.method === request.method && one.pattern.test(path))
    if (found === undefined) throw new AgentApiError(404, `the agent has no ${request.method} ${path}`)
    const values = found.pattern.exec(path)?.slice(1) ?? []
    params = Object.fromEntries(found.names.map((name, i) => [name, decoded(values[i] ?? '')]))
    const result = await found.handle({
      params,
      query: new URLSearchParams(search),
      headers: request.headers,
      body: (limit) => readBody(request, limit),
      signal: left.signal,
    })
    if (!response.stream.destroyed) send(response, result)
  } catch (error) {
    const known = error instanceof AgentApiError
    failure = known ? error.message : describeError(error)
    if (!response.stream.destroyed && !response.headersSent)
      send(response, {
        status: known ? error.status : 500,
        // The stack is for the log; the caller gets what it says.
        json: {
          message: known ? error.message : 'The agent failed.',
          ...(known ? {} : { detail: error instanceof Error ? error.message : String(error) }),
        },
      })
  }
  const status = response.statusCode
  log[status >= 500 ? 'warn' : 'debug'](request.method, {
    path,
    remote_addr: 'tunnel',
    status_code: status,
    latency_ms: Math.round(performance.now() - started),
    ...(left.signal.aborted && !response.writableEnded ? { cause: 'the caller has left' } : {}),
    ...(status >= 500 && failure !== undefined ? { response_body: failure } : {}),
    ...Object.fromEntries(Object.entries(params).map(([name, value]) => [`params_${name}`, value])),
    ...safeQueryFields(search),
  })
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new AgentApiError(400, `${JSON.stringify(part)} cannot be read`)
  }
}

function cachedPorts(): () => Promise<readonly ListeningPort[]> {
  let until = 0
  let known: Promise<readonly ListeningPort[]> = Promise.resolve([])
  return () => {
    if (performance.now() > until) {
      until = performance.now() + PORTS_CACHE_MS
      known = listListeningPorts()
    }
    return known
  }
}
