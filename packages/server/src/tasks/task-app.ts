import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

import { type Static, type TSchema, Type } from 'typebox'
import { Check } from 'typebox/value'

import { type TaskLogEntry, TaskLogSnapshot } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { AgentTunnels } from '../agents/index.ts'
import { ApiError, badRequest } from '../errors/index.ts'

/** How long the app is dialled (WS-258), in milliseconds. */
const DIAL_MS = 30_000
/** How long its answer may take: it types what it is told into a program and waits until that shows. */
const ANSWER_MS = 60_000
/** More than a long conversation; a program that answers without end must not fill the memory. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
const MAX_REASON = 512

const Status = Type.Object({ status: Type.String() })
const Accepted = Type.Object({ ok: Type.Boolean() })

/** The program that carries out a task, spoken to by the AgentAPI through the tunnel of its agent. */
export class TaskApp {
  readonly #tunnels: AgentTunnels
  readonly #agentId: string
  readonly #url: URL

  /** @throws ApiError 400 for an app that is not spoken to by plain HTTP. */
  constructor(tunnels: AgentTunnels, agentId: string, url: string) {
    this.#tunnels = tunnels
    this.#agentId = agentId
    const parsed = URL.parse(url)
    if (parsed?.protocol !== 'http:')
      throw badRequest('The app of the task must have a URL that begins with http.', {
        detail: `Its URL is ${JSON.stringify(url)}. Correct it in the template and restart the workspace.`,
      })
    this.#url = parsed
  }

  /** Whether it waits for input. @throws ApiError 502. */
  async isReady(): Promise<boolean> {
    return (await this.#ask('GET', 'status', Status)).status === 'stable'
  }

  /** Tells it something. @throws ApiError 502 when it does not take it. */
  async say(content: string): Promise<void> {
    const { ok } = await this.#ask('POST', 'message', Accepted, { content, type: 'user' })
    if (!ok) throw refused('it did not accept the message')
  }

  /** All that was said. @throws ApiError 502. */
  async messages(): Promise<TaskLogEntry[]> {
    return logsOf(await this.#ask('GET', 'messages', TaskLogSnapshot))
  }

  async #ask<Answer extends TSchema>(
    method: 'GET' | 'POST',
    path: string,
    schema: Answer,
    body?: object,
  ): Promise<Static<Answer>> {
    const stream = await this.#dial()
    let answer: unknown
    try {
      const signal = AbortSignal.timeout(ANSWER_MS)
      const response = await this.#send(stream, signal, method, path, body)
      const bytes = await contentOf(response)
      if (response.statusCode !== 200)
        throw new Error(
          `its status is ${response.statusCode}: ${bytes.toString('utf8').slice(0, MAX_REASON)}`,
        )
      answer = JSON.parse(bytes.toString('utf8'))
    } catch (error) {
      throw refused(error instanceof Error ? error.message : String(error), error)
    } finally {
      stream.destroy()
    }
    if (!Check(schema, answer))
      throw refused(`it answered ${path} with something else than the AgentAPI says`)
    return answer
  }

  async #dial(): Promise<Duplex> {
    const host = this.#url.hostname === 'localhost' ? '127.0.0.1' : this.#url.hostname
    const tunnel = await this.#tunnels.get(this.#agentId)
    try {
      const port = this.#url.port === '' ? '80' : this.#url.port
      return await tunnel.connect(`${host}:${port}`, {}, AbortSignal.timeout(DIAL_MS))
    } catch (error) {
      throw new ApiError(502, 'The app of the task cannot be reached.', {
        detail: `Nothing answers on ${this.#url.host} in the workspace (${describeError(error)}). Look into the logs of its agent.`,
        cause: error,
      })
    }
  }

  #send(
    stream: Duplex,
    signal: AbortSignal,
    method: string,
    path: string,
    body: object | undefined,
  ): Promise<IncomingMessage> {
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    return new Promise((resolve, reject) => {
      const request = httpRequest({
        method,
        path: `${this.#url.pathname.replace(/\/$/, '')}/${path}${this.#url.search}`,
        headers: {
          host: this.#url.host,
          accept: 'application/json',
          connection: 'close',
          ...(content === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': content.length }),
        },
        createConnection: () => stream,
        signal,
      })
      request.once('response', resolve)
      request.once('error', reject)
      request.end(content)
    })
  }
}

/** Messages of the AgentAPI as lines of a log: what people said is input (WS-250). */
export function logsOf({ messages }: TaskLogSnapshot): TaskLogEntry[] {
  return messages.map(({ id, content, role, time }) => ({
    id,
    content,
    type: role === 'user' ? 'input' : 'output',
    time,
  }))
}

async function contentOf(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response) {
    const bytes: Buffer = part
    size += bytes.length
    if (size > MAX_ANSWER_BYTES) throw new Error('its answer is too long')
    parts.push(bytes)
  }
  return Buffer.concat(parts)
}

function refused(reason: string, cause?: unknown): ApiError {
  return new ApiError(502, 'The app of the task did not do what it was asked.', {
    detail: `In the workspace, ${reason}.`,
    cause,
  })
}
