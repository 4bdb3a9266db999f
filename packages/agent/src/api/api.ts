import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

import {
  clientMembers,
  describeError,
  type Logger,
  logMember,
  logRequestLine,
  targetMembers,
} from '@slipway/request-log'
import type { ChatContext } from '../chat-context/chat-context.ts'
import { type ListeningPort, listListeningPorts } from '../listening-ports.ts'
import { CALL_MS as MCP_CALL_MS, type WorkspaceMcp } from '../workspace-mcp/workspace-mcp.ts'
import { AgentApiError, type ApiAnswer, type ApiRequest, readBody, send } from './answer.ts'
import type { ChatPaths } from './chat-paths.ts'
import {
  editFiles,
  listDirectory,
  readFileBytes,
  readFileLines,
  resolvePath,
  writeFileBytes,
} from './files.ts'
import type { FileFinder } from './find-files.ts'
import { MAX_WAIT_MS, type Processes } from './processes.ts'

const PORTS_CACHE_MS = 1_000
/** For a request with its body and its answer (AC-123). */
const DEADLINE_MS = 20_000

interface Route {
  readonly method: string
  /** How much longer than usual it may take, in milliseconds. */
  readonly patienceMs: number
  readonly pattern: RegExp
  readonly names: readonly string[]
  readonly path: string
  readonly handle: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>
}

function route(method: string, path: string, handle: Route['handle'], patienceMs = 0): Route {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
  const pattern = new RegExp(`^${path.replace(/\{\w+\}/g, '([^/]+)')}$`)
  return { method, path, names, pattern, handle, patienceMs }
}

/**
 * The HTTP API of the agent (chapter 07 section 6). Whoever reaches it through the tunnel may use it. A handler
 * that throws is answered with 500 and logged, and every request leaves one line (AC-122).
 */
export function agentApi(options: {
  readonly log: Logger
  readonly processes: Processes
  readonly home: () => string
  /** What chats are told of the workspace, and where they work in it. */
  readonly chats?: {
    readonly paths: ChatPaths
    readonly context: ChatContext
    readonly mcp: WorkspaceMcp
    readonly files: FileFinder
  }
  readonly deadlineMs?: number
}): (request: Http2ServerRequest, response: Http2ServerResponse) => void {
  const ports = cachedPorts()
  const { chats } = options
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
    route('POST', '/api/v0/write-file', (request) => writeFileBytes(request, chats?.paths)),
    route('POST', '/api/v0/edit-files', (request) => editFiles(request, chats?.paths)),
    ...(chats === undefined
      ? []
      : [
          route('GET', '/api/v0/context-config', () => ({ json: chats.context.config })),
          route('GET', '/api/v0/context/sources', async () => ({ json: await chats.context.sources() })),
          route('GET', '/api/v0/find-files', (request) => chats.files.find(request)),
          route('GET', '/api/v0/mcp/tools', () => chats.mcp.tools()),
          route('POST', '/api/v0/mcp/call-tool', (request) => chats.mcp.call(request), MCP_CALL_MS),
          route('POST', '/api/v0/context/resync', async () => ({ json: await chats.context.resync() })),
        ]),
    route('POST', '/api/v0/processes/start', (request) => options.processes.start(request)),
    route('GET', '/api/v0/processes/list', (request) => options.processes.list(request)),
    route(
      'GET',
      '/api/v0/processes/{id}/output',
      (request) => options.processes.output(request),
      MAX_WAIT_MS,
    ),
    route('POST', '/api/v0/processes/{id}/signal', (request) => options.processes.signal(request)),
  ]
  return (request, response) => {
    void answer(routes, request, response, options.log, options.deadlineMs ?? DEADLINE_MS)
  }
}

async function answer(
  routes: readonly Route[],
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  log: Logger,
  deadlineMs: number,
): Promise<void> {
  const started = performance.now()
  const startedAt = Date.now()
  const [path = '/', search = ''] = request.url.split('?', 2)
  const ended = new AbortController()
  const sent = new Promise<void>((resolve) => {
    // The response itself says so only when the caller has ended its side too.
    response.stream.on('finish', resolve)
    response.on('close', () => {
      if (!response.writableEnded) ended.abort('the caller has left')
      resolve()
    })
  })
  request.on('error', () => undefined)
  let route = 'UNKNOWN'
  let params: Record<string, string> = {}
  let failure: string | undefined
  let deadline: NodeJS.Timeout | undefined
  try {
    const found = routes.find((one) => one.method === request.method && one.pattern.test(path))
    if (found === undefined) throw new AgentApiError(404, `the agent has no ${request.method} ${path}`)
    route = found.path
    const values = found.pattern.exec(path)?.slice(1) ?? []
    params = Object.fromEntries(found.names.map((name, i) => [name, decoded(values[i] ?? '')]))
    const late = new Promise<never>((_resolve, reject) => {
      deadline = setTimeout(() => {
        ended.abort('the deadline has passed')
        reject(new AgentApiError(503, 'The agent did not answer in time. Try again.'))
        if (response.headersSent) response.stream.close()
      }, deadlineMs + found.patienceMs)
    })
    const result = await Promise.race([
      found.handle({
        params,
        query: new URLSearchParams(search),
        headers: request.headers,
        body: (limit) => readBody(request, limit),
        signal: ended.signal,
      }),
      late,
    ])
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
  await sent
  clearTimeout(deadline)
  // What the caller still sends is for nobody.
  if (ended.signal.aborted) response.stream.close()
  const status = response.statusCode
  logRequestLine(
    log,
    { method: request.method, status, startedAt, ms: performance.now() - started },
    clientMembers({
      host: request.authority,
      httpVersion: request.httpVersion,
      remoteAddress: 'tunnel',
      userAgent: request.headers['user-agent'],
    }) +
      targetMembers({ target: request.url, route, params }) +
      logMember('cause', ended.signal.aborted ? String(ended.signal.reason) : undefined) +
      logMember('response_body', status >= 500 ? failure : undefined),
  )
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
