import { setTimeout as delay } from 'node:timers/promises'

import type {
  AgentAppHealthReport,
  AgentConnectionReport,
  AgentLifecycleReport,
  AgentManifest,
  AgentMetadataReport,
  AgentScriptReport,
  AgentStartup,
  AgentStats,
  ExternalAuthResponse,
  PatchLogs,
  PushAgentContextRequest,
  TaskLogSnapshot,
} from '@slipway/contract'
import { backOffMs } from './back-off.ts'

const TIMEOUT_MS = 30_000
/** For an answer that waits for somebody to sign in. */
const LISTEN_MS = 240_000

/** An answer of the control plane that is no success. */
export class ControlPlaneError extends Error {
  override readonly name = 'ControlPlaneError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Reports of the agent to the control plane, over ordinary HTTP with the agent's token. */
export class ControlPlane {
  readonly url: string
  readonly #token: string

  /** @param url access URL of the control plane. */
  constructor(url: string, token: string) {
    this.url = url.replace(/\/+$/, '')
    this.#token = token
  }

  /** Headers that prove who asks. */
  get headers(): Readonly<Record<string, string>> {
    return { 'Coder-Session-Token': this.#token }
  }

  async manifest(): Promise<AgentManifest> {
    const manifest = (await this.#call('GET', 'manifest')) as Omit<AgentManifest, 'secrets'> &
      Partial<AgentManifest>
    // A replica that is still to be replaced by a newer release knows no secrets.
    return { ...manifest, secrets: manifest.secrets ?? [] }
  }

  connections(body: { readonly connections: readonly AgentConnectionReport[] }): Promise<unknown> {
    return this.#call('POST', 'connections', body)
  }

  startup(body: AgentStartup): Promise<unknown> {
    return this.#call('POST', 'startup', body)
  }

  lifecycle(body: AgentLifecycleReport): Promise<unknown> {
    return this.#call('POST', 'lifecycle', body)
  }

  metadata(body: AgentMetadataReport): Promise<unknown> {
    return this.#call('POST', 'metadata', body)
  }

  stats(body: AgentStats): Promise<{ readonly report_interval_seconds: number }> {
    return this.#call('POST', 'stats', body) as Promise<{ report_interval_seconds: number }>
  }

  appHealth(body: AgentAppHealthReport): Promise<unknown> {
    return this.#call('POST', 'app-health', body)
  }

  /** Passes on what a program of an app says of its work (AC-85); the control plane judges it. */
  appStatus(body: object): Promise<unknown> {
    return this.#call('PATCH', 'app-status', body)
  }

  /** Keeps what was said in a task (WS-259). */
  taskLog(taskId: string, body: TaskLogSnapshot): Promise<unknown> {
    return this.#call('POST', `tasks/${taskId}/log-snapshot?format=agentapi`, body)
  }

  scriptCompleted(body: AgentScriptReport): Promise<unknown> {
    return this.#call('POST', 'script-completed', body)
  }

  chatContext(body: PushAgentContextRequest): Promise<unknown> {
    return this.#call('POST', 'chat-context', body)
  }

  logs(body: PatchLogs): Promise<unknown> {
    return this.#call('PATCH', 'logs', body)
  }

  gitSshKey(): Promise<{ readonly public_key: string; readonly private_key: string }> {
    return this.#call('GET', 'gitsshkey') as Promise<{ public_key: string; private_key: string }>
  }

  /** A token of the owner for an address, or the page to get one on; with `listen` it waits for one (ID-192). */
  externalAuth(
    query: {
      readonly match: string
      readonly listen?: 'true'
      readonly git_branch?: string
      readonly git_remote_origin?: string
      readonly chat_id?: string
    },
    signal: AbortSignal,
  ): Promise<ExternalAuthResponse> {
    const patience = AbortSignal.timeout(query.listen === undefined ? TIMEOUT_MS : LISTEN_MS)
    return this.#call(
      'GET',
      `external-auth?${new URLSearchParams(query)}`,
      undefined,
      AbortSignal.any([signal, patience]),
    ) as Promise<ExternalAuthResponse>
  }

  async #call(
    method: string,
    name: string,
    body?: object,
    signal = AbortSignal.timeout(TIMEOUT_MS),
  ): Promise<unknown> {
    const response = await fetch(`${this.url}/api/v2/workspaceagents/me/${name}`, {
      method,
      headers: { ...this.headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    })
    const text = await response.text()
    if (!response.ok) throw new ControlPlaneError(response.status, messageOf(text, response.status))
    return text === '' ? undefined : JSON.parse(text)
  }
}

function messageOf(text: string, status: number): string {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'message' in body) return String(body.message)
  } catch {
    // Not ours; the status says enough.
  }
  return `the control plane answered ${status}`
}

/**
 * Repeats `work` until it succeeds, with a pause of {@link backOffMs} between attempts.
 *
 * @throws what `work` threw last, once `signal` is aborted.
 */
export async function untilSuccess<T>(
  work: () => Promise<T>,
  options: {
    readonly signal: AbortSignal
    readonly onFailure: (error: unknown, waitMs: number) => void
  },
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work()
    } catch (error) {
      if (options.signal.aborted) throw error
      const wait = backOffMs(failures)
      options.onFailure(error, wait)
      try {
        await delay(wait, undefined, { signal: options.signal })
      } catch {
        throw error
      }
    }
  }
}
