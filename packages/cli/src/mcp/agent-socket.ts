import { type IncomingMessage, request } from 'node:http'

import type { Report } from './task-reports.ts'

const TIMEOUT_MS = 30_000
const MAX_ANSWER_BYTES = 65_536

/** The agent of the workspace that this program runs in (OA-96). */
export class AgentSocket {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** Whether the agent answers. */
  async isReachable(): Promise<boolean> {
    return this.#ask('GET', '/').then(
      () => true,
      () => false,
    )
  }

  /** Has the agent report how the task of an app stands. @throws Error with the reason when it cannot. */
  async report(appSlug: string, { state, summary, link }: Report): Promise<void> {
    await this.#ask('PATCH', '/app-status', { app_slug: appSlug, state, message: summary, uri: link })
  }

  #ask(method: string, path: string, body?: object): Promise<void> {
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.#path,
          method,
          path,
          headers: { 'content-type': 'application/json' },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        },
        (response) => {
          textOf(response).then((answer) => {
            if (response.statusCode === 200) resolve()
            else reject(new Error(messageOf(answer) ?? `the agent answers ${response.statusCode}`))
          }, reject)
        },
      )
      sent.on('error', reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

/** @throws Error for one that is too long to be the agent's. */
async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > MAX_ANSWER_BYTES) throw new Error('the answer is not one of the agent')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function messageOf(answer: string): string | undefined {
  try {
    const body: unknown = JSON.parse(answer)
    return typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : undefined
  } catch {
    return undefined
  }
}
