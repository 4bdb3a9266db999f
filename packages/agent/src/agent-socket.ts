import { chmod, lstat, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import path from 'node:path'

import { describeError, type Logger } from '@slipway/request-log'
import { type ControlPlane, ControlPlaneError } from './control-plane.ts'

const MAX_BODY = 16_384
const MAX_CALLERS = 64

/**
 * A socket by which programs of the workspace speak to its agent without a session of a user, such as an MCP server that
 * reports what an assistant does (OA-96). It speaks HTTP: `GET /` says whose agent it is, `PATCH /app-status` passes a
 * report on to the control plane. Only the account of the workspace can open it.
 */
export class AgentSocket implements AsyncDisposable {
  readonly #server: Server
  readonly #path: string
  readonly #controlPlane: ControlPlane
  readonly #log: Logger

  private constructor(socket: string, controlPlane: ControlPlane, log: Logger) {
    this.#path = socket
    this.#controlPlane = controlPlane
    this.#log = log
    this.#server = createServer((request, response) => {
      void this.#serve(request, response)
    })
    this.#server.maxConnections = MAX_CALLERS
    this.#server.on('error', (error) =>
      log.warn('programs cannot reach the agent', { error: describeError(error) }),
    )
  }

  /** Listens at a path; a socket that nobody serves any more gives way. */
  static async open(socket: string, controlPlane: ControlPlane, log: Logger): Promise<AgentSocket> {
    const opened = new AgentSocket(socket, controlPlane, log)
    const left = await lstat(socket).catch(() => undefined)
    if (left?.isSocket() === true && !(await isServed(socket))) await rm(socket, { force: true })
    await new Promise<void>((resolve) => {
      // Without the socket the workspace works all the same.
      opened.#server.once('error', () => resolve())
      opened.#server.listen(socket, () => resolve())
    })
    if (opened.#server.listening) await chmod(socket, 0o600).catch(() => undefined)
    return opened
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response)
    } catch (error) {
      const status = error instanceof ControlPlaneError && error.status < 500 ? error.status : 502
      this.#log.debug('a program could not report', { error: describeError(error) })
      send(response, status, { message: error instanceof Error ? error.message : 'the agent has failed' })
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = `${request.method} ${request.url}`
    if (asked === 'GET /') return send(response, 200, { message: 'The agent of the workspace.' })
    if (asked !== 'PATCH /app-status') return send(response, 404, { message: `there is no ${asked} here` })
    const body = await read(request)
    if (body === undefined)
      return send(response, 400, { message: 'the body must be a JSON object of at most 16 KiB' })
    send(response, 200, await this.#controlPlane.appStatus(body))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
    await rm(this.#path, { force: true })
  }
}

/** Where the socket is: where the template wants it, else with the agent's own files. */
export function agentSocketPath(inherited: NodeJS.ProcessEnv, stateDirectory: string): string {
  return inherited.CODER_AGENT_SOCKET_PATH || path.join(stateDirectory, 'agent.sock')
}

function isServed(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}

async function read(request: IncomingMessage): Promise<object | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    // What is too long is read to its end, so that its sender hears why it was refused.
    if (size <= MAX_BODY) chunks.push(bytes)
  }
  if (size > MAX_BODY) return undefined
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? body : undefined
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body ?? {})
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(text)
}
